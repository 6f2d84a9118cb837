//! Results as charts: SVG text, drawn by plotters, readable without colour and with a description for screen readers.
//!
//! A chart is a file here and a line in [`ALL`], or in [`ALL_TRACES`] if it covers several traces.
//!
//! # Adding a chart
//!
//! 1. Write `chart/<name>.rs` with a public function that draws, and `data`, which returns the same figures as CSV
//!    (`data::table`).
//! 2. Call `contenders::sort_out` to separate contenders that have the figures from those that lack them, and name the
//!    latter with the reason (`contenders::not_shown`). With nothing to draw, return `canvas::message`.
//! 3. Choose a frame: `frame::Frame` has two axes, `rows::Rows` a row per name. `axis::Axis` has linear and logarithmic
//!    axes of bytes, events and any other unit. Text is never smaller than `canvas::TEXT`, which is 6 points if the
//!    chart is as wide as a column of a paper.
//! 4. Draw inside `canvas::draw` with plotters. Paint what belongs to a contender inside `Shown::paint` (or
//!    `Sheet::contender`), in its colour and dashes (`palette`) and with its name next to it (`labels`), so that a page
//!    can switch it off. `Sheet::tip` adds a tooltip.
//! 5. Test its structure with roxmltree, and look at it:
//!    `cargo run -p heaprace-reports --example gallery -- OUT results.json...` draws every chart for the cases that go
//!    wrong first.
//!
//! # What a page can rely on
//!
//! | in the SVG | what it is |
//! |---|---|
//! | `<rect class="sheet">` | the white background |
//! | `class="ink"`, `"soft"`, `"grid"` | texts and axes, secondary elements, and the grid; the colour is the element's `fill` or `stroke` |
//! | `<g class="contender" data-contender="NAME">` | everything that belongs to a contender; several groups may share a name |
//! | `data-tip="TEXT"` | a tooltip; the group's `<title>` repeats its text |
//! | `<g class="plot" data-x0 data-x1 data-y0 data-y1 data-from data-to data-scale>` | an empty group: the plot's edges in units of the view box, the values at the left and right edge, and whether the scale is linear, logarithmic or signed (linear near 0, logarithmic on both sides). With `data-axis="events"`, the values are events of the trace |

mod axis;
mod canvas;
mod classes;
mod contenders;
mod data;
mod design_space;
mod footprint;
mod footprints;
mod frame;
mod heap_map;
mod heap_strips;
mod heat;
mod histograms;
mod johnstone_wilson;
mod joint;
mod key;
mod labels;
mod latency;
mod marks;
mod medians;
mod module_size;
mod occupancy;
pub(crate) mod palette;
mod panels;
mod pareto;
mod pareto_means;
mod phases;
mod points;
mod ratios;
mod rows;
mod scatter;
mod split;
#[cfg(test)]
mod structure;
mod summary;
mod svg;
mod tuning;
mod validation;

use crate::ReportError;
use crate::results::Results;

pub(crate) use canvas::{message_of, platform};
pub use design_space::{design_space, design_space_data};
pub use footprint::footprint;
pub use footprints::footprints;
pub use heap_map::heap_map;
pub use heap_strips::heap_strips;
pub use histograms::{lifetimes, sizes};
pub use johnstone_wilson::johnstone_wilson;
pub use joint::joint;
pub use latency::latency;
pub use medians::medians;
pub use module_size::module_size;
pub use occupancy::occupancy;
pub use pareto::{pareto_fresh, pareto_steady};
pub use pareto_means::{pareto_means_fresh, pareto_means_steady};
pub use ratios::ratios;
pub use split::split;
pub use summary::{fresh_summary, heap_summary, steady_summary};
pub(crate) use svg::attribute;
pub use tuning::tuning;
pub use validation::{validation, validation_data};

/// A chart of the results of one trace.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// Name of its file next to the results.
    pub file_name: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// Draws it. If the results have nothing to draw, the SVG says so in words.
    pub draw: fn(&Results) -> Result<String, ReportError>,
    /// Its data as CSV: one header line, units in the column names. Only the header if there is nothing to draw.
    pub data: fn(&Results) -> String,
}

impl Chart {
    /// Name of the file with its data: `footprint.csv` for `footprint.svg`.
    pub fn data_file_name(&self) -> String {
        data_file_name(self.file_name)
    }
}

/// Every chart, in the order of a report.
#[rustfmt::skip]
pub const ALL: &[Chart] = &[
    Chart { file_name: "footprint.svg", title: "Committed heap over time", draw: footprint::footprint, data: footprint::data },
    Chart { file_name: "ratios.svg", title: "Time against the baseline", draw: ratios::ratios, data: ratios::data },
    Chart { file_name: "pareto-fresh.svg", title: "Memory against fresh time", draw: pareto::pareto_fresh, data: pareto::fresh_data },
    Chart { file_name: "pareto-steady.svg", title: "Memory against steady time", draw: pareto::pareto_steady, data: pareto::steady_data },
    Chart { file_name: "module-size.svg", title: "Size of a WebAssembly module against its pages", draw: module_size::module_size, data: module_size::data },
    Chart { file_name: "latency.svg", title: "Latency of single calls", draw: latency::latency, data: latency::data },
    Chart { file_name: "heap-map.svg", title: "Heap map", draw: heap_map::heap_map, data: heap_map::data },
    Chart { file_name: "heap-strips.svg", title: "The heap at three moments", draw: heap_strips::heap_strips, data: heap_strips::data },
    Chart { file_name: "split.svg", title: "The heap at its peak", draw: split::split, data: split::data },
    Chart { file_name: "occupancy.svg", title: "Page occupancy at the peak", draw: occupancy::occupancy, data: occupancy::data },
    Chart { file_name: "johnstone-wilson.svg", title: "Johnstone-Wilson measures", draw: johnstone_wilson::johnstone_wilson, data: johnstone_wilson::data },
    Chart { file_name: "sizes.svg", title: "Requested sizes", draw: histograms::sizes, data: histograms::sizes_data },
    Chart { file_name: "lifetimes.svg", title: "Lifetimes", draw: histograms::lifetimes, data: histograms::lifetimes_data },
    Chart { file_name: "size-lifetime.svg", title: "Size and lifetime of objects", draw: joint::joint, data: joint::data },
];

/// A chart of the results of several traces.
#[derive(Clone, Copy, Debug)]
pub struct SetChart {
    /// Name of its file next to the folders of the traces.
    pub file_name: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// Draws it. If the results have nothing to draw, the SVG says so in words.
    pub draw: fn(&[Results]) -> Result<String, ReportError>,
    /// Its data as CSV, as in [`Chart::data`].
    pub data: fn(&[Results]) -> String,
}

impl SetChart {
    /// Name of the file with its data.
    pub fn data_file_name(&self) -> String {
        data_file_name(self.file_name)
    }
}

/// Every chart over several traces, in the order of a report.
pub const ALL_TRACES: &[SetChart] = &[
    SetChart {
        file_name: "pareto-means-fresh.svg",
        title: "Memory against fresh time, geometric means",
        draw: pareto_means::pareto_means_fresh,
        data: pareto_means::fresh_data,
    },
    SetChart {
        file_name: "pareto-means-steady.svg",
        title: "Memory against steady time, geometric means",
        draw: pareto_means::pareto_means_steady,
        data: pareto_means::steady_data,
    },
    SetChart {
        file_name: "summary-fresh.svg",
        title: "Fresh time, geometric means",
        draw: summary::fresh_summary,
        data: summary::fresh_data,
    },
    SetChart {
        file_name: "summary-steady.svg",
        title: "Steady time, geometric means",
        draw: summary::steady_summary,
        data: summary::steady_data,
    },
    SetChart {
        file_name: "summary-heap.svg",
        title: "Peak heap, geometric means",
        draw: summary::heap_summary,
        data: summary::heap_data,
    },
    SetChart {
        file_name: "footprints.svg",
        title: "Committed heap over time on all traces",
        draw: footprints::footprints,
        data: footprints::data,
    },
    SetChart {
        file_name: "medians.svg",
        title: "Median size and lifetime of all traces",
        draw: medians::medians,
        data: medians::data,
    },
];

fn data_file_name(file_name: &str) -> String {
    format!("{}.csv", file_name.trim_end_matches(".svg"))
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;
    use crate::results::{Contender, Figure, Mark, Role};
    use crate::sample::{self, contender};

    /// The cases that go wrong first.
    fn cases() -> Vec<(&'static str, Results)> {
        let with = |contenders: Vec<Contender>| Results { contenders, ..sample::empty() };
        let like = |name: &str, index: u64| {
            contender(name)
                .pages(20 + 3 * index)
                .fresh_ns(90 + 7 * index)
                .steady_ns(80 + 5 * index * (index % 3))
                .build()
        };
        let names = [
            "null",
            "segregated-bump",
            "segregated-bump-mv",
            "dlmalloc",
            "talc",
            "wee_alloc",
            "rlsf",
            "linked_list_allocator",
            "buddy_system_allocator",
            "mimalloc",
            "jemalloc",
            "bump",
        ];
        let mut twelve: Vec<Contender> = (0..).zip(names).map(|(index, name)| like(name, index)).collect();
        twelve[0].role = Role::Floor;
        let mut failed = sample::results();
        failed.contenders[2] = contender("segregated-bump").invalid(17, "block 3 overlaps block 2").build();
        failed.contenders[3] =
            contender("segregated-bump-mv").without_memory("its time ran out").without_time("its time ran out").build();
        failed.contenders[6] = contender("wee_alloc").pages(92).failed_requests(12).build();
        let mut marked = sample::results();
        let mark = |index: u64| Mark { event: index * 5000, name: format!("request {index}") };
        marked.trace.marks = (0..40).map(mark).collect();
        marked.trace.mark_count = 40;
        let mut long = sample::results();
        long.trace.name = "a-name-that-is-much-longer-than-any-heading-has-room-for".into();
        long.contenders[4].name = "an-allocator-with-a-name-that-is-longer-still-than-this".into();
        long.bounds = Figure::unknown("not looked for");
        vec![
            ("all", sample::results()),
            ("none", sample::empty()),
            ("one", with(vec![like("talc", 1)])),
            ("the baseline alone", with(vec![like("dlmalloc", 1)])),
            ("twelve", with(twelve)),
            ("failed", failed),
            ("marked", marked),
            ("long names", long),
        ]
    }

    #[test]
    fn every_chart_is_readable_in_every_case() {
        let mut complaints = Vec::new();
        for (case, results) in cases() {
            for chart in ALL {
                let name = format!("{}, {case}", chart.file_name);
                let svg = (chart.draw)(&results).unwrap();
                assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{name}");
                let svg = Document::parse(&svg).unwrap();
                complaints
                    .extend(structure::unreadable(&svg).into_iter().map(|complaint| format!("{name}: {complaint}")));
                assert!(!structure::child(&svg, "desc").is_empty(), "{name}");
                structure::tips(&svg);
            }
        }
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    #[test]
    fn every_chart_has_its_data() {
        for (case, results) in cases() {
            for chart in ALL {
                let data = (chart.data)(&results);
                let mut reader = csv::Reader::from_reader(data.as_bytes());
                let header = reader.headers().unwrap().clone();
                assert_eq!(header.iter().next(), Some("trace"), "{}", chart.file_name);
                let rows = reader.records().map(Result::unwrap).count();
                let svg = (chart.draw)(&results).unwrap();
                assert_eq!(rows == 0, svg.contains("There is nothing to "), "{}, {case}", chart.file_name);
            }
        }
    }

    #[test]
    fn contradictory_figures_are_drawn_without_a_crash() {
        let results = sample::contradictory();
        for chart in ALL {
            Document::parse(&(chart.draw)(&results).unwrap()).unwrap();
            (chart.data)(&results);
        }
        for chart in ALL_TRACES {
            let all = [results.clone(), sample::results()];
            Document::parse(&(chart.draw)(&all).unwrap()).unwrap();
            (chart.data)(&all);
        }
    }

    #[test]
    fn any_name_gives_well_formed_xml() {
        let mut results = sample::results();
        results.trace.name = "<b>&\"'\u{7}\u{1b}[31m 堆".into();
        results.contenders[4].name = results.trace.name.clone();
        results.settings.baseline = results.trace.name.clone();
        for chart in ALL {
            Document::parse(&(chart.draw)(&results).unwrap()).unwrap();
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
