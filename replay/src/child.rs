//! This program begun again as a process of its own, to do one thing alone: time contenders, or replay one for a counter.
//!
//! The parent writes a [`Request`] as JSON to the child's standard input. The child writes a line of JSON for each contender to its standard
//! output, in their order: the answer, or why there is none. It has a single thread from its start to its end, and answers nothing where
//! that does not hold. Nothing that it is told is believed: the trace is read and checked again, and every value is looked at before it is
//! used.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use heaprace_allocators::page_heap::Guard;
use heaprace_allocators::{PageHeap, PageSize};
use heaprace_reports::results::Reason;
use heaprace_traces::import::{Format, ImportOptions};
use heaprace_traces::{Source, library};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::contender::{Contender, TouchPolicy};
use crate::instructions;
use crate::lane::{Lane, LaneError};
use crate::latency;
use crate::leash::{Leash, Stop};
use crate::processor;
use crate::program::Program;
use crate::timing::{Rounds, Sample, warm_up};

/// The first argument of the `replay` command by which it serves as a child.
pub const VERB: &str = "child";

/// How often a parent looks whether it shall go on waiting.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// No request is longer.
const LONGEST_REQUEST_BYTES: u64 = 1 << 20;

/// What a child is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The trace.
    pub trace: Trace,
    /// How many events it had when the parent read it: it must not have changed.
    pub events: u64,
    /// The contenders' names: one after the other is at it.
    pub contenders: Vec<String>,
    /// What the replay writes into new memory: a [`TouchPolicy`]'s name.
    pub touch: String,
    /// Size of the heap's pages.
    pub page_bytes: usize,
    /// Pages that the heap may have.
    pub limit_pages: usize,
    /// What to do with them.
    pub task: Task,
}

impl Request {
    /// A request with the settings of these rounds.
    pub fn new<'n>(
        trace: &Trace,
        events: u64,
        contenders: impl IntoIterator<Item = &'n str>,
        rounds: &Rounds,
        task: Task,
    ) -> Self {
        Request {
            trace: trace.clone(),
            events,
            contenders: contenders.into_iter().map(str::to_owned).collect(),
            touch: rounds.touch.name().to_owned(),
            page_bytes: rounds.page.bytes(),
            limit_pages: rounds.limit_pages,
            task,
        }
    }
}

/// Where a child finds the trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Trace {
    /// In the library, by its name.
    Library(String),
    /// In a file.
    File {
        /// Its path, from the folder that the parent is in.
        path: PathBuf,
        /// The format of another tool's recording, where it was given.
        format: Option<String>,
        /// [`ImportOptions::assume_align_bytes`].
        assume_align_bytes: u32,
    },
}

impl Trace {
    /// The same trace for another process; `None` where it is only in the memory of this one.
    pub fn of(source: &Source) -> Option<Self> {
        if let Some(entry) = source.library_entry() {
            return Some(Trace::Library(entry.name.to_owned()));
        }
        let ImportOptions { format, assume_align_bytes } = source.import_options();
        let format = format.map(|format| format.name().to_owned());
        Some(Trace::File { path: source.path()?.to_owned(), format, assume_align_bytes })
    }

    fn source(&self) -> Result<Source, String> {
        match self {
            Trace::Library(name) => {
                let entry = library::entries().iter().find(|entry| entry.name == name);
                entry.map(Source::from).ok_or_else(|| format!("the library has no trace {name:?}"))
            }
            Trace::File { path, format, assume_align_bytes } => {
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
    /// Times it: the answer is a [`Sample`].
    Time {
        /// The processor that it stays on, where it is pinned to one.
        cpu: Option<usize>,
    },
    /// Times its single calls: the answer is a [`Latency`](heaprace_reports::results::Latency).
    Latency,
    /// Counts the instructions of a replay by the processor's counter: the answer is their number.
    CountInstructions,
    /// Replays it for a counter outside of the process ([`crate::instructions`]): the answer is nothing.
    ReplayCounted,
}

/// What a child has answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers<T> {
    /// For the first of the contenders, in their order: the answer, or why there is none.
    pub answers: Vec<Result<T, Reason>>,
    /// Why the next contender has no answer, where the child was ended by it or in it, in words for a table. `None` where all have.
    pub ended: Option<Reason>,
}

impl<T> Answers<T> {
    /// No answer at all, for this reason.
    pub fn none(reason: Reason) -> Self {
        Answers { answers: Vec::new(), ended: Some(reason) }
    }

    /// The only answer that was asked for.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn only(mut self) -> Result<T, Reason> {
        match self.answers.pop() {
            Some(answer) => answer,
            None => Err(self.ended.unwrap_or(Reason::NoAnswer)),
        }
    }
}

/// Begins a child by this command, and asks it. Where the leash is pulled, the child is killed, and what it has answered before is kept. A
/// child that could not be begun, died, or answered nonsense has answered for fewer contenders, and [`Answers::ended`] says why.
///
/// The child has a process group of its own, so that Ctrl-C at the terminal reaches the parent alone, which can then end in order.
pub fn ask<T: DeserializeOwned>(mut command: Command, request: &Request, leash: Leash<'_>) -> Answers<T> {
    if let Some(stop) = leash.pull(0) {
        return Answers::none(stop.reason());
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let program = command.get_program().to_owned();
    let begun = (command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped())).spawn();
    let mut child = match begun {
        Ok(child) => child,
        Err(error) => {
            let cause = format!("{}: {error}", program.display());
            return Answers::none(Reason::ProcessNotStarted { cause });
        }
    };
    let text = serde_json::to_string(request).expect("a request is plain data");
    if let Some(mut input) = child.stdin.take() {
        // A child that does not read has died already, which shows below.
        let _ = input.write_all(text.as_bytes());
    }
    let (output, stop) = wait(child, leash);
    let output = match output {
        Ok(output) => output,
        Err(error) => return Answers::none(Reason::ProcessNotAwaited { cause: error.to_string() }),
    };
    let mut answers = Vec::new();
    let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    for line in lines.take(request.contenders.len()) {
        match serde_json::from_slice::<Result<T, Reason>>(line) {
            Ok(answer) => answers.push(answer),
            // Half a line is what a child leaves that dies while it writes.
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
        // What is wrong with the request itself, it says once, and ends.
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

/// Begins a child and asks it about one contender.
///
/// # Errors
///
/// Why there is no answer, in words for a table.
pub fn ask_one<T: DeserializeOwned>(
    make_child: impl FnOnce() -> io::Result<Command>,
    request: &Request,
    leash: Leash<'_>,
) -> Result<T, Reason> {
    match make_child() {
        Ok(command) => ask(command, request, leash).only(),
        Err(error) => Err(Reason::ProcessNotStarted { cause: error.to_string() }),
    }
}

/// Waits for the child's answer, and kills it where the leash is pulled before: why, stands beside what came of it.
fn wait(child: Child, leash: Leash<'_>) -> (io::Result<Output>, Option<Stop>) {
    let id = child.id();
    let (done, told) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            // It is waited for below until this is told.
            let _ = done.send(child.wait_with_output());
        });
        let mut stop = None;
        loop {
            match told.recv_timeout(LOOK_EVERY) {
                Ok(output) => return (output, stop),
                Err(_) if stop.is_none() => {
                    stop = leash.pull(0);
                    if stop.is_some() {
                        kill(id);
                    }
                }
                Err(_) => {}
            }
        }
    })
}

/// Ends the child of this process id, which has not been waited for yet.
fn kill(id: u32) {
    #[cfg(unix)]
    if let Some(id) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
        // Where it has just ended by itself, all is well.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = id;
}

/// Does what standard input asks for with these contenders, and answers on standard output. Tells whether it could.
pub fn serve(contenders: &[Contender]) -> bool {
    // Whoever has asked may be killed: nobody wants the answer then.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let mut text = String::new();
    let mut all_well = true;
    let mut say = |answer: Result<serde_json::Value, String>| {
        // Times of a process that has had a second thread are of another kind.
        let answer = processor::has_had_one_thread().and(answer);
        let text = serde_json::to_string(&answer).expect("an answer is plain data");
        // Where nobody listens, the exit code is all that is left to say.
        all_well &= writeln!(io::stdout(), "{text}").is_ok() && answer.is_ok();
    };
    match io::stdin().lock().take(LONGEST_REQUEST_BYTES).read_to_string(&mut text) {
        Ok(_) => answer(contenders, &text, &mut say),
        Err(error) => say(Err(format!("the request cannot be read: {error}"))),
    }
    all_well
}

/// Gives `say` the answers to a request, as JSON: one for each contender, or a single one where the request itself cannot be met.
fn answer(contenders: &[Contender], text: &str, say: &mut dyn FnMut(Result<serde_json::Value, String>)) {
    let requested = serde_json::from_str(text).map_err(|error| format!("this is no request: {error}"));
    let prepared = requested.and_then(|request: Request| {
        // Before anything is allocated, so that it lies near this processor.
        if let Task::Time { cpu: Some(cpu) } = request.task {
            processor::pin_to(cpu)?;
        }
        let touch =
            TouchPolicy::from_str(&request.touch, false).map_err(|_| format!("cannot touch {:?}", request.touch))?;
        let page = PageSize::from_bytes(request.page_bytes).map_err(|error| error.to_string())?;
        let program = program(&request)?;
        let heap = PageHeap::reserve_sized(page, request.limit_pages, Guard::Batched);
        Ok((request, touch, program, heap.map_err(|error| error.to_string())?))
    });
    let (request, touch, program, heap) = match prepared {
        Ok(prepared) => prepared,
        Err(reason) => return say(Err(reason)),
    };
    let mut lane = Lane::on(&program, heap);
    if let Err(error) = warm_up(&mut lane, Leash::LOOSE) {
        return say(Err(error.to_string()));
    }
    for name in &request.contenders {
        let contender = contenders.iter().find(|contender| contender.info.name == name);
        let contender = contender.ok_or_else(|| format!("there is no contender {name:?}"));
        say(contender.and_then(|contender| {
            (contender.probe)()?;
            perform(request.task, &mut lane, contender, touch)
        }));
    }
}

/// The answer for one contender.
fn perform(
    task: Task,
    lane: &mut Lane<'_>,
    contender: &Contender,
    touch: TouchPolicy,
) -> Result<serde_json::Value, String> {
    let failed = |error: LaneError| error.to_string();
    match task {
        Task::Time { .. } => json(Sample::take(lane, contender, touch, Leash::LOOSE).map_err(failed)?),
        Task::Latency => json(latency::take(lane, contender, touch)?),
        Task::CountInstructions => json(instructions::count(lane, contender, touch)?),
        Task::ReplayCounted => json(instructions::replay_counted(lane, contender, touch).map_err(failed)?),
    }
}

fn json(answer: impl Serialize) -> Result<serde_json::Value, String> {
    serde_json::to_value(answer).map_err(|error| format!("the answer cannot be written down: {error}"))
}

/// The trace of the request, compiled.
fn program(request: &Request) -> Result<Program, String> {
    let program = Program::load(&request.trace.source()?).map_err(|error| error.to_string())?.decoded_in_turn();
    match program.events() {
        events if events == request.events => Ok(program),
        events => Err(format!("the trace has changed meanwhile: it had {} events, and has {events}", request.events)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> serde_json::Value {
        serde_json::json!({
            "trace": { "library": "repeated-growth" },
            "events": Program::load(&Source::locate("repeated-growth").unwrap()).unwrap().events(),
            "contenders": ["bump"],
            "touch": "none",
            "page_bytes": 65_536,
            "limit_pages": 65_536,
            "task": { "time": { "cpu": null } },
        })
    }

    fn answers_to(text: &str) -> Vec<Result<serde_json::Value, String>> {
        let mut answers = Vec::new();
        answer(&[Contender::named("bump").unwrap()], text, &mut |answer| answers.push(answer));
        answers
    }

    fn answer_to(request: &serde_json::Value) -> Result<serde_json::Value, String> {
        let mut answers = answers_to(&request.to_string());
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.pop().unwrap()
    }

    #[test]
    fn a_sample_is_taken() {
        let sample: Sample = serde_json::from_value(answer_to(&request()).unwrap()).unwrap();
        let steady = sample.steady.known().unwrap();
        assert!(sample.fresh.wall_ns > 0 && steady.wall_ns > 0);
        assert!(sample.all.wall_ns >= sample.fresh.wall_ns + 2 * steady.wall_ns, "{sample:?}");
    }

    #[test]
    fn every_contender_has_its_answer_in_its_place() {
        let mut request = request();
        request["contenders"] = serde_json::json!(["bump", "nobody", "bump"]);
        let answers = answers_to(&request.to_string());
        let well: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(well, [true, false, true], "{answers:?}");
        assert!(answers[1].as_ref().unwrap_err().contains("no contender \"nobody\""));
    }

    /// Every field with a value that it cannot have: a child is a process of its own, and may be told anything.
    #[test]
    fn nothing_that_it_is_told_is_believed() {
        let file = |path: &str, format: serde_json::Value, align: u32| serde_json::json!({ "file": { "path": path, "format": format, "assume_align_bytes": align } });
        let null = serde_json::Value::Null;
        let cases = [
            ("trace", serde_json::json!({ "library": "../../etc/passwd" }), "the library has no trace"),
            ("trace", serde_json::json!({ "memory": 1 }), "this is no request"),
            ("trace", file("no-such-file.csv", null.clone(), 16), "no-such-file.csv"),
            ("trace", file("Cargo.toml", null.clone(), 16), "Cargo.toml"),
            ("trace", file("Cargo.toml", "weather".into(), 16), "no format \"weather\""),
            ("trace", file("Cargo.toml", null, 24), "24 is no alignment"),
            ("events", 17.into(), "the trace has changed meanwhile: it had 17 events"),
            ("contenders", serde_json::json!(["talc"]), "no contender \"talc\""),
            ("contenders", "bump".into(), "this is no request"),
            ("touch", "gently".into(), "cannot touch \"gently\""),
            ("page_bytes", 5000.into(), "5000 bytes are no page size"),
            ("page_bytes", 0.into(), "0 bytes are no page size"),
            ("page_bytes", (-1).into(), "this is no request"),
            ("limit_pages", u64::MAX.into(), "page"),
            ("task", "dance".into(), "this is no request"),
            ("task", serde_json::json!({ "time": { "cpu": u64::MAX } }), "processor"),
            ("weather", "fine".into(), "this is no request"),
        ];
        for (field, value, expected) in cases {
            let mut request = request();
            request[field] = value.clone();
            // On a thread of its own, as some may be pinned.
            let error = std::thread::spawn(move || answer_to(&request)).join().unwrap().unwrap_err();
            assert!(error.contains(expected), "{field} = {value}: {error}");
        }
        assert!(answers_to("")[0].as_ref().unwrap_err().contains("this is no request"));
    }

    #[test]
    fn only_a_trace_that_another_process_can_open_has_a_name() {
        let library = Trace::of(&Source::locate("repeated-growth").unwrap());
        assert_eq!(library, Some(Trace::Library("repeated-growth".to_owned())));
        let options = ImportOptions { format: Some(Format::WeeAlloc), assume_align_bytes: 8 };
        let file = Source::locate("Cargo.toml").unwrap().with_import(options);
        let expected =
            Trace::File { path: "Cargo.toml".into(), format: Some("wee-alloc".to_owned()), assume_align_bytes: 8 };
        assert_eq!(Trace::of(&file), Some(expected));
        assert_eq!(Trace::of(&Source::from_bytes("a.csv", &b""[..])), None);
    }
}
