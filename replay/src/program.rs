//! A trace compiled for replay: dense operations of 8 bytes over slots that are used again last in, first out.
//!
//! All that can be decided before the clock runs is decided here: ids become slots, layouts are written into every operation that needs
//! them, a free's too, and every check on the trace is made. What is left for the timed loop is to decode a word.
//!
//! ```
//! use replay::Program;
//!
//! let text = "op,id,size,align\nalloc,7,100,8\ndealloc,7\nalloc,8,50,8\n";
//! let program = Program::compile(traces::Reader::new(text.as_bytes(), "example.csv")?)?;
//! assert_eq!((program.events(), program.slots()), (3, 1), "object 8 takes the slot of object 7");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod blocks;

use std::alloc::Layout;
use std::collections::HashMap;

use traces::import::Repairs;
use traces::record::MARK_PREFIX;
use traces::{Action, Event, Events, Profile, Source, TraceError};

/// Most objects that may be live at once: as many as slot numbers fit into an operation.
pub const MAX_LIVE_OBJECTS: usize = 1 << SLOT_BITS;

const KIND_BITS: u32 = 2;
const ALIGN_BITS: u32 = 5;
const SLOT_BITS: u32 = 25;

/// A trace that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The trace itself is faulty.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// More objects are live at once than an operation can number.
    #[error(
        "event {event}: more than {MAX_LIVE_OBJECTS} objects are live at once, which is more than a program can number"
    )]
    TooManyLive {
        /// The event, counted from 1.
        event: u64,
    },
}

/// What an operation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A new block.
    Alloc = 0,
    /// A new block of zeroes.
    AllocZeroed = 1,
    /// A block back.
    Dealloc = 2,
    /// Another size for a block. The word behind it is its old size.
    Realloc = 3,
}

/// One word of a program. From the lowest bit: 2 of kind, 5 of the alignment's logarithm, 25 of slot, 32 of size (the new one, for a
/// realloc).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Op(u64);

impl Op {
    fn new(kind: Kind, slot: u32, layout: Layout) -> Self {
        let align_log2 = u64::from(layout.align().trailing_zeros());
        let word = kind as u64
            | align_log2 << KIND_BITS
            | u64::from(slot) << (KIND_BITS + ALIGN_BITS)
            | (layout.size() as u64) << (KIND_BITS + ALIGN_BITS + SLOT_BITS);
        Op(word)
    }

    /// The same slot and layout, asked for otherwise.
    #[inline(always)]
    fn with_kind(self, kind: Kind) -> Self {
        Op(self.0 & !((1 << KIND_BITS) - 1) | kind as u64)
    }

    /// What it asks for.
    #[inline(always)]
    pub fn kind(self) -> Kind {
        match self.0 & 3 {
            0 => Kind::Alloc,
            1 => Kind::AllocZeroed,
            2 => Kind::Dealloc,
            _ => Kind::Realloc,
        }
    }

    /// The object's slot; less than the program's [`slots`](Program::slots).
    #[inline(always)]
    pub fn slot(self) -> usize {
        (self.0 >> (KIND_BITS + ALIGN_BITS)) as usize & (MAX_LIVE_OBJECTS - 1)
    }

    /// The layout: for a realloc, the one that the block shall have.
    #[inline(always)]
    pub fn layout(self) -> Layout {
        let align = 1 << (self.0 >> KIND_BITS & ((1 << ALIGN_BITS) - 1));
        let size = (self.0 >> (KIND_BITS + ALIGN_BITS + SLOT_BITS)) as usize;
        // SAFETY: `new` was given a layout of this size and alignment.
        unsafe { Layout::from_size_align_unchecked(size, align) }
    }

    /// The layout that the block of a realloc has had; `old_size` is the word behind the operation.
    #[inline(always)]
    pub fn old_layout(self, old_size: Op) -> Layout {
        // SAFETY: `compile` puts the size of a layout of the same alignment behind every realloc.
        unsafe { Layout::from_size_align_unchecked(old_size.0 as usize, self.layout().align()) }
    }
}

/// A compiled trace. Every object is allocated into its slot before the slot is used, and no two live objects share one.
#[derive(Clone, Debug)]
pub struct Program {
    ops: Vec<Op>,
    slots: usize,
    profile: Profile,
    marks: Vec<Mark>,
    repairs: Option<Repairs>,
}

/// A phase marker: the recorded program said so between two events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How many events are before it.
    pub event: u64,
    /// What it says.
    pub name: String,
}

/// Adds the marks that are among these comments, which stand behind so many events.
fn add_marks<'a>(marks: &mut Vec<Mark>, event: u64, comments: impl IntoIterator<Item = &'a str>) {
    let names = comments.into_iter().filter_map(|comment| comment.strip_prefix(MARK_PREFIX));
    marks.extend(names.map(|name| Mark { event, name: name.to_owned() }));
}

impl Program {
    /// Compiles a trace from its source, a binary one straight from its blocks.
    ///
    /// # Errors
    ///
    /// Where the trace cannot be opened, and what [`compile`](Self::compile) refuses.
    ///
    /// ```
    /// let program = replay::Program::load(&traces::Source::locate("serde-heavy")?)?;
    /// assert_eq!(program.events(), 879_876);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(source: &Source) -> Result<Self, CompileError> {
        match source.open()?.into_blocks() {
            // A trace that the short way cannot take is faulty, or has odd ids: the long way does what is right.
            Ok(blocks) => match Self::from_blocks(blocks)? {
                Some(program) => Ok(program),
                None => Self::with_marks(source.open()?),
            },
            Err(events) => Self::with_marks(events),
        }
    }

    fn with_marks(mut events: Events) -> Result<Self, CompileError> {
        let (mut marks, mut before) = (Vec::new(), 0);
        let mut program = Self::compile(std::iter::from_fn(|| {
            let event = events.next();
            add_marks(&mut marks, before, events.comments().iter().map(String::as_str));
            before += 1;
            event
        }))?;
        program.marks = marks;
        program.repairs = events.repairs();
        Ok(program)
    }

    /// Compiles the events of a trace. Marks are no events: [`load`](Self::load) finds them.
    ///
    /// # Errors
    ///
    /// The first fault of the trace, or too many live objects.
    pub fn compile(events: impl IntoIterator<Item = Result<Event, TraceError>>) -> Result<Self, CompileError> {
        let mut program =
            Program { ops: Vec::new(), slots: 0, profile: Profile::default(), marks: Vec::new(), repairs: None };
        let mut slot_of: HashMap<u64, u32> = HashMap::new();
        let mut free: Vec<u32> = Vec::new();
        for event in events {
            let event = event?;
            program.profile.add(&event);
            match event.action {
                Action::Alloc { layout, zeroed } => {
                    let slot = match free.pop() {
                        Some(slot) => slot,
                        None if program.slots == MAX_LIVE_OBJECTS => {
                            return Err(CompileError::TooManyLive { event: program.profile.events() });
                        }
                        None => {
                            program.slots += 1;
                            (program.slots - 1) as u32
                        }
                    };
                    slot_of.insert(event.id, slot);
                    program.ops.push(Op::new(if zeroed { Kind::AllocZeroed } else { Kind::Alloc }, slot, layout));
                }
                Action::Realloc { old, new_size } => {
                    let slot = *slot_of.get(&event.id).expect("the reader lets only live objects be reallocated");
                    let new = Layout::from_size_align(new_size, old.align()).expect("the reader has checked the size");
                    program.ops.push(Op::new(Kind::Realloc, slot, new));
                    program.ops.push(Op(old.size() as u64));
                }
                Action::Dealloc { layout } => {
                    let slot = slot_of.remove(&event.id).expect("the reader lets only live objects be deallocated");
                    free.push(slot);
                    program.ops.push(Op::new(Kind::Dealloc, slot, layout));
                }
            }
        }
        program.ops.shrink_to_fit();
        Ok(program)
    }

    /// The operations, a word each, and two for a realloc.
    #[inline]
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Slots that a replay needs: the peak number of live objects.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Events of the trace: the operations of a replay.
    pub fn events(&self) -> u64 {
        self.profile.events()
    }

    /// What the trace asks for in sum.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The marks that the recorded program set, in order.
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// What an import left out, filled in or put into order, where another tool has recorded the trace.
    pub fn repairs(&self) -> Option<Repairs> {
        self.repairs
    }

    /// The slots of the objects that are live behind the last event, with their layouts, in the order of the slots.
    pub fn left_live(&self) -> impl Iterator<Item = (usize, Layout)> {
        let mut layouts = vec![None; self.slots];
        let mut ops = self.ops.iter();
        while let Some(op) = ops.next() {
            layouts[op.slot()] = (op.kind() != Kind::Dealloc).then(|| op.layout());
            if op.kind() == Kind::Realloc {
                // The word behind it is no operation.
                ops.next();
            }
        }
        layouts.into_iter().enumerate().filter_map(|(slot, layout)| Some((slot, layout?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(lines: &str) -> Program {
        let text = format!("op,id,size,align\n{lines}");
        Program::compile(traces::Reader::new(text.as_bytes(), "test.csv").unwrap()).unwrap()
    }

    #[test]
    fn an_operation_is_8_bytes_and_a_realloc_two_of_them() {
        assert_eq!(size_of::<Op>(), 8);
        let program = program("alloc,1,1,1\nalloc_zeroed,2,1,1\nrealloc,1,2\ndealloc,1\ndealloc,2\n");
        assert_eq!(program.events(), 5);
        assert_eq!(size_of_val(program.ops()), 6 * 8);
    }

    #[test]
    fn an_operation_holds_the_largest_of_everything() {
        let slot = MAX_LIVE_OBJECTS as u32 - 1;
        for kind in [Kind::Alloc, Kind::AllocZeroed, Kind::Dealloc, Kind::Realloc] {
            for (bytes, align) in [(1, 1), (u32::MAX as usize, 1 << 31), (1, 1 << 31), (u32::MAX as usize, 1), (40, 8)]
            {
                let layout = Layout::from_size_align(bytes, align).unwrap();
                let op = Op::new(kind, slot, layout);
                assert_eq!((op.kind(), op.slot(), op.layout()), (kind, slot as usize, layout));
            }
        }
        assert_eq!(traces::event::MAX_SIZE_BYTES, u64::from(u32::MAX));
        assert_eq!(traces::event::MAX_ALIGN_BYTES, 1 << 31);
    }

    #[test]
    fn slots_are_used_again_last_in_first_out() {
        let program =
            program("alloc,10,1,1\nalloc,11,1,1\nalloc,12,1,1\ndealloc,10\ndealloc,12\nalloc,13,1,1\nalloc,10,1,1\n");
        let slots: Vec<_> = program.ops().iter().map(|op| op.slot()).collect();
        assert_eq!(slots, [0, 1, 2, 0, 2, 2, 0]);
        assert_eq!(program.slots(), 3);
    }

    #[test]
    fn marks_keep_their_places_in_every_format() {
        let text =
            "op,id,size,align\n# mark: start\nalloc,1,24,8\n# mark: request 2\n# a remark\ndealloc,1\n# mark: end\n";
        let csv = Source::from_bytes("a.csv", text.as_bytes());
        let mut writer = traces::binary::Writer::new(Vec::new(), traces::csv::Columns::default(), &[""; 0]).unwrap();
        let mut events = csv.open().unwrap();
        while let Some(event) = events.next() {
            events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
            writer.write(&event.unwrap()).unwrap();
        }
        events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
        let binary = Source::from_bytes("a.htrace", writer.finish().unwrap());
        for source in [csv, binary] {
            let program = Program::load(&source).unwrap();
            let marks: Vec<_> = program.marks().iter().map(|mark| (mark.event, mark.name.as_str())).collect();
            assert_eq!(marks, [(0, "start"), (1, "request 2"), (2, "end")], "{source:?}");
        }
    }

    #[test]
    fn layouts_are_those_in_force() {
        let program = program("alloc,1,100,32\nrealloc,1,300\nrealloc,1,200\ndealloc,1\n");
        let ops = program.ops();
        let layout = |bytes| Layout::from_size_align(bytes, 32).unwrap();
        assert_eq!((ops[1].layout(), ops[1].old_layout(ops[2])), (layout(300), layout(100)));
        assert_eq!((ops[3].layout(), ops[3].old_layout(ops[4])), (layout(200), layout(300)));
        assert_eq!((ops[5].kind(), ops[5].layout()), (Kind::Dealloc, layout(200)));
    }
}
