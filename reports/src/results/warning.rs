//! What should make a reader doubt a measurement, as a typed list: METHODOLOGY.md explains each code.

use serde::{Deserialize, Serialize};

/// A reason for doubt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Which.
    pub code: WarningCode,
    /// What was seen, with its figures, and the remedy.
    pub message: String,
}

/// The kinds of warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WarningCode {
    /// Others took the processor, or the floor's own times spread.
    NoisyMachine,
    /// Too few rounds for an interval of 95 %.
    TooFewRounds,
    /// The build is not optimised.
    DebugBuild,
    /// The processor's clock is not held.
    Governor,
    /// The system may back memory with huge pages.
    TransparentHugePages,
    /// A replay is so short that the clock's steps show.
    TimerResolution,
    /// The build has changes that no revision has.
    DirtyTree,
    /// The trace was decoded on another processor while it was timed.
    Streamed,
    /// The user ended the measurement before it was done.
    Interrupted,
    /// Rows were timed in runs of their own: ratios to their companions hold, and times of two rows do not compare.
    Merged,
    /// Contenders that should have been pinned to a processor were not.
    NotPinned,
}

impl WarningCode {
    /// All codes.
    pub const ALL: [WarningCode; 11] = [
        WarningCode::NoisyMachine,
        WarningCode::TooFewRounds,
        WarningCode::DebugBuild,
        WarningCode::Governor,
        WarningCode::TransparentHugePages,
        WarningCode::TimerResolution,
        WarningCode::DirtyTree,
        WarningCode::Streamed,
        WarningCode::Interrupted,
        WarningCode::Merged,
        WarningCode::NotPinned,
    ];

    /// The code as results and METHODOLOGY.md have it: `noisy-machine`.
    pub fn name(self) -> &'static str {
        match self {
            WarningCode::NoisyMachine => "noisy-machine",
            WarningCode::TooFewRounds => "too-few-rounds",
            WarningCode::DebugBuild => "debug-build",
            WarningCode::Governor => "governor",
            WarningCode::TransparentHugePages => "transparent-huge-pages",
            WarningCode::TimerResolution => "timer-resolution",
            WarningCode::DirtyTree => "dirty-tree",
            WarningCode::Streamed => "streamed",
            WarningCode::Interrupted => "interrupted",
            WarningCode::Merged => "merged",
            WarningCode::NotPinned => "not-pinned",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_name_everywhere() {
        for code in WarningCode::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.name()));
        }
    }
}
