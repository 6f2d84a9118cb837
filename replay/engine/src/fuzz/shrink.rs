//! Makes a program on which an allocator fails as small as it gets, by trial and error.
//!
//! What is likely to take away most is tried first: all after the fault, all before the last few events, then half of
//! the objects, a quarter, and so on down to single ones (delta debugging), then single reallocations and frees, and
//! sizes and alignments at last. A candidate is kept if the allocator fails on it in the same way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use heaprace_traces::Op;

use super::script::{HeapShape, Script, ScriptStep};
use super::trial::{self, FuzzError, Outcome, Symptom};
use crate::contender::Contender;

/// The first number of last events that is tried alone. Each further one is four times as large.
const FEWEST_LAST_EVENTS: usize = 8;

/// How far shrinking has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShrinkProgress {
    /// Events of the smallest program so far.
    pub events: u64,
    /// Candidates tried so far.
    pub trials: u64,
}

/// A program on which an allocator fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failing {
    pub(super) script: Script,
    pub(super) shape: HeapShape,
    pub(super) symptom: Symptom,
}

/// When to end, and what to call with the progress.
pub(super) struct ShrinkLimits<'a> {
    pub(super) interrupt: &'a AtomicBool,
    /// `None` if it is too far away for a clock.
    pub(super) deadline: Option<Instant>,
    pub(super) on_progress: &'a mut dyn FnMut(ShrinkProgress),
}

/// Returns the smallest program found, and the number of candidates tried.
///
/// # Errors
///
/// If no process can be made, or no heap reserved.
pub(super) fn shrink<'a>(
    contender: &'a Contender,
    found: Failing,
    limits: ShrinkLimits<'a>,
) -> Result<(Failing, u64), FuzzError> {
    let mut shrinker = Shrinker { contender, best: found, limits, trials: 0 };
    shrinker.cut();
    shrinker.plain_heap()?;
    shrinker.last_events()?;
    loop {
        let before = shrinker.best.script.clone();
        shrinker.objects()?;
        shrinker.single_events()?;
        shrinker.zeroed_and_aligned()?;
        shrinker.sizes()?;
        if shrinker.is_over() || shrinker.best.script == before {
            return Ok((shrinker.best, shrinker.trials));
        }
    }
}

struct Shrinker<'a> {
    contender: &'a Contender,
    best: Failing,
    limits: ShrinkLimits<'a>,
    trials: u64,
}

impl Shrinker<'_> {
    fn is_over(&self) -> bool {
        self.limits.interrupt.load(Ordering::Relaxed)
            || self.limits.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Takes the candidate if the allocator fails on it in the same way.
    fn takes(&mut self, script: Script, shape: HeapShape) -> Result<bool, FuzzError> {
        if self.is_over() || script.steps.is_empty() {
            return Ok(false);
        }
        self.trials += 1;
        let program = script.compile()?;
        let outcome = trial::run(self.contender, shape, &program, self.limits.interrupt, &mut |_| {})?;
        let taken = match outcome {
            Outcome::Failed(symptom) if symptom.kind == self.best.symptom.kind => {
                self.best = Failing { script, shape, symptom };
                self.cut();
                true
            }
            _ => false,
        };
        let events = self.best.script.steps.len() as u64;
        (self.limits.on_progress)(ShrinkProgress { events, trials: self.trials });
        Ok(taken)
    }

    fn takes_script(&mut self, script: Script) -> Result<bool, FuzzError> {
        self.takes(script, self.best.shape)
    }

    /// Drops what comes after the fault, which a replay does not reach.
    fn cut(&mut self) {
        let end = usize::try_from(self.best.symptom.event).unwrap_or(usize::MAX);
        if end < self.best.script.steps.len() {
            self.best.script = self.best.script.kept(|at, _| at < end);
        }
    }

    /// The heap that needs no option, or one that needs one option.
    fn plain_heap(&mut self) -> Result<(), FuzzError> {
        let page = self.best.shape.page;
        let plain = HeapShape::DEFAULT;
        let bytes = |shape: HeapShape| shape.page.bytes() * shape.limit_pages;
        let shapes = [
            plain,
            HeapShape { page, limit_pages: page.pages_for(bytes(plain)) },
            HeapShape { page: plain.page, limit_pages: plain.page.pages_for(bytes(self.best.shape)) },
        ];
        for shape in shapes {
            if shape == self.best.shape || self.takes(self.best.script.clone(), shape)? {
                break;
            }
        }
        Ok(())
    }

    /// Only the objects that the last events are about: little to replay, so several numbers cost nearly nothing.
    fn last_events(&mut self) -> Result<(), FuzzError> {
        let mut last = FEWEST_LAST_EVENTS;
        while last < self.best.script.steps.len() {
            let Script { steps, objects } = &self.best.script;
            let mut is_kept = vec![false; *objects as usize];
            steps[steps.len() - last..].iter().for_each(|step| is_kept[step.object as usize] = true);
            let script = self.best.script.kept(|_, step| is_kept[step.object as usize]);
            if self.takes_script(script)? || self.is_over() {
                break;
            }
            last *= 4;
        }
        Ok(())
    }

    /// Drops objects in chunks that are halved, the oldest first.
    fn objects(&mut self) -> Result<(), FuzzError> {
        let count = |script: &Script| script.objects as usize;
        self.chunks(count, |script, from, to| script.kept(|_, step| !(from..to).contains(&(step.object as usize))))
    }

    /// Drops reallocations and frees in chunks that are halved.
    fn single_events(&mut self) -> Result<(), FuzzError> {
        let is_single = |step: &ScriptStep| matches!(step.op, Op::Realloc | Op::Dealloc);
        let count = move |script: &Script| script.steps.iter().filter(|step| is_single(step)).count();
        self.chunks(count, move |script, from, to| {
            let mut number = 0;
            script.kept(|_, step| {
                let here = number;
                number += usize::from(is_single(step));
                !is_single(step) || !(from..to).contains(&here)
            })
        })
    }

    /// Tries to do without each chunk of `count` things, from all of them down to single ones.
    fn chunks(
        &mut self,
        count: impl Fn(&Script) -> usize,
        without: impl Fn(&Script, usize, usize) -> Script,
    ) -> Result<(), FuzzError> {
        let mut size = count(&self.best.script).div_ceil(2).max(1);
        loop {
            let mut from = 0;
            while from < count(&self.best.script) && !self.is_over() {
                let candidate = without(&self.best.script, from, from + size);
                if !self.takes_script(candidate)? {
                    from += size;
                }
            }
            if size == 1 || self.is_over() {
                return Ok(());
            }
            // Not larger than half of what is left.
            size = (size / 2).min(count(&self.best.script).div_ceil(2)).max(1);
        }
    }

    /// Makes allocations plain.
    fn zeroed_and_aligned(&mut self) -> Result<(), FuzzError> {
        let plain = |step: &ScriptStep| match step.op {
            Op::AllocZeroed => ScriptStep { op: Op::Alloc, ..*step },
            _ => *step,
        };
        self.each_step(|step| vec![plain(step)])?;
        self.each_step(|step| {
            let lower = [0, 3, 4, step.align_log2 / 2, step.align_log2.saturating_sub(1)];
            let lower = lower.into_iter().filter(|&align_log2| align_log2 < step.align_log2);
            lower.map(|align_log2| ScriptStep { align_log2, ..*step }).collect()
        })
    }

    /// Puts simpler steps in place of each one, the first that the allocator fails on.
    fn each_step(&mut self, simpler: impl Fn(&ScriptStep) -> Vec<ScriptStep>) -> Result<(), FuzzError> {
        let mut at = 0;
        while at < self.best.script.steps.len() && !self.is_over() {
            let step = self.best.script.steps[at];
            for candidate in simpler(&step).into_iter().filter(|candidate| *candidate != step) {
                let mut script = self.best.script.clone();
                script.steps[at] = candidate;
                if self.takes_script(script)? {
                    break;
                }
            }
            at += 1;
        }
        Ok(())
    }

    /// Lowers sizes: those that are equal together, then each.
    fn sizes(&mut self) -> Result<(), FuzzError> {
        let mut sizes: Vec<u32> =
            self.best.script.steps.iter().map(|step| step.size).filter(|&size| size > 1).collect();
        sizes.sort_unstable();
        sizes.dedup();
        for size in sizes.into_iter().rev() {
            // Looking for the steps of a size takes its time in a long program.
            if self.is_over() {
                return Ok(());
            }
            self.lower(size, |_, step| step.size == size)?;
        }
        let mut at = 0;
        while at < self.best.script.steps.len() && !self.is_over() {
            let size = self.best.script.steps[at].size;
            self.lower(size, |place, _| place == at)?;
            at += 1;
        }
        Ok(())
    }

    /// Lowers the size of these steps as far as the allocator fails, halving the distance to what it holds.
    fn lower(&mut self, from: u32, is_lowered: impl Fn(usize, &ScriptStep) -> bool) -> Result<(), FuzzError> {
        let places: Vec<usize> =
            (0..).zip(&self.best.script.steps).filter(|(at, step)| is_lowered(*at, step)).map(|(at, _)| at).collect();
        // It fails at `fails`, and not below `least`, as far as is known.
        let (mut least, mut fails) = (1, from);
        while least < fails && !self.is_over() {
            let size = if least == 1 && fails == from { 1 } else { least + (fails - least) / 2 };
            let mut script = self.best.script.clone();
            for &at in &places {
                // A fault that shows earlier has cut the end off.
                if let Some(step) = script.steps.get_mut(at) {
                    step.size = size;
                }
            }
            if self.takes_script(script)? {
                fails = size;
            } else {
                least = size + 1;
            }
        }
        Ok(())
    }
}
