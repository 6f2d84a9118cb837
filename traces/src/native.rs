//! Turns a raw recording, as the preloaded library of `replay record` writes it, into the events of a trace.
//!
//! C's allocator knows a few things that a trace does not, and they become what they mean:
//! - An object of 0 bytes is one of 1 byte: it has an address of its own, and a trace has no objects without bytes.
//! - `calloc` is `alloc_zeroed`; `realloc` of null is an allocation; `realloc` to 0 bytes is a deallocation, as in glibc.
//! - Objects have the alignment that is asked for. `malloc`, `calloc` and `realloc` promise 16 bytes on 64-bit machines.
//!
//! Objects get ids counted from 1 and threads numbers from 0, in the order of their first event. Memory grows with the objects that are
//! live at once.
//!
//! What the library and this module both know of the file is one module, [`raw`].

#[path = "../preload/src/raw.rs"]
pub mod raw;

use core::alloc::Layout;
use core::mem::offset_of;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::error::TraceError;
use crate::event::{Action, Event, MAX_ALIGN_BYTES, MAX_SIZE_BYTES};
use crate::id_map::IdMap;
use raw::{HEADER_BYTES, Header, MAGIC, RECORD_BYTES, Record, VERSION, kind};

const BLOCK_BYTES: usize = 256 * 1024;

/// A raw recording of one process: an iterator over its events, in their order.
///
/// Its counts are those of the events that it has given so far.
#[derive(Debug)]
pub struct NativeRecording<R = BufReader<File>> {
    input: R,
    file: String,
    program: String,
    /// The live objects by their address.
    objects: IdMap<Object>,
    /// Objects that a thread is reallocating, by the thread.
    moving: IdMap<Option<Object>>,
    /// The numbers of the threads by those of the recording.
    threads: IdMap<u32>,
    last_id: u64,
    /// An event that follows the one that was given.
    next: Option<Event>,
    /// Places without a record since the last one that has one.
    gap: u64,
    counts: Counts,
}

/// What is in a recording besides its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Events that the program had and the recording has not. A recording that has any is not what the program did.
    pub lost: u64,
    /// The operating system's error code for which the file could not grow, where that is why events were lost.
    pub full: Option<i32>,
    /// Calls that a trace cannot hold: for objects that were there before the recording began, or that are too large.
    pub ignored: u64,
    /// Objects of 0 bytes, which became objects of 1 byte.
    pub zero_sized: u64,
    /// Threads that have events.
    pub threads: u32,
}

#[derive(Clone, Copy, Debug)]
struct Object {
    id: u64,
    layout: Layout,
}

impl NativeRecording {
    /// Opens a raw recording.
    ///
    /// # Errors
    ///
    /// [`TraceError::Open`], or [`TraceError::NotRaw`] where the file is something else or of another version.
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
    /// [`TraceError::NotRaw`] where it is something else or of another version.
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
        Ok(NativeRecording {
            input,
            file: file.to_owned(),
            program: String::from_utf8_lossy(program).into_owned(),
            objects: IdMap::default(),
            moving: IdMap::default(),
            threads: IdMap::default(),
            last_id: 0,
            next: None,
            gap: 0,
            counts: Counts {
                lost: number(offset_of!(Header, lost)),
                full: (errno != 0).then_some(errno),
                ..Counts::default()
            },
        })
    }

    /// The program that ran, without its folder.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// What the trace says about where it is from.
    pub fn provenance(&self) -> Vec<String> {
        vec![
            format!("recorder: heaprace preload {}", env!("CARGO_PKG_VERSION")),
            format!("program: {}", self.program),
            format!("platform: {}", crate::record::platform()),
            "semantics: C; malloc, calloc and realloc align to 16 bytes, and 0 bytes are recorded as 1".to_owned(),
        ]
    }

    /// What there is besides the events so far.
    pub fn counts(&self) -> Counts {
        self.counts
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
                // Only now is it known that the places before were not the end.
                self.counts.lost += core::mem::take(&mut self.gap);
                return Ok(Some(Record::from_words(words)));
            }
            self.gap += 1;
        }
    }

    /// The event of a record, where it has one.
    fn apply(&mut self, record: Record) -> Option<Event> {
        match record.kind {
            kind::ALLOC => self.alloc(record, false),
            kind::ALLOC_ZEROED => self.alloc(record, true),
            kind::DEALLOC => match self.objects.remove(&record.address) {
                Some(object) => Some(self.event(record, object.id, Action::Dealloc { layout: object.layout })),
                None => self.ignore(),
            },
            kind::REALLOC_BEGIN => {
                let object = self.objects.remove(&record.address);
                if let Some(Some(object)) = self.moving.insert(u64::from(record.thread), object) {
                    // The end of this thread's last reallocation is not there, so nobody knows where its object is.
                    self.counts.lost += 1;
                    return Some(self.event(record, object.id, Action::Dealloc { layout: object.layout }));
                }
                None
            }
            kind::REALLOC_END => self.end_realloc(record),
            kind::REALLOC_FAILED => {
                if let Some(object) = self.moving.remove(&u64::from(record.thread)).flatten() {
                    self.objects.insert(record.address, object);
                }
                None
            }
            _ => {
                self.counts.lost += 1;
                None
            }
        }
    }

    fn alloc(&mut self, record: Record, zeroed: bool) -> Option<Event> {
        let size = self.size(record);
        let Some(layout) = layout(size, 1_u64.checked_shl(record.align_log2).unwrap_or(u64::MAX)) else {
            return self.ignore();
        };
        self.last_id += 1;
        let id = self.last_id;
        let displaced = self.objects.insert(record.address, Object { id, layout });
        let event = self.event(record, id, Action::Alloc { layout, zeroed });
        self.after_displaced(record, displaced, event)
    }

    fn end_realloc(&mut self, record: Record) -> Option<Event> {
        let Some(object) = self.moving.remove(&u64::from(record.thread)).flatten() else { return self.ignore() };
        let Object { id, layout: old } = object;
        let Some(layout) = layout(self.size(record), old.align() as u64) else {
            self.counts.ignored += 1;
            return Some(self.event(record, id, Action::Dealloc { layout: old }));
        };
        let displaced = self.objects.insert(record.address, Object { id, layout });
        let event = self.event(record, id, Action::Realloc { old, new_size: layout.size() });
        self.after_displaced(record, displaced, event)
    }

    /// The event, or before it the deallocation of an object at whose address another one lies now: nobody has recorded that it was
    /// freed, but it was.
    fn after_displaced(&mut self, record: Record, displaced: Option<Object>, event: Event) -> Option<Event> {
        let Some(object) = displaced else { return Some(event) };
        self.counts.lost += 1;
        self.next = Some(event);
        Some(self.event(record, object.id, Action::Dealloc { layout: object.layout }))
    }

    fn size(&mut self, record: Record) -> u64 {
        self.counts.zero_sized += u64::from(record.size == 0);
        record.size.max(1)
    }

    fn ignore(&mut self) -> Option<Event> {
        self.counts.ignored += 1;
        None
    }

    fn event(&mut self, record: Record, id: u64, action: Action) -> Event {
        let counts = &mut self.counts;
        let thread = *self.threads.entry(u64::from(record.thread)).or_insert_with(|| {
            counts.threads += 1;
            counts.threads - 1
        });
        Event { action, id, thread: Some(thread), time_ns: None }
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
                    if let Some(event) = self.apply(record) {
                        return Some(Ok(event));
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The layout, where a trace can hold it.
fn layout(size: u64, align: u64) -> Option<Layout> {
    if size > MAX_SIZE_BYTES || align > MAX_ALIGN_BYTES {
        return None;
    }
    Layout::from_size_align(size as usize, align as usize).ok()
}
