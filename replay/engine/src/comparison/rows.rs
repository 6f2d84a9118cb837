//! The rows of a comparison: their content before anything is measured, and reasons for missing figures.

use heaprace_allocators::Purpose;
use heaprace_reports::results::{self, Figure, Reason, Verification};

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
        verification: Verification::NotChecked { reason: Reason::NotExaminedYet },
        partial: None,
        memory: Figure::unknown(Reason::NotExaminedYet),
        min_heap: Figure::unknown(Reason::NotSearchedFor),
        time: Figure::unknown(Reason::NotTimedYet),
        latency: Figure::unknown(Reason::NotAskedFor),
        instructions: Figure::unknown(Reason::NotAskedFor),
    }
}

/// What the contender failed to do or did wrong, if anything.
pub(super) fn what_it_did_not_do(row: &results::Contender) -> Option<Reason> {
    match (&row.verification, &row.memory) {
        (Verification::Failed { event, .. }, _) => Some(Reason::FailedVerification { event: *event }),
        (_, Figure::Known(memory)) if memory.failed_requests > 0 => Some(Reason::LessWork),
        (_, Figure::Unknown { unknown }) if row.role != results::Role::Floor => Some(unknown.clone()),
        _ => None,
    }
}

/// Why nothing can be timed.
pub(super) const NO_PATH: Reason = Reason::TraceInMemory;
pub(super) const NO_CHILD: Reason = Reason::NoProcessCommand;
