//! The settings of a comparison.

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

/// The settings of a comparison.
#[derive(Clone, Debug)]
pub struct ComparisonPlan {
    /// The contenders to compare.
    pub contenders: Vec<Contender>,
    /// Whether to check each contender's blocks before timing it.
    pub verify: bool,
    /// When to take snapshots of each contender's heap.
    pub snapshots: Vec<Instant>,
    /// Whether to compute the bounds of the trace.
    pub bounds: bool,
    /// Whether to search for each contender's minimum heap.
    pub min_heap: bool,
    /// Contenders to examine, or to search for their minimum heap, in parallel. Nothing else runs while a contender is
    /// timed.
    pub jobs: NonZeroUsize,
    /// Time limit per contender for its examination, and again for everything else measured about it.
    pub budget: Option<Duration>,
    /// Memory that the comparison may take in this process, and in each process that times; `None` for any amount.
    pub memory_bytes: Option<u64>,
    /// Ends the comparison as soon as it is true. Finished figures are kept.
    pub interrupt: Arc<AtomicBool>,
    /// The baseline of time ratios; if `None`, [`participants::baseline`] chooses it.
    pub baseline: Option<String>,
    /// The effort spent against measurement noise.
    pub rigor: Rigor,
    /// How contenders are timed; 0 rounds for memory figures only. The floor takes part whenever anything but memory is
    /// measured.
    pub rounds: Rounds,
    /// Whether to time single calls, too.
    pub latency: bool,
    /// Whether to count instructions.
    pub instructions: bool,
    /// How this program starts itself as a separate process. All timing happens in such processes, so without it times
    /// are unknown.
    pub make_child: Option<MakeChild>,
}

impl ComparisonPlan {
    /// A plan that checks every block, one contender at a time, and skips everything slow. Callers adjust it from
    /// there.
    pub fn of(contenders: Vec<Contender>, rounds: Rounds) -> Self {
        ComparisonPlan {
            contenders,
            verify: true,
            snapshots: Vec::new(),
            bounds: false,
            min_heap: false,
            jobs: NonZeroUsize::MIN,
            budget: None,
            memory_bytes: None,
            interrupt: Arc::default(),
            baseline: None,
            rigor: Rigor::Default,
            rounds,
            latency: false,
            instructions: false,
            make_child: None,
        }
    }

    /// The same plan, with the floor among the contenders if anything but memory is measured.
    pub(super) fn complete(&self) -> Self {
        let mut plan = self.clone();
        if plan.rounds.count > 0 || plan.latency || plan.instructions {
            plan.contenders = participants::with_floor(plan.contenders);
        }
        plan
    }
}
