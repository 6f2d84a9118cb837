//! A statement of the page: a question, its answer, and the figures that it rests on.

use maud::{Markup, html};

use super::heading::{Level, heading};
use super::theme::swatch;
use crate::numbers::{decimals, fixed};
use crate::stats::Estimate;

/// A question, its answer, and the figures that it rests on.
#[derive(Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) question: &'static str,
    /// A few words.
    pub(super) answer: String,
    /// The contenders that the answer names, for their swatches.
    pub(super) names: Vec<String>,
    /// Sentences.
    pub(super) detail: Vec<String>,
    pub(super) tone: Tone,
}

/// How sure an answer is, and whether it is bad news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// It is known.
    Known,
    /// The figures leave it open.
    Open,
    /// It speaks against shipping the contender.
    Bad,
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

/// Statements as cards, with their headings on this level.
pub(super) fn cards(statements: &[Statement], level: Level) -> Markup {
    let class = |tone| match tone {
        Tone::Known => "known",
        Tone::Open => "open",
        Tone::Bad => "bad-news",
    };
    html! {
        div.verdicts {
            @for Statement { question, answer, names, detail, tone } in statements {
                article class=(class(*tone)) {
                    (heading(level, question))
                    p.answer { @for name in names { (swatch(name)) } (answer) }
                    @for sentence in detail { p { (sentence) } }
                }
            }
        }
    }
}
