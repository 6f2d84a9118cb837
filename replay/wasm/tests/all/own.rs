//! Allocators of an author's own: a package, and a module.

use std::fs;
use std::path::Path;
use std::time::Duration;

use heaprace_wasm::comparison::{GuestPlan, Subject, compare_guests};
use heaprace_wasm::flash::FlashSizes;
use heaprace_wasm::guests::Guest;
use heaprace_wasm::own;
use heaprace_wasm::size::sizes_of;
use heaprace_wasm::target::Target;
use heaprace_wasm::workshop::{OptLevel, WorkshopError};

use crate::common::{Bench, program, workshop, workshop_for};

/// A package in this folder whose library is `source`. What its profile says must not matter.
fn package(folder: &Path, name: &str, source: &str) -> Guest {
    let exports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../allocators/guests/exports");
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../allocators/segregated-bump");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"1.2.3\"\nedition = \"2024\"\n[dependencies]\n\
         heaprace-guest = {{ path = {exports:?} }}\nsegregated-bump = {{ path = {ours:?} }}\n[workspace]\n\
         [profile.release]\nlto = \"off\"\ncodegen-units = 7\noverflow-checks = true\n"
    );
    fs::create_dir_all(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), source).unwrap();
    own::at(&[folder.to_owned()]).unwrap().remove(0)
}

/// Our own allocator, as an author would have it.
const SEGREGATED: &str = "\
#![no_std]
#[cfg(target_family = \"wasm\")]
use segregated_bump::page_source::WasmPages as Pages;
use segregated_bump::{SegregatedBump, SingleThreaded};
static ALLOCATOR: SingleThreaded<SegregatedBump<Pages>> = unsafe { SingleThreaded::new(SegregatedBump::new(Pages)) };
heaprace_guest::export!(ALLOCATOR);
#[cfg(not(target_family = \"wasm\"))]
struct Pages;
#[cfg(not(target_family = \"wasm\"))]
unsafe impl segregated_bump::page_source::PageSource for Pages {
    fn run_align(&self) -> usize { 8 }
    fn acquire(&mut self, _: usize) -> Option<core::ptr::NonNull<[u8]>> { None }
}
";

#[test]
fn a_package_has_the_sizes_that_it_has_among_the_others() {
    let Some(workshop) = workshop() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mine = package(folder.path(), "mine", SEGREGATED);
    let known = Guest::named("segregated-bump", Target::Wasm32).unwrap();
    let sizes = [&mine, &known].map(|guest| sizes_of(&workshop, guest).unwrap());
    assert_eq!(sizes[0], sizes[1]);
    let module = fs::read(workshop.module(&mine, OptLevel::Z).unwrap()).unwrap();
    let named = String::from_utf8_lossy(&module).contains(folder.path().to_str().unwrap());
    assert!(!named, "it names its folder");
}

#[test]
fn a_package_and_a_module_are_rows_beside_the_others() {
    let Some(bench) = Bench::set_up() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mine = package(&folder.path().join("package"), "mine", SEGREGATED);
    let file = folder.path().join("theirs.wasm");
    fs::copy(bench.module("dlmalloc"), &file).unwrap();
    let guests =
        [vec![mine], own::at(&[file]).unwrap(), vec![Guest::named("dlmalloc", Target::Wasm32).unwrap()]].concat();
    let plan = GuestPlan {
        guests,
        level: OptLevel::Three,
        rounds: 0,
        touch: true,
        limit_pages: 100,
        budget: Duration::from_secs(60),
        seed: 1,
    };
    let program = program("alloc,1,100000,8\nalloc,2,100,8\nrealloc,2,5000\ndealloc,1\n");
    let subject = Subject { name: "test", sha256: "", program: &program };
    let results = compare_guests(subject, &plan, &[Ok(&bench.node)], &mut |_| {}).unwrap();
    let names: Vec<&str> = results.rows.iter().map(|row| &*row.name).collect();
    assert_eq!(names, ["mine", "theirs", "dlmalloc", "null"]);
    assert_eq!(results.rows[0].version, "1.2.3");
    assert_eq!(results.rows[1].memory, results.rows[2].memory);
    assert!(results.rows[1].version.starts_with("sha256:"), "{}", results.rows[1].version);
    let text = heaprace_reports::table::wasm_text(&results, 100);
    assert!(text.contains("– theirs: compiled by its author"), "{text}");
    // What was written is in the cache, and not beside the author's module.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_package_that_exports_nothing_or_does_not_compile_is_an_error_with_its_name() {
    let Some(workshop) = workshop() else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = "#![no_std]\n#[panic_handler] fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }\n";
    let empty = package(&folder.path().join("empty"), "empty", start);
    let error = workshop.module(&empty, OptLevel::Z).unwrap_err();
    assert!(matches!(error, WorkshopError::Interface { .. }), "{error}");
    assert!(error.to_string().starts_with("the module empty: it exports no function `alloc`"), "{error}");
    let broken = package(&folder.path().join("broken"), "broken", "#![no_std]\nheaprace_guest::export!(NOTHING);\n");
    let error = workshop.module(&broken, OptLevel::Z).unwrap_err();
    assert!(matches!(&error, WorkshopError::Compile { message, .. } if message.contains("NOTHING")), "{error}");
}

#[test]
fn a_package_can_be_firmware() {
    let Some(workshop) = workshop_for(Target::Thumbv7em) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mine = package(folder.path(), "mine", SEGREGATED);
    let sizes = FlashSizes::of(&workshop, &mine).unwrap();
    assert!(sizes.known().unwrap().z.code_bytes > 100, "{sizes:?}");
}
