//! The allocators with a lock around every call, as the global allocator of a program with threads.
#![cfg(feature = "lock_api")]

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use lock_api::{GuardSend, RawMutex};
use segregated_bump::page_source::Region;
use segregated_bump::{Allocator, Locked, SegregatedBump, SweptBump};

/// How often a lock was taken.
static LOCKS: AtomicUsize = AtomicUsize::new(0);

struct Spin(AtomicBool);

// SAFETY: at most one thread at a time changes the flag from false to true.
unsafe impl RawMutex for Spin {
    const INIT: Self = Spin(AtomicBool::new(false));
    type GuardMarker = GuardSend;

    fn lock(&self) {
        while !self.try_lock() {
            thread::yield_now();
        }
        LOCKS.fetch_add(1, Ordering::Relaxed);
    }

    fn try_lock(&self) -> bool {
        !self.0.swap(true, Ordering::Acquire)
    }

    unsafe fn unlock(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Bytes of a region.
const BYTES: usize = 1 << 20;

/// Blocks that a thread keeps.
const KEPT: usize = 20;

/// Four threads that fill blocks of their own and find them as they left them.
fn share(allocator: &Locked<Spin, impl Allocator + Send>, steps: usize) {
    thread::scope(|scope| {
        for number in 1..=4_u8 {
            scope.spawn(move || {
                let mut live: Vec<(*mut u8, Layout)> = Vec::new();
                for step in 0..steps {
                    let layout = Layout::from_size_align(1 + (step * 7 + usize::from(number)) % 90, 8).expect("small");
                    // SAFETY: blocks are live with their layouts, and filled by this thread.
                    unsafe {
                        let block = allocator.alloc(layout);
                        assert!(!block.is_null());
                        block.write_bytes(number, layout.size());
                        live.push((block, layout));
                        if live.len() > KEPT {
                            let (block, layout) = live.swap_remove(step % KEPT);
                            assert!((0..layout.size()).all(|byte| block.add(byte).read() == number), "shared");
                            allocator.dealloc(block, layout);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn threads_do_not_share_blocks() {
    let steps = if cfg!(miri) { 100 } else { 20_000 };
    static mut RAM: [[u8; BYTES]; 2] = [[0; BYTES]; 2];
    // SAFETY: this is the only use of the memory, and each half is of one region.
    let [first, second] = [0, 1].map(|half| unsafe { Region::from_raw(NonNull::from(&mut RAM[half]).cast(), BYTES) });
    share(&Locked::new(SweptBump::<_>::new(first)), steps);
    share(&Locked::new(SegregatedBump::<_>::new(second)), steps);
    // Two allocators, four threads.
    assert_eq!(LOCKS.load(Ordering::Relaxed), 2 * 4 * (2 * steps - KEPT), "each call takes the lock once");
}
