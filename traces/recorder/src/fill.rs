//! What the unwritten bytes of a block hold while extents are recorded, and how far a block is written by that.
//!
//! New bytes are filled before the program gets them. Before the block is freed or resized, the bytes at its end that
//! still hold the fill count as unwritten. At that moment nobody needs to know what the block was filled with: the
//! recording program notes the run of equal bytes at the end, and the [resolver](crate::resolve) decides
//! afterwards what it means.

/// What unwritten bytes hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Fill {
    /// Nobody knows.
    #[default]
    Unknown = 0,
    /// [`PATTERN`](crate::pattern::PATTERN).
    Pattern = 1,
    /// Zeroes.
    Zeroes = 2,
    /// What the bytes before them hold: the block grew into bytes that it already had.
    Kept = 3,
}

impl Fill {
    /// The fill of this number in a record.
    #[inline]
    pub const fn from_number(number: u64) -> Self {
        match number {
            1 => Fill::Pattern,
            2 => Fill::Zeroes,
            3 => Fill::Kept,
            _ => Fill::Unknown,
        }
    }
}

/// A run of bytes of one fill at the end of a block, however short: it begins at `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// What the bytes hold; [`Fill::Unknown`] if nobody looked.
    pub fill: Fill,
    /// Bytes of the block before the run.
    pub from: u64,
}

impl Tail {
    /// That of a block which nobody looked at.
    pub const UNKNOWN: Tail = Tail { fill: Fill::Unknown, from: 0 };
}

/// How a live block was filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    /// With what, from `from` to its end.
    fill: Fill,
    /// Whether all bytes before `from` are written. Otherwise it is unknown which of them are.
    is_written_before: bool,
    from: u32,
}

impl Filled {
    /// A new block that is filled as a whole.
    pub(crate) fn new(fill: Fill) -> Self {
        Filled { fill, is_written_before: true, from: 0 }
    }

    /// What the block was filled with from its start; [`Fill::Unknown`] if a later part has another fill.
    pub(crate) fn whole(self) -> Fill {
        if self.from == 0 { self.fill } else { Fill::Unknown }
    }

    /// How many bytes of the block are written, if the bytes at its end are these. The block has `size` bytes; more
    /// bytes after them may be filled too.
    pub(crate) fn written(self, tail: Tail, size: u32) -> Option<u32> {
        if self.fill == Fill::Unknown || tail.fill == Fill::Unknown {
            return None;
        }
        let written = match u32::try_from(tail.from) {
            // The last byte does not hold the fill.
            _ if tail.fill != self.fill => Some(size),
            Err(_) => Some(size),
            Ok(from) if from > self.from => Some(from),
            Ok(_) => self.is_written_before.then_some(self.from),
        };
        written.map(|written| written.min(size))
    }

    /// The block after a reallocation. `written` of its `old_size` bytes were written, and if it grew, the new bytes
    /// hold `fill`.
    pub(crate) fn resized(self, written: Option<u32>, old_size: u32, new_size: u32, fill: Fill) -> Self {
        if new_size <= old_size {
            return Filled { from: self.from.min(new_size), ..self };
        }
        if fill == self.fill || fill == Fill::Kept {
            return self;
        }
        Filled { fill, is_written_before: written == Some(old_size), from: old_size }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tail(fill: Fill, from: u64) -> Tail {
        Tail { fill, from }
    }

    #[test]
    fn what_still_holds_the_fill_is_unwritten() {
        for (fill, other) in [(Fill::Pattern, Fill::Zeroes), (Fill::Zeroes, Fill::Pattern)] {
            let block = Filled::new(fill);
            assert_eq!(block.written(tail(fill, 10), 100), Some(10));
            assert_eq!(block.written(tail(fill, 0), 100), Some(0));
            assert_eq!(block.written(tail(other, 10), 100), Some(100), "the program wrote those bytes");
            assert_eq!(block.written(tail(fill, 112), 100), Some(100), "more than it asked for");
            assert_eq!(block.written(Tail::UNKNOWN, 100), None);
        }
        assert_eq!(Filled::new(Fill::Unknown).written(tail(Fill::Pattern, 10), 100), None);
    }

    #[test]
    fn a_block_that_grows_with_the_same_fill_is_one_run() {
        for fill in [Fill::Pattern, Fill::Kept] {
            let block = Filled::new(Fill::Pattern).resized(Some(40), 100, 200, fill);
            assert_eq!(block.written(tail(Fill::Pattern, 40), 200), Some(40));
            assert_eq!(block.written(tail(Fill::Pattern, 150), 200), Some(150));
        }
    }

    #[test]
    fn a_block_that_grows_with_another_fill_is_known_where_it_can_be() {
        let full = Filled::new(Fill::Zeroes).resized(Some(100), 100, 200, Fill::Pattern);
        assert_eq!(full.written(tail(Fill::Pattern, 100), 200), Some(100));
        assert_eq!(full.written(tail(Fill::Pattern, 90), 200), Some(100), "the program wrote the pattern");
        for written in [Some(40), None] {
            let part = Filled::new(Fill::Zeroes).resized(written, 100, 200, Fill::Pattern);
            assert_eq!(part.written(tail(Fill::Pattern, 100), 200), None, "up to 100, nobody looked for zeroes");
            assert_eq!(part.written(tail(Fill::Pattern, 150), 200), Some(150));
            assert_eq!(part.written(tail(Fill::Zeroes, 150), 200), Some(200));
        }
        let unfilled = Filled::new(Fill::Pattern).resized(Some(100), 100, 200, Fill::Unknown);
        assert_eq!(unfilled.written(tail(Fill::Pattern, 150), 200), None);
    }

    #[test]
    fn a_block_that_shrinks_keeps_what_is_left() {
        let block = Filled::new(Fill::Pattern).resized(Some(40), 100, 30, Fill::Unknown);
        assert_eq!(block.written(tail(Fill::Pattern, 20), 30), Some(20));
        assert_eq!(block.written(tail(Fill::Zeroes, 29), 30), Some(30));
        let full = Filled::new(Fill::Zeroes).resized(Some(100), 100, 200, Fill::Pattern);
        let cut = full.resized(Some(150), 200, 50, Fill::Unknown);
        assert_eq!(cut.written(tail(Fill::Pattern, 50), 50), Some(50));
        let grown = cut.resized(Some(50), 50, 80, Fill::Pattern);
        assert_eq!(grown.written(tail(Fill::Pattern, 50), 80), Some(50));
    }
}
