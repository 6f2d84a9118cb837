//! What was found wrong with an allocator, and the trace that shows it.

use std::fmt;
use std::path::Path;

use heaprace_reports::numbers::count;
use heaprace_traces::csv::{Columns, CsvWriter};
use heaprace_traces::{Event, Output, TraceError};

use super::script::HeapShape;
use super::trial::Symptom;

/// Most events that the text of a finding shows.
const MOST_EVENTS_SHOWN: usize = 30;

/// Where a fault was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundIn {
    /// In a random program.
    Program {
        /// The seed of all programs.
        seed: u64,
        /// The program's number.
        number: u64,
        /// Its events.
        events: u64,
    },
    /// In a case of the [conformance suite](heaprace_allocators::conformance), which is no trace.
    Conformance {
        /// The case.
        case: &'static str,
    },
    /// In a trace.
    Trace {
        /// The trace's name.
        name: String,
        /// Its events.
        events: u64,
    },
}

/// A fault of an allocator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The contender's name.
    pub contender: &'static str,
    /// How it shows.
    pub symptom: Symptom,
    /// Where it was found.
    pub found_in: FoundIn,
    /// The heap on which it shows.
    pub heap: HeapShape,
    /// The smallest trace found that shows it; empty for a case of the conformance suite.
    pub events: Vec<Event>,
    /// Candidates tried on the way there.
    pub trials: u64,
    /// Whether a fresh process fails on the program, too. If not, the allocator keeps something from an earlier program,
    /// and nothing was shrunk.
    pub repeats: bool,
}

impl Finding {
    /// Writes the trace to a file, whose ending decides its format.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), TraceError> {
        let mut output = Output::create(path, Columns::default(), &self.provenance())?;
        self.events.iter().try_for_each(|event| output.write(event))?;
        output.finish()
    }

    /// The options of `replay`, other than the trace, with which it shows the fault.
    pub fn replay_options(&self) -> String {
        let HeapShape { page, limit_pages } = self.heap;
        let mut options = format!("--allocator {}", self.contender);
        if page != HeapShape::DEFAULT.page {
            options += &format!(" --page-size {}", page.bytes());
        }
        if page.bytes() * limit_pages != HeapShape::DEFAULT.page.bytes() * HeapShape::DEFAULT.limit_pages {
            options += &format!(" --heap-limit {limit_pages}pages");
        }
        options + " --rounds 0"
    }

    fn provenance(&self) -> Vec<String> {
        let from = match &self.found_in {
            FoundIn::Program { seed, number, events } => {
                format!("program {number} of seed {seed}, {}", count(*events, "event"))
            }
            FoundIn::Conformance { case } => format!("the case: {case}"),
            FoundIn::Trace { name, events } => format!("{name}, {}", count(*events, "event")),
        };
        let origin = match &self.found_in {
            FoundIn::Trace { .. } => format!("derived: shrunk from {from}"),
            _ => "origin: synthetic".to_owned(),
        };
        vec![origin, format!("{}: {}; found in {from}", self.contender, self.symptom)]
    }
}

/// The fault in a few lines, with the trace if it is short: for the message of a failing test.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.contender, self.symptom)?;
        match &self.found_in {
            FoundIn::Conformance { case } => {
                return write!(f, "in the conformance case \"{case}\" on pages of {}", self.heap.page);
            }
            FoundIn::Program { seed, number, events } => {
                write!(f, "in program {number} of seed {seed}, ")?;
                self.fmt_shrunk(f, *events)?;
            }
            FoundIn::Trace { name, events } => {
                write!(f, "in {name}, ")?;
                self.fmt_shrunk(f, *events)?;
            }
        }
        let HeapShape { page, limit_pages } = self.heap;
        write!(f, "\non a heap of at most {} of {page}", count(limit_pages as u64, "page"))?;
        if self.events.len() <= MOST_EVENTS_SHOWN {
            let mut csv = CsvWriter::new(Vec::new(), Columns::default(), &[""; 0]).map_err(|_| fmt::Error)?;
            self.events.iter().try_for_each(|event| csv.write(event)).map_err(|_| fmt::Error)?;
            let csv = csv.finish().map_err(|_| fmt::Error)?;
            let text = String::from_utf8_lossy(&csv);
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            lines.into_iter().try_for_each(|line| write!(f, "\n    {line}"))?;
        }
        Ok(())
    }
}

impl Finding {
    fn fmt_shrunk(&self, f: &mut fmt::Formatter<'_>, events: u64) -> fmt::Result {
        if self.repeats {
            let (from, trials) = (count(events, "event"), count(self.trials, "trial"));
            write!(f, "{from}, shrunk to {} in {trials}", self.events.len())
        } else {
            write!(f, "{}, but not again in a fresh process: it depends on earlier programs", count(events, "event"))
        }
    }
}

impl std::error::Error for Finding {}
