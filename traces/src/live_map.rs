//! The live objects by their ids: a table for ids that count up, as nearly all do, and a hash map for the rest.
//!
//! The place of an id in the table is the id itself, so neighbours share a cache line, and no hash is computed. Ids
//! whose places are taken go to the hash map, whose hashes no trace can foresee: whatever the ids are, each step is
//! O(1), and memory grows with the objects that are live at once.

use heaprace_recorder::IdMap;

/// Places of a bucket: a cache line of ids and their values.
const WAYS: usize = 4;

/// Buckets of the first table.
const FIRST_BUCKETS: usize = 64;

/// The id of a place without an object. An object of this id is always in the hash map.
const NONE: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry<V> {
    id: u64,
    value: V,
}

type Bucket<V> = [Entry<V>; WAYS];

/// A map from the ids of live objects to values, a few bytes each.
///
/// ```
/// let mut live = heaprace_traces::LiveMap::default();
/// assert!(live.insert(7, 'a') && !live.insert(7, 'b'), "it is live already");
/// assert_eq!(live.remove(7), Some('a'));
/// assert_eq!((live.get(7), live.len()), (None, 0));
/// ```
#[derive(Clone, Debug)]
pub struct LiveMap<V> {
    /// As many buckets as a power of two.
    table: Vec<Bucket<V>>,
    in_table: usize,
    /// Objects whose bucket was full.
    others: IdMap<V>,
    /// How many of them belong to each bucket, so that few look-ups search there.
    others_of: Vec<u32>,
}

impl<V: Copy + Default> Default for LiveMap<V> {
    fn default() -> Self {
        LiveMap {
            table: vec![empty(); FIRST_BUCKETS],
            in_table: 0,
            others: IdMap::default(),
            others_of: vec![0; FIRST_BUCKETS],
        }
    }
}

impl<V: Copy + Default> LiveMap<V> {
    /// How many objects are live.
    #[inline]
    pub fn len(&self) -> usize {
        self.in_table + self.others.len()
    }

    /// Whether no object is live.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a live object.
    #[inline]
    pub fn get(&self, id: u64) -> Option<&V> {
        let (bucket, way) = place(id, self.table.len());
        match find(&self.table[bucket], id, way) {
            Some(way) => Some(&self.table[bucket][way].value),
            None => self.other(id, bucket).then(|| &self.others[&id]),
        }
    }

    /// The value of a live object, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, id: u64) -> Option<&mut V> {
        let (bucket, way) = place(id, self.table.len());
        match find(&self.table[bucket], id, way) {
            Some(way) => Some(&mut self.table[bucket][way].value),
            None if self.other(id, bucket) => self.others.get_mut(&id),
            None => None,
        }
    }

    /// Adds an object. Returns `false`, and changes nothing, if one of this id is live.
    #[inline(always)]
    pub fn insert(&mut self, id: u64, value: V) -> bool {
        let (bucket, way) = place(id, self.table.len());
        if find(&self.table[bucket], id, way).is_some() || self.other(id, bucket) {
            return false;
        }
        self.put(id, value);
        if self.in_table > self.table.len() * WAYS / 2 {
            self.grow();
        }
        true
    }

    /// Removes an object and returns its value, if it was live.
    #[inline(always)]
    pub fn remove(&mut self, id: u64) -> Option<V> {
        let (bucket, way) = place(id, self.table.len());
        match find(&self.table[bucket], id, way) {
            Some(way) => {
                self.in_table -= 1;
                self.table[bucket][way].id = NONE;
                Some(self.table[bucket][way].value)
            }
            None if self.other(id, bucket) => {
                self.others_of[bucket] -= 1;
                self.others.remove(&id)
            }
            None => None,
        }
    }

    /// Whether the object is live and in the hash map.
    #[inline]
    fn other(&self, id: u64, bucket: usize) -> bool {
        self.others_of[bucket] > 0 && self.others.contains_key(&id)
    }

    /// Adds an object whose id is not live, without growing.
    #[inline(always)]
    fn put(&mut self, id: u64, value: V) {
        let (bucket, preferred) = place(id, self.table.len());
        let entries = &mut self.table[bucket];
        let way = if entries[preferred].id == NONE {
            Some(preferred)
        } else {
            entries.iter().position(|entry| entry.id == NONE)
        };
        match way.filter(|_| id != NONE) {
            Some(way) => {
                entries[way] = Entry { id, value };
                self.in_table += 1;
            }
            None => {
                self.others_of[bucket] += 1;
                self.others.insert(id, value);
            }
        }
    }

    /// Doubles the table, which is half full, and moves what fits from the hash map to it. What is outside the table
    /// does not make it grow.
    #[cold]
    fn grow(&mut self) {
        let buckets = self.table.len() * 2;
        let old = core::mem::replace(&mut self.table, vec![empty(); buckets]);
        let others = core::mem::take(&mut self.others);
        self.others_of.clear();
        self.others_of.resize(buckets, 0);
        self.in_table = 0;
        let in_table = old.into_iter().flatten().filter(|entry| entry.id != NONE).map(|entry| (entry.id, entry.value));
        in_table.chain(others).for_each(|(id, value)| self.put(id, value));
    }
}

fn empty<V: Copy + Default>() -> Bucket<V> {
    [Entry { id: NONE, value: V::default() }; WAYS]
}

/// The bucket of an id, and its preferred place there. Ids that count up in steps of 16, as addresses do, fill all
/// buckets, too.
#[inline(always)]
fn place(id: u64, buckets: usize) -> (usize, usize) {
    let place = id.wrapping_add(id >> 4) as usize;
    ((place / WAYS) & (buckets - 1), place % WAYS)
}

/// The place of an id in its bucket.
#[inline(always)]
fn find<V>(bucket: &Bucket<V>, id: u64, preferred: usize) -> Option<usize> {
    if id == NONE {
        return None;
    }
    if bucket[preferred].id == id { Some(preferred) } else { bucket.iter().position(|entry| entry.id == id) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Random steps on both maps must have the same results.
    fn agrees(mut id_of: impl FnMut(u64) -> u64, live: usize) -> LiveMap<u32> {
        let (mut map, mut reference) = (LiveMap::default(), HashMap::new());
        let mut random = fastrand::Rng::with_seed(1);
        let mut ids: Vec<u64> = Vec::new();
        for step in 0..200_000 {
            let known = ids.get(random.usize(..ids.len().max(1))).copied();
            match (random.u8(..8), known) {
                (0, Some(id)) => assert_eq!(map.insert(id, step), !reference.contains_key(&id)),
                (1, Some(id)) => {
                    let values = (map.get_mut(id), reference.get_mut(&id));
                    assert_eq!(values.0, values.1);
                    values.0.into_iter().chain(values.1).for_each(|value| *value = step);
                }
                (2, Some(id)) => assert_eq!(map.get(id.wrapping_add(1)), reference.get(&id.wrapping_add(1))),
                (3.., Some(_)) if ids.len() >= live => {
                    let id = ids.swap_remove(random.usize(..ids.len()));
                    assert_eq!(map.remove(id), reference.remove(&id));
                    assert_eq!((map.remove(id), map.get(id)), (None, None));
                }
                _ => {
                    let id = id_of(step.into());
                    if reference.insert(id, step).is_none() {
                        assert!(map.insert(id, step));
                        ids.push(id);
                    } else {
                        assert!(!map.insert(id, step));
                        *map.get_mut(id).expect("it is live") = step;
                    }
                }
            }
            assert_eq!(map.len(), reference.len());
        }
        let all = map.table.iter().flatten().filter(|entry| entry.id != NONE).count();
        assert_eq!((all, map.others.len()), (map.in_table, map.len() - all));
        assert_eq!(map.others_of.iter().map(|&count| count as usize).sum::<usize>(), map.others.len());
        map
    }

    #[test]
    fn it_holds_what_a_hash_map_holds_whatever_the_ids() {
        let mut random = fastrand::Rng::with_seed(2);
        for live in [1, 10, 1000, 20_000] {
            agrees(|step| step, live);
            agrees(|step| u64::MAX - step, live);
            agrees(|step| step * 16, live);
            agrees(|step| step << 40, live);
            agrees(|_| random.u64(..), live);
            agrees(|_| NONE - random.u64(..100), live);
        }
    }

    #[test]
    fn ids_that_count_up_are_in_the_table() {
        for step in [1, 2, 8, 16, 32] {
            let map = agrees(|number| number * step, 10_000);
            assert!(map.others.len() * 20 < map.len(), "step {step}: {} of {}", map.others.len(), map.len());
        }
    }

    /// Otherwise a small file could claim much memory, or take the square of its length to read.
    #[test]
    fn ids_that_all_share_a_place_do_not_make_the_table_grow() {
        let map = agrees(|step| step << 32, 20_000);
        assert_eq!(map.table.len(), FIRST_BUCKETS);
        assert!(map.in_table <= 2 * WAYS, "{}", map.in_table);
    }

    #[test]
    fn the_table_has_at_most_four_places_for_each_object() {
        let mut map = LiveMap::default();
        for id in 1..100_000_u64 {
            map.insert(id, 0_u32);
            assert!(map.table.len() * WAYS <= (4 * map.len()).max(FIRST_BUCKETS * WAYS));
        }
        (1..100_000).for_each(|id| assert_eq!(map.remove(id), Some(0)));
        assert!(map.is_empty() && map.table.len() * WAYS <= 400_000);
    }
}
