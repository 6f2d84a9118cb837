//! Two runs compared: each contender on a trace that both have, and what cannot be compared.

use super::doubts::doubts;
use super::pairing::{Paired, builds, measured, pair};
use super::times::{regimes, samples, time};
use crate::model::{self, AskedBy, ContenderMetric, Gate, Getter};
use crate::numbers::count;
use crate::results::{Contender, Figure, Reason, Results, Role, Verification};
use crate::stats::{Ratio, Regime};

/// Two runs, paired.
pub struct Regression {
    /// When, where and with what each run was measured, on one line: every build and machine.
    pub runs: Option<(String, String)>,
    /// The contender that times are relative to, if any.
    pub relative_to: Option<String>,
    /// Contenders on traces that both runs have, in the order of the old run. The floor has no cell: its change is
    /// among the doubts.
    pub cells: Vec<Compared>,
    /// Traces and cells that both runs have but that cannot be compared, and why.
    pub not_comparable: Vec<(String, String)>,
    /// Traces and cells of the old run only.
    pub only_old: Vec<String>,
    /// Traces and cells of the new run only.
    pub only_new: Vec<String>,
    /// Reasons to distrust the ratios of times.
    pub doubts: Vec<String>,
}

/// A contender on a trace, old and new.
pub struct Compared {
    /// The trace, with the settings that distinguish it if the run has it more than once.
    pub trace: String,
    /// The contender.
    pub contender: String,
    /// Its role in the new run: an ablation fails no gate.
    pub role: Role,
    /// Its versions.
    pub versions: (String, String),
    /// New over old times, in the order of [`Regime::EVERY`]: of a program that starts and of one that runs on, or on a
    /// rewound heap in results of schema 3. A ratio has an interval if both runs have enough rounds for 95 %.
    pub times: Vec<(Regime, Figure<Ratio>)>,
    /// The exact figures and the instructions, old and new.
    pub figures: Vec<OldAndNew>,
    /// What the old run has and the new one lacks although it was requested: names of metrics, each with the reason.
    pub lost: Vec<(&'static str, String)>,
    /// What the contender did in the old run and no longer does.
    pub broke: Option<String>,
}

/// A figure in both runs.
pub struct OldAndNew {
    /// The metric.
    pub metric: &'static ContenderMetric,
    /// Its value in the old run.
    pub old: Figure<f64>,
    /// Its value in the new run.
    pub new: Figure<f64>,
    /// Why the two cannot be compared, even if both are known.
    pub apart: Option<String>,
}

impl OldAndNew {
    /// Both values, if both are known and can be compared.
    pub fn known(&self) -> Option<(f64, f64)> {
        if self.apart.is_some() {
            return None;
        }
        Some((*self.old.known()?, *self.new.known()?))
    }

    /// Why the new figure is unknown, if the old one is known.
    pub(super) fn lost(&self) -> Option<&Reason> {
        match (&self.old, &self.new) {
            (Figure::Known(_), Figure::Unknown { unknown }) => Some(unknown),
            _ => None,
        }
    }
}

impl Regression {
    /// Pairs the cells of two runs, which may each have many traces. With `relative_to`, each time is divided by that
    /// contender's time in the same round before runs are compared, which cancels the speed of the machine.
    pub fn of(old: &[Results], new: &[Results], relative_to: Option<&str>) -> Self {
        let pairing = pair(old, new);
        let mut regression = Regression {
            runs: (!old.is_empty() && !new.is_empty()).then(|| (measured(old), measured(new))),
            relative_to: relative_to.map(str::to_owned),
            cells: Vec::new(),
            not_comparable: Vec::new(),
            only_old: Vec::new(),
            only_new: Vec::new(),
            doubts: doubts(&pairing.pairs, [old, new], relative_to),
        };
        for pair in &pairing.pairs {
            regression.add(pair, relative_to);
        }
        regression.not_comparable.extend(pairing.not_comparable);
        regression.only_old.extend(pairing.only_old);
        regression.only_new.extend(pairing.only_new);
        regression
    }

    /// Whether there is nothing to compare yet: all that the new run has is new. Where the two runs share a trace or a
    /// cell that cannot be compared, this is false.
    pub fn is_all_new(&self) -> bool {
        self.cells.is_empty() && self.not_comparable.is_empty() && !self.only_new.is_empty()
    }

    /// Adds the cells of a trace.
    fn add(&mut self, pair: &Paired, relative_to: Option<&str>) {
        let Paired { name: trace, old, new } = pair;
        let name = |row: &Contender| format!("{} on {trace}", row.name);
        let is_floor = |row: &Contender| row.role == Role::Floor;
        for before in old.contenders.iter().filter(|row| !is_floor(row)) {
            let Some(after) = new.contenders.iter().find(|row| row.name == before.name) else {
                self.only_old.push(name(before));
                continue;
            };
            if failed(before) && failed(after) {
                self.not_comparable.push((name(before), "failed verification in both".to_owned()));
                continue;
            }
            let judged = model::of_contenders().iter().filter(|metric| metric.about.gate != Gate::Never);
            let figures = judged.filter_map(|metric| {
                let Getter::Exact(of) = &metric.of else { return None };
                let apart =
                    if metric.asked_by == AskedBy::Instructions { counted_apart(pair, before, after) } else { None };
                Some(OldAndNew { metric, old: of(before), new: of(after), apart })
            });
            let figures: Vec<OldAndNew> = figures.collect();
            self.cells.push(Compared {
                trace: trace.clone(),
                contender: before.name.clone(),
                role: after.role,
                versions: (before.version.clone(), after.version.clone()),
                times: regimes(pair).into_iter().map(|of| (of, time(pair, (before, after), relative_to, of))).collect(),
                lost: lost(pair, (before, after), relative_to, &figures),
                figures,
                broke: broke(before, after),
            });
        }
        let is_new = |row: &&Contender| !is_floor(row) && old.contenders.iter().all(|before| before.name != row.name);
        self.only_new.extend(new.contenders.iter().filter(is_new).map(name));
    }
}

fn failed(row: &Contender) -> bool {
    matches!(row.verification, Verification::Failed { .. })
}

/// What worked before and no longer works.
fn broke(old: &Contender, new: &Contender) -> Option<String> {
    let failed_requests = |row: &Contender| row.memory.known().map_or(0, |memory| memory.failed_requests);
    match (&new.verification, &new.partial, &new.memory) {
        (Verification::Failed { event, message }, ..) => {
            Some(format!("fails verification at event {event}: {message}"))
        }
        (_, Some(partial), _) if old.partial.is_none() => {
            Some(format!("does not complete the trace: {}", partial.reason))
        }
        (_, _, Figure::Unknown { unknown }) if old.memory.known().is_some() => {
            Some(format!("has no memory figures: {unknown}"))
        }
        _ if failed_requests(new) > failed_requests(old) => {
            Some(format!("fails {}, {} before", count(failed_requests(new), "request"), failed_requests(old)))
        }
        _ => None,
    }
}

/// Why the instructions of the two runs cannot be compared: METHODOLOGY.md describes what the counters see.
fn counted_apart(pair: &Paired, old: &Contender, new: &Contender) -> Option<String> {
    let (old, new) = (old.instructions.known()?, new.instructions.known()?);
    let counters =
        || (old.counter != new.counter).then(|| format!("counted by {} and by {}", old.counter, new.counter));
    builds(pair).or_else(counters)
}

/// The figures that only the old run has, except those that the new run was not asked for.
fn lost(
    pair: &Paired,
    (before, after): (&Contender, &Contender),
    relative_to: Option<&str>,
    figures: &[OldAndNew],
) -> Vec<(&'static str, String)> {
    let Paired { old, new, .. } = pair;
    let times = regimes(pair).into_iter().filter_map(|of| {
        samples(old, before, relative_to, of).ok()?;
        Some((model::gross(of), samples(new, after, relative_to, of).err()?))
    });
    let figures = figures.iter().filter_map(|pair| Some((pair.metric, pair.lost()?.to_string())));
    let asked_for = times.chain(figures).filter(|(metric, _)| metric.asked_by.asks(&new.settings));
    asked_for.map(|(metric, reason)| (metric.name.as_str(), reason)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Role, Warning, WarningCode};
    use crate::sample::{contender, on};
    use crate::stats::Verdict;

    fn names(cells: &[Compared]) -> Vec<String> {
        cells.iter().map(|cell| format!("{}/{}", cell.trace, cell.contender)).collect()
    }

    #[test]
    fn cells_in_both_runs_are_paired_and_others_listed() {
        let old = [
            on("one", vec![contender("talc").build(), contender("gone").build()]),
            on("two", vec![contender("talc").build()]),
        ];
        let new = [
            on("three", vec![contender("talc").build()]),
            on("one", vec![contender("here").build(), contender("talc").build()]),
        ];
        let found = Regression::of(&old, &new, None);
        assert_eq!(names(&found.cells), ["one/talc"]);
        assert_eq!(
            (found.only_old, found.only_new),
            (vec!["gone on one".into(), "two".into()], vec!["here on one".into(), "three".into()])
        );
        assert!(found.not_comparable.is_empty());
    }

    #[test]
    fn all_is_new_unless_something_in_common_cannot_be_compared() {
        let of = |trace, name| [on(trace, vec![contender(name).build()])];
        let is_all_new = |old: &[Results], new: &[Results]| Regression::of(old, new, None).is_all_new();
        assert!(is_all_new(&of("one", "a"), &of("two", "a")), "another trace");
        assert!(is_all_new(&of("one", "a"), &of("one", "b")), "another allocator");
        assert!(is_all_new(&[], &of("one", "a")), "the old run measured nothing");
        assert!(!is_all_new(&of("one", "a"), &of("one", "a")));
        assert!(!is_all_new(&of("one", "a"), &[]), "nothing is new");
        let mut other = of("one", "a");
        other[0].settings.page_bytes = 4096;
        assert!(!is_all_new(&of("one", "a"), &other), "it is there, but not comparable");
    }

    #[test]
    fn the_floor_has_no_cell_but_a_doubt_if_its_time_changed() {
        let run = |steady_ns| {
            let null = contender("null").role(Role::Floor).steady_ns(steady_ns).without_memory("hands out no memory");
            [on("one", vec![contender("talc").build(), null.build()])]
        };
        let found = Regression::of(&run(10), &run(12), None);
        assert_eq!(names(&found.cells), ["one/talc"]);
        assert!(found.doubts.iter().any(|doubt| doubt.contains("On one the floor")), "{:?}", found.doubts);
        assert!(Regression::of(&run(10), &run(8), None).doubts.iter().any(|doubt| doubt.contains("On one the floor")));
        assert_eq!(Regression::of(&run(10), &run(10), None).doubts, Vec::<String>::new());
        assert_eq!(Regression::of(&run(10), &run(12), Some("talc")).doubts, Vec::<String>::new());
        let without = [on("one", vec![contender("talc").build()])];
        assert_eq!(Regression::of(&without, &run(12), None).only_new, Vec::<String>::new());
    }

    #[test]
    fn different_settings_are_not_comparable_and_are_named() {
        type Change = fn(&mut Results);
        let changes: [(Change, &str); 5] = [
            (|results| results.settings.page_bytes = 4096, "page size 65536 and 4096"),
            (|results| results.settings.touch = crate::results::TouchPolicy::First, "touch all and first"),
            (|results| results.settings.heap_limit_pages = 16, "heap limit in pages 65536 and 16"),
            (
                |results| results.trace.sha256 = "0123456789abcdef".into(),
                "the trace has changed, SHA-256 sha of one and 0123456789ab",
            ),
            (
                |results| results.provenance.target = "wasm32-unknown-unknown".into(),
                "target x86_64-unknown-linux-gnu and wasm32-unknown-unknown",
            ),
        ];
        for (change, reason) in changes {
            let old = on("one", vec![contender("talc").build()]);
            let mut new = old.clone();
            change(&mut new);
            let found = Regression::of(std::slice::from_ref(&old), &[new.clone()], None);
            assert_eq!(found.not_comparable, [("one".to_owned(), reason.to_owned())]);
            assert!(found.cells.is_empty() && found.only_old.is_empty() && found.only_new.is_empty());
            // A run with both settings pairs each with its own.
            let both = [new.clone(), old.clone()];
            assert_eq!(Regression::of(&[old, new], &both, None).cells.len(), 2, "{reason}");
        }
    }

    #[test]
    fn times_have_ratios_and_memory_has_both_figures() {
        let old = on("one", vec![contender("talc").pages(20).fresh_ns(100).steady_ns(100).build()]);
        let new = on("one", vec![contender("talc").version("9").pages(22).fresh_ns(150).steady_ns(100).build()]);
        let found = Regression::of(&[old], &[new], None);
        let cell = &found.cells[0];
        assert_eq!(cell.versions, ("0.1.0".into(), "9".into()));
        let [fresh, steady] = [0, 1].map(|index| *cell.times[index].1.known().unwrap());
        assert!((fresh.estimate.value - 1.5).abs() < 0.01 && fresh.verdict == Verdict::Slower, "{fresh:?}");
        assert!((steady.estimate.value - 1.0).abs() < 0.01 && steady.verdict == Verdict::Inconclusive, "{steady:?}");
        let peak = cell.figures.iter().find(|pair| pair.metric.name == "peak_heap_bytes").unwrap();
        assert_eq!(peak.known(), Some((20.0 * 65_536.0, 22.0 * 65_536.0)));
    }

    /// The second machine takes twice as long, and talc got 10 % slower beyond that.
    #[test]
    fn relative_times_cancel_the_machine() {
        let old =
            on("one", vec![contender("dlmalloc").steady_ns(100).build(), contender("talc").steady_ns(100).build()]);
        let mut new =
            on("one", vec![contender("dlmalloc").steady_ns(200).build(), contender("talc").steady_ns(220).build()]);
        new.provenance.cpu = Figure::Known("another".into());
        let plain = Regression::of(std::slice::from_ref(&old), std::slice::from_ref(&new), None);
        assert!((plain.cells[1].times[1].1.known().unwrap().estimate.value - 2.2).abs() < 0.01);
        assert!(plain.doubts[0].contains("two machines"), "{:?}", plain.doubts);
        let relative = Regression::of(std::slice::from_ref(&old), std::slice::from_ref(&new), Some("dlmalloc"));
        assert!((relative.cells[1].times[1].1.known().unwrap().estimate.value - 1.1).abs() < 0.01);
        assert!(relative.doubts.is_empty(), "{:?}", relative.doubts);
        assert_eq!(
            relative.cells[0].times,
            Regime::ALL.map(|regime| (regime, Figure::unknown("times are relative to its own")))
        );
        let nobody = Regression::of(&[old], &[new], Some("nobody"));
        assert_eq!(nobody.cells[1].times[1].1, Figure::unknown("old: nobody does not take part"));
    }

    #[test]
    fn times_of_other_builds_are_unknown_and_warnings_are_doubts() {
        let old = on("one", vec![contender("talc").build()]);
        let mut new = old.clone();
        new.provenance.profile = crate::results::BuildProfile::Debug;
        new.warnings = vec![Warning { code: WarningCode::NoisyMachine, message: "noise".into() }];
        let found = Regression::of(std::slice::from_ref(&old), &[new], None);
        assert_eq!(found.cells[0].times[0].1, Figure::unknown("a release and a debug build"));
        assert_eq!(found.doubts, ["The new run has warnings: noisy-machine."]);
        let mut streamed = old.clone();
        streamed.settings.streamed = true;
        assert!(matches!(Regression::of(&[old], &[streamed], None).cells[0].times[0].1, Figure::Unknown { .. }));
    }

    /// Five rounds in both runs, or in one: all five lie on one side of the median too often.
    #[test]
    fn few_rounds_have_no_interval() {
        let run = |rounds, steady_ns| [on("one", vec![contender("talc").rounds(rounds).steady_ns(steady_ns).build()])];
        for (old, new, has) in [(5, 5, false), (15, 5, false), (5, 15, false), (6, 6, true)] {
            let found = Regression::of(&run(old, 100), &run(new, 200), None);
            let ratio = found.cells[0].times[1].1.known().unwrap();
            assert!((ratio.estimate.value - 2.0).abs() < 0.1, "{ratio:?}");
            assert_eq!(ratio.estimate.interval.is_some(), has, "{old} and {new}");
            assert_eq!(ratio.verdict == Verdict::Slower, has, "{old} and {new}");
        }
    }

    #[test]
    fn instructions_of_two_counters_or_builds_are_not_compared() {
        let old = on("one", vec![contender("talc").build()]);
        let instructions = |new: &Results| {
            let mut found = Regression::of(std::slice::from_ref(&old), std::slice::from_ref(new), None);
            found.cells[0].figures.pop().filter(|pair| pair.metric.name == "instructions_per_op").unwrap()
        };
        assert!(instructions(&old).known().is_some());
        let mut counted = old.clone();
        let Figure::Known(found) = &mut counted.contenders[0].instructions else { panic!("they are counted") };
        found.counter = crate::results::InstructionCounter::PerfEvent;
        let pair = instructions(&counted);
        assert_eq!((pair.known(), pair.apart.as_deref()), (None, Some("counted by callgrind and by perf_event")));
        let mut debug = old.clone();
        debug.provenance.profile = crate::results::BuildProfile::Debug;
        assert_eq!(instructions(&debug).apart.as_deref(), Some("a release and a debug build"));
    }

    #[test]
    fn requested_figures_that_are_missing_are_lost() {
        let lost = |change: fn(&mut Results), relative_to| {
            let row = contender("talc").min_pages(3, 0).build();
            let mut old = on("one", vec![contender("dlmalloc").build(), row]);
            old.settings.min_heap = true;
            let mut new = old.clone();
            change(&mut new);
            let found = Regression::of(&[old], &[new], relative_to);
            found.cells[1].lost.clone()
        };
        let no_heap: fn(&mut Results) = |new| new.contenders[1].min_heap = Figure::unknown("its time was over");
        assert_eq!(lost(no_heap, None), [("min_heap.bytes", "its time was over".to_owned())]);
        let not_asked: fn(&mut Results) = |new| {
            (new.settings.min_heap, new.settings.rounds) = (false, 0);
            new.contenders[1].min_heap = Figure::unknown("not asked for");
            new.contenders[1].time = Figure::unknown("switched off");
        };
        assert_eq!(lost(not_asked, None), []);
        let no_time: fn(&mut Results) = |new| new.contenders[1].time = Figure::unknown("the child died");
        let both = ["fresh_ns_per_op", "steady_ns_per_op"].map(|name| (name, "the child died".to_owned()));
        assert_eq!(lost(no_time, None), both);
        let no_reference: fn(&mut Results) = |new| new.contenders[0].time = Figure::unknown("it died");
        assert_eq!(lost(no_reference, None), []);
        assert_eq!(lost(no_reference, Some("dlmalloc"))[0].1, "dlmalloc has no timings: it died");
        let fewer_rounds: fn(&mut Results) = |new| {
            let Figure::Known(time) = &mut new.contenders[1].time else { panic!("it is timed") };
            time.fresh_ns.clear();
        };
        assert_eq!(lost(fewer_rounds, None), [("fresh_ns_per_op", "no round was timed".to_owned())]);
    }

    #[test]
    fn breakage_is_reported() {
        let broke = |old: Contender, new: Contender| {
            let found = Regression::of(&[on("one", vec![old])], &[on("one", vec![new])], None);
            found.cells.into_iter().next().and_then(|cell| cell.broke)
        };
        let good = || contender("a").build();
        let contains = |found: Option<String>, what: &str| {
            assert!(found.as_deref().is_some_and(|message| message.contains(what)), "{found:?}")
        };
        assert_eq!(broke(good(), good()), None);
        contains(broke(good(), contender("a").invalid(17, "overlap").build()), "fails verification at event 17");
        contains(broke(good(), contender("a").failed_requests(3).build()), "fails 3 requests, 0 before");
        contains(broke(good(), contender("a").without_memory("its time was over").build()), "its time was over");
        assert_eq!(broke(contender("a").failed_requests(3).build(), contender("a").failed_requests(3).build()), None);
        assert_eq!(broke(contender("a").invalid(1, "x").build(), good()), None, "fixed");
        let null = || contender("null").role(Role::Floor).without_memory("hands out no memory").build();
        assert_eq!(broke(null(), null()), None);
        let invalid = || on("one", vec![contender("a").invalid(1, "x").build()]);
        assert_eq!(Regression::of(&[invalid()], &[invalid()], None).not_comparable[0].1, "failed verification in both");
    }
}
