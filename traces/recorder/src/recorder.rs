//! The recorder: a global allocator that passes every call on and logs it.
//!
//! A call costs its thread three words in a buffer of its own, and a number from a counter that orders the events of
//! all threads. The recorder's own thread takes them from there, finds the object of each and writes the trace.
//!
//! The log is one that a replay can follow. A deallocation is logged before it is done, and an allocation after it: so
//! no address is logged as given out again while its last owner still has it. A reallocation is logged before and
//! after, and in between its object belongs to no address.

use core::alloc::{GlobalAlloc, Layout};
use std::alloc::System;

use crate::raw::kind;
use crate::recording::gate::{self, Phase};
use crate::recording::{Summary, lane, session};

/// A global allocator that records what the program asks for, and lets `A` do it.
///
/// Two lines record a program:
///
/// ```no_run
/// #[global_allocator]
/// static ALLOCATOR: heaprace_recorder::Recorder = heaprace_recorder::Recorder::new("trace.htrace");
///
/// fn main() {
///     println!("{}", ["recorded", "from", "here"].join(" "));
/// }
/// ```
///
/// - **File.** The environment variable `HEAPRACE_TRACE` names another file; an empty one turns the recorder off.
/// - **Content.** The [binary format](crate::htrace), with threads; [CSV](crate::csv) if the file's name ends in
///   `.csv`. Neither is compressed: `replay convert` does that. Threads are numbered from 0 in the order of their first
///   event; ids count the objects from 1. The provenance has the program's name and the platform, but neither its
///   arguments nor its folders, so that a trace can be given away.
/// - **Extent.** From the first allocation until the process exits, or the region between [`start`](Self::start) and
///   [`stop`](Self::stop). A process has one recording, whichever recorder began it. Events after the handlers of
///   `exit` have run are not in the trace. [`mark`] puts a name between the events.
/// - **Ends.** A program that aborts, or that `SIGINT`, `SIGTERM` or `SIGHUP` ends, leaves a whole trace: before it
///   dies, finishing it takes up to 3 seconds. A program that handles these signals itself must call
///   [`finish`](Self::finish), or exit. A signal that cannot be caught, such as `SIGKILL`, or a fault, such as
///   `SIGSEGV`, cuts the trace off: its whole blocks can be read, followed by one error that says so. The loss is what
///   was not written: the events of one block, up to 65,535; up to 32,768 in the buffer of each thread; and with
///   several threads up to 65,536 more that wait for an earlier one. If a program is not busy, its buffers are emptied
///   every 50 ms.
/// - **Forks.** The child is not recorded, and does not touch the parent's trace. A recorded program that *starts*
///   another recorded one must give it a `HEAPRACE_TRACE` of its own: two programs that write one file spoil it.
/// - **Failures.** If the trace cannot be written, one line on standard error says so, and the program goes on
///   unrecorded. The part that was written can be read.
/// - **Memory.** The recorder's own memory is not in the trace. It grows with the objects that are live at once, and
///   has a buffer of 768 KiB for each thread that is alive. A thread waits while its buffer is full.
#[derive(Debug)]
pub struct Recorder<A = System> {
    inner: A,
    path: Option<&'static str>,
    /// Whether the first event begins the recording.
    begins: bool,
}

impl Recorder {
    /// A recorder over the system's allocator that writes to `path`, relative to the folder in which the program
    /// starts. It replaces an existing file.
    pub const fn new(path: &'static str) -> Self {
        Recorder { inner: System, path: Some(path), begins: true }
    }

    /// A recorder that records only if `HEAPRACE_TRACE` names a file: for a program that ships with it.
    ///
    /// ```
    /// #[global_allocator]
    /// static ALLOCATOR: heaprace_recorder::Recorder = heaprace_recorder::Recorder::on_demand();
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
    /// static ALLOCATOR: heaprace_recorder::Recorder<System> = heaprace_recorder::Recorder::on_demand().over(System);
    /// ```
    pub const fn over<A: GlobalAlloc>(self, inner: A) -> Recorder<A> {
        Recorder { inner, path: self.path, begins: self.begins }
    }

    /// The same recorder, but it records nothing before [`start`](Recorder::start).
    ///
    /// ```no_run
    /// #[global_allocator]
    /// static ALLOCATOR: heaprace_recorder::Recorder = heaprace_recorder::Recorder::new("requests.htrace").stopped();
    ///
    /// let settings = vec![1, 2, 3]; // not in the trace
    /// ALLOCATOR.start();
    /// for request in 1..=100 {
    ///     heaprace_recorder::mark(&format!("request {request}"));
    ///     println!("{}", settings.len() * request);
    /// }
    /// ALLOCATOR.stop();
    /// ```
    pub const fn stopped(self) -> Self {
        Recorder { inner: self.inner, path: self.path, begins: false }
    }
}

impl<A> Recorder<A> {
    /// Records from here on, if the recorder is [`stopped`](Recorder::stopped) or after [`stop`](Self::stop). Otherwise
    /// nothing happens, nor after [`finish`](Self::finish).
    ///
    /// Objects that were allocated before are not in the trace. Calls for them count as [ignored](Summary::ignored).
    pub fn start(&self) {
        session::start(self.path);
    }

    /// Pauses until the next [`start`](Self::start). Objects that are live now stay live in the trace, even if they are
    /// freed after the next start, because the events in between are unknown.
    pub fn stop(&self) {
        session::stop();
    }

    /// Ends the recording and writes the rest of it. The exit of the program does so too; this is for a program that
    /// ends in another way, that wants the trace of a part, or that reads its own trace.
    ///
    /// Later allocations are not recorded. A second call returns the same summary.
    pub fn finish(&self) -> Summary {
        session::finish()
    }

    /// Logs an event if there is a recording; the first one begins it.
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

/// Puts a mark between the last event and the next one: a name for what begins there, such as `request 3`, which charts
/// can show.
///
/// It is the comment `mark: NAME` of the trace. Control characters, including line ends, become blanks, and a name is
/// cut after 1,000 characters. The mark has its place among the events of all threads. Without a recording, nothing
/// happens.
///
/// ```
/// heaprace_recorder::mark("request 3");
/// ```
pub fn mark(name: &str) {
    session::mark(name);
}

// SAFETY: every call is passed on to `A` unchanged, and so is its result. The logging does not touch the blocks, does
// not unwind, and allocates only in `lane::muted`, which keeps it from being recorded itself.
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
