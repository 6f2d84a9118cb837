//! One run of the program on one contender.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use heaprace_allocators::run::log::{self, RunFigures};
use heaprace_allocators::run::settings::{RunSettings, VARIABLE};

use super::input::Input;
use super::plan::RealPlan;

/// What a run was like.
#[derive(Debug)]
pub struct RunOutcome {
    /// Time from its start to its end.
    pub wall: Duration,
    /// Processor time of the program and of the kernel for it.
    pub cpu: Duration,
    /// Page faults without a disk.
    pub minor_faults: u64,
    /// How it ended, unless with success.
    pub failure: Option<String>,
    /// What the contender noted; `None` if no request reached it.
    pub figures: Option<RunFigures>,
}

/// Starts the runs of a plan.
#[derive(Debug)]
pub(super) struct Starter<'p> {
    plan: &'p RealPlan,
    log: PathBuf,
}

impl<'p> Starter<'p> {
    pub(super) fn new(plan: &'p RealPlan) -> io::Result<Self> {
        Ok(Starter { plan, log: env::temp_dir().join(format!(".heaprace-run.{}.log", process::id())) })
    }

    /// Runs the program on this contender, until it ends.
    pub(super) fn run(&self, allocator: &str, input: &Input) -> io::Result<RunOutcome> {
        log::prepare(&self.log)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", self.log.display())))?;
        let settings = RunSettings {
            parent: process::id(),
            allocator: allocator.to_owned(),
            limit_pages: self.plan.limit_pages,
            log: self.log.clone(),
        };
        let mut words = self.plan.command.iter();
        let mut command = Command::new(words.next().map_or(OsStr::new(""), |word| word));
        command.args(words).env(VARIABLE, settings.to_value()).stdin(input.next()?);
        if let Some(library) = &self.plan.preload {
            command.env("LD_PRELOAD", preloads(library));
        }
        if !self.plan.shows_output {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let begun = Instant::now();
        let child = command.spawn()?;
        let (status, usage) = wait(child.id())?;
        let wall = begun.elapsed();
        let figures = RunFigures::read(&self.log)?;
        Ok(RunOutcome {
            wall,
            cpu: duration(usage.ru_utime) + duration(usage.ru_stime),
            minor_faults: usage.ru_minflt as u64,
            failure: (!status.success()).then(|| status.to_string()),
            figures,
        })
    }
}

impl Drop for Starter<'_> {
    fn drop(&mut self) {
        // If it cannot be removed, nothing more can be done.
        let _ = std::fs::remove_file(&self.log);
    }
}

/// The value of `LD_PRELOAD` that has this library before all others that are preloaded already.
pub fn preloads(library: &Path) -> OsString {
    let mut list = library.as_os_str().to_owned();
    if let Some(others) = env::var_os("LD_PRELOAD").filter(|others| !others.is_empty()) {
        list.push(":");
        list.push(others);
    }
    list
}

/// Waits for a child, and says what it has used.
fn wait(child: u32) -> io::Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    // SAFETY: numbers only, for which zeroes are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both places are ours.
        let waited = unsafe { libc::wait4(child as libc::pid_t, &raw mut status, 0, &raw mut usage) };
        if waited >= 0 {
            return Ok((ExitStatus::from_raw(status), usage));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
}
