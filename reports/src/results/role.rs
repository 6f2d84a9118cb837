//! What a row is in a comparison.

use super::named::named;

named! {
    /// What a row is in the comparison.
    pub enum Role {
        /// An allocator that you could ship.
        Contender = "contender",
        /// A yardstick that you would not ship.
        Baseline = "baseline",
        /// A variant of another contender with one decision switched, to show what that decision does. No verdict goes to it.
        Ablation = "ablation",
        /// No allocator at all: the time that the harness itself takes.
        Floor = "floor",
    }
}
