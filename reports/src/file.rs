//! Writes a file completely or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ReportError;

/// Writes a file completely or not at all, and creates missing folders on its path.
///
/// The bytes go to a temporary file in the same folder, and to disk, before the file gets its name. Neither a full disk
/// nor an interruption leaves half a file, and an existing file stays until then. (Unless it calls
/// [`remove_unfinished`], an interrupted process may leave the temporary file, whose name begins with a dot and ends in
/// `.tmp`.) A device or a pipe (`/dev/stdout`) is written
/// directly, because a file must not replace it.
///
/// # Errors
///
/// [`ReportError::Write`] with the path, the system's message, and a remedy.
///
/// ```no_run
/// heaprace_reports::save("heaprace-report/serde-heavy/footprint.svg".as_ref(), b"<svg/>")?;
/// # Ok::<(), heaprace_reports::ReportError>(())
/// ```
pub fn save(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let outcome = match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // Through a link, the file is replaced, not the link.
        Ok(found) if found.is_file() => fs::canonicalize(path).and_then(|file| replace(&file, bytes)),
        Ok(_) => fs::write(path, bytes),
        Err(_) => replace(path, bytes),
    };
    outcome.map_err(|cause| ReportError::Write { path: path.to_owned(), remedy: remedy(cause.kind()), cause })
}

/// Checks that files can be written into this folder, or into the nearest folder on its path that exists: before
/// anything is measured for them.
///
/// # Errors
///
/// [`ReportError::Write`] with the folder, the system's message, and a remedy.
pub fn check_folder(folder: &Path) -> Result<(), ReportError> {
    let here = Path::new(".");
    let mut around = folder.ancestors().map(|folder| if folder.as_os_str().is_empty() { here } else { folder });
    let existing = around.find(|folder| folder.symlink_metadata().is_ok()).unwrap_or(here);
    let probe = || {
        let temporary = temporary_next_to(&existing.join("probe"), existing)?;
        File::create(&temporary)?;
        fs::remove_file(&temporary)
    };
    probe().map_err(|cause| ReportError::Write { path: folder.to_owned(), remedy: remedy(cause.kind()), cause })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = temporary_next_to(path, folder)?;
    unfinished().push(temporary.clone());
    let outcome = write_through(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if outcome.is_err() {
        // Report the first error: a file that could not be created cannot be removed either.
        let _ = fs::remove_file(&temporary);
    }
    unfinished().retain(|other| *other != temporary);
    outcome
}

/// The temporary files of this process.
fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files of all [`save`]s that other threads have not finished: for a process that is about to
/// end.
pub fn remove_unfinished() {
    for temporary in unfinished().drain(..) {
        let _ = fs::remove_file(temporary);
    }
}

/// Maximum length of a file's name in the name of its temporary file, so that any name that a file may have works.
const MOST_NAME_CHARACTERS: usize = 40;

/// A name that no other writer has, in this process or another: `.footprint.svg.4711-0.tmp`.
fn temporary_next_to(path: &Path, folder: &Path) -> io::Result<PathBuf> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let name: String = name.chars().take(MOST_NAME_CHARACTERS).collect();
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    Ok(folder.join(format!(".{name}.{}-{write}.tmp", process::id())))
}

fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    // Without this, the name could reach the disk before the bytes.
    file.sync_all()
}

fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose a folder that you may write to",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "free some space, or choose another disk",
        io::ErrorKind::IsADirectory => "a folder has this name: give the name of a file",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a folder is needed: move it, or choose another folder"
        }
        _ => "check the path, or choose another folder",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder for this test alone.
    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("heaprace-save-{test}-{}", process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn writes_and_replaces_and_leaves_nothing_else_behind() {
        let folder = folder("replaces");
        let path = folder.join("deep/er/results.json");
        save(&path, b"a first, longer text").unwrap();
        save(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(path.parent().unwrap()), ["results.json"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_longest_name_works() {
        let folder = folder("long");
        for name in ["n".repeat(255), "\u{1F980}".repeat(63)] {
            save(&folder.join(&name), b"bytes").unwrap();
            assert_eq!(names(&folder), std::slice::from_ref(&name));
            fs::remove_file(folder.join(&name)).unwrap();
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_into_is_found_before_and_nothing_is_left_in_another() {
        let folder = folder("check");
        fs::write(folder.join("file"), b"").unwrap();
        for good in ["", "not/there/yet"] {
            check_folder(&folder.join(good)).unwrap();
        }
        let message = check_folder(&folder.join("file/in")).unwrap_err().to_string();
        assert!(message.contains("file/in") && message.contains("a file stands where"), "{message}");
        assert_eq!(names(&folder), ["file"]);
        #[cfg(target_os = "linux")]
        assert!(check_folder(Path::new("/proc/self")).is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file_and_names_path_and_remedy() {
        let folder = folder("fails");
        let taken = folder.join("taken");
        fs::create_dir(&taken).unwrap();
        let message = save(&taken, b"bytes").unwrap_err().to_string();
        assert!(message.contains(&taken.display().to_string()), "{message}");
        assert!(message.contains("give the name of a file"), "{message}");
        assert_eq!(names(&folder), ["taken"]);

        let blocked = folder.join("file");
        fs::write(&blocked, b"").unwrap();
        let message = save(&blocked.join("results.json"), b"bytes").unwrap_err().to_string();
        assert!(message.contains("a file stands where a folder is needed"), "{message}");
        fs::remove_dir_all(folder).unwrap();
    }

    /// Uses links in the test's own folder, so that a fault cannot replace the real device.
    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_devices_stay_devices() {
        use std::os::unix::fs::symlink;
        let folder = folder("links");
        let (file, device) = (folder.join("to-file"), folder.join("to-device"));
        fs::write(folder.join("file"), b"before").unwrap();
        symlink("file", &file).unwrap();
        symlink("/dev/null", &device).unwrap();
        for link in [&file, &device] {
            save(link, b"after").unwrap();
            assert!(fs::symlink_metadata(link).unwrap().is_symlink(), "{}", link.display());
        }
        assert_eq!(fs::read(folder.join("file")).unwrap(), b"after");
        assert_eq!(fs::read(&device).unwrap(), b"");
        fs::remove_dir_all(folder).unwrap();
    }
}
