//! What speed costs in memory on one trace: the fastest against the smallest, and who lies in between.

use super::findings::{Fastest, beaten, compared, eligible, smallest};
use super::summary::{Statement, Tone, times};
use crate::numbers::short;
use crate::results::{Contender, Memory, Results};
use crate::stats::{Ratio, Temperature, Verdict};

/// What the fastest on warm pages costs in memory, and who lies in between.
pub(super) fn trade_off(results: &Results, warm: &Fastest) -> Option<Statement> {
    let found = smallest(results)?;
    let (small, small_memory) = *found.best.first()?;
    let (quick, tied): (&Contender, Vec<&Contender>) = match warm {
        Fastest::Clear { best, .. } => (best, vec![]),
        Fastest::Tied { best, tied, .. } => (best, tied.iter().map(|rival| rival.contender).collect()),
        _ => return None,
    };
    let is_small = |contender: &Contender| found.best.iter().any(|(small, _)| small.name == contender.name);
    let statement = |answer: String, names: Vec<String>, detail, tone| {
        Some(Statement { question: "What one pays for the other", answer, names, detail, tone })
    };
    if is_small(quick) && tied.is_empty() {
        let answer = format!("nothing: {} is both", quick.name);
        return statement(
            answer,
            vec![quick.name.clone()],
            vec!["On warm pages it is the fastest, and no other needs less memory.".into()],
            Tone::Known,
        );
    }
    let unbeaten = |contender: &&Contender| is_small(contender) && !beaten(results, contender, Temperature::Warm);
    if let Some(small) = [quick].into_iter().chain(tied.iter().copied()).find(unbeaten) {
        let detail = "No contender needs less memory, and none is known to be faster on warm pages.".to_owned();
        return statement(
            format!("{}, as far as is known", small.name),
            vec![small.name.clone()],
            vec![detail],
            Tone::Open,
        );
    }
    let quick_memory = quick.memory.known()?;
    let mut detail = vec![exchange(results, quick, quick_memory, small, small_memory)?];
    detail.extend(between(results, quick_memory, small, small_memory));
    let answer = format!(
        "{} × the memory of {}",
        short(quick_memory.peak_heap_bytes as f64 / small_memory.peak_heap_bytes as f64),
        small.name
    );
    let tone = if tied.is_empty() { Tone::Known } else { Tone::Open };
    statement(answer, vec![quick.name.clone(), small.name.clone()], detail, tone)
}

/// What the quicker of two saves in time, and takes in memory.
fn exchange(results: &Results, quick: &Contender, takes: &Memory, small: &Contender, needs: &Memory) -> Option<String> {
    let ratio = compared(results, quick, &small.name, Temperature::Warm);
    let Ratio { estimate, verdict } = *ratio.known()?;
    let memory = short(takes.peak_heap_bytes as f64 / needs.peak_heap_bytes as f64);
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
            let ratio = compared(results, contender, &small.name, Temperature::Warm);
            ratio.known().is_some_and(|ratio| ratio.verdict == Verdict::Faster)
        })
        .collect();
    found.sort_by_key(|(_, memory)| memory.peak_heap_bytes);
    let told = found.into_iter().take(2);
    told.filter_map(|(contender, memory)| {
        Some(format!("In between, {}", exchange(results, contender, memory, small, small_memory)?))
    })
    .collect()
}
