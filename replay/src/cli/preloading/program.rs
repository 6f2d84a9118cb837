//! Finds the program, and says beforehand where it cannot be recorded: the dynamic linker does not say that it has not
//! preloaded.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use heaprace_traces::escaped;

use super::elf::Elf;

/// The first bytes of a file, enough for the ELF header and the program headers after it, or for a `#!` line.
const HEAD_BYTES: u64 = 16 * 1024;
/// Interpreters of interpreters; the kernel follows no more.
const MOST_INTERPRETERS: usize = 4;

/// Why the library was not preloaded into a program that a process became, if its file shows that.
pub(crate) fn refusal(program: &Path) -> Option<String> {
    find(program.as_os_str()).ok()?;
    locate(program.as_os_str()).err().map(|error| error.to_string())
}

/// The program's file, as a shell finds it, if it can be recorded.
pub(crate) fn locate(command: &OsStr) -> anyhow::Result<PathBuf> {
    let program = find(command)?;
    let mut file = program.clone();
    for _ in 0..MOST_INTERPRETERS {
        let head = head(&file)?;
        let Some(line) = head.strip_prefix(b"#!") else {
            check(&file, &head)?;
            return Ok(program);
        };
        // What runs is the interpreter, or what `env` finds as such.
        let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
        let interpreter: PathBuf = OsString::from_vec(words.next().unwrap_or_default().to_vec()).into();
        file = match words.next() {
            Some(name) if interpreter.ends_with("env") && !name.starts_with(b"-") => {
                find(&OsString::from_vec(name.to_vec()))?
            }
            _ => interpreter,
        };
    }
    bail!("{}: its interpreter is a script of a script; name the interpreter itself", shown(&program))
}

/// A path in a message.
fn shown(path: &Path) -> String {
    escaped(path.as_os_str().as_encoded_bytes())
}

fn find(command: &OsStr) -> anyhow::Result<PathBuf> {
    let name = escaped(command.as_encoded_bytes());
    let path = Path::new(command);
    if path.components().count() > 1 || command.to_string_lossy().contains('/') {
        if !path.is_file() {
            bail!("{name}: no such program; check the path");
        }
        return Ok(path.to_owned());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    let found = env::split_paths(&folders).map(|folder| folder.join(path)).find(is_program);
    found.with_context(|| format!("{name}: no such program in PATH; check its name, or give its path"))
}

fn head(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut head = Vec::new();
    let opened = File::open(file).and_then(|opened| opened.take(HEAD_BYTES).read_to_end(&mut head));
    opened.with_context(|| format!("{} cannot be read, so nobody knows whether it can be recorded", shown(file)))?;
    Ok(head)
}

/// Checks what decides whether the dynamic linker preloads our library.
fn check(file: &Path, head: &[u8]) -> anyhow::Result<()> {
    let name = shown(file);
    let Some(elf) = Elf::parse(head) else {
        bail!("{name} is neither an ELF executable nor a script with a #! line; name the program that runs it");
    };
    let ours = Path::new("/proc/self/exe");
    if Elf::parse(&self::head(ours)?).is_none_or(|ours| ours.machine != elf.machine) {
        bail!("{name} is for another machine than replay; record it with a replay that is built for that machine");
    }
    match elf.interpreter {
        None => bail!(
            "{name} is linked statically: its allocator cannot be replaced, so nothing can be recorded; link it dynamically, or \
             record it with the crate heaprace-recorder if it is in Rust"
        ),
        Some(linker) if String::from_utf8_lossy(linker).contains("musl") => {
            bail!("{name} is linked against musl, and recording needs glibc; build it for glibc")
        }
        Some(_) => {}
    }
    let metadata = fs::metadata(file).with_context(|| format!("{name} cannot be looked at"))?;
    // The owner of a process's folder in /proc is who the process acts for.
    let me = fs::metadata("/proc/self").context("/proc is not there, and recording needs it")?;
    let mode = metadata.permissions().mode();
    if (mode & 0o4000 != 0 && metadata.uid() != me.uid()) || (mode & 0o2000 != 0 && metadata.gid() != me.gid()) {
        bail!(
            "{name} runs with the rights of another user (setuid or setgid), so nothing is preloaded; record a copy without these \
             rights, or as that user"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::preloading::elf::word;

    #[test]
    fn this_test_itself_is_a_dynamic_program_of_this_machine() {
        let head = head(Path::new("/proc/self/exe")).unwrap();
        let elf = Elf::parse(&head).unwrap();
        assert!(elf.machine != 0 && elf.interpreter.is_some());
        check(Path::new("/proc/self/exe"), &head).unwrap();
    }

    #[test]
    fn what_cannot_be_recorded_is_refused_with_a_reason() {
        let refusal = |head: &[u8]| check(Path::new("x"), head).unwrap_err().to_string();
        let mut head = head(Path::new("/proc/self/exe")).unwrap();
        let table = word(&head, 32).unwrap();
        let interpreter = (0..16).map(|entry| table + 56 * entry).find(|&start| head[start] == 3).unwrap();
        head[interpreter] = 0;
        assert!(refusal(&head).contains("x is linked statically"), "{}", refusal(&head));
        head[18] ^= 0xff;
        assert!(refusal(&head).contains("another machine"));
        head[18] ^= 0xff;
        head[4] = 1;
        assert!(refusal(&head).contains("another machine"));
        assert!(refusal(b"echo hello\n").contains("neither"));
        assert!(refusal(b"\x7fELF").contains("neither"));
    }
}
