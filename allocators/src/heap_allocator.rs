//! The common trait through which every contender is measured.

use core::alloc::Layout;
use core::ptr;

use crate::page_heap::HeapRef;

/// Describes a contender, for tables and for look-ups in the list of [`contenders`](crate::contenders).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Name on the command line and in every table: lower case, like its crate. A variant adds what is different.
    pub name: &'static str,
    /// The crate that it comes from.
    pub crate_name: &'static str,
    /// Version of its crate. Cargo.toml pins it exactly, and a test checks that both agree.
    pub version: &'static str,
    /// Its role in a comparison.
    pub purpose: Purpose,
    /// The groups that it belongs to.
    pub groups: &'static [Group],
    /// One line on how it works and how it is set up here.
    pub summary: &'static str,
    /// Requests that may fail although memory is available, and why. `None` if there are none.
    pub refuses: Option<&'static str>,
}

/// The role of a contender in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An allocator that a program could ship.
    Contender,
    /// A yardstick that no program would ship.
    Yardstick,
    /// A variant of a contender with one decision switched, to show what that decision costs or gains. It is measured
    /// and verified like its contender, but never wins: it gets no verdict, crown or recommendation.
    Ablation,
    /// Not an allocator: its blocks are writable memory, but they overlap. It measures the harness's own time, and is
    /// not verified.
    Floor,
}

/// A set of contenders that are chosen between for the same use, so that they can be compared without naming each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// What most people choose between today, and what is compared if nothing else is requested.
    Default,
    /// For firmware: allocators for a fixed region of memory, or of small code.
    Embedded,
    /// For WebAssembly: allocators that ship in modules.
    Wasm,
    /// Memory allocators of hosted systems, for reference.
    Hosted,
    /// The [ablations](Purpose::Ablation).
    Ablations,
}

impl Group {
    /// All groups, in the order of tables.
    pub const ALL: [Group; 5] = [Group::Default, Group::Embedded, Group::Wasm, Group::Hosted, Group::Ablations];

    /// Name on the command line: lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Default => "default",
            Group::Embedded => "embedded",
            Group::Wasm => "wasm",
            Group::Hosted => "hosted",
            Group::Ablations => "ablations",
        }
    }

    /// One line on which contenders it has.
    pub const fn summary(self) -> &'static str {
        match self {
            Group::Default => "what most people choose between, the yardstick and the floor",
            Group::Embedded => "for firmware: a fixed region of memory, or small code",
            Group::Wasm => "for WebAssembly: what ships in modules",
            Group::Hosted => "the malloc libraries of hosted systems",
            Group::Ablations => "contenders with one decision switched, to show what it costs or gains",
        }
    }
}

/// A part of the committed bytes that is in no live block, as reported by the contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdlePart {
    /// Why these bytes are idle.
    pub kind: IdleKind,
    /// Name in the contender's own terms, such as `bin of 32 bytes`.
    pub name: &'static str,
    /// Size in bytes.
    pub bytes: usize,
}

/// Why a committed byte is in no live block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleKind {
    /// Freed, and available for reuse.
    Free,
    /// Never used, after the last block.
    Tail,
    /// Never used again.
    Lost,
    /// The contender's own data.
    Metadata,
}

/// An allocator that takes all its memory from a page heap.
///
/// Neither `GlobalAlloc` nor allocator-api2's trait fits. The `&self` of `GlobalAlloc` forces cells or locks into
/// single-threaded allocators. allocator-api2 allows sizes of 0 and passes two layouts to a realloc. Either cost would
/// be measured as part of the allocator.
///
/// # Safety
///
/// Callers write into the blocks, so an implementation promises that a returned block is aligned, is large enough for
/// its layout, and lies in the committed pages of its heap. Unless its role is [`Purpose::Floor`], it also promises
/// that the block overlaps no other live block, keeps its bytes until it is freed, and carries them over in a realloc.
pub unsafe trait HeapAllocator: Sized {
    /// Describes this contender.
    const INFO: Info;

    /// Whether [`idle`](Self::idle) accounts for every byte that is in no live block.
    const KNOWS_ALL_IDLE: bool = false;

    /// Whether it gets all memory up to the heap's limit when it is created, so that a limit that is raised later adds
    /// none. Of all contenders, only [fixed pools](crate::fixed_pool) do.
    const HAS_FIXED_POOL: bool = false;

    /// Bytes that it takes from the heap, however small the first request is: the [conformance](crate::conformance) suite
    /// adds them to its limits. Only allocators of hosted systems have some.
    const SETUP_BYTES: usize = 0;

    /// Describes it in this process: only a contender that is another one in each has more to say than
    /// [`INFO`](Self::INFO).
    fn info() -> Info {
        Self::INFO
    }

    /// Checks that this contender can be measured in this process.
    ///
    /// # Errors
    ///
    /// The reason why not, in words for a table.
    fn probe() -> Result<(), String> {
        Ok(())
    }

    /// A new allocator that takes its pages from `heap`. Nothing else takes pages from it.
    fn create(heap: HeapRef) -> Self;

    /// Sets up everything on this thread that the contender's calls need, calls `work`, and undoes the setup, even if
    /// `work` panics. This adds no cost to `alloc`, because one scope covers a whole series of calls.
    ///
    /// [`alloc`](Self::alloc), [`alloc_zeroed`](Self::alloc_zeroed), [`dealloc`](Self::dealloc) and
    /// [`realloc`](Self::realloc) may be called only within a scope; the other methods anywhere. Scopes of several
    /// contenders can be nested: a call belongs to the innermost one. Timed code enters the scope once, before the
    /// clock starts.
    ///
    /// Nearly every contender needs no setup. The exception is [`wee_alloc`](crate::contenders::wee_alloc), which gets
    /// its pages from `mmap` calls that the scope redirects to the heap. `work` should therefore not map memory in the
    /// same way itself.
    #[inline]
    fn in_scope<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        work(self)
    }

    /// The usable size of a live block in bytes, including internal fragmentation: at least the layout's size. `None`
    /// if unknown.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, and `layout` is its current layout.
    #[inline]
    unsafe fn usable_bytes(&self, _block: *mut u8, _layout: Layout) -> Option<usize> {
        None
    }

    /// Accounts for the committed bytes that are in no live block, as far as the contender knows, while `live_blocks`
    /// blocks are live. If it [knows all](Self::KNOWS_ALL_IDLE), the parts and the usable sizes of the live blocks add
    /// up to the whole heap.
    fn idle(&self, _live_blocks: usize) -> Vec<IdlePart> {
        Vec::new()
    }

    /// Allocates a block for `layout`. Null means out of memory, which is a valid outcome.
    ///
    /// # Safety
    ///
    /// The layout's size is not 0, and the innermost [scope](Self::in_scope) on this thread is this allocator's.
    unsafe fn alloc(&mut self, layout: Layout) -> *mut u8;

    /// Frees a block.
    ///
    /// # Safety
    ///
    /// `block` is a live block of this allocator, `layout` is its current layout, and the innermost
    /// [scope](Self::in_scope) on this thread is this allocator's.
    unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout);

    /// Like [`alloc`](Self::alloc), with all bytes of the layout set to 0. Pages from the heap hold zeroes until they
    /// are written, like those of a WebAssembly memory.
    ///
    /// # Safety
    ///
    /// Same as for [`alloc`](Self::alloc).
    #[inline]
    unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        let block = unsafe { self.alloc(layout) };
        if !block.is_null() {
            // SAFETY: the block is as large as its layout.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    /// Changes a block's size and returns its new address, keeping the bytes that fit. Returns null on failure, and
    /// leaves the block as it was.
    ///
    /// # Safety
    ///
    /// Same as for [`dealloc`](Self::dealloc). In addition, `new_size` is not 0 and, rounded up to the alignment, at
    /// most `isize::MAX`.
    #[inline]
    unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller; both blocks are live during the copy and do not overlap.
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
