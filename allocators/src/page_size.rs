//! The page size of a simulated heap.

use std::fmt;

/// Bytes in a WebAssembly page: the default page size of a heap.
pub const PAGE_BYTES: usize = 64 * 1024;

/// An unsupported page size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("page size of {bytes} bytes: must be a power of two from 256 bytes to 2 MiB")]
pub struct PageSizeError {
    /// Requested page size in bytes.
    pub bytes: usize,
}

/// The page size of a heap: a power of two from 256 bytes, for firmware, to 2 MiB, the huge page of kernels.
///
/// ```
/// use heaprace_allocators::PageSize;
///
/// let page = PageSize::from_bytes(4096)?;
/// assert_eq!((page.bytes(), page.pages_for(5000), page.to_string().as_str()), (4096, 2, "4 KiB"));
/// assert!(PageSize::from_bytes(5000).is_err());
/// # Ok::<(), heaprace_allocators::page_size::PageSizeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PageSize {
    /// The exponent, so that pages convert to bytes by a shift.
    shift: u32,
}

impl PageSize {
    /// The smallest supported size.
    pub const MIN: PageSize = PageSize { shift: 8 };
    /// WebAssembly's: [`PAGE_BYTES`].
    pub const WASM: PageSize = PageSize { shift: PAGE_BYTES.trailing_zeros() };
    /// The largest supported size.
    pub const MAX: PageSize = PageSize { shift: 21 };

    /// A page size of `bytes` bytes.
    ///
    /// # Errors
    ///
    /// If `bytes` is not a power of two, or is out of range.
    pub const fn from_bytes(bytes: usize) -> Result<Self, PageSizeError> {
        let shift = bytes.trailing_zeros();
        if bytes.is_power_of_two() && Self::MIN.shift <= shift && shift <= Self::MAX.shift {
            Ok(PageSize { shift })
        } else {
            Err(PageSizeError { bytes })
        }
    }

    /// Bytes in a page.
    #[inline]
    pub const fn bytes(self) -> usize {
        1 << self.shift
    }

    /// Pages needed for `bytes` bytes. The last page may be partly used.
    #[inline]
    pub const fn pages_for(self, bytes: usize) -> usize {
        bytes.div_ceil(self.bytes())
    }

    /// Whole pages within `bytes` bytes.
    #[inline]
    pub(crate) const fn pages_in(self, bytes: usize) -> usize {
        bytes >> self.shift
    }

    /// Bytes in `pages` pages. The caller ensures that they fit into the address space.
    #[inline]
    pub(crate) const fn bytes_of(self, pages: usize) -> usize {
        pages << self.shift
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shift {
            20.. => write!(formatter, "{} MiB", self.bytes() >> 20),
            10.. => write!(formatter, "{} KiB", self.bytes() >> 10),
            _ => write!(formatter, "{} B", self.bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_powers_of_two_within_the_range_are_page_sizes() {
        for (bytes, text) in
            [(256, "256 B"), (1024, "1 KiB"), (PAGE_BYTES, "64 KiB"), (1 << 20, "1 MiB"), (2 << 20, "2 MiB")]
        {
            let page = PageSize::from_bytes(bytes).unwrap();
            assert_eq!((page.bytes(), page.to_string().as_str()), (bytes, text));
        }
        for bytes in [0, 1, 128, 255, 257, 384, 65_535, 4 << 20, 1 << 63, usize::MAX] {
            let message = PageSize::from_bytes(bytes).unwrap_err().to_string();
            assert!(message.contains(&bytes.to_string()) && message.contains("256 bytes to 2 MiB"), "{message}");
        }
        assert_eq!(PageSize::from_bytes(PAGE_BYTES).unwrap(), PageSize::WASM);
    }

    #[test]
    fn bytes_become_pages_and_pages_bytes() {
        let page = PageSize::from_bytes(4096).unwrap();
        assert_eq!([0, 1, 4096, 4097, usize::MAX].map(|bytes| page.pages_for(bytes)), [0, 1, 1, 2, 1 << 52]);
        assert_eq!([0, 1, 4096, 8191].map(|bytes| page.pages_in(bytes)), [0, 0, 1, 1]);
        assert_eq!(page.bytes_of(3), 12_288);
    }
}
