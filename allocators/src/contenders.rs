//! All contenders: one file each, and one line each in the list below, which the command line, the benches and the
//! tests use.

use self::segregated_bump::members;
use crate::heap_allocator::{HeapAllocator, Info};

/// An operation on a contender whose type is selected by name: `visit` is compiled once per contender, so that there is
/// no dispatch while it runs.
pub trait Visitor {
    /// The result of a visit.
    type Output;

    /// Runs the operation for `A`. `Accounted` is the same allocator with accounting, if it has a variant that
    /// [knows all idle bytes](HeapAllocator::KNOWS_ALL_IDLE), and otherwise `A` itself. It places every block as `A` does. Memory figures come from `Accounted`, times from `A`.
    fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> Self::Output;
}

/// The modules of the contenders, and the list of their types. A line is `mod file: file::Type;`; a second type of a
/// file has no `mod`, and a type with an accounting variant names it after `accounted by`.
macro_rules! contenders {
    ($($(#[$condition:meta])* $(mod $file:ident:)? $contender:ty $(, accounted by $accounted:ty)?;)+) => {
        $($(#[$condition])* $(pub mod $file;)?)+

        /// Describes each contender, in table order: contenders, yardsticks, ablations, the floor.
        pub const ALL: &[Info] = &[$($(#[$condition])* <$contender>::INFO),+];

        /// Visits the contender of this name, if there is one.
        pub fn visit<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Output> {
            $(
                $(#[$condition])*
                if name == <$contender>::INFO.name {
                    return Some(contenders!(@visit visitor, $contender $(, $accounted)?));
                }
            )+
            None
        }
    };
    (@visit $visitor:ident, $contender:ty) => { $visitor.visit::<$contender, $contender>() };
    (@visit $visitor:ident, $contender:ty, $accounted:ty) => { $visitor.visit::<$contender, $accounted>() };
}

contenders! {
    mod swept_bump: swept_bump::SweptBump;
    mod segregated_bump: segregated_bump::SegregatedBump, accounted by segregated_bump::Accounted;
    mod dlmalloc: dlmalloc::Dlmalloc;
    mod wasmalloc: wasmalloc::Wasmalloc;
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    mod wee_alloc: wee_alloc::WeeAlloc;
    mod talc: talc::Talc;
    mod rlsf: rlsf::Rlsf;
    mod linked_list_allocator: linked_list_allocator::LinkedListAllocator;
    mod buddy_system_allocator: buddy_system_allocator::BuddySystemAllocator;
    mod good_memory_allocator: good_memory_allocator::GoodMemoryAllocator;
    #[cfg(feature = "hosted")]
    mod jemalloc: jemalloc::Jemalloc;
    mod bump: bump::Bump;
    segregated_bump::SegregatedBump<members::Moving>, accounted by segregated_bump::Accounted<members::Moving>;
    segregated_bump::SegregatedBump<members::Published>, accounted by segregated_bump::Accounted<members::Published>;
    segregated_bump::SegregatedBump<members::By16>, accounted by segregated_bump::Accounted<members::By16>;
    segregated_bump::SegregatedBump<members::To32K>, accounted by segregated_bump::Accounted<members::To32K>;
    segregated_bump::SegregatedBump<members::Lists>, accounted by segregated_bump::Accounted<members::Lists>;
    segregated_bump::SegregatedBump<members::Pages>, accounted by segregated_bump::Accounted<members::Pages>;
    segregated_bump::SegregatedBump<members::Aligned>, accounted by segregated_bump::Accounted<members::Aligned>;
    segregated_bump::SegregatedBump<members::Run>, accounted by segregated_bump::Accounted<members::Run>;
    segregated_bump::SegregatedBump<members::Split>, accounted by segregated_bump::Accounted<members::Split>;
    segregated_bump::SegregatedBump<members::Top>, accounted by segregated_bump::Accounted<members::Top>;
    segregated_bump::SegregatedBump<members::Keep>, accounted by segregated_bump::Accounted<members::Keep>;
    segregated_bump::SegregatedBump<members::Stay>, accounted by segregated_bump::Accounted<members::Stay>;
    segregated_bump::SegregatedBump<members::Eighth>, accounted by segregated_bump::Accounted<members::Eighth>;
    segregated_bump::SegregatedBump<members::Fit>, accounted by segregated_bump::Accounted<members::Fit>;
    mod custom: custom::Custom;
    talc::TalcClaim;
    talc::TalcDefaultBinning;
    mod null: null::Null;
}

/// Visits every contender, in table order.
pub fn visit_all<V: Visitor>(visitor: &mut V) -> Vec<V::Output> {
    ALL.iter().filter_map(|info| visit(info.name, visitor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap_allocator::{Group, Purpose};

    #[test]
    fn each_name_finds_its_own_contender() {
        struct Name;
        impl Visitor for Name {
            type Output = &'static str;
            fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> &'static str {
                A::INFO.name
            }
        }
        let names: Vec<_> = ALL.iter().map(|info| info.name).collect();
        assert_eq!(visit_all(&mut Name), names);
        assert_eq!(visit("no such allocator", &mut Name), None);
    }

    #[test]
    fn an_accounting_variant_knows_all_idle_bytes_and_its_contender_does_not() {
        struct Variant;
        impl Visitor for Variant {
            type Output = (&'static str, bool, [bool; 2]);
            fn visit<A: HeapAllocator, Accounted: HeapAllocator>(&mut self) -> Self::Output {
                let is_another = core::any::type_name::<A>() != core::any::type_name::<Accounted>();
                (A::INFO.name, is_another, [A::KNOWS_ALL_IDLE, Accounted::KNOWS_ALL_IDLE])
            }
        }
        let variants: Vec<_> = visit_all(&mut Variant).into_iter().filter(|(_, is_another, _)| *is_another).collect();
        let names: Vec<_> = variants.iter().map(|(name, ..)| *name).collect();
        let is_ours = |name: &&str| name.starts_with("segregated-bump");
        assert_eq!(names, ALL.iter().map(|info| info.name).filter(is_ours).collect::<Vec<_>>());
        assert!(variants.iter().all(|(.., knows)| *knows == [false, true]), "{variants:?}");
    }

    #[test]
    fn roles_are_in_table_order_and_variants_are_ablations() {
        let order = [Purpose::Contender, Purpose::Yardstick, Purpose::Ablation, Purpose::Floor];
        let places = ALL.iter().map(|info| order.iter().position(|role| *role == info.purpose).unwrap());
        assert!(places.is_sorted());
        let named =
            |role| ALL.iter().filter(move |info| info.purpose == role).map(|info| info.name).collect::<Vec<_>>();
        assert_eq!(named(Purpose::Yardstick), ["bump"]);
        assert_eq!(
            named(Purpose::Ablation),
            [
                "segregated-bump-mv",
                "segregated-bump-pub",
                "segregated-bump-by16",
                "segregated-bump-32k",
                "segregated-bump-lists",
                "segregated-bump-4k",
                "segregated-bump-align",
                "segregated-bump-run",
                "segregated-bump-split",
                "segregated-bump-top",
                "segregated-bump-keep",
                "segregated-bump-stay",
                "segregated-bump-eighth",
                "segregated-bump-fit",
                "custom",
                "talc-claim",
                "talc-default-binning",
            ]
        );
        assert_eq!(named(Purpose::Floor), ["null"]);
    }

    #[test]
    fn the_ablations_are_in_their_group_and_in_no_other() {
        for info in ALL {
            let expected = [Group::Ablations].repeat((info.purpose == Purpose::Ablation).into());
            let other = |group: &&Group| info.purpose == Purpose::Ablation || **group == Group::Ablations;
            assert_eq!(info.groups.iter().filter(other).copied().collect::<Vec<_>>(), expected, "{}", info.name);
        }
    }

    #[test]
    fn each_contender_is_in_a_group_and_in_none_twice() {
        for info in ALL {
            assert!(!info.groups.is_empty(), "{}", info.name);
            let of_all = Group::ALL.iter().filter(|group| info.groups.contains(group));
            assert_eq!(info.groups, of_all.copied().collect::<Vec<_>>(), "{}: in the order of all groups", info.name);
        }
    }

    #[test]
    fn the_default_group_is_what_people_choose_between() {
        let default = ALL.iter().filter(|info| info.groups.contains(&Group::Default));
        let expected =
            ["swept-bump", "segregated-bump", "dlmalloc", "wasmalloc", "wee_alloc", "talc", "rlsf", "bump", "null"];
        // wee_alloc gets its pages only on this system.
        let registered =
            |name: &&str| *name != "wee_alloc" || cfg!(all(target_os = "linux", target_pointer_width = "64"));
        let expected: Vec<_> = expected.into_iter().filter(registered).collect();
        assert_eq!(default.map(|info| info.name).collect::<Vec<_>>(), expected);
    }

    /// Whether a manifest pins this version of a crate exactly, or has the crate in its own workspace.
    fn pins(manifest: &str, crate_name: &str, version: &str) -> bool {
        let (pin, own) = (format!("\"={version}\""), format!("version = \"{version}\""));
        let entries = manifest.lines().filter_map(|line| line.strip_prefix(crate_name)?.strip_prefix(" = "));
        entries.into_iter().any(|entry| entry.contains(&pin) || (entry.contains("path = ") && entry.contains(&own)))
    }

    #[test]
    fn versions_match_the_pins_in_the_manifest() {
        let manifest = include_str!("../../Cargo.toml");
        for Info { name, crate_name, version, .. } in ALL {
            assert!(pins(manifest, crate_name, version), "{name}: the manifest does not pin {crate_name} {version}");
        }
    }

    #[test]
    fn a_version_that_is_not_pinned_is_noticed() {
        let manifest = "a = \"=1.2.3\"\nb = { version = \"=1.2.3\", features = [] }\nc = { path = \"c\", version = \"1.2.3\" }\n\
                        d = { version = \"1.2.3\" }\nmy-e = \"=1.2.3\"";
        let pinned = |version| ["a", "b", "c", "d", "e"].map(|name| pins(manifest, name, version));
        assert_eq!(pinned("1.2.3"), [true, true, true, false, false]);
        assert_eq!(pinned("1.2"), [false; 5]);
    }
}
