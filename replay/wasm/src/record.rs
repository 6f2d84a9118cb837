//! Runs a program in Node whose allocator tells of its calls, and gives the trace of it.
//!
//! The program is a module with the allocator `heaprace_recorder::WasmRecorder`. It imports one function, and
//! `record.js`, which serves in a page as well, makes a trace of what that function hears.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;

use crate::host::HostError;
use crate::script;

/// What runs in Node: first what makes the trace, then what runs the module.
const SCRIPT: &str = concat!(include_str!("record/record.js"), include_str!("record/run.js"));

/// How a recorded program ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Ending {
    /// What it returned; a program that returns nothing returns 0.
    pub status: i32,
    /// Events that the trace lacks: blocks were freed that were never given out, or given out twice.
    pub lost: u64,
    /// Why it trapped, if it did. The trace ends there.
    pub trap: Option<String>,
    /// Why it did not run at all.
    error: Option<String>,
}

/// Runs a module, and passes its trace, as CSV, to `read` while it runs. Returns what that returned, too.
///
/// # Errors
///
/// If Node is not there, or the file is no module with the recorder and nothing else that it needs. `read` was called
/// even so, with nothing to read.
pub fn record<T>(module: &Path, read: impl FnOnce(&mut dyn Read) -> T) -> Result<(Ending, T), HostError> {
    let child = script::start(&[], SCRIPT, module.as_os_str(), Stdio::null())?;
    let (ending, read) = script::report::<Ending, T>(child, Duration::MAX, read)?;
    match ending.error {
        Some(error) => Err(HostError::Engine(error)),
        None => Ok((ending, read)),
    }
}
