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

use crate::fill::{Fill, Tail};
use crate::pattern;
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
/// - **Forks.** The child of a fork is not recorded, and does not touch the parent's trace. If the recorded program
///   *starts* itself, or another one with the same file, that one records into `NAME.PID.htrace`, with its process id,
///   for as long as the file is being written, and says so in a line on standard error.
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
    /// Whether blocks are filled, so that their extents are known.
    extents: bool,
    /// Whether `A` is the system's allocator, whose memory is private and anonymous.
    is_system: bool,
}

impl Recorder {
    /// A recorder over the system's allocator that writes to `path`, relative to the folder in which the program
    /// starts. It replaces an existing file.
    pub const fn new(path: &'static str) -> Self {
        Recorder { inner: System, path: Some(path), begins: true, extents: false, is_system: true }
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
        Recorder { inner: System, path: None, begins: true, extents: false, is_system: true }
    }

    /// The same recorder over another allocator.
    ///
    /// ```
    /// use std::alloc::System;
    /// static ALLOCATOR: heaprace_recorder::Recorder<System> = heaprace_recorder::Recorder::on_demand().over(System);
    /// ```
    pub const fn over<A: GlobalAlloc>(self, inner: A) -> Recorder<A> {
        Recorder { inner, path: self.path, begins: self.begins, extents: self.extents, is_system: false }
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
        Recorder { begins: false, ..self }
    }

    /// The same recorder, but it also records how much of each block the program writes: its *written extent*, from its
    /// start to the last byte written, at the event that frees or reallocates it.
    ///
    /// New bytes are filled with a pattern before the program gets them, and those at the end of a block that still
    /// hold the pattern count as unwritten. Blocks keep every promise of `GlobalAlloc`, and only their time differs: do
    /// not measure a program that records extents.
    ///
    /// - Zeroed blocks hold zeroes, so zeroes at their end count as unwritten, even if the program wrote them. The same
    ///   holds for blocks from 256 KiB on of the system's allocator on Linux: filling them would make pages resident
    ///   that the program never uses, so the system empties them instead.
    /// - A program that writes the byte `0xf5` at the end of a block seems to have written less.
    /// - The extents of objects that are live at the end are comments after the last event.
    /// - The extent is unknown if a zeroed block is reallocated to a larger size before all of it is written, and the
    ///   new bytes stay unwritten.
    ///
    /// ```no_run
    /// #[global_allocator]
    /// static ALLOCATOR: heaprace_recorder::Recorder = heaprace_recorder::Recorder::new("trace.htrace").with_extents();
    /// ```
    pub const fn with_extents(self) -> Self {
        Recorder { extents: true, ..self }
    }
}

impl<A> Recorder<A> {
    /// Records from here on, if the recorder is [`stopped`](Recorder::stopped) or after [`stop`](Self::stop). Otherwise
    /// nothing happens, nor after [`finish`](Self::finish).
    ///
    /// Objects that were allocated before are not in the trace until they are reallocated: that is an allocation of the
    /// new size. Frees of them count as [ignored](Summary::ignored).
    pub fn start(&self) {
        session::start(self.path, self.extents);
    }

    /// Pauses until the next [`start`](Self::start). Objects that are live now stay live in the trace, even if they are
    /// freed after the next start, because the events in between are unknown; one that is reallocated then begins
    /// another object.
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

    /// Whether there is a recording; the first event begins it.
    #[inline(always)]
    fn is_recording(&self) -> bool {
        match gate::phase() {
            Phase::Open => true,
            Phase::Waiting if self.begins => session::begin(self.path, self.extents),
            _ => false,
        }
    }

    /// Logs an event with a size if there is a recording.
    #[inline(always)]
    fn log(&self, kind: u64, block: *mut u8, layout: Layout, fill: Fill) {
        if self.is_recording() {
            lane::log(kind, block.addr(), layout.size(), layout.align().trailing_zeros(), fill);
        }
    }

    /// Logs an event of a block that exists, with the tail of its bytes.
    ///
    /// # Safety
    ///
    /// The block is live and has this layout.
    #[inline(always)]
    unsafe fn log_tail(&self, kind: u64, block: *mut u8, layout: Layout) {
        if self.is_recording() {
            let tail = match self.extents {
                // SAFETY: the bytes of a live block can be read.
                true => unsafe { pattern::tail(block, layout.size()) },
                false => Tail::UNKNOWN,
            };
            lane::log(kind, block.addr(), tail.from as usize, layout.align().trailing_zeros(), tail.fill);
        }
    }

    /// Fills new bytes if extents are recorded.
    ///
    /// # Safety
    ///
    /// The bytes can be written, and the program does not have them yet.
    #[inline(always)]
    unsafe fn fill(&self, start: *mut u8, bytes: usize) -> Fill {
        if self.extents && self.is_recording() {
            // SAFETY: the caller's promise. The memory of the system's allocator is private and anonymous.
            unsafe { pattern::fill(start, bytes, self.is_system) }
        } else {
            Fill::Unknown
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

// SAFETY: every call is passed on to `A` unchanged, and so is its result. The logging does not unwind, and allocates
// only in `lane::muted`, which keeps it from being recorded itself. It writes only bytes that the program does not have
// yet and whose content `GlobalAlloc` leaves open, and reads only those of live blocks.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Recorder<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block is new and has these bytes.
            let fill = unsafe { self.fill(block, layout.size()) };
            self.log(kind::ALLOC, block, layout, fill);
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the inner allocator needs.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        if !block.is_null() {
            let fill = if self.extents { Fill::Zeroes } else { Fill::Unknown };
            self.log(kind::ALLOC_ZEROED, block, layout, fill);
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by the caller's promise, the block is live and has this layout, which the inner allocator needs, too.
        unsafe {
            self.log_tail(kind::DEALLOC, block, layout);
            self.inner.dealloc(block, layout);
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: by the caller's promise, the block is live and has this layout, which the inner allocator needs, too.
        let new_block = unsafe {
            self.log_tail(kind::REALLOC_BEGIN, block, layout);
            self.inner.realloc(block, layout, new_size)
        };
        // The caller promises that the new size makes a layout.
        let new_layout = Layout::from_size_align(new_size, layout.align()).unwrap_or(layout);
        if new_block.is_null() {
            self.log(kind::REALLOC_FAILED, block, layout, Fill::Unknown);
        } else {
            let fill = match new_size.checked_sub(layout.size()) {
                // SAFETY: the block has these bytes after those that it keeps.
                Some(grown) => unsafe { self.fill(new_block.add(layout.size()), grown) },
                None => Fill::Unknown,
            };
            self.log(kind::REALLOC_END, new_block, new_layout, fill);
        }
        new_block
    }
}
