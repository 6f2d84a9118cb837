//! What should make a reader doubt a measurement, as a typed list: METHODOLOGY.md explains each code.

use serde::{Deserialize, Serialize};

use super::named::named;

/// A reason for doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Which.
    pub code: WarningCode,
    /// What was seen, with its figures, and the remedy.
    pub message: String,
}

named! {
    /// The kinds of warnings.
    #[non_exhaustive]
    pub enum WarningCode {
        /// Others took the processor, or the floor's own times spread.
        NoisyMachine = "noisy-machine",
        /// Too few rounds for an interval of 95 %.
        TooFewRounds = "too-few-rounds",
        /// The build is not optimised.
        DebugBuild = "debug-build",
        /// The processor's clock is not held.
        Governor = "governor",
        /// The system may back memory with huge pages.
        TransparentHugePages = "transparent-huge-pages",
        /// A replay is so short that the clock's steps show.
        TimerResolution = "timer-resolution",
        /// The build has changes that no revision has.
        DirtyTree = "dirty-tree",
        /// The trace was decoded on another processor while it was timed.
        Streamed = "streamed",
        /// The user ended the measurement before it was done.
        Interrupted = "interrupted",
        /// Rows were timed in runs of their own: ratios to their companions hold, and times of two rows do not compare.
        Merged = "merged",
        /// Something that was asked for could not be measured.
        NotMeasured = "not-measured",
        /// Contenders that should have been pinned to a processor were not.
        NotPinned = "not-pinned",
    }
}
