//! The folder of the raw recordings of a run.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;

use anyhow::Context;
use heaprace_traces::escaped;

/// Processes that have changed their user create files in it, and remove none of others. Nobody else lists it.
const MODE: u32 = 0o1733;
/// Maximum length of the part of its name that is the trace's.
const MOST_NAME_BYTES: usize = 200;

/// A folder that is removed when this is dropped.
pub(super) struct Folder {
    path: PathBuf,
    /// The same, from the root.
    absolute: PathBuf,
    is_kept: bool,
}

impl Folder {
    /// Creates the folder beside the trace: there is where the user wants large files.
    pub(super) fn create(output: &Path) -> anyhow::Result<Self> {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        let name: String =
            name.char_indices().take_while(|(place, _)| *place < MOST_NAME_BYTES).map(|(_, char)| char).collect();
        let mut folder = OsString::from(".");
        folder.push(format!("{name}.{}.recording", process::id()));
        let path = output.with_file_name(folder);
        let failed = || format!("cannot create {}; check the folder, its permissions and its free space", shown(&path));
        fs::DirBuilder::new().mode(MODE).create(&path).with_context(failed)?;
        let mut folder = Folder { absolute: path.clone(), path, is_kept: false };
        // What the user's mask took away.
        fs::set_permissions(&folder.path, Permissions::from_mode(MODE)).with_context(failed_on(&folder.path))?;
        folder.absolute = fs::canonicalize(&folder.path).with_context(failed_on(&folder.path))?;
        Ok(folder)
    }

    /// Its path, from the root.
    pub(super) fn absolute(&self) -> &Path {
        &self.absolute
    }

    /// Its path as the user reads it.
    pub(super) fn shown(&self) -> String {
        shown(&self.path)
    }

    /// It stays when this is dropped.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_kept {
            // If it cannot be removed, nothing more can be done.
            let _: io::Result<()> = fs::remove_dir_all(&self.path);
        }
    }
}

/// A path in a message.
pub(super) fn shown(path: &Path) -> String {
    escaped(path.as_os_str().as_encoded_bytes())
}

fn failed_on(path: &Path) -> impl Fn() -> String {
    let path = shown(path);
    move || format!("cannot use {path}; check the folder and its permissions")
}
