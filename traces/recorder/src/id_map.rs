//! The hash map that every event goes through: from ids or addresses to objects.
//!
//! The default hash of the standard library costs more than all other work on an event. This one is a multiplication,
//! and it keeps neighbours together: the objects of a trace come, and often go, in the order of their ids, so most
//! look-ups hit the cache. On `serde-heavy` that saves a quarter of the time of reading an event.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

/// A hash map from ids or addresses.
pub type IdMap<V> = HashMap<u64, V, BuildHasherDefault<IdHasher>>;

/// How many low bits of an id distinguish neighbours.
const NEIGHBOUR_BITS: u32 = 5;

/// A hash of one integer that gives 32 neighbours 32 successive buckets, in a place that depends on all other bits.
///
/// It does not withstand ids that are made up to collide. Such a trace is read slowly, without other harm.
#[derive(Debug, Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    #[inline]
    fn write_u64(&mut self, id: u64) {
        const LOW: u64 = (1 << NEIGHBOUR_BITS) - 1;
        // 2^64 divided by the golden ratio; folding the halves lets every bit of the id reach the low bits too.
        let product = u128::from(id >> NEIGHBOUR_BITS) * 0x9e37_79b9_7f4a_7c15;
        let mixed = (product >> 64) as u64 ^ product as u64;
        // The table takes the bucket from the low bits, and from the highest seven a tag that distinguishes entries of
        // nearby buckets: so neighbours must differ in both.
        let low = id & LOW;
        self.0 = ((mixed & !LOW) | low) ^ (low << (64 - 7));
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0.rotate_left(8) ^ u64::from(byte));
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn hash(id: u64) -> u64 {
        let mut hasher = IdHasher::default();
        hasher.write_u64(id);
        hasher.finish()
    }

    /// Or reading becomes quadratic: ids count up, are addresses, or count in steps of anything.
    #[test]
    fn ids_as_programs_have_them_spread_over_the_table_and_its_tags() {
        for step in [1, 3, 16, 48, 4096, 1 << 20, 1 << 32, 1 << 44] {
            let hashes: Vec<u64> = (0..4096).map(|id| hash(id * step)).collect();
            // In a table that is half full, a block of 32 neighbours has 16 of the ids on average.
            let mut blocks = [0; 256];
            hashes.iter().for_each(|hash| blocks[(hash >> NEIGHBOUR_BITS) as usize % 256] += 1);
            let fullest = blocks.into_iter().max().unwrap();
            assert!(fullest <= 4 << NEIGHBOUR_BITS, "step {step}: {fullest} ids in one block");
            let tags: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            assert!(tags.len() > 100, "step {step}: {} tags", tags.len());
        }
    }

    #[test]
    fn neighbours_lie_side_by_side_and_differ_in_their_tags() {
        let hashes: Vec<u64> = (64..96).map(hash).collect();
        assert!(hashes.windows(2).all(|pair| (pair[1] & 0xfff) == (pair[0] & 0xfff) + 1));
        let tags: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
        assert_eq!(tags.len(), hashes.len());
    }
}
