//! The part of the recording's file that is mapped: the chunks that records are being written to. The next chunk is
//! mapped when a record needs it, and a chunk that is full is unmapped again, so a long recording keeps no memory and
//! few addresses.
//!
//! A chunk is mapped without its file: the kernel doubles the mapping of the chunk before, at twice the length. That
//! needs no descriptor and no path, so it works in a process that has locked itself in. The chunk then gets its pages
//! at once, because that fails on a full disk with an error; a later write would end the program by a signal.

use core::ffi::c_int;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

use heaprace_c_functions::errno;
use heaprace_recorder::raw::{HEADER_BYTES, RECORD_BYTES};

use crate::system;

/// Bytes of a chunk: room for 16,384 records.
pub(crate) const CHUNK_BYTES: usize = 1 << 18;
/// Chunks that can be mapped at once. Only records that a thread has claimed and not written keep a chunk mapped.
const SLOTS: usize = 1024;
/// The low bits of a mapping's address are 0; in a slot they say which of the chunks it is that share the slot.
const TAG_MASK: usize = 4095;
/// Lost records after which a chunk that could not be mapped is tried again.
const RETRY: usize = 1024;

/// The mapped chunks. Zeroes are a window without chunks.
pub(crate) struct Window {
    /// The chunk of number `n` has slot `n % SLOTS`: its address and its tag, or 0.
    slots: [AtomicUsize; SLOTS],
    /// Taken by the thread that maps a chunk, with its signals held back.
    lock: AtomicU32,
    /// A mapping of the last chunk, and its number.
    last: AtomicPtr<u8>,
    last_chunk: AtomicUsize,
    /// 1 if records are written to the last chunk, so that it is unmapped as any other.
    last_is_used: AtomicU32,
    /// All chunks before this one are unmapped.
    oldest: AtomicUsize,
    /// Chunks that have disk space from the start.
    allocated_chunks: AtomicUsize,
    /// Chunks before this one that are not mapped stay so, because records there are lost already.
    given_up: AtomicUsize,
}

/// The chunk of a record, and the record's distance from its start.
#[inline(always)]
fn locate(index: usize) -> (usize, usize) {
    let offset = HEADER_BYTES + index * RECORD_BYTES;
    (offset / CHUNK_BYTES, offset % CHUNK_BYTES)
}

#[inline(always)]
fn tag(chunk: usize) -> usize {
    1 + chunk / SLOTS % TAG_MASK
}

impl Window {
    pub(crate) const fn empty() -> Window {
        Window {
            slots: [const { AtomicUsize::new(0) }; SLOTS],
            lock: AtomicU32::new(0),
            last: AtomicPtr::new(null_mut()),
            last_chunk: AtomicUsize::new(0),
            last_is_used: AtomicU32::new(0),
            oldest: AtomicUsize::new(0),
            allocated_chunks: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
        }
    }

    /// Begins with the first chunk. `allocated_chunks` have disk space.
    pub(crate) fn begin(&self, first: *mut u8, allocated_chunks: usize) {
        self.last.store(first, Ordering::Relaxed);
        self.last_is_used.store(1, Ordering::Relaxed);
        self.allocated_chunks.store(allocated_chunks, Ordering::Relaxed);
        self.slot(0).store(first.expose_provenance() | tag(0), Ordering::Release);
    }

    #[inline(always)]
    fn slot(&self, chunk: usize) -> &AtomicUsize {
        // SAFETY: the remainder is below the number of slots.
        unsafe { self.slots.get_unchecked(chunk % SLOTS) }
    }

    /// The address of a chunk that is mapped.
    #[inline(always)]
    fn mapped(&self, chunk: usize) -> Option<usize> {
        let slot = self.slot(chunk).load(Ordering::Acquire);
        (slot & TAG_MASK == tag(chunk)).then_some(slot & !TAG_MASK)
    }

    /// The place of a record; the `errno` if it has none, and then the record is lost.
    #[inline(always)]
    pub(crate) fn place(&self, index: usize) -> Result<*mut u64, c_int> {
        let (chunk, offset) = locate(index);
        let start = match self.mapped(chunk) {
            Some(start) => start,
            None => self.grow(index, chunk)?,
        };
        Ok(core::ptr::with_exposed_provenance_mut(start + offset))
    }

    /// Maps chunks up to this one, and unmaps those that are full.
    #[cold]
    #[inline(never)]
    fn grow(&self, index: usize, chunk: usize) -> Result<usize, c_int> {
        system::without_signals(|| {
            while self.lock.swap(1, Ordering::Acquire) != 0 {
                system::yield_now();
            }
            let result = match self.mapped(chunk) {
                Some(start) => Ok(start),
                None => self.map_up_to(index, chunk),
            };
            self.lock.store(0, Ordering::Release);
            result
        })
    }

    /// Maps the chunks after the last one, up to this one.
    fn map_up_to(&self, index: usize, chunk: usize) -> Result<usize, c_int> {
        let given_up = self.given_up.load(Ordering::Relaxed);
        // A chunk that was passed over, or has just failed.
        if chunk <= self.last_chunk.load(Ordering::Relaxed) || (chunk + 1 == given_up && !index.is_multiple_of(RETRY)) {
            return Err(libc::ENOSPC);
        }
        let result = loop {
            let next = self.last_chunk.load(Ordering::Relaxed) + 1;
            // Another thread may need each of these chunks, unless its record is lost already.
            let is_wanted = next == chunk || next >= given_up;
            match self.map_next(next, is_wanted) {
                Ok(start) if next == chunk => break Ok(start),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        if result.is_err() {
            self.given_up.store(given_up.max(chunk + 1), Ordering::Relaxed);
        }
        self.unmap_full();
        result
    }

    /// Maps the chunk after the last one, and makes it the last one.
    fn map_next(&self, chunk: usize, is_wanted: bool) -> Result<usize, c_int> {
        let last = self.last.load(Ordering::Relaxed);
        // SAFETY: a new mapping of the pages of the last chunk, which is shared, and of those after it.
        let both = unsafe { libc::mremap(last.cast(), 0, 2 * CHUNK_BYTES, libc::MREMAP_MAYMOVE) };
        if both == libc::MAP_FAILED {
            return Err(errno());
        }
        let start = both.cast::<u8>().wrapping_add(CHUNK_BYTES);
        unmap(both.cast());
        if is_wanted && chunk >= self.allocated_chunks.load(Ordering::Relaxed) {
            populate(start, CHUNK_BYTES).inspect_err(|_| unmap(start))?;
        }
        if self.last_is_used.swap(u32::from(is_wanted), Ordering::Relaxed) == 0 {
            unmap(last);
        }
        self.last.store(start, Ordering::Relaxed);
        self.last_chunk.store(chunk, Ordering::Relaxed);
        let address = start.expose_provenance();
        if is_wanted {
            // If a chunk is in this slot that somebody has not finished for 16 million records, it stays mapped.
            self.slot(chunk).store(address | tag(chunk), Ordering::Release);
        }
        Ok(address)
    }

    /// Unmaps the chunks in which all records are written, except the last two: threads are about to write to them.
    fn unmap_full(&self) {
        let last = self.last_chunk.load(Ordering::Relaxed);
        let oldest = self.oldest.load(Ordering::Relaxed).max((last + 1).saturating_sub(SLOTS));
        let mut all_unmapped = oldest;
        for chunk in oldest..last.saturating_sub(1) {
            if let Some(start) = self.mapped(chunk) {
                let start = core::ptr::with_exposed_provenance_mut(start);
                if !is_full(start, chunk) {
                    continue;
                }
                self.slot(chunk).store(0, Ordering::Release);
                unmap(start);
            }
            if all_unmapped == chunk {
                all_unmapped += 1;
            }
        }
        self.oldest.store(all_unmapped, Ordering::Relaxed);
    }
}

/// Whether all records of a chunk are written: then nobody has its address any more.
fn is_full(start: *mut u8, chunk: usize) -> bool {
    let first = if chunk == 0 { HEADER_BYTES } else { 0 };
    (first..CHUNK_BYTES).step_by(RECORD_BYTES).all(|offset| {
        // SAFETY: the chunk is mapped, and its words are written by atomic stores only.
        unsafe { AtomicU64::from_ptr(start.add(offset).cast()) }.load(Ordering::Acquire) != 0
    })
}

/// Maps the first bytes of a file; they are not there in the child of a fork.
pub(crate) fn map_file(file: c_int, bytes: usize) -> Option<*mut u8> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, which no other code knows.
    let start = unsafe { libc::mmap(null_mut(), bytes, access, libc::MAP_SHARED, file, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    // No reading ahead, either, which costs more than the pages themselves. Mappings that are made from this one are
    // as it is.
    for advice in [libc::MADV_DONTFORK, libc::MADV_RANDOM] {
        // SAFETY: the mapping is the one made here.
        unsafe { libc::madvise(start, bytes, advice) };
    }
    Some(start.cast())
}

/// Gives mapped bytes their pages.
pub(crate) fn populate(start: *mut u8, bytes: usize) -> Result<(), c_int> {
    // SAFETY: the bytes are mapped.
    if unsafe { libc::madvise(start.cast(), bytes, libc::MADV_POPULATE_WRITE) } == 0 {
        return Ok(());
    }
    match errno() {
        // A kernel before 5.14 cannot, and there a full disk ends the program.
        libc::EINVAL => Ok(()),
        libc::EFAULT => Err(libc::ENOSPC),
        error => Err(error),
    }
}

fn unmap(chunk: *mut u8) {
    // SAFETY: the caller's mapping, which nobody uses any more.
    unsafe { libc::munmap(chunk.cast(), CHUNK_BYTES) };
}

/// The records of a recording from its first one, read through mappings of one chunk at a time.
pub(crate) struct Walk {
    /// A mapping of the chunk, or of the header's page at first.
    start: *mut u8,
    chunk: usize,
    is_own: bool,
}

impl Walk {
    /// Begins with the first chunk. `header` is mapped as long as the process lives.
    pub(crate) fn new(header: *mut u8) -> Self {
        Walk { start: header, chunk: 0, is_own: false }
    }

    /// The words of a record; zeroes if it is not written. Records are asked for in their order. `None` if they cannot
    /// be mapped.
    pub(crate) fn words(&mut self, index: usize) -> Option<[u64; 2]> {
        let (chunk, offset) = locate(index);
        if !self.is_own {
            self.map(CHUNK_BYTES, 0)?;
        }
        while self.chunk < chunk {
            self.map(2 * CHUNK_BYTES, CHUNK_BYTES)?;
            self.chunk += 1;
        }
        let word = |offset: usize| {
            // SAFETY: the chunk is mapped, the record lies within it, and its words are written by atomic stores only.
            unsafe { AtomicU64::from_ptr(self.start.add(offset).cast()) }.load(Ordering::Acquire)
        };
        Some([word(offset), word(offset + 8)])
    }

    /// Maps as many bytes from the present chunk on, and keeps those after `skipped`.
    fn map(&mut self, bytes: usize, skipped: usize) -> Option<()> {
        // SAFETY: a new mapping of pages that are mapped and shared, and of those after them.
        let start = unsafe { libc::mremap(self.start.cast(), 0, bytes, libc::MREMAP_MAYMOVE) };
        if start == libc::MAP_FAILED {
            return None;
        }
        if skipped > 0 {
            unmap(start.cast());
        }
        if core::mem::replace(&mut self.is_own, true) {
            unmap(self.start);
        }
        self.start = start.cast::<u8>().wrapping_add(skipped);
        Some(())
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if self.is_own {
            unmap(self.start);
        }
    }
}
