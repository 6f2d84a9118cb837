//! Reasons to distrust the timings, derived from observed conditions. METHODOLOGY.md explains each code.
//!
//! If nothing was timed, the only warning is that something is missing: memory figures are exact on any machine, in any
//! build.

use heaprace_reports::numbers::{count, grouped};
use heaprace_reports::results::{BuildProfile, Figure, Reason, Results, Warning, WarningCode};
use heaprace_reports::stats::{ROUNDS_FOR_95, Regime, floor, median, spread};

use crate::time::conditions::Conditions;

/// The floor does the same work in every round, so a wider spread of the middle half of its samples comes from the
/// machine. Differences of 5 % between contenders must be detectable.
pub const WIDEST_FLOOR_SPREAD: f64 = 0.05;

/// A thread that waits for a processor for a larger share of its time shares the processor with other programs.
pub const MOST_WAITING: f64 = 0.02;

/// Maximum share of all processors' time that the host of a virtual machine may take.
pub const MOST_STOLEN: f64 = 0.01;

/// Shares of a shorter time are left to chance.
const SHORTEST_JUDGED_NS: u64 = 10_000_000;

/// The same in ticks.
const FEWEST_JUDGED_TICKS: u64 = 100;

/// Minimum clock steps per sample, so that rounding to a step is at most 0.1 %.
pub const FEWEST_CLOCK_STEPS: u64 = 1000;

/// Maximum number of missing figures that a warning names.
const MOST_NAMED: usize = 5;

/// All warnings about these results, timed under these conditions, in the order of the codes. Empty if nothing was
/// timed.
pub fn of(results: &Results, conditions: &Conditions) -> Vec<Warning> {
    let samples = || {
        let times = results.contenders.iter().filter_map(|row| row.time.known());
        times.flat_map(|time| Regime::ALL.map(|regime| regime.samples(time)))
    };
    if samples().all(<[u64]>::is_empty) {
        return Vec::new();
    }
    let noises = [floor_spread(results), waiting(conditions), stolen(conditions)];
    let noise: Vec<String> = noises.into_iter().flatten().collect();
    let messages = [
        (WarningCode::NoisyMachine, (!noise.is_empty()).then(|| noisy(&noise))),
        // A regime without samples has its own reason.
        (
            WarningCode::TooFewRounds,
            samples().map(<[u64]>::len).filter(|&rounds| rounds > 0).min().and_then(too_few_rounds),
        ),
        (WarningCode::DebugBuild, debug_build(results.provenance.profile)),
        (WarningCode::Governor, governor(&results.provenance.governor)),
        (WarningCode::TransparentHugePages, transparent_huge_pages(&results.provenance.transparent_huge_pages)),
        (
            WarningCode::TimerResolution,
            samples().flatten().min().and_then(|&shortest| timer_resolution(shortest, conditions.clock_step_ns)),
        ),
        (WarningCode::DirtyTree, dirty_tree(&results.provenance.git_revision)),
        (WarningCode::Streamed, results.settings.streamed.then(streamed)),
        (WarningCode::NotPinned, conditions.not_pinned.as_deref().map(not_pinned)),
    ];
    messages.into_iter().filter_map(|(code, message)| Some(Warning { code, message: message? })).collect()
}

/// What was asked for and could not be measured, row by row. `is_timed` says whether times were asked for.
pub fn not_measured(results: &Results, is_timed: bool, ended: &[(String, Reason)]) -> Option<Warning> {
    let mut missing: Vec<String> = Vec::new();
    let mut note = |what: &str, name: &str, reason: Option<&Reason>| {
        if let Some(reason) = reason.filter(|reason| reason.is_failure()) {
            missing.push(format!("{what} of {name}: {reason}"));
        }
    };
    for row in &results.contenders {
        let name = &row.name;
        note("memory", name, row.memory.reason());
        // A row without an examination has nothing else, for the same reason.
        if row.memory.reason().is_some_and(Reason::is_failure) {
            continue;
        }
        note("growth", name, row.memory.known().and_then(|memory| memory.growth.reason()));
        if results.settings.min_heap {
            note("minimum heap", name, row.min_heap.reason());
        }
        if is_timed {
            note("times", name, row.time.reason());
            note("steady times", name, row.time.known().and_then(|time| time.no_steady.as_ref()));
        }
        if results.settings.latency {
            note("latency", name, row.latency.reason());
        }
        if results.settings.instructions {
            note("instructions", name, row.instructions.reason());
        }
    }
    for (name, reason) in ended {
        note("later rounds", name, Some(reason));
    }
    // One sentence may be all that there is to say about all of them.
    let more = missing.len().saturating_sub(MOST_NAMED);
    missing.truncate(MOST_NAMED);
    if more > 0 {
        missing.push(format!("and {} more", grouped(more as u64)));
    }
    let message = missing.join("; ");
    (!message.is_empty()).then_some(Warning { code: WarningCode::NotMeasured, message })
}

/// Replaces the previous timing warnings. Warnings that this module does not decide stay.
pub fn refresh(warnings: &mut Vec<Warning>, decided: Vec<Warning>) {
    warnings.retain(|warning| warning.code == WarningCode::Interrupted);
    warnings.extend(decided);
    warnings.sort_by_key(|warning| warning.code);
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn noisy(observations: &[String]) -> String {
    format!("{}. Close other programs, or use an idle machine.", observations.join("; "))
}

/// Uses the floor's steady samples, which contain no page faults and no allocator.
fn floor_spread(results: &Results) -> Option<String> {
    let floor = floor(results)?;
    let samples: Vec<f64> = floor.time.known()?.steady_ns.iter().map(|&ns| ns as f64).collect();
    let share = spread(&samples)? / median(&samples).filter(|&median| median > 0.0)?;
    (share > WIDEST_FLOOR_SPREAD).then(|| {
        format!(
            "the interquartile range of the floor's steady times is {} of their median (at most {})",
            percent(share),
            percent(WIDEST_FLOOR_SPREAD)
        )
    })
}

fn waiting(conditions: &Conditions) -> Option<String> {
    let wall = Some(conditions.wall_ns).filter(|&wall| wall >= SHORTEST_JUDGED_NS)?;
    let share = wall.saturating_sub(conditions.processor_ns?) as f64 / wall as f64;
    (share > MOST_WAITING).then(|| {
        let most = percent(MOST_WAITING);
        format!("timed replays waited for a processor for {} of their time (at most {most})", percent(share))
    })
}

fn stolen(conditions: &Conditions) -> Option<String> {
    let ticks = conditions.processors.filter(|ticks| ticks.all >= FEWEST_JUDGED_TICKS)?;
    let share = ticks.stolen as f64 / ticks.all as f64;
    (share > MOST_STOLEN).then(|| {
        let most = percent(MOST_STOLEN);
        format!("the host took {} of the processors' time (steal; at most {most})", percent(share))
    })
}

fn too_few_rounds(fewest: usize) -> Option<String> {
    match fewest {
        ..=1 => Some(format!("one round gives no interval: time at least {ROUNDS_FOR_95}.")),
        rounds if rounds < ROUNDS_FOR_95 => Some(format!(
            "with {} an interval covers less than 95 %: time at least {ROUNDS_FOR_95}.",
            count(rounds as u64, "round")
        )),
        _ => None,
    }
}

fn debug_build(profile: BuildProfile) -> Option<String> {
    (profile != BuildProfile::Release).then(|| {
        format!("measured with a {profile} build, whose timings say nothing about what you ship: run with cargo run --release.")
    })
}

/// If the system does not report a governor, as in most virtual machines, the host decides, and there is nothing to
/// warn about.
fn governor(governor: &Figure<String>) -> Option<String> {
    let governor = governor.known().filter(|&governor| governor != "performance")?;
    Some(format!(
        "the frequency governor is {governor}, so the clock frequency follows the load: cpupower frequency-set -g performance fixes it."
    ))
}

/// With `madvise` only programs that request huge pages get them, and the harness does not.
fn transparent_huge_pages(policy: &Figure<String>) -> Option<String> {
    policy.known().filter(|&policy| policy == "always")?;
    Some(
        "the system uses huge pages wherever they fit. The contenders' heaps opt out, but the program's operations and slots, \
         which every row reads, may be on huge pages in one process and on small ones in the next: \
         echo madvise > /sys/kernel/mm/transparent_hugepage/enabled prevents that."
            .to_owned(),
    )
}

fn timer_resolution(shortest_ns: u64, step_ns: u64) -> Option<String> {
    let needed_ns = step_ns.saturating_mul(FEWEST_CLOCK_STEPS);
    (shortest_ns < needed_ns).then(|| {
        format!(
            "the shortest replay took {} ns, and the clock has steps of {} ns: a replay should take at least {} steps. \
             replay trace loop makes a longer trace from it.",
            grouped(shortest_ns),
            grouped(step_ns),
            grouped(FEWEST_CLOCK_STEPS),
        )
    })
}

fn dirty_tree(revision: &Figure<String>) -> Option<String> {
    let revision = revision.known()?.strip_suffix("-dirty")?;
    Some(format!(
        "built from {revision} with uncommitted changes, so the build cannot be reproduced: commit them, and build again."
    ))
}

fn streamed() -> String {
    "the trace is too long to hold in memory, and was decoded between the timed stretches, which leaves other data in \
     the caches: compare only rows of one run."
        .to_owned()
}

fn not_pinned(reason: &str) -> String {
    format!("contenders were not pinned to a processor: {reason}.")
}

#[cfg(test)]
mod tests {
    use heaprace_reports::results::{
        Contender, Reason, Role, SCHEMA_VERSION, Settings, Time, TouchPolicy, Verification,
    };

    use super::*;
    use crate::time::conditions::Ticks;

    /// Results and conditions without a warning.
    fn quiet() -> (Results, Conditions) {
        let row = |name: &str, role, steady_ns: Vec<u64>| Contender {
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            role,
            verification: Verification::Passed,
            partial: None,
            memory: Figure::unknown("not needed here"),
            min_heap: Figure::unknown("not needed here"),
            time: Figure::Known(Time { ops: 1000, fresh_ns: steady_ns.clone(), steady_ns, ..Time::default() }),
            latency: Figure::unknown("not needed here"),
            instructions: Figure::unknown("not needed here"),
        };
        let mut provenance = crate::environment::provenance();
        provenance.profile = BuildProfile::Release;
        provenance.governor = Figure::Known("performance".to_owned());
        provenance.transparent_huge_pages = Figure::Known("madvise".to_owned());
        provenance.git_revision = Figure::Known("0123456789ab".to_owned());
        let trace = serde_json::json!({
            "name": "a", "sha256": "", "origin": "unstated", "events": 1000, "allocs": 500, "reallocs": 0, "deallocs": 500,
            "allocated_bytes": 1, "peak_live_bytes": 1, "peak_live_event": 1, "peak_live_objects": 1, "left_live_objects": 0,
            "distributions": Figure::<heaprace_reports::results::Distributions>::unknown("not needed here"),
            "marks": [], "mark_count": 0, "repairs": [],
        });
        let results = Results {
            schema_version: SCHEMA_VERSION,
            provenance,
            settings: Settings {
                seed: 1,
                latency: false,
                instructions: false,
                min_heap: false,
                rounds: 6,
                rigor: heaprace_reports::results::Rigor::Quick,
                baseline: "a".to_owned(),
                budget_ns: None,
                streamed: false,
                touch: TouchPolicy::None,
                heap_limit_pages: 16,
                page_bytes: 65_536,
            },
            trace: serde_json::from_value(trace).unwrap(),
            bounds: Figure::unknown("not needed here"),
            warnings: Vec::new(),
            merged_from: Vec::new(),
            wasm: None,
            contenders: vec![
                row("a", Role::Contender, vec![9_000_000; 6]),
                row("null", Role::Floor, vec![1_000_000, 1_010_000, 1_020_000, 1_030_000, 1_040_000, 9_000_000]),
            ],
        };
        let conditions = Conditions {
            wall_ns: 1_000_000_000,
            processor_ns: Some(990_000_000),
            processors: Some(Ticks { all: 1000, stolen: 9 }),
            clock_step_ns: 30,
            not_pinned: None,
        };
        (results, conditions)
    }

    fn floor_warm(results: &mut Results) -> &mut Vec<u64> {
        let Figure::Known(time) = &mut results.contenders[1].time else { unreachable!() };
        &mut time.steady_ns
    }

    #[test]
    fn a_good_run_has_no_warning() {
        let (results, conditions) = quiet();
        assert_eq!(of(&results, &conditions), []);
    }

    /// One fault at a time, each with exactly its own code and a part of its message.
    #[test]
    fn every_fault_has_exactly_its_own_code() {
        use WarningCode::*;
        type Fault = fn(&mut Results, &mut Conditions);
        let faults: &[(WarningCode, &str, Fault)] = &[
            (NoisyMachine, "is 15.2 % of their median", |results, _| {
                *floor_warm(results) = vec![1_000_000, 1_000_000, 1_100_000, 1_200_000, 1_200_000, 1_200_000];
            }),
            (NoisyMachine, "waited for a processor for 3.0 %", |_, conditions| {
                conditions.processor_ns = Some(970_000_000);
            }),
            (NoisyMachine, "took 1.1 % of", |_, conditions| {
                conditions.processors = Some(Ticks { all: 1000, stolen: 11 });
            }),
            (TooFewRounds, "with 5 rounds", |results, _| {
                floor_warm(results).pop();
            }),
            (TooFewRounds, "no interval", |results, _| floor_warm(results).truncate(1)),
            (DebugBuild, "a debug build", |results, _| results.provenance.profile = BuildProfile::Debug),
            (Governor, "governor is powersave", |results, _| {
                results.provenance.governor = Figure::Known("powersave".to_owned());
            }),
            (TransparentHugePages, "huge pages", |results, _| {
                results.provenance.transparent_huge_pages = Figure::Known("always".to_owned());
            }),
            (TimerResolution, "took 1,000,000 ns, and the clock has steps of 1,001 ns", |_, conditions| {
                conditions.clock_step_ns = 1001;
            }),
            (DirtyTree, "built from 0123456789ab with uncommitted changes", |results, _| {
                results.provenance.git_revision = Figure::Known("0123456789ab-dirty".to_owned());
            }),
            (Streamed, "too long to hold", |results, _| results.settings.streamed = true),
            (NotPinned, "not today", |_, conditions| conditions.not_pinned = Some("not today".to_owned())),
        ];
        for (code, message, fault) in faults {
            let (mut results, mut conditions) = quiet();
            fault(&mut results, &mut conditions);
            let warnings = of(&results, &conditions);
            assert!(
                matches!(&warnings[..], [warning] if warning.code == *code && warning.message.contains(message)),
                "{code:?}, {message:?}: {warnings:?}"
            );
            assert!(!warnings[0].message.contains('`'), "a terminal shows it raw: {}", warnings[0].message);
        }
        let others = [Interrupted, Merged, NotMeasured];
        let left: Vec<_> = WarningCode::ALL.into_iter().filter(|code| !others.contains(code)).collect();
        assert!(left.iter().all(|code| faults.iter().any(|(of, ..)| of == code)), "a code without a fault");
    }

    #[test]
    fn missing_steady_times_are_not_too_few_rounds() {
        let (mut results, conditions) = quiet();
        let Figure::Known(time) = &mut results.contenders[0].time else { unreachable!() };
        time.steady_ns.clear();
        time.no_steady = Some(Reason::HeapLimitReached { loop_number: 2 });
        assert_eq!(of(&results, &conditions), []);
    }

    #[test]
    fn unknown_conditions_are_no_warning() {
        let (mut results, mut conditions) = quiet();
        results.provenance.governor = Figure::unknown("no such file");
        results.provenance.transparent_huge_pages = Figure::unknown("no such file");
        results.provenance.git_revision = Figure::unknown("built outside of a git checkout");
        conditions.processor_ns = None;
        conditions.processors = None;
        assert_eq!(of(&results, &conditions), []);
    }

    #[test]
    fn shares_of_tiny_times_are_ignored() {
        let (results, mut conditions) = quiet();
        conditions.wall_ns = 9_000_000;
        conditions.processor_ns = Some(1);
        conditions.processors = Some(Ticks { all: 99, stolen: 99 });
        assert_eq!(of(&results, &conditions), []);
    }

    #[test]
    fn without_timings_there_are_no_warnings() {
        let (mut results, conditions) = quiet();
        results.provenance.profile = BuildProfile::Debug;
        results.contenders.iter_mut().for_each(|row| row.time = Figure::unknown("timing was switched off"));
        assert_eq!(of(&results, &conditions), []);
    }

    #[test]
    fn a_refresh_replaces_only_the_timing_warnings() {
        let warning = |code| Warning { code, message: String::new() };
        let mut warnings = vec![warning(WarningCode::DebugBuild), warning(WarningCode::Interrupted)];
        refresh(&mut warnings, vec![warning(WarningCode::NotPinned), warning(WarningCode::NoisyMachine)]);
        let codes: Vec<_> = warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, [WarningCode::NoisyMachine, WarningCode::Interrupted, WarningCode::NotPinned]);
    }

    #[test]
    fn what_was_asked_for_and_is_missing_is_named_unless_it_is_an_outcome() {
        let message = |fault: &dyn Fn(&mut Results), is_timed, ended: &[(String, Reason)]| {
            let (mut results, _) = quiet();
            for row in &mut results.contenders {
                row.memory = Figure::unknown(Reason::NoMemoryHandedOut);
            }
            fault(&mut results);
            not_measured(&results, is_timed, ended).map(|warning| warning.message)
        };
        let no_counter = || Reason::NoCounter { hardware: "none".to_owned(), valgrind: "no valgrind".to_owned() };
        assert_eq!(message(&|_| {}, true, &[]), None);
        let instructions = |results: &mut Results| {
            results.settings.instructions = true;
            results.contenders.iter_mut().for_each(|row| row.instructions = Figure::unknown(no_counter()));
        };
        let found = message(&instructions, true, &[]).unwrap();
        assert!(found.starts_with("instructions of ") && found.contains("no valgrind"), "{found}");
        let died = || Reason::ProcessDied { status: "signal: 9 (SIGKILL)".to_owned() };
        let untimed = |results: &mut Results| results.contenders[0].time = Figure::unknown(died());
        assert!(message(&untimed, true, &[]).unwrap().contains("its process died: signal: 9"));
        assert_eq!(message(&untimed, false, &[]), None, "nobody asked for times");
        let outcome = |results: &mut Results| results.contenders[0].time = Figure::unknown(Reason::LessWork);
        assert_eq!(message(&outcome, true, &[]), None);
        let ended = [("talc".to_owned(), died())];
        assert!(message(&|_| {}, true, &ended).unwrap().starts_with("later rounds of talc: its process died"));
    }
}
