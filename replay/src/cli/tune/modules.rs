//! The bytes that a member adds to a WebAssembly module.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use heaprace_allocators::family::Design;
use heaprace_reports::results::Figure;
use heaprace_wasm::own;
use heaprace_wasm::size::sizes_of;
use heaprace_wasm::target::Target;
use heaprace_wasm::workshop::Workshop;

/// Compiles members to modules.
pub(super) struct Modules {
    /// Or why there is no compiler for them.
    workshop: Result<Workshop, String>,
    /// Where packages go.
    folder: PathBuf,
}

impl Modules {
    pub(super) fn new(folder: &Path) -> Self {
        let workshop = Workshop::open(Target::Wasm32).map_err(|error| error.to_string());
        Modules { workshop, folder: folder.join("member") }
    }

    /// Bytes that the member adds at opt-level z, if there is a compiler for it.
    pub(super) fn bytes(&self, design: &Design) -> Figure<i64> {
        let workshop = match &self.workshop {
            Ok(workshop) => workshop,
            Err(reason) => return Figure::unknown(reason.clone()),
        };
        let measured = || -> anyhow::Result<Figure<i64>> {
            self.write_package(design, workshop.root())?;
            let guest = own::at(std::slice::from_ref(&self.folder))?.pop().context("the package has no library")?;
            Ok(match sizes_of(workshop, &guest)? {
                Figure::Known(sizes) => Figure::Known(sizes.z.whole_bytes),
                Figure::Unknown { unknown } => Figure::unknown(unknown),
            })
        };
        measured().unwrap_or_else(|error| Figure::unknown(format!("{error:#}")))
    }

    /// A package with the member as the allocator of a module.
    fn write_package(&self, design: &Design, root: &Path) -> anyhow::Result<()> {
        let dependency = |path: &str| format!("{{ path = {:?} }}", root.join(path).to_string_lossy());
        let manifest = format!(
            "[package]\nname = \"member\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
             segregated-bump = {}\nheaprace-guest = {}\n\n[workspace]\n",
            dependency("allocators/segregated-bump"),
            dependency("allocators/guests/exports")
        );
        let library = format!(
            "#![no_std]\n\n{}\nuse segregated_bump::page_source::WasmPages;\n\n\
             // SAFETY: the module has one thread.\n\
             static ALLOCATOR: Allocator<WasmPages> = unsafe {{ SingleThreaded::new(Inner::new(WasmPages)) }};\n\n\
             heaprace_guest::export!(ALLOCATOR);\n",
            design.to_rust()
        );
        fs::create_dir_all(self.folder.join("src"))?;
        fs::write(self.folder.join("Cargo.toml"), manifest)?;
        fs::write(self.folder.join("src/lib.rs"), library)?;
        Ok(())
    }
}
