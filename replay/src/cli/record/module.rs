//! A recorded program that is a WebAssembly module: its own allocator tells of its calls, and Node runs it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use heaprace_traces::native::{Counts, NativeHeader};
use heaprace_traces::{CsvReader, Output, Profile, TraceError};
use heaprace_wasm::record::record as run_in_node;

use super::folder::shown;
use super::outcome::Outcome;
use super::target::{check_free, default_name};

/// Where the trace goes if no other name is given.
pub(super) fn default_output(module: &Path) -> PathBuf {
    default_name(module.file_stem().unwrap_or_default())
}

/// Runs the module and writes its trace. The trace of a program that traps ends there.
///
/// # Errors
///
/// If the module cannot be run or recorded, or the trace cannot be written.
pub(super) fn record(module: &Path, output: &Path, replaces: bool) -> anyhow::Result<Outcome> {
    check_free(output, false, replaces)?;
    let module_shown = shown(module);
    if !fs::metadata(module).with_context(|| format!("{module_shown}: cannot be read"))?.is_file() {
        bail!("{module_shown}: is no file");
    }
    let (ending, copied) = run_in_node(module, |trace| copy(trace, &module_shown, output))
        .map_err(|error| anyhow::anyhow!("{module_shown}: {error}"))?;
    let (written, profile) = copied?;
    written.finish()?;
    let mut header = NativeHeader::default();
    header.program = module.to_owned();
    let mut counts = Counts::default();
    (counts.lost, counts.threads) = (ending.lost, 1);
    Ok(Outcome {
        end: match &ending.trap {
            Some(trap) => format!("trapped: {}", shown(trap.as_ref())),
            None => format!("exit status: {}", ending.status),
        },
        header,
        counts,
        profile,
        written: None,
        inherited: 0,
        linked_allocator: None,
        is_cut_off: ending.trap.is_some(),
        path: output.to_owned(),
        trace_bytes: fs::metadata(output).with_context(|| format!("{} is gone", shown(output)))?.len(),
    })
}

/// Writes a trace that comes as CSV, up to the call that gives it its name.
fn copy(trace: &mut dyn Read, name: &str, output: &Path) -> Result<(Output, Profile), TraceError> {
    let mut events = CsvReader::new(trace, name)?;
    let mut output = Output::create(output, events.columns(), events.provenance())?;
    let mut profile = Profile::default();
    while let Some(event) = events.next() {
        let event = event?;
        events.comments().iter().try_for_each(|comment| output.comment(comment))?;
        output.write(&event)?;
        profile.add(&event);
    }
    events.comments().iter().try_for_each(|comment| output.comment(comment))?;
    Ok((output, profile))
}
