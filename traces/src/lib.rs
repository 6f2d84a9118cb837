//! Allocation traces of real programs: events, formats, the recorder and the library of Heaprace.

pub mod event;

pub use event::{Action, Event};
