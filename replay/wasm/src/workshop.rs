//! Compiles the guests on demand, and keeps what it compiled.
//!
//! A module's name in the cache is a hash of all that it is made from: the sources, the versions that the lock file
//! names, the compiler, and the optimisation level. Modules do not contain the folder that they were compiled in, so
//! that their sizes do not depend on it.
//!
//! What an author's own package is made from, only Cargo knows. It is asked every time, and the name in the cache is a
//! hash of the module itself.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::cargo::{Build, remapping};
use crate::guests::{DRIVER, Guest, ModuleOrigin};
use crate::interface::{InterfaceFault, check};
use crate::link::link;
use crate::target::{Target, has_core, linker};

/// The package of the guests, from the repository's root.
const PACKAGE: &str = "allocators/guests";

/// What modules are compiled from: the package, the crate with its exports, the crate of our allocators, and the manifest
/// that its own inherits from.
const SOURCES: [&str; 8] = [
    "allocators/guests/src",
    "allocators/guests/Cargo.toml",
    "allocators/guests/Cargo.lock",
    "allocators/guests/exports/src",
    "allocators/guests/exports/Cargo.toml",
    "allocators/segregated-bump/src",
    "allocators/segregated-bump/Cargo.toml",
    "Cargo.toml",
];

/// Why there is no module.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkshopError {
    /// The sources are not there.
    #[error("the sources of the modules, {PACKAGE}, were not found: run this in a clone of Heaprace's repository")]
    NoSources,
    /// The compiler cannot be run.
    #[error("cannot run the compiler {compiler}: {cause}")]
    NoCompiler {
        /// Its name.
        compiler: String,
        /// Why not.
        cause: io::Error,
    },
    /// The compiler has no library for the target.
    #[error(
        "the Rust compiler has no library for {0}: `rustup target add {0}` installs it (or let RUSTC name a compiler that has it)"
    )]
    NoTarget(&'static str),
    /// There is no linker for the target.
    #[error("the Rust compiler has no linker for {triple}, rust-lld; let {variable} name one that takes its options")]
    NoLinker {
        /// The target.
        triple: &'static str,
        /// The environment's variable.
        variable: String,
    },
    /// A guest does not compile.
    #[error("the module {module} does not compile:\n{message}")]
    Compile {
        /// The guest.
        module: String,
        /// What cargo said.
        message: String,
    },
    /// An author's module is not one that can be replayed.
    #[error("the module {module}: {fault}")]
    Interface {
        /// The guest.
        module: String,
        /// What is missing.
        fault: InterfaceFault,
    },
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// Why not.
        cause: io::Error,
    },
}

/// How a module is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptLevel {
    /// For size, without loops unrolled or vectorised.
    Z,
    /// For size.
    S,
    /// For speed.
    Three,
}

impl OptLevel {
    /// All, from the smallest code to the fastest.
    pub const ALL: [OptLevel; 3] = [OptLevel::Z, OptLevel::S, OptLevel::Three];

    /// As in a profile of Cargo.
    pub fn name(self) -> &'static str {
        match self {
            OptLevel::Z => "z",
            OptLevel::S => "s",
            OptLevel::Three => "3",
        }
    }

    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        OptLevel::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// Where modules come from.
#[derive(Clone, Debug)]
pub struct Workshop {
    target: Target,
    /// The repository's root.
    root: PathBuf,
    /// Where modules and Cargo's own files go.
    folder: PathBuf,
    /// The compiler's version, in one line.
    compiler: String,
    /// A folder whose paths a module must not name.
    sysroot: PathBuf,
    /// For firmware.
    linker: Option<OsString>,
    sources: Sha256,
}

impl Workshop {
    /// Finds the sources and the compiler.
    ///
    /// # Errors
    ///
    /// If either is missing, or the compiler has no library for the target.
    pub fn open(target: Target) -> Result<Self, WorkshopError> {
        Self::at(&root()?, target)
    }

    /// The workshop of the clone in this folder.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn at(root: &Path, target: Target) -> Result<Self, WorkshopError> {
        if !root.join(PACKAGE).join("Cargo.toml").is_file() {
            return Err(WorkshopError::NoSources);
        }
        let ask = |arguments: &[&str]| -> Result<String, WorkshopError> {
            let compiler = rustc();
            let asked = Command::new(&compiler).args(arguments).current_dir(root.join(PACKAGE)).output();
            let answer = asked.map_err(|cause| WorkshopError::NoCompiler {
                compiler: compiler.to_string_lossy().into_owned(),
                cause,
            })?;
            Ok(String::from_utf8_lossy(&answer.stdout).trim().to_owned())
        };
        let libraries = PathBuf::from(ask(&["--print", "target-libdir", "--target", target.triple()])?);
        if !has_core(&libraries) {
            return Err(WorkshopError::NoTarget(target.triple()));
        }
        let version = ask(&["-vV"])?;
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?);
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let linker = linker(target, &sysroot, host);
        if target == Target::Thumbv7em && linker.is_none() {
            return Err(WorkshopError::NoLinker { triple: target.triple(), variable: target.linker_variable() });
        }
        let mut sources = Sha256::new();
        sources.update(&version);
        for source in SOURCES {
            add(&mut sources, &root.join(source))?;
        }
        Ok(Workshop {
            target,
            folder: target_folder(root).join("guests"),
            root: root.to_owned(),
            compiler: version.lines().next().unwrap_or_default().to_owned(),
            sysroot,
            linker,
            sources,
        })
    }

    /// The folder of the clone.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The compiler's version.
    pub fn compiler(&self) -> &str {
        &self.compiler
    }

    /// What it compiles for.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The file of a guest's module; compiles it if that was not done yet.
    ///
    /// # Errors
    ///
    /// If it does not compile, an author's module has not the exports that a replay needs, or a file cannot be written.
    pub fn module(&self, guest: &Guest, level: OptLevel) -> Result<PathBuf, WorkshopError> {
        let made = match &guest.origin {
            ModuleOrigin::Feature => return self.feature(&guest.name, level),
            ModuleOrigin::Package(folder) => self.compile(&guest.name, Some(folder), level)?,
            ModuleOrigin::File(file) => fs::read(file).map_err(|cause| file_error(file, cause))?,
        };
        if self.target == Target::Wasm32 {
            let failed = |fault| WorkshopError::Interface { module: guest.name.clone().into_owned(), fault };
            check(&made).map_err(failed)?;
        }
        let hash = short_hash(Sha256::new_with_prefix(&made));
        let file = self.folder.join("own").join(format!("{hash}.{}", self.target.extension()));
        if !file.is_file() {
            write(&file, &made)?;
        }
        Ok(file)
    }

    /// The module of a feature of the package `allocators/guests`.
    ///
    /// # Errors
    ///
    /// If it does not compile, or a file cannot be written.
    pub fn feature(&self, feature: &str, level: OptLevel) -> Result<PathBuf, WorkshopError> {
        let mut hash = self.sources.clone();
        hash.update(format!("{feature} {} {}", level.name(), self.target.name()));
        let hash = short_hash(hash);
        let file = self.folder.join(format!("{feature}-{}-{hash}.{}", level.name(), self.target.extension()));
        if !file.is_file() {
            write(&file, &self.compile(feature, None, level)?)?;
        }
        Ok(file)
    }

    /// The driver's module. It is always optimised for speed: it is the harness.
    ///
    /// # Errors
    ///
    /// As for [`feature`](Self::feature).
    pub fn driver(&self) -> Result<PathBuf, WorkshopError> {
        self.feature(DRIVER, OptLevel::Three)
    }

    /// Compiles a feature, or an author's package.
    fn compile(&self, name: &str, own: Option<&Path>, level: OptLevel) -> Result<Vec<u8>, WorkshopError> {
        let package = self.root.join(PACKAGE);
        // A folder for each: another process that compiles another guest does not replace the file.
        let of =
            own.map(|own| "-".to_owned() + &short_hash(Sha256::new_with_prefix(own.as_os_str().as_encoded_bytes())));
        let (level_name, target_name) = (level.name(), self.target.name());
        let folder = format!("{name}{}-{level_name}-{target_name}", of.unwrap_or_default());
        let folder = self.folder.join("build").join(folder);
        let failed = |message| WorkshopError::Compile { module: name.to_owned(), message };
        let mut folders = vec![(&*self.root, "/heaprace"), (&*self.sysroot, "/rust")];
        folders.extend(own.map(|own| (own, "/own")));
        let build = Build {
            package: own.unwrap_or(&package),
            feature: own.is_none().then_some(name),
            target: self.target,
            level: level_name,
            folder: &folder,
            flags: remapping(&folders),
            from: &package,
        };
        let made = build.run().map_err(failed)?;
        if let (Target::Thumbv7em, Some(linker)) = (self.target, &self.linker) {
            // A file of its own: another process that links the same guest does not replace it.
            let linked = tempfile::NamedTempFile::new_in(&folder).map_err(|cause| file_error(&folder, cause))?;
            link(linker, &made, linked.path()).map_err(failed)?;
            return fs::read(linked.path()).map_err(|cause| file_error(linked.path(), cause));
        }
        fs::read(&made).map_err(|cause| file_error(&made, cause))
    }
}

/// The compiler: RUSTC, as for Cargo, or the one on the path.
fn rustc() -> OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// The clone that this crate was compiled in, or the one that the current folder is in.
fn root() -> Result<PathBuf, WorkshopError> {
    let compiled_in = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map(Path::to_owned);
    let here = env::current_dir().unwrap_or_default();
    let mut candidates = compiled_in.into_iter().chain(here.ancestors().map(Path::to_owned));
    candidates.find(|root| root.join(PACKAGE).join("Cargo.toml").is_file()).ok_or(WorkshopError::NoSources)
}

fn target_folder(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

fn short_hash(hash: Sha256) -> String {
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Adds a file, or all files of a folder, to a hash.
fn add(hash: &mut Sha256, path: &Path) -> Result<(), WorkshopError> {
    let failed = |cause| file_error(path, cause);
    if path.is_dir() {
        let mut files: Vec<PathBuf> = Vec::new();
        for file in fs::read_dir(path).map_err(failed)? {
            files.push(file.map_err(failed)?.path());
        }
        files.sort();
        return files.iter().try_for_each(|file| add(hash, file));
    }
    let content = fs::read(path).map_err(failed)?;
    hash.update(path.file_name().unwrap_or_default().to_string_lossy().as_bytes());
    hash.update((content.len() as u64).to_le_bytes());
    hash.update(content);
    Ok(())
}

/// Writes a file whole or not at all, so that another process never sees half a module.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<(), WorkshopError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let write = || {
        fs::create_dir_all(folder)?;
        let temporary = tempfile::NamedTempFile::new_in(folder)?;
        fs::write(temporary.path(), bytes)?;
        temporary.persist(file).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|cause| file_error(file, cause))
}

pub(crate) fn file_error(path: &Path, cause: io::Error) -> WorkshopError {
    WorkshopError::File { path: path.display().to_string(), cause }
}
