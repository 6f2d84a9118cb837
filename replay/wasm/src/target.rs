//! What guests are compiled for.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// What guests are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// WebAssembly with 32-bit addresses.
    Wasm32,
    /// Firmware for an Arm Cortex-M4 or M7.
    Thumbv7em,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 2] = [Target::Wasm32, Target::Thumbv7em];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Target::Wasm32 => "wasm32",
            Target::Thumbv7em => "thumbv7em",
        }
    }

    /// The target of this name.
    pub fn named(name: &str) -> Option<Self> {
        Target::ALL.into_iter().find(|target| target.name() == name)
    }

    /// Its name for Rust's compiler.
    pub fn triple(self) -> &'static str {
        match self {
            Target::Wasm32 => "wasm32-unknown-unknown",
            Target::Thumbv7em => "thumbv7em-none-eabi",
        }
    }

    /// What Cargo makes of a guest: the kind of a library, and its file's extension. The linker for WebAssembly makes
    /// the module; firmware is linked afterwards.
    pub(crate) fn library(self) -> [&'static str; 2] {
        match self {
            Target::Wasm32 => ["cdylib", "wasm"],
            Target::Thumbv7em => ["staticlib", "a"],
        }
    }

    /// The extension of a linked guest.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Target::Wasm32 => "wasm",
            Target::Thumbv7em => "elf",
        }
    }

    /// The environment's variable with a linker, which Cargo reads too.
    pub(crate) fn linker_variable(self) -> String {
        format!("CARGO_TARGET_{}_LINKER", self.triple().to_uppercase().replace('-', "_"))
    }
}

/// Whether a folder of the compiler's libraries has those of a target.
pub(crate) fn has_core(libraries: &Path) -> bool {
    let Ok(files) = fs::read_dir(libraries) else { return false };
    files.flatten().any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libcore") && name.ends_with(".rlib")
    })
}

/// The linker for firmware: the one that the environment names, or the compiler's own.
pub(crate) fn linker(target: Target, sysroot: &Path, host: &str) -> Option<OsString> {
    let named = std::env::var_os(target.linker_variable()).filter(|linker| !linker.is_empty());
    let file = format!("rust-lld{}", std::env::consts::EXE_SUFFIX);
    let own: PathBuf = sysroot.join("lib/rustlib").join(host).join("bin").join(file);
    named.or_else(|| own.is_file().then(|| own.into_os_string()))
}
