//! Members compiled into a `replay` of their own, so that times are those of the code that ships.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use heaprace_allocators::family::Design;

use crate::cli::terminal::note;

/// The name of a member in the command that it is compiled into.
pub(super) fn name(index: usize) -> String {
    format!("member-{index}")
}

/// Builds the command, and returns where it is. All but the members is kept, so that only the first build takes minutes.
pub(super) fn build(designs: &[Design]) -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let manifest = fs::read_to_string(root.join("Cargo.toml"));
    let manifest = manifest.context("--compile needs a clone of Heaprace's repository, which this was built from")?;
    let package = root.join("target/members");
    // As Heaprace is built itself.
    let profile = manifest.find("[profile.release]").map_or("", |start| &manifest[start..]);
    let profile = profile.split("[profile.bench]").next().unwrap_or(profile);
    let path = |path: &str| root.join(path).to_string_lossy().into_owned();
    let own = format!(
        "[package]\nname = \"members\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         heaprace = {{ path = {:?} }}\nsegregated-bump = {{ path = {:?} }}\n\n[workspace]\n\n{profile}",
        path("replay"),
        path("allocators/segregated-bump")
    );
    fs::create_dir_all(package.join("src"))?;
    fs::write(package.join("Cargo.toml"), own)?;
    // The same versions.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))?;
    fs::write(package.join("src/main.rs"), source(designs))?;
    note(format_args!("compiling the members; the first time takes a few minutes"));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut cargo = Command::new(cargo);
    cargo.args(["build", "--release", "--quiet", "--manifest-path"]).arg(package.join("Cargo.toml"));
    // That of the clone, so that what others depend on is there already.
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let output = cargo.arg("--target-dir").arg(&target).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("the members do not compile:\n{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(target.join("release/members"))
}

/// A program of `replay` with these members.
fn source(designs: &[Design]) -> String {
    let (mut modules, mut types) = (String::new(), Vec::new());
    for (index, design) in designs.iter().enumerate() {
        let (file, allocator, member) = match design {
            Design::Segregated(_) => ("segregated_bump", "SegregatedBump", "members::Member"),
            Design::Swept(_) => ("swept_bump", "SweptBump", "SweptMember"),
        };
        let configuration = design.to_rust().lines().fold(String::new(), |text, line| text + "    " + line + "\n");
        modules += &format!(
            "mod member_{index} {{\n    #![allow(dead_code, unused_imports)]\n{configuration}\n    \
             impl heaprace::allocators::contenders::{file}::{member} for Tuned {{\n        \
             const NAME: &'static str = {:?};\n        const SUMMARY: &'static str = \"{design}\";\n    }}\n}}\n\n",
            name(index)
        );
        types.push(format!("heaprace::allocators::contenders::{file}::{allocator}<member_{index}::Tuned>"));
    }
    format!(
        "{modules}fn main() -> std::process::ExitCode {{\n    heaprace::main(heaprace::contenders![{}])\n}}\n",
        types.join(", ")
    )
}
