//! Runs Cargo for a guest: the same profile and flags for every package, whatever its own manifest says.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::target::Target;

/// The profile of every module, without its optimisation level: the smallest code that users commonly ship.
const PROFILE: [(&str, &str); 7] = [
    ("LTO", "fat"),
    ("CODEGEN_UNITS", "1"),
    ("PANIC", "abort"),
    ("STRIP", "symbols"),
    ("DEBUG", "false"),
    ("DEBUG_ASSERTIONS", "false"),
    ("OVERFLOW_CHECKS", "false"),
];

/// A library to compile.
pub(crate) struct Build<'b> {
    /// The folder of its package.
    pub(crate) package: &'b Path,
    /// Its only feature, if it has any; then the versions are those of its lock file.
    pub(crate) feature: Option<&'b str>,
    pub(crate) target: Target,
    /// The optimisation level.
    pub(crate) level: &'b str,
    /// Where Cargo's files go. Each module needs one: another process that compiles another does not replace the file.
    pub(crate) folder: &'b Path,
    /// The compiler's flags, instead of those of the user's own programs.
    pub(crate) flags: OsString,
    /// Where Cargo runs, which decides on the compiler.
    pub(crate) from: &'b Path,
}

/// What Cargo says of each thing that it has made.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

impl Build<'_> {
    /// The compiled library, or what Cargo says.
    pub(crate) fn run(&self) -> Result<PathBuf, String> {
        let output = self.command().output().map_err(|cause| format!("cannot run cargo: {cause}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        let [_, extension] = self.target.library();
        let made = String::from_utf8_lossy(&output.stdout);
        let made = made.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
        // The package itself is the last.
        made.filter(|message| message.reason == "compiler-artifact")
            .flat_map(|message| message.filenames)
            .rfind(|file| file.extension().is_some_and(|made| made == extension))
            .ok_or_else(|| format!("cargo made no .{extension} of it"))
    }

    fn command(&self) -> Command {
        let [kind, _] = self.target.library();
        let mut cargo = cargo();
        cargo.args(["rustc", "--quiet", "--release", "--lib", "--crate-type", kind, "--target", self.target.triple()]);
        cargo.args(["--message-format", "json-render-diagnostics"]);
        cargo.arg("--manifest-path").arg(self.package.join("Cargo.toml")).arg("--target-dir").arg(self.folder);
        if let Some(feature) = self.feature {
            cargo.args(["--locked", "--features", feature]);
        }
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", self.level);
        for (setting, value) in PROFILE {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{setting}"), value);
        }
        // Link-time optimisation and incremental compilation exclude each other.
        cargo.env("CARGO_INCREMENTAL", "0");
        cargo.env("CARGO_ENCODED_RUSTFLAGS", &self.flags).current_dir(self.from);
        cargo
    }
}

/// Cargo: the one that runs this program, or the one on the path.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Flags that replace folders of this machine in what modules contain.
pub(crate) fn remapping(folders: &[(&Path, &str)]) -> OsString {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let cargo_home = cargo_home.iter().map(|folder| (folder.as_path(), "/cargo"));
    let mut flags = OsString::new();
    for (folder, name) in folders.iter().copied().chain(cargo_home) {
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
