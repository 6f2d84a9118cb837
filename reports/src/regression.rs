//! Compares two runs: which contenders got better or worse on which traces. Gates on the result.
//!
//! Memory is exact, so any difference is real. Times of two runs are not paired by rounds; their ratio has the interval
//! of [`ratio_of_medians`](crate::stats::ratio_of_medians). METHODOLOGY.md says what that can and cannot show.

mod comparison;
mod doubts;
mod gate;
mod github;
mod pairing;
mod render;
mod sight;
mod times;

pub use comparison::{Compared, OldAndNew, Regression};
pub use gate::{Worse, default_gates, gates};
pub use sight::Sight;
