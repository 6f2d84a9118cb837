//! The swept bump allocator: what it promises, and that its self check finds what breaks it.

mod exhaustive;
mod faults;
mod patterns;
mod stress;
mod subject;
