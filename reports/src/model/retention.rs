//! What a contender keeps after the last event.

use super::entry::{Entry, Gate, Number, entry};
use crate::results::Retention;

const TOUCHED_ONCE: &str =
    "a page that was touched once stays resident, so this is the peak, too; what the host has swapped out is missing";

/// Fields of [`Retention`].
pub(super) static ENTRIES: &[Entry<Retention>] = &[
    entry("end_heap_bytes", "B", |it: &Retention| it.end_heap_bytes.number())
        .docs("H after the last event", "≥ R", "")
        .less_is_better(Gate::Never),
    entry("end_resident_bytes", "B", |it: &Retention| it.end_resident_bytes.number())
        .docs(
            "bytes of the committed pages that have memory after the last event, in pages of the host",
            "0 to `end_heap_bytes`, rounded up to pages of the host",
            TOUCHED_ONCE,
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["resident", "resident at the end", "resident", ""],
            "Bytes of the committed pages that have memory after the last event, when every byte of every block has \
            been written.",
        ),
    entry("freed_heap_bytes", "B", |it: &Retention| it.freed_heap_bytes.number())
        .docs("H after all objects that the program left live are freed", "≤ `end_heap_bytes`", "")
        .less_is_better(Gate::OnRequest),
    entry("freed_resident_bytes", "B", |it: &Retention| it.freed_resident_bytes.number())
        .docs(
            "`end_resident_bytes`, after these objects are freed",
            "≤ `end_resident_bytes`, except for what freeing writes",
            TOUCHED_ONCE,
        )
        .less_is_better(Gate::Never),
];
