//! The replay loop: runs a program through one contender, with an observer.
//!
//! It is compiled once per contender, observer and touch policy. With the empty observer `()` it consists only of the
//! operations, the slots, the writes into new memory, and the allocator; this is the timed variant. Verification and
//! metrics are observers.
//!
//! Every contender is called by address and none is inlined, so that the loop is the same machine code for all of them
//! (`.ci/same-loop` checks this). Programs call their global allocator across such a boundary too. A contender that the
//! compiler happens to inline would be up to a tenth faster for that reason alone.
//!
//! If a contender answers null, the replay continues: a failed allocation has no object, and later events of that
//! object are skipped. If a realloc fails, the old block is freed and the object is absent from then on. The recorded
//! program would not have continued without its memory, but the rest of the trace is still worth replaying.

mod touch;

use std::alloc::Layout;
use std::hint::black_box;
use std::ops::{ControlFlow, Range};
use std::{ptr, slice};

use heaprace_allocators::HeapAllocator;

use crate::program::{CompileError, OpKind, Program, Stretch, WrittenRange};

pub use touch::{Touch, TouchAll, TouchFirst, TouchNone, TouchParts, TouchWritten};

/// Whether an observer wants the replay to continue.
pub type Flow = ControlFlow<()>;

/// A contender's answer in this replay: a block, or null. Only the engine creates one, so that an observer can rely on
/// its origin (but not on its soundness).
#[derive(Clone, Copy, Debug)]
pub struct LiveBlock {
    address: *mut u8,
    usable_bytes: Option<usize>,
}

impl LiveBlock {
    /// The block at this address, which is live with this layout unless it is null. Its usable size is included only if
    /// the observer asks for it.
    #[inline(always)]
    unsafe fn of<A: HeapAllocator, O: Observer>(allocator: &A, address: *mut u8, layout: Layout) -> Self {
        let asks = O::ASKS_FOR_USABLE_BYTES && !address.is_null();
        LiveBlock {
            address,
            // SAFETY: upheld by the caller.
            usable_bytes: if asks { unsafe { allocator.usable_bytes(address, layout) } } else { None },
        }
    }

    /// Whether the answer was null: out of memory.
    #[inline(always)]
    pub fn is_null(self) -> bool {
        self.address.is_null()
    }

    /// The address.
    #[inline(always)]
    pub fn as_ptr(self) -> *mut u8 {
        self.address
    }

    /// The usable size, if the observer [asks for it](Observer::ASKS_FOR_USABLE_BYTES) and the contender knows it.
    #[inline(always)]
    pub fn usable_bytes(self) -> Option<usize> {
        self.usable_bytes
    }
}

/// A call into the contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The event that makes the call, counted from 1.
    pub event: u64,
    /// The kind of request.
    pub kind: OpKind,
    /// The size: the new one of a realloc, the block's of a dealloc.
    pub size: usize,
    /// The old size of a realloc; 0 for all other calls.
    pub old_size: usize,
}

/// Observes every event of a replay. Events are counted from 1. All methods do nothing by default.
pub trait Observer {
    /// Whether to ask the contender for the usable size of every block that the observer sees.
    const ASKS_FOR_USABLE_BYTES: bool = false;

    /// The contender is called next, with nothing in between.
    #[inline(always)]
    fn calling(&mut self) {}

    /// The contender has just returned. `answer` is the new block or null; for a dealloc, it is the freed block. The
    /// engine's own dealloc after a failed realloc is not observed.
    #[inline(always)]
    fn called(&mut self, _call: Call, _answer: *mut u8) {}

    /// The contender answered an allocation; null means out of memory.
    #[inline(always)]
    fn allocated(&mut self, _event: u64, _block: LiveBlock, _layout: Layout, _zeroed: bool) -> Flow {
        Flow::Continue(())
    }

    /// A live block is about to be freed.
    #[inline(always)]
    fn deallocating(&mut self, _event: u64, _block: LiveBlock, _layout: Layout) -> Flow {
        Flow::Continue(())
    }

    /// A live block is about to be resized to this size.
    #[inline(always)]
    fn reallocating(&mut self, _event: u64, _block: LiveBlock, _new_size: usize) -> Flow {
        Flow::Continue(())
    }

    /// The block was resized from `old` to `new`. If `new` is null, the realloc failed, and the old block is freed in
    /// the same event.
    #[inline(always)]
    fn reallocated(
        &mut self,
        _event: u64,
        _old: LiveBlock,
        _layout: Layout,
        _new: LiveBlock,
        _new_size: usize,
    ) -> Flow {
        Flow::Continue(())
    }

    /// The event concerns an object that is absent because a request for it failed.
    #[inline(always)]
    fn absent(&mut self, _event: u64) -> Flow {
        Flow::Continue(())
    }

    /// The event is over; this is the contender's state after it.
    #[inline(always)]
    fn after<A: HeapAllocator>(&mut self, _event: u64, _allocator: &A) -> Flow {
        Flow::Continue(())
    }
}

/// Observes nothing: for timing.
impl Observer for () {}

/// Both observers, one after the other. If the first one stops at an event, the second one does not see it.
impl<A: Observer, B: Observer> Observer for (A, B) {
    const ASKS_FOR_USABLE_BYTES: bool = A::ASKS_FOR_USABLE_BYTES || B::ASKS_FOR_USABLE_BYTES;

    #[inline(always)]
    fn calling(&mut self) {
        self.0.calling();
        self.1.calling();
    }

    #[inline(always)]
    fn called(&mut self, call: Call, answer: *mut u8) {
        self.0.called(call, answer);
        self.1.called(call, answer);
    }

    #[inline(always)]
    fn allocated(&mut self, event: u64, block: LiveBlock, layout: Layout, zeroed: bool) -> Flow {
        self.0.allocated(event, block, layout, zeroed)?;
        self.1.allocated(event, block, layout, zeroed)
    }

    #[inline(always)]
    fn deallocating(&mut self, event: u64, block: LiveBlock, layout: Layout) -> Flow {
        self.0.deallocating(event, block, layout)?;
        self.1.deallocating(event, block, layout)
    }

    #[inline(always)]
    fn reallocating(&mut self, event: u64, block: LiveBlock, new_size: usize) -> Flow {
        self.0.reallocating(event, block, new_size)?;
        self.1.reallocating(event, block, new_size)
    }

    #[inline(always)]
    fn reallocated(&mut self, event: u64, old: LiveBlock, layout: Layout, new: LiveBlock, new_size: usize) -> Flow {
        self.0.reallocated(event, old, layout, new, new_size)?;
        self.1.reallocated(event, old, layout, new, new_size)
    }

    #[inline(always)]
    fn absent(&mut self, event: u64) -> Flow {
        self.0.absent(event)?;
        self.1.absent(event)
    }

    #[inline(always)]
    fn after<C: HeapAllocator>(&mut self, event: u64, allocator: &C) -> Flow {
        self.0.after(event, allocator)?;
        self.1.after(event, allocator)
    }
}

/// Replays a stretch of a program through `allocator`, within its [scope](HeapAllocator::in_scope). `slots` is working
/// memory of [`Program::slots`] pointers: arbitrary before the first stretch, and left as the previous stretch wrote it
/// from then on.
///
/// Touching is for timing only: it overwrites what a verifying observer has written.
///
/// # Panics
///
/// If there are fewer slots than the program needs.
#[inline(never)]
pub(crate) fn run<A: HeapAllocator, O: Observer, T: Touch>(
    stretch: Stretch<'_>,
    slots: &mut [*mut u8],
    allocator: &mut A,
    observer: &mut O,
) -> Flow {
    assert!(slots.len() >= stretch.slots(), "fewer slots than the program needs");
    let calls = Calls::<A>::new();
    let mut event = stretch.events_before();
    let mut ops = stretch.ops().iter();
    let mut written = stretch.written().iter();
    while let Some(&op) = ops.next() {
        event += 1;
        // SAFETY: compilation gives every operation a slot below `stretch.slots()`.
        let slot = unsafe { slots.get_unchecked_mut(op.slot()) };
        let layout = op.layout();
        let call = |kind| Call { event, kind, size: layout.size(), old_size: 0 };
        match op.kind() {
            OpKind::Alloc => {
                // SAFETY: no event of a trace has a size of 0.
                *slot = seen(observer, call(OpKind::Alloc), || unsafe { (calls.alloc)(allocator, layout) });
                let bytes = to_write::<T>(&mut written, 0..layout.size());
                // SAFETY: a new block of this layout, or null; the bytes are in it.
                unsafe { allocated::<A, O, T>(allocator, observer, event, *slot, layout, false, bytes)? };
            }
            OpKind::AllocZeroed => {
                // SAFETY: as above.
                *slot =
                    seen(observer, call(OpKind::AllocZeroed), || unsafe { (calls.alloc_zeroed)(allocator, layout) });
                let bytes = to_write::<T>(&mut written, 0..layout.size());
                // SAFETY: as above.
                unsafe { allocated::<A, O, T>(allocator, observer, event, *slot, layout, true, bytes)? };
            }
            OpKind::Dealloc if slot.is_null() => observer.absent(event)?,
            OpKind::Dealloc => {
                // SAFETY: compilation ensures that the slot's object is live, with this layout.
                let block = unsafe { LiveBlock::of::<A, O>(allocator, *slot, layout) };
                observer.deallocating(event, block, layout)?;
                let address = *slot;
                seen(observer, call(OpKind::Dealloc), || {
                    // SAFETY: as above.
                    unsafe { (calls.dealloc)(allocator, address, layout) };
                    address
                });
            }
            OpKind::Realloc => {
                let old_size = *ops.next().expect("compilation puts the old size after every realloc");
                let old = op.old_layout(old_size);
                let bytes = to_write::<T>(&mut written, old.size()..layout.size());
                if slot.is_null() {
                    observer.absent(event)?;
                } else {
                    // SAFETY: compilation ensures that the slot's object is live with this layout, and that the new
                    // size is valid. The bytes are in the resized block.
                    *slot =
                        unsafe { resize::<A, O, T>(&calls, allocator, observer, event, *slot, [old, layout], bytes)? };
                }
            }
        }
        observer.after(event, allocator)?;
    }
    Flow::Continue(())
}

/// The bytes to write into the next new or resized block, of which `new` are new. Called once for each such event,
/// whatever the contender answers, because the ranges are in step with the operations.
#[inline(always)]
fn to_write<T: Touch>(written: &mut slice::Iter<'_, WrittenRange>, new: Range<usize>) -> Range<usize> {
    if T::FOLLOWS_EXTENTS {
        // Without extents, all new bytes are written.
        written.next().map_or(new, |range| range.from()..range.to())
    } else {
        new
    }
}

/// The calls into a contender, by addresses that the compiler cannot see through: it neither inlines them nor drops an
/// argument that one contender ignores.
struct Calls<A> {
    alloc: unsafe fn(&mut A, Layout) -> *mut u8,
    alloc_zeroed: unsafe fn(&mut A, Layout) -> *mut u8,
    dealloc: unsafe fn(&mut A, *mut u8, Layout),
    realloc: unsafe fn(&mut A, *mut u8, Layout, usize) -> *mut u8,
}

impl<A: HeapAllocator> Calls<A> {
    /// Out of line, so that nothing about a contender shows in the loop, not even that two of its calls are the same
    /// code.
    #[inline(never)]
    fn new() -> Self {
        black_box(Calls { alloc: A::alloc, alloc_zeroed: A::alloc_zeroed, dealloc: A::dealloc, realloc: A::realloc })
    }
}

/// A call into the contender, between the two calls of the observer.
#[inline(always)]
fn seen<O: Observer>(observer: &mut O, call: Call, contender: impl FnOnce() -> *mut u8) -> *mut u8 {
    observer.calling();
    let answer = contender();
    observer.called(call, answer);
    answer
}

/// The work after an allocation. Each kind has its own arm with its own copy of this: a shared arm would make the
/// compiler compute what it could have branched on.
///
/// # Safety
///
/// `address` is a new block of this layout, or null; `bytes` are in it.
#[inline(always)]
unsafe fn allocated<A: HeapAllocator, O: Observer, T: Touch>(
    allocator: &A,
    observer: &mut O,
    event: u64,
    address: *mut u8,
    layout: Layout,
    zeroed: bool,
    bytes: Range<usize>,
) -> Flow {
    if !address.is_null() {
        // SAFETY: upheld by the caller.
        unsafe { T::touch(address, bytes.start, bytes.end) };
    }
    // SAFETY: upheld by the caller.
    let block = unsafe { LiveBlock::of::<A, O>(allocator, address, layout) };
    observer.allocated(event, block, layout, zeroed)
}

/// Performs a realloc and returns the block's new address.
///
/// # Safety
///
/// `address` is a live block of layout `old`, and `new` is a layout of the same alignment with a size above 0. `bytes`
/// are in a block of layout `new`, unless they are none.
#[inline(always)]
unsafe fn resize<A: HeapAllocator, O: Observer, T: Touch>(
    calls: &Calls<A>,
    allocator: &mut A,
    observer: &mut O,
    event: u64,
    address: *mut u8,
    [old, new]: [Layout; 2],
    bytes: Range<usize>,
) -> ControlFlow<(), *mut u8> {
    // SAFETY: upheld by the caller.
    let block = unsafe { LiveBlock::of::<A, O>(allocator, address, old) };
    observer.reallocating(event, block, new.size())?;
    let call = Call { event, kind: OpKind::Realloc, size: new.size(), old_size: old.size() };
    // SAFETY: upheld by the caller.
    let moved = seen(observer, call, || unsafe { (calls.realloc)(allocator, address, old, new.size()) });
    if !moved.is_null() && bytes.start < bytes.end {
        // SAFETY: upheld by the caller.
        unsafe { T::touch(moved, bytes.start, bytes.end) };
    }
    // SAFETY: the block has this layout now, unless it is null.
    let answer = unsafe { LiveBlock::of::<A, O>(allocator, moved, new) };
    observer.reallocated(event, block, old, answer, new.size())?;
    if moved.is_null() {
        observer.deallocating(event, block, old)?;
        // SAFETY: a failed realloc has left the block as it was.
        unsafe { (calls.dealloc)(allocator, address, old) };
    }
    ControlFlow::Continue(moved)
}

/// Replays a whole program, stretch by stretch, and returns whether an observer stopped it.
///
/// # Errors
///
/// If the trace is streamed and cannot be read again.
pub fn replay<A: HeapAllocator, O: Observer, T: Touch>(
    program: &Program,
    slots: &mut [*mut u8],
    allocator: &mut A,
    observer: &mut O,
) -> Result<Flow, CompileError> {
    program.each_stretch(&mut |stretch| {
        allocator.in_scope(|allocator| run::<A, O, T>(stretch, slots, allocator, observer))
    })
}

/// Working memory for [`run`].
pub(crate) fn slots_for(program: &Program) -> Vec<*mut u8> {
    vec![ptr::null_mut(); program.slots()]
}
