//! The live objects of a trace in the order of their births.

use std::collections::hash_map::Entry;

use heaprace_recorder::IdMap;

/// No neighbour.
const NONE: usize = usize::MAX;

/// Live objects in the order of their births: a list through a slab, so that every step is O(1) and memory grows with
/// the objects that are live at once.
#[derive(Debug)]
pub(crate) struct Births<T> {
    place_of: IdMap<usize>,
    places: Vec<Node<T>>,
    free: Vec<usize>,
    oldest: usize,
    youngest: usize,
}

#[derive(Debug)]
struct Node<T> {
    id: u64,
    older: usize,
    younger: usize,
    object: T,
}

impl<T> Default for Births<T> {
    fn default() -> Self {
        Births { place_of: IdMap::default(), places: Vec::new(), free: Vec::new(), oldest: NONE, youngest: NONE }
    }
}

impl<T: Copy> Births<T> {
    /// Adds an object. In a checked trace no two live objects have the same id.
    pub(crate) fn insert(&mut self, id: u64, object: T) {
        let place = Node { id, older: self.youngest, younger: NONE, object };
        let index = match self.free.pop() {
            Some(index) => {
                self.places[index] = place;
                index
            }
            None => {
                self.places.push(place);
                self.places.len() - 1
            }
        };
        match self.youngest {
            NONE => self.oldest = index,
            youngest => self.places[youngest].younger = index,
        }
        self.youngest = index;
        self.place_of.insert(id, index);
    }

    /// A live object.
    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut T> {
        self.place_of.get(&id).map(|&index| &mut self.places[index].object)
    }

    /// Removes an object. Returns it, and whether it was the youngest.
    pub(crate) fn remove(&mut self, id: u64) -> Option<(T, bool)> {
        let Entry::Occupied(entry) = self.place_of.entry(id) else { return None };
        let index = entry.remove();
        let Node { older, younger, object, .. } = self.places[index];
        match older {
            NONE => self.oldest = younger,
            older => self.places[older].younger = younger,
        }
        match younger {
            NONE => self.youngest = older,
            younger => self.places[younger].older = older,
        }
        self.free.push(index);
        Some((object, younger == NONE))
    }

    /// Removes the oldest object, if one is live.
    pub(crate) fn remove_oldest(&mut self) -> Option<(u64, T)> {
        let id = self.places.get(self.oldest)?.id;
        self.remove(id).map(|(object, _)| (id, object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_out_in_the_order_of_their_births_whatever_died_between() {
        let mut births = Births::default();
        (0..6).for_each(|id| births.insert(id, id * 10));
        assert_eq!(births.remove(2), Some((20, false)));
        assert_eq!(births.remove(0), Some((0, false)));
        assert_eq!(births.remove(5), Some((50, true)));
        assert_eq!(births.remove(5), None);
        births.insert(0, 7);
        *births.get_mut(3).unwrap() += 1;
        let order: Vec<_> = core::iter::from_fn(|| births.remove_oldest()).collect();
        assert_eq!(order, [(1, 10), (3, 31), (4, 40), (0, 7)]);
        births.insert(9, 9);
        assert_eq!(births.remove(9), Some((9, true)));
        assert_eq!((births.place_of.len(), births.places.len()), (0, 6), "places are used again");
    }
}
