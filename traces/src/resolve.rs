//! Turns raw records into the events of a trace: it knows which object lies at which address.
//!
//! Both recorders leave the same records, in one order over all threads: the library of `replay record` in a file, the
//! [`Recorder`](crate::Recorder) in the buffers of its threads. Objects get ids counted from 1 and threads numbers from 0, in the order
//! of their first event. Memory grows with the objects that are live at once.

use core::alloc::Layout;

use crate::event::{Action, Event, MAX_ALIGN_BYTES, MAX_SIZE_BYTES};
use crate::id_map::IdMap;
use crate::native::raw::{Record, kind};

/// What is live where, and what was counted.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    /// The live objects by the [`key`] of their address.
    objects: IdMap<Object>,
    /// Objects that a thread is reallocating, by the thread.
    moving: IdMap<Option<Object>>,
    /// The numbers of the threads by those of the records.
    threads: IdMap<u32>,
    /// The thread of the last event, as a record has it and as events have it: most events are of the same thread as the one before.
    last_thread: Option<(u32, u32)>,
    last_id: u64,
    pub(crate) counts: Counts,
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

/// A live object. Its layout is one that a trace can hold, in a form that is half as large: with many objects, looking them up is
/// waiting for memory.
#[derive(Clone, Copy, Debug)]
struct Object {
    id: u64,
    size: u32,
    align_log2: u32,
}

impl Object {
    fn new(id: u64, layout: Layout) -> Self {
        Object { id, size: layout.size() as u32, align_log2: layout.align().trailing_zeros() }
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.size as usize, 1 << self.align_log2).expect("it was made from a layout")
    }
}

/// An address as the key of the map, in which neighbours lie together: most are 16 bytes apart, or a multiple.
fn key(address: u64) -> u64 {
    address.rotate_right(4)
}

impl Resolver {
    /// Nothing is live, and so much was counted.
    pub(crate) fn new(counts: Counts) -> Self {
        Resolver { counts, ..Resolver::default() }
    }

    /// Gives the event of a record, where it has one. Two it has where an object lies at an address that another one has not left:
    /// nobody has recorded that this was freed, but it was.
    #[inline(always)]
    pub(crate) fn apply(&mut self, record: Record, give: &mut impl FnMut(Event)) {
        match record.kind {
            kind::ALLOC => self.alloc(record, false, give),
            kind::ALLOC_ZEROED => self.alloc(record, true, give),
            kind::DEALLOC => match self.objects.remove(&key(record.address)) {
                Some(object) => self.dealloc(record, object, give),
                None => self.counts.ignored += 1,
            },
            kind::REALLOC_BEGIN => {
                let object = self.objects.remove(&key(record.address));
                if let Some(Some(object)) = self.moving.insert(u64::from(record.thread), object) {
                    // The end of this thread's last reallocation is not there, so nobody knows where its object is.
                    self.counts.lost += 1;
                    self.dealloc(record, object, give);
                }
            }
            kind::REALLOC_END => self.end_realloc(record, give),
            kind::REALLOC_FAILED => {
                if let Some(object) = self.moving.remove(&u64::from(record.thread)).flatten() {
                    self.objects.insert(key(record.address), object);
                }
            }
            _ => self.counts.lost += 1,
        }
    }

    #[inline(always)]
    fn alloc(&mut self, record: Record, zeroed: bool, give: &mut impl FnMut(Event)) {
        let size = self.size(record);
        let Some(layout) = layout(size, 1_u64.checked_shl(record.align_log2).unwrap_or(u64::MAX)) else {
            self.counts.ignored += 1;
            return;
        };
        self.last_id += 1;
        let id = self.last_id;
        self.put(record, Object::new(id, layout), give);
        give(self.event(record, id, Action::Alloc { layout, zeroed }));
    }

    fn end_realloc(&mut self, record: Record, give: &mut impl FnMut(Event)) {
        let Some(object) = self.moving.remove(&u64::from(record.thread)).flatten() else {
            self.counts.ignored += 1;
            return;
        };
        let old = object.layout();
        let Some(layout) = layout(self.size(record), old.align() as u64) else {
            self.counts.ignored += 1;
            return self.dealloc(record, object, give);
        };
        self.put(record, Object::new(object.id, layout), give);
        give(self.event(record, object.id, Action::Realloc { old, new_size: layout.size() }));
    }

    /// Puts an object at the address of the record. If there is one, it ends before.
    #[inline(always)]
    fn put(&mut self, record: Record, object: Object, give: &mut impl FnMut(Event)) {
        if let Some(displaced) = self.objects.insert(key(record.address), object) {
            self.counts.lost += 1;
            self.dealloc(record, displaced, give);
        }
    }

    #[inline(always)]
    fn dealloc(&mut self, record: Record, object: Object, give: &mut impl FnMut(Event)) {
        give(self.event(record, object.id, Action::Dealloc { layout: object.layout() }));
    }

    fn size(&mut self, record: Record) -> u64 {
        self.counts.zero_sized += u64::from(record.size == 0);
        record.size.max(1)
    }

    /// Forgets all objects: as far as the trace goes, they are left live. What becomes of them later is ignored.
    pub(crate) fn forget_objects(&mut self) {
        self.objects.clear();
        self.moving.clear();
    }

    #[inline(always)]
    fn event(&mut self, record: Record, id: u64, action: Action) -> Event {
        let thread = match self.last_thread {
            Some((raw, thread)) if raw == record.thread => thread,
            _ => {
                let counts = &mut self.counts;
                let thread = *self.threads.entry(u64::from(record.thread)).or_insert_with(|| {
                    counts.threads += 1;
                    counts.threads - 1
                });
                self.last_thread = Some((record.thread, thread));
                thread
            }
        };
        Event { action, id, thread: Some(thread), time_ns: None }
    }
}

/// The layout, where a trace can hold it.
fn layout(size: u64, align: u64) -> Option<Layout> {
    if size > MAX_SIZE_BYTES || align > MAX_ALIGN_BYTES {
        return None;
    }
    Layout::from_size_align(size as usize, align as usize).ok()
}
