//! Records what a Rust program asks of its allocator, as a trace that [Heaprace](https://crates.io/crates/heaprace)
//! replays through any allocator.
//!
//! ```no_run
//! #[global_allocator]
//! static ALLOCATOR: heaprace_recorder::Recorder = heaprace_recorder::Recorder::new("trace.htrace");
//!
//! fn main() {
//!     println!("{}", ["recorded", "from", "here"].join(" "));
//! }
//! ```
//!
//! [`Recorder`] and [`mark`] are all that a recorded program needs; in WebAssembly, `WasmRecorder` takes the place of the
//! first. The modules define what the recorder writes, each thing once: `heaprace-traces` reads and writes the same
//! [events](event) and formats ([CSV](csv), [binary](htrace)), and the library that `replay record` preloads into C
//! programs leaves the same [raw records](raw). The recorder is the crate at the bottom because programs link it: it
//! needs `libc` and a checksum, and nothing else.

pub mod comment;
pub mod csv;
mod error;
mod escape;
pub mod event;
pub mod extent;
pub mod file;
pub mod fill;
pub mod htrace;
mod id_map;
pub mod left_live;
mod op;
#[cfg(not(target_family = "wasm"))]
pub mod pattern;
#[cfg(not(target_family = "wasm"))]
pub mod peek;
pub mod raw;
#[cfg(not(target_family = "wasm"))]
mod recorder;
#[cfg(not(target_family = "wasm"))]
mod recording;
pub mod resolve;
pub mod run_time;
#[cfg(target_family = "wasm")]
mod wasm;

pub use comment::MARK_PREFIX;
pub use error::WriteError;
pub use escape::escaped;
pub use event::{Action, Event};
pub use extent::Extent;
pub use id_map::{IdHasher, IdHashes, IdMap};
pub use op::Op;
#[cfg(not(target_family = "wasm"))]
pub use recorder::{Recorder, mark};
#[cfg(not(target_family = "wasm"))]
pub use recording::{Summary, platform};
#[cfg(target_family = "wasm")]
pub use wasm::{WasmRecorder, mark};
