//! Allocators that implement [`GlobalAlloc`], as contenders.
//!
//! Many crates are made to be a program's global allocator, and take their memory from a source that can be replaced. For
//! such a crate, [`Wrap`] needs two things: a description, and a function that creates the allocator on a page heap. All
//! calls are forwarded and inlined, so times are those of the crate's own calls, with the cells or locks that the
//! `&self` of `GlobalAlloc` costs it. A crate that also offers calls by `&mut self` has them for programs with one
//! thread: implement [`HeapAllocator`] with those, and say so in the summary. It is also the trait for a crate that
//! reports usable sizes, or whose source is one for the whole process.
//!
//! ```
//! use std::alloc::{GlobalAlloc, Layout};
//! use std::cell::Cell;
//! use std::ptr;
//! use heaprace_allocators::wrapped::{Wrap, Wrapped};
//! use heaprace_allocators::{Group, HeapRef, Info, PageSize, Purpose, conformance};
//!
//! // A crate's allocator, generic over its source. This one never frees.
//! trait Source {
//!     /// Memory that continues what was given before, and its size.
//!     fn more(&self, bytes: usize) -> Option<(*mut u8, usize)>;
//! }
//!
//! struct Arena<S> {
//!     source: S,
//!     next: Cell<*mut u8>,
//!     room: Cell<usize>,
//! }
//!
//! // SAFETY: blocks are disjoint parts of the source's memory, each aligned as requested.
//! unsafe impl<S: Source> GlobalAlloc for Arena<S> {
//!     unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
//!         let bytes = self.next.get().align_offset(layout.align()) + layout.size();
//!         if bytes > self.room.get() {
//!             let Some((start, more)) = self.source.more(bytes - self.room.get()) else { return ptr::null_mut() };
//!             self.room.set(self.room.get() + more);
//!             if self.next.get().is_null() {
//!                 self.next.set(start);
//!             }
//!         }
//!         let end = self.next.get().wrapping_add(bytes);
//!         self.next.set(end);
//!         self.room.set(self.room.get() - bytes);
//!         end.wrapping_sub(layout.size())
//!     }
//!
//!     unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}
//! }
//!
//! // The contender.
//! struct Pages(HeapRef);
//!
//! impl Source for Pages {
//!     fn more(&self, bytes: usize) -> Option<(*mut u8, usize)> {
//!         let pages = self.0.page_size().pages_for(bytes);
//!         Some((self.0.grow(pages)?.as_ptr(), pages * self.0.page_bytes()))
//!     }
//! }
//!
//! struct OnPages;
//!
//! // SAFETY: all blocks are in pages of the heap.
//! unsafe impl Wrap for OnPages {
//!     type Allocator = Arena<Pages>;
//!
//!     const INFO: Info = Info {
//!         name: "arena",
//!         crate_name: "arena",
//!         version: "0.1.0",
//!         purpose: Purpose::Yardstick,
//!         groups: &[Group::Wasm],
//!         summary: "a bump pointer; nothing is ever freed",
//!         refuses: None,
//!     };
//!
//!     fn create(heap: HeapRef) -> Arena<Pages> {
//!         Arena { source: Pages(heap), next: Cell::new(ptr::null_mut()), room: Cell::new(0) }
//!     }
//! }
//!
//! for case in conformance::cases::<Wrapped<OnPages>>() {
//!     assert!((case.run)(PageSize::WASM).is_ok(), "{}", case.name);
//! }
//! ```
//!
//! # allocator-api2
//!
//! There is no such wrapper for the trait `Allocator` of allocator-api2, because that would be a dependency for a few
//! lines. Forward the calls of [`HeapAllocator`] like this:
//!
//! ```
//! use std::alloc::Layout;
//! use std::ptr::{self, NonNull};
//! use allocator_api2::alloc::Allocator;
//!
//! # /// See `HeapAllocator::alloc`.
//! # pub unsafe fn
//! alloc(inner: &impl Allocator, layout: Layout) -> *mut u8 {
//!     inner.allocate(layout).map_or(ptr::null_mut(), |block| block.cast().as_ptr())
//! }
//!
//! # /// See `HeapAllocator::dealloc`.
//! # pub unsafe fn
//! dealloc(inner: &impl Allocator, block: *mut u8, layout: Layout) {
//!     // SAFETY: a live block is not null.
//!     unsafe { inner.deallocate(NonNull::new_unchecked(block), layout) }
//! }
//!
//! # /// See `HeapAllocator::realloc`.
//! # pub unsafe fn
//! realloc(inner: &impl Allocator, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
//!     // SAFETY: a live block is not null, and the new size is that of a layout.
//!     let moved = unsafe {
//!         let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
//!         let block = NonNull::new_unchecked(block);
//!         if new_size > layout.size() { inner.grow(block, layout, new_layout) } else { inner.shrink(block, layout, new_layout) }
//!     };
//!     moved.map_or(ptr::null_mut(), |block| block.cast().as_ptr())
//! }
//! # let layout = Layout::new::<u64>();
//! # // SAFETY: the block is live until it is freed.
//! # unsafe {
//! #     let block = alloc(&allocator_api2::alloc::Global, layout);
//! #     block.write(7);
//! #     let block = realloc(&allocator_api2::alloc::Global, block, layout, 100);
//! #     assert_eq!(block.read(), 7);
//! #     dealloc(&allocator_api2::alloc::Global, block, Layout::from_size_align(100, 8).unwrap());
//! # }
//! ```

use core::alloc::{GlobalAlloc, Layout};
use std::fmt;

use crate::heap_allocator::{HeapAllocator, Info};
use crate::page_heap::HeapRef;

/// How to create an allocator on a page heap.
///
/// # Safety
///
/// As for [`HeapAllocator`]: blocks of the allocator lie in the committed pages of its heap. The rest is what
/// [`GlobalAlloc`] promises already.
pub unsafe trait Wrap {
    /// The allocator.
    type Allocator: GlobalAlloc;

    /// Describes this contender.
    const INFO: Info;

    /// A new allocator that takes its pages from `heap`. The value is moved afterwards: box what must stay in place.
    fn create(heap: HeapRef) -> Self::Allocator;
}

/// An allocator that implements [`GlobalAlloc`], as a contender.
pub struct Wrapped<W: Wrap> {
    allocator: W::Allocator,
}

impl<W: Wrap> fmt::Debug for Wrapped<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wrapped").field("name", &W::INFO.name).finish_non_exhaustive()
    }
}

// SAFETY: `GlobalAlloc` and `Wrap` promise the same.
unsafe impl<W: Wrap> HeapAllocator for Wrapped<W> {
    const INFO: Info = W::INFO;

    fn create(heap: HeapRef) -> Self {
        Wrapped { allocator: W::create(heap) }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.allocator.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.allocator.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.allocator.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.allocator.realloc(block, layout, new_size) }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::heap_allocator::Purpose;
    use crate::page_heap::{Guard, PageHeap};

    /// Lists its calls.
    struct Calls {
        heap: HeapRef,
        names: RefCell<Vec<&'static str>>,
    }

    impl Calls {
        fn answer(&self, name: &'static str) -> *mut u8 {
            self.names.borrow_mut().push(name);
            self.heap.base().as_ptr()
        }
    }

    // SAFETY: not kept. The test does not write to the blocks.
    unsafe impl GlobalAlloc for Calls {
        unsafe fn alloc(&self, _layout: Layout) -> *mut u8 {
            self.answer("alloc")
        }

        unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {
            self.answer("dealloc");
        }

        unsafe fn alloc_zeroed(&self, _layout: Layout) -> *mut u8 {
            self.answer("alloc_zeroed")
        }

        unsafe fn realloc(&self, _block: *mut u8, _layout: Layout, _new_size: usize) -> *mut u8 {
            self.answer("realloc")
        }
    }

    // SAFETY: as above.
    unsafe impl Wrap for Calls {
        type Allocator = Calls;

        const INFO: Info = Info {
            name: "calls",
            crate_name: env!("CARGO_PKG_NAME"),
            version: "0",
            purpose: Purpose::Contender,
            groups: &[],
            summary: "lists its calls",
            refuses: None,
        };

        fn create(heap: HeapRef) -> Self {
            Calls { heap, names: RefCell::default() }
        }
    }

    #[test]
    fn each_call_is_the_allocators_own() {
        let heap = PageHeap::reserve(1, Guard::Trap).unwrap();
        let mut allocator = Wrapped::<Calls>::create(heap.handle());
        let layout = Layout::new::<u64>();
        // SAFETY: the layout is not empty, and the allocator does not touch its blocks.
        unsafe {
            let block = allocator.alloc(layout);
            assert_eq!(block, heap.handle().base().as_ptr());
            assert_eq!((allocator.alloc_zeroed(layout), allocator.realloc(block, layout, 100)), (block, block));
            allocator.dealloc(block, layout);
        }
        assert_eq!(*allocator.allocator.names.borrow(), ["alloc", "alloc_zeroed", "realloc", "dealloc"]);
    }
}
