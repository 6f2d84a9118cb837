//! The layouts of the live blocks by their addresses: a hash table with linear probing.
//!
//! Its memory follows the number of live blocks, not the addresses, so that a contender that spreads over many pages
//! pays no more for it than one that does not.

use core::alloc::Layout;

/// Bytes between two possible addresses of blocks.
const STEP_LOG2: u32 = 4;
/// Bits of an entry, from the lowest: the size, the alignment in steps of its logarithm above 4, and the place of the
/// block in the heap, plus 1. An entry of 0 is empty.
const SIZE_BITS: u32 = 32;
const ALIGN_BITS: u32 = 4;
/// Largest alignment of an entry.
pub(crate) const MAX_ALIGN: usize = 1 << (STEP_LOG2 + (1 << ALIGN_BITS) - 1);
const FIRST_ENTRIES: usize = 1 << 12;

/// The table.
pub(crate) struct Sizes {
    entries: Vec<u64>,
    used: usize,
}

impl Sizes {
    pub(crate) const fn new() -> Self {
        Sizes { entries: Vec::new(), used: 0 }
    }

    /// Adds a block by its offset in the heap. The layout's alignment is 16 to [`MAX_ALIGN`], its size below 2^32.
    #[inline]
    pub(crate) fn insert(&mut self, offset: usize, layout: Layout) {
        if self.used * 2 >= self.entries.len() {
            self.grow();
        }
        let align = u64::from(layout.align().trailing_zeros() - STEP_LOG2);
        let key = (offset >> STEP_LOG2) as u64 + 1;
        self.put(key << (SIZE_BITS + ALIGN_BITS) | align << SIZE_BITS | layout.size() as u64);
        self.used += 1;
    }

    /// The layout of the block at this offset.
    #[inline]
    pub(crate) fn get(&self, offset: usize) -> Option<Layout> {
        self.entries.get(self.find(offset)?).map(|&entry| layout(entry))
    }

    /// Removes it.
    #[inline]
    pub(crate) fn remove(&mut self, offset: usize) -> Option<Layout> {
        let mut hole = self.find(offset)?;
        let removed = layout(self.entries[hole]);
        self.used -= 1;
        // Entries after it that could not be at their own place move up, so that no search ends early.
        let mask = self.entries.len() - 1;
        let mut next = (hole + 1) & mask;
        while self.entries[next] != 0 {
            let home = self.home(key(self.entries[next]));
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.entries[hole] = self.entries[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.entries[hole] = 0;
        Some(removed)
    }

    #[inline]
    fn find(&self, offset: usize) -> Option<usize> {
        let wanted = (offset >> STEP_LOG2) as u64 + 1;
        let mask = self.entries.len().checked_sub(1)?;
        let mut place = self.home(wanted);
        // At least half of the table is empty.
        while self.entries[place] != 0 {
            if key(self.entries[place]) == wanted {
                return Some(place);
            }
            place = (place + 1) & mask;
        }
        None
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        // Multiplication by 2^64 divided by the golden ratio: consecutive keys are far apart.
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - self.entries.len().trailing_zeros())) as usize
    }

    #[inline]
    fn put(&mut self, entry: u64) {
        let mask = self.entries.len() - 1;
        let mut place = self.home(key(entry));
        while self.entries[place] != 0 {
            place = (place + 1) & mask;
        }
        self.entries[place] = entry;
    }

    #[cold]
    fn grow(&mut self) {
        let entries = vec![0; (self.entries.len() * 2).max(FIRST_ENTRIES)];
        for entry in std::mem::replace(&mut self.entries, entries) {
            if entry != 0 {
                self.put(entry);
            }
        }
    }
}

#[inline]
fn key(entry: u64) -> u64 {
    entry >> (SIZE_BITS + ALIGN_BITS)
}

#[inline]
fn layout(entry: u64) -> Layout {
    let align = 1 << (STEP_LOG2 + ((entry >> SIZE_BITS) as u32 & ((1 << ALIGN_BITS) - 1)));
    // SAFETY: `insert` was given a layout of this size and alignment.
    unsafe { Layout::from_size_align_unchecked(entry as u32 as usize, align) }
}
