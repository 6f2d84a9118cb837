//! Writes a record: claims the next place by adding to a counter, and stores two words there.
//!
//! The counter alone orders the records of all threads. It stands in the file's header, so it is there however the
//! process ends. The rest is pages of state that the kernel wipes in the child of every fork (`MADV_WIPEONFORK`): the
//! child finds zeroes and begins a recording of its own. A child of `vfork` shares its parent's memory, so it rightly
//! continues its parent's recording.

use core::ffi::c_char;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use heaprace_recorder::fill::Fill;
use heaprace_recorder::raw::{HEADER_BYTES, Header, Parent, RECORD_BYTES, Record, kind};

use crate::config::Config;
use crate::file::{self, Created, copy_text};
use crate::system;
use crate::thread;
use crate::window::{CHUNK_BYTES, Walk, Window};

/// The state of this process. Zeroes are the state before the first event.
///
/// The alignment is that of the largest page of the machine, so that the state has whole pages for itself.
#[cfg_attr(target_arch = "x86_64", repr(C, align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C, align(65536)))]
struct Recording {
    /// The header of the file; null while there is no recording.
    header: AtomicPtr<Header>,
    phase: AtomicU32,
    /// 1 if calls are only counted. Written before `header`.
    only_counted: AtomicU32,
    /// 1 if the recording has extents. Written before `header`.
    extents: AtomicU32,
    /// The process id.
    process: AtomicU32,
    /// The wall time and the processor time when the recording began.
    begun_ns: [AtomicU64; 2],
    window: Window,
}

const UNKNOWN: u32 = 0;
const BEGINNING: u32 = 1;
const RECORDING: u32 = 2;
const OFF: u32 = 3;

static STATE: Recording = Recording {
    header: AtomicPtr::new(null_mut()),
    phase: AtomicU32::new(UNKNOWN),
    only_counted: AtomicU32::new(0),
    extents: AtomicU32::new(0),
    process: AtomicU32::new(0),
    begun_ns: [const { AtomicU64::new(0) }; 2],
    window: Window::empty(),
};

/// Records one event of this thread.
#[inline(always)]
pub(crate) fn log(kind: u64, address: usize, size: usize, align_log2: u32, fill: Fill) {
    if thread::is_muted() {
        return;
    }
    let mut header = STATE.header.load(Ordering::Acquire);
    if header.is_null() {
        match begin() {
            Some(begun) => header = begun,
            None => return,
        }
    }
    let thread = thread::number();
    let words = Record { kind, address: address as u64, size: size as u64, align_log2, fill, thread }.to_words();
    // A thread that gets a block which another thread frees comes later in this order, because the free is counted
    // before it is done.
    let index = claimed(header).fetch_add(1, Ordering::AcqRel) as usize;
    let Some(place) = place(header, index) else { return };
    // SAFETY: the place is mapped for writing until it is written, and it is this thread's alone, since nobody else has
    // got this index.
    unsafe {
        AtomicU64::from_ptr(place.add(1)).store(words[1], Ordering::Relaxed);
        // The word that shows a reader that there is a record comes last.
        AtomicU64::from_ptr(place).store(words[0], Ordering::Release);
    }
}

#[inline(always)]
fn place(header: *mut Header, index: usize) -> Option<*mut u64> {
    if STATE.only_counted.load(Ordering::Relaxed) != 0 {
        return None;
    }
    match STATE.window.place(index) {
        Ok(place) => Some(place),
        Err(error) => {
            // SAFETY: the header is mapped as long as the recording is.
            unsafe { AtomicU64::from_ptr(&raw mut (*header).errno) }.store(error as u64, Ordering::Relaxed);
            None
        }
    }
}

/// The number of claimed records of a recording.
#[inline(always)]
fn claimed(header: *mut Header) -> &'static AtomicU64 {
    // SAFETY: the header is mapped as long as the recording is.
    unsafe { AtomicU64::from_ptr(&raw mut (*header).claimed.0) }
}

/// The header, if the recording has begun.
fn header() -> Option<*mut Header> {
    let header = STATE.header.load(Ordering::Acquire);
    (!header.is_null()).then_some(header)
}

/// Whether the recording has begun and has extents.
#[inline(always)]
pub(crate) fn begun_with_extents() -> bool {
    STATE.extents.load(Ordering::Relaxed) != 0
}

/// The records so far.
pub(crate) fn records() -> impl Iterator<Item = Record> {
    let header = header().filter(|_| STATE.only_counted.load(Ordering::Relaxed) == 0);
    let count = header.map_or(0, |header| claimed(header).load(Ordering::Acquire) as usize);
    let mut walk = Walk::new(header.map_or(null_mut(), <*mut Header>::cast));
    // Nothing stands where a record is lost, or not written yet.
    (0..count).map_while(move |index| walk.words(index)).filter(|words| words[0] != 0).map(Record::from_words)
}

/// Begins the recording of this process, if it has not begun, and notes what serves its calls.
pub(crate) fn prepare() {
    if header().is_none() {
        begin();
    }
    if let Some(header) = header() {
        // SAFETY: the header is mapped as long as the recording is, and only this constructor writes these fields.
        unsafe { crate::surface::note(&mut (*header).allocator, &mut (*header).bypass) };
    }
}

/// Notes the program that this process is about to become; null takes the note back.
pub(crate) fn note_exec(path: *const c_char) {
    // SAFETY: asks for a number. The child of a `vfork` is another process, and has its parent's state.
    let is_own = || unsafe { libc::getpid() } as u32 == STATE.process.load(Ordering::Relaxed);
    if let Some(header) = header().filter(|_| is_own()) {
        // SAFETY: the header is mapped as long as the recording is, and a thread that execs ends all others. The path
        // is null or ends in a zero, by the promise of who calls `exec`.
        unsafe { copy_text(path, &mut (*header).exec) };
    }
}

/// Before a fork: notes in this thread how many records there are.
pub(crate) extern "C" fn before_fork() {
    let count = header().map_or(0, |header| claimed(header).load(Ordering::Acquire));
    thread::this().at_fork.set(count);
}

/// After a fork, in the parent.
pub(crate) extern "C" fn after_fork() {
    if let Some(header) = header() {
        // SAFETY: the header is mapped as long as the recording is.
        unsafe { AtomicU64::from_ptr(&raw mut (*header).forks) }.fetch_add(1, Ordering::Relaxed);
    }
}

/// After a fork, in the child: begins its recording now, before it can change its root or its user.
pub(crate) extern "C" fn in_child() {
    let parent = Parent {
        process: PROCESS.load(Ordering::Relaxed).into(),
        number: NUMBER.load(Ordering::Relaxed),
        claimed: thread::this().at_fork.get(),
    };
    begin_as(parent);
}

// The process and its recording, again: a fork does not wipe these, so the child finds its parent's.
static PROCESS: AtomicU32 = AtomicU32::new(0);
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Notes that the program exits, and how long it ran if no record is lost.
pub(crate) fn note_exit() {
    // A chunk of the file, so that the time that it takes to map one is in there as often as in the records before.
    const SAMPLE: u64 = (CHUNK_BYTES / RECORD_BYTES) as u64;
    let Some(header) = header() else { return };
    // SAFETY: the header is mapped as long as the recording is, and nobody else touches this field.
    unsafe { (*header).exited = 1 };
    // SAFETY: the header is mapped as long as the recording is.
    let errno = unsafe { AtomicU64::from_ptr(&raw mut (*header).errno) };
    let is_whole = errno.load(Ordering::Relaxed) == 0 && STATE.only_counted.load(Ordering::Relaxed) == 0;
    if begun_with_extents() || !is_whole {
        return;
    }
    let end_ns = now_ns();
    let count = claimed(header).load(Ordering::Relaxed);
    // In processor time, which other programs do not lengthen.
    let before_ns = read_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    (0..SAMPLE).for_each(|_| log(kind::NOTHING, 0, 0, 0, Fill::Unknown));
    let sample_ns = read_ns(libc::CLOCK_THREAD_CPUTIME_ID).wrapping_sub(before_ns);
    if errno.swap(0, Ordering::Relaxed) != 0 {
        // There was no room for the sample; of the program's events none is lost.
        claimed(header).store(count, Ordering::Relaxed);
        return;
    }
    let ran_ns = |which: usize| end_ns[which].saturating_sub(STATE.begun_ns[which].load(Ordering::Relaxed));
    let recorder_ns = (u128::from(count) * u128::from(sample_ns) / u128::from(SAMPLE)) as u64;
    // SAFETY: the header is mapped as long as the recording is, and nobody else touches this field.
    unsafe { (*header).run_ns = [ran_ns(0), ran_ns(1), recorder_ns] };
}

/// The wall time and the processor time of this process.
fn now_ns() -> [u64; 2] {
    [libc::CLOCK_MONOTONIC, libc::CLOCK_PROCESS_CPUTIME_ID].map(read_ns)
}

fn read_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the place is ours.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Begins the recording with the first event of the process; `None` if none is wanted or possible.
#[cold]
#[inline(never)]
fn begin() -> Option<*mut Header> {
    begin_as(Parent::default())
}

fn begin_as(parent: Parent) -> Option<*mut Header> {
    system::without_signals(|| {
        loop {
            match STATE.phase.compare_exchange(UNKNOWN, BEGINNING, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => break,
                Err(BEGINNING) => system::yield_now(),
                Err(RECORDING) => return header(),
                Err(_) => return None,
            };
        }
        let created = create(parent);
        if let Some(created) = &created {
            STATE.header.store(created.header, Ordering::Release);
        }
        STATE.phase.store(if created.is_some() { RECORDING } else { OFF }, Ordering::Release);
        header()
    })
}

fn create(parent: Parent) -> Option<Created> {
    let state: *const Recording = &raw const STATE;
    // SAFETY: the state has these pages for itself. Wiping them in the child of a fork is what makes it begin anew;
    // without that it would write into its parent's recording, so nothing is recorded if the kernel cannot do it.
    let wiped = unsafe { libc::madvise(state.cast_mut().cast(), size_of::<Recording>(), libc::MADV_WIPEONFORK) } == 0;
    let config = Config::get().filter(|_| wiped)?;
    // SAFETY: asks for a number.
    let only_counted = config.parent != 0 && config.parent != unsafe { libc::getppid() };
    // SAFETY: asks for a number.
    let process = unsafe { libc::getpid() } as u32;
    let created = file::create(&config, process, only_counted, parent)?;
    STATE.process.store(process, Ordering::Relaxed);
    PROCESS.store(process, Ordering::Relaxed);
    NUMBER.store(created.number, Ordering::Relaxed);
    STATE.begun_ns.iter().zip(now_ns()).for_each(|(begun, now)| begun.store(now, Ordering::Relaxed));
    STATE.only_counted.store(u32::from(only_counted), Ordering::Relaxed);
    STATE.extents.store(u32::from(config.extents && !only_counted), Ordering::Relaxed);
    if let Some((first, allocated_chunks)) = created.first_chunk {
        STATE.window.begin(first, allocated_chunks);
    }
    Some(created)
}

const _: () = assert!(HEADER_BYTES < CHUNK_BYTES);
