//! Why a page heap cannot be reserved or emptied.

use std::io;

use crate::page_size::PageSize;

/// Why a page heap cannot be reserved or emptied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageHeapError {
    /// The system did not provide the address space.
    #[error("cannot reserve {pages} pages of {page} of address space: {source}; a smaller heap limit needs less")]
    Reserve {
        /// Requested pages.
        pages: usize,
        /// Their size.
        page: PageSize,
        /// The system's error.
        source: io::Error,
    },
    /// More pages than fit into an address space.
    #[error("{pages} pages of {page} do not fit into an address space")]
    TooLarge {
        /// Requested pages.
        pages: usize,
        /// Their size.
        page: PageSize,
    },
    /// The system did not take pages back.
    #[error("cannot empty {bytes} bytes of the page heap: {source}")]
    Reset {
        /// Bytes to empty.
        bytes: usize,
        /// The system's error.
        source: io::Error,
    },
}
