//! The distributions of a trace's sizes and lifetimes, as stored in results.

use std::sync::atomic::{AtomicBool, Ordering};

use heaprace_reports::results::{Class, Distributions, Figure, JointClass, Reason};
use heaprace_traces::inspect::{Histogram, Inspector};
use heaprace_traces::{Source, TraceError};

/// Events read between two checks for an interrupt.
const EVENTS_PER_CHECK: usize = 1 << 16;

/// Reads the trace once more, event by event. Memory grows with the number of live objects, not with the number of
/// events. If `interrupt` is set meanwhile, the distributions are unknown: those of a part could be mistaken for the
/// whole.
///
/// # Errors
///
/// If the trace cannot be read or is faulty.
pub fn of(source: &Source, interrupt: &AtomicBool) -> Result<Figure<Distributions>, TraceError> {
    let mut inspector = Inspector::default();
    for (index, event) in source.open()?.enumerate() {
        if index.is_multiple_of(EVENTS_PER_CHECK) && interrupt.load(Ordering::Relaxed) {
            return Ok(Figure::unknown(Reason::Interrupted));
        }
        inspector.add(&event?);
    }
    let found = inspector.finish();
    let joint = found.sizes_by_lifetime_bytes.cells().map(|cell| JointClass {
        size_from_bytes: cell.size_from,
        lifetime_from_bytes: cell.lifetime_from,
        count: cell.count,
    });
    Ok(Figure::Known(Distributions {
        request_sizes: classes(&found.sizes),
        lifetimes: classes(&found.lifetimes_bytes),
        sizes_by_lifetime: joint.collect(),
        never_freed_sizes: classes(&found.left_live_sizes),
    }))
}

fn classes(histogram: &Histogram) -> Vec<Class> {
    histogram.buckets().map(|bucket| Class { from_bytes: bucket.from, count: bucket.count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes add up to the trace's counts.
    #[test]
    fn all_objects_and_requests_are_in_a_class() {
        let source = Source::locate("markdown-html").unwrap();
        let found = of(&source, &AtomicBool::new(false)).unwrap();
        let found = found.known().unwrap();
        let totals = &source.library_entry().unwrap().about.totals;
        let sum = |classes: &[Class]| classes.iter().map(|class| class.count).sum::<u64>();
        assert_eq!(sum(&found.request_sizes) + sum(&found.lifetimes), totals.events);
        assert_eq!(found.sizes_by_lifetime.iter().map(|class| class.count).sum::<u64>(), sum(&found.lifetimes));
        let never_freed = sum(&found.never_freed_sizes);
        assert!(never_freed > 0 && sum(&found.lifetimes) > 0, "{found:?}");
    }

    #[test]
    fn an_interrupt_leaves_no_partial_distributions() {
        let source = Source::locate("markdown-html").unwrap();
        assert_eq!(of(&source, &AtomicBool::new(true)).unwrap(), Figure::unknown(Reason::Interrupted));
    }
}
