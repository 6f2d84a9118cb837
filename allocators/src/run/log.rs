//! The log of a real run: a file that the running program maps, so that it is complete however the program ends.
//!
//! It consists of numbers of 8 bytes in the byte order of the machine, because the process that reads it has started
//! the one that writes it. The head is followed by the growths of the heap.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The first number of a log; it changes with the layout.
const MAGIC: u64 = u64::from_le_bytes(*b"hrrunlg1");
/// Numbers in a log.
const WORDS: usize = 1 << 17;
/// Its length.
const BYTES: usize = WORDS * size_of::<u64>();
/// Numbers in the head.
const HEAD_WORDS: usize = 8;
/// Growths that have room. Further ones overwrite the last.
const MOST_GROWTHS: usize = (WORDS - HEAD_WORDS) / 2;

/// The places of the head's numbers.
mod place {
    pub(super) const MAGIC: usize = 0;
    pub(super) const BEGUN_NS: usize = 1;
    pub(super) const PAGES: usize = 2;
    pub(super) const REFUSED: usize = 3;
    pub(super) const HAS_THREADS: usize = 4;
    pub(super) const GROWTHS: usize = 5;
}

/// Creates an empty log in place of any file of that name, with its room on the disk: a write to a mapping of a full disk
/// would kill the program.
///
/// # Errors
///
/// If the file cannot be created, or there is no room.
pub fn prepare(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(&vec![0; BYTES])
}

/// The log of this process.
#[derive(Debug)]
pub(super) struct RunLog {
    words: &'static [AtomicU64],
    /// The process that began it. The child of a fork shares the mapping, but is not what the log is about.
    process: u32,
}

impl RunLog {
    /// Begins the log in a file that [`prepare`] has made.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if file.metadata()?.len() != BYTES as u64 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping of a file of this size.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), BYTES, access, flags, file.as_raw_fd(), 0) };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping has these words, is never unmapped, and is only accessed as atomics.
        let words = unsafe { std::slice::from_raw_parts(start.cast::<AtomicU64>(), WORDS) };
        // A program that execs another one begins again.
        words.iter().take(HEAD_WORDS).for_each(|word| word.store(0, Ordering::Relaxed));
        let log = RunLog { words, process: std::process::id() };
        log.set(place::BEGUN_NS, now_ns());
        // Last: a log with its magic is valid.
        log.set(place::MAGIC, MAGIC);
        Ok(log)
    }

    /// Whether this is the process that began the log, and not the child of a fork.
    fn is_ours(&self) -> bool {
        std::process::id() == self.process
    }

    fn set(&self, place: usize, value: u64) {
        if let Some(word) = self.words.get(place) {
            word.store(value, Ordering::Relaxed);
        }
    }

    fn get(&self, place: usize) -> u64 {
        self.words.get(place).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// The heap has grown to this many pages.
    #[cold]
    pub(super) fn grown_to(&self, pages: usize) {
        if !self.is_ours() {
            return;
        }
        let growths = self.get(place::GROWTHS);
        let index = (growths as usize).min(MOST_GROWTHS - 1);
        self.set(HEAD_WORDS + 2 * index, now_ns());
        self.set(HEAD_WORDS + 2 * index + 1, pages as u64);
        self.set(place::GROWTHS, growths + 1);
        self.set(place::PAGES, pages as u64);
    }

    /// A request was refused.
    #[cold]
    pub(super) fn refused(&self) {
        if self.is_ours() {
            self.set(place::REFUSED, self.get(place::REFUSED) + 1);
        }
    }

    /// More than one thread allocates.
    #[cold]
    pub(super) fn has_threads(&self) {
        if self.is_ours() {
            self.set(place::HAS_THREADS, 1);
        }
    }
}

/// The monotonic clock, which is that of all processes.
fn now_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is ours, and the clock exists on every system.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// The figures of a real run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFigures {
    /// Pages of the heap at the end. A heap never shrinks, so this is the peak.
    pub peak_pages: u64,
    /// Requests that the contender refused.
    pub refused_requests: u64,
    /// Whether more than one thread allocated.
    pub has_threads: bool,
    /// The growths of the heap: time since its first request, and pages from then on. If there were more than 65,000,
    /// the last one replaces those after them.
    pub growths: Vec<(Duration, u64)>,
}

impl RunFigures {
    /// The figures in this log; `None` if it is not one: then no request reached the contender.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let bytes = std::fs::read(path)?;
        Ok(Self::parse(&bytes))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let word = |place: usize| {
            let bytes = bytes.get(place * 8..)?.first_chunk()?;
            Some(u64::from_ne_bytes(*bytes))
        };
        if word(place::MAGIC)? != MAGIC {
            return None;
        }
        let begun_ns = word(place::BEGUN_NS)?;
        let growths = usize::try_from(word(place::GROWTHS)?).ok()?.min(MOST_GROWTHS);
        let growths = (0..growths).map(|index| {
            let time_ns = word(HEAD_WORDS + 2 * index)?;
            Some((Duration::from_nanos(time_ns.saturating_sub(begun_ns)), word(HEAD_WORDS + 2 * index + 1)?))
        });
        Some(RunFigures {
            peak_pages: word(place::PAGES)?,
            refused_requests: word(place::REFUSED)?,
            has_threads: word(place::HAS_THREADS)? != 0,
            growths: growths.collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_says_what_was_noted() {
        let path = std::env::temp_dir().join(format!("heaprace-run-log-{}", std::process::id()));
        prepare(&path).unwrap();
        assert_eq!(RunFigures::read(&path).unwrap(), None, "nothing has begun it");
        let log = RunLog::begin(&path).unwrap();
        log.grown_to(2);
        log.refused();
        log.grown_to(7);
        let figures = RunFigures::read(&path).unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        let pages: Vec<_> = figures.growths.iter().map(|&(_, pages)| pages).collect();
        assert_eq!(
            (figures.peak_pages, figures.refused_requests, figures.has_threads, pages),
            (7, 1, false, vec![2, 7])
        );
        assert!(figures.growths.is_sorted());
    }

    #[test]
    fn more_growths_than_have_room_keep_the_last_one() {
        let path = std::env::temp_dir().join(format!("heaprace-run-log-long-{}", std::process::id()));
        prepare(&path).unwrap();
        assert_eq!(RunFigures::read(&path).unwrap(), None, "nothing has begun it");
        let log = RunLog::begin(&path).unwrap();
        (1..=MOST_GROWTHS + 10).for_each(|pages| log.grown_to(pages));
        let figures = RunFigures::read(&path).unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(figures.growths.len(), MOST_GROWTHS);
        assert_eq!(figures.growths.last().unwrap().1, MOST_GROWTHS as u64 + 10);
    }

    #[test]
    fn only_a_prepared_file_becomes_a_log() {
        let path = std::env::temp_dir().join(format!("heaprace-run-log-other-{}", std::process::id()));
        assert!(RunLog::begin(&path).is_err(), "there is no file");
        std::fs::write(&path, "somebody else's").unwrap();
        assert!(RunLog::begin(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"somebody else's");
        std::fs::remove_file(&path).unwrap();
        assert!(prepare(Path::new("/proc/no/such/folder")).is_err());
    }

    #[test]
    fn what_is_no_log_has_no_figures() {
        for bytes in [vec![], vec![0; 4096], b"hrrunlg1".to_vec()] {
            assert_eq!(RunFigures::parse(&bytes), None);
        }
    }
}
