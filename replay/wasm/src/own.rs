//! Allocators of an author's own: a package, or a module that is compiled already.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use heaprace_reports::printable;
use heaprace_reports::results::Role;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::cargo::cargo;
use crate::guests::{DRIVER, Guest, ModuleOrigin, NONE, of};
use crate::interface::{InterfaceFault, check};
use crate::target::Target;

/// Why an author's allocator cannot take part.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OwnGuestError {
    /// There is nothing there, or it cannot be read.
    #[error("{path}: {cause}")]
    File {
        /// The path.
        path: String,
        /// Why not.
        cause: io::Error,
    },
    /// A folder without a package.
    #[error("{path} has no package of its own: give the folder with the Cargo.toml that names it")]
    NoPackage {
        /// The folder.
        path: String,
    },
    /// Cargo does not understand its manifest.
    #[error("{path}: {message}")]
    Manifest {
        /// The folder.
        path: String,
        /// What Cargo says.
        message: String,
    },
    /// The package is a program.
    #[error("the package {name} in {path} has no library")]
    NoLibrary {
        /// The package.
        name: String,
        /// The folder.
        path: String,
    },
    /// The module cannot be replayed.
    #[error("{path}: {fault}")]
    Interface {
        /// The file.
        path: String,
        /// Why not.
        fault: InterfaceFault,
    },
    /// Another allocator has the name.
    #[error("{path} is called {name}, and so is another allocator: rename its package or its file")]
    Taken {
        /// The path.
        path: String,
        /// The name.
        name: String,
    },
}

/// What `cargo metadata` says.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
    targets: Vec<PackageTarget>,
}

#[derive(Deserialize)]
struct PackageTarget {
    kind: Vec<String>,
}

/// The allocators at these paths: folders with packages, or modules.
///
/// # Errors
///
/// If there is none at a path, or its name is taken.
pub fn at(paths: &[PathBuf]) -> Result<Vec<Guest>, OwnGuestError> {
    let mut all: Vec<Guest> = Vec::new();
    for path in paths {
        let guest = if path.is_dir() { package(path)? } else { module(path)? };
        let registered = Target::ALL.into_iter().flat_map(of).map(|guest| &*guest.name).chain([NONE, DRIVER]);
        if all.iter().map(|guest| &*guest.name).chain(registered).any(|known| known == guest.name) {
            return Err(OwnGuestError::Taken { path: shown(path), name: guest.name.into_owned() });
        }
        all.push(guest);
    }
    Ok(all)
}

fn guest(name: String, version: String, origin: ModuleOrigin) -> Guest {
    let summary = "an allocator of your own";
    Guest { name: Cow::Owned(name), version: Cow::Owned(version), summary, role: Role::Contender, origin }
}

/// The package in a folder, by the name and version of its manifest.
fn package(folder: &Path) -> Result<Guest, OwnGuestError> {
    let file_error = |cause| OwnGuestError::File { path: shown(folder), cause };
    let folder = folder.canonicalize().map_err(file_error)?;
    let (path, manifest) = (shown(&folder), folder.join("Cargo.toml"));
    if !manifest.is_file() {
        return Err(OwnGuestError::NoPackage { path });
    }
    let mut cargo = cargo();
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(&manifest);
    let asked = cargo.output().map_err(|cause| OwnGuestError::File { path: "cargo".to_owned(), cause })?;
    let refused = |message: String| OwnGuestError::Manifest { path: path.clone(), message };
    if !asked.status.success() {
        return Err(refused(String::from_utf8_lossy(&asked.stderr).trim().to_owned()));
    }
    let metadata: Metadata =
        serde_json::from_slice(&asked.stdout).map_err(|cause| refused(format!("cargo's metadata: {cause}")))?;
    let is_here = |package: &Package| package.manifest_path.canonicalize().is_ok_and(|path| path == manifest);
    let Some(package) = metadata.packages.into_iter().find(is_here) else {
        return Err(OwnGuestError::NoPackage { path });
    };
    const PROGRAMS: [&str; 5] = ["bin", "example", "test", "bench", "custom-build"];
    let is_library = |target: &PackageTarget| target.kind.iter().all(|kind| !PROGRAMS.contains(&kind.as_str()));
    if !package.targets.iter().any(is_library) {
        return Err(OwnGuestError::NoLibrary { name: package.name, path });
    }
    Ok(guest(package.name, package.version, ModuleOrigin::Package(folder)))
}

/// The module in a file, by the file's name. Its version is a hash.
fn module(file: &Path) -> Result<Guest, OwnGuestError> {
    let file_error = |cause| OwnGuestError::File { path: shown(file), cause };
    let module = fs::read(file).map_err(file_error)?;
    check(&module).map_err(|fault| OwnGuestError::Interface { path: shown(file), fault })?;
    let name = printable(&file.file_stem().unwrap_or_default().to_string_lossy()).replace('\n', "\\n");
    let hash: String = Sha256::digest(&module).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    Ok(guest(name, format!("sha256:{hash}"), ModuleOrigin::File(file.canonicalize().map_err(file_error)?)))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(manifest: &str, source: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("Cargo.toml"), format!("{manifest}\n[workspace]\n")).unwrap();
        fs::write(folder.path().join("src").join(source), "").unwrap();
        folder
    }

    fn named(name: &str) -> String {
        format!("[package]\nname = \"{name}\"\nversion = \"1.2.3\"\nedition = \"2024\"\n")
    }

    fn one(folder: &tempfile::TempDir) -> Result<Guest, OwnGuestError> {
        at(&[folder.path().to_owned()]).map(|mut guests| guests.remove(0))
    }

    #[test]
    fn a_package_has_the_name_and_the_version_of_its_manifest() {
        let guest = one(&folder(&named("mine"), "lib.rs")).unwrap();
        assert_eq!((&*guest.name, &*guest.version, guest.role), ("mine", "1.2.3", Role::Contender));
    }

    #[test]
    fn what_is_no_package_with_a_library_is_refused() {
        assert!(matches!(one(&folder(&named("mine"), "main.rs")), Err(OwnGuestError::NoLibrary { .. })));
        assert!(matches!(one(&folder("", "lib.rs")), Err(OwnGuestError::NoPackage { .. })));
        assert!(matches!(one(&folder("[package", "lib.rs")), Err(OwnGuestError::Manifest { .. })));
        assert!(matches!(one(&tempfile::tempdir().unwrap()), Err(OwnGuestError::NoPackage { .. })));
        assert!(matches!(at(&["nowhere.wasm".into()]), Err(OwnGuestError::File { .. })));
    }

    #[test]
    fn a_name_that_is_taken_is_refused() {
        for name in ["talc", "rlsf", "null", "none", "driver"] {
            let error = one(&folder(&named(name), "lib.rs")).unwrap_err();
            assert!(matches!(&error, OwnGuestError::Taken { name: taken, .. } if taken == name), "{error}");
        }
        let [first, second] = [(); 2].map(|()| folder(&named("mine"), "lib.rs"));
        let error = at(&[first.path().to_owned(), second.path().to_owned()]).unwrap_err();
        assert!(matches!(error, OwnGuestError::Taken { .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_no_module_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.wasm");
        fs::write(&file, "no module").unwrap();
        let error = at(&[file]).unwrap_err();
        assert!(error.to_string().ends_with("mine.wasm: not a WebAssembly module"), "{error}");
    }
}
