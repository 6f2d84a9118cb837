//! Inputs that end when the user interrupts the program.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads an input until the flag is set. Each read is short, so that the reader notices it at once.
pub(crate) struct Interruptible<R> {
    pub(crate) input: R,
    pub(crate) interrupt: Arc<AtomicBool>,
}

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupt.load(Ordering::Relaxed) {
            // The kind `Interrupted` would be tried again.
            return Err(io::Error::other(Interrupted));
        }
        self.input.read(buffer)
    }
}

/// The error of an interrupted input.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

/// Whether an input failed because it was interrupted.
pub(crate) fn is_interrupted(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Interrupted>())
}
