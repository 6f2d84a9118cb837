//! The allocators that there are. Each is a feature of the package `allocators/guests`, by the same name.

use std::borrow::Cow;
use std::path::PathBuf;

use heaprace_reports::results::Role;

use crate::target::Target;

/// The name of the driver's module.
pub const DRIVER: &str = "driver";

/// The module without an allocator, which sizes are relative to.
pub const NONE: &str = "none";

/// The allocator that does nothing, which times are relative to.
pub const FLOOR: &str = "null";

/// An allocator that hands out memory twice: tests prove with it that the check of blocks notices.
pub const UNSOUND: &str = "lite-alloc-realloc";

/// An allocator that can take part.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// Its name. If the native lane has the same allocator, its name there.
    pub name: Cow<'static, str>,
    /// The version of its crate.
    pub version: Cow<'static, str>,
    /// What it is, in a line.
    pub summary: &'static str,
    /// Whether you could ship it.
    pub role: Role,
    /// Where its module comes from.
    pub origin: ModuleOrigin,
}

/// Where a module comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ModuleOrigin {
    /// The feature of the guest's name in the package `allocators/guests`.
    Feature,
    /// The package of an author, in this folder.
    Package(PathBuf),
    /// A module that an author has compiled.
    File(PathBuf),
}

impl Guest {
    /// The guest of this name for a target.
    pub fn named(name: &str, target: Target) -> Option<Guest> {
        of(target).iter().find(|guest| guest.name == name).cloned()
    }
}

/// All that can take part, in table order.
pub fn of(target: Target) -> &'static [Guest] {
    match target {
        Target::Wasm32 => &IN_WASM,
        Target::Thumbv7em => &IN_FIRMWARE,
    }
}

/// The version of allocators of this repository.
const OURS: &str = env!("CARGO_PKG_VERSION");

const fn guest(name: &'static str, version: &'static str, role: Role, summary: &'static str) -> Guest {
    Guest { name: Cow::Borrowed(name), version: Cow::Borrowed(version), summary, role, origin: ModuleOrigin::Feature }
}

/// Those for WebAssembly, which get pages by `memory.grow`.
static IN_WASM: [Guest; 13] = {
    use Role::{Ablation, Contender, Floor};
    [
        guest("swept-bump", OURS, Contender, SWEPT),
        guest("segregated-bump", OURS, Contender, SEGREGATED),
        guest("segregated-bump-mv", OURS, Ablation, MOVING),
        guest("dlmalloc", "0.2.14", Contender, "the crate dlmalloc, Rust's default on wasm32-unknown-unknown"),
        guest("talc", "5.1.1", Contender, "the crate talc, with one heap that is extended"),
        guest("talc-claim", "5.1.1", Contender, "the crate talc, with a new heap for each growth: smaller code"),
        guest("wasmalloc", "0.1.1", Contender, "the crate wasmalloc: mimalloc's design for WebAssembly"),
        guest("rlsf-small", "0.2.3", Contender, "the crate rlsf, TLSF, with its options for small code"),
        guest("wee_alloc", "0.4.5", Contender, "the crate wee_alloc, archived and with a known leak"),
        guest("lol_alloc", "0.4.1", Contender, "the crate lol_alloc: one sorted free list, O(n) to free"),
        guest("mini-alloc", "1.0.0", Contender, "the crate mini-alloc: a bump pointer that never frees"),
        guest(
            "lite-alloc",
            "0.1.0",
            Contender,
            "the crate lite-alloc's segregated bump, without its unsound feature `realloc`",
        ),
        guest(FLOOR, OURS, Floor, "answers every request with one address: the harness's own time"),
    ]
};

/// Those for firmware, over a region of memory, without locks.
static IN_FIRMWARE: [Guest; 8] = {
    use Role::{Ablation, Contender};
    [
        guest("swept-bump", OURS, Contender, SWEPT),
        guest("segregated-bump", OURS, Contender, SEGREGATED),
        guest("segregated-bump-mv", OURS, Ablation, MOVING),
        guest("talc", "5.1.1", Contender, "the crate talc, with its default bins"),
        guest("rlsf", "0.2.3", Contender, "the crate rlsf, TLSF, with the 12 by 16 lists of its documentation"),
        guest("linked_list_allocator", "0.10.6", Contender, "the crate linked_list_allocator: first fit in one list"),
        guest("buddy_system_allocator", "0.13.0", Contender, "the crate buddy_system_allocator: powers of two"),
        guest("good_memory_allocator", "0.1.7", Contender, "the crate good_memory_allocator: tags and bins"),
    ]
};

const SWEPT: &str = "bins, a bump pointer and a sweep that joins free blocks, without headers";
const SEGREGATED: &str = "four bins and a bump pointer; large blocks are not used again";
const MOVING: &str = "segregated-bump without in-place realloc: every realloc moves";

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
        let known: BTreeSet<&str> =
            Target::ALL.into_iter().flat_map(of).map(|guest| &*guest.name).chain([DRIVER, NONE, UNSOUND]).collect();
        assert_eq!(features, known);
    }

    /// A figure belongs to one version.
    #[test]
    fn the_version_of_a_guest_is_the_one_that_is_compiled() {
        let manifest = manifest();
        let all = Target::ALL.into_iter().flat_map(of);
        for guest in all.filter(|guest| guest.version != OURS || guest.name == "lite-alloc") {
            let dependency = guest.name.trim_end_matches("-small").trim_end_matches("-claim");
            let pinned = format!("{dependency} = {{ version = \"={}\"", guest.version);
            assert!(manifest.contains(&pinned), "{pinned}");
        }
    }
}
