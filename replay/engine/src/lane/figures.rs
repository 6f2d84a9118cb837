//! The memory figures of an examination, from its gauges.

use heaprace_reports::numbers::{bytes, count};
use heaprace_reports::results::{Figure, Grouped, Growth, Memory, Reason, Retention, Split};

use crate::memory::metrics::{Figures, Taken};

/// The memory figures of a contender. Without `places`, those of its second replay are missing.
pub(super) fn memory(
    figures: Figures,
    retention: Retention,
    growth: Figure<Growth>,
    places: Option<(Vec<Split>, Taken)>,
    grow_calls: u64,
) -> Figure<Memory> {
    let (splits, strips, gaps) = match places {
        Some((splits, Taken { strips, gaps, .. })) => (splits, strips, Some(gaps)),
        None => (Vec::new(), Vec::new(), None),
    };
    let Figures { footprint, over_time, realloc, occupancy, fragmentation, timeline, grid } = figures;
    let ratios = footprint.overhead_ratio().zip(footprint.johnstone_wilson_4_percent());
    let Some((overhead_ratio, johnstone_wilson_4_percent)) = ratios else {
        return Figure::unknown(match footprint.first_failure {
            Some(first) => Reason::AllRequestsFailed {
                requests: count(footprint.failed_requests, "request"),
                event: Grouped(first.event),
                size: bytes(first.size_bytes),
                pages: count(first.heap_pages, "page"),
            },
            None => Reason::NothingLive,
        });
    };
    Figure::Known(Memory {
        peak_heap_pages: footprint.peak_heap_pages,
        peak_heap_bytes: footprint.peak_heap_bytes,
        peak_heap_event: footprint.peak_heap_event,
        overhead_ratio,
        johnstone_wilson_4_percent,
        peak_span_bytes: footprint.peak_span_bytes,
        johnstone_wilson: over_time.figures(),
        reallocs: realloc.figures(),
        occupancy: occupancy.figures(),
        fragmentation: fragmentation.figures(),
        gaps,
        retention,
        growth,
        splits,
        strips,
        grow_calls: Figure::Known(grow_calls),
        failed_requests: footprint.failed_requests,
        first_failure: footprint.first_failure,
        timeline: timeline.into_points(),
        grid: grid.figures(),
    })
}
