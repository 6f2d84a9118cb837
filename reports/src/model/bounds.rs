//! What any allocator needs for the trace, at least and in the worst case.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Number, entry};

/// Bounds on the contenders' footprints, in bytes of objects: without headers or pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The most bytes that are live at once: no allocator needs less.
    pub max_live_bytes: u64,
    /// The same, with each size rounded up to a multiple of its alignment.
    pub max_live_aligned_bytes: u64,
    /// The largest size requested.
    pub max_size_bytes: u64,
    /// Robson's bound for this peak live and this largest size: some program forces any allocator to it.
    pub robson_bytes: u64,
    /// First-fit by address never needs more than this for any program with this peak live and this largest size
    /// (Robson 1977).
    pub robson_first_fit_bytes: u64,
    /// The span of a placement that knows every lifetime in advance. A heuristic finds it, so the optimum may be
    /// smaller.
    pub clairvoyant_bytes: u64,
}

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
        "an object with a smaller alignment can fill another's padding, so this is not a lower bound on \
            every placement",
    ),
    entry("max_size_bytes", "B", |it: &Bounds| it.max_size_bytes.number()).docs(
        "the largest size that an allocation or a reallocation in the trace requests",
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
            "the highest end of a placement of all objects that knows every lifetime in advance",
            "≥ max R",
            "a heuristic finds it: a better placement may exist, but none below max R",
        )
        .source("dynamic storage allocation: Buchsbaum et al., STOC 2003; Moffitt (MiniMalloc), ASPLOS 2023")
        .shown(
            ["clairvoyant", "clairvoyant", "clairvoyant", ""],
            "The span of a placement that knows every lifetime in advance. A heuristic finds it: a better one may \
            exist, but none below peak live.",
        ),
];
