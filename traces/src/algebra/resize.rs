//! A trace with other sizes.

use core::alloc::Layout;

use heaprace_recorder::{Action, Event};

use crate::error::TraceError;
use crate::validate;

/// The same events with every size multiplied by `factor`, rounded to whole bytes, and at least 1, and so with every
/// written extent: what was written to its end still is. Alignments stay as they are.
///
/// It is no model of a machine with pointers of half the width: [`narrow`] is.
///
/// # Errors
///
/// It passes on the errors of the events. A size that exceeds the limit of a trace is [`TraceError::Derived`].
///
/// ```
/// use heaprace_traces::{Action, Source, algebra};
///
/// let events = Source::from_bytes("example.csv", "op,id,size,align\nalloc,1,25,8\n".as_bytes()).open()?;
/// let half = algebra::scale(events, 0.5).next().expect("one event")?;
/// assert!(matches!(half.action, Action::Alloc { layout, .. } if layout.size() == 13), "12.5, rounded");
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
///
/// # Panics
///
/// If the factor is not a positive number.
pub fn scale<I: Iterator<Item = Result<Event, TraceError>>>(events: I, factor: f64) -> Resize<I> {
    assert!(factor.is_finite() && factor > 0.0, "a factor is a positive number, not {factor}");
    Resize { events, rule: Rule::Times(factor), read: 0, ended: false }
}

/// An estimate of what the program would ask for if pointers had 4 bytes instead of 8, as in WebAssembly: what is
/// aligned to 8 bytes has half the size, rounded up to a multiple of 4, and is aligned to 4. All else stays as it is.
///
/// In a Rust program, layouts show what blocks hold. One that is aligned to 1, 2 or 4 bytes has no pointers, so it is
/// the same everywhere: texts, buffers, numbers of up to 32 bits. One that is aligned to 8 has pointers and lengths,
/// which shrink to half, or numbers of 64 bits, which do not: so the estimate is a lower bound, and the trace itself an
/// upper one. More than 8 bytes of alignment are asked for on purpose, for vectors or cache lines, but also by hash
/// tables, whose pointers are missed. What a program decides by the sizes of its types, such as the length of a node,
/// is the same as before. `docs/wasm.md` holds the estimate against recordings.
///
/// Traces of [some platforms](why_not_narrow) cannot be estimated so.
///
/// # Errors
///
/// It passes on the errors of the events.
///
/// ```
/// use heaprace_traces::{Action, Source, TraceError, algebra};
///
/// let text = "op,id,size,align\nalloc,1,24,8\nalloc,2,24,1\n";
/// let events = Source::from_bytes("example.csv", text.as_bytes()).open()?;
/// let sizes = algebra::narrow(events).map(|event| match event?.action {
///     Action::Alloc { layout, .. } => Ok::<_, TraceError>((layout.size(), layout.align())),
///     other => panic!("there are two allocations: {other:?}"),
/// });
/// assert_eq!(sizes.collect::<Result<Vec<_>, _>>()?, [(12, 4), (24, 1)], "a string, and its text");
/// # Ok::<(), TraceError>(())
/// ```
pub fn narrow<I: Iterator<Item = Result<Event, TraceError>>>(events: I) -> Resize<I> {
    Resize { events, rule: Rule::Narrow, read: 0, ended: false }
}

/// Why [`narrow`] means nothing for a trace with this provenance; `None` if it does.
///
/// ```
/// use heaprace_traces::algebra::why_not_narrow;
///
/// assert_eq!(why_not_narrow(&["program: a", "platform: x86_64-linux"]), None);
/// assert_eq!(why_not_narrow(&["platform: wasm32-unknown"]), Some("its pointers have 4 bytes already"));
/// ```
pub fn why_not_narrow(provenance: &[impl AsRef<str>]) -> Option<&'static str> {
    const NARROW: [&str; 4] = ["wasm32-", "x86-", "arm-", "riscv32"];
    for line in provenance.iter().map(AsRef::as_ref) {
        if let Some(platform) = line.strip_prefix("platform: ")
            && NARROW.iter().any(|narrow| platform.starts_with(narrow))
        {
            return Some("its pointers have 4 bytes already");
        }
        if line.starts_with("semantics: C") {
            return Some("malloc aligns all blocks to 16 bytes, so it does not show which of them hold pointers");
        }
    }
    None
}

/// How sizes change.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Times(f64),
    Narrow,
}

impl Rule {
    /// The size and the alignment for those of a layout, in bytes.
    fn apply(self, size: usize, align: usize) -> (u64, u64) {
        const WIDE: usize = 8;
        match self {
            // A size has at most 32 bits, so it is exact as a float; a product too large for an integer stays too large.
            Rule::Times(factor) => ((size as f64 * factor).round().max(1.0) as u64, align as u64),
            Rule::Narrow if align == WIDE => ((size as u64).div_ceil(2).next_multiple_of(4), 4),
            Rule::Narrow => (size as u64, align as u64),
        }
    }

    /// The extent of a block that is `before` bytes long and becomes `after`.
    fn extent(self, written: u32, before: usize, after: usize) -> u32 {
        if written as usize == before {
            return after as u32;
        }
        let factor = match self {
            Rule::Times(factor) => factor,
            Rule::Narrow => after as f64 / before as f64,
        };
        ((f64::from(written) * factor).round() as u64).min(after as u64) as u32
    }
}

/// The iterator of [`scale`] and [`narrow`].
#[derive(Debug)]
pub struct Resize<I> {
    events: I,
    rule: Rule,
    read: u64,
    ended: bool,
}

impl<I> Resize<I> {
    fn layout(&self, size: usize, align: usize) -> Result<Layout, TraceError> {
        let (size, align) = self.rule.apply(size, align);
        validate::layout(size, align).map_err(|fault| TraceError::Derived { event: self.read, fault })
    }

    fn resized(&self, event: Event) -> Result<Event, TraceError> {
        let action = match event.action {
            Action::Alloc { layout, zeroed } => {
                Action::Alloc { layout: self.layout(layout.size(), layout.align())?, zeroed }
            }
            Action::Realloc { old, new_size } => Action::Realloc {
                old: self.layout(old.size(), old.align())?,
                new_size: self.layout(new_size, old.align())?.size(),
            },
            Action::Dealloc { layout } => Action::Dealloc { layout: self.layout(layout.size(), layout.align())? },
        };
        let written = match (event.action, action) {
            (Action::Realloc { old: before, .. }, Action::Realloc { old: after, .. })
            | (Action::Dealloc { layout: before }, Action::Dealloc { layout: after }) => {
                event.written.map(|written| self.rule.extent(written, before.size(), after.size()))
            }
            _ => None,
        };
        Ok(Event { action, written, ..event })
    }
}

impl<I: Iterator<Item = Result<Event, TraceError>>> Iterator for Resize<I> {
    type Item = Result<Event, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        self.read += 1;
        let event = self.events.next().map(|event| self.resized(event?));
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Source;

    fn sizes(factor: f64) -> Result<Vec<usize>, TraceError> {
        let text = "op,id,size,align\nalloc,1,3,64\nrealloc,1,4294967295\ndealloc,1\n";
        let events = Source::from_bytes("test.csv", text.as_bytes()).open()?;
        scale(events, factor)
            .map(|event| match event?.action {
                Action::Alloc { layout, .. } | Action::Dealloc { layout } => Ok(layout.size()),
                Action::Realloc { new_size, .. } => Ok(new_size),
            })
            .collect()
    }

    #[test]
    fn an_extent_is_scaled_with_its_block_and_never_beyond_it() {
        let text = "op,id,size,align,written\nalloc,1,10,1\nrealloc,1,1,,10\nrealloc,1,10,,0\ndealloc,1,,,7\n";
        for (factor, expected) in [(0.5, [5, 0, 4]), (0.01, [1, 0, 0]), (3.0, [30, 0, 21])] {
            let events = Source::from_bytes("test.csv", text.as_bytes()).open().unwrap();
            let written: Vec<_> = scale(events, factor).filter_map(|event| event.unwrap().written).collect();
            assert_eq!(written, expected, "{factor}");
        }
    }

    #[test]
    fn a_size_is_never_nothing_and_never_too_large() {
        assert_eq!(sizes(1.0).unwrap(), [3, 4_294_967_295, 4_294_967_295]);
        assert_eq!(sizes(0.1).unwrap(), [1, 429_496_730, 429_496_730]);
        let error = sizes(1.1).unwrap_err();
        assert!(matches!(error, TraceError::Derived { event: 2, .. }), "{error}");
        assert!(matches!(sizes(1e300), Err(TraceError::Derived { event: 1, .. })));
    }

    #[test]
    fn only_what_may_hold_pointers_is_narrowed() {
        let text = "op,id,size,align,written\nalloc,1,632,8\nalloc,2,25,8\nalloc,3,9,4\nalloc,4,64,64\nrealloc,1,8,,600\n\
                    dealloc,1,,,8\ndealloc,3,,,9\n";
        let events = Source::from_bytes("test.csv", text.as_bytes()).open().unwrap();
        let narrowed: Vec<_> = narrow(events)
            .map(|event| {
                let event = event.unwrap();
                let (size, align) = match event.action {
                    Action::Alloc { layout, .. } | Action::Dealloc { layout } => (layout.size(), layout.align()),
                    Action::Realloc { old, new_size } => (new_size, old.align()),
                };
                (size, align, event.written)
            })
            .collect();
        let allocated = [(316, 4, None), (16, 4, None), (9, 4, None), (64, 64, None)];
        assert_eq!(narrowed[..4], allocated);
        assert_eq!(narrowed[4..], [(4, 4, Some(300)), (4, 4, Some(4)), (9, 4, Some(9))]);
    }

    #[test]
    fn a_trace_of_c_shows_no_pointers() {
        let reason =
            why_not_narrow(&["platform: x86_64-linux", "semantics: C; malloc, calloc and realloc align to 16 bytes"]);
        assert!(reason.is_some_and(|reason| reason.starts_with("malloc aligns")), "{reason:?}");
    }
}
