//! A trace that is written to a file, in the format that the file's name asks for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use heaprace_recorder::csv::{self, Columns};
use heaprace_recorder::file::{TraceFormat, WholeFile};
use heaprace_recorder::{Event, WriteError};

use crate::error::TraceError;
use crate::htrace;

/// The zstd level of a CSV. Traces are written once and kept: this level gives half the size of the fastest one, in a
/// tenth of the time of the highest.
const CSV_LEVEL: i32 = 9;

/// A trace that is being written to a file. The final name never names half a trace: the events go to another file in
/// the same folder, which gets the name once it is complete. Dropping it before that leaves nothing.
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
    Htrace(Box<htrace::HtraceWriter<WholeFile>>),
    Csv(csv::CsvWriter<WholeFile>),
    CsvZst(csv::CsvWriter<zstd::Encoder<'static, WholeFile>>),
}

impl Output {
    /// Begins a trace at `path`, whose ending decides the format: `.htrace`, `.csv`, or `.csv.zst`. An event's thread
    /// and time are written only if `columns` has them.
    ///
    /// # Errors
    ///
    /// [`TraceError::UnknownEnding`] if no format has this ending, and [`TraceError::Create`] if the file cannot be
    /// created.
    pub fn create(path: &Path, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, TraceError> {
        let unknown = || TraceError::UnknownEnding { file: path.display().to_string() };
        let format = TraceFormat::of(path).ok_or_else(unknown)?;
        if path.is_dir() {
            return Err(TraceError::Folder { file: path.display().to_string() });
        }
        let failed = |source| TraceError::Create { file: path.display().to_string(), source };
        let (partial, file) = PartialFile::create(path).map_err(failed)?;
        let writer = FormatWriter::new(format, file, columns, provenance)
            .map_err(|source| TraceError::WriteFile { file: path.display().to_string(), source })?;
        Ok(Output { writer: Some(writer), path: path.to_owned(), partial })
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`TraceError::WriteFile`] if the event has no value for a column of the trace, or the file cannot be written.
    #[inline]
    pub fn write(&mut self, event: &Event) -> Result<(), TraceError> {
        let written = match self.writer.as_mut().expect("only `finish` takes the writer") {
            FormatWriter::Htrace(writer) => writer.write(event),
            FormatWriter::Csv(writer) => writer.write(event),
            FormatWriter::CsvZst(writer) => writer.write(event),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Writes a comment between the last event and the next one.
    ///
    /// # Errors
    ///
    /// [`TraceError::WriteFile`] if the file cannot be written.
    pub fn comment(&mut self, text: &str) -> Result<(), TraceError> {
        let written = match self.writer.as_mut().expect("only `finish` takes the writer") {
            FormatWriter::Htrace(writer) => writer.comment(text),
            FormatWriter::Csv(writer) => writer.comment(text),
            FormatWriter::CsvZst(writer) => writer.comment(text),
        };
        written.map_err(|error| self.failed(error))
    }

    /// Writes the rest and gives the file its name, replacing an existing file.
    ///
    /// # Errors
    ///
    /// [`TraceError::WriteFile`] if the file cannot be written or renamed.
    pub fn finish(mut self) -> Result<(), TraceError> {
        let written = match self.writer.take().expect("only `finish` takes the writer") {
            FormatWriter::Htrace(writer) => writer.finish().map(drop),
            FormatWriter::Csv(writer) => writer.finish().map(drop),
            FormatWriter::CsvZst(writer) => writer.finish().and_then(|encoder| Ok(encoder.finish().map(drop)?)),
        };
        let named = written.and_then(|()| Ok(fs::rename(&self.partial.0, &self.path)?));
        named.map_err(|error| self.failed(error))
    }

    #[cold]
    fn failed(&self, source: WriteError) -> TraceError {
        TraceError::WriteFile { file: self.path.display().to_string(), source }
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
            TraceFormat::Htrace => {
                FormatWriter::Htrace(Box::new(htrace::HtraceWriter::new(file, columns, provenance)?))
            }
            TraceFormat::Csv => FormatWriter::Csv(csv::CsvWriter::new(file, columns, provenance)?),
            TraceFormat::CsvZst => {
                let encoder = zstd::Encoder::new(file, CSV_LEVEL)?;
                FormatWriter::CsvZst(csv::CsvWriter::new(encoder, columns, provenance)?)
            }
        })
    }
}

/// The file until it has its final name. Dropping this removes it.
#[derive(Debug)]
struct PartialFile(PathBuf);

/// The files of this process that do not have their final names yet.
fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the files of all [`Output`]s that are not finished: for a process that is about to end while another thread
/// writes.
pub fn remove_unfinished() {
    for partial in unfinished().drain(..) {
        let _ = fs::remove_file(partial);
    }
}

/// Maximum length of a file's name in the name of its partial file, so that any name that a file may have works.
const MOST_NAME_CHARACTERS: usize = 40;

impl PartialFile {
    fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut hidden = OsString::from(".");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        hidden.push(name.chars().take(MOST_NAME_CHARACTERS).collect::<String>());
        static FILES: AtomicU64 = AtomicU64::new(0);
        let file = FILES.fetch_add(1, Ordering::Relaxed);
        hidden.push(format!(".{}-{file}.partial", std::process::id()));
        let partial = path.with_file_name(hidden);
        unfinished().push(partial.clone());
        let file = File::create(&partial).inspect_err(|_| forget(&partial))?;
        Ok((PartialFile(partial), file))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // After the renaming there is nothing to remove, and a failure cannot be reported here.
        let _ = fs::remove_file(&self.0);
        forget(&self.0);
    }
}

fn forget(partial: &Path) {
    unfinished().retain(|other| other != partial);
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
