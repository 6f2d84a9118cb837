//! Descriptions of what was timed, the same in tables, charts, the page and exports.

use crate::results::{Settings, TouchPolicy};
use crate::stats::Regime;

/// The name for times if nothing is written into the blocks: a program writes into the memory that it requests, and
/// pays for it.
const ALONE: &str = "allocator code alone";

/// The program that these times apply to, within a sentence.
pub(crate) fn program(regime: Regime) -> &'static str {
    match regime {
        Regime::Fresh => "a program that starts",
        Regime::Steady => "a program that runs on",
        Regime::Rewound => "no program",
    }
}

/// The same with what is timed.
pub(crate) fn timed(regime: Regime) -> &'static str {
    match regime {
        Regime::Fresh => "a program that starts, on fresh pages, page faults included",
        Regime::Steady => "a program that runs on: the trace looped until it settles",
        Regime::Rewound => "no program: a heap whose pages an earlier replay paid for",
    }
}

/// What timed replays write into new memory, within a sentence.
pub(crate) fn written(settings: &Settings) -> &'static str {
    match settings.touch {
        TouchPolicy::All => "every new byte written",
        TouchPolicy::First => "first new byte written",
        TouchPolicy::None => "allocator code alone: nothing written",
    }
}

/// The qualification that every heading and axis of these times needs if no program has them.
pub(crate) fn alone(settings: &Settings) -> Option<&'static str> {
    (settings.touch == TouchPolicy::None).then_some(ALONE)
}

/// A heading or axis title, followed by [`alone`] if it applies.
pub(crate) fn heading(text: &str, settings: &Settings) -> String {
    match alone(settings) {
        Some(alone) => format!("{text}, {alone}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn touch_policies_have_words_and_headings_name_times_without_writes() {
        let words = |touch| {
            let settings = Settings { touch, ..sample::empty().settings };
            (written(&settings).to_owned(), heading("ns/op", &settings))
        };
        assert_eq!(words(TouchPolicy::All), ("every new byte written".to_owned(), "ns/op".to_owned()));
        assert_eq!(words(TouchPolicy::First), ("first new byte written".to_owned(), "ns/op".to_owned()));
        let (written, heading) = words(TouchPolicy::None);
        assert!(written.starts_with(ALONE), "{written}");
        assert_eq!(heading, "ns/op, allocator code alone");
    }
}
