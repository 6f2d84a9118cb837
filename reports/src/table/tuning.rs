//! A search through our family in the terminal: the answer first.

use super::wasm::{UNKNOWN, aligned};
use super::wrap::wrap;
use crate::numbers::{fixed, grouped, short};
use crate::results::Figure;
use crate::tuning::{Advice, HeldOutChoice, TimeRatio, TunedOnTrace, Tuning};

/// What a search has found, for a terminal of this width.
pub fn tuning_text(tuning: &Tuning, width: usize) -> String {
    let mut text = String::new();
    let mut say = |sentence: &str| text += &(wrap(sentence, width, 2).join("\n") + "\n");
    say(&answer(tuning));
    for choice in &tuning.held_out {
        say(&held_out(choice));
    }
    let traces = tuning.chosen_on.len() + tuning.judged_on.len();
    for trace in 0..traces {
        let name = tuning.chosen_on.get(trace).map_or_else(
            || format!("{}, which no member was chosen on", tuning.judged_on[trace - tuning.chosen_on.len()]),
            Clone::clone,
        );
        text += &format!("\n{name}\n\n{}", table(tuning, trace));
    }
    text.push('\n');
    for (number, row) in tuning.rows.iter().enumerate() {
        let chosen_for = if row.chosen_for.is_empty() { "the flagship".to_owned() } else { row.chosen_for.join(", ") };
        text += &(wrap(&format!("{number}  {}: {chosen_for}", row.design), width, 3).join("\n") + "\n");
    }
    let times = match tuning.are_compiled {
        true => "both compiled".to_owned(),
        false => "both with decisions looked up at run time, which costs a segregated-bump more: --compile takes times of the \
                  code that ships"
            .to_owned(),
    };
    let about = format!(
        "{} members were tried. pages: of {} bytes, predicted and verified; fresh, steady: × the flagship's time, {times}, with \
         95 % intervals; bytes: added to a WebAssembly module at opt-level z.",
        grouped(tuning.tried),
        grouped(tuning.page_bytes)
    );
    text += &format!("\n{}\n", wrap(&about, width, 0).join("\n"));
    for (what, reason) in reasons(tuning) {
        text += &(wrap(&format!("{what}: {reason}"), width, 2).join("\n") + "\n");
    }
    text
}

/// The answer, in sentences.
pub(crate) fn answer(tuning: &Tuning) -> String {
    match tuning.advice() {
        Advice::Take { row, peak, time, fails_on } => {
            let saved = match peak {
                _ if peak < 1.0 => format!("{} % less heap", fixed((1.0 - peak) * 100.0, 0)),
                _ => "as much heap".to_owned(),
            };
            let time = time
                .map_or_else(|| "; its time is not known".to_owned(), |time| format!(" and {}", with_interval(time)));
            let mut text = format!("Take {}: {saved} than swept-bump{time}.", tuning.rows[row].design);
            if !fails_on.is_empty() {
                text += &format!(
                    " It does not carry over to {}: it saves less than half as much there.",
                    fails_on.join(", ")
                );
            }
            if tuning.held_out.iter().any(|choice| !choice.carries_over) {
                text += " A choice by the first half of the trace did not hold for the second: check it with another \
                         recording before you ship it.";
            }
            text
        }
        Advice::Keep => {
            "Nothing to gain: no member of the family saves a tenth of swept-bump's heap or time without a loss in \
                         the other. Keep swept-bump."
                .to_owned()
        }
        Advice::Unknown => {
            "Not known: no member that has all figures saves a tenth, and some figures are missing: see below."
                .to_owned()
        }
    }
}

fn held_out(choice: &HeldOutChoice) -> String {
    let part = |[own, flagship]: [u64; 2]| {
        let percent = (own as f64 / flagship.max(1) as f64 - 1.0) * 100.0;
        let change = match percent.round() as i64 {
            0 => "the same".to_owned(),
            less if less < 0 => format!("{} % less", grouped(less.unsigned_abs())),
            more => format!("{} % more", grouped(more.unsigned_abs())),
        };
        format!("{} of {} pages, {change}", grouped(own), grouped(flagship))
    };
    let end = choice.end_pages.map_or_else(|| "more than three times the pages".to_owned(), part);
    let verdict = if choice.carries_over { "the gain carries over" } else { "the gain does not carry over" };
    format!(
        "Held out: by the first half of {} alone, the choice would be {} ({}); on the whole trace: {end}: {verdict}.",
        choice.trace,
        choice.design,
        part(choice.half_pages)
    )
}

fn table(tuning: &Tuning, trace: usize) -> String {
    let mut lines =
        vec![["", "pages", "×", "fresh ×", "", "steady ×", "", "worst call", "bytes"].map(str::to_owned).to_vec()];
    let flagship = tuning.rows.first().and_then(|row| row.traces.get(trace)).and_then(|on| on.pages.known().copied());
    for (number, row) in tuning.rows.iter().enumerate() {
        let Some(on) = row.traces.get(trace) else { continue };
        let pages = on.pages.known().copied();
        let ratio = pages.zip(flagship).map(|(own, flagship)| fixed(own as f64 / flagship.max(1) as f64, 2));
        let mut line = vec![number.to_string(), cell(pages.map(grouped)), cell(ratio)];
        for time in [&on.fresh, &on.steady] {
            let time = time.known();
            line.push(cell(time.map(|time| fixed(time.value, 2))));
            let interval = time.and_then(|time| time.interval);
            line.push(interval.map_or(String::new(), |[low, high]| format!("{}–{}", fixed(low, 2), fixed(high, 2))));
        }
        line.push(cell(on.worst_call_ns.known().map(|&ns| format!("{} µs", short(ns / 1000.0)))));
        line.push(cell(row.module_bytes.known().map(|&bytes| grouped(bytes.unsigned_abs()))));
        lines.push(line);
    }
    aligned(&lines)
}

fn cell(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| UNKNOWN.to_owned())
}

fn with_interval(time: TimeRatio) -> String {
    let interval = time.interval.map(|[low, high]| format!(" ({}–{})", fixed(low, 2), fixed(high, 2)));
    format!("{} × the time{}", fixed(time.value, 2), interval.unwrap_or_default())
}

/// What is missing, and why: each reason once.
fn reasons(tuning: &Tuning) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |what: &str, reason: Option<String>| {
        if let Some(reason) = reason.filter(|reason| !all.iter().any(|(one, known)| one == what && known == reason)) {
            all.push((what.to_owned(), reason));
        }
    };
    fn of<T>(figure: &Figure<T>) -> Option<String> {
        figure.reason().map(ToString::to_string)
    }
    for row in &tuning.rows {
        add("bytes", of(&row.module_bytes));
        for TunedOnTrace { pages, fresh, steady, worst_call_ns, .. } in &row.traces {
            add("pages", of(pages));
            add("fresh", of(fresh));
            add("steady", of(steady));
            add("worst call", of(worst_call_ns));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_answer_is_first_and_a_reason_stands_once() {
        let text = tuning_text(&sample::tuning(), 100);
        assert!(
            text.starts_with(
                "Take swept-bump:bins=32: 20 % less heap than swept-bump and 0.97 × the time (0.92–1.02)."
            ),
            "{text}"
        );
        assert_eq!(text.matches("no compiler").count(), 1, "{text}");
        assert!(text.contains("1     80  0.80"), "{text}");
    }

    #[test]
    fn a_choice_that_fails_on_the_second_half_is_said_to_fail() {
        let mut tuning = sample::tuning();
        assert!(!tuning_text(&tuning, 100).contains("Held out"));
        tuning.held_out = vec![HeldOutChoice {
            trace: "sample".to_owned(),
            design: "swept-bump:bins=8".to_owned(),
            half_pages: [40, 50],
            end_pages: Some([101, 100]),
            carries_over: false,
        }];
        let text = tuning_text(&tuning, 200);
        assert!(
            text.contains(
                "(40 of 50 pages, 20 % less); on the whole trace: 101 of 100 pages, 1 % more: the gain does not carry over."
            ),
            "{text}"
        );
        assert!(text.contains("check it with another recording"), "{text}");
    }

    #[test]
    fn where_nothing_is_gained_it_says_so() {
        let mut tuning = sample::tuning();
        tuning.rows.truncate(1);
        assert!(tuning_text(&tuning, 200).starts_with("Nothing to gain: "));
    }
}
