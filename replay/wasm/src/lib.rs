//! The WebAssembly lane of Heaprace: the same traces, through allocators as real modules, in real engines.
//!
//! The native lane replays on a simulated page heap, with native code and 64-bit words. Here each allocator is a
//! wasm32 module that gets its pages by `memory.grow`, as its users have it:
//!
//! - [`guests`] names the modules, [`own`] adds those of an author, whose [`interface`] is checked, and [`workshop`]
//!   compiles them for a [`target`];
//! - [`size`] is what an allocator adds to a [`module`], and [`flash`] what it adds to firmware; [`size_table`] shows
//!   either;
//! - [`recording`] is the trace in the form that the driver, a module of its own, replays;
//! - [`host`] is what an engine does: [`node`] runs the driver beside an allocator in V8, and with the feature
//!   `wasmtime` the module of that name does so in this process;
//! - [`fuel`] is what calls cost in operators, where the engine counts them;
//! - [`witness`] checks every block that comes back, and counts pages and failures;
//! - [`comparison`] does all of it for each allocator, in rounds. What it finds is data of `heaprace_reports::wasm`, which
//!   shows them.
//!
//! [`record`](mod@record) makes a trace of a program that is a module itself.
//!
//! `docs/wasm.md` describes the method, and what its figures cannot show.

mod cargo;
pub mod comparison;
mod elf;
pub mod flash;
pub mod fuel;
pub mod guests;
pub mod host;
pub mod interface;
mod link;
pub mod module;
pub mod node;
pub mod own;
pub mod record;
pub mod recording;
mod script;
pub mod size;
pub mod size_table;
pub mod target;
#[cfg(feature = "wasmtime")]
pub mod wasmtime;
pub mod witness;
pub mod workshop;
