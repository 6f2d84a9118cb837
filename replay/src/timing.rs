//! Timing in rounds: in each, every contender once, in a new order.
//!
//! A machine is faster in one minute than in the next. Contenders of one round share its minute, so that ratios within a round hold where
//! times over all rounds do not; and the order is shuffled, so that no contender always runs behind the same other one.

use allocators::page_heap::{Guard, Reset};
use allocators::{PageHeap, PageSize};
use reports::results::Time;

use crate::contender::{Contender, TouchPolicy};
use crate::lane::{Lane, LaneError};
use crate::leash::Leash;
use crate::program::Program;

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

/// Times `contenders`: in each round a cold replay of each, and just behind it a warm one on the pages that it has touched. `finished` is
/// called behind each round with its number and all times so far. Times have the contenders' order.
///
/// # Errors
///
/// Where the heap cannot be had or reset.
pub fn run(
    program: &Program,
    contenders: &[Contender],
    rounds: Rounds,
    leash: Leash<'_>,
    mut finished: impl FnMut(u32, &[Time]),
) -> Result<Vec<Time>, LaneError> {
    let mut lane = Lane::on(program, PageHeap::reserve_sized(rounds.page, rounds.limit_pages, Guard::Batched)?);
    let time = Time { ops: program.events(), cold_ns: Vec::new(), warm_ns: Vec::new(), companions: Vec::new() };
    let mut times = vec![time; contenders.len()];
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let mut random = fastrand::Rng::with_seed(rounds.seed);
    for round in 1..=rounds.count {
        random.shuffle(&mut order);
        for &which in &order {
            let mut time = |reset| contenders[which].time(&mut lane, reset, rounds.touch, leash);
            let (cold, warm) = (time(Reset::Cold)?, time(Reset::Warm)?);
            times[which].cold_ns.push(cold.as_nanos() as u64);
            times[which].warm_ns.push(warm.as_nanos() as u64);
        }
        finished(round, &times);
    }
    Ok(times)
}
