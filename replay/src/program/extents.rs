//! How much of each block the program wrote, for replays that write just that.
//!
//! A trace with written extents says at each free and realloc how far the program has written the block by then. So
//! what a block gets written is known only at its object's next event: an extent begins as the whole block, or the
//! whole new part of a grown one, and is replaced when that event comes.
//!
//! Three blocks keep the extent they began with: one that is live at the end, one whose next event has no `written`, and
//! one whose portion the caller has taken before its next event (only if the program is streamed).

use super::op::PackedOp;

/// The bytes of a block that the program wrote between one event of the object, which gave it the block, and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    from: u32,
    to: u32,
}

impl Extent {
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

/// The extents of a trace, learned event by event.
#[derive(Debug, Default)]
pub(super) struct Extents {
    /// The latest block of each slot.
    latest: Vec<Latest>,
    coverage: Coverage,
}

/// The latest block of a slot.
#[derive(Clone, Copy, Debug)]
struct Latest {
    /// The place of its extent among all extents of the trace.
    place: u64,
    /// How far it is written when it is new, because a realloc has kept these bytes.
    kept: u32,
    /// The bytes of its extent while that is unknown.
    new_bytes: u32,
}

impl Extents {
    pub(super) fn coverage(&self) -> Coverage {
        self.coverage
    }

    /// A new block of this size is in the slot.
    #[inline]
    pub(super) fn allocated(&mut self, slot: u32, size: u32, extents: &mut Vec<Extent>) {
        let latest = self.push(0, Extent { from: 0, to: size }, extents);
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
        extents: &mut Vec<Extent>,
    ) {
        let replayed = self.ended(slot, old_size, written, extents);
        let new_part = Extent { from: old_size.min(new_size), to: new_size };
        self.latest[slot as usize] = self.push(replayed.min(new_size), new_part, extents);
    }

    /// The block in the slot is freed, after the program has written it up to `written`.
    #[inline]
    pub(super) fn freed(&mut self, slot: u32, size: u32, written: Option<u32>, extents: &mut [Extent]) {
        self.ended(slot, size, written, extents);
    }

    fn push(&mut self, kept: u32, extent: Extent, extents: &mut Vec<Extent>) -> Latest {
        let latest = Latest { place: self.coverage.blocks, kept, new_bytes: extent.bytes() };
        self.coverage.blocks += 1;
        self.coverage.written_bytes += u64::from(extent.bytes());
        extents.push(extent);
        latest
    }

    /// Sets the extent of the slot's block, and returns how far a replay has written it.
    fn ended(&mut self, slot: u32, size: u32, written: Option<u32>, extents: &mut [Extent]) -> u32 {
        let Latest { place, kept, new_bytes } = self.latest[slot as usize];
        let Some(written) = written else { return size };
        let known = Extent { from: kept, to: written.clamp(kept, size) };
        self.coverage.known_blocks += 1;
        self.coverage.written_bytes = self.coverage.written_bytes - u64::from(new_bytes) + u64::from(known.bytes());
        // The caller takes extents from the front, so the last one here is the last of all.
        let taken = self.coverage.blocks - extents.len() as u64;
        let extent = place.checked_sub(taken).and_then(|index| extents.get_mut(index as usize));
        let Some(extent) = extent else { return size };
        *extent = known;
        known.to
    }
}

/// The number of extents that belong to these operations.
pub(super) fn count(ops: &[PackedOp]) -> usize {
    use super::op::OpKind::Dealloc;
    ops.iter().filter(|op| !op.is_old_size() && op.kind() != Dealloc).count()
}
