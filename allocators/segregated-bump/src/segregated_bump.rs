//! The segregated bump allocator: four free lists and a bump pointer, for Wasm modules and short-lived programs.
//!
//! - A request of up to 128 bytes with an alignment of up to 16 is rounded up to its **size class**: 16, 32, 64 or 128
//!   bytes. It takes the most recently freed block in this class's **bin**, or a new block from the **bump pointer**.
//! - Any other request comes from the bump pointer, in multiples of 16 bytes, and its memory is not reused after it is
//!   freed.
//! - Realloc keeps the block in place if its class has room, grows or shrinks it in place if it is the last one at the
//!   bump pointer, and moves it otherwise. A large block that shrinks elsewhere stays in place. A small block that
//!   shrinks to a smaller class moves: kept in place it would be freed into the smaller bin, and each such cycle would
//!   lose a little memory.
//! - Memory comes from a [`PageSource`] in whole pages, as few as the request needs.
//!
//! A small alloc or free is a handful of instructions; there are no headers, no splitting and no coalescing. The price:
//! a program that frees large blocks, or whose sizes drift from one class to another, grows without bound.
//!
//! All state is in the value: instances are independent of each other. For the global allocator of a whole program see
//! [`SingleThreaded`].
//!
//! [`SingleThreaded`]: crate::SingleThreaded

use core::alloc::Layout;
use core::ptr;

use crate::allocator::Allocator;
use crate::page_source::PageSource;

/// The smallest size class, and the unit of the bump pointer: every block begins at a multiple of it.
const UNIT: usize = 16;

/// Sizes of the four classes, in bytes.
pub const CLASS_BYTES: [usize; 4] = [16, 32, 64, 128];

/// The allocator.
///
/// - `S` is the source of its pages.
/// - `REALLOC_IN_PLACE` enables in-place realloc. If it is off, every realloc moves its block, which shows what the
///   allocator costs without that code.
/// - `A` is its [`Accounting`]: `()` counts nothing and costs nothing; [`Lost`] counts the bytes that are given up, for
///   [`idle`](Self::idle). Both place every block at the same address.
///
/// ```
/// use segregated_bump::{SegregatedBump, page_source::Region};
/// use core::{alloc::Layout, mem::MaybeUninit};
///
/// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
/// let mut allocator: SegregatedBump<Region> = SegregatedBump::new(Region::new(ram));
/// let layout = Layout::from_size_align(20, 4)?;
/// let block = allocator.alloc(layout);
/// // SAFETY: the block is live, and this is its layout.
/// unsafe { allocator.dealloc(block, layout) };
/// assert_eq!(allocator.alloc(Layout::from_size_align(30, 8)?), block, "20 and 30 bytes are of one class");
/// # Ok::<(), core::alloc::LayoutError>(())
/// ```
#[derive(Debug)]
pub struct SegregatedBump<S, const REALLOC_IN_PLACE: bool = true, A = ()> {
    /// The most recently freed block of each class. It holds the address of the one freed before it, and so on.
    bins: [*mut FreeBlock; CLASS_BYTES.len()],
    /// The bump pointer. Null before the first run of memory.
    top: *mut u8,
    /// The address after the run. Bytes are compared with its distance from `top`, so that nothing can overflow.
    end: usize,
    /// Start of the run, for `reset`.
    run: *mut u8,
    /// Counts bytes that will not be reused.
    lost: A,
    source: S,
}

/// Whether an allocator counts the bytes that it gives up: `()` does not, [`Lost`] does.
pub trait Accounting {
    /// Whether it counts.
    const COUNTS: bool;

    /// The initial count: nothing is lost yet.
    const START: Self;

    /// Adds bytes to [`Lost::freed_bytes`].
    fn add_freed(&mut self, bytes: usize);

    /// Adds bytes to [`Lost::padding_bytes`].
    fn add_padding(&mut self, bytes: usize);

    /// The counts, if it counts.
    fn lost(&self) -> Option<Lost>;
}

impl Accounting for () {
    const COUNTS: bool = false;
    const START: Self = ();

    #[inline]
    fn add_freed(&mut self, _bytes: usize) {}

    #[inline]
    fn add_padding(&mut self, _bytes: usize) {}

    fn lost(&self) -> Option<Lost> {
        None
    }
}

impl Accounting for Lost {
    const COUNTS: bool = true;
    const START: Self = Lost { freed_bytes: 0, padding_bytes: 0 };

    #[inline]
    fn add_freed(&mut self, bytes: usize) {
        self.freed_bytes += bytes;
    }

    #[inline]
    fn add_padding(&mut self, bytes: usize) {
        self.padding_bytes += bytes;
    }

    fn lost(&self) -> Option<Lost> {
        Some(*self)
    }
}

/// Bytes that are given up until the next reset: they are in no bin, and the bump pointer is past them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Bytes of blocks that were freed, or that shrank in place, and that fit no bin: those above 128 bytes or with an
    /// alignment above 16.
    pub freed_bytes: usize,
    /// Padding before blocks with an alignment above 16, and the ends of runs that the source did not continue.
    pub padding_bytes: usize,
}

/// The bytes that this allocator has got from its source and that are in no live block. Runs abandoned by a
/// [`reset`](SegregatedBump::reset) do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// Bytes in the bins, by class: blocks that are reused only for requests of the same class.
    pub bin_bytes: [usize; CLASS_BYTES.len()],
    /// Bytes from the bump pointer to the end of the run.
    pub tail_bytes: usize,
    /// Bytes that will not be reused; `None` if the allocator does not count them.
    pub lost: Option<Lost>,
}

/// The contents of a free block.
#[derive(Debug)]
struct FreeBlock {
    next: *mut FreeBlock,
}

// SAFETY: the pointers refer to memory that the source has given exclusively to this allocator.
unsafe impl<S: Send, const REALLOC_IN_PLACE: bool, A: Send> Send for SegregatedBump<S, REALLOC_IN_PLACE, A> {}

impl<S, const REALLOC_IN_PLACE: bool, A: Accounting> SegregatedBump<S, REALLOC_IN_PLACE, A> {
    /// An allocator without any memory yet: the first request gets it from `source`.
    pub const fn new(source: S) -> Self {
        Self {
            bins: [ptr::null_mut(); CLASS_BYTES.len()],
            top: ptr::null_mut(),
            end: 0,
            run: ptr::null_mut(),
            lost: A::START,
            source,
        }
    }
}

impl<S: PageSource, const REALLOC_IN_PLACE: bool, A: Accounting> SegregatedBump<S, REALLOC_IN_PLACE, A> {
    /// Allocates a block for `layout`. Returns null if the source has no more memory. A size of 0 gets a block of the
    /// smallest class.
    #[inline]
    pub fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let class = class_of(layout.size(), layout.align());
        if class < CLASS_BYTES.len() {
            // SAFETY: this is one of the classes. A block in a bin is free memory of this allocator, of at least 16
            // bytes, and `dealloc` wrote a FreeBlock to it.
            unsafe {
                let bin = self.bins.get_unchecked_mut(class);
                let block = *bin;
                if !block.is_null() {
                    *bin = (*block).next;
                    return block.cast();
                }
            }
        }
        self.bump(class_bytes(class, layout.size()), layout.align())
    }

    /// Like [`alloc`](Self::alloc), with the first `layout.size()` bytes set to 0.
    #[inline]
    pub fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        let block = self.alloc(layout);
        if !block.is_null() {
            // SAFETY: the block is a new one of this allocator, and at least as large as its layout.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, and `layout` is its current layout.
    #[inline]
    pub unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        let class = class_of(layout.size(), layout.align());
        if class < CLASS_BYTES.len() {
            let free = block.cast::<FreeBlock>();
            // SAFETY: this is one of the classes. The block was live and belongs to the allocator again. It is aligned
            // to 16 and, whatever its previous layouts were, covers its whole class: `alloc` and `resize_in_place` both
            // reserve that much.
            unsafe {
                let bin = self.bins.get_unchecked_mut(class);
                free.write(FreeBlock { next: *bin });
                *bin = free;
            }
        } else {
            self.lost.add_freed(class_bytes(class, layout.size()));
        }
    }

    /// Changes a block's size and returns its new address, keeping its first bytes. Returns null if there is no memory,
    /// and leaves the block as it was.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, `layout` is its current layout, and `new_size`, rounded up to the
    /// layout's alignment, is at most `isize::MAX`.
    #[inline]
    pub unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if REALLOC_IN_PLACE && self.resize_in_place(block, layout, new_size) {
            return block;
        }
        // SAFETY: upheld by the caller.
        unsafe { self.move_to_size(block, layout, new_size) }
    }

    /// Forgets all blocks and starts again at the beginning of the latest run of memory. (If another user of the same
    /// source came in between, earlier runs are not reused.)
    ///
    /// # Safety
    ///
    /// No block of this allocator is in use any more.
    pub unsafe fn reset(&mut self) {
        self.bins = [ptr::null_mut(); CLASS_BYTES.len()];
        self.top = self.run;
        self.lost = A::START;
    }

    /// Bytes that a block of this layout takes: its whole class, or the next multiple of 16. The bytes past the
    /// layout's size may be written to; otherwise they are internal fragmentation.
    #[must_use]
    pub fn usable_bytes(layout: Layout) -> usize {
        block_bytes(layout.size(), layout.align())
    }

    /// Accounts for the bytes that are in no live block. It walks the bins, so it takes time proportional to the number
    /// of free blocks.
    ///
    /// ```
    /// use segregated_bump::{SegregatedBump, page_source::Region};
    /// use core::{alloc::Layout, mem::MaybeUninit};
    ///
    /// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
    /// let mut allocator: SegregatedBump<Region> = SegregatedBump::new(Region::new(ram));
    /// let layout = Layout::new::<[u8; 20]>();
    /// let block = allocator.alloc(layout);
    /// // SAFETY: the block is live, and this is its layout.
    /// unsafe { allocator.dealloc(block, layout) };
    /// assert_eq!(allocator.idle().bin_bytes, [0, 32, 0, 0]);
    /// ```
    pub fn idle(&self) -> Idle {
        let mut idle = Idle { tail_bytes: self.room(), lost: self.lost.lost(), ..Idle::default() };
        for (class, bytes) in idle.bin_bytes.iter_mut().enumerate() {
            let mut block = self.bins[class];
            while !block.is_null() {
                *bytes += CLASS_BYTES[class];
                // SAFETY: a block in a bin is free memory of this allocator, and `dealloc` wrote a FreeBlock to it.
                block = unsafe { (*block).next };
            }
        }
        idle
    }

    /// Resizes the block in place if possible, and returns whether it did.
    fn resize_in_place(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> bool {
        let align = layout.align();
        let (old, new) = (block_bytes(layout.size(), align), block_bytes(new_size, align));
        if block.wrapping_add(old) != self.top {
            // Not the last block. A large block is not reused after it is freed, so moving it gains nothing.
            let is_large = old > CLASS_BYTES[3] || align > UNIT;
            let stays = new == old || new < old && is_large;
            self.lost.add_freed(if stays { old - new } else { 0 });
            return stays;
        }
        let missing = new.saturating_sub(old + self.room());
        // The new run may be elsewhere: then the bump pointer is there too, and this block is no longer the last one.
        if missing > 0 && (!self.acquire(missing) || block.wrapping_add(old) != self.top) {
            return false;
        }
        self.top = block.wrapping_add(new);
        true
    }

    /// Bytes from the bump pointer to the end of the run.
    #[inline]
    fn room(&self) -> usize {
        self.end - self.top.addr()
    }

    /// A block of `bytes` from the bump pointer, at a multiple of `align`. Null if the source has no more memory.
    #[inline]
    fn bump(&mut self, bytes: usize, align: usize) -> *mut u8 {
        // A layout's size, rounded up to its alignment, is at most `isize::MAX`, so no sum here overflows.
        let mut pad = padding(self.top, align);
        if pad + bytes > self.room() {
            if !self.refill(bytes, align) {
                return ptr::null_mut();
            }
            pad = padding(self.top, align);
        }
        let block = self.top.wrapping_add(pad);
        self.top = block.wrapping_add(bytes);
        self.lost.add_padding(pad);
        block
    }

    /// Gets memory with room for `bytes` at `align`.
    #[cold]
    fn refill(&mut self, bytes: usize, align: usize) -> bool {
        // Enough for the block wherever a run may begin, including padding: the bump pointer is a multiple of 16.
        let enough = bytes + align.max(UNIT).saturating_sub(self.source.run_align());
        // If new memory continues the run, only the missing bytes are needed.
        let mut needed = padding(self.top, align) + bytes - self.room();
        if self.top.is_null() {
            needed = enough;
        }
        while self.acquire(needed) {
            if padding(self.top, align) + bytes <= self.room() {
                return true;
            }
            needed = enough;
        }
        false
    }

    /// Acquires memory from the source. If it continues the run, the run becomes longer; if not, the rest of the old
    /// run is given up.
    fn acquire(&mut self, min_bytes: usize) -> bool {
        let Some(memory) = self.source.acquire(min_bytes) else {
            return false;
        };
        let start = memory.cast::<u8>().as_ptr();
        if self.end != start.addr() {
            // Every block begins at a multiple of 16, so the run must too.
            let pad = if self.source.run_align() < UNIT { padding(start, UNIT).min(memory.len()) } else { 0 };
            self.lost.add_padding(self.room() + pad);
            self.run = start.wrapping_add(pad);
            self.top = self.run;
        }
        self.end = start.addr() + memory.len();
        true
    }
}

/// The class of a request; the number of classes if it is not small.
#[inline]
fn class_of(size: usize, align: usize) -> usize {
    if size > CLASS_BYTES[3] || align > UNIT {
        return CLASS_BYTES.len();
    }
    // The number of bits in the last byte's offset: 4 for up to 16 bytes, 5 for up to 32, and so on.
    let last = size.saturating_sub(1) | (UNIT - 1);
    (usize::BITS - 4 - last.leading_zeros()) as usize
}

/// Bytes that a block of this class covers: its whole class, or a multiple of 16.
#[inline]
fn class_bytes(class: usize, size: usize) -> usize {
    // A size is at most `isize::MAX`, so this cannot overflow.
    if class < CLASS_BYTES.len() { UNIT << class } else { (size.max(1) + UNIT - 1) & !(UNIT - 1) }
}

/// Bytes that a block for such a request covers.
#[inline]
fn block_bytes(size: usize, align: usize) -> usize {
    class_bytes(class_of(size, align), size)
}

/// Bytes from `address` to the next multiple of `align`.
#[inline]
fn padding(address: *mut u8, align: usize) -> usize {
    address.addr().wrapping_neg() & (align - 1)
}
