//! Links firmware: what a program without any other use of the library would carry of it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// What the program calls; nothing else is kept that these do not need. `init` is there if an allocator must be given
/// its memory.
const ROOTS: [&str; 5] = ["alloc", "alloc_zeroed", "dealloc", "realloc", "init"];

/// The functions that compilers call on their own, which almost every program has. They are in every module, so that
/// they count for none.
const BUILTINS: [&str; 15] = [
    "memcpy",
    "memmove",
    "memset",
    "__aeabi_memcpy",
    "__aeabi_memcpy4",
    "__aeabi_memcpy8",
    "__aeabi_memmove",
    "__aeabi_memmove4",
    "__aeabi_memmove8",
    "__aeabi_memset",
    "__aeabi_memset4",
    "__aeabi_memset8",
    "__aeabi_memclr",
    "__aeabi_memclr4",
    "__aeabi_memclr8",
];

/// Where the region of the allocator begins: some address of a microcontroller's memory.
const HEAP_START: &str = "--defsym=heap_start=0x20010000";

/// Links the library to `output`, or says what the linker says.
pub(crate) fn link(linker: &OsStr, library: &Path, output: &Path) -> Result<(), String> {
    let mut command = Command::new(linker);
    command.args(["-flavor", "gnu", "--gc-sections", "--strip-all", HEAP_START, "--entry", ROOTS[0]]);
    command.args(ROOTS.iter().chain(&BUILTINS).map(|symbol| format!("--undefined={symbol}")));
    command.arg(library).arg("-o").arg(output);
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("the linker says: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(cause) => Err(format!("cannot run the linker {}: {cause}", linker.to_string_lossy())),
    }
}
