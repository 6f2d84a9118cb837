//! Writes a record: claims the next place by adding to a counter, and stores two words there.
//!
//! The counter alone orders the records of all threads. It is part of a page of state that the kernel wipes in the
//! child of every fork (`MADV_WIPEONFORK`): the child finds zeroes and begins a recording of its own, or none. A child
//! of `vfork` shares its parent's memory, so it rightly continues its parent's recording.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use heaprace_recorder::fill::Fill;
use heaprace_recorder::raw::{HEADER_BYTES, Header, RECORD_BYTES, Record, kind};

use crate::config::Config;
use crate::file::{self, CHUNK_BYTES, FilePath};
use crate::thread;

/// The state of this process. Zeroes are the state before the first event.
///
/// The alignment is that of the largest page of the machine, so that the state has whole pages for itself.
#[cfg_attr(target_arch = "x86_64", repr(C, align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C, align(65536)))]
struct Recording {
    /// The place of the first record; null while there is no recording.
    records: AtomicPtr<u64>,
    /// How many records have a place that is mapped.
    mapped: AtomicUsize,
    phase: AtomicU32,
    /// Taken by the thread that maps a chunk.
    growing: AtomicU32,
    /// The `errno` that keeps the file from growing.
    full: AtomicU32,
    reserved_bytes: AtomicUsize,
    /// 1 if the recording has extents. Written before `records`.
    extents: AtomicU32,
    /// The wall time and the processor time when the recording began.
    begun_ns: [AtomicU64; 2],
    /// Written before `records`, and read only after it.
    path: UnsafeCell<MaybeUninit<FilePath>>,
    /// Apart from the rest, which is only read, so that reading it does not wait for the other threads.
    counter: PaddedCounter,
}

#[repr(align(128))]
struct PaddedCounter(AtomicU64);

// SAFETY: all fields are atomics but the path, which is written by one thread while `phase` keeps the others out.
unsafe impl Sync for Recording {}

const UNKNOWN: u32 = 0;
const BEGINNING: u32 = 1;
const RECORDING: u32 = 2;
const OFF: u32 = 3;

static STATE: Recording = Recording {
    records: AtomicPtr::new(core::ptr::null_mut()),
    mapped: AtomicUsize::new(0),
    phase: AtomicU32::new(UNKNOWN),
    growing: AtomicU32::new(0),
    full: AtomicU32::new(0),
    reserved_bytes: AtomicUsize::new(0),
    extents: AtomicU32::new(0),
    begun_ns: [const { AtomicU64::new(0) }; 2],
    path: UnsafeCell::new(MaybeUninit::zeroed()),
    counter: PaddedCounter(AtomicU64::new(0)),
};

/// Records one event of this thread.
#[inline(always)]
pub(crate) fn log(kind: u64, address: usize, size: usize, align_log2: u32, fill: Fill) {
    let mut records = STATE.records.load(Ordering::Acquire);
    if records.is_null() {
        match begin() {
            Some(begun) => records = begun,
            None => return,
        }
    }
    let Some(thread) = thread::number() else { return };
    let words = Record { kind, address: address as u64, size: size as u64, align_log2, fill, thread }.to_words();
    // A thread that gets a block which another thread frees comes later in this order, because the free is counted
    // before it is done.
    let index = STATE.counter.0.fetch_add(1, Ordering::AcqRel) as usize;
    if index >= STATE.mapped.load(Ordering::Acquire) && !grow(index) {
        return;
    }
    // SAFETY: the place is mapped for writing, and it is this thread's alone, since nobody else has got this index.
    unsafe {
        let place = records.add(2 * index);
        AtomicU64::from_ptr(place.add(1)).store(words[1], Ordering::Relaxed);
        // The word that shows a reader that there is a record comes last.
        AtomicU64::from_ptr(place).store(words[0], Ordering::Release);
    }
}

/// Whether the recording has begun and has extents.
#[inline(always)]
pub(crate) fn begun_with_extents() -> bool {
    STATE.extents.load(Ordering::Relaxed) != 0
}

/// Whether the recording has extents. Begins it if it has not begun.
pub(crate) fn has_extents() -> bool {
    (!STATE.records.load(Ordering::Acquire).is_null() || begin().is_some()) && begun_with_extents()
}

/// The records so far.
pub(crate) fn records() -> impl Iterator<Item = Record> {
    let records = STATE.records.load(Ordering::Acquire);
    let claimed = if records.is_null() { 0 } else { STATE.counter.0.load(Ordering::Acquire) as usize };
    let count = claimed.min(STATE.mapped.load(Ordering::Acquire));
    let word = move |index: usize| {
        // SAFETY: the record has its place, which stays mapped and is only written by atomic stores.
        unsafe { AtomicU64::from_ptr(records.add(index)) }.load(Ordering::Acquire)
    };
    // Nothing stands where a record is lost, or not written yet.
    (0..count)
        .map(move |index| [word(2 * index), word(2 * index + 1)])
        .filter(|words| words[0] != 0)
        .map(Record::from_words)
}

/// Notes how long the program ran, if the recording has begun and no record is lost. Call it once the program exits.
pub(crate) fn note_run_time() {
    // A chunk of the file, so that the time that it takes to map one is in there as often as in the records before.
    const SAMPLE: u64 = (CHUNK_BYTES / RECORD_BYTES) as u64;
    let records = STATE.records.load(Ordering::Acquire);
    if records.is_null() || STATE.full.load(Ordering::Relaxed) != 0 {
        return;
    }
    let header: *mut Header = records.cast::<u8>().wrapping_sub(HEADER_BYTES).cast();
    let end_ns = now_ns();
    let count = STATE.counter.0.load(Ordering::Relaxed);
    // In processor time, which other programs do not lengthen.
    let before_ns = read_ns(libc::CLOCK_THREAD_CPUTIME_ID);
    (0..SAMPLE).for_each(|_| log(kind::NOTHING, 0, 0, 0, Fill::Unknown));
    let sample_ns = read_ns(libc::CLOCK_THREAD_CPUTIME_ID).wrapping_sub(before_ns);
    if STATE.full.load(Ordering::Relaxed) != 0 {
        // There was no room for the sample; of the program's events none is lost.
        // SAFETY: the header is mapped as long as the recording is.
        unsafe { ((*header).lost, (*header).errno) = (0, 0) };
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

/// Begins the recording with the first event of the process; `None` if no recording is wanted or possible.
#[cold]
#[inline(never)]
fn begin() -> Option<*mut u64> {
    loop {
        match STATE.phase.compare_exchange(UNKNOWN, BEGINNING, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => break,
            // SAFETY: lets another thread run.
            Err(BEGINNING) => unsafe { libc::sched_yield() },
            Err(RECORDING) => return Some(STATE.records.load(Ordering::Acquire)),
            Err(_) => return None,
        };
    }
    let errno = heaprace_c_functions::errno();
    let records = open();
    if let Some(records) = records {
        STATE.records.store(records, Ordering::Release);
    }
    STATE.phase.store(if records.is_some() { RECORDING } else { OFF }, Ordering::Release);
    heaprace_c_functions::set_errno(errno);
    records
}

fn open() -> Option<*mut u64> {
    let state: *const Recording = &raw const STATE;
    // SAFETY: the state has these pages for itself. Wiping them in the child of a fork is what makes it begin anew;
    // without that it would write into its parent's recording, so nothing is recorded if the kernel cannot do it.
    let wiped = unsafe { libc::madvise(state.cast_mut().cast(), size_of::<Recording>(), libc::MADV_WIPEONFORK) } == 0;
    let config = Config::get()?;
    // SAFETY: asks for a number.
    let wanted = config.parent == 0 || config.parent == unsafe { libc::getppid() };
    if !wanted || !wiped {
        return None;
    }
    let (start, reserved_bytes) = file::reserve()?;
    let path = file::create(&config, start)?;
    // SAFETY: `phase` keeps all other threads out until the recording has begun.
    unsafe { (*STATE.path.get()).write(path) };
    STATE.reserved_bytes.store(reserved_bytes, Ordering::Relaxed);
    STATE.begun_ns.iter().zip(now_ns()).for_each(|(begun, now)| begun.store(now, Ordering::Relaxed));
    STATE.extents.store(u32::from(config.extents), Ordering::Relaxed);
    STATE.mapped.store((CHUNK_BYTES - HEADER_BYTES) / RECORD_BYTES, Ordering::Release);
    // SAFETY: the first chunk is mapped there and is longer than the header.
    Some(unsafe { start.add(HEADER_BYTES) }.cast())
}

/// Maps chunks until the record of this index has its place. Where that is not possible, the record is lost, and
/// counted.
#[cold]
#[inline(never)]
fn grow(index: usize) -> bool {
    let errno = heaprace_c_functions::errno();
    while STATE.growing.swap(1, Ordering::Acquire) != 0 {
        // SAFETY: lets another thread run.
        unsafe { libc::sched_yield() };
    }
    // SAFETY: `log` comes here only once there is a recording.
    let start = unsafe { STATE.records.load(Ordering::Relaxed).cast::<u8>().sub(HEADER_BYTES) };
    while index >= STATE.mapped.load(Ordering::Relaxed) && STATE.full.load(Ordering::Relaxed) == 0 {
        let chunk = (STATE.mapped.load(Ordering::Relaxed) * RECORD_BYTES + HEADER_BYTES) / CHUNK_BYTES;
        let room = STATE.reserved_bytes.load(Ordering::Relaxed) / CHUNK_BYTES;
        // SAFETY: the path was written before the recording began and is not written again.
        let path = unsafe { (*STATE.path.get()).assume_init_ref() };
        let mapped = if chunk < room { file::map_chunk(path, start, chunk) } else { Err(libc::ENOMEM) };
        match mapped {
            Ok(()) => {
                let records = ((chunk + 1) * CHUNK_BYTES - HEADER_BYTES) / RECORD_BYTES;
                STATE.mapped.store(records, Ordering::Release);
            }
            Err(error) => STATE.full.store(error as u32, Ordering::Relaxed),
        }
    }
    let room = index < STATE.mapped.load(Ordering::Relaxed);
    if !room {
        let header: *mut Header = start.cast();
        // SAFETY: the header is mapped as long as the recording is, and only touched under this lock.
        unsafe {
            (*header).lost += 1;
            (*header).errno = u64::from(STATE.full.load(Ordering::Relaxed));
        }
    }
    STATE.growing.store(0, Ordering::Release);
    heaprace_c_functions::set_errno(errno);
    room
}
