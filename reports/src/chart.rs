//! Results as charts: SVG text, drawn by plotters, readable without colour and with a description for screen readers.
//!
//! A chart is one file here and one line in [`ALL`].

mod axis;
mod canvas;
mod contenders;
mod footprint;
mod frame;
mod labels;
mod palette;

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
}

/// Every chart, in the order of a report.
pub const ALL: &[Chart] =
    &[Chart { file_name: "footprint.svg", title: "Committed heap over time", draw: footprint::footprint }];

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
            }
        }
    }

    #[test]
    fn file_names_are_unique() {
        for (index, chart) in ALL.iter().enumerate() {
            assert!(chart.file_name.ends_with(".svg"));
            assert!(ALL[..index].iter().all(|other| other.file_name != chart.file_name), "{}", chart.file_name);
        }
    }
}
