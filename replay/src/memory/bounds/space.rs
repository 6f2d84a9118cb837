//! An unbounded address space at one moment: blocks, and the gaps between them.
//!
//! Blocks and gaps form one doubly linked list in address order, so that a released block joins its neighbours at once;
//! gaps are also in a tree by size. The last gap is unbounded.

use std::collections::BTreeSet;

/// A block or a gap, by its index in the pool.
pub(super) type Node = u32;

/// Marks a missing neighbour.
const NONE: Node = Node::MAX;

/// The size of the unbounded gap, of which only a tiny part is ever used.
const ENDLESS: u64 = 1 << 62;

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    size: u64,
    below: Node,
    above: Node,
    /// When a block leaves; meaningless for a gap.
    exit: u32,
    is_gap: bool,
}

/// A gap as a candidate for a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    node: Node,
    start: u64,
    size: u64,
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

    /// Whether a block of this size fills it.
    pub(super) fn is_filled_by(self, size: u64) -> bool {
        self.size == size
    }
}

/// The address space.
#[derive(Debug)]
pub(super) struct Space {
    spans: Vec<Span>,
    unused: Vec<Node>,
    /// By size, then by address.
    gaps: BTreeSet<(u64, u64, Node)>,
    top: u64,
}

impl Space {
    pub(super) fn new() -> Self {
        let mut space = Space { spans: Vec::new(), unused: Vec::new(), gaps: BTreeSet::new(), top: 0 };
        space.clear();
        space
    }

    /// Removes all blocks, but keeps the memory allocated for them.
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.unused.clear();
        self.gaps.clear();
        self.top = 0;
        self.add_gap(0, ENDLESS, NONE, NONE);
    }

    /// The end of the highest byte used by any block so far.
    pub(super) fn top(&self) -> u64 {
        self.top
    }

    /// The gaps of at least this size, the smallest first, and the lowest first among equals.
    pub(super) fn gaps(&self, size: u64) -> impl Iterator<Item = Gap> {
        self.gaps.range((size, 0, 0)..).map(|&(size, start, node)| Gap { node, start, size })
    }

    /// The unbounded gap.
    pub(super) fn endless(&self) -> Gap {
        let &(size, start, node) = self.gaps.last().expect("the unbounded gap is never used up");
        Gap { node, start, size }
    }

    /// When the neighbours below and above a gap leave; a missing neighbour never leaves.
    pub(super) fn neighbour_exits(&self, gap: Gap) -> (u32, u32) {
        let span = &self.spans[gap.node as usize];
        let exit = |node: Node| self.spans.get(node as usize).map_or(u32::MAX, |span| span.exit);
        (exit(span.below), exit(span.above))
    }

    /// Puts a block into a gap, at one of its [`offsets`](Gap::offsets) or between them.
    pub(super) fn put(&mut self, gap: Gap, offset: u64, size: u64, exit: u32) -> Node {
        let Gap { node, start, size: room } = gap;
        self.gaps.remove(&(room, start, node));
        let Span { below, above, .. } = self.spans[node as usize];
        let (end, gap_end) = (offset + size, start + room);
        let below = if offset > start { self.add_gap(start, offset - start, below, node) } else { below };
        let above = if gap_end > end { self.add_gap(end, gap_end - end, node, above) } else { above };
        self.spans[node as usize] = Span { start: offset, size, below, above, exit, is_gap: false };
        self.top = self.top.max(end);
        node
    }

    /// Removes a block.
    pub(super) fn release(&mut self, block: Node) {
        let Span { mut start, mut size, mut below, mut above, .. } = self.spans[block as usize];
        if let Some(gap) = self.gap_at(below) {
            (start, size, below) = (gap.start, size + gap.size, gap.below);
        }
        if let Some(gap) = self.gap_at(above) {
            (size, above) = (size + gap.size, gap.above);
        }
        self.unused.push(block);
        self.add_gap(start, size, below, above);
    }

    /// Removes a neighbour if it is a gap.
    fn gap_at(&mut self, node: Node) -> Option<Span> {
        let span = *self.spans.get(node as usize).filter(|span| span.is_gap)?;
        self.gaps.remove(&(span.size, span.start, node));
        self.unused.push(node);
        Some(span)
    }

    /// Adds a gap between two neighbours, and links it.
    fn add_gap(&mut self, start: u64, size: u64, below: Node, above: Node) -> Node {
        let span = Span { start, size, below, above, exit: 0, is_gap: true };
        let node = match self.unused.pop() {
            Some(node) => {
                self.spans[node as usize] = span;
                node
            }
            None => {
                self.spans.push(span);
                (self.spans.len() - 1) as Node
            }
        };
        if let Some(span) = self.spans.get_mut(below as usize) {
            span.above = node;
        }
        if let Some(span) = self.spans.get_mut(above as usize) {
            span.below = node;
        }
        self.gaps.insert((size, start, node));
        node
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
        assert_eq!(gaps(&space), [(10, 10), (30, 10), (50, 0)]);
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
        assert_eq!(space.neighbour_exits(gap), (u32::MAX, 8));
        space.put(gap, 48, 30, 5);
        assert_eq!(gaps(&space), [(78, 22), (0, 48), (101, 0)]);
        let above = space.gaps(20).next().unwrap();
        assert_eq!((above.offsets(22, 2), above.offsets(22, 4), above.is_filled_by(22)), (Some((78, 78)), None, true));
        assert_eq!(space.neighbour_exits(above), (5, 8));
    }
}
