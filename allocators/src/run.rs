//! Real runs: a contender serves the allocations of the running program itself.
//!
//! A replay predicts what a program costs on a contender; this is the thing that it predicts. The contender sits on the
//! same [`PageHeap`] as in a replay and is called by address in the same way. Two things use it:
//! [`Global`](crate::Global), the global allocator of a Rust program, and the library that `replay run` preloads into
//! other programs.
//!
//! `replay run` sets [`settings::VARIABLE`] for the process that it starts, and reads the process's [`log`] afterwards.

mod erased;
mod holder;
pub mod log;
pub mod settings;

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::heap_allocator::HeapAllocator;
use crate::page_heap::{Guard, HeapRef, PageHeap, WASM32_PAGES};
use erased::Erased;
use holder::{Holder, Locked};
use log::RunLog;
use settings::RunSettings;

/// Which contender serves this process.
#[derive(Clone, Copy, Debug)]
pub struct Choice(fn(HeapRef, Option<&RunSettings>) -> Option<Erased>);

impl Choice {
    /// The contender `A`.
    pub const fn of<A: HeapAllocator>() -> Self {
        Choice(|heap, _| Some(Erased::of::<A>(heap)))
    }

    /// The one that `replay run` names; none if the process was started in another way.
    pub const BY_NAME: Self = Choice(|heap, settings| Erased::named(&settings?.allocator, &heap));
}

/// The contender of this process, and the lock around it. It is created by the first request.
#[derive(Debug)]
pub struct Served {
    choice: Choice,
    holder: Holder,
    /// The first address of the heap; 0 before it exists.
    base: AtomicUsize,
    /// Touched by the holder alone.
    stage: UnsafeCell<Stage>,
}

#[derive(Debug)]
enum Stage {
    Before,
    Serves(Running),
    /// No contender is wanted, or there is no memory for one.
    Refrains,
}

// SAFETY: `stage` is only touched by the thread that holds the lock.
unsafe impl Sync for Served {}

impl Served {
    /// Nothing is created before the first request.
    pub const fn new(choice: Choice) -> Self {
        Served { choice, holder: Holder::new(), base: AtomicUsize::new(0), stage: UnsafeCell::new(Stage::Before) }
    }

    /// Runs `work` with the contender, alone. `None` if there is no contender for this request, and it must be served
    /// in another way: no contender is wanted, or the request comes from within another one of the same thread, which
    /// happens while the contender is created.
    ///
    /// # Safety
    ///
    /// If `is_only_thread`, no other thread uses the same instance. `work` does not unwind.
    #[inline]
    pub unsafe fn with<T>(&self, is_only_thread: bool, work: impl FnOnce(&mut Running) -> T) -> Option<T> {
        if self.holder.lock(is_only_thread) == Locked::Already {
            return None;
        }
        let stage = self.stage.get();
        // SAFETY: this thread holds the lock, and a request from within does not come here.
        if let Stage::Before = unsafe { &*stage } {
            let begun = self.begin();
            // SAFETY: as above.
            unsafe { *stage = begun };
        }
        // SAFETY: as above.
        let result = match unsafe { &mut *stage } {
            Stage::Serves(running) => {
                if self.holder.is_shared() {
                    running.note_threads();
                }
                Some(work(running))
            }
            _ => None,
        };
        self.holder.unlock();
        result
    }

    #[cold]
    #[inline(never)]
    fn begin(&self) -> Stage {
        let Some(running) = Running::begin(self.choice) else { return Stage::Refrains };
        self.base.store(running.heap.base().addr().get(), Ordering::Release);
        Stage::Serves(running)
    }

    /// Whether the contender has allocated the block at this address: whether it lies within the heap's 4 GiB.
    #[inline]
    pub fn owns(&self, address: usize) -> bool {
        let base = self.base.load(Ordering::Relaxed);
        base != 0 && address.wrapping_sub(base) < WASM32_PAGES * crate::PAGE_BYTES
    }

    /// The first address of the heap; 0 before it exists.
    #[inline]
    pub fn base(&self) -> usize {
        self.base.load(Ordering::Relaxed)
    }

    /// Takes the lock before a fork, so that the child does not get it held by a thread that it does not have.
    pub fn before_fork(&self) {
        self.holder.lock(false);
    }

    /// Releases it in the parent and in the child, which goes on with its copy of the heap.
    pub fn after_fork(&self) {
        self.holder.unlock();
    }
}

/// A contender with its heap and its log.
#[derive(Debug)]
pub struct Running {
    contender: Erased,
    heap: HeapRef,
    /// Bytes of the heap when it last grew.
    committed_bytes: usize,
    log: Option<RunLog>,
    has_threads: bool,
}

impl Running {
    fn begin(choice: Choice) -> Option<Self> {
        let settings = RunSettings::of_this_process();
        let mut owner = PageHeap::reserve(WASM32_PAGES, Guard::Batched).ok()?;
        if let Some(settings) = &settings {
            owner.set_limit_pages(settings.limit_pages);
        }
        let heap = owner.handle();
        let contender = (choice.0)(heap.clone(), settings.as_ref())?;
        let log = settings.and_then(|settings| RunLog::begin(&settings.log).ok());
        Some(Running { contender, heap, committed_bytes: 0, log, has_threads: false })
    }

    /// Notes what the request has done to the heap.
    #[inline]
    fn noted(&mut self, block: *mut u8) -> *mut u8 {
        let committed_bytes = self.heap.committed_bytes();
        if committed_bytes != self.committed_bytes {
            self.committed_bytes = committed_bytes;
            if let Some(log) = &self.log {
                log.grown_to(self.heap.committed_pages());
            }
        }
        if block.is_null()
            && let Some(log) = &self.log
        {
            log.refused();
        }
        block
    }

    #[inline]
    fn note_threads(&mut self) {
        if !self.has_threads {
            self.has_threads = true;
            if let Some(log) = &self.log {
                log.has_threads();
            }
        }
    }

    /// [`HeapAllocator::alloc`].
    ///
    /// # Safety
    ///
    /// The layout's size is not 0.
    #[inline]
    pub unsafe fn alloc(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        let block = unsafe { self.contender.alloc(layout) };
        self.noted(block)
    }

    /// [`HeapAllocator::alloc_zeroed`].
    ///
    /// # Safety
    ///
    /// The layout's size is not 0.
    #[inline]
    pub unsafe fn alloc_zeroed(&mut self, layout: Layout) -> *mut u8 {
        // SAFETY: upheld by the caller.
        let block = unsafe { self.contender.alloc_zeroed(layout) };
        self.noted(block)
    }

    /// [`HeapAllocator::dealloc`].
    ///
    /// # Safety
    ///
    /// `block` is a live block of this contender with this layout.
    #[inline]
    pub unsafe fn dealloc(&mut self, block: *mut u8, layout: Layout) {
        // SAFETY: upheld by the caller.
        unsafe { self.contender.dealloc(block, layout) }
    }

    /// [`HeapAllocator::realloc`].
    ///
    /// # Safety
    ///
    /// As for [`dealloc`](Self::dealloc); the new size is that of a layout, and not 0.
    #[inline]
    pub unsafe fn realloc(&mut self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: upheld by the caller.
        let block = unsafe { self.contender.realloc(block, layout, new_size) };
        self.noted(block)
    }
}
