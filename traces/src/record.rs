//! The recorder: a global allocator that passes every call on and writes it down as a trace.
//!
//! What is logged is what a replay can follow. A deallocation is logged before it is done, and an allocation after it: so no
//! address is logged as given out again while its last owner still has it. A reallocation does both, and in between its object
//! belongs to nobody. The log itself is one file behind one lock, which threads take in the order in which they are logged.

mod recording;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;
use core::sync::atomic::{AtomicU8, Ordering};
use std::alloc::System;
use std::sync::{Mutex, PoisonError};

use recording::{Object, Recording};

/// A global allocator that records what the program asks for, and lets `A` do it.
///
/// Two lines record a program:
///
/// ```no_run
/// #[global_allocator]
/// static ALLOCATOR: traces::Recorder = traces::Recorder::new("trace.csv");
///
/// fn main() {
///     println!("{}", ["recorded", "from", "here"].join(" "));
/// }
/// ```
///
/// - **Where.** The environment variable `HEAPRACE_TRACE` names another file; set to nothing, it turns the recorder off.
/// - **What.** The [CSV format](crate::csv) with the column `thread`. Threads are numbered from 0 in the order of their first event;
///   ids count the objects from 1. The provenance has the program's name and the platform, but neither its arguments nor its
///   folders: a trace is made to be given away.
/// - **When.** From the first allocation until the process exits. A process has one recording, whichever recorder began it.
///   What happens after `exit` has run its handlers is not in the trace.
/// - **Crashes.** Only whole lines are ever written, so a program that aborts leaves a trace that can be read. Its last lines are
///   missing: up to 64 KiB are gathered before they are written.
/// - **Forks.** The child is not recorded, and does not touch the parent's trace. A recorded program that *starts* another recorded
///   one must give it a `HEAPRACE_TRACE` of its own: two programs that write one file spoil it.
/// - **Failures.** Where the trace cannot be written, one line on standard error says so, and the program goes on unrecorded.
/// - **Memory.** The recorder's own is not in the trace; it grows with the objects that are live at once.
#[derive(Debug)]
pub struct Recorder<A = System> {
    inner: A,
    path: Option<&'static str>,
}

impl Recorder {
    /// A recorder over the system's allocator that writes to `path`, which is relative to the folder in which the program
    /// starts. A file that is there is replaced.
    pub const fn new(path: &'static str) -> Self {
        Recorder { inner: System, path: Some(path) }
    }

    /// A recorder that records only where `HEAPRACE_TRACE` names a file: for a program that ships with it.
    ///
    /// ```
    /// #[global_allocator]
    /// static ALLOCATOR: traces::Recorder = traces::Recorder::on_demand();
    ///
    /// assert_eq!(ALLOCATOR.finish().events, 0);
    /// ```
    pub const fn on_demand() -> Self {
        Recorder { inner: System, path: None }
    }

    /// The same recorder over another allocator.
    ///
    /// ```
    /// use std::alloc::System;
    /// static ALLOCATOR: traces::Recorder<System> = traces::Recorder::on_demand().over(System);
    /// ```
    pub const fn over<A: GlobalAlloc>(self, inner: A) -> Recorder<A> {
        Recorder { inner, path: self.path }
    }
}

/// What a recording holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The events of the trace.
    pub events: u64,
    /// The threads that have events.
    pub threads: u32,
    /// Calls that are not in the trace: for objects that were there before it began, or that are larger than a trace can hold.
    pub ignored: u64,
}

impl<A> Recorder<A> {
    /// Ends the recording and writes what is left of it. The exit of the program does it too; this is for a program that exits
    /// otherwise, that wants the trace of a part, or that reads its own trace.
    ///
    /// What is allocated later is not recorded. A second call gives the same summary.
    pub fn finish(&self) -> Summary {
        finish()
    }

    /// Runs `log` on the recording, which begins with the first call. Nothing happens where there is none, nor within the
    /// recorder's own work.
    #[inline]
    fn log<T>(&self, log: impl FnOnce(&mut Recording, ThreadNumber<'_>) -> T) -> Option<T> {
        if GATE.load(Ordering::Relaxed) != OPEN {
            return None;
        }
        let logged = THREAD.try_with(|thread| {
            thread.alone(|| {
                let mut phase = PHASE.lock().unwrap_or_else(PoisonError::into_inner);
                if let Phase::Waiting = *phase {
                    *phase = begin(self.path);
                }
                match &mut *phase {
                    Phase::Recording(recording) => {
                        let result = log(recording, ThreadNumber(&thread.number));
                        if !recording.is_sound() {
                            *phase = close(recording);
                        }
                        Some(result)
                    }
                    _ => None,
                }
            })
        });
        logged.ok().flatten().flatten()
    }
}

// SAFETY: every call is passed on to `A` as it came, and its result is given back as it came. What is done besides does not
// touch the blocks, does not unwind, and allocates only where `Thread::alone` keeps it from coming back here.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Recorder<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            self.log(|recording, thread| recording.alloc(block.addr(), layout, false, thread));
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            self.log(|recording, thread| recording.alloc(block.addr(), layout, true, thread));
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.log(|recording, thread| recording.dealloc(block.addr(), thread));
        // SAFETY: the caller's promises are those that the inner allocator needs.
        unsafe { self.inner.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let object: Option<Object> = self.log(|recording, _| recording.begin_realloc(block.addr())).flatten();
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let new_block = unsafe { self.inner.realloc(block, layout, new_size) };
        if let Some(object) = object {
            self.log(|recording, thread| match new_block.is_null() {
                true => recording.restore(block.addr(), object),
                false => recording.end_realloc(new_block.addr(), object, new_size, thread),
            });
        }
        new_block
    }
}

/// The platform of this process, as traces and the library name it: architecture and system.
///
/// ```
/// assert!(traces::record::platform().contains(std::env::consts::OS));
/// ```
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// Whether there is anything to log. It is looked at before the lock: the child of a fork must not wait for a lock whose
/// holder is not in it.
static GATE: AtomicU8 = AtomicU8::new(OPEN);
const OPEN: u8 = 0;
const ENDED: u8 = 1;
const FORKED: u8 = 2;

/// The one recording of the process. It is not in the recorder, because what runs at exit cannot be told which one.
static PHASE: Mutex<Phase> = Mutex::new(Phase::Waiting);

enum Phase {
    Waiting,
    Recording(Recording),
    Ended(Summary),
}

/// Begins the recording, or ends it at once where none is wanted or possible.
#[cold]
fn begin(path: Option<&str>) -> Phase {
    let recording = match std::env::var_os("HEAPRACE_TRACE").or_else(|| path.map(Into::into)) {
        Some(path) if !path.is_empty() => Recording::create(path.as_ref()),
        _ => None,
    };
    let Some(recording) = recording else {
        GATE.store(ENDED, Ordering::Relaxed);
        return Phase::Ended(Summary::default());
    };
    on_exit_and_fork();
    Phase::Recording(recording)
}

/// Ends a recording, with its last lines if they can be written.
#[cold]
fn close(recording: &mut Recording) -> Phase {
    GATE.store(ENDED, Ordering::Relaxed);
    Phase::Ended(recording.close())
}

/// Ends the recording of the process, where there is one.
fn finish() -> Summary {
    if GATE.load(Ordering::Relaxed) == FORKED {
        return Summary::default();
    }
    let summary = THREAD.try_with(|thread| {
        thread.alone(|| {
            let mut phase = PHASE.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *phase {
                Phase::Recording(recording) => *phase = close(recording),
                Phase::Waiting => {
                    GATE.store(ENDED, Ordering::Relaxed);
                    *phase = Phase::Ended(Summary::default());
                }
                Phase::Ended(_) => {}
            }
            match &*phase {
                Phase::Ended(summary) => *summary,
                _ => Summary::default(),
            }
        })
    });
    summary.ok().flatten().unwrap_or_default()
}

/// Has the recording finished when the process exits, and left alone in the child of a fork.
fn on_exit_and_fork() {
    extern "C" fn at_exit() {
        finish();
    }
    // SAFETY: the function is there as long as the process is, takes nothing, and does not unwind.
    unsafe { libc::atexit(at_exit) };
    #[cfg(unix)]
    {
        unsafe extern "C" fn in_child() {
            GATE.store(FORKED, Ordering::Relaxed);
        }
        // SAFETY: the function is there as long as the process is, and stores to an atomic, which the child of a fork may do.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }
}

/// What a thread knows about itself. It has no destructor and needs no initialisation, so it never allocates, and it is there
/// until the very end of the thread.
struct Thread {
    busy: Cell<bool>,
    number: Cell<Option<u32>>,
}

thread_local! {
    static THREAD: Thread = const { Thread { busy: Cell::new(false), number: Cell::new(None) } };
}

impl Thread {
    /// Runs `work`, unless this thread is at it already: what the recorder allocates is not recorded.
    #[inline]
    fn alone<T>(&self, work: impl FnOnce() -> T) -> Option<T> {
        if self.busy.replace(true) {
            return None;
        }
        let result = work();
        self.busy.set(false);
        Some(result)
    }
}

/// The number of the thread that logs; it gets one with its first event.
struct ThreadNumber<'a>(&'a Cell<Option<u32>>);
