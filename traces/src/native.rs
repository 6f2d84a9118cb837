//! Turns a raw recording of `replay record`'s preloaded library into the events of a trace.
//!
//! C's allocator has a few cases that a trace does not have:
//! - An object of 0 bytes becomes one of 1 byte: it has an address of its own, and a trace has no objects without
//!   bytes.
//! - `calloc` is `alloc_zeroed`; `realloc` of null is an allocation; `realloc` to 0 bytes is a deallocation, as in
//!   glibc.
//! - Objects have the requested alignment. `malloc`, `calloc` and `realloc` promise 16 bytes on 64-bit machines.
//!
//! The layout of the file is [`heaprace_recorder::raw`], which the library writes too.

use core::mem::offset_of;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

pub use heaprace_recorder::resolve::Counts;

use heaprace_recorder::csv::Columns;
use heaprace_recorder::left_live;
use heaprace_recorder::raw::{HEADER_BYTES, Header, MAGIC, RECORD_BYTES, Record, VERSION};
use heaprace_recorder::resolve::Resolver;
use heaprace_recorder::run_time::RunTime;
use heaprace_recorder::{Event, platform};

use crate::error::TraceError;

const BLOCK_BYTES: usize = 256 * 1024;

/// A raw recording of one process: an iterator over its events, in their order.
///
/// Its counts are those of the events that it has returned so far.
#[derive(Debug)]
pub struct NativeRecording<R = BufReader<File>> {
    input: R,
    file: String,
    program: String,
    extents: bool,
    run_time: Option<RunTime>,
    resolver: Resolver,
    /// The second event of the last record.
    next: Option<Event>,
    /// Places without a record since the last one that has one.
    gap: u64,
}

impl NativeRecording {
    /// Opens a raw recording.
    ///
    /// # Errors
    ///
    /// [`TraceError::Open`], or [`TraceError::NotRaw`] if the file is something else or of another version.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        let opened = File::open(path).map_err(|source| TraceError::Open { file: file.clone(), source })?;
        Self::new(BufReader::with_capacity(BLOCK_BYTES, opened), &file)
    }
}

impl<R: Read> NativeRecording<R> {
    /// Reads a raw recording from anywhere. `file` is its name, as messages show it.
    ///
    /// # Errors
    ///
    /// [`TraceError::NotRaw`] if it is something else or of another version.
    pub fn new(mut input: R, file: &str) -> Result<Self, TraceError> {
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => TraceError::NotRaw { file: file.to_owned() },
            _ => TraceError::Open { file: file.to_owned(), source },
        })?;
        let number = |offset: usize| {
            u64::from_ne_bytes(header[offset..offset + 8].try_into().expect("the slice has 8 bytes by its bounds"))
        };
        if !header.starts_with(&MAGIC) || number(offset_of!(Header, version)) != VERSION {
            return Err(TraceError::NotRaw { file: file.to_owned() });
        }
        let program = &header[offset_of!(Header, program)..size_of::<Header>()];
        let program = program.split(|&byte| byte == 0).next().unwrap_or_default();
        let program = program.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let errno = number(offset_of!(Header, errno)) as i32;
        let [wall_ns, cpu_ns, recorder_ns] = [0, 8, 16].map(|place| number(offset_of!(Header, run_ns) + place));
        let mut counts = Counts::default();
        counts.lost = number(offset_of!(Header, lost));
        counts.full = (errno != 0).then_some(errno);
        Ok(NativeRecording {
            input,
            file: file.to_owned(),
            program: String::from_utf8_lossy(program).into_owned(),
            run_time: (wall_ns > 0).then_some(RunTime { wall_ns, cpu_ns, recorder_ns }),
            extents: number(offset_of!(Header, extents)) != 0,
            next: None,
            gap: 0,
            resolver: Resolver::new(counts),
        })
    }

    /// The program that ran, without its folder.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Where the trace comes from.
    pub fn provenance(&self) -> Vec<String> {
        vec![
            format!("recorder: heaprace preload {}", env!("CARGO_PKG_VERSION")),
            format!("program: {}", self.program),
            format!("platform: {}", platform()),
            "semantics: C; malloc, calloc and realloc align to 16 bytes, and 0 bytes are recorded as 1".to_owned(),
        ]
    }

    /// The comments after its last event.
    pub fn comments(&self) -> impl Iterator<Item = String> {
        let left_live = left_live::comments(&self.resolver.left_live()).collect::<Vec<_>>();
        left_live.into_iter().chain(self.run_time().map(|times| times.to_string()))
    }

    /// The times of the run, if the program exited and was recorded without extents.
    pub fn run_time(&self) -> Option<RunTime> {
        self.run_time
    }

    /// Which of the optional columns its events have.
    pub fn columns(&self) -> Columns {
        Columns { thread: true, time_ns: false, written: self.extents }
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.resolver.counts
    }

    fn read_record(&mut self) -> Result<Option<Record>, TraceError> {
        let mut bytes = [0; RECORD_BYTES];
        loop {
            match self.input.read_exact(&mut bytes) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(source) => return Err(TraceError::Open { file: self.file.clone(), source }),
            }
            let word = |half: &[u8]| u64::from_ne_bytes(half.try_into().expect("half of 16 bytes is 8"));
            let words = [word(&bytes[..8]), word(&bytes[8..])];
            if words[0] != 0 {
                // A record after them: the empty places before were not the end.
                self.resolver.counts.lost += core::mem::take(&mut self.gap);
                return Ok(Some(Record::from_words(words)));
            }
            self.gap += 1;
        }
    }
}

impl<R: Read> Iterator for NativeRecording<R> {
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(event) = self.next.take() {
            return Some(Ok(event));
        }
        loop {
            match self.read_record() {
                Ok(Some(record)) => {
                    let mut first = None;
                    self.resolver.apply(record, &mut |event| match first {
                        None => first = Some(event),
                        Some(_) => self.next = Some(event),
                    });
                    if let Some(event) = first {
                        return Some(Ok(event));
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
