//! The four operations, as every format of a trace names them.

use core::fmt;

/// The operation of an event, without its values. [`Action`](crate::Action) has them.
///
/// ```
/// use heaprace_recorder::Op;
/// assert_eq!(Op::from_name(b"alloc_zeroed"), Some(Op::AllocZeroed));
/// assert_eq!(Op::Dealloc.name(), "dealloc");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// A new block.
    Alloc,
    /// A new block whose bytes are 0.
    AllocZeroed,
    /// A block changes its size.
    Realloc,
    /// A block is freed.
    Dealloc,
}

impl Op {
    /// The name in a trace: the method of `GlobalAlloc`.
    pub const fn name(self) -> &'static str {
        match self {
            Op::Alloc => "alloc",
            Op::AllocZeroed => "alloc_zeroed",
            Op::Realloc => "realloc",
            Op::Dealloc => "dealloc",
        }
    }

    /// The op of this name, given as the bytes of a file; `None` if there is none.
    #[inline]
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"alloc" => Some(Op::Alloc),
            b"dealloc" => Some(Op::Dealloc),
            b"realloc" => Some(Op::Realloc),
            b"alloc_zeroed" => Some(Op::AllocZeroed),
            _ => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Op;

    #[test]
    fn names_and_ops_belong_together() {
        for op in [Op::Alloc, Op::AllocZeroed, Op::Realloc, Op::Dealloc] {
            assert_eq!(Op::from_name(op.name().as_bytes()), Some(op));
        }
        for name in ["", "Alloc", "malloc", "alloc ", "free"] {
            assert_eq!(Op::from_name(name.as_bytes()), None, "{name:?}");
        }
    }
}
