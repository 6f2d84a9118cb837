//! The blocks of a recording: turns addresses, which are used again and again, into objects, and puts races into order.
//!
//! Each block that begins at an address is a new object. Two things can be wrong, because recorders log a call before
//! or after it happens, and another thread's call may come in between:
//!
//! - **A block begins where one is live.** The live one has ended, but its end is logged late. The end is put before
//!   the beginning if only one call can be it: among the next [`LOOKAHEAD_CALLS`] calls, exactly one ends that address,
//!   is the first call that its thread logs after the beginning, and belongs to another thread than the beginning. (A
//!   thread logs its own calls in order, so its later calls are later.) If the format has no threads, exactly one call
//!   must end that address before another block begins there. With no such call, or two, it is an error.
//! - **A block ends where none is live.** If no block ever began there, it is older than the recording: the end is left
//!   out, and a reallocation is an allocation of its new size. If one did, it is an error, except in formats whose
//!   recorders do not see all allocations.

use std::collections::HashSet;

use heaprace_recorder::event::MAX_SIZE_BYTES;
use heaprace_recorder::{IdMap, Op};

use super::LOOKAHEAD_CALLS;
use super::call::{Call, Calls, Logged};
use super::fault::{ImportFault, Key};
use super::repairs::Repairs;
use crate::seen::Seen;
use crate::validate::Fields;

/// The rules for blocks of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Whether addresses identify blocks, or numbers.
    pub(super) addresses: bool,
    /// The meaning of a block that begins where one is live.
    pub(super) reuse: Reuse,
    /// Whether the recorder sees all calls after its first, so that no block ends which did not begin.
    pub(super) sees_all: bool,
    /// Alignment if the recording has none, in bytes.
    pub(super) align: u64,
}

/// The meaning of a block that begins where another one is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// A fault: the format is in order.
    Fault,
    /// The end of the other is logged late.
    LateEnd,
    /// The end of the other is lost.
    LostEnd,
}

/// A live block.
#[derive(Clone, Copy, Debug)]
struct Block {
    /// Its object; `None` if it is too large for a trace.
    id: Option<u64>,
    /// The line where it began.
    line: u64,
}

/// The result of one call.
#[derive(Debug)]
pub(super) enum Step {
    /// The call is done; these are the fields of its events, if any. Of two, the first belongs before the second.
    Done(Option<Fields>, Option<Fields>),
    /// A later call belongs before this one: this one must be passed again after it.
    After { late: Logged },
}

/// The live blocks of a recording, and the repairs so far.
#[derive(Debug)]
pub(super) struct Objects {
    rules: Rules,
    live: IdMap<Block>,
    seen: Seen,
    objects: u64,
    last_time_ns: u64,
    pub(super) repairs: Repairs,
}

impl Objects {
    pub(super) fn new(rules: Rules) -> Self {
        let (live, seen) = (IdMap::default(), Seen::new(rules.addresses));
        Objects { rules, live, seen, objects: 0, last_time_ns: 0, repairs: Repairs::default() }
    }

    /// Whether the call begins a block where another one is live.
    #[inline]
    pub(super) fn collides(&self, call: Call) -> bool {
        match call.begins() {
            Some(at) => at != 0 && self.live.contains_key(&at),
            None => false,
        }
    }

    /// Applies a call. `later` has the calls after it, as far as they matter if it [`collides`](Self::collides).
    #[inline]
    pub(super) fn take(&mut self, logged: Logged, later: &mut Calls) -> Result<Step, Box<ImportFault>> {
        let mut ended = None;
        if self.collides(logged.call) {
            let at = logged.call.begins().unwrap_or_default();
            let since = self.live[&at].line;
            match self.rules.reuse {
                Reuse::Fault => return Err(ImportFault::StillLive { at: self.key(at), since }.into()),
                Reuse::LateEnd => {
                    let late = self.late_end(at, since, &logged, later)?;
                    return Ok(Step::After { late });
                }
                Reuse::LostEnd => {
                    self.repairs.ended_by_reuse += 1;
                    ended = self.end(at, &logged)?;
                }
            }
        }
        self.repairs.calls += 1;
        let fields = match logged.call {
            Call::Alloc { at, size, align, zeroed } => {
                let op = if zeroed { Op::AllocZeroed } else { Op::Alloc };
                self.begin(op, at, size, align.unwrap_or(self.rules.align), &logged)
            }
            Call::Free { at } => self.end(at, &logged)?,
            Call::Realloc { from: 0, to: 0, size: 0 } => {
                self.repairs.null_frees += 1;
                None
            }
            Call::Realloc { from: 0, to, size } => self.begin(Op::Alloc, to, size, self.rules.align, &logged),
            Call::Realloc { from, to: 0, size: 0 } => self.end(from, &logged)?,
            Call::Realloc { to: 0, .. } => {
                self.repairs.failed += 1;
                None
            }
            Call::Realloc { from, to, size } => self.resize(from, to, size, &logged)?,
        };
        Ok(Step::Done(ended, fields))
    }

    fn begin(&mut self, op: Op, at: u64, size: u64, align: u64, logged: &Logged) -> Option<Fields> {
        if at == 0 {
            self.repairs.failed += 1;
            return None;
        }
        self.seen.insert(at);
        let id = if size > MAX_SIZE_BYTES {
            self.repairs.too_large += 1;
            None
        } else {
            self.objects += 1;
            Some(self.objects)
        };
        self.live.insert(at, Block { id, line: logged.line });
        let size = self.at_least_1(size);
        id.map(|id| self.fields(op, id, Some(size), Some(align), logged))
    }

    fn end(&mut self, at: u64, logged: &Logged) -> Result<Option<Fields>, Box<ImportFault>> {
        if at == 0 {
            self.repairs.null_frees += 1;
            return Ok(None);
        }
        match self.live.remove(&at) {
            Some(Block { id: Some(id), .. }) => Ok(Some(self.fields(Op::Dealloc, id, None, None, logged))),
            Some(Block { id: None, .. }) => {
                self.repairs.too_large += 1;
                Ok(None)
            }
            None => self.older(at).map(|()| None),
        }
    }

    fn resize(&mut self, from: u64, to: u64, size: u64, logged: &Logged) -> Result<Option<Fields>, Box<ImportFault>> {
        match self.live.remove(&from) {
            Some(Block { id: Some(id), .. }) if size <= MAX_SIZE_BYTES => {
                self.seen.insert(to);
                self.live.insert(to, Block { id: Some(id), line: logged.line });
                let size = self.at_least_1(size);
                Ok(Some(self.fields(Op::Realloc, id, Some(size), None, logged)))
            }
            // It becomes too large for a trace, or small enough again.
            Some(Block { id, .. }) => {
                let gone = id.map(|id| self.fields(Op::Dealloc, id, None, None, logged));
                let back = self.begin(Op::Alloc, to, size, self.rules.align, logged);
                Ok(gone.or(back))
            }
            None => {
                // With numbers, a reallocation of what was never allocated is one of null.
                if self.rules.addresses || self.seen.contains(from) {
                    self.older(from)?;
                }
                Ok(self.begin(Op::Alloc, to, size, self.rules.align, logged))
            }
        }
    }

    /// Accepts the end of a block that is not live if the block may be older than the recording, or have begun unseen.
    #[cold]
    fn older(&mut self, at: u64) -> Result<(), Box<ImportFault>> {
        let key = self.key(at);
        if self.rules.sees_all && self.seen.contains(at) {
            Err(ImportFault::EndedTwice { at: key }.into())
        } else if !self.rules.addresses {
            Err(ImportFault::NeverBegun { at: key }.into())
        } else {
            self.repairs.older += 1;
            Ok(())
        }
    }

    /// Removes from `later` the call that must be the end of the block at `at`.
    #[cold]
    fn late_end(&mut self, at: u64, since: u64, begin: &Logged, later: &mut Calls) -> Result<Logged, Box<ImportFault>> {
        let mut threads: HashSet<u32> = begin.thread.into_iter().collect();
        let mut found: Option<(usize, u64)> = None;
        for (index, call) in later.queue.iter().enumerate().take(LOOKAHEAD_CALLS) {
            if begin.thread.is_none() && call.call.begins() == Some(at) {
                break;
            }
            let first_of_its_thread = call.thread.is_none_or(|thread| threads.insert(thread));
            if !first_of_its_thread || call.call.ends() != Some(at) {
                continue;
            }
            if let Some((_, first)) = found {
                return Err(ImportFault::Ambiguous { at: self.key(at), since, first, second: call.line }.into());
            }
            found = Some((index, call.line));
        }
        let late = found.and_then(|(index, _)| later.queue.remove(index));
        let late = late.ok_or_else(|| ImportFault::StillLive { at: self.key(at), since })?;
        // A call that moves a block to a place that is not free yet is part of several races, whose order is not
        // certain.
        if let (true, Some(to)) = (self.collides(late.call), late.call.begins()) {
            return Err(ImportFault::StillLive { at: self.key(to), since: self.live[&to].line }.into());
        }
        self.repairs.late_ends += 1;
        Ok(late)
    }

    fn key(&self, at: u64) -> Key {
        // Numbers are one higher here, because 0 is null.
        if self.rules.addresses { Key::Address(at) } else { Key::Number(at - 1) }
    }

    #[inline]
    fn at_least_1(&mut self, size: u64) -> u64 {
        self.repairs.zero_sizes += u64::from(size == 0);
        size.max(1)
    }

    #[inline]
    fn fields(&mut self, op: Op, id: u64, size: Option<u64>, align: Option<u64>, logged: &Logged) -> Fields {
        let time_ns = logged.time_ns.map(|time_ns| {
            self.repairs.held_times += u64::from(time_ns < self.last_time_ns);
            self.last_time_ns = self.last_time_ns.max(time_ns);
            self.last_time_ns
        });
        Fields { op, id, size, align, thread: logged.thread, time_ns, written: None }
    }
}
