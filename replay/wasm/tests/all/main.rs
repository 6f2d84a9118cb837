//! Modules as they are compiled, and replays in an engine. Each test says that it is skipped if the Rust compiler has no
//! library for WebAssembly, or if there is no Node.

mod agreement;
mod common;
mod modules;
mod replays;
