//! Restores the one order of all threads' records from their lanes.
//!
//! The numbers of the records have no gaps, so after a record the next one is known. Records that arrive before it wait
//! in a window. Records ahead of the window wait in their lane, and if that is full, their thread waits too.

use std::time::{Duration, Instant};

use super::lane::{self, Lane};

/// Records that may arrive before the next one.
const WINDOW: usize = 1 << 16;
/// How long a record that has a number may take to arrive. Between the two, a thread executes a dozen instructions; if
/// it is interrupted there and never returns, the others do not wait for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// The records of all threads, in order.
pub(super) struct Merge {
    lanes: Vec<&'static Lane>,
    /// The number of the next record.
    next: u64,
    /// The words of records by their numbers; if the first word is 0, there is no record.
    window: Box<[[u64; 2]]>,
    /// Since when a numbered record is missing.
    missing_since: Option<Instant>,
    /// Records that never arrived, or too late.
    pub(super) lost: u64,
}

impl Merge {
    pub(super) fn new() -> Self {
        let window = vec![[0; 2]; WINDOW].into_boxed_slice();
        Merge { lanes: Vec::new(), next: 0, window, missing_since: None, lost: 0 }
    }

    /// Passes all records that have arrived, up to number `end`, to `give` in order. Returns whether there were any.
    pub(super) fn read(&mut self, end: u64, mut give: impl FnMut([u64; 2])) -> bool {
        let before = self.next;
        lane::lanes(&mut self.lanes);
        for lane in &self.lanes {
            lane.read(|order, words| {
                if order < self.next {
                    self.lost += 1;
                } else if order - self.next >= WINDOW as u64 {
                    return false;
                } else if order == self.next && order < end {
                    give(words);
                    self.next += 1;
                } else {
                    self.window[order as usize % WINDOW] = words;
                }
                true
            });
            while self.next < end {
                let words = core::mem::take(&mut self.window[self.next as usize % WINDOW]);
                if words[0] == 0 {
                    break;
                }
                give(words);
                self.next += 1;
            }
        }
        let any = self.next != before;
        if any {
            self.missing_since = None;
        }
        any
    }

    /// Whether all records before number `end` were given. Call it after a read that found none: it gives up a record
    /// that is missing for too long.
    pub(super) fn is_at(&mut self, end: u64) -> bool {
        if self.next >= end.min(lane::numbered()) {
            self.missing_since = None;
            return self.next >= end;
        }
        let since = *self.missing_since.get_or_insert_with(Instant::now);
        if since.elapsed() > PATIENCE {
            self.missing_since = None;
            self.next += 1;
            self.lost += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread;

    use super::*;
    use crate::fill::Fill;
    use crate::raw::{Record, kind};

    /// The lanes are those of the process, so this is one test.
    #[test]
    fn the_order_of_all_threads_is_restored_and_what_never_comes_is_given_up() {
        const THREADS: u64 = 4;
        const RECORDS: u64 = 5000;
        let count = Mutex::new(0_usize);
        let read = |merge: &mut Merge, end| {
            let mut addresses = Vec::new();
            while !merge.is_at(end) {
                if !merge.read(end, |words| addresses.push(Record::from_words(words).address)) {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            addresses
        };
        let mut merge = Merge::new();
        let addresses = thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..RECORDS {
                        // Under the lock, so that the order in which records are numbered is known.
                        let mut count = count.lock().unwrap();
                        *count += 1;
                        lane::log(kind::ALLOC, *count, 8, 3, Fill::Unknown);
                    }
                });
            }
            read(&mut merge, THREADS * RECORDS)
        });
        assert!(addresses.into_iter().eq(1..=THREADS * RECORDS));
        assert_eq!(merge.lost, 0);

        let end = lane::numbered() + 2;
        lane::log(kind::ALLOC, 1, 8, 3, Fill::Unknown);
        lane::lose_number();
        lane::log(kind::ALLOC, 2, 8, 3, Fill::Unknown);
        lane::log(kind::ALLOC, 3, 8, 3, Fill::Unknown);
        // The third has a number after the end.
        assert_eq!(read(&mut merge, end + 1), [1, 2]);
        assert_eq!(merge.lost, 1);
        assert_eq!(lane::numbered(), end + 2);
    }
}
