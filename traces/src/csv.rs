//! The CSV format: a trace that a person can read, write and cut with everyday tools.
//!
//! FORMAT.md in the root of the repository defines it. In short: a header `op,id,size,align`, optionally followed by
//! `thread`, `time_ns` and `written`; one event a line; lines that begin with `#` are comments, and those before the
//! header say where the trace comes from.
//!
//! ```csv
//! # heaprace-trace: 1
//! # program: five lines written by hand
//! op,id,size,align
//! alloc,1,24,8
//! realloc,1,48
//! dealloc,1
//! ```

mod columns;
mod line;
mod plain;
mod reader;
#[cfg(test)]
mod tests;

pub use heaprace_recorder::csv::{Columns, CsvWriter, named_version};
pub use reader::CsvReader;
