//! How a comparison is made.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use heaprace_reports::results::Rigor;

use crate::comparison::participants;
use crate::contender::Contender;
use crate::memory::metrics::Instant;
use crate::time::process::MakeChild;
use crate::time::rounds::Rounds;

/// How a comparison is made.
#[derive(Clone, Debug)]
pub struct ComparisonPlan {
    /// Who takes part.
    pub contenders: Vec<Contender>,
    /// Whether each contender's blocks are checked before it is timed.
    pub verify: bool,
    /// When to take snapshots of each contender's heap.
    pub snapshots: Vec<Instant>,
    /// Whether to find the bounds of the trace.
    pub bounds: bool,
    /// Whether to find each contender's minimum heap.
    pub min_heap: bool,
    /// Contenders that are examined, or searched for their minimum heap, at once. Nothing else runs while one is timed.
    pub jobs: NonZeroUsize,
    /// The most time that a contender may take to be examined, and again for whatever else is measured of it.
    pub budget: Option<Duration>,
    /// Ends the comparison as soon as it is true, with what is finished by then.
    pub interrupt: Arc<AtomicBool>,
    /// The contender that ratios of times are formed to; where none is named, [`participants::baseline`] chooses.
    pub baseline: Option<String>,
    /// How much is done against measurement noise.
    pub rigor: Rigor,
    /// How they are timed; 0 rounds for memory figures alone. The floor takes part wherever anything but memory is measured.
    pub rounds: Rounds,
    /// Whether single calls are timed, too.
    pub latency: bool,
    /// Whether instructions are counted.
    pub instructions: bool,
    /// How this program begins itself as a process of its own, in which alone anything is timed. Without it there are no times, with the
    /// reason.
    pub make_child: Option<MakeChild>,
}

impl ComparisonPlan {
    /// Every block checked, one contender at a time, and nothing that takes long: what callers change from there.
    pub fn of(contenders: Vec<Contender>, rounds: Rounds) -> Self {
        ComparisonPlan {
            contenders,
            verify: true,
            snapshots: Vec::new(),
            bounds: false,
            min_heap: false,
            jobs: NonZeroUsize::MIN,
            budget: None,
            interrupt: Arc::default(),
            baseline: None,
            rigor: Rigor::Default,
            rounds,
            latency: false,
            instructions: false,
            make_child: None,
        }
    }

    /// The same with the floor among the contenders where anything but memory is measured.
    pub(super) fn complete(&self) -> Self {
        let mut plan = self.clone();
        if plan.rounds.count > 0 || plan.latency || plan.instructions {
            plan.contenders = participants::with_floor(plan.contenders);
        }
        plan
    }
}
