//! `replay tune`: what it says of traces with and without something to gain, and that its configuration is one.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use heaprace_allocators::family::{Design, VARIABLE};
use heaprace_reports::tuning::{Advice, Tuning};

fn replay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_replay")).args(arguments).env_remove(VARIABLE).output().unwrap()
}

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tuned").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Tunes without times, so that the answer repeats, and returns what it has written and printed.
fn tune(name: &str, traces: &[&str]) -> (Tuning, String, PathBuf) {
    let out = folder(name);
    let output = replay(&[&["tune", "--rounds", "0", "--out", out.to_str().unwrap()], traces].concat());
    assert!(output.status.success(), "{output:?}");
    let tuning = Tuning::from_json(&fs::read_to_string(out.join("tune.json")).unwrap()).unwrap();
    // Words with one blank between them, however they were wrapped.
    let text = String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    (tuning, text, out)
}

/// A trace in the making: blocks that are kept or freed.
struct Trace {
    text: String,
    next: usize,
}

impl Trace {
    fn new() -> Self {
        Trace { text: "op,id,size,align\n".to_owned(), next: 0 }
    }

    fn alloc(&mut self, bytes: usize) -> usize {
        self.next += 1;
        self.text += &format!("alloc,{},{bytes},8\n", self.next);
        self.next
    }

    fn free(&mut self, id: usize) {
        self.text += &format!("dealloc,{id}\n");
    }

    fn save(&self, name: &str) -> String {
        let file = folder("traces").parent().unwrap().join(format!("{name}.csv"));
        fs::write(&file, &self.text).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

/// Many small blocks of which most are freed, and then larger small blocks: the flagship sweeps too late for the second
/// wave, as a sweep shortly before has found little.
fn waves(trace: &mut Trace) {
    for bytes in [32, 48, 80, 112, 160, 208, 272, 336] {
        let blocks: Vec<usize> = (0..60_000 / bytes).map(|_| trace.alloc(bytes)).collect();
        for (index, &id) in blocks.iter().enumerate() {
            if index % 16 != 0 {
                trace.free(id);
            }
        }
    }
}

#[test]
fn a_member_that_saves_heap_is_found_verified_and_written_as_rust() {
    let mut trace = Trace::new();
    waves(&mut trace);
    let file = trace.save("waves");
    let (tuning, text, out) = tune("waves", &[&file, "--page-size", "4096"]);
    let Advice::Take { row, peak, time: None, .. } = tuning.advice() else { panic!("{text}") };
    assert!(peak <= 0.9 && text.starts_with("Take "), "{text}");
    for row in &tuning.rows {
        let on = &row.traces[0];
        assert_eq!(on.predicted_pages, on.pages.known().copied(), "{}", row.design);
    }
    let configuration = fs::read_to_string(out.join("tuned.rs")).unwrap();
    assert!(configuration.contains(&tuning.rows[row].design), "{configuration}");
    assert!(fs::read_to_string(out.join("tune.svg")).unwrap().contains("nothing to draw"), "there are no times");
    runs(&[&configuration], "found");
}

/// Compiles configurations, each with a program that has it as its global allocator, and runs them.
fn runs(configurations: &[&str], name: &str) {
    let package = folder(&format!("package-{name}"));
    let allocators = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("allocators/segregated-bump");
    fs::create_dir_all(package.join("src/bin")).unwrap();
    let manifest = format!(
        "[package]\nname = \"program\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         segregated-bump = {{ path = {:?} }}\n\n[workspace]\n",
        allocators.to_str().unwrap()
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    for (number, configuration) in configurations.iter().enumerate() {
        fs::write(package.join(format!("src/bin/program{number}.rs")), format!("{configuration}{PROGRAM}")).unwrap();
    }
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        let output =
            cargo.args(arguments).current_dir(&package).env("CARGO_TARGET_DIR", package.join("target")).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    cargo(&["build", "--quiet", "--offline"]);
    for number in 0..configurations.len() {
        let said = cargo(&["run", "--quiet", "--offline", "--bin", &format!("program{number}")]);
        assert_eq!(said, "served from the region\n");
    }
}

/// A program with one thread that allocates from a static region.
const PROGRAM: &str = r#"
use segregated_bump::page_source::Region;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;

#[repr(align(4096))]
struct Ram(UnsafeCell<MaybeUninit<[u8; 8 << 20]>>);
// SAFETY: only the allocator uses it.
unsafe impl Sync for Ram {}
static RAM: Ram = Ram(UnsafeCell::new(MaybeUninit::uninit()));

#[global_allocator]
static GLOBAL: Allocator<Region> = {
    let start = unsafe { std::ptr::NonNull::new_unchecked(RAM.0.get().cast::<u8>()) };
    unsafe { over(Region::from_raw(start, 8 << 20)) }
};

fn main() {
    let mut kept = Vec::new();
    for round in 0..200_usize {
        let text: String = (0..round * 7 % 900).map(|number| char::from(b'a' + (number % 26) as u8)).collect();
        kept.push(text);
        if round % 3 == 0 {
            kept.swap_remove(round % kept.len());
        }
    }
    let sum: usize = kept.iter().map(String::len).sum();
    let start = RAM.0.get().addr();
    let is_in = |address: usize| address >= start && address < start + (8 << 20);
    if sum > 0 && is_in(kept.as_ptr().addr()) {
        println!("served from the region");
    }
}
"#;

#[test]
fn configurations_of_all_kinds_compile_and_serve_a_program() {
    let designs = [
        "swept-bump:bins=7,window=128,sweeps=growth",
        "swept-bump:bins=128,window=2048,sweeps=1/8",
        "segregated-bump:classes=four-steps/40,large=lists,step=64,refill=16,growth=1/8,aligned=yes,splits=yes,frees=yes,\
         shrinks=no,moves=no,in-place=no",
        "segregated-bump:classes=multiples/128,growth=65536",
        "segregated-bump:classes=powers-of-two/14",
    ];
    let global = configuration_of_the_command();
    let configurations: Vec<String> =
        designs.iter().map(|design| design.parse::<Design>().unwrap().to_rust() + &global).collect();
    runs(&configurations.iter().map(String::as_str).collect::<Vec<_>>(), "all");
}

/// What the command appends to a design.
fn configuration_of_the_command() -> String {
    let mut trace = Trace::new();
    waves(&mut trace);
    let (.., out) = tune("global", &[&trace.save("global"), "--page-size", "4096"]);
    let text = fs::read_to_string(out.join("tuned.rs")).unwrap();
    let start = text.find("\n/// Of a WebAssembly module").expect("the lines for a module");
    text[start..].to_owned()
}

#[test]
fn a_choice_by_the_first_half_that_fails_on_the_second_is_reported() {
    let mut trace = Trace::new();
    waves(&mut trace);
    // As many events again, in which no decision matters: one large block after the other, all kept.
    for _ in 0..trace.text.lines().count() {
        trace.alloc(1200);
    }
    let (tuning, text, _) = tune("halves", &[&trace.save("halves"), "--page-size", "4096"]);
    assert!(tuning.held_out.iter().any(|choice| !choice.carries_over), "{text}");
    assert!(text.contains("the gain does not carry over"), "{text}");
}

#[test]
fn a_choice_that_fails_on_another_trace_is_reported() {
    let (mut trace, mut other) = (Trace::new(), Trace::new());
    waves(&mut trace);
    for _ in 0..1000 {
        other.alloc(1200);
    }
    let (first, second) = (trace.save("chosen"), other.save("judged"));
    let (tuning, text, _) = tune("judged", &[&first, "--judge", &second, "--page-size", "4096"]);
    assert!(matches!(tuning.advice(), Advice::Take { fails_on, .. } if fails_on == ["judged"]), "{text}");
    assert!(text.contains("It does not carry over to judged"), "{text}");
}

#[test]
fn where_nothing_is_gained_it_says_so_and_writes_no_configuration() {
    let mut trace = Trace::new();
    let ids: Vec<usize> = (0..500).map(|_| trace.alloc(64)).collect();
    ids.into_iter().for_each(|id| trace.free(id));
    let (tuning, text, out) = tune("nothing", &[&trace.save("nothing")]);
    assert!(!matches!(tuning.advice(), Advice::Take { .. }), "{text}");
    assert!(!out.join("tuned.rs").exists());
}

#[test]
fn a_variable_that_describes_no_design_is_no_result() {
    let mut trace = Trace::new();
    trace.alloc(64);
    let file = trace.save("variable");
    let run = |value: &str, name: &str| {
        let mut replay = Command::new(env!("CARGO_BIN_EXE_replay"));
        replay.args([file.as_str(), "--allocator", "custom", "--rounds", "0", "--out"]).arg(folder(name));
        replay.env(VARIABLE, value).output().unwrap()
    };
    let output = run("swept-bump:bins=3", "faulty");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("bins=3 is not possible: from 7 to 128"), "{said}");
    assert!(run("swept-bump:bins=8", "sound").status.success());
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tuned/sound/variable/results.json");
    let json = fs::read_to_string(results).unwrap();
    assert!(json.contains("swept-bump:bins=8\""), "results name the design: {json:.300}");
    let mut real = Command::new(env!("CARGO_BIN_EXE_replay"));
    let output =
        real.args(["run", "--allocator", "custom", "--", "true"]).env(VARIABLE, "swept-bump:bins=3").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("bins=3 is not possible"), "{said}");
}

#[test]
fn a_heap_that_is_too_small_and_a_missing_trace_are_said() {
    let mut trace = Trace::new();
    trace.alloc(100_000);
    let output =
        replay(&["tune", &trace.save("large"), "--heap-limit", "1pages", "--out", folder("limit").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not get by with --heap-limit"), "{output:?}");
    assert_eq!(replay(&["tune", "no-such.csv"]).status.code(), Some(3));
    let mut piped = Command::new(env!("CARGO_BIN_EXE_replay"));
    let mut piped = piped.args(["tune", "/dev/stdin"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(trace.text.as_bytes()).unwrap();
    let output = piped.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("give it as a file"), "{said}");
}
