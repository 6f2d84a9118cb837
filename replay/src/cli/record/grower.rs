//! Looks after the recordings while their processes run.
//!
//! - It keeps space on the disk allocated ahead of what they write: a first write to a page that has none takes a quarter
//!   longer. If the disk is full, nothing is allocated, and the library counts what is lost.
//! - It notes how much private memory they have. They do not look themselves: that could be forbidden to them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::mem::offset_of;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use heaprace_traces::native::raw::{HEADER_BYTES, Header, MAGIC, RECORD_BYTES};

use super::raw::{self, Raw};

const INTERVAL: Duration = Duration::from_millis(10);
/// How exact the time is at which a folder was changed.
const CLOCK_TICK: Duration = Duration::from_millis(100);
/// As many bytes as are claimed are allocated ahead, within these limits.
const AHEAD_BYTES: (u64, u64) = (1 << 20, 64 << 20);
/// Looks at a process's memory are this many intervals apart.
const MEMORY_INTERVALS: u32 = 5;
/// Apparent size of a recording: a process with a limit on its files cannot set it itself.
const FILE_BYTES: u64 = 1 << 40;

/// A thread that runs until [`stop`](Self::stop).
pub(super) struct Grower {
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Grower {
    pub(super) fn start(folder: &Path) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let mut files = Files::new(folder);
        let stopped = Arc::clone(&is_stopped);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                files.grow();
                thread::sleep(INTERVAL);
            }
        });
        Grower { is_stopped, thread }
    }

    pub(super) fn stop(self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        // It does nothing that panics, and nothing depends on it.
        let _ = self.thread.join();
    }
}

/// The recordings of a folder that grow.
struct Files {
    folder: PathBuf,
    /// When the folder was last changed, as of the last look into it.
    changed: Option<SystemTime>,
    known: HashSet<PathBuf>,
    /// Files whose header is not there yet.
    new: Vec<PathBuf>,
    growing: Vec<Growing>,
}

/// A recording whose process may still run.
struct Growing {
    file: File,
    process: u32,
    allocated: u64,
    private_bytes: u64,
    rounds: u32,
}

impl Files {
    fn new(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Files { folder, changed: None, known: HashSet::new(), new: Vec::new(), growing: Vec::new() }
    }

    fn grow(&mut self) {
        self.list();
        let Files { new, growing, .. } = self;
        new.retain(|path| match begun(path) {
            Begun::NotYet => true,
            Begun::Recorded(file) => {
                let process = Raw::parse_name(path).map_or(0, |(process, _)| process);
                // After an `exec`, the process's memory is that of another program.
                growing.retain(|before| before.process != process);
                growing.push(Growing { file, process, allocated: 0, private_bytes: 0, rounds: 0 });
                false
            }
            Begun::Other => false,
        });
        growing.retain_mut(Growing::grow);
    }

    /// Notes what is new in the folder, if anything can be.
    fn list(&mut self) {
        let changed = fs::metadata(&self.folder).and_then(|metadata| metadata.modified()).ok();
        let is_recent = changed.is_none_or(|time| time.elapsed().is_ok_and(|elapsed| elapsed < CLOCK_TICK));
        if changed == self.changed && !is_recent {
            return;
        }
        self.changed = changed;
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if Raw::parse_name(&path).is_some() && self.known.insert(path.clone()) {
                self.new.push(path);
            }
        }
    }
}

enum Begun {
    NotYet,
    Recorded(File),
    /// It does not grow, or is not ours.
    Other,
}

fn begun(path: &Path) -> Begun {
    let Ok(file) = raw::open(path, true) else { return Begun::Other };
    let mut magic = [0; 8];
    match file.read_exact_at(&mut magic, offset_of!(Header, magic) as u64) {
        Ok(()) if magic == MAGIC => {}
        Ok(()) if magic != [0; 8] => return Begun::Other,
        _ => return Begun::NotYet,
    }
    match number(&file, offset_of!(Header, only_counted)) {
        Some(0) => {
            if file.metadata().is_ok_and(|metadata| metadata.len() < FILE_BYTES) {
                let _ = file.set_len(FILE_BYTES);
            }
            Begun::Recorded(file)
        }
        _ => Begun::Other,
    }
}

impl Growing {
    /// Allocates what the recording is about to need. Returns whether there is more to do later.
    fn grow(&mut self) -> bool {
        let Some(claimed) = number(&self.file, offset_of!(Header, claimed)) else { return false };
        let used = claimed.saturating_mul(RECORD_BYTES as u64).min(FILE_BYTES);
        let (least, most) = AHEAD_BYTES;
        let ahead = used.clamp(least, most);
        let used = used + HEADER_BYTES as u64;
        if self.allocated < used + ahead / 2 {
            let (from, to) = (self.allocated, (used + ahead).min(FILE_BYTES));
            // SAFETY: the file is open.
            let failed = to > from
                && unsafe {
                    let (from, bytes) = (from as libc::off_t, (to - from) as libc::off_t);
                    libc::fallocate(self.file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, from, bytes) != 0
                };
            if failed {
                return false;
            }
            self.allocated = to;
        }
        let is_there = !self.rounds.is_multiple_of(MEMORY_INTERVALS) || self.note_memory();
        self.rounds = self.rounds.wrapping_add(1);
        is_there && number(&self.file, offset_of!(Header, exited)) == Some(0)
    }

    /// Notes the process's private memory, if it is more than before. Returns whether the process is there.
    fn note_memory(&mut self) -> bool {
        let bytes = private_bytes(self.process);
        if let Some(bytes) = bytes.filter(|&bytes| bytes > self.private_bytes) {
            self.private_bytes = bytes;
            // Without it, the trace has no note of memory from elsewhere.
            let _ = self.file.write_all_at(&bytes.to_ne_bytes(), offset_of!(Header, private_bytes) as u64);
        }
        bytes.is_some()
    }
}

/// The private memory of a process that is resident: all but that of files.
fn private_bytes(process: u32) -> Option<u64> {
    // SAFETY: asks for a number.
    let page_bytes = u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    let text = fs::read_to_string(format!("/proc/{process}/statm")).ok()?;
    let mut pages = text.split(' ').skip(1).map(str::parse::<u64>);
    let (resident, of_files) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some(resident.saturating_sub(of_files).saturating_mul(page_bytes))
}

/// A number of the header of a recording.
fn number(file: &File, offset: usize) -> Option<u64> {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, offset as u64).ok()?;
    Some(u64::from_ne_bytes(bytes))
}

/// Cuts a recording off after its last place. Its process must have ended: it would write beyond the end of its file.
pub(super) fn cut(raw: &Raw) {
    let records = if raw.header.only_counted { 0 } else { raw.header.claimed };
    let bytes = records.saturating_mul(RECORD_BYTES as u64).saturating_add(HEADER_BYTES as u64);
    // Otherwise the file takes more space than it needs.
    if let Ok(file) = raw::open(&raw.path, true)
        && file.metadata().is_ok_and(|metadata| metadata.len() > bytes)
    {
        let _ = file.set_len(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use heaprace_traces::native::raw::VERSION;

    use super::*;

    fn recording(path: &Path, claimed: u64, only_counted: u64) -> File {
        let mut header = vec![0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        let mut set = |offset: usize, number: u64| header[offset..offset + 8].copy_from_slice(&number.to_ne_bytes());
        set(offset_of!(Header, version), VERSION);
        set(offset_of!(Header, claimed), claimed);
        set(offset_of!(Header, only_counted), only_counted);
        fs::write(path, header).unwrap();
        fs::OpenOptions::new().read(true).write(true).open(path).unwrap()
    }

    fn allocated(path: &Path) -> u64 {
        512 * fs::metadata(path).unwrap().blocks()
    }

    #[test]
    fn a_recording_has_as_much_space_again_as_it_uses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{}-0.raw", std::process::id()));
        let counted = folder.path().join("2-0.raw");
        let file = recording(&path, 100, 0);
        drop(recording(&counted, 1_000_000, 1));
        let mut files = Files::new(folder.path());
        files.grow();
        assert!(allocated(&path) >= 1 << 20, "{}", allocated(&path));
        assert_eq!(fs::metadata(&path).unwrap().len(), FILE_BYTES);
        assert!(allocated(&counted) < 1 << 20);

        file.write_all_at(&1_000_000_u64.to_ne_bytes(), offset_of!(Header, claimed) as u64).unwrap();
        files.grow();
        assert!(allocated(&path) >= 32_000_000, "{}", allocated(&path));
        file.write_all_at(&1_u64.to_ne_bytes(), offset_of!(Header, exited) as u64).unwrap();
        files.grow();
        assert!(files.growing.is_empty());

        let (raws, unfinished) = raw::list(folder.path()).unwrap();
        assert_eq!((raws.len(), unfinished), (2, 0));
        raws.iter().for_each(cut);
        assert_eq!(fs::metadata(&path).unwrap().len(), 16_000_000 + HEADER_BYTES as u64);
        assert_eq!(fs::metadata(&counted).unwrap().len(), HEADER_BYTES as u64);
    }

    #[test]
    fn the_most_private_memory_is_noted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{}-0.raw", std::process::id()));
        let file = recording(&path, 0, 0);
        let mut files = Files::new(folder.path());
        files.grow();
        let before = number(&file, offset_of!(Header, private_bytes)).unwrap();
        assert!(before > 100_000, "{before}");
        let memory = vec![1_u8; 50 << 20];
        files.growing[0].note_memory();
        drop(memory);
        files.growing[0].note_memory();
        let after = number(&file, offset_of!(Header, private_bytes)).unwrap();
        assert!(after >= before + (40 << 20), "{before}, {after}");
    }

    #[test]
    fn a_file_without_a_header_is_looked_at_again_and_a_link_never() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("precious");
        fs::write(&other, "text").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("2-0.raw")).unwrap();
        let path = folder.path().join("1-0.raw");
        fs::write(&path, "").unwrap();
        let mut files = Files::new(folder.path());
        files.grow();
        assert_eq!((files.new.len(), files.growing.len()), (1, 0));
        drop(recording(&path, 0, 0));
        files.grow();
        assert!(files.new.is_empty());
        assert_eq!(fs::read(&other).unwrap(), b"text");
    }
}
