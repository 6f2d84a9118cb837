//! The phase marks of a trace: thin lines across the plot, with names along its upper edge if they fit.

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;

use super::canvas::{self, Drawn, HAIRLINE, LINE, SOFT, Sheet, TEXT};
use crate::numbers::{count, grouped};
use crate::results::{Mark, Trace};

/// Minimum distance of two lines, in pixels: closer lines would look like a filled area.
const APART: i32 = 14;

/// Maximum width of a name, in pixels.
const NAME: f64 = 400.0;

/// Minimum number of letters in a name that is cut, including the dots.
const LEAST: usize = 6;

/// Distance of a name from its line, in pixels.
const BESIDE: i32 = 10;

/// Height of the names, which an axis keeps free for them (`Axis::with_headroom`).
pub(super) const HEADROOM: f64 = LINE as f64 + 12.0;

/// A mark that is drawn.
#[derive(Debug, PartialEq)]
pub(super) struct Phase<'a> {
    mark: &'a Mark,
    x: i32,
    /// The part of its name that is written; empty if it does not fit.
    name: String,
}

/// The marks to draw in a plot: of marks that would be too close, only the first. `x_of` maps an event to its pixel.
pub(super) fn phases(trace: &Trace, x_of: impl Fn(u64) -> i32, right: i32) -> Vec<Phase<'_>> {
    let mut phases: Vec<Phase> = Vec::new();
    for mark in &trace.marks {
        let x = x_of(mark.event);
        if phases.last().is_none_or(|last| x - last.x >= APART) {
            phases.push(Phase { mark, x, name: String::new() });
        }
    }
    // A name is written if the previous name has ended. The lines of unnamed marks in between begin below the names.
    let mut free_from = i32::MIN;
    for phase in &mut phases {
        let room = NAME.min(f64::from(right - phase.x - BESIDE));
        let name = canvas::fit(&phase.mark.name, TEXT, room);
        if phase.x >= free_from && (name == phase.mark.name || name.chars().count() > LEAST) {
            free_from = phase.x + 2 * BESIDE + canvas::text_width(&name, TEXT) as i32;
            phase.name = name;
        }
    }
    phases
}

/// Draws the lines from `top` to `bottom`, and the names below `top`.
pub(super) fn paint(sheet: &Sheet, phases: &[Phase], (top, bottom): (i32, i32)) -> Drawn {
    for phase in phases {
        let tip = format!("mark: {}, after event {}", phase.mark.name, grouped(phase.mark.event));
        sheet.group(vec![("class", "mark".into())], Some(tip), || {
            let top_of_line = if phase.name.is_empty() { top + HEADROOM as i32 } else { top };
            let line = PathElement::new(vec![(phase.x, top_of_line), (phase.x, bottom)], SOFT.stroke_width(HAIRLINE));
            sheet.dashed("4 8", || sheet.draw(&line))?;
            canvas::text(sheet, &phase.name, (phase.x + BESIDE, top + LINE / 2), TEXT, SOFT, HPos::Left)
        })?;
    }
    Ok(())
}

/// The note on marks that are not drawn or not named.
pub(super) fn note(trace: &Trace, phases: &[Phase]) -> Option<String> {
    let named = phases.iter().filter(|phase| !phase.name.is_empty()).count() as u64;
    (named < trace.mark_count).then(|| {
        let drawn = phases.len() as u64;
        format!(
            "{} of the trace, {} drawn and {} named",
            count(trace.mark_count, "mark"),
            grouped(drawn),
            grouped(named)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn trace(marks: &[(u64, &str)]) -> Trace {
        let marks: Vec<Mark> = marks.iter().map(|&(event, name)| Mark { event, name: name.into() }).collect();
        Trace { mark_count: marks.len() as u64, marks, ..sample::empty().trace }
    }

    fn names<'a>(phases: &'a [Phase]) -> Vec<(i32, &'a str)> {
        phases.iter().map(|phase| (phase.x, phase.name.as_str())).collect()
    }

    #[test]
    fn names_are_written_if_they_fit() {
        let trace = trace(&[
            (100, "start up"),
            (200, "hidden"),
            (205, "too close"),
            (600, "serve"),
            (960, "the end of it all"),
        ]);
        let phases = phases(&trace, |event| event as i32, 1000);
        // The first name reaches beyond 200, and no name fits at 960.
        assert_eq!(names(&phases), [(100, "start up"), (200, ""), (600, "serve"), (960, "")]);
        assert_eq!(note(&trace, &phases).unwrap(), "5 marks of the trace, 4 drawn and 2 named");
    }

    #[test]
    fn long_names_are_cut() {
        let trace = trace(&[(0, "a name that is much longer than any room for it")]);
        let phases = phases(&trace, |event| event as i32, 1000);
        assert_eq!(names(&phases), [(0, "a name that is...")]);
        assert_eq!(note(&trace, &phases), None);
    }
}
