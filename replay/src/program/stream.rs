//! A program that is too long to be held: it is decoded anew for each replay, on another thread, a few chunks ahead.
//!
//! Memory is that of [`CHUNKS`] chunks and of the objects that are live, however long the trace is. Who replays gets one chunk after the
//! other, and waits outside of what is timed.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use traces::Source;

use super::compiler::{AnyIds, Compiler};
use super::op::Op;
use super::pass;
use super::{CompileError, Stretch};
use crate::processor;

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
}

/// Operations, how many events they are, and how many come before them.
struct Chunk {
    ops: Vec<Op>,
    events_before: u64,
    events: u64,
}

impl Stream {
    pub(super) fn new(source: &Source, short: bool) -> Self {
        Stream { source: source.clone(), short }
    }

    /// Calls `visit` with all stretches in order, until it breaks off. The trace must be what it was: it is checked again on the way.
    pub(super) fn each_stretch<B>(
        &self,
        slots: usize,
        events: u64,
        mut visit: impl FnMut(Stretch<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, CompileError> {
        let (full, chunks) = mpsc::sync_channel(CHUNKS);
        let (empty, buffers) = mpsc::sync_channel(CHUNKS);
        for _ in 0..CHUNKS {
            // A portion more than a chunk has at least, so that a vector need not grow.
            empty.send(Vec::with_capacity(CHUNK_WORDS * 3 / 2)).expect("the other end is here, and there is room");
        }
        // Its own ends of the channels go with the closure: where it returns early, the decoder finds nobody there, and ends.
        thread::scope(move |scope| {
            let decoder = scope.spawn(move || {
                // It would take its time from the replay, within what is timed, where that one is pinned.
                processor::stand_aside();
                self.decode(slots, &buffers, &full)
            });
            let mut replayed = 0;
            for Chunk { ops, events_before, events } in &chunks {
                let stretch = Stretch { ops: &ops, events_before, events, slots };
                replayed = events_before + events;
                if let ControlFlow::Break(value) = visit(stretch) {
                    return Ok(ControlFlow::Break(value));
                }
                // The decoder may be done.
                let _ = empty.send(ops);
            }
            decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            if replayed == events { Ok(ControlFlow::Continue(())) } else { Err(self.changed()) }
        })
    }

    /// Sends the program's chunks until nobody takes them any more.
    fn decode(&self, slots: usize, buffers: &Receiver<Vec<Op>>, full: &SyncSender<Chunk>) -> Result<(), CompileError> {
        let Ok(first) = buffers.recv() else { return Ok(()) };
        let mut events_before = 0;
        let mut send = |ops: Vec<Op>, compiler: &Compiler<AnyIds>| {
            let events_so_far = compiler.profile().events();
            let chunk = Chunk { ops, events_before, events: events_so_far - events_before };
            events_before = events_so_far;
            full.send(chunk).is_ok()
        };
        let mut outgrown = false;
        let sink = |ops: &mut Vec<Op>, compiler: &Compiler<AnyIds>| {
            // The replay has only so many slots, which its accesses rely upon.
            outgrown = compiler.slots() > slots;
            if outgrown {
                return ControlFlow::Break(());
            }
            if ops.len() < CHUNK_WORDS {
                return ControlFlow::Continue(());
            }
            let Ok(mut buffer) = buffers.recv() else { return ControlFlow::Break(()) };
            buffer.clear();
            if send(std::mem::replace(ops, buffer), compiler) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let passed = match self.source.open()?.into_blocks() {
            Ok(blocks) if self.short => pass::short(blocks, first, sink)?.ok_or_else(|| self.changed())?,
            Ok(_) => pass::long(self.source.open()?, first, sink)?,
            Err(events) => pass::long(events, first, sink)?,
        };
        if outgrown || passed.compiler.slots() > slots {
            return Err(self.changed());
        }
        if !passed.ops.is_empty() {
            send(passed.ops, &passed.compiler);
        }
        Ok(())
    }

    fn changed(&self) -> CompileError {
        CompileError::Changed { file: self.source.display().to_owned() }
    }
}
