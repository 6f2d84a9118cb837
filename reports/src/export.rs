//! Results in common formats: for notebooks, papers, pull requests.
//!
//! An exporter is a file here and a line in [`ALL`]; the command line has an option for each. `docs/RESULTS.md`
//! documents the contents of the formats.

mod columns;
mod csv;
mod json;
mod jsonl;
mod latex;
mod markdown;
pub mod measurements;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "pdf")]
mod pdf;
#[cfg(feature = "png")]
mod png;
mod svg;
#[cfg(any(feature = "pdf", feature = "png"))]
mod typeface;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub use self::columns::ExportColumns;
use crate::label::{differing_settings, labelled};
use crate::results::Results;
use crate::{ReportError, chart, html, save};

/// A format for exporting results.
#[derive(Clone, Copy, Debug)]
pub struct Exporter {
    /// Its name, which is also the file extension.
    pub format: &'static str,
    /// Its option on the command line.
    pub option: &'static str,
    /// What it writes, in a few words.
    pub what: &'static str,
    /// How to make it.
    pub make: Make,
}

/// How to make an export.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// A single file of all results.
    File(fn(&[Results]) -> Result<Vec<u8>, ReportError>),
    /// A single file with a table, whose columns can be chosen.
    Table(fn(&[Results], &ExportColumns) -> Result<Vec<u8>, ReportError>),
    /// A file for each chart of each trace, from the chart's SVG.
    Charts(fn(&str) -> Result<Vec<u8>, ReportError>),
    /// Unavailable: its libraries are large, and this build leaves them out.
    NotBuilt {
        /// The Cargo feature that enables it.
        feature: &'static str,
    },
}

impl Exporter {
    /// The content of its file, with these columns if it is a table. `None` if it is not a single file.
    pub fn file(&self, all: &[Results], columns: &ExportColumns) -> Option<Result<Vec<u8>, ReportError>> {
        match self.make {
            Make::File(make) => Some(make(all)),
            Make::Table(make) => Some(make(all, columns)),
            Make::Charts(_) | Make::NotBuilt { .. } => None,
        }
    }
}

/// An exporter that is available if its feature is on.
macro_rules! with_feature {
    ($feature:literal, $make:expr) => {{
        #[cfg(feature = $feature)]
        let make = $make;
        #[cfg(not(feature = $feature))]
        let make = Make::NotBuilt { feature: $feature };
        make
    }};
}

/// Every exporter.
pub const ALL: &[Exporter] = &[
    Exporter {
        format: "html",
        option: "report",
        what: "one self-contained page: verdicts, charts and tables",
        make: Make::File(|all| html(all).map(String::into_bytes)),
    },
    Exporter {
        format: "json",
        option: "export-json",
        what: "all results, complete, as one JSON document",
        make: Make::File(json::json),
    },
    Exporter {
        format: "jsonl",
        option: "export-jsonl",
        what: "one measurement per line, as JSON",
        make: Make::File(jsonl::jsonl),
    },
    Exporter {
        format: "csv",
        option: "export-csv",
        what: "one measurement per row, for notebooks",
        make: Make::File(csv::csv),
    },
    Exporter {
        format: "markdown",
        option: "export-markdown",
        what: "a table for a README or a pull request",
        make: Make::Table(markdown::markdown),
    },
    Exporter {
        format: "latex",
        option: "export-latex",
        what: "a booktabs table for a paper",
        make: Make::Table(latex::latex),
    },
    Exporter { format: "svg", option: "export-svg", what: "every chart", make: Make::Charts(svg::svg) },
    Exporter {
        format: "pdf",
        option: "export-pdf",
        what: "every chart",
        make: with_feature!("pdf", Make::Charts(pdf::pdf)),
    },
    Exporter {
        format: "png",
        option: "export-png",
        what: "every chart",
        make: with_feature!("png", Make::Charts(png::png)),
    },
    Exporter {
        format: "parquet",
        option: "export-parquet",
        what: "the same measurements as csv, in columns",
        make: with_feature!("parquet", Make::File(parquet::parquet)),
    },
];

/// Writes every chart of all results into a folder and returns the paths: `<trace>-<chart>.<format>` for charts of one
/// trace, `<chart>.<format>` for those over several traces.
///
/// # Errors
///
/// If a chart cannot be drawn, or a file cannot be written.
pub fn charts(
    all: &[Results],
    folder: &Path,
    format: &str,
    convert: fn(&str) -> Result<Vec<u8>, ReportError>,
) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = Vec::new();
    let mut write = |name: String, svg: &str| -> Result<(), ReportError> {
        let path = folder.join(name);
        save(&path, &convert(svg)?)?;
        written.push(path);
        Ok(())
    };
    for (results, trace) in labelled(all).iter().zip(distinct_names(all)) {
        for (chart, name) in chart::ALL.iter().zip(chart_names(&trace, format)) {
            write(name, &(chart.draw)(results)?)?;
        }
    }
    for (chart, name) in chart::ALL_TRACES.iter().zip(set_chart_names(format)).filter(|_| all.len() > 1) {
        write(name, &(chart.draw)(&labelled(all))?)?;
    }
    Ok(written)
}

/// The files of [`charts`] for one trace, whose name is one of [`distinct_names`].
pub fn chart_names(trace: &str, format: &str) -> impl Iterator<Item = String> {
    chart::ALL.iter().map(move |chart| format!("{trace}-{}.{format}", stem(chart.file_name)))
}

/// The files of [`charts`] over several traces.
pub fn set_chart_names(format: &str) -> impl Iterator<Item = String> {
    chart::ALL_TRACES.iter().map(move |chart| format!("{}.{format}", stem(chart.file_name)))
}

fn stem(file_name: &'static str) -> &'static str {
    file_name.trim_end_matches(".svg")
}

/// A file name for each of the results: the name of its trace, followed by the settings in which the results differ
/// (`serde-heavy-4-KiB-pages`), and by a number if several still share a name.
///
/// ```
/// use heaprace_reports::export::distinct_names;
/// use heaprace_reports::results::Results;
///
/// fn folders(all: &[Results]) -> Vec<std::path::PathBuf> {
///     distinct_names(all).iter().map(|name| std::path::Path::new("report").join(name)).collect()
/// }
/// ```
pub fn distinct_names(all: &[Results]) -> Vec<String> {
    distinct_file_names(labelled_names(all).iter().map(String::as_str))
}

/// The name of each trace with the settings in which the results differ, without blanks.
pub fn labelled_names(all: &[Results]) -> Vec<String> {
    let name = |(results, settings): (&Results, String)| match settings.as_str() {
        "" => results.trace.name.clone(),
        settings => format!("{}-{}", results.trace.name, settings.replace(", ", "-").replace(' ', "-")),
    };
    all.iter().zip(differing_settings(all)).map(name).collect()
}

/// The same for traces of these names.
pub fn distinct_file_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<String> {
    let mut taken = HashSet::new();
    // The next number for each name, so that many of the same do not search from 2 each time.
    let mut numbers: HashMap<String, u64> = HashMap::new();
    let distinct = |name: &str| {
        let stem = file_stem(name);
        let number = numbers.entry(stem.clone()).or_insert(1);
        loop {
            let name = if *number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            *number += 1;
            if taken.insert(name.clone()) {
                return name;
            }
        }
    };
    names.into_iter().map(distinct).collect()
}

/// Maximum bytes of a trace's name in the name of a file: with a chart's name and a number, it stays below the 255 bytes
/// of a file name.
const MOST_NAME_BYTES: usize = 180;

/// The name of a trace as part of a file name, cut to [`MOST_NAME_BYTES`]. Whatever the results contain, it names no folder and does not leave its
/// own.
fn file_stem(name: &str) -> String {
    let harmless = |character: char| match character {
        '/' | '\\' | ':' => '_',
        other if other.is_control() => '_',
        other => other,
    };
    match name {
        "" | "." | ".." => "trace".into(),
        name => {
            let fits = |end: &usize| *end <= MOST_NAME_BYTES;
            let end = name.char_indices().map(|(start, one)| start + one.len_utf8()).take_while(fits).last();
            name[..end.unwrap_or(0)].chars().map(harmless).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_exporter_accepts_full_empty_and_no_results() {
        for exporter in ALL {
            for all in [vec![sample::results(), sample::empty()], vec![sample::empty()], vec![]] {
                match exporter.make {
                    Make::File(make) => {
                        assert!(!make(&all).unwrap().is_empty() || all.is_empty(), "{}", exporter.format)
                    }
                    Make::Table(make) => {
                        for name in ExportColumns::names() {
                            make(&all, &ExportColumns::named([name]).unwrap()).unwrap();
                        }
                    }
                    Make::Charts(convert) => {
                        for results in &all {
                            let svg = (chart::ALL[0].draw)(results).unwrap();
                            assert!(!convert(&svg).unwrap().is_empty(), "{}", exporter.format);
                        }
                    }
                    Make::NotBuilt { feature } => assert!(["pdf", "png", "parquet"].contains(&feature)),
                }
            }
        }
    }

    #[test]
    fn formats_are_unique() {
        for (index, exporter) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.format != exporter.format), "{}", exporter.format);
            let option =
                if exporter.format == "html" { "report".into() } else { format!("export-{}", exporter.format) };
            assert_eq!(exporter.option, option);
        }
    }

    #[test]
    fn names_are_distinct_and_stay_in_their_folder() {
        let named = |name: &str| {
            let mut results = sample::empty();
            results.trace.name = name.into();
            results
        };
        let all = ["a", "b", "a", "../x", "..", "a", "c:\u{0}"].map(named);
        assert_eq!(distinct_names(&all), ["a", "b", "a-2", ".._x", "trace", "a-3", "c__"]);
        let taken = ["a", "a-2", "a"].map(named);
        assert_eq!(distinct_names(&taken), ["a", "a-2", "a-3"]);
        let long = ["x".repeat(1_000_000), "x".repeat(250), "\u{1F980}".repeat(100)];
        let short = distinct_file_names(long.iter().map(String::as_str));
        assert_eq!(short, ["x".repeat(180), format!("{}-2", "x".repeat(180)), "\u{1F980}".repeat(45)]);
        // In time that grows with their number.
        assert_eq!(distinct_file_names(vec!["same"; 100_000]).last().unwrap(), "same-100000");
    }

    #[test]
    fn charts_are_files_of_their_trace() {
        let folder = std::env::temp_dir().join(format!("heaprace-charts-{}", std::process::id()));
        let all = [sample::results(), sample::empty()];
        let written = charts(&all, &folder, "svg", svg::svg).unwrap();
        assert_eq!(written.len(), 2 * chart::ALL.len() + chart::ALL_TRACES.len());
        assert!(written.contains(&folder.join("serde-heavy-footprint.svg")));
        assert!(written.contains(&folder.join("serde-heavy-2-footprint.svg")));
        assert!(written.contains(&folder.join("summary-steady.svg")));
        assert!(written.iter().all(|path| path.is_file()));
        let one = charts(&all[..1], &folder, "svg", svg::svg).unwrap();
        assert_eq!(one.len(), chart::ALL.len(), "one trace is not a set");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
