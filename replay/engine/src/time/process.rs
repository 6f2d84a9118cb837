//! The parent's side of the processes that time or count.
//!
//! The parent writes a [`ChildRequest`] as JSON to the child's standard input. The child
//! ([`child`](crate::time::child)) writes a line of JSON for each contender to its standard output, in their order: the
//! answer, or the reason why there is none.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use heaprace_reports::results::Reason;
use heaprace_traces::import::{Format, ImportOptions};
use heaprace_traces::{Source, library};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::{Limits, Stop};
use crate::time::rounds::Rounds;

/// Creates the command that starts this program as a [`child`](crate::time::child), without starting it.
pub type MakeChild = fn() -> io::Result<Command>;

/// The first argument of `replay` that makes it serve as a child.
pub const VERB: &str = "child";

/// Interval at which a waiting parent checks its limits.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// The request to a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildRequest {
    /// The trace.
    pub trace: TraceLocation,
    /// The number of events when the parent read the trace: it must not have changed.
    pub events: u64,
    /// The contenders' names, in the order in which they run.
    pub contenders: Vec<String>,
    /// What the replay writes into new memory: the name of a [`TouchPolicy`](crate::contender::TouchPolicy).
    pub touch: String,
    /// Size of the heap's pages.
    pub page_bytes: usize,
    /// Maximum pages of the heap.
    pub limit_pages: usize,
    /// Memory for the heap, if it has a maximum.
    #[serde(default)]
    pub memory_bytes: Option<usize>,
    /// The task to perform with each contender.
    pub task: Task,
}

impl ChildRequest {
    /// A request with the settings of these rounds.
    pub fn new<'n>(
        trace: &TraceLocation,
        events: u64,
        contenders: impl IntoIterator<Item = &'n str>,
        rounds: &Rounds,
        task: Task,
    ) -> Self {
        ChildRequest {
            trace: trace.clone(),
            events,
            contenders: contenders.into_iter().map(str::to_owned).collect(),
            touch: rounds.touch.name().to_owned(),
            page_bytes: rounds.page.bytes(),
            limit_pages: rounds.limit_pages,
            memory_bytes: None,
            task,
        }
    }
}

/// Where a child finds the trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum TraceLocation {
    /// In the library, by name.
    Library(String),
    /// In a file.
    File {
        /// Its path, relative to the parent's working directory.
        path: PathBuf,
        /// The format of another tool's recording, if given.
        format: Option<String>,
        /// [`ImportOptions::assume_align_bytes`].
        assume_align_bytes: u32,
    },
}

impl TraceLocation {
    /// The location of the trace for another process; `None` if it exists only in this process's memory.
    pub fn of(source: &Source) -> Option<Self> {
        if let Some(entry) = source.library_entry() {
            return Some(TraceLocation::Library(entry.name.to_owned()));
        }
        let ImportOptions { format, assume_align_bytes } = source.import_options();
        let format = format.map(|format| format.name().to_owned());
        Some(TraceLocation::File { path: source.path()?.to_owned(), format, assume_align_bytes })
    }

    /// The trace at this location.
    pub(crate) fn source(&self) -> Result<Source, String> {
        match self {
            TraceLocation::Library(name) => {
                let entry = library::named(name);
                entry.map(Source::from).ok_or_else(|| format!("the library has no trace {name:?}"))
            }
            TraceLocation::File { path, format, assume_align_bytes } => {
                let format = match format {
                    Some(name) => Some(Format::named(name).ok_or_else(|| format!("there is no format {name:?}"))?),
                    None => None,
                };
                if !assume_align_bytes.is_power_of_two() {
                    return Err(format!("{assume_align_bytes} is no alignment: it is a power of two"));
                }
                let path = path.to_str().ok_or_else(|| format!("{}: the path is not UTF-8", path.display()))?;
                let source = Source::locate(path).map_err(|error| error.to_string())?;
                Ok(source.with_import(ImportOptions { format, assume_align_bytes: *assume_align_bytes }))
            }
        }
    }
}

/// What a child does with each contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Times the contender: the answer is a [`Sample`](crate::time::sample::Sample).
    Time {
        /// The processor to pin the child to, if any.
        cpu: Option<usize>,
    },
    /// Times its single calls: the answer is a [`Latency`](heaprace_reports::results::Latency).
    Latency,
    /// Counts the instructions of a replay with the processor's counter: the answer is their number.
    CountInstructions,
    /// Replays for a counter outside the process ([`crate::time::instructions`]): the answer is empty.
    ReplayCounted,
}

/// The answers of a child.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers<T> {
    /// Answers for the first contenders, in their order: the answer, or the reason why there is none.
    pub answers: Vec<Result<T, Reason>>,
    /// Why the next contender has no answer, if the child ended before or during it, in words for a table. `None` if
    /// all have answers.
    pub ended: Option<Reason>,
}

impl<T> Answers<T> {
    /// No answer at all, for this reason.
    pub fn none(reason: Reason) -> Self {
        Answers { answers: Vec::new(), ended: Some(reason) }
    }

    /// The single answer that was requested.
    ///
    /// # Errors
    ///
    /// The reason why there is none.
    pub fn only(mut self) -> Result<T, Reason> {
        match self.answers.pop() {
            Some(answer) => answer,
            None => Err(self.ended.unwrap_or(Reason::NoAnswer)),
        }
    }
}

/// Starts a child with this command, and sends it the request. If a limit is reached, the child is killed, and its
/// earlier answers are kept. A child that could not be started, died, or answered nonsense has fewer answers than
/// contenders, and [`Answers::ended`] gives the reason.
///
/// The child has its own process group, so that Ctrl-C at the terminal reaches only the parent, which can then end in
/// order.
pub fn ask<T: DeserializeOwned>(mut command: Command, request: &ChildRequest, limits: Limits<'_>) -> Answers<T> {
    if let Some(stop) = limits.check(0) {
        return Answers::none(stop.reason());
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let program = command.get_program().to_owned();
    let spawned = (command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped())).spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            let cause = format!("{}: {error}", program.display());
            return Answers::none(Reason::ProcessNotStarted { cause });
        }
    };
    let memory_bytes = limits.memory().map(|budget| budget.total_bytes()).or(request.memory_bytes);
    let request = &ChildRequest { memory_bytes, ..request.clone() };
    let text = serde_json::to_string(request).expect("a request is plain data");
    if let Some(mut input) = child.stdin.take() {
        // A child that does not read has already died, which shows below.
        let _ = input.write_all(text.as_bytes());
    }
    let (output, stop) = wait(child, limits);
    let output = match output {
        Ok(output) => output,
        Err(error) => return Answers::none(Reason::ProcessNotAwaited { cause: error.to_string() }),
    };
    let mut answers = Vec::new();
    let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    for line in lines.take(request.contenders.len()) {
        match serde_json::from_slice::<Result<T, Reason>>(line) {
            Ok(answer) => answers.push(answer),
            // A child that dies while writing leaves half a line.
            Err(_) if stop.is_some() || !output.status.success() => break,
            Err(error) => {
                let answer: String = String::from_utf8_lossy(line).chars().take(60).collect();
                let (cause, answer) = (error.to_string(), format!("{answer:?}"));
                return Answers { answers, ended: Some(Reason::AnswerNotReadable { cause, answer }) };
            }
        }
    }
    let ended = (answers.len() < request.contenders.len()).then(|| match (stop, answers.last()) {
        (Some(stop), _) => stop.reason(),
        // A fault of the request itself is reported once, and the child ends.
        (None, Some(Err(reason))) if output.stderr.is_empty() && output.status.code().is_some() => reason.clone(),
        _ if output.status.success() => Reason::NoAnswer,
        _ => {
            let last = String::from_utf8_lossy(&output.stderr);
            let last = last.lines().rev().find(|line| !line.trim().is_empty());
            let last = last.map(|line| format!(": {line}")).unwrap_or_default();
            Reason::ProcessDied { status: format!("{}{last}", output.status) }
        }
    });
    Answers { answers, ended }
}

/// Starts a child and asks it about one contender.
///
/// # Errors
///
/// The reason why there is no answer, in words for a table.
pub fn ask_one<T: DeserializeOwned>(
    make_child: impl FnOnce() -> io::Result<Command>,
    request: &ChildRequest,
    limits: Limits<'_>,
) -> Result<T, Reason> {
    match make_child() {
        Ok(command) => ask(command, request, limits).only(),
        Err(error) => Err(Reason::ProcessNotStarted { cause: error.to_string() }),
    }
}

/// Waits for the child's answer. If a limit is reached first, kills the child and returns the limit.
fn wait(child: Child, limits: Limits<'_>) -> (io::Result<Output>, Option<Stop>) {
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            // The receiver waits below until this message arrives.
            let _ = sender.send(child.wait_with_output());
        });
        let mut stop = None;
        loop {
            match receiver.recv_timeout(CHECK_INTERVAL) {
                Ok(output) => return (output, stop),
                Err(_) if stop.is_none() => {
                    stop = limits.check(0);
                    if stop.is_some() {
                        kill(id);
                    }
                }
                Err(_) => {}
            }
        }
    })
}

/// Kills the child with this process id, which has not been waited for yet.
fn kill(id: u32) {
    #[cfg(unix)]
    if let Some(id) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        // Fails harmlessly if the child has just ended by itself.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = id;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trace_that_another_process_can_open_has_a_location() {
        let library = TraceLocation::of(&Source::locate("repeated-growth").unwrap());
        assert_eq!(library, Some(TraceLocation::Library("repeated-growth".to_owned())));
        let options = ImportOptions { format: Some(Format::WeeAlloc), assume_align_bytes: 8 };
        let file = Source::locate("Cargo.toml").unwrap().with_import(options);
        let expected = TraceLocation::File {
            path: "Cargo.toml".into(),
            format: Some("wee-alloc".to_owned()),
            assume_align_bytes: 8,
        };
        assert_eq!(TraceLocation::of(&file), Some(expected));
        assert_eq!(TraceLocation::of(&Source::from_bytes("a.csv", &b""[..])), None);
    }
}
