//! The clairvoyant placement: where an allocator would put every object if it knew when each one dies.
//!
//! Placing rectangles with given lifetimes so that their highest end, the makespan, is minimal is NP-hard (Garey and
//! Johnson 1979, problem SR2). This is a heuristic in three steps.
//!
//! 1. Take a moment, at first that of most live bytes, and place the live objects without gaps, in some order.
//! 2. Walk away from it in both directions. Once the blocks of a moment are placed, the future and the past are
//!    independent: nothing born after the moment overlaps anything that died before it. Each walk places what it meets
//!    in a gap that fits well, next to a block that leaves at nearly the same time. That time is known: forwards it is
//!    the death, backwards the birth.
//! 3. Repeat for several orders and policies, keep the best, and once a few orders in a row gain nothing, continue with
//!    the moment at which it was highest, or at which the others failed: whatever was hard to place then comes first.
//!    If no such moment is new, the peaks of other stretches of the trace follow.
//!
//! The order decides how the heap falls apart: ordered by death, the forward walk leaves one growing gap and the
//! backward walk many; ordered by birth it is the reverse. So there are orders in between: groups by one key, and
//! within each group by the other. A few groups are large enough to leave room for what comes next, and few enough not
//! to waste much.
//!
//! Walks that cannot beat the best so far are cut off. Everything ends once the best is close to a lower
//! bound (`least.rs`), or gains nothing any more, or a budget is spent, counted in steps instead of time. The
//! placement is therefore the same on every machine, and the work is bounded: n·log n for one walk, and as many walks
//! as the budget allows, at least two.
//!
//! Its weakness: many objects of many sizes that replace each other one by one while the heap is full, in no particular
//! order (a cache). No moment exists from which such a heap falls apart neatly.

use super::instance::Instance;
use super::least::Least;
use super::sweep::{Direction, Policy, Start, StepBudget, Walk, Walker};
use crate::limits::{Limits, Stop};

/// Steps per rectangle: about fifty walks that are not cut off.
const STEPS_PER_RECTANGLE: u64 = 2000;

/// Maximum steps in total: about two seconds on one core. Three times as many gain nothing on the traces of the library.
const MOST_STEPS: u64 = 200_000_000;

/// The search ends after this many steps per rectangle without a gain.
const STEPS_WITHOUT_GAIN_PER_RECTANGLE: u64 = 400;

/// The next moment follows after this many orders without a gain.
const ORDERS_WITHOUT_GAIN: u32 = 4;

/// A placement that is better by less than this fraction (1/8192) is no gain.
const GAIN: u64 = 8192;

/// Maximum number of moments tried.
const MOST_MOMENTS: usize = 24;

/// Stretches of a trace whose peaks are tried when no moment stands out any more.
const STRETCHES: usize = 16;

/// A placement is good enough if it exceeds the lower bound by at most this fraction (1/1024).
const GOOD_ENOUGH: u64 = 1024;

/// The most steps of a search for this number of rectangles, unless two walks take more.
pub(super) fn most_steps(rectangles: u64) -> u64 {
    (STEPS_PER_RECTANGLE * rectangles).min(MOST_STEPS)
}

const POLICIES: [Policy; 5] = [
    Policy { gaps: 8, next_to_nearest: true },
    Policy { gaps: 64, next_to_nearest: true },
    Policy { gaps: 1, next_to_nearest: false },
    Policy { gaps: 1, next_to_nearest: true },
    Policy { gaps: 512, next_to_nearest: true },
];

/// The order of the blocks of a moment, from the lowest address up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Order {
    /// The key of the groups, lowest first; each group is sorted by the other key.
    groups_by: Key,
    groups: usize,
    /// Whether sizes that are not a multiple of 8 come last in their group: placed together, most of them need no
    /// padding.
    odd_sizes_last: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// Earliest birth lowest.
    Birth,
    /// Latest death lowest.
    Death,
}

/// The numbers of groups, and whether odd sizes come last: each is tried with both keys.
const GROUPS: [(usize, bool); 10] = [
    (8, false),
    (1, false),
    (8, true),
    (1, true),
    (24, false),
    (24, true),
    (3, false),
    (3, true),
    (64, false),
    (64, true),
];

/// All orders, the most promising first.
fn orders() -> impl Iterator<Item = Order> {
    GROUPS.into_iter().flat_map(|(groups, odd_sizes_last)| {
        [Key::Birth, Key::Death].map(|groups_by| Order { groups_by, groups, odd_sizes_last })
    })
}

/// Offsets for the rectangles of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The offset of each rectangle in bytes, in their order; a multiple of its alignment.
    pub offsets: Vec<u64>,
    /// The end of the highest byte: no address at or above it is ever used.
    pub makespan_bytes: u64,
}

impl Placement {
    /// Places an instance.
    ///
    /// ```
    /// use heaprace_engine::{Program, memory::bounds::{Instance, Placement}};
    ///
    /// // Two large objects follow each other below a small one, which does not fit between them.
    /// let text = "op,id,size,align\nalloc,1,1000,8\nalloc,2,24,8\ndealloc,1\nalloc,3,1008,8\n";
    /// let program = Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")?)?;
    /// let placement = Placement::of(&Instance::of(&program)?);
    /// assert_eq!(placement.makespan_bytes, 1032);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(instance: &Instance) -> Self {
        Self::within(instance, Limits::NONE).expect("there are no limits")
    }

    /// Places an instance, unless a limit is reached: where that happens depends on the machine, so there is no placement
    /// then.
    ///
    /// # Errors
    ///
    /// The limit.
    pub fn within(instance: &Instance, limits: Limits<'_>) -> Result<Self, Stop> {
        Search::new(instance, most_steps(instance.rectangles().len() as u64), limits).run()
    }
}

/// A start and two walks.
#[derive(Clone, Copy, Debug)]
struct Packing {
    moment: u32,
    order: Order,
    forward: Policy,
    backward: Policy,
    makespan: u64,
    /// The first event after which a block reached the top.
    top_event: u32,
}

/// The best walk in one direction.
struct Half {
    policy: Policy,
    top: u64,
    event: u32,
}

struct Search<'i> {
    instance: &'i Instance,
    walker: Walker<'i>,
    budget: StepBudget<'i>,
    limits: Limits<'i>,
    /// Placements up to here are good enough.
    enough: u64,
    best: Option<Packing>,
    /// The steps that were spent when the last gain was made.
    steps_at_gain: u64,
    /// The event at which the walk that got farthest from the current moment was cut off.
    stuck: Option<u32>,
    /// The offsets of the last walks.
    offsets: Vec<u64>,
    last: LastWalks,
}

/// The walks that the recorded offsets are from, as far as they are whole: all begin at one moment, with one order.
struct LastWalks {
    start: Option<(u32, Order)>,
    forward: Option<Policy>,
    backward: Option<Policy>,
}

impl LastWalks {
    fn policy(&mut self, direction: Direction) -> &mut Option<Policy> {
        match direction {
            Direction::Forward => &mut self.forward,
            Direction::Backward => &mut self.backward,
        }
    }
}

impl<'i> Search<'i> {
    fn new(instance: &'i Instance, steps: u64, limits: Limits<'i>) -> Self {
        Search {
            instance,
            walker: Walker::new(instance),
            budget: StepBudget::new(steps, limits),
            limits,
            enough: 0,
            best: None,
            steps_at_gain: 0,
            stuck: None,
            offsets: vec![0; instance.rectangles().len()],
            last: LastWalks { start: None, forward: None, backward: None },
        }
    }

    fn run(mut self) -> Result<Placement, Stop> {
        let Least { makespan_bytes: least, event: mut moment } = Least::of(self.instance, self.limits)?;
        self.enough = least + least / GOOD_ENOUGH;
        let instance = self.instance;
        let mut others = std::iter::once_with(|| peaks(instance)).flatten();
        let mut moments = Vec::new();
        let plan = loop {
            moments.push(moment);
            self.try_orders(moment);
            if let Some(stop) = self.budget.stop() {
                return Err(stop);
            }
            let plan = self.best.expect("the first walks have no limit");
            if self.is_over() || moments.len() == MOST_MOMENTS {
                break plan;
            }
            let hard = [Some(plan.top_event), self.stuck].into_iter().flatten();
            match hard.chain(others.by_ref()).find(|next| !moments.contains(next)) {
                Some(next) => moment = next,
                None => break plan,
            }
        };
        self.carry_out(&plan);
        let Search { budget, offsets, .. } = self;
        budget.stop().map_or(Ok(Placement { offsets, makespan_bytes: plan.makespan }), Err)
    }

    fn is_over(&self) -> bool {
        let patience = STEPS_WITHOUT_GAIN_PER_RECTANGLE * self.instance.rectangles().len() as u64;
        self.budget.is_spent()
            || self.limit() <= self.enough
            || self.budget.spent_steps() > self.steps_at_gain + patience
    }

    /// A plan is better if it ends below this.
    fn limit(&self) -> u64 {
        self.best.map_or(u64::MAX, |best| best.makespan)
    }

    fn try_orders(&mut self, moment: u32) {
        self.stuck = None;
        self.budget.spend(self.instance.rectangles().len() as u64);
        let mut without_gain = 0;
        for order in orders() {
            let before = self.limit();
            self.try_order(moment, order);
            self.budget.check_limits();
            if self.limit() <= before - before / GAIN {
                without_gain = 0;
                self.steps_at_gain = self.budget.spent_steps();
            } else {
                without_gain += 1;
            }
            if without_gain == ORDERS_WITHOUT_GAIN || self.is_over() {
                break;
            }
        }
    }

    fn try_order(&mut self, moment: u32, order: Order) -> Option<()> {
        let start = self.start(moment, order);
        let bottom = start
            .blocks
            .last()
            .map_or(0, |&(last, offset)| offset + u64::from(self.instance.rectangles()[last as usize].size_bytes));
        let forward = self.walk(&start, Direction::Forward, bottom)?;
        let backward = self.walk(&start, Direction::Backward, forward.top)?;
        let higher = if backward.top > forward.top { &backward } else { &forward };
        let (makespan, top_event) = (higher.top, higher.event);
        self.best =
            Some(Packing { moment, order, forward: forward.policy, backward: backward.policy, makespan, top_event });
        Some(())
    }

    /// The live objects of a moment, placed in this order.
    fn start(&mut self, moment: u32, order: Order) -> Start {
        self.last = LastWalks { start: Some((moment, order)), forward: None, backward: None };
        start(self.instance, moment, order, &mut self.budget)
    }

    /// The best walk in one direction that stays below the best plan; `None` if there is none. A walk that ends at
    /// `bottom` suffices, and one that is good enough.
    fn walk(&mut self, start: &Start, direction: Direction, bottom: u64) -> Option<Half> {
        let enough = bottom.max(self.enough);
        let mut best: Option<Half> = None;
        for policy in POLICIES {
            let limit = best.as_ref().map_or(self.limit(), |half| half.top);
            match self.walk_once(start, direction, policy, limit) {
                Walk::Whole { top, event } => best = Some(Half { policy, top, event }),
                Walk::CutOff { event } => {
                    let farther = |stuck: u32| event.abs_diff(start.event) > stuck.abs_diff(start.event);
                    if best.is_none() && self.stuck.is_none_or(farther) {
                        self.stuck = Some(event);
                    }
                }
            }
            if best.as_ref().is_some_and(|half| half.top <= enough) || self.budget.stop().is_some() {
                break;
            }
        }
        best
    }

    fn walk_once(&mut self, start: &Start, direction: Direction, policy: Policy, limit: u64) -> Walk {
        let place = |rectangle: usize, offset| self.offsets[rectangle] = offset;
        let walk = self.walker.walk(start, direction, policy, limit, &mut self.budget, place);
        *self.last.policy(direction) = matches!(walk, Walk::Whole { .. }).then_some(policy);
        walk
    }

    /// Records the offsets of the planned walks: repeats those that are not the last ones.
    fn carry_out(&mut self, plan: &Packing) {
        let is_last = self.last.start == Some((plan.moment, plan.order));
        let start = if is_last {
            start(self.instance, plan.moment, plan.order, &mut self.budget)
        } else {
            self.start(plan.moment, plan.order)
        };
        for &(rectangle, offset) in &start.blocks {
            self.offsets[rectangle as usize] = offset;
        }
        for (direction, policy) in [(Direction::Forward, plan.forward), (Direction::Backward, plan.backward)] {
            if *self.last.policy(direction) != Some(policy) {
                self.walk_once(&start, direction, policy, u64::MAX);
            }
        }
    }
}

/// The moments of most live bytes of some stretches of the trace, the highest first.
fn peaks(instance: &Instance) -> impl Iterator<Item = u32> + use<> {
    let stretch = instance.changes().len().div_ceil(STRETCHES).max(1);
    let mut live = 0_u64;
    let mut peaks: Vec<(u64, u32)> = Vec::new();
    for changes in instance.changes().chunks(stretch) {
        let mut peak = (0, 0);
        for &change in changes {
            let bytes = u64::from(instance.rectangles()[change.rectangle()].size_bytes);
            live = if change.is_birth() { live + bytes } else { live - bytes };
            if change.is_birth() && live > peak.0 {
                peak = (live, instance.event_of(change));
            }
        }
        peaks.push(peak);
    }
    peaks.sort_by_key(|&(live, _)| std::cmp::Reverse(live));
    peaks.into_iter().map(|(_, event)| event)
}

/// The objects that live after this event, placed in this order from offset 0 up.
fn start(instance: &Instance, event: u32, order: Order, budget: &mut StepBudget<'_>) -> Start {
    let objects = instance.rectangles();
    let mut live: Vec<u32> =
        (0..objects.len() as u32).filter(|&index| objects[index as usize].lives_after(event)).collect();
    // The larger the key, the higher the address; for a death it is the distance from the end of time.
    let key = |key: Key, index: u32| match key {
        Key::Birth => objects[index as usize].birth,
        Key::Death => u32::MAX - objects[index as usize].death,
    };
    let (outer, inner) = match order.groups_by {
        Key::Birth => (Key::Birth, Key::Death),
        Key::Death => (Key::Death, Key::Birth),
    };
    let is_last = |index: u32| order.odd_sizes_last && !objects[index as usize].size_bytes.is_multiple_of(8);
    let group = live.len().div_ceil(order.groups).max(1);
    live.sort_by_key(|&index| key(outer, index));
    for group in live.chunks_mut(group) {
        group.sort_by_key(|&index| (is_last(index), key(inner, index)));
        // At millions of live objects, sorting takes seconds. No walk begins once a limit is reached.
        budget.check_limits();
        if budget.stop().is_some() {
            break;
        }
    }
    let mut top = 0;
    let blocks = live.into_iter().map(|one| {
        let object = &objects[one as usize];
        let offset = u64::next_multiple_of(top, object.align_bytes());
        top = offset + u64::from(object.size_bytes);
        (one, offset)
    });
    Start { event, blocks: blocks.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::bounds::playback::verify;
    use crate::memory::bounds::tests::{instance, program};

    /// A trace that no order or policy packs without gaps.
    fn random(objects: u64, seed: u64) -> String {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut live = Vec::new();
        let mut lines = String::new();
        for id in 0..objects {
            let align = 1 << random.u32(0..6);
            let most = 1 << random.u32(1..12);
            lines += &format!("alloc,{id},{},{align}\n", random.u32(1..=most));
            live.push(id);
            while live.len() > 60 || (live.len() > 20 && random.bool()) {
                let one = live.swap_remove(random.usize(..live.len()));
                lines += &if random.u8(..4) == 0 {
                    live.push(one);
                    format!("realloc,{one},{}\n", random.u32(1..3000))
                } else {
                    format!("dealloc,{one}\n")
                };
            }
        }
        lines
    }

    #[test]
    fn every_placement_is_sound_and_reproducible() {
        for seed in 0..20 {
            let program = program(&random(300, seed));
            let instance = Instance::of(&program).unwrap();
            let placement = Placement::of(&instance);
            verify(&program, &instance, &placement, Limits::NONE).unwrap();
            assert!(placement.makespan_bytes >= program.profile().peak_live_bytes);
            assert_eq!(placement, Placement::of(&instance));
        }
    }

    #[test]
    fn a_spent_budget_leaves_a_sound_placement_and_a_larger_budget_is_no_worse() {
        let program = program(&random(2000, 1));
        let instance = Instance::of(&program).unwrap();
        let makespans = [0, 100_000, 1_000_000, MOST_STEPS].map(|steps| {
            let placement = Search::new(&instance, steps, Limits::NONE).run().unwrap();
            verify(&program, &instance, &placement, Limits::NONE).unwrap();
            placement.makespan_bytes
        });
        assert!(makespans.is_sorted_by(|less, more| less >= more), "{makespans:?}");
        assert!(makespans[3] < makespans[0], "{makespans:?}");
    }

    #[test]
    fn nested_lifetimes_are_packed_without_gaps() {
        let births: String = (1..=50).map(|id| format!("alloc,{id},{},1\n", id * 7 % 40 + 1)).collect();
        let deaths: String = (1..=50).rev().map(|id| format!("dealloc,{id}\n")).collect();
        let instance = instance(&(births + &deaths));
        let (most, _) = instance.peak(|object| object.size_bytes.into(), Limits::NONE).unwrap();
        assert_eq!(Placement::of(&instance).makespan_bytes, most);
    }

    #[test]
    fn the_second_peak_can_be_placed_first() {
        // The live objects of the first peak leave gaps too small for those of the second, unless the second peak is
        // placed first.
        let mut lines: String = (0..10).map(|id| format!("alloc,{id},100,4\n")).collect();
        lines.extend((0..10).step_by(2).map(|id| format!("dealloc,{id}\n")));
        lines += "alloc,10,480,4\n";
        assert_eq!(Placement::of(&instance(&lines)).makespan_bytes, 1000);
    }

    #[test]
    fn groups_cover_all_live_objects_in_either_order() {
        let instance = instance(&random(200, 3));
        let (_, event) = instance.peak(|_| 1, Limits::NONE).unwrap();
        let mut expected: Vec<u32> = Vec::new();
        for order in orders() {
            let start = start(&instance, event, order, &mut StepBudget::new(0, Limits::NONE));
            assert!(start.blocks.is_sorted_by_key(|&(_, offset)| offset));
            let mut live: Vec<u32> = start.blocks.iter().map(|&(one, _)| one).collect();
            live.sort_unstable();
            if expected.is_empty() {
                expected = live.clone();
            }
            assert!(live == expected && live.len() > 20, "{order:?}");
        }
        let births = |order| -> Vec<u32> {
            start(&instance, event, order, &mut StepBudget::new(0, Limits::NONE))
                .blocks
                .iter()
                .map(|&(one, _)| instance.rectangles()[one as usize].birth)
                .collect()
        };
        let one_group = |groups_by| Order { groups_by, groups: 1, odd_sizes_last: false };
        assert!(births(one_group(Key::Death)).is_sorted() && !births(one_group(Key::Birth)).is_sorted());
    }
}
