//! How much memory is requested at a time.

/// How much memory an allocator requests from its source, if what it has is not enough.
///
/// A larger step makes fewer calls, which matters where a call is expensive, and may leave the last step unused. If the
/// source does not have that much, the allocator requests what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowthStep {
    /// As little as the request needs; the source rounds up to its pages. lite-alloc and wee_alloc do so.
    Needed,
    /// A multiple of this number of bytes, as dlmalloc's granularity of 64 KiB.
    MultipleOf(usize),
    /// At least this part of the latest run of memory: 1 doubles it, 8 adds an eighth. bumpalo doubles its chunks;
    /// wasmalloc adds an eighth of its heap.
    Share(usize),
}

impl GrowthStep {
    /// Bytes to request for `needed` bytes, with a run of `run` bytes: at least `needed`.
    #[inline]
    pub(crate) fn bytes(self, needed: usize, run: usize) -> usize {
        match self {
            GrowthStep::Needed => needed,
            GrowthStep::MultipleOf(step) => needed.checked_next_multiple_of(step).unwrap_or(needed),
            GrowthStep::Share(part) => needed.max(run / part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_never_below_what_is_needed() {
        for (step, needed, run, bytes) in [
            (GrowthStep::Needed, 100, 1000, 100),
            (GrowthStep::MultipleOf(64), 100, 1000, 128),
            (GrowthStep::MultipleOf(64), 128, 1000, 128),
            (GrowthStep::MultipleOf(64), usize::MAX - 3, 1000, usize::MAX - 3),
            (GrowthStep::MultipleOf(0), 100, 1000, 100),
            (GrowthStep::Share(1), 100, 1000, 1000),
            (GrowthStep::Share(8), 100, 1000, 125),
            (GrowthStep::Share(8), 126, 1000, 126),
            (GrowthStep::Share(8), 126, 0, 126),
        ] {
            assert_eq!(step.bytes(needed, run), bytes, "{step:?} for {needed} of {run}");
        }
    }
}
