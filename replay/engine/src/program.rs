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
//! use heaprace_engine::Program;
//!
//! let text = "op,id,size,align\nalloc,7,100,8\ndealloc,7\nalloc,8,50,8\n";
//! let program = Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")?)?;
//! assert_eq!((program.events(), program.slots()), (3, 1), "object 8 takes the slot of object 7");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compiler;
mod cuts;
mod error;
mod extents;
mod op;
mod pass;
mod portion;
mod stream;
mod stretch;

use std::alloc::Layout;
use std::ops::ControlFlow;

use heaprace_reports::results::Mark;
use heaprace_traces::RunTime;
use heaprace_traces::import::Repairs;
use heaprace_traces::{Event, Profile, Source, TraceError};

pub(crate) use cuts::each_piece;
pub use error::CompileError;
pub use extents::{Coverage, WrittenRange};
pub use op::{MAX_LIVE_OBJECTS, OpKind, PackedOp};
pub use stretch::{Stretch, Visit};

use self::compiler::{AnyIds, DenseIds, Ids};
use self::cuts::{Cut, STRETCH_WORDS, cuts, visit_cuts};
use self::pass::Passed;
use self::portion::Portion;
use self::stream::Stream;

/// Maximum words of a program held in memory (128 MiB). A longer program is [streamed](stream).
const MOST_HELD_WORDS: usize = 1 << 24;

/// A compiled trace. Every object is allocated into its slot before the slot is used, and no two live objects share a
/// slot.
#[derive(Clone, Debug)]
pub struct Program {
    supply: Supply,
    slots: usize,
    profile: Profile,
    marks: pass::Marks,
    repairs: Option<Repairs>,
    coverage: Option<Coverage>,
    run_time: Option<RunTime>,
    left_live: Vec<(u32, Layout)>,
}

/// Where the operations come from.
#[derive(Clone, Debug)]
enum Supply {
    /// From memory, with the ends of the stretches.
    Held { portion: Portion, cuts: Vec<Cut> },
    /// From the trace, whose blocks or events are decoded for every replay.
    Streamed(Stream),
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
    /// let program = heaprace_engine::Program::load(&heaprace_traces::Source::locate("serde-heavy")?)?;
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
                let way = pass::short::<DenseIds>(blocks, Portion::default(), |portion: &mut Portion, _: &_| {
                    too_long = portion.ops.len() > most_words;
                    if too_long { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                match way {
                    Some(passed) if !too_long => return Ok(Self::held(passed)),
                    // An array of all ids would not work for a trace of any length.
                    Some(_) => {
                        let Ok(blocks) = source.open()?.into_blocks() else {
                            return Err(CompileError::Changed { file: source.display().to_owned() });
                        };
                        let way = pass::short::<AnyIds>(blocks, Portion::default(), |portion: &mut Portion, _: &_| {
                            portion.clear();
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
        let passed = pass::long_with_marks(events, Portion::default(), |portion: &mut Portion, _: &_| {
            too_long |= portion.ops.len() > most_words;
            if too_long {
                portion.clear();
            }
            ControlFlow::Continue(())
        })?;
        Ok(if too_long || passed.portion.ops.len() > most_words {
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
        let sink = |_: &mut Portion, _: &_| ControlFlow::Continue(());
        Ok(Self::held(pass::long(events, true, Portion::default(), sink)?))
    }

    fn held<I: Ids>(passed: Passed<I>) -> Self {
        let has_extents = passed.compiler.coverage().is_some();
        Self::passed(passed, |mut portion| {
            if !has_extents {
                portion.written.clear();
            }
            portion.shrink_to_fit();
            let cuts = cuts(&portion.ops, has_extents, STRETCH_WORDS);
            Supply::Held { portion, cuts }
        })
    }

    fn passed<I: Ids>(passed: Passed<I>, supply: impl FnOnce(Portion) -> Supply) -> Self {
        let Passed { portion, compiler, marks, repairs, run_time } = passed;
        Program {
            supply: supply(portion),
            slots: compiler.slots(),
            profile: *compiler.profile(),
            marks,
            repairs,
            coverage: compiler.coverage(),
            run_time,
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
    pub fn each_stretch(&self, visit: Visit<'_>) -> Result<ControlFlow<()>, CompileError> {
        let slots = self.slots;
        match &self.supply {
            Supply::Held { portion, cuts } => Ok(visit_cuts(portion, cuts, 0, slots, visit)),
            Supply::Streamed(stream) => stream.each_stretch(slots, self.events(), visit),
        }
    }

    /// The operations: one word each, two for a realloc. `None` if they are streamed.
    #[inline]
    pub fn ops(&self) -> Option<&[PackedOp]> {
        match &self.supply {
            Supply::Held { portion, .. } => Some(&portion.ops),
            Supply::Streamed(_) => None,
        }
    }

    /// Bytes of memory that the program holds.
    pub fn held_bytes(&self) -> usize {
        let portion = match &self.supply {
            Supply::Held { portion, .. } => portion.bytes(),
            Supply::Streamed(_) => stream::MOST_HELD_BYTES,
        };
        portion + size_of_val(&self.left_live[..])
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

    /// How long the recorded program ran; `None` if the trace does not say.
    pub fn run_time(&self) -> Option<RunTime> {
        self.run_time
    }

    /// What the trace knows about how much of each block the program wrote. `None` if it knows nothing.
    pub fn coverage(&self) -> Option<Coverage> {
        self.coverage
    }

    /// The slots of the objects that are live after the last event, with their layouts, in slot order.
    pub fn left_live(&self) -> impl Iterator<Item = (usize, Layout)> {
        self.left_live.iter().map(|&(slot, layout)| (slot as usize, layout))
    }
}

#[cfg(test)]
mod tests;
