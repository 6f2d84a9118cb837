//! A script in a process of Node: it writes to standard output, and ends with a line of JSON on standard error.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::host::HostError;

/// Why there is no process of Node.
pub(crate) fn cannot_run(cause: io::Error) -> HostError {
    HostError::Engine(match cause.kind() {
        io::ErrorKind::NotFound => "node is not installed, or not on the path".to_owned(),
        _ => format!("node cannot be run: {cause}"),
    })
}

/// Starts a script with one argument.
pub(crate) fn start(flags: &[&str], script: &str, argument: &OsStr, input: Stdio) -> Result<Child, HostError> {
    let mut node = Command::new("node");
    node.args(flags).args(["-e", script, "--"]).arg(argument);
    node.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Options of the user's own programs could change how it compiles modules.
    node.env_remove("NODE_OPTIONS");
    node.spawn().map_err(cannot_run)
}

/// Reads what a script writes, and its report. It is ended after `most`.
pub(crate) fn report<R: DeserializeOwned, T>(
    mut child: Child,
    most: Duration,
    read: impl FnOnce(&mut dyn Read) -> T,
) -> Result<(R, T), HostError> {
    let (mut out, mut errors) = (child.stdout.take().expect("it is piped"), child.stderr.take().expect("it is piped"));
    let said = thread::spawn(move || {
        let mut said = String::new();
        errors.read_to_string(&mut said).map(|_| said)
    });
    let (done, waiting) = mpsc::channel::<()>();
    let watch = thread::spawn(move || -> io::Result<(ExitStatus, bool)> {
        // It closes its outputs when it ends; then this end of the channel is dropped.
        let is_over = waiting.recv_timeout(most) == Err(RecvTimeoutError::Timeout);
        if is_over {
            child.kill()?;
        }
        Ok((child.wait()?, is_over))
    });
    let read = read(&mut out);
    // What is not read would keep the process from its end.
    let drained = io::copy(&mut out, &mut io::sink());
    let said = said.join().expect("it does not panic")?;
    drop(done);
    let (status, is_over) = watch.join().expect("it does not panic")?;
    if is_over {
        return Err(HostError::Allocator("a single call took longer than the time budget".to_owned()));
    }
    let line = said.lines().rev().find(|line| line.starts_with('{'));
    let Some(report) = line.and_then(|line| serde_json::from_str::<R>(line).ok()) else {
        let reason = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("without a message");
        return Err(HostError::Engine(format!("node ended with {status}: {reason}")));
    };
    drained?;
    Ok((report, read))
}
