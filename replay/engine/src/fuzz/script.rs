//! A program of a fuzzer as a list of requests: small, and valid whichever objects and steps are taken out.

use std::alloc::Layout;
use std::collections::HashMap;

use heaprace_allocators::PageSize;
use heaprace_allocators::page_heap::WASM32_PAGES;
use heaprace_traces::{Action, Event, Op};

use crate::program::{CompileError, Program};

/// The heap that a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapShape {
    /// Size of its pages.
    pub page: PageSize,
    /// Maximum pages.
    pub limit_pages: usize,
}

impl HeapShape {
    /// What `replay` takes unless told otherwise: 4 GiB in pages of 64 KiB.
    pub const DEFAULT: HeapShape = HeapShape { page: PageSize::WASM, limit_pages: WASM32_PAGES };
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScriptStep {
    pub(super) op: Op,
    pub(super) align_log2: u8,
    /// Objects are numbered from 0 in the order of their allocations. No number is used twice.
    pub(super) object: u32,
    /// In bytes: of an allocation, and the new size of a reallocation.
    pub(super) size: u32,
}

/// The requests of a program, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) steps: Vec<ScriptStep>,
    pub(super) objects: u32,
}

impl Script {
    /// Appends the allocation of a new object, and returns its number.
    pub(super) fn allocate(&mut self, size: u32, align_log2: u8, zeroed: bool) -> u32 {
        let op = if zeroed { Op::AllocZeroed } else { Op::Alloc };
        let object = self.objects;
        self.objects += 1;
        self.steps.push(ScriptStep { op, align_log2, object, size });
        object
    }

    /// Appends a reallocation of a live object.
    pub(super) fn resize(&mut self, object: u32, size: u32) {
        self.steps.push(ScriptStep { op: Op::Realloc, align_log2: 0, object, size });
    }

    /// Appends the end of a live object.
    pub(super) fn free(&mut self, object: u32) {
        self.steps.push(ScriptStep { op: Op::Dealloc, align_log2: 0, object, size: 0 });
    }

    /// The first events of a trace.
    pub(super) fn of<E>(events: impl Iterator<Item = Result<Event, E>>, most: u64) -> Result<Self, E> {
        let (mut script, mut live) = (Script::default(), HashMap::new());
        for event in events.take(usize::try_from(most).unwrap_or(usize::MAX)) {
            let Event { action, id, .. } = event?;
            // Sizes of a trace fit 32 bits.
            match action {
                Action::Alloc { layout, zeroed } => {
                    let align_log2 = layout.align().ilog2() as u8;
                    live.insert(id, script.allocate(layout.size() as u32, align_log2, zeroed));
                }
                Action::Realloc { new_size, .. } => script.resize(live[&id], new_size as u32),
                Action::Dealloc { .. } => script.free(live.remove(&id).expect("a checked event frees a live object")),
            }
        }
        Ok(script)
    }

    /// The steps for which `keeps` is true, with new numbers for the objects. What is left of an object must begin with
    /// its allocation.
    pub(super) fn kept(&self, mut keeps: impl FnMut(usize, &ScriptStep) -> bool) -> Self {
        let mut script = Script::default();
        let mut number_of = vec![u32::MAX; self.objects as usize];
        for (at, &step) in self.steps.iter().enumerate() {
            if !keeps(at, &step) {
                continue;
            }
            let number = &mut number_of[step.object as usize];
            if matches!(step.op, Op::Alloc | Op::AllocZeroed) {
                *number = script.objects;
                script.objects += 1;
            }
            script.steps.push(ScriptStep { object: *number, ..step });
        }
        script
    }

    /// The events, with full layouts. Ids are the numbers of the objects, from 1.
    pub(super) fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let mut layouts = vec![Layout::new::<u8>(); self.objects as usize];
        self.steps.iter().map(move |step| {
            let current = &mut layouts[step.object as usize];
            let sized =
                |align| Layout::from_size_align(step.size as usize, align).expect("it was one, or a larger one");
            let action = match step.op {
                Op::Alloc | Op::AllocZeroed => {
                    *current = sized(1 << step.align_log2);
                    Action::Alloc { layout: *current, zeroed: step.op == Op::AllocZeroed }
                }
                Op::Realloc => {
                    let old = *current;
                    *current = sized(old.align());
                    Action::Realloc { old, new_size: current.size() }
                }
                Op::Dealloc => Action::Dealloc { layout: *current },
            };
            Event { action, id: u64::from(step.object) + 1, thread: None, time_ns: None, written: None }
        })
    }

    /// The program.
    ///
    /// # Errors
    ///
    /// If there are more live objects than a program can number.
    pub(super) fn compile(&self) -> Result<Program, CompileError> {
        Program::compile(self.events().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Script {
        let mut script = Script::default();
        let first = script.allocate(24, 3, false);
        let second = script.allocate(100, 12, true);
        script.resize(first, 48);
        script.free(second);
        script.resize(first, 7);
        script.free(first);
        script
    }

    #[test]
    fn events_have_the_layouts_in_force_and_lead_back_to_the_script() {
        let script = script();
        let events: Vec<Event> = script.events().collect();
        let layout = |size, align| Layout::from_size_align(size, align).unwrap();
        assert_eq!(events[4].action, Action::Realloc { old: layout(48, 8), new_size: 7 });
        assert_eq!((events[5].action, events[5].id), (Action::Dealloc { layout: layout(7, 8) }, 1));
        assert_eq!(Script::of(events.into_iter().map(Ok::<_, ()>), 100), Ok(script));
    }

    #[test]
    fn what_is_left_is_a_script() {
        let script = script();
        let without_first = script.kept(|_, step| step.object != 0);
        assert_eq!((without_first.objects, without_first.steps.len()), (1, 2));
        assert_eq!(without_first.compile().unwrap().events(), 2);
        let without_a_free = script.kept(|at, _| at != 3);
        assert_eq!(without_a_free.compile().unwrap().left_live().count(), 1);
    }
}
