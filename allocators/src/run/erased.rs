//! A contender without its type: four calls by address, as in the replay's timed loop.

use std::alloc::Layout;

use crate::contenders::{self, Visitor};
use crate::heap_allocator::HeapAllocator;
use crate::page_heap::HeapRef;

/// A contender, as its address and the addresses of its calls. It lives until the process ends.
#[derive(Debug)]
pub(super) struct Erased {
    state: *mut (),
    alloc: unsafe fn(*mut (), Layout) -> *mut u8,
    alloc_zeroed: unsafe fn(*mut (), Layout) -> *mut u8,
    dealloc: unsafe fn(*mut (), *mut u8, Layout),
    realloc: unsafe fn(*mut (), *mut u8, Layout, usize) -> *mut u8,
}

/// The contender at the address that [`Erased::of`] has made.
///
/// # Safety
///
/// `state` is from `Erased::of::<A>`, and no other reference to it exists.
unsafe fn contender<'a, A>(state: *mut ()) -> &'a mut A {
    // SAFETY: upheld by the caller.
    unsafe { &mut *state.cast::<A>() }
}

impl Erased {
    /// A contender of this type.
    pub(super) fn of<A: HeapAllocator>(heap: HeapRef) -> Self {
        // SAFETY of the four: `state` is this contender, its address is in no other place than this `Erased`, whose
        // methods borrow it mutably; the rest is upheld by the callers.
        Erased {
            state: Box::into_raw(Box::new(A::create(heap))).cast(),
            // SAFETY: as above.
            alloc: |state, layout| unsafe { contender::<A>(state).in_scope(|it| it.alloc(layout)) },
            // SAFETY: as above.
            alloc_zeroed: |state, layout| unsafe { contender::<A>(state).in_scope(|it| it.alloc_zeroed(layout)) },
            // SAFETY: as above.
            dealloc: |state, block, layout| unsafe {
                contender::<A>(state).in_scope(|it| it.dealloc(block, layout));
            },
            // SAFETY: as above.
            realloc: |state, block, layout, new_size| unsafe {
                contender::<A>(state).in_scope(|it| it.realloc(block, layout, new_size))
            },
        }
    }

    /// The contender of this name in the registry.
    pub(super) fn named(name: &str, heap: &HeapRef) -> Option<Self> {
        struct Create(HeapRef);
        impl Visitor for Create {
            type Output = Erased;
            fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> Erased {
                Erased::of::<A>(self.0.clone())
            }
        }
        contenders::visit(name, &mut Create(heap.clone()))
    }

    /// [`HeapAllocator::alloc`].
    ///
    /// # Safety
    ///
    /// The layout's size is not 0.
    #[inline]
    pub(super) unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { (self.alloc)(self.state, layout) }
    }

    /// [`HeapAllocator::alloc_zeroed`].
    ///
    /// # Safety
    ///
    /// The layout's size is not 0.
    #[inline]
    pub(super) unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { (self.alloc_zeroed)(self.state, layout) }
    }

    /// [`HeapAllocator::dealloc`].
    ///
    /// # Safety
    ///
    /// `block` is a live block of this contender with this layout.
    #[inline]
    pub(super) unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { (self.dealloc)(self.state, block, layout) }
    }

    /// [`HeapAllocator::realloc`].
    ///
    /// # Safety
    ///
    /// As for [`dealloc`](Self::dealloc); the new size is that of a layout, and not 0.
    #[inline]
    pub(super) unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { (self.realloc)(self.state, block, layout, new_size) }
    }
}
