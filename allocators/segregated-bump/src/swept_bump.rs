//! The swept bump allocator: bins and a bump pointer without headers, and a sweep that joins what is free before the
//! heap grows.
//!
//! - A **small** request, of up to 1152 bytes with an alignment of up to 16, is rounded up to a multiple of 16. It takes
//!   the most recently freed block of this size from its **bin**, or a new block from the **window**, a piece of memory
//!   behind a bump pointer. When the window is used up, the next one is the smallest free run that fits, or a larger
//!   free block, or, last, untouched memory.
//! - Any other request takes whole lines of 64 bytes from a **free run**, in lists by size, or from the **top**, the
//!   memory that was never used or that has come back to it. When it is freed, it is joined with the free runs on both
//!   sides at once.
//! - Small blocks are joined later. Before the heap grows, if enough windows were used up since the last time, a
//!   **sweep** marks all free memory in a map, reads off its ranges, and files them again, from the lowest address.
//! - Realloc keeps the block in place if its rounded size stays the same, if it shrinks, or if what follows is free.
//! - Memory comes from a [`PageSource`], as little as the request needs.
//!
//! A request takes a bounded number of steps, apart from those that sweep: a sweep takes time in proportion to the free
//! small blocks and to the map, and comes at most once for a number of windows that is in proportion to the small
//! blocks, so that its cost for each request is bounded on average.
//!
//! [`SOUNDNESS.md`](https://docs.rs/crate/segregated-bump/latest/source/SOUNDNESS.md) argues for each unsafe block.

#[cfg(feature = "inspect")]
mod inspect;
mod map;
mod runs;

use core::alloc::Layout;
use core::{mem, ptr};

use crate::page_source::PageSource;
use map::{GRANULE, LIMIT, Map};
use runs::{LINE, Run, Runs};

#[cfg(feature = "inspect")]
pub use inspect::{HeapFault, HeapPart};

/// Sizes of small blocks: all multiples of 16 up to 1152.
const BINS: usize = 72;

/// Bytes of a window, if it is cut from something larger.
const WINDOW: usize = 8192;

/// A sweep waits until windows of half of the bytes of all small blocks were opened since the last one, as its time
/// is in proportion to the small blocks,
const SWEEP_SHIFT: u32 = 1;

/// and of a 32nd of what the map covers, as it is read.
const SPAN_SHIFT: u32 = 5;

/// After a sweep that regained less than a 32nd of the small blocks' bytes, the next one waits for as many as there are.
const POOR_SHIFT: u32 = 5;

/// The allocator. `S` is the source of its pages.
///
/// ```
/// use segregated_bump::{SweptBump, page_source::Region};
/// use core::{alloc::Layout, mem::MaybeUninit};
///
/// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
/// let mut allocator = SweptBump::new(Region::new(ram));
/// let layout = Layout::from_size_align(3000, 8)?;
/// let block = allocator.alloc(layout);
/// // SAFETY: the block is live, and this is its layout.
/// unsafe { allocator.dealloc(block, layout) };
/// assert_eq!(allocator.alloc(Layout::from_size_align(3500, 8)?), block, "large blocks are used again");
/// # Ok::<(), core::alloc::LayoutError>(())
/// ```
#[derive(Debug)]
pub struct SweptBump<S> {
    /// The most recently freed block of each small size. It holds the address of the one freed before it, and so on.
    bins: [*mut FreeBlock; BINS],
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

/// The contents of a free small block.
#[derive(Debug)]
struct FreeBlock {
    next: *mut FreeBlock,
}

// SAFETY: the pointers refer to memory that the source has given exclusively to this allocator.
unsafe impl<S: Send> Send for SweptBump<S> {}

impl<S> SweptBump<S> {
    /// An allocator without any memory yet: the first request gets it from `source`.
    pub const fn new(source: S) -> Self {
        SweptBump {
            bins: [ptr::null_mut(); BINS],
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

impl<S: PageSource> SweptBump<S> {
    /// Allocates a block for `layout`. Returns null if the source has no more memory. A size of 0 gets a block of the
    /// smallest size.
    #[inline]
    pub fn alloc(&mut self, layout: Layout) -> *mut u8 {
        match bin_of(layout.size(), layout.align()) {
            Some(bin) => self.alloc_small(bin),
            None => self.alloc_lines(lines(layout.size()), layout.align(), false),
        }
    }

    /// Like [`alloc`](Self::alloc), with the first `layout.size()` bytes set to 0. Memory that the source gives
    /// [zeroed](PageSource::ZEROED) and that was not used yet is not written again.
    #[inline]
    pub fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        let Some(bin) = bin_of(layout.size(), layout.align()) else {
            return self.alloc_lines(lines(layout.size()), layout.align(), true);
        };
        let block = self.alloc_small(bin);
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
        // SAFETY: the block was live with this layout, so it is a small block of this bin, or whole lines, and belongs
        // to the allocator again.
        unsafe {
            match bin_of(layout.size(), layout.align()) {
                Some(bin) => self.push(bin, block),
                None => self.free_lines(block, lines(layout.size())),
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
        // SAFETY: the caller guarantees the size, and the alignment comes from a layout.
        let moved = self.alloc(unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) });
        if !moved.is_null() {
            // SAFETY: both blocks are live, do not overlap, and are as large as their layouts; the caller hands over
            // the old one.
            unsafe {
                moved.copy_from_nonoverlapping(block, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
        }
        moved
    }

    /// Bytes that a block of this layout takes. The bytes past the layout's size may be written to; otherwise they are
    /// internal fragmentation.
    #[must_use]
    pub fn usable_bytes(layout: Layout) -> usize {
        match bin_of(layout.size(), layout.align()) {
            Some(bin) => small_bytes(bin),
            None => lines(layout.size()),
        }
    }

    #[inline]
    fn alloc_small(&mut self, bin: usize) -> *mut u8 {
        let block = self.bins[bin];
        if !block.is_null() {
            // SAFETY: a block in a bin is free memory of this allocator, and `push` wrote a FreeBlock to it.
            self.bins[bin] = unsafe { (*block).next };
            return block.cast();
        }
        let bytes = small_bytes(bin);
        if bytes > self.window_bytes() && !self.refill(bytes) {
            return ptr::null_mut();
        }
        let block = self.window;
        self.window = block.wrapping_add(bytes);
        block
    }

    /// Puts a free small block into its bin.
    ///
    /// # Safety
    ///
    /// The block is free memory of this allocator, of the bin's size, and aligned to 16.
    #[inline]
    unsafe fn push(&mut self, bin: usize, block: *mut u8) {
        let free = block.cast::<FreeBlock>();
        // SAFETY: upheld by the caller; every block has at least 16 bytes.
        unsafe { free.write(FreeBlock { next: self.bins[bin] }) };
        self.bins[bin] = free;
    }

    /// A block of `bytes` bytes, whole lines, at a multiple of `align`, which is zeroed if `zeroed`.
    #[inline(never)]
    fn alloc_lines(&mut self, bytes: usize, align: usize, zeroed: bool) -> *mut u8 {
        let mut has_swept = false;
        loop {
            // Lines are aligned to 64, and in the worst case the next multiple is this far away.
            let slack = align.saturating_sub(LINE);
            let run = self.runs.find(bytes + slack);
            if !run.is_null() {
                // SAFETY: the run is filed, and large enough for padding and block.
                unsafe {
                    let block = self.carve(run, bytes, align);
                    if zeroed {
                        block.write_bytes(0, bytes);
                    }
                    return block;
                }
            }
            let padded = self.padded(bytes, align);
            if padded > self.top_bytes() {
                if !self.make_room(bytes, align, &mut has_swept) {
                    return ptr::null_mut();
                }
                continue;
            }
            let fresh = self.fresh;
            let front = self.take_top(padded);
            let pad = padded - bytes;
            let block = front.wrapping_add(pad);
            let used = if S::ZEROED { fresh.saturating_sub(block.addr()).min(bytes) } else { bytes };
            // SAFETY: the bytes from `front` were the top's, and are the caller's now; padding is whole lines. What the
            // top had not reached yet is zeroed if the source says so.
            unsafe {
                if pad > 0 {
                    self.free_lines(front, pad);
                }
                if zeroed {
                    block.write_bytes(0, used);
                }
            }
            return block;
        }
    }

    /// Takes whole lines at a multiple of `align` from a run, and files what is before and after them.
    ///
    /// # Safety
    ///
    /// The run is filed, and large enough for padding and lines.
    unsafe fn carve(&mut self, run: *mut Run, bytes: usize, align: usize) -> *mut u8 {
        // SAFETY: upheld by the caller. Padding, block and rest are whole lines.
        unsafe {
            let run_bytes = self.runs.remove(run);
            let pad = padding(run.addr(), align);
            let block = run.cast::<u8>().add(pad);
            if pad > 0 {
                self.runs.insert(run.cast(), pad);
            }
            if run_bytes > pad + bytes {
                self.runs.insert(block.add(bytes), run_bytes - pad - bytes);
            }
            block
        }
    }

    /// Frees whole lines: joins them with free neighbours, and files the run or gives it back to the top.
    ///
    /// # Safety
    ///
    /// They are memory of this allocator, below the top or in earlier memory, that nothing else uses.
    unsafe fn free_lines(&mut self, start: *mut u8, bytes: usize) {
        // SAFETY: upheld by the caller; the map covers all memory of the allocator and the line after it.
        unsafe {
            let (start, bytes) = self.runs.join(start, bytes);
            if start.wrapping_add(bytes) == self.top {
                self.top = start;
            } else {
                self.runs.insert(start, bytes);
            }
        }
    }

    /// Frees any range of whole granules: its lines as a run, what is before and after them as small blocks.
    ///
    /// # Safety
    ///
    /// As for `free_lines`.
    unsafe fn free_range(&mut self, start: *mut u8, bytes: usize) {
        let head = padding(start.addr(), LINE).min(bytes);
        let middle = (bytes - head) / LINE * LINE;
        let tail = bytes - head - middle;
        // SAFETY: the three parts are the range; the outer ones are shorter than a line.
        unsafe {
            if head > 0 {
                self.push(head / GRANULE - 1, start);
            }
            if tail > 0 {
                self.push(tail / GRANULE - 1, start.add(head + middle));
            }
            if middle > 0 {
                self.small_bytes = self.small_bytes.wrapping_sub(middle);
                self.free_lines(start.add(head), middle);
            }
        }
    }

    /// Resizes the block in place if possible, and returns whether it did.
    ///
    /// # Safety
    ///
    /// As for [`realloc`](Self::realloc).
    unsafe fn resize_in_place(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> bool {
        let align = layout.align();
        let (old, new) = match (bin_of(layout.size(), align), bin_of(new_size, align)) {
            (Some(old), Some(new)) => {
                let (old, new) = (small_bytes(old), small_bytes(new));
                // The latest block of the window grows and shrinks with it.
                let is_latest = block.wrapping_add(old) == self.window;
                if is_latest && new <= old + self.window_bytes() {
                    self.window = block.wrapping_add(new);
                    return true;
                }
                return new == old;
            }
            (None, None) => (lines(layout.size()), lines(new_size)),
            _ => return false,
        };
        let end = block.wrapping_add(old);
        if new <= old {
            if new < old {
                // SAFETY: the block gives up its last lines.
                unsafe { self.free_lines(block.add(new), old - new) };
            }
            return true;
        }
        let more = new - old;
        // SAFETY: the map covers the address after a block.
        if let Some(run_bytes) = unsafe { self.runs.bytes_at(end) } {
            if run_bytes < more {
                return false;
            }
            // SAFETY: there is a run, and it is large enough; its rest is whole lines.
            unsafe {
                self.runs.remove(end.cast::<Run>());
                if run_bytes > more {
                    self.runs.insert(end.add(more), run_bytes - more);
                }
            }
            return true;
        }
        if end != self.top {
            return false;
        }
        // If the heap would have to grow, a free run may be better.
        if more > self.top_bytes() && (!self.runs.find(new).is_null() || !self.grow(more, 1) || end != self.top) {
            return false;
        }
        self.take_top(more);
        true
    }

    /// Takes bytes from the top, which has them.
    fn take_top(&mut self, bytes: usize) -> *mut u8 {
        let start = self.top;
        self.top = start.wrapping_add(bytes);
        self.fresh = self.fresh.max(self.top.addr());
        start
    }

    /// A new window with room for a block of `bytes` bytes.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, bytes: usize) -> bool {
        self.flush();
        let least = lines(bytes);
        let mut has_swept = false;
        loop {
            let run = self.runs.find(least);
            if !run.is_null() {
                // SAFETY: the run is filed; its rest is whole lines.
                unsafe {
                    let run_bytes = self.runs.remove(run);
                    let mut window_bytes = run_bytes;
                    if run_bytes > WINDOW + WINDOW / 2 {
                        window_bytes = WINDOW;
                        self.runs.insert(run.cast::<u8>().add(WINDOW), run_bytes - WINDOW);
                    }
                    self.open(run.cast(), window_bytes);
                }
                return true;
            }
            // A larger small block, or one of this size that a sweep has joined.
            for bin in bytes / GRANULE - 1..BINS {
                let block = self.bins[bin];
                if !block.is_null() {
                    // SAFETY: a block in a bin is free memory of this allocator, and `push` wrote a FreeBlock to it.
                    self.bins[bin] = unsafe { (*block).next };
                    self.window = block.cast();
                    self.window_end = block.addr() + small_bytes(bin);
                    return true;
                }
            }
            if least <= self.top_bytes() {
                let window_bytes = WINDOW.min(self.top_bytes());
                let start = self.take_top(window_bytes);
                self.open(start, window_bytes);
                return true;
            }
            if !self.make_room(least, 1, &mut has_swept) {
                return false;
            }
        }
    }

    fn open(&mut self, start: *mut u8, bytes: usize) {
        self.window = start;
        self.window_end = start.addr() + bytes;
        self.small_bytes += bytes;
        self.opened_bytes += bytes;
    }

    #[inline]
    fn window_bytes(&self) -> usize {
        self.window_end - self.window.addr()
    }

    /// Frees what is left of the window.
    fn flush(&mut self) {
        let bytes = self.window_bytes();
        self.window_end = self.window.addr();
        if bytes > 0 {
            // SAFETY: the rest of the window is free memory of this allocator, in whole granules.
            unsafe { self.free_range(self.window, bytes) };
        }
    }

    /// Makes it worth another try to find room for `bytes` bytes at a multiple of `align`: by the rest of the window,
    /// by a sweep if it is time for one, by more memory, or, if there is none, by a sweep after all. Returns false if
    /// there is nothing more to try. `has_swept` is false at first.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, bytes: usize, align: usize, has_swept: &mut bool) -> bool {
        if self.window_bytes() > 0 {
            self.flush();
            return true;
        }
        let least = self.patience_bytes.max(self.runs.map.covered_bytes() >> SPAN_SHIFT);
        let is_time = self.opened_bytes > least;
        if (*has_swept || !is_time) && self.grow(bytes, align) {
            return true;
        }
        let sweeps = !*has_swept;
        if sweeps {
            self.sweep();
        }
        *has_swept = true;
        sweeps
    }

    /// Joins all free memory, and files it again, from the highest to the lowest address, so that the lowest is used
    /// first.
    fn sweep(&mut self) {
        self.flush();
        self.opened_bytes = 0;
        let before = self.small_bytes;
        // SAFETY: free small blocks and runs are covered by the map, do not overlap, and are filed again below: each
        // range is free memory, whose granules are no longer marked.
        unsafe {
            self.small_bytes += self.runs.mark_all();
            for bin in 0..BINS {
                let mut block = mem::replace(&mut self.bins[bin], ptr::null_mut());
                while !block.is_null() {
                    self.runs.map.flip_range(block.addr(), block.addr() + small_bytes(bin));
                    block = (*block).next;
                }
            }
            let mut below = self.runs.map.end();
            while let Some((start, end)) = self.runs.map.take_range_below(below) {
                // A range is in any run of the source, not only in the one that `top` is in: `extend` exposes them all.
                self.free_range(ptr::with_exposed_provenance_mut(start), end - start);
                below = start;
            }
        }
        let is_poor = before - self.small_bytes < before >> POOR_SHIFT;
        self.patience_bytes = if is_poor { self.small_bytes } else { self.small_bytes >> SWEEP_SHIFT };
    }

    /// Gets memory, so that the top has room for `bytes` bytes at a multiple of `align`.
    fn grow(&mut self, bytes: usize, align: usize) -> bool {
        // If new memory continues the top, only the missing bytes are needed.
        let mut missing = self.padded(bytes, align) - self.top_bytes();
        for _ in 0..2 {
            if missing >= LIMIT - LINE - self.end {
                return false;
            }
            // Unless the map covers what comes, it needs a place, too.
            let end = self.end + missing;
            let mut map_bytes = 0;
            if end + LINE > self.runs.map.end() {
                map_bytes = self.map_bytes(end);
                if !self.runs.find(map_bytes).is_null() {
                    map_bytes = 0;
                }
            }
            let Some(memory) = self.source.acquire(missing + map_bytes) else {
                return false;
            };
            self.extend(memory.cast::<u8>().as_ptr(), memory.len());
            if self.top_bytes() >= self.padded(bytes, align) {
                return true;
            }
            // It does not continue: enough wherever it begins.
            missing = bytes + align + LINE;
        }
        false
    }

    /// Adds the whole lines of new memory to the heap: to the top, or in its place. Memory below the heap is given up,
    /// and so is memory that the map cannot cover if the next one does not continue it.
    fn extend(&mut self, start: *mut u8, bytes: usize) {
        let end = (start.addr() + bytes).min(LIMIT - LINE) / LINE * LINE;
        start.expose_provenance();
        let start = start.wrapping_add(padding(start.addr(), LINE));
        if end <= start.addr() || start.addr() < self.given_end {
            return;
        }
        if start.addr() != self.given_end {
            if self.top_bytes() > 0 {
                // SAFETY: the rest of the top is whole lines that nothing uses. It has no free neighbour: that would have
                // been joined with it, and what follows it is not the heap's.
                unsafe { self.runs.insert(self.top, self.top_bytes()) };
            }
            self.top = start;
            self.fresh = start.addr();
        }
        self.end = end;
        self.given_end = end;
        let covered = self.runs.map.end();
        if end + LINE > covered {
            let map_bytes = self.map_bytes(end);
            let run = self.runs.find(map_bytes);
            let place = if !run.is_null() {
                // SAFETY: the run is filed, and large enough.
                unsafe { self.carve(run, map_bytes, 1) }
            } else if map_bytes <= self.top_bytes() {
                self.take_top(map_bytes)
            } else {
                self.end = self.top.addr().max(covered.saturating_sub(LINE));
                return;
            };
            // SAFETY: the place is unused whole lines, and larger than the old one, which is memory of this allocator that
            // nothing uses any more. The line before the heap is covered.
            unsafe {
                let (old, old_bytes) = self.runs.map.relocate(place, map_bytes, place.addr() - LINE);
                if old_bytes > 0 {
                    self.free_lines(old, old_bytes);
                }
            }
        }
    }

    /// Whole lines for a map that covers the heap up to `end`, and as much again.
    fn map_bytes(&self, end: usize) -> usize {
        let map = &self.runs.map;
        let start = if map.end() == 0 { self.top.addr() } else { map.end() - map.covered_bytes() };
        lines(Map::bytes_for(end - start) * 2)
    }

    fn top_bytes(&self) -> usize {
        self.end - self.top.addr()
    }

    /// Bytes from the top to the end of a block of `bytes` bytes at a multiple of `align`.
    fn padded(&self, bytes: usize, align: usize) -> usize {
        padding(self.top.addr(), align) + bytes
    }
}

/// The bin of a request, if it is small.
#[inline]
fn bin_of(size: usize, align: usize) -> Option<usize> {
    let bin = size.saturating_sub(1) / GRANULE;
    (bin < BINS && align <= GRANULE).then_some(bin)
}

/// Bytes of a block of this bin.
#[inline]
fn small_bytes(bin: usize) -> usize {
    (bin + 1) * GRANULE
}

/// Bytes of whole lines for a request.
#[inline]
fn lines(size: usize) -> usize {
    // A size is at most `isize::MAX`, so this cannot overflow.
    size.max(1).div_ceil(LINE) * LINE
}

/// Bytes from `address` to the next multiple of `align`.
#[inline]
fn padding(address: usize, align: usize) -> usize {
    address.wrapping_neg() & (align - 1)
}
