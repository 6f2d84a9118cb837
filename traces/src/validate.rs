//! The live objects of a trace: they turn the fields of a format into events, and reveal contradictions.
//!
//! In most formats a deallocation has only an id; an event has the layout that the allocator gets. The [`Validator`]
//! tracks the layout of each live object, so it completes each event and reports where a trace contradicts itself.
//! Every format goes through it, so all follow the same rules.

use core::alloc::Layout;

use heaprace_recorder::event::{Action, Event, MAX_ALIGN_BYTES, MAX_SIZE_BYTES};
use heaprace_recorder::{Extent, Op};

use crate::fault::Fault;
use crate::live_map::LiveMap;

/// The fields of one event as a format has them; only their syntax is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The operation.
    pub op: Op,
    /// The object.
    pub id: u64,
    /// The size in bytes: the new one for a reallocation, the one in force for a deallocation.
    pub size: Option<u64>,
    /// The alignment in bytes.
    pub align: Option<u64>,
    /// The thread.
    pub thread: Option<u32>,
    /// Nanoseconds since the recording began.
    pub time_ns: Option<u64>,
    /// How much of the block was written before a reallocation or deallocation.
    pub written: Option<Extent>,
}

/// The live objects at one point of a trace, with their layouts in force.
///
/// Memory grows with the objects that are live at once, not with the events. Since a small file can claim many, there is
/// a [limit](Self::with_most_live_objects).
///
/// ```
/// use heaprace_traces::{Action, Op};
/// use heaprace_traces::validate::{Fields, Validator};
///
/// let mut validator = Validator::default();
/// let (size, align) = (Some(24), Some(8));
/// let fields = Fields { op: Op::Alloc, id: 7, size, align, thread: None, time_ns: None, written: None };
/// validator.complete(fields)?;
/// let last = validator.complete(Fields { op: Op::Dealloc, size: None, align: None, ..fields })?;
/// assert!(matches!(last.action, Action::Dealloc { layout } if layout.size() == 24 && layout.align() == 8));
/// assert_eq!(validator.live_objects(), 0);
/// # Ok::<(), Box<heaprace_traces::Fault>>(())
/// ```
#[derive(Debug)]
pub struct Validator {
    layouts: LiveMap<SmallLayout>,
    last_time_ns: u64,
    most_live_objects: usize,
}

/// A layout of a trace in half the bytes. Its size is never 0, except in a place without an object.
#[derive(Clone, Copy, Debug, Default)]
struct SmallLayout {
    bytes: u32,
    align_log2: u32,
}

impl SmallLayout {
    #[inline(always)]
    fn of(layout: Layout) -> Self {
        SmallLayout { bytes: layout.size() as u32, align_log2: layout.align().trailing_zeros() }
    }

    #[inline(always)]
    fn layout(self) -> Layout {
        Layout::from_size_align(self.bytes as usize, 1 << self.align_log2).expect("it was one")
    }
}

/// Objects that may be live at once unless another limit is set: as many as a replay can number. Reading a trace that has
/// them takes up to 7 GB.
pub const MOST_LIVE_OBJECTS: usize = 1 << 25;

impl Default for Validator {
    fn default() -> Self {
        Validator::with_most_live_objects(MOST_LIVE_OBJECTS)
    }
}

impl Validator {
    /// No live objects, and at most as many at once.
    pub fn with_most_live_objects(most_live_objects: usize) -> Self {
        Validator { layouts: LiveMap::default(), last_time_ns: 0, most_live_objects }
    }

    /// Sets how many objects may be live at once from now on.
    pub(crate) fn limit(&mut self, most_live_objects: usize) {
        self.most_live_objects = most_live_objects;
    }

    /// How many objects are live.
    pub fn live_objects(&self) -> usize {
        self.layouts.len()
    }

    /// Checks one event against the events so far, completes it with the layout in force, and applies it.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if a value is missing or out of range, or contradicts the events so far. The validator then stays as
    /// it was before the call. The fault is boxed because the result of every event should be small.
    #[inline(always)]
    pub fn complete(&mut self, fields: Fields) -> Result<Event, Box<Fault>> {
        let Fields { op, id, size, align, thread, time_ns, written: extent } = fields;
        if let Some(found) = time_ns
            && !self.rises(time_ns)
        {
            return Err(time_falls(found, self.last_time_ns));
        }
        let size_of = |op| size.ok_or_else(|| missing(op, "size"));
        let (action, written) = match op {
            Op::Alloc | Op::AllocZeroed => {
                if let Some(found) = extent {
                    return Err(nothing_written_yet(op, found));
                }
                let size = size_of(op)?;
                let layout = self.alloc(op, id, size, align.ok_or_else(|| missing(op, "align"))?)?;
                (Action::Alloc { layout, zeroed: op == Op::AllocZeroed }, None)
            }
            Op::Realloc => {
                let (old, new_size, written) = self.realloc(id, size_of(op)?, align, extent)?;
                (Action::Realloc { old, new_size }, written)
            }
            Op::Dealloc => {
                let (layout, written) = self.dealloc(id, size, align, extent)?;
                (Action::Dealloc { layout }, written)
            }
        };
        self.passed(time_ns);
        Ok(Event { action, id, thread, time_ns, written })
    }

    /// Whether an event may have this time.
    #[inline(always)]
    pub(crate) fn rises(&self, time_ns: Option<u64>) -> bool {
        time_ns.is_none_or(|time_ns| time_ns >= self.last_time_ns)
    }

    /// Notes the time of a valid event.
    #[inline(always)]
    pub(crate) fn passed(&mut self, time_ns: Option<u64>) {
        self.last_time_ns = time_ns.unwrap_or(self.last_time_ns);
    }

    /// Checks and applies an allocation. Returns its layout.
    #[inline(always)]
    pub(crate) fn alloc(&mut self, op: Op, id: u64, size: u64, align: u64) -> Result<Layout, Box<Fault>> {
        let layout = layout(size, align)?;
        if self.layouts.len() >= self.most_live_objects {
            return Err(too_many_live(self.most_live_objects));
        }
        if self.layouts.insert(id, SmallLayout::of(layout)) { Ok(layout) } else { Err(already_live(op, id)) }
    }

    /// Checks and applies a reallocation. Returns the layout before, the new size, and the bytes written.
    #[inline(always)]
    pub(crate) fn realloc(
        &mut self,
        id: u64,
        new_size: u64,
        align: Option<u64>,
        extent: Option<Extent>,
    ) -> Result<(Layout, usize, Option<u32>), Box<Fault>> {
        let op = Op::Realloc;
        let in_force = self.layouts.get_mut(id).ok_or_else(|| not_live(op, id))?;
        let old = in_force.layout();
        agrees(op, id, "align", align, old.align())?;
        let written = bytes_written(op, id, extent, old.size())?;
        let new = layout(new_size, old.align() as u64)?;
        *in_force = SmallLayout::of(new);
        Ok((old, new.size(), written))
    }

    /// Checks and applies a deallocation. Returns the layout in force, and the bytes written.
    #[inline(always)]
    pub(crate) fn dealloc(
        &mut self,
        id: u64,
        size: Option<u64>,
        align: Option<u64>,
        extent: Option<Extent>,
    ) -> Result<(Layout, Option<u32>), Box<Fault>> {
        let op = Op::Dealloc;
        let in_force = self.layouts.remove(id).ok_or_else(|| not_live(op, id))?;
        let layout = in_force.layout();
        let checked = agrees(op, id, "size", size, layout.size())
            .and_then(|()| agrees(op, id, "align", align, layout.align()))
            .and_then(|()| bytes_written(op, id, extent, layout.size()));
        match checked {
            Ok(written) => Ok((layout, written)),
            Err(fault) => {
                self.layouts.insert(id, in_force);
                Err(fault)
            }
        }
    }
}

// Functions, because a fault that is built in place is built, and dropped, for every event without one.

#[cold]
pub(crate) fn missing(op: Op, column: &'static str) -> Box<Fault> {
    Fault::MissingValue { op, column }.into()
}

#[cold]
fn time_falls(found: u64, previous: u64) -> Box<Fault> {
    Fault::TimeFalls { found, previous }.into()
}

#[cold]
fn nothing_written_yet(op: Op, found: Extent) -> Box<Fault> {
    Fault::NothingWrittenYet { op, found }.into()
}

#[cold]
fn already_live(op: Op, id: u64) -> Box<Fault> {
    Fault::AlreadyLive { op, id }.into()
}

#[cold]
fn not_live(op: Op, id: u64) -> Box<Fault> {
    Fault::NotLive { op, id }.into()
}

#[cold]
fn too_many_live(most: usize) -> Box<Fault> {
    Fault::TooManyLive { most }.into()
}

/// The layout of this size and alignment, if a trace allows it.
#[inline(always)]
pub(crate) fn layout(size: u64, align: u64) -> Result<Layout, Box<Fault>> {
    if !(1..=MAX_SIZE_BYTES).contains(&size) {
        return Err(
            Fault::OutOfRange { column: "size", found: size.to_string(), least: 1, most: MAX_SIZE_BYTES }.into()
        );
    }
    if !(1..=MAX_ALIGN_BYTES).contains(&align) {
        return Err(
            Fault::OutOfRange { column: "align", found: align.to_string(), least: 1, most: MAX_ALIGN_BYTES }.into()
        );
    }
    if !align.is_power_of_two() {
        return Err(Fault::AlignNotPowerOfTwo { found: align }.into());
    }
    // Both fit 32 bits, so the casts lose nothing. On a 32-bit machine the sum may still be too large.
    Layout::from_size_align(size as usize, align as usize).map_err(|_| Fault::LayoutTooLarge { size, align }.into())
}

/// The bytes written of a block of this size.
#[inline(always)]
fn bytes_written(op: Op, id: u64, extent: Option<Extent>, size: usize) -> Result<Option<u32>, Box<Fault>> {
    match extent {
        None => Ok(None),
        Some(found) => match found.bytes_of(size) {
            None => Err(Fault::MoreWritten { op, id, found, size: size as u64 }.into()),
            written => Ok(written),
        },
    }
}

/// Checks a value that may be left out against the one in force.
#[inline(always)]
fn agrees(op: Op, id: u64, column: &'static str, given: Option<u64>, in_force: usize) -> Result<(), Box<Fault>> {
    match given {
        Some(found) if found != in_force as u64 => {
            Err(Fault::Disagrees { op, id, column, found, in_force: in_force as u64 }.into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(op: Op, id: u64, size: Option<u64>, align: Option<u64>) -> Fields {
        Fields { op, id, size, align, thread: None, time_ns: None, written: None }
    }

    #[test]
    fn realloc_changes_the_size_in_force_and_keeps_the_alignment() {
        let mut validator = Validator::default();
        validator.complete(fields(Op::Alloc, 1, Some(10), Some(4))).unwrap();
        let realloc = validator.complete(fields(Op::Realloc, 1, Some(20), None)).unwrap();
        let old = Layout::from_size_align(10, 4).unwrap();
        assert_eq!(realloc.action, Action::Realloc { old, new_size: 20 });
        let dealloc = validator.complete(fields(Op::Dealloc, 1, None, None)).unwrap();
        assert_eq!(dealloc.action, Action::Dealloc { layout: Layout::from_size_align(20, 4).unwrap() });
    }

    #[test]
    fn an_event_that_is_refused_changes_nothing() {
        let mut validator = Validator::default();
        validator.complete(fields(Op::Alloc, 1, Some(10), Some(4))).unwrap();
        for refused in [
            fields(Op::Alloc, 1, Some(8), Some(8)),
            fields(Op::Realloc, 1, Some(0), None),
            fields(Op::Realloc, 1, None, None),
            fields(Op::Realloc, 1, Some(20), Some(8)),
            fields(Op::Dealloc, 1, Some(11), None),
            fields(Op::Dealloc, 1, None, Some(8)),
            fields(Op::Dealloc, 2, None, None),
            Fields { written: Some(Extent::First(11)), ..fields(Op::Dealloc, 1, None, None) },
            Fields { written: Some(Extent::AllBut(11)), ..fields(Op::Realloc, 1, Some(20), None) },
            Fields { written: Some(Extent::First(0)), ..fields(Op::Alloc, 3, Some(8), Some(8)) },
        ] {
            validator.complete(refused).unwrap_err();
        }
        let dealloc = validator.complete(fields(Op::Dealloc, 1, Some(10), Some(4))).unwrap();
        assert_eq!(dealloc.action, Action::Dealloc { layout: Layout::from_size_align(10, 4).unwrap() });
        assert_eq!(validator.live_objects(), 0);
    }

    #[test]
    fn an_extent_is_that_of_the_block_before_the_event() {
        let mut validator = Validator::default();
        validator.complete(fields(Op::Alloc, 1, Some(10), Some(4))).unwrap();
        let mut written =
            |fields, extent| validator.complete(Fields { written: Some(extent), ..fields }).map(|event| event.written);
        assert_eq!(written(fields(Op::Realloc, 1, Some(200), None), Extent::AllBut(3)), Ok(Some(7)));
        let fault = Fault::MoreWritten { op: Op::Realloc, id: 1, found: Extent::First(201), size: 200 };
        assert_eq!(written(fields(Op::Realloc, 1, Some(300), None), Extent::First(201)), Err(fault.into()));
        assert_eq!(written(fields(Op::Dealloc, 1, None, None), Extent::First(200)), Ok(Some(200)));
    }

    #[test]
    fn an_id_may_be_used_again_once_its_object_is_dead() {
        let mut validator = Validator::default();
        for size in [8, 16] {
            validator.complete(fields(Op::AllocZeroed, 5, Some(size), Some(8))).unwrap();
            validator.complete(fields(Op::Dealloc, 5, Some(size), None)).unwrap();
        }
    }

    fn out_of_range(result: Result<Event, Box<Fault>>, expected: &str) -> bool {
        matches!(result.map_err(|fault| *fault), Err(Fault::OutOfRange { column, .. }) if column == expected)
    }

    #[test]
    fn the_largest_layouts_are_accepted_and_no_larger() {
        let mut validator = Validator::default();
        let mut alloc = |id, size, align| validator.complete(fields(Op::Alloc, id, Some(size), Some(align)));
        alloc(1, MAX_SIZE_BYTES, 1).unwrap();
        alloc(2, 1, MAX_ALIGN_BYTES).unwrap();
        assert!(out_of_range(alloc(3, MAX_SIZE_BYTES + 1, 1), "size"));
        assert!(out_of_range(alloc(3, 1, MAX_ALIGN_BYTES * 2), "align"));
        assert!(out_of_range(alloc(3, 1, u64::MAX), "align"));
        assert!(out_of_range(alloc(3, 1, 0), "align"));
    }

    #[test]
    fn times_may_stand_still_but_not_fall() {
        let mut validator = Validator::default();
        let mut at = |id, time_ns| {
            let fields = fields(Op::Alloc, id, Some(1), Some(1));
            validator.complete(Fields { time_ns: Some(time_ns), ..fields })
        };
        at(1, 5).unwrap();
        at(2, 5).unwrap();
        assert_eq!(at(3, 4), Err(Fault::TimeFalls { found: 4, previous: 5 }.into()));
    }
}
