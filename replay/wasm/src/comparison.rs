//! Each allocator's size, pages and times, side by side.
//!
//! As in the native lane, a timing round runs every allocator once, in a new order, and each in a new process: ratios
//! are formed within rounds, and the floor is subtracted within rounds.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use heaprace_engine::Program;
use heaprace_reports::numbers::grouped;
use heaprace_reports::results::{Figure, Role};
use heaprace_reports::stats::{Estimate, estimate_median, ratio_within_rounds};
use heaprace_reports::wasm::{
    FuelSummary, NOT_TIMED, Observation, Spread, TierTimes, WASM_SCHEMA_VERSION, WasmResults, WasmRow, WasmTime,
};
use thiserror::Error;

use crate::fuel::FuelCosts;
use crate::guests::{FLOOR, Guest};
use crate::host::{Host, HostError, Job, Tier};
use crate::module::{ModuleFault, with_most_grown_pages};
use crate::recording::{Recording, RecordingError};
use crate::size::sizes_of;
use crate::target::Target;
use crate::workshop::{OptLevel, Workshop, WorkshopError, write};

/// The allocator that ratios are relative to.
pub const REFERENCE: &str = "dlmalloc";

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct GuestPlan {
    /// The allocators, without the floor.
    pub guests: Vec<Guest>,
    /// How their modules are optimised.
    pub level: OptLevel,
    /// Timing rounds; 0 measures sizes and pages only.
    pub rounds: u32,
    /// Whether to write every new byte of a block, as a program would.
    pub touch: bool,
    /// Pages that an allocator may add to its memory.
    pub limit_pages: u64,
    /// The most time that an allocator may take for each tier, and for its pages.
    pub budget: Duration,
    /// Seed of the order within rounds.
    pub seed: u64,
}

/// Why there is no comparison.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GuestError {
    /// A module cannot be compiled.
    #[error(transparent)]
    Workshop(#[from] WorkshopError),
    /// The trace cannot be replayed in WebAssembly.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The module is not as expected.
    #[error(transparent)]
    Module(#[from] ModuleFault),
}

/// Samples of one allocator and tier.
#[derive(Clone, Debug, Default)]
struct Samples {
    fresh: Vec<u64>,
    steady: Vec<u64>,
    /// Why there are none, or no more.
    no_fresh: Option<String>,
    no_steady: Option<String>,
    taken: Duration,
}

/// A trace to compare on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// SHA-256 of its uncompressed text, in hexadecimal.
    pub sha256: &'a str,
    /// What is replayed.
    pub program: &'a Program,
}

/// An engine, or why there is none.
pub type Engine<'a> = Result<&'a dyn Host, String>;

/// Compares. `progress` is called with what is being done.
///
/// # Errors
///
/// If a module cannot be compiled, or the trace cannot be replayed in WebAssembly. An allocator or an engine that fails
/// is a row with the reason.
pub fn compare_guests(
    subject: Subject<'_>,
    plan: &GuestPlan,
    engines: &[Engine<'_>],
    progress: &mut dyn FnMut(&str),
) -> Result<WasmResults, GuestError> {
    let workshop = Workshop::open(Target::Wasm32)?;
    let mut guests = plan.guests.clone();
    guests.push(Guest::named(FLOOR, Target::Wasm32).expect("the floor is among the guests"));
    let mut modules = Vec::new();
    let mut sizes = Vec::new();
    for guest in &guests {
        progress(&format!("compiling {}", guest.name));
        modules.push(limited(&workshop, guest, plan)?);
        sizes.push(match guest.role {
            Role::Floor => Figure::unknown("the floor is no allocator"),
            _ => sizes_of(&workshop, guest)?,
        });
    }
    let driver = workshop.driver()?;
    let recording = Recording::of(subject.program)?;
    let job = |at: usize| -> Job<'_> {
        Job { allocator: &modules[at], driver: &driver, recording: &recording, touch: plan.touch, budget: plan.budget }
    };
    let hosts: Vec<&dyn Host> = engines.iter().filter_map(|engine| engine.as_ref().ok().copied()).collect();
    let nobody = engines.iter().find_map(|engine| engine.as_ref().err()).cloned();
    let memory: Vec<Figure<Observation>> = (0..guests.len())
        .map(|at| {
            progress(&format!("checking {}", guests[at].name));
            let checks = guests[at].role != Role::Floor;
            let seen = hosts.iter().map(|host| whole(host.observe(job(at), checks, &mut |_, _| {}), recording.events));
            let none = || Figure::unknown(nobody.clone().unwrap_or_else(|| "no engine was asked for".to_owned()));
            seen.reduce(agreed).unwrap_or_else(none)
        })
        .collect();
    let mut costs: Vec<Option<Figure<FuelCosts>>> = Vec::new();
    for (at, guest) in guests.iter().enumerate() {
        progress(&format!("counting {}", guest.name));
        // A module that failed its check has no figures.
        let sound = hosts.iter().filter(|_| memory[at].known().is_some());
        costs.push(sound.filter_map(|host| host.fuel(job(at))).next().map(known));
    }
    let mut times = vec![Vec::new(); guests.len()];
    for host in hosts {
        for &tier in host.tiers() {
            let unfit: Vec<Option<String>> = memory.iter().map(why_not_timed).collect();
            let samples = rounds(host, tier, plan, unfit, job, progress);
            for (at, times) in times.iter_mut().enumerate() {
                times.push(tier_times(host, tier, &guests, &samples, at, recording.events));
            }
        }
    }
    let fuel = fuel(&costs, recording.events);
    let figures = sizes.into_iter().zip(memory).zip(fuel).zip(times);
    let rows = guests.iter().zip(figures).map(|(guest, (((sizes, memory), fuel), times))| WasmRow {
        name: guest.name.clone().into_owned(),
        version: guest.version.clone().into_owned(),
        role: guest.role,
        sizes,
        memory,
        fuel,
        times,
    });
    let engine = |engine: &Engine<'_>| match engine {
        Ok(host) => Figure::Known(host.name().to_owned()),
        Err(reason) => Figure::unknown(reason.as_str()),
    };
    Ok(WasmResults {
        schema_version: WASM_SCHEMA_VERSION,
        trace: subject.name.to_owned(),
        sha256: subject.sha256.to_owned(),
        events: recording.events,
        engines: engines.iter().map(engine).collect(),
        compiler: workshop.compiler().to_owned(),
        opt_level: plan.level.name().to_owned(),
        touch: plan.touch,
        limit_pages: plan.limit_pages,
        rounds: plan.rounds,
        reference: REFERENCE.to_owned(),
        rows: rows.collect(),
    })
}

/// What two engines have seen, of which one may show single calls of `memory.grow`. All else repeats exactly.
fn agreed(one: Figure<Observation>, other: Figure<Observation>) -> Figure<Observation> {
    match (one, other) {
        (Figure::Known(one), Figure::Known(other)) => {
            let figures = |seen: &Observation| (seen.growth.clone(), seen.failed_requests);
            if figures(&one) != figures(&other) {
                let pages = [one.grown_pages, other.grown_pages].map(grouped);
                return Figure::unknown(format!("the engines disagree: {} and {} pages", pages[0], pages[1]));
            }
            Figure::Known(if one.grow_calls.known().is_some() { one } else { other })
        }
        (unknown @ Figure::Unknown { .. }, _) | (_, unknown) => unknown,
    }
}

/// The file of a guest's module with the limit of its memory.
fn limited(workshop: &Workshop, guest: &Guest, plan: &GuestPlan) -> Result<PathBuf, GuestError> {
    let file = workshop.module(guest, plan.level)?;
    let limited = file.with_extension(format!("{}pages.wasm", plan.limit_pages));
    if !limited.is_file() {
        let module = std::fs::read(&file).map_err(|cause| crate::workshop::file_error(&file, cause))?;
        write(&limited, &with_most_grown_pages(&module, plan.limit_pages)?)?;
    }
    Ok(limited)
}

fn known<T>(outcome: Result<T, HostError>) -> Figure<T> {
    match outcome {
        Ok(value) => Figure::Known(value),
        Err(reason) => Figure::unknown(reason.to_string()),
    }
}

/// The fuel of each guest, the floor being the last.
fn fuel(costs: &[Option<Figure<FuelCosts>>], events: u64) -> Vec<Option<Figure<FuelSummary>>> {
    let floor = costs.last().and_then(|floor| floor.as_ref()?.known());
    let summary = |costs: &Figure<FuelCosts>| match (costs, floor) {
        (Figure::Known(costs), Some(floor)) => match costs.summary(floor, events) {
            Some(summary) => Figure::Known(summary),
            None => Figure::unknown("the trace has no operations"),
        },
        (Figure::Known(_), None) => Figure::unknown("the fuel of the floor is unknown"),
        (Figure::Unknown { unknown }, _) => Figure::Unknown { unknown: unknown.clone() },
    };
    costs.iter().map(|costs| costs.as_ref().map(summary)).collect()
}

/// What a replay has shown, if it was whole.
fn whole(outcome: Result<Observation, HostError>, events: u64) -> Figure<Observation> {
    match outcome {
        Ok(seen) if seen.events < events => {
            Figure::unknown(format!("the time budget ran out after event {} of the check", grouped(seen.events)))
        }
        outcome => known(outcome),
    }
}

/// Why a guest is not timed, if it is not.
fn why_not_timed(memory: &Figure<Observation>) -> Option<String> {
    match memory {
        Figure::Known(memory) if memory.failed_requests > 0 => {
            Some("not timed, because requests failed: it would do less work than the others".to_owned())
        }
        Figure::Known(_) => None,
        Figure::Unknown { unknown } => Some(unknown.to_string()),
    }
}

/// Times every guest once a round, in a new order, except those that are `unfit` for a reason.
fn rounds<'j>(
    host: &dyn Host,
    tier: Tier,
    plan: &GuestPlan,
    unfit: Vec<Option<String>>,
    job: impl Fn(usize) -> Job<'j>,
    progress: &mut dyn FnMut(&str),
) -> Vec<Samples> {
    let mut order: Vec<usize> = (0..unfit.len()).filter(|&at| unfit[at].is_none()).collect();
    let mut samples: Vec<Samples> =
        unfit.into_iter().map(|no_fresh| Samples { no_fresh, ..Samples::default() }).collect();
    let mut random = fastrand::Rng::with_seed(plan.seed);
    for round in 1..=plan.rounds {
        progress(&format!("timing {} code in {}, round {round} of {}", tier.name, engine_name(host), plan.rounds));
        random.shuffle(&mut order);
        for &at in &order {
            let sample = &mut samples[at];
            if sample.no_fresh.is_some() {
                continue;
            }
            let left = plan.budget.saturating_sub(sample.taken);
            if left.is_zero() {
                sample.no_fresh = Some(format!("the time budget ran out after {} rounds", round - 1));
                continue;
            }
            let start = Instant::now();
            let laps = host.time(Job { budget: left, ..job(at) }, tier);
            sample.taken += start.elapsed();
            match laps {
                Err(error) => sample.no_fresh = Some(error.to_string()),
                Ok(laps) => {
                    match laps.fresh_ns() {
                        Figure::Known(ns) => sample.fresh.push(ns),
                        Figure::Unknown { unknown } => sample.no_fresh = Some(unknown.to_string()),
                    }
                    match laps.steady_ns() {
                        Figure::Known(ns) => sample.steady.push(ns),
                        Figure::Unknown { unknown } => sample.no_steady = Some(unknown.to_string()),
                    }
                }
            }
        }
    }
    samples
}

fn tier_times(host: &dyn Host, tier: Tier, guests: &[Guest], samples: &[Samples], at: usize, events: u64) -> TierTimes {
    let place = |name: &str| guests.iter().position(|guest| guest.name == name);
    let time = |of: fn(&Samples) -> (&[u64], &Option<String>)| -> Figure<WasmTime> {
        let (ours, reason) = of(&samples[at]);
        if ours.is_empty() {
            return Figure::unknown(reason.clone().unwrap_or_else(|| NOT_TIMED.to_owned()));
        }
        let others = |name| place(name).map_or(&[][..], |at| of(&samples[at]).0);
        let ratio = match place(REFERENCE) {
            Some(_) => match ratio_within_rounds(ours, others(REFERENCE)) {
                Figure::Known(ratio) => Figure::Known(spread(ratio.estimate)),
                Figure::Unknown { unknown } => Figure::Unknown { unknown },
            },
            None => Figure::unknown(format!("{REFERENCE} does not take part")),
        };
        Figure::Known(WasmTime { gross_ns: ours.to_vec(), net_ns_per_op: net(ours, others(FLOOR), events), ratio })
    };
    TierTimes {
        engine: engine_name(host).to_owned(),
        tier: tier.name.to_owned(),
        fresh: time(|samples| (&samples.fresh, &samples.no_fresh)),
        // Samples of some rounds only would not be those of the others'.
        steady: time(|samples| match &samples.no_steady {
            Some(_) => (&[], &samples.no_steady),
            None => (&samples.steady, &samples.no_fresh),
        }),
    }
}

/// An engine's name without its version.
fn engine_name(host: &dyn Host) -> &str {
    host.name().split(' ').next().unwrap_or_default()
}

fn spread(estimate: Estimate) -> Spread {
    Spread { median: estimate.value, interval: estimate.interval.map(|interval| [interval.low, interval.high]) }
}

/// Nanoseconds per event beyond the floor.
fn net(ours: &[u64], floor: &[u64], events: u64) -> Figure<Spread> {
    if events == 0 {
        return Figure::unknown("the trace has no operations");
    }
    let net: Vec<f64> =
        ours.iter().zip(floor).map(|(&ours, &floor)| (ours as f64 - floor as f64) / events as f64).collect();
    match estimate_median(&net) {
        Some(estimate) => Figure::Known(spread(estimate)),
        None => Figure::unknown("the floor was not timed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIER: Tier = Tier { name: "test", flags: &[] };

    struct Nothing;

    impl Host for Nothing {
        fn name(&self) -> &str {
            "Nothing 1.0"
        }

        fn tiers(&self) -> &[Tier] {
            &[TIER]
        }

        fn observe(&self, _: Job<'_>, _: bool, _: crate::host::Answered<'_>) -> Result<Observation, HostError> {
            Err(HostError::Engine("it does nothing".to_owned()))
        }

        fn time(&self, _: Job<'_>, _: Tier) -> Result<crate::host::TimedLaps, HostError> {
            Err(HostError::Engine("it does nothing".to_owned()))
        }
    }

    fn seen(events: u64, failed_requests: u64) -> Observation {
        Observation {
            events,
            grown_pages: 1,
            growing_events: 1,
            grow_calls: Figure::Known(1),
            growth: Vec::new(),
            failed_requests,
        }
    }

    fn guests() -> Vec<Guest> {
        ["talc", "dlmalloc", FLOOR].map(|name| Guest::named(name, Target::Wasm32).unwrap()).to_vec()
    }

    fn samples(fresh: [&[u64]; 3], steady: [&[u64]; 3]) -> Vec<Samples> {
        let of = |(fresh, steady): (&[u64], &[u64])| Samples {
            fresh: fresh.to_vec(),
            steady: steady.to_vec(),
            ..Samples::default()
        };
        fresh.into_iter().zip(steady).map(of).collect()
    }

    #[test]
    fn the_floor_is_subtracted_and_the_reference_divided_within_rounds() {
        let samples = samples([&[30, 60, 90], &[60, 120, 180], &[10, 20, 30]], [&[], &[], &[]]);
        let times = tier_times(&Nothing, TIER, &guests(), &samples, 0, 10);
        assert_eq!(times.name(), "Nothing, test");
        let fresh = times.fresh.known().unwrap();
        assert_eq!(fresh.ratio.known().unwrap().median, 0.5);
        assert_eq!(fresh.net_ns_per_op.known().unwrap().median, 4.0);
        assert_eq!(times.steady, Figure::unknown("no round was timed"));
    }

    #[test]
    fn what_is_not_whole_has_no_figures_and_what_failed_has_no_times() {
        let cut = whole(Ok(seen(9, 0)), 10);
        assert_eq!(cut, Figure::unknown("the time budget ran out after event 9 of the check"));
        assert!(why_not_timed(&cut).is_some());
        assert_eq!(why_not_timed(&whole(Ok(seen(10, 0)), 10)), None);
        assert!(why_not_timed(&whole(Ok(seen(10, 1)), 10)).is_some_and(|reason| reason.contains("failed")));
    }

    #[test]
    fn steady_times_that_a_round_lacks_are_unknown_with_the_reason() {
        let mut samples = samples([&[3, 3], &[6, 6], &[1, 1]], [&[2], &[4, 4], &[1, 1]]);
        samples[0].no_steady = Some("full".to_owned());
        let times = tier_times(&Nothing, TIER, &guests(), &samples, 0, 1);
        assert_eq!(times.steady, Figure::unknown("full"));
        assert!(times.fresh.known().is_some());
    }
    #[test]
    fn engines_agree_in_all_but_single_calls_of_memory_grow() {
        let coarse = Observation { grow_calls: Figure::unknown("not shown"), ..seen(10, 0) };
        let both =
            |one: &Observation, other: &Observation| agreed(Figure::Known(one.clone()), Figure::Known(other.clone()));
        for (one, other) in [(&coarse, &seen(10, 0)), (&seen(10, 0), &coarse)] {
            assert_eq!(both(one, other), Figure::Known(seen(10, 0)));
        }
        let growth = vec![heaprace_reports::wasm::GrownAt { event: 3, pages: 2 }];
        let other = Observation { growth, grown_pages: 2, ..seen(10, 0) };
        assert_eq!(both(&coarse, &other), Figure::unknown("the engines disagree: 1 and 2 pages"));
        assert!(both(&coarse, &seen(10, 1)).known().is_none());
        let failed = Figure::unknown("it trapped");
        assert_eq!(agreed(Figure::Known(coarse), failed.clone()), failed);
    }
}
