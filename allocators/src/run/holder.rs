//! A lock that knows its holder: a thread that comes back while it holds the lock learns that, instead of waiting for
//! itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Nobody holds the lock.
const FREE: usize = 0;

/// The lock, and who holds it.
#[derive(Debug)]
pub(super) struct Holder {
    /// The thread, by the value of `pthread_self`, which is unique among the threads that run.
    thread: AtomicUsize,
    /// Whether more than one thread has held it, and the last one that did.
    last: AtomicUsize,
    shared: AtomicBool,
}

/// What [`Holder::lock`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Locked {
    /// This thread holds the lock now.
    Yes,
    /// This thread has held it already.
    Already,
}

impl Holder {
    pub(super) const fn new() -> Self {
        Holder { thread: AtomicUsize::new(FREE), last: AtomicUsize::new(FREE), shared: AtomicBool::new(false) }
    }

    /// Takes the lock, waiting for other threads. If `is_only_thread`, nobody else can hold it, and an expensive
    /// instruction is saved.
    #[inline]
    pub(super) fn lock(&self, is_only_thread: bool) -> Locked {
        // SAFETY: returns a number. Unlike a `thread_local!`, it never allocates, even in a shared library.
        let this = unsafe { libc::pthread_self() } as usize;
        let holder = self.thread.load(Ordering::Relaxed);
        if holder == this {
            return Locked::Already;
        }
        if is_only_thread {
            self.thread.store(this, Ordering::Relaxed);
        } else if self.thread.compare_exchange(FREE, this, Ordering::Acquire, Ordering::Relaxed).is_err() {
            self.wait(this);
        }
        let last = self.last.load(Ordering::Relaxed);
        if last != this {
            self.shared.store(last != FREE || self.shared.load(Ordering::Relaxed), Ordering::Relaxed);
            self.last.store(this, Ordering::Relaxed);
        }
        Locked::Yes
    }

    #[cold]
    fn wait(&self, this: usize) {
        while self.thread.compare_exchange_weak(FREE, this, Ordering::Acquire, Ordering::Relaxed).is_err() {
            // The holder may be a thread that waits for this processor.
            thread::yield_now();
        }
    }

    /// Releases the lock, which this thread holds.
    #[inline]
    pub(super) fn unlock(&self) {
        self.thread.store(FREE, Ordering::Release);
    }

    /// Whether more than one thread has held the lock.
    #[inline]
    pub(super) fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::UnsafeCell;

    #[test]
    fn a_thread_that_comes_back_does_not_wait_for_itself() {
        let holder = Holder::new();
        assert_eq!(holder.lock(false), Locked::Yes);
        assert_eq!(holder.lock(false), Locked::Already);
        assert_eq!(holder.lock(true), Locked::Already);
        holder.unlock();
        assert_eq!(holder.lock(true), Locked::Yes);
        holder.unlock();
        assert!(!holder.is_shared());
    }

    #[test]
    fn one_thread_at_a_time_holds_it() {
        struct Count(Holder, UnsafeCell<u64>);
        // SAFETY: the number is only touched under the lock.
        unsafe impl Sync for Count {}
        let count = Count(Holder::new(), UnsafeCell::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let count = &count;
                    for _ in 0..10_000 {
                        assert_eq!(count.0.lock(false), Locked::Yes);
                        // SAFETY: this thread holds the lock.
                        unsafe { *count.1.get() += 1 };
                        count.0.unlock();
                    }
                });
            }
        });
        assert_eq!(count.1.into_inner(), 40_000);
        assert!(count.0.is_shared());
    }
}
