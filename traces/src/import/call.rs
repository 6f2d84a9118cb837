//! Calls of the C functions, which the lines of every foreign format become. Addresses or numbers identify their
//! blocks.

use std::collections::VecDeque;

use super::fault::ImportFault;

/// One call, with its result. Block 0 is C's null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// malloc, calloc, memalign, operator new.
    Alloc { at: u64, size: u64, align: Option<u64>, zeroed: bool },
    /// realloc.
    Realloc { from: u64, to: u64, size: u64 },
    /// free, operator delete.
    Free { at: u64 },
}

impl Call {
    /// A plain malloc.
    pub(super) fn malloc(at: u64, size: u64) -> Self {
        Call::Alloc { at, size, align: None, zeroed: false }
    }

    /// The block that is gone after the call; none if realloc keeps it in place.
    pub(super) fn ends(self) -> Option<u64> {
        match self {
            Call::Free { at } => Some(at),
            Call::Realloc { from, to, size } if from != to && (to != 0 || size == 0) => Some(from),
            _ => None,
        }
    }

    /// The block that is new after the call.
    pub(super) fn begins(self) -> Option<u64> {
        match self {
            Call::Alloc { at, .. } => Some(at),
            Call::Realloc { from, to, .. } if from != to => Some(to),
            _ => None,
        }
    }
}

/// A call with its thread, time and line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) call: Call,
    pub(super) line: u64,
    pub(super) thread: Option<u32>,
    pub(super) time_ns: Option<u64>,
}

/// The calls that are read and not yet taken: usually those of one line, more if a race makes it necessary to look
/// ahead.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) queue: VecDeque<Logged>,
    /// The current line.
    pub(super) line: u64,
}

impl Calls {
    /// Adds a call of the current line.
    #[inline]
    pub(super) fn push(&mut self, call: Call, thread: Option<u32>, time_ns: Option<u64>) {
        self.queue.push_back(Logged { call, line: self.line, thread, time_ns });
    }
}

/// A calloc, whose size is a product.
pub(super) fn calloc(at: u64, count: u64, size: u64) -> Result<Call, Box<ImportFault>> {
    Ok(Call::Alloc { at, size: product(at, count, size)?, align: None, zeroed: true })
}

/// The size of a call for `count` elements of `size` bytes. One that fails, and returns null, may ask for any.
pub(super) fn product(at: u64, count: u64, size: u64) -> Result<u64, Box<ImportFault>> {
    match count.checked_mul(size) {
        Some(bytes) => Ok(bytes),
        None if at == 0 => Ok(u64::MAX),
        None => Err(ImportFault::Overflow { count, size }.into()),
    }
}

/// The alignment that C libraries give to a block for which another one was asked: the next power of two.
pub(super) fn rounded_align(align: u64) -> u64 {
    align.checked_next_power_of_two().unwrap_or(align)
}
