//! The footprint over the run as a line of blocks per contender.

use unicode_width::UnicodeWidthStr;

use super::placing::Placing;
use super::wrap::{printable, wrap};
use crate::numbers;
use crate::results::{FootprintPoint, Role};

/// The heights of a block.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Maximum columns of blocks; more would add nothing to see.
const MOST: usize = 60;

/// Minimum columns that still show a shape.
const LEAST: usize = 8;

const HEADING: &str = "committed heap over the run, by events, all on one scale, and its peak";

/// The lines, at most `width` columns wide; empty if no row has a timeline or there is no room.
///
/// All lines have one scale, so that what looks larger is larger; each has its peak as a number.
/// A yardstick may be so large that nothing else could be seen beside it: it is left out, unless it is alone.
pub(super) fn lines(rows: &[Placing], width: usize) -> Vec<String> {
    let is_contender = |row: &&Placing| row.contender.role == Role::Contender;
    let none = !rows.iter().any(|row| is_contender(&row));
    let shown = rows.iter().filter(|row| none || is_contender(row));
    let timelines = shown.filter_map(|row| {
        let timeline = &row.memory()?.timeline;
        (!timeline.is_empty()).then(|| (printable(&row.contender.name), timeline))
    });
    let timelines: Vec<_> = timelines.collect();
    let Some((_, first)) = timelines.first() else { return Vec::new() };
    let live = ("(live)".to_owned(), *first, bytes_live as fn(&FootprintPoint) -> u64);
    let committed = timelines.iter().map(|(name, timeline)| (name.clone(), *timeline, bytes_committed as _));
    let series: Vec<_> = std::iter::once(live).chain(committed).collect();

    let most = |(_, timeline, bytes): &(String, &Vec<FootprintPoint>, fn(&FootprintPoint) -> u64)| {
        timeline.iter().map(bytes).max().unwrap_or(0)
    };
    let peaks: Vec<String> = series.iter().map(|one| numbers::bytes(most(one))).collect();
    let name_width = series.iter().map(|(name, ..)| name.width()).max().unwrap_or(0);
    let peak_width = peaks.iter().map(|peak| peak.width()).max().unwrap_or(0);
    let room = width.saturating_sub(name_width + peak_width + 4).min(MOST);
    if room < LEAST {
        return Vec::new();
    }
    let scale = series.iter().map(most).max().unwrap_or(0);
    let mut lines = wrap(HEADING, width, 2);
    lines.extend(series.iter().zip(&peaks).map(|(one, peak)| {
        let (name, timeline, bytes) = one;
        let pad = name_width - name.width();
        format!("{name}{}  {}  {peak:>peak_width$}", " ".repeat(pad), blocks(timeline, *bytes, scale, room))
    }));
    lines
}

fn bytes_live(point: &FootprintPoint) -> u64 {
    point.live_bytes
}

fn bytes_committed(point: &FootprintPoint) -> u64 {
    point.committed_bytes
}

/// The series in columns of equally many events, each with the largest value in it.
fn blocks(timeline: &[FootprintPoint], bytes: fn(&FootprintPoint) -> u64, most: u64, columns: usize) -> String {
    let last = timeline.last().map_or(1, |point| point.event.max(1));
    let column_of = |point: &FootprintPoint| {
        let column = (point.event.saturating_sub(1)) as u128 * columns as u128 / u128::from(last);
        (column as usize).min(columns - 1)
    };
    let mut heights: Vec<Option<u64>> = vec![None; columns];
    for point in timeline {
        let height = &mut heights[column_of(point)];
        *height = Some(height.unwrap_or(0).max(bytes(point)));
    }
    // A short trace has fewer points than columns: each column repeats the last known value.
    let mut before = heights.iter().find_map(|height| *height).unwrap_or(0);
    let block = |height: Option<u64>| {
        before = height.unwrap_or(before);
        let step = u128::from(before) * (BLOCKS.len() as u128 - 1) / u128::from(most.max(1));
        BLOCKS[(step as usize).min(BLOCKS.len() - 1)]
    };
    heights.into_iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::super::placing::placings;
    use super::*;
    use crate::results::Results;
    use crate::sample::{self, contender};

    fn points(committed: &[u64]) -> Vec<FootprintPoint> {
        let point = |(index, &committed_bytes): (usize, &u64)| FootprintPoint {
            event: index as u64 + 1,
            committed_bytes,
            live_bytes: committed_bytes / 2,
            ..Default::default()
        };
        committed.iter().enumerate().map(point).collect()
    }

    #[test]
    fn heights_are_shares_of_the_peak() {
        let all = points(&[0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(blocks(&all, bytes_committed, 7, 8), "▁▂▃▄▅▆▇█");
        assert_eq!(blocks(&all, bytes_committed, 7, 4), "▂▄▆█", "the most of two each");
        assert_eq!(blocks(&points(&[7]), bytes_committed, 7, 3), "███", "one point goes on");
        assert_eq!(blocks(&points(&[7, 0]), bytes_committed, 7, 6), "███▁▁▁");
        assert_eq!(blocks(&points(&[0, 0]), bytes_committed, 0, 2), "▁▁");
        let large = points(&[u64::MAX / 2, u64::MAX]);
        assert_eq!(blocks(&large, bytes_committed, u64::MAX, 2), "▄█");
    }

    #[test]
    fn a_leak_is_a_slope_next_to_a_plateau() {
        let contenders = vec![contender("dlmalloc").pages(20).build(), contender("wee_alloc").pages(889).build()];
        let results = Results { contenders, ..sample::empty() };
        let expected = "\
committed heap over the run, by events, all on one scale, and its peak
(live)     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁     1 MiB
dlmalloc   ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1.25 MiB
wee_alloc  ▁▁▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▄▄▄▄▄▄▄▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇▇███████████████  55.6 MiB";
        assert_eq!(lines(&placings(&results), 80).join("\n"), expected);
    }

    #[test]
    fn nothing_without_room_or_timelines() {
        let results = sample::results();
        let wide = placings(&results);
        assert!(lines(&wide, 30).is_empty());
        assert!(lines(&wide, 60).iter().all(|line| line.width() <= 60));
        let none = Results { contenders: vec![contender("a").without_memory("none").build()], ..sample::empty() };
        assert!(lines(&placings(&none), 100).is_empty());
    }
}
