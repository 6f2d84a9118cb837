//! Importers: the recordings of other tools, read as traces.
//!
//! Each [`Format`] has a grammar, at the head of its file. Its lines become calls of C's allocation functions, and the
//! calls become events, by the same rules for all formats:
//!
//! - Addresses become objects: each block that begins at an address gets an id of its own, counted from 1.
//! - `free(NULL)` and failed allocations have no event. `realloc(NULL, n)` is an allocation, `realloc(p, 0)` that
//!   returns null is a deallocation. calloc allocates zeroed. A block of 0 bytes has 1 byte, the minimum of an event.
//! - If the recording has no alignment, it is [`ImportOptions::assume_align_bytes`].
//! - Blocks that are too large for a trace are left out as long as they are, as in the recorder.
//! - Calls that a race has put out of order are put back if there is only one way; [`Repairs`] counts them. Otherwise
//!   it is an error.
//!
//! An import streams: it keeps the live blocks, a bit for each address ever used, and up to [`LOOKAHEAD_CALLS`] calls.
//!
//! ```
//! use heaprace_traces::import::{Format, Import, ImportOptions};
//!
//! let text = "7: malloc 0x1000 24\n7: realloc 0x2000 0x1000 48\n7: free 0x2000\n";
//! assert_eq!(heaprace_traces::import::detect(text.as_bytes()), Some(Format::Android));
//! let import = Import::open(text.as_bytes(), "log.txt", ImportOptions::default())?;
//! assert!(import.provenance().iter().any(|line| line.contains("16 bytes")));
//! assert_eq!(import.count(), 3);
//! # Ok::<(), heaprace_traces::TraceError>(())
//! ```

mod android;
mod call;
mod csapp;
mod fault;
mod format;
mod grammar;
mod heaptrack;
mod mtrace;
mod objects;
mod reader;
mod repairs;
mod valgrind;
mod wee_alloc;
mod words;

pub use fault::{ImportFault, Key};
pub use format::{Format, detect};
pub use reader::{Import, ImportOptions};
pub use repairs::Repairs;

/// By how many calls the end of a block may be logged late.
pub const LOOKAHEAD_CALLS: usize = 4096;
