//! The shape of the trace: counts by powers of two.

use super::entry::{Listed, docs};

const LIFETIMES: &str = "Barrett & Zorn 1993";

/// What is no single number.
pub(super) const LISTED: [Listed; 4] = [
    Listed {
        name: "request_sizes",
        docs: docs("allocations and reallocations, by the size that they ask for", "", "how long it is needed", ""),
    },
    Listed {
        name: "lifetimes",
        docs: docs(
            "objects that are freed, by lifetime; 0 where nothing is allocated in between",
            "",
            "objects that are never freed",
            LIFETIMES,
        ),
    },
    Listed {
        name: "sizes_by_lifetime",
        docs: docs(
            "the same objects, by lifetime and by their size when they are freed",
            "",
            "the sizes that they have before",
            LIFETIMES,
        ),
    },
    Listed {
        name: "never_freed_sizes",
        docs: docs(
            "objects that are live after the last event, by their size then: they have no lifetime",
            "",
            "whether the program would have freed them later",
            "",
        ),
    },
];
