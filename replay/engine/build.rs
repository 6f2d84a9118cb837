//! Writes into the binary what it was built from, for the provenance of its results.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rustc-env=HEAPRACE_GIT_REVISION={}", revision().unwrap_or_default());
    println!("cargo::rustc-env=HEAPRACE_TARGET={}", env::var("TARGET").unwrap_or_default());
    let rustc = env::var("RUSTC").ok().and_then(|rustc| output(&rustc, &["--version"])).unwrap_or_default();
    println!("cargo::rustc-env=HEAPRACE_RUSTC={rustc}");
    // Whatever changes the revision, or whether there are changes to it.
    for path in [
        "src",
        "../src",
        "../../allocators",
        "../../reports",
        "../../traces/src",
        "../../traces/library",
        "../../Cargo.lock",
        "../../.git/HEAD",
        "../../.git/index",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// The revision of the repository; of a package, the one that it was packed from.
fn revision() -> Option<String> {
    if let Ok(packed) = fs::read_to_string(".cargo_vcs_info.json") {
        let sha1 = packed.split_once("\"sha1\"")?.1.split('"').nth(1)?;
        return sha1.get(..12).map(str::to_owned);
    }
    // A package that was unpacked into somebody else's repository has no revision of ours.
    if !Path::new("../../.git").exists() {
        return None;
    }
    let revision = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let changes = output("git", &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() { revision } else { format!("{revision}-dirty") })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
