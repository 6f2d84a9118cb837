//! Work in a process of its own, made by fork: whatever an allocator does there, this process goes on, and knows how far
//! the work has come.
//!
//! A fork and no new program, so that it works in any program, an author's tests among them. Both processes share a few
//! pages, which the child writes its progress to; no other memory is asked of the system here. On systems without fork,
//! the work is done in this process: a panic is caught, and anything worse ends the process.

mod board;
#[cfg(unix)]
mod forked;
#[cfg(not(unix))]
mod in_process;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use board::BoardBox;

pub(super) use board::Board;
#[cfg(unix)]
pub(super) use forked::run;
#[cfg(not(unix))]
pub(super) use in_process::run;

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It returned.
    Returned,
    /// It panicked; the message says where.
    Panicked,
    /// It ended its process with this code.
    #[cfg_attr(not(unix), allow(dead_code, reason = "this process would have ended"))]
    Exited(i32),
    /// This signal ended its process.
    #[cfg_attr(not(unix), allow(dead_code, reason = "this process would have ended"))]
    Killed(i32),
    /// It made no progress for too long, and was ended.
    #[cfg_attr(not(unix), allow(dead_code, reason = "nobody watches it"))]
    Stalled,
    /// The user interrupted it, and it was ended.
    Interrupted,
}

/// Who watches the work.
pub(super) struct ChildWatch<'a> {
    /// Ends the work when true.
    pub(super) interrupt: &'a AtomicBool,
    /// The processor's time without progress after which the work is ended. If it waits for something, ten times as long
    /// by the clock.
    pub(super) patience: Duration,
    /// Is called now and then.
    pub(super) on_progress: &'a mut dyn FnMut(&Board),
}

/// What the work left, and how it ended.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) board: BoardBox,
    pub(super) ending: Ending,
}

/// The text of a panic.
fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a text")
}
