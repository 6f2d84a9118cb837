//! Allocation traces of real programs: events, formats, the recorder and the library of Heaprace.
//!
//! A trace is what a program asked of its allocator, in order, with full layouts. It is recorded once, by the [`Recorder`] for
//! Rust programs, and then replayed through any allocator. A [`Source`] finds a trace, a [`Reader`] streams its
//! events, each checked, and a [`Profile`] sums them up.
//!
//! ```
//! use traces::{Profile, Source};
//!
//! let mut profile = Profile::default();
//! for event in Source::locate("serde-heavy")?.open()? {
//!     profile.add(&event?);
//! }
//! println!("{} events, {} bytes live at the peak", profile.events(), profile.peak_live_bytes);
//! # Ok::<(), traces::TraceError>(())
//! ```

pub mod csv;
pub mod error;
pub mod event;
pub mod fault;
mod id_map;
mod input;
pub mod library;
mod op;
pub mod profile;
pub mod record;
mod source;
pub mod validate;

pub use csv::Reader;
pub use error::{Place, TraceError};
pub use event::{Action, Event};
pub use fault::Fault;
pub use library::LibraryEntry;
pub use op::Op;
pub use profile::Profile;
pub use record::Recorder;
pub use source::Source;
