//! Deliberately faulty allocators: controls that prove that each check detects its error. For tests only.
//!
//! Each one is a bump allocator that does one thing wrong, from its fourth block on.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr;

use crate::contenders::bump::Bump;
use crate::heap_allocator::{HeapAllocator, Info, Purpose};
use crate::page_heap::HeapRef;

/// Names the fault of a [`Faulty`] allocator.
pub trait Defective {
    /// The kind of fault.
    const KIND: Defect;
}

/// The kinds of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A block begins within the one before it.
    Overlap,
    /// A block wholly encloses the one before it.
    Enclosure,
    /// A block is 1 byte off its alignment.
    Misalignment,
    /// A block begins just after the committed pages.
    OutsideHeap,
    /// A realloc that moves loses the last byte.
    LostByte,
    /// The last byte of a zeroed block is not 0.
    NotZeroed,
    /// Freeing a block writes into the previous one.
    Overwriting,
}

/// A bump allocator with one fault.
#[derive(Debug)]
pub struct Faulty<F> {
    bump: Bump,
    heap: HeapRef,
    blocks: usize,
    previous: (*mut u8, usize),
    fault: PhantomData<F>,
}

impl<F: Defective> Faulty<F> {
    fn is_due(&self, kind: Defect) -> bool {
        F::KIND == kind && self.blocks >= 4
    }
}

// SAFETY: deliberately broken. Users have every block checked before they write to it, and the allocator itself writes
// only into its heap's pages.
unsafe impl<F: Defective> HeapAllocator for Faulty<F> {
    const INFO: Info = Info {
        name: "faulty",
        crate_name: env!("CARGO_PKG_NAME"),
        version: "0",
        purpose: Purpose::Contender,
        groups: &[],
        summary: "does one thing wrong",
        refuses: None,
    };

    fn create(heap: HeapRef) -> Self {
        let bump = Bump::create(heap.clone());
        Faulty { bump, heap, blocks: 0, previous: (ptr::null_mut(), 0), fault: PhantomData }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // Room for every kind of fault.
        let roomy = Layout::from_size_align(layout.size() + 64 + 2 * layout.align(), layout.align());
        // SAFETY: the layout is not empty.
        let sound = roomy.map_or(ptr::null_mut(), |roomy| unsafe { self.bump.alloc(roomy) });
        if sound.is_null() {
            return sound;
        }
        self.blocks += 1;
        let (before, before_bytes) = self.previous;
        let block = if self.is_due(Defect::Overlap) && before_bytes > layout.align() {
            before.wrapping_add(before_bytes - 1).map_addr(|address| address & !(layout.align() - 1))
        } else if self.is_due(Defect::Enclosure)
            && before.addr().wrapping_sub(self.heap.base().addr().get()) >= layout.align()
        {
            before.wrapping_sub(layout.align()).map_addr(|address| address & !(layout.align() - 1))
        } else if self.is_due(Defect::Misalignment) && layout.align() > 1 {
            sound.wrapping_add(1)
        } else if self.is_due(Defect::OutsideHeap) {
            self.heap.base().as_ptr().wrapping_add(self.heap.committed_bytes())
        } else {
            sound
        };
        self.previous = (block, layout.size());
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8, _layout: Layout) {
        let (before, before_bytes) = self.previous;
        if self.is_due(Defect::Overwriting) && before != block {
            // SAFETY: the previous block's last byte is in the heap's pages.
            unsafe { *before.add(before_bytes - 1) = (*before.add(before_bytes - 1)).wrapping_add(1) };
        }
    }

    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller; the check ensures that the block is in the heap.
        unsafe {
            let block = self.alloc(layout);
            if self.heap.contains(block.addr(), layout.size()) {
                block.write_bytes(0, layout.size());
                if self.is_due(Defect::NotZeroed) {
                    block.add(layout.size() - 1).write(1);
                }
            }
            block
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller; the new block does not overlap the old one, like all blocks of the bump
        // allocator.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() && moved.is_aligned() && self.heap.contains(moved.addr(), new_size) {
                let kept = layout.size().min(new_size);
                let copied = if self.is_due(Defect::LostByte) { kept - 1 } else { kept };
                ptr::copy(block, moved, copied);
            }
            moved
        }
    }
}

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $kind:ident,)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug)]
            pub struct $name;
            impl Defective for $name {
                const KIND: Defect = Defect::$kind;
            }
        )+
    };
}

faults! {
    /// See [`Defect::Overlap`].
    Overlap = Overlap,
    /// See [`Defect::Enclosure`].
    Enclosure = Enclosure,
    /// See [`Defect::Misalignment`].
    Misalignment = Misalignment,
    /// See [`Defect::OutsideHeap`].
    OutsideHeap = OutsideHeap,
    /// See [`Defect::LostByte`].
    LostByte = LostByte,
    /// See [`Defect::NotZeroed`].
    NotZeroed = NotZeroed,
    /// See [`Defect::Overwriting`].
    Overwriting = Overwriting,
}

/// A segregated bump allocator with a defect known from such designs: when a block at the bump pointer grows in place,
/// it takes only the bytes that it needs, not the whole class of its new size. After it is freed, it is reused as a
/// whole block of that class.
#[derive(Debug)]
pub struct GrowsWithoutItsClass {
    bump: Bump,
    bins: [Vec<*mut u8>; 4],
    end: *mut u8,
}

impl GrowsWithoutItsClass {
    fn class(bytes: usize) -> Option<usize> {
        segregated_bump::CLASS_BYTES.iter().position(|&class| bytes <= class)
    }
}

// SAFETY: deliberately broken, see Faulty.
unsafe impl HeapAllocator for GrowsWithoutItsClass {
    const INFO: Info = Faulty::<Overlap>::INFO;

    fn create(heap: HeapRef) -> Self {
        GrowsWithoutItsClass { bump: Bump::create(heap), bins: Default::default(), end: ptr::null_mut() }
    }

    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        let class = Self::class(layout.size());
        if let Some(free) = class.and_then(|class| self.bins[class].pop()) {
            return free;
        }
        let bytes = class.map_or(layout.size(), |class| segregated_bump::CLASS_BYTES[class]);
        // SAFETY: upheld by the caller; all classes are aligned to 16.
        let block = unsafe { self.bump.alloc(Layout::from_size_align_unchecked(bytes, 16)) };
        self.end = block.wrapping_add(bytes);
        block
    }

    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        if let Some(class) = Self::class(layout.size()) {
            self.bins[class].push(block);
        }
    }

    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let old = Self::class(layout.size()).map_or(layout.size(), |class| segregated_bump::CLASS_BYTES[class]);
        if block.wrapping_add(old) == self.end && new_size > old {
            // The defect: only the bytes needed, not the class of the new size.
            let more = (new_size - old).next_multiple_of(16);
            // SAFETY: at an alignment of 1, 16 bytes or more continue at the bump pointer.
            let more_room = unsafe { self.bump.alloc(Layout::from_size_align_unchecked(more, 1)) };
            if more_room == self.end {
                self.end = more_room.wrapping_add(more);
                return block;
            }
        }
        // SAFETY: upheld by the caller; both blocks are in the heap.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                ptr::copy(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
