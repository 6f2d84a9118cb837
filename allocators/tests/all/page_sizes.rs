//! Every contender requests pages of the heap's own size, and no more of them than its crate does.

use std::alloc::Layout;

use heaprace_allocators::checked::Checked;
use heaprace_allocators::contenders::{self, Visitor};
use heaprace_allocators::{HeapAllocator, PageSize, Purpose};

/// Bytes that a contender has committed after one small request, and after a thousand.
struct Committed {
    page: PageSize,
}

impl Visitor for Committed {
    type Output = (&'static str, [usize; 2]);

    fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> Self::Output {
        let mut committed = [0, 0];
        if A::INFO.purpose != Purpose::Floor {
            let mut checked = Checked::<A>::on_pages(self.page, self.page.pages_for(4 << 20)).unwrap();
            for (requests, committed_bytes) in [1, 999].into_iter().zip(&mut committed) {
                for _ in 0..requests {
                    assert!(checked.alloc(Layout::from_size_align(100, 4).unwrap(), false).unwrap().is_some());
                }
                *committed_bytes = checked.heap().committed_bytes();
            }
        }
        (A::INFO.name, committed)
    }
}

/// The result of [`Committed`] for a contender on pages of `page_bytes` bytes.
fn committed(name: &str, page_bytes: usize) -> [usize; 2] {
    let mut visitor = Committed { page: PageSize::from_bytes(page_bytes).unwrap() };
    contenders::visit(name, &mut visitor).expect("a registered name").1
}

#[test]
fn pages_are_taken_one_by_one_whatever_their_size() {
    // 100 bytes: rounded up to 128 by the segregated bump, with an overhead of 8 or 12 in the others. One more page may
    // be open.
    for page_bytes in [256, 4096, 65_536, 2 << 20] {
        for (name, block_bytes) in [("segregated-bump", 128_usize), ("bump", 100), ("dlmalloc", 112), ("talc", 128)] {
            let [first, all] = committed(name, page_bytes);
            // talc's tables and dlmalloc's first and last words.
            let (first_bytes, all_bytes) = (block_bytes + 1500, block_bytes * 1000 + 1500);
            assert!(first <= first_bytes.next_multiple_of(page_bytes), "{name} on {page_bytes}: {first}");
            assert!(all <= all_bytes.next_multiple_of(page_bytes), "{name} on {page_bytes}: {all}");
            assert!(all >= 100 * 1000 && first.is_multiple_of(page_bytes), "{name} on {page_bytes}: {first}, {all}");
        }
    }
}

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn wee_alloc_keeps_its_steps_of_4_kib() {
    // 8,192 words for the first block of a size class and the rest of its cell, plus a header: 17 steps.
    assert_eq!([256, 4096, 65_536].map(|page| committed("wee_alloc", page)[0]), [69_632, 69_632, 131_072]);
    assert_eq!(committed("wee_alloc", 256), committed("wee_alloc", 4096));
}

#[test]
fn wasmalloc_keeps_its_slices_of_64_kib() {
    // Two slices at first; then as many as blocks of 104 or 112 bytes need.
    assert_eq!(
        [256, 4096, 65_536, 2 << 20].map(|page| committed("wasmalloc", page)),
        [[131_072, 131_072], [131_072, 131_072], [131_072, 131_072], [2 << 20, 2 << 20],]
    );
}
