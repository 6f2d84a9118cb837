//! Compiles the requests of a trace to operations: ids become slots, and layouts are written into every operation that
//! needs them.
//!
//! Both ways through a trace end here. The long way has checked events. The short way has the requests of a binary
//! trace's blocks, which are still unchecked: the compiler rejects any fault without a message, and the long way then
//! reports it.

use std::alloc::Layout;

use heaprace_traces::left_live;
use heaprace_traces::{Action, Event, Extent, LiveMap, Op as Requested, Profile};

use super::extents::{Coverage, Ranges};
use super::op::{MAX_LIVE_OBJECTS, OpKind, PackedOp};
use super::portion::Portion;

/// Marks an id in place of a slot: the object is not live.
const DEAD: u32 = u32::MAX;

/// The state of the objects so far.
#[derive(Debug)]
pub(super) struct Compiler<I> {
    ids: I,
    /// The current layout of each slot's object, as stored in an operation: half the size of a `Layout`, and most of a
    /// free's word.
    layouts: Vec<PackedOp>,
    /// Slots without an object; the last one is taken first.
    free: Vec<u32>,
    /// What the program wrote, if the trace may know it.
    written: Option<Ranges>,
    profile: Profile,
}

/// The slots of live objects by their ids.
pub(super) trait Ids: Default {
    /// Adds an object; `None` if an object of this id is live, or if the id is unusual.
    fn insert(&mut self, id: u64, slot: u32) -> Option<()>;

    /// The slot of a live object.
    fn get(&self, id: u64) -> Option<u32>;

    /// Removes an object and returns its slot, if it was live.
    fn remove(&mut self, id: u64) -> Option<u32>;
}

/// An array, for consecutive ids as in binary traces: four bytes for each object that ever lived, and several times as
/// fast as a map.
#[derive(Debug)]
pub(super) struct DenseIds(Vec<u32>);

impl Default for DenseIds {
    fn default() -> Self {
        // If ids count from 1, no object has the id 0.
        DenseIds(vec![DEAD])
    }
}

impl Ids for DenseIds {
    #[inline(always)]
    fn insert(&mut self, id: u64, slot: u32) -> Option<()> {
        if id == self.0.len() as u64 {
            self.0.push(slot);
            return Some(());
        }
        let place = self.0.get_mut(usize::try_from(id).ok()?)?;
        if *place != DEAD {
            return None;
        }
        *place = slot;
        Some(())
    }

    #[inline(always)]
    fn get(&self, id: u64) -> Option<u32> {
        self.0.get(usize::try_from(id).ok()?).copied().filter(|&slot| slot != DEAD)
    }

    #[inline(always)]
    fn remove(&mut self, id: u64) -> Option<u32> {
        let place = self.0.get_mut(usize::try_from(id).ok()?)?;
        Some(std::mem::replace(place, DEAD)).filter(|&slot| slot != DEAD)
    }
}

/// A map, for any ids: its memory grows with the number of live objects.
pub(super) type AnyIds = LiveMap<u32>;

impl Ids for AnyIds {
    #[inline]
    fn insert(&mut self, id: u64, slot: u32) -> Option<()> {
        LiveMap::insert(self, id, slot).then_some(())
    }

    #[inline]
    fn get(&self, id: u64) -> Option<u32> {
        LiveMap::get(self, id).copied()
    }

    #[inline]
    fn remove(&mut self, id: u64) -> Option<u32> {
        LiveMap::remove(self, id)
    }
}

impl<I: Ids> Compiler<I> {
    /// A compiler that has read nothing. `with_extents` puts what the program wrote next to the operations.
    pub(super) fn new(with_extents: bool) -> Self {
        Compiler {
            ids: I::default(),
            layouts: Vec::new(),
            free: Vec::new(),
            written: with_extents.then(Ranges::default),
            profile: Profile::default(),
        }
    }

    /// What the requests so far say about written extents; `None` if they say nothing.
    pub(super) fn coverage(&self) -> Option<Coverage> {
        self.written.as_ref().map(Ranges::coverage).filter(|coverage| coverage.known_blocks > 0)
    }

    /// The totals of the requests so far.
    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Slots so far: the peak number of live objects.
    pub(super) fn slots(&self) -> usize {
        self.layouts.len()
    }

    /// The slots of the objects that are live now, with their layouts, in slot order.
    pub(super) fn live(&self) -> Vec<(u32, Layout)> {
        let mut is_live = vec![true; self.layouts.len()];
        self.free.iter().for_each(|&slot| is_live[slot as usize] = false);
        let slots = self.layouts.iter().zip(is_live).zip(0..);
        slots.filter(|&((_, is_live), _)| is_live).map(|((op, _), slot)| (slot, op.layout())).collect()
    }

    /// Appends a checked event; `None` if there are more live objects than an operation can number.
    #[inline]
    pub(super) fn add_event(&mut self, event: &Event, portion: &mut Portion) -> Option<()> {
        let &Event { action, id, written, .. } = event;
        let extent = written.map(|bytes| Extent::First(bytes.into()));
        match action {
            Action::Alloc { layout, zeroed } => {
                let op = if zeroed { Requested::AllocZeroed } else { Requested::Alloc };
                self.add(op, id, (layout.size(), layout.align()), None, portion)
            }
            Action::Realloc { new_size, .. } => self.add(Requested::Realloc, id, (new_size, 1), extent, portion),
            Action::Dealloc { .. } => self.add(Requested::Dealloc, id, (1, 1), extent, portion),
        }
    }

    /// Notes what comments after the last event say of objects that are left live: how far the program has written them.
    /// Statements about other objects are ignored.
    pub(super) fn left_live<'a>(&mut self, comments: impl IntoIterator<Item = &'a str>, portion: &mut Portion) {
        let Some(ranges) = &mut self.written else { return };
        for (id, written) in comments.into_iter().filter_map(left_live).flatten() {
            if let Some(slot) = self.ids.get(id) {
                let size = self.layouts[slot as usize].layout().size() as u32;
                ranges.left_live(slot, size, written, &mut portion.written);
            }
        }
    }

    /// Appends a request: one word, or two for a realloc. `bytes` and `align` are those of an allocation; for a
    /// realloc, `bytes` is the new size. `extent` is how far the program has written the block that a realloc or a free
    /// concerns. `None` if the request is invalid; the compiler's state is unusable from then on.
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        op: Requested,
        id: u64,
        (bytes, align): (usize, usize),
        extent: Option<Extent>,
        Portion { ops, written }: &mut Portion,
    ) -> Option<()> {
        let action = match op {
            Requested::Alloc | Requested::AllocZeroed => {
                let layout = layout(bytes, align)?;
                let slot = match self.free.pop() {
                    Some(slot) => slot,
                    None if self.layouts.len() == MAX_LIVE_OBJECTS => return None,
                    None => self.layouts.len() as u32,
                };
                let zeroed = op == Requested::AllocZeroed;
                let op = PackedOp::new(if zeroed { OpKind::AllocZeroed } else { OpKind::Alloc }, slot, layout);
                match self.layouts.get_mut(slot as usize) {
                    Some(current) => *current = op,
                    None => self.layouts.push(op),
                }
                self.ids.insert(id, slot)?;
                if let Some(ranges) = &mut self.written {
                    ranges.allocated(slot, layout.size() as u32, written);
                }
                ops.push(op);
                Action::Alloc { layout, zeroed }
            }
            Requested::Realloc => {
                let slot = self.ids.get(id)?;
                let current = self.layouts.get_mut(slot as usize)?;
                let old = current.layout();
                let new = layout(bytes, old.align())?;
                *current = PackedOp::new(OpKind::Realloc, slot, new);
                if let Some(ranges) = &mut self.written {
                    let extent = bytes_of(extent, old)?;
                    ranges.reallocated(slot, [old.size() as u32, new.size() as u32], extent, written);
                }
                ops.extend([*current, PackedOp::old_size(old)]);
                Action::Realloc { old, new_size: new.size() }
            }
            Requested::Dealloc => {
                let slot = self.ids.remove(id)?;
                let op = self.layouts.get(slot as usize)?.with_kind(OpKind::Dealloc);
                self.free.push(slot);
                if let Some(ranges) = &mut self.written {
                    ranges.freed(slot, op.layout().size() as u32, bytes_of(extent, op.layout())?, written);
                }
                ops.push(op);
                Action::Dealloc { layout: op.layout() }
            }
        };
        self.profile.add(&Event { action, id, thread: None, time_ns: None, written: None });
        Some(())
    }
}

/// The bytes of a known extent in a block; `None` if the block is too small for it.
#[inline(always)]
fn bytes_of(extent: Option<Extent>, block: Layout) -> Option<Option<u32>> {
    extent.map_or(Some(None), |extent| extent.bytes_of(block.size()).map(Some))
}

#[inline(always)]
fn layout(bytes: usize, align: usize) -> Option<Layout> {
    Layout::from_size_align(bytes, align).ok().filter(|layout| layout.size() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected<I: Ids>(requests: &[(Requested, u64)]) -> bool {
        let (mut compiler, mut portion) = (Compiler::<I>::new(true), Portion::default());
        requests.iter().any(|&(op, id)| compiler.add(op, id, (8, 8), None, &mut portion).is_none())
    }

    #[test]
    fn both_kinds_of_ids_reject_contradictions() {
        use Requested::{Alloc, Dealloc, Realloc};
        for (requests, is_rejected) in [
            (&[(Alloc, 1), (Alloc, 2), (Dealloc, 1), (Alloc, 1), (Realloc, 2)][..], false),
            (&[(Alloc, 1), (Alloc, 1)], true),
            (&[(Alloc, 1), (Dealloc, 1), (Dealloc, 1)], true),
            (&[(Alloc, 1), (Dealloc, 1), (Realloc, 1)], true),
            (&[(Realloc, 1)], true),
            (&[(Dealloc, u64::MAX)], true),
        ] {
            assert_eq!(rejected::<DenseIds>(requests), is_rejected, "{requests:?}");
            assert_eq!(rejected::<AnyIds>(requests), is_rejected, "{requests:?}");
        }
        assert!(rejected::<DenseIds>(&[(Alloc, 7)]) && !rejected::<AnyIds>(&[(Alloc, 7)]), "unusual ids need a map");
    }

    #[test]
    fn invalid_sizes_and_alignments_are_rejected() {
        let (mut compiler, mut portion) = (Compiler::<AnyIds>::new(true), Portion::default());
        assert!(compiler.add(Requested::Alloc, 1, (0, 8), None, &mut portion).is_none());
        assert!(compiler.add(Requested::Alloc, 1, (8, 3), None, &mut portion).is_none());
        assert!(portion.ops.is_empty() && portion.written.is_empty());
    }
}
