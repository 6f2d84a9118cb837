//! One bit for each granule of 16 bytes between the lowest and the highest address of the heap.
//!
//! A set bit marks one of the two ends of a free run, so that a block that is freed finds its free neighbours at once.
//! Only during a sweep, every free granule is marked, and the free ranges are read off in order of their addresses,
//! without sorting. The map takes 1/128 of the memory that it covers.

use core::ptr;

/// The unit of all small blocks, in bytes.
pub(super) const GRANULE: usize = 16;

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

    /// Bytes of a map of `covered` bytes.
    pub(super) fn bytes_for(covered: usize) -> usize {
        covered.div_ceil(SPAN) * size_of::<usize>()
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

    /// Moves the map to `bytes` bytes at `place`, and returns where it was and of how many bytes. If it covered nothing,
    /// it covers addresses from `start` on.
    ///
    /// # Safety
    ///
    /// The new place is unused memory, aligned to a word, and not smaller than the old one. The caller frees the old one.
    pub(super) unsafe fn relocate(&mut self, place: *mut u8, bytes: usize, start: usize) -> (*mut u8, usize) {
        let old = (self.words.cast::<u8>(), Self::bytes_for(self.covered_bytes()));
        // SAFETY: the caller guarantees that the place has this many bytes. It does not overlap with the old one.
        unsafe {
            place.write_bytes(0, bytes);
            if self.end == 0 {
                self.start = start;
            } else {
                place.copy_from_nonoverlapping(old.0, old.1);
            }
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

    #[inline]
    fn position(&self, address: usize) -> (usize, usize) {
        let granule = (address - self.start) / GRANULE;
        debug_assert!(address < self.end, "an address outside of the map");
        (granule / BITS, granule % BITS)
    }

    /// Whether a granule is marked.
    ///
    /// # Safety
    ///
    /// The map covers the address.
    #[inline]
    pub(super) unsafe fn is_marked(&self, address: usize) -> bool {
        let (word, bit) = self.position(address);
        // SAFETY: the map covers the address, so the word exists; the map is the allocator's own initialised memory.
        unsafe { *self.words.add(word) & 1 << bit != 0 }
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
        unsafe { *self.words.add(word) ^= 1 << bit };
    }

    /// Flips all granules of `start..end`.
    ///
    /// # Safety
    ///
    /// The map covers the range, which is not empty and consists of whole granules.
    pub(super) unsafe fn flip_range(&mut self, start: usize, end: usize) {
        let (mut word, mut first) = self.position(start);
        let mut left = (end - start) / GRANULE;
        while left > 0 {
            let count = left.min(BITS - first);
            // SAFETY: the word covers a part of the range.
            unsafe { *self.words.add(word) ^= usize::MAX >> (BITS - count) << first };
            (word, first, left) = (word + 1, 0, left - count);
        }
    }

    /// The highest range of marked granules that ends at or below `below`, unmarked again: its first address and the
    /// one after its last.
    ///
    /// # Safety
    ///
    /// The map covers addresses up to `below`.
    pub(super) unsafe fn take_range_below(&mut self, below: usize) -> Option<(usize, usize)> {
        // SAFETY: as in `edge_below`, whose requirements are those of this function; a range that was found is covered.
        unsafe {
            let end = self.edge_below(below, 0)?;
            let start = self.edge_below(end, usize::MAX).unwrap_or(self.start);
            self.flip_range(start, end);
            Some((start, end))
        }
    }

    /// The address after the highest granule below `below` whose bit, exclusive-or `inverted`, is set.
    ///
    /// # Safety
    ///
    /// The map covers addresses up to `below`.
    unsafe fn edge_below(&self, below: usize, inverted: usize) -> Option<usize> {
        let granule = (below - self.start) / GRANULE;
        let (mut word, bit) = (granule / BITS, granule % BITS);
        // Bits of the first word that are below; there is none if `below` is the first address of a word.
        let mut among = if bit == 0 { 0 } else { usize::MAX >> (BITS - bit) };
        loop {
            // SAFETY: the word is at or below the one of `below`, and is read only if it has a granule below it.
            let marks = if among == 0 { 0 } else { (unsafe { *self.words.add(word) }) ^ inverted };
            let found = marks & among;
            if found != 0 {
                let granule = word * BITS + BITS - found.leading_zeros() as usize;
                return Some(self.start + granule * GRANULE);
            }
            word = word.checked_sub(1)?;
            among = usize::MAX;
        }
    }
}
