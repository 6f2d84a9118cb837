//! Runs the command with the library preloaded, and collects the raw recordings.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus};

use anyhow::Context;
use heaprace::real::preloads;
use heaprace_traces::NativeRecording;

/// What is there once the program has ended.
pub(super) struct Finished {
    /// How it ended.
    pub(super) status: ExitStatus,
    /// The recordings that become traces, the first process's first.
    pub(super) recordings: Vec<Raw>,
    /// Those of programs that the first process was before an `exec`, where they do not become traces.
    pub(super) replaced: Vec<Raw>,
    /// Where all of them are, until this is dropped.
    folder: Folder,
}

impl Finished {
    /// Leaves the raw recordings where they are, and says where that is.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }
}

/// A raw recording.
pub(super) struct Raw {
    /// The file.
    pub(super) path: PathBuf,
    /// The process and, where that has been several programs, which of them: `4711`, `4711-1`.
    pub(super) name: String,
    /// Whether it is the last program of the first process: what the user means.
    pub(super) is_main: bool,
    process: u32,
    number: u32,
}

impl Raw {
    /// From the name that the library gives it: `PROCESS-NUMBER.raw`.
    fn parse(path: PathBuf) -> Option<Self> {
        let (process, number) = path.file_name()?.to_str()?.strip_suffix(".raw")?.split_once('-')?;
        let (process, number) = (process.parse().ok()?, number.parse().ok()?);
        let name = if number == 0 { format!("{process}") } else { format!("{process}-{number}") };
        Some(Raw { path, name, is_main: false, process, number })
    }

    /// Whether the process is still there.
    pub(super) fn is_running(&self) -> bool {
        Path::new("/proc").join(self.process.to_string()).exists()
    }

    /// The program's name.
    pub(super) fn program(&self) -> String {
        NativeRecording::open(&self.path).map_or("another program".to_owned(), |raw| raw.program().to_owned())
    }
}

/// A folder that goes when this does.
struct Folder(PathBuf);

impl Folder {
    fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            // If it cannot be removed, nothing more can be done.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// What is recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// Whether the program's own children are, too.
    pub(super) follow_forks: bool,
    /// Whether written extents are.
    pub(super) extents: bool,
}

/// Runs `program` under the name that `command` begins with, until it ends.
pub(super) fn run(
    program: &Path,
    command: &[OsString],
    library: &Path,
    output: &Path,
    options: Options,
) -> anyhow::Result<Finished> {
    // Beside the trace: there is where the user wants large files.
    let mut name = OsString::from(".");
    name.push(output.file_name().unwrap_or_default());
    name.push(format!(".{}.recording", process::id()));
    let folder = output.with_file_name(name);
    fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let folder = Folder(folder);
    let absolute = fs::canonicalize(&folder.0).with_context(|| format!("cannot find {}", folder.0.display()))?;

    let Options { follow_forks, extents } = options;
    let parent = if follow_forks { 0 } else { process::id() };
    let mut wanted = OsString::from(format!("{parent}{}:", if extents { "e" } else { "" }));
    wanted.push(&absolute);
    let mut child = Command::new(command.first().map_or(program.as_os_str(), OsString::as_os_str));
    child.args(command.iter().skip(1)).env("HEAPRACE_PRELOAD", wanted).env("LD_PRELOAD", preloads(library));
    let held = HeldSignals::new();
    let mut child = child.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
    let status = child.wait().context("cannot wait for the program")?;
    drop(held);

    let mut recordings = list(&absolute).with_context(|| format!("cannot list {}", absolute.display()))?;
    // The last program of the first process comes first.
    recordings.sort_by_key(|raw| (raw.process != child.id(), raw.process, raw.number));
    let main = recordings.iter().rposition(|raw| raw.process == child.id());
    if let Some(main) = main {
        recordings[main].is_main = true;
        recordings[..=main].rotate_right(1);
    }
    let replaced = if follow_forks { Vec::new() } else { recordings.split_off(recordings.len().min(1)) };
    Ok(Finished { status, recordings, replaced, folder })
}

/// The recordings in a folder, in no order.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Raw>> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder)?.collect();
    Ok(entries?.into_iter().filter_map(|entry| Raw::parse(entry.path())).collect())
}

/// Keeps the keyboard's signals from ending `replay` while the program runs: they reach both, and the trace must have what
/// the program has done so far. The program itself starts with the signals as they were.
struct HeldSignals {
    before: [(i32, libc::sighandler_t); 2],
}

impl HeldSignals {
    fn new() -> Self {
        extern "C" fn nothing(_: libc::c_int) {}
        let hold = |signal| {
            let handler = nothing as extern "C" fn(libc::c_int) as libc::sighandler_t;
            // SAFETY: the handler does nothing, which a handler may do at any time; `exec` sets it back to the default.
            let before = unsafe { libc::signal(signal, handler) };
            if before == libc::SIG_IGN {
                // SAFETY: as it was: the program ignores it, too.
                unsafe { libc::signal(signal, before) };
            }
            (signal, before)
        };
        HeldSignals { before: [hold(libc::SIGINT), hold(libc::SIGQUIT)] }
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        for (signal, before) in self.before {
            // SAFETY: sets back what was there.
            unsafe { libc::signal(signal, before) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_recording_has_its_process_and_its_number() {
        let raw = Raw::parse("folder/4711-0.raw".into()).unwrap();
        assert_eq!((raw.process, raw.number, raw.name.as_str()), (4711, 0, "4711"));
        assert_eq!(Raw::parse("4711-2.raw".into()).unwrap().name, "4711-2");
        for other in ["4711.raw", "a-0.raw", "4711-0.csv", ""] {
            assert!(Raw::parse(other.into()).is_none(), "{other}");
        }
    }
}
