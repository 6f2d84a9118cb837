//! The size classes of figures on single calls.

/// Upper bounds of the classes: the powers of two from 16 B to 64 KiB, and 1 MiB. Anything larger is one more class.
pub const UP_TO_BYTES: [u64; 14] =
    [16, 32, 64, 128, 256, 512, 1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 1 << 20];

/// How many classes there are.
pub const CLASSES: usize = UP_TO_BYTES.len() + 1;

/// The class of this size, from 0. Its upper bound is that of [`UP_TO_BYTES`] at the same place; the last class has none.
#[inline(always)]
pub fn class_of(bytes: u64) -> usize {
    match bytes {
        // The logarithm of the power of two at or above it, minus that of 16.
        0..=0x1_0000 => (bytes.max(16) - 1).ilog2() as usize + 1 - 4,
        0x1_0001..=0x10_0000 => UP_TO_BYTES.len() - 1,
        _ => UP_TO_BYTES.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_the_first_whose_bound_is_large_enough() {
        let naive = |bytes| UP_TO_BYTES.iter().position(|&up_to| bytes <= up_to).unwrap_or(UP_TO_BYTES.len());
        let edges = UP_TO_BYTES.iter().flat_map(|&up_to| [up_to - 1, up_to, up_to + 1]);
        for bytes in edges.chain([0, 1, 7, 8, 9, u64::MAX]) {
            assert_eq!(class_of(bytes), naive(bytes), "{bytes} B");
        }
    }
}
