//! The binary format, `.htrace`: the same traces in a sixth of the bytes, and many times as fast to read.
//!
//! FORMAT.md in the root of the repository defines it byte by byte. A file is a head with the provenance; blocks of up
//! to [`MOST_BLOCK_EVENTS`] events, each with its columns compressed separately, a checksum, and all that is needed to
//! decode it without the blocks before it; and an index of the blocks at the end.
//!
//! - An event costs one or two bytes before compression. The first is its request: of the few hundred layouts that a
//!   program asks for in a block, the most frequent 255 have a code each. Allocations number their objects in turn, so
//!   their ids cost nothing; a deallocation or reallocation stores the distance from the object of the one before it.
//!   Programs mostly free in the order in which they allocated, or in reverse, so these distances repeat and compress
//!   well.
//! - Blocks are long, because programs repeat themselves: with 2^20 events, a trace of requests to a server takes less
//!   than half of what it takes with 2^16. Reading one still takes milliseconds and a few megabytes.
//! - The layout of a freed object is left out, because reading the events in turn restores it. [`HtraceReader`] does so, and
//!   checks every event; [`Blocks`] returns the fields as they are.
//!
//! ```
//! use heaprace_traces::htrace::{HtraceReader, HtraceWriter};
//! use heaprace_traces::csv::{self, Columns};
//!
//! let text = "# heaprace-trace: 1\n# program: example\nop,id,size,align\nalloc,1,24,8\ndealloc,1\n";
//! let events: Vec<_> = csv::CsvReader::new(text.as_bytes(), "example.csv")?.collect::<Result<_, _>>()?;
//! let mut writer = HtraceWriter::new(Vec::new(), Columns::default(), &["program: example"])?;
//! events.iter().try_for_each(|event| writer.write(event))?;
//! let bytes = writer.finish()?;
//!
//! let reader = HtraceReader::new(&bytes[..], "example.htrace")?;
//! assert_eq!(reader.provenance(), ["heaprace-trace: 1", "program: example"]);
//! assert_eq!(reader.collect::<Result<Vec<_>, _>>()?, events);
//! # Ok::<(), heaprace_traces::TraceError>(())
//! ```

mod block;
mod blocks;
pub(crate) mod canonical;
mod head;
mod index;
mod missing;
mod reader;
mod request;
mod section;

pub use block::Block;
pub use blocks::Blocks;
pub use heaprace_recorder::htrace::request::Request;
pub use heaprace_recorder::htrace::{BLOCK_EVENTS, Index, IndexEntry, MAGIC, MOST_BLOCK_EVENTS};
pub use index::read_index;
pub use reader::HtraceReader;
pub use request::Requests;
pub use section::Zstd;

/// Writes events as a binary trace whose sections are compressed. The [module](self) has an example.
pub type HtraceWriter<W> = heaprace_recorder::htrace::HtraceWriter<W, Zstd>;
