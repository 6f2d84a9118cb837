//! The charts of the page: every chart of a trace with what moves its time cursor, and every chart over several traces.

use maud::{Markup, PreEscaped, html};

use super::{svg, timeline};
use crate::ReportError;
use crate::chart;
use crate::reasons::by_reason;
use crate::results::Results;

/// The charts of one trace, the `index`th of the page. A chart that has nothing to show is left out: tables give the
/// reasons.
pub(super) fn of_trace(results: &Results, index: usize) -> Result<Markup, ReportError> {
    Ok(html! {
        @if let Some((json, points)) = timeline::json(results) {
            div.cursor-control {
                label { "Time " input type="range" min="0" max=(points - 1) value="0" step="1"; }
                " "
                output { "Move the slider, or point at a chart over time, to read all charts at one event." }
            }
            script.timeline type="application/json" { (PreEscaped(json)) }
        }
        div.charts {
            @for (number, chart) in chart::ALL.iter().enumerate() {
                @let svg = (chart.draw)(results)?;
                @if chart::message_of(&svg).is_none() {
                    (figure(chart.file_name, &svg, &format!("t{index}c{number}-")))
                }
            }
        }
    })
}

/// The charts over all traces.
pub(super) fn over_traces(results: &[Results]) -> Result<Markup, ReportError> {
    let (mut figures, mut missing) = (Vec::new(), Vec::new());
    for (number, chart) in chart::ALL_TRACES.iter().enumerate() {
        let svg = (chart.draw)(results)?;
        match chart::message_of(&svg) {
            Some(message) => missing.push((chart.title, message.to_owned())),
            None => figures.push(figure(chart.file_name, &svg, &format!("c{number}-"))),
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
