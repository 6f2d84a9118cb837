//! What to ship, by the reader's situation: the one piece of reasoning that the terminal, the page and the exports show.
//!
//! Nothing is weighed: each situation has one figure that decides, and of what cannot be told apart by it, the contender
//! that needs the least memory comes first. Yardsticks, ablations and the floor are never recommended, nor is what failed
//! a request. A heap that grows each time the work repeats is not for a program that runs on, and wherever else its
//! contender is named, the same sentence says so.
//!
//! ```
//! use heaprace_reports::recommendation::{Recommendation, Situation};
//! use heaprace_reports::results::Results;
//!
//! fn show(results: &Results) {
//!     for advice in Recommendation::of(results).advice {
//!         if advice.situation == Situation::RunsOn {
//!             println!("{}", advice.sentence);
//!         }
//!     }
//! }
//! ```

use serde::Serialize;

use crate::growth;
use crate::numbers::{bytes, count, decimals, fixed, short};
use crate::prose::and;
use crate::results::{Contender, Figure, Results, Role};
use crate::stats::{
    Estimate, Fastest, ROUNDS_FOR_95, Ratio, Regime, compared, completed, eligible, fastest_among, smallest,
    smallest_min_heap,
};

/// What to ship on the evidence of one trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// For each situation, in the order in which they are shown.
    pub advice: Vec<Advice>,
    /// What not to ship, whatever the situation.
    pub avoid: Vec<Avoid>,
}

/// What to ship in one situation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// The reader's situation.
    pub situation: Situation,
    /// The contenders that cannot be told apart, the one that needs the least memory first. Empty if the evidence does not
    /// suffice.
    pub ship: Vec<String>,
    /// The advice with its figures, or what to run.
    pub sentence: String,
}

/// What the program is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Situation {
    /// It keeps running and repeats its work.
    RunsOn,
    /// It starts, does its work and ends.
    StartsAndEnds,
    /// Memory is what is short.
    LittleMemory,
}

/// A contender not to ship.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Avoid {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Situation {
    /// A few words for a heading.
    pub fn name(self) -> &'static str {
        match self {
            Situation::RunsOn => "long-running",
            Situation::StartsAndEnds => "starts and ends",
            Situation::LittleMemory => "little memory",
        }
    }
}

impl Recommendation {
    /// What these results recommend.
    pub fn of(results: &Results) -> Self {
        let advice = vec![runs_on(results), starts_and_ends(results), little_memory(results)];
        Recommendation { advice, avoid: avoid(results) }
    }
}

fn grows(contender: &&Contender) -> bool {
    growth::pages_per_loop(contender).is_some()
}

fn runs_on(results: &Results) -> Advice {
    let situation = Situation::RunsOn;
    let (growing, settled): (Vec<_>, Vec<_>) = eligible(results).into_iter().partition(grows);
    if settled.is_empty() && !growing.is_empty() {
        let sentence = format!("none: {} each time the work repeats", and(growing.iter().map(|one| grows_by(one))));
        return Advice { situation, ship: Vec::new(), sentence };
    }
    let mut advice = by_time(results, situation, Regime::Steady, settled);
    let best = advice.ship.first().and_then(|name| results.contenders.iter().find(|row| row.name == *name));
    let faster = growing.into_iter().filter_map(|one| {
        let ratio = compared(results, one, &best?.name, Regime::Steady).known()?.estimate;
        let is_faster = ratio.interval.is_some_and(|interval| interval.high < 1.0);
        is_faster.then(|| format!("{} takes {} as long, but {}", one.name, times(&ratio), grows_by(one)))
    });
    let faster: Vec<String> = faster.collect();
    if !faster.is_empty() {
        advice.sentence += &format!("; {}", faster.join("; "));
    }
    advice
}

fn grows_by(contender: &Contender) -> String {
    let pages = growth::pages_per_loop(contender).unwrap_or(0);
    format!("{} grows by {}", contender.name, count(pages, "page"))
}

fn starts_and_ends(results: &Results) -> Advice {
    by_time(results, Situation::StartsAndEnds, Regime::Fresh, eligible(results))
}

fn by_time(results: &Results, situation: Situation, regime: Regime, among: Vec<&Contender>) -> Advice {
    let found = fastest_among(results, among, regime);
    let mut best = found.contenders();
    best.sort_by_key(|one| peak_heap_bytes(one));
    let ship = best.iter().map(|one| one.name.clone()).collect();
    let sentence = match &found {
        Fastest::Clear { best, next, .. } => format!(
            "{}: {}{}; {} comes next, with {} its time",
            growth::named(&[best]),
            beside_baseline(results, best, regime),
            peak(best),
            next.contender.name,
            times(&next.ratio),
        ),
        Fastest::Tied { .. } => {
            let first = best[0];
            let others = and(best[1..].iter().map(|one| &one.name));
            format!(
                "{}: {}{}; {others} cannot be told apart from it by time, and {} less memory{}",
                growth::named(&[first]),
                beside_baseline(results, first, regime),
                peak(first),
                if best.len() == 2 { "needs no" } else { "need no" },
                growth::but(&best[1..]),
            )
        }
        Fastest::Alone { only, .. } => {
            return Advice {
                situation,
                ship: vec![only.name.clone()],
                sentence: format!("{}, with nothing to compare it with", growth::named(&[only])),
            };
        }
        Fastest::TooFewRounds { rounds, .. } => format!(
            "not known: {}, and a verdict needs {ROUNDS_FOR_95}; run with --rounds 15",
            count(*rounds as u64, "common round")
        ),
        Fastest::NotTimed(reason) => format!("not known: no time was taken ({reason})"),
        Fastest::Circle { .. } => "not known: each is slower than another; run with --rigorous".to_owned(),
        Fastest::NotCompared(_) => "not known: no two were timed in the same rounds; run them together".to_owned(),
    };
    Advice { situation, ship, sentence }
}

/// The time beside the baseline's, if that is another contender.
fn beside_baseline(results: &Results, contender: &Contender, regime: Regime) -> String {
    let baseline = &results.settings.baseline;
    if contender.name == *baseline {
        return "the baseline itself".to_owned();
    }
    match compared(results, contender, baseline, regime) {
        Figure::Known(Ratio { estimate, .. }) => format!("{} the time of {baseline}", times(&estimate)),
        Figure::Unknown { unknown } => format!("not compared with {baseline} ({unknown})"),
    }
}

fn peak_heap_bytes(contender: &Contender) -> u64 {
    contender.memory.known().map_or(u64::MAX, |memory| memory.peak_heap_bytes)
}

fn peak(contender: &Contender) -> String {
    contender.memory.known().map_or(String::new(), |memory| format!(", {} at the peak", bytes(memory.peak_heap_bytes)))
}

/// `0.42 × (0.41–0.43)`.
fn times(ratio: &Estimate) -> String {
    let decimals = decimals(ratio.value).max(2);
    let interval = ratio
        .interval
        .map(|interval| format!(" ({}–{})", fixed(interval.low, decimals), fixed(interval.high, decimals)));
    format!("{} ×{}", fixed(ratio.value, decimals), interval.unwrap_or_default())
}

/// By the minimum heap where it was searched for, and else by the peak.
fn little_memory(results: &Results) -> Advice {
    let situation = Situation::LittleMemory;
    let (best, next, figure): (Vec<&Contender>, Option<(&Contender, f64)>, String) =
        if let Some(found) = smallest_min_heap(results) {
            let least = found.best[0].1;
            let next = found.next.map(|(next, heap)| (next, heap.bytes as f64 / least.bytes as f64));
            (found.contenders(), next, format!("the whole trace runs in {}", bytes(least.bytes)))
        } else if let Some(found) = smallest(results) {
            let least = found.best[0].1;
            let next =
                found.next.map(|(next, memory)| (next, memory.peak_heap_bytes as f64 / least.peak_heap_bytes as f64));
            let figure =
                format!("{} at the peak, {} × what is live", bytes(least.peak_heap_bytes), short(least.overhead_ratio));
            (found.contenders(), next, figure)
        } else {
            let sentence = "not known: no contender served every request; give a larger --heap-limit".to_owned();
            return Advice { situation, ship: Vec::new(), sentence };
        };
    let next =
        next.map_or(String::new(), |(next, ratio)| format!("; {} comes next, with {} ×", next.name, short(ratio)));
    let sentence = format!("{}: {figure}{next}", growth::named(&best));
    Advice { situation, ship: best.iter().map(|one| one.name.clone()).collect(), sentence }
}

fn avoid(results: &Results) -> Vec<Avoid> {
    let ships = results.contenders.iter().filter(|row| row.role == Role::Contender);
    ships
        .filter_map(|row| {
            let reason = match (completed(row), growth::pages_per_loop(row)) {
                (Err(reason), _) => reason,
                (Ok(()), Some(pages)) => format!("grows by {} each time the work repeats", count(pages, "page")),
                (Ok(()), None) => return None,
            };
            Some(Avoid { name: row.name.clone(), reason })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    fn recommended(contenders: Vec<Contender>) -> Recommendation {
        Recommendation::of(&Results { contenders, ..sample::empty() })
    }

    fn advice(found: &Recommendation, situation: Situation) -> (Vec<&str>, &str) {
        let advice = found.advice.iter().find(|advice| advice.situation == situation).unwrap();
        (advice.ship.iter().map(String::as_str).collect(), &advice.sentence)
    }

    #[test]
    fn what_grows_is_not_for_a_program_that_runs_on_and_is_named_with_its_growth_elsewhere() {
        let found = recommended(vec![
            contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
            contender("talc").pages(22).fresh_ns(180).steady_ns(160).build(),
            contender("climber").pages(80).grows_by(9).fresh_ns(100).steady_ns(100).build(),
        ]);
        let (ship, sentence) = advice(&found, Situation::RunsOn);
        assert_eq!(ship, ["talc"]);
        assert_eq!(
            sentence,
            "talc: 0.80 × (0.80–0.80) the time of dlmalloc, 1.38 MiB at the peak; dlmalloc comes next, with 1.25 × \
             (1.25–1.25) its time; climber takes 0.62 × (0.62–0.62) as long, but climber grows by 9 pages"
        );
        let (ship, sentence) = advice(&found, Situation::StartsAndEnds);
        assert_eq!(ship, ["climber"]);
        assert!(
            sentence.starts_with("climber, but it grows by 9 pages each time the work repeats: 0.50 × "),
            "{sentence}"
        );
        let (ship, sentence) = advice(&found, Situation::LittleMemory);
        assert_eq!(
            (ship, sentence),
            (vec!["dlmalloc"], "dlmalloc: 1.25 MiB at the peak, 1.25 × what is live; talc comes next, with 1.10 ×")
        );
        let avoid = Avoid { name: "climber".into(), reason: "grows by 9 pages each time the work repeats".into() };
        assert_eq!(found.avoid, [avoid]);
    }

    #[test]
    fn of_a_tie_the_one_with_the_least_memory_comes_first() {
        let found = recommended(vec![
            contender("a").pages(30).fresh_ns(100).steady_ns(100).build(),
            contender("b").pages(20).fresh_ns(100).steady_ns(100).build(),
            contender("dlmalloc").pages(20).fresh_ns(300).steady_ns(300).build(),
        ]);
        let (ship, sentence) = advice(&found, Situation::RunsOn);
        assert_eq!(ship, ["b", "a"]);
        assert!(sentence.ends_with("; a cannot be told apart from it by time, and needs no less memory"), "{sentence}");
        assert_eq!(advice(&found, Situation::LittleMemory).0, ["b", "dlmalloc"]);
    }

    #[test]
    fn without_enough_evidence_it_says_what_to_run() {
        let found = recommended(vec![
            contender("a").rounds(2).fresh_ns(100).steady_ns(100).build(),
            contender("b").rounds(2).fresh_ns(200).steady_ns(200).build(),
        ]);
        let expected = "not known: 2 common rounds, and a verdict needs 6; run with --rounds 15";
        assert_eq!(advice(&found, Situation::RunsOn), (vec![], expected));
        let failed = recommended(vec![contender("a").failed_requests(3).build()]);
        assert!(
            failed.advice.iter().all(|advice| advice.ship.is_empty() && advice.sentence.starts_with("not known: "))
        );
        assert_eq!(failed.avoid[0].reason, "requests failed");
    }

    #[test]
    fn only_what_can_be_shipped_is_recommended() {
        for role in [Role::Baseline, Role::Ablation, Role::Floor] {
            let found = recommended(vec![
                contender("best").role(role).pages(1).fresh_ns(1).steady_ns(1).build(),
                contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
                contender("talc").pages(22).fresh_ns(300).steady_ns(300).build(),
            ]);
            assert!(found.advice.iter().all(|advice| advice.ship == ["dlmalloc"]), "{role:?}: {found:?}");
        }
        let all_grow = recommended(vec![
            contender("a").grows_by(1).fresh_ns(1).steady_ns(1).build(),
            contender("b").grows_by(2).fresh_ns(2).steady_ns(2).build(),
        ]);
        let (ship, sentence) = advice(&all_grow, Situation::RunsOn);
        assert!(ship.is_empty(), "{sentence}");
        assert_eq!(sentence, "none: a grows by 1 page and b grows by 2 pages each time the work repeats");
    }
}
