//! Lanes: each thread writes its records into a buffer of its own and numbers them from one counter.
//!
//! The counter alone orders the records of all threads. A deallocation is numbered before it is done, and an allocation
//! after it: so a thread that gets a block which another thread frees has the higher number. Apart from the counter,
//! threads share nothing that they write: a lane has one writing thread and one reader, the [scribe](super::scribe).
//!
//! A thread takes a lane at its first event and leaves it to a later thread when it ends. So there are as many lanes as
//! there were threads with a lane at the same time. Lanes are never freed: they may still hold the last records of a
//! thread.

use core::array;
use core::cell::Cell;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::gate::{self, Phase};
use super::waker;
use crate::fill::Fill;
use crate::raw::Record;

/// The kinds of the recorder's own records, which a raw recording does not have.
pub(super) mod kind {
    /// A mark; its number takes the place of an address.
    pub(in super::super) const MARK: u64 = 13;
    /// The recording goes on.
    pub(in super::super) const START: u64 = 14;
    /// The recording pauses.
    pub(in super::super) const STOP: u64 = 15;
}

/// Capacity of a lane in records. At 24 bytes each it has 768 KiB, of which a thread touches what it needs. A busy
/// thread fills it in a millisecond, about as long as the scribe takes for a block of the trace.
pub(super) const LANE_RECORDS: usize = 1 << 15;
/// How many records ahead a place is prefetched.
const AHEAD: usize = 16;
/// After how many records the scribe is woken. By itself it looks only now and then.
const WAKING_RECORDS: u64 = LANE_RECORDS as u64 / 8;
/// How long a thread with a full lane sleeps.
const FULL: Duration = Duration::from_micros(100);
/// The largest thread number that fits into a record. All later threads share it.
const MOST_THREADS: u32 = (1 << 24) - 1;

/// The number of the next record. It has a cache line to itself, so that no other read of a thread waits for it.
static ORDER: Apart<AtomicU64> = Apart(AtomicU64::new(0));
static LANES: Mutex<Vec<&'static Lane>> = Mutex::new(Vec::new());
/// For the last events of threads that have left their lanes. Only the holder of the lock writes there.
static SHARED: Mutex<Option<&'static Lane>> = Mutex::new(None);
static THREADS: AtomicU32 = AtomicU32::new(0);

/// Prefetches the place of a later record for writing. The scribe has read it last, and adding to the counter waits for
/// all earlier writes: without this, every third record would wait for its place.
#[inline(always)]
fn fetch(place: &[AtomicU64; 3]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which reads and writes nothing.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(core::ptr::from_ref(place).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// What threads have waited for room, in nanoseconds.
static WAITED_NS: AtomicU64 = AtomicU64::new(0);

/// A value that shares its cache lines with no other: two lines, because processors fetch pairs.
#[repr(align(128))]
struct Apart<T>(T);

/// The buffer of one thread, used in a ring.
pub(super) struct Lane {
    /// What its thread writes.
    written: Apart<(AtomicU64, AtomicU64)>,
    /// Records that the scribe has read.
    read: Apart<AtomicU64>,
    is_taken: AtomicBool,
    /// Each record after its number.
    slots: &'static [[AtomicU64; 3]; LANE_RECORDS],
}

impl Lane {
    fn new() -> Self {
        let layout = Layout::new::<[[AtomicU64; 3]; LANE_RECORDS]>();
        // SAFETY: the layout has bytes.
        let slots = unsafe { alloc_zeroed(layout) };
        if slots.is_null() {
            handle_alloc_error(layout);
        }
        Lane {
            written: Apart((AtomicU64::new(0), AtomicU64::new(LANE_RECORDS as u64))),
            read: Apart(AtomicU64::new(0)),
            is_taken: AtomicBool::new(true),
            // SAFETY: the block has this layout, zeroes are numbers, and it is never freed. Only a reference to it
            // leaves this function.
            slots: unsafe { &*slots.cast() },
        }
    }

    /// Writes a record. Only the thread that has the lane calls this.
    #[inline(always)]
    fn push(&self, words: [u64; 2]) {
        let (written, limit) = &self.written.0;
        let count = written.load(Ordering::Relaxed);
        if count == limit.load(Ordering::Relaxed) && !self.make_room(count) {
            return;
        }
        fetch(&self.slots[(count as usize + AHEAD) % LANE_RECORDS]);
        // A thread that gets a block which this thread frees comes later in this order, because the free is counted
        // before it is done.
        let order = ORDER.0.fetch_add(1, Ordering::AcqRel);
        let [place, first, second] = &self.slots[count as usize % LANE_RECORDS];
        place.store(order, Ordering::Relaxed);
        first.store(words[0], Ordering::Relaxed);
        second.store(words[1], Ordering::Relaxed);
        written.store(count + 1, Ordering::Release);
        if (count + 1).is_multiple_of(WAKING_RECORDS) {
            waker::wake();
        }
    }

    /// Waits until the scribe has read some of a full lane; `false` if it never will.
    #[cold]
    #[inline(never)]
    fn make_room(&self, count: u64) -> bool {
        loop {
            let read = self.read.0.load(Ordering::Acquire);
            if count - read < LANE_RECORDS as u64 {
                self.written.0.1.store(read + LANE_RECORDS as u64, Ordering::Relaxed);
                return true;
            }
            if !gate::is_attended() || gate::phase() == Phase::Ended {
                return false;
            }
            let since = Instant::now();
            waker::wake();
            std::thread::sleep(FULL);
            WAITED_NS.fetch_add(since.elapsed().as_nanos() as u64, Ordering::Relaxed);
        }
    }

    /// Passes the unread records, each with its number, to `take` until it declines one. Only the scribe calls this.
    pub(super) fn read(&self, mut take: impl FnMut(u64, [u64; 2]) -> bool) {
        // After how many records the thread, which may wait for room, learns of it.
        const REPORTED: u64 = 256;
        let mut read = self.read.0.load(Ordering::Relaxed);
        let written = self.written.0.0.load(Ordering::Acquire);
        while read < written {
            let [order, first, second] =
                array::from_fn(|word| self.slots[read as usize % LANE_RECORDS][word].load(Ordering::Relaxed));
            if !take(order, [first, second]) {
                break;
            }
            read += 1;
            if read.is_multiple_of(REPORTED) {
                self.read.0.store(read, Ordering::Release);
            }
        }
        self.read.0.store(read, Ordering::Release);
    }
}

/// Records an event of this thread, unless it is muted.
#[inline(always)]
pub(crate) fn log(kind: u64, address: usize, size: usize, align_log2: u32, fill: Fill) {
    THREAD.with(|thread| {
        let (address, size) = (address as u64, size as u64);
        let record = |thread| Record { kind, address, size, align_log2, fill, thread }.to_words();
        match thread.lane.get() {
            Some(lane) => lane.push(record(thread.number.get())),
            None => thread.log_without_lane(&record),
        }
    });
}

/// Runs `work` without recording what this thread does in it.
pub(super) fn muted<T>(work: impl FnOnce() -> T) -> T {
    THREAD.with(|thread| {
        let lane = thread.lane.take();
        let state = thread.state.replace(ThreadState::Muted);
        let result = work();
        thread.state.set(state);
        thread.lane.set(lane);
        result
    })
}

/// Mutes this thread for good.
pub(super) fn mute() {
    THREAD.with(|thread| {
        thread.lane.set(None);
        thread.state.set(ThreadState::Muted);
    });
}

/// Estimate of what these records have cost the threads that wrote them, in nanoseconds: as many times what one costs
/// now, and what the threads have waited for room. Call it once the recording has ended, in a muted thread.
pub(super) fn cost_ns(records: u64) -> u64 {
    let lane = Lane::new();
    // The fastest of several passes: in the first the lane gets its memory, and other programs interrupt some.
    let mut pass_ns = u128::MAX;
    for _ in 0..8 {
        let since = Instant::now();
        (0..LANE_RECORDS as u64).for_each(|number| lane.push([1, black_box(number)]));
        pass_ns = pass_ns.min(since.elapsed().as_nanos());
        lane.read(|_, _| true);
    }
    let records_ns = (u128::from(records) * pass_ns / LANE_RECORDS as u128) as u64;
    records_ns + WAITED_NS.load(Ordering::Relaxed)
}

/// How many records have a number.
pub(super) fn numbered() -> u64 {
    ORDER.0.load(Ordering::Acquire)
}

/// Takes a number and writes no record, like a thread that is interrupted between the two for ever.
#[cfg(test)]
pub(super) fn lose_number() {
    ORDER.0.fetch_add(1, Ordering::AcqRel);
}

/// Adds the lanes that `into` does not have yet.
pub(super) fn lanes(into: &mut Vec<&'static Lane>) {
    let lanes = LANES.lock().unwrap_or_else(PoisonError::into_inner);
    let known = into.len();
    into.extend(lanes.iter().skip(known));
}

/// The recorder's state of a thread. It has no destructor and needs no initialisation, so it never allocates and exists
/// until the very end of the thread.
struct Thread {
    lane: Cell<Option<&'static Lane>>,
    state: Cell<ThreadState>,
    number: Cell<u32>,
}

/// Why a thread has no lane.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ThreadState {
    /// It has had no event yet.
    New,
    /// It is not recorded for now.
    Muted,
    /// It is ending, and has left its lane.
    Leaving,
}

thread_local! {
    static THREAD: Thread =
        const { Thread { lane: Cell::new(None), state: Cell::new(ThreadState::New), number: Cell::new(0) } };
    static LEAVE: Leave = const { Leave(Cell::new(None)) };
}

impl Thread {
    #[cold]
    #[inline(never)]
    fn log_without_lane(&self, record: &dyn Fn(u32) -> [u64; 2]) {
        if self.state.get() == ThreadState::Muted {
            return;
        }
        if self.number.get() == 0 {
            self.number.set(THREADS.fetch_add(1, Ordering::Relaxed).wrapping_add(1).min(MOST_THREADS));
        }
        let words = record(self.number.get());
        if self.state.get() == ThreadState::New {
            match muted(take_lane) {
                Some(lane) => {
                    self.lane.set(Some(lane));
                    return lane.push(words);
                }
                None => self.state.set(ThreadState::Leaving),
            }
        }
        muted(|| {
            let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
            shared.get_or_insert_with(find_lane).push(words);
        });
    }
}

/// A lane for this thread until it ends; `None` if it is ending.
fn take_lane() -> Option<&'static Lane> {
    LEAVE
        .try_with(|leave| {
            let lane = find_lane();
            leave.0.set(Some(lane));
            lane
        })
        .ok()
}

/// A lane that belongs to no thread.
fn find_lane() -> &'static Lane {
    let mut lanes = LANES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(lane) = lanes.iter().find(|lane| !lane.is_taken.swap(true, Ordering::Acquire)) {
        return lane;
    }
    let lane: &'static Lane = Box::leak(Box::new(Lane::new()));
    lanes.push(lane);
    lane
}

/// Leaves the lane when the thread ends.
struct Leave(Cell<Option<&'static Lane>>);

impl Drop for Leave {
    fn drop(&mut self) {
        let Some(lane) = self.0.take() else { return };
        THREAD.with(|thread| {
            thread.lane.set(None);
            thread.state.set(ThreadState::Leaving);
        });
        lane.is_taken.store(false, Ordering::Release);
    }
}
