//! The charts of the page: every chart of a trace with what moves its time cursor, and every chart over several traces.

use super::escape::json_for_script;
use super::{svg, timeline};
use crate::ReportError;
use crate::chart;
use crate::reasons::by_reason;
use crate::results::Results;

/// The charts of one trace, the `index`th of the page.
pub(super) fn of_trace(results: &Results, index: usize) -> Result<String, ReportError> {
    let mut html = String::new();
    if let Some((json, points)) = timeline::json(results) {
        html += &format!(
            "<div class=\"cursor-control\"><label>Time <input type=\"range\" min=\"0\" max=\"{}\" value=\"0\" step=\"1\"></label> \
             <output>Move it, or point at a chart over time, to read all of them at one event.</output></div>\n\
             <script type=\"application/json\" class=\"timeline\">{}</script>\n",
            points - 1,
            json_for_script(&json)
        );
    }
    html += "<div class=\"charts\">\n";
    for (number, chart) in chart::ALL.iter().enumerate() {
        let svg = (chart.draw)(results)?;
        // What has nothing to show, as nobody asked for it or nobody came so far, would take the place of what has: tables give the reasons.
        if chart::message_of(&svg).is_none() {
            html += &figure(chart.file_name, &svg, &format!("t{index}c{number}-"));
        }
    }
    Ok(html + "</div>\n")
}

/// The charts over all traces.
pub(super) fn over_traces(results: &[Results]) -> Result<String, ReportError> {
    let mut html = "<div class=\"charts\">\n".to_owned();
    let mut missing = Vec::new();
    for (number, chart) in chart::ALL_TRACES.iter().enumerate() {
        let svg = (chart.draw)(results)?;
        match chart::message_of(&svg) {
            Some(message) => missing.push((chart.title, message.to_owned())),
            None => html += &figure(chart.file_name, &svg, &format!("c{number}-")),
        }
    }
    html += "</div>\n";
    for (titles, message) in by_reason(missing) {
        html += &format!("<p class=\"note\">{titles}: {message}</p>\n");
    }
    Ok(html)
}

fn figure(file_name: &str, svg: &str, prefix: &str) -> String {
    let name = file_name.trim_end_matches(".svg");
    format!("<figure class=\"chart\" data-chart=\"{name}\">{}</figure>\n", svg::inline(svg, prefix))
}
