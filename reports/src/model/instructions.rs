//! Retired instructions.

use super::entry::{Entry, Gate, entry};
use crate::results::{Figure, Instructions};

/// Figures of [`Instructions`].
pub(super) static ENTRIES: &[Entry<Instructions>] = &[entry("instructions_per_op", "1", instructions_per_op)
    .docs(
        "instructions of a fresh replay over its operations, including those that write into new memory and the \
            harness's own",
        "> 0",
        "the kernel's part, such as page faults; and how long an instruction takes: a cache miss adds none",
    )
    .less_is_better(Gate::OnRequest)
    .shown(
        ["instructions", "instructions per operation", "instructions", "/op"],
        "Instructions retired in a fresh replay, over its operations, including those that write into new memory \
            and the harness's own.",
    )];

/// Instructions over operations, if there are any.
pub(crate) fn instructions_per_op(counted: &Instructions) -> Figure<f64> {
    match counted.ops {
        0 => Figure::unknown("the trace has no operations"),
        ops => Figure::Known(counted.instructions as f64 / ops as f64),
    }
}
