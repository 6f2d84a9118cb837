//! What to ship, in lines for a terminal.

use super::paragraphs::Paint;
use super::wrap::wrap;
use crate::reasons::by_reason;
use crate::recommendation::{Advice, Recommendation, Situation};

/// The recommendation, with a heading that says what it rests on; in short, or with every sentence.
pub(super) fn lines(recommendation: &Recommendation, width: usize, in_full: bool, paint: Paint) -> Vec<String> {
    let heading = format!("What to ship, by {}:", recommendation.evidence());
    let mut lines: Vec<String> = wrap(&heading, width, 2).iter().map(|line| paint.bold(line)).collect();
    let mut add = |text: String| lines.extend(wrap(&text, width, 2));
    for advice in &recommendation.advice {
        let text = if in_full { advice.text() } else { in_short(advice) };
        add(format!("{}: {text}", capital(advice.situation.name())));
    }
    if let Some(module) = &recommendation.small_module {
        add(format!("Small module: {}", if in_full { module.text() } else { module.sentence.clone() }));
    }
    if in_full {
        recommendation.avoid_sentences().iter().for_each(|(_, text)| add(format!("Avoid: {text}")));
        recommendation.run.iter().for_each(|run| add(run.clone()));
        return lines;
    }
    let (everywhere, running): (Vec<_>, Vec<_>) =
        recommendation.avoid.iter().partition(|avoid| avoid.situations == Situation::ALL);
    for (what, avoid) in [("Avoid", everywhere), ("Avoid in a program that keeps running", running)] {
        let reasons = by_reason(avoid.iter().map(|avoid| (avoid.name.as_str(), avoid.reason.clone())));
        let reasons: Vec<String> = reasons.iter().map(|(names, reason)| format!("{names} ({reason})")).collect();
        if !reasons.is_empty() {
            add(format!("{what}: {}.", reasons.join(", ")));
        }
    }
    // Of what else could be run, the most important.
    let further = recommendation.run.first();
    let mut runs: Vec<&str> = Vec::new();
    for run in recommendation.advice.iter().filter_map(|advice| advice.run.as_ref()).chain(further) {
        if !runs.contains(&run.as_str()) {
            runs.push(run);
        }
    }
    add(runs.join(" "));
    lines
}

/// The sentence, and who ties with what it names, or that there is nothing else.
fn in_short(advice: &Advice) -> String {
    let Advice { ship, sentence, details, .. } = advice;
    let has = |text: &str, name: &str| text.split_whitespace().any(|word| word.trim_matches(['.', ',', ':']) == name);
    let names = |text: &String| ship.iter().skip(1).all(|name| has(text, name));
    let more = match ship.len() {
        1 if advice.next.is_none() => details.first(),
        2.. if !names(sentence) => details.iter().find(|text| names(text)),
        _ => None,
    };
    more.map_or(sentence.clone(), |more| format!("{sentence} {more}"))
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Results;
    use crate::sample::{self, contender};

    /// Over too few traces for a mean, what ties is not in the first of the further sentences.
    #[test]
    fn what_ties_over_few_traces_is_named_too() {
        let contenders = || vec![contender("a").pages(20).build(), contender("b").pages(30).build()];
        let both = ["one", "two"].map(|name| sample::on(name, contenders()));
        let [over] = &Recommendation::over(&both)[..] else { panic!("one origin") };
        let short = lines(over, 100, false, Paint { color: false }).join("\n").replace("\n  ", " ");
        let runs_on = short.lines().find(|line| line.starts_with("Long-running: Ship a")).unwrap();
        assert!(runs_on.contains("The same holds for b."), "{short}");
    }

    fn of(contenders: Vec<crate::results::Contender>, in_full: bool) -> String {
        let found = Recommendation::of(&Results { contenders, ..sample::empty() });
        lines(&found, 80, in_full, Paint { color: false }).join("\n")
    }

    #[test]
    fn in_short_a_tie_and_what_grows_are_named_and_each_request_for_more_is_made_once() {
        let contenders = || {
            vec![
                contender("a").rounds_ns(&[100, 150, 100, 150, 120, 130, 110]).build(),
                contender("b").rounds_ns(&[150, 100, 150, 100, 130, 120, 125]).build(),
                contender("climber").pages(80).grows_by(9).fresh_ns(900).steady_ns(900).build(),
                contender("refuses").pages(1).failed_requests(2).build(),
            ]
        };
        let short = of(contenders(), false).replace("\n  ", " ");
        assert!(short.starts_with("What to ship, by serde-heavy:\nLong-running: Ship "), "{short}");
        assert_eq!(short.matches("Too close to it to tell by time: ").count(), 2, "{short}");
        assert_eq!(short.matches("add --rigorous").count(), 1, "{short}");
        for line in [
            "\nAvoid: refuses (did not serve the whole trace: requests failed).\n",
            "\nAvoid in a program that keeps running: climber (grows by 9 pages each time the work repeats).\n",
        ] {
            assert!(short.contains(line), "{line} in\n{short}");
        }
        let full = of(contenders(), true).replace("\n  ", " ");
        assert_eq!(full.matches("add --rigorous").count(), 2, "{full}");
        assert!(full.contains("\nAvoid: refuses did not serve the whole trace: requests failed.\n"), "{full}");
    }
}
