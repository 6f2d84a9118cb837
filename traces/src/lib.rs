//! Allocation traces of real programs: events, formats, the recorder and the library of Heaprace.
//!
//! A trace is what a program asked of its allocator, in order, with full layouts. It is recorded once, by the [`Recorder`] for
//! Rust programs, and then replayed through any allocator. A [`Source`] finds a trace, [`Events`] streams what is
//! in it, each event checked, a [`Profile`] sums them up, and an [`Output`] writes a trace to a file.
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
pub mod binary;
mod births;
pub mod csv;
pub mod error;
pub mod event;
mod events;
pub mod fault;
mod id_map;
pub mod import;
mod input;
pub mod inspect;
pub mod library;
mod lines;
pub mod native;
mod op;
mod output;
pub mod profile;
pub mod record;
mod resolve;
mod source;
pub mod synthetic;
pub mod validate;
mod zip;

pub use csv::Reader;
pub use error::{Place, TraceError};
pub use event::{Action, Event};
pub use events::Events;
pub use fault::Fault;
pub use id_map::IdMap;
pub use library::LibraryEntry;
pub use native::NativeRecording;
pub use op::Op;
pub use output::Output;
pub use profile::Profile;
pub use record::{Recorder, mark};
pub use source::Source;
