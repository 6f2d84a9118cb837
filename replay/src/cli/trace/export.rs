//! `replay trace export`: a trace in another tool's format.

use std::path::PathBuf;

use clap::Args;
use heaprace_engine::Program;
use heaprace_engine::memory::bounds::Instance;
use heaprace_reports::numbers;

use super::From;
use crate::cli::files;
use crate::cli::terminal::{BAD_INPUT, FAILED, complain, note, print};

/// Which format to write, and where.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// CSV file for MiniMalloc ('-' for stdout): id,lower,upper,size,alignment
    #[arg(long, value_name = "FILE", required = true)]
    minimalloc: PathBuf,
    #[command(flatten)]
    from: From,
}

impl Export {
    /// Checks that the export would not replace the trace.
    pub(super) fn check_files(&self) -> Result<(), String> {
        files::check([self.from.trace.as_str()], "--minimalloc", &self.minimalloc)
    }

    pub(super) fn run(&self) -> u8 {
        let program = self
            .from
            .rereadable()
            .map_err(|(code, error)| complain(code, error))
            .and_then(|source| Program::load(&source).map_err(|error| complain(BAD_INPUT, error)));
        let program = match program {
            Ok(program) => program,
            Err(code) => return code,
        };
        let instance = match Instance::of(&program) {
            Ok(instance) => instance,
            Err(error) => return complain(BAD_INPUT, error),
        };
        if self.minimalloc.as_os_str() == "-" {
            return print(&instance.to_minimalloc_csv());
        }
        if let Err(error) = heaprace_reports::save(&self.minimalloc, instance.to_minimalloc_csv().as_bytes()) {
            return complain(FAILED, error);
        }
        note(format_args!(
            "{}: {} to place, in {} B at least",
            self.minimalloc.display(),
            numbers::count(instance.rectangles().len() as u64, "object"),
            program.profile().peak_live_bytes
        ));
        0
    }
}
