//! The distributions of a trace's sizes and lifetimes, as stored in results.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use heaprace_reports::results::{Class, Distributions, Figure, JointClass, Reason};
use heaprace_traces::inspect::{Histogram, JointHistogram};

use crate::program::{CompileError, OpKind, Program, Stretch};

/// Counts the sizes and lifetimes of a program, whose operations have everything that is needed: the trace need not be
/// read again, and its ids not be looked up. Memory is 8 bytes for each slot. If `interrupt` is set meanwhile, the
/// distributions are unknown: those of a part could be mistaken for the whole.
///
/// # Errors
///
/// If the program is streamed and the trace cannot be read again.
pub fn of(program: &Program, interrupt: &AtomicBool) -> Result<Figure<Distributions>, CompileError> {
    let mut counts = Counts::new(program.slots());
    let flow = program.each_stretch(&mut |stretch| {
        if interrupt.load(Ordering::Relaxed) {
            return ControlFlow::Break(());
        }
        counts.add(stretch);
        ControlFlow::Continue(())
    })?;
    if flow.is_break() {
        return Ok(Figure::unknown(Reason::Interrupted));
    }
    let mut never_freed_sizes = Histogram::default();
    program.left_live().for_each(|(_, layout)| never_freed_sizes.add(layout.size() as u64));
    let joint = counts.sizes_by_lifetime.cells().map(|cell| JointClass {
        size_from_bytes: cell.size_from,
        lifetime_from_bytes: cell.lifetime_from,
        count: cell.count,
    });
    Ok(Figure::Known(Distributions {
        request_sizes: classes(&counts.request_sizes),
        lifetimes: classes(&counts.lifetimes),
        sizes_by_lifetime: joint.collect(),
        never_freed_sizes: classes(&never_freed_sizes),
    }))
}

/// What [`heaprace_traces::inspect::Inspection`] calls sizes, lifetimes in bytes, and sizes by them.
struct Counts {
    allocated_bytes: u64,
    /// Bytes that had been allocated after the allocation of the object in each slot.
    births: Vec<u64>,
    request_sizes: Histogram,
    lifetimes: Histogram,
    sizes_by_lifetime: JointHistogram,
}

impl Counts {
    fn new(slots: usize) -> Self {
        Counts {
            allocated_bytes: 0,
            births: vec![0; slots],
            request_sizes: Histogram::default(),
            lifetimes: Histogram::default(),
            sizes_by_lifetime: JointHistogram::default(),
        }
    }

    fn add(&mut self, stretch: Stretch<'_>) {
        let mut ops = stretch.ops().iter();
        while let Some(op) = ops.next() {
            let size = op.layout().size() as u64;
            match op.kind() {
                OpKind::Alloc | OpKind::AllocZeroed => {
                    self.allocated_bytes += size;
                    self.births[op.slot()] = self.allocated_bytes;
                    self.request_sizes.add(size);
                }
                OpKind::Realloc => {
                    let old_size = *ops.next().expect("compilation puts the old size after every realloc");
                    self.allocated_bytes += size.saturating_sub(op.old_layout(old_size).size() as u64);
                    self.request_sizes.add(size);
                }
                OpKind::Dealloc => {
                    let lifetime_bytes = self.allocated_bytes - self.births[op.slot()];
                    self.lifetimes.add(lifetime_bytes);
                    self.sizes_by_lifetime.add(size, lifetime_bytes);
                }
            }
        }
    }
}

fn classes(histogram: &Histogram) -> Vec<Class> {
    histogram.buckets().map(|bucket| Class { from_bytes: bucket.from, count: bucket.count }).collect()
}

#[cfg(test)]
mod tests {
    use heaprace_traces::Source;
    use heaprace_traces::inspect::Inspector;

    use super::*;

    /// Held in memory, and streamed; the trace has reallocs and objects that are never freed.
    #[test]
    fn they_are_those_that_an_inspection_finds_by_ids() {
        for name in ["markdown-html", "serde-heavy"] {
            let source = Source::locate(name).unwrap();
            let mut inspector = Inspector::default();
            source.open().unwrap().for_each(|event| inspector.add(&event.unwrap()));
            let expected = inspector.finish();
            assert!(expected.reallocs > 0, "{name}");
            for most_words in [0, usize::MAX] {
                let program = Program::load_holding(&source, most_words).unwrap();
                assert_eq!(program.is_streamed(), most_words == 0);
                let found = of(&program, &AtomicBool::new(false)).unwrap();
                let found = found.known().unwrap();
                assert_eq!(found.request_sizes, classes(&expected.sizes));
                assert_eq!(found.lifetimes, classes(&expected.lifetimes_bytes));
                assert_eq!(found.never_freed_sizes, classes(&expected.left_live_sizes));
                let cells = expected.sizes_by_lifetime_bytes.cells();
                let expected = cells.map(|cell| (cell.size_from, cell.lifetime_from, cell.count));
                let found = found.sizes_by_lifetime.iter();
                assert!(found.map(|cell| (cell.size_from_bytes, cell.lifetime_from_bytes, cell.count)).eq(expected));
            }
        }
    }

    #[test]
    fn an_interrupt_leaves_no_partial_distributions() {
        let program = Program::load(&Source::locate("markdown-html").unwrap()).unwrap();
        assert_eq!(of(&program, &AtomicBool::new(true)).unwrap(), Figure::unknown(Reason::Interrupted));
    }
}
