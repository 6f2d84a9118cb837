//! The places of live blocks, and what is wrong with them.

use core::alloc::Layout;
use std::collections::BTreeMap;

use crate::violation::Violation;

/// Where the live blocks lie, with a value for each: it finds every block that is outside its heap, not aligned, or
/// shares a byte with another one, from addresses alone. No memory is accessed.
#[derive(Clone, Debug)]
pub struct Places<T> {
    base: usize,
    /// By address; no two share a byte.
    live: BTreeMap<usize, (Layout, T)>,
}

impl<T> Places<T> {
    /// No blocks yet, in a heap that begins at this address.
    pub fn new(base: usize) -> Self {
        Places { base, live: BTreeMap::new() }
    }

    /// Checks the place of a block that is not live yet, in a heap of `committed_bytes` bytes.
    ///
    /// # Errors
    ///
    /// The first violation found.
    pub fn check(&self, start: usize, layout: Layout, committed_bytes: usize) -> Result<(), Violation> {
        let (offset, bytes) = (self.offset(start), layout.size());
        let end = start.checked_sub(self.base).and_then(|offset| offset.checked_add(bytes));
        if end.is_none_or(|end| end > committed_bytes) {
            return Err(Violation::OutsideHeap { offset, bytes, committed_bytes });
        }
        if !start.is_multiple_of(layout.align()) {
            return Err(Violation::Misaligned { offset, align: layout.align() });
        }
        // Live blocks are disjoint, so only the last one that begins before this block's end can overlap it, whether it
        // overlaps the start, from within or by enclosing it.
        if let Some((&other, (known, _))) = self.live.range(..start + bytes).next_back()
            && other + known.size() > start
        {
            let (other_offset, other_bytes) = (self.offset(other), known.size());
            return Err(Violation::Overlap { offset, bytes, other_offset, other_bytes });
        }
        Ok(())
    }

    /// Makes a block live. Its place has been [checked](Self::check).
    pub fn insert(&mut self, start: usize, layout: Layout, value: T) {
        self.live.insert(start, (layout, value));
    }

    /// The live block that begins here.
    pub fn get(&self, start: usize) -> Option<&(Layout, T)> {
        self.live.get(&start)
    }

    /// Removes the live block that begins here.
    pub fn remove(&mut self, start: usize) -> Option<(Layout, T)> {
        self.live.remove(&start)
    }

    /// The addresses of all live blocks, in order.
    pub fn addresses(&self) -> impl Iterator<Item = usize> + '_ {
        self.live.keys().copied()
    }

    /// An address as an offset from the heap's base.
    pub fn offset(&self, address: usize) -> isize {
        address.wrapping_sub(self.base).cast_signed()
    }
}
