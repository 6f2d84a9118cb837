//! Random programs of requests on every contender, against the shadow model.

use std::alloc::Layout;
use std::ptr::NonNull;

use heaprace_allocators::checked::Checked;
use heaprace_allocators::contenders::{self, Visitor};
use heaprace_allocators::faulty::{self, Faulty};
use heaprace_allocators::shadow::Violation;
use heaprace_allocators::{HeapAllocator, PAGE_BYTES, PageSize, Purpose};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

#[derive(Clone, Debug)]
enum Op {
    Alloc { bytes: usize, align_bits: u32, zeroed: bool },
    Realloc { which: usize, bytes: usize },
    Dealloc { which: usize },
    Reset,
}

fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1usize..160, 3 => 100usize..5000, 1 => 60_000usize..200_000]
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        40 => (sizes(), prop_oneof![5 => 0u32..5, 1 => 0u32..=16], any::<bool>())
            .prop_map(|(bytes, align_bits, zeroed)| Op::Alloc { bytes, align_bits, zeroed }),
        30 => (any::<usize>(), sizes()).prop_map(|(which, bytes)| Op::Realloc { which, bytes }),
        30 => any::<usize>().prop_map(|which| Op::Dealloc { which }),
        1 => Just(Op::Reset),
    ];
    prop::collection::vec(op, 1..300)
}

/// Page sizes: WebAssembly's in half of the cases.
fn pages() -> impl Strategy<Value = PageSize> {
    prop_oneof![3 => Just(PAGE_BYTES), 1 => Just(256), 1 => Just(4096), 1 => Just(2 << 20)]
        .prop_map(|bytes| PageSize::from_bytes(bytes).unwrap())
}

/// Runs a program on a heap small enough to run out now and then.
fn run<A: HeapAllocator>(page: PageSize, ops: &[Op]) -> Result<(), Violation> {
    let mut checked = Checked::<A>::on_pages(page, page.pages_for(A::SETUP_BYTES + 24 * PAGE_BYTES)).unwrap();
    let mut live: Vec<NonNull<u8>> = Vec::new();
    for op in ops {
        match *op {
            Op::Alloc { bytes, align_bits, zeroed } => {
                live.extend(checked.alloc(Layout::from_size_align(bytes, 1 << align_bits).unwrap(), zeroed)?);
            }
            Op::Realloc { which, bytes } if !live.is_empty() => {
                let which = which % live.len();
                live[which] = checked.realloc(live[which], bytes)?.unwrap_or(live[which]);
            }
            Op::Dealloc { which } if !live.is_empty() => {
                let block = live.swap_remove(which % live.len());
                checked.dealloc(block)?;
            }
            Op::Realloc { .. } | Op::Dealloc { .. } => {}
            Op::Reset => {
                checked.reset().unwrap();
                live.clear();
            }
        }
    }
    checked.check_all()
}

fn holds_for<A: HeapAllocator>(cases: u32) -> Result<(), String> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(pages(), ops()), |(page, ops)| {
        run::<A>(page, &ops).map_err(|violation| TestCaseError::fail(violation.to_string()))
    });
    result.map_err(|error| format!("{}: {error}", A::INFO.name))
}

#[test]
fn random_programs_find_no_violation_in_any_contender() {
    struct Holds;
    impl Visitor for Holds {
        type Output = Result<(), String>;
        fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> Result<(), String> {
            if A::INFO.purpose == Purpose::Floor { Ok(()) } else { holds_for::<A>(400) }
        }
    }
    let failures: Vec<_> = contenders::visit_all(&mut Holds).into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn random_programs_catch_faulty_allocators() {
    assert!(holds_for::<Faulty<faulty::Overlap>>(300).is_err());
    assert!(holds_for::<Faulty<faulty::Enclosure>>(300).is_err());
    assert!(holds_for::<Faulty<faulty::LostByte>>(300).is_err());
    assert!(holds_for::<Faulty<faulty::NotZeroed>>(300).is_err());
    assert!(holds_for::<Faulty<faulty::Overwriting>>(300).is_err());
    assert!(holds_for::<faulty::GrowsWithoutItsClass>(3000).is_err());
}
