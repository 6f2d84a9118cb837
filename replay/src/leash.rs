//! What ends a replay before its program does: a time budget, or the user. It is looked at between stretches, outside of what is timed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use heaprace_reports::results::{Grouped, Reason};

/// Why a replay has ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Its time was over.
    Budget,
    /// The user wants it to end.
    Interrupt,
}

impl Stop {
    /// The reason that the results give.
    pub fn reason(self) -> Reason {
        match self {
            Stop::Budget => Reason::OverBudget,
            Stop::Interrupt => Reason::Interrupted,
        }
    }

    /// The same with how many events had been replayed.
    pub fn reason_at(self, events: u64) -> Reason {
        let event = Grouped(events);
        match self {
            Stop::Budget => Reason::OverBudgetAt { event },
            Stop::Interrupt => Reason::InterruptedAt { event },
        }
    }
}

/// What a replay is held to, and to whom it tells how far it is.
#[derive(Clone, Copy, Default)]
pub struct Leash<'a> {
    budget: Option<Duration>,
    deadline: Option<Instant>,
    interrupt: Option<&'a AtomicBool>,
    tell: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl<'a> Leash<'a> {
    /// Holds a replay to nothing.
    pub const LOOSE: Leash<'static> = Leash { budget: None, deadline: None, interrupt: None, tell: None };

    /// Ends replays as soon as `interrupt` is true, and those that have taken this long altogether since [`started`](Self::started).
    pub fn new(interrupt: &'a AtomicBool, budget: Option<Duration>) -> Self {
        Leash { budget, interrupt: Some(interrupt), ..Leash::LOOSE }
    }

    /// The same, with the time running from now on.
    #[must_use]
    pub fn started(self) -> Self {
        // A budget beyond what the clock can count is none.
        Leash { deadline: self.budget.and_then(|budget| Instant::now().checked_add(budget)), ..self }
    }

    /// The same, telling from time to time how many events have been replayed since it last did.
    #[must_use]
    pub fn telling(self, tell: &'a (dyn Fn(u64) + Sync)) -> Self {
        Leash { tell: Some(tell), ..self }
    }

    /// Whether this much time is all of the budget.
    pub(crate) fn is_over(&self, spent: Duration) -> bool {
        self.budget.is_some_and(|budget| spent >= budget)
    }

    /// Whether the replay must end, so many more events being done.
    pub(crate) fn pull(&self, events: u64) -> Option<Stop> {
        if let Some(tell) = self.tell {
            tell(events);
        }
        if self.interrupt.is_some_and(|interrupt| interrupt.load(Ordering::Relaxed)) {
            return Some(Stop::Interrupt);
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some(Stop::Budget)
    }
}

/// The budget of such a text: `60s`, `5min`.
///
/// # Errors
///
/// Where it is no time, or none at all.
pub fn parse_budget(text: &str) -> Result<Duration, String> {
    let budget = humantime::parse_duration(text).map_err(|error| format!("{error}; a time has its unit: 60s, 5min"))?;
    if budget.is_zero() { Err("no allocator can do anything in no time".to_owned()) } else { Ok(budget) }
}
