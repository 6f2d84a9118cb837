//! What is compiled.

use std::fs;
use std::path::{Path, PathBuf};

use heaprace_reports::wasm::AddedBytes;
use heaprace_wasm::guests::{DRIVER, Guest, NONE, of};
use heaprace_wasm::module::code_and_data_bytes;
use heaprace_wasm::size::{added_bytes, sizes_of};
use heaprace_wasm::target::Target;
use heaprace_wasm::workshop::{OptLevel, Workshop, WorkshopError};

use crate::common::workshop;

/// The repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
            copy(&file.path(), &to.join(file.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

#[test]
fn a_module_is_the_same_from_any_folder_and_names_none() {
    let Some(here) = workshop() else { return };
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("a longer name with blanks/heaprace");
    let guests = "allocators/guests";
    for part in ["src", "exports", "Cargo.toml", "Cargo.lock"].map(|part| format!("{guests}/{part}")) {
        copy(&root().join(&part), &elsewhere.join(&part));
    }
    for part in ["Cargo.toml", "allocators/segregated-bump"] {
        copy(&root().join(part), &elsewhere.join(part));
    }
    let there = Workshop::at(&elsewhere, Target::Wasm32).unwrap();
    for guest in ["swept-bump", "dlmalloc", DRIVER] {
        let [one, other] =
            [&here, &there].map(|workshop| fs::read(workshop.feature(guest, OptLevel::S).unwrap()).unwrap());
        assert!(one == other, "{guest}");
        let text = String::from_utf8_lossy(&one);
        for name in [root().to_str().unwrap(), ".cargo", "/rustc/", "rustlib"] {
            assert!(!text.contains(name), "{guest} names {name}");
        }
    }
}

#[test]
fn sizes_are_those_of_the_sections() {
    let Some(workshop) = workshop() else { return };
    let module = |guest| fs::read(workshop.feature(guest, OptLevel::Z).unwrap()).unwrap();
    let (none, floor) = (module(NONE), module("null"));
    // No allocator: four exports that answer 0 and two that use the memory, and nothing to begin with.
    let (code, data) = code_and_data_bytes(&none).unwrap();
    assert!((20..100).contains(&code), "{code}");
    assert_eq!(data, 0);
    assert_eq!(added_bytes(&none, &none), Ok(AddedBytes { whole_bytes: 0, code_bytes: 0, data_bytes: 0 }));
    let floor = added_bytes(&floor, &none).unwrap();
    assert!(floor.code_bytes > 0 && floor.whole_bytes >= floor.code_bytes && floor.data_bytes == 0, "{floor:?}");
    let guest = Guest::named("segregated-bump", Target::Wasm32).unwrap();
    let sizes = sizes_of(&workshop, &guest).unwrap();
    let sizes = sizes.known().unwrap();
    assert!(sizes.z.code_bytes < sizes.three.code_bytes, "{sizes:?}");
}

#[test]
fn every_guest_compiles() {
    let Some(workshop) = workshop() else { return };
    for guest in of(Target::Wasm32) {
        let module = workshop.module(guest, OptLevel::Three).unwrap_or_else(|error| panic!("{error}"));
        assert!(code_and_data_bytes(&fs::read(module).unwrap()).is_ok(), "{}", guest.name);
    }
}

#[test]
fn without_sources_the_error_says_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let error = Workshop::at(folder.path(), Target::Wasm32).unwrap_err();
    assert!(matches!(error, WorkshopError::NoSources) && error.to_string().contains("a clone"), "{error}");
}
