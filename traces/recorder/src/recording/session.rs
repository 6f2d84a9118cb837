//! The one recording of a process: how it begins, pauses and ends. It is not part of the recorder, because the exit
//! handler cannot know which recorder began it.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::gate::{self, Phase};
use super::lane::{self, muted};
use super::scribe::{self, Summary, warn};
use super::trace_file::TraceFile;
use super::{clock, marks, signals, waker};
use crate::csv::Columns;
use crate::escape::escaped;
use crate::fill::Fill;

/// How long a thread sleeps at a time while it waits for the end.
const POLL: Duration = Duration::from_micros(100);

/// Keeps starts and stops apart, each with its record.
static CONTROL: Mutex<()> = Mutex::new(());

/// Begins the recording if no thread has begun it yet, with or without extents. Returns whether it is open.
#[cold]
#[inline(never)]
pub(crate) fn begin(path: Option<&str>, extents: bool) -> bool {
    if gate::change(Phase::Waiting, Phase::Beginning) {
        let phase = if muted(|| open(path, extents)) { Phase::Open } else { Phase::Off };
        gate::set(phase);
    }
    gate::phase() == Phase::Open
}

/// Creates the file and starts the scribe; `false`, with a line on standard error, if that is not possible.
fn open(path: Option<&str>, extents: bool) -> bool {
    let path = match std::env::var_os("HEAPRACE_TRACE").or_else(|| path.map(Into::into)) {
        Some(path) if !path.is_empty() => path,
        _ => return false,
    };
    let file = path.to_string_lossy().into_owned();
    let unwritable =
        |cause: &str| warn(&format!("heaprace: {file} cannot be written: {cause}; the program runs unrecorded\n"));
    let columns = Columns { thread: true, time_ns: false, written: extents };
    let (output, other) = match TraceFile::create(Path::new(&path), columns, &provenance()) {
        Ok(created) => created,
        Err(error) => {
            unwritable(&scribe::cause(&error));
            return false;
        }
    };
    let used = other.map_or(file.clone(), |other| other.to_string_lossy().into_owned());
    if used != file {
        warn(&format!("heaprace: another process is recording into {file}; this one records into {used}\n"));
    }
    gate::note_process();
    if let Err(error) = scribe::start(output, used, extents) {
        unwritable(&error.to_string());
        return false;
    }
    on_exit_and_fork();
    signals::finish_before_deadly_ones();
    clock::start();
    true
}

/// Where the trace comes from: the comments before its header.
fn provenance() -> [String; 3] {
    let program = std::env::current_exe().ok();
    let program = program.as_ref().and_then(|path| path.file_stem()).unwrap_or(OsStr::new("unknown"));
    [
        format!("recorder: heaprace-recorder {}", env!("CARGO_PKG_VERSION")),
        format!("program: {}", escaped(program.as_encoded_bytes())),
        format!("platform: {}", platform()),
    ]
}

/// Continues the recording, or begins it.
pub(crate) fn start(path: Option<&str>, extents: bool) {
    match gate::phase() {
        Phase::Waiting => drop(begin(path, extents)),
        Phase::Stopped => {
            let _control = control();
            if gate::change(Phase::Stopped, Phase::Open) {
                clock::start();
                lane::log(lane::kind::START, 0, 0, 0, Fill::Unknown);
            }
        }
        _ => {}
    }
}

/// Pauses the recording.
pub(crate) fn stop() {
    if gate::phase() == Phase::Open {
        let _control = control();
        lane::log(lane::kind::STOP, 0, 0, 0, Fill::Unknown);
        if gate::change(Phase::Open, Phase::Stopped) {
            clock::stop();
        }
    }
}

fn control() -> MutexGuard<'static, ()> {
    muted(|| CONTROL.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Puts a mark.
pub(crate) fn mark(name: &str) {
    if gate::phase() == Phase::Open {
        let number = muted(|| marks::put(name));
        lane::log(lane::kind::MARK, number as usize, 0, 0, Fill::Unknown);
    }
}

/// Ends the recording, if there is one, and waits until it is written.
pub(crate) fn finish() -> Summary {
    if gate::change(Phase::Waiting, Phase::Off) {
        return Summary::default();
    }
    if !gate::is_attended() {
        return Summary::default();
    }
    muted(|| {
        gate::set(Phase::Ended);
        scribe::end();
        while !scribe::is_done() {
            waker::wake();
            thread::sleep(POLL);
        }
        scribe::summary()
    })
}

/// Registers the end of the recording at exit, and its silence in the child of a fork.
fn on_exit_and_fork() {
    extern "C" fn at_exit() {
        finish();
    }
    // SAFETY: the function exists as long as the process, takes nothing and does not unwind.
    unsafe { libc::atexit(at_exit) };
    #[cfg(unix)]
    {
        unsafe extern "C" fn in_child() {
            gate::set(Phase::Forked);
        }
        // SAFETY: the function exists as long as the process, and stores to an atomic, which the child of a fork may
        // do.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }
}

/// The platform of this process, as traces and the library name it: architecture and operating system.
///
/// ```
/// assert!(heaprace_recorder::platform().contains(std::env::consts::OS));
/// ```
pub fn platform() -> String {
    format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS)
}
