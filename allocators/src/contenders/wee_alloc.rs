//! The crate `wee_alloc`: archived, but still widely deployed.
//!
//! Natively it gets its pages from `mmap`, without a hook for another source. This module therefore defines `mmap`
//! itself: within the [scope](HeapAllocator::in_scope) of an instance, a request of wee_alloc's shape from the same
//! thread is served from the instance's page heap. Every other call, on any thread, goes straight to the system. A
//! probe checks before any measurement that requests really arrive here.
//!
//! This adds no cost to a call into wee_alloc: the scope is entered once for a whole replay. It does not affect
//! anything else that runs within the scope either. The page heap reserves address space without access, which is a
//! different shape; the C library's allocator and threads map memory without this symbol; and a new thread is outside
//! every scope. A debug build panics if wee_alloc is called outside its scope. In a release build its blocks would then
//! come from the system, which verification detects.
//!
//! The measured build is wee_alloc's native one. It differs from the Wasm build in two ways, which are stated with its
//! figures:
//! - its pages are 4 KiB natively (64 KiB in Wasm), regardless of the heap's page size. They are cut from larger pages
//!   of the page heap (16 from a page of 64 KiB), which count as soon as one of them is used, or span several smaller
//!   pages;
//! - natively it takes an uncontended mutex on every call (none in Wasm).
//!
//! The feature `size_classes` is on, which is the default.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_int, c_void};
use std::cell::Cell;
use std::ptr;

use crate::heap_allocator::{Group, HeapAllocator, Info, Purpose};
use crate::page_heap::{Guard, HeapRef, PageHeap};

/// wee_alloc on a page heap.
pub struct WeeAlloc {
    /// Boxed because a used mutex should not move.
    inner: Box<wee_alloc::WeeAlloc<'static>>,
    /// Boxed because `ROUTE` points to it.
    pages: Box<Pages>,
}

/// The source of pages for one instance.
struct Pages {
    heap: HeapRef,
    /// The first byte of the latest page that is still unused, and the number of unused bytes from there.
    next: Cell<*mut u8>,
    room: Cell<usize>,
}

thread_local! {
    /// The pages of the instance whose scope this thread is in; null outside every scope. Constant and without a
    /// destructor, so that reading it never allocates.
    static ROUTE: Cell<*const Pages> = const { Cell::new(ptr::null()) };
}

impl Pages {
    /// `bytes` bytes from the page heap, a multiple of wee_alloc's 4 KiB.
    fn take(&self, bytes: usize) -> Option<*mut u8> {
        if bytes > self.room.get() {
            // This heap has no other user, so new pages continue the latest one.
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

/// The symbol that wee_alloc's `mmap` links to.
///
/// # Safety
///
/// Same as for the system's `mmap`.
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
        // SAFETY: ROUTE is set only within a scope of the instance that owns these pages, and that scope borrows the
        // instance.
        return unsafe { &*route }.take(bytes).map_or(libc::MAP_FAILED, <*mut u8>::cast);
    }
    // SAFETY: upheld by the caller; these are the arguments of the system call.
    unsafe { libc::syscall(libc::SYS_mmap, hint, bytes, protection, flags, file, offset) as *mut c_void }
}

/// Restores the previous route when a scope ends.
struct Leave(*const Pages);

impl Drop for Leave {
    fn drop(&mut self) {
        ROUTE.set(self.0);
    }
}

impl WeeAlloc {
    /// The crate's allocator, for a call within the scope.
    #[inline]
    fn inner(&self) -> &wee_alloc::WeeAlloc<'static> {
        debug_assert!(ptr::eq(ROUTE.get(), &raw const *self.pages), "wee_alloc is called outside of its scope");
        &self.inner
    }
}

// SAFETY: the crate guarantees this for its blocks, and `probe` ensures that they are in the heap's pages.
unsafe impl HeapAllocator for WeeAlloc {
    const INFO: Info = Info {
        name: "wee_alloc",
        crate_name: "wee_alloc",
        version: "0.4.5",
        purpose: Purpose::Contender,
        groups: &[Group::Default, Group::Wasm],
        summary: "the crate wee_alloc, archived: first-fit free lists, with size classes; its native build",
        refuses: Some("alignments above 8 whose padding does not fit into the 4 KiB pages that it requests"),
    };

    fn probe() -> Result<(), String> {
        let heap = PageHeap::reserve(16, Guard::Trap).map_err(|error| error.to_string())?;
        let mut allocator = Self::create(heap.handle());
        // SAFETY: the layout is not empty.
        let block = allocator.in_scope(|it| unsafe { it.alloc(Layout::new::<u64>()) });
        if heap.handle().contains(block.addr(), size_of::<u64>()) {
            return Ok(());
        }
        Err("not accounted: in this program its mmap bypasses the page heap".to_owned())
    }

    fn create(heap: HeapRef) -> Self {
        WeeAlloc {
            inner: Box::new(wee_alloc::WeeAlloc::INIT),
            pages: Box::new(Pages { heap, next: Cell::new(ptr::null_mut()), room: Cell::new(0) }),
        }
    }

    #[inline]
    fn in_scope<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let _leave = Leave(ROUTE.replace(&raw const *self.pages));
        work(self)
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        unsafe { self.inner().alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.inner().dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 16 * 4096;

    fn heap() -> PageHeap {
        PageHeap::reserve(64, Guard::Trap).unwrap()
    }

    fn ask(allocator: &mut WeeAlloc) -> *mut u8 {
        // SAFETY: the layout is not empty. Each test ensures that the scope is this allocator's.
        unsafe { allocator.alloc(Layout::new::<[u8; 5000]>()) }
    }

    /// Maps memory as wee_alloc does, and writes to it.
    fn map_like_wee_alloc() -> usize {
        // SAFETY: a new mapping overlaps nothing that exists, and all bytes written are inside it.
        unsafe {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            let start = libc::mmap(ptr::null_mut(), BYTES, protection, libc::MAP_ANON | libc::MAP_PRIVATE, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            start.cast::<u8>().write_bytes(1, BYTES);
            start.addr()
        }
    }

    #[test]
    fn two_instances_on_a_thread_get_their_own_pages_in_nested_scopes() {
        let (first_heap, second_heap) = (heap(), heap());
        let (mut first, mut second) = (WeeAlloc::create(first_heap.handle()), WeeAlloc::create(second_heap.handle()));
        let mut blocks = [Vec::new(), Vec::new()];
        for _ in 0..50 {
            first.in_scope(|first| {
                blocks[0].push(ask(first));
                second.in_scope(|second| blocks[1].push(ask(second)));
                blocks[0].push(ask(first));
            });
            second.in_scope(|second| blocks[1].push(ask(second)));
        }
        for (blocks, heap) in blocks.iter().zip([first_heap.handle(), second_heap.handle()]) {
            assert!(blocks.iter().all(|block| heap.contains(block.addr(), 5000)));
            assert!(heap.committed_pages() >= 7);
        }
    }

    #[test]
    fn only_calls_of_its_shape_on_its_thread_and_in_its_scope_use_its_heap() {
        let heap = heap();
        let pages = heap.handle();
        let mut allocator = WeeAlloc::create(heap.handle());
        assert!(!pages.contains(map_like_wee_alloc(), BYTES), "before a scope");
        allocator.in_scope(|allocator| {
            let committed = || pages.committed_pages();
            ask(allocator);
            let before = committed();

            let other = PageHeap::reserve(64, Guard::Batched).unwrap();
            // SAFETY: the page is committed, and has no other user.
            unsafe { other.handle().grow(64).unwrap().write(1) };
            assert!(!pages.contains(other.handle().base().addr().get(), 1), "another page heap");
            let large = vec![1_u8; 16 << 20];
            assert!(!pages.contains(large.as_ptr().addr(), 1), "the program's own allocator");
            let elsewhere = std::thread::spawn(map_like_wee_alloc).join().unwrap();
            assert!(!pages.contains(elsewhere, BYTES), "another thread");
            let file = std::fs::File::open("/proc/self/exe").unwrap();
            // SAFETY: a new file mapping overlaps nothing that exists.
            let mapped = unsafe {
                let file = std::os::fd::AsRawFd::as_raw_fd(&file);
                libc::mmap(ptr::null_mut(), 4096, libc::PROT_READ, libc::MAP_PRIVATE, file, 0)
            };
            assert!(mapped != libc::MAP_FAILED && !pages.contains(mapped.addr(), 1), "a file");
            assert_eq!(committed(), before);

            assert!(pages.contains(map_like_wee_alloc(), BYTES), "the shape itself");
        });
        assert!(!pages.contains(map_like_wee_alloc(), BYTES), "after the scope");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            allocator.in_scope(|_| std::panic::resume_unwind(Box::new(())));
        }));
        assert!(panicked.is_err());
        assert!(!pages.contains(map_like_wee_alloc(), BYTES), "after a panic");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "outside of its scope")]
    fn a_call_without_a_scope_panics() {
        ask(&mut WeeAlloc::create(heap().handle()));
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "outside of its scope")]
    fn a_call_in_another_instances_scope_panics() {
        let (first, second) = (heap(), heap());
        let mut outer = WeeAlloc::create(first.handle());
        WeeAlloc::create(second.handle()).in_scope(|_| ask(&mut outer));
    }
}
