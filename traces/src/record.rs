//! The recorder: a global allocator that passes every call on and writes it down as a trace.
//!
//! A call costs the thread that makes it three words in a buffer of its own, and a number from a counter that orders the events of all
//! threads. Another thread, the recorder's own, takes them from there, finds out which object each is about, and writes the trace.
//!
//! What is logged is what a replay can follow. A deallocation is logged before it is done, and an allocation after it: so no
//! address is logged as given out again while its last owner still has it. A reallocation does both, and in between its object
//! belongs to nobody.

mod gate;
mod lane;
mod marks;
mod merge;
mod scribe;
mod session;
mod signals;

use core::alloc::{GlobalAlloc, Layout};
use std::alloc::System;

use crate::native::raw::kind;
use gate::Phase;

/// How the comment of a trace begins that is a [`mark`]; its name follows.
pub const MARK_PREFIX: &str = "mark: ";

/// A global allocator that records what the program asks for, and lets `A` do it.
///
/// Two lines record a program:
///
/// ```no_run
/// #[global_allocator]
/// static ALLOCATOR: heaprace_traces::Recorder = heaprace_traces::Recorder::new("trace.htrace");
///
/// fn main() {
///     println!("{}", ["recorded", "from", "here"].join(" "));
/// }
/// ```
///
/// - **Where.** The environment variable `HEAPRACE_TRACE` names another file; set to nothing, it turns the recorder off.
/// - **What.** The [binary format](crate::binary), with threads; the [CSV format](crate::csv) where the file's name ends in `.csv` or
///   `.csv.zst`. Threads are numbered from 0 in the order of their first event; ids count the objects from 1. The provenance has the
///   program's name and the platform, but neither its arguments nor its folders: a trace is made to be given away.
/// - **When.** From the first allocation until the process exits, or the region between [`start`](Self::start) and
///   [`stop`](Self::stop). A process has one recording, whichever recorder began it. What happens after `exit` has run its handlers is
///   not in the trace. [`mark`] puts a name between the events.
/// - **Ends.** A program that aborts, or that `SIGINT`, `SIGTERM` or `SIGHUP` ends, leaves a whole trace: before it dies, up to 3 seconds
///   are taken to finish it. A program that handles these signals itself must call [`finish`](Self::finish), or exit. What cannot be
///   caught, as `SIGKILL`, or is a fault, as `SIGSEGV`, cuts the trace off: its whole blocks can be read, and then there is one error that says
///   so. What is lost is what was not written: the events of one block, up to 65,535; of each thread what still lies in its buffer, up to
///   32,768; and with several threads up to 65,536 more that wait for an earlier one. Of a program that is not busy, buffers are
///   emptied every 50 ms.
/// - **Forks.** The child is not recorded, and does not touch the parent's trace. A recorded program that *starts* another recorded
///   one must give it a `HEAPRACE_TRACE` of its own: two programs that write one file spoil it.
/// - **Failures.** Where the trace cannot be written, one line on standard error says so, and the program goes on unrecorded. What was
///   written can be read.
/// - **Memory.** The recorder's own is not in the trace. It grows with the objects that are live at once, and has a buffer of 768 KiB
///   for each thread that is alive. A thread waits while its buffer is full.
#[derive(Debug)]
pub struct Recorder<A = System> {
    inner: A,
    path: Option<&'static str>,
    /// Whether the first event begins the recording.
    begins: bool,
}

impl Recorder {
    /// A recorder over the system's allocator that writes to `path`, which is relative to the folder in which the program
    /// starts. A file that is there is replaced.
    pub const fn new(path: &'static str) -> Self {
        Recorder { inner: System, path: Some(path), begins: true }
    }

    /// A recorder that records only where `HEAPRACE_TRACE` names a file: for a program that ships with it.
    ///
    /// ```
    /// #[global_allocator]
    /// static ALLOCATOR: heaprace_traces::Recorder = heaprace_traces::Recorder::on_demand();
    ///
    /// assert_eq!(ALLOCATOR.finish().events, 0);
    /// ```
    pub const fn on_demand() -> Self {
        Recorder { inner: System, path: None, begins: true }
    }

    /// The same recorder over another allocator.
    ///
    /// ```
    /// use std::alloc::System;
    /// static ALLOCATOR: heaprace_traces::Recorder<System> = heaprace_traces::Recorder::on_demand().over(System);
    /// ```
    pub const fn over<A: GlobalAlloc>(self, inner: A) -> Recorder<A> {
        Recorder { inner, path: self.path, begins: self.begins }
    }

    /// The same recorder, but it records nothing before [`start`](Recorder::start).
    ///
    /// ```no_run
    /// #[global_allocator]
    /// static ALLOCATOR: heaprace_traces::Recorder = heaprace_traces::Recorder::new("requests.htrace").stopped();
    ///
    /// let settings = vec![1, 2, 3]; // is not in the trace
    /// ALLOCATOR.start();
    /// for request in 1..=100 {
    ///     heaprace_traces::mark(&format!("request {request}"));
    ///     println!("{}", settings.len() * request);
    /// }
    /// ALLOCATOR.stop();
    /// ```
    pub const fn stopped(self) -> Self {
        Recorder { inner: self.inner, path: self.path, begins: false }
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
    /// Records from here on, where the recorder is [`stopped`](Recorder::stopped) or was told to [`stop`](Self::stop). Otherwise nothing
    /// happens, nor after [`finish`](Self::finish).
    ///
    /// Objects that were allocated before are not in the trace. What is done with them is counted as
    /// [ignored](Summary::ignored).
    pub fn start(&self) {
        session::start(self.path);
    }

    /// Records no more, until the next [`start`](Self::start). What is live now is left live in the trace, even if it is freed after the
    /// next start: what happens in between is not known.
    pub fn stop(&self) {
        session::stop();
    }

    /// Ends the recording and writes what is left of it. The exit of the program does it too; this is for a program that exits
    /// otherwise, that wants the trace of a part, or that reads its own trace.
    ///
    /// What is allocated later is not recorded. A second call gives the same summary.
    pub fn finish(&self) -> Summary {
        session::finish()
    }

    /// Logs an event, where there is a recording; the first one begins it.
    #[inline(always)]
    fn log(&self, kind: u64, address: usize, layout: Layout) {
        let open = match gate::phase() {
            Phase::Open => true,
            Phase::Waiting if self.begins => session::begin(self.path),
            _ => false,
        };
        if open {
            lane::log(kind, address, layout.size(), layout.align().trailing_zeros());
        }
    }
}

/// Puts a mark between the event before and the next one: a name for what begins there, as `request 3`, which charts can show.
///
/// It is the comment `mark: NAME` of the trace. Control characters, line ends among them, become blanks, and a name ends after 1,000
/// characters. The mark has its place among the events of all threads. Where nothing is recorded, nothing happens.
///
/// ```
/// heaprace_traces::mark("request 3");
/// ```
pub fn mark(name: &str) {
    session::mark(name);
}

// SAFETY: every call is passed on to `A` as it came, and its result is given back as it came. What is done besides does not
// touch the blocks, does not unwind, and allocates only where `lane::muted` keeps it from being recorded itself.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Recorder<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            self.log(kind::ALLOC, block.addr(), layout);
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            self.log(kind::ALLOC_ZEROED, block.addr(), layout);
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.log(kind::DEALLOC, block.addr(), layout);
        // SAFETY: the caller's promises are those that the inner allocator needs.
        unsafe { self.inner.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.log(kind::REALLOC_BEGIN, block.addr(), layout);
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let new_block = unsafe { self.inner.realloc(block, layout, new_size) };
        // The caller promises that the new size makes a layout.
        let new_layout = Layout::from_size_align(new_size, layout.align()).unwrap_or(layout);
        match new_block.is_null() {
            true => self.log(kind::REALLOC_FAILED, block.addr(), layout),
            false => self.log(kind::REALLOC_END, new_block.addr(), new_layout),
        }
        new_block
    }
}

/// The platform of this process, as traces and the library name it: architecture and system.
///
/// ```
/// assert!(heaprace_traces::record::platform().contains(std::env::consts::OS));
/// ```
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}

/// Writes to standard error past its lock: the thread may hold that lock while it allocates.
fn warn(message: &str) {
    // SAFETY: the pointer and the length are those of the message.
    unsafe { libc::write(2, message.as_ptr().cast(), message.len() as _) };
}
