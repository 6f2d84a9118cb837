//! The contents of each part of the heap at one instant: the heap by address, in a fixed number of parts.

use heaprace_reports::results::{Moment, Strip};

use super::gauge::HeapState;
use super::instant::PlacedObject;

/// Maximum parts of a strip; the heap at its peak has at least half as many.
const MOST_PARTS: u64 = 256;

/// Bytes per part, a power of two, for a heap with this peak.
pub(super) fn part_bytes(peak_heap_bytes: u64) -> u64 {
    peak_heap_bytes.div_ceil(MOST_PARTS).next_power_of_two()
}

/// The totals of one part.
#[derive(Clone)]
struct Part {
    live_bytes: u64,
    /// The sum of all live bytes' ages in events.
    age_sum: u128,
    /// Live bytes of objects up to 2^index bytes, and larger than half of that.
    class_bytes: [u64; 64],
}

impl Part {
    const EMPTY: Part = Part { live_bytes: 0, age_sum: 0, class_bytes: [0; 64] };

    /// The upper end of the size class with the most live bytes; the smallest if several are equal.
    fn most_size_up_to_bytes(&self) -> Option<u64> {
        let most = self.class_bytes.iter().copied().max().filter(|&bytes| bytes > 0)?;
        self.class_bytes.iter().position(|&bytes| bytes == most).map(|class| 1 << class)
    }
}

/// The strip of these live objects.
///
/// # Panics
///
/// If an object is outside the heap.
pub(super) fn strip(
    moment: Moment,
    state: &HeapState,
    part_bytes: u64,
    objects: impl Iterator<Item = PlacedObject>,
) -> Strip {
    let mut parts = vec![Part::EMPTY; state.committed_bytes.div_ceil(part_bytes) as usize];
    for object in objects {
        let (mut start, end) = (object.offset_bytes, object.offset_bytes + object.size_bytes);
        let class = object.size_bytes.next_power_of_two().ilog2() as usize;
        let age = u128::from(state.event - object.since_event);
        while start < end {
            let index = start / part_bytes;
            let here = end.min((index + 1) * part_bytes) - start;
            let part = &mut parts[index as usize];
            part.live_bytes += here;
            part.age_sum += u128::from(here) * age;
            part.class_bytes[class] += here;
            start += here;
        }
    }
    let age = |part: &Part| (part.live_bytes > 0).then(|| (part.age_sum / u128::from(part.live_bytes)) as u64);
    Strip {
        at: moment,
        event: state.event,
        committed_bytes: state.committed_bytes,
        part_bytes,
        live_permille: parts.iter().map(|part| (part.live_bytes * 1000).div_ceil(part_bytes) as u16).collect(),
        most_size_up_to_bytes: parts.iter().map(Part::most_size_up_to_bytes).collect(),
        mean_age_events: parts.iter().map(age).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(event: u64, committed_bytes: u64) -> HeapState {
        HeapState { event, committed_bytes, ..HeapState::default() }
    }

    fn object(offset_bytes: u64, size_bytes: u64, since_event: u64) -> PlacedObject {
        PlacedObject { offset_bytes, size_bytes, since_event }
    }

    #[test]
    fn a_heap_has_from_half_to_all_of_the_parts() {
        for peak in [1_u64, 255, 256, 257, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 1 << 32] {
            let parts = peak.div_ceil(part_bytes(peak));
            assert!(parts <= MOST_PARTS && (parts > MOST_PARTS / 2 || part_bytes(peak) == 1), "{peak}: {parts} parts");
        }
    }

    #[test]
    fn an_object_counts_in_each_part_by_its_bytes_there() {
        // From the middle of the first part to a quarter of the third.
        let objects = [object(500, 1750, 4), object(2250, 250, 10), object(3999, 1, 10)];
        let strip = strip(Moment::End, &state(10, 5000), 1000, objects.into_iter());
        assert_eq!((strip.at.name(), strip.event, strip.committed_bytes, strip.part_bytes), ("end", 10, 5000, 1000));
        assert_eq!(strip.live_permille, [500, 1000, 500, 1, 0]);
        // In the third part the two share the bytes, and the smaller class wins.
        assert_eq!(strip.most_size_up_to_bytes, [Some(2048), Some(2048), Some(256), Some(1), None]);
        assert_eq!(strip.mean_age_events, [Some(6), Some(6), Some(3), Some(0), None]);
    }

    #[test]
    fn the_class_is_that_of_most_bytes_and_not_of_most_objects() {
        let small = (0..10).map(|index| object(index * 16, 16, 1));
        let strip = strip(Moment::PeakLive, &state(1, 1024), 1024, small.chain([object(512, 200, 1)]));
        assert_eq!(strip.most_size_up_to_bytes, [Some(256)]);
        assert_eq!(strip.live_permille, [352], "rounded up, so that a few bytes are not 0");
    }

    #[test]
    fn what_is_not_committed_yet_has_no_parts() {
        let strip = strip(Moment::PeakLive, &state(1, 2048), 1024, std::iter::empty());
        assert_eq!((strip.live_permille.len(), strip.mean_age_events.len()), (2, 2));
    }
}
