//! Modules as they are compiled, and replays in an engine. Each test says that it is skipped if the Rust compiler has no
//! library for WebAssembly, or if there is no Node.

// The attribute changes nothing for the compiler; with it, clippy allows `unwrap` in there.
#[cfg(test)]
mod agreement;
#[cfg(test)]
mod common;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod firmware;
#[cfg(all(test, feature = "wasmtime"))]
mod fuel;
#[cfg(test)]
mod modules;
#[cfg(test)]
mod own;
#[cfg(test)]
mod replays;
