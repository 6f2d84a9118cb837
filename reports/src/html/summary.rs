//! The figures of one trace in words: what a colleague reads first, and maybe all that they read.
//!
//! Every sentence is made from a finding, and says no more than its intervals do. All text here is plain; the page escapes it.

use super::findings::{Climb, Fastest, Findings, NotCompared, Rival, climbing, eligible, smallest};
use crate::numbers::{bytes, count, decimals, fixed, grouped, short};
use crate::results::{Contender, Memory, Results, Verification};
use crate::stats::{Estimate, ROUNDS_FOR_95, Ratio, Temperature, Verdict, ratio_beside};
use crate::table::notes::{failed_requests_note, verification_note};

/// A question, its answer, and the figures behind it.
#[derive(Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) question: &'static str,
    /// A few words.
    pub(super) answer: String,
    /// The contenders that the answer is about, for their colours.
    pub(super) names: Vec<String>,
    /// Sentences.
    pub(super) detail: Vec<String>,
    pub(super) tone: Tone,
}

/// How an answer is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// It is known.
    Known,
    /// The figures leave it open.
    Open,
    /// It should keep one from shipping.
    Bad,
}

/// All that is to be said of one trace.
pub(super) fn statements(findings: &Findings) -> Vec<Statement> {
    let Findings { results, warm, cold } = findings;
    let mut statements = Vec::new();
    if eligible(results).len() == 1 {
        statements.extend(alone(results));
    }
    statements.push(speed("Fastest on warm pages", warm));
    statements.push(speed("Fastest on fresh pages", cold));
    statements.extend(size(results));
    statements.extend(min_heap(results));
    statements.extend(trade_off(results, warm));
    statements.extend(climbs(results));
    statements.extend(failures(results));
    statements
}

/// Who is fastest, in few words: for the list of traces.
pub(super) fn speed_in_short(fastest: &Fastest) -> String {
    match fastest {
        Fastest::NotTimed(_) => "not timed".into(),
        Fastest::Alone { only, .. } => format!("{}, alone", only.name),
        Fastest::Clear { best, .. } => best.name.clone(),
        Fastest::Tied { lowest, tied, .. } => {
            format!("inconclusive between {}", and([&lowest.name].into_iter().chain(tied.iter().map(|rival| &rival.contender.name))))
        }
        Fastest::TooFewRounds { .. } => "inconclusive: too few rounds".into(),
        Fastest::NotCompared(_) => "inconclusive: not in the same rounds".into(),
    }
}

fn speed(question: &'static str, fastest: &Fastest) -> Statement {
    let answer = speed_in_short(fastest);
    let per_op = |ns: &f64| format!("{} ns per operation", short(*ns));
    let (names, mut detail, tone) = match fastest {
        Fastest::NotTimed(reason) => (vec![], vec![format!("No time was taken: {reason}.")], Tone::Open),
        Fastest::Alone { only, ns } => {
            let detail = format!("{}, and no other contender to compare it with.", per_op(ns));
            (vec![only.name.clone()], vec![detail], Tone::Open)
        }
        Fastest::Clear { best, ns, next, .. } => {
            let detail = format!(
                "{}. {} comes next and takes {} as long.",
                per_op(ns),
                next.contender.name,
                times(&next.ratio, "times")
            );
            (vec![best.name.clone()], vec![detail], Tone::Known)
        }
        Fastest::Tied { lowest, ns, tied, .. } => (
            [&lowest.name].into_iter().chain(tied.iter().map(|rival| &rival.contender.name)).cloned().collect(),
            vec![format!("{} has the lowest median, {}; {}.", lowest.name, per_op(ns), tie(tied))],
            Tone::Open,
        ),
        Fastest::TooFewRounds { lowest, ns, rounds } => (
            vec![],
            vec![format!(
                "{} gave {} the lowest median, {}; an interval of 95 % takes {ROUNDS_FOR_95} rounds at least.",
                count(*rounds as u64, "round"),
                lowest.name,
                per_op(ns)
            )],
            Tone::Open,
        ),
        Fastest::NotCompared(_) => (vec![], vec![], Tone::Open),
    };
    let (Fastest::Clear { not_compared, .. } | Fastest::Tied { not_compared, .. } | Fastest::NotCompared(not_compared)) = fastest
    else {
        return Statement { question, answer, names, detail, tone };
    };
    detail.extend(not_compared.iter().map(|NotCompared { contender, reason }| {
        format!("{} could not be compared with it: {reason}.", contender.name)
    }));
    Statement { question, answer, names, detail, tone }
}

fn tie(tied: &[Rival]) -> String {
    let takes = |rival: &Rival| format!("{} takes {} as long", rival.contender.name, times(&rival.ratio, "times"));
    let contains = if tied.len() == 1 { "this interval contains 1" } else { "these intervals contain 1" };
    format!("{}, and {contains}", join(tied.iter().map(takes)))
}

/// That there is one contender alone, and so nothing to win.
fn alone(results: &Results) -> Option<Statement> {
    let only = *eligible(results).first()?;
    let others = results.contenders.len() > 1;
    Some(Statement {
        question: "Who takes part",
        answer: only.name.clone(),
        names: vec![only.name.clone()],
        detail: vec![
            if others { "The only contender here that can win anything: the others are yardsticks, or failed." } else { "The only contender: there is nothing to compare it with." }
                .into(),
        ],
        tone: Tone::Open,
    })
}

fn size(results: &Results) -> Option<Statement> {
    let found = smallest(results)?;
    let (_, memory) = *found.best.first()?;
    let each = if found.best.len() > 1 { " each" } else { "" };
    let mut detail = vec![format!(
        "{} at the peak{each} ({}), {} × the {} that are live at most.",
        bytes(memory.peak_heap_bytes),
        count(memory.peak_heap_pages, "page"),
        short(memory.overhead_ratio),
        bytes(results.trace.peak_live_bytes),
    )];
    if let Some((next, theirs)) = found.next {
        detail.push(format!(
            "{} comes next with {}, {} × as much.",
            next.name,
            bytes(theirs.peak_heap_bytes),
            at_least_two_decimals(theirs.peak_heap_bytes as f64 / memory.peak_heap_bytes as f64),
        ));
    }
    let names: Vec<String> = found.best.iter().map(|(contender, _)| contender.name.clone()).collect();
    let tone = if eligible(results).len() > 1 { Tone::Known } else { Tone::Open };
    Some(Statement { question: "Smallest peak heap", answer: and(names.iter()), names, detail, tone })
}

/// Who can do with the smallest heap, where that was searched for.
fn min_heap(results: &Results) -> Option<Statement> {
    let mut known: Vec<_> =
        eligible(results).into_iter().filter_map(|contender| Some((contender, contender.min_heap.known()?))).collect();
    known.sort_by_key(|(_, min)| min.pages);
    let (_, least) = *known.first()?;
    let names: Vec<String> =
        known.iter().take_while(|(_, min)| min.pages == least.pages).map(|(contender, _)| contender.name.clone()).collect();
    let detail = vec![format!(
        "{} ({}) are enough for the whole trace: {} × peak live.",
        count(least.pages, "page"),
        bytes(least.bytes),
        short(least.ratio_to_max_live)
    )];
    let tone = if known.len() > 1 { Tone::Known } else { Tone::Open };
    Some(Statement { question: "Smallest heap that will do", answer: and(names.iter()), names, detail, tone })
}

/// What the fastest on warm pages costs in memory, and who lies in between.
fn trade_off(results: &Results, warm: &Fastest) -> Option<Statement> {
    let found = smallest(results)?;
    let (small, small_memory) = *found.best.first()?;
    let (quick, tied): (&Contender, Vec<&Contender>) = match warm {
        Fastest::Clear { best, .. } => (best, vec![]),
        Fastest::Tied { lowest, tied, .. } => (lowest, tied.iter().map(|rival| rival.contender).collect()),
        _ => return None,
    };
    let is_small = |contender: &Contender| found.best.iter().any(|(small, _)| small.name == contender.name);
    let statement = |answer: String, names: Vec<String>, detail, tone| {
        Some(Statement { question: "What one pays for the other", answer, names, detail, tone })
    };
    if is_small(quick) && tied.is_empty() {
        let answer = format!("nothing: {} is both", quick.name);
        return statement(answer, vec![quick.name.clone()], vec!["On warm pages it is the fastest, and no other needs less memory.".into()], Tone::Known);
    }
    if let Some(small) = [quick].into_iter().chain(tied.iter().copied()).find(|contender| is_small(contender)) {
        let detail = "No contender needs less memory, and none is known to be faster on warm pages.".to_owned();
        return statement(format!("{}, as far as is known", small.name), vec![small.name.clone()], vec![detail], Tone::Open);
    }
    let quick_memory = quick.memory.known()?;
    let mut detail = vec![exchange(results, quick, quick_memory, small, small_memory)?];
    detail.extend(between(results, quick_memory, small, small_memory));
    let answer = format!(
        "{} × the memory of {}",
        at_least_two_decimals(quick_memory.peak_heap_bytes as f64 / small_memory.peak_heap_bytes as f64),
        small.name
    );
    let tone = if tied.is_empty() { Tone::Known } else { Tone::Open };
    statement(answer, vec![quick.name.clone(), small.name.clone()], detail, tone)
}

/// What the quicker of two saves in time, and takes in memory.
fn exchange(results: &Results, quick: &Contender, takes: &Memory, small: &Contender, needs: &Memory) -> Option<String> {
    let ratio = ratio_beside(results, quick, &small.name, Temperature::Warm);
    let Ratio { estimate, verdict } = *ratio.known()?;
    let memory = at_least_two_decimals(takes.peak_heap_bytes as f64 / needs.peak_heap_bytes as f64);
    Some(match verdict {
        Verdict::Inconclusive => format!(
            "{} takes {memory} × the peak heap of {}, and whether it saves time is inconclusive: {} its time on warm pages.",
            quick.name,
            small.name,
            times(&estimate, "×")
        ),
        Verdict::Faster | Verdict::Slower => format!(
            "{} takes {} the time of {} on warm pages, and {memory} × its peak heap.",
            quick.name,
            times(&estimate, "×"),
            small.name
        ),
    })
}

/// Contenders that are faster than the smallest by their interval, and need less memory than the fastest; the smallest two of them.
fn between(results: &Results, quick: &Memory, small: &Contender, small_memory: &Memory) -> Vec<String> {
    let mut found: Vec<(&Contender, &Memory)> = eligible(results)
        .into_iter()
        .filter_map(|contender| Some((contender, contender.memory.known()?)))
        .filter(|(_, memory)| {
            memory.peak_heap_bytes < quick.peak_heap_bytes && memory.peak_heap_bytes > small_memory.peak_heap_bytes
        })
        .filter(|(contender, _)| {
            let ratio = ratio_beside(results, contender, &small.name, Temperature::Warm);
            ratio.known().is_some_and(|ratio| ratio.verdict == Verdict::Faster)
        })
        .collect();
    found.sort_by_key(|(_, memory)| memory.peak_heap_bytes);
    let told = found.into_iter().take(2);
    told.filter_map(|(contender, memory)| Some(format!("In between, {}", exchange(results, contender, memory, small, small_memory)?)))
        .collect()
}

fn climbs(results: &Results) -> Option<Statement> {
    let found = climbing(results);
    if found.is_empty() {
        return None;
    }
    let tell = |(contender, climb): &(&Contender, Climb)| {
        format!(
            "{}: from {} to {} between events {} and {}, while no more than {} were live.",
            contender.name,
            bytes(climb.from_bytes),
            bytes(climb.to_bytes),
            grouped(climb.from_event),
            grouped(climb.to_event),
            bytes(climb.live_bytes),
        )
    };
    let names: Vec<String> = found.iter().map(|(contender, _)| contender.name.clone()).collect();
    let detail = found.iter().map(tell).collect();
    Some(Statement { question: "Takes more and more, like a leak", answer: and(names.iter()), names, detail, tone: Tone::Bad })
}

/// Who failed, where and how.
fn failures(results: &Results) -> Option<Statement> {
    let (mut names, mut detail) = (Vec::new(), Vec::new());
    for contender in &results.contenders {
        let invalid = matches!(contender.verification, Verification::Failed { .. });
        let told = verification_note(contender).filter(|_| invalid).or_else(|| failed_requests_note(contender));
        let ended = contender.partial.as_ref().map(|partial| {
            format!(
                "{}: ended at event {} of {}, with {} committed: {}",
                contender.name,
                grouped(partial.events),
                grouped(results.trace.events),
                bytes(partial.heap_bytes),
                partial.reason
            )
        });
        if let Some(told) = told.or(ended) {
            names.push(contender.name.clone());
            detail.push(format!("{told}."));
        }
    }
    let answer = and(names.iter());
    (!names.is_empty()).then_some(Statement { question: "Failed", answer, names, detail, tone: Tone::Bad })
}

/// A ratio with its interval: `1.42 times (1.38–1.47)`.
pub(super) fn times(ratio: &Estimate, sign: &str) -> String {
    let decimals = decimals(ratio.value).max(2);
    match ratio.interval {
        Some(interval) => format!(
            "{} {sign} ({}–{})",
            fixed(ratio.value, decimals),
            fixed(interval.low, decimals),
            fixed(interval.high, decimals)
        ),
        None => format!("{} {sign}", fixed(ratio.value, decimals)),
    }
}

/// A ratio of memory: `1.02`, `43.83`.
fn at_least_two_decimals(ratio: f64) -> String {
    fixed(ratio, if ratio < 10.0 { 2 } else { decimals(ratio) })
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and<'a>(names: impl Iterator<Item = &'a String>) -> String {
    join(names.cloned())
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    match &parts[..] {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
