//! One replay of a program in a process of its own, and what is wrong with the allocator if it does not hold.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use heaprace_allocators::PageHeap;
use heaprace_allocators::page_heap::{Guard, MemoryBudget, PageHeapError};
use heaprace_reports::results::Verification;
use heaprace_traces::TraceError;

use super::isolated::{self, Board, ChildWatch, Done, Ending};
use super::script::HeapShape;
use crate::contender::Contender;
use crate::lane::Lane;
use crate::limits::Limits;
use crate::memory_budget;
use crate::program::{CompileError, Program};

/// Processor time that an event may take, other than for its bytes. A thousand times what a slow one takes.
const PATIENCE: Duration = Duration::from_millis(100);

/// Nanoseconds for each live byte, which a single event may have to write, copy and check.
const PATIENCE_NS_PER_BYTE: u64 = 2;

/// Why fuzzing or shrinking could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FuzzError {
    /// The system gives no process to work in.
    #[error("cannot work in a child process: {0}")]
    Process(#[from] io::Error),
    /// A heap cannot be reserved.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
    /// The trace cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The trace cannot be read.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A replay failed, and not because of the allocator.
    #[error("{0}")]
    Replay(String),
}

/// What is wrong with an allocator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// What kind of fault it is.
    pub kind: SymptomKind,
    /// The event that shows it, counted from 1; the last one if it shows after all.
    pub event: u64,
    /// The violation, the panic's text and place, or the last line on standard error. May be empty.
    pub message: String,
}

/// How a fault shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymptomKind {
    /// A block violates the allocator's contract.
    Violation,
    /// This signal ended the process, such as for an access outside the heap.
    Killed(i32),
    /// The allocator panicked.
    Panicked,
    /// The allocator did not return.
    NeverReturns,
    /// The allocator ended the process with this code.
    Exited(i32),
}

impl fmt::Display for SymptomKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SymptomKind::Violation => f.write_str("failed verification"),
            SymptomKind::Killed(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {signal}"),
            },
            SymptomKind::Panicked => f.write_str("panicked"),
            SymptomKind::NeverReturns => f.write_str("never returns"),
            SymptomKind::Exited(code) => write!(f, "ended the process with code {code}"),
        }
    }
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.event > 0 {
            write!(f, " at event {}", self.event)?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

#[cfg(unix)]
fn signal_name(signal: i32) -> Option<&'static str> {
    let names = [
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGKILL, "SIGKILL"),
    ];
    names.into_iter().find_map(|(number, name)| (number == signal).then_some(name))
}

#[cfg(not(unix))]
fn signal_name(_: i32) -> Option<&'static str> {
    None
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The allocator is sound on this program, as far as it ran.
    Sound,
    /// It is not.
    Failed(Symptom),
    /// The user interrupted it.
    Interrupted,
}

impl Outcome {
    /// What the end of a child's work means. `events` are those of the program.
    pub(super) fn of(done: &Done, events: u64) -> Result<Self, FuzzError> {
        let board = &*done.board;
        let failed_at = board.failed_at.load(Ordering::Relaxed);
        let kind = match done.ending {
            Ending::Interrupted => return Ok(Outcome::Interrupted),
            Ending::Returned if failed_at == 0 && board.message().is_empty() => return Ok(Outcome::Sound),
            Ending::Returned if failed_at == 0 => return Err(FuzzError::Replay(board.message())),
            Ending::Returned => SymptomKind::Violation,
            Ending::Panicked => SymptomKind::Panicked,
            Ending::Killed(signal) => SymptomKind::Killed(signal),
            Ending::Exited(code) => SymptomKind::Exited(code),
            Ending::Stalled => SymptomKind::NeverReturns,
        };
        let in_course = (board.events.load(Ordering::Relaxed) + 1).min(events);
        let event = if kind == SymptomKind::Violation { failed_at } else { in_course };
        Ok(Outcome::Failed(Symptom { kind, event, message: board.message() }))
    }
}

/// Replays on this heap with every block checked, and leaves on the board what was found. Returns whether the allocator
/// is sound.
pub(super) fn replay(contender: &Contender, lane: &mut Lane<'_>, board: &Board) -> bool {
    match (contender.verify)(lane, &board.events, Limits::NONE) {
        Ok(Verification::Failed { event, message }) => {
            board.failed_at.store(event, Ordering::Relaxed);
            board.say(&message);
            false
        }
        Ok(Verification::Passed | Verification::NotChecked { .. }) => true,
        Err(error) => {
            board.say(&error.to_string());
            false
        }
    }
}

/// Replays a program through a contender in a child.
///
/// # Errors
///
/// If there is no child, or no heap.
pub(super) fn run(
    contender: &Contender,
    shape: HeapShape,
    program: &Program,
    interrupt: &AtomicBool,
    on_events: &mut dyn FnMut(u64),
) -> Result<Outcome, FuzzError> {
    // What a replay takes, so that a trial does not take the machine's memory either.
    let budget = Arc::new(MemoryBudget::new(usize::try_from(memory_budget::default_bytes()).unwrap_or(usize::MAX)));
    let heap = PageHeap::reserve_within(shape.page, shape.limit_pages, Guard::Trap, Some(&budget))?;
    let mut lane = Lane::on(program, heap);
    let heap_bytes = (shape.page.bytes() * shape.limit_pages) as u64;
    let ns = program.profile().peak_live_bytes.min(heap_bytes).saturating_mul(PATIENCE_NS_PER_BYTE);
    let patience = PATIENCE + Duration::from_nanos(ns);
    let mut on_progress = |board: &Board| on_events(board.events.load(Ordering::Relaxed));
    let watch = ChildWatch { interrupt, patience, on_progress: &mut on_progress };
    let done = isolated::run(watch, |board| {
        replay(contender, &mut lane, board);
    })?;
    Outcome::of(&done, program.events())
}
