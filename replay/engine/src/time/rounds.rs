//! The number of timing rounds, and their settings.

use heaprace_allocators::PageSize;
use heaprace_reports::results::Rigor;

use crate::contender::TouchPolicy;

/// How contenders are timed.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// Number of rounds.
    pub count: u32,
    /// Seed of the shuffle.
    pub seed: u64,
    /// What the replay writes into new memory.
    pub touch: TouchPolicy,
    /// Size of a heap's pages.
    pub page: PageSize,
    /// Maximum pages of a heap.
    pub limit_pages: usize,
}

/// The default of `--rounds`.
pub fn default_count(rigor: Rigor) -> u32 {
    match rigor {
        // The fewest that give a 95 % interval: for a first look.
        Rigor::Quick => heaprace_reports::stats::ROUNDS_FOR_95 as u32,
        Rigor::Default => 15,
        // Twice as many, because an environment of random size makes times differ more.
        Rigor::Rigorous => 30,
    }
}

/// Minimum rounds for a rigorous comparison.
pub const FEWEST_RIGOROUS: u32 = 20;
