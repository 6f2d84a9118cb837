//! Signals to `replay record` are the program's.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{allocations, build_library, program, read, scratch};

/// Starts `replay record` on a program that waits for a signal, and waits until it does. `ignored` is ignored by both.
fn start(folder: &Path, ignored: Option<i32>) -> Child {
    build_library();
    let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
    command.args(["record", "--force", "--output", "trace.csv", "--"]).arg(program()).arg("waits");
    command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ignore = move || {
        // The tests' own parent may ignore some.
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM] {
            let action = if Some(signal) == ignored { libc::SIG_IGN } else { libc::SIG_DFL };
            // SAFETY: sets how a signal is handled, between fork and exec.
            unsafe { libc::signal(signal, action) };
        }
        Ok(())
    };
    // SAFETY: the function makes system calls only.
    let mut child = unsafe { command.pre_exec(ignore) }.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

fn send(child: &Child, signal: i32) {
    // SAFETY: the child has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
}

fn end(mut child: Child) -> (i32, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code().unwrap(), said)
}

#[test]
fn signals_are_passed_on_to_the_program_and_its_trace_is_written() {
    let folder = scratch("passed-on");
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        let child = start(&folder, None);
        send(&child, signal);
        let (code, said) = end(child);
        assert_eq!(code, 0, "{said}");
        assert!(said.starts_with(&format!("program (exit status: {signal}): trace.csv, ")), "{said}");
        assert_eq!(allocations(&read(&folder.join("trace.csv")), 888), 10, "what it does after the signal, too");
    }
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let folder = scratch("ignored");
    let child = start(&folder, Some(libc::SIGHUP));
    send(&child, libc::SIGHUP);
    std::thread::sleep(std::time::Duration::from_millis(200));
    send(&child, libc::SIGTERM);
    let (code, said) = end(child);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with(&format!("program (exit status: {}): ", libc::SIGTERM)), "{said}");
}
