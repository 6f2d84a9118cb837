//! The file that a trace is written to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::csv::{self, Columns};
use crate::error::WriteError;
use crate::event::Event;
use crate::htrace;

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
    file: File,
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

impl WholeFile {
    /// Lets other processes record into the file. Forked children keep it open, and with it the lock.
    fn unlock(self) {
        #[cfg(unix)]
        // SAFETY: the file is open.
        unsafe {
            libc::flock(std::os::fd::AsRawFd::as_raw_fd(&self.file), libc::LOCK_UN)
        };
    }
}

/// Creates or empties a file, and locks it until it is closed. If another process has locked it, that one is recording
/// into it, so this one takes a file with its process id in its name, which is returned, too.
fn create_locked(path: &Path) -> io::Result<(File, Option<PathBuf>)> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    if !file.metadata()?.is_file() {
        return Ok((file, None));
    }
    if lock(&file) {
        file.set_len(0)?;
        return Ok((file, None));
    }
    let own = numbered(path, &std::process::id().to_string());
    let file = File::create(&own)?;
    lock(&file);
    Ok((file, Some(own)))
}

/// Whether no other process has locked the file. It does not wait. Where files cannot be locked, none is.
fn lock(file: &File) -> bool {
    #[cfg(unix)]
    {
        // SAFETY: the file is open.
        let result = unsafe { libc::flock(std::os::fd::AsRawFd::as_raw_fd(file), libc::LOCK_EX | libc::LOCK_NB) };
        result == 0 || io::Error::last_os_error().kind() != io::ErrorKind::WouldBlock
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

/// The trace of a recording. It has its final name from the start, so what is written can be read whatever happens to
/// the process.
pub(crate) enum TraceFile {
    Htrace(Box<htrace::HtraceWriter<WholeFile>>),
    Csv(csv::CsvWriter<WholeFile>),
}

impl TraceFile {
    /// Creates the file. If its ending is that of no format, it is binary. Returns its path, too, if that is another
    /// because a process is recording into the file.
    pub(crate) fn create(
        path: &Path,
        columns: Columns,
        provenance: &[impl AsRef<str>],
    ) -> Result<(Self, Option<PathBuf>), WriteError> {
        let format = TraceFormat::of(path).unwrap_or(TraceFormat::Htrace);
        if format == TraceFormat::CsvZst {
            let cause = "the recorder does not compress; let the name end in .htrace or .csv";
            return Err(io::Error::new(io::ErrorKind::Unsupported, cause).into());
        }
        let (file, other) = create_locked(path)?;
        let file = WholeFile::from(file);
        let created = match format {
            TraceFormat::Csv => TraceFile::Csv(csv::CsvWriter::new(file, columns, provenance)?),
            _ => TraceFile::Htrace(Box::new(htrace::HtraceWriter::new(file, columns, provenance)?)),
        };
        Ok((created, other))
    }

    /// Writes one event.
    #[inline]
    pub(crate) fn write(&mut self, event: &Event) -> Result<(), WriteError> {
        match self {
            TraceFile::Htrace(writer) => writer.write(event),
            TraceFile::Csv(writer) => writer.write(event),
        }
    }

    /// Writes a comment between the event before and the next one.
    pub(crate) fn comment(&mut self, text: &str) -> Result<(), WriteError> {
        match self {
            TraceFile::Htrace(writer) => writer.comment(text),
            TraceFile::Csv(writer) => writer.comment(text),
        }
    }

    /// Writes the rest.
    pub(crate) fn finish(self) -> Result<(), WriteError> {
        match self {
            TraceFile::Htrace(writer) => writer.finish().map(WholeFile::unlock),
            TraceFile::Csv(writer) => writer.finish().map(WholeFile::unlock),
        }
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
