//! What any allocator needs for the trace at least, and at the worst.

use super::entry::{Entry, Number, entry};
use crate::results::Bounds;

/// Fields of [`Bounds`].
pub(super) static ENTRIES: &[Entry<Bounds>] = &[
    entry("max_live_bytes", "B", |it: &Bounds| it.max_live_bytes.number()).docs(
        "the trace's max R: no allocator needs less",
        "≥ 0",
        "alignment",
    ),
    entry("max_live_aligned_bytes", "B", |it: &Bounds| it.max_live_aligned_bytes.number()).docs(
        "the same with each size rounded up to a multiple of its alignment",
        "≥ max R",
        "an object of a smaller alignment may use what another's rounding leaves, so this is no lower bound of \
            every placement",
    ),
    entry("max_size_bytes", "B", |it: &Bounds| it.max_size_bytes.number()).docs(
        "the largest size that an allocation or a reallocation asks for, as it stands in the trace",
        "0 to max R",
        "alignment",
    ),
    entry("robson_bytes", "B", |it: &Bounds| it.robson_bytes.number())
        .docs(
            "⌊M·log2(p)/2⌋ + M − p + 1: some program with this M and n forces any allocator that cannot move blocks to \
            it",
            "≥ max R",
            "this trace: another program is the worst one",
        )
        .source("J. M. Robson, Journal of the ACM 18(3), 1971, and 21(3), 1974"),
    entry("robson_first_fit_bytes", "B", |it: &Bounds| it.robson_first_fit_bytes.number())
        .docs(
            "M·(1 + ⌈log2 n⌉): first-fit by address never needs more",
            "≥ max R",
            "this trace: another program is the worst one",
        )
        .source("J. M. Robson, The Computer Journal 20(3), 1977"),
    entry("clairvoyant_bytes", "B", |it: &Bounds| it.clairvoyant_bytes.number())
        .docs(
            "the highest end of a placement of all objects that knows every lifetime beforehand",
            "≥ max R",
            "it is found by a heuristic: a better one may exist, but none below max R",
        )
        .source("dynamic storage allocation: Buchsbaum et al., STOC 2003; Moffitt (MiniMalloc), ASPLOS 2023")
        .shown(
            ["clairvoyant", "clairvoyant", "clairvoyant", ""],
            "What a placement needs that knows every lifetime beforehand. It is found by a heuristic: a better one may \
            exist, but none below peak live.",
        ),
];
