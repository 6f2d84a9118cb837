//! The raw recordings of a run, one for each program that a process has been.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use heaprace_traces::native::NativeHeader;
use heaprace_traces::{NativeRecording, TraceError};

const BLOCK_BYTES: usize = 256 * 1024;

/// A raw recording, as its header was when it was listed.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) path: PathBuf,
    pub(super) process: u32,
    /// Which program of the process: 0 is the first, and each `exec` begins another one.
    pub(super) number: u32,
    pub(super) header: NativeHeader,
    /// Whether the process still ran when the recordings were collected.
    pub(super) runs: bool,
}

impl Raw {
    /// The process and the number in the name that the library gives a recording: `PROCESS-NUMBER.raw`.
    pub(super) fn parse_name(name: &Path) -> Option<(u32, u32)> {
        let (process, number) = name.file_name()?.to_str()?.strip_suffix(".raw")?.split_once('-')?;
        Some((process.parse().ok()?, number.parse().ok()?))
    }

    /// Reads the header of a recording.
    fn read(path: PathBuf, process: u32, number: u32) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        let opened = open(&path, false).map_err(|source| TraceError::Open { file: file.clone(), source })?;
        Ok(Raw { path, process, number, header: NativeHeader::read(opened, &file)?, runs: false })
    }

    /// The recording, from its first record.
    pub(super) fn open(&self) -> Result<NativeRecording, TraceError> {
        let file = self.path.display().to_string();
        let opened = open(&self.path, false).map_err(|source| TraceError::Open { file: file.clone(), source })?;
        NativeRecording::new(BufReader::with_capacity(BLOCK_BYTES, opened), &file)
    }

    /// The process and, where that has been several programs, which of them: `4711`, `4711-1`.
    pub(super) fn name(&self) -> String {
        match self.number {
            0 => self.process.to_string(),
            number => format!("{}-{number}", self.process),
        }
    }

    /// Whether it has records.
    pub(super) fn is_recorded(&self) -> bool {
        !self.header.only_counted && self.header.claimed > 0
    }

    /// Whether the process still runs and has its recording mapped.
    pub(super) fn is_running(&self) -> bool {
        if self.header.exited {
            return false;
        }
        let process = PathBuf::from(format!("/proc/{}", self.process));
        let maps = match fs::read(process.join("maps")) {
            Ok(maps) => maps,
            Err(error) => return error.kind() == io::ErrorKind::PermissionDenied && process.exists(),
        };
        let name = format!("/{}", self.path.file_name().unwrap_or_default().to_string_lossy());
        maps.windows(name.len()).any(|window| window == name.as_bytes())
    }
}

/// Opens a raw recording, and only a file: everybody may put something else into the folder of the recordings.
pub(super) fn open(path: &Path, write: bool) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).write(write).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a file")) }
}

/// The recordings in a folder by process and number, and how many are without a header, because their processes could
/// not begin them.
pub(super) fn list(folder: &Path) -> anyhow::Result<(Vec<Raw>, usize)> {
    let paths: io::Result<Vec<_>> =
        fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let (mut raws, mut unfinished) = (Vec::new(), 0);
    for path in paths.map_err(|error| anyhow::anyhow!("cannot list {}: {error}", folder.display()))? {
        let Some((process, number)) = Raw::parse_name(&path) else { continue };
        match Raw::read(path.clone(), process, number) {
            Ok(raw) => raws.push(raw),
            Err(TraceError::NotRaw { .. }) if begins_with_zeroes(&path) => unfinished += 1,
            Err(error) => return Err(error.into()),
        }
    }
    raws.sort_by_key(|raw| (raw.process, raw.number));
    Ok((raws, unfinished))
}

/// How many forks of each recording's process have no recording, by the recording's place; only those that lack some.
pub(super) fn missing_forks(raws: &[Raw]) -> Vec<(usize, u64)> {
    let mut children: HashMap<(u64, u64), u64> = HashMap::new();
    for parent in raws.iter().filter_map(|raw| raw.header.parent) {
        *children.entry((parent.process, parent.number)).or_default() += 1;
    }
    let missing = |raw: &Raw| {
        let there = children.get(&(raw.process.into(), raw.number.into())).copied().unwrap_or(0);
        raw.header.forks.saturating_sub(there)
    };
    raws.iter().enumerate().map(|(place, raw)| (place, missing(raw))).filter(|&(_, missing)| missing > 0).collect()
}

fn begins_with_zeroes(path: &Path) -> bool {
    use std::os::unix::fs::FileExt;
    let mut magic = [0; 8];
    open(path, false).and_then(|file| file.read_at(&mut magic, 0)).is_ok_and(|_| magic == [0; 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_recording_has_its_process_and_its_number() {
        assert_eq!(Raw::parse_name("folder/4711-0.raw".as_ref()), Some((4711, 0)));
        for other in ["4711.raw", "a-0.raw", "4711-0.csv", "4711-0.inherited", ""] {
            assert_eq!(Raw::parse_name(other.as_ref()), None, "{other}");
        }
        let raw =
            |number| Raw { path: "a".into(), process: 4711, number, header: NativeHeader::default(), runs: false };
        assert_eq!([0, 2].map(|number| raw(number).name()), ["4711", "4711-2"]);
    }

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1-0.raw");
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(open(&path, false).is_err(), "a link");
        fs::create_dir(folder.path().join("2-0.raw")).unwrap();
        assert!(open(&folder.path().join("2-0.raw"), false).is_err(), "a folder");
    }
}
