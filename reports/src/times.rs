//! Descriptions of what was timed, the same in tables, charts, the page and exports.

use std::collections::BTreeSet;

use crate::results::{Results, Settings, TouchPolicy};
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
        Regime::Fresh => "a program that starts and ends, on fresh pages, page faults included",
        Regime::Steady => "a program that runs on: the trace looped until it settles",
        Regime::Rewound => "no program: a heap whose pages an earlier replay paid for",
    }
}

/// The touch policy that timed replays followed.
pub(crate) fn touched(results: &Results) -> TouchPolicy {
    results.settings.touch.effective(results.trace.extents.is_some())
}

/// What timed replays write into new memory, within a sentence.
pub(crate) fn written(results: &Results) -> &'static str {
    match touched(results) {
        TouchPolicy::Written => "every block written as far as the program wrote it",
        TouchPolicy::All => "every new byte written",
        TouchPolicy::First => "first new byte written",
        TouchPolicy::None => "allocator code alone: nothing written",
    }
}

/// The same over several traces, of which only some may have written extents.
pub(crate) fn written_in<'r>(all: impl IntoIterator<Item = &'r Results>) -> String {
    let different: BTreeSet<_> = all.into_iter().map(written).collect();
    different.into_iter().collect::<Vec<_>>().join(", or ")
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
    use crate::results::Extents;
    use crate::sample;

    #[test]
    fn touch_policies_have_words_and_headings_name_times_without_writes() {
        let words = |touch| {
            let mut results = sample::empty();
            results.settings.touch = touch;
            (written(&results).to_owned(), heading("ns/op", &results.settings))
        };
        assert_eq!(words(TouchPolicy::All), ("every new byte written".to_owned(), "ns/op".to_owned()));
        assert_eq!(words(TouchPolicy::First), ("first new byte written".to_owned(), "ns/op".to_owned()));
        assert_eq!(words(TouchPolicy::Written), words(TouchPolicy::All), "the trace has no extents");
        let (written, heading) = words(TouchPolicy::None);
        assert!(written.starts_with(ALONE), "{written}");
        assert_eq!(heading, "ns/op, allocator code alone");
    }

    #[test]
    fn a_trace_with_extents_is_replayed_as_the_program_wrote_it_only_on_request() {
        let mut results = sample::empty();
        results.trace.extents = Some(Extents { blocks: 4, known_blocks: 3, written_bytes: 100 });
        results.settings.touch = TouchPolicy::Written;
        assert_eq!(written(&results), "every block written as far as the program wrote it");
        results.settings.touch = TouchPolicy::All;
        assert_eq!(written(&results), "every new byte written");
    }
}
