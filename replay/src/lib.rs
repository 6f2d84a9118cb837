//! The `replay` command, and the engine that it drives.
//!
//! [`main`] is the whole command: a program of one line has its verbs, tables, pages and child processes, for the contenders of the
//! registry and for its own. The modules are those of [`heaprace_engine`], for a program that wants results instead of a command.
//!
//! ```no_run
//! # use heaprace_allocators::contenders::bump::Bump as MyAllocator;
//! fn main() -> std::process::ExitCode {
//!     heaprace::main(heaprace::contenders![MyAllocator])
//! }
//! ```

#[cfg(feature = "criterion")]
pub mod bench;
mod cli;

pub use heaprace_allocators as allocators;
pub use heaprace_engine::*;

pub use self::cli::main;

/// A list of contenders of these types, each of which implements
/// [`HeapAllocator`](heaprace_allocators::HeapAllocator): for [`main`](fn@main) and for [`Field::with`](field::Field::with).
#[macro_export]
macro_rules! contenders {
    ($($contender:ty),* $(,)?) => {
        ::std::vec![$($crate::contender::Contender::of::<$contender>()),*]
    };
}
