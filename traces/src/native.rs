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

mod header;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

pub use header::NativeHeader;
pub use heaprace_recorder::raw::{self, Parent, Record};
pub use heaprace_recorder::resolve::Counts;

use heaprace_recorder::csv::Columns;
use heaprace_recorder::left_live;
use heaprace_recorder::raw::kind::{LEFT_LIVE, NOTHING};
use heaprace_recorder::resolve::Resolver;
use heaprace_recorder::run_time::RunTime;
use heaprace_recorder::{Event, platform};

use crate::error::TraceError;

const BLOCK_BYTES: usize = 256 * 1024;
/// The thread of a recording that has no records.
const FIRST_THREAD: u32 = 1;

/// A raw recording of one process: an iterator over its events, in their order.
///
/// Its counts are those of the events that it has returned so far.
#[derive(Debug)]
pub struct NativeRecording<R = BufReader<File>> {
    input: R,
    file: String,
    header: NativeHeader,
    resolver: Resolver,
    /// The objects of the parent that are not allocated yet.
    inherited: std::vec::IntoIter<Record>,
    inherited_objects: u64,
    /// The second event of the last record.
    next: Option<Event>,
    /// Places of records that were read.
    places: u64,
    /// Of these the last ones, if they have no record.
    gap: u64,
    /// A record that was read before its turn.
    early: Option<Record>,
    is_at_end: bool,
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
        let header = NativeHeader::read(&mut input, file)?;
        let mut counts = Counts::default();
        counts.full = header.errno;
        Ok(NativeRecording {
            input,
            file: file.to_owned(),
            header,
            resolver: Resolver::new(counts),
            inherited: Vec::new().into_iter(),
            inherited_objects: 0,
            next: None,
            places: 0,
            gap: 0,
            early: None,
            is_at_end: false,
        })
    }

    /// What its header says.
    pub fn header(&self) -> &NativeHeader {
        &self.header
    }

    /// Where the trace comes from.
    pub fn provenance(&self) -> Vec<String> {
        let allocator = self.header.allocator.as_deref();
        let inherited = Some(self.inherited_objects).filter(|&objects| objects > 0);
        let always = [
            format!("recorder: heaprace preload {}", env!("CARGO_PKG_VERSION")),
            format!("program: {}", self.header.name()),
            format!("platform: {}", platform()),
            "semantics: C; malloc, calloc and realloc align to 16 bytes, and 0 bytes are recorded as 1".to_owned(),
        ];
        let allocator = allocator.map(|path| format!("allocator: {}", header::name_of(path)));
        let inherited = inherited.map(|objects| format!("inherited objects: {objects}"));
        always.into_iter().chain(allocator).chain(inherited).collect()
    }

    /// Begins the trace with the [live objects](Self::live_objects) of the process that this one is a fork of. They
    /// become allocations of the thread that goes on in the child. Call it before the first event is read.
    pub fn inherit(&mut self, objects: Vec<Record>) {
        self.inherited_objects = objects.len() as u64;
        self.inherited = objects.into_iter();
    }

    /// The objects that are live after the events so far, each as the record of its allocation, in the order of their
    /// allocations.
    pub fn live_objects(&self) -> Vec<Record> {
        self.resolver.live_objects()
    }

    /// The places of records that were read so far, including those without one.
    pub fn places(&self) -> u64 {
        self.places - u64::from(self.early.is_some())
    }

    /// The comments after its last event.
    pub fn comments(&self) -> impl Iterator<Item = String> {
        let left_live = left_live::comments(&self.resolver.left_live()).collect::<Vec<_>>();
        left_live.into_iter().chain(self.run_time().map(|times| times.to_string()))
    }

    /// The times of the run, if the program exited and was recorded without extents.
    pub fn run_time(&self) -> Option<RunTime> {
        self.header.run_time
    }

    /// Which of the optional columns its events have.
    pub fn columns(&self) -> Columns {
        Columns { thread: true, time_ns: false, written: self.header.extents }
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.resolver.counts
    }

    /// Goes on by one place, and passes the events of its record to `give`: none, one or two. Returns whether there was
    /// a place. The allocations of inherited objects come first, one at a time.
    ///
    /// # Errors
    ///
    /// [`TraceError::Open`] if the file cannot be read.
    pub fn step(&mut self, give: &mut impl FnMut(Event)) -> Result<bool, TraceError> {
        if let Some(object) = self.inherited.next() {
            let thread = self.first_record()?.map_or(FIRST_THREAD, |record| record.thread);
            self.resolver.apply(Record { thread, ..object }, give);
            return Ok(true);
        }
        let place = match self.early.take() {
            Some(record) => Some(Some(record)),
            None => self.read_place()?,
        };
        if let Some(Some(record)) = place {
            self.resolver.apply(record, give);
        }
        Ok(place.is_some())
    }

    /// Whether the process called the allocator at all. Call it before the first event is read.
    ///
    /// # Errors
    ///
    /// [`TraceError::Open`] if the file cannot be read.
    pub fn has_calls(&mut self) -> Result<bool, TraceError> {
        let first = self.first_record()?;
        Ok(first.map_or(self.resolver.counts.lost > 0, |record| !matches!(record.kind, NOTHING | LEFT_LIVE)))
    }

    /// The first record, if no other was read before.
    fn first_record(&mut self) -> Result<Option<Record>, TraceError> {
        while self.early.is_none() {
            match self.read_place()? {
                Some(place) => self.early = place,
                None => break,
            }
        }
        Ok(self.early)
    }

    /// The next place with its record, if it has one.
    fn read_place(&mut self) -> Result<Option<Option<Record>>, TraceError> {
        if self.is_at_end || self.places >= self.header.claimed || self.header.only_counted {
            self.end();
            return Ok(None);
        }
        let mut bytes = [0; raw::RECORD_BYTES];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => self.places += 1,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.end();
                return Ok(None);
            }
            Err(source) => return Err(TraceError::Open { file: self.file.clone(), source }),
        }
        let word = |half: &[u8]| u64::from_ne_bytes(half.try_into().expect("half of 16 bytes is 8"));
        let words = [word(&bytes[..8]), word(&bytes[8..])];
        if words[0] == 0 {
            self.gap += 1;
            return Ok(Some(None));
        }
        // A record after them: the empty places before were not the end.
        self.resolver.counts.lost += core::mem::take(&mut self.gap);
        Ok(Some(Some(Record::from_words(words))))
    }

    /// Counts what is lost at the end. Empty places there are, if the file could not grow; otherwise their threads ended
    /// before they wrote. So are places that a shorter file does not have.
    fn end(&mut self) {
        if core::mem::replace(&mut self.is_at_end, true) || self.header.only_counted {
            return;
        }
        let missing = self.header.claimed.saturating_sub(self.places);
        let empty = if self.header.errno.is_some() { self.gap } else { 0 };
        let counts = &mut self.resolver.counts;
        counts.lost = counts.lost.saturating_add(missing).saturating_add(empty);
    }
}

impl<R: Read> Iterator for NativeRecording<R> {
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(event) = self.next.take() {
            return Some(Ok(event));
        }
        loop {
            let (mut first, mut second) = (None, None);
            let step = self.step(&mut |event| match first {
                None => first = Some(event),
                Some(_) => second = Some(event),
            });
            self.next = second;
            match (step, first) {
                (Err(error), _) => return Some(Err(error)),
                (Ok(_), Some(event)) => return Some(Ok(event)),
                (Ok(true), None) => {}
                (Ok(false), None) => return None,
            }
        }
    }
}
