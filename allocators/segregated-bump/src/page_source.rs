//! Where a shipped allocator gets its memory.
//!
//! The policy is a type: [`WasmPages`] requests pages from WebAssembly, [`Region`] hands out one fixed piece of memory,
//! as in firmware, and the suite's simulated page heap is a third source. Write your own for anything else.

use core::mem::MaybeUninit;
use core::ptr::NonNull;

/// A source of memory that grows by runs: ranges of consecutive bytes that are never moved and never taken back.
///
/// # Safety
///
/// An allocator writes to the memory that it gets, so an implementation promises for each run that it returns:
/// - it is at least as long as requested, readable, writable, and exclusive to the caller from then on;
/// - it begins at a multiple of [`run_align`](Self::run_align), which is a power of two and never changes;
/// - its last byte is not the last byte of the address space (the address after it does not wrap to 0);
/// - if it begins just after the previous run, a pointer into the earlier run may be used to reach it;
/// - if [`ZEROED`](Self::ZEROED), all its bytes are 0.
///
/// Nothing is promised about its address: another user of the same memory may have taken the bytes after the previous
/// run.
pub unsafe trait PageSource {
    /// Whether every run holds zeroes, so that a zeroed request in it need not write them.
    const ZEROED: bool = false;

    /// The alignment of every run, in bytes.
    fn run_align(&self) -> usize;

    /// A run of at least `min_bytes` bytes, or `None` if none is available.
    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>>;
}

/// One fixed piece of memory, handed out whole at the first call: a static array, or the RAM that a linker symbol
/// refers to.
///
/// ```
/// use segregated_bump::{SegregatedBump, page_source::Region};
/// use core::mem::MaybeUninit;
///
/// let ram = Box::leak(Box::new([MaybeUninit::uninit(); 4096]));
/// let mut allocator: SegregatedBump<Region> = SegregatedBump::new(Region::new(ram));
/// let layout = core::alloc::Layout::new::<u64>();
/// assert!(!allocator.alloc(layout).is_null());
/// ```
#[derive(Debug)]
pub struct Region {
    memory: Option<NonNull<[u8]>>,
}

// SAFETY: a region owns its memory: `new` takes the only reference to it, and callers of `from_raw` promise the same.
unsafe impl Send for Region {}

impl Region {
    /// A source that owns `memory`.
    pub const fn new(memory: &'static mut [MaybeUninit<u8>]) -> Self {
        let bytes = memory.len();
        // SAFETY: a reference is not null.
        let start = unsafe { NonNull::new_unchecked(memory.as_mut_ptr()) };
        Region { memory: Some(NonNull::slice_from_raw_parts(start.cast(), bytes)) }
    }

    /// A source over memory that is known only by its address, such as a linker symbol or a `static mut` array.
    ///
    /// # Safety
    ///
    /// The `bytes` bytes from `start` are readable, writable, have no other user for as long as the program runs, and
    /// do not include the last byte of the address space.
    pub const unsafe fn from_raw(start: NonNull<u8>, bytes: usize) -> Self {
        Region { memory: Some(NonNull::slice_from_raw_parts(start, bytes)) }
    }
}

// SAFETY: the only run is the memory that the region owns. It is handed out once, and only if it is long enough. A
// reference to a slice never wraps around, and `from_raw` requires the same.
unsafe impl PageSource for Region {
    fn run_align(&self) -> usize {
        1
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        self.memory.take_if(|memory| memory.len() >= min_bytes)
    }
}

/// Pages of 64 KiB of the module's own memory, from WebAssembly's `memory.grow`.
///
/// Other users of `memory.grow` in the same module are fine: the pages in between are theirs.
#[cfg(any(target_family = "wasm", doc))]
#[derive(Debug, Clone, Copy)]
pub struct WasmPages;

#[cfg(target_family = "wasm")]
// SAFETY: see `wasm_run`, which runs with the instruction itself.
unsafe impl PageSource for WasmPages {
    const ZEROED: bool = true;

    fn run_align(&self) -> usize {
        WASM_PAGE_BYTES
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        #[cfg(target_arch = "wasm32")]
        use core::arch::wasm32::memory_grow;
        #[cfg(target_arch = "wasm64")]
        use core::arch::wasm64::memory_grow;

        wasm_run(min_bytes, memory_grow::<0>)
    }
}

/// Bytes in a page of WebAssembly.
const WASM_PAGE_BYTES: usize = 64 * 1024;

/// All of [`WasmPages`] except the instruction, so that it can be tested on other targets: `memory_grow` adds pages and
/// returns the previous number of pages, or `usize::MAX`.
///
/// The run satisfies [`PageSource`] if the pages that `memory_grow` adds are exclusive to the caller: it begins at a
/// page, and the last page of the address space is handed out without its last 16 bytes, so that the address after a
/// run exists.
#[doc(hidden)]
pub fn wasm_run(min_bytes: usize, memory_grow: impl FnOnce(usize) -> usize) -> Option<NonNull<[u8]>> {
    // No memory has the pages that 0 bytes come to here.
    let pages = min_bytes.wrapping_sub(1) / WASM_PAGE_BYTES + 1;
    let first_page = memory_grow(pages);
    if first_page == usize::MAX {
        return None;
    }
    // Pages that exist are within the address space, so only the address after the last one can wrap, to 0.
    let start = first_page.wrapping_mul(WASM_PAGE_BYTES);
    let run = NonNull::new(core::ptr::with_exposed_provenance_mut::<u8>(start))?;
    let mut bytes = pages.wrapping_mul(WASM_PAGE_BYTES);
    if start.wrapping_add(bytes) == 0 {
        bytes -= 16;
        if bytes < min_bytes {
            return None; // The last page of a full memory is lost: it is a few bytes too short.
        }
    }
    Some(NonNull::slice_from_raw_parts(run, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wasm_run_takes_no_more_pages_than_its_bytes_need() {
        for (min_bytes, pages) in
            [(1, 1), (65_520, 1), (65_521, 1), (65_536, 1), (65_537, 2), (131_072, 2), (10 * 65_536 - 1, 10)]
        {
            let mut requested = None;
            let run = wasm_run(min_bytes, |pages| {
                requested = Some(pages);
                17
            });
            let run = run.expect("the memory grew");
            assert_eq!((requested, run.len()), (Some(pages), pages * WASM_PAGE_BYTES), "{min_bytes}");
            assert_eq!(run.cast::<u8>().addr().get(), 17 * WASM_PAGE_BYTES);
        }
    }

    #[test]
    fn a_wasm_run_leaves_out_the_end_of_the_address_space() {
        let last_page = usize::MAX / WASM_PAGE_BYTES;
        let run = |min_bytes: usize, first_page: usize| wasm_run(min_bytes, |_| first_page).map(|run| run.len());
        assert_eq!(run(100, last_page), Some(65_520));
        assert_eq!(run(65_520, last_page), Some(65_520));
        assert_eq!(run(65_521, last_page), None);
        assert_eq!(run(65_537, last_page - 1), Some(131_056));
        assert_eq!(run(65_536, last_page - 1), Some(65_536));
        assert_eq!(run(1, usize::MAX), None, "the memory did not grow");
        assert_eq!(run(0, last_page + 1), None, "full, and no bytes requested");
        assert_eq!(wasm_run(usize::MAX, |_| usize::MAX), None, "no memory can grow by that much");
    }

    #[test]
    fn a_region_is_handed_out_once_and_only_if_it_is_large_enough() {
        static mut RAM: [u8; 1000] = [0; 1000];
        let start = NonNull::new((&raw mut RAM).cast::<u8>()).expect("a static has an address");
        // SAFETY: nothing else in this program uses RAM.
        let mut region = unsafe { Region::from_raw(start, 1000) };
        assert_eq!(region.acquire(1001), None);
        let run = region.acquire(10).expect("1000 bytes are there");
        assert_eq!((run.cast::<u8>(), run.len()), (start, 1000));
        assert_eq!(region.acquire(1), None);
    }
}
