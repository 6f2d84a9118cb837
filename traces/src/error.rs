//! Errors of traces, with their place.

use core::fmt;
use std::io;
use std::sync::Arc;

use heaprace_recorder::WriteError;
use thiserror::Error;

use crate::fault::Fault;
use crate::interrupt::is_interrupted;

/// Why a trace cannot be found, read or written. Like that of a compiler, the message names the place first, then what
/// is wrong with the value, and ends with the remedy.
///
/// ```
/// let error = heaprace_traces::Source::locate("serde-havy.csv").expect_err("a slip of the pen");
/// assert!(error.to_string().contains("did you mean serde-heavy?"), "{error}");
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TraceError {
    /// There is neither a file nor a library trace of this name.
    #[error("no trace \"{argument}\": there is no such file, and {}", in_library(*nearest, names))]
    NotFound {
        /// What was asked for.
        argument: String,
        /// The most similar name in the library, if one is similar.
        nearest: Option<&'static str>,
        /// All names of the library.
        names: Vec<&'static str>,
    },
    /// A folder was given where a file belongs.
    #[error("{file}: is a folder, not a trace; name a file in it")]
    Folder {
        /// The path as it was given.
        file: String,
    },
    /// The operating system does not open the file.
    #[error("{file}: cannot be opened: {source}; check the path and its permissions")]
    Open {
        /// The path as it was given.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The user has interrupted the program while it read the trace.
    #[error("{file}: interrupted while it was read")]
    Interrupted {
        /// The trace.
        file: String,
    },
    /// A pipe cannot be read as often as needed on this system.
    #[error("{file}: can be read only once, but is needed several times; save it to a file first")]
    ReadOnce {
        /// The path as it was given.
        file: String,
    },
    /// The file is a trace compressed with gzip, which is not supported.
    #[error("{file}: is compressed with gzip; decompress it (gzip -d), and compress it with zstd to keep it small")]
    Gzip {
        /// The trace.
        file: String,
    },
    /// The file is compressed with zstd, but its name says that it is not.
    #[error(
        "{file}: is compressed with zstd, but its name says plain CSV; rename it to end in .csv.zst, or decompress it (zstd -d)"
    )]
    ZstdNamedCsv {
        /// The trace.
        file: String,
    },
    /// The file has a compression that is not read.
    #[error("{file}: is compressed with {packing}; decompress it first: {remedy}")]
    UnreadPacking {
        /// The file.
        file: String,
        /// The compression.
        packing: &'static str,
        /// The command that decompresses.
        remedy: &'static str,
    },
    /// The file is text in UTF-16, as PowerShell 5 writes what is redirected to a file.
    #[error("{file}: is text in UTF-16; save it as UTF-8: iconv -f UTF-16 -t UTF-8")]
    Utf16 {
        /// The file.
        file: String,
    },
    /// The file is empty, or has only comments.
    #[error("{file}: is empty; a trace begins with the line op,id,size,align and has at least one event")]
    Empty {
        /// The trace.
        file: String,
    },
    /// The file has only a header.
    #[error("{file}: has a header but no event; check that the program was recorded to its end")]
    NoEvents {
        /// The trace.
        file: String,
    },
    /// The content is not that of a trace.
    #[error("{place}: {fault}")]
    Invalid {
        /// Where.
        place: Place,
        /// What. It is boxed because the result of every event should be small.
        fault: Box<Fault>,
    },
    /// A line is longer than any line of a trace.
    #[error("{place}: the line is longer than {most_bytes} bytes; check that this file is a trace")]
    LineTooLong {
        /// Where the line begins.
        place: Place,
        /// The limit, in bytes.
        most_bytes: usize,
    },
    /// The compressed data is cut off or damaged.
    #[error("{place}: the zstd data is damaged or cut off here: {source}; copy or record the file again")]
    CorruptZstd {
        /// Where in the uncompressed text.
        place: Place,
        /// The error of the decompressor.
        source: io::Error,
    },
    /// The file is compressed, or in a zip, and cannot be decompressed to its end.
    #[error("{place}: the {packing} file cannot be unpacked further: {source}; unpack it yourself, or copy it again")]
    CannotUnpack {
        /// Where in the uncompressed text.
        place: Place,
        /// gzip or zip.
        packing: &'static str,
        /// The error of the decompressor.
        source: io::Error,
    },
    /// The content has no format that an importer reads.
    #[error("{file}: is not a recording of a known format; name its format with --from")]
    UnknownRecording {
        /// The recording.
        file: String,
    },
    /// A recording of another tool has no call that is an event of a trace.
    #[error("{file}: has no allocation when read as a {format}; check that the program was recorded to its end")]
    NothingRecorded {
        /// The recording.
        file: String,
        /// The format.
        format: &'static str,
    },
    /// The operating system stops reading the file.
    #[error("{place}: cannot be read further: {source}; check the disk or the connection it comes from")]
    Read {
        /// Where.
        place: Place,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A block of a binary trace is damaged.
    #[error(
        "{file}: block {block}, with the events from {} on, is damaged: {what}; copy or record the file again",
        events + 1
    )]
    DamagedBlock {
        /// The trace.
        file: Arc<str>,
        /// The block, counted from 1.
        block: u64,
        /// The events before it, all of them intact.
        events: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A binary trace is cut off.
    #[error("{file}: is cut off in block {block}, after {events} intact events; copy or record the file again")]
    CutOff {
        /// The trace.
        file: Arc<str>,
        /// The incomplete block, counted from 1; the number after the last block if only the index is incomplete.
        block: u64,
        /// The events before it, all of them intact.
        events: u64,
    },
    /// The head or the index of a binary trace is damaged.
    #[error("{file}: the {part} is damaged: {what}; copy or record the file again")]
    DamagedFrame {
        /// The trace.
        file: Arc<str>,
        /// `head` or `index`.
        part: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// A binary trace has a version that this reader does not know.
    #[error(
        "{file}: version {found} of the binary format is unknown; this reader knows versions 1 and 2, so update Heaprace"
    )]
    UnknownBinaryVersion {
        /// The trace.
        file: String,
        /// Its version.
        found: u16,
    },
    /// The name of an output file does not say which format to write.
    #[error("{file}: the ending names no format; let the name end in .htrace, .csv or .csv.zst")]
    UnknownEnding {
        /// The path as it was given.
        file: String,
    },
    /// The file of a trace cannot be created.
    #[error("{file}: cannot be created: {source}; check the folder and its permissions")]
    Create {
        /// The path as it was given.
        file: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A slice begins after the end of the trace.
    #[error("the trace has {events} events, so none follows event {from}; choose a slice within it")]
    SliceBeyondEnd {
        /// The event after which the slice begins.
        from: u64,
        /// Events of the trace.
        events: u64,
    },
    /// A derived event is not valid in a trace.
    #[error("event {event} of the new trace: {fault}")]
    Derived {
        /// The event, counted from 1.
        event: u64,
        /// What is wrong with it.
        fault: Box<Fault>,
    },
    /// A file is not a raw recording of `replay record`, or has another version.
    #[error(
        "{file}: is not a raw recording of this version; build replay and its preloaded library together: cargo build --release"
    )]
    NotRaw {
        /// The file.
        file: String,
    },
    /// The file of a trace cannot be written.
    #[error("{file}: {source}")]
    WriteFile {
        /// The path as it was given.
        file: String,
        /// Why.
        source: WriteError,
    },
    /// A trace cannot be written to memory.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl TraceError {
    /// The error for a file without lines that cannot be read further.
    pub(crate) fn unread(file: &str, source: io::Error) -> Self {
        let file = file.to_owned();
        if is_interrupted(&source) { TraceError::Interrupted { file } } else { TraceError::Open { file, source } }
    }
}

/// What the library has instead of the trace that was asked for.
fn in_library(nearest: Option<&str>, names: &[&str]) -> String {
    if names.is_empty() {
        return "this build has no library; enable the feature `library` of heaprace-traces".to_owned();
    }
    let meant = nearest.map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    format!("the library has no trace of that name; {meant}the library holds {}", names.join(", "))
}

/// A place in a trace: `broken.csv:17 (event 12)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The trace, as the user named it.
    pub file: Arc<str>,
    /// The line of the uncompressed text, counted from 1; 0 if the format has no lines.
    pub line: u64,
    /// The event, counted from 1; `None` before the first, in the header and its comments.
    pub event: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file)?,
            line => write!(f, "{}:{line}", self.file)?,
        }
        match self.event {
            Some(event) => write!(f, " (event {event})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_a_compiler_writes_it() {
        let place = Place { file: "broken.csv".into(), line: 17, event: Some(12) };
        assert_eq!(place.to_string(), "broken.csv:17 (event 12)");
        assert_eq!(Place { event: None, ..place }.to_string(), "broken.csv:17");
    }

    #[test]
    fn without_the_library_the_error_says_which_feature_has_it() {
        let error = TraceError::NotFound { argument: "serde-heavy".into(), nearest: None, names: vec![] };
        let expected = "no trace \"serde-heavy\": there is no such file, and this build has no library; enable the feature \
            `library` of heaprace-traces";
        assert_eq!(error.to_string(), expected);
    }

    /// The reader returns one of these for every event: it must stay so small that returning it costs less than
    /// parsing.
    #[test]
    fn an_error_is_no_larger_than_two_events() {
        assert!(size_of::<TraceError>() <= 2 * size_of::<crate::Event>(), "{} bytes", size_of::<TraceError>());
    }
}
