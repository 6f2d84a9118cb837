//! A trace in the form that the driver replays: a file of operations, of 8 bytes each.
//!
//! An operation is two little-endian words of 32 bits. The first holds, from the lowest bit, 5 bits of the alignment's
//! logarithm, 2 of the kind (alloc, alloc_zeroed, dealloc, realloc) and 25 of the slot; the second is the size, of a
//! realloc the new one. A realloc is followed by a further pair: its old size, and 0.
//!
//! The host copies [`CHUNK_OPS`] pairs at a time into the driver's buffer, so that a trace of any length needs little
//! memory. A realloc never straddles two chunks: a dealloc of a slot that never has a block, which the driver skips,
//! fills the first.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::ops::ControlFlow;

use heaprace_engine::Program;
use heaprace_engine::program::{CompileError, MAX_LIVE_OBJECTS, OpKind, PackedOp};
use thiserror::Error;

/// Pairs of words that the driver's buffer holds.
pub const CHUNK_OPS: usize = 8192;

/// Bytes of a pair.
pub const PAIR_BYTES: usize = 8;

/// Why a trace cannot be replayed in WebAssembly.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The trace cannot be read again.
    #[error(transparent)]
    Trace(#[from] CompileError),
    /// The file cannot be written.
    #[error("the file with the trace's operations: {0}")]
    File(#[from] io::Error),
    /// A program with 32-bit addresses cannot ask for this.
    #[error("event {event} asks for {bytes} bytes: a program in WebAssembly cannot ask for more than 2 GiB")]
    TooLarge {
        /// The event, from 1.
        event: u64,
        /// What it asks for.
        bytes: u64,
    },
    /// No slot is left to fill chunks with.
    #[error("the trace has {MAX_LIVE_OBJECTS} live objects at once, one more than the driver can hold")]
    TooManyObjects,
}

/// An operation, as the host sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What is asked.
    pub kind: OpKind,
    /// The object's slot.
    pub slot: usize,
    /// The size in bytes: the new one of a realloc.
    pub size: u32,
    /// The alignment in bytes.
    pub align: u32,
    /// The old size of a realloc; 0 otherwise.
    pub old_size: u32,
}

/// The file of a trace's operations.
#[derive(Debug)]
pub struct Recording {
    /// The operations of the trace, and then those that free what it leaves live. It has no name.
    file: File,
    /// Events of the trace.
    pub events: u64,
    /// Pairs of words of the trace.
    pub pairs: u64,
    /// Pairs of words after them, that free what the trace leaves live.
    pub freeing_pairs: u64,
    /// Slots that the driver needs; the last one never has a block.
    pub slots: usize,
}

impl Recording {
    /// Writes a program's operations into a temporary file.
    ///
    /// # Errors
    ///
    /// If the trace cannot be read again, the file cannot be written, or the trace asks for more than WebAssembly has.
    pub fn of(program: &Program) -> Result<Self, RecordingError> {
        if program.slots() >= MAX_LIVE_OBJECTS {
            return Err(RecordingError::TooManyObjects);
        }
        let mut writer = Writer { out: BufWriter::new(tempfile::tempfile()?), pairs: 0, unused: program.slots() };
        let mut failed = None;
        let flow = program.each_stretch(&mut |stretch| {
            let mut event = stretch.events_before();
            let mut ops = stretch.ops().iter();
            while let Some(&op) = ops.next() {
                event += 1;
                let old_size = (op.kind() == OpKind::Realloc).then(|| ops.next()).flatten().copied();
                if let Err(error) = writer.add(event, op, old_size) {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        if let (ControlFlow::Break(()), Some(error)) = (flow, failed) {
            return Err(error);
        }
        let pairs = writer.pairs;
        for (slot, layout) in program.left_live() {
            writer.push(OpKind::Dealloc, slot, layout.size() as u32, layout.align() as u32)?;
        }
        Ok(Recording {
            events: program.events(),
            pairs,
            freeing_pairs: writer.pairs - pairs,
            slots: program.slots() + 1,
            file: writer.out.into_inner().map_err(io::IntoInnerError::into_error)?,
        })
    }

    /// The file, for an engine that reads it by positions.
    ///
    /// # Errors
    ///
    /// If the system has no more file handles.
    pub fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// The trace's operations, in order. Each comes with the number of its pair, from 0: pairs between two are fillings,
    /// or second pairs of a realloc.
    ///
    /// It moves the position that all handles of the file share.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn operations(&self) -> io::Result<Operations> {
        let mut file = self.file()?;
        file.rewind()?;
        Ok(Operations {
            file,
            read_pairs: 0,
            pairs: self.pairs,
            unused: self.unused_slot(),
            chunk: Vec::new().into_iter(),
        })
    }

    /// The slot that fillings name.
    pub fn unused_slot(&self) -> usize {
        self.slots - 1
    }
}

/// The operations of a chunk, each with the number of its pair in it.
pub fn operations_in(chunk: &[u8], unused_slot: usize) -> Vec<(usize, Operation)> {
    const KINDS: [OpKind; 4] = [OpKind::Alloc, OpKind::AllocZeroed, OpKind::Dealloc, OpKind::Realloc];
    let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let mut pairs = chunk.chunks_exact(PAIR_BYTES).map(|pair| (word(pair), word(&pair[4..]))).enumerate();
    let mut operations = Vec::with_capacity(chunk.len() / PAIR_BYTES);
    while let Some((at, (bits, size))) = pairs.next() {
        let (kind, slot) = (KINDS[(bits >> 5 & 3) as usize], (bits >> 7) as usize);
        let old_size = if kind == OpKind::Realloc { pairs.next().map_or(0, |(_, (old_size, _))| old_size) } else { 0 };
        if slot != unused_slot {
            operations.push((at, Operation { kind, slot, size, align: 1 << (bits & 31), old_size }));
        }
    }
    operations
}

/// The operations of a recording.
#[derive(Debug)]
pub struct Operations {
    file: File,
    read_pairs: u64,
    pairs: u64,
    unused: usize,
    chunk: std::vec::IntoIter<(u64, Operation)>,
}

impl Iterator for Operations {
    type Item = io::Result<(u64, Operation)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(operation) = self.chunk.next() {
                return Some(Ok(operation));
            }
            let first = self.read_pairs;
            let pairs = (self.pairs - first).min(CHUNK_OPS as u64);
            if pairs == 0 {
                return None;
            }
            let mut bytes = vec![0; pairs as usize * PAIR_BYTES];
            if let Err(error) = self.file.read_exact(&mut bytes) {
                return Some(Err(error));
            }
            self.read_pairs += pairs;
            let operations = operations_in(&bytes, self.unused).into_iter();
            self.chunk =
                operations.map(|(at, operation)| (first + at as u64, operation)).collect::<Vec<_>>().into_iter();
        }
    }
}

struct Writer {
    out: BufWriter<File>,
    pairs: u64,
    /// A slot that never has a block.
    unused: usize,
}

impl Writer {
    fn add(&mut self, event: u64, op: PackedOp, old_size: Option<PackedOp>) -> Result<(), RecordingError> {
        let layout = op.layout();
        let too_large = layout.size() + layout.align() > i32::MAX as usize;
        if too_large {
            return Err(RecordingError::TooLarge { event, bytes: layout.size() as u64 });
        }
        if old_size.is_some() && self.pairs as usize % CHUNK_OPS == CHUNK_OPS - 1 {
            self.push(OpKind::Dealloc, self.unused, 1, 1)?;
        }
        self.push(op.kind(), op.slot(), layout.size() as u32, layout.align() as u32)?;
        if let Some(old_size) = old_size {
            self.pair(op.old_layout(old_size).size() as u32, 0)?;
        }
        Ok(())
    }

    fn push(&mut self, kind: OpKind, slot: usize, size: u32, align: u32) -> io::Result<()> {
        self.pair(align.trailing_zeros() | (kind as u32) << 5 | (slot as u32) << 7, size)
    }

    fn pair(&mut self, low: u32, high: u32) -> io::Result<()> {
        self.pairs += 1;
        self.out.write_all(&low.to_le_bytes())?;
        self.out.write_all(&high.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use heaprace_traces::CsvReader;

    use super::*;

    fn recording(text: &str) -> Result<Recording, RecordingError> {
        let text = format!("op,id,size,align\n{text}");
        Recording::of(&Program::compile(CsvReader::new(text.as_bytes(), "test.csv").unwrap()).unwrap())
    }

    fn operation(kind: OpKind, slot: usize, size: u32, align: u32) -> Operation {
        Operation { kind, slot, size, align, old_size: 0 }
    }

    #[test]
    fn operations_are_read_as_they_were_written_and_leftovers_are_freed() {
        let text = "alloc,1,100,8\nalloc_zeroed,2,7,64\nrealloc,1,4000\ndealloc,2\n";
        let recording = recording(text).unwrap();
        assert_eq!((recording.events, recording.pairs, recording.freeing_pairs, recording.slots), (4, 5, 1, 3));
        let operations: Vec<_> = recording.operations().unwrap().map(Result::unwrap).collect();
        let realloc = Operation { old_size: 100, ..operation(OpKind::Realloc, 0, 4000, 8) };
        assert_eq!(
            operations,
            [
                (0, operation(OpKind::Alloc, 0, 100, 8)),
                (1, operation(OpKind::AllocZeroed, 1, 7, 64)),
                (2, realloc),
                (4, operation(OpKind::Dealloc, 1, 7, 64)),
            ]
        );
    }

    #[test]
    fn a_realloc_does_not_straddle_two_chunks() {
        let mut text = "alloc,1,1,1\n".to_owned();
        (2..2 * CHUNK_OPS).for_each(|size| text += &format!("realloc,1,{size}\n"));
        let recording = recording(&text).unwrap();
        let operations: Vec<_> = recording.operations().unwrap().map(Result::unwrap).collect();
        assert_eq!(operations.len(), 2 * CHUNK_OPS - 1);
        assert!(operations[1..].iter().all(|(at, _)| *at as usize % CHUNK_OPS != CHUNK_OPS - 1));
        assert!(recording.pairs > operations.len() as u64 * 2 - 1, "there are fillings");
    }

    #[test]
    fn a_request_of_more_than_half_the_address_space_is_refused() {
        let error = recording("alloc,1,10,8\nalloc,2,2147483648,8\n").unwrap_err();
        assert!(error.to_string().starts_with("event 2 asks for 2147483648 bytes"), "{error}");
    }
}
