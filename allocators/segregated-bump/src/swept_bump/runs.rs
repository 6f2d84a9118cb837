//! The free runs: ranges of whole lines of 64 bytes, in lists by size.
//!
//! There are four lists for each doubling of the size. A request takes a run of its own list if one of the first
//! four is large enough, and otherwise of the next list that is not empty, where every run is. Both ends of a run are marked in the
//! [`Map`], its size is in its first and in its last line, and so a run that is freed is joined with its free
//! neighbours, wherever they are, in bounded time. No two free runs are neighbours.

use core::ptr;

use super::map::{GRANULE, LINE, Map};

/// Lists: four for each doubling of the size from a line on. The last one has all runs from 3.5 MiB on.
const LISTS: usize = 64;

/// Runs of its own list that a request looks at.
const PROBES: usize = 4;

/// The contents of a free run. Its last word is its size, too.
#[derive(Debug)]
pub(super) struct Run {
    next: *mut Run,
    prev: *mut Run,
    bytes: usize,
}

#[cfg(feature = "inspect")]
impl Run {
    /// The next one of its list, the previous one, and the size, for a check.
    pub(super) fn contents(&self) -> (*mut Run, *mut Run, usize) {
        (self.next, self.prev, self.bytes)
    }
}

/// All free runs.
#[derive(Debug)]
pub(super) struct Runs {
    lists: [*mut Run; LISTS],
    /// A bit for each list: whether it has a run.
    filled: u64,
    /// Where they begin and end.
    pub(super) map: Map,
}

impl Runs {
    /// No run.
    pub(super) const EMPTY: Runs = Runs { lists: [ptr::null_mut(); LISTS], filled: 0, map: Map::EMPTY };

    /// The first run of each list, and the bits of the lists that have one, for a check.
    #[cfg(feature = "inspect")]
    pub(super) fn lists(&self) -> (&[*mut Run], u64) {
        (&self.lists, self.filled)
    }

    /// Files a free run.
    ///
    /// # Safety
    ///
    /// The `bytes` bytes at `start` are whole lines of free memory of the allocator that the map covers and that no
    /// other run has, and the memory before and after is not a free run.
    pub(super) unsafe fn insert(&mut self, start: *mut u8, bytes: usize) {
        let list = list_of(bytes);
        let run = start.cast::<Run>();
        let next = self.lists[list];
        self.lists[list] = run;
        self.filled |= 1 << list;
        // SAFETY: the caller hands over at least a line, which has room for the contents and, apart from them, for the
        // last word; both are aligned to a word. `next` is null or another run that is filed here.
        unsafe {
            run.write(Run { next, prev: ptr::null_mut(), bytes });
            start.add(bytes).cast::<usize>().sub(1).write(bytes);
            if !next.is_null() {
                (*next).prev = run;
            }
            self.flip_ends(start.addr(), bytes);
        }
    }

    /// Takes a run out of its list, and returns its size.
    ///
    /// # Safety
    ///
    /// The run is filed here.
    pub(super) unsafe fn remove(&mut self, run: *mut Run) -> usize {
        // SAFETY: a run that is filed has its contents where `insert` wrote them, and its neighbours in the list are
        // null or filed, too.
        unsafe {
            let Run { next, prev, bytes } = run.read();
            if !next.is_null() {
                (*next).prev = prev;
            }
            if prev.is_null() {
                let list = list_of(bytes);
                self.lists[list] = next;
                if next.is_null() {
                    self.filled ^= 1 << list;
                }
            } else {
                (*prev).next = next;
            }
            self.flip_ends(run.addr(), bytes);
            bytes
        }
    }

    /// One of the first runs of the own list of `bytes` that is large enough, or the first one of the next list that is
    /// not empty. Null if there is none.
    #[inline(never)]
    pub(super) fn find(&self, bytes: usize) -> *mut Run {
        let mut list = list_of(bytes);
        loop {
            let mut run = self.lists[list];
            for _ in 0..PROBES {
                if run.is_null() {
                    break;
                }
                // SAFETY: a run in a list is filed, and has its contents where `insert` wrote them.
                unsafe {
                    if (*run).bytes >= bytes {
                        return run;
                    }
                    run = (*run).next;
                }
            }
            let larger = self.filled >> list >> 1;
            if larger == 0 {
                return ptr::null_mut();
            }
            // The remainder is the same number: it only shows that there is such a list.
            list = (list + 1 + larger.trailing_zeros() as usize) % LISTS;
        }
    }

    /// The size of the free run that begins at `start`, 0 if there is none.
    ///
    /// # Safety
    ///
    /// `start` is the address of the first byte after a block, or of the top.
    #[inline]
    pub(super) unsafe fn bytes_at(&self, start: *mut u8) -> usize {
        // SAFETY: the granule after something that is no run can be marked only as the first one of a run.
        if self.map.is_marked(start.addr()) { unsafe { (*start.cast::<Run>()).bytes } } else { 0 }
    }

    /// Takes the free neighbours of `bytes` bytes at `start` out of their lists, and returns the range of all three.
    ///
    /// # Safety
    ///
    /// The bytes are whole lines of the allocator, and no part of them is filed.
    pub(super) unsafe fn join(&mut self, mut start: *mut u8, mut bytes: usize) -> (*mut u8, usize) {
        // SAFETY: the granule before something that is no run can be marked only as the last one of a run, whose last
        // word is its size.
        unsafe {
            if self.map.is_marked(start.addr() - GRANULE) {
                let before = start.cast::<usize>().sub(1).read();
                start = start.sub(before);
                bytes += self.remove(start.cast());
            }
            let end = start.add(bytes);
            if self.map.is_marked(end.addr()) {
                bytes += self.remove(end.cast());
            }
        }
        (start, bytes)
    }

    /// Replaces the marks of the ends by marks of all free granules, and forgets the runs. Returns their bytes.
    ///
    /// # Safety
    ///
    /// The caller files them again, as it reads their ranges off the map.
    pub(super) unsafe fn mark_all(&mut self) -> usize {
        let mut total = 0;
        for list in 0..LISTS {
            let mut run = core::mem::replace(&mut self.lists[list], ptr::null_mut());
            while !run.is_null() {
                // SAFETY: a run in a list is filed; it is covered, and only its ends are marked.
                unsafe {
                    let Run { next, bytes, .. } = run.read();
                    self.map.flip_range(run.addr() + GRANULE, run.addr() + bytes - GRANULE);
                    total += bytes;
                    run = next;
                }
            }
        }
        self.filled = 0;
        total
    }

    /// # Safety
    ///
    /// The map covers the run.
    unsafe fn flip_ends(&mut self, start: usize, bytes: usize) {
        // SAFETY: upheld by the caller. A line has several granules, so the two are not the same.
        unsafe {
            self.map.flip(start);
            self.map.flip(start + bytes - GRANULE);
        }
    }
}

/// The list of runs of this size: at least a line.
#[inline]
pub(super) fn list_of(bytes: usize) -> usize {
    // In quarters of a line, so that the first doubling has four lists, too.
    let quarters = bytes / (LINE / 4);
    let doubling = (usize::BITS - 3 - quarters.leading_zeros()) as usize;
    let list = 4 * doubling + (quarters >> doubling & 3);
    list.min(LISTS - 1)
}
