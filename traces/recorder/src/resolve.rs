//! Turns raw records into the events of a trace: it tracks which object is at which address.
//!
//! The [`Recorder`](crate::Recorder) and the preloaded library of `replay record` leave the same [records](crate::raw),
//! in one order over all threads. Objects get ids from 1 and threads numbers from 0, in the order of their first event.
//! Memory grows with the objects that are live at once.

use core::alloc::Layout;

use crate::event::{Action, Event, MAX_ALIGN_BYTES, MAX_SIZE_BYTES};
use crate::fill::{Fill, Filled, Tail};
use crate::id_map::IdMap;
use crate::raw::{Record, kind};

/// The live objects by address, and the counts so far.
#[derive(Debug, Default)]
pub struct Resolver {
    /// The live objects by the [`key`] of their address.
    objects: IdMap<Object>,
    /// Objects that a thread is reallocating, by the thread.
    moving: IdMap<Option<Moving>>,
    /// The numbers of the threads by those of the records.
    threads: IdMap<u32>,
    /// The thread of the last event, as a record has it and as events have it: most events are of the same thread as
    /// the one before.
    last_thread: Option<(u32, u32)>,
    last_id: u64,
    /// The written bytes of objects that are live at the end, by their ids.
    left_live: IdMap<u32>,
    /// The counts so far.
    pub counts: Counts,
}

/// What a recording has besides its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Events of the program that the recording does not have. If there are any, the trace is not what the program did.
    pub lost: u64,
    /// The operating system's error code if events were lost because the file could not grow.
    pub full: Option<i32>,
    /// Calls that a trace cannot have: frees of objects that are older than the recording, and calls for objects that
    /// are too large.
    pub ignored: u64,
    /// Reallocations of objects that are older than the recording: each is an allocation of the new size.
    pub adopted: u64,
    /// Objects of 0 bytes, which became objects of 1 byte.
    pub zero_sized: u64,
    /// Threads that have events.
    pub threads: u32,
}

/// A live object. Its layout is one that a trace allows, in half the bytes: with many objects, a look-up waits for
/// memory.
#[derive(Clone, Copy, Debug)]
struct Object {
    id: u64,
    size: u32,
    filled: Filled,
    align_log2: u8,
}

/// An object that is being reallocated.
#[derive(Clone, Copy, Debug)]
struct Moving {
    object: Object,
    /// How many of its bytes were written before.
    written: Option<u32>,
}

impl Object {
    fn new(id: u64, layout: Layout, filled: Filled) -> Self {
        Object { id, size: layout.size() as u32, filled, align_log2: layout.align().trailing_zeros() as u8 }
    }

    /// How many of its bytes are written, by what this record says of its last ones.
    fn written(self, record: Record) -> Option<u32> {
        self.filled.written(record.tail(), self.size)
    }

    fn layout(self) -> Layout {
        Layout::from_size_align(self.size as usize, 1 << self.align_log2).expect("it was made from a layout")
    }
}

/// An address as the key of the map, which keeps neighbours together: most are 16 bytes apart, or a multiple.
fn key(address: u64) -> u64 {
    address.rotate_right(KEY_BITS)
}

const KEY_BITS: u32 = 4;

impl Resolver {
    /// Without live objects, and with these counts.
    pub fn new(counts: Counts) -> Self {
        Resolver { counts, ..Resolver::default() }
    }

    /// Passes the event of a record to `give`, if it has one. It has two if a new object is at the address of a live
    /// one, whose end was not recorded.
    #[inline(always)]
    pub fn apply(&mut self, record: Record, give: &mut impl FnMut(Event)) {
        match record.kind {
            kind::ALLOC => self.alloc(record, false, give),
            kind::ALLOC_ZEROED => self.alloc(record, true, give),
            kind::DEALLOC => match self.objects.remove(&key(record.address)) {
                Some(object) => self.dealloc(record, object, object.written(record), give),
                None => self.counts.ignored += 1,
            },
            kind::REALLOC_BEGIN => {
                let object = self.objects.remove(&key(record.address));
                let moving = object.map(|object| Moving { object, written: object.written(record) });
                if let Some(Some(Moving { object, written })) = self.moving.insert(u64::from(record.thread), moving) {
                    // The end of this thread's last reallocation is missing, so the address of its object is unknown.
                    self.counts.lost += 1;
                    self.dealloc(record, object, written, give);
                }
            }
            kind::REALLOC_END => self.end_realloc(record, give),
            kind::REALLOC_FAILED => {
                if let Some(Moving { object, .. }) = self.moving.remove(&u64::from(record.thread)).flatten() {
                    self.objects.insert(key(record.address), object);
                }
            }
            kind::LEFT_LIVE => {
                let object = self.objects.get(&key(record.address));
                let written = object.and_then(|object| Some((object.id, object.written(record)?)));
                self.left_live.extend(written);
            }
            kind::NOTHING => {}
            _ => self.counts.lost += 1,
        }
    }

    /// Notes the extents of all live objects: `look` gets the address and the size of each.
    pub fn look_at_live(&mut self, mut look: impl FnMut(u64, u32) -> Tail) {
        let written = |(key, object): (&u64, &Object)| {
            let tail = look(key.rotate_left(KEY_BITS), object.size);
            Some((object.id, object.filled.written(tail, object.size)?))
        };
        self.left_live = self.objects.iter().filter_map(written).collect();
    }

    /// The objects that are left live and whose extent was noted, each with its id and its written bytes, by id.
    pub fn left_live(&self) -> Vec<(u64, u32)> {
        let mut objects: Vec<(u64, u32)> = self.left_live.iter().map(|(&id, &written)| (id, written)).collect();
        objects.sort_unstable();
        objects
    }

    /// What was noted of an object is no longer true.
    #[inline(always)]
    fn forget_left_live(&mut self, id: u64) {
        if !self.left_live.is_empty() {
            self.left_live.remove(&id);
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
        self.put(record, Object::new(id, layout, Filled::new(record.fill)), give);
        give(self.event(record, id, Action::Alloc { layout, zeroed }, None));
    }

    fn end_realloc(&mut self, record: Record, give: &mut impl FnMut(Event)) {
        let Some(Moving { object, written }) = self.moving.remove(&u64::from(record.thread)).flatten() else {
            return self.adopt(record, give);
        };
        let old = object.layout();
        let Some(layout) = layout(self.size(record), old.align() as u64) else {
            self.counts.ignored += 1;
            return self.dealloc(record, object, written, give);
        };
        self.forget_left_live(object.id);
        let filled = object.filled.resized(written, object.size, layout.size() as u32, record.fill);
        self.put(record, Object::new(object.id, layout, filled), give);
        give(self.event(record, object.id, Action::Realloc { old, new_size: layout.size() }, written));
    }

    /// Begins an object with the reallocation of a block that no record began. What its bytes hold is unknown.
    #[cold]
    fn adopt(&mut self, record: Record, give: &mut impl FnMut(Event)) {
        let before = self.last_id;
        self.alloc(Record { fill: Fill::Unknown, ..record }, false, give);
        self.counts.adopted += u64::from(self.last_id > before);
    }

    /// The live objects, each as the record of its allocation, in the order of their ids. What their bytes hold is
    /// known only of those that are filled from their start.
    pub fn live_objects(&self) -> Vec<Record> {
        let mut objects: Vec<(&u64, &Object)> = self.objects.iter().collect();
        objects.sort_unstable_by_key(|(_, object)| object.id);
        let record = |(key, object): (&u64, &Object)| Record {
            kind: kind::ALLOC,
            address: key.rotate_left(KEY_BITS),
            size: object.size.into(),
            align_log2: object.align_log2.into(),
            fill: object.filled.whole(),
            thread: 0,
        };
        objects.into_iter().map(record).collect()
    }

    /// Puts an object at the address of the record. A live object at that address ends before.
    #[inline(always)]
    fn put(&mut self, record: Record, object: Object, give: &mut impl FnMut(Event)) {
        if let Some(displaced) = self.objects.insert(key(record.address), object) {
            self.counts.lost += 1;
            self.dealloc(record, displaced, None, give);
        }
    }

    #[inline(always)]
    fn dealloc(&mut self, record: Record, object: Object, written: Option<u32>, give: &mut impl FnMut(Event)) {
        self.forget_left_live(object.id);
        give(self.event(record, object.id, Action::Dealloc { layout: object.layout() }, written));
    }

    fn size(&mut self, record: Record) -> u64 {
        self.counts.zero_sized += u64::from(record.size == 0);
        record.size.max(1)
    }

    /// Forgets all objects: in the trace, they stay live. Later calls for them are ignored.
    pub fn forget_objects(&mut self) {
        self.objects.clear();
        self.moving.clear();
    }

    #[inline(always)]
    fn event(&mut self, record: Record, id: u64, action: Action, written: Option<u32>) -> Event {
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
        Event { action, id, thread: Some(thread), time_ns: None, written }
    }
}

/// The layout, if a trace allows it.
fn layout(size: u64, align: u64) -> Option<Layout> {
    if size > MAX_SIZE_BYTES || align > MAX_ALIGN_BYTES {
        return None;
    }
    Layout::from_size_align(size as usize, align as usize).ok()
}
