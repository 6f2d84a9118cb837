//! Child processes: their samples arrive, and every failure of a child becomes a row with its reason.

use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use heaprace::contender::{Contender, TouchPolicy};
use heaprace::lane::LaneError;
use heaprace::limits::{Limits, Stop};
use heaprace::time::process::MakeChild;
use heaprace::time::process::{self, ChildRequest, Task, TraceLocation};
use heaprace::time::race::{self, Race, Timing};
use heaprace::time::rounds::Rounds;
use heaprace::time::sample::Sample;
use heaprace_allocators::PageSize;
use heaprace_reports::results::Rigor;
use heaprace_reports::results::{Figure, Reason};

use crate::replay_child;

const TRACE: &str = "repeated-growth";

const ROUNDS: Rounds =
    Rounds { count: 3, seed: 7, touch: TouchPolicy::First, page: PageSize::WASM, limit_pages: 65_536 };

/// A shell command that reads the request and then runs `script`.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("cat > /dev/null; {script}")]);
    command
}

/// A child's answer for a contender that was timed.
const ANSWER: &str = r#"{"Ok":{"fresh":{"wall_ns":1,"processor_ns":2},"steady":{"unknown":"none"},"all":{"wall_ns":3,"processor_ns":4}}}"#;

fn events() -> u64 {
    heaprace::Program::load(&heaprace_traces::Source::locate(TRACE).unwrap()).unwrap().events()
}

fn run(rigor: Rigor, make_child: impl Fn() -> io::Result<Command>) -> Timing {
    let contenders = ["bump", "null"].map(|name| Contender::named(name).unwrap());
    let trace = TraceLocation::Library(TRACE.to_owned());
    let race = Race { trace: &trace, events: events(), contenders: &contenders, rounds: ROUNDS, rigor };
    race::run(&race, Limits::NONE, make_child, |_, _| ControlFlow::Continue(())).unwrap()
}

#[test]
fn every_contender_has_a_sample_of_every_round() {
    for (rigor, processes) in [(Rigor::Default, 3), (Rigor::Rigorous, 6)] {
        let started = AtomicUsize::new(0);
        let timing = run(rigor, || {
            started.fetch_add(1, Ordering::Relaxed);
            replay_child()
        });
        assert_eq!(started.into_inner(), processes, "{rigor:?}: three rounds of two contenders");
        for time in &timing.times {
            let time = time.known().unwrap_or_else(|| panic!("{time:?}"));
            assert_eq!((time.fresh_ns.len(), time.steady_ns.len(), time.ops), (3, 3, events()));
            assert!(time.fresh_ns.iter().chain(&time.steady_ns).all(|&ns| ns > 0));
            #[cfg(target_os = "linux")]
            assert_eq!((time.fresh_processor_ns.len(), time.steady_processor_ns.len()), (3, 3));
        }
        let times = timing.times.iter().filter_map(Figure::known);
        let sum: u64 = times.flat_map(|time| time.fresh_ns.iter().chain(&time.steady_ns)).sum();
        assert!(timing.conditions.wall_ns >= sum);
        #[cfg(target_os = "linux")]
        assert!(timing.conditions.not_pinned.is_none() && timing.conditions.processor_ns.is_some_and(|ns| ns > 0));
    }
}

/// If a child dies, the contenders after the one at fault are requested again from another process; the one at fault is
/// not.
#[cfg(unix)]
#[test]
fn a_contender_that_dies_does_not_affect_the_others() {
    let started = AtomicUsize::new(0);
    let timing = run(Rigor::Default, || {
        if started.fetch_add(1, Ordering::Relaxed) == 0 { Ok(shell("kill -9 $$")) } else { replay_child() }
    });
    let rounds: Vec<_> = timing.times.iter().map(|time| time.known().map(|time| time.fresh_ns.len())).collect();
    assert!(rounds == [None, Some(3)] || rounds == [Some(3), None], "{rounds:?}");
    assert_eq!(started.into_inner(), 4, "one child that died, and three rounds of the other contender");
}

/// Each child prints the size of its environment's padding in place of a sample.
#[cfg(unix)]
#[test]
fn environments_differ_from_child_to_child_and_not_from_run_to_run() {
    let sizes = || {
        let sizes = Mutex::new(Vec::new());
        let rounds = Rounds { count: 20, ..ROUNDS };
        let script = r#"printf '{"Ok":{"fresh":{"wall_ns":%d,"processor_ns":null},"steady":{"unknown":"none"},"all":{"wall_ns":1,"processor_ns":null}}}' "${#HEAPRACE_ENVIRONMENT_PADDING}""#;
        let trace = TraceLocation::Library(TRACE.to_owned());
        let contenders = [Contender::named("bump").unwrap()];
        let race = Race { trace: &trace, events: events(), contenders: &contenders, rounds, rigor: Rigor::Rigorous };
        let timing = race::run(
            &race,
            Limits::NONE,
            || Ok(shell(script)),
            |_, timing| {
                sizes.lock().unwrap().clone_from(&timing.times[0].known().unwrap().fresh_ns);
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        assert!(timing.times[0].known().is_some(), "{timing:?}");
        sizes.into_inner().unwrap()
    };
    let sizes = (sizes(), sizes());
    assert_eq!(sizes.0, sizes.1, "seeded");
    assert!(sizes.0.iter().all(|&bytes| bytes <= 4095));
    assert!(sizes.0.iter().collect::<HashSet<_>>().len() > 15, "{:?}", sizes.0);
}

#[cfg(unix)]
#[test]
fn every_failure_of_a_child_is_a_reason() {
    let cases: [(&str, MakeChild); 9] = [
        ("its process cannot be started: /no/such/program", || Ok(Command::new("/no/such/program"))),
        ("its process cannot be started: out of luck", || Err(io::Error::other("out of luck"))),
        ("its process died: signal: 9 (SIGKILL)", || Ok(shell("kill -9 $$"))),
        ("its process died: exit status: 3: last words", || Ok(shell("echo first >&2; echo last words >&2; exit 3"))),
        ("its process died: exit status: 1", || Ok(shell("exit 1"))),
        ("its process answered nonsense", || Ok(shell("echo the weather is fine"))),
        ("its process answered nonsense", || Ok(shell("echo '{\"Ok\":{\"fresh\":-1}}'"))),
        ("its process answered nothing", || Ok(shell("true"))),
        ("no room", || Ok(shell("echo '{\"Err\":\"no room\"}'; exit 1"))),
    ];
    for (expected, make_child) in cases {
        let timing = run(Rigor::Default, make_child);
        for time in timing.times {
            let Figure::Unknown { unknown } = time else { panic!("{expected}: {time:?}") };
            assert!(unknown.to_string().starts_with(expected), "{unknown:?} is not {expected:?}");
        }
    }
}

/// A child that does not read its request must not make the parent fail, however long the request is.
#[cfg(unix)]
#[test]
fn a_child_that_does_not_read_may_still_answer() {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec < /dev/null; echo '{ANSWER}'")]);
    let request =
        ChildRequest::new(&TraceLocation::Library("x".repeat(1 << 20)), 1, ["bump"], &ROUNDS, Task::Time { cpu: None });
    let sample: Sample = process::ask(command, &request, Limits::NONE).only().unwrap();
    assert_eq!((sample.fresh.wall_ns, sample.all.processor_ns), (1, Some(4)));
}

/// An interrupt ends a child that would take a minute, and keeps the earlier rounds.
#[cfg(unix)]
#[test]
fn an_interrupt_does_not_wait_for_a_child() {
    let interrupt = AtomicBool::new(true);
    let limits = Limits::new(&interrupt, None);
    let request =
        ChildRequest::new(&TraceLocation::Library(TRACE.to_owned()), 1, ["bump"], &ROUNDS, Task::Time { cpu: None });
    let started = Instant::now();
    // `exec` replaces the shell, so that there is one process to kill.
    let error = process::ask::<Sample>(shell("exec sleep 60"), &request, limits).only().unwrap_err();
    assert_eq!(error, Reason::Interrupted);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());

    let interrupt = AtomicBool::new(false);
    let requests = AtomicUsize::new(0);
    let make_child = || {
        if requests.fetch_add(1, Ordering::Relaxed) < 3 {
            return replay_child();
        }
        interrupt.store(true, Ordering::Relaxed);
        Ok(shell("exec sleep 60"))
    };
    let contenders = ["bump", "null"].map(|name| Contender::named(name).unwrap());
    let mut rounds = Vec::new();
    let trace = TraceLocation::Library(TRACE.to_owned());
    let race =
        Race { trace: &trace, events: events(), contenders: &contenders, rounds: ROUNDS, rigor: Rigor::Rigorous };
    let ended = race::run(&race, Limits::new(&interrupt, None), make_child, |round, timing| {
        rounds.push((round, timing.times.iter().all(|time| time.known().is_some())));
        ControlFlow::Continue(())
    });
    assert!(matches!(ended, Err(LaneError::Stopped(Stop::Interrupt))), "{ended:?}");
    assert_eq!(rounds, [(1, true)], "an incomplete round does not count");
}

/// Answers of a child before it died are kept, and the next contender gets the blame.
#[cfg(unix)]
#[test]
fn answers_before_a_death_count() {
    let request = ChildRequest::new(
        &TraceLocation::Library(TRACE.to_owned()),
        1,
        ["a", "b", "c"],
        &ROUNDS,
        Task::Time { cpu: None },
    );
    let command = shell(&format!("echo '{ANSWER}'; echo '{{\"Err\":\"not today\"}}'; echo '{{\"Ok'; kill -9 $$"));
    let answers = process::ask::<Sample>(command, &request, Limits::NONE);
    assert_eq!(answers.answers.len(), 2);
    assert!(answers.answers[0].is_ok() && answers.answers[1] == Err("not today".into()), "{answers:?}");
    assert_eq!(answers.ended.unwrap().to_string(), "its process died: signal: 9 (SIGKILL)");
}

#[test]
fn an_oversized_or_invalid_request_is_rejected() {
    let request =
        ChildRequest::new(&TraceLocation::Library("x".repeat(2 << 20)), 1, ["bump"], &ROUNDS, Task::Time { cpu: None });
    let error = process::ask::<Sample>(replay_child().unwrap(), &request, Limits::NONE).only().unwrap_err();
    assert!(error.to_string().contains("this is no request"), "{error}");
}
