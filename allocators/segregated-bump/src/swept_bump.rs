//! The swept bump allocator: bins and a bump pointer without headers, and a sweep that joins what is free before the
//! heap grows.
//!
//! - A **small** request, of up to 1152 bytes with an alignment of up to 16, is rounded up to a multiple of 16. It takes
//!   the most recently freed block of this size from its **bin**, or a new block from the **window**, a piece of memory
//!   that a bump pointer hands out. When the window is used up, the next one is a free run that fits well, or a larger
//!   free block, or, last, untouched memory.
//! - Any other request takes whole lines of 64 bytes from a **free run**, in lists by size, or from the **top**, the
//!   memory that was never used or that has come back to it. When it is freed, it is joined with the free runs on both
//!   sides at once.
//! - Small blocks are joined later. Before the heap grows, if enough windows were opened since the last time, a
//!   **sweep** marks all free memory in a map, reads off its ranges, and files them again, from the lowest address.
//! - Realloc keeps the block in place if its rounded size stays the same, if it shrinks, or if what follows is free.
//! - Memory comes from a [`PageSource`], as little as the request needs.
//!
//! A request takes a bounded number of steps, apart from those that sweep: a sweep takes time in proportion to the free
//! small blocks and to the map, and comes at most once for a number of windows that is in proportion to the small
//! blocks, so that its cost for each request is bounded on average.
//!
//! [`SOUNDNESS.md`](https://docs.rs/crate/segregated-bump/latest/source/SOUNDNESS.md) argues for each unsafe block.

mod growth;
#[cfg(feature = "inspect")]
mod inspect;
mod map;
mod runs;
mod sweep;

use core::alloc::Layout;
use core::fmt;
use core::ptr;

use crate::allocator::Allocator;
use crate::bins::Bin;
use crate::page_source::PageSource;
use crate::policies::{SizeClasses, Swept, SweptDecisions};
use map::{GRANULE, LINE};
use runs::Runs;

#[cfg(feature = "inspect")]
pub use inspect::{HeapFault, HeapPart};

/// The allocator. `S` is the source of its pages, and `P` is the member of the family: its
/// [`SweptPolicies`](crate::policies::SweptPolicies).
///
/// ```
/// use segregated_bump::{SweptBump, page_source::Region};
/// use core::{alloc::Layout, mem::MaybeUninit};
///
/// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
/// let mut allocator: SweptBump<Region> = SweptBump::new(Region::new(ram));
/// let layout = Layout::from_size_align(3000, 8)?;
/// let block = allocator.alloc(layout);
/// // SAFETY: the block is live, and this is its layout.
/// unsafe { allocator.dealloc(block, layout) };
/// assert_eq!(allocator.alloc(Layout::from_size_align(3500, 8)?), block, "large blocks are used again");
/// # Ok::<(), core::alloc::LayoutError>(())
/// ```
pub struct SweptBump<S, P: SweptDecisions = Swept> {
    /// The free blocks of each small size.
    bins: <P::Small as SizeClasses>::Bins,
    /// The bump pointer of small blocks.
    window: *mut u8,
    /// The address after the window.
    window_end: usize,
    /// Free runs, and the map of their ends.
    runs: Runs,
    /// The memory that was never used, or has come back: a line's first byte. Null before the first memory.
    top: *mut u8,
    /// The address after the latest memory that the map covers.
    end: usize,
    /// The address after the latest memory: what the map does not cover yet is the heap's as soon as it does.
    given_end: usize,
    /// The highest address that `top` had in the latest memory: what follows is as the source gave it.
    fresh: usize,
    /// Bytes of all windows so far that no sweep has taken back: small blocks, live or free.
    small_bytes: usize,
    /// Bytes of windows that the next sweep waits for.
    patience_bytes: usize,
    /// Bytes of windows since the latest sweep.
    opened_bytes: usize,
    source: S,
}

/// What lines are taken for. The one that only some programs need is the last, so that the others' code leaves it out.
#[derive(Clone, Copy, PartialEq)]
#[repr(usize)]
enum Use {
    Block,
    Window,
    ZeroedBlock,
}

// SAFETY: the pointers refer to memory that the source has given exclusively to this allocator.
unsafe impl<S: Send, P: SweptDecisions> Send for SweptBump<S, P> {}

impl<S, P: SweptDecisions> fmt::Debug for SweptBump<S, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("SweptBump");
        shown.field("top", &self.top).field("end", &self.end).field("runs", &self.runs).finish_non_exhaustive()
    }
}

impl<S, P: SweptDecisions> SweptBump<S, P> {
    /// An allocator without any memory yet: the first request gets it from `source`.
    ///
    /// Decisions that contradict each other do not compile.
    pub const fn new(source: S) -> Self {
        const { P::AGREE };
        SweptBump {
            bins: P::Small::EMPTY,
            window: ptr::null_mut(),
            window_end: 0,
            runs: Runs::EMPTY,
            top: ptr::null_mut(),
            end: 0,
            given_end: 0,
            fresh: 0,
            small_bytes: 0,
            patience_bytes: 0,
            opened_bytes: 0,
            source,
        }
    }
}

impl<S: PageSource, P: SweptDecisions> SweptBump<S, P> {
    /// Allocates a block for `layout`. Returns null if the source has no more memory. A size of 0 gets a block of the
    /// smallest size.
    #[inline]
    pub fn alloc(&mut self, layout: Layout) -> *mut u8 {
        match small_bytes::<P>(layout.size(), layout.align()) {
            0 => self.obtain(layout.size(), layout.align(), Use::Block),
            bytes => self.alloc_small(bytes),
        }
    }

    /// Like [`alloc`](Self::alloc), with the first `layout.size()` bytes set to 0. Memory that the source gives
    /// [zeroed](PageSource::ZEROED) and that was not used yet is not written again.
    #[inline]
    pub fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        let bytes = small_bytes::<P>(layout.size(), layout.align());
        if bytes == 0 {
            return self.obtain(layout.size(), layout.align(), Use::ZeroedBlock);
        }
        let block = self.alloc_small(bytes);
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
        // SAFETY: the block was live with this layout, so it is a small block of these bytes, or whole lines, and
        // belongs to the allocator again.
        unsafe {
            match small_bytes::<P>(layout.size(), layout.align()) {
                0 => self.free_lines(block, lines(layout.size())),
                bytes => self.push(block, bytes),
            }
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
        if unsafe { self.resize_in_place(block, layout, new_size) } {
            return block;
        }
        // SAFETY: upheld by the caller.
        unsafe { self.move_to_size(block, layout, new_size) }
    }

    /// Bytes that a block of this layout takes. The bytes past the layout's size may be written to; otherwise they are
    /// internal fragmentation.
    #[must_use]
    pub fn usable_bytes(layout: Layout) -> usize {
        block_bytes::<P>(layout.size(), layout.align())
    }

    #[inline]
    fn alloc_small(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: `bytes` is the size of a small block.
        let block = unsafe { self.pop(bytes) };
        if !block.is_null() {
            return block;
        }
        if bytes > self.window_bytes() && self.obtain(bytes, 1, Use::Window).is_null() {
            return ptr::null_mut();
        }
        let block = self.window;
        self.window = block.wrapping_add(bytes);
        block
    }

    /// The bin of small blocks of this size.
    ///
    /// # Safety
    ///
    /// `bytes` is the size of a small block: a multiple of 16, at least 16 and at most the largest one.
    #[inline]
    unsafe fn bin(&mut self, bytes: usize) -> &mut Bin {
        debug_assert!(bytes > 0 && bytes <= P::Small::largest() && bytes & (GRANULE - 1) == 0);
        // SAFETY: upheld by the caller.
        unsafe { self.bins.as_mut().get_unchecked_mut(bytes / GRANULE - 1) }
    }

    /// Takes the latest block from a bin. Null if there is none.
    ///
    /// # Safety
    ///
    /// As for `bin`.
    #[inline]
    unsafe fn pop(&mut self, bytes: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.bin(bytes) }.take()
    }

    /// Puts a free small block into its bin.
    ///
    /// # Safety
    ///
    /// As for `bin`; the block is free memory of this allocator, and aligned to 16.
    #[inline]
    unsafe fn push(&mut self, block: *mut u8, bytes: usize) {
        // SAFETY: upheld by the caller; every block has at least 16 bytes.
        unsafe { self.bin(bytes).put(block) };
    }

    /// Takes what [`take`](Self::take) does, and makes room for it: by the rest of the window, by a sweep if it is time
    /// for one, by more memory, or, if there is none, by a sweep after all. Null if nothing helps.
    #[inline(never)]
    fn obtain(&mut self, size: usize, align: usize, purpose: Use) -> *mut u8 {
        if purpose == Use::Window {
            self.flush();
        }
        let mut has_swept = false;
        loop {
            let fresh = self.fresh;
            let block = self.take(size, align, purpose);
            if !block.is_null() {
                if purpose == Use::ZeroedBlock {
                    // What the top had not reached yet is zeroed if the source says so.
                    let used = if S::ZEROED { fresh.saturating_sub(block.addr()).min(size) } else { size };
                    // SAFETY: the block has at least `size` bytes.
                    unsafe { block.write_bytes(0, used) };
                }
                return block;
            }
            if self.window_bytes() > 0 {
                self.flush();
                continue;
            }
            if (has_swept || !self.is_time_to_sweep()) && self.grow(lines(size), align) {
                continue;
            }
            if has_swept {
                return ptr::null_mut();
            }
            self.sweep();
            has_swept = true;
        }
    }

    /// Takes whole lines for `size` bytes at a multiple of `align` from a free run or from the top, and frees what is
    /// before and after them. A window takes more than its `size`, which is that of a small block, or, between run and
    /// top, a larger small block. Null if there is no room.
    #[inline(never)]
    fn take(&mut self, size: usize, align: usize, purpose: Use) -> *mut u8 {
        let mut bytes = lines(size);
        // Lines are aligned to 64, and in the worst case the next multiple is this far away.
        let mut start = self.runs.find(bytes + align.saturating_sub(LINE)).cast::<u8>();
        let available;
        // A run is not cut into a window and a small rest.
        let mut most = P::window_bytes();
        if start.is_null() {
            if purpose == Use::Window {
                // One of this very size is there only after a sweep.
                for larger in size / GRANULE..=P::Small::count() {
                    // SAFETY: this is the size of a small block.
                    let block = unsafe { self.pop(larger * GRANULE) };
                    if !block.is_null() {
                        self.window = block;
                        self.window_end = block.addr() + larger * GRANULE;
                        return block;
                    }
                }
            }
            start = self.top;
            available = self.top_bytes();
            if padding(start.addr(), align) + bytes > available {
                return ptr::null_mut();
            }
        } else {
            // SAFETY: `find` returns a run that is filed.
            available = unsafe { self.runs.remove(start.cast()) };
            most = P::window_bytes() + P::window_bytes() / 2;
        }
        if purpose == Use::Window {
            bytes = if available > most { P::window_bytes() } else { available };
            self.window = start;
            self.window_end = start.addr() + bytes;
            self.small_bytes += bytes;
            self.opened_bytes += bytes;
        }
        let pad = padding(start.addr(), align);
        let block = start.wrapping_add(pad);
        let end = block.wrapping_add(bytes);
        let rest = available - pad - bytes;
        // SAFETY: the available bytes are whole lines that were free and are filed nowhere; they have room for padding
        // and block. What was a run has no free neighbours; the padding at the top may.
        unsafe {
            if start == self.top {
                self.top = end;
                self.fresh = self.fresh.max(end.addr());
                self.free_lines(start, pad);
            } else {
                if pad > 0 {
                    self.runs.insert(start, pad);
                }
                if rest > 0 {
                    self.runs.insert(end, rest);
                }
            }
        }
        block
    }

    /// Frees whole lines: joins them with free neighbours, and files the run or gives it back to the top.
    ///
    /// # Safety
    ///
    /// They are memory of this allocator, below the top or in earlier memory, that nothing else uses. There may be
    /// none.
    #[inline(never)]
    unsafe fn free_lines(&mut self, start: *mut u8, bytes: usize) {
        if bytes == 0 {
            return;
        }
        // SAFETY: upheld by the caller.
        unsafe {
            let (start, bytes) = self.runs.join(start, bytes);
            if start.wrapping_add(bytes) == self.top {
                self.top = start;
            } else {
                self.runs.insert(start, bytes);
            }
        }
    }

    /// Resizes the block in place if possible, and returns whether it did.
    ///
    /// # Safety
    ///
    /// As for [`realloc`](Self::realloc).
    unsafe fn resize_in_place(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> bool {
        let (mut old, new) =
            (block_bytes::<P>(layout.size(), layout.align()), block_bytes::<P>(new_size, layout.align()));
        let small = if layout.align() <= GRANULE { P::Small::largest() } else { 0 };
        if old.min(new) <= small {
            // The latest block of the window grows and shrinks with it.
            let is_latest = block.wrapping_add(old) == self.window;
            if is_latest && old.max(new) <= small && new <= old + self.window_bytes() {
                self.window = block.wrapping_add(new);
                return true;
            }
            return new == old;
        }
        let end = block.wrapping_add(old);
        if new > old {
            // SAFETY: the address after a block is that of a run if a mark is there.
            let run_bytes = unsafe { self.runs.bytes_at(end) };
            if old + run_bytes < new {
                return end == self.top && self.grow_at_top(block, old, new);
            }
            // SAFETY: there is a run, as it has bytes.
            old += unsafe { self.runs.remove(end.cast()) };
        }
        // SAFETY: the lines from `new` to `old` are the block's last ones, or the rest of the run.
        unsafe { self.free_lines(block.wrapping_add(new), old - new) };
        true
    }

    /// Grows the block before the top in place if possible, and returns whether it did.
    #[inline]
    fn grow_at_top(&mut self, block: *mut u8, old: usize, new: usize) -> bool {
        let more = new - old;
        // If the heap would have to grow, a free run may be better.
        if more > self.top_bytes()
            && (!self.runs.find(new).is_null() || !self.grow(more, 1) || block.wrapping_add(old) != self.top)
        {
            return false;
        }
        self.top = block.wrapping_add(new);
        self.fresh = self.fresh.max(self.top.addr());
        true
    }

    #[inline]
    fn window_bytes(&self) -> usize {
        self.window_end - self.window.addr()
    }

    /// Frees what is left of the window.
    fn flush(&mut self) {
        let bytes = self.window_bytes();
        self.window_end = self.window.addr();
        // SAFETY: the rest of the window is free memory of this allocator, in whole granules.
        unsafe { self.free_range(self.window, bytes) };
    }

    fn top_bytes(&self) -> usize {
        self.end - self.top.addr()
    }
}

/// Bytes of the small block for a request; 0 if it is not small.
#[inline]
fn small_bytes<P: SweptDecisions>(size: usize, align: usize) -> usize {
    // A size is at most `isize::MAX`, so this cannot overflow.
    let bytes = (size.max(1) + GRANULE - 1) & !(GRANULE - 1);
    if bytes <= P::Small::largest() && align <= GRANULE { bytes } else { 0 }
}

/// Bytes of the block for a request.
fn block_bytes<P: SweptDecisions>(size: usize, align: usize) -> usize {
    match small_bytes::<P>(size, align) {
        0 => lines(size),
        bytes => bytes,
    }
}

/// Bytes of whole lines for a request.
#[inline]
fn lines(size: usize) -> usize {
    // A size is at most `isize::MAX`, so this cannot overflow.
    (size.max(1) + LINE - 1) & !(LINE - 1)
}

/// Bytes from `address` to the next multiple of `align`.
#[inline]
fn padding(address: usize, align: usize) -> usize {
    address.wrapping_neg() & (align - 1)
}
