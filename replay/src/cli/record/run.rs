//! Runs the command with the library preloaded, and collects the raw recordings.

use std::ffi::OsString;
use std::path::Path;
use std::process::{self, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use heaprace_engine::real::preloads;

use super::folder::{Folder, shown};
use super::grower::{self, Grower};
use super::raw::{self, Raw};
use super::signals::HeldSignals;

/// How long processes may take to end after the first one.
const GRACE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(10);

/// What is there once the program has ended.
pub(super) struct Finished {
    /// The first process.
    pub(super) process: u32,
    /// How it ended.
    pub(super) status: ExitStatus,
    /// The recordings by process and number.
    pub(super) raws: Vec<Raw>,
    /// Processes that could not begin their recording.
    pub(super) unfinished: usize,
    /// Where all of them are, until this is dropped.
    pub(super) folder: Folder,
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
    held: &HeldSignals,
) -> anyhow::Result<Finished> {
    let folder = Folder::create(output)?;
    let Options { follow_forks, extents } = options;
    let parent = if follow_forks { 0 } else { process::id() };
    let mut wanted = OsString::from(format!("{parent}{}:", if extents { "e" } else { "" }));
    wanted.push(folder.absolute());
    let mut child = Command::new(command.first().map_or(program.as_os_str(), OsString::as_os_str));
    child.args(command.iter().skip(1)).env("HEAPRACE_PRELOAD", wanted).env("LD_PRELOAD", preloads(library));
    let child = child.spawn().with_context(|| format!("{} cannot be started", shown(program)))?;
    let process = child.id();
    let grower = Grower::start(folder.absolute());
    let status = held.wait(child);
    if status.is_ok() {
        await_others(folder.absolute(), held);
    }
    grower.stop();
    let status = status.context("cannot wait for the program")?;
    // Looked at before the headers, so that the header of a process that has ended is its last.
    let (mut running, _) = raw::list(folder.absolute())?;
    running.retain(Raw::is_running);
    let (mut raws, unfinished) = raw::list(folder.absolute())?;
    for raw in &mut raws {
        raw.runs = running.iter().any(|other| other.path == raw.path);
        if !raw.runs {
            grower::cut(raw);
        }
    }
    Ok(Finished { process, status, raws, unfinished, folder })
}

/// Waits a little for processes that are about to end, too, or to begin their recordings, unless a signal comes.
fn await_others(folder: &Path, held: &HeldSignals) {
    let (begin, seen) = (Instant::now(), held.seen());
    let is_missing = |raws: &[Raw]| raws.iter().any(Raw::is_running) || !raw::missing_forks(raws).is_empty();
    let is_running = || raw::list(folder).is_ok_and(|(raws, _)| is_missing(&raws));
    while is_running() && begin.elapsed() < GRACE && held.seen() == seen {
        thread::sleep(POLL);
    }
}
