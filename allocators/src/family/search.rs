//! Many designs side by side, one request after the other.

use std::sync::{Mutex, MutexGuard, PoisonError};

use segregated_bump::Allocator;

use super::answers::board;
use super::looked_up::LookedUp;
use super::{Design, DesignError};
use crate::page_heap::{Guard, HeapRef, PageHeap, PageHeapError};
use crate::page_size::PageSize;

/// The right to try designs: one at a time in a process.
#[derive(Debug)]
pub struct Search {
    _alone: MutexGuard<'static, ()>,
}

/// A design that is tried: its allocator, on a heap of its own.
#[derive(Debug)]
pub struct Tried {
    design: Design,
    allocator: LookedUp<true>,
    heap: HeapRef,
}

/// Why a design cannot be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TryError {
    /// It is none.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// There is no memory for its heap.
    #[error(transparent)]
    Heap(#[from] PageHeapError),
}

/// What the allocator of a design is used for, without its type.
pub trait Use {
    /// What it gives.
    type Output;

    /// Uses the allocator.
    fn run(self, allocator: &mut impl Allocator) -> Self::Output;
}

impl Search {
    /// Waits until no other search is going on.
    pub fn begin() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        Search { _alone: ALONE.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    /// Uses a design's allocator. No other one is used meanwhile.
    pub fn with<U: Use>(&mut self, tried: &mut Tried, used: U) -> U::Output {
        // A search is alone with its board, and only this function lets an allocator ask it.
        board(true).answer(&tried.design);
        match &mut tried.allocator {
            LookedUp::Segregated(allocator) => used.run(allocator),
            LookedUp::Swept(allocator) => used.run(allocator),
        }
    }
}

impl Tried {
    /// The design on an empty heap of up to `limit_pages` pages.
    ///
    /// # Errors
    ///
    /// If it is none, or if there is no address space.
    pub fn new(design: Design, page: PageSize, limit_pages: usize) -> Result<Self, TryError> {
        design.check()?;
        let heap = PageHeap::reserve_sized(page, limit_pages, Guard::Batched)?.handle();
        Ok(Tried { design, allocator: LookedUp::on(&design, heap.clone()), heap })
    }

    /// The design.
    pub fn design(&self) -> &Design {
        &self.design
    }

    /// The address of the first byte of its heap.
    pub fn base(&self) -> usize {
        self.heap.base().addr().get()
    }

    /// Pages of its heap.
    pub fn pages(&self) -> usize {
        self.heap.committed_pages()
    }
}
