//! The recording of one process: its file, and which object lies at which address.

use core::alloc::Layout;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;

use super::{Summary, ThreadNumber};
use crate::csv::{Columns, push_comment, push_head, push_line};
use crate::event::{Action, Event, MAX_ALIGN_BYTES, MAX_SIZE_BYTES};
use crate::id_map::IdMap;

/// Lines are gathered until there are so many bytes of them.
const BLOCK_BYTES: usize = 64 * 1024;

/// A live object, as the trace knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    id: u64,
    layout: Layout,
}

/// What is written, and what is live. It is only touched under the recorder's lock.
#[derive(Debug)]
pub(super) struct Recording {
    file: File,
    path: String,
    /// Bytes in the file, all of them whole lines.
    written_bytes: u64,
    /// Whole lines that are not written yet.
    block: Vec<u8>,
    /// The live objects by their address.
    objects: IdMap<Object>,
    last_id: u64,
    summary: Summary,
    failed: bool,
}

impl Recording {
    /// Creates the file; `None`, and a line on standard error, where it cannot be created.
    pub(super) fn create(path: &OsStr) -> Option<Self> {
        let shown = path.to_string_lossy().into_owned();
        let file = match File::create(path) {
            Ok(file) => file,
            Err(error) => {
                warn(&format!("heaprace: {shown} cannot be written: {error}; the program runs unrecorded\n"));
                return None;
            }
        };
        let mut block = Vec::with_capacity(BLOCK_BYTES + 1024);
        push_head(&mut block, Columns { thread: true, time_ns: false }, &provenance());
        Some(Recording {
            file,
            path: shown,
            written_bytes: 0,
            block,
            objects: IdMap::default(),
            last_id: 0,
            summary: Summary::default(),
            failed: false,
        })
    }

    /// Whether the file can still be written.
    pub(super) fn is_sound(&self) -> bool {
        !self.failed
    }

    /// Logs an allocation that was made.
    pub(super) fn alloc(&mut self, address: usize, layout: Layout, zeroed: bool, thread: ThreadNumber<'_>) {
        if !is_writable(layout) {
            self.summary.ignored += 1;
            return;
        }
        self.last_id += 1;
        let object = Object { id: self.last_id, layout };
        if let Some(lost) = self.objects.insert(address as u64, object) {
            // Someone gave the block back past the recorder. The trace must not have two live objects there.
            self.summary.ignored += 1;
            self.push(Action::Dealloc { layout: lost.layout }, lost.id, &thread);
        }
        self.push(Action::Alloc { layout, zeroed }, object.id, &thread);
    }

    /// Logs a deallocation that is about to be made.
    pub(super) fn dealloc(&mut self, address: usize, thread: ThreadNumber<'_>) {
        match self.objects.remove(&(address as u64)) {
            Some(object) => self.push(Action::Dealloc { layout: object.layout }, object.id, &thread),
            None => self.summary.ignored += 1,
        }
    }

    /// Takes an object out of the table before its reallocation: once that has moved it, its address may be given to another
    /// thread, which logs it.
    pub(super) fn begin_realloc(&mut self, address: usize) -> Option<Object> {
        let object = self.objects.remove(&(address as u64));
        self.summary.ignored += u64::from(object.is_none());
        object
    }

    /// Puts an object back whose reallocation failed.
    pub(super) fn restore(&mut self, address: usize, object: Object) {
        self.objects.insert(address as u64, object);
    }

    /// Logs a reallocation that was made.
    pub(super) fn end_realloc(&mut self, address: usize, object: Object, new_size: usize, thread: ThreadNumber<'_>) {
        let Object { id, layout: old } = object;
        match Layout::from_size_align(new_size, old.align()) {
            Ok(layout) if is_writable(layout) => {
                self.objects.insert(address as u64, Object { id, layout });
                self.push(Action::Realloc { old, new_size }, id, &thread);
            }
            _ => {
                self.summary.ignored += 1;
                self.push(Action::Dealloc { layout: old }, id, &thread);
            }
        }
    }

    /// Writes what is left, and says what there is.
    pub(super) fn close(&mut self) -> Summary {
        if self.summary.ignored > 0 {
            push_comment(&mut self.block, &format!("ignored calls: {}", self.summary.ignored));
        }
        self.write_block();
        self.summary
    }

    fn push(&mut self, action: Action, id: u64, thread: &ThreadNumber<'_>) {
        let number = thread.0.get().unwrap_or_else(|| {
            let number = self.summary.threads;
            self.summary.threads += 1;
            thread.0.set(Some(number));
            number
        });
        push_line(&mut self.block, &Event { action, id, thread: Some(number), time_ns: None });
        self.summary.events += 1;
        if self.block.len() >= BLOCK_BYTES {
            self.write_block();
        }
    }

    fn write_block(&mut self) {
        if self.failed {
            return;
        }
        match self.file.write_all(&self.block) {
            Ok(()) => self.written_bytes += self.block.len() as u64,
            Err(error) => {
                self.failed = true;
                // Part of a line may be there. Where it cannot be cut off, there is nothing more to do.
                let cut = self.file.set_len(self.written_bytes);
                let state = if cut.is_ok() { "readable up to there" } else { "cut off within a line" };
                warn(&format!("heaprace: {} cannot be written further: {error}; it is {state}\n", self.path));
            }
        }
        self.block.clear();
    }
}

/// Whether a trace can hold such an object.
fn is_writable(layout: Layout) -> bool {
    (1..=MAX_SIZE_BYTES).contains(&(layout.size() as u64)) && layout.align() as u64 <= MAX_ALIGN_BYTES
}

/// What the trace says about where it is from.
fn provenance() -> [String; 3] {
    let program = std::env::current_exe().ok();
    let program = program.as_ref().and_then(|path| path.file_stem()).unwrap_or(OsStr::new("unknown"));
    [
        format!("recorder: heaprace traces {}", env!("CARGO_PKG_VERSION")),
        format!("program: {}", program.to_string_lossy()),
        format!("platform: {}", super::platform()),
    ]
}

/// Writes to standard error past its lock: the thread may hold that lock while it allocates.
fn warn(message: &str) {
    // SAFETY: the pointer and the length are those of the message.
    unsafe { libc::write(2, message.as_ptr().cast(), message.len() as _) };
}
