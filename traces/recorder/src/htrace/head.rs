//! The head of a file: the version, which columns there are, and the provenance.

use super::{MAGIC, VERSION};
use crate::csv::{Columns, provenance_text};
use crate::error::WriteError;

const THREAD: u16 = 1;
const TIME_NS: u16 = 2;
const WRITTEN: u16 = 4;

/// The columns as a head stores them, one bit each.
pub fn flags_of(columns: Columns) -> u16 {
    let bits = [(columns.thread, THREAD), (columns.time_ns, TIME_NS), (columns.written, WRITTEN)];
    bits.into_iter().filter(|&(there, _)| there).map(|(_, bit)| bit).sum()
}

/// The columns that a head stores; `None` if it names some that this version does not have.
pub fn columns_of(flags: u16) -> Option<Columns> {
    let has = |bit| flags & bit != 0;
    let columns = Columns { thread: has(THREAD), time_ns: has(TIME_NS), written: has(WRITTEN) };
    (flags_of(columns) == flags).then_some(columns)
}

/// The head of a file.
pub(super) fn to_bytes(columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Vec<u8>, WriteError> {
    let text = provenance_text(provenance)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&flags_of(columns).to_le_bytes());
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    Ok(bytes)
}
