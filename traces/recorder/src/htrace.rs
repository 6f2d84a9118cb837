//! The binary format, `.htrace`, as it is written. FORMAT.md in the root of the repository defines it byte by byte;
//! `heaprace-traces` reads it, with the constants and encodings of this module.
//!
//! A file is a head with the provenance; blocks of up to [`BLOCK_EVENTS`] events, each with its columns in sections of
//! their own, a checksum, and all that is needed to decode it without the blocks before it; and an index of the blocks
//! at the end. An event takes about four bytes, so the recorder stores the sections uncompressed.
//! `heaprace-traces` also compresses them.

pub mod block;
pub mod column;
pub mod head;
mod index;
pub mod request;
mod writer;

pub use index::{INDEX_MAGIC, Index, IndexEntry, TAIL_BYTES, TAIL_MAGIC};
pub use writer::{Compress, HtraceWriter, Stored};

/// Maximum number of events in a block.
pub const BLOCK_EVENTS: usize = 1 << 16;

/// The first bytes of a file. The first one occurs in no text, and the line end is lost where a file is copied as text.
pub const MAGIC: &[u8; 8] = b"\x89HTRACE\n";

/// The version of the format that is written.
pub const VERSION: u16 = 1;
