//! What the command does, a verb a file.

pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod inspect;
pub(crate) mod trace;
