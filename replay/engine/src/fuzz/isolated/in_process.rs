//! Work in this process, on systems without fork.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use super::board::{Board, board};
use super::{ChildWatch, Done, Ending, panic_text};

/// Does the work in this process, because the system has no fork.
///
/// # Errors
///
/// None.
pub(in crate::fuzz) fn run(watch: ChildWatch<'_>, work: impl FnOnce(&Board)) -> io::Result<Done> {
    let _ = watch.patience;
    let board = board();
    let ending = match catch_unwind(AssertUnwindSafe(|| work(&board))) {
        Ok(()) if watch.interrupt.load(Ordering::Relaxed) => Ending::Interrupted,
        Ok(()) => Ending::Returned,
        Err(payload) => {
            board.say(panic_text(&*payload));
            Ending::Panicked
        }
    };
    (watch.on_progress)(&board);
    Ok(Done { board, ending })
}
