//! Where a program is cut into stretches, so that whoever replays it can check the clock in between.

use std::ops::ControlFlow;

use super::extents;
use super::op::{OpKind, PackedOp};
use super::portion::Portion;
use super::stretch::Stretch;

/// Maximum words of a stretch of a held program. Replays check the clock and interrupts between two stretches.
pub(super) const STRETCH_WORDS: usize = 1 << 16;

/// Maximum bytes that the requests of a stretch may write or copy, unless it is a single operation: what takes a fraction
/// of a second.
const STRETCH_BYTES: u64 = 256 << 20;

/// Maximum words of a piece: few enough that even a contender that takes 100 µs for each is done in half a second.
const PIECE_WORDS: usize = 1 << 12;

/// The end of a stretch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cut {
    pub(super) words: usize,
    pub(super) written: usize,
    pub(super) events: u64,
}

/// The ends of the stretches of a portion. A realloc and its old size stay together.
pub(super) fn cuts(ops: &[PackedOp], has_extents: bool, most_words: usize) -> Vec<Cut> {
    let mut before = Cut::default();
    let next = || {
        (before.words < ops.len()).then(|| {
            before = cut_after(before, ops, has_extents, most_words);
            before
        })
    };
    std::iter::from_fn(next).collect()
}

/// The end of the stretch that begins at the end of another one.
fn cut_after(before: Cut, ops: &[PackedOp], has_extents: bool, most_words: usize) -> Cut {
    let mut end = before.words;
    let (mut bytes, mut events) = (0, before.events);
    while let Some(op) = ops.get(end).filter(|op| op.is_old_size() || end < before.words + most_words) {
        if op.is_old_size() {
            end += 1;
            continue;
        }
        let kind = op.kind();
        let mut request_bytes = op.layout().size() as u64;
        if kind == OpKind::Realloc {
            let old = ops.get(end + 1).map_or(0, |&old_size| op.old_layout(old_size).size());
            request_bytes = request_bytes.max(old as u64);
        }
        // A product and no branch: which operations are deallocations is hard to predict.
        bytes += request_bytes * u64::from(kind != OpKind::Dealloc);
        if bytes > STRETCH_BYTES && end > before.words {
            break;
        }
        end += 1;
        events += 1;
    }
    let written = if has_extents { extents::count(&ops[before.words..end]) } else { 0 };
    Cut { words: end, written: before.written + written, events }
}

/// Calls `visit` with the stretches of a portion in order, until it breaks. `events_before` events come before the
/// portion.
pub(super) fn visit_cuts<B>(
    portion: &Portion,
    cuts: &[Cut],
    events_before: u64,
    slots: usize,
    mut visit: impl FnMut(Stretch<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    let mut before = Cut::default();
    for &cut in cuts {
        visit(Stretch {
            ops: &portion.ops[before.words..cut.words],
            written: &portion.written[before.written..cut.written],
            events_before: events_before + before.events,
            events: cut.events - before.events,
            slots,
        })?;
        before = cut;
    }
    ControlFlow::Continue(())
}

/// Calls `visit` with the pieces of a stretch in order, until it breaks: for a replay that is not timed, so that
/// more checks cost nothing.
pub(crate) fn each_piece<'p>(
    stretch: Stretch<'p>,
    mut visit: impl FnMut(Stretch<'p>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut before = Cut::default();
    while before.words < stretch.ops.len() {
        let cut = cut_after(before, stretch.ops, !stretch.written.is_empty(), PIECE_WORDS);
        visit(Stretch {
            ops: &stretch.ops[before.words..cut.words],
            written: &stretch.written[before.written..cut.written],
            events_before: stretch.events_before + before.events,
            events: cut.events - before.events,
            slots: stretch.slots,
        })?;
        before = cut;
    }
    ControlFlow::Continue(())
}
