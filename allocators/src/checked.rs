//! A contender on a heap of its own, with every call checked by the [`Shadow`].
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
    /// Declared before the heap, so that it is dropped first.
    allocator: Option<A>,
    shadow: Option<Shadow>,
    heap: PageHeap,
}

impl<A: HeapAllocator> Checked<A> {
    /// A new contender on a new heap of at most `pages` pages of 64 KiB, on which stray accesses trap.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reserved.
    pub fn with_limit_pages(pages: usize) -> Result<Self, PageHeapError> {
        Self::on_pages(PageSize::WASM, pages)
    }

    /// The same with pages of size `page`.
    ///
    /// # Errors
    ///
    /// If the heap cannot be reserved.
    pub fn on_pages(page: PageSize, pages: usize) -> Result<Self, PageHeapError> {
        let heap = PageHeap::reserve_sized(page, pages, Guard::Trap)?;
        let mut checked = Checked { allocator: None, shadow: None, heap };
        checked.reset()?;
        Ok(checked)
    }

    /// Starts again with a new contender on the emptied heap.
    ///
    /// # Errors
    ///
    /// If the heap cannot be emptied.
    pub fn reset(&mut self) -> Result<(), PageHeapError> {
        (self.allocator, self.shadow) = (None, None);
        self.heap.reset()?;
        self.allocator = Some(A::create(self.heap.handle()));
        self.shadow = Some(Shadow::new(self.heap.handle()));
        Ok(())
    }

    /// Sets the page limit of the heap from now on.
    pub fn set_limit_pages(&mut self, pages: usize) {
        self.heap.set_limit_pages(pages);
    }

    /// The heap.
    pub fn heap(&self) -> HeapRef {
        self.heap.handle()
    }

    /// Allocates a block. `None` means out of memory.
    ///
    /// # Errors
    ///
    /// The violation found in the block.
    ///
    /// # Panics
    ///
    /// If the layout's size is 0.
    pub fn alloc(&mut self, layout: Layout, zeroed: bool) -> Result<Option<NonNull<u8>>, Violation> {
        assert_ne!(layout.size(), 0, "a request for 0 bytes");
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

    /// Frees a block.
    ///
    /// # Errors
    ///
    /// If its bytes were overwritten.
    ///
    /// # Panics
    ///
    /// If no live block begins at this address.
    pub fn dealloc(&mut self, block: NonNull<u8>) -> Result<(), Violation> {
        let (allocator, shadow) = self.parts();
        let layout = shadow.layout(block.as_ptr());
        // SAFETY: the shadow knows the block (or has panicked), so it is live and has this layout.
        unsafe {
            shadow.releasing(block.as_ptr())?;
            allocator.in_scope(|it| it.dealloc(block.as_ptr(), layout));
        }
        Ok(())
    }

    /// Changes a block's size. `None` means out of memory: the block is unchanged.
    ///
    /// # Errors
    ///
    /// The violation found in the block, before or after.
    ///
    /// # Panics
    ///
    /// If no live block begins at this address, or if the new size is 0 or not valid for a layout.
    pub fn realloc(&mut self, block: NonNull<u8>, new_size: usize) -> Result<Option<NonNull<u8>>, Violation> {
        let (allocator, shadow) = self.parts();
        let layout = shadow.layout(block.as_ptr());
        assert!(
            new_size > 0 && Layout::from_size_align(new_size, layout.align()).is_ok(),
            "{new_size} bytes are not a valid layout"
        );
        // SAFETY: the shadow knows the block (or has panicked), so it is live and has this layout; the size was just
        // checked.
        unsafe {
            shadow.resizing(block.as_ptr(), new_size)?;
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
    /// If a block was overwritten.
    pub fn check_all(&mut self) -> Result<(), Violation> {
        // SAFETY: the heap is reset only together with its shadow.
        unsafe { self.parts().1.check_all() }
    }

    fn parts(&mut self) -> (&mut A, &mut Shadow) {
        match (&mut self.allocator, &mut self.shadow) {
            (Some(allocator), Some(shadow)) => (allocator, shadow),
            _ => panic!("a failed reset left no allocator"),
        }
    }
}
