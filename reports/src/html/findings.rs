//! What the page says about one trace, before it is put into words: the fastest contenders.

use crate::results::{Contender, Results};
use crate::stats::{Fastest, ROUNDS_FOR_95, Regime, eligible, fastest};

/// The results of one trace with what takes time to find in them: each fastest contender takes all pairs of contenders,
/// and is found once.
pub(super) struct Findings<'a> {
    pub(super) results: &'a Results,
    pub(super) fresh: Fastest<'a>,
    pub(super) steady: Fastest<'a>,
}

impl<'a> Findings<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        Findings { results, fresh: fastest(results, Regime::Fresh), steady: fastest(results, Regime::Steady) }
    }

    /// The number of verdicts that say which contender is fastest: one on each contender but the fastest, for both
    /// programs.
    pub(super) fn verdicts(&self) -> usize {
        let rounds = |one: &Contender, of: Regime| one.time.known().map_or(0, |time| of.samples(time).len());
        let of = |regime| {
            let timed = eligible(self.results).into_iter().filter(|one| rounds(one, regime) >= ROUNDS_FOR_95).count();
            timed.saturating_sub(1)
        };
        Regime::ALL.map(of).iter().sum()
    }
}
