//! Where a trace comes from: a file, the library, or bytes in memory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use heaprace_recorder::file::split_ending;
use sha2::{Digest, Sha256};

use crate::csv;
use crate::error::{Place, TraceError};
use crate::events::Events;
use crate::htrace;
use crate::import::ImportOptions;
use crate::input::{self, BLOCK_BYTES, Peeked, Unpacked};
use crate::interrupt::Interruptible;
use crate::library::{self, LibraryEntry, Origin};
use crate::spool::Spool;
use crate::synthetic;
use crate::validate::MOST_LIVE_OBJECTS;

/// A trace that can be opened, as often as needed.
///
/// ```
/// use heaprace_traces::Source;
///
/// let source = Source::locate("serde-heavy.csv")?;
/// assert_eq!(source.name(), "serde-heavy");
/// let mut events = source.open()?;
/// assert!(events.next().is_some());
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    display: String,
    location: Location,
    import: ImportOptions,
    most_live_objects: usize,
    interrupt: Option<Arc<AtomicBool>>,
    /// What the path of a copy belongs to.
    spool: Option<Spool>,
}

#[derive(Clone, Debug)]
enum Location {
    File(PathBuf),
    Library(&'static LibraryEntry),
    Bytes(Arc<[u8]>),
}

impl Source {
    /// Finds a trace: the file at this path if there is one, else the library trace of this name, with or without the
    /// endings `.htrace`, `.csv` and `.csv.zst`.
    ///
    /// # Errors
    ///
    /// [`TraceError::NotFound`], which names what the library has; [`TraceError::Folder`] if the path is one, and
    /// [`TraceError::Open`] if the path cannot be inspected.
    pub fn locate(argument: &str) -> Result<Self, TraceError> {
        let path = Path::new(argument);
        let named = library::named(without_endings(argument));
        match (path.metadata(), named) {
            (Ok(metadata), _) if !metadata.is_dir() => {
                let file_name = path.file_name().map_or(argument.into(), |name| name.to_string_lossy());
                let name = without_endings(&file_name);
                Ok(Source::new(name, argument.to_owned(), Location::File(path.to_owned())))
            }
            // The folder of a report often has the name of its trace.
            (_, Some(entry)) => Ok(Source::from(entry)),
            (Ok(_), None) => Err(TraceError::Folder { file: argument.to_owned() }),
            (Err(error), None) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(library::not_found(argument, without_endings(argument)))
            }
            (Err(source), None) => Err(TraceError::Open { file: argument.to_owned(), source }),
        }
    }

    /// A trace in memory, plain or compressed. `name` is its file name, as messages show it.
    ///
    /// ```
    /// let text = "op,id,size,align\nalloc,1,24,8\n";
    /// let source = heaprace_traces::Source::from_bytes("example.csv", text.as_bytes());
    /// assert_eq!(source.open()?.count(), 1);
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    pub fn from_bytes(name: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Source::new(without_endings(name), name.to_owned(), Location::Bytes(bytes.into()))
    }

    fn new(name: &str, display: String, location: Location) -> Self {
        Source {
            name: name.to_owned(),
            display,
            location,
            import: ImportOptions::default(),
            most_live_objects: MOST_LIVE_OBJECTS,
            interrupt: None,
            spool: None,
        }
    }

    /// Sets how to read a recording of another tool.
    ///
    /// ```
    /// use heaprace_traces::import::{Format, ImportOptions};
    ///
    /// let options = ImportOptions { format: Some(Format::WeeAlloc), assume_align_bytes: 8 };
    /// let source = heaprace_traces::Source::from_bytes("example.trace", "Alloc(24), Free(0)".as_bytes()).with_import(options);
    /// assert_eq!(source.open()?.count(), 2);
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    #[must_use]
    pub fn with_import(self, import: ImportOptions) -> Self {
        Source { import, ..self }
    }

    /// Ends reading with [`TraceError::Interrupted`] once the flag is set; without a flag, nothing does.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::AtomicBool;
    ///
    /// let source = heaprace_traces::Source::locate("serde-heavy")?.with_interrupt(Some(Arc::new(AtomicBool::new(true))));
    /// assert!(matches!(source.open(), Err(heaprace_traces::TraceError::Interrupted { .. })));
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    #[must_use]
    pub fn with_interrupt(self, interrupt: Option<Arc<AtomicBool>>) -> Self {
        Source { interrupt, ..self }
    }

    /// Sets how many objects may be live at once, because reading takes memory for each; without this call, as many as a
    /// replay can number.
    ///
    /// ```
    /// let text = "op,id,size,align\nalloc,1,24,8\nalloc,2,24,8\n";
    /// let source = heaprace_traces::Source::from_bytes("example.csv", text.as_bytes()).with_most_live_objects(1);
    /// let error = source.open()?.nth(1).expect("there are two events").expect_err("one object may be live");
    /// assert!(error.to_string().contains("more than 1 objects are live at once"));
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    #[must_use]
    pub fn with_most_live_objects(self, most_live_objects: usize) -> Self {
        Source { most_live_objects, ..self }
    }

    /// A source that can be opened as often as needed. What can be read only once, as a pipe, is read now, with the
    /// options for imports that are set, and a copy is kept in a temporary file without a name.
    ///
    /// # Errors
    ///
    /// The errors of reading such an input, and [`TraceError::ReadOnce`] on systems other than Linux.
    pub fn rereadable(self) -> Result<Self, TraceError> {
        let Location::File(path) = &self.location else { return Ok(self) };
        let failed = |source| TraceError::Open { file: self.display.clone(), source };
        if self.spool.is_some() || path.metadata().map_err(failed)?.is_file() {
            return Ok(self);
        }
        let input = File::open(path).map_err(failed)?;
        let spool = Spool::copy(input, &self.display, self.import, self.most_live_objects)?;
        Ok(Source { location: Location::File(spool.path()), spool: Some(spool), ..self })
    }

    /// The short name: the file name without its folder and without `.htrace`, `.csv` or `.csv.zst`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name in messages: the path as given, or `library:` and the name.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The library's entry, for a trace of the library.
    pub fn library_entry(&self) -> Option<&'static LibraryEntry> {
        match self.location {
            Location::Library(entry) => Some(entry),
            _ => None,
        }
    }

    /// The file, if the trace is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.location {
            Location::File(path) => Some(path),
            _ => None,
        }
    }

    /// How a recording of another tool is read.
    pub fn import_options(&self) -> ImportOptions {
        self.import
    }

    /// Whether the trace was recorded or made up, if that is known: for a trace of the library, and for one whose
    /// provenance says so or names what recorded it. A recorded trace that was changed afterwards is neither.
    ///
    /// ```
    /// use heaprace_traces::{Source, library::Origin};
    ///
    /// let text = "# origin: synthetic\nop,id,size,align\nalloc,1,24,8\n";
    /// let source = Source::from_bytes("example.csv", text.as_bytes());
    /// assert_eq!(source.origin(source.open()?.provenance()), Some(Origin::Synthetic));
    /// assert_eq!(source.origin(&["recorder: heaprace-recorder 0.1.0"]), Some(Origin::Recorded));
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    pub fn origin(&self, provenance: &[impl AsRef<str>]) -> Option<Origin> {
        let has = |is_it: &dyn Fn(&str) -> bool| provenance.iter().any(|line| is_it(line.as_ref()));
        let stated = || {
            if has(&|line| line == synthetic::ORIGIN) {
                return Some(Origin::Synthetic);
            }
            let is_recorded = has(&|line| line == "origin: recorded" || line.starts_with("recorder: "));
            (is_recorded && !has(&|line| line.starts_with("derived: "))).then_some(Origin::Recorded)
        };
        self.library_entry().map(|entry| entry.about.origin).or_else(stated)
    }

    /// Opens the trace from its beginning. Its content decides the format, not its name.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, has an unsupported compression, or does not begin like a trace.
    pub fn open(&self) -> Result<Events, TraceError> {
        let mut events = Events::open(self.text()?, &self.display, self.import)?;
        events.limit_live_objects(self.most_live_objects);
        Ok(events)
    }

    /// The SHA-256 of the uncompressed text, in hexadecimal: it identifies a trace, however it is compressed. For a
    /// binary trace it is that of the same trace as canonical CSV.
    ///
    /// # Errors
    ///
    /// If the file cannot be read to its end. The order and values of events are not checked, apart from those of a binary
    /// trace with extents.
    pub fn sha256(&self) -> Result<String, TraceError> {
        let mut hash = Hash(Sha256::new());
        let text = Peeked::new(self.text()?.input, htrace::MAGIC.len() as u64);
        if text.head() != htrace::MAGIC {
            self.hash_text(text, &mut hash)?;
        } else if htrace::canonical::write(htrace::Blocks::new(text, &self.display)?, &mut hash)?.is_none() {
            hash = Hash(Sha256::new());
            let mut reader = htrace::HtraceReader::new(self.text()?.input, &self.display)?;
            reader.limit_live_objects(self.most_live_objects);
            let mut writer = csv::CsvWriter::new(&mut hash, reader.columns(), reader.provenance())?;
            while let Some(event) = reader.next() {
                reader.comments().iter().try_for_each(|comment| writer.comment(comment))?;
                writer.write(&event?)?;
            }
            reader.comments().iter().try_for_each(|comment| writer.comment(comment))?;
            writer.finish()?;
        }
        Ok(hash.0.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes all text");
            text
        }))
    }

    fn hash_text(&self, mut text: impl Read, hash: &mut Hash) -> Result<(), TraceError> {
        let mut block = vec![0; BLOCK_BYTES];
        let mut lines = 1;
        loop {
            let read = text.read(&mut block).map_err(|source| {
                let place = Place { file: self.display.as_str().into(), line: lines, event: None };
                input::read_failed(place, source)
            })?;
            if read == 0 {
                return Ok(());
            }
            lines += block[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
            hash.0.update(&block[..read]);
        }
    }

    fn text(&self) -> Result<Unpacked, TraceError> {
        let Unpacked { input, packing } = match &self.location {
            Location::File(path) => input::open_file(path, &self.display),
            Location::Library(entry) => input::unpacked(Cursor::new(entry.htrace), &self.display),
            Location::Bytes(bytes) => input::unpacked(Cursor::new(Arc::clone(bytes)), &self.display),
        }?;
        let input = match &self.interrupt {
            Some(interrupt) => Box::new(Interruptible { input, interrupt: Arc::clone(interrupt) }),
            None => input,
        };
        Ok(Unpacked { input, packing })
    }
}

impl From<&'static LibraryEntry> for Source {
    fn from(entry: &'static LibraryEntry) -> Self {
        Source::new(entry.name, format!("library:{}", entry.name), Location::Library(entry))
    }
}

/// Hashes what is written to it.
struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name without the endings of trace files.
fn without_endings(name: &str) -> &str {
    split_ending(name.strip_suffix(".zst").unwrap_or(name)).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_recorded_if_it_says_so_and_was_not_changed() {
        let of = |lines: &[&str]| Source::from_bytes("mine.csv", &b""[..]).origin(lines);
        assert_eq!(of(&["program: a", "recorder: heaprace preload 0.1.0"]), Some(Origin::Recorded));
        assert_eq!(of(&["origin: recorded"]), Some(Origin::Recorded));
        assert_eq!(of(&["recorder: another tool", "origin: synthetic"]), Some(Origin::Synthetic));
        for unstated in [&["program: a"][..], &["recorder: a", "derived: 2 rounds of a"], &["a recorder: b"]] {
            assert_eq!(of(unstated), None, "{unstated:?}");
        }
    }

    #[test]
    fn endings_of_traces_are_taken_off() {
        for name in ["a", "a.csv", "a.csv.zst", "a.zst", "a.htrace"] {
            assert_eq!(without_endings(name), "a");
        }
        assert_eq!(without_endings("a.txt"), "a.txt");
    }

    /// With comments before, between and after events, with threads and times, and with extents, which take the long way.
    #[test]
    fn a_binary_trace_has_the_hash_of_its_text() {
        let texts = [
            "op,id,size,align\nalloc,1,24,8\n# mark: a\nrealloc,1,4000000000\n# b\n# c\nalloc_zeroed,2,1,4096\ndealloc,1\n# d\n",
            "op,id,size,align,thread,time_ns\nalloc,1,24,8,0,5\nrealloc,1,48,,1,5\ndealloc,1,,,4294967295,18446744073709551615\n",
            "op,id,size,align,written\nalloc,1,24,8\nrealloc,1,48,,20\ndealloc,1,,,48\n# written: 2 1\n",
        ];
        for text in texts {
            let text = format!("# heaprace-trace: 1\n# program: example\n{text}");
            let mut events = Source::from_bytes("a.csv", text.as_bytes()).open().unwrap();
            let mut writer = htrace::HtraceWriter::new(Vec::new(), events.columns(), &["program: example"]).unwrap();
            while let Some(event) = events.next() {
                events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
                writer.write(&event.unwrap()).unwrap();
            }
            events.comments().iter().for_each(|comment| writer.comment(comment).unwrap());
            let binary = Source::from_bytes("a.htrace", writer.finish().unwrap());
            let text = Source::from_bytes("a.csv", text.as_bytes());
            assert_eq!(binary.sha256().unwrap(), text.sha256().unwrap());
        }
    }

    #[test]
    fn the_hash_is_that_of_the_plain_text() {
        let text = b"abc";
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Source::from_bytes("a.csv", &text[..]).sha256().unwrap(), known);
        let compressed = zstd::encode_all(&text[..], 1).unwrap();
        assert_eq!(Source::from_bytes("a.csv.zst", compressed).sha256().unwrap(), known);
    }
}
