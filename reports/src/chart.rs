//! Results as charts: SVG text, drawn by plotters, readable without colour and with a description for screen readers.
//!
//! A chart is one file here and one line in [`ALL`].
//!
//! # To add one
//!
//! 1. Write `chart/<name>.rs` with a public function that draws, and `data`, which gives the same figures as CSV (`data::table`).
//! 2. Sort the contenders with `contenders::sort_out` into those with the figures that you need and those without, and say who is left out and
//!    why (`contenders::not_shown`). With nothing to draw, return `canvas::message`.
//! 3. Take a frame: `frame::Frame` has two axes, `rows::Rows` a row for each name. `axis::Axis` has linear and logarithmic ones of bytes, events
//!    and any other unit. Text is never smaller than `canvas::TEXT`, which is 6 points where the chart is one column of paper wide.
//! 4. Draw inside `canvas::draw` with plotters. What belongs to a contender is painted inside `Shown::paint` (or `Sheet::contender`), so that a
//!    page can switch it off, in its colour and dashes (`palette`), with its name beside it (`labels`); `Sheet::tip` gives a mark a tooltip.
//! 5. Test its structure with roxmltree, and look at it: `cargo run -p reports --example gallery -- OUT results.json...` draws every chart for
//!    the cases that go wrong first.
//!
//! # What a page can rely on
//!
//! | in the SVG | what it is |
//! |---|---|
//! | `<rect class="sheet">` | the white background |
//! | `class="ink"`, `"soft"`, `"grid"` | texts and axes, what stands back, and the grid, whose colour is the element's `fill` or `stroke` |
//! | `<g class="contender" data-contender="NAME">` | all that belongs to a contender; several groups may have one name |
//! | `data-tip="TEXT"` | a tooltip, and its text once more in the group's `<title>` |
//! | `<g class="plot" data-x0 data-x1 data-y0 data-y1 data-from data-to data-scale>` | an empty group: the plot's edges in units of the view box, the values at the left and the right one, and whether pixels go with them or their logarithm. With `data-axis="events"`, they are events of the trace |

#[allow(dead_code, reason = "the charts that use all of it are not here yet")]
mod axis;
#[allow(dead_code, reason = "the charts that use all of it are not here yet")]
mod canvas;
#[allow(dead_code, reason = "the charts that use all of it are not here yet")]
mod contenders;
#[allow(dead_code, reason = "the charts that use all of it are not here yet")]
mod data;
mod footprint;
mod frame;
mod labels;
#[allow(dead_code, reason = "the charts that use all of it are not here yet")]
mod marks;
mod palette;
mod phases;
#[allow(dead_code, reason = "the charts that use all of it are not here yet")]
mod rows;
mod svg;

use crate::ReportError;
use crate::results::Results;

pub use footprint::footprint;

/// A chart that can be drawn from the results of one trace.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// Name of the file that it is kept in, beside the results.
    pub file_name: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// Draws it. Where the results have nothing to draw, the SVG says so in words.
    pub draw: fn(&Results) -> Result<String, ReportError>,
    /// Its data as CSV: one header line, units in the columns' names. Where there is nothing to draw, the header is all.
    pub data: fn(&Results) -> String,
}

impl Chart {
    /// Name of the file that its data is kept in: `footprint.csv` of `footprint.svg`.
    pub fn data_file_name(&self) -> String {
        format!("{}.csv", self.file_name.trim_end_matches(".svg"))
    }
}

/// Every chart, in the order of a report.
pub const ALL: &[Chart] = &[Chart {
    file_name: "footprint.svg",
    title: "Committed heap over time",
    draw: footprint::footprint,
    data: footprint::data,
}];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_chart_draws_full_and_empty_results() {
        for chart in ALL {
            for results in [sample::results(), sample::empty()] {
                let svg = (chart.draw)(&results).unwrap();
                assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{}", chart.file_name);
                roxmltree::Document::parse(&svg).unwrap();
                let data = (chart.data)(&results);
                let mut reader = csv::Reader::from_reader(data.as_bytes());
                let rows = reader.records().map(Result::unwrap).count();
                assert_eq!(rows == 0, results.contenders.is_empty(), "{}", chart.file_name);
            }
        }
    }

    #[test]
    fn file_names_are_unique() {
        for (index, chart) in ALL.iter().enumerate() {
            assert!(chart.file_name.ends_with(".svg") && chart.data_file_name().ends_with(".csv"));
            assert!(ALL[..index].iter().all(|other| other.file_name != chart.file_name), "{}", chart.file_name);
        }
    }
}
