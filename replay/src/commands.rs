//! What the command does, a verb a file.

pub(crate) mod compare;
