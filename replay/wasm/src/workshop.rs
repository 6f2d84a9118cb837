//! Compiles the guests on demand, and keeps what it compiled.
//!
//! A module's name in the cache is a hash of all that it is made from: the sources, the versions that the lock file
//! names, the compiler, and the optimisation level. Modules do not contain the folder that they were compiled in, so
//! that their sizes do not depend on it.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::guests::DRIVER;

/// What modules are compiled for.
const TARGET: &str = "wasm32-unknown-unknown";

/// The package of the guests, from the repository's root.
const PACKAGE: &str = "allocators/guests";

/// What else modules are compiled from: the crate of our allocators, and the manifest that its own inherits from.
const BESIDE: [&str; 3] = ["allocators/segregated-bump/src", "allocators/segregated-bump/Cargo.toml", "Cargo.toml"];

/// Why there is no module.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkshopError {
    /// The sources are not there.
    #[error(
        "the sources of the WebAssembly modules, {PACKAGE}, were not found: run this in a clone of Heaprace's repository"
    )]
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
        "the Rust compiler has no library for WebAssembly: `rustup target add {TARGET}` installs it (or let RUSTC name a compiler that has it)"
    )]
    NoTarget,
    /// A guest does not compile.
    #[error("the module {module} does not compile:\n{message}")]
    Compile {
        /// The guest.
        module: String,
        /// What cargo said.
        message: String,
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
    /// The repository's root.
    root: PathBuf,
    /// Where modules and Cargo's own files go.
    folder: PathBuf,
    /// The compiler's version, in one line.
    compiler: String,
    /// For the linker's environment: paths that a module must not name.
    sysroot: PathBuf,
    sources: Sha256,
}

impl Workshop {
    /// Finds the sources and the compiler.
    ///
    /// # Errors
    ///
    /// If either is missing, or the compiler has no library for WebAssembly.
    pub fn open() -> Result<Self, WorkshopError> {
        Self::at(&root()?)
    }

    /// The workshop of the clone in this folder.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn at(root: &Path) -> Result<Self, WorkshopError> {
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
        let libraries = PathBuf::from(ask(&["--print", "target-libdir", "--target", TARGET])?);
        if !has_core(&libraries) {
            return Err(WorkshopError::NoTarget);
        }
        let version = ask(&["-vV"])?;
        let mut sources = Sha256::new();
        sources.update(&version);
        add(&mut sources, &root.join(PACKAGE).join("src"))?;
        for file in ["Cargo.toml", "Cargo.lock"] {
            add(&mut sources, &root.join(PACKAGE).join(file))?;
        }
        for beside in BESIDE {
            add(&mut sources, &root.join(beside))?;
        }
        Ok(Workshop {
            folder: target_folder(root).join("guests"),
            root: root.to_owned(),
            compiler: version.lines().next().unwrap_or_default().to_owned(),
            sysroot: PathBuf::from(ask(&["--print", "sysroot"])?),
            sources,
        })
    }

    /// The compiler's version.
    pub fn compiler(&self) -> &str {
        &self.compiler
    }

    /// The file of a guest's module; compiles it if that was not done yet.
    ///
    /// # Errors
    ///
    /// If it does not compile, or a file cannot be written.
    pub fn module(&self, guest: &str, level: OptLevel) -> Result<PathBuf, WorkshopError> {
        let mut hash = self.sources.clone();
        hash.update(format!("{guest} {}", level.name()));
        let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let file = self.folder.join(format!("{guest}-{}-{hash}.wasm", level.name()));
        if !file.is_file() {
            let compiled = self.compile(guest, level)?;
            write(&file, &compiled)?;
        }
        Ok(file)
    }

    /// The driver's module. It is always optimised for speed: it is the harness.
    ///
    /// # Errors
    ///
    /// As for [`module`](Self::module).
    pub fn driver(&self) -> Result<PathBuf, WorkshopError> {
        self.module(DRIVER, OptLevel::Three)
    }

    fn compile(&self, guest: &str, level: OptLevel) -> Result<Vec<u8>, WorkshopError> {
        // A folder for each: another process that compiles another guest does not replace the file.
        let built = self.folder.join("build").join(format!("{guest}-{}", level.name()));
        let output = self.cargo(guest, level, &built).output();
        let failed = |message| WorkshopError::Compile { module: guest.to_owned(), message };
        match output {
            Ok(Output { status, .. }) if status.success() => {
                let file = built.join(TARGET).join("release/guests.wasm");
                fs::read(&file).map_err(|cause| file_error(&file, cause))
            }
            Ok(output) => Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            Err(cause) => Err(failed(format!("cannot run cargo: {cause}"))),
        }
    }

    fn cargo(&self, guest: &str, level: OptLevel, built: &Path) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--release", "--locked", "--target", TARGET, "--features", guest]);
        cargo.arg("--target-dir").arg(built).current_dir(self.root.join(PACKAGE));
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", level.name());
        // Link-time optimisation and incremental compilation exclude each other.
        cargo.env("CARGO_INCREMENTAL", "0");
        // Flags for the user's own programs would change the modules; and no module names a folder of this machine.
        cargo.env("CARGO_ENCODED_RUSTFLAGS", self.remapping());
        cargo
    }

    /// The flags that replace folders of this machine in what modules contain.
    fn remapping(&self) -> OsString {
        let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
        let cargo_home = cargo_home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
        let folders =
            [(Some(&self.root), "/heaprace"), (cargo_home.as_ref(), "/cargo"), (Some(&self.sysroot), "/rust")];
        let mut flags = OsString::new();
        for (folder, name) in folders.into_iter().filter_map(|(folder, name)| Some((folder?, name))) {
            if !flags.is_empty() {
                flags.push("\x1f");
            }
            flags.push("--remap-path-prefix=");
            flags.push(folder);
            flags.push("=");
            flags.push(name);
        }
        flags
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

fn has_core(libraries: &Path) -> bool {
    let Ok(files) = fs::read_dir(libraries) else { return false };
    files.flatten().any(|file| {
        let name = file.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libcore") && name.ends_with(".rlib")
    })
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
