//! What ends a replay early: a time budget, a memory budget, or the user. It is checked between stretches, outside the
//! timed part.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heaprace_allocators::page_heap::MemoryBudget;
use heaprace_reports::numbers::bytes;
use heaprace_reports::results::{Grouped, Reason};

/// Why a replay ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The time budget is exhausted.
    Budget,
    /// The user interrupted it.
    Interrupt,
    /// The heap would have passed the memory budget.
    Memory {
        /// What the budget has for heaps.
        budget_bytes: u64,
    },
}

impl Stop {
    /// The reason that the results give.
    pub fn reason(self) -> Reason {
        match self {
            Stop::Budget => Reason::OverBudget,
            Stop::Interrupt => Reason::Interrupted,
            Stop::Memory { budget_bytes } => Reason::OverMemory { budget: bytes(budget_bytes) },
        }
    }

    /// The same with how many events had been replayed.
    pub fn reason_at(self, events: u64) -> Reason {
        let event = Grouped(events);
        match self {
            Stop::Budget => Reason::OverBudgetAt { event },
            Stop::Interrupt => Reason::InterruptedAt { event },
            Stop::Memory { budget_bytes } => Reason::OverMemoryAt { budget: bytes(budget_bytes), event },
        }
    }
}

/// Limits of a replay, and the receiver of its progress.
#[derive(Clone, Copy, Default)]
pub struct Limits<'a> {
    budget: Option<Duration>,
    deadline: Option<Instant>,
    interrupt: Option<&'a AtomicBool>,
    progress: Option<&'a (dyn Fn(u64) + Sync)>,
    memory: Option<&'a Arc<MemoryBudget>>,
}

impl<'a> Limits<'a> {
    /// No limits.
    pub const NONE: Limits<'static> =
        Limits { budget: None, deadline: None, interrupt: None, progress: None, memory: None };

    /// Ends replays when `interrupt` becomes true, or when they have taken `budget` in total since
    /// [`started`](Self::started).
    pub fn new(interrupt: &'a AtomicBool, budget: Option<Duration>) -> Self {
        Limits { budget, interrupt: Some(interrupt), ..Limits::NONE }
    }

    /// The same limits, with the budget running from now on.
    #[must_use]
    pub fn started(self) -> Self {
        // A budget too long for the clock counts as none.
        Limits { deadline: self.budget.and_then(|budget| Instant::now().checked_add(budget)), ..self }
    }

    /// The same limits; `progress` gets the number of events replayed since its last call.
    #[must_use]
    pub fn with_progress(self, progress: &'a (dyn Fn(u64) + Sync)) -> Self {
        Limits { progress: Some(progress), ..self }
    }

    /// The same limits; heaps take their pages from this budget.
    #[must_use]
    pub fn with_memory(self, memory: &'a Arc<MemoryBudget>) -> Self {
        Limits { memory: Some(memory), ..self }
    }

    /// The budget that heaps take their pages from.
    pub(crate) fn memory(&self) -> Option<&'a Arc<MemoryBudget>> {
        self.memory
    }

    /// Whether this much time exhausts the budget.
    pub(crate) fn is_over(&self, spent: Duration) -> bool {
        self.budget.is_some_and(|budget| spent >= budget)
    }

    /// Why the replay must end, if it must, after `events` more events.
    pub(crate) fn check(&self, events: u64) -> Option<Stop> {
        if let Some(progress) = self.progress {
            progress(events);
        }
        if self.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
            return Some(Stop::Interrupt);
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(Stop::Budget)
    }
}

/// Parses a time budget: `60s`, `5min`.
///
/// # Errors
///
/// If `text` is not a duration, or is 0.
pub fn parse_budget(text: &str) -> Result<Duration, String> {
    let budget =
        humantime::parse_duration(text).map_err(|error| format!("{error}; a duration needs a unit: 60s, 5min"))?;
    if budget.is_zero() { Err("a time budget must be above 0".to_owned()) } else { Ok(budget) }
}
