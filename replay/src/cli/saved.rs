//! Saved results: reading them, and writing them with their charts.

use std::env;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use heaprace_reports::results::Results;
use heaprace_reports::table::TextOptions;
use heaprace_traces::library::nearest;

use crate::cli::files::Files;
use crate::cli::terminal::{BAD_INPUT, columns, complain, note};

/// The option that names the folder of results and charts.
pub(crate) const OUT: &str = "--out";

/// Reads the results in these files and folders. What a file lacks, or has that is not known here, gets a line on standard error.
///
/// # Errors
///
/// [`BAD_INPUT`], after a line that says what cannot be read.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Results>, u8> {
    read_files(paths, &mut Files::default())
}

/// The same, and adds the files to those that are read.
pub(crate) fn read_files(paths: &[PathBuf], files: &mut Files) -> Result<Vec<Results>, u8> {
    let all = heaprace_reports::load(paths).map_err(|error| complain(BAD_INPUT, error))?;
    for saved in &all {
        files.read(&saved.path);
        for mismatch in &saved.mismatches {
            note(format_args!("warning: {}: {mismatch}", saved.path.display()));
        }
    }
    Ok(all.into_iter().map(|saved| saved.results).collect())
}

/// Checks that some result has a contender of this name; the error suggests one.
pub(crate) fn takes_part(name: &str, runs: &[&[Results]]) -> Result<(), String> {
    let rows = || runs.iter().copied().flatten().flat_map(|results| &results.contenders).map(|row| row.name.as_str());
    if rows().any(|row| row == name) {
        return Ok(());
    }
    let meant = nearest(name, rows()).map(|meant| format!(" (did you mean {meant}?)")).unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    rows().for_each(|row| {
        if !names.contains(&row) {
            names.push(row);
        }
    });
    Err(format!("no allocator {name:?} takes part{meant}; there are {}", names.join(", ")))
}

/// Writes the results, and every chart of them with its data.
pub(crate) fn save(results: &Results, folder: &Path) -> anyhow::Result<()> {
    save_results(results, folder)?;
    save_charts(results, folder)
}

pub(crate) fn save_results(results: &Results, folder: &Path) -> anyhow::Result<()> {
    heaprace_reports::save(&folder.join(heaprace_reports::RESULTS_FILE), results.to_json().as_bytes())?;
    Ok(())
}

/// Adds the files of [`save_charts`] to those that are written.
pub(crate) fn charts_in(folder: &Path, files: &mut Files) -> Result<(), String> {
    heaprace_reports::chart::ALL.iter().try_for_each(|chart| {
        files.write(OUT, &folder.join(chart.file_name))?;
        files.write(OUT, &folder.join(chart.data_file_name()))
    })
}

/// The same for [`save_set`].
pub(crate) fn set_charts_in(folder: &Path, files: &mut Files) -> Result<(), String> {
    heaprace_reports::chart::ALL_TRACES.iter().try_for_each(|chart| {
        files.write(OUT, &folder.join(chart.file_name))?;
        files.write(OUT, &folder.join(chart.data_file_name()))
    })
}

/// Writes every chart of the results.
pub(crate) fn save_charts(results: &Results, folder: &Path) -> anyhow::Result<()> {
    for chart in heaprace_reports::chart::ALL {
        let svg = (chart.draw)(results).with_context(|| format!("cannot draw {}", chart.file_name))?;
        heaprace_reports::save(&folder.join(chart.file_name), svg.as_bytes())?;
        heaprace_reports::save(&folder.join(chart.data_file_name()), (chart.data)(results).as_bytes())?;
    }
    Ok(())
}

/// Writes the charts over several traces with their data.
pub(crate) fn save_set(all: &[Results], folder: &Path) -> anyhow::Result<()> {
    for chart in heaprace_reports::chart::ALL_TRACES {
        let svg = (chart.draw)(all).with_context(|| format!("cannot draw {}", chart.file_name))?;
        heaprace_reports::save(&folder.join(chart.file_name), svg.as_bytes())?;
        heaprace_reports::save(&folder.join(chart.data_file_name()), (chart.data)(all).as_bytes())?;
    }
    note(format_args!("Charts over all {} traces are in {}", all.len(), folder.display()));
    Ok(())
}

/// How much of the results is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Showing {
    /// Print every figure of every row, whole warnings, and where it was measured
    #[arg(long)]
    details: bool,

    /// Explain the columns and marks below the tables
    #[arg(long)]
    explain: bool,
}

impl Showing {
    /// How tables look on standard output.
    pub(crate) fn options(self) -> TextOptions {
        let terminal = io::stdout().is_terminal();
        let plain = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|term| term == "dumb");
        TextOptions { color: terminal && !plain, width: columns(), details: self.details, explain: self.explain }
    }

    /// Whether each of several traces is printed as it is alone.
    pub(crate) fn each_in_full(self) -> bool {
        self.details || self.explain
    }
}
