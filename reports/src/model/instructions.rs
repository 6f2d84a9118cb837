//! Instructions that the processor retires.

use super::entry::{Entry, Gate, entry};
use crate::results::{Figure, Instructions};

/// Figures of [`Instructions`].
pub(super) static ENTRIES: &[Entry<Instructions>] = &[entry("instructions_per_op", "1", instructions_per_op)
    .docs(
        "instructions of a fresh replay over its operations, those that write into new memory and the harness's \
            included",
        "> 0",
        "the kernel's part, as of page faults; and how long an instruction takes: a cache miss is none",
    )
    .less_is_better(Gate::OnRequest)
    .shown(
        ["instructions", "instructions per operation", "instructions", "/op"],
        "Instructions that the processor retires in a fresh replay, over its operations: those that write into new \
            memory and the harness's own included.",
    )];

/// Instructions over operations, where there are any.
pub(crate) fn instructions_per_op(counted: &Instructions) -> Figure<f64> {
    match counted.ops {
        0 => Figure::unknown("the trace has no operations"),
        ops => Figure::Known(counted.instructions as f64 / ops as f64),
    }
}
