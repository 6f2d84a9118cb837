//! A cell: one unit of work of a sweep, how it runs, and the file that it writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use heaprace_allocators::Purpose;
use heaprace_reports::results::{self, Companion, Figure, Results, Rigor};
use heaprace_traces::Source;
use serde::{Deserialize, Serialize};

use super::SweepError;
use super::key::{CellSettings, Key, Work};
use crate::comparison::participants::DEFAULT_BASELINE;
use crate::comparison::{ComparisonPlan, compare};
use crate::contender::Contender;
use crate::time::process::MakeChild;
use crate::time::rounds::Rounds;

/// The contender that runs in the rounds of every other timed contender, as the reference of ratios.
pub const BASELINE: &str = DEFAULT_BASELINE;

/// The folder of the cells, within that of the sweep.
pub(super) const CELLS: &str = "cells";

/// One unit of work of a sweep.
#[derive(Clone, Debug)]
pub struct Cell {
    id: String,
    key: Key,
    trace: Source,
    /// `None` for bounds.
    contender: Option<Contender>,
}

/// Whether a cell is done.
#[derive(Clone, Debug, PartialEq)]
pub enum CellState {
    /// There is no file.
    Missing,
    /// The file is not this cell's, for this reason.
    Unusable(String),
    /// The cell is done.
    Done(Box<Results>),
}

/// A cell's file: a results document with one row (none for bounds), plus the cell's key, which other readers ignore.
#[derive(Serialize)]
struct Document<'c> {
    cell: &'c Key,
    #[serde(flatten)]
    results: &'c Results,
}

/// The part of a cell's file that distinguishes it from other documents.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) cell: Key,
}

impl Cell {
    pub(super) fn new(key: Key, trace: Source, contender: Option<Contender>) -> Self {
        Cell { id: key.id(), key, trace, contender }
    }

    /// The contender that it measures, unless it computes bounds.
    pub(super) fn contender(&self) -> Option<&Contender> {
        self.contender.as_ref()
    }

    /// The address: 16 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key that the address is a hash of.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The trace.
    pub fn trace(&self) -> &Source {
        &self.trace
    }

    /// Its subject: the contender's name, or `bounds`.
    pub fn subject(&self) -> &str {
        match &self.key.work {
            Work::Bounds => "bounds",
            Work::Contender { name, .. } => name,
        }
    }

    /// Whether it takes times, so that nothing else should run in parallel.
    pub fn timed(&self) -> bool {
        matches!(&self.key.work, Work::Contender { settings, .. } if settings.rounds > 0 || settings.latency)
    }

    /// Its file, in the sweep's folder.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(CELLS).join(format!("{}.json", self.id))
    }

    /// Whether it is done, judged by the sweep's folder: the file must be complete, and belong to exactly this cell.
    pub fn state(&self, folder: &Path) -> CellState {
        let text = match fs::read_to_string(self.path(folder)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return CellState::Missing,
            Err(error) => return CellState::Unusable(error.to_string()),
        };
        let results = match Results::from_json(&text) {
            Ok(results) => results,
            Err(error) => return CellState::Unusable(error.to_string()),
        };
        match serde_json::from_str::<Head>(&text) {
            Ok(head) if head.cell != self.key => {
                CellState::Unusable("it is another cell's file under this name".to_owned())
            }
            Ok(_) if !self.fits(&results) => CellState::Unusable("its results are not those of its cell".to_owned()),
            Ok(_) => CellState::Done(Box::new(results)),
            Err(error) => CellState::Unusable(format!("it does not say which cell it is: {error}")),
        }
    }

    /// Whether these results are about this cell's trace and contender.
    fn fits(&self, results: &Results) -> bool {
        let rows = match &self.key.work {
            Work::Bounds => results.contenders.is_empty(),
            Work::Contender { name, version, .. } => {
                matches!(&results.contenders[..], [row] if row.name == *name && row.version == *version)
            }
        };
        rows && results.trace.sha256 == self.key.trace_sha256
    }

    /// Writes its results into the sweep's folder, completely or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, results: &Results, folder: &Path) -> Result<(), SweepError> {
        let document = Document { cell: &self.key, results };
        let mut json = serde_json::to_string(&document).expect("plain data with string keys always serialises");
        json.push('\n');
        Ok(heaprace_reports::save(&self.path(folder), json.as_bytes())?)
    }

    /// Runs the cell and returns results with one row, including companions if it was timed. `make_child` starts the
    /// processes that some settings need.
    ///
    /// # Errors
    ///
    /// If the trace is faulty or has changed, or the heap cannot be reserved. A contender that fails is a row, not an
    /// error.
    pub fn run(&self, make_child: MakeChild) -> Result<Results, SweepError> {
        self.run_within(make_child, None)
    }

    /// Runs the cell with at most this much memory: see [`ComparisonPlan::memory_bytes`].
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run), and a trace that needs more memory.
    pub fn run_within(&self, make_child: MakeChild, memory_bytes: Option<u64>) -> Result<Results, SweepError> {
        let plan = |contenders, settings: &CellSettings| plan(contenders, settings, make_child, memory_bytes);
        let results = match (&self.key.work, self.contender) {
            (Work::Contender { settings, .. }, Some(contender)) => measure(&self.trace, contender, settings, plan)?,
            _ => {
                let settings = CellSettings { rounds: 0, ..CellSettings::default() };
                compare(&self.trace, &ComparisonPlan { bounds: true, ..plan(Vec::new(), &settings) }, |_| {})?
            }
        };
        if results.trace.sha256 != self.key.trace_sha256 {
            return Err(SweepError::Changed {
                file: self.trace.display().to_owned(),
                was: self.key.trace_sha256.clone(),
                is: results.trace.sha256,
            });
        }
        Ok(results)
    }
}

/// Measures one contender. If it is timed, the baseline and the floor run in the same rounds.
fn measure(
    trace: &Source,
    contender: Contender,
    settings: &CellSettings,
    plan: impl Fn(Vec<Contender>, &CellSettings) -> ComparisonPlan,
) -> Result<Results, SweepError> {
    let name = contender.info.name;
    let mut all = vec![contender];
    if settings.rounds > 0 {
        let is_companion = |other: &Contender| {
            other.info.name != name && (other.info.name == BASELINE || other.info.purpose == Purpose::Floor)
        };
        all.extend(Contender::all().into_iter().filter(is_companion));
    }
    // Only the times of the companions matter.
    let timed = CellSettings { min_heap: false, latency: false, instructions: false, ..settings.clone() };
    let mut results = compare(trace, &plan(all, &timed), |_| {})?;
    let rows = std::mem::take(&mut results.contenders);
    let (mut own, others): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.name == name);
    for row in &mut own {
        if let Figure::Known(time) = &mut row.time {
            let companion = |other: &results::Contender| {
                let time = other.time.known()?;
                Some(Companion {
                    name: other.name.clone(),
                    fresh_ns: time.fresh_ns.clone(),
                    steady_ns: time.steady_ns.clone(),
                    ..Companion::default()
                })
            };
            time.companions = others.iter().filter_map(companion).collect();
        }
    }
    if *settings != timed {
        let alone = CellSettings { rounds: 0, ..settings.clone() };
        let further = compare(trace, &plan(vec![contender], &alone), |_| {})?;
        for (row, further) in own.iter_mut().zip(further.contenders) {
            (row.min_heap, row.latency, row.instructions) = (further.min_heap, further.latency, further.instructions);
        }
        let results::Settings { min_heap, latency, instructions, .. } = further.settings;
        results.settings = results::Settings { min_heap, latency, instructions, ..results.settings };
    }
    results.contenders = own;
    Ok(results)
}

/// The comparison of these contenders under these settings, on one thread.
fn plan(
    contenders: Vec<Contender>,
    settings: &CellSettings,
    make_child: MakeChild,
    memory_bytes: Option<u64>,
) -> ComparisonPlan {
    let rounds = Rounds {
        count: settings.rounds,
        seed: settings.seed,
        touch: settings.touch,
        page: settings.page,
        limit_pages: settings.heap_limit_pages,
    };
    // Ctrl-C ends a cell at once: half a cell is useless.
    ComparisonPlan {
        verify: settings.verify,
        rigor: if settings.rigorous { Rigor::Rigorous } else { Rigor::Default },
        latency: settings.latency,
        instructions: settings.instructions,
        make_child: Some(make_child),
        min_heap: settings.min_heap,
        budget: settings.budget_ns.map(Duration::from_nanos),
        memory_bytes,
        ..ComparisonPlan::of(contenders, rounds)
    }
}
