//! Times: rounds of replays in separate processes, single calls, and instructions.

pub mod calls;
#[doc(hidden)]
pub mod child;
pub mod conditions;
pub mod instructions;
pub mod latency;
#[doc(hidden)]
pub mod process;
#[doc(hidden)]
pub mod processor;
pub mod race;
pub mod rounds;
pub mod sample;
