//! Statistics: every timing is a median with its 95 % interval, and every comparison is a ratio formed within rounds.
//!
//! Medians, because noise on a shared machine is one-sided: a disturbed round is slower, never faster. The interval of
//! a median comes from interpolated order statistics ([`estimate_median`]), that of a mean over traces from a
//! bootstrap-t on logarithms ([`Common::geometric_means`]). The same samples always give the same intervals.
//!
//! The interval cannot see a disturbance that lasts through all rounds, or differences between builds or machines. With
//! fewer than [`ROUNDS_FOR_95`] samples it covers less than 95 %.

mod caveats;
mod estimate;
mod gross;
mod mean;
mod median;
mod net;
mod over_traces;
mod processor;
mod ratio;
mod rounds;
mod summary;
mod together;
mod two_samples;
mod verdict;

pub use caveats::{expected_by_chance, trust_in_mean};
pub use estimate::{Estimate, Interval, ROUNDS_FOR_95};
pub(crate) use gross::gross_ns_per_op;
pub use gross::ns_per_op;
pub use mean::{RESAMPLES, geometric_mean};
pub use median::{estimate_median, median, spread};
pub use net::net_ns_per_op;
pub use processor::{parts_from_processor_time, ratio_by_processor_time};
pub use ratio::{Ratio, Verdict, ratio_within_rounds};
pub use rounds::{Regime, floor, ratio_beside, rounds_beside};
pub(crate) use rounds::{of_one_run, rounds_in_common};
pub(crate) use summary::common_of;
pub use summary::{Common, ContenderRatios, Measure, by_kind, by_origin, common};
pub use together::{RankingError, check};
pub use two_samples::ratio_of_medians;
pub(crate) use verdict::{
    Fastest, NotCompared, Rival, beaten, compared, completed, eligible, fastest, fastest_among, marked_times, smallest,
    smallest_min_heap, times_are_marked,
};
