//! A trace that is written to a file, in the format that the file's name asks for.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::binary;
use crate::csv::{Columns, Writer};
use crate::error::TraceError;
use crate::event::Event;

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
    writer: Option<Format>,
    path: PathBuf,
    /// The file until it has its name; `None` where it has that from the start.
    partial: Option<Partial>,
}

/// The writer of each format.
enum Format {
    Binary(Box<binary::Writer<WholeFile>>),
    Csv(Writer<WholeFile>),
    CsvZst(Writer<zstd::Encoder<'static, WholeFile>>),
}

impl Output {
    /// Begins a trace at `path`, whose ending decides the format: `.htrace`, `.csv`, or `.csv.zst`. Of an event's thread and time only what
    /// `columns` names is written.
    ///
    /// # Errors
    ///
    /// [`TraceError::UnknownEnding`] where no format has this ending, and [`TraceError::Create`] where the file cannot be created.
    pub fn create(path: &Path, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, TraceError> {
        let ending = Ending::of(path).ok_or_else(|| TraceError::UnknownEnding { file: path.display().to_string() })?;
        if path.is_dir() {
            return Err(TraceError::Folder { file: path.display().to_string() });
        }
        let failed = |source| TraceError::Create { file: path.display().to_string(), source };
        let (partial, file) = Partial::create(path).map_err(failed)?;
        let writer = Format::new(ending, file, columns, provenance, binary::Writer::new)?;
        Ok(Output { writer: Some(writer), path: path.to_owned(), partial: Some(partial) })
    }

    /// Begins a trace that has its name from the start, so that what is written of it can be read whatever becomes of this process. Where
    /// the name's ending says nothing, it is binary. A binary one is compressed less than by [`create`](Self::create), in half the time.
    ///
    /// # Errors
    ///
    /// [`TraceError::Create`] where the file cannot be created, [`TraceError::Write`] where nothing can be written to it.
    pub(crate) fn in_place(path: &Path, columns: Columns, provenance: &[impl AsRef<str>]) -> Result<Self, TraceError> {
        let failed = |source| TraceError::Create { file: path.display().to_string(), source };
        let file = File::create(path).map_err(failed)?;
        let ending = Ending::of(path).unwrap_or(Ending::Binary);
        let writer = Format::new(ending, file, columns, provenance, binary::Writer::quick)?;
        Ok(Output { writer: Some(writer), path: path.to_owned(), partial: None })
    }

    /// Writes one event.
    ///
    /// # Errors
    ///
    /// [`TraceError::Unwritable`] where the event has no value for a column of the trace, [`TraceError::Write`] where the file cannot
    /// take it.
    #[inline]
    pub fn write(&mut self, event: &Event) -> Result<(), TraceError> {
        match self.writer.as_mut().expect("only `finish` takes the writer") {
            Format::Binary(writer) => writer.write(event),
            Format::Csv(writer) => writer.write(event),
            Format::CsvZst(writer) => writer.write(event),
        }
    }

    /// Writes a comment between the event before and the next one.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] where the file cannot take it.
    pub fn comment(&mut self, text: &str) -> Result<(), TraceError> {
        match self.writer.as_mut().expect("only `finish` takes the writer") {
            Format::Binary(writer) => writer.comment(text),
            Format::Csv(writer) => writer.comment(text),
            Format::CsvZst(writer) => writer.comment(text),
        }
    }

    /// Writes what is left, and gives the file its name. A file that had it is replaced.
    ///
    /// # Errors
    ///
    /// [`TraceError::Write`] where the file cannot take the rest or the name.
    pub fn finish(mut self) -> Result<(), TraceError> {
        let failed = |source| TraceError::Write { source };
        match self.writer.take().expect("only `finish` takes the writer") {
            Format::Binary(writer) => drop(writer.finish()?),
            Format::Csv(writer) => drop(writer.finish()?),
            Format::CsvZst(writer) => drop(writer.finish()?.finish().map_err(failed)?),
        }
        match &self.partial {
            Some(partial) => fs::rename(&partial.0, &self.path).map_err(failed),
            None => Ok(()),
        }
    }
}

/// What the name of a file says about its format.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Binary,
    Csv,
    CsvZst,
}

impl Ending {
    fn of(path: &Path) -> Option<Self> {
        let lower = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let known = [(".htrace", Ending::Binary), (".csv", Ending::Csv), (".csv.zst", Ending::CsvZst)];
        let is = |ending: &str| lower.ends_with(ending) && lower.len() > ending.len();
        known.into_iter().find_map(|(ending, format)| is(ending).then_some(format))
    }
}

impl Format {
    fn new<P: AsRef<str>>(
        ending: Ending,
        file: File,
        columns: Columns,
        provenance: &[P],
        binary: impl FnOnce(WholeFile, Columns, &[P]) -> Result<binary::Writer<WholeFile>, TraceError>,
    ) -> Result<Self, TraceError> {
        let file = WholeFile { file, length: 0 };
        Ok(match ending {
            Ending::Binary => Format::Binary(Box::new(binary(file, columns, provenance)?)),
            Ending::Csv => Format::Csv(Writer::new(file, columns, provenance)?),
            Ending::CsvZst => {
                let encoder = zstd::Encoder::new(file, CSV_LEVEL).map_err(|source| TraceError::Write { source })?;
                Format::CsvZst(Writer::new(encoder, columns, provenance)?)
            }
        })
    }
}

/// A file that has nothing of a write that fails. The writers write whole blocks and whole lines, so it can be read to where it ends.
struct WholeFile {
    file: File,
    length: u64,
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            // Where it cannot be cut, it ends within a block or a line, which readers notice too.
            Err(_) => drop(self.file.set_len(self.length)),
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The file that is written, until it has its final name: it is removed when this is dropped, if it is still there.
#[derive(Debug)]
struct Partial(PathBuf);

impl Partial {
    fn create(path: &Path) -> io::Result<(Self, File)> {
        let mut hidden = OsString::from(".");
        hidden.push(path.file_name().unwrap_or_default());
        hidden.push(format!(".{}.partial", std::process::id()));
        let partial = path.with_file_name(hidden);
        let file = File::create(&partial)?;
        Ok((Partial(partial), file))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It is not there any more if it has got its name, and where it cannot be removed there is nobody to tell.
        let _ = fs::remove_file(&self.0);
    }
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Format::Binary(writer) => writer.fmt(f),
            Format::Csv(writer) => writer.fmt(f),
            Format::CsvZst(_) => f.write_str("Writer of compressed CSV"),
        }
    }
}
