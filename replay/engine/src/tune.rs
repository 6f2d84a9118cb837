//! The search through our own family of allocators for the member that suits a trace.
//!
//! [`footprints`] runs many designs over a trace side by side, and gives the exact peak of each one's heap: a design places
//! every block where the compiled member does (see [`heaprace_allocators::family`]). Nothing is written into the blocks, so
//! that a design takes about ten nanoseconds a request, and little memory. Its time is an estimate, good enough to choose
//! what to replay. [`front`] chooses from all designs those that are worth it, and [`held_out`] says whether a choice made on
//! the first half of a trace holds for all of it.

mod choice;
mod footprint;
mod space;

pub use choice::{HeldOut, Merit, Rated, Strength, front, held_out, shortlist, take_faster};
pub use footprint::{Footprint, TuneError, footprints};
pub use space::space;
