//! A lower bound of every placement, which takes alignments into account.
//!
//! Let a be the smallest alignment of an instance. Alignments are powers of two, so a divides all of them, and every
//! offset is a multiple of a. Take the live objects of a moment in address order. The next object begins at or above
//! the end of the one below it, and at a multiple of a: so each object but the highest takes its size rounded up to a
//! multiple of a. The highest ends with its last byte.
//!
//! The makespan is therefore at least the sum of the rounded sizes, minus the rounding of the highest object. Which
//! object is the highest is not known, so the largest rounding of an object live at that moment is subtracted. This
//! holds at every moment, in particular at that of the largest sum.

use super::instance::{Instance, Rectangle};
use crate::limits::{Limits, Stop};

/// The least makespan of an instance, as far as it is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Least {
    pub(super) makespan_bytes: u64,
    /// A moment at which that much is needed.
    pub(super) event: u32,
}

impl Least {
    /// The bound of an instance: the larger one of the most live bytes and the bound with rounded sizes.
    pub(super) fn of(instance: &Instance, limits: Limits<'_>) -> Result<Self, Stop> {
        let (makespan_bytes, event) = instance.peak(|object| object.size_bytes.into(), limits)?;
        let align = instance.rectangles().iter().map(Rectangle::align_bytes).min().unwrap_or(1);
        if align == 1 {
            return Ok(Least { makespan_bytes, event });
        }
        let rounding =
            |object: &Rectangle| u64::from(object.size_bytes).next_multiple_of(align) - u64::from(object.size_bytes);
        let (rounded_bytes, at) = instance.peak(|object| u64::from(object.size_bytes) + rounding(object), limits)?;
        let live = instance.rectangles().iter().filter(|object| object.lives_after(at));
        let rounded_bytes = rounded_bytes - live.map(rounding).max().unwrap_or(0);
        if rounded_bytes > makespan_bytes {
            return Ok(Least { makespan_bytes: rounded_bytes, event: at });
        }
        Ok(Least { makespan_bytes, event })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::bounds::tests::instance;

    fn least(lines: &str) -> (u64, u32) {
        let Least { makespan_bytes, event } = Least::of(&instance(lines), Limits::NONE).unwrap();
        (makespan_bytes, event)
    }

    #[test]
    fn all_but_the_highest_object_take_whole_multiples_of_the_smallest_alignment() {
        // The object of 17 bytes has the largest rounding, and goes on top.
        let lines = "alloc,1,17,16\nalloc,2,16,16\nalloc,3,24,32\n";
        assert_eq!(least(lines), (32 + 16 + 32 - 15, 3));
        assert_eq!(best(&mut [(17, 16), (16, 16), (24, 32)], 0, 0), 65);
        // The most live bytes are 100 at first; ten objects of 1 byte take 160 later, but for the last 15.
        let one_large = "alloc,1,100,16\ndealloc,1\n";
        let ten_small: String = (2..12).map(|id| format!("alloc,{id},1,16\n")).collect();
        assert_eq!(least(&format!("{one_large}{ten_small}")), (145, 12));
    }

    #[test]
    fn one_object_without_alignment_leaves_only_the_most_live_bytes() {
        assert_eq!(least("alloc,1,17,16\nalloc,2,16,16\nalloc,3,1,1\n"), (34, 3));
        assert_eq!(least("alloc,1,100,16\n"), (100, 1));
    }

    /// All orders of up to five objects that live together, each at the lowest aligned offset above the one before.
    #[test]
    fn no_order_of_objects_that_live_together_is_below_the_bound() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut tight = 0;
        for _ in 0..200 {
            let objects: Vec<(u64, u64)> =
                (0..random.usize(1..=5)).map(|_| (random.u64(1..60), 4 << random.u32(0..3))).collect();
            let lines: String =
                (0..).zip(&objects).map(|(id, (size, align))| format!("alloc,{id},{size},{align}\n")).collect();
            let best = best(&mut objects.clone(), 0, 0);
            let bound = least(&lines).0;
            assert!(bound <= best, "{lines}: {bound} > {best}");
            tight += usize::from(bound == best);
        }
        assert!(tight > 100, "the bound is reached only {tight} times");
    }

    fn best(objects: &mut [(u64, u64)], placed: usize, top: u64) -> u64 {
        if placed == objects.len() {
            return top;
        }
        let ends = (placed..objects.len()).map(|next| {
            objects.swap(placed, next);
            let (size, align) = objects[placed];
            let end = best(objects, placed + 1, top.next_multiple_of(align) + size);
            objects.swap(placed, next);
            end
        });
        ends.min().unwrap()
    }
}
