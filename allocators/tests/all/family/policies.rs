//! What each policy does, by where blocks are.

use std::alloc::Layout;
use std::mem::MaybeUninit;

use segregated_bump::page_source::Region;
use segregated_bump::policies::{
    Classic, Discarded, GrowthStep, ListsBySize, Multiples, Policies, PowersOfTwo, Published,
};
use segregated_bump::{Lost, PageSource, SegregatedBump};

/// A member of the test: the classic, but for its classes, its large blocks and its constants.
macro_rules! member {
    ($name:ident: $classes:ty, $large:ty $(, $constant:ident: $type:ty = $value:expr)*) => {
        struct $name;
        impl Policies for $name {
            type Classes = $classes;
            type LargeFrees = $large;
            $(const $constant: $type = $value;)*
        }
    };
}

/// An allocator in 64 KiB of memory at a multiple of 4096, and its blocks by their offsets.
struct Heap<P: Policies> {
    allocator: SegregatedBump<Region, P, Lost>,
    base: *mut u8,
}

impl<P: Policies> Heap<P> {
    fn new() -> Self {
        #[repr(align(4096))]
        struct Memory([MaybeUninit<u8>; 1 << 16]);
        let memory = Box::leak(Box::new(Memory([MaybeUninit::uninit(); 1 << 16])));
        let base = memory.0.as_mut_ptr().cast();
        Heap { allocator: SegregatedBump::new(Region::new(&mut memory.0)), base }
    }

    fn alloc(&mut self, bytes: usize, align: usize) -> usize {
        let block = self.allocator.alloc(Layout::from_size_align(bytes, align).unwrap());
        assert!(!block.is_null());
        block.addr() - self.base.addr()
    }

    fn free(&mut self, offset: usize, bytes: usize, align: usize) {
        // SAFETY: the tests free live blocks, with their layouts.
        unsafe { self.allocator.dealloc(self.base.add(offset), Layout::from_size_align(bytes, align).unwrap()) };
    }

    fn resize(&mut self, offset: usize, bytes: usize, new_bytes: usize) -> usize {
        let layout = Layout::from_size_align(bytes, 1).unwrap();
        // SAFETY: the tests resize live blocks, with their layouts.
        let block = unsafe { self.allocator.realloc(self.base.add(offset), layout, new_bytes) };
        assert!(!block.is_null());
        block.addr() - self.base.addr()
    }

    fn free_bytes_of_bins(&self) -> Vec<usize> {
        self.allocator.bins().map(|(_, bytes)| bytes).collect()
    }
}

#[test]
fn the_defaults_are_those_of_the_classic() {
    member!(Same: PowersOfTwo<4>, Discarded);
    let constants = |[large_step, blocks]: [usize; 2], switches: [bool; 6], growth: GrowthStep| {
        (large_step, blocks, switches, growth)
    };
    macro_rules! all {
        ($member:ty) => {
            constants(
                [<$member>::LARGE_STEP, <$member>::REFILL_BLOCKS],
                [
                    <$member>::BINS_TAKE_ALIGNED,
                    <$member>::SPLITS,
                    <$member>::TOP_TAKES_FREES,
                    <$member>::TOP_TAKES_SHRINKS,
                    <$member>::SMALL_SHRINKS_MOVE,
                    <$member>::REALLOC_IN_PLACE,
                ],
                <$member>::GROWTH,
            )
        };
    }
    assert_eq!(all!(Same), all!(Classic));
    assert_eq!(all!(Classic), (16, 1, [false, false, false, true, true, true], GrowthStep::Needed));
    assert_eq!(all!(Published), (1, 1, [false, false, false, false, false, true], GrowthStep::Needed));
}

#[test]
fn a_policy_that_is_not_used_takes_no_memory() {
    let words = |bytes: usize| bytes / size_of::<usize>();
    // Four bins, the bump pointer, the end and the start of its run, and the source.
    assert_eq!(words(size_of::<SegregatedBump<(), Classic>>()), 7);
    assert_eq!(words(size_of::<SegregatedBump<(), Published>>()), 7);
    member!(Wide: Multiples<72>, ListsBySize);
    assert_eq!(words(size_of::<SegregatedBump<(), Wide>>()), 72 + 28 + 3);
}

#[test]
fn classes_decide_which_sizes_are_used_again() {
    member!(Wide: PowersOfTwo<9>, Discarded);
    let mut heap = Heap::<Wide>::new();
    let block = heap.alloc(2000, 8);
    heap.alloc(1, 1);
    heap.free(block, 2000, 8);
    assert_eq!(heap.alloc(1025, 16), block);
    let mut classic = Heap::<Classic>::new();
    let block = classic.alloc(2000, 8);
    classic.alloc(1, 1);
    classic.free(block, 2000, 8);
    assert_ne!(classic.alloc(1025, 16), block);
}

#[test]
fn a_large_block_is_used_again_and_its_rest_too_where_it_is_kept() {
    member!(Keeping: PowersOfTwo<4>, ListsBySize);
    let mut heap = Heap::<Keeping>::new();
    let block = heap.alloc(1000, 8);
    heap.alloc(1, 1);
    heap.free(block, 1000, 8);
    assert_eq!(heap.alloc(600, 8), block);
    assert_eq!(heap.alloc(300, 8), block + 608, "what was left");
    assert_eq!(heap.free_bytes_of_bins(), [0, 32, 64, 0], "1008 - 608 - 304 bytes are small");
    let idle = heap.allocator.idle();
    assert_eq!((idle.large_bytes, idle.lost), (0, Some(Lost::default())));
}

#[test]
fn a_large_block_that_is_kept_serves_a_higher_alignment_with_its_padding_filed() {
    member!(Keeping: PowersOfTwo<4>, ListsBySize);
    let mut heap = Heap::<Keeping>::new();
    heap.alloc(1, 1);
    let block = heap.alloc(1000, 8);
    heap.alloc(1, 1);
    heap.free(block, 1000, 8);
    assert_eq!((block, heap.alloc(300, 256)), (16, 256));
    assert_eq!(heap.allocator.idle().large_bytes, (256 - 16) + (1024 - 256 - 304));
}

#[test]
fn a_large_block_that_shrinks_below_others_gives_up_its_end_where_it_is_kept() {
    member!(Keeping: PowersOfTwo<4>, ListsBySize);
    let mut heap = Heap::<Keeping>::new();
    let block = heap.alloc(1000, 1);
    heap.alloc(1, 1);
    assert_eq!(heap.resize(block, 1000, 500), block);
    assert_eq!(heap.alloc(400, 1), block + 512);
}

#[test]
fn large_blocks_are_multiples_of_their_step() {
    member!(Pages: PowersOfTwo<4>, Discarded, LARGE_STEP: usize = 4096);
    let mut heap = Heap::<Pages>::new();
    assert_eq!([heap.alloc(129, 1), heap.alloc(4097, 1), heap.alloc(1, 1), heap.alloc(1, 64)], [0, 4096, 12288, 12352]);
    member!(Exact: PowersOfTwo<4>, Discarded, LARGE_STEP: usize = 1);
    let mut heap = Heap::<Exact>::new();
    assert_eq!([heap.alloc(129, 1), heap.alloc(131, 1), heap.alloc(1, 1)], [0, 144, 288]);
    assert_eq!(heap.allocator.idle().lost, Some(Lost { freed_bytes: 0, padding_bytes: 15 + 13 }));
}

#[test]
fn a_bin_that_takes_aligned_blocks_gives_those_that_happen_to_be_aligned() {
    member!(Aligned: PowersOfTwo<4>, Discarded, BINS_TAKE_ALIGNED: bool = true);
    let mut heap = Heap::<Aligned>::new();
    let [first, second] = [heap.alloc(64, 64), heap.alloc(64, 8)];
    heap.free(first, 64, 64);
    assert_eq!(heap.alloc(50, 8), first, "for a lower alignment");
    heap.free(first, 50, 8);
    heap.free(second, 64, 8);
    assert_eq!(heap.alloc(60, 64), second, "{second} is a multiple of 64");
    assert_eq!(heap.alloc(60, 4096), first, "and 0 is one of all");
    heap.free(second, 60, 64);
    assert_eq!(heap.alloc(60, 4096), 4096, "{second} is none of 4096, and stays");
    assert_eq!(heap.free_bytes_of_bins(), [0, 0, 64, 0]);
}

#[test]
fn an_empty_bin_gets_a_run_of_blocks_in_the_order_of_their_addresses() {
    member!(Runs: PowersOfTwo<4>, Discarded, REFILL_BLOCKS: usize = 4);
    let mut heap = Heap::<Runs>::new();
    assert_eq!([heap.alloc(20, 1), heap.alloc(100, 1)], [0, 128]);
    assert_eq!([32, 64, 96, 640].map(|_| heap.alloc(20, 1)), [32, 64, 96, 640]);
    heap.alloc((1 << 16) - 640 - 128 - 96, 1);
    assert_eq!(heap.alloc(5, 1), (1 << 16) - 96);
    assert_eq!(heap.free_bytes_of_bins(), [48, 96, 0, 384]);
    assert_eq!(heap.alloc(20, 1), 640 + 32);
    assert_eq!(heap.allocator.idle().tail_bytes, 32, "no more than there is room for");
}

#[test]
fn a_block_of_a_higher_class_is_split_if_the_bin_is_empty() {
    member!(Splitting: PowersOfTwo<4>, Discarded, SPLITS: bool = true);
    let mut heap = Heap::<Splitting>::new();
    let block = heap.alloc(128, 1);
    heap.alloc(1, 1);
    heap.free(block, 128, 1);
    assert_eq!(heap.alloc(16, 1), block);
    assert_eq!(heap.free_bytes_of_bins(), [16, 32, 64, 0]);
    assert_eq!([heap.alloc(64, 1), heap.alloc(16, 1), heap.alloc(16, 1)], [block + 16, block + 112, block + 80]);
    let mut classic = Heap::<Classic>::new();
    let block = classic.alloc(128, 1);
    classic.alloc(1, 1);
    classic.free(block, 128, 1);
    assert_ne!(classic.alloc(16, 1), block);
}

#[test]
fn a_small_request_splits_a_large_block_if_both_are_chosen() {
    member!(Splitting: PowersOfTwo<4>, ListsBySize, SPLITS: bool = true);
    let mut heap = Heap::<Splitting>::new();
    let block = heap.alloc(1000, 1);
    heap.alloc(1, 1);
    heap.free(block, 1000, 1);
    assert_eq!(heap.alloc(50, 1), block);
    assert_eq!(heap.allocator.idle().large_bytes, 1008 - 64);
}

#[test]
fn a_last_block_that_is_freed_lowers_the_top_where_it_takes_frees() {
    member!(Taking: PowersOfTwo<4>, Discarded, TOP_TAKES_FREES: bool = true);
    let mut heap = Heap::<Taking>::new();
    let [small, large] = [heap.alloc(20, 1), heap.alloc(1000, 1)];
    heap.free(large, 1000, 1);
    heap.free(small, 20, 1);
    assert_eq!(heap.alloc(5000, 1), 0);
    assert_eq!(heap.allocator.idle().lost, Some(Lost::default()));
}

#[test]
fn a_last_block_that_shrinks_keeps_its_bytes_where_the_top_does_not_take_them() {
    let mut classic = Heap::<Classic>::new();
    let block = classic.alloc(1000, 1);
    assert_eq!(classic.resize(block, 1000, 200), block);
    assert_eq!(classic.alloc(1, 1), 208);
    let mut published = Heap::<Published>::new();
    let block = published.alloc(1000, 1);
    assert_eq!(published.resize(block, 1000, 200), block);
    assert_eq!(published.alloc(1, 1), 1008);
    assert_eq!(published.resize(block, 200, 300), 1024, "no longer the last block");
}

#[test]
fn a_small_block_that_shrinks_stays_or_moves() {
    let mut published = Heap::<Published>::new();
    let block = published.alloc(100, 1);
    published.alloc(1, 1);
    assert_eq!(published.resize(block, 100, 10), block);
    published.free(block, 10, 1);
    assert_eq!(published.free_bytes_of_bins(), [16, 0, 0, 0]);
    assert_eq!(published.allocator.idle().lost, Some(Lost { freed_bytes: 112, padding_bytes: 0 }));
    let mut classic = Heap::<Classic>::new();
    let block = classic.alloc(100, 1);
    classic.alloc(1, 1);
    assert_ne!(classic.resize(block, 100, 10), block);
    assert_eq!(classic.free_bytes_of_bins(), [0, 0, 0, 128]);
}

/// A source that gives what is requested, and records it.
struct Requests<'a> {
    region: Region,
    requested: &'a std::cell::RefCell<Vec<usize>>,
    left: usize,
}

// SAFETY: each run is a part of the region's memory that follows the one before.
unsafe impl PageSource for Requests<'_> {
    fn run_align(&self) -> usize {
        16
    }

    fn acquire(&mut self, min_bytes: usize) -> Option<std::ptr::NonNull<[u8]>> {
        self.requested.borrow_mut().push(min_bytes);
        let left = self.left.checked_sub(min_bytes)?;
        let all = self.region.acquire(0)?;
        let (start, bytes) = (all.cast::<u8>(), all.len());
        self.left = left;
        // SAFETY: the rest of the memory is the region's again.
        unsafe {
            self.region = Region::from_raw(start.add(min_bytes), bytes - min_bytes);
        }
        Some(std::ptr::NonNull::slice_from_raw_parts(start, min_bytes))
    }
}

/// What a member requests for four blocks of 1,000 bytes where there are 5,000.
fn requests<P: Policies>() -> Vec<usize> {
    #[repr(align(16))]
    struct Memory([MaybeUninit<u8>; 5000]);
    let memory = Box::leak(Box::new(Memory([MaybeUninit::uninit(); 5000])));
    let requested = std::cell::RefCell::new(Vec::new());
    let source = Requests { region: Region::new(&mut memory.0), requested: &requested, left: 5000 };
    let mut allocator = SegregatedBump::<_, P>::new(source);
    for _ in 0..4 {
        assert!(!allocator.alloc(Layout::new::<[u8; 1000]>()).is_null());
    }
    requested.take()
}

#[test]
fn memory_is_requested_by_the_growth_step_and_by_what_is_needed_if_there_is_no_more() {
    assert_eq!(requests::<Classic>(), [1008, 1008, 1008, 1008]);
    member!(Doubling: PowersOfTwo<4>, Discarded, GROWTH: GrowthStep = GrowthStep::Share(1));
    assert_eq!(requests::<Doubling>(), [1008, 1008, 2016]);
    member!(Steps: PowersOfTwo<4>, Discarded, GROWTH: GrowthStep = GrowthStep::MultipleOf(3000));
    assert_eq!(requests::<Steps>(), [3000, 3000, 24, 3000, 1008], "a second 3000 are not there");
}
