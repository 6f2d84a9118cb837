//! V8, by way of Node: a new process for every replay, with one script.
//!
//! The recording is the process's standard input, a file that the script reads by positions: the clock runs only while
//! the driver does.

use std::io::{self, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use heaprace_reports::wasm::Observation;
use serde::Deserialize;
use serde_json::json;

use crate::host::{ALIKE, Answered, Ended, Host, HostError, Job, LAPS, Tier, TimedLap, TimedLaps};
use crate::script;
use crate::witness::Witness;

/// What runs in Node.
const SCRIPT: &str = include_str!("node/host.js");

/// Both compile whole modules before the first call, so that no lap contains a compiler's time.
const TIERS: [Tier; 2] = [
    Tier { name: "optimised", flags: &["--no-liftoff", "--no-wasm-lazy-compilation"] },
    Tier { name: "baseline", flags: &["--liftoff-only", "--no-wasm-lazy-compilation"] },
];

/// Time for what the script does outside of its own budget: a process that takes longer than both is ended.
const GRACE: Duration = Duration::from_secs(10);

/// Node, on the path.
#[derive(Debug)]
pub struct Node {
    name: String,
}

/// What the script says at its end.
#[derive(Debug, Deserialize)]
struct Report {
    laps: Vec<TimedLap>,
    ended: Option<Ended>,
    trap: Option<String>,
    error: Option<String>,
}

impl Node {
    /// Looks for Node, and asks whether it takes the flags of both tiers.
    ///
    /// # Errors
    ///
    /// If it is not there, or does not.
    pub fn find() -> Result<Self, HostError> {
        let versions = "`Node ${process.versions.node} (V8 ${process.versions.v8})`";
        let mut name = String::new();
        for tier in TIERS {
            let asked = Command::new("node").args(tier.flags).args(["-p", versions]).stdin(Stdio::null()).output();
            let answer = asked.map_err(script::cannot_run)?;
            if !answer.status.success() {
                let message = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
                return Err(HostError::Engine(format!("node does not take {}: {message}", tier.flags.join(" "))));
            }
            name = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        }
        Ok(Node { name })
    }

    fn start(job: Job<'_>, tier: Tier, observe: bool) -> Result<Child, HostError> {
        let [fewest, most] = if observe { [1, 1] } else { LAPS };
        let task = json!({
            "allocator": job.allocator,
            "driver": job.driver,
            "slots": job.recording.slots,
            "pairs": job.recording.pairs,
            "freeing_pairs": job.recording.freeing_pairs,
            "observe": observe,
            "touch": job.touch,
            "fewest": fewest,
            "most": most,
            "alike": ALIKE,
            "budget_ms": u64::try_from(job.budget.as_millis()).unwrap_or(u64::MAX),
        });
        script::start(tier.flags, SCRIPT, task.to_string().as_ref(), job.recording.file()?.into())
    }
}

/// Reads what a replay writes, and its report. It is ended after `most`.
fn report(
    child: Child,
    most: Duration,
    read: impl FnOnce(&mut dyn Read) -> io::Result<()>,
) -> Result<Report, HostError> {
    let (report, read) = script::report::<Report, _>(child, most, read)?;
    if let Some(trap) = report.trap {
        return Err(HostError::Allocator(format!("the module trapped: {trap}")));
    }
    if let Some(error) = report.error {
        return Err(HostError::Engine(format!("node: {error}")));
    }
    read?;
    Ok(report)
}

/// Reads the answers of a replay as far as they go, and checks them.
fn watch(
    answers: &mut impl Read,
    job: Job<'_>,
    checks: bool,
    answered: Answered<'_>,
) -> Result<Option<Witness>, HostError> {
    let Some([start_pages, heap_base]) = answer(answers)? else { return Ok(None) };
    let mut witness = Witness::new(job.recording.slots, heap_base, u64::from(start_pages), checks);
    let mut next = 0;
    for operation in job.recording.operations()? {
        let (pair, operation) = operation?;
        // Between two operations are pairs that have no answer of their own.
        let mut last = None;
        while next <= pair {
            last = answer(answers)?;
            if last.is_none() {
                return Ok(Some(witness));
            }
            next += 1;
        }
        let [address, pages] = last.expect("pairs ascend");
        answered(operation, address);
        witness.see(operation, address, u64::from(pages))?;
    }
    Ok(Some(witness))
}

/// The next pair of words; `None` at the end.
fn answer(answers: &mut impl Read) -> io::Result<Option<[u32; 2]>> {
    let mut bytes = [0; 8];
    match answers.read_exact(&mut bytes) {
        Ok(()) => {
            let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            Ok(Some([word(0), word(4)]))
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

impl Host for Node {
    fn name(&self) -> &str {
        &self.name
    }

    fn tiers(&self) -> &[Tier] {
        &TIERS
    }

    fn observe(&self, job: Job<'_>, checks: bool, answered: Answered<'_>) -> Result<Observation, HostError> {
        let child = Node::start(job, TIERS[0], true)?;
        let mut observed = Ok(None);
        report(child, job.budget.saturating_add(GRACE), |out| {
            observed = watch(&mut BufReader::with_capacity(1 << 16, out), job, checks, answered);
            Ok(())
        })?;
        let witness = observed?;
        witness.map(Witness::finish).ok_or_else(|| HostError::Engine("node gave no answers".to_owned()))
    }

    fn time(&self, job: Job<'_>, tier: Tier) -> Result<TimedLaps, HostError> {
        let child = Node::start(job, tier, false)?;
        let report = report(child, job.budget.saturating_add(GRACE), |_| Ok(()))?;
        Ok(TimedLaps { laps: report.laps, ended: report.ended })
    }
}
