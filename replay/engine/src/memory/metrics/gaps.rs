//! The gaps between live blocks at one instant.

use heaprace_reports::results::GapsAt;

use super::gauge::{HeapState, ratio};
use super::instant::PlacedObject;

/// The gaps between these live objects, which are in address order, on a heap that may grow to `limit_bytes`.
///
/// Blind spot: what the contender does with a gap is invisible from outside. Its headers, rounding and alignment count
/// as free.
pub(super) fn gaps(state: &HeapState, limit_bytes: u64, objects: &[PlacedObject]) -> GapsAt {
    let HeapState { event, committed_bytes, live_bytes, .. } = *state;
    // Blocks that nobody has verified may overlap.
    let (mut end, mut largest) = (0, 0_u64);
    for object in objects {
        largest = largest.max(object.offset_bytes.saturating_sub(end));
        end = end.max(object.offset_bytes + object.size_bytes);
    }
    let last = committed_bytes.saturating_sub(end);
    let largest_gap_bytes = largest.max(last);
    let free_bytes = committed_bytes.saturating_sub(live_bytes).max(largest_gap_bytes);
    GapsAt {
        event,
        free_bytes,
        largest_gap_bytes,
        largest_request_bytes: largest.max(last + limit_bytes.saturating_sub(committed_bytes)),
        external_share: ratio(free_bytes - largest_gap_bytes, free_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(committed_bytes: u64, limit_bytes: u64, blocks: &[(u64, u64)]) -> GapsAt {
        let live_bytes = blocks.iter().map(|(_, size)| size).sum();
        let state = HeapState { event: 7, committed_bytes, live_bytes, ..HeapState::default() };
        let object = |&(offset_bytes, size_bytes)| PlacedObject { offset_bytes, size_bytes, since_event: 1 };
        gaps(&state, limit_bytes, &blocks.iter().map(object).collect::<Vec<_>>())
    }

    #[test]
    fn a_gap_is_before_the_first_block_between_two_or_after_the_last() {
        for (blocks, largest, share) in [
            (&[(300, 700)][..], 300, Some(0.0)),
            (&[(0, 100), (500, 500)], 400, Some(0.0)),
            (&[(0, 100), (100, 200)], 700, Some(0.0)),
            (&[(100, 100), (400, 100), (600, 100)], 300, Some(1.0 - 300.0 / 700.0)),
            (&[(0, 1000)], 0, None),
            (&[], 1000, Some(0.0)),
        ] {
            let found = at(1000, 1000, blocks);
            assert_eq!((found.event, found.largest_gap_bytes), (7, largest), "{blocks:?}");
            assert_eq!(found.largest_request_bytes, largest, "{blocks:?}");
            let close = match (found.external_share, share) {
                (Some(found), Some(share)) => (found - share).abs() < 1e-12,
                (found, share) => found == share,
            };
            assert!(close, "{blocks:?}: {found:?}");
        }
    }

    #[test]
    fn a_heap_that_may_grow_serves_more_after_its_last_block() {
        assert_eq!(at(1000, 5000, &[(0, 900)]).largest_request_bytes, 4100);
        assert_eq!(at(1000, 1050, &[(500, 500)]).largest_request_bytes, 500);
    }
}
