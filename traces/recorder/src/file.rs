//! Files of traces: the formats that their names ask for, and how they are written.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The formats that traces are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceFormat {
    /// The [binary format](crate::htrace), `.htrace`.
    Htrace,
    /// [CSV](crate::csv), `.csv`.
    Csv,
    /// CSV compressed with zstd, `.csv.zst`. The recorder does not write it.
    CsvZst,
}

impl TraceFormat {
    /// The format that the ending of a file's name asks for; `None` if it is the ending of none.
    ///
    /// ```
    /// use heaprace_recorder::file::TraceFormat;
    /// assert_eq!(TraceFormat::of("a/trace.HTRACE".as_ref()), Some(TraceFormat::Htrace));
    /// assert_eq!(TraceFormat::of(".csv".as_ref()), None);
    /// ```
    pub fn of(path: &Path) -> Option<Self> {
        known_ending(&path.file_name().unwrap_or_default().to_string_lossy()).map(|(_, format)| format)
    }
}

/// The length of the ending by which a file's name asks for a format, and the format.
fn known_ending(name: &str) -> Option<(usize, TraceFormat)> {
    let lower = name.to_ascii_lowercase();
    let known = [(".htrace", TraceFormat::Htrace), (".csv", TraceFormat::Csv), (".csv.zst", TraceFormat::CsvZst)];
    let is = |ending: &str| lower.ends_with(ending) && lower.len() > ending.len();
    known.into_iter().find_map(|(ending, format)| is(ending).then_some((ending.len(), format)))
}

/// A file's name without the ending of its format, and that ending, which is empty if it is that of no format.
///
/// ```
/// use heaprace_recorder::file::split_ending;
/// assert_eq!(split_ending("v1.2.csv.zst"), ("v1.2", ".csv.zst"));
/// assert_eq!(split_ending("trace.txt"), ("trace.txt", ""));
/// ```
pub fn split_ending(name: &str) -> (&str, &str) {
    name.split_at(name.len() - known_ending(name).map_or(0, |(bytes, _)| bytes))
}

/// The path with another part before the ending of its format: that of another process's trace.
///
/// ```
/// use heaprace_recorder::file::numbered;
/// assert_eq!(numbered("a/trace.csv.zst".as_ref(), "4711"), std::path::Path::new("a/trace.4711.csv.zst"));
/// ```
pub fn numbered(path: &Path, part: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (stem, ending) = split_ending(&name);
    path.with_file_name(format!("{stem}.{part}{ending}"))
}

/// A file that keeps nothing of a write that fails. The writers write whole blocks and whole lines, so what it keeps
/// can be read.
#[derive(Debug)]
pub struct WholeFile {
    pub(crate) file: File,
    length: u64,
}

impl From<File> for WholeFile {
    /// The file must be empty.
    fn from(file: File) -> Self {
        WholeFile { file, length: 0 }
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            // If it cannot be cut, it ends within a block or a line, which readers notice too.
            Err(_) => drop(self.file.set_len(self.length)),
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_has_its_part_before_the_ending() {
        for (path, expected) in [
            ("a/b.htrace", "a/b.7.htrace"),
            ("b.CSV", "b.7.CSV"),
            ("b", "b.7"),
            (".csv", ".csv.7"),
            ("v1.2.csv", "v1.2.7.csv"),
            ("v1.2.csv.zst", "v1.2.7.csv.zst"),
        ] {
            assert_eq!(numbered(path.as_ref(), "7"), Path::new(expected));
        }
    }
}
