//! What speed costs in memory on a trace: the fastest against the smallest contender, and those in between.

use super::findings::Findings;
use super::statement::{Statement, Tone, times};
use crate::growth;
use crate::numbers::short;
use crate::results::{Contender, Memory, Results};
use crate::stats::{Fastest, Ratio, Regime, Verdict, beaten, compared, eligible, smallest};
use crate::times::program;

/// Asks what speed costs, where both programs have the same answer.
const FOR_BOTH: &str = "What speed costs in memory";

/// What the fastest contender costs in memory, and those in between: for a program that starts, and for a program that
/// runs on where that differs.
pub(super) fn trade_offs(findings: &Findings) -> Vec<Statement> {
    let Findings { results, fresh, steady } = findings;
    let of = [
        ("What speed costs in memory, for a program that starts", Regime::Fresh, fresh),
        ("What speed costs in memory, for a program that runs on", Regime::Steady, steady),
    ];
    let found = of.into_iter().filter_map(|(question, regime, fastest)| trade_off(question, results, fastest, regime));
    let mut found: Vec<Statement> = found.collect();
    if let [fresh, steady] = &mut found[..]
        && (&fresh.answer, &fresh.names, fresh.tone) == (&steady.answer, &steady.names, steady.tone)
    {
        fresh.question = FOR_BOTH;
        fresh.detail.append(&mut steady.detail);
        found.pop();
    }
    found
}

fn trade_off(question: &'static str, results: &Results, fastest: &Fastest, regime: Regime) -> Option<Statement> {
    let found = smallest(results)?;
    let (small, small_memory) = *found.best.first()?;
    let (quick, tied): (&Contender, Vec<&Contender>) = match fastest {
        Fastest::Clear { best, .. } => (best, vec![]),
        Fastest::Tied { best, tied, .. } => (best, tied.iter().map(|rival| rival.contender).collect()),
        _ => return None,
    };
    let is_small = |contender: &Contender| found.best.iter().any(|(small, _)| small.name == contender.name);
    let statement = |answer: String, of: &[&Contender], detail, tone| {
        let names = of.iter().map(|contender| contender.name.clone()).collect();
        Some(Statement { question, answer, names, detail, tone })
    };
    let program = program(regime);
    if is_small(quick) && tied.is_empty() {
        let but = growth::but(&[quick]);
        let detail = format!("{} is the fastest for {program}, and no other needs less memory{but}.", quick.name);
        return statement(
            format!("nothing: {} is both fastest and smallest{but}", quick.name),
            &[quick],
            vec![detail],
            Tone::Known,
        );
    }
    let unbeaten = |contender: &&Contender| is_small(contender) && !beaten(results, contender, regime);
    if let Some(small) = [quick].into_iter().chain(tied.iter().copied()).find(unbeaten) {
        let detail = format!("No contender needs less memory, and none is known to be faster for {program}.");
        let answer = format!("{}, as far as is known{}", small.name, growth::but(&[small]));
        return statement(answer, &[small], vec![detail], Tone::Open);
    }
    let quick_memory = quick.memory.known()?;
    let mut detail = vec![exchange(results, (quick, quick_memory), (small, small_memory), regime)?];
    detail.extend(between(results, quick_memory, (small, small_memory), regime));
    let answer = format!(
        "{} × the memory of {}",
        short(quick_memory.peak_heap_bytes as f64 / small_memory.peak_heap_bytes as f64),
        small.name
    );
    let tone = if tied.is_empty() { Tone::Known } else { Tone::Open };
    statement(answer, &[quick, small], detail, tone)
}

/// What the faster of two saves in time and costs in memory.
fn exchange(
    results: &Results,
    (quick, takes): (&Contender, &Memory),
    (small, needs): (&Contender, &Memory),
    regime: Regime,
) -> Option<String> {
    let ratio = compared(results, quick, &small.name, regime);
    let Ratio { estimate, verdict } = *ratio.known()?;
    let memory = short(takes.peak_heap_bytes as f64 / needs.peak_heap_bytes as f64);
    let (time, program, but) = (times(&estimate, "×"), program(regime), growth::but(&[quick]));
    Some(match verdict {
        Verdict::Inconclusive => format!(
            "{} takes {memory} × the peak heap of {}, and whether it saves time is inconclusive for {program}: {time} its time{but}.",
            quick.name, small.name,
        ),
        Verdict::Faster | Verdict::Slower => format!(
            "{} takes {time} the time of {} for {program}, and {memory} × its peak heap{but}.",
            quick.name, small.name,
        ),
    })
}

/// Contenders that are faster than the smallest by their interval, and need less memory than the fastest: the smallest
/// two.
fn between(results: &Results, quick: &Memory, small: (&Contender, &Memory), regime: Regime) -> Vec<String> {
    let mut found: Vec<(&Contender, &Memory)> = eligible(results)
        .into_iter()
        .filter_map(|contender| Some((contender, contender.memory.known()?)))
        .filter(|(_, memory)| {
            memory.peak_heap_bytes < quick.peak_heap_bytes && memory.peak_heap_bytes > small.1.peak_heap_bytes
        })
        .filter(|(contender, _)| {
            let ratio = compared(results, contender, &small.0.name, regime);
            ratio.known().is_some_and(|ratio| ratio.verdict == Verdict::Faster)
        })
        .collect();
    found.sort_by_key(|(_, memory)| memory.peak_heap_bytes);
    let shown = found.into_iter().take(2);
    shown.filter_map(|one| Some(format!("In between, {}", exchange(results, one, small, regime)?))).collect()
}
