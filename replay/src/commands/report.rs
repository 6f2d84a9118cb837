//! `replay report`: tables, charts and exports from saved results, without measuring.

use std::path::PathBuf;

use clap::Args;
use heaprace_reports::export::distinct_names;
use heaprace_reports::table;

use crate::commands::compare::{save_charts, save_set, text_options};
use crate::commands::exports::Exports;
use crate::commands::saved;
use crate::terminal::{FAILED, Format, USAGE, complain, complain_of, note, print};

/// Print tables and draw charts of saved results again, without measuring
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Saved results: results.json files, or folders that hold them
    #[arg(value_name = "RESULTS", required = true)]
    results: Vec<PathBuf>,

    /// Draw every chart into DIR/<trace>/, and those over several traces into DIR
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// What goes to standard output: the tables, or the results as JSON, one document a trace
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    exports: Exports,
}

/// Reads the results, and does with them all that was asked for.
pub(crate) fn run(arguments: &Report) -> u8 {
    if let Err(message) = arguments.exports.check() {
        return complain(USAGE, message);
    }
    let all = match saved::load(&arguments.results) {
        Ok(all) => all,
        Err(code) => return code,
    };
    let mut code = 0;
    if !arguments.exports.take_stdout() {
        let shown: Vec<String> = all
            .iter()
            .map(|results| match arguments.format {
                Format::Json => results.to_json(),
                Format::Text => table::text(results, text_options()),
            })
            .collect();
        // One table ends with a line feed; a blank line parts it from the next.
        let between = if matches!(arguments.format, Format::Text) { "\n" } else { "" };
        code = print(&shown.join(between));
    }
    if let Some(out) = &arguments.out {
        let mut drawn =
            all.iter().zip(distinct_names(&all)).try_for_each(|(results, name)| save_charts(results, &out.join(name)));
        if drawn.is_ok() && all.len() > 1 {
            drawn = save_set(&all, out);
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
