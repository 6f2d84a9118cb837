//! `replay report`: tables, charts and exports from saved results, without measuring.

use std::path::PathBuf;

use clap::Args;
use heaprace_reports::export::{distinct_names, labelled_names};
use heaprace_reports::labelled;
use heaprace_reports::results::Results;
use heaprace_reports::table;

use crate::cli::exports::Exports;
use crate::cli::files::Files;
use crate::cli::saved::{self, Showing, charts_in, save_charts, save_set, set_charts_in};
use crate::cli::terminal::{FAILED, Format, USAGE, complain, complain_of, note, print};

/// Print tables and draw charts from saved results
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// Saved results: results.json files, or folders that contain them
    #[arg(value_name = "RESULTS", required = true)]
    results: Vec<PathBuf>,

    /// Draw charts into DIR/<trace>[-<settings>]/, and charts over several traces into DIR
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Format of standard output: tables, or the results as JSON, one document per trace
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    showing: Showing,

    #[command(flatten)]
    exports: Exports,
}

/// Reads the results, then prints, draws and exports what was asked for.
pub(crate) fn run(arguments: &ReportArguments) -> u8 {
    let mut files = Files::default();
    let all = match saved::read_files(&arguments.results, &mut files) {
        Ok(all) => all,
        Err(code) => return code,
    };
    if let Err(message) = check(arguments, files, &all) {
        return complain(USAGE, message);
    }
    let mut code = 0;
    if !arguments.exports.take_stdout() {
        code = print(&match arguments.format {
            Format::Json => all.iter().map(Results::to_json).collect(),
            Format::Text => text(&all, arguments.showing),
        });
    }
    if let Some(out) = &arguments.out {
        let shown = labelled(&all);
        let mut drawn = shown
            .iter()
            .zip(distinct_names(&all))
            .try_for_each(|(results, name)| save_charts(results, &out.join(name)));
        if drawn.is_ok() && all.len() > 1 {
            drawn = save_set(&shown, out);
        }
        code = code.max(match drawn {
            Ok(()) => {
                note(format_args!("Charts are in {}", out.display()));
                0
            }
            Err(error) => complain_of(FAILED, &error),
        });
    }
    code.max(arguments.exports.write(&all))
}

/// One trace as it is alone; of several, a line each and the means over them.
fn text(all: &[Results], showing: Showing) -> String {
    let options = showing.options();
    let named = labelled(all);
    if let [one] = all {
        return table::text(one, options);
    }
    let each: String = if showing.each_in_full() {
        // A table ends with a line feed; a blank line separates it from the next.
        named.iter().map(|results| table::text(results, options) + "\n").collect()
    } else {
        let lines = named.iter().map(|results| table::line(results, options));
        std::iter::once(table::heading(options)).chain(lines).chain(["\n".to_owned()]).collect()
    };
    each + &table::summary(all, options)
}

/// Checks that what is written replaces neither what is read nor each other.
fn check(arguments: &ReportArguments, mut files: Files, all: &[Results]) -> Result<(), String> {
    if let Some(out) = &arguments.out {
        distinct_names(all).iter().try_for_each(|name| charts_in(&out.join(name), &mut files))?;
        if all.len() > 1 {
            set_charts_in(out, &mut files)?;
        }
    }
    arguments.format.check(&mut files)?;
    let names = labelled_names(all);
    arguments.exports.check(&mut files, &names.iter().map(String::as_str).collect::<Vec<_>>())
}
