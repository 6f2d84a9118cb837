//! The page of the validation, as Markdown.

use std::fmt::Write;

use super::{LARGE, MOST_FACTOR, Pair, Score};
use crate::numbers::count;
use crate::real::RealRuns;
use crate::results::Figure;
use crate::stats::Estimate;

/// Why a pair misses its goal: program (or `*`), contender (or `*`), `peak` or `time`, cause. The first that fits counts.
pub type Cause = [String; 4];

/// The page. `runs` are those that the pairs were formed from, and `causes` explain misses.
pub fn page(pairs: &[Pair], runs: &[RealRuns], causes: &[Cause]) -> String {
    let mut programs: Vec<&str> = pairs.iter().map(|pair| pair.program.as_str()).collect();
    programs.dedup();
    let mut contenders: Vec<&str> = Vec::new();
    for pair in pairs {
        if !contenders.contains(&pair.contender.as_str()) {
            contenders.push(&pair.contender);
        }
    }
    let score = Score::of(pairs);
    let baseline = runs.first().map_or("dlmalloc", |runs| &runs.baseline);
    let mut text = format!(
        "# Does a replay predict the program?\n\n{}\n\n![Predicted against real differences](validation.svg)\n\n\
         {} ran for real on {} and {baseline}, and their traces were replayed by the default run of `replay`. A pair is one \
         program on one contender, compared with the same program on {baseline}: {} pairs.\n\n",
        headline(&score),
        count(programs.len() as u64, "program"),
        contenders.join(", "),
        score.pairs
    );
    goals(&mut text, &score);
    text += "\nBy contender:\n\n| contender | pairs | peak equal | sign right | median error | within a factor of 1.5 |\n\
             |---|--:|--:|--:|--:|--:|\n";
    for contender in &contenders {
        let score = Score::of(pairs.iter().filter(|pair| pair.contender == *contender));
        let _ = writeln!(
            text,
            "| {contender} | {} | {} | {} of {} | {} | {} of {} |",
            score.pairs,
            score.equal_pages,
            score.right,
            score.decided,
            percent(score.error),
            score.within_factor,
            score.large
        );
    }
    misses(&mut text, pairs, causes);
    all(&mut text, pairs, &programs, &contenders);
    provenance(&mut text, runs, baseline);
    text
}

fn headline(score: &Score) -> String {
    format!(
        "**The sign of the predicted difference is right in {} of {} pairs that the runs decide. The median error is {}; the \
         peak heap is equal to the page in {} of {}.**",
        score.right,
        score.decided,
        percent(score.error),
        score.equal_pages,
        score.pairs
    )
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

fn goals(text: &mut String, score: &Score) {
    let share = |part: usize, all: usize| format!("{part} of {all}, {:.0} %", part as f64 / all.max(1) as f64 * 100.0);
    let met = |holds: bool| if holds { "met" } else { "**missed**" };
    let sign_met = score.right as f64 >= 0.98 * score.decided as f64;
    let error_met = score.large_error.is_none_or(|error| error <= 0.1);
    *text += "| goal | reached | |\n|---|---|---|\n";
    let _ = writeln!(
        text,
        "| peak pages equal | {} | {} |",
        share(score.equal_pages, score.pairs),
        met(score.equal_pages == score.pairs)
    );
    let _ = writeln!(
        text,
        "| peak pages within 2 % of the runs' | {} | {} |",
        share(score.close_pages, score.pairs),
        met(score.close_pages == score.pairs)
    );
    let _ = writeln!(
        text,
        "| right sign in 98 % of the pairs whose 95 % interval excludes 0 | {} | {} |",
        share(score.right, score.decided),
        met(sign_met)
    );
    let _ = writeln!(
        text,
        "| median relative error 10 %, where the difference is above {:.0} % of the program's time | {} (over all decided pairs {}) | {} |",
        LARGE * 100.0,
        percent(score.large_error),
        percent(score.error),
        met(error_met)
    );
    let _ = writeln!(
        text,
        "| none of these off by more than a factor of {MOST_FACTOR} | {} | {} |",
        share(score.within_factor, score.large),
        met(score.within_factor == score.large)
    );
}

fn misses(text: &mut String, pairs: &[Pair], causes: &[Cause]) {
    let why = |pair: &Pair, what: &str| {
        let fits = |asked: &str, found: &str| asked == "*" || asked == found;
        let cause = causes.iter().find(|[program, contender, of, _]| {
            fits(program, &pair.program) && fits(contender, &pair.contender) && of == what
        });
        cause.map_or("not found", |[.., cause]| cause.as_str())
    };
    *text += "\n## What misses\n\n| program | contender | what | cause |\n|---|---|---|---|\n";
    for pair in pairs {
        let mut row = |what: &str, missed: String| {
            let _ = writeln!(text, "| {} | {} | {missed} | {} |", pair.program, pair.contender, why(pair, what));
        };
        if !pair.has_equal_pages() {
            row("peak", format!("peak {} for {}", pages(pair.real_pages), pair.predicted_pages));
        }
        let times = || format!("{} for {} ms", signed_ms(pair.real_ns), signed(pair.predicted_ns.value));
        if pair.is_decided() && !pair.has_right_sign() {
            row("time", format!("sign: {}", times()));
        } else if pair.is_large() && pair.factor() > MOST_FACTOR {
            row("time", format!("factor {:.2}: {}", pair.factor(), times()));
        }
    }
}

fn all(text: &mut String, pairs: &[Pair], programs: &[&str], contenders: &[&str]) {
    *text += "\n## All pairs\n\nDifference of CPU time to the baseline in ms: measured with its 95 % interval / **predicted**. ? marks \
              intervals that include 0.\n\n| program | its time, ms |";
    contenders.iter().for_each(|name| *text += &format!(" {name} |"));
    *text += "\n|---|--:|";
    contenders.iter().for_each(|_| *text += "---|");
    *text += "\n";
    for program in programs {
        let of = |name: &str| pairs.iter().find(|pair| pair.program == *program && pair.contender == name);
        let time = pairs.iter().find(|pair| pair.program == *program).map_or(0.0, |pair| pair.program_ns / 1e6);
        let _ = write!(text, "| {program} | {time:.1} |");
        for name in contenders {
            let cell = of(name).map_or("–".to_owned(), |pair| {
                let open = if pair.is_decided() { "" } else { " ?" };
                format!("{}{open} / **{}**", signed_ms(pair.real_ns), signed(pair.predicted_ns.value))
            });
            let _ = write!(text, " {cell} |");
        }
        *text += "\n";
    }
    *text += "\nPeak heap in pages, measured / **predicted** where they differ:\n\n| program |";
    contenders.iter().for_each(|name| *text += &format!(" {name} |"));
    *text += "\n|---|";
    contenders.iter().for_each(|_| *text += "---|");
    *text += "\n";
    for program in programs {
        let _ = write!(text, "| {program} |");
        for name in contenders {
            let found = pairs.iter().find(|pair| pair.program == *program && pair.contender == *name);
            let cell = found.map_or("–".to_owned(), |pair| match pair.has_equal_pages() {
                true => pages(pair.real_pages),
                false => format!("{} / **{}**", pages(pair.real_pages), pair.predicted_pages),
            });
            let _ = write!(text, " {cell} |");
        }
        *text += "\n";
    }
}

fn provenance(text: &mut String, runs: &[RealRuns], baseline: &str) {
    let Some(first) = runs.first() else { return };
    let known = |figure: &Figure<String>| figure.known().cloned().unwrap_or_else(|| "unknown".to_owned());
    let rounds = first.contenders.iter().map(|row| row.cpu_ns.len()).max().unwrap_or(0);
    let _ = write!(
        text,
        "\n## How it was measured\n\n{} of each program in shuffled order, {baseline} among them, by `replay run --compare`; the \
         trace replayed right after it by `replay --trace`. Both times are CPU time; differences are medians of differences \
         within rounds. {}, {} with Linux {}, {}, revision {}, {}.\n\nThe files `NAME.json` here hold every round of the \
         programs, `pairs.csv` the pairs.\n\n```sh\ntraces/workloads/validate\n```\n",
        count(rounds as u64, "round"),
        known(&first.provenance.cpu),
        count(u64::from(first.provenance.cpu_count), "processor"),
        known(&first.provenance.kernel).trim_start_matches("Linux "),
        first.provenance.rustc,
        known(&first.provenance.git_revision),
        first.provenance.date.split('T').next().unwrap_or_default(),
    );
}

fn signed(ns: f64) -> String {
    format!("{:+.2}", ns / 1e6)
}

fn signed_ms(difference: Estimate) -> String {
    match difference.interval {
        Some(interval) => {
            format!("{} [{}, {}]", signed(difference.value), signed(interval.low), signed(interval.high))
        }
        None => signed(difference.value),
    }
}

fn pages((low, high): (u64, u64)) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::tests::pair;

    #[test]
    fn a_miss_is_listed_with_its_cause() {
        let mut pairs = vec![pair("talc", [9.0, 10.0, 11.0], 12.0), pair("wasmalloc", [-4.0, -3.0, -2.0], 1.0)];
        pairs[0].real_pages = (3, 4);
        let cause = ["program", "*", "time", "its cache"].map(str::to_owned);
        let text = page(&pairs, &[], &[cause]);
        for line in [
            "| program | talc | peak 3 to 4 for 3 | not found |",
            "| program | wasmalloc | sign: -3.00 [-4.00, -2.00] for +1.00 ms | its cache |",
            "| program | 100.0 | +10.00 [+9.00, +11.00] / **+12.00** | -3.00 [-4.00, -2.00] / **+1.00** |",
            "| peak pages equal | 1 of 2, 50 % | **missed** |",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
