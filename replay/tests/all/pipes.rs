//! Traces that can be read only once, and the ends of reading.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use heaprace::compare;
use heaprace::comparison::{CompareError, ComparisonPlan};
use heaprace::contender::Contender;
use heaprace_reports::numbers::count;
use heaprace_traces::{Source, TraceError, library};

const TRACE: &str = "op,id,size,align\nalloc,1,24,8\ndealloc,1\n";

fn replay(arguments: &[&str], trace: &Path, folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_replay"))
        .args(arguments)
        .arg(trace)
        .args(if arguments[0] == "--trace" { &["--allocator", "talc", "--rounds", "2", "--out"][..] } else { &[] })
        .args((arguments[0] == "--trace").then_some(folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_trace_in_a_pipe_is_replayed_though_each_child_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let binary = library::entries().iter().min_by_key(|entry| entry.about.totals.events).unwrap();
    for (bytes, events) in [(TRACE.as_bytes(), 2), (binary.htrace, binary.about.totals.events)] {
        let mut child = replay(&["--trace"], Path::new("/dev/stdin"), folder.path());
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        let table = String::from_utf8(output.stdout).unwrap();
        let events = count(events, "event");
        assert!(output.status.success() && table.contains(&events) && table.contains("2 rounds"), "{table}");
    }
    let mut child = replay(&["--trace"], Path::new("/dev/stdin"), folder.path());
    child.stdin.take().unwrap().write_all(b"op,id,size,align\nalloc,1,24\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(message.contains("/dev/stdin:2 (event 1): alloc without align"), "{message}");
}

#[test]
#[cfg(unix)]
fn waiting_for_a_pipe_ends_by_one_signal() {
    use std::ffi::CString;
    use std::os::unix::process::ExitStatusExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let name = CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name is a string that ends in 0.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    for command in [&["--trace"][..], &["inspect"]] {
        let mut child = replay(command, &path, folder.path());
        thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "it waits for a writer");
        // Not SIGINT, which shells have background jobs ignore, this test among them.
        // SAFETY: sends a signal to a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) }, 0);
        let sent = Instant::now();
        let status = child.wait().unwrap();
        assert!(status.signal() == Some(libc::SIGTERM) || status.code() == Some(130), "{status}");
        assert!(sent.elapsed() < Duration::from_secs(1));
    }
}

/// From a pipe whose writer never ends.
#[test]
#[cfg(unix)]
fn a_conversion_that_is_interrupted_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_replay"))
            .args(["convert", "/dev/stdin"])
            .arg(folder.path().join("out.csv"))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(TRACE.as_bytes()).unwrap();
        let begun = Instant::now();
        // The reader looks at 64 KiB before it writes.
        while folder.path().read_dir().unwrap().count() == 0 && begun.elapsed() < Duration::from_millis(500) {
            input.write_all(&b"# a comment\n".repeat(2000)).unwrap();
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "the hidden file");
        // SAFETY: sends a signal to a child that has not been waited for.
        assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}

#[test]
fn an_interrupt_ends_the_reading_of_a_trace() {
    let source = Source::from_bytes("example.csv", TRACE.as_bytes());
    let contenders = Contender::named("talc").into_iter().collect();
    let plan = ComparisonPlan {
        interrupt: Arc::new(AtomicBool::new(true)),
        ..ComparisonPlan::of(contenders, super::ends::NO_ROUNDS)
    };
    let error = compare(&source, &plan, |_| {}).unwrap_err();
    assert!(matches!(error, CompareError::Trace(TraceError::Interrupted { .. })), "{error}");
}
