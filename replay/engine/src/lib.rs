//! Replays allocation traces of real programs through allocators on a simulated page heap, and compares them.
//!
//! A trace is compiled to a [`Program`]; the [`engine`] runs it through a contender on a [`lane`]. Observers watch the
//! replay: [`verify`] checks every block, [`memory`] takes figures. [`time`] replays without observers, in separate
//! processes. [`compare()`] does all of this and returns [`heaprace_reports::results::Results`]. [`fuzz`] checks contenders
//! with random programs. On Linux, [`real`] runs a program itself on contenders, by the [`Global`] allocator or a
//! preloaded library.
//!
//! ```
//! use heaprace_allocators::PageSize;
//! use heaprace_engine::comparison::{ComparisonPlan, compare};
//! use heaprace_engine::contender::{Contender, TouchPolicy};
//! use heaprace_engine::time::rounds::Rounds;
//!
//! let rounds = Rounds { count: 0, seed: 1, touch: TouchPolicy::All, page: PageSize::WASM, limit_pages: 1024 };
//! let plan = ComparisonPlan { bounds: true, ..ComparisonPlan::of(Contender::all(), rounds) };
//! let text = "op,id,size,align\nalloc,1,100000,8\nrealloc,1,200000\ndealloc,1\n";
//! let results = compare(&heaprace_traces::Source::from_bytes("example.csv", text.as_bytes()), &plan, |_| {})?;
//! let ours = results.contenders.iter().find(|row| row.name == "segregated-bump").expect("it is registered");
//! assert_eq!(ours.memory.known().map(|memory| memory.peak_heap_pages), Some(4));
//! # Ok::<(), heaprace_engine::comparison::CompareError>(())
//! ```

pub mod comparison;
pub mod contender;
#[doc(hidden)]
pub mod distributions;
pub mod engine;
#[doc(hidden)]
pub mod environment;
pub mod field;
pub mod fuzz;
#[doc(hidden)]
pub mod heap_size;
pub mod lane;
pub mod limits;
pub mod memory;
#[doc(hidden)]
pub mod memory_budget;
pub mod program;
#[cfg(target_os = "linux")]
pub mod real;
pub mod sweep;
pub mod time;
pub mod tune;
pub mod verify;
#[doc(hidden)]
pub mod warnings;

pub use comparison::compare;
#[cfg(target_os = "linux")]
pub use heaprace_allocators::Global;
pub use program::Program;
