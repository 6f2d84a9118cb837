//! The crate `wee_alloc`, archived and much deployed.
//!
//! Natively it gets its pages by calling `mmap`, and there is no hook for another source. So this module defines `mmap` itself: during
//! a call into wee_alloc on this thread, a request of wee_alloc's shape is served from the page heap; every other call, on any thread,
//! goes to the system as if nothing were in between. That a request really arrives here is probed before anything is measured.
//!
//! What is measured is wee_alloc's native build. Two things differ from its Wasm build and are stated with its figures:
//! - its pages are 4 KiB natively (64 KiB in Wasm), whatever the page size of the heap. They are cut from larger pages of the page heap,
//!   16 of them from one of 64 KiB, and a page of the heap counts as soon as one of them is used; or they take several smaller ones;
//! - it takes an uncontended mutex natively for every call (nothing in Wasm).
//!
//! The feature `size_classes` is on, as by default.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};
use std::cell::Cell;
use std::ptr;

use crate::heap_allocator::{HeapAllocator, Info, Role};
use crate::page_heap::{Guard, HeapRef, PageHeap};

/// wee_alloc on a page heap.
pub struct WeeAlloc {
    /// Boxed, because a mutex that has been used should not move.
    inner: Box<wee_alloc::WeeAlloc<'static>>,
    /// Boxed, because `ROUTE` points to it.
    pages: Box<Pages>,
}

/// Where pages for one instance come from.
struct Pages {
    heap: HeapRef,
    /// The first byte of the latest page that is not given out yet, and how many there are from it on.
    next: Cell<*mut u8>,
    room: Cell<usize>,
}

thread_local! {
    /// The instance that this thread is calling into, null outside of such a call. Constant and without a destructor, so that
    /// reading it never allocates.
    static ROUTE: Cell<*const Pages> = const { Cell::new(ptr::null()) };
}

impl Pages {
    /// `bytes` bytes, a multiple of wee_alloc's 4 KiB, from the page heap.
    fn take(&self, bytes: usize) -> Option<*mut u8> {
        if bytes > self.room.get() {
            // Nobody else uses this heap, so new pages continue the latest one.
            let pages = self.heap.page_size().pages_for(bytes - self.room.get());
            let first = self.heap.grow(pages)?;
            if self.next.get().is_null() {
                self.next.set(first.as_ptr());
            }
            self.room.set(self.room.get() + pages * self.heap.page_bytes());
        }
        let start = self.next.get();
        self.next.set(start.wrapping_add(bytes));
        self.room.set(self.room.get() - bytes);
        Some(start)
    }
}

/// The symbol that wee_alloc's `mmap` is linked to.
///
/// # Safety
///
/// As for the system's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    hint: *mut c_void,
    bytes: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    offset: libc::off_t,
) -> *mut c_void {
    let route = ROUTE.get();
    let is_wee_alloc = !route.is_null()
        && hint.is_null()
        && file == -1
        && flags == libc::MAP_PRIVATE | libc::MAP_ANON
        && protection == libc::PROT_READ | libc::PROT_WRITE;
    if is_wee_alloc {
        // SAFETY: ROUTE is set only during a call into the instance that owns these pages.
        return unsafe { &*route }.take(bytes).map_or(libc::MAP_FAILED, <*mut u8>::cast);
    }
    // SAFETY: the caller's; these are the arguments that the system call takes.
    unsafe { libc::syscall(libc::SYS_mmap, hint, bytes, protection, flags, file, offset) as *mut c_void }
}

impl WeeAlloc {
    /// Calls into wee_alloc with its pages routed to this instance's heap.
    #[inline]
    fn routed<T>(&self, call: impl FnOnce(&wee_alloc::WeeAlloc<'static>) -> T) -> T {
        ROUTE.set(&raw const *self.pages);
        let result = call(&self.inner);
        ROUTE.set(ptr::null());
        result
    }
}

// SAFETY: the crate's own promise for its blocks, on pages that are the heap's, which `probe` makes sure of.
unsafe impl HeapAllocator for WeeAlloc {
    const INFO: Info = Info {
        name: "wee_alloc",
        version: "0.4.5",
        role: Role::Contender,
        summary: "the crate wee_alloc, archived: first-fit free lists, with size classes; its native build",
        refuses: Some("alignments above 8 whose padding does not fit into the 4 KiB pages that it asks for"),
    };

    fn probe() -> Result<(), String> {
        let heap = PageHeap::reserve(16, Guard::Trap).map_err(|error| error.to_string())?;
        let mut allocator = Self::create(heap.handle());
        // SAFETY: the layout is not empty.
        let block = unsafe { allocator.alloc(Layout::new::<u64>()) };
        if heap.handle().contains(block.addr(), size_of::<u64>()) {
            return Ok(());
        }
        Err("not accounted: in this program its mmap goes past the page heap".to_owned())
    }

    fn create(heap: HeapRef) -> Self {
        WeeAlloc {
            inner: Box::new(wee_alloc::WeeAlloc::INIT),
            pages: Box::new(Pages { heap, next: Cell::new(ptr::null_mut()), room: Cell::new(0) }),
        }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        self.routed(|inner| unsafe { inner.alloc(layout) })
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's.
        self.routed(|inner| unsafe { inner.dealloc(block, layout) })
    }
}
