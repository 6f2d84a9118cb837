//! The phase of the recording: one byte, which every event reads first.

use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// The phase of the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// It has not begun.
    Waiting,
    /// A thread is beginning it. The events of other threads in this phase precede the recording.
    Beginning,
    /// Events are recorded.
    Open,
    /// Between a stop and the next start.
    Stopped,
    /// It has ended.
    Ended,
    /// No recording is wanted, or none is possible.
    Off,
    /// This is the child of a fork, which has only a copy of the recording's memory.
    Forked,
}

static PHASE: AtomicU8 = AtomicU8::new(Phase::Waiting as u8);
/// The process that is recorded.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// The current phase.
#[inline(always)]
pub(crate) fn phase() -> Phase {
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

/// Changes from one phase to another; `false` if it is not in the first.
pub(super) fn change(from: Phase, to: Phase) -> bool {
    PHASE.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Sets the phase.
pub(super) fn set(phase: Phase) {
    PHASE.store(phase as u8, Ordering::Release);
}

/// Makes this process the recorded one.
pub(super) fn note_process() {
    PROCESS.store(std::process::id(), Ordering::Relaxed);
}

/// Whether this is the process that has begun the recording. Code that waits for the scribe asks: a process that was
/// forked without the C library, whose fork handler therefore did not run, finds out here.
#[cold]
pub(super) fn is_attended() -> bool {
    let is_begun = matches!(phase(), Phase::Open | Phase::Stopped | Phase::Ended);
    if is_begun && PROCESS.load(Ordering::Relaxed) != std::process::id() {
        set(Phase::Forked);
        return false;
    }
    is_begun
}
