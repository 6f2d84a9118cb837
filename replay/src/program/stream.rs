//! A program that is too long to be held: it is decoded anew for each replay.
//!
//! As a rule that is done on another thread, a few chunks ahead. Where the process must have a single thread, each chunk is decoded when it
//! is its turn. Either way the clock stands still meanwhile.
//!
//! Memory is that of [`CHUNKS`] chunks and of the objects that are live, however long the trace is.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use heaprace_traces::Source;

use super::compiler::{AnyIds, Compiler};
use super::error::CompileError;
use super::op::PackedOp;
use super::pass;
use super::stretch::Stretch;

/// Words of a chunk, at least, but for the last: 2 MiB, so that the ones on their way stay in the caches that processors share.
const CHUNK_WORDS: usize = 1 << 18;

/// Chunks there are: one is replayed, one is decoded, and one lies ready.
const CHUNKS: usize = 3;

/// Where the operations come from, pass after pass.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    source: Source,
    /// Whether the blocks of a binary trace can be gone through: the first pass has found out.
    short: bool,
    /// Whether chunks are decoded in turn with their replay, on the same thread.
    in_turn: bool,
}

/// Operations, how many events they are, and how many come before them.
struct Chunk {
    ops: Vec<PackedOp>,
    events_before: u64,
    events: u64,
}

/// Room for a portion more than a chunk has at least, so that it need not grow.
fn buffer() -> Vec<PackedOp> {
    Vec::with_capacity(CHUNK_WORDS * 3 / 2)
}

impl Stream {
    pub(super) fn new(source: &Source, short: bool) -> Self {
        Stream { source: source.clone(), short, in_turn: false }
    }

    /// From now on no other thread decodes.
    pub(super) fn decode_in_turn(&mut self) {
        self.in_turn = true;
    }

    /// Calls `visit` with all stretches in order, until it breaks off. The trace must be what it was: it is checked again on the way.
    pub(super) fn each_stretch<B>(
        &self,
        slots: usize,
        events: u64,
        mut visit: impl FnMut(Stretch<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, CompileError> {
        let mut replayed = 0;
        let mut broken_off = None;
        let mut replay = |Chunk { ops, events_before, events }: Chunk| {
            replayed = events_before + events;
            match visit(Stretch { ops: &ops, events_before, events, slots }) {
                ControlFlow::Continue(()) => Some(ops),
                ControlFlow::Break(value) => {
                    broken_off = Some(value);
                    None
                }
            }
        };
        if self.in_turn {
            self.decode(slots, buffer(), replay)?;
        } else {
            self.decode_beside(slots, &mut replay)?;
        }
        match broken_off {
            Some(value) => Ok(ControlFlow::Break(value)),
            None if replayed == events => Ok(ControlFlow::Continue(())),
            None => Err(self.changed()),
        }
    }

    /// Decodes on another thread, while `replay` is called on this one.
    fn decode_beside(
        &self,
        slots: usize,
        replay: &mut dyn FnMut(Chunk) -> Option<Vec<PackedOp>>,
    ) -> Result<(), CompileError> {
        let (full, chunks) = mpsc::sync_channel::<Chunk>(CHUNKS);
        let (empty, buffers) = mpsc::sync_channel(CHUNKS);
        for _ in 1..CHUNKS {
            empty.send(buffer()).expect("the other end is here, and there is room");
        }
        // Its own ends of the channels go with the closure: where it returns early, the decoder finds nobody there, and ends.
        thread::scope(move |scope| {
            let decoder = scope.spawn(move || {
                self.decode(slots, buffer(), |chunk| full.send(chunk).ok().and_then(|()| buffers.recv().ok()))
            });
            for chunk in &chunks {
                let Some(ops) = replay(chunk) else { return Ok(()) };
                // The decoder may be done.
                let _ = empty.send(ops);
            }
            decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Decodes the program, and gives `deliver` one chunk after the other; it gives back a buffer for another one, or nothing to end it.
    fn decode(
        &self,
        slots: usize,
        first: Vec<PackedOp>,
        mut deliver: impl FnMut(Chunk) -> Option<Vec<PackedOp>>,
    ) -> Result<(), CompileError> {
        let mut events_before = 0;
        let mut deliver = |ops: Vec<PackedOp>, compiler: &Compiler<AnyIds>| {
            let events_so_far = compiler.profile().events();
            let chunk = Chunk { ops, events_before, events: events_so_far - events_before };
            events_before = events_so_far;
            deliver(chunk)
        };
        let (mut outgrown, mut ended) = (false, false);
        let sink = |ops: &mut Vec<PackedOp>, compiler: &Compiler<AnyIds>| {
            // The replay has only so many slots, which its accesses rely upon.
            outgrown = compiler.slots() > slots;
            if outgrown {
                return ControlFlow::Break(());
            }
            if ops.len() < CHUNK_WORDS {
                return ControlFlow::Continue(());
            }
            match deliver(std::mem::take(ops), compiler) {
                Some(mut buffer) => {
                    buffer.clear();
                    *ops = buffer;
                    ControlFlow::Continue(())
                }
                None => {
                    ended = true;
                    ControlFlow::Break(())
                }
            }
        };
        let passed = match self.source.open()?.into_blocks() {
            Ok(blocks) if self.short => pass::short(blocks, first, sink)?.ok_or_else(|| self.changed())?,
            Ok(_) => pass::long(self.source.open()?, first, sink)?,
            Err(events) => pass::long(events, first, sink)?,
        };
        if ended {
            return Ok(());
        }
        if outgrown || passed.compiler.slots() > slots {
            return Err(self.changed());
        }
        if !passed.ops.is_empty() {
            deliver(passed.ops, &passed.compiler);
        }
        Ok(())
    }

    fn changed(&self) -> CompileError {
        CompileError::Changed { file: self.source.display().to_owned() }
    }
}
