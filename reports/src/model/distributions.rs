//! The shape of the trace: counts by powers of two.

use super::entry::{Definition, listed};

/// What is no single number.
pub(super) const LISTED: &[Definition] = &[
    listed(
        "request_sizes",
        "allocations and reallocations, by the size that they ask for",
        "",
        "how long it is needed",
    ),
    listed(
        "lifetimes",
        "objects that are freed, by lifetime; 0 where nothing is allocated in between",
        "",
        "objects that are never freed",
    ),
    listed(
        "sizes_by_lifetime",
        "the same objects, by lifetime and by their size when they are freed",
        "",
        "the sizes that they have before",
    ),
    listed(
        "never_freed_sizes",
        "objects that are live after the last event, by their size then: they have no lifetime",
        "",
        "whether the program would have freed them later",
    ),
];
