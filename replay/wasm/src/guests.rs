//! The modules that there are. Each is a feature of the package `allocators/guests`, by the same name.

use heaprace_reports::results::Role;

/// The name of the driver's module.
pub const DRIVER: &str = "driver";

/// The module without an allocator, which sizes are relative to.
pub const NONE: &str = "none";

/// The allocator that does nothing, which times are relative to.
pub const FLOOR: &str = "null";

/// An allocator that can take part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guest {
    /// Its name, and the feature that compiles it. If the native lane has the same allocator, its name there.
    pub name: &'static str,
    /// The version of its crate.
    pub version: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Whether you could ship it.
    pub role: Role,
}

impl Guest {
    /// The guest of this name.
    pub fn named(name: &str) -> Option<Guest> {
        ALL.iter().copied().find(|guest| guest.name == name)
    }
}

/// The version of allocators of this repository.
const OURS: &str = env!("CARGO_PKG_VERSION");

const fn contender(name: &'static str, version: &'static str, summary: &'static str) -> Guest {
    Guest { name, version, summary, role: Role::Contender }
}

/// All that can take part, in table order.
pub const ALL: [Guest; 13] = [
    contender("swept-bump", OURS, "bins, a bump pointer and a sweep that joins free blocks, without headers"),
    contender("segregated-bump", OURS, "four bins and a bump pointer; large blocks are not used again"),
    Guest {
        role: Role::Ablation,
        ..contender("segregated-bump-mv", OURS, "segregated-bump without in-place realloc: every realloc moves")
    },
    contender("dlmalloc", "0.2.14", "the crate dlmalloc, Rust's default on wasm32-unknown-unknown"),
    contender("talc", "5.1.1", "the crate talc, with one heap that is extended"),
    contender("talc-claim", "5.1.1", "the crate talc, with a new heap for each growth: smaller code"),
    contender("wasmalloc", "0.1.1", "the crate wasmalloc: mimalloc's design for WebAssembly"),
    contender("rlsf-small", "0.2.3", "the crate rlsf, TLSF, with its options for small code"),
    contender("wee_alloc", "0.4.5", "the crate wee_alloc, archived and with a known leak"),
    contender("lol_alloc", "0.4.1", "the crate lol_alloc: one sorted free list, O(n) to free"),
    contender("mini-alloc", "1.0.0", "the crate mini-alloc: a bump pointer that never frees"),
    contender("lite-alloc", "0.1.0", "the crate lite-alloc's segregated bump, without its unsound feature `realloc`"),
    Guest {
        role: Role::Floor,
        ..contender(FLOOR, OURS, "answers every request with one address: the harness's own time")
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn manifest() -> String {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../allocators/guests/Cargo.toml");
        fs::read_to_string(package).unwrap()
    }

    #[test]
    fn every_guest_is_a_feature_of_the_package_and_every_feature_a_guest() {
        let manifest = manifest();
        let (_, rest) = manifest.split_once("[features]\n").unwrap();
        let (features, _) = rest.split_once("\n[").unwrap();
        let features: BTreeSet<&str> =
            features.lines().filter_map(|line| line.split_once(" = [").map(|(name, _)| name)).collect();
        let known: BTreeSet<&str> = ALL.iter().map(|guest| guest.name).chain([DRIVER, NONE]).collect();
        assert_eq!(features, known);
    }

    /// A figure belongs to one version.
    #[test]
    fn the_version_of_a_guest_is_the_one_that_is_compiled() {
        let manifest = manifest();
        for guest in ALL.iter().filter(|guest| guest.version != OURS || guest.name == "lite-alloc") {
            let dependency = guest.name.trim_end_matches("-small").trim_end_matches("-claim");
            let pinned = format!("{dependency} = {{ version = \"={}\"", guest.version);
            assert!(manifest.contains(&pinned), "{pinned}");
        }
    }
}
