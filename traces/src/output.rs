//! A trace that is written to a file, in the format that the file's name asks for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use heaprace_recorder::csv::{self, Columns};
use heaprace_recorder::file::{TraceFormat, WholeFile};
use heaprace_recorder::{Event, WriteError};

use crate::binary;
use crate::error::TraceError;

/// How hard zstd works on a CSV. Traces are written once and kept: this is half the size of the fastest level, at a tenth of the time of
/// the hardest.
const CSV_LEVEL: i32 = 9;

/// A trace on its way into a file. Under its final name there is never half a trace: the events go to a file beside it, which gets that
/// name once it is whole. Where it is dropped before, nothing is left behind.
///
/// ```
/// use heaprace_traces::{Output, Source};
///
/// let folder = std::env::temp_dir().join(format!("heaprace-output-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).expect("a folder can be made");
/// let path = folder.join("copy.csv.zst");
/// let events = Source::from_bytes("example.csv", "op,id,size,align\nalloc,1,24,8\n".as_bytes()).open()?;
/// let mut output = Output::create(&path, events.columns(), events.provenance())?;
/// for event in events {
///     output.write(&event?)?;
/// }
/// output.finish()?;
/// assert_eq!(Source::locate(&path.to_string_lossy())?.open()?.count(), 1);
/// # std::fs::remove_dir_all(&folder).expect("the folder is there");
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Debug)]
pub struct Output {
    writer: Option<FormatWriter>,
    path: PathBuf,
    partial: PartialFile,
}

/// The writer of each format.
enum FormatWriter {
    Htrace(Box<binary::Writer<WholeFile>>),
    Csv(csv::Writer<WholeFile>),
    CsvZst(csv::Writer<zstd::Encoder<'static, WholeFile>>),
}

impl Output {
    /// Begins a trace at `path`, whose ending decides the format: `.htrace`, `.csv`, or `.csv.zst`. Of an event's thread and time only what
    /// `columns` names is written.
    ///
    /// # Errors
    ///
    /// [`TraceError::UnknownEnding`] where no format has this ending, and [`TraceError::Create`] where the file cannot be created.
    pub fn create(path: &Path, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, TraceError> {
        let unknown = || TraceError::UnknownEnding { file: path.display().to_string() };
        let format = TraceFormat::of(path).ok_or_else(unknown)?;
        if path.is_dir() {
            return Err(TraceError::Folder { file: path.display().to_string() });
        }
        let failed = |source| TraceError::Create { file: path.display().to_string(), source };
        let (partial, file) = PartialFile::create(path).map_err(failed)?;
        let writer = FormatWriter::new(format, file, columns, provenance)?;
        Ok(Output { writer: Some(writer), path: path.to_owned(), partial })
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] if the event has no value for a column of the trace, or the file cannot take it.
    #[inline]
    pub fn write(&mut self, event: &Event) -> Result<(), TraceError> {
        let written = match self.writer.as_mut().expect("only `finish` takes the writer") {
            FormatWriter::Htrace(writer) => writer.write(event),
            FormatWriter::Csv(writer) => writer.write(event),
            FormatWriter::CsvZst(writer) => writer.write(event),
        };
        Ok(written?)
    }

    /// Writes a comment between the event before and the next one.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] where the file cannot take it.
    pub fn comment(&mut self, text: &str) -> Result<(), TraceError> {
        let written = match self.writer.as_mut().expect("only `finish` takes the writer") {
            FormatWriter::Htrace(writer) => writer.comment(text),
            FormatWriter::Csv(writer) => writer.comment(text),
            FormatWriter::CsvZst(writer) => writer.comment(text),
        };
        Ok(written?)
    }

    /// Writes what is left, and gives the file its name. A file that had it is replaced.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] where the file cannot take the rest or the name.
    pub fn finish(mut self) -> Result<(), TraceError> {
        match self.writer.take().expect("only `finish` takes the writer") {
            FormatWriter::Htrace(writer) => drop(writer.finish()?),
            FormatWriter::Csv(writer) => drop(writer.finish()?),
            FormatWriter::CsvZst(writer) => drop(writer.finish()?.finish().map_err(WriteError::Io)?),
        }
        Ok(fs::rename(&self.partial.0, &self.path).map_err(WriteError::Io)?)
    }
}

impl FormatWriter {
    fn new(
        format: TraceFormat,
        file: File,
        columns: Columns,
        provenance: &[impl AsRef<str>],
    ) -> Result<Self, WriteError> {
        let file = WholeFile::from(file);
        Ok(match format {
            TraceFormat::Htrace => FormatWriter::Htrace(Box::new(binary::Writer::new(file, columns, provenance)?)),
            TraceFormat::Csv => FormatWriter::Csv(csv::Writer::new(file, columns, provenance)?),
            TraceFormat::CsvZst => {
                let encoder = zstd::Encoder::new(file, CSV_LEVEL)?;
                FormatWriter::CsvZst(csv::Writer::new(encoder, columns, provenance)?)
            }
        })
    }
}

/// The file that is written, until it has its final name: it is removed when this is dropped, if it is still there.
#[derive(Debug)]
struct PartialFile(PathBuf);

impl PartialFile {
    fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut hidden = OsString::from(".");
        hidden.push(path.file_name().unwrap_or_default());
        hidden.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(hidden);
        let file = File::create(&partial)?;
        Ok((PartialFile(partial), file))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // It is not there any more if it has got its name, and where it cannot be removed there is nobody to tell.
        let _ = fs::remove_file(&self.0);
    }
}

impl std::fmt::Debug for FormatWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FormatWriter::Htrace(writer) => writer.fmt(f),
            FormatWriter::Csv(writer) => writer.fmt(f),
            FormatWriter::CsvZst(_) => f.write_str("Writer of compressed CSV"),
        }
    }
}
