//! What the recording of this process is doing: one byte, which every event looks at first.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// What the recording is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It has not begun.
    Waiting,
    /// A thread is beginning it. What the others do meanwhile is older than the recording.
    Beginning,
    /// Events are recorded.
    Open,
    /// Between a stop and the next start.
    Stopped,
    /// It has ended.
    Ended,
    /// None is wanted, or none is possible.
    Off,
    /// This is the child of a fork, which has nothing of the recording but a copy of its memory.
    Forked,
}

static PHASE: AtomicU8 = AtomicU8::new(Phase::Waiting as u8);
/// The process that is recorded.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// What the recording is doing.
#[inline(always)]
pub(super) fn phase() -> Phase {
    match PHASE.load(Ordering::Relaxed) {
        0 => Phase::Waiting,
        1 => Phase::Beginning,
        2 => Phase::Open,
        3 => Phase::Stopped,
        4 => Phase::Ended,
        5 => Phase::Off,
        _ => Phase::Forked,
    }
}

/// Goes on from one phase to another; `false` where it is not in the first.
pub(super) fn change(from: Phase, to: Phase) -> bool {
    PHASE.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Goes on to a phase from whatever it was.
pub(super) fn set(phase: Phase) {
    PHASE.store(phase as u8, Ordering::Release);
}

/// Notes which process is recorded.
pub(super) fn note_process() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
}

/// Whether this is the process that has begun a recording. Whoever waits asks: one that was forked past the C library, so that nobody
/// told it, finds out here.
#[cold]
pub(super) fn is_attended() -> bool {
    let is_begun = matches!(phase(), Phase::Open | Phase::Stopped | Phase::Ended);
    if is_begun && PROCESS.load(Ordering::Relaxed) != std::process::id() {
        set(Phase::Forked);
        return false;
    }
    is_begun
}
