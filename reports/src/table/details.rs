//! The third table of one trace: where the memory goes.

use super::cells::{Row, UNKNOWN};
use super::narrow::narrow;
use super::wrap::printable;
use crate::numbers::{exact_unit, grouped, short};
use crate::results::{Figure, Memory};

/// What explains the columns, below the table.
pub(super) const LEGEND: &str = "In detail: J–W #1 is the mean of committed / live over bytes requested, less 1. Span is what an arena would need. At peak live: rounding (granted beyond requested, of what is granted) and gaps (of the span). At peak heap: live bytes of \
    all pages, and pages pinned by less than 10 % live. Reallocs: served in place, and bytes copied for each byte requested. Resident at the end, \
    every byte written. METRICS.md defines them.";

/// The table of the rows that have memory figures, in at most so many columns; nothing where there is none.
pub(super) fn details(rows: &[Row], width: usize) -> Option<String> {
    let known: Vec<(&str, &Memory)> =
        rows.iter().filter_map(|row| Some((row.contender.name.as_str(), row.memory()?))).collect();
    if known.is_empty() {
        return None;
    }
    let (unit_bytes, unit) = exact_unit(known.iter().filter_map(|(_, memory)| resident_bytes(memory)));
    let header = [
        // Three lines high, so that the longest names fit into 80 columns.
        "in detail".to_owned(),
        "J–W #1\n%".into(),
        "span\nKiB".into(),
        "round-\ning\n%".into(),
        "gaps\n%".into(),
        "pages\nlive\n%".into(),
        "pages\npin-\nned".into(),
        "in\nplace\n%".into(),
        "copied\n×".into(),
        format!("resi-\ndent\n{unit}"),
    ];
    let lines = known.into_iter().map(|(name, memory)| {
        let (at_live, at_heap) = (&memory.fragmentation.at_peak_live, &memory.occupancy.at_peak_heap);
        vec![
            printable(name),
            cell(memory.johnstone_wilson.mean_of_ratios_by_bytes_percent, short),
            grouped(memory.peak_span_bytes.div_ceil(1024)),
            percent(at_live.internal_share),
            percent(at_live.gap_share),
            percent(at_heap.live_share),
            grouped(at_heap.pinned_pages),
            percent(memory.reallocs.in_place_share),
            cell(memory.reallocs.copied_per_requested_byte, short),
            cell(resident_bytes(memory), |bytes| grouped(bytes / unit_bytes)),
        ]
    });
    Some(narrow(header.into(), lines, width))
}

fn resident_bytes(memory: &Memory) -> Option<u64> {
    match memory.retention.end_resident_bytes {
        Figure::Known(bytes) => Some(bytes),
        Figure::Unknown { .. } => None,
    }
}

fn cell<T>(figure: Option<T>, text: impl Fn(T) -> String) -> String {
    figure.map_or(UNKNOWN.into(), text)
}

fn percent(share: Option<f64>) -> String {
    cell(share, |share| short(share * 100.0))
}
