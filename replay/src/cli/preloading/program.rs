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

/// The first bytes of a file, enough for the ELF header and the program headers after it, or for a `#!` line.
const HEAD_BYTES: u64 = 16 * 1024;
/// Interpreters of interpreters; the kernel follows no more.
const MOST_INTERPRETERS: usize = 4;

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
    bail!("{}: its interpreter is a script of a script; name the interpreter itself", program.display())
}

fn find(command: &OsStr) -> anyhow::Result<PathBuf> {
    let name = command.display();
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
    opened.with_context(|| format!("{} cannot be read, so nobody knows whether it can be recorded", file.display()))?;
    Ok(head)
}

/// Checks what decides whether the dynamic linker preloads our library.
fn check(file: &Path, head: &[u8]) -> anyhow::Result<()> {
    let name = file.display();
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

/// What matters of an ELF file of this machine's word size and byte order.
struct Elf<'a> {
    machine: u16,
    /// The dynamic linker, where the program has one.
    interpreter: Option<&'a [u8]>,
}

impl<'a> Elf<'a> {
    /// `None` where the bytes do not begin an ELF file of 64 bits in this machine's byte order.
    fn parse(head: &'a [u8]) -> Option<Self> {
        const CLASS_64: u8 = 2;
        const DATA: u8 = if cfg!(target_endian = "little") { 1 } else { 2 };
        const PT_INTERP: u32 = 3;
        if !head.starts_with(b"\x7fELF") {
            return None;
        }
        if head.get(4..6)? != [CLASS_64, DATA] {
            return Some(Elf { machine: 0, interpreter: None });
        }
        let machine = u16::from_ne_bytes(head.get(18..20)?.try_into().ok()?);
        let table = word(head, 32)?;
        let entry_bytes = usize::from(u16::from_ne_bytes(head.get(54..56)?.try_into().ok()?));
        let entries = usize::from(u16::from_ne_bytes(head.get(56..58)?.try_into().ok()?));
        let mut interpreter = None;
        for entry in 0..entries {
            let start = table.checked_add(entry * entry_bytes)?;
            let kind = u32::from_ne_bytes(head.get(start..start.checked_add(4)?)?.try_into().ok()?);
            if kind == PT_INTERP {
                let (offset, bytes) = (word(head, start + 8)?, word(head, start + 32)?);
                interpreter = Some(head.get(offset..offset.checked_add(bytes)?).unwrap_or_default());
            }
        }
        Some(Elf { machine, interpreter })
    }
}

/// The 8-byte word at this place.
fn word(head: &[u8], start: usize) -> Option<usize> {
    let bytes = head.get(start..start.checked_add(8)?)?;
    usize::try_from(u64::from_ne_bytes(bytes.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// A header that lies must not make the reader panic.
    #[test]
    fn a_header_cut_off_or_full_of_ones_is_no_program() {
        let head = head(Path::new("/proc/self/exe")).unwrap();
        for length in 0..64 {
            assert!(Elf::parse(&head[..length]).is_none_or(|elf| elf.interpreter.is_none()));
        }
        let mut wild = head[..64].to_vec();
        wild[32..64].fill(0xff);
        assert!(Elf::parse(&wild).is_none());
    }
}
