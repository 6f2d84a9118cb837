//! What one event asks for, without its object: five bytes.

use crate::extent::Extent;
use crate::op::Op;

/// Bytes of a packed request.
pub const ENTRY_BYTES: usize = 5;

/// What one event asks for, as a block stores it: nothing is checked, and what follows from the layout in force is left
/// out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The operation.
    pub op: Op,
    /// The object.
    pub id: u64,
    /// The size in bytes; 0 for a deallocation.
    pub size: u32,
    /// The binary logarithm of the alignment; 0 except for an allocation.
    pub align_log2: u8,
    /// How much of the block was written before a reallocation or deallocation, if the trace says so.
    pub extent: Option<Extent>,
}

impl Request {
    /// Whether it asks for a new block of memory.
    #[inline(always)]
    pub fn allocates(self) -> bool {
        matches!(self.op, Op::Alloc | Op::AllocZeroed)
    }
}

/// A request without its id, as a block stores it.
pub fn packed(op: Op, align_log2: u8, size: u32) -> [u8; ENTRY_BYTES] {
    let kind = match op {
        Op::Alloc => 0,
        Op::AllocZeroed => 1,
        Op::Realloc => 2,
        Op::Dealloc => 3,
    };
    let [a, b, c, d] = size.to_le_bytes();
    [kind | align_log2 << 2, a, b, c, d]
}

/// Whether a request is stored as [`packed`] stores it: without bits that have no meaning.
pub fn is_packed(entry: [u8; ENTRY_BYTES]) -> bool {
    let Request { op, size, align_log2, .. } = unpacked(entry);
    match op {
        Op::Alloc | Op::AllocZeroed => u32::from(align_log2) < u32::BITS,
        Op::Realloc => align_log2 == 0,
        Op::Dealloc => align_log2 == 0 && size == 0,
    }
}

/// The request that [`packed`] stores, with id 0 and without an extent.
#[inline]
pub fn unpacked([kind, a, b, c, d]: [u8; ENTRY_BYTES]) -> Request {
    let op = [Op::Alloc, Op::AllocZeroed, Op::Realloc, Op::Dealloc][usize::from(kind & 3)];
    Request { op, id: 0, size: u32::from_le_bytes([a, b, c, d]), align_log2: kind >> 2, extent: None }
}
