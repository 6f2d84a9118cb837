//! The `replay` command, and the engine that it drives.
//!
//! [`main`] is the whole command: a program of one line has its verbs, tables, pages and child processes. The modules are those of
//! [`heaprace_engine`], for a program that wants results instead of a command.
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     heaprace::main()
//! }
//! ```

mod cli;

pub use heaprace_engine::*;

pub use self::cli::main;
