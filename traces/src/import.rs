//! Importers: the recordings of other tools, read as traces.
//!
//! Each [`Format`] has a grammar, at the head of its file. Its lines come down to calls of C's allocation functions, and the calls to
//! events, by the same rules for all:
//!
//! - An address becomes an object: each block that begins there is one with an id of its own, counted up from 1.
//! - `free(NULL)` and failed allocations give no event. `realloc(NULL, n)` is an allocation, `realloc(p, 0)` that gives null is a
//!   deallocation. calloc allocates zeroed. A block of 0 bytes has 1 byte, the least that an event can have.
//! - Where the recording gives no alignment, it is [`ImportOptions::assume_align_bytes`].
//! - Blocks that a trace cannot hold are left out for as long as they are too large, as the recorder does it.
//! - Calls that a race has put out of order are put back, where there is one way only; [`Repairs`] counts
//!   them. Otherwise it is an error.
//!
//! An import streams: it holds the live blocks, a bit for each address ever used, and [`LOOKAHEAD_CALLS`] calls at most.
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
mod seen;
mod valgrind;
mod wee_alloc;
mod words;

pub use fault::{ImportFault, Key};
pub use format::{Format, detect};
pub use reader::{Import, ImportOptions};
pub use repairs::Repairs;

/// How many calls a call may have been logged late.
pub const LOOKAHEAD_CALLS: usize = 4096;
