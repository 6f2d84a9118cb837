//! Which contenders a chart shows and which it leaves out, told with the reason: a gap in a chart must never be a riddle.

use plotters::style::{Color, ShapeStyle};

use super::canvas::{self, Drawn, Sheet, Words};
use super::palette::{self, Style};
use crate::ReportError;
use crate::numbers::grouped;
use crate::reasons::by_reason;
use crate::results::{Contender, Results, Role, Verification};

/// A contender that is shown, with the figures that the chart draws.
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

/// Sorts the contenders by whether they have the figures that a chart needs; `figures` says why not. Those that failed
/// verification are always left out: their figures are not those of an allocator.
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

/// Who is left out and why: `talc, dlmalloc: not accounted here`.
pub(super) fn reasons<'a>(left_out: impl IntoIterator<Item = &'a LeftOut<'a>>) -> Vec<String> {
    let pairs = left_out.into_iter().map(|one| (one.contender.name.as_str(), one.reason.clone()));
    by_reason(pairs).into_iter().map(|(names, reason)| format!("{names}: {reason}")).collect()
}

/// The note below a chart on who is not shown, if there is any. That the floor has no figures is not news; descriptions have it.
pub(super) fn not_shown(left_out: &[LeftOut]) -> Option<String> {
    let missed: Vec<&LeftOut> = left_out.iter().filter(|one| one.contender.role != Role::Floor).collect();
    (!missed.is_empty()).then(|| format!("not shown: {}", reasons(missed).join("; ")))
}

/// The chart where no contender has figures: it says so, and why.
pub(super) fn nothing(words: &Words, left_out: &[LeftOut]) -> Result<String, ReportError> {
    let mut reasons = reasons(left_out);
    if reasons.is_empty() {
        reasons.push("No contender took part.".to_string());
    }
    canvas::message(words, &[vec!["There is nothing to draw.".to_string()], reasons].concat())
}

/// The note below a chart on who answered requests with null, and so did less work than the others.
pub(super) fn failing<T>(shown: &[Shown<T>]) -> Option<String> {
    let failed = |one: &Shown<T>| one.contender.memory.known().map_or(0, |memory| memory.failed_requests);
    let failing: Vec<_> = shown.iter().map(|one| (&one.contender.name, failed(one))).filter(|one| one.1 > 0).collect();
    let text = |(name, failed): &(&String, u64)| format!("{name} ({})", grouped(*failed));
    (!failing.is_empty()).then(|| format!("did less work, as requests failed: {}", join(&failing, text)))
}

/// The note below a chart on who is shown and can win nothing.
pub(super) fn not_winning<T>(shown: &[Shown<T>]) -> Option<String> {
    let of = |role| -> Vec<&str> {
        let them = shown.iter().filter(|one| one.contender.role == role);
        them.map(|one| one.contender.name.as_str()).collect()
    };
    let told = [("baseline", of(Role::Baseline)), ("ablation", of(Role::Ablation))];
    let told = told.into_iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<String> = told.map(|(role, names)| format!("{role}: {}", names.join(", "))).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The texts of the items in a row: `talc 1.38 MiB, bump 487 MiB`.
pub(super) fn join<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

impl<T> Shown<'_, T> {
    /// Paints what belongs to it, with a tooltip.
    pub(super) fn paint(&self, sheet: &Sheet, tip: &str, paint: impl FnOnce() -> Drawn) -> Drawn {
        sheet.contender(&self.contender.name, || sheet.tip(tip, paint))
    }

    /// How its line is drawn: solid lines are the widest, so that both are seen where a dashed one lies on them, and
    /// baselines and ablations stand back.
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
    fn who_wins_nothing_is_named_and_stands_back() {
        let results = sample::results();
        let (shown, _) = sort_out(&results, |_| Ok(()));
        assert_eq!(not_winning(&shown).as_deref(), Some("baseline: bump; ablation: segregated-bump-mv"));
        let width = |name: &str| shown.iter().find(|one| one.contender.name == name).unwrap().stroke().stroke_width;
        assert!(width("bump") == width("segregated-bump-mv") && width("bump") < width("talc"));
        let contenders: Vec<_> = shown.into_iter().filter(|one| one.contender.role == Role::Contender).collect();
        assert_eq!(not_winning(&contenders), None);
    }

    #[test]
    fn who_failed_verification_is_left_out_whatever_its_figures() {
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
