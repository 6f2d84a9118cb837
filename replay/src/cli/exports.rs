//! The options `--export-...`: one for each exporter.

use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, PossibleValuesParser};
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use heaprace_reports::export::{self, ExportColumns, Exporter, Make};
use heaprace_reports::results::Results;
use heaprace_reports::{ReportError, check_folder};

use crate::cli::files::{self, Files, STDOUT};
use crate::cli::terminal::{FAILED, complain, note, print_bytes};

/// The option that chooses the columns of tables.
const COLUMNS: &str = "columns";

const HEADING: &str = "Export options ('-' for stdout)";

/// What is to be exported, and where to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exports {
    chosen: Vec<(&'static Exporter, PathBuf)>,
    columns: ExportColumns,
}

// By hand and not derived, so that an exporter is one line of a table.
impl Args for Exports {
    fn augment_args(command: Command) -> Command {
        let option = |exporter: &Exporter| {
            let (value, help) = match exporter.make {
                Make::File(_) | Make::Table(_) => ("PATH|-", format!("Write {}", exporter.what)),
                Make::Charts(_) => {
                    ("DIR", format!("Write {} as DIR/<trace>-<chart>.{}", exporter.what, exporter.format))
                }
                Make::NotBuilt { feature } => {
                    ("PATH", format!("Write {}: needs a build with --features {feature}", exporter.what))
                }
            };
            Arg::new(exporter.option)
                .long(exporter.option)
                .value_name(value)
                .help(help)
                .help_heading(HEADING)
                .value_parser(PathBufValueParser::new())
        };
        let columns = Arg::new(COLUMNS)
            .long(COLUMNS)
            .value_name("NAME,...")
            .help(format!(
                "Columns of --export-markdown and --export-latex, in this order: {}; or narrow, for LaTeX that fits one column of a two-column paper [default: fresh,steady,peak,overhead,growth,refused]",
                ExportColumns::names().join(", ")
            ))
            .help_heading(HEADING)
            .value_delimiter(',')
            .hide_possible_values(true)
            .value_parser(PossibleValuesParser::new(
                ExportColumns::names().into_iter().chain([ExportColumns::NARROW]),
            ));
        export::ALL.iter().fold(command, |command, exporter| command.arg(option(exporter))).arg(columns)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Exports {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = export::ALL.iter().filter_map(|exporter| {
            let path = matches.get_one::<PathBuf>(exporter.option)?;
            Some((exporter, path.clone()))
        });
        let names = matches.get_many::<String>(COLUMNS).into_iter().flatten().map(String::as_str);
        let columns = ExportColumns::named(names).expect("the parser lets only these names through");
        Ok(Exports { chosen: chosen.collect(), columns })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Exports {
    /// Whether one of them goes to standard output, where nothing else must go then.
    pub(crate) fn take_stdout(&self) -> bool {
        self.chosen.iter().any(|(_, path)| path.as_os_str() == STDOUT)
    }

    /// Says what makes no sense before anything is measured. `files` are the inputs and the other outputs; `traces` are
    /// the names of the traces whose results are exported.
    pub(crate) fn check(&self, files: &mut Files, traces: &[&str]) -> Result<(), String> {
        for (exporter, path) in &self.chosen {
            let option = format!("--{}", exporter.option);
            match exporter.make {
                Make::NotBuilt { feature } => {
                    return Err(format!(
                        "{option}: this build cannot write {}; 'cargo install --path replay --features {feature}' makes one that can",
                        exporter.format
                    ));
                }
                Make::Charts(_) if path.as_os_str() == STDOUT => {
                    return Err(format!("{option}: there is a file for each chart; name a folder for them"));
                }
                Make::Charts(_) if path.is_file() => {
                    return Err(format!("{option}: {} is a file; name a folder for the charts", path.display()));
                }
                Make::File(_) | Make::Table(_) if path.is_dir() => {
                    return Err(format!("{option}: {} is a folder; name a file in it", path.display()));
                }
                Make::File(_) | Make::Table(_) if path.ancestors().skip(1).any(Path::is_file) => {
                    return Err(format!("{option}: {}: a folder on the way to it is a file", path.display()));
                }
                Make::File(_) | Make::Table(_) => files.write(&option, path)?,
                Make::Charts(_) => {
                    for trace in export::distinct_file_names(traces.iter().copied()) {
                        for name in export::chart_names(&trace, exporter.format) {
                            files.write(&option, &path.join(name))?;
                        }
                    }
                    for name in export::set_chart_names(exporter.format).filter(|_| traces.len() > 1) {
                        files.write(&option, &path.join(name))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks that all of them can be written.
    pub(crate) fn check_folders(&self) -> Result<(), ReportError> {
        self.chosen.iter().try_for_each(|(exporter, path)| match exporter.make {
            _ if !files::is_file_to_be(path) => Ok(()),
            Make::Charts(_) => check_folder(path),
            _ => check_folder(path.parent().unwrap_or(path)),
        })
    }

    /// Writes all of them, and gives the exit code. What fails does not keep the others from being written.
    pub(crate) fn write(&self, all: &[Results]) -> u8 {
        self.chosen.iter().map(|(exporter, path)| write(exporter, path, all, &self.columns)).max().unwrap_or(0)
    }
}

fn write(exporter: &Exporter, path: &Path, all: &[Results], columns: &ExportColumns) -> u8 {
    let written = match (exporter.make, exporter.file(all, columns)) {
        (_, Some(Ok(bytes))) if path.as_os_str() == STDOUT => return print_bytes(&bytes),
        (_, Some(made)) => made.and_then(|bytes| heaprace_reports::save(path, &bytes)),
        (Make::Charts(convert), None) => export::charts(all, path, exporter.format, convert).map(drop),
        // Checked before.
        _ => return FAILED,
    };
    match written {
        Ok(()) => {
            note(format_args!("Exported to {}", path.display()));
            0
        }
        Err(error) => complain(FAILED, error),
    }
}
