//! The recording of a process. The [`session`] begins, pauses and ends it; threads log into their [lanes](lane); one
//! more thread, the [`scribe`], [merges](merge) the lanes and writes the trace.

mod clock;
pub(crate) mod gate;
pub(crate) mod lane;
mod marks;
mod merge;
mod scribe;
pub(crate) mod session;
mod signals;
mod spawn;
mod trace_file;
mod waker;

pub use scribe::Summary;
pub use session::platform;
