//! How many timing rounds there are, and of what.

use heaprace_allocators::PageSize;
use heaprace_reports::results::Rigor;

use crate::contender::TouchPolicy;

/// How contenders are timed.
#[derive(Clone, Copy, Debug)]
pub struct Rounds {
    /// How many.
    pub count: u32,
    /// Seed of the shuffle.
    pub seed: u64,
    /// What the replay writes into new memory.
    pub touch: TouchPolicy,
    /// Size of a heap's pages.
    pub page: PageSize,
    /// Pages that a heap may have.
    pub limit_pages: usize,
}

/// Rounds unless `--rounds` says otherwise.
pub fn default_count(rigor: Rigor) -> u32 {
    match rigor {
        // The fewest that give a 95 % interval: for a first look.
        Rigor::Quick => heaprace_reports::stats::ROUNDS_FOR_95 as u32,
        Rigor::Default => 15,
        // Twice as many, as an environment of random size makes times differ more.
        Rigor::Rigorous => 30,
    }
}

/// With fewer rounds than this, nothing is called rigorous.
pub const FEWEST_RIGOROUS: u32 = 20;
