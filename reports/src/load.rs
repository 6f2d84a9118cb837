//! Reading saved results: files, and folders that hold them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::ReportError;
use crate::results::Results;
use crate::wasm::{WASM_FILE, WasmResults};
use crate::wire::{self, Mismatch, MismatchKind};

/// The name under which results are saved, and looked for in folders.
pub const RESULTS_FILE: &str = "results.json";

/// Results, and the file that they were read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The file.
    pub path: PathBuf,
    /// What is in it, or a part of it where it holds several.
    pub results: Results,
    /// What it lacks, and what it has that this version does not know: to be shown with anything that is made of the results.
    pub mismatches: Vec<Mismatch>,
}

/// Reads all results at these paths: a file is read whatever its name is, a folder is searched for files called [`RESULTS_FILE`], those in
/// its own folders included, in the order of their names. Results of the WebAssembly lane that lie beside a file, and are of the same
/// trace, are put into [`Results::wasm`].
///
/// # Errors
///
/// [`ReportError::Read`] where a path cannot be read or a folder holds no results, [`ReportError::In`] with the file's name where it holds
/// something else, or where a field is missing that no table can do without, as the trace's name. Where a figure is missing, that
/// figure is unknown with its reason, and no error.
///
/// ```no_run
/// for saved in heaprace_reports::load(&["heaprace-report"])? {
///     println!("{}: {}", saved.path.display(), saved.results.trace.name);
///     saved.mismatches.iter().for_each(|mismatch| eprintln!("{}: {mismatch}", saved.path.display()));
/// }
/// # Ok::<(), heaprace_reports::ReportError>(())
/// ```
pub fn load(paths: &[impl AsRef<Path>]) -> Result<Vec<Saved>, ReportError> {
    let mut all = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let metadata = fs::metadata(path).map_err(|cause| unreadable(path, cause))?;
        if !metadata.is_dir() {
            all.extend(file(path)?);
            continue;
        }
        let before = all.len();
        folder(path, &mut all)?;
        if all.len() == before {
            return Err(ReportError::NoResults { path: path.to_owned() });
        }
    }
    Ok(all)
}

fn folder(path: &Path, all: &mut Vec<Saved>) -> Result<(), ReportError> {
    let entries = fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = entries.map_err(|cause| unreadable(path, cause))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let found = entry.path();
        // A link to a folder is not followed, as it may lead back here.
        let kind = entry.file_type().map_err(|cause| unreadable(&found, cause))?;
        if kind.is_dir() {
            folder(&found, all)?;
        } else if entry.file_name() == RESULTS_FILE {
            all.extend(file(&found)?);
        }
    }
    Ok(())
}

fn file(path: &Path) -> Result<impl Iterator<Item = Saved>, ReportError> {
    let within = |error: ReportError| ReportError::In { path: path.to_owned(), error: Box::new(error) };
    let bytes = read(path).map_err(|cause| unreadable(path, cause))?;
    // What is no text is no results, as other text is.
    let all = wire::read_all(&String::from_utf8_lossy(&bytes)).map_err(within)?;
    let path = path.to_owned();
    Ok(all.into_iter().map(move |(mut results, mut mismatches)| {
        mismatches.extend(add_wasm(&mut results, &path.with_file_name(WASM_FILE)));
        Saved { path: path.clone(), results, mismatches }
    }))
}

/// Adds what the WebAssembly lane has left in this file, if it is there and of the same trace. What cannot be read costs no more than
/// itself.
fn add_wasm(results: &mut Results, path: &Path) -> Option<Mismatch> {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return None,
        Err(cause) => return Some(without_wasm(cause.to_string())),
    };
    match WasmResults::from_json(&String::from_utf8_lossy(&bytes)) {
        Ok(wasm) if wasm.sha256 == results.trace.sha256 => {
            results.wasm = Some(wasm);
            None
        }
        Ok(_) => Some(without_wasm(format!("{WASM_FILE} is of another trace; 'replay wasm' measures this one"))),
        Err(error) => Some(without_wasm(format!("{WASM_FILE}: {error}"))),
    }
}

fn without_wasm(reason: String) -> Mismatch {
    Mismatch { field: "wasm".to_owned(), kind: MismatchKind::Gap(reason), more: 0 }
}

/// Maximum size of a file of results: a thousand times that of usual ones, and no device without an end.
const MOST_BYTES: u64 = 256 << 20;

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it has more than 256 MiB, so it is not the results of replay"));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, cause: io::Error) -> ReportError {
    ReportError::Read { path: path.to_owned(), cause }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample, save};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("heaprace-load-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Folder(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn folders_are_searched_and_files_are_read_whatever_their_name() {
        let folder = Folder::new("search");
        let json = sample::results().to_json();
        for place in ["b/results.json", "a/deep/results.json", "a/notes.json", "other.json"] {
            save(&folder.0.join(place), json.as_bytes()).unwrap();
        }
        let found = load(&[folder.0.clone(), folder.0.join("other.json")]).unwrap();
        let paths: Vec<_> = found.iter().map(|saved| saved.path.strip_prefix(&folder.0).unwrap()).collect();
        assert_eq!(paths, ["a/deep/results.json", "b/results.json", "other.json"].map(Path::new));
        assert_eq!(found[0].results, sample::results());
    }

    #[test]
    fn what_the_webassembly_lane_left_beside_a_file_is_added_if_it_is_of_the_same_trace() {
        let folder = Folder::new("wasm");
        let json = sample::results().to_json();
        let mut other = sample::wasm();
        other.sha256 = "another".into();
        for (name, text) in [("a", sample::wasm().to_json()), ("b", other.to_json()), ("c", "{}".into())] {
            save(&folder.0.join(name).join(RESULTS_FILE), json.as_bytes()).unwrap();
            save(&folder.0.join(name).join(WASM_FILE), text.as_bytes()).unwrap();
        }
        let found = load(&[&folder.0]).unwrap();
        let notes = |at: usize| found[at].mismatches.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((found[0].results.wasm.as_ref(), notes(0)), (Some(&sample::wasm()), Vec::new()));
        for (at, what) in [(1, "of another trace"), (2, "not results of Heaprace")] {
            assert!(found[at].results.wasm.is_none());
            assert!(notes(at).len() == 1 && notes(at)[0].contains(what), "{:?}", notes(at));
        }
        // What was read is written with them.
        let again = Results::from_json(&found[0].results.to_json()).unwrap();
        assert_eq!(again, found[0].results);
    }

    #[test]
    #[cfg(unix)]
    fn a_device_without_an_end_is_an_error() {
        let message = load(&["/dev/zero"]).unwrap_err().to_string();
        assert!(message.contains("/dev/zero") && message.contains("more than 256 MiB"), "{message}");
    }

    #[test]
    fn errors_name_the_file() {
        let folder = Folder::new("errors");
        let message = |name: &str| load(&[folder.0.join(name)]).unwrap_err().to_string();
        assert!(message("nothing").contains("nothing: "));
        assert!(load(&[&folder.0]).unwrap_err().to_string().contains("no results.json"), "an empty folder");
        save(&folder.0.join("a/results.json"), b"op,id\n").unwrap();
        save(&folder.0.join("b/results.json"), b"{\"schema_version\": 99}").unwrap();
        save(&folder.0.join("c/results.json"), b"\xFF\xFE").unwrap();
        for (name, what) in [("a", "not results"), ("b", "schema version 99"), ("c", "not results")] {
            let message = message(name);
            assert!(message.contains(&format!("{name}/results.json: ")) && message.contains(what), "{message}");
        }
    }
}
