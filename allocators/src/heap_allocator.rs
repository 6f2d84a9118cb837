//! The common trait: what every contender is measured through.

use core::alloc::Layout;
use core::ptr;

use crate::page_heap::HeapRef;

/// What a contender is, for tables and for look-ups in the list of [`contenders`](crate::contenders).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Name on the command line and in every table: lower case, as its crate is called.
    pub name: &'static str,
    /// Version of the crate that it comes from. It is pinned exactly in Cargo.toml, and a test holds the two together.
    pub version: &'static str,
    /// What it is in a comparison.
    pub purpose: Purpose,
    /// One line on how it works and how it is set up here.
    pub summary: &'static str,
    /// Where it may answer null although there is memory: which requests, and why. `None` where it must not.
    pub refuses: Option<&'static str>,
}

/// What a contender is in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An allocator that a program could ship.
    Contender,
    /// A yardstick that no program would ship.
    Yardstick,
    /// A variant of a contender with one decision switched, to show what that decision costs or gains. It is measured and verified as
    /// its contender is, and wins nothing: no verdict, crown or recommendation goes to it.
    Ablation,
    /// No allocator at all: its blocks are memory that can be written to, but they overlap. It shows the time that the harness itself
    /// takes, and is not verified.
    Floor,
}

/// A part of the committed bytes that is in no live block, as the contender itself tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdlePart {
    /// What it is.
    pub kind: IdleKind,
    /// Its name in the contender's own words, `bin of 32 bytes`.
    pub name: &'static str,
    /// How large it is.
    pub bytes: usize,
}

/// Why a committed byte is in no live block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleKind {
    /// It was freed, and waits to be used again.
    Free,
    /// It was never used, and waits after the last block.
    Tail,
    /// It will not be used again.
    Lost,
    /// It holds the contender's own data.
    Metadata,
}

/// An allocator that takes all its memory from a page heap.
///
/// `GlobalAlloc` is not this trait, because its `&self` forces cells or locks into allocators for a single thread, and allocator-api2's is
/// not, because it gives sizes of 0 and two layouts to a realloc; both would be measured along with the allocator.
///
/// # Safety
///
/// A caller writes into the blocks, so an implementation promises that a block which it returns is aligned and large enough for its
/// layout and lies in the committed pages of its heap. Unless its role is [`Purpose::Floor`], it also promises that the block overlaps no
/// other live block, keeps its bytes until it is given back, and brings them along in a realloc.
pub unsafe trait HeapAllocator: Sized {
    /// What this contender is.
    const INFO: Info;

    /// Whether [`idle`](Self::idle) tells of every byte that is in no live block.
    const KNOWS_ALL_IDLE: bool = false;

    /// Whether this contender can be measured in this process, and if not, why not.
    ///
    /// # Errors
    ///
    /// The reason, in words for a table.
    fn probe() -> Result<(), String> {
        Ok(())
    }

    /// A new allocator that will take its pages from `heap`, and that nobody else takes pages from.
    fn create(heap: HeapRef) -> Self;

    /// Calls `work` with everything set up on this thread that this contender's calls need, and takes it down after it, also where
    /// `work` panics. It costs a call of `alloc` nothing, as it is done once for a whole stretch of them.
    ///
    /// [`alloc`](Self::alloc), [`alloc_zeroed`](Self::alloc_zeroed), [`dealloc`](Self::dealloc) and [`realloc`](Self::realloc) are called
    /// within it only; the other methods anywhere. Scopes of several contenders can be nested: a call belongs into the innermost one.
    /// Whoever times a contender enters once, outside of what is timed.
    ///
    /// Nearly every contender needs nothing. The one that does is [`wee_alloc`](crate::contenders::wee_alloc), whose pages come by a call of `mmap`
    /// that is served from the heap within the scope; so `work` should not itself map memory in the same way.
    #[inline]
    fn in_scope<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        work(self)
    }

    /// The usable size of a live block in bytes, at least the layout's: what the contender has granted, rounding included. `None` where
    /// it is not known.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, and `layout` is the one in force.
    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, _layout: Layout) -> Option<usize> {
        None
    }

    /// What the committed bytes that are in no live block are for, as far as the contender knows, while `live_blocks` are live. Where it
    /// [knows all](Self::KNOWS_ALL_IDLE), the parts and the usable sizes of the live blocks make up the whole heap.
    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        Vec::new()
    }

    /// A block for `layout`, or null: out of memory is an outcome.
    ///
    /// # Safety
    ///
    /// The layout's size is not 0, and the innermost [scope](Self::in_scope) on this thread is this allocator's.
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8;

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, `layout` is the one in force, and the innermost [scope](Self::in_scope) on this thread
    /// is this allocator's.
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout);

    /// As [`alloc`](Self::alloc), with all bytes of the layout set to 0. Pages from the heap hold zeroes until they are written, as those
    /// of a WebAssembly memory do.
    ///
    /// # Safety
    ///
    /// As for [`alloc`](Self::alloc).
    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block is as large as its layout.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    /// Changes a block's size: returns where it is now, the bytes that fit kept; or null, and the block is as it was.
    ///
    /// # Safety
    ///
    /// As for [`dealloc`](Self::dealloc); and `new_size` is not 0 and, rounded up to the alignment, at most `isize::MAX`.
    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's; both blocks are live and apart while the bytes are copied.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(new_size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}
