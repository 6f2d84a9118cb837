//! Merges cells: one document for each trace and choice of settings.
//!
//! A cell's address decides what may be merged: cells of another build, trace or setting have other addresses, so they
//! are not found and count as missing. Only the machine may differ. Memory figures do not depend on it, times are
//! compared to the companions of the same row, and each row records where it was measured.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use heaprace_reports::results::{self, Figure, Part, Provenance, Reason, Results, Verification, Warning, WarningCode};

use super::BASELINE;
use super::cell::{CELLS, Cell, CellState, Head};
use super::plan::{CellGroup, Sweep};
use crate::comparison::row;

/// The merged cells of a group.
#[derive(Clone, Debug)]
pub struct Merged {
    /// The folder of the document.
    pub folder: String,
    /// The document; `None` if no contender is done, because then not even the trace is known.
    pub results: Option<Results>,
    /// Unfinished cells, each with its reason. Their rows show the same reason.
    pub missing: Vec<(Cell, Reason)>,
}

/// A file among the cells that does not belong to this sweep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stray {
    /// A cell of another build, with this revision.
    OtherBuild(String),
    /// A cell of this build, from another plan.
    OtherPlan,
    /// Something else, or an incomplete file.
    Unreadable(PathBuf),
}

/// Merges the cells of each group, as far as they are done.
pub fn merge(sweep: &Sweep, state: impl Fn(&Cell) -> CellState) -> Vec<Merged> {
    sweep.groups().into_iter().map(|group| merge_group(group, &state)).collect()
}

fn merge_group(group: CellGroup, state: &impl Fn(&Cell) -> CellState) -> Merged {
    let mut missing = Vec::new();
    let mut take = |cell: &Cell| {
        let reason = match state(cell) {
            CellState::Done(results) => return Ok(*results),
            CellState::Missing => Reason::CellNotRun { cell: cell.id().to_owned() },
            CellState::Unusable(cause) => Reason::CellNotUsable { cell: cell.id().to_owned(), cause },
        };
        missing.push((cell.clone(), reason.clone()));
        Err(reason)
    };
    let bounds = group.bounds.as_ref().map(|cell| (cell, take(cell)));
    let cells: Vec<_> = group.contenders.iter().map(|cell| (cell, take(cell))).collect();
    let results = join(bounds, cells);
    Merged { folder: group.folder, results, missing }
}

type Taken<'c> = (&'c Cell, Result<Results, Reason>);

fn join(bounds: Option<Taken<'_>>, cells: Vec<Taken<'_>>) -> Option<Results> {
    let first = cells.iter().find_map(|(_, taken)| taken.as_ref().ok())?;
    let mut joint = Results { contenders: Vec::new(), warnings: Vec::new(), ..first.clone() };
    let mut warnings = Vec::new();
    for (cell, taken) in cells {
        match taken {
            Ok(results) => {
                let part = cell.subject().to_owned();
                // A part that ended early has fewer rounds.
                joint.settings.rounds = joint.settings.rounds.max(results.settings.rounds);
                warnings.extend(results.warnings.into_iter().map(|warning| (part.clone(), warning)));
                joint.contenders.extend(results.contenders);
                joint.merged_from.push(Part { part, cell: cell.id().to_owned(), provenance: results.provenance });
            }
            Err(reason) => joint.contenders.extend(missing_row(cell, reason)),
        }
    }
    let rows = joint.merged_from.len();
    if let Some((cell, taken)) = bounds {
        joint.bounds = match taken {
            Ok(results) => {
                let (part, cell) = (cell.subject().to_owned(), cell.id().to_owned());
                joint.merged_from.push(Part { part, cell, provenance: results.provenance });
                results.bounds
            }
            Err(reason) => Figure::unknown(reason),
        };
    }
    joint.provenance = common_provenance(&joint.merged_from);
    joint.warnings = common_warnings(warnings, rows);
    joint.warnings.extend(merged_warning(&joint));
    Some(joint)
}

/// The row of a contender whose cell is not done: only its name is known.
fn missing_row(cell: &Cell, reason: Reason) -> Option<results::Contender> {
    let contender = cell.contender()?;
    Some(results::Contender {
        verification: Verification::NotChecked { reason: reason.clone() },
        memory: Figure::unknown(reason.clone()),
        min_heap: Figure::unknown(reason.clone()),
        time: Figure::unknown(reason.clone()),
        latency: Figure::unknown(reason.clone()),
        instructions: Figure::unknown(reason),
        ..row(contender)
    })
}

/// The provenance common to all parts. Fields that differ are unknown here; each part still has its own. The build is
/// always the same, because it is part of the cells' addresses.
fn common_provenance(parts: &[Part]) -> Provenance {
    let all = || parts.iter().map(|part| &part.provenance);
    let first = all().next().expect("a document has a cell that is done");
    let common = |of: fn(&Provenance) -> &Figure<String>| {
        let different: BTreeSet<String> = all().map(|from| known_or_reason(of(from))).collect();
        match different.len() {
            1 => of(first).clone(),
            count => Figure::unknown(Reason::RowsDiffer { count, values: Vec::from_iter(different).join("; ") }),
        }
    };
    Provenance {
        cpu: common(|from| &from.cpu),
        cpu_count: all().map(|from| from.cpu_count).min().unwrap_or(first.cpu_count),
        kernel: common(|from| &from.kernel),
        governor: common(|from| &from.governor),
        transparent_huge_pages: common(|from| &from.transparent_huge_pages),
        // RFC 3339 in UTC: the earliest date is the smallest string.
        date: all().map(|from| &from.date).min().unwrap_or(&first.date).clone(),
        ..first.clone()
    }
}

fn known_or_reason(figure: &Figure<String>) -> String {
    match figure {
        Figure::Known(text) => text.clone(),
        Figure::Unknown { unknown } => unknown.to_string(),
    }
}

/// Each warning once. A warning that does not apply to all rows names its rows.
fn common_warnings(warnings: Vec<(String, Warning)>, rows: usize) -> Vec<Warning> {
    let mut by_text: BTreeMap<(WarningCode, String), Vec<String>> = BTreeMap::new();
    for (row, Warning { code, message }) in warnings {
        by_text.entry((code, message)).or_default().push(row);
    }
    let merged = by_text.into_iter().map(|((code, message), whose)| {
        let message = if whose.len() == rows { message } else { format!("{}: {message}", whose.join(", ")) };
        Warning { code, message }
    });
    merged.collect()
}

/// The warning that times of different rows are not comparable, if there are at least two.
fn merged_warning(joint: &Results) -> Option<Warning> {
    let timed: Vec<&str> =
        joint.contenders.iter().filter(|row| row.time.known().is_some()).map(|row| row.name.as_str()).collect();
    if timed.len() < 2 {
        return None;
    }
    let machines: BTreeSet<String> = (joint.merged_from.iter())
        .filter(|part| timed.contains(&part.part.as_str()))
        .map(|Part { provenance: from, .. }| {
            let [cpu, kernel] = [&from.cpu, &from.kernel].map(known_or_reason);
            format!("{cpu}, {} processors, {kernel}", from.cpu_count)
        })
        .collect();
    let place = match machines.len() {
        1 => "in a separate run".to_owned(),
        count => format!("in a separate run, on {count} kinds of machine ({})", Vec::from_iter(machines).join("; ")),
    };
    let message = format!(
        "each row was timed {place}: compare them by their ratios to {BASELINE} or to the floor, which ran in the same rounds, \
         and not by ns/op"
    );
    Some(Warning { code: WarningCode::Merged, message })
}

/// The files among the cells of this folder that do not belong to this sweep, with their number.
pub fn strays(sweep: &Sweep, folder: &Path) -> BTreeMap<Stray, usize> {
    let own: BTreeSet<PathBuf> = sweep.cells().iter().map(|cell| cell.path(folder)).collect();
    let mut strays = BTreeMap::new();
    let entries = fs::read_dir(folder.join(CELLS)).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "json"));
    for path in files.filter(|path| !own.contains(path)) {
        let head = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Head>(&text).ok());
        let stray = match head {
            Some(Head { cell }) if cell.build == *sweep.build() => Stray::OtherPlan,
            Some(Head { cell }) => Stray::OtherBuild(cell.build.revision),
            None => Stray::Unreadable(path),
        };
        *strays.entry(stray).or_default() += 1;
    }
    strays
}
