//! Latency of single calls: a contender that is slow at known events is detected, with the details of its slow calls.

use std::alloc::Layout;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use heaprace::comparison::{ComparisonPlan, Progress, compare};
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::lane::Lane;
use heaprace::limits::Limits;
use heaprace::time::calls::Clock;
use heaprace::time::rounds::Rounds;
use heaprace_allocators::contenders::bump::Bump;
use heaprace_allocators::faulty::{self, Faulty};
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PAGE_BYTES, PageSize};
use heaprace_reports::results::{CallKind, Figure, Latency, Results, SlowCall};

use crate::{program, replay_child, trace_file};

/// Requests of this size are slow.
const SLOW_BYTES: usize = 776;

const LONG: Duration = Duration::from_micros(300);

/// A bump allocator that pauses at sizes of [`SLOW_BYTES`].
struct Slow {
    bump: Bump,
}

fn linger(bytes: usize) {
    let start = Instant::now();
    while bytes == SLOW_BYTES && start.elapsed() < LONG {
        std::hint::spin_loop();
    }
}

// SAFETY: the bump allocator guarantees this.
unsafe impl HeapAllocator for Slow {
    const INFO: Info = Info { name: "slow", ..Bump::INFO };

    fn create(heap: HeapRef) -> Self {
        Slow { bump: Bump::create(heap) }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        linger(layout.size());
        // SAFETY: upheld by the caller.
        unsafe { self.bump.alloc(layout) }
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        linger(layout.size());
        // SAFETY: upheld by the caller.
        unsafe { self.bump.dealloc(block, layout) }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        linger(new_size);
        // SAFETY: upheld by the caller.
        unsafe { self.bump.realloc(block, layout, new_size) }
    }
}

/// Events of every kind, with sizes that are multiples of 8, and the slow calls among them, as the results should show
/// them.
fn with_slow_calls() -> (String, Vec<SlowCall>) {
    let (mut lines, mut slow) = (String::new(), Vec::new());
    let (mut live_bytes, mut live_objects, mut top) = (0, 0, 0_u64);
    let committed = |top: u64| top.next_multiple_of(PAGE_BYTES as u64);
    let mut event = 0;
    // Bytes before and after the event, and the bytes that a bump allocator takes for it.
    let mut add = |line: String, kind, old: Option<u64>, new: Option<u64>| {
        event += 1;
        let taken = match (old, new) {
            (Some(old), Some(new)) if new <= old => 0,
            (_, new) => new.unwrap_or(0),
        };
        let size_bytes = new.or(old).unwrap();
        if size_bytes == SLOW_BYTES as u64 {
            let (committed_bytes, grown_bytes) = (committed(top), committed(top + taken) - committed(top));
            slow.push(SlowCall {
                event,
                kind,
                size_bytes,
                ns: 0.0,
                live_bytes,
                live_objects,
                committed_bytes,
                grown_bytes,
            });
        }
        live_bytes = live_bytes - old.unwrap_or(0) + new.unwrap_or(0);
        live_objects = live_objects - u64::from(old.is_some()) + u64::from(new.is_some());
        top += taken;
        lines += &line;
    };
    for id in 0..4_000 {
        let bytes = if id % 800 == 399 { SLOW_BYTES as u64 } else { 8 + id % 90 * 8 };
        let (name, kind) = if id % 2 == 0 || bytes == SLOW_BYTES as u64 && id > 2_000 {
            ("alloc", CallKind::Alloc)
        } else {
            ("alloc_zeroed", CallKind::AllocZeroed)
        };
        add(format!("{name},{id},{bytes},8\n"), kind, None, Some(bytes));
        let mut now = bytes;
        if id % 500 == 17 {
            now = SLOW_BYTES as u64;
            add(format!("realloc,{id},{now}\n"), CallKind::Realloc, Some(bytes), Some(now));
        }
        if id % 4 != 3 || id % 800 == 399 {
            // Resized or slow objects are slow again: 8 reallocs and as many deallocs; 5 allocs and as many deallocs,
            // minus 6.
            if now == SLOW_BYTES as u64 && id > 1_600 {
                now = 16;
                add(format!("realloc,{id},16\n"), CallKind::Realloc, Some(SLOW_BYTES as u64), Some(now));
            }
            add(format!("dealloc,{id}\n"), CallKind::Dealloc, Some(now), None);
        }
    }
    (lines, slow)
}

fn latency(contender: Contender, lines: &str) -> Latency {
    let program = program(lines);
    let mut lane = Lane::new(&program, 256, Guard::Batched).unwrap();
    contender.latency(&mut lane, &Clock::calibrate().unwrap(), TouchPolicy::None, Limits::NONE).unwrap()
}

#[test]
fn slow_calls_are_found_with_their_details() {
    let (lines, mut slow) = with_slow_calls();
    // As many as are shown, of every kind, and one at which the heap grows; otherwise the test would prove less than it
    // claims.
    assert_eq!(slow.len(), 19);
    for kind in [CallKind::Alloc, CallKind::AllocZeroed, CallKind::Realloc, CallKind::Dealloc] {
        assert!(slow.iter().any(|call| call.kind == kind), "{kind:?}");
    }
    let found = latency(Contender::of::<Slow>(), &lines).slowest;
    assert_eq!(found.len(), 20);
    assert!(found.is_sorted_by(|one, next| one.ns >= next.ns));
    let (mut first, rest) = (found[..slow.len()].to_vec(), &found[slow.len()..]);
    let long_ns = LONG.as_nanos() as f64;
    // The clocks agree to within a few per mille.
    assert!(first.iter().all(|call| call.ns > 0.99 * long_ns), "{found:?}");
    assert!(rest.iter().all(|call| call.ns < 0.99 * long_ns), "{found:?}");
    first.sort_unstable_by_key(|call| call.event);
    first.iter_mut().for_each(|call| call.ns = 0.0);
    slow.sort_unstable_by_key(|call| call.event);
    assert_eq!(first, slow);
}

#[test]
fn every_call_is_counted_in_its_class_and_in_total() {
    let (lines, _) = with_slow_calls();
    let kinds = lines.lines().map(|line| line.split(',').next().unwrap());
    let count_of = |name: &str| kinds.clone().filter(|&kind| kind == name).count() as u64;
    for name in ["null", "segregated-bump", "dlmalloc"] {
        let latency = latency(Contender::named(name).unwrap(), &lines);
        assert_eq!(latency.all.count, u64::from(latency.passes) * lines.lines().count() as u64);
        for (kind, name) in [
            (CallKind::Alloc, "alloc"),
            (CallKind::AllocZeroed, "alloc_zeroed"),
            (CallKind::Realloc, "realloc"),
            (CallKind::Dealloc, "dealloc"),
        ] {
            let classes = latency.by_class.iter().filter(|class| class.kind == kind);
            let calls: u64 = classes.map(|class| class.percentiles.count).sum();
            assert_eq!(calls, u64::from(latency.passes) * count_of(name), "{name}");
        }
        let all = latency.all;
        let order = [all.p50_ns, all.p90_ns, all.p99_ns, all.p999_ns, all.max_ns];
        assert!(order.is_sorted() && order[0] > 0.0, "{all:?}");
        // A call takes at least about as long as an empty one.
        assert!(all.p50_ns >= 0.5 * latency.timer.cost_ns, "{all:?} with {:?}", latency.timer);
        assert_eq!(latency.curve.last().map(|point| (point.share, point.ns)), Some((1.0, all.max_ns)));
    }
}

fn results(
    file: &str,
    change: impl FnOnce(ComparisonPlan) -> ComparisonPlan,
    mut at: impl FnMut(&ComparisonPlan, Progress<'_>),
) -> Results {
    let contenders = ["talc", "bump", "null"].map(|name| Contender::named(name).unwrap());
    let contenders = contenders.into_iter().chain([Contender::of::<Faulty<faulty::Overlap>>()]).collect();
    // Four pages: too few for a contender that does not reuse the freed block.
    let rounds = Rounds { count: 0, seed: 1, touch: TouchPolicy::First, page: PageSize::WASM, limit_pages: 4 };
    let plan = change(ComparisonPlan {
        latency: true,
        make_child: Some(replay_child),
        ..ComparisonPlan::of(contenders, rounds)
    });
    let lines =
        "alloc,0,64,8\nalloc,1,64,8\nalloc,2,64,8\nalloc,3,64,8\nalloc,4,150000,8\ndealloc,4\nalloc,5,150000,8\n";
    compare(&trace_file(file, lines), &plan, |progress| at(&plan, progress)).unwrap()
}

/// The number of timed calls of each contender, or the reason why there are none.
fn calls(results: &Results) -> Vec<String> {
    let rows = results.contenders.iter().map(|row| match &row.latency {
        Figure::Known(latency) => latency.all.count.to_string(),
        Figure::Unknown { unknown } => unknown.to_string(),
    });
    rows.collect()
}

#[test]
fn only_contenders_that_did_all_the_work_correctly_are_measured_and_only_on_request() {
    let measured = results("latency-measured.csv", |plan| plan, |_, _| {});
    let expected = ["21", "did less work: requests failed", "21", "failed verification at event 4"];
    assert_eq!(calls(&measured), expected, "without any rounds, too");
    assert!(measured.settings.latency);
    let not_asked = results("latency-not-asked.csv", |plan| ComparisonPlan { latency: false, ..plan }, |_, _| {});
    assert_eq!(calls(&not_asked), ["not asked for"; 4]);
}

#[test]
fn figures_measured_before_an_interrupt_are_kept() {
    let ended = results(
        "latency-interrupted.csv",
        |plan| plan,
        |plan, progress| {
            if matches!(progress, Progress::Further { name: "null", done: 1, all: 2, .. }) {
                plan.interrupt.store(true, Ordering::Relaxed);
            }
        },
    );
    let expected = ["21", "did less work: requests failed", "interrupted", "failed verification at event 4"];
    assert_eq!(calls(&ended), expected);
}
