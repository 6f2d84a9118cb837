//! Random programs, biased to what breaks allocators: sizes and growth around the borders of classes and pages, large
//! alignments, heaps that run full, and blocks that are freed in every order.

use fastrand::Rng;
use heaprace_allocators::PageSize;

use super::script::{HeapShape, Script};

/// A size above this is rare: it takes the time of many small ones to check.
const LARGE_BYTES: u32 = 16 << 10;

/// Most bytes live at once in a program that is not about a full heap.
const MOST_LIVE_BYTES: u64 = 1 << 20;

/// The largest alignment, as a power of two: 64 KiB.
const MOST_ALIGN_LOG2: u8 = 16;

/// The program of this number, and its heap: the same for the same seed and build.
pub(super) fn program(seed: u64, number: u64) -> (HeapShape, Script) {
    // Any two numbers lead to seeds that have nothing in common.
    let rng = Rng::with_seed(Rng::with_seed(seed).u64(..) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    Generator::new(rng).program()
}

/// What kind of program it is.
struct Style {
    /// Sizes that come again and again.
    favourites: [u32; 4],
    /// Sizes are mostly up to 2 to this power.
    scale_log2: u32,
    /// Of 100 allocations, how many have another alignment than 8.
    aligned: u32,
    /// The largest alignment, as a power of two.
    most_align_log2: u8,
    /// Of 100 allocations, how many are zeroed.
    zeroed: u32,
}

/// Which of the live objects is freed or resized.
#[derive(Clone, Copy)]
enum Order {
    LastIn,
    FirstIn,
    Random,
}

#[derive(Clone, Copy)]
struct Object {
    number: u32,
    size: u32,
}

struct Generator {
    rng: Rng,
    shape: HeapShape,
    style: Style,
    /// Most bytes live at once.
    most_live_bytes: u64,
    script: Script,
    live: Vec<Object>,
    live_bytes: u64,
}

impl Generator {
    fn new(mut rng: Rng) -> Self {
        let page_bytes = [256, 1024, 4096, 4096, 65_536, 65_536, 65_536, 2 << 20];
        let page = PageSize::from_bytes(rng.choice(page_bytes).expect("there are some")).expect("these are page sizes");
        let room_bytes = page.bytes().max(4096);
        let fills = rng.u8(..4) == 0;
        // A heap that runs full, or one that has room for anything but the absurd.
        let heap_bytes = if fills { room_bytes * rng.usize(1..=16) } else { 64 << 20 };
        let shape = HeapShape { page, limit_pages: page.pages_for(heap_bytes) };
        let scale_log2 = rng.choice([7, 9, 10, 10, 12, 14]).expect("there are some");
        let (aligned, most_align_log2) =
            rng.choice([(10, 4), (10, 4), (30, 6), (60, 8), (30, MOST_ALIGN_LOG2)]).expect("there are some");
        let zeroed = rng.choice([0, 10, 50]).expect("there are some");
        let style = Style { favourites: [1; 4], scale_log2, aligned, most_align_log2, zeroed };
        let most_live_bytes = if fills { 2 * heap_bytes as u64 } else { MOST_LIVE_BYTES };
        let script = Script::default();
        let mut generator = Generator { rng, shape, style, most_live_bytes, script, live: Vec::new(), live_bytes: 0 };
        for place in 0..generator.style.favourites.len() {
            generator.style.favourites[place] = generator.new_size();
        }
        generator
    }

    fn program(mut self) -> (HeapShape, Script) {
        let steps = self.rng.choice([20, 60, 200, 200, 1000, 4000]).expect("there are some");
        while self.script.steps.len() < steps {
            let most = self.rng.usize(8..=200).min(steps - self.script.steps.len());
            match self.rng.u8(..7) {
                0 | 1 => self.mix(most),
                2 => self.fill(most),
                3 => self.drain(most),
                4 => self.grow(most),
                5 => self.breathe(most),
                _ => self.queue(most),
            }
        }
        if self.rng.bool() {
            self.drain(usize::MAX);
        }
        (self.shape, self.script)
    }

    /// Allocations, frees and reallocations in random order.
    fn mix(&mut self, most: usize) {
        let (frees, resizes) = (self.rng.u8(10..60), self.rng.u8(0..40));
        for _ in 0..most {
            match self.rng.u8(..100) {
                roll if roll < frees => self.free(Order::Random),
                roll if roll < frees + resizes => self.resize(Order::Random),
                _ => self.allocate(),
            }
        }
    }

    /// Allocations only; half the time all of one size, as in a heap that runs full of it.
    fn fill(&mut self, most: usize) {
        let size = self.rng.bool().then(|| self.size());
        for _ in 0..most {
            let size = size.unwrap_or_else(|| self.size());
            self.allocate_bytes(size);
        }
    }

    /// Frees only, in one order; now and then of every second object.
    fn drain(&mut self, most: usize) {
        if self.rng.u8(..4) == 0 {
            let mut is_kept = self.rng.bool();
            let (kept, freed) = self.live.iter().partition(|_| {
                is_kept = !is_kept;
                is_kept
            });
            self.live = kept;
            let freed: Vec<Object> = freed;
            freed.into_iter().for_each(|object| self.end(object));
        }
        let order = self.order();
        for _ in 0..most.min(self.live.len()) {
            self.free(order);
        }
    }

    /// One object grows and grows, with or without others in its way.
    fn grow(&mut self, most: usize) {
        let start = self.rng.u32(1..=64);
        self.allocate_bytes(start);
        let (way, in_the_way) = (self.rng.u8(..4), self.rng.u8(..3));
        for _ in 0..most {
            let Some(place) = self.live.len().checked_sub(1) else { return };
            let size = self.live[place].size;
            let size = match way {
                0 => size.saturating_add(1),
                1 => size.saturating_mul(2),
                2 => class_border(size),
                _ => size.saturating_add(self.rng.u32(1..=64)),
            };
            if size > LARGE_BYTES && self.rng.u8(..8) > 0 {
                return;
            }
            self.resize_to(place, size);
            if in_the_way == 0 {
                // The new one is the last, so that the growing one must be moved to the end again.
                self.allocate();
                if let [.., before, last] = &mut self.live[..] {
                    std::mem::swap(before, last);
                }
            }
        }
    }

    /// Objects shrink and grow again to what they were, or a little more.
    fn breathe(&mut self, most: usize) {
        for _ in 0..most / 2 {
            let Some(place) = self.place(Order::Random) else { return self.fill(most / 2) };
            let Object { number, size } = self.live[place];
            let less = self.rng.u32(1..=size);
            self.resize_to(place, less);
            if self.rng.bool() {
                self.allocate();
            }
            // It may have been freed to make room.
            let Some(place) = self.live.iter().position(|object| object.number == number) else { continue };
            let more = size.saturating_add(self.rng.choice([0, 0, 1, 8]).unwrap_or(0));
            self.resize_to(place, more);
        }
    }

    /// As many live objects as before: one is allocated for each that is freed.
    fn queue(&mut self, most: usize) {
        let order = self.order();
        for _ in 0..most / 2 {
            self.allocate();
            self.free(order);
        }
    }

    fn order(&mut self) -> Order {
        self.rng.choice([Order::LastIn, Order::FirstIn, Order::Random]).unwrap_or(Order::Random)
    }

    fn allocate(&mut self) {
        let size = self.size();
        self.allocate_bytes(size);
    }

    fn allocate_bytes(&mut self, size: u32) {
        if self.live_bytes + room(size) > self.most_live_bytes {
            return self.free(Order::Random);
        }
        let align_log2 = match self.rng.u32(..100) {
            roll if roll < self.style.aligned => self.rng.u8(0..=self.style.most_align_log2),
            _ => 3,
        };
        let zeroed = self.rng.u32(..100) < self.style.zeroed;
        let number = self.script.allocate(size, align_log2, zeroed);
        self.live_bytes += room(size);
        self.live.push(Object { number, size });
    }

    fn place(&mut self, order: Order) -> Option<usize> {
        let last = self.live.len().checked_sub(1)?;
        Some(match order {
            Order::LastIn => last,
            Order::FirstIn => 0,
            Order::Random => self.rng.usize(..=last),
        })
    }

    fn free(&mut self, order: Order) {
        let Some(place) = self.place(order) else { return };
        let object = match order {
            Order::Random => self.live.swap_remove(place),
            _ => self.live.remove(place),
        };
        self.end(object);
    }

    fn end(&mut self, object: Object) {
        self.script.free(object.number);
        self.live_bytes -= room(object.size);
    }

    fn resize(&mut self, order: Order) {
        let Some(place) = self.place(order) else { return };
        let size = self.live[place].size;
        let size = match self.rng.u8(..9) {
            0 => size.saturating_add(1),
            1 => size.saturating_mul(2),
            2 => class_border(size),
            3 => class_border(size).saturating_add(1),
            4 => size / 2,
            5 => size.saturating_sub(self.rng.u32(1..=16)),
            6 => size,
            7 => 1,
            _ => self.size(),
        };
        self.resize_to(place, size);
    }

    fn resize_to(&mut self, place: usize, size: u32) {
        let Object { number, size: old } = self.live[place];
        let size = size.max(1);
        let live_bytes = self.live_bytes - room(old) + room(size);
        if size > old && live_bytes > self.most_live_bytes {
            return;
        }
        self.script.resize(number, size);
        self.live_bytes = live_bytes;
        self.live[place].size = size;
    }

    fn size(&mut self) -> u32 {
        match self.rng.u8(..100) {
            0..35 => self.rng.choice(self.style.favourites).unwrap_or(1),
            _ => self.new_size(),
        }
    }

    fn new_size(&mut self) -> u32 {
        let scale = 1 << self.style.scale_log2;
        let size = match self.rng.u32(..1000) {
            0..350 => {
                let sixteens = self.rng.u32(1..=64_u32.min(scale / 16));
                self.near(16 * sixteens)
            }
            350..700 => {
                let power = self.rng.u32(0..=self.style.scale_log2);
                self.near(1 << power)
            }
            700..880 => self.rng.u32(1..=128),
            880..985 => self.rng.u32(1..=scale),
            985..994 => {
                let pages = self.rng.u32(1..=3);
                let less = self.rng.choice([0, 8, 16, 24, 32, 64]).unwrap_or(0);
                let size = (pages * self.shape.page.bytes() as u32).saturating_sub(less);
                // Of a page of 2 MiB, a block near its end would be most of the program's time.
                if size > 4 * LARGE_BYTES && self.rng.u8(..8) > 0 { self.rng.u32(1..=scale) } else { self.near(size) }
            }
            994..998 => self.rng.u32(1..=LARGE_BYTES),
            998 => self.rng.u32(1..=8 * LARGE_BYTES),
            _ => self.rng.choice([1 << 27, 1 << 30, 1 << 31, u32::MAX - 15, u32::MAX]).unwrap_or(u32::MAX),
        };
        size.max(1)
    }

    /// A size at a border, or beside it.
    fn near(&mut self, border: u32) -> u32 {
        let beside = self.rng.choice([0, 0, 1, -1, 8, -8]).unwrap_or(0);
        border.saturating_add_signed(beside)
    }
}

/// The bytes that a block takes from its heap: none, if it is so large that it is never served.
fn room(size: u32) -> u64 {
    Some(u64::from(size)).filter(|&bytes| bytes <= MOST_LIVE_BYTES).unwrap_or(0)
}

/// The next border of a class above this size: of 16 bytes for small blocks, and of a quarter of a power of two for
/// larger ones.
fn class_border(size: u32) -> u32 {
    let step = (size.checked_next_power_of_two().unwrap_or(1 << 31) / 8).max(16);
    (size.saturating_add(1)).checked_next_multiple_of(step).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use heaprace_traces::Op;

    use super::*;

    #[test]
    fn a_seed_and_a_number_are_a_program() {
        for number in 0..50 {
            assert_eq!(program(7, number), program(7, number));
            assert_ne!(program(7, number), program(7, number + 1));
            assert_ne!(program(7, number), program(8, number));
        }
    }

    #[test]
    fn programs_have_all_that_breaks_allocators_and_are_valid() {
        let (mut pages, mut ops) = (BTreeSet::new(), BTreeSet::new());
        let (mut steps, mut aligned, mut full, mut beside_16) = (0, 0, 0, 0);
        for number in 0..400 {
            let (shape, script) = program(1, number);
            let compiled = script.compile().unwrap();
            assert_eq!(compiled.events(), script.steps.len() as u64);
            pages.insert(shape.page);
            full += u32::from(compiled.profile().peak_live_bytes > (shape.page.bytes() * shape.limit_pages) as u64);
            steps += script.steps.len();
            for step in &script.steps {
                ops.insert(format!("{:?}", step.op));
                let allocates = matches!(step.op, Op::Alloc | Op::AllocZeroed);
                aligned += u32::from(allocates && step.align_log2 == MOST_ALIGN_LOG2);
                beside_16 += u32::from(allocates && step.size % 16 == 1);
            }
        }
        assert_eq!((pages.len(), ops.len()), (5, 4));
        assert!(aligned > 100 && full > 20 && beside_16 > steps as u32 / 50, "{aligned} {full} {beside_16} of {steps}");
    }
}
