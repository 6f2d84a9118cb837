//! All contenders, in one table. The command line, the benches and the tests take their list from here.

use crate::heap_allocator::{HeapAllocator, Info};
use crate::page_heap::HeapRef;

/// What to do with a contender whose type is known only by its name: `visit` is compiled once for each of them, so that nothing is
/// dispatched while it runs.
pub trait Visitor {
    /// What a visit gives.
    type Output;

    /// Does it for `A`.
    fn visit<A: HeapAllocator>(&mut self) -> Self::Output;
}

macro_rules! contenders {
    ($($(#[$condition:meta])* $contender:ty,)+) => {
        /// What each contender is, in the order of the tables: contenders, baselines, ablations, the floor.
        pub const ALL: &[Info] = &[$($(#[$condition])* <$contender>::INFO),+];

        /// Visits the contender of this name, if there is one.
        pub fn visit<V: Visitor>(name: &str, visitor: &mut V) -> Option<V::Output> {
            $(
                $(#[$condition])*
                if name == <$contender>::INFO.name {
                    return Some(visitor.visit::<$contender>());
                }
            )+
            None
        }
    };
}

contenders! {
    crate::segregated_bump::SegregatedBump<HeapRef, true>,
    crate::dlmalloc::Dlmalloc,
    crate::wasmalloc::Wasmalloc,
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    crate::wee_alloc::WeeAlloc,
    crate::talc::Talc,
    crate::bump::Bump,
    crate::segregated_bump::SegregatedBump<HeapRef, false>,
    crate::null::Null,
}

/// Visits every contender, in the order of the tables.
pub fn visit_all<V: Visitor>(visitor: &mut V) -> Vec<V::Output> {
    ALL.iter().filter_map(|info| visit(info.name, visitor)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap_allocator::Role;

    #[test]
    fn names_are_unique_and_each_finds_its_own_contender() {
        struct Name;
        impl Visitor for Name {
            type Output = &'static str;
            fn visit<A: HeapAllocator>(&mut self) -> &'static str {
                A::INFO.name
            }
        }
        let names: Vec<_> = ALL.iter().map(|info| info.name).collect();
        assert_eq!(visit_all(&mut Name), names);
        assert_eq!(visit("no such allocator", &mut Name), None);
    }

    #[test]
    fn roles_come_in_the_order_of_the_tables_and_ours_without_its_realloc_is_an_ablation() {
        let order = [Role::Contender, Role::Baseline, Role::Ablation, Role::Floor];
        let places = ALL.iter().map(|info| order.iter().position(|role| *role == info.role).unwrap());
        assert!(places.is_sorted());
        let named = |role| ALL.iter().filter(move |info| info.role == role).map(|info| info.name).collect::<Vec<_>>();
        assert_eq!(named(Role::Baseline), ["bump"]);
        assert_eq!(named(Role::Ablation), ["segregated-bump-mv"]);
        assert_eq!(named(Role::Floor), ["null"]);
    }

    #[test]
    fn versions_are_those_that_the_manifest_pins() {
        let manifest = include_str!("../../Cargo.toml");
        for info in ALL.iter().filter(|info| info.version != env!("CARGO_PKG_VERSION")) {
            let pin = format!("{} = \"={}\"", info.name, info.version);
            assert!(manifest.contains(&pin), "the workspace manifest has no line {pin}");
        }
    }
}
