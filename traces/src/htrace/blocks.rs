//! The blocks of a file in turn.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use heaprace_recorder::csv::Columns;
use heaprace_recorder::htrace::block::{BLOCK_MAGIC, BlockStart, HEAD_BYTES, MOST_PAYLOAD_BYTES};
use heaprace_recorder::htrace::{INDEX_MAGIC, Index, IndexEntry};
use zstd::bulk::Decompressor;

use super::block::Block;
use super::head::{self, FileHead};
use super::index;
use super::missing::{Damage, Missing};
use crate::error::TraceError;

const NO_BLOCK: Damage = "it does not begin like a block";

/// Reads a binary trace block by block without checking the events: the fastest way to read one.
///
/// It keeps only the given block and the index so far in memory. [`Block`] has an example.
pub struct Blocks<R> {
    input: R,
    name: String,
    head: FileHead,
    decoder: Decoder,
    /// The blocks so far, to be compared with the index of the file.
    index: Index,
    /// The offset of the next block.
    offset: u64,
    ended: bool,
}

impl<R: Read> Blocks<R> {
    /// Reads the head of a file. `name` is its name in messages.
    ///
    /// # Errors
    ///
    /// If the input does not begin like a binary trace of the known version.
    pub fn new(mut input: R, name: &str) -> Result<Self, TraceError> {
        let head = head::read(&mut input, name)?;
        let decoder = Decoder::new().map_err(|source| TraceError::Open { file: name.to_owned(), source })?;
        let offset = head.length;
        Ok(Blocks { input, name: name.to_owned(), head, decoder, index: Index::default(), offset, ended: false })
    }

    /// Where the trace comes from, a line each.
    pub fn provenance(&self) -> &[String] {
        &self.head.provenance
    }

    /// Which of the optional columns the trace has.
    pub fn columns(&self) -> Columns {
        self.head.columns
    }

    /// Events of the blocks so far.
    pub fn events(&self) -> u64 {
        self.index.events()
    }

    /// Reads the next block into `block`; `false` at the end of the trace. After an error there is no further block.
    ///
    /// # Errors
    ///
    /// [`TraceError::DamagedBlock`] and [`TraceError::CutOff`], which name the block; [`TraceError::DamagedFrame`] if
    /// the index does not belong to the blocks; [`TraceError::Open`] if the operating system stops reading.
    pub fn read(&mut self, block: &mut Block) -> Result<bool, TraceError> {
        if self.ended {
            return Ok(false);
        }
        let read = self.read_next(block);
        self.ended = !matches!(read, Ok(true));
        read
    }

    fn read_next(&mut self, block: &mut Block) -> Result<bool, TraceError> {
        let mut magic = [0; BLOCK_MAGIC.len()];
        if let Err(error) = self.input.read_exact(&mut magic) {
            return Err(self.missing(error.into()));
        }
        if magic == *INDEX_MAGIC {
            return match index::check(&self.index, &mut self.input, self.offset) {
                Ok(()) => Ok(false),
                Err(Missing::Damaged(what)) => {
                    Err(TraceError::DamagedFrame { file: self.name.as_str().into(), part: "index", what })
                }
                Err(missing) => Err(self.missing(missing)),
            };
        }
        if magic != *BLOCK_MAGIC {
            return Err(self.missing(Missing::Damaged(NO_BLOCK)));
        }
        let number = self.index.entries().len() as u32;
        let length = match self.decoder.read(&mut self.input, number, &self.head, block) {
            Ok(length) => length,
            Err(missing) => return Err(self.missing(missing)),
        };
        if block.start.events != self.events() {
            return Err(self.missing(Missing::Damaged("events are missing before it")));
        }
        self.index.push(IndexEntry { offset: self.offset, events: block.len() as u32 });
        self.offset += length;
        Ok(true)
    }

    /// Reads one block by its number in the index, counted from 0. Afterwards [`read`](Self::read) returns no further
    /// block.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and if the index has no such block.
    ///
    /// ```no_run
    /// use heaprace_traces::htrace::{Block, Blocks, read_index};
    ///
    /// let mut file = std::fs::File::open("my-program.htrace").expect("it is there");
    /// let index = read_index(&mut file, "my-program.htrace")?;
    /// std::io::Seek::rewind(&mut file).expect("a file can be rewound");
    /// let mut block = Block::default();
    /// Blocks::new(file, "my-program.htrace")?.read_nth(&index, 2, &mut block)?;
    /// println!("event {} and the {} after it", block.first_event() + 1, block.len() - 1);
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    pub fn read_nth(&mut self, index: &Index, number: u32, block: &mut Block) -> Result<(), TraceError>
    where
        R: Seek,
    {
        self.ended = true;
        let entry = index.entries().get(number as usize);
        let read = match entry {
            None => Err(Missing::CutOff),
            Some(entry) => self.read_at(entry, number, block),
        };
        let (file, events) = (self.name.as_str().into(), block.start.events);
        read.map_err(|missing| self.error(missing, u64::from(number) + 1, events, file))
    }

    fn read_at(&mut self, entry: &IndexEntry, number: u32, block: &mut Block) -> Result<(), Missing>
    where
        R: Seek,
    {
        self.input.seek(SeekFrom::Start(entry.offset))?;
        let mut magic = [0; BLOCK_MAGIC.len()];
        self.input.read_exact(&mut magic)?;
        if magic != *BLOCK_MAGIC {
            return Err(Missing::Damaged(NO_BLOCK));
        }
        self.decoder.read(&mut self.input, number, &self.head, block)?;
        if block.len() == entry.events as usize {
            Ok(())
        } else {
            Err(Missing::Damaged("the index has another number of events for it"))
        }
    }

    /// The error for the block that was read last if it does not [continue](Block::continues).
    #[cold]
    pub(super) fn discontinued(&self, block: &Block) -> TraceError {
        let damage = Missing::Damaged("it does not continue from the block before it");
        let number = self.index.entries().len() as u64;
        self.error(damage, number, block.first_event(), self.name.as_str().into())
    }

    #[cold]
    fn missing(&self, missing: Missing) -> TraceError {
        self.error(missing, self.index.entries().len() as u64 + 1, self.events(), self.name.as_str().into())
    }

    fn error(&self, missing: Missing, block: u64, events: u64, file: Arc<str>) -> TraceError {
        match missing {
            Missing::CutOff => TraceError::CutOff { file, block, events },
            Missing::Damaged(what) => TraceError::DamagedBlock { file, block, events, what },
            Missing::Failed(source) => TraceError::unread(&self.name, source),
        }
    }
}

impl<R> fmt::Debug for Blocks<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks").field("name", &self.name).field("index", &self.index).finish_non_exhaustive()
    }
}

/// Reads blocks, and keeps its buffers.
pub(super) struct Decoder {
    zstd: Decompressor<'static>,
    payload: Vec<u8>,
}

impl Decoder {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Decoder { zstd: Decompressor::new()?, payload: Vec::new() })
    }

    /// Reads the block of this number, after its magic bytes, and returns its length including them.
    pub(super) fn read(
        &mut self,
        input: &mut impl Read,
        number: u32,
        file: &FileHead,
        block: &mut Block,
    ) -> Result<u64, Missing> {
        let mut head = [0; BLOCK_MAGIC.len() + HEAD_BYTES];
        head[..BLOCK_MAGIC.len()].copy_from_slice(BLOCK_MAGIC);
        input.read_exact(&mut head[BLOCK_MAGIC.len()..])?;
        let u32_at = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        if crc32fast::hash(&head[..52]) != u32_at(52) {
            return Err(Missing::Damaged("the checksum of its head does not match"));
        }
        let (found, events, length, checksum) = (u32_at(4), u32_at(8), u32_at(12), u32_at(16));
        if found != number {
            return Err(Missing::Damaged("another block is in its place"));
        }
        if events as usize > file.most_block_events || length > MOST_PAYLOAD_BYTES {
            return Err(Missing::Damaged("it is larger than a block can be"));
        }
        block.start =
            BlockStart { events: u64_at(20), allocated: u64_at(28), touched: u64_at(36), time_ns: u64_at(44) };
        self.payload.resize(length as usize, 0);
        input.read_exact(&mut self.payload)?;
        if crc32fast::hash(&self.payload) != checksum {
            return Err(Missing::Damaged("its checksum does not match"));
        }
        block.decode(&self.payload, file.columns, &mut self.zstd)?;
        if block.len() != events as usize {
            return Err(Missing::Damaged("it has another number of events than it says"));
        }
        Ok((head.len() + self.payload.len()) as u64)
    }
}
