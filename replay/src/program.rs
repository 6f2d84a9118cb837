//! A trace compiled for replay: dense operations of 8 bytes over slots that are reused last in, first out.
//!
//! Everything that can be decided before the clock runs is decided here: ids become slots, layouts are written into
//! every operation that needs them, including frees, and the trace is fully checked. The timed loop only decodes a
//! word.
//!
//! A program is replayed in [`Stretch`]es. Most programs are held in memory. A program of more than 16 million words is
//! decoded anew for every replay, in parallel with it, so that a trace of any length needs little memory.
//!
//! ```
//! use heaprace::Program;
//!
//! let text = "op,id,size,align\nalloc,7,100,8\ndealloc,7\nalloc,8,50,8\n";
//! let program = Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")?)?;
//! assert_eq!((program.events(), program.slots()), (3, 1), "object 8 takes the slot of object 7");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compiler;
mod error;
mod op;
mod pass;
mod stream;
mod stretch;

use std::alloc::Layout;
use std::ops::ControlFlow;

use heaprace_reports::results::Mark;
use heaprace_traces::import::Repairs;
use heaprace_traces::{Event, Profile, Source, TraceError};

pub use error::CompileError;
pub use op::{MAX_LIVE_OBJECTS, OpKind, PackedOp};
pub use stretch::Stretch;

use self::compiler::{AnyIds, DenseIds, Ids};
use self::pass::Passed;
use self::stream::Stream;

/// Maximum words of a program held in memory (128 MiB). A longer program is [streamed](stream).
const MOST_HELD_WORDS: usize = 1 << 24;

/// Words of a stretch of a held program. Replays check the clock and interrupts between two stretches.
const STRETCH_WORDS: usize = 1 << 16;

/// A compiled trace. Every object is allocated into its slot before the slot is used, and no two live objects share a
/// slot.
#[derive(Clone, Debug)]
pub struct Program {
    supply: Supply,
    slots: usize,
    profile: Profile,
    marks: pass::Marks,
    repairs: Option<Repairs>,
    left_live: Vec<(u32, Layout)>,
}

/// Where the operations come from.
#[derive(Clone, Debug)]
enum Supply {
    /// From memory, with the ends of the stretches.
    Held { ops: Vec<PackedOp>, cuts: Vec<Cut> },
    /// From the trace, whose blocks or events are decoded for every replay.
    Streamed(Stream),
}

/// The end of a stretch.
#[derive(Clone, Copy, Debug)]
struct Cut {
    words: usize,
    events: u64,
}

fn count_events(ops: &[PackedOp]) -> u64 {
    ops.iter().filter(|op| !op.is_old_size()).count() as u64
}

impl Program {
    /// Compiles a trace from its source, a binary trace directly from its blocks. A trace too long to hold in memory is
    /// read once here, and again for every replay.
    ///
    /// # Errors
    ///
    /// If the trace cannot be opened, and the errors of [`compile`](Self::compile).
    ///
    /// ```
    /// let program = heaprace::Program::load(&heaprace_traces::Source::locate("serde-heavy")?)?;
    /// assert_eq!(program.events(), 879_876);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load(source: &Source) -> Result<Self, CompileError> {
        Self::load_holding(source, MOST_HELD_WORDS)
    }

    /// Same as [`load`](Self::load), with another limit on held words: 0 streams any trace.
    ///
    /// # Errors
    ///
    /// Same as for [`load`](Self::load).
    pub fn load_holding(source: &Source, most_words: usize) -> Result<Self, CompileError> {
        let events = match source.open()?.into_blocks() {
            Ok(blocks) => {
                let mut too_long = false;
                let way = pass::short::<DenseIds>(blocks, Vec::new(), |ops: &mut Vec<PackedOp>, _: &_| {
                    too_long = ops.len() > most_words;
                    if too_long { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                match way {
                    Some(passed) if !too_long => return Ok(Self::held(passed)),
                    // An array of all ids would not work for a trace of any length.
                    Some(_) => {
                        let Ok(blocks) = source.open()?.into_blocks() else {
                            return Err(CompileError::Changed { file: source.display().to_owned() });
                        };
                        let way = pass::short::<AnyIds>(blocks, Vec::new(), |ops: &mut Vec<PackedOp>, _: &_| {
                            ops.clear();
                            ControlFlow::Continue(())
                        })?;
                        if let Some(passed) = way {
                            return Ok(Self::passed(passed, |_| Supply::Streamed(Stream::new(source, true))));
                        }
                    }
                    None => {}
                }
                // A trace that the short way cannot take is faulty, or has unusual ids: the long way handles it.
                source.open()?
            }
            Err(events) => events,
        };
        let mut too_long = false;
        let passed = pass::long_with_marks(events, Vec::new(), |ops: &mut Vec<PackedOp>, _: &_| {
            too_long |= ops.len() > most_words;
            if too_long {
                ops.clear();
            }
            ControlFlow::Continue(())
        })?;
        Ok(if too_long || passed.ops.len() > most_words {
            Self::passed(passed, |_| Supply::Streamed(Stream::new(source, false)))
        } else {
            Self::held(passed)
        })
    }

    /// Compiles the events of a trace, of any number, and holds them in memory. Marks are not events:
    /// [`load`](Self::load) finds them.
    ///
    /// # Errors
    ///
    /// The first fault of the trace, or too many live objects.
    pub fn compile(events: impl IntoIterator<Item = Result<Event, TraceError>>) -> Result<Self, CompileError> {
        Ok(Self::held(pass::long(events, Vec::new(), |_: &mut Vec<PackedOp>, _: &_| ControlFlow::Continue(()))?))
    }

    fn held<I: Ids>(passed: Passed<I>) -> Self {
        Self::passed(passed, |mut ops| {
            ops.shrink_to_fit();
            let cuts = cuts(&ops);
            Supply::Held { ops, cuts }
        })
    }

    fn passed<I: Ids>(passed: Passed<I>, supply: impl FnOnce(Vec<PackedOp>) -> Supply) -> Self {
        let Passed { ops, compiler, marks, repairs } = passed;
        Program {
            supply: supply(ops),
            slots: compiler.slots(),
            profile: *compiler.profile(),
            marks,
            repairs,
            left_live: compiler.live(),
        }
    }

    /// The same program, but if it is streamed, decoding uses no extra thread: for a process that must stay
    /// single-threaded.
    #[must_use]
    pub fn decoded_in_turn(mut self) -> Self {
        if let Supply::Streamed(stream) = &mut self.supply {
            stream.decode_in_turn();
        }
        self
    }

    /// Calls `visit` with all stretches in order, until it breaks.
    ///
    /// # Errors
    ///
    /// If the trace is streamed, and cannot be read again or has changed.
    pub fn each_stretch<B>(
        &self,
        mut visit: impl FnMut(Stretch<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, CompileError> {
        let slots = self.slots;
        match &self.supply {
            Supply::Held { ops, cuts } => {
                let mut before = Cut { words: 0, events: 0 };
                for &cut in cuts {
                    let stretch = Stretch {
                        ops: &ops[before.words..cut.words],
                        events_before: before.events,
                        events: cut.events - before.events,
                        slots,
                    };
                    if let ControlFlow::Break(value) = visit(stretch) {
                        return Ok(ControlFlow::Break(value));
                    }
                    before = cut;
                }
                Ok(ControlFlow::Continue(()))
            }
            Supply::Streamed(stream) => stream.each_stretch(slots, self.events(), visit),
        }
    }

    /// The operations: one word each, two for a realloc. `None` if they are streamed.
    #[inline]
    pub fn ops(&self) -> Option<&[PackedOp]> {
        match &self.supply {
            Supply::Held { ops, .. } => Some(ops),
            Supply::Streamed(_) => None,
        }
    }

    /// Whether the operations are decoded during each replay, because they are too many to hold in memory.
    pub fn is_streamed(&self) -> bool {
        self.ops().is_none()
    }

    /// Slots that a replay needs: the peak number of live objects.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Events of the trace: the operations of a replay.
    pub fn events(&self) -> u64 {
        self.profile.events()
    }

    /// Totals of the trace's requests.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The marks that the recorded program set, in order, up to the first thousand.
    pub fn marks(&self) -> &[Mark] {
        &self.marks.first
    }

    /// The number of marks.
    pub fn mark_count(&self) -> u64 {
        self.marks.count
    }

    /// What an import dropped, filled in or reordered, if another tool recorded the trace.
    pub fn repairs(&self) -> Option<Repairs> {
        self.repairs
    }

    /// The slots of the objects that are live after the last event, with their layouts, in slot order.
    pub fn left_live(&self) -> impl Iterator<Item = (usize, Layout)> {
        self.left_live.iter().map(|&(slot, layout)| (slot as usize, layout))
    }
}

/// The ends of the stretches of a held program. A realloc and its old size stay together.
fn cuts(ops: &[PackedOp]) -> Vec<Cut> {
    let (mut cuts, mut before) = (Vec::new(), Cut { words: 0, events: 0 });
    while before.words < ops.len() {
        let mut end = (before.words + STRETCH_WORDS).min(ops.len());
        while ops.get(end).is_some_and(|op| op.is_old_size()) {
            end += 1;
        }
        before = Cut { words: end, events: before.events + count_events(&ops[before.words..end]) };
        cuts.push(before);
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(lines: &str) -> Program {
        let text = format!("op,id,size,align\n{lines}");
        Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "test.csv").unwrap()).unwrap()
    }

    #[test]
    fn an_operation_is_8_bytes_and_a_realloc_two_of_them() {
        assert_eq!(size_of::<PackedOp>(), 8);
        let program = program("alloc,1,1,1\nalloc_zeroed,2,1,1\nrealloc,1,2\ndealloc,1\ndealloc,2\n");
        assert_eq!(program.events(), 5);
        assert_eq!(size_of_val(program.ops().unwrap()), 6 * 8);
    }

    #[test]
    fn slots_are_reused_last_in_first_out() {
        let program =
            program("alloc,10,1,1\nalloc,11,1,1\nalloc,12,1,1\ndealloc,10\ndealloc,12\nalloc,13,1,1\nalloc,10,1,1\n");
        let slots: Vec<_> = program.ops().unwrap().iter().map(|op| op.slot()).collect();
        assert_eq!(slots, [0, 1, 2, 0, 2, 2, 0]);
        assert_eq!(program.slots(), 3);
    }

    #[test]
    fn marks_keep_their_positions_in_every_format() {
        let text =
            "op,id,size,align\n# mark: start\nalloc,1,24,8\n# mark: request 2\n# a remark\ndealloc,1\n# mark: end\n";
        let csv = Source::from_bytes("a.csv", text.as_bytes());
        let mut writer =
            heaprace_traces::htrace::HtraceWriter::new(Vec::new(), heaprace_traces::csv::Columns::default(), &[""; 0])
                .unwrap();
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
    fn operations_have_the_current_layouts() {
        let program = program("alloc,1,100,32\nrealloc,1,300\nrealloc,1,200\ndealloc,1\n");
        let ops = program.ops().unwrap();
        let layout = |bytes| Layout::from_size_align(bytes, 32).unwrap();
        assert_eq!((ops[1].layout(), ops[1].old_layout(ops[2])), (layout(300), layout(100)));
        assert_eq!((ops[3].layout(), ops[3].old_layout(ops[4])), (layout(200), layout(300)));
        assert_eq!((ops[5].kind(), ops[5].layout()), (OpKind::Dealloc, layout(200)));
    }

    fn binary(text: &str) -> Source {
        let reader = heaprace_traces::CsvReader::new(text.as_bytes(), "test.csv").unwrap();
        let mut writer =
            heaprace_traces::htrace::HtraceWriter::new(Vec::new(), reader.columns(), reader.provenance()).unwrap();
        reader.for_each(|event| writer.write(&event.unwrap()).unwrap());
        Source::from_bytes("test.htrace", writer.finish().unwrap())
    }

    fn short_way(source: &Source) -> Option<Program> {
        let blocks = source.open().unwrap().into_blocks().unwrap();
        let sink = |_: &mut Vec<PackedOp>, _: &_| ControlFlow::Continue(());
        pass::short::<DenseIds>(blocks, Vec::new(), sink).unwrap().map(Program::held)
    }

    #[test]
    fn both_ways_lead_to_the_same_program() {
        let library = Source::locate("serde-heavy").unwrap();
        let events = library.open().unwrap();
        let mut writer =
            heaprace_traces::htrace::HtraceWriter::new(Vec::new(), events.columns(), events.provenance()).unwrap();
        events.for_each(|event| writer.write(&event.unwrap()).unwrap());
        let program = short_way(&Source::from_bytes("a.htrace", writer.finish().unwrap())).unwrap();
        let expected = Program::compile(library.open().unwrap()).unwrap();
        assert!(program.ops() == expected.ops());
        assert_eq!((program.slots(), program.profile()), (expected.slots(), expected.profile()));
    }

    #[test]
    fn unusual_ids_take_the_long_way() {
        let text = "op,id,size,align\nalloc,7,1,1\nrealloc,7,2\ndealloc,7\n";
        assert!(short_way(&binary(text)).is_none());
        let program = Program::load(&binary(text)).unwrap();
        assert_eq!(
            program.ops(),
            Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "a").unwrap()).unwrap().ops()
        );
    }

    #[test]
    fn a_reused_id_takes_the_short_way() {
        let text = "op,id,size,align\nalloc,1,1,1\ndealloc,1\nalloc,1,5,8\nalloc,2,1,1\nrealloc,1,9\n";
        let program = short_way(&binary(text)).unwrap();
        assert_eq!(
            program.ops(),
            Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "a").unwrap()).unwrap().ops()
        );
    }

    #[test]
    fn faults_are_reported_with_the_messages_of_the_long_way() {
        let layout = Layout::new::<u64>();
        let (alloc, dealloc) =
            (heaprace_traces::Action::Alloc { layout, zeroed: false }, heaprace_traces::Action::Dealloc { layout });
        let realloc = heaprace_traces::Action::Realloc { old: layout, new_size: 0 };
        for (actions, times, message) in [
            (vec![(alloc, 1), (dealloc, 1), (dealloc, 1)], [0, 0, 0], "event 3): dealloc of id 1, which is not live"),
            (vec![(alloc, 1), (alloc, 1)], [0, 0, 0], "event 2): alloc of id 1, which is live"),
            (vec![(alloc, 1), (realloc, 1)], [0, 0, 0], "event 2): size 0 is out of range"),
            (vec![(alloc, 1), (alloc, 2), (dealloc, 1)], [3, 5, 4], "event 3): time_ns 4 is before 5"),
            (vec![], [0, 0, 0], "has a header but no event"),
        ] {
            let columns = heaprace_traces::csv::Columns { time_ns: true, ..Default::default() };
            let mut writer =
                heaprace_traces::htrace::HtraceWriter::new(Vec::new(), columns, &["program: a test"]).unwrap();
            for ((action, id), time_ns) in actions.into_iter().zip(times) {
                writer.write(&Event { action, id, thread: None, time_ns: Some(time_ns), written: None }).unwrap();
            }
            let source = Source::from_bytes("bad.htrace", writer.finish().unwrap());
            let error = Program::load(&source).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    /// Enough events for several stretches and chunks, with reallocs at every position.
    fn long_text(events: u64) -> String {
        let mut text = "op,id,size,align\n# mark: start\n".to_owned();
        for id in 0..events / 3 {
            text += &format!("alloc,{id},{},8\nrealloc,{id},{}\n", 1 + id % 100, 1 + id % 77);
            if id >= 50 {
                text += &format!("dealloc,{}\n", id - 50);
            }
        }
        text + "# mark: end\n"
    }

    fn all_ops(program: &Program) -> (Vec<PackedOp>, u64) {
        let (mut ops, mut events) = (Vec::new(), 0);
        let flow = program.each_stretch::<()>(|stretch| {
            assert_eq!(stretch.events_before(), events);
            assert!(!stretch.ops()[0].is_old_size() && stretch.slots() == program.slots());
            ops.extend_from_slice(stretch.ops());
            events += stretch.events();
            ControlFlow::Continue(())
        });
        assert!(flow.unwrap().is_continue());
        (ops, events)
    }

    #[test]
    fn a_streamed_program_equals_the_held_one() {
        let text = long_text(1_000_000);
        for source in [Source::from_bytes("a.csv", text.as_bytes()), binary(&text)] {
            let held = Program::load(&source).unwrap();
            let streamed = Program::load_holding(&source, 0).unwrap();
            assert!(!held.is_streamed() && streamed.is_streamed());
            assert!(all_ops(&held) == all_ops(&streamed));
            assert!(all_ops(&held) == all_ops(&streamed.clone().decoded_in_turn()));
            assert_eq!(all_ops(&held).1, held.events());
            assert_eq!(held.profile(), streamed.profile());
            assert_eq!((held.slots(), held.marks()), (streamed.slots(), streamed.marks()));
            assert!(held.left_live().eq(streamed.left_live()));
            assert_eq!(held.left_live().count(), 50);
        }
    }

    #[test]
    fn a_stream_can_be_left_early() {
        let streamed = Program::load_holding(&Source::from_bytes("a.csv", long_text(2_000_000).as_bytes()), 0).unwrap();
        for streamed in [streamed.clone(), streamed.decoded_in_turn()] {
            let mut seen = 0;
            let flow = streamed.each_stretch(|_| {
                seen += 1;
                if seen == 2 { ControlFlow::Break(seen) } else { ControlFlow::Continue(()) }
            });
            assert_eq!(flow.unwrap(), ControlFlow::Break(2));
        }
    }

    #[test]
    fn a_trace_that_changes_between_passes_is_detected() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("changes.csv");
        let source = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Source::locate(path.to_str().unwrap()).unwrap()
        };
        let text = long_text(300_000);
        let streamed = Program::load_holding(&source(&text), 0).unwrap();
        let replay = || streamed.each_stretch::<()>(|_| ControlFlow::Continue(())).map(|_| ()).unwrap_err().to_string();
        // Fewer events, then more live objects, then a fault.
        source(&long_text(150_000));
        assert!(replay().contains("changed during the replay"), "{}", replay());
        source(&(text.clone() + "alloc,999999999,1,1\nalloc,999999998,1,1\n"));
        assert!(replay().contains("changed during the replay"), "{}", replay());
        source(&(text + "dealloc,999999999\n"));
        assert!(replay().contains("not live"), "{}", replay());
    }
}
