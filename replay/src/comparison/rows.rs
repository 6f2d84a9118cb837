//! The rows of a comparison: their content before anything is measured, and reasons for missing figures.

use heaprace_allocators::Purpose;
use heaprace_reports::results::{self, Figure, Verification};

use crate::contender::Contender;

/// The row of a contender without any figures yet.
pub(crate) fn row(contender: &Contender) -> results::Contender {
    results::Contender {
        name: contender.info.name.to_owned(),
        version: contender.info.version.to_owned(),
        role: match contender.info.purpose {
            Purpose::Contender => results::Role::Contender,
            Purpose::Yardstick => results::Role::Baseline,
            Purpose::Ablation => results::Role::Ablation,
            Purpose::Floor => results::Role::Floor,
        },
        verification: Verification::NotChecked { reason: "not examined yet".to_owned() },
        partial: None,
        memory: Figure::unknown("not examined yet"),
        min_heap: Figure::unknown("not searched for"),
        time: Figure::unknown("not timed yet"),
        latency: Figure::unknown("not asked for"),
        instructions: Figure::unknown("not asked for"),
    }
}

/// What the contender failed to do or did wrong, if anything.
pub(super) fn what_it_did_not_do(row: &results::Contender) -> Option<String> {
    match (&row.verification, &row.memory) {
        (Verification::Failed { event, .. }, _) => Some(format!("failed verification at event {event}")),
        (_, Figure::Known(memory)) if memory.failed_requests > 0 => Some("did less work: requests failed".to_owned()),
        (_, Figure::Unknown { unknown }) if row.role != results::Role::Floor => Some(unknown.clone()),
        _ => None,
    }
}

/// Why nothing can be timed.
pub(super) const NO_PATH: &str = "a trace in memory cannot be given to another process";
pub(super) const NO_CHILD: &str = "this program has not said how to begin a process for it";
