//! What allocators add to firmware.

use heaprace_wasm::flash::FlashSizes;
use heaprace_wasm::guests::{Guest, of};
use heaprace_wasm::size_table::SizeTable;
use heaprace_wasm::target::Target;

use crate::common::workshop_for;

#[test]
fn every_allocator_of_firmware_links_and_takes_flash() {
    let Some(workshop) = workshop_for(Target::Thumbv7em) else { return };
    for guest in of(Target::Thumbv7em) {
        let sizes = FlashSizes::of(&workshop, guest).unwrap_or_else(|error| panic!("{error}"));
        let FlashSizes { z, s, three } = sizes.known().unwrap();
        for added in [z, s, three] {
            // An allocator is more than a few instructions, and has at least a word to remember.
            assert!(added.code_bytes >= 100 && added.flash_bytes >= added.code_bytes, "{}: {added:?}", guest.name);
            assert!((4..8192).contains(&added.ram_bytes), "{}: {added:?}", guest.name);
        }
        assert!(z.code_bytes <= three.code_bytes, "{}: {sizes:?}", guest.name);
    }
}

#[test]
fn realloc_in_place_costs_flash() {
    let Some(workshop) = workshop_for(Target::Thumbv7em) else { return };
    let [with, without] = ["segregated-bump", "segregated-bump-mv"].map(|name| {
        let guest = Guest::named(name, Target::Thumbv7em).unwrap();
        FlashSizes::of(&workshop, &guest).unwrap().known().unwrap().z
    });
    assert!(with.code_bytes > without.code_bytes && with.ram_bytes == without.ram_bytes, "{with:?}, {without:?}");
}

#[test]
fn the_table_has_a_row_for_each() {
    let Some(workshop) = workshop_for(Target::Thumbv7em) else { return };
    let table = SizeTable::of(&workshop, of(Target::Thumbv7em), &mut |_| {}).unwrap().text(80);
    assert!(
        table.starts_with("Bytes that an allocator adds to firmware (flash; RAM without the heap), for"),
        "{table}"
    );
    for guest in of(Target::Thumbv7em) {
        assert!(table.lines().any(|line| line.starts_with(&*guest.name)), "{table}");
    }
}
