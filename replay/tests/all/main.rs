//! All integration tests of the crate, in one binary.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod decision;
#[cfg(test)]
mod ends;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod house;
#[cfg(test)]
mod instructions;
#[cfg(test)]
mod latency;
#[cfg(test)]
mod memory_budget;
#[cfg(test)]
mod methodology_page;
#[cfg(test)]
mod metrics_page;
#[cfg(test)]
mod min_heap;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod pipes;
#[cfg(test)]
mod processes;
#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod real;
#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod record;
#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod record_limits;
#[cfg(test)]
mod refusals;
#[cfg(test)]
#[cfg(target_pointer_width = "64")]
mod repeats;
#[cfg(test)]
mod saved;
#[cfg(test)]
mod second_replay;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod touch;
#[cfg(test)]
mod tuned;
#[cfg(test)]
mod verification;

use heaprace::Program;
#[cfg(test)]
use heaprace::contender::Contender;
#[cfg(test)]
use heaprace::lane::{Examination, Lane};
#[cfg(test)]
use heaprace::limits::Limits;
#[cfg(test)]
use heaprace_allocators::page_heap::Guard;

/// The command that starts `replay` as a child.
#[cfg(test)]
fn replay_child() -> std::io::Result<std::process::Command> {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_replay"));
    command.arg(heaprace::time::process::VERB);
    Ok(command)
}

/// A trace of these lines of CSV, in a file of this name, which another process can open.
#[cfg(test)]
fn trace_file(name: &str, lines: &str) -> heaprace_traces::Source {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, format!("op,id,size,align\n{lines}")).unwrap();
    heaprace_traces::Source::locate(path.to_str().unwrap()).unwrap()
}

/// A program from lines of CSV.
#[cfg(test)]
fn program(lines: &str) -> Program {
    let text = format!("op,id,size,align\n{lines}");
    Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "test.csv").unwrap()).unwrap()
}

/// The examination of a contender, with verification, on a heap of at most `limit_pages` pages.
#[cfg(test)]
fn examine(contender: Contender, program: &Program, limit_pages: usize) -> Examination {
    let mut lane = Lane::new(program, limit_pages, Guard::Trap).unwrap();
    (contender.examine)(&mut lane, true, &[], Limits::NONE).unwrap()
}
