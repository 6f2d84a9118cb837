//! The head of a file: the version, which columns there are, and the provenance.

use std::io;

use super::{MAGIC, VERSION};
use crate::csv::{Columns, canonical_comments};

/// Maximum length of the provenance, in bytes.
pub const MOST_PROVENANCE_BYTES: u32 = 1 << 24;

const THREAD: u16 = 1;
const TIME_NS: u16 = 2;

/// The columns as a head stores them, one bit each.
pub fn flags_of(columns: Columns) -> u16 {
    (if columns.thread { THREAD } else { 0 }) | (if columns.time_ns { TIME_NS } else { 0 })
}

/// The columns that a head stores; `None` if it names some that this version does not have.
pub fn columns_of(flags: u16) -> Option<Columns> {
    let known = flags & !(THREAD | TIME_NS) == 0;
    known.then_some(Columns { thread: flags & THREAD != 0, time_ns: flags & TIME_NS != 0 })
}

/// The head of a file.
pub(super) fn to_bytes(columns: Columns, provenance: &[impl AsRef<str>]) -> io::Result<Vec<u8>> {
    let mut text = String::new();
    canonical_comments(provenance).for_each(|line| text.extend([&line, "\n"]));
    let length = u32::try_from(text.len()).ok().filter(|&length| length <= MOST_PROVENANCE_BYTES);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the provenance exceeds 16 MiB"))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&flags_of(columns).to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    Ok(bytes)
}
