//! The child's side of [`process`](crate::time::process): this program as a separate process for a single task, such as
//! timing contenders or replaying one for a counter.
//!
//! A child has a single thread from start to end, and answers nothing otherwise. It trusts nothing in its
//! [`ChildRequest`]: it reads and checks the trace again, and checks every value before use.

use std::io::{self, Read, Write};
use std::sync::Arc;

use heaprace_allocators::page_heap::{Guard, MemoryBudget};
use heaprace_allocators::{PageHeap, PageSize};
use serde::Serialize;

use crate::contender::{Contender, TouchPolicy};
use crate::lane::{Lane, LaneError};
use crate::limits::Limits;
use crate::program::Program;
use crate::time::process::{ChildRequest, Task};
use crate::time::sample::{Sample, warm_up};
use crate::time::{instructions, latency, processor};

/// Maximum size of a request.
const LONGEST_REQUEST_BYTES: u64 = 1 << 20;

/// Performs the request on standard input with these contenders, and answers on standard output. Returns whether it
/// succeeded.
pub fn serve(contenders: &[Contender]) -> bool {
    // If the parent is killed, the answer is useless.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let mut text = String::new();
    let mut succeeded = true;
    let mut reply = |answer: Result<serde_json::Value, String>| {
        // Times of a process that has had a second thread are not comparable.
        let answer = processor::has_had_one_thread().and(answer);
        let text = serde_json::to_string(&answer).expect("an answer is plain data");
        // If nobody reads the output, only the exit code can report the failure.
        succeeded &= writeln!(io::stdout(), "{text}").is_ok() && answer.is_ok();
    };
    match io::stdin().lock().take(LONGEST_REQUEST_BYTES).read_to_string(&mut text) {
        Ok(_) => answer(contenders, &text, &mut reply),
        Err(error) => reply(Err(format!("the request cannot be read: {error}"))),
    }
    succeeded
}

/// Passes the answers to a request, as JSON, to `reply`: one for each contender, or a single one if the request itself
/// is invalid.
fn answer(contenders: &[Contender], text: &str, reply: &mut dyn FnMut(Result<serde_json::Value, String>)) {
    let requested = serde_json::from_str(text).map_err(|error| format!("this is no request: {error}"));
    let prepared = requested.and_then(|request: ChildRequest| {
        // Before any allocation, so that memory is near this processor.
        if let Task::Time { cpu: Some(cpu) } = request.task {
            processor::pin_to(cpu)?;
        }
        let touch = TouchPolicy::named(&request.touch).ok_or_else(|| format!("cannot touch {:?}", request.touch))?;
        let page = PageSize::from_bytes(request.page_bytes).map_err(|error| error.to_string())?;
        let program = program(&request)?;
        let budget = request.memory_bytes.map(|bytes| Arc::new(MemoryBudget::new(bytes)));
        let heap = PageHeap::reserve_within(page, request.limit_pages, Guard::Batched, budget.as_ref());
        let heap = heap.map_err(|error| error.to_string())?;
        Ok((request, touch, program, heap))
    });
    let (request, touch, program, heap) = match prepared {
        Ok(prepared) => prepared,
        Err(reason) => return reply(Err(reason)),
    };
    let mut lane = Lane::on(&program, heap);
    if let Err(error) = warm_up(&mut lane, Limits::NONE) {
        return reply(Err(error.to_string()));
    }
    for name in &request.contenders {
        let contender = contenders.iter().find(|contender| contender.info.name == name);
        let contender = contender.ok_or_else(|| format!("there is no contender {name:?}"));
        reply(contender.and_then(|contender| {
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
        Task::Time { .. } => json(Sample::take(lane, contender, touch, Limits::NONE).map_err(failed)?),
        Task::Latency => json(latency::take(lane, contender, touch)?),
        Task::CountInstructions => json(instructions::count(lane, contender, touch)?),
        Task::ReplayCounted => json(instructions::replay_counted(lane, contender, touch).map_err(failed)?),
    }
}

fn json(answer: impl Serialize) -> Result<serde_json::Value, String> {
    serde_json::to_value(answer).map_err(|error| format!("the answer cannot be written down: {error}"))
}

/// The trace of the request, compiled.
fn program(request: &ChildRequest) -> Result<Program, String> {
    let program = Program::load(&request.trace.source()?).map_err(|error| error.to_string())?.decoded_in_turn();
    match program.events() {
        events if events == request.events => Ok(program),
        events => Err(format!("the trace has changed meanwhile: it had {} events, and has {events}", request.events)),
    }
}

#[cfg(test)]
mod tests {
    use heaprace_traces::Source;

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
    fn answers_are_in_the_order_of_the_contenders() {
        let mut request = request();
        request["contenders"] = serde_json::json!(["bump", "nobody", "bump"]);
        let answers = answers_to(&request.to_string());
        let successes: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(successes, [true, false, true], "{answers:?}");
        assert!(answers[1].as_ref().unwrap_err().contains("no contender \"nobody\""));
    }

    /// Every field with an invalid value: a child is a separate process, and may receive anything.
    #[test]
    fn no_field_of_a_request_is_trusted() {
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
            ("page_bytes", 5000.into(), "page size of 5000 bytes"),
            ("page_bytes", 0.into(), "page size of 0 bytes"),
            ("page_bytes", (-1).into(), "this is no request"),
            ("limit_pages", u64::MAX.into(), "page"),
            ("memory_bytes", (-1).into(), "this is no request"),
            ("memory_bytes", 65_536.into(), "memory"),
            ("task", "dance".into(), "this is no request"),
            ("task", serde_json::json!({ "time": { "cpu": u64::MAX } }), "processor"),
            ("weather", "fine".into(), "this is no request"),
        ];
        for (field, value, expected) in cases {
            let mut request = request();
            request[field] = value.clone();
            // On a separate thread, because some requests pin it.
            let error = std::thread::spawn(move || answer_to(&request)).join().unwrap().unwrap_err();
            assert!(error.contains(expected), "{field} = {value}: {error}");
        }
        assert!(answers_to("")[0].as_ref().unwrap_err().contains("this is no request"));
    }
}
