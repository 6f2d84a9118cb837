//! The binary format, `.htrace`: the same traces in a sixth of the bytes, and many times as fast to read.
//!
//! FORMAT.md in the root of the repository defines it byte by byte. In short: a head with the provenance; blocks of up to
//! [`BLOCK_EVENTS`] events, each with its columns compressed on their own, a checksum, and all that is needed to decode it without
//! the blocks before it; and an index of the blocks at the end.
//!
//! - An event costs a byte before compression, or two. The first says what is asked for: of the few hundred layouts that a program asks
//!   for in a block, the most frequent 255 have a code each. Allocations number their objects in turn, so their ids cost nothing; a
//!   deallocation or reallocation gives the distance to the object that the one before it was about. Programs mostly free in the
//!   order in which they have allocated, or against it, so these distances repeat, and zstd makes little of them.
//! - The layout of what is freed is not there: whoever reads the events in turn knows it. [`Reader`] does, and checks every event;
//!   [`Blocks`] gives the fields as they are.
//!
//! ```
//! use heaprace_traces::binary::{Reader, Writer};
//! use heaprace_traces::csv::{self, Columns};
//!
//! let text = "# heaprace-trace: 1\n# program: example\nop,id,size,align\nalloc,1,24,8\ndealloc,1\n";
//! let events: Vec<_> = csv::Reader::new(text.as_bytes(), "example.csv")?.collect::<Result<_, _>>()?;
//! let mut writer = Writer::new(Vec::new(), Columns::default(), &["program: example"])?;
//! events.iter().try_for_each(|event| writer.write(event))?;
//! let bytes = writer.finish()?;
//!
//! let reader = Reader::new(&bytes[..], "example.htrace")?;
//! assert_eq!(reader.provenance(), ["heaprace-trace: 1", "program: example"]);
//! assert_eq!(reader.collect::<Result<Vec<_>, _>>()?, events);
//! # Ok::<(), heaprace_traces::TraceError>(())
//! ```

mod block;
mod blocks;
mod column;
mod head;
mod index;
mod reader;
mod request;
mod section;
mod writer;

pub use block::Block;
pub use blocks::Blocks;
pub use index::{Index, IndexEntry};
pub use reader::Reader;
pub use request::{Request, Requests};
pub use writer::Writer;

/// Most events of one block.
pub const BLOCK_EVENTS: usize = 1 << 16;

/// What a file begins with. The first byte is in no text, and the line end is lost where a file is copied as text.
pub(crate) const MAGIC: &[u8; 8] = b"\x89HTRACE\n";

/// The version of the format that is written and read here.
const VERSION: u16 = 1;
