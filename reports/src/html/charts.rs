//! The charts of the page: time against memory first, then memory over time, and the others below a heading that opens them.

use maud::{Markup, PreEscaped, html};

use super::{svg, timeline};
use crate::ReportError;
use crate::chart;
use crate::prose::and;
use crate::reasons::by_reason;
use crate::results::Results;

/// The charts of time against memory, and their kin over several traces.
pub(super) const TIME_AND_MEMORY: [&str; 4] =
    ["pareto-steady.svg", "pareto-fresh.svg", "pareto-means-steady.svg", "pareto-means-fresh.svg"];

/// The charts of memory over time.
pub(super) const OVER_TIME: [&str; 2] = ["footprint.svg", "footprints.svg"];

/// The chart of WebAssembly modules.
pub(super) const WEB_ASSEMBLY: [&str; 1] = ["module-size.svg"];

/// Whether a chart has a place of its own apart from the others.
fn has_a_place(file_name: &str) -> bool {
    TIME_AND_MEMORY.iter().chain(&OVER_TIME).chain(&WEB_ASSEMBLY).any(|name| *name == file_name)
}

/// These charts of one trace, the `index`th of the page, and why some are missing.
pub(super) fn of_trace(results: &Results, index: usize, these: &[&str]) -> Result<Markup, ReportError> {
    let mut missing = Vec::new();
    for chart in chart::ALL.iter().filter(|chart| these.contains(&chart.file_name)) {
        if chart::message_of(&(chart.draw)(results)?).is_some() {
            missing.push(chart.title);
        }
    }
    Ok(html! {
        (drawn(results, index, |name| these.contains(&name))?)
        @if !missing.is_empty() {
            p.note { (and(missing)) ": there is nothing to draw. Which figures are missing, and why, is listed below." }
        }
    })
}

/// The other charts of one trace. One that has nothing to show is left out: tables give the reasons.
pub(super) fn others_of_trace(results: &Results, index: usize) -> Result<Markup, ReportError> {
    drawn(results, index, |name| !has_a_place(name))
}

fn drawn(results: &Results, index: usize, takes: impl Fn(&str) -> bool) -> Result<Markup, ReportError> {
    Ok(html! {
        div.charts {
            @for (number, chart) in chart::ALL.iter().enumerate().filter(|(_, chart)| takes(chart.file_name)) {
                @let svg = (chart.draw)(results)?;
                @if chart::message_of(&svg).is_none() {
                    (figure(chart.file_name, &svg, &format!("t{index}c{number}-")))
                }
            }
        }
    })
}

/// What moves the time cursor in all charts of a trace over time.
pub(super) fn cursor(results: &Results) -> Markup {
    html! {
        @if let Some((json, points)) = timeline::json(results) {
            div.cursor-control {
                label { "Time " input type="range" min="0" max=(points - 1) value="0" step="1"; }
                " "
                output { "Move the slider, or point at a chart over time, to read all charts at one event." }
            }
            script.timeline type="application/json" { (PreEscaped(json)) }
        }
    }
}

/// These charts over all traces of a setting, the `setting`th of the page, and why some are missing.
pub(super) fn over_traces(results: &[Results], setting: usize, these: &[&str]) -> Result<Markup, ReportError> {
    drawn_over_traces(results, setting, |name| these.contains(&name))
}

/// The other charts over all traces of a setting.
pub(super) fn others_over_traces(results: &[Results], setting: usize) -> Result<Markup, ReportError> {
    drawn_over_traces(results, setting, |name| !has_a_place(name))
}

fn drawn_over_traces(results: &[Results], setting: usize, takes: impl Fn(&str) -> bool) -> Result<Markup, ReportError> {
    let (mut figures, mut missing) = (Vec::new(), Vec::new());
    for (number, chart) in chart::ALL_TRACES.iter().enumerate().filter(|(_, chart)| takes(chart.file_name)) {
        let svg = (chart.draw)(results)?;
        match chart::message_of(&svg) {
            Some(message) => missing.push((chart.title, message.to_owned())),
            None => figures.push(figure(chart.file_name, &svg, &format!("s{setting}c{number}-"))),
        }
    }
    Ok(html! {
        div.charts { @for figure in figures { (figure) } }
        @for (titles, message) in by_reason(missing) { p.note { (titles) ": " (PreEscaped(message)) } }
    })
}

fn figure(file_name: &str, svg: &str, prefix: &str) -> Markup {
    html! {
        figure.chart data-chart=(file_name.trim_end_matches(".svg")) { (PreEscaped(svg::inline(svg, prefix))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_charts_with_a_place_of_their_own_exist() {
        let known: Vec<&str> = chart::ALL
            .iter()
            .map(|one| one.file_name)
            .chain(chart::ALL_TRACES.iter().map(|one| one.file_name))
            .collect();
        assert!(
            TIME_AND_MEMORY.iter().chain(&OVER_TIME).chain(&WEB_ASSEMBLY).all(|name| known.contains(name)),
            "{known:?}"
        );
    }
}
