//! Ctrl-C: what is finished is saved and shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heaprace_traces::Output;

use crate::cli::terminal::{INTERRUPTED, note};

/// Lets Ctrl-C end the process at once, and leave no part of a trace.
pub(crate) fn remove_partial_traces() {
    // Without a handler, the process ends, too, and leaves a hidden file.
    let _ = ctrlc::set_handler(|| {
        Output::remove_all_partial();
        std::process::exit(i32::from(INTERRUPTED));
    });
}

/// Is set by Ctrl-C, so that what is finished can be saved and shown; a second one ends the process at once.
pub(crate) fn interrupt() -> Arc<AtomicBool> {
    let interrupt = Arc::new(AtomicBool::new(false));
    let handler = {
        let interrupt = Arc::clone(&interrupt);
        move || {
            if interrupt.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(INTERRUPTED));
            }
            note(format_args!("Ending with what is finished. Once more ends at once."));
        }
    };
    // Without a handler, the process ends at once; what was saved so far stays.
    let _ = ctrlc::set_handler(handler);
    interrupt
}
