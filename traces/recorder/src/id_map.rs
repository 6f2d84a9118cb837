//! The hash map that every event goes through: from ids or addresses to objects.
//!
//! The default hash of the standard library costs more than all other work on an event. This one is a multiplication,
//! and it keeps neighbours together: the objects of a trace come, and often go, in the order of their ids, so most
//! look-ups hit the cache. On `serde-heavy` that saves a quarter of the time of reading an event.

use core::hash::{BuildHasher, Hasher};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::sync::OnceLock;

/// A hash map from ids or addresses. Its order differs from run to run.
pub type IdMap<V> = HashMap<u64, V, IdHashes>;

/// How many low bits of an id distinguish neighbours.
const NEIGHBOUR_BITS: u32 = 5;

/// The hashes of a process: each has other ones, so that no trace can be made whose ids collide and which takes the
/// square of its length to read.
#[derive(Clone, Copy, Debug)]
pub struct IdHashes {
    mask: u64,
}

impl Default for IdHashes {
    #[inline]
    fn default() -> Self {
        static HASHES: OnceLock<IdHashes> = OnceLock::new();
        *HASHES.get_or_init(|| IdHashes { mask: RandomState::new().hash_one(0_u8) })
    }
}

impl BuildHasher for IdHashes {
    type Hasher = IdHasher;

    #[inline]
    fn build_hasher(&self) -> IdHasher {
        IdHasher { hash: 0, hashes: *self }
    }
}

/// A hash of one integer that gives 32 neighbours 32 successive buckets, in a place that depends on all other bits.
#[derive(Debug)]
pub struct IdHasher {
    hash: u64,
    hashes: IdHashes,
}

impl Hasher for IdHasher {
    #[inline]
    fn write_u64(&mut self, id: u64) {
        const LOW: u64 = (1 << NEIGHBOUR_BITS) - 1;
        // 2^64 divided by the golden ratio, which spreads what counts up better than random factors do; folding the
        // halves lets every bit of the id reach the low bits too.
        let product = u128::from((id >> NEIGHBOUR_BITS) ^ self.hashes.mask) * 0x9e37_79b9_7f4a_7c15;
        let mixed = (product >> 64) as u64 ^ product as u64;
        // The table takes the bucket from the low bits, and from the highest seven a tag that distinguishes entries of
        // nearby buckets: so neighbours must differ in both.
        let low = id & LOW;
        self.hash = ((mixed & !LOW) | low) ^ (low << (64 - 7));
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.hash.rotate_left(8) ^ u64::from(byte));
        }
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The hashes of some processes.
    fn hashes() -> impl Iterator<Item = IdHashes> {
        let mut random = fastrand::Rng::with_seed(1);
        (0..50).map(move |_| IdHashes { mask: random.u64(..) })
    }

    /// Whether ids spread over a table of 2^13 buckets that is half full, and over its tags.
    fn spread(hashes: IdHashes, ids: impl Iterator<Item = u64>) -> bool {
        let hashes: Vec<u64> = ids.take(4096).map(|id| hashes.hash_one(id)).collect();
        // A block of 32 neighbours has 16 of the ids on average.
        let mut blocks = [0; 256];
        hashes.iter().for_each(|hash| blocks[(hash >> NEIGHBOUR_BITS) as usize % 256] += 1);
        let tags: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
        blocks.into_iter().max().is_some_and(|fullest| fullest <= 4 << NEIGHBOUR_BITS) && tags.len() > 100
    }

    /// Or reading becomes quadratic: ids count up, are addresses, or count in steps of anything.
    #[test]
    fn ids_as_programs_have_them_spread_over_the_table_and_its_tags() {
        for step in [1, 3, 16, 48, 4096, 1 << 20, 1 << 32, 1 << 44, 1 << 52] {
            let spreading = hashes().filter(|&hashes| spread(hashes, (0..).map(|id| id * step))).count();
            assert_eq!(spreading, 50, "step {step}");
        }
    }

    /// Ids that all collide in one process are as good as any in the others.
    #[test]
    fn ids_that_collide_in_one_process_do_not_in_another() {
        let mut others = hashes();
        let known = others.next().expect("there are 50");
        let colliding: Vec<u64> =
            (0..).map(|id| id << NEIGHBOUR_BITS).filter(|&id| known.hash_one(id) & 0xffe0 == 0).take(4096).collect();
        assert!(!spread(known, colliding.iter().copied()));
        assert_eq!(others.filter(|&hashes| spread(hashes, colliding.iter().copied())).count(), 49);
    }

    #[test]
    fn neighbours_lie_side_by_side_and_differ_in_their_tags() {
        for hashes in hashes() {
            let hashes: Vec<u64> = (64..96).map(|id| hashes.hash_one(id as u64)).collect();
            assert!(hashes.windows(2).all(|pair| (pair[1] & 0xfff) == (pair[0] & 0xfff) + 1));
            let tags: HashSet<u64> = hashes.iter().map(|hash| hash >> 57).collect();
            assert_eq!(tags.len(), hashes.len());
        }
    }
}
