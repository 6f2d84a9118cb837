//! A contender on a heap of its own whose every call is checked by the [`Shadow`].
//!
//! ```
//! use heaprace_allocators::{checked::Checked, contenders::segregated_bump::SegregatedBump};
//! use core::alloc::Layout;
//!
//! let mut allocator = Checked::<SegregatedBump>::with_limit_pages(4)?;
//! let block = allocator.alloc(Layout::new::<[u64; 5]>(), true)?.expect("there is memory");
//! let block = allocator.realloc(block, 4000)?.expect("there is memory");
//! allocator.dealloc(block)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::alloc::Layout;
use std::ptr::NonNull;

use crate::heap_allocator::HeapAllocator;
use crate::page_heap::{Guard, HeapRef, PageHeap, PageHeapError};
use crate::page_size::PageSize;
use crate::shadow::{Shadow, Violation};

/// A contender, its heap and its shadow.
pub struct Checked<A> {
    /// Before the heap, so that it goes first.
    allocator: Option<A>,
    shadow: Option<Shadow>,
    heap: PageHeap,
}

impl<A: HeapAllocator> Checked<A> {
    /// A new contender on a new heap of at most `pages` pages of 64 KiB, on which stray accesses trap.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be had.
    pub fn with_limit_pages(pages: usize) -> Result<Self, PageHeapError> {
        Self::on_pages(PageSize::WASM, pages)
    }

    /// The same with pages of this size.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be had.
    pub fn on_pages(page: PageSize, pages: usize) -> Result<Self, PageHeapError> {
        let heap = PageHeap::reserve_sized(page, pages, Guard::Trap)?;
        let mut checked = Checked { allocator: None, shadow: None, heap };
        checked.reset()?;
        Ok(checked)
    }

    /// Begins again with a new contender on the emptied heap.
    ///
    /// # Errors
    ///
    /// Where the heap cannot be emptied.
    pub fn reset(&mut self) -> Result<(), PageHeapError> {
        (self.allocator, self.shadow) = (None, None);
        self.heap.reset()?;
        self.allocator = Some(A::create(self.heap.handle()));
        self.shadow = Some(Shadow::new(self.heap.handle()));
        Ok(())
    }

    /// Sets how many pages the heap may have from now on.
    pub fn set_limit_pages(&mut self, pages: usize) {
        self.heap.set_limit_pages(pages);
    }

    /// The heap.
    pub fn heap(&self) -> HeapRef {
        self.heap.handle()
    }

    /// Asks for a block. `None` is out of memory.
    ///
    /// # Errors
    ///
    /// What is wrong with the block.
    ///
    /// # Panics
    ///
    /// Where the layout's size is 0.
    pub fn alloc(&mut self, layout: Layout, zeroed: bool) -> Result<Option<NonNull<u8>>, Violation> {
        assert_ne!(layout.size(), 0, "nobody asks an allocator for nothing");
        let (allocator, shadow) = self.parts();
        // SAFETY: the layout is not empty, and the block goes straight to the shadow.
        unsafe {
            let block = allocator.in_scope(|it| if zeroed { it.alloc_zeroed(layout) } else { it.alloc(layout) });
            if !block.is_null() {
                shadow.allocated(block, layout, zeroed)?;
            }
            Ok(NonNull::new(block))
        }
    }

    /// Gives a block back.
    ///
    /// # Errors
    ///
    /// Where its bytes were overwritten.
    ///
    /// # Panics
    ///
    /// Where no live block begins at this address.
    pub fn dealloc(&mut self, block: NonNull<u8>) -> Result<(), Violation> {
        let (allocator, shadow) = self.parts();
        let layout = shadow.layout(block.as_ptr());
        // SAFETY: the shadow knows the block (or has panicked), so that it is live and has this layout.
        unsafe {
            shadow.releasing(block.as_ptr())?;
            allocator.in_scope(|it| it.dealloc(block.as_ptr(), layout));
        }
        Ok(())
    }

    /// Changes a block's size. `None` is out of memory: the block is as it was.
    ///
    /// # Errors
    ///
    /// What is wrong with the block, before or after.
    ///
    /// # Panics
    ///
    /// Where no live block begins at this address, or the new size is 0 or makes no layout.
    pub fn realloc(&mut self, block: NonNull<u8>, new_size: usize) -> Result<Option<NonNull<u8>>, Violation> {
        let (allocator, shadow) = self.parts();
        let layout = shadow.layout(block.as_ptr());
        assert!(
            new_size > 0 && Layout::from_size_align(new_size, layout.align()).is_ok(),
            "{new_size} bytes make no layout"
        );
        // SAFETY: the shadow knows the block (or has panicked), so that it is live and has this layout; the size was just checked.
        unsafe {
            shadow.check(block.as_ptr())?;
            let moved = allocator.in_scope(|it| it.realloc(block.as_ptr(), layout, new_size));
            if moved.is_null() {
                shadow.check(block.as_ptr())?;
            } else {
                shadow.reallocated(block.as_ptr(), moved, new_size)?;
            }
            Ok(NonNull::new(moved))
        }
    }

    /// Checks all live blocks.
    ///
    /// # Errors
    ///
    /// Where one was overwritten.
    pub fn check_all(&mut self) -> Result<(), Violation> {
        // SAFETY: the heap is reset only together with its shadow.
        unsafe { self.parts().1.check_all() }
    }

    fn parts(&mut self) -> (&mut A, &mut Shadow) {
        match (&mut self.allocator, &mut self.shadow) {
            (Some(allocator), Some(shadow)) => (allocator, shadow),
            _ => panic!("a reset that failed left no allocator"),
        }
    }
}
