//! What the command does, a verb a file.

pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod exports;
pub(crate) mod importing;
pub(crate) mod inspect;
pub(crate) mod manual;
pub(crate) mod progress;
pub(crate) mod rank;
#[cfg(target_os = "linux")]
pub(crate) mod record;
pub(crate) mod regression;
pub(crate) mod report;
pub(crate) mod saved;
pub(crate) mod snapshots;
pub(crate) mod sweep;
pub(crate) mod trace;
