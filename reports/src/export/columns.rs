//! Which columns the tables for papers and pull requests have.

use crate::model::{self, Getter};
use crate::table::overview::OF_EXPORTS;

/// The columns of a table, in order; by default those that a page of a paper has room for.
///
/// ```
/// use heaprace_reports::export::ExportColumns;
///
/// assert!(ExportColumns::names().contains(&"steady-ratio"));
/// let chosen = ExportColumns::named(["steady-ratio", "overhead"])?;
/// assert_eq!(chosen, ExportColumns::named(["steady-ratio", "overhead", "overhead"])?, "each once");
/// assert!(ExportColumns::named([ExportColumns::NARROW]).is_ok());
/// assert!(ExportColumns::named(["colour"]).is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportColumns {
    names: Vec<&'static str>,
    narrow: bool,
}

/// The columns of [`ExportColumns::NARROW`].
const OF_NARROW: [&str; 4] = ["fresh", "steady", "overhead", "growth"];

impl ExportColumns {
    /// The name of a set of columns: those that one column of a two-column paper has room for. LaTeX sets their figures
    /// narrower, too.
    pub const NARROW: &str = "narrow";

    /// Every name: times, their ratios to the reference, and the metrics of METRICS.md that have a heading.
    pub fn names() -> Vec<&'static str> {
        let times = ["fresh", "steady", "fresh-ratio", "steady-ratio"];
        let exact = model::of_contenders().iter().filter(|metric| matches!(metric.of, Getter::Exact(_)));
        let headings = exact.filter_map(|metric| metric.about.heading.as_ref());
        times.into_iter().chain(headings.map(|heading| heading.id)).collect()
    }

    /// The columns of these names, each once. Where [`NARROW`](Self::NARROW) is among them, its columns come first.
    ///
    /// # Errors
    ///
    /// If there is no column of a name; the error names all.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, String> {
        let all = ExportColumns::names();
        let mut chosen = ExportColumns::default();
        for name in names {
            if name == Self::NARROW {
                chosen.narrow = true;
                continue;
            }
            let known = all.iter().find(|known| **known == name);
            let known = known.ok_or_else(|| format!("no column {name:?}; there are {}", all.join(", ")))?;
            if !chosen.names.contains(known) {
                chosen.names.push(*known);
            }
        }
        Ok(chosen)
    }

    /// Whether figures are to be set for one column of a two-column paper.
    pub(super) fn are_narrow(&self) -> bool {
        self.narrow
    }

    /// The names to show. Growth is shown only where it matters, unless it was chosen by its name.
    pub(super) fn shown(&self, growth_matters: bool) -> Vec<&'static str> {
        let set: &[&str] = match (self.narrow, &self.names[..]) {
            (true, _) => &OF_NARROW,
            (false, []) => &OF_EXPORTS,
            (false, _) => &[],
        };
        let set = set.iter().filter(|name| growth_matters || **name != "growth" || self.names.contains(name));
        let further = self.names.iter().filter(|name| !(self.narrow && OF_NARROW.contains(name)));
        set.chain(further).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrow_set_comes_first_and_shows_growth_where_it_matters() {
        let shown = |names: &[&str], grows| ExportColumns::named(names.iter().copied()).unwrap().shown(grows);
        assert_eq!(shown(&["narrow"], false), ["fresh", "steady", "overhead"]);
        assert_eq!(shown(&["narrow"], true), ["fresh", "steady", "overhead", "growth"]);
        assert_eq!(shown(&["jw4", "steady", "narrow"], false), ["fresh", "steady", "overhead", "jw4"]);
        assert_eq!(shown(&["narrow", "growth"], false), ["fresh", "steady", "overhead", "growth"]);
        assert_eq!(shown(&["growth"], false), ["growth"]);
        assert_eq!(shown(&[], false), ["fresh", "steady", "peak", "overhead", "refused"]);
    }

    #[test]
    fn no_column_has_the_name_of_the_set() {
        assert!(!ExportColumns::names().contains(&ExportColumns::NARROW));
    }
}
