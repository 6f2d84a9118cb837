//! From what a trace asks for to operations: ids become slots, and layouts are written into every operation that needs them.
//!
//! Both ways through a trace end here. The long one has checked events. The short one has the requests of a binary trace's blocks, of
//! which nothing is checked yet: the compiler refuses what is not as it should be without a word, and the long way then says what is wrong.

use std::alloc::Layout;

use heaprace_traces::{Action, Event, IdMap, Op as Asked, Profile};

use super::op::{MAX_LIVE_OBJECTS, OpKind, PackedOp};

/// In the place of a slot: the object is not live.
const DEAD: u32 = u32::MAX;

/// What is known of the objects so far.
#[derive(Debug)]
pub(super) struct Compiler<I> {
    ids: I,
    /// The layout in force of the object of each slot, as an operation has it: half the size of a `Layout`, and most of a free's word.
    layouts: Vec<PackedOp>,
    /// Slots without an object; the last one is taken first.
    free: Vec<u32>,
    profile: Profile,
}

/// The slots of live objects by their ids.
pub(super) trait Ids: Default {
    /// An object is born; `None` where one of this id is live, or where the id is too odd.
    fn insert(&mut self, id: u64, slot: u32) -> Option<()>;

    /// The slot of a live object.
    fn get(&self, id: u64) -> Option<u32>;

    /// An object dies; its slot, if it was live.
    fn remove(&mut self, id: u64) -> Option<u32>;
}

/// An array, for ids that are given in turn, as binary traces do: four bytes for each object that ever lived, and several times as fast as
/// a map.
#[derive(Debug)]
pub(super) struct DenseIds(Vec<u32>);

impl Default for DenseIds {
    fn default() -> Self {
        // No object has the id 0 where ids count from 1.
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

/// A map, for any ids: its memory grows with the objects that are live at once.
pub(super) type AnyIds = IdMap<u32>;

impl Ids for AnyIds {
    #[inline]
    fn insert(&mut self, id: u64, slot: u32) -> Option<()> {
        IdMap::insert(self, id, slot).is_none().then_some(())
    }

    #[inline]
    fn get(&self, id: u64) -> Option<u32> {
        IdMap::get(self, &id).copied()
    }

    #[inline]
    fn remove(&mut self, id: u64) -> Option<u32> {
        IdMap::remove(self, &id)
    }
}

impl<I: Ids> Default for Compiler<I> {
    fn default() -> Self {
        Compiler { ids: I::default(), layouts: Vec::new(), free: Vec::new(), profile: Profile::default() }
    }
}

impl<I: Ids> Compiler<I> {
    /// What has been asked for so far.
    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Slots so far: the most objects that were live at once.
    pub(super) fn slots(&self) -> usize {
        self.layouts.len()
    }

    /// The slots of the objects that are live now, with their layouts, in the order of the slots.
    pub(super) fn live(&self) -> Vec<(u32, Layout)> {
        let mut is_live = vec![true; self.layouts.len()];
        self.free.iter().for_each(|&slot| is_live[slot as usize] = false);
        let slots = self.layouts.iter().zip(is_live).zip(0..);
        slots.filter(|&((_, is_live), _)| is_live).map(|((op, _), slot)| (slot, op.layout())).collect()
    }

    /// Appends a checked event; `None` where more objects are live than an operation can number.
    #[inline]
    pub(super) fn add_event(&mut self, event: &Event, ops: &mut Vec<PackedOp>) -> Option<()> {
        match event.action {
            Action::Alloc { layout, zeroed } => {
                let op = if zeroed { Asked::AllocZeroed } else { Asked::Alloc };
                self.add(op, event.id, layout.size(), layout.align(), ops)
            }
            Action::Realloc { new_size, .. } => self.add(Asked::Realloc, event.id, new_size, 1, ops),
            Action::Dealloc { .. } => self.add(Asked::Dealloc, event.id, 1, 1, ops),
        }
    }

    /// Appends what is asked for: a word, and two for a realloc. Sizes and alignments are those of an allocation, and the new size of a
    /// realloc. `None` where it is not as it should be, and nothing can be relied upon from then on.
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        op: Asked,
        id: u64,
        bytes: usize,
        align: usize,
        ops: &mut Vec<PackedOp>,
    ) -> Option<()> {
        let action = match op {
            Asked::Alloc | Asked::AllocZeroed => {
                let layout = layout(bytes, align)?;
                let slot = match self.free.pop() {
                    Some(slot) => slot,
                    None if self.layouts.len() == MAX_LIVE_OBJECTS => return None,
                    None => self.layouts.len() as u32,
                };
                let zeroed = op == Asked::AllocZeroed;
                let op = PackedOp::new(if zeroed { OpKind::AllocZeroed } else { OpKind::Alloc }, slot, layout);
                match self.layouts.get_mut(slot as usize) {
                    Some(in_force) => *in_force = op,
                    None => self.layouts.push(op),
                }
                self.ids.insert(id, slot)?;
                ops.push(op);
                Action::Alloc { layout, zeroed }
            }
            Asked::Realloc => {
                let slot = self.ids.get(id)?;
                let in_force = self.layouts.get_mut(slot as usize)?;
                let old = in_force.layout();
                let new = layout(bytes, old.align())?;
                *in_force = PackedOp::new(OpKind::Realloc, slot, new);
                ops.extend([*in_force, PackedOp::old_size(old)]);
                Action::Realloc { old, new_size: new.size() }
            }
            Asked::Dealloc => {
                let slot = self.ids.remove(id)?;
                let op = self.layouts.get(slot as usize)?.with_kind(OpKind::Dealloc);
                self.free.push(slot);
                ops.push(op);
                Action::Dealloc { layout: op.layout() }
            }
        };
        self.profile.add(&Event { action, id, thread: None, time_ns: None });
        Some(())
    }
}

#[inline(always)]
fn layout(bytes: usize, align: usize) -> Option<Layout> {
    Layout::from_size_align(bytes, align).ok().filter(|layout| layout.size() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<I: Ids>(asked: &[(Asked, u64)]) -> bool {
        let (mut compiler, mut ops) = (Compiler::<I>::default(), Vec::new());
        asked.iter().any(|&(op, id)| compiler.add(op, id, 8, 8, &mut ops).is_none())
    }

    #[test]
    fn both_kinds_of_ids_refuse_what_contradicts_itself() {
        use Asked::{Alloc, Dealloc, Realloc};
        for (asked, is_refused) in [
            (&[(Alloc, 1), (Alloc, 2), (Dealloc, 1), (Alloc, 1), (Realloc, 2)][..], false),
            (&[(Alloc, 1), (Alloc, 1)], true),
            (&[(Alloc, 1), (Dealloc, 1), (Dealloc, 1)], true),
            (&[(Alloc, 1), (Dealloc, 1), (Realloc, 1)], true),
            (&[(Realloc, 1)], true),
            (&[(Dealloc, u64::MAX)], true),
        ] {
            assert_eq!(refused::<DenseIds>(asked), is_refused, "{asked:?}");
            assert_eq!(refused::<AnyIds>(asked), is_refused, "{asked:?}");
        }
        assert!(refused::<DenseIds>(&[(Alloc, 7)]) && !refused::<AnyIds>(&[(Alloc, 7)]), "odd ids need a map");
    }

    #[test]
    fn sizes_of_nothing_are_refused() {
        let (mut compiler, mut ops) = (Compiler::<AnyIds>::default(), Vec::new());
        assert!(compiler.add(Asked::Alloc, 1, 0, 8, &mut ops).is_none());
        assert!(compiler.add(Asked::Alloc, 1, 8, 3, &mut ops).is_none());
        assert!(ops.is_empty());
    }
}
