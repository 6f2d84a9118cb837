//! One bit for each granule of 16 bytes between the lowest and the highest address of the heap.
//!
//! A set bit marks one of the two ends of a free run, so that a block that is freed finds its free neighbours at once.
//! Only during a sweep, every free granule is marked, and the free ranges are read off in order of their addresses,
//! without sorting. The map takes 1/128 of the memory that it covers.

use core::ptr;

/// The unit of all small blocks, in bytes.
pub(super) const GRANULE: usize = 16;

/// The unit of runs, in bytes: where they begin, and what their sizes are multiples of.
pub(super) const LINE: usize = 64;

/// Bits in a word of the map.
const BITS: usize = usize::BITS as usize;

/// Bytes that one word covers.
const SPAN: usize = BITS * GRANULE;

/// No address from here on is ever covered, so that no sum of addresses overflows.
pub(super) const LIMIT: usize = usize::MAX - 8191;

/// The map. It is in the heap that it describes, and moves when the heap outgrows it.
#[derive(Debug)]
pub(super) struct Map {
    words: *mut usize,
    /// The lowest address that it covers: a multiple of a granule.
    start: usize,
    /// The address after the last one that it covers.
    end: usize,
}

impl Map {
    /// A map that covers nothing.
    pub(super) const EMPTY: Map = Map { words: ptr::null_mut(), start: 0, end: 0 };

    /// Lets a map that covers nothing yet begin just below `start`, where the heap does.
    pub(super) fn begin(&mut self, start: usize) {
        if self.words.is_null() {
            (self.start, self.end) = (start, start);
        }
    }

    /// Bytes of a map from its start to `end`.
    pub(super) fn bytes_up_to(&self, end: usize) -> usize {
        (end - self.start).div_ceil(SPAN) * size_of::<usize>()
    }

    /// Bytes of a map from its start to `end`, and for as much again, as far as there are addresses.
    pub(super) fn bytes_up_to_twice(&self, end: usize) -> usize {
        self.bytes_up_to(end.saturating_add(end - self.start).min(LIMIT))
    }

    /// The address after the last one that it covers; 0 if it covers nothing.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Bytes that it covers.
    #[inline]
    pub(super) fn covered_bytes(&self) -> usize {
        self.end - self.start
    }

    /// Moves the map to `bytes` bytes at `place`, and returns where it was and of how many bytes.
    ///
    /// # Safety
    ///
    /// The new place is unused memory, aligned to a word, and larger than the old one. The caller frees the old one.
    pub(super) unsafe fn relocate(&mut self, place: *mut u8, bytes: usize) -> (*mut u8, usize) {
        let old = (self.words.cast::<u8>(), self.bytes_up_to(self.end));
        if old.1 == 0 {
            // What is before the first block is looked at, too.
            self.start -= LINE;
        }
        // SAFETY: the caller guarantees that the place has this many bytes. It does not overlap with the old one.
        unsafe {
            place.write_bytes(0, bytes);
            place.copy_from_nonoverlapping(old.0, old.1);
        }
        self.words = place.cast();
        self.end = self.start + (bytes * (SPAN / size_of::<usize>())).min(LIMIT - self.start);
        old
    }

    /// The words, for a check.
    #[cfg(feature = "inspect")]
    pub(super) fn words(&self) -> *mut usize {
        self.words
    }

    /// The word and the bit of an address that the map covers.
    #[inline(always)]
    fn position(&self, address: usize) -> (*mut usize, usize) {
        debug_assert!(self.start <= address && address < self.end, "an address outside of the map");
        let granule = (address - self.start) / GRANULE;
        (self.words.wrapping_add(granule / BITS), granule % BITS)
    }

    /// Whether a granule is marked. One that the map does not cover is not.
    #[inline]
    pub(super) fn is_marked(&self, address: usize) -> bool {
        if address.wrapping_sub(self.start) >= self.covered_bytes() {
            return false;
        }
        let (word, bit) = self.position(address);
        // SAFETY: the map covers the address, so the word exists; the map is the allocator's own initialised memory.
        unsafe { *word >> bit & 1 != 0 }
    }

    /// Marks a granule, or unmarks it if it is marked.
    ///
    /// # Safety
    ///
    /// The map covers the address.
    #[inline]
    pub(super) unsafe fn flip(&mut self, address: usize) {
        let (word, bit) = self.position(address);
        // SAFETY: as in `is_marked`; `&mut self` is the only user of the words.
        unsafe { *word ^= 1 << bit };
    }

    /// Flips all granules of `start..end`.
    ///
    /// # Safety
    ///
    /// The map covers the range, which consists of whole granules.
    #[inline(never)]
    pub(super) unsafe fn flip_range(&mut self, mut start: usize, end: usize) {
        while start < end {
            let (word, first) = self.position(start);
            let count = ((end - start) / GRANULE).min(BITS - first);
            // SAFETY: the word covers a part of the range.
            unsafe { *word ^= usize::MAX >> (BITS - count) << first };
            start += count * GRANULE;
        }
    }

    /// The address after the highest granule below `below` whose bit, exclusive-or `inverted`, is set: the lowest
    /// address of the map if there is none.
    ///
    /// # Safety
    ///
    /// The map covers what is below `below`.
    #[inline(never)]
    pub(super) unsafe fn edge_below(&self, mut below: usize, inverted: usize) -> usize {
        while below > self.start {
            let (word, last) = self.position(below - GRANULE);
            // SAFETY: the word has the granule just below `below`. It becomes the highest bit.
            let marks = (unsafe { *word } ^ inverted) << (BITS - 1 - last);
            if marks != 0 {
                return below - marks.leading_zeros() as usize * GRANULE;
            }
            below -= (last + 1) * GRANULE;
        }
        below
    }
}
