//! How a recorded program can end, and what is in its trace then.

use std::path::PathBuf;
use std::thread;

use heaprace_recorder::Event;
use heaprace_traces::{Source, TraceError};

use super::{Block, GROWN, SHRUNK, SIZE, block_sizes, child, command, read, recorded, trace_path};

/// Two blocks of the file, and a part of the third.
const MANY: usize = 70_000;

pub(super) fn aborts() {
    many();
    std::process::abort();
}

#[test]
fn a_program_that_aborts_leaves_a_whole_trace() {
    let trace = trace_path("aborts");
    let output = child("aborts", &trace);
    #[cfg(unix)]
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(libc::SIGABRT), "{output:?}");
    assert!(!output.status.success());
    assert_eq!(block_sizes(&read(&trace)), [SIZE; MANY]);
}

pub(super) fn many() {
    (0..MANY).for_each(|_| drop(Block::new(SIZE, false)));
}

/// Says that all is done, and then waits for its end.
pub(super) fn unread() {
    many();
    println!("\nready");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

/// Ends a child by a signal, and gives its trace.
#[cfg(unix)]
fn ended_by(signal: i32, name: &str) -> PathBuf {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    let trace = trace_path(name);
    let mut command = command("unread", &trace);
    let with_default = move || {
        // SAFETY: numbers only.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        Ok(())
    };
    // What a shell runs in the background ignores SIGINT, and so would the child.
    // SAFETY: signal() may be called between fork and exec.
    unsafe { command.pre_exec(with_default) };
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    // SAFETY: numbers only.
    assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
    assert_eq!(child.wait().unwrap().signal(), Some(signal));
    trace
}

#[cfg(unix)]
#[test]
fn a_program_that_is_asked_to_end_leaves_a_whole_trace() {
    for (signal, name) in [(libc::SIGTERM, "sigterm"), (libc::SIGINT, "sigint")] {
        assert_eq!(block_sizes(&read(&ended_by(signal, name))), [SIZE; MANY]);
    }
}

#[cfg(unix)]
#[test]
fn a_program_that_is_killed_leaves_whole_blocks_and_then_one_error() {
    let trace = ended_by(libc::SIGKILL, "sigkill");
    let mut events: Vec<_> = Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap().collect();
    let error = events.pop().unwrap().unwrap_err();
    let events: Vec<Event> = events.into_iter().map(Result::unwrap).collect();
    let cut_off = matches!(&error, TraceError::CutOff { events: sound, .. } if *sound == events.len() as u64);
    assert!(cut_off, "{error}");
    // Both parts of what may be lost, and there were a few more events than those of the blocks.
    let most_lost = 65_535 + 32_768;
    assert!(events.len().is_multiple_of(65_536) && events.len() + most_lost >= 2 * MANY, "{} events", events.len());
}

pub(super) fn exits() {
    let kept: Vec<Block> = (0..100).map(|_| Block::new(SIZE, false)).collect();
    // Another thread is at it when the process ends.
    thread::spawn(|| {
        loop {
            drop(Block::new(GROWN, false));
        }
    });
    drop(Block::new(SHRUNK, true));
    std::mem::forget(kept);
    std::process::exit(0);
}

#[test]
fn an_exit_keeps_everything() {
    let mut sizes = block_sizes(&recorded("exits"));
    sizes.retain(|&size| size != GROWN);
    assert_eq!(sizes, [[SIZE; 100].as_slice(), &[SHRUNK]].concat());
}

/// A limit on the size of files fails as a full disk does, but not before there is something in the file.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_becomes_full_leaves_what_was_written() {
    use std::os::unix::process::CommandExt;
    for (ending, limit_bytes) in [("htrace", 1000), ("csv", 200_000)] {
        let trace = trace_path("full").with_extension(ending);
        let mut command = command("many", &trace);
        // SAFETY: the call takes a limit that is ours, and may be made between fork and exec.
        unsafe {
            command.pre_exec(move || {
                let limit = libc::rlimit { rlim_cur: limit_bytes, rlim_max: limit_bytes };
                libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
                Ok(())
            });
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(" cannot be written further: ") && said.ends_with("readable up to there\n"), "{said}");
        let mut events: Vec<_> = Source::locate(trace.to_str().unwrap()).unwrap().open().unwrap().collect();
        if ending == "htrace" {
            let error = events.pop().unwrap().unwrap_err();
            assert!(matches!(error, TraceError::CutOff { .. }), "{error}");
        } else {
            assert!(events.len() > 1000, "{} events", events.len());
        }
        assert!(events.iter().all(Result::is_ok));
    }
}
