//! The files that a command reads and writes: before anything is measured, it checks that no output would replace an
//! input or another output, and that the outputs can be written.

use std::fs::{self, Metadata};
use std::path::{Component, Path, PathBuf};

/// Stands for standard output.
pub(crate) const STDOUT: &str = "-";

/// Links followed before a path counts as a circle.
const MOST_LINKS: u32 = 40;

/// What a path names, whatever the path looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    Stdout,
    /// A file that exists, by its device and number: hard links are the same file.
    #[cfg(unix)]
    Existing(u64, u64),
    /// Any other file, by its path without links.
    Path(PathBuf),
}

/// The files of a command. Inputs are added first.
#[derive(Debug, Default)]
pub(crate) struct Files {
    inputs: Vec<(Identity, PathBuf)>,
    outputs: Vec<(Identity, String)>,
}

impl Files {
    /// Adds an input. Only a file can be replaced, so a pipe or a device is none.
    pub(crate) fn read(&mut self, path: &Path) {
        if let Some(identity) = identity(path).filter(|identity| *identity != Identity::Stdout) {
            self.inputs.push((identity, path.to_owned()));
        }
    }

    /// Adds a file that is written. `what` is the option that names it.
    ///
    /// # Errors
    ///
    /// The message of a usage error if the file is an input or another output.
    pub(crate) fn write(&mut self, what: &str, path: &Path) -> Result<(), String> {
        let Some(identity) = identity(path) else { return Ok(()) };
        if let Some((_, input)) = self.inputs.iter().find(|(input, _)| *input == identity) {
            return Err(format!(
                "{what}: {} would replace {}, which is read; choose another file",
                path.display(),
                input.display()
            ));
        }
        if let Some((_, other)) = self.outputs.iter().find(|(output, _)| *output == identity) {
            return Err(match identity {
                Identity::Stdout => format!("{what} and {other} cannot both go to standard output"),
                _ => {
                    format!("{what} and {other} are the same file, {}; choose another for one of them", path.display())
                }
            });
        }
        self.outputs.push((identity, what.to_owned()));
        Ok(())
    }
}

/// Checks that one output, which the option `what` names, would replace none of these inputs.
///
/// # Errors
///
/// The message of a usage error.
pub(crate) fn check(
    inputs: impl IntoIterator<Item = impl AsRef<Path>>,
    what: &str,
    output: &Path,
) -> Result<(), String> {
    let mut files = Files::default();
    inputs.into_iter().for_each(|input| files.read(input.as_ref()));
    files.write(what, output)
}

/// Whether writing this makes a file in a folder: it is neither standard output nor a device.
pub(crate) fn is_file_to_be(path: &Path) -> bool {
    path.as_os_str() != STDOUT && fs::metadata(path).map_or(true, |found| found.is_file() || found.is_dir())
}

/// What this path names; `None` for a device or a pipe other than standard output, which nothing can replace.
fn identity(path: &Path) -> Option<Identity> {
    let is_stdout = |path: &Path| {
        [STDOUT, "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path.as_os_str() == *name)
    };
    if is_stdout(path) {
        return Some(Identity::Stdout);
    }
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Some(existing(path, &found)),
        Ok(_) => None,
        Err(_) => Some(Identity::Path(without_links(path, MOST_LINKS))),
    }
}

#[cfg(unix)]
fn existing(_path: &Path, found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity::Existing(found.dev(), found.ino())
}

#[cfg(not(unix))]
fn existing(path: &Path, _found: &Metadata) -> Identity {
    Identity::Path(without_links(path, MOST_LINKS))
}

/// The path of a file that need not exist: without links and dots, as far as it exists.
fn without_links(path: &Path, most_links: u32) -> PathBuf {
    if let Ok(found) = fs::canonicalize(path) {
        return found;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A link to a file that is not there yet is where it will be.
    if most_links > 0
        && let Ok(target) = fs::read_link(path)
    {
        return without_links(&folder.join(target), most_links - 1);
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => without_links(parent, most_links),
        _ => fs::canonicalize(".").unwrap_or_else(|_| PathBuf::from(".")),
    };
    match path.components().next_back() {
        Some(Component::Normal(name)) => folder.join(name),
        // What is not there has no folder around it, other than by its name.
        Some(Component::ParentDir) => folder.parent().map(Path::to_owned).unwrap_or(folder),
        _ => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_file_is_the_same_under_every_name() {
        use std::os::unix::fs::symlink;
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        fs::write(at("input.csv"), b"").unwrap();
        fs::hard_link(at("input.csv"), at("hard")).unwrap();
        symlink("input.csv", at("soft")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        symlink("..", at("folder/up")).unwrap();
        let mut files = Files::default();
        files.read(&at("input.csv"));
        for name in ["input.csv", "./input.csv", "hard", "soft", "folder/../input.csv", "folder/up/folder/up/input.csv"]
        {
            let message = files.write("--export-csv", &at(name)).unwrap_err();
            assert!(message.starts_with("--export-csv: ") && message.contains("input.csv, which is read"), "{message}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn two_outputs_are_the_same_file_even_before_it_is_there() {
        use std::os::unix::fs::symlink;
        let temporary = tempfile::tempdir().unwrap();
        let at = |name: &str| temporary.path().join(name);
        symlink("new.csv", at("link")).unwrap();
        symlink("link", at("link-to-link")).unwrap();
        symlink("circle", at("circle")).unwrap();
        let mut files = Files::default();
        files.write("--export-csv", &at("new.csv")).unwrap();
        for name in ["new.csv", "./new.csv", "link", "link-to-link", "not/there/../../new.csv"] {
            let message = files.write("--export-json", &at(name)).unwrap_err();
            assert!(message.starts_with("--export-json and --export-csv are the same file"), "{message}");
        }
        for name in ["other.csv", "not/there/new.csv", "circle"] {
            files.write("--export-json", &at(name)).unwrap();
        }
    }

    #[test]
    #[cfg(unix)]
    fn standard_output_is_one_and_a_device_is_no_file() {
        let mut files = Files::default();
        files.read(Path::new("/dev/stdin"));
        files.write("--format json", Path::new("-")).unwrap();
        let message = files.write("--export-csv", Path::new("/dev/stdout")).unwrap_err();
        assert_eq!(message, "--export-csv and --format json cannot both go to standard output");
        for _ in 0..2 {
            files.write("--export-csv", Path::new("/dev/null")).unwrap();
        }
    }
}
