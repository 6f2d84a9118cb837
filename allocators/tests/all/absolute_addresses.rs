//! Memory figures are the same in every process, although allocators depend on absolute addresses and the system
//! chooses where heaps are.

use std::alloc::Layout;
use std::fmt::Write;
use std::process::Command;

use heaprace_allocators::checked::Checked;
use heaprace_allocators::contenders::bump::Bump;
use heaprace_allocators::contenders::{self, Visitor};
use heaprace_allocators::page_heap::{BASE_ALIGN, Guard};
use heaprace_allocators::{HeapAllocator, HeapRef, Info, PAGE_BYTES, PageHeap, PageSize, Purpose};

/// Set in a child process: its index, and the number of heaps it reserves first, so that its own heaps get other
/// addresses.
const CHILD: &str = "HEAPRACE_TEST_CHILD";

/// The heaps on which figures are taken: page size, and pages.
const HEAPS: [(usize, usize); 3] = [(64 << 10, 1 << 16), (256, 1 << 24), (2 << 20, 1 << 15)];

/// The output of this test binary's ignored test `name`, run in a separate process.
fn output_of(name: &str, child: usize, through: &[&str]) -> String {
    let this = std::env::current_exe().unwrap();
    let mut words = through.iter().map(AsRef::as_ref).chain([this.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--ignored", "--exact", "--nocapture", name]).env(CHILD, child.to_string());
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter(|line| line.starts_with("figure ")).collect::<Vec<_>>().join("\n")
}

/// The address of each block and the size of the heap after each request of a fixed program with high alignments.
struct Figures;

impl Visitor for Figures {
    type Output = String;

    fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> String {
        let mut text = String::new();
        if A::INFO.purpose == Purpose::Floor {
            return text;
        }
        for (page_bytes, pages) in HEAPS {
            let page = PageSize::from_bytes(page_bytes).unwrap();
            let mut checked = Checked::<A>::on_pages(page, pages).unwrap();
            let (heap, mut live) = (checked.heap(), Vec::new());
            for step in 0..160_usize {
                // Alignments from 64 KiB to 2 GiB and back, with small requests in between; every fifth step frees,
                // every seventh resizes.
                let bits = 16 + [step % 32, 31 - step % 32].into_iter().min().unwrap_or(0);
                let align = if step.is_multiple_of(3) { 8 } else { 1 << bits };
                let layout = Layout::from_size_align(1 + (step * 7919) % 40_000, align).unwrap();
                let block = if step % 5 == 4 && !live.is_empty() {
                    checked.dealloc(live.swap_remove(step * 31 % live.len())).unwrap();
                    None
                } else if step % 7 == 6 && !live.is_empty() {
                    let which = step * 17 % live.len();
                    let moved = checked.realloc(live[which], layout.size()).unwrap();
                    live[which] = moved.unwrap_or(live[which]);
                    moved
                } else {
                    let block = checked.alloc(layout, step.is_multiple_of(2)).unwrap();
                    live.extend(block);
                    block
                };
                let offset = block.map(|block| block.addr().get() - heap.base().addr().get());
                let (pages, grows) = (heap.committed_pages(), heap.grow_calls());
                writeln!(text, "figure {} {page} step {step}: {offset:?} {pages} {grows}", A::INFO.name).unwrap();
            }
        }
        text
    }
}

/// Makes addresses differ between children even if the system does not randomise them.
fn heaps_in_front() -> Vec<PageHeap> {
    let child: usize = std::env::var(CHILD).map_or(0, |child| child.parse().unwrap());
    (0..child).map(|_| PageHeap::reserve(20_000, Guard::Batched).unwrap()).collect()
}

#[test]
#[ignore = "run by the tests below in separate processes"]
fn figures_of_every_contender() {
    let _front = heaps_in_front();
    println!("\n{}", contenders::visit_all(&mut Figures).concat());
}

#[test]
#[ignore = "run by the tests below in separate processes"]
fn figures_of_an_allocator_that_reads_upper_address_bits() {
    let _front = heaps_in_front();
    println!("\n{}", Figures.visit::<ReadsUpperBits, ReadsUpperBits>());
}

/// The first line in which two of these outputs differ.
fn difference(outputs: &[String]) -> Option<(&str, &str)> {
    let lines = |output: &'_ String| output.lines().count();
    assert!(outputs.iter().all(|output| lines(output) == lines(&outputs[0]) && lines(output) > 0));
    outputs.iter().find_map(|other| outputs[0].lines().zip(other.lines()).find(|(one, other)| one != other))
}

#[test]
fn every_figure_is_the_same_in_every_process() {
    let outputs = [0, 1, 2, 5].map(|child| output_of("absolute_addresses::figures_of_every_contender", child, &[]));
    assert_eq!(difference(&outputs), None);
    // The program is meaningful: each contender allocated blocks at alignments above any page size.
    for info in contenders::ALL.iter().filter(|info| info.purpose != Purpose::Floor) {
        let lines: Vec<_> =
            outputs[0].lines().filter(|line| line.starts_with(&format!("figure {} ", info.name))).collect();
        assert_eq!(lines.len(), HEAPS.len() * 160, "{}", info.name);
        let granted = lines.iter().filter(|line| line.contains("Some")).count();
        assert!(granted >= 100, "{}: {granted} blocks", info.name);
    }
}

#[test]
fn a_figure_that_depends_on_the_heaps_address_is_detected() {
    let outputs = [0, 1, 2, 5].map(|child| {
        output_of("absolute_addresses::figures_of_an_allocator_that_reads_upper_address_bits", child, &[])
    });
    assert!(difference(&outputs).is_some());
}

/// A bump allocator whose first block depends on more than the low 32 bits of its address.
struct ReadsUpperBits {
    bump: Bump,
    first_bytes: usize,
}

// SAFETY: blocks come from the bump allocator and are at least as large as requested.
unsafe impl HeapAllocator for ReadsUpperBits {
    const INFO: Info = Info { name: "reads-upper-bits", ..Bump::INFO };

    fn create(heap: HeapRef) -> Self {
        let first_bytes = heap.base().addr().get() / BASE_ALIGN % 256 * PAGE_BYTES;
        ReadsUpperBits { bump: Bump::create(heap), first_bytes }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let bytes = layout.size() + std::mem::take(&mut self.first_bytes);
        // SAFETY: upheld by the caller; 16 MiB more do not overflow.
        unsafe { self.bump.alloc(Layout::from_size_align_unchecked(bytes, layout.align())) }
    }

    unsafe fn dealloc(&mut self, _block: *mut u8, _layout: Layout) {}
}

#[test]
#[ignore = "run by the test below in a separate process"]
fn reserves_under_a_limit() {
    let heap = PageHeap::reserve(1 << 14, Guard::Trap).unwrap();
    // SAFETY: this heap has no other user, and the page is committed.
    unsafe { heap.handle().grow(1).unwrap().write(1) };
    println!("\nfigure {}", heap.handle().base().addr().get() % BASE_ALIGN);
}

#[test]
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn the_alignment_works_under_an_address_space_limit() {
    // 3 GiB in all: enough for a heap of 1 GiB, but not for finding a multiple of 4 GiB by reserving more.
    let limited = ["sh", "-c", "ulimit -v 3145728 && exec \"$0\" \"$@\""];
    assert_eq!(output_of("absolute_addresses::reserves_under_a_limit", 0, &limited), "figure 0");
}
