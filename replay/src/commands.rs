//! What the command does, a verb a file.

pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod importing;
pub(crate) mod inspect;
#[cfg(target_os = "linux")]
pub(crate) mod record;
pub(crate) mod snapshots;
pub(crate) mod sweep;
pub(crate) mod trace;
