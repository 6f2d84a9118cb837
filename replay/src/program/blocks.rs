//! The short way from a binary trace to a program: from the columns of its blocks to words, with no event in between.
//!
//! Binary traces number their objects in turn, so a plain array knows the slot of each: no hash map, which is most of what compiling
//! from events costs. The checks are the same, but what they find is not said here: a trace that fails one is compiled again the
//! long way, which says it.

use std::alloc::Layout;
use std::io::Read;

use traces::binary::{Block, Blocks};
use traces::{Action, Event, Op as Asked, Profile, TraceError};

use super::{Kind, MAX_LIVE_OBJECTS, Op, Program};

/// In the place of a slot: the object is not live.
const DEAD: u32 = u32::MAX;

/// What is known of the objects so far.
struct Compiler {
    program: Program,
    /// The slot of each object by its id. It grows with the allocations, by half of what the program grows by.
    slot_of: Vec<u32>,
    /// The layout in the place of each slot.
    layouts: Vec<Layout>,
    free: Vec<u32>,
}

impl Program {
    /// Compiles the blocks of a trace; `None` where the long way must be gone.
    pub(super) fn from_blocks(mut blocks: Blocks<impl Read>) -> Result<Option<Self>, TraceError> {
        let mut compiler = Compiler {
            program: Program { ops: Vec::new(), slots: 0, profile: Profile::default() },
            // No object has the id 0 where ids count from 1.
            slot_of: vec![DEAD],
            layouts: Vec::new(),
            free: Vec::new(),
        };
        let mut block = Block::default();
        while blocks.read(&mut block)? {
            if !block.times_rise() || compiler.add(&block).is_none() {
                return Ok(None);
            }
        }
        let mut program = compiler.program;
        program.ops.shrink_to_fit();
        Ok(Some(program).filter(|program| program.events() > 0))
    }
}

impl Compiler {
    /// Appends the events of a block; `None` where one is not as it should be.
    fn add(&mut self, block: &Block) -> Option<()> {
        let Program { ops, slots, profile } = &mut self.program;
        let (slot_of, layouts, free) = (&mut self.slot_of, &mut self.layouts, &mut self.free);
        for request in block.requests() {
            let action = match request.op {
                Asked::Alloc | Asked::AllocZeroed => {
                    let layout = layout(request.size, 1 << request.align_log2.min(31))?;
                    let slot = match free.pop() {
                        Some(slot) => slot,
                        None if *slots == MAX_LIVE_OBJECTS => return None,
                        None => {
                            layouts.push(layout);
                            *slots += 1;
                            (*slots - 1) as u32
                        }
                    };
                    layouts[slot as usize] = layout;
                    if request.id == slot_of.len() as u64 {
                        slot_of.push(slot);
                    } else {
                        let place = slot_of.get_mut(usize::try_from(request.id).ok()?)?;
                        if *place != DEAD {
                            return None;
                        }
                        *place = slot;
                    }
                    let zeroed = request.op == Asked::AllocZeroed;
                    ops.push(Op::new(if zeroed { Kind::AllocZeroed } else { Kind::Alloc }, slot, layout));
                    Action::Alloc { layout, zeroed }
                }
                Asked::Realloc => {
                    let slot = *slot_of.get(usize::try_from(request.id).ok()?)?;
                    let in_force = layouts.get_mut(slot as usize)?;
                    let old = *in_force;
                    *in_force = self::layout(request.size, old.align())?;
                    ops.extend([Op::new(Kind::Realloc, slot, *in_force), Op(old.size() as u64)]);
                    Action::Realloc { old, new_size: in_force.size() }
                }
                Asked::Dealloc => {
                    let place = slot_of.get_mut(usize::try_from(request.id).ok()?)?;
                    let slot = std::mem::replace(place, DEAD);
                    let layout = *layouts.get(slot as usize)?;
                    free.push(slot);
                    ops.push(Op::new(Kind::Dealloc, slot, layout));
                    Action::Dealloc { layout }
                }
            };
            profile.add(&Event { action, id: request.id, thread: None, time_ns: None });
        }
        Some(())
    }
}

fn layout(size: u32, align: usize) -> Option<Layout> {
    Layout::from_size_align(size as usize, align).ok().filter(|layout| layout.size() > 0)
}
