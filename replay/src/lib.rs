//! Replays allocation traces of real programs through allocators on a simulated page heap, and compares them.
//!
//! A trace is compiled to a [`Program`]; the [`engine`] runs it through a contender; observers ([`verify`], [`metrics`]) watch,
//! [`min_heap`] looks for the smallest heap that will do, and [`timing`] runs it with none, in processes of their own ([`child`]);
//! [`warnings`] are reasons to distrust the times. [`compare()`] does all of it and gives [`heaprace_reports::results::Results`].
//!
//! ```
//! use heaprace_allocators::PageSize;
//! use heaprace::compare::{Plan, compare};
//! use heaprace::contender::{Contender, TouchPolicy};
//! use heaprace::timing::Rounds;
//!
//! let rounds = Rounds { count: 0, seed: 1, touch: TouchPolicy::All, page: PageSize::WASM, limit_pages: 1024 };
//! let plan = Plan { bounds: true, ..Plan::of(Contender::all(), rounds) };
//! let text = "op,id,size,align\nalloc,1,100000,8\nrealloc,1,200000\ndealloc,1\n";
//! let results = compare(&heaprace_traces::Source::from_bytes("example.csv", text.as_bytes()), &plan, |_| {})?;
//! let ours = results.contenders.iter().find(|row| row.name == "segregated-bump").expect("it is registered");
//! assert_eq!(ours.memory.known().map(|memory| memory.peak_heap_pages), Some(4));
//! # Ok::<(), heaprace::compare::CompareError>(())
//! ```

pub mod bounds;
pub mod child;
pub mod compare;
pub mod conditions;
pub mod contender;
pub mod distributions;
pub mod engine;
pub mod environment;
pub mod heap_size;
pub mod instructions;
pub mod lane;
pub mod latency;
pub mod leash;
pub mod metrics;
pub mod min_heap;
pub mod processor;
pub mod program;
pub mod race;
pub mod sweep;
pub mod timing;
pub mod verify;
pub mod warnings;

pub use compare::compare;
pub use program::Program;
