//! The canonical CSV of a binary trace, straight from its blocks.

use std::alloc::Layout;
use std::io::{Read, Write};

use heaprace_recorder::csv::CsvWriter;
use heaprace_recorder::{Action, Event, IdMap, Op};

use super::block::Block;
use super::blocks::Blocks;
use super::request::Cursor;
use crate::error::TraceError;
use crate::validate::Fields;

/// Writes the events and comments of a trace as CSV. The order and the values of events are not checked: whoever compiles
/// the trace does that.
///
/// `None` if a trace cannot be written so, because it has a fault.
pub(crate) fn write<R: Read, W: Write>(mut blocks: Blocks<R>, output: W) -> Result<Option<()>, TraceError> {
    let mut writer = CsvWriter::new(output, blocks.columns(), blocks.provenance())?;
    let mut block = Block::default();
    let mut sizes = blocks.columns().written.then(Sizes::default);
    while blocks.read(&mut block)? {
        let mut cursor = Cursor::new(&block);
        let mut comments = block.comments().peekable();
        loop {
            while let Some((_, text)) = comments.next_if(|&(before, _)| before <= cursor.events()) {
                writer.comment(text)?;
            }
            let Some(fields) = cursor.fields(&block) else { break };
            let Some(event) = event(&fields, &mut sizes) else { return Ok(None) };
            writer.write(&event)?;
        }
    }
    writer.finish()?;
    Ok(Some(()))
}

/// The sizes of live objects, which say how many bytes an extent has.
type Sizes = IdMap<u32>;

/// An event as far as its line shows it: the layout of a freed block, and the one before a realloc, are not in it.
fn event(fields: &Fields, sizes: &mut Option<Sizes>) -> Option<Event> {
    let not_shown = Layout::new::<u8>();
    let size = || usize::try_from(fields.size?).ok();
    let action = match fields.op {
        Op::Alloc | Op::AllocZeroed => Action::Alloc {
            layout: Layout::from_size_align(size()?, usize::try_from(fields.align?).ok()?).ok()?,
            zeroed: fields.op == Op::AllocZeroed,
        },
        Op::Realloc => Action::Realloc { old: not_shown, new_size: size()? },
        Op::Dealloc => Action::Dealloc { layout: not_shown },
    };
    let written = match sizes {
        Some(sizes) => {
            let before = match fields.size {
                Some(size) => sizes.insert(fields.id, u32::try_from(size).ok()?),
                None => sizes.remove(&fields.id),
            };
            match fields.written {
                Some(extent) => Some(extent.bytes_of(before? as usize)?),
                None => None,
            }
        }
        None => None,
    };
    Some(Event { action, id: fields.id, thread: fields.thread, time_ns: fields.time_ns, written })
}
