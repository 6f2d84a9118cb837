//! The segregated bump allocator: free lists by size and a bump pointer, for Wasm modules and short-lived programs.
//!
//! The [`Classic`]:
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
//! The other members of the family decide differently in one or more of these: see
//! [`Policies`](crate::policies::Policies).
//!
//! All state is in the value: instances are independent of each other. For the global allocator of a whole program see
//! [`SingleThreaded`].
//!
//! [`SingleThreaded`]: crate::SingleThreaded

mod accounting;
mod idle;
mod reuse;
mod top;

use core::alloc::Layout;
use core::fmt;
use core::ptr;

use crate::allocator::Allocator;
use crate::page_source::PageSource;
use crate::policies::{Classic, Decisions, LargeFrees, PowersOfTwo, SizeClasses, UNIT};

pub use accounting::{Accounting, Lost};
pub use idle::Idle;

/// Sizes of the classic's four classes, in bytes.
pub const CLASS_BYTES: [usize; 4] = PowersOfTwo::<4>::BYTES;

/// The allocator.
///
/// - `S` is the source of its pages.
/// - `P` is the member of the family: its [`Policies`](crate::policies::Policies).
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
pub struct SegregatedBump<S, P: Decisions = Classic, A = ()> {
    /// The free blocks of each class.
    bins: <P::Classes as SizeClasses>::Bins,
    /// The bump pointer. Null before the first run of memory.
    top: *mut u8,
    /// The address after the run. Bytes are compared with its distance from `top`, so that nothing can overflow.
    end: usize,
    /// Start of the run, for `reset`.
    run: *mut u8,
    /// Large free blocks.
    large: P::LargeFrees,
    /// Counts bytes that will not be reused.
    lost: A,
    source: S,
}

// SAFETY: the pointers refer to memory that the source has given exclusively to this allocator.
unsafe impl<S: Send, P: Decisions, A: Send> Send for SegregatedBump<S, P, A> {}

impl<S, P: Decisions, A> fmt::Debug for SegregatedBump<S, P, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SegregatedBump");
        shown.field("run", &self.run).field("top", &self.top).field("end", &self.end).finish_non_exhaustive()
    }
}

impl<S, P: Decisions, A: Accounting> SegregatedBump<S, P, A> {
    /// An allocator without any memory yet: the first request gets it from `source`.
    ///
    /// Policies that contradict each other do not compile: where large blocks are kept, they are multiples of 16 bytes.
    pub const fn new(source: S) -> Self {
        const { P::AGREE };
        Self {
            bins: P::Classes::EMPTY,
            top: ptr::null_mut(),
            end: 0,
            run: ptr::null_mut(),
            large: P::LargeFrees::START,
            lost: A::START,
            source,
        }
    }
}

impl<S: PageSource, P: Decisions, A: Accounting> SegregatedBump<S, P, A> {
    /// Allocates a block for `layout`. Returns null if the source has no more memory. A size of 0 gets a block of the
    /// smallest class.
    #[inline]
    pub fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        let class = class_of::<P>(size, align);
        if class < P::Classes::count() {
            // SAFETY: this is one of the classes.
            let bin = unsafe { self.bins.as_mut().get_unchecked_mut(class) };
            // A bin's blocks are aligned to 16, and may be aligned to more.
            if !P::bins_take_aligned() || bin.first().addr() & (align - 1) == 0 {
                let block = bin.take();
                if !block.is_null() {
                    return block;
                }
            }
        }
        let bytes = class_bytes::<P>(class, size);
        if if class < P::Classes::count() { P::splits() } else { P::LargeFrees::keeps() } {
            let block = self.reuse(class, bytes, align);
            if !block.is_null() {
                return block;
            }
        }
        if P::refill_blocks() > 1 && class < P::Classes::count() {
            return self.refill_bin(class, bytes, align);
        }
        self.bump(bytes, align)
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
        let class = class_of::<P>(layout.size(), layout.align());
        if P::top_takes_frees() && block.wrapping_add(class_bytes::<P>(class, layout.size())) == self.top {
            self.top = block;
            return;
        }
        if class < P::Classes::count() {
            // SAFETY: this is one of the classes. The block was live and belongs to the allocator again. It is aligned
            // to 16 and, whatever its previous layouts were, covers its whole class: `alloc` and `resize_in_place` both
            // reserve that much.
            unsafe { self.bins.as_mut().get_unchecked_mut(class).put(block) };
        } else {
            // SAFETY: the block was live, with these bytes, and belongs to the allocator again.
            unsafe { self.give_up(block, class_bytes::<P>(class, layout.size())) };
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
        // SAFETY: upheld by the caller.
        if P::realloc_in_place() && unsafe { self.resize_in_place(block, layout, new_size) } {
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
        self.bins = P::Classes::EMPTY;
        self.top = self.run;
        self.large = P::LargeFrees::START;
        self.lost = A::START;
    }

    /// Bytes that a block of this layout takes: its whole class, or the next multiple of the step of large blocks. The
    /// bytes past the layout's size may be written to; otherwise they are internal fragmentation.
    #[must_use]
    pub fn usable_bytes(layout: Layout) -> usize {
        block_bytes::<P>(layout.size(), layout.align())
    }

    /// Resizes the block in place if possible, and returns whether it did.
    ///
    /// # Safety
    ///
    /// As for `realloc`.
    unsafe fn resize_in_place(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> bool {
        let align = layout.align();
        let (old, new) = (block_bytes::<P>(layout.size(), align), block_bytes::<P>(new_size, align));
        if block.wrapping_add(old) != self.top || !P::top_takes_shrinks() && new < old {
            // Not the last block. A large block that is not reused after it is freed gains nothing by moving, and one
            // that is kept gives up its end.
            let is_large = old > P::Classes::largest() || align > small_align::<P>();
            let stays = new == old || new < old && (is_large || !P::small_shrinks_move());
            // SAFETY: the block has its old bytes, of which the last ones belong to the allocator again.
            unsafe { self.give_up(block.wrapping_add(new), if stays { old - new } else { 0 }) };
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

    /// Takes back memory that is not a block of a bin: files it, or loses it.
    ///
    /// # Safety
    ///
    /// As for `file`, if large blocks are kept.
    #[inline]
    unsafe fn give_up(&mut self, start: *mut u8, bytes: usize) {
        if P::LargeFrees::keeps() {
            // SAFETY: upheld by the caller.
            unsafe { self.file(start, bytes) };
        } else {
            self.lost.add_freed(bytes);
        }
    }
}

/// The highest alignment of small blocks.
fn small_align<P: Decisions>() -> usize {
    if P::bins_take_aligned() { usize::MAX } else { UNIT }
}

/// The class of a request; the number of classes if it is not small.
#[inline]
fn class_of<P: Decisions>(size: usize, align: usize) -> usize {
    if size > P::Classes::largest() || align > small_align::<P>() {
        return P::Classes::count();
    }
    P::Classes::class_of(size)
}

/// Bytes that a block of this class covers: its whole class, or a multiple of the step of large blocks.
#[inline]
fn class_bytes<P: Decisions>(class: usize, size: usize) -> usize {
    // A size is at most `isize::MAX`, so this cannot overflow.
    if class < P::Classes::count() {
        P::Classes::bytes_of(class)
    } else {
        (size.max(1) + P::large_step() - 1) & !(P::large_step() - 1)
    }
}

/// Bytes that a block for such a request covers.
#[inline]
fn block_bytes<P: Decisions>(size: usize, align: usize) -> usize {
    class_bytes::<P>(class_of::<P>(size, align), size)
}
