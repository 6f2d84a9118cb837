//! The `replay` command.
fn main() {}
