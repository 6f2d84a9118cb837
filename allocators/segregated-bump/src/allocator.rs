//! What the allocators of this crate have in common.

use core::alloc::Layout;

/// An allocator of this crate: what [`GlobalAlloc`](core::alloc::GlobalAlloc) requires, for a caller that has it to
/// itself.
///
/// # Safety
///
/// Blocks are as `GlobalAlloc` promises, and no function calls the global allocator.
pub unsafe trait Allocator {
    /// As `GlobalAlloc::alloc`; any size is allowed.
    fn alloc(&mut self, layout: Layout) -> *mut u8;

    /// As `GlobalAlloc::alloc_zeroed`; any size is allowed.
    fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8;

    /// As `GlobalAlloc::dealloc`.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, and `layout` is its current layout.
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout);

    /// As `GlobalAlloc::realloc`.
    ///
    /// # Safety
    ///
    /// As for `dealloc`; `new_size`, rounded up to the layout's alignment, is at most `isize::MAX`.
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8;

    /// Moves a block to a new one of another size, and keeps its first bytes: what `realloc` does if the block cannot
    /// stay. Returns null if there is no memory, and leaves the block as it was.
    ///
    /// # Safety
    ///
    /// As for `realloc`.
    #[inline]
    unsafe fn move_to_size(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
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
}
