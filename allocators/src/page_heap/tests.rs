//! Tests of the page heap.

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
    for (ask, granted, refused) in [(3, true, 0), (2, false, 1), (usize::MAX, false, 2), (1, true, 2), (1, false, 3)] {
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

#[test]
fn heaps_share_a_budget_and_a_grow_past_it_fails_and_says_so() {
    let total_bytes = 100 * PAGE_BYTES;
    let budget = Arc::new(MemoryBudget::new(total_bytes));
    assert!(budget.take(95 * PAGE_BYTES));
    let heap = || PageHeap::reserve_within(PageSize::WASM, 100, Guard::Batched, Some(&budget)).unwrap();
    let (mut first, second) = (heap(), heap());
    assert!(first.handle().grow(3).is_some(), "a batch does not fit, but the pages do");
    let pages = second.handle();
    assert_eq!((pages.grow(3), second.passed_budget_bytes(), pages.refused_grows()), (None, Some(total_bytes), 1));
    assert!(pages.grow(2).is_some() && first.passed_budget_bytes().is_none());
    first.reset().unwrap();
    assert!(pages.grow(3).is_some() && second.passed_budget_bytes().is_some(), "it stays so until the heap is reset");
    drop((pages, second));
    assert!(budget.take(5 * PAGE_BYTES) && !budget.take(1), "all is given back");
    budget.give_back(5 * PAGE_BYTES);
    let alone = heap();
    assert_eq!((alone.handle().grow(100), alone.passed_budget_bytes()), (None, Some(total_bytes)));
    assert_eq!((alone.handle().grow(101), alone.handle().refused_grows()), (None, 2), "past the limit");
}

#[test]
fn a_pool_is_the_whole_limit_and_its_pages_count_once_they_are_committed() {
    for page_bytes in [256, 4096, PAGE_BYTES, 2 << 20] {
        for guard in [Guard::Trap, Guard::Batched] {
            let page = PageSize::from_bytes(page_bytes).unwrap();
            let mut heap = PageHeap::reserve_sized(page, 5, guard).unwrap();
            for limit in [3, 5] {
                heap.set_limit_pages(limit);
                let pages = heap.handle();
                let memory = pages.open_pool().unwrap();
                let (base, bytes) = (pages.base(), limit * page_bytes);
                assert_eq!((memory.cast(), memory.len()), (base, bytes));
                // SAFETY: the pool is accessible, and only this test uses it.
                unsafe {
                    assert_eq!(base.add(bytes - 1).read(), 0, "a reset takes back what was not committed");
                    base.write_bytes(1, bytes);
                }
                assert_eq!((pages.committed_pages(), pages.open_pool()), (0, None));
                assert_eq!(pages.resident_bytes(), Some(bytes.next_multiple_of(host_page_bytes())));
                let start = base.addr().get();
                for (end, committed) in [(1, 1), (page_bytes, 1), (page_bytes + 1, 2), (1, 2), (bytes, limit)] {
                    assert!(pages.commit_up_to(start + end));
                    assert_eq!(pages.committed_pages(), committed);
                    assert!(pages.contains(start, committed * page_bytes));
                    assert!(!pages.contains(start, committed * page_bytes + 1));
                }
                assert_eq!((pages.refused_grows(), pages.grow_calls()), (0, 0));
                assert!(!pages.commit_up_to(start + bytes + 1) && !pages.commit_up_to(start - 1));
                pages.commit_moved(start + bytes + 1);
                assert_eq!((pages.committed_pages(), pages.refused_grows()), (limit, 3));
                drop(pages);
                heap.reset().unwrap();
            }
        }
    }
}

#[test]
fn a_reset_takes_back_what_a_pool_has_not_committed() {
    let mut heap = PageHeap::reserve(4, Guard::Batched).unwrap();
    for _ in 0..2 {
        let last = heap.handle().open_pool().unwrap().len() - 1;
        // SAFETY: the pool is accessible, and only this test uses it.
        unsafe {
            let byte = heap.handle().base().add(last);
            assert_eq!(byte.replace(1), 0);
        }
        heap.reset().unwrap();
    }
}

#[test]
fn memory_is_either_a_pool_or_grows() {
    let mut heap = PageHeap::reserve(10, Guard::Trap).unwrap();
    assert!(heap.handle().open_pool().is_some());
    heap.set_limit_pages(9);
    assert_eq!((heap.handle().grow(1), heap.handle().refused_grows()), (None, 1), "it is a pool");
    assert!(heap.handle().commit_up_to(heap.handle().base().addr().get() + 1));
    assert_eq!((heap.handle().grow(1), heap.handle().grow(0)), (None, None));
    heap.reset().unwrap();
    assert!(
        heap.handle().grow(9).is_some() && heap.handle().grow(1).is_none(),
        "the limit was set while it was a pool"
    );
    assert_eq!(heap.handle().open_pool(), None);
    assert!(!heap.handle().commit_up_to(heap.handle().base().addr().get() + 1), "it grows");
    heap.set_limit_pages(0);
    heap.reset().unwrap();
    assert_eq!(heap.handle().open_pool(), None, "no pages");
}

#[test]
fn a_pool_takes_from_the_budget_what_is_committed() {
    let budget = Arc::new(MemoryBudget::new(20 * PAGE_BYTES));
    let heap = |guard| PageHeap::reserve_within(PageSize::WASM, 20, guard, Some(&budget)).unwrap();
    let left = || {
        (0..=20)
            .rev()
            .find(|&pages| budget.take(pages * PAGE_BYTES))
            .inspect(|&pages| budget.give_back(pages * PAGE_BYTES))
    };
    let (mut first, second) = (heap(Guard::Trap), heap(Guard::Batched));
    let commit =
        |heap: &PageHeap, pages| heap.handle().commit_up_to(heap.handle().base().addr().get() + pages * PAGE_BYTES);
    assert!(first.handle().open_pool().is_some() && second.handle().open_pool().is_some());
    assert_eq!(left(), Some(20));
    assert!(commit(&first, 3));
    assert_eq!(left(), Some(17));
    assert!(commit(&second, 2), "a batch is the whole pool, and does not fit, but the pages do");
    assert_eq!(left(), Some(15));
    assert!(!commit(&second, 18));
    assert_eq!((second.passed_budget_bytes(), second.handle().refused_grows()), (Some(20 * PAGE_BYTES), 1));
    second.handle().commit_moved(second.handle().base().addr().get() + 18 * PAGE_BYTES);
    assert_eq!((second.handle().committed_pages(), left()), (18, Some(15)));
    first.reset().unwrap();
    assert_eq!((left(), first.passed_budget_bytes()), (Some(18), None));
    drop(second);
    assert_eq!(left(), Some(20));
    let mut smaller = heap(Guard::Batched);
    smaller.set_limit_pages(5);
    assert!(smaller.handle().open_pool().is_some() && commit(&smaller, 1));
    assert_eq!(left(), Some(15), "a batch ends with the pool");
}

#[test]
fn a_full_pool_that_the_budget_made_smaller_than_the_limit_has_passed_the_budget() {
    let budget = Arc::new(MemoryBudget::new(20 * PAGE_BYTES));
    for (pages, request_pages, passed) in [(20, 1, false), (21, 22, false), (21, 21, true)] {
        let heap = PageHeap::reserve_within(PageSize::WASM, pages, Guard::Trap, Some(&budget)).unwrap();
        assert_eq!(heap.handle().open_pool().unwrap().len(), 20 * PAGE_BYTES);
        heap.handle().note_full_pool(request_pages * PAGE_BYTES);
        assert_eq!((heap.passed_budget_bytes().is_some(), heap.handle().refused_grows()), (passed, 1), "{pages}");
    }
}
