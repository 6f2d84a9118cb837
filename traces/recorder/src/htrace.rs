//! The binary format, `.htrace`, as it is written. FORMAT.md in the root of the repository defines it byte by byte;
//! `heaprace-traces` reads it, with the constants and encodings of this module.
//!
//! A file is a head with the provenance; blocks of up to [`MOST_BLOCK_EVENTS`] events, each with its columns in sections of
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

/// Events in a block of a trace whose sections are stored uncompressed. Blocks of compressed traces have a multiple of it.
pub const BLOCK_EVENTS: usize = 1 << 16;

/// Maximum number of events in a block. Programs repeat themselves, so that longer columns compress better.
pub const MOST_BLOCK_EVENTS: usize = 16 * BLOCK_EVENTS;

/// The first bytes of a file. The first one occurs in no text, and the line end is lost where a file is copied as text.
pub const MAGIC: &[u8; 8] = b"\x89HTRACE\n";

/// The version of the format that is written.
pub const VERSION: u16 = 2;

/// The maximum number of events in a block of this version; `None` if the version is unknown.
pub fn most_block_events(version: u16) -> Option<usize> {
    match version {
        1 => Some(BLOCK_EVENTS),
        VERSION => Some(MOST_BLOCK_EVENTS),
        _ => None,
    }
}
