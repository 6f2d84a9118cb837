//! Records the trace library, and checks that it can still be recorded.
//!
//! `record NAME` runs the workload of that name, writes `traces/library/NAME.htrace`, and prints the part of its
//! `.toml` that follows from the trace. `check` runs the workload of every library trace, and compares totals. A
//! workload is a Rust program that lies in this folder, also as a WebAssembly module, which the ending `-wasm` of a
//! trace's name says, or a script of the folder `native` that records a program of the system: `./record NAME` and
//! `./check` build all that is needed.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use heaprace_traces::library::{self, LibraryAbout, Totals};
use heaprace_traces::platform;
use heaprace_traces::{Output, Profile, Source};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A system's program also loads what the system is configured with, such as the modules of its name service: a few
/// objects more or fewer, each with its name. That is no difference in the program, whatever share of a small total it
/// is.
const LOADED_OBJECTS: u64 = 8;
const LOADED_BYTES: u64 = 8 << 10;

/// What a script exits with whose program this system does not have.
const ABSENT: i32 = 3;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["record", name] => record(name).map(|()| ExitCode::SUCCESS),
        ["check"] => check(),
        _ => {
            eprintln!("usage: library record NAME | library check");
            Ok(ExitCode::from(2))
        }
    }
}

/// Records one workload anew into the library.
fn record(name: &str) -> Result<()> {
    let workload = Workload::named(name)?;
    let source = workload.run(name)?;
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../library").join(format!("{name}.htrace"));
    let mut profile = Profile::default();
    let mut events = source.open()?;
    let mut output = Output::create(&library, events.columns(), events.provenance())?;
    while let Some(event) = events.next() {
        let event = event?;
        events.comments().iter().try_for_each(|comment| output.comment(comment))?;
        output.write(&event)?;
        profile.add(&event);
    }
    events.comments().iter().try_for_each(|comment| output.comment(comment))?;
    output.finish()?;
    println!("{name}.htrace: {} bytes. For {name}.toml:\n", fs::metadata(&library)?.len());
    let recorded_on = events.provenance().iter().find_map(|line| line.strip_prefix("platform: "));
    println!("platform = \"{}\"\nsha256 = \"{}\"", recorded_on.unwrap_or("?"), source.sha256()?);
    if let Workload::Script(script) = &workload {
        println!("\n[versions]");
        for (of, version) in versions(script)?? {
            let bare = of.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            println!("{} = \"{version}\"", if bare { of } else { format!("\"{of}\"") });
        }
    }
    println!("\n[totals]");
    Totals::from(&profile).named().iter().for_each(|(total, value)| println!("{total} = {value}"));
    Ok(())
}

/// Records every workload again, and compares it with the library.
fn check() -> Result<ExitCode> {
    let mut failed = false;
    for entry in library::entries().iter().chain(library::twins()) {
        let workload = Workload::named(entry.name)?;
        if let Some(reason) = workload.reason_to_skip(&entry.about)? {
            println!("skipped: {}: {reason}", entry.name);
            continue;
        }
        let totals = totals(&workload.run(entry.name)?)?;
        let tolerance_percent = entry.about.tolerance_percent;
        let (mut largest_percent, mut differences, mut loaded) = (0.0, Vec::new(), "");
        for ((total, now), (_, stated)) in totals.named().into_iter().zip(entry.about.totals.named()) {
            if now == stated {
                continue;
            }
            if now.abs_diff(stated) <= workload.slack(total) {
                loaded = ", and by what the system loads";
                continue;
            }
            // As floats: totals are far below 2^53. What is 0 in the library differs without bounds if it is anything
            // else now.
            let percent = now.abs_diff(stated) as f64 / stated as f64 * 100.0;
            if percent > tolerance_percent {
                differences.push(format!("{total} is {now}, the library says {stated}"));
            }
            largest_percent = f64::max(largest_percent, percent);
        }
        match differences.is_empty() {
            true if largest_percent == 0.0 && loaded.is_empty() => {
                println!("{}: recorded again, the same totals", entry.name)
            }
            true => println!(
                "{}: recorded again, {largest_percent:.3} % apart, {tolerance_percent} % allowed{loaded}",
                entry.name
            ),
            false => println!("{}: further apart than {tolerance_percent} %: {}", entry.name, differences.join("; ")),
        }
        failed |= !differences.is_empty();
    }
    Ok(ExitCode::from(u8::from(failed)))
}

/// What records a library trace.
enum Workload {
    /// A Rust program, which records itself.
    Program(PathBuf),
    /// The same Rust program as a WebAssembly module, by its name: `replay record` runs it in Node.
    Module(String),
    /// A script, which has `replay record` record a program of the system.
    Script(PathBuf),
}

/// What modules are compiled for.
const WASM: &str = "wasm32-unknown-unknown";

impl Workload {
    fn named(name: &str) -> Result<Self> {
        if let Some(program) = name.strip_suffix("-wasm") {
            return Ok(Workload::Module(program.to_owned()));
        }
        let program = next_to_this(&format!("{name}{}", std::env::consts::EXE_SUFFIX))?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("native").join(name);
        match (program.is_file(), script.is_file()) {
            (true, _) => Ok(Workload::Program(program)),
            (false, true) => Ok(Workload::Script(script)),
            (false, false) => {
                Err(format!("there is no workload {name}; the workloads are the files of src/bin and native").into())
            }
        }
    }

    /// Why this system cannot check the library's totals: its program is missing, or another one.
    fn reason_to_skip(&self, about: &LibraryAbout) -> Result<Option<String>> {
        let script = match self {
            Workload::Program(_) => return Ok(None),
            Workload::Module(_) => return Ok(lacks_for_modules()),
            Workload::Script(script) => script,
        };
        if platform() != about.platform {
            return Ok(Some(format!("this is {}, and the library's is of {}", platform(), about.platform)));
        }
        let found = match versions(script)? {
            Ok(found) => found,
            Err(absent) => return Ok(Some(absent)),
        };
        let other = about.versions.iter().find(|(of, stated)| found.get(*of) != Some(stated));
        Ok(other.map(|(of, stated)| {
            let found = found.get(of).map_or("unknown", String::as_str);
            format!("{of} is {found} here, and the library's is of {stated}")
        }))
    }

    /// How far a total may be from the library's, however small it is.
    fn slack(&self, total: &str) -> u64 {
        match self {
            Workload::Program(_) | Workload::Module(_) => 0,
            Workload::Script(_) if total.ends_with("_bytes") => LOADED_BYTES,
            Workload::Script(_) => LOADED_OBJECTS,
        }
    }

    /// Runs it, and gives the trace that it leaves.
    fn run(&self, name: &str) -> Result<Source> {
        let mut trace = next_to_this(&format!("{name}.htrace"))?;
        let mut command = match self {
            Workload::Program(path) => {
                trace.set_extension("csv");
                let mut program = Command::new(path);
                program.env("HEAPRACE_TRACE", &trace);
                program
            }
            Workload::Module(program) => {
                let replay = std::env::var_os("HEAPRACE_REPLAY").ok_or("HEAPRACE_REPLAY does not name the command")?;
                let mut command = Command::new(replay);
                command.args(["record", "--force", "--wasm"]).arg(module(program)?).arg("--output").arg(&trace);
                command
            }
            Workload::Script(path) => {
                let mut script = Command::new(path);
                script.arg(&trace);
                script
            }
        };
        let status = command.status()?;
        if !status.success() {
            return Err(format!("{name}: {} failed: {status}", command.get_program().display()).into());
        }
        Ok(Source::locate(&trace.to_string_lossy())?)
    }
}

/// What this system lacks to record modules.
fn lacks_for_modules() -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let asked = Command::new(rustc).args(["--print", "target-libdir", "--target", WASM]).output();
    let libraries = asked.map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned()).unwrap_or_default();
    let is_core = |name: &str| name.starts_with("libcore") && name.ends_with(".rlib");
    let mut files = fs::read_dir(libraries).into_iter().flatten().flatten();
    if !files.any(|file| is_core(&file.file_name().to_string_lossy())) {
        return Some(format!("the Rust compiler has no library for {WASM}; 'rustup target add {WASM}' installs it"));
    }
    let is_there = Command::new("node").arg("--version").output().is_ok_and(|answer| answer.status.success());
    (!is_there).then(|| "node is not installed, or not on the path".to_owned())
}

/// Compiles a program of this folder to a module, and gives its file.
fn module(program: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--locked", "--target", WASM, "--bin", program]);
    let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    if !status.success() {
        return Err(format!("{program} does not compile for {WASM}").into());
    }
    let target =
        std::env::current_exe()?.ancestors().nth(2).ok_or("this program is in no folder of Cargo's")?.to_owned();
    Ok(target.join(WASM).join("release").join(program).with_extension("wasm"))
}

/// The versions that decide what a script's program does, or why this system does not have it.
fn versions(script: &Path) -> Result<std::result::Result<BTreeMap<String, String>, String>> {
    let output = Command::new(script).arg("--versions").output()?;
    let text = String::from_utf8(output.stdout)?;
    if output.status.code() == Some(ABSENT) {
        return Ok(Err(text.trim_end().to_owned()));
    }
    if !output.status.success() {
        return Err(format!("{} does not print its versions: {}", script.display(), output.status).into());
    }
    Ok(Ok(text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(of, version)| (of.into(), version.into()))
        .collect()))
}

fn next_to_this(file: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(file))
}

fn totals(source: &Source) -> Result<Totals> {
    let mut profile = Profile::default();
    for event in source.open()? {
        profile.add(&event?);
    }
    Ok(Totals::from(&profile))
}
