//! Whether results may share a mean: each trace once, all with the same settings.

use crate::results::Results;

/// Why results cannot be ranked together, or share a mean.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RankingError {
    /// A trace would count twice.
    #[error("{trace} occurs more than once: pass each trace once, from one run")]
    Twice {
        /// The trace.
        trace: String,
    },
    /// The results differ in a setting.
    #[error("{what} of {one} and {other} differ ({values}): do not mix them")]
    Mixed {
        /// Which setting.
        what: &'static str,
        /// A trace.
        one: String,
        /// A trace with another value.
        other: String,
        /// Both values.
        values: String,
    },
}

/// Checks that the results may be ranked together, or share a mean: each trace once, all with the same settings.
///
/// # Errors
///
/// [`RankingError`] names what prevents it.
pub fn check<'a>(all: impl IntoIterator<Item = &'a Results>) -> Result<(), RankingError> {
    let all: Vec<&Results> = all.into_iter().collect();
    let Some(first) = all.first() else { return Ok(()) };
    for (index, results) in all.iter().enumerate() {
        let (one, other) = (&first.trace.name, &results.trace.name);
        let (ours, theirs) = (&first.settings, &results.settings);
        let settings = [
            ("page sizes", ours.page_bytes.to_string(), theirs.page_bytes.to_string()),
            ("heap limits", ours.heap_limit_pages.to_string(), theirs.heap_limit_pages.to_string()),
            ("touch policies", ours.touch.to_string(), theirs.touch.to_string()),
            ("targets", first.provenance.target.clone(), results.provenance.target.clone()),
        ];
        if let Some((what, our, their)) = settings.into_iter().find(|(_, our, their)| our != their) {
            let values = format!("{our} and {their}");
            return Err(RankingError::Mixed { what, one: one.clone(), other: other.clone(), values });
        }
        // After the settings: a trace of a sweep is there once for each of them.
        let same_trace =
            |earlier: &&Results| earlier.trace.name == *other || earlier.trace.sha256 == results.trace.sha256;
        if all[..index].iter().any(same_trace) {
            return Err(RankingError::Twice { trace: other.clone() });
        }
    }
    Ok(())
}
