//! The simulated page heap, which gives every contender its pages and counts them.
//!
//! It behaves like a WebAssembly memory: pages in address order, a grow that returns the first new page or fails, no
//! moves and no shrinking. Unlike a WebAssembly memory, it can be emptied between replays, many heaps can coexist, and
//! the [`PageSize`] need not be 64 KiB: smaller pages model firmware and kernels.
//!
//! Every heap begins at a multiple of 4 GiB, the [`BASE_ALIGN`], because allocators depend on absolute addresses: they
//! pad for alignment, or find the start of a page with a mask. An address therefore has the same low 32 bits in every
//! heap and every process, as in a WebAssembly memory that begins at 0, and every memory figure repeats.
//!
//! ```
//! use heaprace_allocators::{PAGE_BYTES, PageHeap, page_heap::Guard};
//!
//! let mut heap = PageHeap::reserve(1024, Guard::Trap)?;
//! heap.set_limit_pages(3);
//! let pages = heap.handle();
//! let first = pages.grow(2).expect("two of three pages");
//! assert_eq!(first, pages.base());
//! assert_eq!(pages.grow(2), None, "past the limit");
//! assert_eq!(pages.committed_bytes(), 2 * PAGE_BYTES);
//! drop(pages);
//! heap.reset()?;
//! assert_eq!(heap.handle().committed_bytes(), 0);
//! # Ok::<(), heaprace_allocators::page_heap::PageHeapError>(())
//! ```

mod error;

use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

use segregated_bump::PageSource;

use crate::os;
use crate::page_size::PageSize;

pub use crate::page_size::PAGE_BYTES;
pub use error::PageHeapError;

/// Maximum pages of a 32-bit WebAssembly memory (4 GiB): the natural size of a reservation.
pub const WASM32_PAGES: usize = 65_536;

/// Alignment of every heap's base in bytes: 4 GiB, so that alignments up to 4 GiB cost the same in every heap. This
/// uses address space only. A 32-bit host has no room for it, so the value is 4 MiB there, and figures of requests with
/// larger alignments can differ from run to run.
pub const BASE_ALIGN: usize = if usize::BITS > 32 { 1 << (usize::BITS / 2) } else { 4 << 20 };

/// Bytes in a page of the host: the amount that a first touch makes resident.
pub fn host_page_bytes() -> usize {
    os::host_page_bytes()
}

/// What an access outside the committed pages does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It traps: each grow opens just its pages. For tests and verification. The host cannot protect units smaller than
    /// its own pages. If the heap's pages are smaller, an access past the last page goes unnoticed up to the end of its
    /// host page; only [`contains`](HeapRef::contains), and so the shadow model, is exact there.
    Trap,
    /// It may go unnoticed: pages are opened 64 MiB at a time, so that a grow is nearly always an addition. For timing.
    Batched,
}

impl Guard {
    /// Minimum bytes to open at once: whole pages of the heap and of the host, because all are powers of two.
    fn batch_bytes(self, page: PageSize) -> usize {
        match self {
            Guard::Trap => page.bytes().max(host_page_bytes()),
            Guard::Batched => 64 << 20,
        }
    }
}

/// The owner of a heap: sets its limit, and resets it while no allocator uses it.
#[derive(Debug)]
pub struct PageHeap {
    memory: Rc<Memory>,
}

/// A handle to a heap, for a contender or an observer. Cheap to clone. The heap lives as long as any handle.
#[derive(Clone, Debug)]
pub struct HeapRef {
    memory: Rc<Memory>,
}

#[derive(Debug)]
struct Memory {
    /// The first page, at a multiple of [`BASE_ALIGN`].
    base: NonNull<u8>,
    page: PageSize,
    /// Reserved bytes from the base: all pages, rounded up to whole host pages.
    capacity_bytes: usize,
    guard: Guard,
    pages: usize,
    // In bytes, so that the code that runs for every request needs no multiplication. All are whole pages.
    limit_bytes: Cell<usize>,
    committed_bytes: Cell<usize>,
    /// Readable and writable bytes; at least the committed ones.
    open_bytes: Cell<usize>,
    grow_calls: Cell<u64>,
    refused_grows: Cell<u64>,
}

impl PageHeap {
    /// A heap of up to `pages` pages of 64 KiB. Nothing is resident yet; the limit is `pages`.
    ///
    /// # Errors
    ///
    /// If the system cannot reserve that much address space.
    pub fn reserve(pages: usize, guard: Guard) -> Result<Self, PageHeapError> {
        Self::reserve_sized(PageSize::WASM, pages, guard)
    }

    /// A heap of up to `pages` pages of size `page`, at a multiple of [`BASE_ALIGN`].
    ///
    /// # Errors
    ///
    /// If the system cannot reserve that much address space.
    pub fn reserve_sized(page: PageSize, pages: usize, guard: Guard) -> Result<Self, PageHeapError> {
        // At least one host page, because an empty range cannot be reserved.
        let bytes = pages.checked_mul(page.bytes()).map(|bytes| bytes.max(1));
        let capacity_bytes = bytes.and_then(|bytes| bytes.checked_next_multiple_of(host_page_bytes()));
        // The system may have to reserve the alignment in addition.
        let fits = |bytes: &usize| bytes.checked_add(BASE_ALIGN).is_some_and(|bytes| isize::try_from(bytes).is_ok());
        let Some(capacity_bytes) = capacity_bytes.filter(fits) else {
            return Err(PageHeapError::TooLarge { pages, page });
        };
        let reserved = os::reserve(capacity_bytes, BASE_ALIGN);
        let base = reserved.map_err(|source| PageHeapError::Reserve { pages, page, source })?;
        let memory = Memory {
            base,
            page,
            capacity_bytes,
            guard,
            pages,
            limit_bytes: Cell::new(page.bytes_of(pages)),
            committed_bytes: Cell::new(0),
            open_bytes: Cell::new(0),
            grow_calls: Cell::new(0),
            refused_grows: Cell::new(0),
        };
        Ok(PageHeap { memory: Rc::new(memory) })
    }

    /// A handle to the heap, for an allocator or an observer.
    pub fn handle(&self) -> HeapRef {
        HeapRef { memory: Rc::clone(&self.memory) }
    }

    /// Makes every grow past `pages` committed pages fail from now on. The reservation is an upper bound for the limit.
    pub fn set_limit_pages(&mut self, pages: usize) {
        let memory = &*self.memory;
        memory.limit_bytes.set(memory.page.bytes_of(pages.min(memory.pages)));
    }

    /// The current limit, in pages.
    pub fn limit_pages(&self) -> usize {
        self.memory.page.pages_in(self.memory.limit_bytes.get())
    }

    /// Takes all pages back: the next replay gets fresh, zeroed pages and pays for their first touch. Counts restart at
    /// 0; the limit stays.
    ///
    /// Pages cannot stay resident across a reset, because that matches no real program: a program that keeps running
    /// keeps its allocator as well.
    ///
    /// # Errors
    ///
    /// If the system does not take the pages back.
    ///
    /// # Panics
    ///
    /// If a [`HeapRef`] still exists: its owner might touch the pages.
    pub fn reset(&mut self) -> Result<(), PageHeapError> {
        assert_eq!(Rc::strong_count(&self.memory), 1, "a page heap can be reset only when no allocator holds it");
        let memory = &*self.memory;
        memory.committed_bytes.set(0);
        memory.grow_calls.set(0);
        memory.refused_grows.set(0);
        let bytes = memory.open_bytes.get();
        if bytes > 0 {
            // SAFETY: open bytes are whole host pages of the reservation, and the assertion shows that no handle
            // exists.
            unsafe { os::close(memory.base, bytes) }.map_err(|source| PageHeapError::Reset { bytes, source })?;
            memory.open_bytes.set(0);
        }
        Ok(())
    }
}

impl HeapRef {
    /// Adds `pages` pages and returns the first one, or `None` if that would exceed the limit. A failed grow changes
    /// only the count of [refused grows](Self::refused_grows).
    ///
    /// The new pages directly follow the existing ones, and hold zeroes.
    #[inline]
    pub fn grow(&self, pages: usize) -> Option<NonNull<u8>> {
        let memory = &*self.memory;
        let first = memory.committed_bytes.get();
        // The limit may have been set below the committed size. The comparison is in pages: the bytes of a request may
        // exceed the address space.
        let Some(room) = memory.limit_bytes.get().checked_sub(first) else { return memory.refuse() };
        if pages > memory.page.pages_in(room) {
            return memory.refuse();
        }
        let end = first + memory.page.bytes_of(pages);
        if end > memory.open_bytes.get() && !memory.open_up_to(end) {
            return memory.refuse();
        }
        memory.committed_bytes.set(end);
        memory.grow_calls.set(memory.grow_calls.get() + 1);
        // SAFETY: byte `first` is within the reservation or just after its last page.
        Some(unsafe { memory.base.add(first) })
    }

    /// The page size.
    #[inline]
    pub fn page_size(&self) -> PageSize {
        self.memory.page
    }

    /// Bytes in a page.
    #[inline]
    pub fn page_bytes(&self) -> usize {
        self.page_size().bytes()
    }

    /// The address of the first page, committed or not. A multiple of [`BASE_ALIGN`].
    pub fn base(&self) -> NonNull<u8> {
        self.memory.base
    }

    /// Pages handed out.
    #[inline]
    pub fn committed_pages(&self) -> usize {
        self.memory.page.pages_in(self.committed_bytes())
    }

    /// Bytes handed out: the figure H of the metrics.
    #[inline]
    pub fn committed_bytes(&self) -> usize {
        self.memory.committed_bytes.get()
    }

    /// Successful calls of [`grow`](Self::grow).
    pub fn grow_calls(&self) -> u64 {
        self.memory.grow_calls.get()
    }

    /// Failed calls of [`grow`](Self::grow) since the heap was created or reset: whether the heap has met its limit. A
    /// contender may request more than it needs, and still serve the request after such a failure.
    pub fn refused_grows(&self) -> u64 {
        self.memory.refused_grows.get()
    }

    /// Bytes resident in the host's memory, over all host pages that contain committed pages. `None` if unknown.
    pub fn resident_bytes(&self) -> Option<usize> {
        // SAFETY: committed pages belong to the reservation, which consists of whole host pages.
        unsafe { os::resident_bytes(self.memory.base, self.committed_bytes()) }
    }

    /// Whether the `bytes` bytes from `address` are all within the committed pages.
    #[inline]
    pub fn contains(&self, address: usize, bytes: usize) -> bool {
        address
            .checked_sub(self.memory.base.addr().get())
            .and_then(|offset| offset.checked_add(bytes))
            .is_some_and(|end| end <= self.committed_bytes())
    }
}

impl Memory {
    /// Opens the bytes up to there, and returns whether they are open now. If not, the system is out of memory, which
    /// is a valid outcome.
    #[cold]
    fn open_up_to(&self, bytes: usize) -> bool {
        let open = self.open_bytes.get();
        let end = bytes.next_multiple_of(self.guard.batch_bytes(self.page)).min(self.capacity_bytes);
        // SAFETY: bytes `open..end` are whole host pages of the reservation.
        let opened = unsafe { os::open(self.base.add(open), end - open) }.is_ok();
        if opened {
            self.open_bytes.set(end);
        }
        opened
    }

    #[cold]
    fn refuse(&self) -> Option<NonNull<u8>> {
        self.refused_grows.set(self.refused_grows.get() + 1);
        None
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: this is the whole reservation, and its last handle is being dropped.
        unsafe { os::release(self.base, self.capacity_bytes) };
    }
}

// SAFETY: pages from the heap are readable and writable and are handed out once between resets, and a reset requires
// that no handle exists. They are aligned to their size and contiguous within one reservation, which is not at the end
// of the address space.
unsafe impl PageSource for HeapRef {
    const ZEROED: bool = true;

    fn run_align(&self) -> usize {
        self.page_bytes()
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<NonNull<[u8]>> {
        let page = self.page_size();
        let pages = page.pages_for(min_bytes);
        let first = self.grow(pages)?;
        Some(NonNull::slice_from_raw_parts(first, page.bytes_of(pages)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_in_address_order_up_to_its_limit_and_counts() {
        let mut heap = PageHeap::reserve(100, Guard::Trap).unwrap();
        heap.set_limit_pages(5);
        let pages = heap.handle();
        assert_eq!(pages.base().addr().get() % BASE_ALIGN, 0);
        for (ask, expected_offset) in
            [(1, Some(0)), (3, Some(1)), (2, None), (usize::MAX, None), (0, Some(4)), (1, Some(4))]
        {
            let first = pages.grow(ask).map(|first| (first.addr().get() - pages.base().addr().get()) / PAGE_BYTES);
            assert_eq!(first, expected_offset, "{ask} pages");
        }
        assert_eq!((pages.committed_pages(), pages.grow_calls()), (5, 4));
        assert!(pages.contains(pages.base().addr().get(), 5 * PAGE_BYTES));
        assert!(!pages.contains(pages.base().addr().get() + 1, 5 * PAGE_BYTES));
        assert!(!pages.contains(pages.base().addr().get() - 1, 1));
        assert!(!pages.contains(usize::MAX, 2));
    }

    #[test]
    fn a_limit_cannot_pass_the_reservation() {
        let mut heap = PageHeap::reserve(2, Guard::Batched).unwrap();
        heap.set_limit_pages(10);
        assert_eq!(heap.limit_pages(), 2);
        assert_eq!(heap.handle().grow(3), None);
        assert!(heap.handle().grow(2).is_some());
    }

    #[test]
    fn refused_grows_are_counted_until_the_reset() {
        let mut heap = PageHeap::reserve(10, Guard::Trap).unwrap();
        heap.set_limit_pages(4);
        let pages = heap.handle();
        for (ask, granted, refused) in
            [(3, true, 0), (2, false, 1), (usize::MAX, false, 2), (1, true, 2), (1, false, 3)]
        {
            assert_eq!((pages.grow(ask).is_some(), pages.refused_grows()), (granted, refused), "{ask} pages");
        }
        heap.set_limit_pages(2);
        assert_eq!((pages.grow(0), pages.refused_grows()), (None, 4), "below what is committed");
        heap.set_limit_pages(5);
        assert!(pages.grow(1).is_some());
        assert_eq!((pages.refused_grows(), pages.grow_calls(), pages.committed_pages()), (4, 3, 5));
        drop(pages);
        heap.reset().unwrap();
        assert_eq!((heap.handle().refused_grows(), heap.handle().grow_calls()), (0, 0));
    }

    #[test]
    fn a_reset_gives_zeroes_again() {
        let mut heap = PageHeap::reserve(4, Guard::Batched).unwrap();
        let read_back = |heap: &PageHeap| {
            let byte = heap.handle().grow(1).unwrap();
            // SAFETY: one page is committed, and only this test uses it.
            unsafe {
                let was = byte.read();
                byte.write(7);
                was
            }
        };
        assert_eq!(read_back(&heap), 0);
        heap.reset().unwrap();
        assert_eq!(read_back(&heap), 0);
    }

    #[test]
    fn one_touched_byte_makes_one_host_page_resident() {
        let heap = PageHeap::reserve(64, Guard::Batched).unwrap();
        let pages = heap.handle();
        let first = pages.grow(64).unwrap();
        assert_eq!(pages.resident_bytes(), Some(0));
        // SAFETY: the page is committed.
        unsafe { first.add(5 * PAGE_BYTES).write(1) };
        assert_eq!(pages.resident_bytes(), Some(os::host_page_bytes()));
    }

    #[test]
    fn pages_of_every_size_are_counted_aligned_and_usable_to_the_last_byte() {
        for shift in 8..=21 {
            for guard in [Guard::Trap, Guard::Batched] {
                let page = PageSize::from_bytes(1 << shift).unwrap();
                let bytes = page.bytes();
                let mut heap = PageHeap::reserve_sized(page, 5, guard).unwrap();
                heap.set_limit_pages(4);
                for _ in 0..2 {
                    let pages = heap.handle();
                    assert_eq!((pages.page_bytes(), pages.base().addr().get() % BASE_ALIGN), (bytes, 0));
                    let offset = |first: NonNull<u8>| first.addr().get() - pages.base().addr().get();
                    assert_eq!(pages.grow(1).map(offset), Some(0));
                    assert_eq!(pages.grow(3).map(offset), Some(bytes));
                    assert_eq!((pages.grow(1), pages.grow(usize::MAX)), (None, None));
                    assert_eq!((pages.committed_pages(), pages.committed_bytes()), (4, 4 * bytes));
                    assert!(pages.contains(pages.base().addr().get(), 4 * bytes));
                    assert!(!pages.contains(pages.base().addr().get(), 4 * bytes + 1));
                    // SAFETY: four pages are committed, and only this test uses them.
                    unsafe { pages.base().write_bytes(1, 4 * bytes) };
                    drop(pages);
                    heap.reset().unwrap();
                }
            }
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn every_heap_begins_at_a_multiple_of_4_gib_whatever_their_size_and_number() {
        const GIB: usize = 1 << 30;
        let sizes = [0, 1, 4096, 100 * PAGE_BYTES, 4 * GIB - 1, 4 * GIB, 4 * GIB + 1, 16 * GIB];
        let heaps: Vec<_> = (0..80)
            .map(|count| {
                let page = PageSize::from_bytes(1 << (8 + count % 14)).unwrap();
                let bytes = sizes[count % sizes.len()];
                let heap = PageHeap::reserve_sized(page, page.pages_for(bytes), Guard::Trap).unwrap();
                assert_eq!(heap.handle().base().addr().get() % (4 * GIB), 0, "{bytes} in pages of {page}");
                heap
            })
            .collect();
        let mut spans: Vec<_> = heaps.iter().map(|heap| (heap.handle().base(), heap.memory.capacity_bytes)).collect();
        spans.sort_unstable();
        assert!(spans.windows(2).all(|pair| pair[1].0.addr().get() - pair[0].0.addr().get() >= pair[0].1));
    }

    #[test]
    #[should_panic(expected = "only when no allocator holds it")]
    fn a_held_heap_is_not_reset() {
        let mut heap = PageHeap::reserve(1, Guard::Trap).unwrap();
        let _held = heap.handle();
        let _ = heap.reset();
    }

    #[test]
    fn an_impossible_reservation_is_an_error() {
        assert!(matches!(PageHeap::reserve(usize::MAX, Guard::Trap), Err(PageHeapError::TooLarge { .. })));
        let error = PageHeap::reserve((isize::MAX as usize >> 16) - (BASE_ALIGN >> 15), Guard::Trap).unwrap_err();
        assert!(error.to_string().contains("cannot reserve"), "{error}");
        let small = PageSize::MIN;
        assert!(matches!(PageHeap::reserve_sized(small, 1 << 56, Guard::Trap), Err(PageHeapError::TooLarge { .. })));
    }

    #[test]
    fn heaps_on_several_threads_do_not_overlap() {
        let threads: Vec<_> = (1..=4u8)
            .map(|mark| {
                std::thread::spawn(move || {
                    let heap = PageHeap::reserve(8, Guard::Trap).unwrap();
                    let first = heap.handle().grow(8).unwrap();
                    // SAFETY: the pages are committed, and only this thread uses them.
                    unsafe {
                        first.write_bytes(mark, 8 * PAGE_BYTES);
                        std::thread::yield_now();
                        (0..8 * PAGE_BYTES).all(|byte| first.add(byte).read() == mark)
                    }
                })
            })
            .collect();
        for thread in threads {
            assert!(thread.join().unwrap());
        }
    }
}
