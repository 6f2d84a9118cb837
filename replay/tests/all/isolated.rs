//! Fresh processes: that their samples come back, and that whatever becomes of them is a row with its reason.

use std::collections::HashSet;
use std::io;
use std::ops::ControlFlow;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use allocators::PageSize;
use replay::child::{self, Request, Task, Trace};
use replay::contender::{Contender, TouchPolicy};
use replay::isolated;
use replay::lane::LaneError;
use replay::leash::{Leash, Stop};
use replay::timing::{Rounds, Sample, Timing};
use reports::results::Figure;

const TRACE: &str = "repeated-growth";

const ROUNDS: Rounds =
    Rounds { count: 3, seed: 7, touch: TouchPolicy::First, page: PageSize::WASM, limit_pages: 65_536 };

fn replay() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg(child::VERB);
    command
}

/// A command for the shell, which reads the request and then does as it is told.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("cat > /dev/null; {script}")]);
    command
}

fn events() -> u64 {
    replay::Program::load(&traces::Source::locate(TRACE).unwrap()).unwrap().events()
}

fn run(make_child: impl Fn() -> io::Result<Command>) -> Timing {
    let contenders = ["bump", "null"].map(|name| Contender::named(name).unwrap());
    let trace = Trace::Library(TRACE.to_owned());
    isolated::run(&trace, events(), &contenders, ROUNDS, Leash::LOOSE, make_child, |_, _| ControlFlow::Continue(()))
        .unwrap()
}

#[test]
fn every_contender_has_a_sample_of_every_round() {
    let timing = run(|| Ok(replay()));
    for time in &timing.times {
        let time = time.known().unwrap_or_else(|| panic!("{time:?}"));
        assert_eq!((time.cold_ns.len(), time.warm_ns.len(), time.ops), (3, 3, events()));
        assert!(time.cold_ns.iter().chain(&time.warm_ns).all(|&ns| ns > 0));
    }
    let sum: u64 =
        timing.times.iter().filter_map(Figure::known).flat_map(|time| time.cold_ns.iter().chain(&time.warm_ns)).sum();
    assert!(timing.conditions.wall_ns >= sum);
    #[cfg(target_os = "linux")]
    assert!(timing.conditions.not_pinned.is_none() && timing.conditions.processor_ns.is_some_and(|ns| ns > 0));
}

/// Each child prints the size of its environment's padding where the first of it should be a sample.
#[cfg(unix)]
#[test]
fn environments_differ_from_child_to_child_and_not_from_run_to_run() {
    let sizes = || {
        let sizes = Mutex::new(Vec::new());
        let rounds = Rounds { count: 20, ..ROUNDS };
        let script = r#"printf '{"Ok":{"cold_ns":%d,"warm_ns":1,"wall_ns":1,"processor_ns":null}}' "${#HEAPRACE_ENVIRONMENT_PADDING}""#;
        let timing = isolated::run(
            &Trace::Library(TRACE.to_owned()),
            events(),
            &[Contender::named("bump").unwrap()],
            rounds,
            Leash::LOOSE,
            || Ok(shell(script)),
            |_, timing| {
                sizes.lock().unwrap().clone_from(&timing.times[0].known().unwrap().cold_ns);
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
fn whatever_becomes_of_a_child_is_a_reason() {
    let cases: [(&str, isolated::MakeChild); 8] = [
        ("its process cannot be begun: /no/such/program", || Ok(Command::new("/no/such/program"))),
        ("its process cannot be begun: out of luck", || Err(io::Error::other("out of luck"))),
        ("its process died: signal: 9 (SIGKILL)", || Ok(shell("kill -9 $$"))),
        ("its process died: exit status: 3: last words", || Ok(shell("echo first >&2; echo last words >&2; exit 3"))),
        ("its process died: exit status: 1", || Ok(shell("exit 1"))),
        ("its process answered nonsense", || Ok(shell("echo the weather is fine"))),
        ("its process answered nonsense", || Ok(shell("echo '{\"Ok\":{\"cold_ns\":-1}}'"))),
        ("no room", || Ok(shell("echo '{\"Err\":\"no room\"}'; exit 1"))),
    ];
    for (expected, make_child) in cases {
        let timing = run(make_child);
        for time in timing.times {
            let Figure::Unknown { unknown } = time else { panic!("{expected}: {time:?}") };
            assert!(unknown.starts_with(expected), "{unknown:?} is not {expected:?}");
        }
    }
}

/// Who does not read its request must not make the parent fail, however long the request is.
#[cfg(unix)]
#[test]
fn a_child_that_does_not_listen_may_still_answer() {
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec < /dev/null; echo '{"Ok":{"cold_ns":1,"warm_ns":2,"wall_ns":3,"processor_ns":4}}'"#]);
    let request = Request::new(&Trace::Library("x".repeat(1 << 20)), 1, "bump", &ROUNDS, Task::Time { cpu: None });
    let sample: Sample = child::ask(command, &request, Leash::LOOSE).unwrap();
    assert_eq!((sample.cold_ns, sample.processor_ns), (1, Some(4)));
}

/// A child that would take a minute does not, where the user has had enough, and the rounds of before are not lost by it.
#[cfg(unix)]
#[test]
fn who_is_interrupted_does_not_wait_for_a_child() {
    let interrupt = AtomicBool::new(true);
    let leash = Leash::new(&interrupt, None);
    let request = Request::new(&Trace::Library(TRACE.to_owned()), 1, "bump", &ROUNDS, Task::Time { cpu: None });
    let begun = Instant::now();
    // The shell becomes what it runs, so that there is one process to kill.
    let error = child::ask::<Sample>(shell("exec sleep 60"), &request, leash).unwrap_err();
    assert_eq!(error, "interrupted");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());

    let interrupt = AtomicBool::new(false);
    let asked = AtomicUsize::new(0);
    let make_child = || {
        if asked.fetch_add(1, Ordering::Relaxed) < 3 {
            return Ok(replay());
        }
        interrupt.store(true, Ordering::Relaxed);
        Ok(shell("exec sleep 60"))
    };
    let contenders = ["bump", "null"].map(|name| Contender::named(name).unwrap());
    let mut rounds = Vec::new();
    let ended = isolated::run(
        &Trace::Library(TRACE.to_owned()),
        events(),
        &contenders,
        ROUNDS,
        Leash::new(&interrupt, None),
        make_child,
        |round, timing| {
            rounds.push((round, timing.times.iter().all(|time| time.known().is_some())));
            ControlFlow::Continue(())
        },
    );
    assert!(matches!(ended, Err(LaneError::Stopped(Stop::Interrupt))), "{ended:?}");
    assert_eq!(rounds, [(1, true)], "the round that was cut short is none");
}

#[test]
fn a_request_that_is_too_long_or_none_is_refused() {
    let request = Request::new(&Trace::Library("x".repeat(2 << 20)), 1, "bump", &ROUNDS, Task::Time { cpu: None });
    let error = child::ask::<Sample>(replay(), &request, Leash::LOOSE).unwrap_err();
    assert!(error.contains("this is no request"), "{error}");
}
