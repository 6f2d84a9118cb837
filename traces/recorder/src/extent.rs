//! How much of a block a program has written, as the formats store it.

use core::fmt;

/// How much of a block was written, from its start to the last byte written.
///
/// CSV has the first form. The binary format has the second, whose numbers are small and alike: most blocks are written
/// to their end, or up to a few bytes before it, whatever their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// This many bytes.
    First(u64),
    /// All but this many bytes at the end.
    AllBut(u64),
}

impl Extent {
    /// The bytes written of a block of this size; `None` if the extent is larger than the block.
    ///
    /// ```
    /// use heaprace_recorder::Extent;
    /// assert_eq!(Extent::AllBut(4).bytes_of(24), Some(20));
    /// assert_eq!(Extent::First(25).bytes_of(24), None);
    /// ```
    #[inline]
    pub fn bytes_of(self, size: usize) -> Option<u32> {
        let bytes = match self {
            Extent::First(bytes) if bytes <= size as u64 => bytes,
            Extent::First(_) => return None,
            Extent::AllBut(bytes) => (size as u64).checked_sub(bytes)?,
        };
        u32::try_from(bytes).ok()
    }

    /// The number that the binary format stores for a block of this size: 0 if the extent is unknown, or else 1 and the
    /// bytes at the end that were not written.
    #[inline]
    pub fn packed(written: Option<u32>, size: usize) -> u64 {
        written.map_or(0, |written| 1 + (size as u64).saturating_sub(written.into()))
    }

    /// The extent of a [`packed`](Self::packed) number; `None` if it is unknown.
    #[inline(always)]
    pub fn unpacked(number: u64) -> Option<Self> {
        number.checked_sub(1).map(Extent::AllBut)
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Extent::First(bytes) => write!(f, "written {bytes}"),
            Extent::AllBut(bytes) => write!(f, "all but {bytes} bytes written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extent_comes_back_and_the_usual_ones_are_small_numbers() {
        for size in [1, 24, u32::MAX as usize] {
            for written in [0, 1, size as u32 / 2, size as u32] {
                let number = Extent::packed(Some(written), size);
                assert_eq!(Extent::unpacked(number).and_then(|extent| extent.bytes_of(size)), Some(written));
            }
            assert_eq!(Extent::packed(Some(size as u32), size), 1);
        }
        assert_eq!(Extent::unpacked(Extent::packed(None, 24)), None);
    }

    #[test]
    fn no_block_has_more_written_than_its_bytes() {
        for extent in [Extent::First(25), Extent::First(u64::MAX), Extent::AllBut(25), Extent::AllBut(u64::MAX)] {
            assert_eq!(extent.bytes_of(24), None, "{extent}");
        }
    }
}
