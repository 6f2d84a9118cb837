//! The page of a study, as Markdown.

use std::fmt::Write;

use super::{Effect, MEASURES, MeanOver, Measured, OnTrace, Study, ratio_text};
use crate::numbers::{count, grouped};
use crate::prose::and;
use crate::ranking::of_kind;
use crate::reasons::{by_reason, names_by_reason};
use crate::results::{Figure, ProgramKind, Results, WarningCode};
use crate::stats::{Estimate, Interval, Regime, Verdict, expected_by_chance, trust_in_mean};
use crate::times;

/// The page. The figure of each decision is the file `design-space/ALLOCATOR.svg` beside it.
///
/// `commands` are those that made the results and the page.
pub fn page(study: &Study, commands: &[&str]) -> String {
    let mut text = "# What each decision of allocator design costs and gains\n\n".to_owned();
    let _ = writeln!(text, "```sh\n{}\n```\n", commands.join("\n"));
    headline(&mut text, study);
    let _ = writeln!(
        text,
        "The classic is `{}`. Each other allocator is the classic with one decision switched, unless its section says \
         otherwise. Figures are over the classic's on the same trace, so below 1 is less memory or time; means are \
         geometric, with 95 % intervals over the traces. A peak is exact, in pages: its interval is about other programs \
         alone. Times include the harness, so the ratio of the allocators alone is further from 1. A `?` marks an interval \
         that covers 1: the allocator cannot be told apart from the classic. A heap that goes on growing pays for new \
         pages in its steady time, too. The data of each figure is the CSV file beside it.\n",
        study.classic
    );
    overview(&mut text, study);
    for effect in &study.effects {
        section(&mut text, study, effect);
    }
    provenance(&mut text, study);
    text
}

/// The decisions that an allocator differs in alone, with their mean of this figure.
fn alone<'s>(study: &'s Study, index: usize) -> impl Iterator<Item = (&'s Effect, MeanOver)> {
    let single = study.effects.iter().filter(|effect| effect.decision.several.is_none());
    single.filter_map(move |effect| Some((effect, effect.measured[index].all?)))
}

/// The answer: for each figure, what gains most and what costs most.
fn headline(text: &mut String, study: &Study) {
    for (index, (_, noun)) in MEASURES.into_iter().enumerate() {
        let of = |verdict| {
            let mut found: Vec<_> = alone(study, index).filter(|(_, mean)| mean.verdict == verdict).collect();
            found.sort_by(|(_, one), (_, other)| one.ratio.value.total_cmp(&other.ratio.value));
            found
        };
        let named = |(effect, mean): &(&Effect, MeanOver)| {
            let decision = &effect.decision;
            format!("*{}* (`{}`), to {}", lower(&decision.name), decision.allocator, estimate(mean.ratio))
        };
        let gains = match of(Verdict::Faster).first() {
            Some(most) => format!("falls most where {} times the classic's", named(most)),
            None => "falls nowhere that can be told from chance".to_owned(),
        };
        let costs = match of(Verdict::Slower).last() {
            Some(most) => format!("rises most where {} times", named(most)),
            None => "rises nowhere that can be told from chance".to_owned(),
        };
        // The answer comes first, and the memory is what the decisions are about.
        let mark = if index == 0 { "**" } else { "" };
        let _ = writeln!(text, "{mark}{} {gains}, and {costs}.{mark}", upper(noun));
    }
    let is_open = |effect: &&Effect| {
        let mut known = effect.measured.iter().filter_map(|one| one.all).peekable();
        known.peek().is_some() && known.all(|mean| mean.verdict == Verdict::Inconclusive)
    };
    let single = study.effects.iter().filter(|effect| effect.decision.several.is_none());
    let open: Vec<String> = single.filter(is_open).map(|effect| format!("`{}`", effect.decision.allocator)).collect();
    if !open.is_empty() {
        let _ = writeln!(text, "In no figure can the classic be told apart from {}.", and(open));
    }
    text.push('\n');
}

/// All decisions, least peak heap first, those that are several decisions last.
fn overview(text: &mut String, study: &Study) {
    let bytes = study.classic_bytes.map_or(String::new(), |bytes| format!(" (the classic: {})", grouped(bytes)));
    let _ = writeln!(
        text,
        "| decision | allocator | peak heap × | fresh time × | steady time × | bytes of a Wasm module{bytes} |\n\
         |---|---|---|---|---|--:|"
    );
    let mut effects: Vec<&Effect> = study.effects.iter().collect();
    let peak = |effect: &Effect| effect.peak().all.map_or(f64::INFINITY, |mean| mean.ratio.value);
    effects.sort_by(|one, other| {
        let several = |effect: &Effect| effect.decision.several.is_some();
        several(one).cmp(&several(other)).then(peak(one).total_cmp(&peak(other)))
    });
    for effect in effects {
        let decision = &effect.decision;
        let several = if decision.several.is_some() { ", several at once" } else { "" };
        let cells = effect.measured.each_ref().map(|measured| measured.all.map_or(String::new(), marked));
        let _ = writeln!(
            text,
            "| [{}](#{}){several} | `{}` | {} | {} |",
            decision.name,
            anchor(&decision.name),
            decision.allocator,
            cells.join(" | "),
            decision.module_bytes.map_or(String::new(), grouped)
        );
    }
    let means = study.effects.iter().flat_map(|effect| &effect.measured).filter_map(|measured| measured.all);
    if let Some(sentence) = expected_by_chance(means.filter(|mean| mean.ratio.interval.is_some()).count()) {
        let _ = writeln!(text, "\n{sentence}");
    }
    text.push('\n');
}

fn section(text: &mut String, study: &Study, effect: &Effect) {
    let (decision, classic) = (&effect.decision, study.classic);
    let _ = write!(text, "## {}\n\n`{}`", decision.name, decision.allocator);
    if let Some(constant) = &decision.constant {
        let _ = write!(text, ": {constant}");
    }
    let _ = write!(text, ". {}", decision.field);
    if let Some(several) = &decision.several {
        let _ = write!(text, " **Not one decision alone:** {several}");
    }
    text.push_str("\n\n| mean over | | × the classic's | | least | most |\n|---|---|---|---|---|---|\n");
    for (of_others, mean) in [(false, (|one| one.all) as fn(&Measured) -> Option<MeanOver>), (true, |one| one.others)] {
        for measured in &effect.measured {
            let Some(mean) = mean(measured) else {
                if !of_others {
                    let _ = writeln!(text, "| no trace | {} | | | | |", measured.noun);
                }
                continue;
            };
            let traces = mean.traces as u64;
            let over = match of_others {
                false => count(traces, "recorded trace"),
                true => of_kind(ProgramKind::Program)(traces),
            };
            let ratios = || measured.ratios.iter().filter(|on| on.of_others || !of_others);
            let order = |one: &&OnTrace, other: &&OnTrace| one.ratio.value.total_cmp(&other.ratio.value);
            let _ = writeln!(
                text,
                "| {over} | {} | {} | {} | {} | {} |",
                measured.noun,
                estimate(mean.ratio),
                in_words(mean, ratios()),
                ratios().min_by(order).map_or(String::new(), on_trace),
                ratios().max_by(order).map_or(String::new(), on_trace)
            );
        }
    }
    text.push('\n');
    for line in caveats(effect, classic) {
        let _ = writeln!(text, "{line}\n");
    }
    let _ = writeln!(
        text,
        "![{}: peak heap and steady time over the classic's on each trace](design-space/{}.svg)\n\n\
         ```sh\nreplay library -a {classic} -a {} --baseline {classic} --skip-bounds\n```\n",
        decision.name, decision.allocator, decision.allocator
    );
}

/// What qualifies a decision's figures: growth, traces that are left out, and few traces.
fn caveats(effect: &Effect, classic: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let [ours, theirs] = effect.growing;
    if ours.traces > 0 && ours.going_on() + theirs.going_on() > 0 {
        lines.push(format!(
            "Its heap goes on growing when the work repeats on {} of {}; that of `{classic}` on {}.",
            ours.going_on(),
            count(ours.traces as u64, "trace"),
            theirs.going_on()
        ));
    }
    // Most often the reasons are the same for all figures.
    let reasons = effect.measured.each_ref().map(|measured| {
        let pairs = measured.left_out.iter().map(|(trace, reason)| (trace.as_str(), reason.clone()));
        let reasons = by_reason(pairs).into_iter().map(|(traces, reason)| format!("{traces} ({reason})"));
        (measured.noun, reasons.collect::<Vec<_>>().join("; "))
    });
    let lacking = reasons.into_iter().filter(|(_, reasons)| !reasons.is_empty());
    for (nouns, reasons) in names_by_reason(lacking) {
        lines.push(format!("In no mean of {}: {reasons}.", and(nouns)));
    }
    let fewest = effect.measured.iter().flat_map(|one| [one.all, one.others]).flatten().map(|mean| mean.traces).min();
    lines.extend(fewest.and_then(trust_in_mean));
    lines
}

fn provenance(text: &mut String, study: &Study) {
    let traces = study.traces();
    text.push_str("## How it was measured\n\n");
    let Some(first) = traces.first() else {
        text.push_str("No recorded trace was replayed.\n");
        return;
    };
    let known = |figure: &Figure<String>| figure.known().cloned().unwrap_or_else(|| "unknown".to_owned());
    let rounds = || traces.iter().map(|results| u64::from(results.settings.rounds));
    let rounds = match (rounds().min().unwrap_or(0), rounds().max().unwrap_or(0)) {
        (least, most) if least == most => count(least, "round"),
        (least, most) => format!("{least} to {}", count(most, "round")),
    };
    let date = |date: &str| date.split('T').next().unwrap_or_default().to_owned();
    let dates = || traces.iter().map(|results| date(&results.provenance.date));
    let (from, to) = (dates().min().unwrap_or_default(), dates().max().unwrap_or_default());
    let when = if from == to { from } else { format!("{from} to {to}") };
    let _ = writeln!(
        text,
        "{} in shuffled order on each of {}; ratios of wall times are formed within the rounds. Fresh: {}. Steady: {}. Writes: \
         {}. Pages have {} bytes. {}, {} with {}, {}, {}, revision {}, {when}.",
        rounds,
        count(traces.len() as u64, "recorded trace"),
        times::timed(Regime::Fresh),
        times::timed(Regime::Steady),
        times::written_in(traces.iter().copied()),
        grouped(first.settings.page_bytes),
        known(&first.provenance.cpu),
        count(u64::from(first.provenance.cpu_count), "processor"),
        known(&first.provenance.kernel),
        first.provenance.target,
        first.provenance.rustc,
        known(&first.provenance.git_revision)
    );
    let is_noisy = |results: &&&Results| results.warnings.iter().any(|one| one.code == WarningCode::NoisyMachine);
    let noisy = traces.iter().filter(is_noisy).count();
    if noisy > 0 {
        let _ = writeln!(
            text,
            "\nOn {noisy} of {} the run warned of a noisy machine: others took the processor, or the harness's own times \
             spread. Noise widens the intervals of times, and hides small differences. Peaks are exact.",
            count(traces.len() as u64, "trace")
        );
    }
    if !study.other_traces.is_empty() {
        let _ = writeln!(text, "\nIn no mean, because not recorded: {}.", and(study.other_traces.iter().copied()));
    }
    if !study.not_compared.is_empty() {
        let names = study.not_compared.iter().map(|name| format!("`{name}`"));
        let _ = writeln!(text, "\nNot compared here, as no decision describes them: {}.", and(names));
    }
}

/// A mean with its interval, and the mark of one that covers 1.
fn marked(mean: MeanOver) -> String {
    let mark = if mean.verdict == Verdict::Inconclusive { " ?" } else { "" };
    estimate(mean.ratio) + mark
}

fn estimate(ratio: Estimate) -> String {
    let interval = |one: Interval| format!(" [{}, {}]", ratio_text(one.low), ratio_text(one.high));
    ratio_text(ratio.value) + &ratio.interval.map(interval).unwrap_or_default()
}

fn in_words<'m>(mean: MeanOver, mut ratios: impl Iterator<Item = &'m OnTrace>) -> &'static str {
    match mean.verdict {
        Verdict::Faster => "less",
        Verdict::Slower => "more",
        Verdict::Inconclusive if ratios.all(|on| on.ratio.value == 1.0) => "the same on every trace",
        Verdict::Inconclusive if mean.ratio.interval.is_some_and(|one| one.contains(1.0)) => {
            "cannot be told apart from the classic"
        }
        Verdict::Inconclusive => "too few traces to tell",
    }
}

fn on_trace(on: &OnTrace) -> String {
    format!("{}, {}", ratio_text(on.ratio.value), on.trace)
}

/// A word as the first of a sentence.
fn upper(noun: &str) -> String {
    let mut letters = noun.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// A heading within a sentence.
fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// The name by which a link finds a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.to_lowercase();
    let letters = heading.chars().filter_map(|letter| match letter {
        ' ' | '-' => Some('-'),
        letter => (letter == '_' || letter.is_alphanumeric()).then_some(letter),
    });
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design_space::tests::{decisions, results};

    fn text() -> String {
        let all = results();
        page(&Study::of(&all, "classic", Some(844), decisions()).unwrap(), &["replay", "make"])
    }

    #[test]
    fn the_answer_is_the_first_sentence() {
        let text = text();
        let after = text.split("```\n\n").nth(1).unwrap();
        assert!(
            after.starts_with(
                "**Peak heap falls most where *blocks are kept* (`lists`), to 0.37 [0.26, 0.57] times the classic's, and \
                 rises most where *blocks are rounded* (`step`), to 2.00 [2.00, 2.00] times.**\n"
            ),
            "{after}"
        );
        assert!(text.contains("In no figure can the classic be told apart from `same`."), "{text}");
    }

    #[test]
    fn a_figure_is_in_its_cell_and_a_missing_one_leaves_it_empty() {
        let text = text();
        for line in [
            "| [Blocks are kept](#blocks-are-kept) | `lists` | 0.37 [0.26, 0.57] | 1 [1, 1] ? | 0.50 [0.50, 0.50] | 1,434 |",
            "| [Not measured](#not-measured) | `absent` |  |  |  |  |",
            "| 7 recorded traces | peak heap | 0.37 [0.26, 0.57] | less | 0.25, trace-1 | 0.50, trace-6 |",
            "| 8 recorded traces | peak heap | 1 [1, 1] | the same on every trace | 1, trace-0 | 1, trace-7 |",
            "| no trace | steady time | | | | |",
            "In no mean of steady time: trace-3 (same: it did not settle).",
            "In no mean of peak heap, fresh time and steady time: trace-7 (lists: requests failed).",
            "| 4 programs of others | peak heap | 0.50 [0.50, 0.50] | too few traces to tell | 0.50, trace-0 | 0.50, trace-6 |",
            "replay library -a classic -a lists --baseline classic --skip-bounds",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }

    #[test]
    fn without_traces_the_page_says_so() {
        let text = page(&Study::of(&[], "classic", None, decisions()).unwrap(), &[]);
        assert!(text.contains("No recorded trace was replayed.") && text.contains("Peak heap falls nowhere"), "{text}");
    }

    #[test]
    fn a_heading_has_the_name_that_links_use() {
        assert_eq!(anchor("Bins of 16, 32 and up-to 4 KiB"), "bins-of-16-32-and-up-to-4-kib");
    }
}
