//! Ctrl-C: what is finished is saved and shown, and what is not is removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::terminal::{INTERRUPTED, note};

/// Is set by Ctrl-C, so that what is finished can be saved and shown; a second one ends the process at once.
pub(crate) fn interrupt() -> Arc<AtomicBool> {
    let interrupt = Arc::new(AtomicBool::new(false));
    let handler = {
        let interrupt = Arc::clone(&interrupt);
        move || {
            if interrupt.swap(true, Ordering::Relaxed) {
                remove_unfinished();
                std::process::exit(i32::from(INTERRUPTED));
            }
            note(format_args!("Ending with what is finished. Once more ends at once."));
        }
    };
    // Without a handler, the process ends at once; what was saved so far stays.
    let _ = ctrlc::set_handler(handler);
    interrupt
}

/// For commands that have nothing to show before their end: Ctrl-C and SIGTERM remove unfinished files, and end the
/// process at once.
pub(crate) fn end_without_leftovers() {
    // Without a handler, the process ends at once, too.
    let _ = ctrlc::set_handler(|| {
        remove_unfinished();
        std::process::exit(i32::from(INTERRUPTED));
    });
}

fn remove_unfinished() {
    heaprace_traces::remove_unfinished();
    heaprace_reports::remove_unfinished();
}
