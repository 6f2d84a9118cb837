//! Allocation traces of real programs: events, formats, importers and the library of Heaprace.
//!
//! A trace is what a program asked of its allocator, in order, with full layouts. It is recorded once, by
//! `heaprace-recorder` for Rust programs or `replay record` for others, and then replayed through any allocator. A
//! [`Source`] finds a trace, [`Events`] streams its events and checks each, a [`Profile`] sums them up, and an
//! [`Output`] writes a trace to a file.
//!
//! The events, and the formats as they are written, are those of `heaprace-recorder`: the recorder defines them because
//! programs link it and it must stay small. This crate adds readers, compression and checks.
//!
//! ```
//! use heaprace_traces::{Profile, Source};
//!
//! let mut profile = Profile::default();
//! for event in Source::locate("serde-heavy")?.open()? {
//!     profile.add(&event?);
//! }
//! println!("{} events, {} bytes live at the peak", profile.events(), profile.peak_live_bytes);
//! # Ok::<(), heaprace_traces::TraceError>(())
//! ```

pub mod algebra;
mod births;
mod comments;
pub mod csv;
pub mod error;
mod events;
pub mod fault;
mod gzip;
pub mod htrace;
pub mod import;
mod input;
pub mod inspect;
mod interrupt;
pub mod library;
mod lines;
mod live_map;
pub mod native;
mod output;
pub mod profile;
mod seen;
mod source;
mod spool;
pub mod synthetic;
pub mod validate;
mod zip;

pub use csv::CsvReader;
pub use error::{Place, TraceError};
pub use events::Events;
pub use fault::Fault;
pub use heaprace_recorder::file::{numbered, split_ending};
pub use heaprace_recorder::left_live::left_live;
pub use heaprace_recorder::run_time::{RunTime, run_time};
pub use heaprace_recorder::{Action, Event, Extent, IdMap, MARK_PREFIX, Op, WriteError, escaped, event, platform};
pub use library::LibraryEntry;
pub use live_map::LiveMap;
pub use native::NativeRecording;
pub use output::{Output, remove_unfinished};
pub use profile::Profile;
pub use source::Source;
