//! A walk away from a moment whose blocks are placed: it places every rectangle when it meets it, and never moves it.

use super::instance::{Instance, Rectangle};
use super::space::{Gap, Node, Space};
use crate::limits::{Limits, Stop};

/// The direction of a walk in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Towards the end: births enter and deaths leave.
    Forward,
    /// Towards the beginning: deaths enter and births leave.
    Backward,
}

impl Direction {
    /// The event after which a rectangle is met.
    fn entry(self, rectangle: &Rectangle) -> u32 {
        match self {
            Direction::Forward => rectangle.birth,
            Direction::Backward => rectangle.death - 1,
        }
    }

    /// When a rectangle leaves; increases along the walk.
    fn exit(self, rectangle: &Rectangle) -> u32 {
        match self {
            Direction::Forward => rectangle.death,
            Direction::Backward => u32::MAX - rectangle.birth,
        }
    }
}

/// How to choose a gap for a rectangle: among the gaps that fit best, the one with a neighbour that leaves at nearly
/// the same time, so that they later leave one large gap instead of two small ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// The number of gaps considered, smallest first; 1 is best-fit.
    pub(super) gaps: u32,
    /// Whether a rectangle goes to the end of the gap whose neighbour leaves at the nearer time; otherwise to the lower
    /// end.
    pub(super) next_to_nearest: bool,
}

/// A limit on work, in steps of about 10 ns. Counted in steps so that the outcome does not depend on the machine. The
/// limits of the whole comparison end it too, and then there is no outcome; their progress gets the steps.
pub(super) struct StepBudget<'l> {
    steps: u64,
    spent_steps: u64,
    limits: Limits<'l>,
    unchecked_steps: u64,
    stop: Option<Stop>,
}

/// Steps between two checks of the limits: some milliseconds.
const STEPS_PER_CHECK: u64 = 1 << 18;

impl<'l> StepBudget<'l> {
    pub(super) fn new(steps: u64, limits: Limits<'l>) -> Self {
        StepBudget { steps, spent_steps: 0, limits, unchecked_steps: 0, stop: None }
    }

    pub(super) fn spend(&mut self, steps: u64) {
        self.spent_steps += steps;
        self.unchecked_steps += steps;
        if self.unchecked_steps >= STEPS_PER_CHECK {
            self.check_limits();
        }
    }

    /// Checks the limits now: before work that spends no steps.
    pub(super) fn check_limits(&mut self) {
        self.stop = self.stop.or_else(|| self.limits.check(self.unchecked_steps));
        self.unchecked_steps = 0;
    }

    pub(super) fn is_spent(&self) -> bool {
        self.spent_steps >= self.steps || self.stop.is_some()
    }

    /// The steps spent so far.
    pub(super) fn spent_steps(&self) -> u64 {
        self.spent_steps
    }

    /// The limit that was reached, if any.
    pub(super) fn stop(&self) -> Option<Stop> {
        self.stop
    }
}

/// Steps for a birth or a death, in addition to one for each gap examined.
const STEPS_PER_CHANGE: u64 = 8;

/// Maximum number of gaps examined that are large enough but do not fit the alignment.
const MOST_MISFITS: u32 = 64;

/// The outcome of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// All rectangles are placed.
    Whole {
        /// The end of the highest byte.
        top: u64,
        /// The first event after which a block reached it.
        event: u32,
    },
    /// The limit was reached or the budget spent.
    CutOff {
        /// The event after which that happened.
        event: u32,
    },
}

/// A moment, with the offsets of its blocks.
#[derive(Debug)]
pub(super) struct Start {
    /// The moment is after this event.
    pub(super) event: u32,
    /// Rectangles and their offsets, in address order.
    pub(super) blocks: Vec<(u32, u64)>,
}

/// State shared by all walks: an instance, and working memory of 4 bytes per rectangle.
#[derive(Debug)]
pub(super) struct Walker<'i> {
    instance: &'i Instance,
    space: Space,
    /// The node of each rectangle in the space.
    nodes: Vec<Node>,
}

impl<'i> Walker<'i> {
    pub(super) fn new(instance: &'i Instance) -> Self {
        Walker { instance, space: Space::new(), nodes: vec![0; instance.rectangles().len()] }
    }

    /// Walks from `start`, and passes every chosen offset to `place`. Ends early if a block would end at `limit` or
    /// above, or if the budget is spent; the steps of the budget do not end a walk without a limit (`u64::MAX`).
    pub(super) fn walk(
        &mut self,
        start: &Start,
        direction: Direction,
        policy: Policy,
        limit: u64,
        budget: &mut StepBudget<'_>,
        mut place: impl FnMut(usize, u64),
    ) -> Walk {
        let instance = self.instance;
        self.space.clear();
        for &(rectangle, offset) in &start.blocks {
            let rectangle = rectangle as usize;
            let object = &instance.rectangles()[rectangle];
            let exit = direction.exit(object);
            self.nodes[rectangle] = self.space.put(self.space.endless(), offset, object.size_bytes.into(), exit);
            budget.spend(STEPS_PER_CHANGE);
            if budget.stop().is_some() {
                return Walk::CutOff { event: start.event };
            }
        }
        let mut event = start.event;
        if self.space.top() >= limit {
            return Walk::CutOff { event };
        }
        let after = instance.changes().partition_point(|&change| instance.event_of(change) <= start.event);
        let (before, after) = instance.changes().split_at(after);
        let mut forward = after.iter();
        let mut backward = before.iter().rev();
        let next = || match direction {
            Direction::Forward => forward.next().map(|&change| (change, change.is_birth())),
            Direction::Backward => backward.next().map(|&change| (change, !change.is_birth())),
        };
        for (change, enters) in std::iter::from_fn(next) {
            budget.spend(STEPS_PER_CHANGE);
            let rectangle = change.rectangle();
            if !enters {
                self.space.release(self.nodes[rectangle]);
                continue;
            }
            let object = &instance.rectangles()[rectangle];
            let exit = direction.exit(object);
            let now = direction.entry(object);
            let before = self.space.top();
            let (gap, offset) = self.choose(object, exit, policy, budget);
            self.nodes[rectangle] = self.space.put(gap, offset, object.size_bytes.into(), exit);
            place(rectangle, offset);
            if self.space.top() > before {
                event = now;
            }
            let is_over = self.space.top() >= limit || budget.is_spent();
            if (limit < u64::MAX && is_over) || budget.stop().is_some() {
                return Walk::CutOff { event: now };
            }
        }
        Walk::Whole { top: self.space.top(), event }
    }

    fn choose(&self, object: &Rectangle, exit: u32, policy: Policy, budget: &mut StepBudget<'_>) -> (Gap, u64) {
        let (size, align) = (u64::from(object.size_bytes), object.align_bytes());
        let (mut looked_at, mut fitting, mut best) = (0, 0, None);
        for gap in self.space.gaps(size) {
            if gap.is_endless() || fitting == policy.gaps || looked_at == policy.gaps + MOST_MISFITS {
                break;
            }
            looked_at += 1;
            if gap.offsets(size, align).is_none() {
                continue;
            }
            fitting += 1;
            let (below, above) = gap.neighbour_exits();
            let apart = below.abs_diff(exit).min(above.abs_diff(exit));
            // Filling a gap removes it, which outweighs a neighbour that leaves at another time.
            let badness = if gap.is_filled_by(size) { apart / 4 } else { apart };
            if best.is_none_or(|(least, _)| badness < least) {
                best = Some((badness, gap));
            }
        }
        budget.spend(looked_at.into());
        // With that much extra room, it fits at any start address.
        let gap = best.map(|(_, gap)| gap).or_else(|| self.space.gaps(size + align - 1).next());
        let gap = gap.unwrap_or_else(|| self.space.endless());
        let (low, high) = gap.offsets(size, align).expect("the gap fits");
        let (below, above) = gap.neighbour_exits();
        let at_high_end = policy.next_to_nearest && !gap.is_endless() && above.abs_diff(exit) < below.abs_diff(exit);
        (gap, if at_high_end { high } else { low })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::bounds::tests::instance;

    const BEST_FIT: Policy = Policy { gaps: 1, next_to_nearest: false };

    /// The outcome of a walk over the whole trace, and the offsets.
    fn walk(lines: &str, direction: Direction, policy: Policy, limit: u64, steps: u64) -> (Walk, Vec<u64>) {
        let instance = instance(lines);
        let mut offsets = vec![u64::MAX; instance.rectangles().len()];
        let event = if direction == Direction::Forward { 0 } else { u32::MAX };
        let start = Start { event, blocks: Vec::new() };
        let place = |rectangle: usize, offset| offsets[rectangle] = offset;
        let walk = Walker::new(&instance).walk(
            &start,
            direction,
            policy,
            limit,
            &mut StepBudget::new(steps, Limits::NONE),
            place,
        );
        (walk, offsets)
    }

    const LINES: &str = "\
alloc,1,10,1\nalloc,2,20,1\nalloc,3,10,1\nalloc,4,8,1\ndealloc,2\ndealloc,3\nalloc,5,9,1\ndealloc,1\ndealloc,5\ndealloc,4\n";

    #[test]
    fn both_directions_place_everything() {
        let (forward, offsets) = walk(LINES, Direction::Forward, BEST_FIT, u64::MAX, 1);
        assert_eq!((forward, offsets), (Walk::Whole { top: 48, event: 4 }, vec![0, 10, 30, 40, 10]));
        // From the end, 4 comes first, then 5 and 1; then 3 and 2 after 5 has left.
        let (backward, offsets) = walk(LINES, Direction::Backward, BEST_FIT, u64::MAX, 1);
        assert_eq!((backward, offsets), (Walk::Whole { top: 57, event: 4 }, vec![17, 37, 27, 0, 8]));
    }

    #[test]
    fn a_walk_ends_at_its_limit_or_with_its_budget() {
        let cut_off = |event| Walk::CutOff { event };
        assert_eq!(walk(LINES, Direction::Forward, BEST_FIT, 49, 1 << 20).0, Walk::Whole { top: 48, event: 4 });
        assert_eq!(walk(LINES, Direction::Forward, BEST_FIT, 48, 1 << 20).0, cut_off(4));
        assert_eq!(walk(LINES, Direction::Forward, BEST_FIT, 49, 3 * STEPS_PER_CHANGE).0, cut_off(3));
    }

    #[test]
    fn blocks_that_leave_together_are_placed_together() {
        // Gaps of 10 bytes at 0, 20 and 40, below blocks that leave after events 12, 13 and 14.
        let blocks = "alloc,1,10,1\nalloc,2,10,1\nalloc,3,10,1\nalloc,4,10,1\nalloc,5,10,1\nalloc,6,10,1\n";
        let lines = format!("{blocks}dealloc,5\ndealloc,3\ndealloc,1\nalloc,7,4,1\nalloc,8,4,1\n")
            + "dealloc,2\ndealloc,4\ndealloc,6\ndealloc,7\ndealloc,8\n";
        let place = |gaps, next_to_nearest| {
            walk(&lines, Direction::Forward, Policy { gaps, next_to_nearest }, u64::MAX, 1).1[6..].to_vec()
        };
        // Best-fit takes the latest of the three, and then the rest of it.
        assert_eq!(place(1, false), [0, 4]);
        // 7 leaves after 15, closest to the highest block: it goes below it, at the upper end.
        assert_eq!(place(8, true), [46, 42]);
        assert_eq!(place(8, false), [40, 44]);
    }
}
