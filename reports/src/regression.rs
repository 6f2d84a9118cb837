//! Two runs held against each other: which cells (a contender on a trace) got better or worse, and a gate for it.
//!
//! Memory is exact, so that any difference is one. Times of two runs are not pairs of rounds; their ratio has the interval of
//! [`ratio_of_medians`]. METHODOLOGY.md says what that can and cannot tell.

mod gate;
mod render;

use crate::metric::{self, Metric};
use crate::results::{Contender, Figure, Results, Role, Verification};
use crate::stats::{Interval, Ratio, Temperature, floor, ratio_of_medians, rounds_beside};

pub use gate::{DEFAULT_GATES, GATES, Worse};

/// The floor does the same work in both runs: where its time changes by more than that, not the contenders made the difference.
const MOST_BETWEEN_FLOORS: f64 = 0.05;

/// Two runs, paired.
pub struct Regression {
    /// Where and when each was measured, in a line.
    pub runs: Option<(String, String)>,
    /// Whom the times are relative to, where they are.
    pub relative_to: Option<String>,
    /// Contenders on traces that are in both, in the order of the old run. The floor is none: what it tells is among the doubts.
    pub cells: Vec<Cell>,
    /// Traces and cells that are in both and yet cannot be compared, and why not.
    pub not_comparable: Vec<(String, String)>,
    /// Traces and cells of the old run alone.
    pub only_old: Vec<String>,
    /// Of the new one alone.
    pub only_new: Vec<String>,
    /// What should make a reader doubt the ratios of times.
    pub doubts: Vec<String>,
}

/// A contender on a trace, old and new.
pub struct Cell {
    /// The trace.
    pub trace: String,
    /// The contender.
    pub contender: String,
    /// Its versions.
    pub versions: (String, String),
    /// New over old times, in the order of [`Temperature::ALL`].
    pub times: [Figure<Ratio>; 2],
    /// The exact figures and the instructions, old and new.
    pub figures: Vec<Pair>,
    /// What the contender did in the old run and does not do any longer.
    pub broke: Option<String>,
}

/// A figure in both runs.
pub struct Pair {
    /// Which.
    pub metric: &'static Metric,
    /// In the old run.
    pub old: Figure<f64>,
    /// In the new one.
    pub new: Figure<f64>,
}

impl Pair {
    /// Both, where both are known.
    pub fn known(&self) -> Option<(f64, f64)> {
        Some((*self.old.known()?, *self.new.known()?))
    }
}

impl Regression {
    /// Pairs the cells of two runs, which may each have many traces. With `relative_to`, each time is divided by that contender's of the
    /// same round before the runs are compared, which cancels the speed of the machine.
    pub fn of(old: &[Results], new: &[Results], relative_to: Option<&str>) -> Self {
        let mut regression = Regression {
            runs: old.first().zip(new.first()).map(|(old, new)| (render::run(old), render::run(new))),
            relative_to: relative_to.map(str::to_owned),
            cells: Vec::new(),
            not_comparable: Vec::new(),
            only_old: Vec::new(),
            only_new: Vec::new(),
            doubts: doubts(old, new, relative_to),
        };
        // Those of the same settings first, so that runs with several page sizes pair as they must.
        let mut left: Vec<&Results> = new.iter().collect();
        let mut take = |fits: &dyn Fn(&Results) -> bool| Some(left.remove(left.iter().position(|one| fits(one))?));
        let mut unpaired = Vec::new();
        for old in old {
            match take(&|new: &Results| differences(old, new).is_empty()) {
                Some(new) => {
                    regression.pair(old, new, relative_to);
                    if relative_to.is_none() {
                        regression.doubts.extend(floors_differ(old, new));
                    }
                }
                None => unpaired.push(old),
            }
        }
        for old in unpaired {
            match take(&|new: &Results| old.trace.name == new.trace.name) {
                Some(new) => regression.not_comparable.push((old.trace.name.clone(), differences(old, new).join("; "))),
                None => regression.only_old.push(old.trace.name.clone()),
            }
        }
        regression.only_new.extend(left.iter().map(|new| new.trace.name.clone()));
        regression
    }

    /// Adds the cells of a trace.
    fn pair(&mut self, old: &Results, new: &Results, relative_to: Option<&str>) {
        let name = |row: &Contender| format!("{} on {}", row.name, old.trace.name);
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
            let figures = metric::of_contenders().filter(|metric| gate::is_of_interest(metric.name));
            self.cells.push(Cell {
                trace: old.trace.name.clone(),
                contender: before.name.clone(),
                versions: (before.version.clone(), after.version.clone()),
                times: Temperature::ALL.map(|of| time(old, before, new, after, relative_to, of)),
                figures: figures
                    .map(|metric| Pair { metric, old: (metric.of)(before), new: (metric.of)(after) })
                    .collect(),
                broke: broke(before, after),
            });
        }
        let is_new = |row: &&Contender| !is_floor(row) && old.contenders.iter().all(|before| before.name != row.name);
        self.only_new.extend(new.contenders.iter().filter(is_new).map(name));
    }
}

/// Why the figures of two results cannot be compared: the settings that they depend on and that differ.
fn differences(old: &Results, new: &Results) -> Vec<String> {
    let mut differences = Vec::new();
    let mut differ = |what: &str, old: &str, new: &str| {
        if old != new {
            differences.push(format!("{what} {old} and {new}"));
        }
    };
    let digits = |sha256: &str| sha256.chars().take(12).collect::<String>();
    differ("trace", &old.trace.name, &new.trace.name);
    if old.trace.sha256 != new.trace.sha256 {
        differ("the trace has changed, SHA-256", &digits(&old.trace.sha256), &digits(&new.trace.sha256));
    }
    let (before, after) = (&old.settings, &new.settings);
    differ("page size", &before.page_bytes.to_string(), &after.page_bytes.to_string());
    differ("touch", &before.touch, &after.touch);
    differ("heap limit in pages", &before.heap_limit_pages.to_string(), &after.heap_limit_pages.to_string());
    differ("target", &old.provenance.target, &new.provenance.target);
    differences
}

fn failed(row: &Contender) -> bool {
    matches!(row.verification, Verification::Failed { .. })
}

/// What worked before and does not work now.
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
            Some(format!("{} of its requests fail, {} did", failed_requests(new), failed_requests(old)))
        }
        _ => None,
    }
}

/// New over old time of a cell.
fn time(
    old: &Results,
    before: &Contender,
    new: &Results,
    after: &Contender,
    relative_to: Option<&str>,
    of: Temperature,
) -> Figure<Ratio> {
    if old.provenance.profile != new.provenance.profile {
        let (old, new) = (&old.provenance.profile, &new.provenance.profile);
        return Figure::unknown(format!("a {old} and a {new} build"));
    }
    if old.settings.streamed != new.settings.streamed {
        return Figure::unknown("the trace was decoded while it was timed in one of the runs only");
    }
    let of_run = |which: &str, results: &Results, row: &Contender| {
        samples(results, row, relative_to, of).map_err(|reason| format!("{which}: {reason}"))
    };
    let samples = of_run("old", old, before).and_then(|old| Ok((old, of_run("new", new, after)?)));
    match samples {
        Ok((old_samples, new_samples)) => ratio_of_medians(&new_samples, &old_samples, old.settings.seed),
        Err(reason) => Figure::unknown(reason),
    }
}

/// Nanoseconds an operation of every round, or how many times another contender's time.
fn samples(results: &Results, row: &Contender, relative_to: Option<&str>, of: Temperature) -> Result<Vec<f64>, String> {
    let time = match &row.time {
        Figure::Known(time) => time,
        Figure::Unknown { unknown } => return Err(unknown.clone()),
    };
    let Some(other) = relative_to else {
        // The operations are those of the trace, and cancel. A trace without any has no time worth a ratio.
        return Ok(of.samples(time).iter().map(|&ns| ns as f64 / time.ops.max(1) as f64).collect());
    };
    match rounds_beside(results, row, other, of) {
        Figure::Known((ours, theirs)) if theirs.iter().all(|&ns| ns > 0) => {
            Ok(ours.iter().zip(theirs).map(|(&our, &their)| our as f64 / their as f64).collect())
        }
        Figure::Known(_) => Err(format!("a replay of {other} took no time that the clock could see")),
        Figure::Unknown { unknown } => Err(unknown),
    }
}

/// What lies between the runs and is not the contenders.
fn doubts(old: &[Results], new: &[Results], relative_to: Option<&str>) -> Vec<String> {
    let mut doubts = Vec::new();
    if let (Some(old), Some(new)) = (old.first(), new.first()) {
        let cpu = |results: &Results| {
            results.provenance.cpu.known().cloned().unwrap_or_else(|| "an unknown processor".into())
        };
        if cpu(old) != cpu(new) && relative_to.is_none() {
            doubts.push(format!(
                "The runs are of two machines ({}, {}), and so are the ratios of times: '--relative-to' a contender that is the same in both \
                 cancels the machine's speed.",
                cpu(old),
                cpu(new)
            ));
        }
    }
    if let Some(other) = relative_to {
        let version = |all: &[Results]| {
            all.iter()
                .flat_map(|results| &results.contenders)
                .find(|row| row.name == other)
                .map(|row| row.version.clone())
        };
        if let (Some(before), Some(after)) = (version(old), version(new))
            && before != after
        {
            doubts.push(format!(
                "Times are relative to {other}, which is version {before} in one run and {after} in the other."
            ));
        }
    }
    for (which, run) in [("old", old), ("new", new)] {
        let mut codes: Vec<&str> =
            run.iter().flat_map(|results| &results.warnings).map(|warning| warning.code.name()).collect();
        codes.sort_unstable();
        codes.dedup();
        if !codes.is_empty() {
            doubts.push(format!("The {which} run has warnings: {}.", codes.join(", ")));
        }
    }
    doubts
}

/// That the harness alone, on resident pages, was faster or slower in one of the runs.
fn floors_differ(old: &Results, new: &Results) -> Option<String> {
    let ratio = time(old, floor(old)?, new, floor(new)?, None, Temperature::Warm);
    let Interval { low, high } = ratio.known()?.estimate.interval?;
    (low > 1.0 + MOST_BETWEEN_FLOORS || high < 1.0 / (1.0 + MOST_BETWEEN_FLOORS)).then(|| {
        format!(
            "On {} the floor, which is the harness alone, took {low:.2} to {high:.2} times as long in the new run: the machine or the harness \
             differs, and with it the times. '--relative-to' cancels what all share.",
            old.trace.name
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Role, Warning, WarningCode};
    use crate::sample::{self, contender};
    use crate::stats::Verdict;

    pub(super) fn on(trace: &str, contenders: Vec<Contender>) -> Results {
        let mut results = Results { contenders, ..sample::empty() };
        results.trace.name = trace.into();
        results
    }

    fn names(cells: &[Cell]) -> Vec<String> {
        cells.iter().map(|cell| format!("{}/{}", cell.trace, cell.contender)).collect()
    }

    #[test]
    fn cells_in_both_are_paired_and_the_others_listed() {
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
    fn the_floor_is_no_cell_but_a_doubt_where_its_time_changed() {
        let run = |warm_ns| {
            let null = contender("null").role(Role::Floor).warm_ns(warm_ns).without_memory("hands out no memory");
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
    fn other_settings_are_not_comparable_and_said() {
        type Change = fn(&mut Results);
        let changes: [(Change, &str); 5] = [
            (|results| results.settings.page_bytes = 4096, "page size 65536 and 4096"),
            (|results| results.settings.touch = "all".into(), "touch first and all"),
            (|results| results.settings.heap_limit_pages = 16, "heap limit in pages 65536 and 16"),
            (
                |results| results.trace.sha256 = "0123456789abcdef".into(),
                "the trace has changed, SHA-256 e3b0c44298fc and 0123456789ab",
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
        let old = on("one", vec![contender("talc").pages(20).cold_ns(100).warm_ns(100).build()]);
        let new = on("one", vec![contender("talc").version("9").pages(22).cold_ns(150).warm_ns(100).build()]);
        let found = Regression::of(&[old], &[new], None);
        let cell = &found.cells[0];
        assert_eq!(cell.versions, ("0.1.0".into(), "9".into()));
        let [cold, warm] = [0, 1].map(|index| *cell.times[index].known().unwrap());
        assert!((cold.estimate.value - 1.5).abs() < 0.01 && cold.verdict == Verdict::Slower, "{cold:?}");
        assert!((warm.estimate.value - 1.0).abs() < 0.01 && warm.verdict == Verdict::Inconclusive, "{warm:?}");
        let peak = cell.figures.iter().find(|pair| pair.metric.name == "peak_heap_bytes").unwrap();
        assert_eq!(peak.known(), Some((20.0 * 65_536.0, 22.0 * 65_536.0)));
    }

    /// The second machine is twice as slow, and talc got a tenth slower than that.
    #[test]
    fn relative_times_cancel_the_machine() {
        let old = on("one", vec![contender("dlmalloc").warm_ns(100).build(), contender("talc").warm_ns(100).build()]);
        let mut new =
            on("one", vec![contender("dlmalloc").warm_ns(200).build(), contender("talc").warm_ns(220).build()]);
        new.provenance.cpu = Figure::Known("another".into());
        let plain = Regression::of(std::slice::from_ref(&old), std::slice::from_ref(&new), None);
        assert!((plain.cells[1].times[1].known().unwrap().estimate.value - 2.2).abs() < 0.01);
        assert!(plain.doubts[0].contains("two machines"), "{:?}", plain.doubts);
        let relative = Regression::of(std::slice::from_ref(&old), std::slice::from_ref(&new), Some("dlmalloc"));
        assert!((relative.cells[1].times[1].known().unwrap().estimate.value - 1.1).abs() < 0.01);
        assert!(relative.doubts.is_empty(), "{:?}", relative.doubts);
        let nobody = Regression::of(&[old], &[new], Some("nobody"));
        assert_eq!(nobody.cells[1].times[1], Figure::unknown("old: nobody does not take part"));
    }

    #[test]
    fn times_of_other_builds_are_unknown_and_warnings_are_doubts() {
        let old = on("one", vec![contender("talc").build()]);
        let mut new = old.clone();
        new.provenance.profile = "debug".into();
        new.warnings = vec![Warning { code: WarningCode::NoisyMachine, message: "noise".into() }];
        let found = Regression::of(std::slice::from_ref(&old), &[new], None);
        assert_eq!(found.cells[0].times[0], Figure::unknown("a release and a debug build"));
        assert_eq!(found.doubts, ["The new run has warnings: noisy-machine."]);
        let mut streamed = old.clone();
        streamed.settings.streamed = true;
        assert!(matches!(Regression::of(&[old], &[streamed], None).cells[0].times[0], Figure::Unknown { .. }));
    }

    #[test]
    fn what_broke_is_told() {
        let broke = |old: Contender, new: Contender| {
            let found = Regression::of(&[on("one", vec![old])], &[on("one", vec![new])], None);
            found.cells.into_iter().next().and_then(|cell| cell.broke)
        };
        let good = || contender("a").build();
        let contains = |found: Option<String>, what: &str| {
            assert!(found.as_deref().is_some_and(|told| told.contains(what)), "{found:?}")
        };
        assert_eq!(broke(good(), good()), None);
        contains(broke(good(), contender("a").invalid(17, "overlap").build()), "fails verification at event 17");
        contains(broke(good(), contender("a").failed_requests(3).build()), "3 of its requests fail, 0 did");
        contains(broke(good(), contender("a").without_memory("its time was over").build()), "its time was over");
        assert_eq!(broke(contender("a").failed_requests(3).build(), contender("a").failed_requests(3).build()), None);
        assert_eq!(broke(contender("a").invalid(1, "x").build(), good()), None, "mended");
        let null = || contender("null").role(Role::Floor).without_memory("hands out no memory").build();
        assert_eq!(broke(null(), null()), None);
        let invalid = || on("one", vec![contender("a").invalid(1, "x").build()]);
        assert_eq!(Regression::of(&[invalid()], &[invalid()], None).not_comparable[0].1, "failed verification in both");
    }
}
