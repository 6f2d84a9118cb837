//! The designs that are tried.

use heaprace_allocators::family::{Design, GrowthStep, MOST_BINS, SegregatedDesign, Spacing, SweepAfter, SweptDesign};

/// All designs of a search, the flagship first.
///
/// Of the swept bump: bins, windows and sweeps in all combinations. Of the segregated bump: the classes and the
/// decisions that change a peak or a time by more than a few percent on some trace of the library, in all combinations;
/// the others are those of the classic.
///
/// ```
/// use heaprace_allocators::family::Design;
///
/// let space = heaprace_engine::tune::space();
/// assert_eq!(space[0], Design::FLAGSHIP);
/// assert!(space.iter().all(|design| design.check().is_ok()));
/// ```
pub fn space() -> Vec<Design> {
    let mut all = vec![Design::FLAGSHIP];
    all.extend(swept().filter(|design| *design != Design::FLAGSHIP));
    all.extend(segregated());
    all
}

fn swept() -> impl Iterator<Item = Design> {
    const SWEEPS: [SweepAfter; 5] =
        [SweepAfter::Growth, SweepAfter::Part(8), SweepAfter::Part(4), SweepAfter::Part(2), SweepAfter::Part(1)];
    [8, 16, 24, 32, 48, 72, 96, MOST_BINS].into_iter().flat_map(|bins| {
        [512, 1024, 2048, 4096, 8192, 16_384]
            .into_iter()
            .filter(move |&window_bytes| window_bytes >= bins * 16)
            .flat_map(move |window_bytes| {
                SWEEPS.map(|sweeps| Design::Swept(SweptDesign { bins, window_bytes, sweeps }))
            })
    })
}

fn segregated() -> impl Iterator<Item = Design> {
    let powers = [4, 6, 8, 10, 12, 14].map(Spacing::PowersOfTwo);
    let steps = [8, 16, 24, 32, 40, 48].map(Spacing::FourSteps);
    let multiples = [8, 32, MOST_BINS].map(Spacing::Multiples);
    let spacings = powers.into_iter().chain(steps).chain(multiples);
    let switches = (0..1 << 4).map(|bits| [0, 1, 2, 3].map(|bit| bits >> bit & 1 == 1));
    spacings.flat_map(move |classes| {
        switches.clone().map(move |[keeps_large, splits, top_takes_frees, runs]| {
            let refill_blocks = if runs { 8 } else { 1 };
            let classic = SegregatedDesign::CLASSIC;
            let growth = GrowthStep::Needed;
            Design::Segregated(SegregatedDesign {
                classes,
                keeps_large,
                splits,
                top_takes_frees,
                refill_blocks,
                growth,
                ..classic
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_design_is_possible_and_there_once() {
        let space = space();
        let names: HashSet<String> = space.iter().map(Design::to_string).collect();
        assert_eq!(names.len(), space.len());
        assert!(space.contains(&Design::Segregated(SegregatedDesign::CLASSIC)));
        for design in space {
            assert_eq!(design.check(), Ok(()), "{design}");
        }
    }
}
