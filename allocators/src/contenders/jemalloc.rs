//! jemalloc, by the crate `tikv-jemalloc-sys`: an arena of its own for each heap, with hooks that take its memory from the
//! page heap.
//!
//! It is the C library as it is built for Rust programs, with its own prefix: nothing of the program is replaced. Set up
//! as programs get it, with a cache in front of the arena, and three differences, which make figures repeat or concern
//! the heap:
//! - large blocks begin at the start of a page, not at a random offset (`--disable-cache-oblivious`);
//! - freed memory is never given back to the system, which jemalloc does by a clock (`dirty_decay_ms:-1`);
//! - the arena's own data is in the page heap. That is 2 MiB, and it grows by 2 MiB or more at a time. The cache, and the
//!   map of all its blocks, are the process's and not counted.
//!
//! Other allocators of hosted systems have no such hooks. mimalloc (3.3.2, in the crate libmimalloc-sys 0.1.49) accepts
//! memory as an arena, but never lets go of it: `mi_arena_unload` is commented out, and a reset of the page heap would
//! leave a dead arena in its list. Where it searches an arena also depends on the number of the thread, so its memory
//! figures would not always repeat. snmalloc (snmalloc-sys 0.7.6) and glibc's `malloc` take their memory from the system alone.

use core::alloc::Layout;
use core::ffi::{CStr, c_int, c_uint, c_void};
use std::cell::Cell;
use std::ffi::CString;
use std::ptr;

use tikv_jemalloc_sys as sys;

use crate::heap_allocator::{Group, HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// jemalloc on a page heap.
pub struct Jemalloc {
    /// `None` if the heap has no room for an arena.
    arena: Option<Arena>,
    /// Boxed because the arena points to it. Declared after the arena, which uses it until it is destroyed.
    _source: Box<Source>,
}

/// An arena and its cache.
struct Arena {
    index: c_uint,
    cache: c_uint,
    /// Both, as flags of a call.
    flags: c_int,
}

/// The source of memory for one arena.
#[repr(C)]
struct Source {
    /// First, so that a pointer to the hooks is one to the source.
    hooks: sys::extent_hooks_t,
    heap: HeapRef,
    /// The first committed byte that is still unused, and the number of unused bytes from there.
    next: Cell<*mut u8>,
    room: Cell<usize>,
}

impl Source {
    fn new(heap: HeapRef) -> Self {
        // What is missing is refused: memory is not given back, decommitted or purged.
        let hooks = sys::extent_hooks_t {
            alloc: Some(alloc_extent),
            split: Some(split_extent),
            merge: Some(merge_extents),
            ..sys::extent_hooks_t::default()
        };
        let next = Cell::new(heap.base().as_ptr());
        Source { hooks, heap, next, room: Cell::new(0) }
    }

    /// New zeroed memory, at this address if it is not null.
    fn take(&self, address: *mut u8, bytes: usize, align: usize) -> Option<*mut u8> {
        let padding = self.next.get().align_offset(align);
        let start = self.next.get().wrapping_add(padding);
        if !address.is_null() && address != start {
            return None;
        }
        let needed = bytes.checked_add(padding)?;
        if needed > self.room.get() {
            let pages = self.heap.page_size().pages_for(needed - self.room.get());
            self.heap.grow(pages)?;
            self.room.set(self.room.get() + pages * self.heap.page_bytes());
        }
        self.next.set(start.wrapping_add(bytes));
        self.room.set(self.room.get() - needed);
        Some(start)
    }
}

/// The hook that provides memory.
///
/// # Safety
///
/// `hooks` is from a live source; `zero` and `commit` can be written.
unsafe extern "C" fn alloc_extent(
    hooks: *mut sys::extent_hooks_t,
    address: *mut c_void,
    bytes: usize,
    align: usize,
    zero: *mut bool,
    commit: *mut bool,
    _arena: c_uint,
) -> *mut c_void {
    // SAFETY: upheld by the caller; hooks are the first field of their source.
    let source = unsafe { &*hooks.cast::<Source>() };
    let Some(start) = source.take(address.cast(), bytes, align) else { return ptr::null_mut() };
    // SAFETY: upheld by the caller.
    unsafe {
        zero.write(true);
        commit.write(true);
    }
    start.cast()
}

/// The hook that allows to split memory. False means that it may.
unsafe extern "C" fn split_extent(
    _hooks: *mut sys::extent_hooks_t,
    _address: *mut c_void,
    _bytes: usize,
    _first_bytes: usize,
    _second_bytes: usize,
    _is_committed: bool,
    _arena: c_uint,
) -> bool {
    false
}

/// The hook that allows to merge adjacent memory. False means that it may.
unsafe extern "C" fn merge_extents(
    _hooks: *mut sys::extent_hooks_t,
    _first: *mut c_void,
    _first_bytes: usize,
    _second: *mut c_void,
    _second_bytes: usize,
    _is_committed: bool,
    _arena: c_uint,
) -> bool {
    false
}

/// Reads a number that jemalloc makes, given `input` if there is one.
fn made(name: &CStr, input: Option<*mut sys::extent_hooks_t>) -> Option<c_uint> {
    let (mut number, mut bytes): (c_uint, usize) = (0, size_of::<c_uint>());
    let mut input = input;
    let (given, given_bytes) = match &mut input {
        Some(hooks) => (ptr::from_mut(hooks).cast(), size_of::<*mut sys::extent_hooks_t>()),
        None => (ptr::null_mut(), 0),
    };
    // SAFETY: the result is a number of this type, and the input is what this name wants.
    let error =
        unsafe { sys::mallctl(name.as_ptr(), ptr::from_mut(&mut number).cast(), &raw mut bytes, given, given_bytes) };
    (error == 0).then_some(number)
}

/// Calls what jemalloc has under this name, with a value if it is one that can be set.
fn set<T>(name: String, value: Option<T>) -> bool {
    let mut value = value;
    let (given, bytes) = match &mut value {
        Some(value) => (ptr::from_mut(value).cast(), size_of::<T>()),
        None => (ptr::null_mut(), 0),
    };
    let Ok(name) = CString::new(name) else { return false };
    // SAFETY: nothing is read, and the callers give what this name wants.
    unsafe { sys::mallctl(name.as_ptr(), ptr::null_mut(), ptr::null_mut(), given, bytes) == 0 }
}

impl Arena {
    fn on(source: &Source) -> Option<Self> {
        let index = made(c"arenas.create", Some(ptr::from_ref(&source.hooks).cast_mut()))?;
        let cache = made(c"tcache.create", None)?;
        let keeps = ["dirty", "muzzy"].map(|kind| set(format!("arena.{index}.{kind}_decay_ms"), Some(-1_isize)));
        assert_eq!(keeps, [true; 2], "an arena can be told to keep its memory");
        let flags = sys::MALLOCX_ARENA(index as usize) | sys::MALLOCX_TCACHE(cache as usize);
        Some(Arena { index, cache, flags })
    }

    /// The flags of a call, as the crate tikv-jemallocator chooses them: an alignment is only named if the size does not
    /// imply it.
    #[inline]
    fn flags(&self, align: usize, bytes: usize) -> c_int {
        const QUANTUM: usize = 16;
        if align <= QUANTUM && align <= bytes { self.flags } else { self.flags | sys::MALLOCX_ALIGN(align) }
    }
}

impl Drop for Arena {
    /// The arena forgets its blocks and the page heap's memory, which may then be reset.
    fn drop(&mut self) {
        let is_gone = set("tcache.destroy".to_owned(), Some(self.cache))
            && set::<()>(format!("arena.{}.destroy", self.index), None);
        assert!(is_gone, "an arena that no thread is bound to can be destroyed");
    }
}

// SAFETY: jemalloc guarantees this for its blocks, and all of an arena's are in the memory that its hooks provide.
unsafe impl HeapAllocator for Jemalloc {
    const INFO: Info = Info {
        name: "jemalloc",
        crate_name: "tikv-jemalloc-sys",
        version: "0.7.1",
        purpose: Purpose::Contender,
        groups: &[Group::Hosted],
        summary: "jemalloc 5.3.1 in C, from the crate tikv-jemalloc-sys: size classes in an arena that grows by 2 MiB or more",
        refuses: None,
    };

    const SETUP_BYTES: usize = 2 * HUGE_BYTES;

    fn create(heap: HeapRef) -> Self {
        let source = Box::new(Source::new(heap));
        Jemalloc { arena: Arena::on(&source), _source: source }
    }

    #[inline]
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let Some(arena) = &self.arena else { return ptr::null_mut() };
        // SAFETY: the size is not 0: upheld by the caller.
        unsafe { sys::mallocx(layout.size(), arena.flags(layout.align(), layout.size())) }.cast()
    }

    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        let Some(arena) = &self.arena else { return ptr::null_mut() };
        let flags = arena.flags(layout.align(), layout.size()) | sys::MALLOCX_ZERO;
        // SAFETY: the size is not 0: upheld by the caller.
        unsafe { sys::mallocx(layout.size(), flags) }.cast()
    }

    #[inline]
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is live, so there is an arena that it is from.
        let arena = unsafe { self.arena.as_ref().unwrap_unchecked() };
        // SAFETY: upheld by the caller.
        unsafe { sys::sdallocx(block.cast(), layout.size(), arena.flags(layout.align(), layout.size())) }
    }

    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the block is live, so there is an arena that it is from.
        let arena = unsafe { self.arena.as_ref().unwrap_unchecked() };
        // SAFETY: upheld by the caller.
        unsafe { sys::rallocx(block.cast(), new_size, arena.flags(layout.align(), new_size)) }.cast()
    }

    #[inline]
    unsafe fn usable_bytes(&self, block: *mut u8, _layout: Layout) -> Option<usize> {
        // SAFETY: upheld by the caller.
        Some(unsafe { sys::sallocx(block.cast_const().cast(), 0) })
    }
}

/// What jemalloc asks for at a time, and what an arena's own data takes at least.
const HUGE_BYTES: usize = 2 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checked::Checked;
    use crate::conformance;
    use crate::page_heap::{Guard, PageHeap};
    use crate::page_size::{PAGE_BYTES, PageSize};

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 8).unwrap()
    }

    #[test]
    fn it_conforms() {
        for page_bytes in [256, PAGE_BYTES, 2 << 20] {
            for case in conformance::cases::<Jemalloc>() {
                let result = (case.run)(PageSize::from_bytes(page_bytes).unwrap());
                assert!(result.is_ok(), "{} on pages of {page_bytes}: {}", case.name, result.unwrap_err());
            }
        }
    }

    #[test]
    fn a_heap_without_room_for_an_arena_serves_nothing() {
        let heap = PageHeap::reserve(HUGE_BYTES / PAGE_BYTES - 1, Guard::Trap).unwrap();
        let mut allocator = Jemalloc::create(heap.handle());
        // SAFETY: the layout is not empty.
        unsafe {
            assert!(allocator.alloc(layout(1)).is_null() && allocator.alloc_zeroed(layout(1)).is_null());
        }
        assert_eq!(heap.handle().refused_grows(), 1);
    }

    #[test]
    fn memory_comes_by_2_mib_and_the_arenas_data_counts() {
        let mut checked = Checked::<Jemalloc>::with_limit_pages(1000).unwrap();
        assert_eq!(checked.heap().committed_bytes(), HUGE_BYTES);
        checked.alloc(layout(100), false).unwrap().unwrap();
        assert_eq!(checked.heap().committed_bytes(), 2 * HUGE_BYTES);
    }

    #[test]
    fn usable_sizes_are_those_of_the_classes() {
        let heap = PageHeap::reserve(1000, Guard::Trap).unwrap();
        let mut allocator = Jemalloc::create(heap.handle());
        for (bytes, usable) in [(1, 8), (17, 32), (100, 112), (1025, 1280), (20_000, 20_480), (1 << 20, 1 << 20)] {
            // SAFETY: the layout is not empty, and the block is live.
            let found = unsafe {
                let block = allocator.alloc(layout(bytes));
                allocator.usable_bytes(block, layout(bytes))
            };
            assert_eq!(found, Some(usable), "{bytes}");
        }
    }

    #[test]
    fn arenas_are_taken_back() {
        let mut checked = Checked::<Jemalloc>::with_limit_pages(1000).unwrap();
        for _ in 0..5000 {
            checked.reset().unwrap();
            checked.alloc(layout(100), true).unwrap().expect("an arena");
        }
    }
}
