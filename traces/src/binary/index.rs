//! The index at the end of a file: where each block begins.

use std::io::{Read, Seek, SeekFrom};

use super::blocks::Missing;
use crate::error::TraceError;

pub(super) const INDEX_MAGIC: &[u8; 4] = b"HTIX";
const END_MAGIC: &[u8; 8] = b"HTRACEND";
const ENTRY_BYTES: usize = 12;
/// Where the index begins, its checksum, and the magic bytes.
const TAIL_BYTES: usize = 20;

/// One block, as the index knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Where the block begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// Events in the block.
    pub events: u32,
}

/// Where the blocks of a file are. With it, several threads can each read blocks of their own, and a part in the middle of a trace
/// is read without what is before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    entries: Vec<IndexEntry>,
    events: u64,
}

impl Index {
    /// Reads the index of a file from its end.
    ///
    /// # Errors
    ///
    /// [`TraceError::DamagedFrame`] where there is none, as in a file that is cut off: its whole blocks are still to be had in turn
    /// from [`Blocks`](super::Blocks).
    pub fn read(input: &mut (impl Read + Seek), name: &str) -> Result<Self, TraceError> {
        Self::from_end(input).map_err(|missing| {
            let file = name.into();
            match missing {
                Missing::CutOff => TraceError::DamagedFrame { file, part: "index", what: "the file is cut off" },
                Missing::Damaged(what) => TraceError::DamagedFrame { file, part: "index", what },
                Missing::Failed(source) => TraceError::Open { file: name.to_owned(), source },
            }
        })
    }

    fn from_end(input: &mut (impl Read + Seek)) -> Result<Self, Missing> {
        let length = input.seek(SeekFrom::End(0))?;
        let tail = length.checked_sub(TAIL_BYTES as u64).ok_or(Missing::CutOff)?;
        input.seek(SeekFrom::Start(tail))?;
        let mut bytes = [0; TAIL_BYTES];
        input.read_exact(&mut bytes)?;
        let (offset, end) = (&bytes[..8], &bytes[12..]);
        if end != END_MAGIC {
            return Err(Missing::Damaged("the file does not end with one"));
        }
        let offset = u64::from_le_bytes(offset.try_into().expect("8 bytes"));
        if offset > tail {
            return Err(Missing::Damaged("it begins behind the end"));
        }
        input.seek(SeekFrom::Start(offset))?;
        let mut found = vec![0; (length - offset) as usize];
        input.read_exact(&mut found)?;
        let events_at = found.len().checked_sub(TAIL_BYTES + 8).filter(|&at| at >= 8);
        let events_at = events_at.ok_or(Missing::Damaged("it is too short"))?;
        let (entries, []) = found[8..events_at].as_chunks::<ENTRY_BYTES>() else {
            return Err(Missing::Damaged("it has half an entry"));
        };
        let mut index = Index::default();
        for entry in entries {
            let (offset, events) = entry.split_at(8);
            index.push(IndexEntry {
                offset: u64::from_le_bytes(offset.try_into().expect("8 bytes")),
                events: u32::from_le_bytes(events.try_into().expect("4 bytes")),
            });
        }
        // Whatever is not the index that these entries make is damaged, the checksum included.
        if index.to_bytes(offset) == found { Ok(index) } else { Err(Missing::Damaged("its checksum does not match")) }
    }

    /// The blocks.
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// Events of all blocks.
    pub fn events(&self) -> u64 {
        self.events
    }

    pub(super) fn push(&mut self, entry: IndexEntry) {
        self.events += u64::from(entry.events);
        self.entries.push(entry);
    }

    /// The index as it stands in a file, from `offset` to the end.
    pub(super) fn to_bytes(&self, offset: u64) -> Vec<u8> {
        let mut bytes = INDEX_MAGIC.to_vec();
        bytes.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.offset.to_le_bytes());
            bytes.extend_from_slice(&entry.events.to_le_bytes());
        }
        bytes.extend_from_slice(&self.events.to_le_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend_from_slice(END_MAGIC);
        bytes
    }

    /// Reads the index from behind its magic bytes to the end of the file, where it must be that of these blocks.
    pub(super) fn check(&self, input: &mut impl Read, offset: u64) -> Result<(), Missing> {
        let expected = self.to_bytes(offset);
        let expected = &expected[INDEX_MAGIC.len()..];
        let mut found = Vec::with_capacity(expected.len() + 1);
        // One byte more, to see that there is none.
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
}
