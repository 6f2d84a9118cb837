//! The short way from a binary trace to a program: from the columns of its blocks to words, with no event in between.
//!
//! Binary traces number their objects in turn, so a plain array knows the slot of each: no hash map, which is most of what compiling
//! from events costs. The checks are the same, but what they find is not said here: a trace that fails one is compiled again the
//! long way, which says it.

use std::alloc::Layout;
use std::io::Read;

use traces::binary::{Block, Blocks};
use traces::{Action, Event, Op as Asked, Profile, TraceError};

use super::{Kind, MAX_LIVE_OBJECTS, Op, Program, add_marks};

/// In the place of a slot: the object is not live.
const DEAD: u32 = u32::MAX;

/// What is known of the objects so far.
struct Compiler {
    program: Program,
    /// The slot of each object by its id. It grows with the allocations, by half of what the program grows by.
    slot_of: Vec<u32>,
    /// The layout in force of the object of each slot, as an operation has it: half the size of a `Layout`, and most of a free's word.
    layouts: Vec<Op>,
    free: Vec<u32>,
}

impl Program {
    /// Compiles the blocks of a trace; `None` where the long way must be gone.
    pub(super) fn from_blocks(mut blocks: Blocks<impl Read>) -> Result<Option<Self>, TraceError> {
        let mut compiler = Compiler {
            program: Program {
                ops: Vec::new(),
                slots: 0,
                profile: Profile::default(),
                marks: Vec::new(),
                repairs: None,
            },
            // No object has the id 0 where ids count from 1.
            slot_of: vec![DEAD],
            layouts: Vec::new(),
            free: Vec::new(),
        };
        let mut block = Block::default();
        while blocks.read(&mut block)? {
            for (events, comment) in block.comments() {
                add_marks(&mut compiler.program.marks, compiler.program.profile.events() + events as u64, [comment]);
            }
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
        let Program { ops, slots, profile, .. } = &mut self.program;
        let (slot_of, layouts, free) = (&mut self.slot_of, &mut self.layouts, &mut self.free);
        for request in block.requests() {
            let action = match request.op {
                Asked::Alloc | Asked::AllocZeroed => {
                    let layout = layout(request.size, 1 << request.align_log2.min(31))?;
                    let slot = match free.pop() {
                        Some(slot) => slot,
                        None if *slots == MAX_LIVE_OBJECTS => return None,
                        None => {
                            layouts.push(Op(0));
                            *slots += 1;
                            (*slots - 1) as u32
                        }
                    };
                    let zeroed = request.op == Asked::AllocZeroed;
                    let op = Op::new(if zeroed { Kind::AllocZeroed } else { Kind::Alloc }, slot, layout);
                    layouts[slot as usize] = op;
                    if request.id == slot_of.len() as u64 {
                        slot_of.push(slot);
                    } else {
                        let place = slot_of.get_mut(usize::try_from(request.id).ok()?)?;
                        if *place != DEAD {
                            return None;
                        }
                        *place = slot;
                    }
                    ops.push(op);
                    Action::Alloc { layout, zeroed }
                }
                Asked::Realloc => {
                    let slot = *slot_of.get(usize::try_from(request.id).ok()?)?;
                    let in_force = layouts.get_mut(slot as usize)?;
                    let old = in_force.layout();
                    let new = self::layout(request.size, old.align())?;
                    *in_force = Op::new(Kind::Realloc, slot, new);
                    ops.extend([*in_force, Op(old.size() as u64)]);
                    Action::Realloc { old, new_size: new.size() }
                }
                Asked::Dealloc => {
                    let place = slot_of.get_mut(usize::try_from(request.id).ok()?)?;
                    let slot = std::mem::replace(place, DEAD);
                    let op = layouts.get(slot as usize)?.with_kind(Kind::Dealloc);
                    free.push(slot);
                    ops.push(op);
                    Action::Dealloc { layout: op.layout() }
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

#[cfg(test)]
mod tests {
    use traces::binary::Writer;
    use traces::{Reader, Source};

    use super::*;

    fn binary(text: &str) -> Source {
        let reader = Reader::new(text.as_bytes(), "test.csv").unwrap();
        let mut writer = Writer::new(Vec::new(), reader.columns(), reader.provenance()).unwrap();
        reader.for_each(|event| writer.write(&event.unwrap()).unwrap());
        Source::from_bytes("test.htrace", writer.finish().unwrap())
    }

    fn short_way(source: &Source) -> Option<Program> {
        Program::from_blocks(source.open().unwrap().into_blocks().unwrap()).unwrap()
    }

    #[test]
    fn both_ways_lead_to_the_same_program() {
        let library = Source::locate("serde-heavy").unwrap();
        let events = library.open().unwrap();
        let mut writer = Writer::new(Vec::new(), events.columns(), events.provenance()).unwrap();
        events.for_each(|event| writer.write(&event.unwrap()).unwrap());
        let program = short_way(&Source::from_bytes("a.htrace", writer.finish().unwrap())).unwrap();
        let expected = Program::compile(library.open().unwrap()).unwrap();
        assert!(program.ops() == expected.ops());
        assert_eq!((program.slots(), program.profile()), (expected.slots(), expected.profile()));
    }

    #[test]
    fn odd_ids_go_the_long_way() {
        let text = "op,id,size,align\nalloc,7,1,1\nrealloc,7,2\ndealloc,7\n";
        assert!(short_way(&binary(text)).is_none());
        let program = Program::load(&binary(text)).unwrap();
        assert_eq!(program.ops(), Program::compile(Reader::new(text.as_bytes(), "a").unwrap()).unwrap().ops());
    }

    #[test]
    fn an_id_that_is_used_again_goes_the_short_way() {
        let text = "op,id,size,align\nalloc,1,1,1\ndealloc,1\nalloc,1,5,8\nalloc,2,1,1\nrealloc,1,9\n";
        let program = short_way(&binary(text)).unwrap();
        assert_eq!(program.ops(), Program::compile(Reader::new(text.as_bytes(), "a").unwrap()).unwrap().ops());
    }

    #[test]
    fn what_the_long_way_refuses_is_refused_with_its_words() {
        let layout = Layout::new::<u64>();
        let (alloc, dealloc) = (Action::Alloc { layout, zeroed: false }, Action::Dealloc { layout });
        let realloc = Action::Realloc { old: layout, new_size: 0 };
        for (actions, times, message) in [
            (vec![(alloc, 1), (dealloc, 1), (dealloc, 1)], [0, 0, 0], "event 3): dealloc of id 1, which is not live"),
            (vec![(alloc, 1), (alloc, 1)], [0, 0, 0], "event 2): alloc of id 1, which is live"),
            (vec![(alloc, 1), (realloc, 1)], [0, 0, 0], "event 2): size 0 is out of range"),
            (vec![(alloc, 1), (alloc, 2), (dealloc, 1)], [3, 5, 4], "event 3): time_ns 4 is before 5"),
            (vec![], [0, 0, 0], "holds a header but no event"),
        ] {
            let columns = traces::csv::Columns { thread: false, time_ns: true };
            let mut writer = Writer::new(Vec::new(), columns, &["program: a test"]).unwrap();
            for ((action, id), time_ns) in actions.into_iter().zip(times) {
                writer.write(&Event { action, id, thread: None, time_ns: Some(time_ns) }).unwrap();
            }
            let source = Source::from_bytes("bad.htrace", writer.finish().unwrap());
            let error = Program::load(&source).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
