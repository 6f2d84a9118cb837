//! A program too long to hold in memory: it is decoded anew for each replay.
//!
//! By default another thread decodes, a few chunks ahead. If the process must be single-threaded, each chunk is decoded
//! just before its replay. Either way the clock is stopped meanwhile.
//!
//! If the trace has written extents, those of a block are known only if the block's next event is in the same chunk. All
//! other blocks are replayed as if their extents were unknown: whole.
//!
//! Memory is bounded by [`CHUNKS`] chunks and the live objects, however long the trace is.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use heaprace_traces::Source;

use super::compiler::{AnyIds, Compiler};
use super::cuts;
use super::error::CompileError;
use super::op::PackedOp;
use super::pass;
use super::portion::Portion;
use super::stretch::Visit;

/// Minimum words of a chunk, except for the last: 2 MiB, so that chunks in transit stay in the caches shared by
/// processors.
const CHUNK_WORDS: usize = 1 << 18;

/// Number of chunks: one is replayed, one is decoded, and one is ready.
const CHUNKS: usize = 3;

/// Memory for chunks.
pub(super) const MOST_HELD_BYTES: usize = CHUNKS * CHUNK_WORDS * 3 / 2 * size_of::<PackedOp>();

/// The source of the operations, pass after pass.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    source: Source,
    /// Whether the short way works for this trace, as the first pass has found out.
    short: bool,
    /// Whether decoding alternates with the replay on the same thread.
    in_turn: bool,
}

/// Operations, their number of events, and the number of events before them.
struct Chunk {
    portion: Portion,
    events_before: u64,
    events: u64,
}

/// Room for a portion more than a chunk's minimum, so that it need not grow.
fn buffer() -> Portion {
    Portion::with_room(CHUNK_WORDS * 3 / 2)
}

impl Stream {
    pub(super) fn new(source: &Source, short: bool) -> Self {
        // Replays check for interrupts themselves, and end with figures.
        Stream { source: source.clone().with_interrupt(None), short, in_turn: false }
    }

    /// Disables decoding on another thread.
    pub(super) fn decode_in_turn(&mut self) {
        self.in_turn = true;
    }

    /// Calls `visit` with all stretches in order, until it breaks. The trace must be unchanged: it is checked again on
    /// the way.
    pub(super) fn each_stretch(
        &self,
        slots: usize,
        events: u64,
        visit: Visit<'_>,
    ) -> Result<ControlFlow<()>, CompileError> {
        let mut replayed = 0;
        let mut has_broken = false;
        let mut replay = |Chunk { portion, events_before, events }: Chunk| {
            replayed = events_before + events;
            // A chunk is one stretch unless its requests are large.
            let cuts = cuts::cuts(&portion.ops, !portion.written.is_empty(), usize::MAX / 2);
            has_broken = cuts::visit_cuts(&portion, &cuts, events_before, slots, &mut *visit).is_break();
            (!has_broken).then_some(portion)
        };
        if self.in_turn {
            self.decode(slots, buffer(), &mut replay)?;
        } else {
            self.decode_in_parallel(slots, &mut replay)?;
        }
        match has_broken {
            true => Ok(ControlFlow::Break(())),
            false if replayed == events => Ok(ControlFlow::Continue(())),
            false => Err(self.changed()),
        }
    }

    /// Decodes on another thread, while `replay` is called on this one.
    fn decode_in_parallel(
        &self,
        slots: usize,
        replay: &mut dyn FnMut(Chunk) -> Option<Portion>,
    ) -> Result<(), CompileError> {
        let (full, chunks) = mpsc::sync_channel::<Chunk>(CHUNKS);
        let (empty, buffers) = mpsc::sync_channel(CHUNKS);
        for _ in 1..CHUNKS {
            empty.send(buffer()).expect("the other end is here, and there is room");
        }
        // The closure owns its ends of the channels: if it returns early, the decoder finds them closed, and ends.
        thread::scope(move |scope| {
            let decoder = scope.spawn(move || {
                self.decode(slots, buffer(), &mut |chunk| full.send(chunk).ok().and_then(|()| buffers.recv().ok()))
            });
            for chunk in &chunks {
                let Some(portion) = replay(chunk) else { return Ok(()) };
                // The decoder may be done.
                let _ = empty.send(portion);
            }
            decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Decodes the program, and passes one chunk after the other to `deliver`, which returns a buffer for the next
    /// chunk, or nothing to stop.
    fn decode(
        &self,
        slots: usize,
        first: Portion,
        deliver: &mut dyn FnMut(Chunk) -> Option<Portion>,
    ) -> Result<(), CompileError> {
        let mut events_before = 0;
        let mut deliver = |portion: Portion, compiler: &Compiler<AnyIds>| {
            let events_so_far = compiler.profile().events();
            let chunk = Chunk { portion, events_before, events: events_so_far - events_before };
            events_before = events_so_far;
            deliver(chunk)
        };
        let (mut outgrown, mut ended) = (false, false);
        let sink = |portion: &mut Portion, compiler: &Compiler<AnyIds>| {
            // The replay has a fixed number of slots, which its accesses rely on.
            outgrown = compiler.slots() > slots;
            if outgrown {
                return ControlFlow::Break(());
            }
            if portion.ops.len() < CHUNK_WORDS {
                return ControlFlow::Continue(());
            }
            match deliver(std::mem::take(portion), compiler) {
                Some(mut buffer) => {
                    buffer.clear();
                    *portion = buffer;
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
            Ok(_) => pass::long_of(self.source.open()?, first, sink)?,
            Err(events) => pass::long_of(events, first, sink)?,
        };
        if ended {
            return Ok(());
        }
        if outgrown || passed.compiler.slots() > slots {
            return Err(self.changed());
        }
        if !passed.portion.ops.is_empty() {
            deliver(passed.portion, &passed.compiler);
        }
        Ok(())
    }

    fn changed(&self) -> CompileError {
        CompileError::Changed { file: self.source.display().to_owned() }
    }
}
