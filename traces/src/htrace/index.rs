//! Reads the index at the end of a file.

use std::io::{Read, Seek, SeekFrom};

use heaprace_recorder::htrace::{INDEX_MAGIC, Index, IndexEntry, TAIL_BYTES, TAIL_MAGIC};

use super::missing::Missing;
use crate::error::TraceError;

/// Reads the index of a file from its end.
///
/// # Errors
///
/// [`TraceError::DamagedFrame`] if there is none, as in a file that is cut off: [`Blocks`](super::Blocks) still reads
/// its whole blocks in turn.
pub fn read_index(input: &mut (impl Read + Seek), name: &str) -> Result<Index, TraceError> {
    from_end(input).map_err(|missing| {
        let file = name.into();
        match missing {
            Missing::CutOff => TraceError::DamagedFrame { file, part: "index", what: "the file is cut off" },
            Missing::Damaged(what) => TraceError::DamagedFrame { file, part: "index", what },
            Missing::Failed(source) => TraceError::unread(name, source),
        }
    })
}

fn from_end(input: &mut (impl Read + Seek)) -> Result<Index, Missing> {
    let length = input.seek(SeekFrom::End(0))?;
    let tail = length.checked_sub(TAIL_BYTES as u64).ok_or(Missing::CutOff)?;
    input.seek(SeekFrom::Start(tail))?;
    let mut bytes = [0; TAIL_BYTES];
    input.read_exact(&mut bytes)?;
    let (offset, end) = (&bytes[..8], &bytes[12..]);
    if end != TAIL_MAGIC {
        return Err(Missing::Damaged("the file does not end with one"));
    }
    let offset = u64::from_le_bytes(offset.try_into().expect("8 bytes"));
    if offset > tail {
        return Err(Missing::Damaged("it begins after the end of the file"));
    }
    input.seek(SeekFrom::Start(offset))?;
    let mut found = vec![0; (length - offset) as usize];
    input.read_exact(&mut found)?;
    let events_at = found.len().checked_sub(TAIL_BYTES + 8).filter(|&at| at >= 8);
    let events_at = events_at.ok_or(Missing::Damaged("it is too short"))?;
    let (entries, []) = found[8..events_at].as_chunks::<{ IndexEntry::BYTES }>() else {
        return Err(Missing::Damaged("it ends within an entry"));
    };
    let mut index = Index::default();
    for entry in entries {
        let (offset, events) = entry.split_at(8);
        index.push(IndexEntry {
            offset: u64::from_le_bytes(offset.try_into().expect("8 bytes")),
            events: u32::from_le_bytes(events.try_into().expect("4 bytes")),
        });
    }
    // Any difference from the index of these entries is damage, including one in the checksum.
    if index.to_bytes(offset) == found { Ok(index) } else { Err(Missing::Damaged("its checksum does not match")) }
}

/// Reads the index after its magic bytes to the end of the file, and checks that it is that of the blocks so far.
pub(super) fn check(index: &Index, input: &mut impl Read, offset: u64) -> Result<(), Missing> {
    let expected = index.to_bytes(offset);
    let expected = &expected[INDEX_MAGIC.len()..];
    let mut found = Vec::with_capacity(expected.len() + 1);
    // One byte more than expected, to notice if something follows.
    input.take(expected.len() as u64 + 1).read_to_end(&mut found)?;
    if found == expected {
        Ok(())
    } else if expected.starts_with(&found) {
        Err(Missing::CutOff)
    } else if found.starts_with(expected) {
        Err(Missing::Damaged("something follows it"))
    } else {
        Err(Missing::Damaged("it is not that of the blocks before it"))
    }
}
