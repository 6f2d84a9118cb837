//! Two runs held against each other: which contenders got better or worse on which traces, and a gate for it.
//!
//! Memory is exact, so that any difference is one. Times of two runs are not pairs of rounds; their ratio has the
//! interval of [`ratio_of_medians`](crate::stats::ratio_of_medians). METHODOLOGY.md says what that can and cannot show.

mod comparison;
mod doubts;
mod gate;
mod pairing;
mod render;
mod times;

pub use comparison::{Compared, OldAndNew, Regression};
pub use gate::{Worse, default_gates, gates};
