//! Wakes the scribe.

use std::sync::OnceLock;
use std::thread::{self, Thread};

static SCRIBE: OnceLock<Thread> = OnceLock::new();

/// Makes this thread the one that is woken. The scribe calls it once.
pub(super) fn set_current() {
    let _ = SCRIBE.set(thread::current());
}

/// Wakes the scribe if it sleeps.
#[cold]
pub(super) fn wake() {
    if let Some(thread) = SCRIBE.get() {
        thread.unpark();
    }
}
