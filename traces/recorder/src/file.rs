//! The file that a trace is written to.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

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
        let lower = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let known = [(".htrace", TraceFormat::Htrace), (".csv", TraceFormat::Csv), (".csv.zst", TraceFormat::CsvZst)];
        let is = |ending: &str| lower.ends_with(ending) && lower.len() > ending.len();
        known.into_iter().find_map(|(ending, format)| is(ending).then_some(format))
    }
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

/// The trace of a recording. It has its final name from the start, so what is written can be read whatever happens to
/// the process.
pub(crate) enum TraceFile {
    Htrace(Box<htrace::HtraceWriter<WholeFile>>),
    Csv(csv::CsvWriter<WholeFile>),
}

impl TraceFile {
    /// Creates the file. If its ending is that of no format, it is binary.
    pub(crate) fn create(path: &Path, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, WriteError> {
        let format = TraceFormat::of(path).unwrap_or(TraceFormat::Htrace);
        if format == TraceFormat::CsvZst {
            let cause = "the recorder does not compress; let the name end in .htrace or .csv";
            return Err(io::Error::new(io::ErrorKind::Unsupported, cause).into());
        }
        let file = WholeFile::from(File::create(path)?);
        Ok(match format {
            TraceFormat::Csv => TraceFile::Csv(csv::CsvWriter::new(file, columns, provenance)?),
            _ => TraceFile::Htrace(Box::new(htrace::HtraceWriter::new(file, columns, provenance)?)),
        })
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
            TraceFile::Htrace(writer) => writer.finish().map(drop),
            TraceFile::Csv(writer) => writer.finish().map(drop),
        }
    }
}
