//! The segregated bump allocator: four free lists and a bump pointer, for Wasm modules and short-lived programs.
//!
//! - A request of up to 128 bytes with an alignment of up to 16 is rounded up to its **size class**: 16, 32, 64 or 128 bytes.
//!   It takes the block that was freed last in this class's **bin**, or else a new one from the **bump pointer**.
//! - Any other request comes from the bump pointer, in multiples of 16 bytes, and is not used again when it is freed.
//! - Realloc keeps the block where its class has room, grows or shrinks it in place where it is the last one at the bump
//!   pointer, and otherwise moves it. A large block that shrinks elsewhere keeps its place. A small block that shrinks to a smaller
//!   class moves: kept in place it would be freed into the smaller bin, and its memory would be lost a little with every cycle.
//! - Memory comes from a [`PageSource`] in whole pages, as few as the request needs.
//!
//! Small alloc and free are a handful of instructions; there are no headers, no splitting and no coalescing. What it costs: a
//! program that frees large blocks, or whose sizes drift from one class to another, grows without bound.
//!
//! All state is in the value, so that many can live side by side. For a whole program's global allocator see [`SingleThreaded`].
//!
//! [`SingleThreaded`]: crate::SingleThreaded

use core::alloc::Layout;
use core::ptr;

use crate::page_source::PageSource;

/// Smallest size class, and the unit in which the bump pointer moves: every block begins at a multiple of it.
const UNIT: usize = 16;

/// Sizes of the four classes, in bytes.
pub const CLASS_BYTES: [usize; 4] = [16, 32, 64, 128];

/// The allocator.
///
/// - `S` is where its pages come from.
/// - `REALLOC_IN_PLACE` switches realloc without moving. Off, every realloc moves its block: what the allocator costs without that code.
/// - `A` is its [`Accounting`]: `()` keeps no books and costs nothing; [`Lost`] counts the bytes that are given up, for
///   [`idle`](Self::idle). Either way each block lies where it would otherwise.
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
    /// The block freed last in each class, which holds the address of the one before, and so on.
    bins: [*mut FreeBlock; CLASS_BYTES.len()],
    /// The bump pointer. Null before the first run of memory.
    top: *mut u8,
    /// Bytes from `top` to the end of the run. A length and not an address: nothing can overflow.
    room: usize,
    /// Where the run began, for `reset`.
    run: *mut u8,
    /// The books of bytes that will not be used again.
    lost: A,
    source: S,
}

/// Whether an allocator keeps books of the bytes that it gives up: `()` keeps none, [`Lost`] counts them.
pub trait Accounting {
    /// Whether it counts.
    const COUNTS: bool;

    /// Nothing is lost yet.
    const START: Self;

    /// Adds bytes to [`Lost::freed_bytes`].
    fn add_freed(&mut self, bytes: usize);

    /// Adds bytes to [`Lost::padding_bytes`].
    fn add_padding(&mut self, bytes: usize);

    /// What was added, if it is counted.
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

/// Bytes that are given up until the next reset: no bin has them, and the bump pointer is past them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Of blocks that were freed, or that shrank where they were, and that no bin takes: those above 128 bytes or with an alignment
    /// above 16.
    pub freed_bytes: usize,
    /// In front of blocks with an alignment above 16, and at the ends of runs that the source did not continue.
    pub padding_bytes: usize,
}

/// Where the bytes are that this allocator has got from its source and that are in no live block. Bytes of earlier runs that a
/// [`reset`](SegregatedBump::reset) has left behind are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// In the bins, by class: blocks that will be used again for requests of this class alone.
    pub bin_bytes: [usize; CLASS_BYTES.len()],
    /// From the bump pointer to the end of the run.
    pub tail_bytes: usize,
    /// What will not be used again; `None` where the allocator keeps no books of it.
    pub lost: Option<Lost>,
}

/// What a free block holds.
#[derive(Debug)]
struct FreeBlock {
    next: *mut FreeBlock,
}

// SAFETY: the pointers lead into memory that the source has given to this allocator alone.
unsafe impl<S: Send, const REALLOC_IN_PLACE: bool, A: Send> Send for SegregatedBump<S, REALLOC_IN_PLACE, A> {}

impl<S, const REALLOC_IN_PLACE: bool, A: Accounting> SegregatedBump<S, REALLOC_IN_PLACE, A> {
    /// An allocator without any memory yet: the first request asks `source` for it.
    pub const fn new(source: S) -> Self {
        Self {
            bins: [ptr::null_mut(); CLASS_BYTES.len()],
            top: ptr::null_mut(),
            room: 0,
            run: ptr::null_mut(),
            lost: A::START,
            source,
        }
    }
}

impl<S: PageSource, const REALLOC_IN_PLACE: bool, A: Accounting> SegregatedBump<S, REALLOC_IN_PLACE, A> {
    /// A block for `layout`, or null where the source has no more memory. A size of 0 gets a block of the smallest class.
    #[inline]
    pub fn alloc(&mut self, layout: Layout) -> *mut u8 {
        match class_of(layout.size(), layout.align()) {
            Some(class) => {
                let block = self.bins[class];
                if block.is_null() {
                    return self.bump(CLASS_BYTES[class], UNIT);
                }
                // SAFETY: a block in a bin is free memory of ours, of at least 16 bytes, and `dealloc` wrote a FreeBlock to it.
                self.bins[class] = unsafe { (*block).next };
                block.cast()
            }
            None => match block_bytes(layout.size(), layout.align()) {
                Some(bytes) => self.bump(bytes, layout.align().max(UNIT)),
                None => ptr::null_mut(),
            },
        }
    }

    /// As [`alloc`](Self::alloc), with the first `layout.size()` bytes set to 0.
    #[inline]
    pub fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        let block = self.alloc(layout);
        if !block.is_null() {
            // SAFETY: the block is ours and at least as large as its layout.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, and `layout` is the one in force.
    #[inline]
    pub unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        if let Some(class) = class_of(layout.size(), layout.align()) {
            let free = block.cast::<FreeBlock>();
            // SAFETY: the block was live and is now ours again. It is aligned to 16 and, whatever its layout has been before, reaches
            // over its whole class: `alloc` and `resize_in_place` both reserve that much.
            unsafe { free.write(FreeBlock { next: self.bins[class] }) };
            self.bins[class] = free;
        } else {
            self.lost.add_freed(block_bytes(layout.size(), layout.align()).unwrap_or(0));
        }
    }

    /// Changes a block's size. Returns where the block is now, its first bytes kept, or null where there was no memory: then the
    /// block is as it was.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, `layout` is the one in force, and `new_size`, rounded up to the layout's alignment,
    /// is at most `isize::MAX`.
    #[inline]
    pub unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if REALLOC_IN_PLACE && self.resize_in_place(block, layout, new_size) {
            return block;
        }
        // SAFETY: the caller vouches for the size, and the alignment is that of a layout.
        let moved = self.alloc(unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) });
        if !moved.is_null() {
            // SAFETY: both blocks are live and apart, and each is as large as its layout; the old one is the caller's to give.
            unsafe {
                moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
        }
        moved
    }

    /// Forgets all blocks and starts again at the beginning of the latest run of memory. (Runs before it, if another user of the same
    /// source came between, are not used again.)
    ///
    /// # Safety
    ///
    /// No block of this allocator is used any more.
    pub unsafe fn reset(&mut self) {
        self.bins = [ptr::null_mut(); CLASS_BYTES.len()];
        self.room += self.top.addr() - self.run.addr();
        self.top = self.run;
        self.lost = A::START;
    }

    /// Bytes that a block of this layout takes: its whole class, or the next multiple of 16. What is beyond the layout's size may be
    /// written to, and is lost to rounding otherwise.
    #[must_use]
    pub fn usable_bytes(layout: Layout) -> usize {
        block_bytes(layout.size(), layout.align()).unwrap_or(layout.size())
    }

    /// Where the bytes are that are in no live block. It walks through the bins, so it takes time in proportion to the free blocks.
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
        let mut idle = Idle { tail_bytes: self.room, lost: self.lost.lost(), ..Idle::default() };
        for (class, bytes) in idle.bin_bytes.iter_mut().enumerate() {
            let mut block = self.bins[class];
            while !block.is_null() {
                *bytes += CLASS_BYTES[class];
                // SAFETY: a block in a bin is free memory of ours, and `dealloc` wrote a FreeBlock to it.
                block = unsafe { (*block).next };
            }
        }
        idle
    }

    /// Whether `block` could take its new size where it is; if so, it has.
    fn resize_in_place(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> bool {
        let align = layout.align();
        let (Some(old), Some(new)) = (block_bytes(layout.size(), align), block_bytes(new_size, align)) else {
            return false;
        };
        if new == old {
            return true;
        }
        if block.wrapping_add(old) != self.top {
            // Not the last one. A large block is not used again when it is freed, so there is nothing to win by moving it.
            let stays = new < old && class_of(layout.size(), align).is_none();
            self.lost.add_freed(if stays { old - new } else { 0 });
            return stays;
        }
        if new < old {
            self.top = block.wrapping_add(new);
            self.room += old - new;
            return true;
        }
        let more = new - old;
        if more > self.room {
            let missing = more - self.room;
            // The new run may lie elsewhere: then the bump pointer is there, and this block is no longer the last one.
            if !self.acquire(missing) || block.wrapping_add(old) != self.top {
                return false;
            }
        }
        self.take(0, more);
        true
    }

    /// A block of `bytes` from the bump pointer, at a multiple of `align`.
    #[inline]
    fn bump(&mut self, bytes: usize, align: usize) -> *mut u8 {
        if !self.fits(bytes, align) && !self.refill(bytes, align) {
            return ptr::null_mut();
        }
        self.take(padding(self.top, align), bytes)
    }

    fn fits(&self, bytes: usize, align: usize) -> bool {
        padding(self.top, align).checked_add(bytes).is_some_and(|needed| needed <= self.room)
    }

    /// Moves the bump pointer over `bytes` bytes, `pad` bytes on from where it is. They fit.
    #[inline]
    fn take(&mut self, pad: usize, bytes: usize) -> *mut u8 {
        let block = self.top.wrapping_add(pad);
        self.top = block.wrapping_add(bytes);
        self.room -= pad + bytes;
        self.lost.add_padding(pad);
        block
    }

    /// Gets memory in which `bytes` at `align` fit.
    #[cold]
    fn refill(&mut self, bytes: usize, align: usize) -> bool {
        if !self.top.is_null() {
            // Where new memory continues the run, only what is missing is needed.
            let Some(needed) = padding(self.top, align).checked_add(bytes) else {
                return false;
            };
            if !self.acquire(needed - self.room) {
                return false;
            }
            if self.fits(bytes, align) {
                return true;
            }
        }
        // It does not: enough for the block wherever a run may begin, the padding before it included.
        match bytes.checked_add(align.saturating_sub(self.source.run_align())) {
            Some(enough) => self.acquire(enough) && self.fits(bytes, align),
            None => false,
        }
    }

    /// Asks the source for memory, and goes on in it: where it continues the run, the run is longer; where it does not, what was left of
    /// the run is given up.
    fn acquire(&mut self, min_bytes: usize) -> bool {
        let Some(memory) = self.source.acquire(min_bytes) else {
            return false;
        };
        let start = memory.cast::<u8>().as_ptr();
        if self.top.is_null() || self.top.wrapping_add(self.room) != start {
            // Every block begins at a multiple of 16, so the run does.
            let pad = padding(start, UNIT).min(memory.len());
            self.lost.add_padding(self.room + pad);
            self.run = start.wrapping_add(pad);
            self.top = self.run;
            self.room = memory.len() - pad;
        } else {
            self.room += memory.len();
        }
        true
    }
}

/// The class of a request, if it is a small one.
#[inline]
fn class_of(size: usize, align: usize) -> Option<usize> {
    if size > CLASS_BYTES[3] || align > UNIT {
        return None;
    }
    // The bits that the last byte's offset takes: 4 for up to 16 bytes, 5 for up to 32, and so on.
    let last = size.saturating_sub(1) | (UNIT - 1);
    Some((usize::BITS - last.leading_zeros()) as usize - 4)
}

/// Bytes that a block for such a request reaches over: its whole class, or a multiple of 16.
#[inline]
fn block_bytes(size: usize, align: usize) -> Option<usize> {
    match class_of(size, align) {
        Some(class) => Some(CLASS_BYTES[class]),
        None => size.max(1).checked_next_multiple_of(UNIT),
    }
}

/// Bytes from `address` to the next multiple of `align`.
#[inline]
fn padding(address: *mut u8, align: usize) -> usize {
    address.addr().wrapping_neg() & (align - 1)
}
