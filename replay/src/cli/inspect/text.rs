//! An inspection for a terminal: facts, then distributions as bars.

use heaprace_reports::numbers::{bytes, count, grouped, short};
use heaprace_reports::table::wrap;
use heaprace_traces::inspect::{Histogram, Inspection, Peak, WrittenShare};

use super::Document;

/// Columns of a fact's name.
const NAME_COLUMNS: usize = 18;

/// The text, in lines of at most `width` columns.
pub(super) fn render(document: &Document, width: usize) -> String {
    let found = &document.inspection;
    let origin = document.origin.unwrap_or("origin not stated");
    let mut lines = wrap(&format!("{} ({origin}): {}", document.name, count(found.events, "event")), width, 2);
    if let Some(library) = &document.library {
        lines.extend(wrap(library.description, width, 2));
    }
    lines.push(String::new());
    for (name, value) in facts(found) {
        lines.extend(fact(name, &value, width));
    }
    for distribution in distributions(found) {
        lines.push(String::new());
        lines.extend(distribution.render(width));
    }
    lines.push(String::new());
    lines.extend(whence(document, width));
    lines.join("\n") + "\n"
}

fn facts(found: &Inspection) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("allocs", format!("{}, {} of them zeroed", grouped(found.allocs), grouped(found.zeroed_allocs))),
        (
            "reallocs",
            format!(
                "{}: {} to a larger size, {} to a smaller one",
                grouped(found.reallocs),
                grouped(found.growing_reallocs),
                grouped(found.shrinking_reallocs)
            ),
        ),
        (
            "frees",
            format!("{}, {} last in, first out", grouped(found.deallocs), percent(found.lifo_deallocs, found.deallocs)),
        ),
    ];
    let threads = match (found.threads, found.cross_thread_deallocs) {
        (Some(threads), Some(crossing)) => {
            format!("{}; {} by another thread than the alloc", grouped(threads), count(crossing, "free"))
        }
        _ => "not recorded".to_owned(),
    };
    facts.push(("threads", threads));
    facts.push(("time", found.duration_ns.map_or_else(|| "not recorded".to_owned(), time)));
    facts.push((
        "allocated",
        format!("{}; turnover {} times the peak", exactly(found.allocated_bytes), short(found.turnover)),
    ));
    facts.push(("written", found.written.map_or_else(|| "not recorded".to_owned(), |share| written(&share))));
    facts.push(("peak live bytes", peak(&found.peak_bytes, &exactly(found.peak_bytes.value))));
    facts.push(("peak live objects", peak(&found.peak_objects, &grouped(found.peak_objects.value))));
    facts.push((
        "left live",
        format!("{} in {}", exactly(found.left_live_bytes), count(found.left_live_objects, "object")),
    ));
    facts
}

fn written(share: &WrittenShare) -> String {
    format!(
        "{} of the bytes asked for; known of {}",
        percent(share.written_bytes, share.known_bytes),
        percent(share.known_bytes, share.requested_bytes)
    )
}

fn fact(name: &str, value: &str, width: usize) -> Vec<String> {
    let lines = wrap(value, width.saturating_sub(NAME_COLUMNS).max(20), 0);
    let names = std::iter::once(name).chain(std::iter::repeat(""));
    names.zip(lines).map(|(name, line)| format!("{name:<NAME_COLUMNS$}{line}")).collect()
}

fn peak(peak: &Peak, value: &str) -> String {
    let at = peak.time_ns.map(|time_ns| format!(", at {}", time(time_ns))).unwrap_or_default();
    format!("{value} after event {}{at}", grouped(peak.event))
}

/// A number of bytes to the byte, and in a unit that one can grasp.
fn exactly(number: u64) -> String {
    if number < 1024 { bytes(number) } else { format!("{} ({} B)", bytes(number), grouped(number)) }
}

/// A time in the largest unit that it reaches.
fn time(time_ns: u64) -> String {
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs")];
    match units.into_iter().find(|&(unit, _)| time_ns >= unit) {
        Some((unit, name)) => format!("{} {name}", short(time_ns as f64 / unit as f64)),
        None => format!("{time_ns} ns"),
    }
}

/// A share in per cent; a dash where there is nothing to have a share of.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// How often what came.
struct Distribution {
    title: String,
    rows: Vec<(String, u64)>,
    total: u64,
}

fn distributions(found: &Inspection) -> Vec<Distribution> {
    let requests = found.sizes.total();
    let uncounted = match found.uncounted_requests {
        0 => String::new(),
        others => format!("; {} of sizes beyond these are not counted", count(others, "request")),
    };
    let mut all = vec![
        Distribution::by_powers(
            format!("Size asked for, of {}, from", count(requests, "request")),
            &found.sizes,
            bytes,
        ),
        Distribution {
            title: format!("Sizes asked for most, of {} different ones{uncounted}", grouped(found.distinct_sizes)),
            rows: found.top_sizes.iter().map(|top| (grouped(top.size_bytes) + " B", top.requests)).collect(),
            total: requests,
        },
        Distribution::by_powers(format!("Alignment, of {}", count(found.allocs, "alloc")), &found.alignments, bytes),
    ];
    let ended = count(found.deallocs, "object");
    all.push(Distribution::by_powers(
        format!("Lifetime in events, of {ended} that were freed, from"),
        &found.lifetimes_events,
        grouped,
    ));
    all.push(Distribution::by_powers(
        format!("Lifetime in bytes allocated meanwhile, of {ended} that were freed, from"),
        &found.lifetimes_bytes,
        bytes,
    ));
    all.retain(|distribution| !distribution.rows.is_empty());
    all
}

impl Distribution {
    /// One row a power of two, from the first that came to the last.
    fn by_powers(title: String, histogram: &Histogram, label: fn(u64) -> String) -> Self {
        let mut rows: Vec<(String, u64)> = Vec::new();
        let mut expected = None;
        for bucket in histogram.buckets() {
            let mut from = expected.unwrap_or(bucket.from);
            while from < bucket.from {
                rows.push((label(from), 0));
                from *= 2;
            }
            rows.push((label(bucket.from), bucket.count));
            expected = Some(if bucket.from == 0 { 1 } else { bucket.from.saturating_mul(2) });
        }
        Distribution { title, rows, total: histogram.total() }
    }

    fn render(&self, width: usize) -> Vec<String> {
        let label_columns = self.rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0).max(8);
        let count_columns = self.rows.iter().map(|(_, count)| grouped(*count).len()).max().unwrap_or(0);
        let most = self.rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let mut lines = wrap(&self.title, width, 2);
        for (label, count) in &self.rows {
            let shares = percent(*count, self.total);
            let numbers = format!("  {label:>label_columns$}  {:>count_columns$}  {shares:>7}  ", grouped(*count));
            let room = width.saturating_sub(numbers.chars().count());
            lines.push((numbers + &bar(*count, most, room)).trim_end().to_owned());
        }
        lines
    }
}

/// A bar that is as long beside `room` as `count` is beside `most`, to an eighth of a column. What came at all is seen.
fn bar(count: u64, most: u64, room: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if count == 0 || room == 0 {
        return String::new();
    }
    let eighths = (u128::from(count) * room as u128 * 8).div_ceil(u128::from(most)) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// Where the trace is from.
fn whence(document: &Document, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(library) = &document.library {
        lines.extend(wrap(library.story, width, 0));
        lines.push(String::new());
        for (name, value) in [("program", library.program), ("input", library.input), ("licence", library.licence)] {
            lines.extend(fact(name, value, width));
        }
        lines.push(String::new());
    }
    match &document.provenance[..] {
        [] => lines.push("The trace does not say where it is from.".to_owned()),
        said => {
            lines.push("The trace says:".to_owned());
            lines.extend(said.iter().flat_map(|line| wrap(line, width - 2, 2)).map(|line| format!("  {line}")));
        }
    }
    if let Some(repairs) = &document.repairs {
        lines.push("Importing it:".to_owned());
        lines.extend(repairs.iter().flat_map(|line| wrap(line, width - 2, 2)).map(|line| format!("  {line}")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_in_proportion_and_never_wider_than_its_room() {
        assert_eq!(bar(0, 10, 10), "");
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 4), "██");
        assert_eq!(bar(1, u64::MAX, 4), "▏");
        assert_eq!(bar(3, 4, 0), "");
    }

    #[test]
    fn a_time_has_the_unit_that_fits() {
        for (time_ns, text) in
            [(0, "0 ns"), (999, "999 ns"), (1500, "1.50 µs"), (20_000_000, "20.0 ms"), (90_000_000_000, "90.0 s")]
        {
            assert_eq!(time(time_ns), text);
        }
    }

    #[test]
    fn powers_that_did_not_come_have_empty_rows_between_those_that_did() {
        let mut histogram = Histogram::default();
        [0, 4, 4].into_iter().for_each(|value| histogram.add(value));
        let found = Distribution::by_powers(String::new(), &histogram, grouped);
        let rows: Vec<_> = found.rows.iter().map(|(label, count)| (label.as_str(), *count)).collect();
        assert_eq!(rows, [("0", 1), ("1", 0), ("2", 0), ("4", 2)]);
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let source = heaprace_traces::Source::locate("serde-heavy").unwrap();
        let document = super::super::inspect(&source).unwrap();
        for width in [60, 80, 100, 200] {
            let text = render(&document, width);
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width, "{widest} in {width}");
        }
    }
}
