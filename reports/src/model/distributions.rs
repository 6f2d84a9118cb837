//! The shape of the trace: counts by powers of two.

use serde::{Deserialize, Serialize};

use super::entry::{Definition, listed};

/// Distributions of a trace by powers of two. A class holds values from its first value up to below the next power of
/// two; 0 is a class of its own. Empty classes are omitted; the others are in ascending order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distributions {
    /// Requests (allocations and reallocations) by requested size.
    pub request_sizes: Vec<Class>,
    /// Freed objects by lifetime: the bytes allocated between their allocation and their deallocation.
    pub lifetimes: Vec<Class>,
    /// The same objects by lifetime and by size when freed.
    pub sizes_by_lifetime: Vec<JointClass>,
    /// Objects that are never freed, by their size at the end. They have no lifetime.
    pub never_freed_sizes: Vec<Class>,
}

/// A class of sizes or of lifetimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// The smallest value in the class: 0 or a power of two.
    pub from_bytes: u64,
    /// Number of requests or objects.
    pub count: u64,
}

/// A class of sizes and lifetimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointClass {
    /// The smallest size in the class.
    pub size_from_bytes: u64,
    /// The shortest lifetime in the class.
    pub lifetime_from_bytes: u64,
    /// Number of objects.
    pub count: u64,
}

/// Definitions of figures that are not a single number.
pub(super) const LISTED: &[Definition] = &[
    listed("request_sizes", "allocations and reallocations, by requested size", "", "how long blocks are needed"),
    listed(
        "lifetimes",
        "objects that are freed, by lifetime; 0 if nothing is allocated in between",
        "",
        "objects that are never freed",
    ),
    listed("sizes_by_lifetime", "the same objects, by lifetime and by their size when freed", "", "earlier sizes"),
    listed(
        "never_freed_sizes",
        "objects that are live after the last event, by their size then: they have no lifetime",
        "",
        "whether the program would have freed them later",
    ),
];
