//! The members of the segregated bump family: every combination of its policies keeps what an allocator promises.

mod designs;
mod exhaustive;
mod faults;
mod members;
mod policies;
mod random;
mod subject;
