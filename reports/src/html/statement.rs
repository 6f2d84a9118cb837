//! A statement of the page: a question, its answer, and the figures behind it. All text here is plain; the page escapes it.

use crate::numbers::{decimals, fixed};
use crate::stats::Estimate;

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
