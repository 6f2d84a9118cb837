//! `replay record --wasm` on modules that are put together here, byte by byte, for which Node is enough, and on a Rust program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{read, scratch};

/// What a module tells its host.
const EVENT: (&str, &str) = ("heaprace", "event");
/// Where the name of a mark is in its memory.
const NAME_AT: i32 = 16;
const NAME: &str = "a\nname";

/// A module with a function that tells of events.
struct Module<'m> {
    imports: &'m [(&'m str, &'m str)],
    /// The names of the function.
    exports: &'m [&'m str],
    /// The arguments of each call.
    calls: &'m [[i32; 5]],
    /// What the function does then: returns this, or traps.
    returns: Option<i32>,
}

const PROGRAM: Module<'_> = Module { imports: &[EVENT], exports: &["main"], calls: &[], returns: Some(0) };

/// A number in LEB128, with a sign.
fn signed(mut number: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if (number == 0 && low < 0x40) || (number == -1 && low >= 0x40) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Bytes after their number.
fn counted(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 1 << 14);
    let (low, high) = ((bytes.len() & 0x7f) as u8, (bytes.len() >> 7) as u8);
    [&[low | 0x80, high][..], bytes].concat()
}

fn name(text: &str) -> Vec<u8> {
    counted(text.as_bytes())
}

/// Items after their number.
fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [vec![items.len() as u8], items.concat()].concat()
}

impl Module<'_> {
    fn bytes(&self) -> Vec<u8> {
        let (i32_type, function, end) = (0x7f, 0x60, 0x0b);
        let types =
            [vec![function, 5, i32_type, i32_type, i32_type, i32_type, i32_type, 0], vec![function, 0, 1, i32_type]];
        let import = |(module, field): &(&str, &str)| [name(module), name(field), vec![0, 0]].concat();
        let place = self.imports.len() as u8;
        let memory = [name("memory"), vec![2, 0]].concat();
        let export = |field: &&str| [name(field), vec![0, place]].concat();
        let exports: Vec<_> = [memory].into_iter().chain(self.exports.iter().map(export)).collect();
        let constant = |number: i32| [vec![0x41], signed(number)].concat();
        let call = |arguments: &[i32; 5]| [arguments.map(constant).concat(), vec![0x10, 0]].concat();
        let returned = self.returns.map_or(vec![0], constant);
        let code = [vec![0], self.calls.iter().flat_map(call).collect(), returned, vec![end]].concat();
        let data = [vec![0], constant(NAME_AT), vec![end], name(NAME)].concat();
        let sections = [
            (1, list(&types)),
            (2, list(&self.imports.iter().map(import).collect::<Vec<_>>())),
            (3, vec![1, 1]),
            (5, vec![1, 0, 1]),
            (7, list(&exports)),
            (10, list(&[counted(&code)])),
            (11, list(&[data])),
        ];
        let sections = sections.into_iter().flat_map(|(id, content)| [vec![id], counted(&content)].concat());
        b"\0asm\x01\0\0\0".iter().copied().chain(sections).collect()
    }
}

/// Records a file of these bytes into `program.csv`; `None` after a line that says that there is no Node.
fn record(folder: &Path, module: &[u8], options: &[&str]) -> Option<Output> {
    if Command::new("node").arg("--version").output().is_err() {
        eprintln!("skipped: node is not installed, or not on the path");
        return None;
    }
    fs::write(folder.join("program.wasm"), module).unwrap();
    let mut replay = Command::new(env!("CARGO_BIN_EXE_replay"));
    replay.args(["record", "--wasm", "program.wasm"]).args(options).current_dir(folder);
    Some(replay.output().unwrap())
}

/// The exit code and what was said.
fn said(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const TO_CSV: [&str; 2] = ["--output", "program.csv"];

/// Also from addresses above 2 GiB, which a host gets as negative numbers.
#[test]
fn a_module_is_recorded_as_it_asks() {
    let folder = scratch("wasm-asks");
    let calls = [
        [0, 0x1_0000, 24, 8, 0],
        [1, -32, i32::MIN, 16, 0],
        [2, 0x2_0000, 48, 8, 0x1_0000],
        [4, NAME_AT, NAME.len() as i32, 1, 0],
        [0, 0x1_0000, 1, 1, 0],
        [2, 0x1_0000, 2, 1, 0x1_0000],
        [3, -32, i32::MIN, 16, 0],
        [3, 0x2_0000, 48, 8, 0],
    ];
    for exports in [&["main"][..], &["run"]] {
        let module = Module { calls: &calls, exports, ..PROGRAM }.bytes();
        let Some(output) = record(&folder, &module, &["--output", "program.csv", "--force"]) else { return };
        let (code, summary) = said(&output);
        assert_eq!(code, 0, "{summary}");
        assert!(summary.contains("program.wasm (exit status: 0): program.csv, "), "{summary}");
        assert!(
            summary.contains("\n  7 events, 1 thread\n  peak live 2,147,483,698 bytes, most live objects 3\n"),
            "{summary}"
        );
        assert_eq!(
            fs::read_to_string(folder.join("program.csv")).unwrap(),
            concat!(
                "# heaprace-trace: 1\n# recorder: heaprace-recorder ",
                env!("CARGO_PKG_VERSION"),
                ", in WebAssembly\n# program: program\n# platform: wasm32-unknown\nop,id,size,align\nalloc,1,24,8\n",
                "alloc_zeroed,2,2147483648,16\nrealloc,1,48\n# mark: a name\nalloc,3,1,1\nrealloc,3,2\ndealloc,2\ndealloc,1\n"
            )
        );
    }
}

#[test]
fn a_trace_has_the_name_of_its_module_and_any_status_is_a_recording() {
    let folder = scratch("wasm-name");
    let module = Module { calls: &[[0, 16, 24, 8, 0]], returns: Some(7), ..PROGRAM }.bytes();
    let Some(output) = record(&folder, &module, &[]) else { return };
    let (code, summary) = said(&output);
    assert!(code == 0 && summary.contains("(exit status: 7): program.htrace, "), "{summary}");
    assert_eq!(read(&folder.join("program.htrace")).len(), 1);
    let again = said(&record(&folder, &module, &[]).unwrap());
    assert!(again.0 == 1 && again.1.contains("program.htrace exists; --force replaces it"), "{}", again.1);
    let onto_itself = said(&record(&folder, &module, &["--output", "program.wasm"]).unwrap());
    assert_eq!(onto_itself.0, 2, "{}", onto_itself.1);
}

#[test]
fn what_cannot_be_recorded_is_named_and_leaves_no_trace() {
    let folder = scratch("wasm-refused");
    let module = |imports, exports, calls| Module { imports, exports, calls, ..PROGRAM }.bytes();
    let one = [[0, 16, 24, 8, 0]];
    let event_of_another_version = [[9, 16, 24, 8, 0]];
    let trap = Module { returns: None, ..PROGRAM }.bytes();
    let cases = [
        (
            module(&[EVENT, ("env", "now"), ("wasi", "exit")], &["main"], &one),
            "imports env.now, wasi.exit, and only heaprace.event",
        ),
        (module(&[], &["main"], &[]), "does not import heaprace.event: its allocator is not"),
        (module(&[EVENT], &["start"], &one), "exports neither main, as a program does, nor run"),
        (module(&[EVENT], &["main"], &[]), "nothing was recorded: the program asked its allocator for nothing"),
        (module(&[EVENT], &["main"], &event_of_another_version), "of another version than record.js: op 9"),
        (trap, "nothing was recorded: the program trapped before: unreachable"),
        (b"\0asm".to_vec(), "is no WebAssembly module: "),
    ];
    for (bytes, expected) in cases {
        let Some(output) = record(&folder, &bytes, &TO_CSV) else { return };
        let (code, said) = said(&output);
        assert!(
            code == 1 && said.starts_with("error: program.wasm: ") && said.contains(expected),
            "{expected}: {said}"
        );
        let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["program.wasm"], "{expected}");
    }
}

#[test]
fn a_trap_ends_the_trace_and_the_recording_is_not_whole() {
    let folder = scratch("wasm-trap");
    let module = Module { calls: &[[0, 16, 24, 8, 0]], returns: None, ..PROGRAM }.bytes();
    let Some(output) = record(&folder, &module, &TO_CSV) else { return };
    let (code, summary) = said(&output);
    assert!(code == 1 && summary.contains("program.wasm (trapped: unreachable): program.csv, "), "{summary}");
    let trace = fs::read_to_string(folder.join("program.csv")).unwrap();
    assert!(trace.ends_with("\nalloc,1,24,8\n# cut off: the program trapped: unreachable\n"), "{trace}");
}

#[test]
fn events_that_were_not_told_are_lost_and_the_trace_is_sound_even_so() {
    for (calls, events, lost) in [
        (&[[0, 16, 24, 8, 0], [3, 48, 1, 1, 0]][..], 1, 1),
        (&[[0, 16, 24, 8, 0], [0, 16, 32, 8, 0]], 3, 1),
        (&[[2, 16, 24, 8, 48], [3, 16, 24, 8, 0]], 2, 1),
        (&[[0, 16, 24, 8, 0], [0, 48, 24, 8, 0], [2, 16, 32, 8, 48], [3, 48, 24, 8, 0]], 4, 2),
    ] {
        let folder = scratch("wasm-lost");
        let Some(output) = record(&folder, &Module { calls, ..PROGRAM }.bytes(), &TO_CSV) else { return };
        let (code, summary) = said(&output);
        let expected = format!("\n  {lost} lost events: the trace is not all that the program did");
        assert!(code == 1 && summary.contains(&expected), "{calls:?}: {summary}");
        assert_eq!(read(&folder.join("program.csv")).len(), events, "{calls:?}");
    }
}

const TARGET: &str = "wasm32-unknown-unknown";

/// Whether the compiler has the standard library for WebAssembly.
fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(asked) = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output() else {
        return false;
    };
    let libraries = fs::read_dir(String::from_utf8_lossy(&asked.stdout).trim());
    libraries.into_iter().flatten().flatten().any(|file| file.file_name().to_string_lossy().starts_with("libcore"))
}

/// The package of the program below.
const MANIFEST: &str = r#"
[package]
name = "asks"
version = "0.0.0"
edition = "2024"
[dependencies]
heaprace-recorder = { path = "RECORDER" }
[workspace]
"#;

const ASKS: &str = r#"
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use heaprace_recorder::{WasmRecorder, mark};

/// Fails large requests. It moves what is reallocated, which is one event even so.
struct Limited;

unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > 1 << 20 { std::ptr::null_mut() } else { unsafe { System.alloc(layout) } }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: WasmRecorder<Limited> = WasmRecorder::new().over(Limited);

fn main() {
    mark("begin");
    let mut text = black_box(String::from("abc"));
    text.reserve_exact(97);
    let numbers = black_box(vec![0_u64; 100]);
    let pointer = black_box(Box::new(&numbers));
    assert!(black_box(Vec::<u8>::new()).try_reserve(2 << 20).is_err());
    assert!(black_box(&mut text).try_reserve(2 << 20).is_err());
    assert!(unsafe { black_box(std::alloc::alloc_zeroed(Layout::new::<[u8; 2 << 20]>())) }.is_null());
    drop(pointer);
    drop(numbers);
    mark("end");
    drop(text);
}
"#;

/// With the recorder compiled for WebAssembly: full layouts, reallocations as such, and no event where a call fails.
#[test]
fn a_rust_program_is_recorded_with_full_layouts_and_failures_are_no_events() {
    if !has_target() {
        eprintln!("skipped: the Rust compiler has no library for {TARGET}");
        return;
    }
    let (folder, root) = (scratch("wasm-rust"), Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap());
    let recorder = root.join("traces/recorder");
    fs::create_dir(folder.join("src")).unwrap();
    fs::write(folder.join("Cargo.toml"), MANIFEST.replace("RECORDER", recorder.to_str().unwrap())).unwrap();
    fs::write(folder.join("src/main.rs"), ASKS).unwrap();
    // The same versions as the workspace has.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--target", TARGET, "--target-dir", "built"]).current_dir(&folder);
    assert!(cargo.status().unwrap().success());
    let module = fs::read(folder.join("built").join(TARGET).join("debug/asks.wasm")).unwrap();
    let Some(output) = record(&folder, &module, &TO_CSV) else { return };
    let (code, summary) = said(&output);
    assert_eq!(code, 0, "{summary}");
    let trace = fs::read_to_string(folder.join("program.csv")).unwrap();
    let (_, from) = trace.split_once("# mark: begin\n").unwrap();
    let (between, _) = from.split_once("# mark: end\n").unwrap();
    let first = between.split(',').nth(1).unwrap().parse::<u64>().unwrap();
    let [text, numbers, pointer] = [first, first + 1, first + 2];
    let expected = format!(
        "alloc,{text},3,1\nrealloc,{text},100\nalloc_zeroed,{numbers},800,8\nalloc,{pointer},4,4\ndealloc,{pointer}\ndealloc,{numbers}\n"
    );
    assert_eq!(between, expected);
}
