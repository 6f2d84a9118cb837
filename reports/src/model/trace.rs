//! Figures of the trace itself, whatever the contender.

use super::entry::{Entry, Number, entry};
use crate::results::Trace;

/// Fields of [`Trace`].
pub(super) static ENTRIES: &[Entry<Trace>] = &[
    entry("events", "1", |it: &Trace| it.events.number()).docs("events of the trace", "≥ 0", ""),
    entry("allocs", "1", |it: &Trace| it.allocs.number()).docs("allocations, including zeroed ones", "≥ 0", ""),
    entry("reallocs", "1", |it: &Trace| it.reallocs.number()).docs("reallocations", "≥ 0", ""),
    entry("deallocs", "1", |it: &Trace| it.deallocs.number()).docs("deallocations", "≥ 0", ""),
    entry("allocated_bytes", "B", |it: &Trace| it.allocated_bytes.number()).docs(
        "sizes of allocations plus growth of reallocations",
        "≥ max R",
        "",
    ),
    entry("peak_live_bytes", "B", |it: &Trace| it.peak_live_bytes.number()).docs(
        "max R: the largest sum of sizes of live objects",
        "≥ 0",
        "alignment",
    ),
    entry("peak_live_event", "1", |it: &Trace| it.peak_live_event.number()).docs(
        "the event after which max R is first reached",
        "1 to events",
        "",
    ),
    entry("peak_live_objects", "1", |it: &Trace| it.peak_live_objects.number()).docs(
        "the largest number of live objects",
        "≥ 0",
        "their sizes",
    ),
    entry("left_live_objects", "1", |it: &Trace| it.left_live_objects.number()).docs(
        "objects that the program leaves live at the end",
        "≥ 0",
        "",
    ),
    entry("mark_count", "1", |it: &Trace| it.mark_count.number()).docs("phase marks", "≥ 0", ""),
];
