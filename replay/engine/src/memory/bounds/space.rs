//! An unbounded address space at one moment: blocks, and the gaps between them.
//!
//! Blocks and gaps form one doubly linked list in address order, so that a released block joins its neighbours at once.
//! Gaps are also found by size: small ones in a list for each size, large ones in a tree. The last gap is unbounded.

use std::collections::BTreeSet;

/// A block or a gap, by its index in the pool.
pub(super) type Node = u32;

/// Marks a missing neighbour.
const NONE: Node = Node::MAX;

/// The size of the unbounded gap, of which only a tiny part is ever used.
const ENDLESS: u64 = 1 << 62;

/// Gaps below this size have a list for each size: 64 words of 64 bits have a bit for each list.
const SMALL: u64 = 64 * 64;

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    size: u64,
    below: Node,
    above: Node,
    /// When a block leaves; for a small gap, its index in its list.
    exit_or_index: u32,
    is_gap: bool,
}

/// A gap as a candidate for a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    start: u64,
    size: u64,
    node: Node,
    /// When its neighbours leave. They stay the same as long as the gap does.
    exits: (u32, u32),
}

impl Gap {
    pub(super) fn is_endless(self) -> bool {
        self.size > ENDLESS / 2
    }

    /// The lowest and the highest offset of a block in this gap, or `None` if it does not fit.
    pub(super) fn offsets(self, size: u64, align: u64) -> Option<(u64, u64)> {
        let low = self.start.next_multiple_of(align);
        let high = (self.start + self.size).checked_sub(size)? & !(align - 1);
        (low <= high).then_some((low, high))
    }

    /// When the neighbours below and above leave; a missing neighbour never leaves.
    pub(super) fn neighbour_exits(self) -> (u32, u32) {
        self.exits
    }

    /// Whether a block of this size fills it.
    pub(super) fn is_filled_by(self, size: u64) -> bool {
        self.size == size
    }
}

/// Small gaps in lists, one for each size. A list holds all that is read of a gap that is only considered: most are.
#[derive(Debug)]
struct SmallGaps {
    lists: Vec<Vec<Gap>>,
    /// A bit for each list that is not empty.
    sizes: [u64; 64],
    /// A bit for each word of `sizes` that is not 0.
    words: u64,
}

impl SmallGaps {
    fn new() -> Self {
        SmallGaps { lists: vec![Vec::new(); SMALL as usize], sizes: [0; 64], words: 0 }
    }

    fn clear(&mut self) {
        self.lists.iter_mut().for_each(Vec::clear);
        (self.sizes, self.words) = ([0; 64], 0);
    }

    /// Adds a gap, and returns its index in its list.
    fn insert(&mut self, gap: Gap) -> u32 {
        let (word, bit) = ((gap.size / 64) as usize, gap.size % 64);
        self.sizes[word] |= 1 << bit;
        self.words |= 1 << word;
        let list = &mut self.lists[gap.size as usize];
        list.push(gap);
        (list.len() - 1) as u32
    }

    /// Removes a gap from its list, and returns the gap that takes its index, if any.
    fn remove(&mut self, size: u64, index: u32) -> Option<Node> {
        let list = &mut self.lists[size as usize];
        list.swap_remove(index as usize);
        if list.is_empty() {
            let (word, bit) = ((size / 64) as usize, size % 64);
            self.sizes[word] &= !(1 << bit);
            if self.sizes[word] == 0 {
                self.words &= !(1 << word);
            }
        }
        list.get(index as usize).map(|moved| moved.node)
    }

    /// The gaps of the smallest size from this one on, and that size.
    fn at_least(&self, size: u64) -> Option<(u64, &[Gap])> {
        if size >= SMALL {
            return None;
        }
        let mut word = (size / 64) as usize;
        let mut bits = self.sizes[word] & (u64::MAX << (size % 64));
        if bits == 0 {
            let words = self.words & (u64::MAX << word << 1);
            if words == 0 {
                return None;
            }
            word = words.trailing_zeros() as usize;
            bits = self.sizes[word];
        }
        let size = word as u64 * 64 + u64::from(bits.trailing_zeros());
        Some((size, &self.lists[size as usize]))
    }
}

/// The address space.
#[derive(Debug)]
pub(super) struct Space {
    spans: Vec<Span>,
    unused: Vec<Node>,
    small: SmallGaps,
    /// By size, then by address, without the unbounded gap.
    large: BTreeSet<(u64, u64, Node)>,
    endless: Node,
    top: u64,
}

impl Space {
    pub(super) fn new() -> Self {
        let mut space = Space {
            spans: Vec::new(),
            unused: Vec::new(),
            small: SmallGaps::new(),
            large: BTreeSet::new(),
            endless: NONE,
            top: 0,
        };
        space.clear();
        space
    }

    /// Removes all blocks, but keeps the memory allocated for them.
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.unused.clear();
        self.small.clear();
        self.large.clear();
        self.top = 0;
        self.add_gap(0, ENDLESS, NONE, NONE);
    }

    /// The end of the highest byte used by any block so far.
    pub(super) fn top(&self) -> u64 {
        self.top
    }

    /// The gaps of at least this size, the smallest first and the unbounded one last. Small gaps of one size have no
    /// particular order, but the same in every run.
    pub(super) fn gaps(&self, size: u64) -> impl Iterator<Item = Gap> {
        let mut from = size;
        let lists = std::iter::from_fn(move || {
            let (size, list) = self.small.at_least(from)?;
            from = size + 1;
            Some(list)
        });
        let large = self.large.range((size, 0, 0)..).map(|&(.., node)| self.gap(node));
        lists.flat_map(|list| list.iter().rev().copied()).chain(large).chain(std::iter::once_with(|| self.endless()))
    }

    fn gap(&self, node: Node) -> Gap {
        let Span { start, size, below, above, .. } = self.spans[node as usize];
        Gap { start, size, node, exits: (self.exit(below), self.exit(above)) }
    }

    /// When a block leaves, if it exists.
    fn exit(&self, block: Node) -> u32 {
        self.spans.get(block as usize).map_or(u32::MAX, |span| span.exit_or_index)
    }

    /// The unbounded gap.
    pub(super) fn endless(&self) -> Gap {
        self.gap(self.endless)
    }

    /// Puts a block into a gap, at one of its [`offsets`](Gap::offsets) or between them.
    pub(super) fn put(&mut self, gap: Gap, offset: u64, size: u64, exit: u32) -> Node {
        let Gap { node, start, size: room, .. } = gap;
        let Span { below, above, .. } = self.unlist(node);
        let (end, gap_end) = (offset + size, start + room);
        self.spans[node as usize] = Span { start: offset, size, below, above, exit_or_index: exit, is_gap: false };
        if offset > start {
            self.add_gap(start, offset - start, below, node);
        }
        if gap_end > end {
            self.add_gap(end, gap_end - end, node, above);
        }
        self.top = self.top.max(end);
        node
    }

    /// Removes a block.
    pub(super) fn release(&mut self, block: Node) {
        let Span { mut start, mut size, mut below, mut above, .. } = self.spans[block as usize];
        if let Some(gap) = self.take_gap(below) {
            (start, size, below) = (gap.start, size + gap.size, gap.below);
        }
        if let Some(gap) = self.take_gap(above) {
            (size, above) = (size + gap.size, gap.above);
        }
        self.unused.push(block);
        self.add_gap(start, size, below, above);
    }

    /// Removes a neighbour if it is a gap.
    fn take_gap(&mut self, node: Node) -> Option<Span> {
        self.spans.get(node as usize).filter(|span| span.is_gap)?;
        self.unused.push(node);
        Some(self.unlist(node))
    }

    /// Adds a gap between two blocks, and links it.
    fn add_gap(&mut self, start: u64, size: u64, below: Node, above: Node) {
        let node = self.unused.pop().unwrap_or(self.spans.len() as Node);
        let mut exit_or_index = 0;
        if size < SMALL {
            let exits = (self.exit(below), self.exit(above));
            exit_or_index = self.small.insert(Gap { start, size, node, exits });
        } else if size > ENDLESS / 2 {
            self.endless = node;
        } else {
            self.large.insert((size, start, node));
        }
        let span = Span { start, size, below, above, exit_or_index, is_gap: true };
        match self.spans.get_mut(node as usize) {
            Some(unused) => *unused = span,
            None => self.spans.push(span),
        }
        if let Some(span) = self.spans.get_mut(below as usize) {
            span.above = node;
        }
        if let Some(span) = self.spans.get_mut(above as usize) {
            span.below = node;
        }
    }

    /// Removes a gap from those that are found by size.
    fn unlist(&mut self, node: Node) -> Span {
        let gap = self.spans[node as usize];
        if gap.size < SMALL {
            if let Some(moved) = self.small.remove(gap.size, gap.exit_or_index) {
                self.spans[moved as usize].exit_or_index = gap.exit_or_index;
            }
        } else if node != self.endless {
            self.large.remove(&(gap.size, gap.start, node));
        }
        gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gaps as (start, size), with a size of 0 for the unbounded one.
    fn gaps(space: &Space) -> Vec<(u64, u64)> {
        space.gaps(0).map(|gap| (gap.start, if gap.is_endless() { 0 } else { gap.size })).collect()
    }

    #[test]
    fn a_released_block_joins_adjacent_gaps() {
        let mut space = Space::new();
        let blocks: Vec<Node> = (0..5).map(|block| space.put(space.endless(), block * 10, 10, 9)).collect();
        assert_eq!((gaps(&space), space.top()), (vec![(50, 0)], 50));
        space.release(blocks[1]);
        space.release(blocks[3]);
        // The latest of one size comes first.
        assert_eq!(gaps(&space), [(30, 10), (10, 10), (50, 0)]);
        space.release(blocks[2]);
        assert_eq!(gaps(&space), [(10, 30), (50, 0)]);
        space.release(blocks[4]);
        assert_eq!(gaps(&space), [(10, 0)]);
        space.release(blocks[0]);
        assert_eq!((gaps(&space), space.top()), (vec![(0, 0)], 50));
    }

    #[test]
    fn a_block_leaves_gaps_on_both_sides() {
        let mut space = Space::new();
        let low = space.put(space.endless(), 0, 100, 7);
        space.put(space.endless(), 100, 1, 8);
        space.release(low);
        let gap = space.gaps(30).next().unwrap();
        assert_eq!(gap.offsets(30, 16), Some((0, 64)));
        assert_eq!(gap.offsets(101, 1), None);
        assert_eq!(gap.neighbour_exits(), (u32::MAX, 8));
        space.put(gap, 48, 30, 5);
        assert_eq!(gaps(&space), [(78, 22), (0, 48), (101, 0)]);
        let above = space.gaps(20).next().unwrap();
        assert_eq!((above.offsets(22, 2), above.offsets(22, 4), above.is_filled_by(22)), (Some((78, 78)), None, true));
        assert_eq!(above.neighbour_exits(), (5, 8));
    }

    /// Against a list of blocks, in which a gap is what lies between two of them.
    #[test]
    fn gaps_of_all_sizes_are_found_the_smallest_first_with_the_exits_of_their_neighbours() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut space = Space::new();
        // Offset, size, exit and node of each block, in address order.
        let mut blocks: Vec<(u64, u64, u32, Node)> = Vec::new();
        for exit in 0..2000 {
            let most = if random.u8(..4) == 0 { 3 * SMALL } else { 200 };
            let size = random.u64(1..most);
            let gap = space.gaps(size).next().unwrap();
            let (low, high) = gap.offsets(size, 1).unwrap();
            let offset = if gap.is_endless() { low + random.u64(..2) * SMALL } else { random.u64(low..=high) };
            blocks.push((offset, size, exit, space.put(gap, offset, size, exit)));
            while blocks.len() > 50 {
                space.release(blocks.swap_remove(random.usize(..blocks.len())).3);
            }
            blocks.sort_unstable();
            let mut expected = Vec::new();
            let (mut end, mut below) = (0, u32::MAX);
            for &(offset, size, exit, _) in &blocks {
                if offset > end {
                    expected.push((offset - end, end, (below, exit)));
                }
                (end, below) = (offset + size, exit);
            }
            let least = random.u64(1..2 * SMALL);
            expected.retain(|&(size, ..)| size >= least);
            let mut found: Vec<_> = space.gaps(least).map(|gap| (gap.size, gap.start, gap.neighbour_exits())).collect();
            let (_, start, exits) = found.pop().unwrap();
            assert_eq!((start, exits), (end, (below, u32::MAX)));
            assert!(found.is_sorted_by_key(|&(size, ..)| size));
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    }
}
