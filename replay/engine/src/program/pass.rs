//! A pass through a trace: it delivers operations in portions, and totals at the end.

use std::io::Read;
use std::ops::ControlFlow;

use heaprace_reports::results::Mark;
use heaprace_traces::MARK_PREFIX;
use heaprace_traces::htrace::{Block, Blocks, Requests};
use heaprace_traces::import::Repairs;
use heaprace_traces::{Event, Events, RunTime, TraceError, run_time};

use super::compiler::{AnyIds, Compiler, Ids};
use super::error::CompileError;
use super::portion::Portion;

/// Maximum marks kept: more than a chart could show.
const MOST_MARKS: usize = 1000;

/// Maximum events in a portion: few enough that its operations are still cached when they are replayed.
const PORTION_EVENTS: usize = 1 << 16;

/// The marks of a trace: the first ones, and their total number.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    pub(super) first: Vec<Mark>,
    pub(super) count: u64,
}

impl Marks {
    /// Adds the marks among these comments, which come after `event` events.
    fn add<'a>(&mut self, event: u64, comments: impl IntoIterator<Item = &'a str>) {
        for name in comments.into_iter().filter_map(|comment| comment.strip_prefix(MARK_PREFIX)) {
            self.count += 1;
            if self.first.len() < MOST_MARKS {
                self.first.push(Mark { event, name: name.to_owned() });
            }
        }
    }
}

/// The results of a pass.
pub(super) struct Passed<I> {
    /// The operations that the sink has left.
    pub(super) portion: Portion,
    pub(super) compiler: Compiler<I>,
    pub(super) marks: Marks,
    pub(super) repairs: Option<Repairs>,
    /// How long the recorded program ran.
    pub(super) run_time: Option<RunTime>,
}

impl<I: Ids> Passed<I> {
    /// Notes what the comments after the last event say.
    fn end(&mut self, comments: &[String]) {
        self.compiler.left_live(comments.iter().map(String::as_str), &mut self.portion);
        self.run_time = comments.iter().find_map(|comment| run_time(comment));
    }
}

/// Receives the operations: called after each portion with all operations since it last took them. A break ends the
/// pass. The last portion of the long way is left to the caller.
pub(super) trait Sink<I>: FnMut(&mut Portion, &Compiler<I>) -> ControlFlow<()> {}

impl<I, F: FnMut(&mut Portion, &Compiler<I>) -> ControlFlow<()>> Sink<I> for F {}

/// The short way, through the blocks of a binary trace: it skips creating events, the main cost of the long way. `None`
/// if anything is invalid or unusual: then the long way is necessary.
pub(super) fn short<I: Ids>(
    mut blocks: Blocks<impl Read>,
    mut portion: Portion,
    mut sink: impl Sink<I>,
) -> Result<Option<Passed<I>>, TraceError> {
    let (mut compiler, mut marks) = (Compiler::<I>::new(blocks.columns().written), Marks::default());
    let mut block = Block::default();
    // The comments after the latest event.
    let mut last: Vec<String> = Vec::new();
    'blocks: while blocks.read(&mut block)? {
        // Long comments have blocks of their own.
        if !block.is_empty() {
            last.clear();
        }
        for (events, comment) in block.comments() {
            marks.add(compiler.profile().events() + events as u64, [comment]);
            if events == block.len() {
                last.push(comment.to_owned());
            }
        }
        if !block.times_rise() {
            return Ok(None);
        }
        let mut requests = block.requests();
        for _ in 0..block.len().div_ceil(PORTION_EVENTS) {
            if add_portion(&mut compiler, &mut requests, &mut portion).is_none() {
                return Ok(None);
            }
            if sink(&mut portion, &compiler).is_break() {
                break 'blocks;
            }
        }
    }
    if compiler.profile().events() == 0 {
        return Ok(None);
    }
    let mut passed = Passed { portion, compiler, marks, repairs: None, run_time: None };
    passed.end(&last);
    Ok(Some(passed))
}

/// Adds the next requests of a block, as many as a portion has at most.
#[inline(always)]
fn add_portion<I: Ids>(compiler: &mut Compiler<I>, requests: &mut Requests<'_>, portion: &mut Portion) -> Option<()> {
    // `by_ref().take()` would call a function for each request.
    for _ in 0..PORTION_EVENTS {
        let Some(request) = requests.next() else { break };
        // The long way reports an impossible alignment.
        let align = (request.align_log2 < u32::BITS as u8).then(|| 1 << request.align_log2)?;
        compiler.add(request.op, request.id, (request.size as usize, align), request.extent, portion)?;
    }
    Some(())
}

/// The long way, through checked events, with extents if the trace may have any. Marks are among the comments, which
/// only [`Events`] provides: see [`long_with_marks`].
pub(super) fn long(
    events: impl IntoIterator<Item = Result<Event, TraceError>>,
    with_extents: bool,
    mut portion: Portion,
    mut sink: impl Sink<AnyIds>,
) -> Result<Passed<AnyIds>, CompileError> {
    let mut compiler = Compiler::new(with_extents);
    for event in events {
        let event = event?;
        let number = compiler.profile().events() + 1;
        compiler.add_event(&event, &mut portion).ok_or(CompileError::TooManyLive { event: number })?;
        if number.is_multiple_of(PORTION_EVENTS as u64) && sink(&mut portion, &compiler).is_break() {
            break;
        }
    }
    Ok(Passed { portion, compiler, marks: Marks::default(), repairs: None, run_time: None })
}

/// The long way through a whole trace.
pub(super) fn long_of(
    mut events: Events,
    portion: Portion,
    sink: impl Sink<AnyIds>,
) -> Result<Passed<AnyIds>, CompileError> {
    let with_extents = events.columns().written;
    let mut passed = long(events.by_ref(), with_extents, portion, sink)?;
    passed.end(events.comments());
    Ok(passed)
}

/// The long way with the marks of a trace, and the repairs of an import.
pub(super) fn long_with_marks(
    mut events: Events,
    portion: Portion,
    sink: impl Sink<AnyIds>,
) -> Result<Passed<AnyIds>, CompileError> {
    let (mut marks, mut before) = (Marks::default(), 0);
    let with_extents = events.columns().written;
    let with_marks = std::iter::from_fn(|| {
        let event = events.next();
        marks.add(before, events.comments().iter().map(String::as_str));
        before += 1;
        event
    });
    let mut passed = long(with_marks, with_extents, portion, sink)?;
    passed.end(events.comments());
    Ok(Passed { marks, repairs: events.repairs(), ..passed })
}
