//! Where traces go: their names, and that nothing is replaced unasked.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::bail;
use heaprace_traces::{escaped, split_ending};

use super::folder::shown;

/// Where the trace of a recording goes.
pub(super) struct Target {
    /// Its file; `None` if the recording becomes no trace.
    pub(super) path: Option<PathBuf>,
    /// Whether it replaces an existing file.
    pub(super) replaces: bool,
    /// How its program ended, or which process it is.
    pub(super) end: String,
}

/// Maximum length of the part of a default name that is the program's: most systems allow 255 bytes in all.
const MOST_NAME_BYTES: usize = 180;

/// The trace of a program if no other name is given: `PROGRAM.htrace`. What is no text, or would need quoting as no
/// text does, becomes `_`.
pub(super) fn default_name(command: &OsStr) -> PathBuf {
    let name = Path::new(command).file_name().unwrap_or_default();
    let mut plain = String::new();
    for char in name.to_string_lossy().chars() {
        let is_kept = char != char::REPLACEMENT_CHARACTER
            && (char == '\\' || escaped(char.to_string().as_bytes()).starts_with(char));
        plain.push(if is_kept { char } else { '_' });
        if plain.len() >= MOST_NAME_BYTES {
            break;
        }
    }
    plain.push_str(".htrace");
    plain.into()
}

/// Refuses to replace a file, unless the user wants it. With children, their traces count, too.
pub(super) fn check_free(output: &Path, with_children: bool, force: bool) -> anyhow::Result<()> {
    if force {
        return Ok(());
    }
    let mut existing = output.symlink_metadata().is_ok_and(|found| !found.is_dir()).then(|| output.to_owned());
    if with_children && existing.is_none() {
        existing = existing_child(output);
    }
    match existing {
        None => Ok(()),
        Some(path) => bail!("{} exists; --force replaces it, --output names another file", shown(&path)),
    }
}

/// A trace in the folder whose name is that of a child.
fn existing_child(output: &Path) -> Option<PathBuf> {
    let name = output.file_name()?.to_string_lossy();
    let (stem, ending) = split_ending(&name);
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_child = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let part = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(ending));
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).find(is_child)
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_default_name_can_be_typed() {
        for (command, expected) in [
            (&b"/usr/bin/gr\xc3\xb6\xc3\x9fe 2"[..], "größe 2.htrace"),
            (b"./ls\xff", "ls_.htrace"),
            (b"ls\norigin: synthetic\x1b[2J", "ls_origin: synthetic_[2J.htrace"),
            (b"a\\b", "a\\b.htrace"),
        ] {
            assert_eq!(default_name(OsStr::from_bytes(command)), Path::new(expected));
        }
        let long = default_name(OsStr::from_bytes("ö".repeat(200).as_bytes()));
        assert!(long.as_os_str().len() < 190 && long.to_str().is_some());
    }

    #[test]
    fn nothing_is_replaced_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("a.htrace");
        check_free(&output, true, false).unwrap();
        fs::write(folder.path().join("a.4711-1.htrace"), "").unwrap();
        for other in ["a.4711.csv", "ab.1.htrace", "a.x.htrace", "a..htrace"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        check_free(&output, false, false).unwrap();
        let refused = check_free(&output, true, false).unwrap_err().to_string();
        assert!(refused.contains("a.4711-1.htrace exists; --force replaces it"), "{refused}");
        check_free(&output, true, true).unwrap();
        std::os::unix::fs::symlink("nowhere", &output).unwrap();
        assert!(check_free(&output, false, false).is_err());
    }
}
