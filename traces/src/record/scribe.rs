//! The scribe: the thread of the recorder, which takes the records from the lanes, turns them into events, and writes the trace.
//!
//! It does what takes long, to look up objects and to compress blocks, beside the program. Where it cannot keep up, lanes become full,
//! and their threads wait: so memory is bounded, and no event is lost.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::error::Error;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use super::gate::{self, Phase};
use super::merge::Merge;
use super::{Summary, lane, marks, signals, warn};
use crate::error::TraceError;
use crate::event::Event;
use crate::native::raw::Record;
use crate::output::Output;
use crate::resolve::Resolver;

/// What the recorder's records tell besides the events, as kinds that a raw recording has not.
pub(super) mod kind {
    /// A mark; its number stands in place of an address.
    pub(in super::super) const MARK: u64 = 13;
    /// The recording goes on.
    pub(in super::super) const START: u64 = 14;
    /// The recording pauses.
    pub(in super::super) const STOP: u64 = 15;
}

/// How long it sleeps where nothing happens. What a program does that rarely does anything reaches the file's block no later.
const IDLE: Duration = Duration::from_millis(50);
/// How long it sleeps for records that are about to come.
const SOON: Duration = Duration::from_micros(100);

/// The number before which the recording ends.
static END: AtomicU64 = AtomicU64::new(u64::MAX);
static IS_READY: AtomicBool = AtomicBool::new(false);
/// Whether the trace is written to its end, or as far as it can be.
static IS_DONE: AtomicBool = AtomicBool::new(false);
static SUMMARY: Mutex<Summary> = Mutex::new(Summary { events: 0, threads: 0, ignored: 0 });
static THREAD: OnceLock<Thread> = OnceLock::new();

/// Starts the thread. The caller is muted, and nobody else logs yet.
pub(super) fn start(output: Output, file: String) -> io::Result<()> {
    let resolver = Resolver::default();
    let scribe = Box::new(Scribe { output, file, resolver, is_stopped: false, events: 0, error: None });
    signals::blocked(|| spawn(scribe))?;
    while !IS_READY.load(Ordering::Acquire) {
        thread::yield_now();
    }
    Ok(())
}

/// Starts the thread past the standard library, whose list of threads would otherwise begin with ours: what it allocates for that
/// would be missing among what the program allocates.
#[cfg(unix)]
fn spawn(scribe: Box<Scribe>) -> io::Result<()> {
    use core::ffi::c_void;
    extern "C" fn run(scribe: *mut c_void) -> *mut c_void {
        // SAFETY: the pointer is that of the box below, which nobody else has.
        unsafe { Box::from_raw(scribe.cast::<Scribe>()) }.run();
        core::ptr::null_mut()
    }
    let scribe = Box::into_raw(scribe);
    let mut thread = core::mem::MaybeUninit::uninit();
    // SAFETY: the place is ours, the attributes are the default ones, and the function takes this pointer.
    let error = unsafe { libc::pthread_create(thread.as_mut_ptr(), core::ptr::null(), run, scribe.cast()) };
    if error != 0 {
        // SAFETY: no thread was created that has it.
        drop(unsafe { Box::from_raw(scribe) });
        return Err(io::Error::from_raw_os_error(error));
    }
    // SAFETY: the thread was created, which has filled the place; nobody joins it.
    unsafe { libc::pthread_detach(thread.assume_init()) };
    Ok(())
}

/// Starts the thread.
#[cfg(not(unix))]
fn spawn(scribe: Box<Scribe>) -> io::Result<()> {
    thread::Builder::new().spawn(|| scribe.run()).map(drop)
}

/// Wakes the thread, where it sleeps.
#[cold]
pub(super) fn wake() {
    if let Some(thread) = THREAD.get() {
        thread.unpark();
    }
}

/// Says that the recording ends here. A signal handler may call this.
pub(super) fn end() {
    // Of several calls the first one counts.
    let _ = END.compare_exchange(u64::MAX, lane::numbered(), Ordering::AcqRel, Ordering::Relaxed);
}

/// Whether everything is written. A signal handler may call this.
pub(super) fn is_done() -> bool {
    IS_DONE.load(Ordering::Acquire)
}

/// What was recorded, once everything is written.
pub(super) fn summary() -> Summary {
    *SUMMARY.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Scribe {
    output: Output,
    file: String,
    resolver: Resolver,
    is_stopped: bool,
    events: u64,
    error: Option<TraceError>,
}

impl Scribe {
    fn run(mut self) {
        lane::mute();
        // However this ends, nobody waits for it any more.
        let _done = Done;
        // There is one scribe, and it comes here once.
        let _ = THREAD.set(thread::current());
        IS_READY.store(true, Ordering::Release);
        let mut merge = Merge::new();
        while self.error.is_none() {
            let end = END.load(Ordering::Acquire);
            if merge.read(end, |words| self.take(Record::from_words(words))) {
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
        let mut note = |written: Result<(), TraceError>| match written {
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

    /// Writes what is left, and says what there is.
    fn close(self, lost: u64) {
        let Scribe { mut output, file, resolver, events, mut error, .. } = self;
        let ignored = resolver.counts.ignored + resolver.counts.lost + lost;
        if error.is_none() {
            let comment = if ignored > 0 { output.comment(&format!("ignored calls: {ignored}")) } else { Ok(()) };
            error = comment.and_then(|()| output.finish()).err();
        }
        if let Some(error) = error {
            let cause = cause(&error);
            warn(&format!("heaprace: {file} cannot be written further: {cause}; it is readable up to there\n"));
        }
        let summary = Summary { events, threads: resolver.counts.threads, ignored };
        *SUMMARY.lock().unwrap_or_else(PoisonError::into_inner) = summary;
    }
}

/// What the operating system says about a trace that cannot be written.
pub(super) fn cause(error: &TraceError) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Ends the recording for everybody when it is dropped.
struct Done;

impl Drop for Done {
    fn drop(&mut self) {
        gate::set(Phase::Ended);
        IS_DONE.store(true, Ordering::Release);
    }
}
