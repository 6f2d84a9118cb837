//! The events of a binary trace, each checked.

use core::fmt;
use core::iter::FusedIterator;
use std::io::Read;

use heaprace_recorder::Event;
use heaprace_recorder::csv::Columns;

use super::block::Block;
use super::blocks::Blocks;
use super::request::Cursor;
use crate::comments::Comments;
use crate::error::{Place, TraceError};
use crate::fault::Fault;
use crate::validate::Validator;

/// The events of a binary trace, each checked against those before it.
///
/// It keeps one block and the live objects in memory, never the trace. After the first error it ends, because the
/// events after a fault cannot be trusted. All events of the blocks before the fault come first. The [module](super)
/// has an example.
pub struct HtraceReader<R> {
    blocks: Blocks<R>,
    block: Block,
    cursor: Cursor,
    /// The block's comments before later events, the last one first.
    waiting: Vec<(usize, String)>,
    comments: Comments,
    validator: Validator,
    name: String,
    ended: bool,
}

impl<R: Read> HtraceReader<R> {
    /// Reads the head of a file. `name` is its name in messages. [`Source`](crate::Source) opens files.
    ///
    /// # Errors
    ///
    /// If the input does not begin like a binary trace of the known version.
    pub fn new(input: R, name: &str) -> Result<Self, TraceError> {
        Ok(HtraceReader {
            blocks: Blocks::new(input, name)?,
            block: Block::default(),
            cursor: Cursor::default(),
            waiting: Vec::new(),
            comments: Comments::default(),
            validator: Validator::default(),
            name: name.to_owned(),
            ended: false,
        })
    }

    /// Sets how many objects may be live at once.
    pub(crate) fn limit_live_objects(&mut self, most: usize) {
        self.validator.limit(most);
    }

    /// Where the trace comes from, a line each.
    pub fn provenance(&self) -> &[String] {
        self.blocks.provenance()
    }

    /// Which of the optional columns the trace has.
    pub fn columns(&self) -> Columns {
        self.blocks.columns()
    }

    /// The comments between the last event returned and the one before it; after the end, those after the last event.
    pub fn comments(&self) -> &[String] {
        self.comments.texts()
    }

    /// The blocks, as long as no event has been read.
    pub(crate) fn into_blocks(self) -> Result<Blocks<R>, Box<Self>> {
        if self.blocks.events() == 0 { Ok(self.blocks) } else { Err(Box::new(self)) }
    }

    /// Moves on to the next block. If there is none, returns how the iteration ends.
    #[cold]
    fn next_block(&mut self) -> Option<Option<TraceError>> {
        let end = self.cursor.last();
        match self.blocks.read(&mut self.block) {
            Ok(true) if !self.block.continues(end) => Some(Some(self.blocks.discontinued(&self.block))),
            Ok(true) => {
                self.cursor = Cursor::new(&self.block);
                self.waiting.extend(self.block.comments().map(|(before, text)| (before, text.to_owned())));
                self.waiting.reverse();
                None
            }
            Ok(false) if self.blocks.events() == 0 => Some(Some(TraceError::NoEvents { file: self.name.clone() })),
            Ok(false) => Some(None),
            Err(error) => Some(Some(error)),
        }
    }

    /// Takes the comments before the event that is read next, or at the end of its block.
    #[cold]
    fn take_comments(&mut self) -> Result<(), Box<Fault>> {
        while let Some((_, text)) = self.waiting.pop_if(|(before, _)| *before <= self.cursor.events()) {
            self.comments.push(text, self.validator.live_objects())?;
        }
        Ok(())
    }

    /// Ends the events with a fault at the next one.
    #[cold]
    fn invalid(&mut self, event: u64, fault: Box<Fault>) -> TraceError {
        self.ended = true;
        let place = Place { file: self.name.as_str().into(), line: 0, event: Some(event) };
        TraceError::Invalid { place, fault }
    }
}

impl<R: Read> Iterator for HtraceReader<R> {
    type Item = Result<Event, TraceError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.comments.clear();
        loop {
            if !self.waiting.is_empty()
                && let Err(fault) = self.take_comments()
            {
                let next = self.block.first_event() + self.cursor.events() as u64 + 1;
                return Some(Err(self.invalid(next, fault)));
            }
            if let Some(fields) = self.cursor.fields(&self.block) {
                match self.validator.complete(fields) {
                    Ok(event) => return Some(Ok(event)),
                    Err(fault) => {
                        let event = self.block.first_event() + self.cursor.events() as u64;
                        return Some(Err(self.invalid(event, fault)));
                    }
                }
            }
            if let Some(end) = self.next_block() {
                self.ended = true;
                return end.map(Err);
            }
        }
    }
}

impl<R: Read> FusedIterator for HtraceReader<R> {}

impl<R> fmt::Debug for HtraceReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HtraceReader").field("blocks", &self.blocks).finish_non_exhaustive()
    }
}
