//! Which columns the tables for papers and pull requests have.

use crate::model::{self, Getter};
use crate::table::overview::OF_EXPORTS;

/// The columns of a table, in order; by default those that a paper has room for.
///
/// ```
/// use heaprace_reports::export::ExportColumns;
///
/// assert!(ExportColumns::names().contains(&"steady-ratio"));
/// let chosen = ExportColumns::named(["steady-ratio", "overhead"])?;
/// assert_eq!(chosen, ExportColumns::named(["steady-ratio", "overhead", "overhead"])?, "each once");
/// assert!(ExportColumns::named(["colour"]).is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportColumns(Vec<&'static str>);

impl ExportColumns {
    /// Every name: times, their ratios to the reference, and the metrics of METRICS.md that have a heading.
    pub fn names() -> Vec<&'static str> {
        let times = ["fresh", "steady", "fresh-ratio", "steady-ratio"];
        let exact = model::of_contenders().iter().filter(|metric| matches!(metric.of, Getter::Exact(_)));
        let headings = exact.filter_map(|metric| metric.about.heading.as_ref());
        times.into_iter().chain(headings.map(|heading| heading.id)).collect()
    }

    /// The columns of these names, each once.
    ///
    /// # Errors
    ///
    /// If there is no column of a name; the error names all.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, String> {
        let all = ExportColumns::names();
        let mut chosen = Vec::new();
        for name in names {
            let known = all.iter().find(|known| **known == name);
            let known = known.ok_or_else(|| format!("no column {name:?}; there are {}", all.join(", ")))?;
            if !chosen.contains(known) {
                chosen.push(*known);
            }
        }
        Ok(ExportColumns(chosen))
    }

    /// The names to show. Growth is shown by default only where it matters.
    pub(super) fn shown(&self, growth_matters: bool) -> Vec<&'static str> {
        match &self.0[..] {
            [] => OF_EXPORTS.into_iter().filter(|name| growth_matters || *name != "growth").collect(),
            chosen => chosen.to_vec(),
        }
    }
}
