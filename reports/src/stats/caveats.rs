//! Caveats for correct figures that are easily over-interpreted.

use crate::numbers::grouped;

/// The least number of verdicts to mention: at least half a verdict is expected to be wrong.
const VERDICTS_TO_MENTION: usize = 10;

/// One verdict in this many is wrong by chance: a 95 % interval misses in 5 % of cases.
const VERDICTS_PER_MISS: usize = 20;

/// How many of these verdicts are expected to be wrong by chance, in a sentence. `None` below ten verdicts, of which
/// less than half a verdict is expected to be wrong.
///
/// Each verdict comes from a 95 % interval. If two allocators do not differ, 5 % of verdicts say that they do. If they
/// differ, a verdict for the wrong side is rarer, so the number is an upper bound.
///
/// ```
/// use heaprace_reports::stats::expected_by_chance;
///
/// let sentence = "Of these 40 verdicts, about 2 are expected to be wrong by chance alone (5 % each).";
/// assert_eq!(expected_by_chance(40).as_deref(), Some(sentence));
/// assert_eq!(expected_by_chance(9), None);
/// ```
pub fn expected_by_chance(verdicts: usize) -> Option<String> {
    // Rounded: half a verdict counts as one.
    let wrong = (verdicts.saturating_add(VERDICTS_PER_MISS / 2)) / VERDICTS_PER_MISS;
    let are = if wrong == 1 { "is" } else { "are" };
    let (all, wrong) = (grouped(verdicts as u64), grouped(wrong as u64));
    (verdicts >= VERDICTS_TO_MENTION).then(|| {
        format!("Of these {all} verdicts, about {wrong} {are} expected to be wrong by chance alone (5 % each).")
    })
}

/// From this many traces on, the interval of a mean needs no caveat.
const TRACES_TO_TRUST: usize = 10;

/// How often the interval of a mean over 2, 3, …, 9 traces misses, in per cent, as simulated (20,000 means each,
/// accurate to about 1): if the logarithms of the ratios are skewed (log-normal), and if one program in seven is of a
/// quite different kind. A test of `mean` simulates both.
pub(super) const MISSES: [(u32, u32); TRACES_TO_TRUST - 2] =
    [(11, 11), (11, 10), (12, 19), (11, 23), (11, 26), (10, 26), (9, 24), (10, 23)];

/// How far the interval of a mean over this many traces can be trusted, in a sentence. `None` from ten traces on, and
/// below two, which have no mean.
///
/// ```
/// use heaprace_reports::stats::trust_in_mean;
///
/// assert!(trust_in_mean(6).is_some_and(|sentence| sentence.starts_with("Over 6 traces ")));
/// assert_eq!(trust_in_mean(10), None);
/// ```
pub fn trust_in_mean(traces: usize) -> Option<String> {
    let (skewed, mixed) = MISSES.get(traces.checked_sub(2)?)?;
    Some(format!(
        "Over {traces} traces the 95 % interval of a mean is a rough guide: in simulations it misses {skewed} % of means if ratios are \
         skewed, and {mixed} % if one program in seven is unlike the others."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_mentioned_if_half_a_verdict_is_expected_to_be_wrong() {
        let about = |verdicts| {
            let sentence = expected_by_chance(verdicts)?;
            let number = sentence.split_once("about ")?.1.split_once(" expected")?.0.to_owned();
            Some(number)
        };
        for (verdicts, expected) in
            [(10, "1 is"), (29, "1 is"), (30, "2 are"), (40, "2 are"), (280, "14 are"), (40_000, "2,000 are")]
        {
            assert_eq!(about(verdicts).as_deref(), Some(expected), "{verdicts}");
        }
        assert_eq!([0, 1, 9].map(expected_by_chance), [None, None, None]);
        assert!(expected_by_chance(usize::MAX).is_some());
    }

    #[test]
    fn few_traces_come_with_a_caveat() {
        assert_eq!([0, 1, 10, 11, usize::MAX].map(trust_in_mean), [const { None }; 5]);
        for traces in 2..10 {
            let sentence = trust_in_mean(traces).unwrap();
            assert!(sentence.starts_with(&format!("Over {traces} traces ")) && sentence.ends_with('.'), "{sentence}");
        }
        assert!(trust_in_mean(6).unwrap().contains("11 % of means") && trust_in_mean(6).unwrap().contains("and 26 %"));
    }
}
