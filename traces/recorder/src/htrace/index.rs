//! The index at the end of a file: where each block begins.

/// The first bytes of an index.
pub const INDEX_MAGIC: &[u8; 4] = b"HTIX";
/// The last bytes of a file.
pub const TAIL_MAGIC: &[u8; 8] = b"HTRACEND";
/// Bytes of the end of an index that have a fixed place: its offset, its checksum and [`TAIL_MAGIC`].
pub const TAIL_BYTES: usize = 20;

/// One block, as the index describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// Offset of the block from the beginning of the file, in bytes.
    pub offset: u64,
    /// Events in the block.
    pub events: u32,
}

impl IndexEntry {
    /// Bytes of an entry in the file.
    pub const BYTES: usize = 12;
}

/// The places of a file's blocks. With it, several threads can each read blocks of their own, and a part in the middle
/// of a trace can be read without what precedes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    entries: Vec<IndexEntry>,
    events: u64,
}

impl Index {
    /// The blocks.
    pub fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// Events of all blocks.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Adds the next block.
    pub fn push(&mut self, entry: IndexEntry) {
        self.events += u64::from(entry.events);
        self.entries.push(entry);
    }

    /// The index as a file stores it, from `offset` to the end.
    pub fn to_bytes(&self, offset: u64) -> Vec<u8> {
        let mut bytes = INDEX_MAGIC.to_vec();
        bytes.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.offset.to_le_bytes());
            bytes.extend_from_slice(&entry.events.to_le_bytes());
        }
        bytes.extend_from_slice(&self.events.to_le_bytes());
        bytes.extend_from_slice(&offset.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend_from_slice(TAIL_MAGIC);
        bytes
    }
}
