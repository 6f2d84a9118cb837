//! What a contender retains after the last event.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Gate, Number, entry};
use crate::results::figure::Figure;

/// What is retained after the last event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retention {
    /// H after the last event.
    pub end_heap_bytes: u64,
    /// Bytes backed by memory of the host then, after every byte of every block was written.
    pub end_resident_bytes: Figure<u64>,
    /// H after all objects that the program left live were freed, too.
    pub freed_heap_bytes: u64,
    /// Resident bytes then.
    pub freed_resident_bytes: Figure<u64>,
}

const TOUCHED_ONCE: &str = "a page stays resident once touched, so this is also the peak; pages that the host swapped out, and most of a block of more than 16 MiB, are missing";

/// Fields of [`Retention`].
pub(super) static ENTRIES: &[Entry<Retention>] = &[
    entry("end_heap_bytes", "B", |it: &Retention| it.end_heap_bytes.number())
        .docs("H after the last event", "≥ R", "")
        .less_is_better(Gate::Never),
    entry("end_resident_bytes", "B", |it: &Retention| it.end_resident_bytes.number())
        .docs(
            "bytes of the committed pages that are backed by memory after the last event, in host pages",
            "0 to `end_heap_bytes`, rounded up to host pages",
            TOUCHED_ONCE,
        )
        .less_is_better(Gate::OnRequest)
        .shown(
            ["resident", "resident at the end", "resident", ""],
            "Bytes of the committed pages that are backed by memory after the last event, with every byte of every \
            block written.",
        ),
    entry("freed_heap_bytes", "B", |it: &Retention| it.freed_heap_bytes.number())
        .docs("H after all objects that the program left live are freed", "≤ `end_heap_bytes`", "")
        .less_is_better(Gate::OnRequest),
    entry("freed_resident_bytes", "B", |it: &Retention| it.freed_resident_bytes.number())
        .docs(
            "`end_resident_bytes` after these objects are freed",
            "≤ `end_resident_bytes`, plus what freeing writes",
            TOUCHED_ONCE,
        )
        .less_is_better(Gate::Never),
];
