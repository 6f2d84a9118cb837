//! The scribe: the recorder's own thread. It takes the records from the lanes, turns them into events and writes the
//! trace.
//!
//! It does the slow work, looking up objects and encoding blocks, in parallel to the program. If it cannot keep up,
//! lanes become full and their threads wait: so memory is bounded, and no event is lost.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::gate::{self, Phase};
use super::lane::{self, kind};
use super::merge::Merge;
use super::trace_file::TraceFile;
use super::{clock, marks, spawn, waker};
use crate::error::WriteError;
use crate::event::Event;
use crate::left_live;
use crate::peek;
use crate::raw::Record;
use crate::resolve::Resolver;
use crate::run_time::RunTime;

/// The totals of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Events of the trace.
    pub events: u64,
    /// Threads that have events.
    pub threads: u32,
    /// Calls that are not in the trace: frees of objects that are older than it, and calls for objects that are larger
    /// than a trace allows. The reallocation of an older object is an allocation of its new size.
    pub ignored: u64,
}

/// How long it sleeps if nothing happens: the longest delay until an event of an idle program reaches its block.
const IDLE: Duration = Duration::from_millis(50);
/// How much of a block is looked at in one piece.
const PEEK_BYTES: usize = 64 * 1024;
/// How long it sleeps for records that are about to arrive.
const SOON: Duration = Duration::from_micros(100);

/// The number before which the recording ends.
static END: AtomicU64 = AtomicU64::new(u64::MAX);
static IS_READY: AtomicBool = AtomicBool::new(false);
/// Whether the trace is written to its end, or as far as possible.
static IS_DONE: AtomicBool = AtomicBool::new(false);
static SUMMARY: Mutex<Summary> = Mutex::new(Summary { events: 0, threads: 0, ignored: 0 });

/// Starts the thread. The caller is muted, and nobody else logs yet.
pub(super) fn start(output: TraceFile, file: String, extents: bool) -> io::Result<()> {
    let resolver = Resolver::default();
    let scribe = Scribe { output, file, resolver, is_stopped: false, events: 0, error: None, extents };
    spawn::spawn(Box::new(|| scribe.run()))?;
    while !IS_READY.load(Ordering::Acquire) {
        thread::yield_now();
    }
    Ok(())
}

/// Ends the recording with the last record that has a number. A signal handler may call this.
pub(super) fn end() {
    clock::stop();
    // The first of several calls counts.
    let _ = END.compare_exchange(u64::MAX, lane::numbered(), Ordering::AcqRel, Ordering::Relaxed);
}

/// Whether the trace is complete. A signal handler may call this.
pub(super) fn is_done() -> bool {
    IS_DONE.load(Ordering::Acquire)
}

/// The totals, once the trace is complete.
pub(super) fn summary() -> Summary {
    *SUMMARY.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Scribe {
    output: TraceFile,
    file: String,
    resolver: Resolver,
    is_stopped: bool,
    events: u64,
    error: Option<WriteError>,
    /// Whether the extents of what is live at the end are looked at.
    extents: bool,
}

impl Scribe {
    fn run(mut self) {
        lane::mute();
        // However this ends, no thread waits for it any longer.
        let _done = Done;
        waker::set_current();
        clock::exclude_this_thread();
        IS_READY.store(true, Ordering::Release);
        let mut merge = Merge::new();
        while self.error.is_none() {
            let end = END.load(Ordering::Acquire);
            let take = |words| {
                // After an error each further event would build its whole block again.
                if self.error.is_none() {
                    self.take(Record::from_words(words));
                }
            };
            if merge.read(end, take) {
                continue;
            }
            if merge.is_at(end) {
                break;
            }
            thread::park_timeout(if end == u64::MAX { IDLE } else { SOON });
        }
        self.close(merge.lost);
    }

    #[inline(always)]
    fn take(&mut self, record: Record) {
        let Scribe { output, resolver, events, error, .. } = self;
        let mut note = |written: Result<(), WriteError>| match written {
            Ok(()) => true,
            Err(failed) => {
                error.get_or_insert(failed);
                false
            }
        };
        match record.kind {
            kind::MARK => {
                if let (Some(text), false) = (marks::take(record.address), self.is_stopped) {
                    note(output.comment(&text));
                }
            }
            kind::START => self.is_stopped = false,
            kind::STOP => {
                self.is_stopped = true;
                resolver.forget_objects();
            }
            _ if self.is_stopped => {}
            _ => resolver.apply(record, &mut |event: Event| *events += u64::from(note(output.write(&event)))),
        }
    }

    /// Writes the rest of the trace and its totals.
    fn close(self, lost: u64) {
        let Scribe { mut output, file, mut resolver, events, mut error, extents, .. } = self;
        let ignored = resolver.counts.ignored + resolver.counts.lost + lost;
        if error.is_none() {
            if extents {
                let mut buffer = vec![0; PEEK_BYTES];
                resolver.look_at_live(|address, size| peek::tail(address as usize, size as usize, &mut buffer));
            }
            let ignored = (ignored > 0).then(|| format!("ignored calls: {ignored}"));
            // Filling blocks takes a time of its own, which nobody can take out again.
            let run = if extents { None } else { run_time() }.map(|times| times.to_string());
            let comments = left_live::comments(&resolver.left_live()).chain(ignored).chain(run).collect::<Vec<_>>();
            let commented = comments.iter().try_for_each(|comment| output.comment(comment));
            error = commented.and_then(|()| output.finish()).err();
        }
        if let Some(error) = error {
            let cause = cause(&error);
            warn(&format!("heaprace: {file} cannot be written further: {cause}; it is readable up to there\n"));
        }
        let summary = Summary { events, threads: resolver.counts.threads, ignored };
        *SUMMARY.lock().unwrap_or_else(PoisonError::into_inner) = summary;
    }
}

/// The times of the run, once it has ended.
fn run_time() -> Option<RunTime> {
    let [wall_ns, cpu_ns] = clock::total_ns()?;
    let records = END.load(Ordering::Acquire).min(lane::numbered());
    Some(RunTime { wall_ns, cpu_ns, recorder_ns: lane::cost_ns(records) })
}

/// The operating system's reason why a trace cannot be written.
pub(super) fn cause(error: &WriteError) -> String {
    match error {
        WriteError::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Writes to standard error without its lock: the thread may hold that lock while it allocates.
pub(super) fn warn(message: &str) {
    // SAFETY: the pointer and the length are those of the message.
    unsafe { libc::write(2, message.as_ptr().cast(), message.len() as _) };
}

/// Ends the recording for all threads when it is dropped.
struct Done;

impl Drop for Done {
    fn drop(&mut self) {
        gate::set(Phase::Ended);
        IS_DONE.store(true, Ordering::Release);
    }
}
