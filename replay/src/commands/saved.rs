//! Saved results, as all commands read them that do not measure.

use std::path::Path;

use heaprace_reports::results::Results;

use crate::terminal::{BAD_INPUT, complain, note};

/// Reads the results at these paths. What is missing or unknown in a file has a line on standard error.
///
/// # Errors
///
/// [`BAD_INPUT`] where something cannot be read, which has its line, too.
pub(crate) fn load(paths: &[impl AsRef<Path>]) -> Result<Vec<Results>, u8> {
    let all = heaprace_reports::load(paths).map_err(|error| complain(BAD_INPUT, error))?;
    for saved in &all {
        for mismatch in &saved.mismatches {
            note(format_args!("warning: {}: {mismatch}", saved.path.display()));
        }
    }
    Ok(all.into_iter().map(|saved| saved.results).collect())
}
