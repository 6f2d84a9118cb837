//! Which contenders a chart shows, and which it leaves out with the reason, so that no gap goes unexplained.

use plotters::style::{Color, ShapeStyle};

use super::canvas::{self, Drawn, Sheet, Words};
use super::palette::{self, Style};
use crate::ReportError;
use crate::numbers::grouped;
use crate::reasons::by_reason;
use crate::results::{Contender, Results, Role, Verification};

/// A contender that is shown, with the figures for the chart.
pub(super) struct Shown<'a, T> {
    pub(super) contender: &'a Contender,
    pub(super) figures: T,
    pub(super) style: Style,
}

/// A contender that is left out, and why.
pub(super) struct LeftOut<'a> {
    pub(super) contender: &'a Contender,
    pub(super) reason: String,
}

/// Separates the contenders that have the figures for a chart from those that lack them; `figures` gives the reason.
/// Contenders that failed verification are always left out: their figures are not those of an allocator.
pub(super) fn sort_out<'a, T>(
    results: &'a Results,
    figures: impl Fn(&'a Contender) -> Result<T, String>,
) -> (Vec<Shown<'a, T>>, Vec<LeftOut<'a>>) {
    let (mut shown, mut left_out) = (Vec::new(), Vec::new());
    for contender in &results.contenders {
        let found = match contender.verification {
            Verification::Failed { .. } => Err("failed verification".to_string()),
            Verification::Passed | Verification::NotChecked { .. } => figures(contender),
        };
        match found {
            Ok(figures) => shown.push(Shown { contender, figures, style: palette::style_of(&contender.name) }),
            Err(reason) => left_out.push(LeftOut { contender, reason }),
        }
    }
    (shown, left_out)
}

/// The contenders that are left out, with the reasons: `talc, dlmalloc: not accounted here`.
pub(super) fn reasons<'a>(left_out: impl IntoIterator<Item = &'a LeftOut<'a>>) -> Vec<String> {
    let pairs = left_out.into_iter().map(|one| (one.contender.name.as_str(), one.reason.clone()));
    by_reason(pairs).into_iter().map(|(names, reason)| format!("{names}: {reason}")).collect()
}

/// The note below a chart on contenders that are not shown, if there are any. It omits the floor, which usually has no
/// figures; descriptions include it.
pub(super) fn not_shown(left_out: &[LeftOut]) -> Option<String> {
    let missed: Vec<&LeftOut> = left_out.iter().filter(|one| one.contender.role != Role::Floor).collect();
    (!missed.is_empty()).then(|| format!("not shown: {}", reasons(missed).join("; ")))
}

/// The chart if no contender has figures: it says so, with the reasons.
pub(super) fn nothing(words: &Words, left_out: &[LeftOut]) -> Result<String, ReportError> {
    let mut reasons = reasons(left_out);
    if reasons.is_empty() {
        reasons.push("No contender took part.".to_string());
    }
    canvas::message(words, &[vec!["There is nothing to draw.".to_string()], reasons].concat())
}

/// The note below a chart on contenders that failed requests, and so did less work than the others.
pub(super) fn failing<T>(shown: &[Shown<T>]) -> Option<String> {
    let failed = |one: &Shown<T>| one.contender.memory.known().map_or(0, |memory| memory.failed_requests);
    let failing: Vec<_> = shown.iter().map(|one| (&one.contender.name, failed(one))).filter(|one| one.1 > 0).collect();
    let text = |(name, failed): &(&String, u64)| format!("{name} ({})", grouped(*failed));
    (!failing.is_empty()).then(|| format!("did less work because requests failed: {}", join(&failing, text)))
}

/// The note below a chart on rows that are shown but cannot win.
pub(super) fn not_winning<T>(shown: &[Shown<T>]) -> Option<String> {
    let of = |role| -> Vec<&str> {
        let them = shown.iter().filter(|one| one.contender.role == role);
        them.map(|one| one.contender.name.as_str()).collect()
    };
    let roles = [("yardstick", of(Role::Baseline)), ("ablation", of(Role::Ablation))];
    let roles = roles.into_iter().filter(|(_, names)| !names.is_empty());
    let roles: Vec<String> = roles.map(|(role, names)| format!("{role}: {}", names.join(", "))).collect();
    (!roles.is_empty()).then(|| roles.join("; "))
}

/// The texts of the items, joined: `talc 1.38 MiB, bump 487 MiB`.
pub(super) fn join<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

impl<T> Shown<'_, T> {
    /// Paints what belongs to the contender, with a tooltip.
    pub(super) fn paint(&self, sheet: &Sheet, tip: &str, paint: impl FnOnce() -> Drawn) -> Drawn {
        sheet.contender(&self.contender.name, || sheet.tip(tip, paint))
    }

    /// The stroke of its line. Solid lines are the widest, so that both lines are visible if a dashed one covers a
    /// solid one; yardsticks and ablations are thinner.
    pub(super) fn stroke(&self) -> ShapeStyle {
        let width = match (self.contender.role, self.style.dashes) {
            (Role::Baseline | Role::Ablation | Role::Floor, _) => 4,
            (Role::Contender, "") => 7,
            (Role::Contender, _) => 5,
        };
        self.style.color.stroke_width(width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    #[test]
    fn rows_that_cannot_win_are_named_and_thinner() {
        let results = sample::results();
        let (shown, _) = sort_out(&results, |_| Ok(()));
        assert_eq!(not_winning(&shown).as_deref(), Some("yardstick: bump; ablation: segregated-bump-mv"));
        let width = |name: &str| shown.iter().find(|one| one.contender.name == name).unwrap().stroke().stroke_width;
        assert!(width("bump") == width("segregated-bump-mv") && width("bump") < width("talc"));
        let contenders: Vec<_> = shown.into_iter().filter(|one| one.contender.role == Role::Contender).collect();
        assert_eq!(not_winning(&contenders), None);
    }

    #[test]
    fn contenders_that_failed_verification_are_left_out_whatever_their_figures() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("talc").build(),
            contender("broken").invalid(17, "block 3 overlaps block 2").build(),
            contender("a").without_memory("no heap").build(),
            contender("b").without_memory("no heap").build(),
        ];
        let (shown, left_out) = sort_out(&results, |contender| contender.memory.known().ok_or("no heap".to_string()));
        assert_eq!(shown.iter().map(|one| one.contender.name.as_str()).collect::<Vec<_>>(), ["talc"]);
        assert_eq!(reasons(&left_out), ["broken: failed verification", "a, b: no heap"]);
    }
}
