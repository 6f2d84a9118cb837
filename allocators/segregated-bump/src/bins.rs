//! The bins of both allocators: lists of free blocks of one size, without headers.

use core::ptr;

/// A bin: free blocks of one size, the most recently freed one first. Its blocks are the memory that it takes, apart
/// from one pointer.
#[derive(Debug)]
#[repr(transparent)]
pub struct Bin {
    first: *mut FreeBlock,
}

/// The contents of a free block.
#[derive(Debug)]
struct FreeBlock {
    next: *mut FreeBlock,
}

impl Bin {
    /// A bin without blocks.
    pub const EMPTY: Bin = Bin { first: ptr::null_mut() };

    /// The block that [`take`](Self::take) takes. Null if there is none.
    #[inline]
    pub(crate) fn first(&self) -> *mut u8 {
        self.first.cast()
    }

    /// Takes the most recently freed block. Null if there is none.
    #[inline]
    pub(crate) fn take(&mut self) -> *mut u8 {
        let block = self.first;
        if !block.is_null() {
            // SAFETY: a block in a bin is free memory that nobody else uses, and `put` wrote a FreeBlock to it.
            self.first = unsafe { (*block).next };
        }
        block.cast()
    }

    /// Puts a free block into the bin.
    ///
    /// # Safety
    ///
    /// The block is aligned to 16 and has at least 16 bytes. Nobody uses it until it is taken.
    #[inline]
    pub(crate) unsafe fn put(&mut self, block: *mut u8) {
        let free = block.cast::<FreeBlock>();
        // SAFETY: upheld by the caller; the block is large enough and aligned.
        unsafe { free.write(FreeBlock { next: self.first }) };
        self.first = free;
    }

    /// The blocks, the most recently freed one first. What a block holds is read when the one after it is requested, so
    /// that a check sees each block before that.
    #[inline]
    pub(crate) fn blocks(&self) -> impl Iterator<Item = *mut u8> {
        let mut link = Some(self.first);
        let mut latest: *mut FreeBlock = ptr::null_mut();
        core::iter::from_fn(move || {
            // SAFETY: as in `take`. The bin is borrowed, so the block stays in it.
            latest = link.take().unwrap_or_else(|| unsafe { (*latest).next });
            if latest.is_null() {
                link = Some(latest);
                return None;
            }
            Some(latest.cast())
        })
    }
}
