//! The settings of the results on a page, such as those of a sweep: what is counted together is of one setting.

use maud::{Markup, html};

use super::heading::{Level, heading};
use crate::ReportError;
use crate::label::by_settings;
use crate::numbers::count;
use crate::results::Results;

/// Results of the same settings, which are counted together.
pub(super) struct Setting {
    /// The settings in words, as they follow a heading: `, 4 KiB pages`. Empty if all results have the same.
    pub(super) of: String,
    pub(super) results: Vec<Results>,
}

/// The results of each setting. All are one group if no setting has several traces, because then nothing is counted
/// together.
pub(super) fn settings(results: &[Results]) -> Vec<Setting> {
    let groups = by_settings(results);
    if groups.len() < 2 || groups.iter().all(|(_, group)| group.len() < 2) {
        return vec![Setting { of: String::new(), results: results.to_vec() }];
    }
    groups.into_iter().map(|(settings, results)| Setting { of: format!(", {settings}"), results }).collect()
}

/// The same for each setting: below a heading if there are several.
pub(super) fn each_setting(
    settings: &[Setting],
    level: Level,
    content: impl Fn(usize, &Setting, Level) -> Result<Markup, ReportError>,
) -> Result<Markup, ReportError> {
    if let [all] = settings {
        return content(0, all, level);
    }
    let mut each = Vec::new();
    for (at, setting) in settings.iter().enumerate() {
        let traces = count(setting.results.len() as u64, "trace");
        each.push((format!("{traces}{}", setting.of), content(at, setting, level.below())?));
    }
    Ok(html! { @for (title, content) in each { (heading(level, &title)) (content) } })
}
