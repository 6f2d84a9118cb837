//! What one trace recommends.

use super::advice::{Advice, Avoid, Beside, Situation};
use super::words::{self, is_wide, range, times};
use crate::growth;
use crate::numbers::{bytes, count, short};
use crate::prose::and;
use crate::results::{BuildProfile, Contender, Results, Role};
use crate::stats::{
    Fastest, ROUNDS_FOR_95, Regime, Verdict, compared, completed, eligible, fastest_among, smallest, smallest_min_heap,
};

/// Names of metrics.
pub(super) const FRESH: &str = "fresh_ns_per_op";
pub(super) const STEADY: &str = "steady_ns_per_op";

pub(super) fn advice(results: &Results) -> Vec<Advice> {
    vec![runs_on(results), starts_and_ends(results), little_memory(results)]
}

fn runs_on(results: &Results) -> Advice {
    let (growing, settled): (Vec<_>, Vec<_>) = eligible(results).into_iter().partition(|one| growth::goes_on(one));
    if settled.is_empty() && !growing.is_empty() {
        let how = growing.iter().filter_map(|one| Some(format!("{} {}", one.name, growth::how(one)?)));
        let sentence = format!("None: {}.", and(how));
        return Advice { metric: STEADY, sentence, ..Advice::default() };
    }
    let mut advice = by_time(results, Situation::RunsOn, Regime::Steady, settled);
    let Some(best) = advice.ship.first().cloned() else { return advice };
    let faster = growing.into_iter().filter_map(|one| {
        let beside = beside(results, one, &best, Regime::Steady)?;
        let how = growth::how(one)?;
        (beside.high? < 1.0).then(|| format!("{} takes {} its time, but {how}.", one.name, times(&beside)))
    });
    advice.details.extend(faster);
    advice
}

/// Why no contender can be recommended, and what to run instead.
fn nobody(results: &Results) -> (String, &'static str) {
    let rows = || results.contenders.iter().filter(|row| row.role == Role::Contender);
    if rows().next().is_none() {
        return ("None: no allocator that can be shipped took part.".to_owned(), words::MORE_ALLOCATORS);
    }
    if rows().any(|row| row.memory.known().is_some_and(|memory| memory.failed_requests > 0)) {
        return ("None: no contender served every request.".to_owned(), words::LARGER_LIMIT);
    }
    let reason = |row: &Contender| completed(row).err().or_else(|| Some(row.memory.reason()?.to_string()));
    let reason = rows().find_map(reason).map_or(String::new(), |reason| format!(" ({reason})"));
    (format!("None: no contender is known to serve every request{reason}."), words::MEASURE_AGAIN)
}

fn starts_and_ends(results: &Results) -> Advice {
    by_time(results, Situation::StartsAndEnds, Regime::Fresh, eligible(results))
}

/// A contender's time over that of another; `None` if they were not compared in enough rounds.
fn beside(results: &Results, contender: &Contender, other: &str, regime: Regime) -> Option<Beside> {
    let ratio = compared(results, contender, other, regime);
    Some(Beside::of(other, &ratio.known()?.estimate))
}

fn by_time(results: &Results, situation: Situation, regime: Regime, among: Vec<&Contender>) -> Advice {
    let advice =
        Advice { situation, metric: if regime == Regime::Fresh { FRESH } else { STEADY }, ..Advice::default() };
    let unknown = |sentence: String, run: &str| Advice { sentence, run: Some(run.to_owned()), ..advice.clone() };
    let found = fastest_among(results, among, regime);
    let (best, next) = match &found {
        Fastest::Clear { best, next, .. } => (vec![*best], Some(Beside::of(&next.contender.name, &next.ratio))),
        Fastest::Tied { .. } => (least_memory_first(results, found.contenders(), regime), None),
        Fastest::Alone { only, .. } => (vec![*only], None),
        Fastest::TooFewRounds { rounds, .. } => {
            let rounds = count(*rounds as u64, "common round");
            return unknown(
                format!("Not known: {rounds}, and a verdict needs {ROUNDS_FOR_95}."),
                words::FIFTEEN_ROUNDS,
            );
        }
        Fastest::NotTimed(_) if eligible(results).is_empty() => {
            let (sentence, run) = nobody(results);
            return unknown(sentence, run);
        }
        Fastest::NotTimed(reason) => {
            return unknown(format!("Not known: no time was taken ({reason})."), words::FIFTEEN_ROUNDS);
        }
        Fastest::Circle { .. } => {
            return unknown("Not known: each is slower than another.".to_owned(), words::RIGOROUS);
        }
        Fastest::NotCompared(_) => {
            return unknown("Not known: no two were timed in the same rounds.".to_owned(), words::RIGOROUS);
        }
    };
    let first = best[0];
    let beside_reference =
        beside(results, first, &results.settings.baseline, regime).filter(|_| first.name != results.settings.baseline);
    let ties: Vec<(&Contender, Option<Beside>)> =
        best[1..].iter().map(|one| (*one, beside(results, one, &first.name, regime))).collect();
    let mut details = Vec::new();
    if let Some((last, before)) = ties.split_last() {
        let tied = before.iter().chain([last]).map(|(one, beside)| tied(one, beside.as_ref()));
        details.push(format!("Too close to it to tell by time: {}{}.", and(tied), growth::but(&best[1..])));
    }
    let others = next.as_ref().map(|next| format!("{} comes next, with {} its time.", next.name, times(next)));
    details.extend(others);
    if matches!(found, Fastest::Alone { .. }) {
        details.push("There is nothing to compare it with.".to_owned());
    }
    let is_open = ties.iter().any(|(_, beside)| beside.as_ref().is_none_or(is_wide));
    Advice {
        ship: best.iter().map(|one| one.name.clone()).collect(),
        caveat: caveat(first),
        sentence: sentence(results, first, beside_reference.as_ref(), regime),
        beside_reference,
        next,
        peak_heap_bytes: first.memory.known().map(|memory| memory.peak_heap_bytes),
        details,
        run: is_open.then(|| words::MORE_ROUNDS.to_owned()),
        ..advice
    }
}

/// `talc (0.98–1.02, 1.38 MiB at the peak)`.
fn tied(contender: &Contender, beside: Option<&Beside>) -> String {
    let figures: Vec<String> =
        beside.map(|beside| format!("{} ×", range(beside))).into_iter().chain(peak(contender)).collect();
    format!("{} ({})", contender.name, figures.join(", "))
}

/// Of contenders that cannot be told apart from the fastest, those that none of the others is known to beat.
fn least_memory_first<'a>(results: &Results, mut tied: Vec<&'a Contender>, regime: Regime) -> Vec<&'a Contender> {
    let all = tied.clone();
    let beats = |other: &&Contender, one: &Contender| {
        compared(results, other, &one.name, regime).known().is_some_and(|ratio| ratio.verdict == Verdict::Faster)
    };
    tied.retain(|one| !all.iter().any(|other| other.name != one.name && beats(other, one)));
    tied.sort_by_key(|one| one.memory.known().map_or(u64::MAX, |memory| memory.peak_heap_bytes));
    // In a circle, none is left.
    if tied.is_empty() { all } else { tied }
}

fn sentence(results: &Results, best: &Contender, beside: Option<&Beside>, regime: Regime) -> String {
    let reference = &results.settings.baseline;
    let time = match beside {
        Some(beside) => Some(format!("{} the time of {reference}", times(beside))),
        None if best.name == *reference => None,
        None => {
            let reason = compared(results, best, reference, regime).reason().map(|reason| format!(" ({reason})"));
            Some(format!("not compared with {reference}{}", reason.unwrap_or_default()))
        }
    };
    let figures: Vec<String> = time.into_iter().chain(peak(best)).collect();
    words::ship(&best.name, reference, caveat(best).as_deref(), &figures)
}

/// What speaks against a contender: `it grows by 3 pages each time the work repeats`.
fn caveat(contender: &Contender) -> Option<String> {
    growth::but(&[contender]).strip_prefix(", but ").map(str::to_owned)
}

fn peak(contender: &Contender) -> Option<String> {
    Some(format!("{} at the peak", bytes(contender.memory.known()?.peak_heap_bytes)))
}

/// By the minimum heap where it was searched for, and else by the peak. Of equals, the faster comes first.
fn little_memory(results: &Results) -> Advice {
    let situation = Situation::LittleMemory;
    let (metric, best, next, figure) = if let Some(found) = smallest_min_heap(results) {
        let least = found.best[0].1;
        let next = found.next.map(|(next, heap)| (next, heap.bytes as f64 / least.bytes as f64));
        let figure = format!("the whole trace runs in a heap of {}", bytes(least.bytes));
        ("min_heap.bytes", found.contenders(), next, figure)
    } else if let Some(found) = smallest(results) {
        let least = found.best[0].1;
        let next =
            found.next.map(|(next, memory)| (next, memory.peak_heap_bytes as f64 / least.peak_heap_bytes as f64));
        let (peak, overhead) = (bytes(least.peak_heap_bytes), short(least.overhead_ratio));
        let figure = format!("{peak} at the peak, {overhead} × the most that the program held");
        ("peak_heap_bytes", found.contenders(), next, figure)
    } else {
        let (sentence, run) = nobody(results);
        let run = Some(run.to_owned());
        return Advice { situation, metric: "peak_heap_bytes", sentence, run, ..Advice::default() };
    };
    let mut best = best;
    let faster = fastest_among(results, best.clone(), Regime::Fresh).contenders();
    best.sort_by_key(|one| !faster.iter().any(|other| other.name == one.name));
    let next = next.map(|(next, ratio)| Beside { name: next.name.clone(), ratio, low: None, high: None });
    let others = (best.len() > 1).then(|| {
        let need = if best.len() == 2 { "needs" } else { "need" };
        format!("{} {need} no more{}.", and(best[1..].iter().map(|one| &one.name)), growth::but(&best[1..]))
    });
    let next_sentence =
        next.iter().map(|next| format!("{} comes next, with {} × as much.", next.name, short(next.ratio)));
    let reference = results.contenders.iter().find(|row| row.name == results.settings.baseline);
    let beside_reference = reference.filter(|row| row.name != best[0].name).and_then(|row| {
        let ratio = match metric {
            "min_heap.bytes" => best[0].min_heap.known()?.bytes as f64 / row.min_heap.known()?.bytes as f64,
            _ => best[0].memory.known()?.peak_heap_bytes as f64 / row.memory.known()?.peak_heap_bytes as f64,
        };
        completed(row).is_ok().then(|| Beside { name: row.name.clone(), ratio, low: None, high: None })
    });
    Advice {
        situation,
        metric,
        ship: best.iter().map(|one| one.name.clone()).collect(),
        caveat: caveat(best[0]),
        sentence: words::ship(&best[0].name, &results.settings.baseline, caveat(best[0]).as_deref(), &[figure]),
        details: others.into_iter().chain(next_sentence).collect(),
        beside_reference,
        next,
        peak_heap_bytes: best[0].memory.known().map(|memory| memory.peak_heap_bytes),
        run: None,
    }
}

/// The contenders among these names that this trace does not speak against: of a time, those that none of them is known
/// to beat.
pub(super) fn best(results: &Results, situation: Situation, names: &[&str]) -> Vec<String> {
    let among = || eligible(results).into_iter().filter(|row| names.contains(&row.name.as_str()));
    let found = match situation {
        Situation::RunsOn => fastest_among(results, among().collect(), Regime::Steady).contenders(),
        Situation::StartsAndEnds => fastest_among(results, among().collect(), Regime::Fresh).contenders(),
        Situation::LittleMemory => {
            let peak = |row: &Contender| row.memory.known().map(|memory| memory.peak_heap_bytes);
            let least = among().filter_map(peak).min();
            among().filter(|row| peak(row) == least).collect()
        }
    };
    found.into_iter().map(|row| row.name.clone()).collect()
}

pub(super) fn avoid(results: &Results) -> Vec<Avoid> {
    let ships = results.contenders.iter().filter(|row| row.role == Role::Contender);
    ships
        .filter_map(|row| {
            let name = row.name.clone();
            if let Err(reason) = completed(row) {
                let reason = format!("did not serve the whole trace: {reason}");
                return Some(Avoid { name, situations: Situation::ALL.into(), reason });
            }
            Some(Avoid { name, situations: vec![Situation::RunsOn], reason: growth::how(row)? })
        })
        .collect()
}

pub(super) fn run(results: &Results) -> Vec<String> {
    let debug = (results.provenance.profile == BuildProfile::Debug).then_some(words::BUILD_RELEASE);
    let min_heap = (!results.settings.min_heap && !eligible(results).is_empty()).then_some(words::SEARCH_MIN_HEAP);
    let one = words::one_trace_only(results.trace.origin);
    debug.into_iter().chain([one]).chain(min_heap).map(str::to_owned).collect()
}
