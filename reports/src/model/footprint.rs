//! The footprint: how much heap a contender needs for the trace.

use super::entry::{Entry, Gate, Number, entry};
use crate::results::Memory;

const SOURCE: &str = "Johnstone & Wilson 1998";

const NOT_WRITTEN: &str = "pages that are committed and never written to count like any other: `end_resident_bytes` \
    tells them apart";

/// Fields of [`Memory`].
pub(super) static ENTRIES: &[Entry<Memory>] = &[
    entry("peak_heap_bytes", "B", |it: &Memory| it.peak_heap_bytes.number())
        .docs("max H", "≥ max R", NOT_WRITTEN)
        .less_is_better(Gate::ByDefault)
        .shown(["peak", "peak heap", "peak", ""], "The most bytes committed: max H. Exact, and the same in every run."),
    entry("peak_heap_pages", "pages", |it: &Memory| it.peak_heap_pages.number())
        .docs("max H in pages", "≥ max R", NOT_WRITTEN)
        .less_is_better(Gate::Never),
    entry("peak_heap_event", "1", |it: &Memory| it.peak_heap_event.number()).docs(
        "the event after which max H is *first* reached: the heap never shrinks, so there is a plateau",
        "1 to events",
        "",
    ),
    entry("overhead_ratio", "1", |it: &Memory| it.overhead_ratio.number())
        .docs("max H / max R; the two may be reached at different events", "≥ 1", "as for max H")
        .source(SOURCE)
        .less_is_better(Gate::Never)
        .shown(
            ["overhead", "overhead", "overhead", "×"],
            "Peak heap over peak live: max H / max R. 1 would be no overhead at all. The two may be reached at \
            different events.",
        ),
    entry("johnstone_wilson_4_percent", "%", |it: &Memory| it.johnstone_wilson_4_percent.number())
        .docs("(max H / max R − 1) × 100: their #4, the headline", "≥ 0 %", "as for max H")
        .source(SOURCE)
        .less_is_better(Gate::Never)
        .shown(["jw4", "J–W #4", "J–W #4", "%"], "Johnstone and Wilson's fourth measure: (max H / max R − 1) × 100."),
    entry("peak_span_bytes", "B", |it: &Memory| it.peak_span_bytes.number())
        .docs("max S: what an arena would have needed", "max R to max H", "metadata after the last object")
        .less_is_better(Gate::OnRequest)
        .shown(
            ["span", "span", "span", ""],
            "From the heap's base to the end of the highest byte that any live object has had: what an arena would \
            have needed.",
        ),
];
