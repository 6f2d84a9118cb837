//! The footprint over time as data, for the figures beside the time cursor: compact, as each trace has one.

use serde::Serialize;

use crate::results::{FootprintPoint, Results, Verification};

/// The most points in time: more would not show in a chart.
const POINTS: usize = 500;

/// Bytes in the unit of all figures.
const UNIT: u64 = 1024;

/// What the page's script reads.
#[derive(Serialize)]
struct Timeline<'a> {
    /// Bytes in a unit of `live` and `committed`.
    unit: u64,
    /// Steps between points in events, each with how often it follows itself.
    steps: Vec<(u64, u64)>,
    /// The peak of live units in each step.
    live: Vec<u64>,
    /// For each contender its name, and each step at which its number of units changes: index, units, index, units, …
    committed: Vec<(&'a str, Vec<u64>)>,
}

/// Its JSON, which cannot end the `<script>` that it is in, and its number of points in time; nothing where no
/// contender has a footprint over time.
pub(super) fn json(results: &Results) -> Option<(String, usize)> {
    let drawn =
        results.contenders.iter().filter(|contender| !matches!(contender.verification, Verification::Failed { .. }));
    let known: Vec<_> = drawn.filter_map(|contender| Some((contender, contender.memory.known()?))).collect();
    // A contender with failed requests had less live.
    let complete = known.iter().find(|(_, memory)| memory.failed_requests == 0).or(known.first())?;
    let reference = thinned(&complete.1.timeline);
    if reference.is_empty() {
        return None;
    }
    let mut steps: Vec<(u64, u64)> = Vec::new();
    let mut before = 0;
    for point in &reference {
        // A file may have them out of order.
        let event = point.event.max(before);
        match steps.last_mut() {
            Some((step, count)) if *step == event - before => *count += 1,
            _ => steps.push((event - before, 1)),
        }
        before = event;
    }
    let changes = |timeline: &[FootprintPoint]| {
        let mut changes: Vec<u64> = Vec::new();
        for (index, point) in thinned(timeline).iter().enumerate() {
            let units = point.committed_bytes.div_ceil(UNIT);
            if changes.last() != Some(&units) || index == 0 {
                changes.extend([index as u64, units]);
            }
        }
        changes
    };
    let timeline = Timeline {
        unit: UNIT,
        steps,
        live: reference.iter().map(|point| point.live_bytes.div_ceil(UNIT)).collect(),
        committed: known
            .iter()
            .map(|(contender, memory)| (contender.name.as_str(), changes(&memory.timeline)))
            .collect(),
    };
    let json = serde_json::to_string(&timeline).expect("plain data serialises");
    // Only `</script` and `<!--` could end or change the script.
    Some((json.replace('<', "\\u003c"), reference.len()))
}

/// At most [`POINTS`] points: each stands for neighbours and has their largest figures, so that no peak is lost.
fn thinned(points: &[FootprintPoint]) -> Vec<FootprintPoint> {
    let together = points.len().div_ceil(POINTS).max(1);
    let most = |chunk: &[FootprintPoint]| FootprintPoint {
        event: chunk.last().map_or(0, |point| point.event),
        live_bytes: chunk.iter().map(|point| point.live_bytes).max().unwrap_or(0),
        committed_bytes: chunk.iter().map(|point| point.committed_bytes).max().unwrap_or(0),
        ..FootprintPoint::default()
    };
    points.chunks(together).map(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn keeps_the_peaks_and_the_last_event() {
        let results = sample::results();
        let memory = results.contenders[4].memory.known().unwrap();
        let points = thinned(&memory.timeline);
        assert!(points.len() <= POINTS);
        let most =
            |points: &[FootprintPoint]| points.iter().map(|point| (point.live_bytes, point.committed_bytes)).max();
        assert_eq!(most(&points), most(&memory.timeline));
        assert_eq!(points.last().unwrap().event, memory.timeline.last().unwrap().event);
        assert!(thinned(&[]).is_empty());
    }

    #[test]
    fn is_compact_and_has_every_contender_that_is_drawn() {
        let mut results = sample::results();
        results.contenders.push(sample::contender("broken").invalid(1, "outside").build());
        let json: serde_json::Value = serde_json::from_str(&json(&results).unwrap().0).unwrap();
        assert_eq!(json["steps"], serde_json::json!([[400, 500]]));
        assert_eq!(json["live"].as_array().unwrap().len(), 500);
        let names: Vec<_> = json["committed"].as_array().unwrap().iter().map(|one| one[0].as_str().unwrap()).collect();
        assert_eq!(names, ["bump", "segregated-bump", "segregated-bump-mv", "dlmalloc", "talc", "wee_alloc"]);
        let dlmalloc = json["committed"][3][1].as_array().unwrap();
        assert_eq!(dlmalloc.last().unwrap(), 20 * 64, "20 pages in KiB");
        assert!(dlmalloc.len() <= 2 * 20, "only where it changes");
    }

    #[test]
    fn a_name_cannot_end_the_script() {
        let mut results = sample::results();
        results.contenders[1].name = "</script><!--".into();
        let (json, _) = json(&results).unwrap();
        assert!(json.contains(r#"["\u003c/script>\u003c!--","#) && !json.contains('<'), "{json}");
    }

    #[test]
    fn nothing_over_time_is_nothing() {
        assert!(json(&sample::empty()).is_none());
    }
}
