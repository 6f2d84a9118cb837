//! Every registered contender conforms, and the suite catches every known fault.

use heaprace_allocators::conformance::{self, Failure};
use heaprace_allocators::contenders::{self, Visitor};
use heaprace_allocators::faulty::{self, Faulty, GrowsWithoutItsClass};
use heaprace_allocators::shadow::Violation;
use heaprace_allocators::{HeapAllocator, PageSize, Purpose};

struct Failures {
    page: PageSize,
}

impl Visitor for Failures {
    type Output = Vec<String>;

    fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> Vec<String> {
        let cases = conformance::cases::<A>();
        assert_eq!(cases.is_empty(), A::INFO.purpose == Purpose::Floor, "{}", A::INFO.name);
        assert_eq!(A::probe(), Ok(()), "{}", A::INFO.name);
        let failures = cases.iter().filter_map(|case| Some((case, (case.run)(self.page).err()?)));
        let place = format!("{} on pages of {}", A::INFO.name, self.page);
        failures.map(|(case, failure)| format!("{place}: {}: {failure}", case.name)).collect()
    }
}

#[test]
fn every_contender_conforms() {
    let failures = contenders::visit_all(&mut Failures { page: PageSize::WASM }).concat();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_contender_conforms_on_pages_of_other_sizes_on_several_threads_at_once() {
    let threads = [256, 4096, 2 << 20].map(|bytes| {
        let page = PageSize::from_bytes(bytes).unwrap();
        std::thread::spawn(move || contenders::visit_all(&mut Failures { page }).concat())
    });
    for thread in threads {
        assert_eq!(thread.join().unwrap(), Vec::<String>::new());
    }
}

/// The first violation that the suite finds.
fn caught<A: HeapAllocator>() -> Violation {
    let failures = conformance::cases::<A>().into_iter().filter_map(|case| (case.run)(PageSize::WASM).err());
    let mut violations = failures.filter_map(|failure| match failure {
        Failure::Violation(violation) => Some(violation),
        _ => None,
    });
    violations.next().expect("a faulty allocator conforms")
}

#[test]
fn every_fault_is_caught_as_its_own_violation() {
    assert!(matches!(caught::<Faulty<faulty::Overlap>>(), Violation::Overlap { .. }));
    assert!(matches!(caught::<Faulty<faulty::Enclosure>>(), Violation::Overlap { .. }));
    assert!(matches!(caught::<Faulty<faulty::Misalignment>>(), Violation::Misaligned { .. }));
    assert!(matches!(caught::<Faulty<faulty::OutsideHeap>>(), Violation::OutsideHeap { .. }));
    assert!(matches!(caught::<Faulty<faulty::LostByte>>(), Violation::LostInRealloc { .. }));
    assert!(matches!(caught::<Faulty<faulty::NotZeroed>>(), Violation::NotZeroed { .. }));
    assert!(matches!(caught::<Faulty<faulty::Overwriting>>(), Violation::Overwritten { .. }));
    assert!(matches!(caught::<GrowsWithoutItsClass>(), Violation::Overlap { .. } | Violation::Misaligned { .. }));
}
