//! The behaviour of the crate as a whole, tested from outside.

// The attribute changes nothing for the compiler; with it, clippy allows `unwrap` in there.
#[cfg(test)]
mod record;

/// Records this very program if `HEAPRACE_TRACE` says so: the tests in `record` run it again as a child.
#[global_allocator]
static ALLOCATOR: heaprace_recorder::Recorder = heaprace_recorder::Recorder::on_demand();
