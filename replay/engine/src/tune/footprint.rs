//! The peaks of many designs in one pass through a trace.

use std::ops::ControlFlow;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heaprace_allocators::PageSize;
use heaprace_allocators::family::{Allocator, Design, Search, Tried, TryError, Use};

use crate::program::{CompileError, OpKind, PackedOp, Program};

/// The most memory that the heaps of a pass and their tables may take.
const PASS_BYTES: usize = 1 << 30;

/// A design whose heap becomes this much larger than the flagship's is given up: nobody would take it, and its pages are memory.
const HOPELESS: usize = 3;

/// A design that takes this many times the flagship's time is given up, too: some sweep before each growth, and take time in
/// proportion to the square of the heap if its pages are small.
const TOO_SLOW: u32 = 30;

/// Less than this time is never too slow.
const SHORT: Duration = Duration::from_millis(20);

/// What a design needs for a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Footprint {
    /// The design.
    pub design: Design,
    /// Pages of its heap at the end, which are its peak, as heaps do not shrink: exact. `None` if they are more than three
    /// times the flagship's, or more than a heap may have, or if it takes more than thirty times the flagship's time.
    pub peak_pages: Option<u64>,
    /// Its pages after half of the events.
    pub half_pages: Option<u64>,
    /// Its time, without the program's own accesses and with decisions that are looked up: an estimate.
    pub ns_per_op: f64,
}

/// Why there are no footprints.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// The trace cannot be read again.
    #[error(transparent)]
    Trace(#[from] CompileError),
    /// A heap cannot be reserved.
    #[error(transparent)]
    Try(#[from] TryError),
}

/// Runs these designs over a program, and calls `done` with the number of designs that are done. When `interrupt` is set,
/// those that are done are returned.
///
/// A pass through the program serves as many designs as fit into a GiB. The designs' heaps are limited to three times the
/// flagship's peak, and to `limit_pages`.
///
/// # Errors
///
/// If the trace cannot be read again, or there is no address space.
pub fn footprints(
    program: &Program,
    designs: &[Design],
    page: PageSize,
    limit_pages: usize,
    interrupt: &AtomicBool,
    mut done: impl FnMut(usize),
) -> Result<Vec<Footprint>, TuneError> {
    let mut search = Search::begin();
    let flagship = pass(&mut search, program, &[Design::FLAGSHIP], page, limit_pages, Duration::MAX, interrupt)?;
    let peak_pages = flagship.first().and_then(|flagship| flagship.peak_pages);
    let most_pages = peak_pages.map_or(limit_pages, |pages| (pages as usize * HOPELESS).min(limit_pages));
    let time_ns = flagship.first().map_or(0.0, |flagship| flagship.ns_per_op) * program.events() as f64;
    let most_time = SHORT.max(Duration::from_nanos(time_ns as u64) * TOO_SLOW);
    let bytes = most_pages.saturating_mul(page.bytes()) + program.slots() * size_of::<*mut u8>();
    let group = (PASS_BYTES / bytes.max(1)).clamp(1, 64);
    let mut all = Vec::with_capacity(designs.len());
    for designs in designs.chunks(group) {
        let passed = pass(&mut search, program, designs, page, most_pages, most_time, interrupt)?;
        if interrupt.load(Ordering::Relaxed) {
            break;
        }
        all.extend(passed);
        done(all.len());
    }
    Ok(all)
}

/// A design on its way through a program.
struct Runner {
    tried: Tried,
    slots: Vec<*mut u8>,
    half_pages: Option<u64>,
    time: Duration,
    refused: bool,
}

/// One pass, for all of these designs.
fn pass(
    search: &mut Search,
    program: &Program,
    designs: &[Design],
    page: PageSize,
    limit_pages: usize,
    most_time: Duration,
    interrupt: &AtomicBool,
) -> Result<Vec<Footprint>, TuneError> {
    let runner = |design: &Design| {
        let tried = Tried::new(*design, page, limit_pages)?;
        let slots = vec![ptr::null_mut(); program.slots()];
        Ok(Runner { tried, slots, half_pages: None, time: Duration::ZERO, refused: false })
    };
    let mut runners = designs.iter().map(runner).collect::<Result<Vec<Runner>, TryError>>()?;
    let half = program.events() / 2;
    let _ = program.each_stretch(&mut |stretch| {
        if interrupt.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        let before = stretch.events_before();
        let until_half = half.checked_sub(before).filter(|&events| events < stretch.events());
        let (first, rest) = stretch.ops().split_at(words_of(stretch.ops(), until_half.unwrap_or(0)));
        for runner in runners.iter_mut().filter(|runner| !runner.refused) {
            runner.run(search, first);
            if until_half.is_some() && !runner.refused {
                runner.half_pages = Some(runner.tried.pages() as u64);
            }
            runner.run(search, rest);
            runner.refused |= runner.time > most_time;
        }
        ControlFlow::Continue(())
    })?;
    let events = program.events().max(1) as f64;
    let footprint = |runner: &Runner| Footprint {
        design: *runner.tried.design(),
        peak_pages: (!runner.refused).then(|| runner.tried.pages() as u64),
        half_pages: runner.half_pages,
        ns_per_op: runner.time.as_nanos() as f64 / events,
    };
    Ok(runners.iter().map(footprint).collect())
}

/// The words of the first `events` operations.
fn words_of(ops: &[PackedOp], events: u64) -> usize {
    let mut words = 0;
    for _ in 0..events {
        words += if ops.get(words).is_some_and(|op| op.kind() == OpKind::Realloc) { 2 } else { 1 };
    }
    words.min(ops.len())
}

impl Runner {
    fn run(&mut self, search: &mut Search, ops: &[PackedOp]) {
        if self.refused || ops.is_empty() {
            return;
        }
        let begun = Instant::now();
        self.refused = search.with(&mut self.tried, Ops { ops, slots: &mut self.slots }).is_break();
        self.time += begun.elapsed();
    }
}

/// Operations, and the blocks of the slots.
struct Ops<'o> {
    ops: &'o [PackedOp],
    slots: &'o mut [*mut u8],
}

impl Use for Ops<'_> {
    type Output = ControlFlow<()>;

    /// Makes the requests, without a byte written into any block. A break if one is refused.
    fn run(self, allocator: &mut impl Allocator) -> ControlFlow<()> {
        let mut ops = self.ops.iter();
        while let Some(&op) = ops.next() {
            let slot = &mut self.slots[op.slot()];
            let block = match op.kind() {
                OpKind::Alloc => allocator.alloc(op.layout()),
                OpKind::AllocZeroed => allocator.alloc_zeroed(op.layout()),
                OpKind::Dealloc => {
                    // SAFETY: a program frees a block that it has allocated into this slot, with its layout, and no
                    // request before was refused.
                    unsafe { allocator.dealloc(*slot, op.layout()) };
                    continue;
                }
                OpKind::Realloc => {
                    let Some(&old) = ops.next() else { return ControlFlow::Continue(()) };
                    // SAFETY: as above; the size is that of a layout.
                    unsafe { allocator.realloc(*slot, op.old_layout(old), op.layout().size()) }
                }
            };
            if block.is_null() {
                return ControlFlow::Break(());
            }
            *slot = block;
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use heaprace_allocators::family::{SegregatedDesign, Spacing, SweepAfter, SweptDesign};
    use heaprace_traces::Source;

    use super::*;

    fn program(text: &str) -> Program {
        Program::load(&Source::from_bytes("test.csv", text.as_bytes())).unwrap()
    }

    fn pages(text: &str, designs: &[Design], limit_pages: usize) -> Vec<[Option<u64>; 2]> {
        let never = AtomicBool::new(false);
        let all = footprints(&program(text), designs, PageSize::WASM, limit_pages, &never, |_| {}).unwrap();
        all.iter().map(|one| [one.half_pages, one.peak_pages]).collect()
    }

    #[test]
    fn the_pages_are_those_after_half_of_the_events_and_at_the_end() {
        let text = "op,id,size,align\nalloc,1,60000,8\nrealloc,1,120000\nalloc,2,60000,8\ndealloc,2\nalloc,3,60000,8\ndealloc,3\n";
        let classic = Design::Segregated(SegregatedDesign::CLASSIC);
        let lists = Design::Segregated(SegregatedDesign { keeps_large: true, ..SegregatedDesign::CLASSIC });
        // The classic does not use 60,000 bytes again.
        assert_eq!(pages(text, &[classic, lists], 100), [[Some(3), Some(4)], [Some(3), Some(3)]]);
    }

    #[test]
    fn a_design_whose_heap_does_not_fit_has_no_peak() {
        let text: String = (1..40).map(|id| format!("alloc,{id},60000,8\ndealloc,{id}\n")).collect();
        let text = format!("op,id,size,align\n{text}");
        let classic = Design::Segregated(SegregatedDesign::CLASSIC);
        assert_eq!(pages(&text, &[classic, Design::FLAGSHIP], 100), [[None, None], [Some(1), Some(1)]]);
        assert_eq!(pages(&text, &[Design::FLAGSHIP], 0), [[None, None]]);
    }

    #[test]
    fn a_search_that_is_stopped_gives_what_it_has() {
        let text = "op,id,size,align\nalloc,1,60000,8\n";
        let stopped = AtomicBool::new(true);
        let all = footprints(&program(text), &[Design::FLAGSHIP], PageSize::WASM, 100, &stopped, |_| {}).unwrap();
        assert!(all.is_empty());
    }

    /// The peaks of a library trace, by designs, and by the contenders that are compiled with the same decisions.
    #[test]
    fn a_design_has_the_peak_of_the_compiled_member() {
        use crate::comparison::{ComparisonPlan, compare};
        use crate::contender::{Contender, TouchPolicy};
        use crate::time::rounds::Rounds;

        let classic = SegregatedDesign::CLASSIC;
        let design = Design::Segregated;
        let compiled = [
            ("swept-bump", Design::FLAGSHIP),
            ("segregated-bump-lists", design(SegregatedDesign { keeps_large: true, ..classic })),
            (
                "segregated-bump-fit",
                design(SegregatedDesign {
                    classes: Spacing::FourSteps(40),
                    keeps_large: true,
                    splits: true,
                    top_takes_frees: true,
                    ..classic
                }),
            ),
        ];
        for name in ["template-serverless", "wasm-interpreter", "graph-layout"] {
            let source = Source::locate(name).unwrap();
            let program = Program::load(&source).unwrap();
            let designs = compiled.map(|(_, design)| design);
            let never = AtomicBool::new(false);
            let found = footprints(&program, &designs, PageSize::WASM, 4096, &never, |_| {}).unwrap();
            let rounds = Rounds { count: 0, seed: 1, touch: TouchPolicy::All, page: PageSize::WASM, limit_pages: 4096 };
            let contenders = compiled.map(|(name, _)| Contender::named(name).unwrap()).to_vec();
            let results = compare(&source, &ComparisonPlan::of(contenders, rounds), |_| {}).unwrap();
            for (footprint, (contender, _)) in found.iter().zip(compiled) {
                let row = results.contenders.iter().find(|row| row.name == contender).unwrap();
                let peak = row.memory.known().map(|memory| memory.peak_heap_pages);
                // One that needs three times the flagship's pages is given up.
                let flagship = found[0].peak_pages.unwrap();
                assert_eq!(footprint.peak_pages, peak.filter(|&pages| pages <= 3 * flagship), "{contender} on {name}");
            }
        }
        // The checker is one: another design has another peak.
        let other = Design::Swept(SweptDesign { bins: 16, window_bytes: 2048, sweeps: SweepAfter::Part(2) });
        let program = Program::load(&Source::locate("template-serverless").unwrap()).unwrap();
        let never = AtomicBool::new(false);
        let found = footprints(
            &program,
            &[Design::FLAGSHIP, other],
            PageSize::from_bytes(256).unwrap(),
            1 << 20,
            &never,
            |_| {},
        )
        .unwrap();
        assert_ne!(found[0].peak_pages, found[1].peak_pages);
    }
}
