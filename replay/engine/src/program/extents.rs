//! How much of each block the program wrote, for replays that write just that.
//!
//! A trace with written extents says at each free and realloc how far the program has written the block by then. So
//! what the program wrote into a block is known only at the object's next event: a range begins as the whole block, or
//! as the whole new part of a grown one, and is replaced when that event comes.
//!
//! Comments after the last event may say the same of blocks that are left live. A block keeps the range it began with if
//! they do not, if its next event has no extent, or if the caller has taken its portion before the next event (only if
//! the program is streamed).

use super::op::PackedOp;

/// The bytes that the program wrote into a new or resized block until the object's next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenRange {
    from: u32,
    to: u32,
}

impl WrittenRange {
    /// The first byte, counted from the start of the block.
    #[inline(always)]
    pub fn from(self) -> usize {
        self.from as usize
    }

    /// The end: at least [`from`](Self::from), and at most the size of the block.
    #[inline(always)]
    pub fn to(self) -> usize {
        self.to as usize
    }

    fn bytes(self) -> u32 {
        self.to - self.from
    }
}

/// What a trace knows about written extents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Blocks: allocations and reallocs.
    pub blocks: u64,
    /// Blocks whose extent the trace knows.
    pub known_blocks: u64,
    /// Bytes that the program wrote, by the extents; blocks of unknown extent count with all new bytes.
    pub written_bytes: u64,
}

/// The ranges of a trace, learned event by event.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    /// The latest block of each slot.
    latest: Vec<Latest>,
    coverage: Coverage,
}

/// The latest block of a slot.
#[derive(Clone, Copy, Debug)]
struct Latest {
    /// The place of its range among all ranges of the trace.
    place: u64,
    /// How far it is written when it is new, because a realloc has kept these bytes.
    kept: u32,
    /// The bytes of the range that it began with.
    new_bytes: u32,
    /// Whether its range is known.
    is_known: bool,
}

impl Ranges {
    pub(super) fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// A new block of this size is in the slot.
    #[inline]
    pub(super) fn allocated(&mut self, slot: u32, size: u32, ranges: &mut Vec<WrittenRange>) {
        let latest = self.push(0, WrittenRange { from: 0, to: size }, ranges);
        match self.latest.get_mut(slot as usize) {
            Some(place) => *place = latest,
            None => self.latest.push(latest),
        }
    }

    /// The block in the slot is resized, after the program has written it up to `written`.
    #[inline]
    pub(super) fn reallocated(
        &mut self,
        slot: u32,
        [old_size, new_size]: [u32; 2],
        written: Option<u32>,
        ranges: &mut Vec<WrittenRange>,
    ) {
        let kept = self.ended(slot, old_size, written, ranges);
        let new_part = WrittenRange { from: old_size.min(new_size), to: new_size };
        self.latest[slot as usize] = self.push(kept.min(new_size), new_part, ranges);
    }

    /// The block in the slot is freed, after the program has written it up to `written`.
    #[inline]
    pub(super) fn freed(&mut self, slot: u32, size: u32, written: Option<u32>, ranges: &mut [WrittenRange]) {
        self.ended(slot, size, written, ranges);
    }

    fn push(&mut self, kept: u32, range: WrittenRange, ranges: &mut Vec<WrittenRange>) -> Latest {
        let latest = Latest { place: self.coverage.blocks, kept, new_bytes: range.bytes(), is_known: false };
        self.coverage.blocks += 1;
        self.coverage.written_bytes += u64::from(range.bytes());
        ranges.push(range);
        latest
    }

    /// The block in the slot is left live, and the program has written it up to `written`. A second statement about the
    /// same block counts for nothing.
    pub(super) fn left_live(&mut self, slot: u32, size: u32, written: u32, ranges: &mut [WrittenRange]) {
        if !self.latest[slot as usize].is_known {
            self.ended(slot, size, Some(written), ranges);
        }
    }

    /// Sets the range of the slot's block, and returns how far the block is written.
    fn ended(&mut self, slot: u32, size: u32, written: Option<u32>, ranges: &mut [WrittenRange]) -> u32 {
        let latest = &mut self.latest[slot as usize];
        let Latest { place, kept, new_bytes, .. } = *latest;
        let Some(written) = written else { return size };
        latest.is_known = true;
        let known = WrittenRange { from: kept, to: written.clamp(kept, size) };
        self.coverage.known_blocks += 1;
        self.coverage.written_bytes = self.coverage.written_bytes - u64::from(new_bytes) + u64::from(known.bytes());
        // The caller takes ranges from the front, so the last one here is the last of all.
        let taken = self.coverage.blocks - ranges.len() as u64;
        if let Some(range) = place.checked_sub(taken).and_then(|index| ranges.get_mut(index as usize)) {
            *range = known;
        }
        known.to
    }
}

/// The number of ranges that belong to these operations.
pub(super) fn count(ops: &[PackedOp]) -> usize {
    use super::op::OpKind::Dealloc;
    ops.iter().filter(|op| !op.is_old_size() && op.kind() != Dealloc).count()
}
