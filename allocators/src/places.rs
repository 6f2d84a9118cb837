//! The places of live blocks, and what is wrong with them.

mod blocks;

use core::alloc::Layout;

use crate::violation::Violation;
use blocks::Blocks;

/// Where the live blocks lie, with a value for each: it finds every block that is outside its heap, not aligned, or
/// shares a byte with another one, from addresses alone. No memory is accessed.
///
/// The time of a call does not depend on the number of live blocks, and memory follows their number, not the heap's
/// size.
#[derive(Clone, Debug)]
pub struct Places<T> {
    base: usize,
    /// By offset from the base; no two share a byte.
    live: Blocks<T>,
}

impl<T: Copy> Places<T> {
    /// No blocks yet, in a heap that begins at this address.
    pub fn new(base: usize) -> Self {
        Places { base, live: Blocks::new() }
    }

    /// Checks the place of a block that is not live yet, in a heap of `committed_bytes` bytes.
    ///
    /// # Errors
    ///
    /// The first violation found.
    pub fn check(&self, start: usize, layout: Layout, committed_bytes: usize) -> Result<(), Violation> {
        let (offset, bytes) = (self.offset(start), layout.size());
        let end = start.checked_sub(self.base).and_then(|offset| offset.checked_add(bytes));
        let Some(end) = end.filter(|&end| end <= committed_bytes) else {
            return Err(Violation::OutsideHeap { offset, bytes, committed_bytes });
        };
        if !start.is_multiple_of(layout.align()) {
            return Err(Violation::Misaligned { offset, align: layout.align() });
        }
        // Live blocks are disjoint, so only the last one that begins before this block's end can overlap it, whether it
        // overlaps the start, from within or by enclosing it.
        if let Some((other, other_bytes)) = self.live.last_before(end)
            && other + other_bytes > end - bytes
        {
            return Err(Violation::Overlap { offset, bytes, other_offset: other.cast_signed(), other_bytes });
        }
        Ok(())
    }

    /// Makes a block live. Its place has been [checked](Self::check).
    pub fn insert(&mut self, start: usize, layout: Layout, value: T) {
        self.live.insert(self.key(start), layout, value);
    }

    /// The live block that begins here.
    pub fn get(&self, start: usize) -> Option<(Layout, T)> {
        self.live.get(self.key(start))
    }

    /// Removes the live block that begins here.
    pub fn remove(&mut self, start: usize) -> Option<(Layout, T)> {
        self.live.remove(self.key(start))
    }

    /// The addresses of all live blocks, in order.
    pub fn addresses(&self) -> impl Iterator<Item = usize> + '_ {
        self.live.offsets().map(|offset| self.base + offset)
    }

    /// An address as an offset from the heap's base.
    pub fn offset(&self, address: usize) -> isize {
        self.key(address).cast_signed()
    }

    fn key(&self, address: usize) -> usize {
        address.wrapping_sub(self.base)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// The same as [`Places`], by a tree.
    #[derive(Default)]
    struct Model(BTreeMap<usize, (Layout, u64)>);

    impl Model {
        fn overlaps(&self, start: usize, layout: Layout) -> Option<(usize, usize)> {
            let end = start + layout.size();
            let (&other, &(known, _)) = self.0.range(..end).next_back()?;
            (other + known.size() > start).then_some((other, known.size()))
        }
    }

    #[derive(Clone, Debug)]
    enum Op {
        Place { start: usize, bytes: usize, align: usize },
        Remove { which: usize },
    }

    /// Offsets that are crowded, near the borders of lines and pages of the structure, far apart, and very far.
    fn starts() -> impl Strategy<Value = usize> {
        prop_oneof![
            6 => 0usize..600,
            3 => (1usize..6, 0usize..40).prop_map(|(page, offset)| page * 8192 + offset - 20),
            2 => 0usize..200_000,
            1 => 0usize..1 << 50,
        ]
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let sizes = prop_oneof![8 => 1usize..40, 3 => 1usize..300, 2 => 8000usize..40_000, 1 => 1usize..1 << 40];
        let place = (starts(), sizes, 0u32..4, any::<bool>()).prop_map(|(start, bytes, align, is_aligned)| {
            let align = 1 << align;
            Op::Place { start: if is_aligned { start & !(align - 1) } else { start }, bytes, align }
        });
        let op = prop_oneof![5 => place, 3 => any::<usize>().prop_map(|which| Op::Remove { which })];
        prop::collection::vec(op, 1..400)
    }

    proptest! {
        #[test]
        fn random_blocks_are_found_where_a_tree_finds_them(ops in ops(), base in prop_oneof![Just(0), Just(1usize << 32)]) {
            let (mut places, mut model) = (Places::new(base), Model::default());
            for (number, op) in (0..).zip(ops) {
                match op {
                    Op::Place { start, bytes, align } => {
                        let layout = Layout::from_size_align(bytes, align).unwrap();
                        let found = places.check(base + start, layout, usize::MAX / 2);
                        if !start.is_multiple_of(align) {
                            prop_assert_eq!(found, Err(Violation::Misaligned { offset: start.cast_signed(), align }));
                        } else if let Some((other, other_bytes)) = model.overlaps(start, layout) {
                            let (offset, other_offset) = (start.cast_signed(), other.cast_signed());
                            prop_assert_eq!(found, Err(Violation::Overlap { offset, bytes, other_offset, other_bytes }));
                        } else {
                            prop_assert_eq!(found, Ok(()));
                            places.insert(base + start, layout, number);
                            model.0.insert(start, (layout, number));
                        }
                        prop_assert_eq!(places.get(base + start), model.0.get(&start).copied());
                    }
                    Op::Remove { which } => {
                        let Some(&start) = model.0.keys().nth(which % model.0.len().max(1)) else { continue };
                        prop_assert_eq!(places.remove(base + start), model.0.remove(&start));
                        prop_assert_eq!(places.remove(base + start), None);
                    }
                }
            }
            prop_assert!(places.addresses().eq(model.0.keys().map(|start| base + start)));
        }
    }

    #[test]
    fn blocks_of_a_byte_can_lie_side_by_side() {
        let byte = Layout::new::<u8>();
        let mut places = Places::new(0);
        // Every second byte, from the end to the beginning, then those in between.
        for start in (0..20_000).rev().step_by(2).chain((0..20_000).step_by(2)) {
            assert_eq!(places.check(start, byte, 20_000), Ok(()));
            places.insert(start, byte, start);
        }
        for start in 0..20_000 {
            let overlap =
                Violation::Overlap { offset: start as isize, bytes: 1, other_offset: start as isize, other_bytes: 1 };
            assert_eq!(places.check(start, byte, 20_000), Err(overlap));
            assert_eq!(places.get(start), Some((byte, start)));
        }
        assert!(places.addresses().eq(0..20_000));
    }
}
