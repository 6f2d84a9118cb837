//! What `record` and `run` need to preload a library into a program: where both are, and whether it can work.

mod allocator;
mod elf;
mod library;
mod program;

pub(crate) use allocator::linked_allocator;
pub(crate) use library::locate as locate_library;
pub(crate) use program::{locate as locate_program, refusal};
