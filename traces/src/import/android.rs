//! Android's `memory_replay` text: what `malloc_debug`'s `record_allocs` writes, plain or as the one file of a zip.
//!
//! ```text
//! line   = tid ": " call [ " " start " " end ]
//! call   = "malloc " ptr " " size
//!        | "calloc " ptr " " count " " size
//!        | "memalign " ptr " " align " " size
//!        | "realloc " new " " old " " size
//!        | "free " ptr
//!        | "thread_done " ptr
//! ```
//!
//! Pointers are hexadecimal with `0x`, all else is decimal. The first pointer is the result. `start` and `end`, in
//! nanoseconds, occur in newer recordings, and then in every line; `thread_done` may have only its end. `thread_done`
//! is not a call: it frees the tid for another thread.
//!
//! The time of an event is its start, counted from the first one.

use heaprace_recorder::IdMap;

use super::call::{Call, Calls, calloc, rounded_align};
use super::fault::ImportFault;
use super::words::{Words, decimal};
use crate::fault::shown;

/// Threads that are there at once. No machine runs more.
const MOST_THREADS: usize = 1 << 22;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct Android {
    /// Numbers from 0 for the threads that are there.
    threads: IdMap<u32>,
    /// Threads ever.
    started: u32,
    /// Start of the first call; outer `None` before it, inner `None` if calls have no times.
    first_ns: Option<Option<u64>>,
}

/// Whether a line may be one of this format.
pub(super) fn is_line(line: &[u8]) -> bool {
    let mut words = Words::of(line);
    let tid = words.next().and_then(|word| word.strip_suffix(b":"));
    tid.is_some_and(|tid| decimal("tid", tid).is_ok())
        && words.next().is_some_and(|call| {
            [&b"malloc"[..], b"calloc", b"memalign", b"realloc", b"free", b"thread_done"].contains(&call)
        })
}

impl Android {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let mut words = Words::of(line);
        let unknown = || ImportFault::UnknownLine {
            found: shown(line),
            format: "an Android recording",
            remedy: "a line reads \"tid: malloc 0xaddress size\", or calloc, memalign, realloc, free or thread_done",
        };
        let Some(tid) = words.next() else { return Ok(()) };
        let tid = decimal("tid", tid.strip_suffix(b":").ok_or_else(unknown)?)?;
        let (name, call) = match words.next().ok_or_else(unknown)? {
            b"malloc" => {
                let at = words.hexadecimal("malloc", "address")?;
                ("malloc", Call::malloc(at, words.decimal("malloc", "size")?))
            }
            b"free" => ("free", Call::Free { at: words.hexadecimal("free", "address")? }),
            b"realloc" => {
                let to = words.hexadecimal("realloc", "new address")?;
                let from = words.hexadecimal("realloc", "old address")?;
                ("realloc", Call::Realloc { from, to, size: words.decimal("realloc", "size")? })
            }
            b"calloc" => {
                let at = words.hexadecimal("calloc", "address")?;
                let count = words.decimal("calloc", "count")?;
                let size = words.decimal("calloc", "size")?;
                ("calloc", calloc(at, count, size)?)
            }
            b"memalign" => {
                let at = words.hexadecimal("memalign", "address")?;
                let align = rounded_align(words.decimal("memalign", "alignment")?);
                let size = words.decimal("memalign", "size")?;
                ("memalign", Call::Alloc { at, size, align: Some(align), zeroed: false })
            }
            b"thread_done" => {
                words.hexadecimal("thread_done", "address")?;
                self.threads.remove(&tid);
                for value in ["start", "end"] {
                    if let Some(word) = words.next() {
                        decimal(value, word)?;
                    }
                }
                return words.end("thread_done");
            }
            _ => return Err(unknown().into()),
        };
        let start = match words.next() {
            Some(word) => {
                let start = decimal("start", word)?;
                words.decimal(name, "end")?;
                Some(start)
            }
            None => None,
        };
        words.end(name)?;
        let first = *self.first_ns.get_or_insert(start);
        if first.is_some() != start.is_some() {
            return Err(ImportFault::MixedTimes { timed: start.is_some() }.into());
        }
        let time_ns = first.zip(start).map(|(first, start)| start.saturating_sub(first));
        if self.threads.len() == MOST_THREADS && !self.threads.contains_key(&tid) {
            return Err(ImportFault::TooManyThreads { most: MOST_THREADS }.into());
        }
        let thread = *self.threads.entry(tid).or_insert_with(|| {
            self.started += 1;
            self.started - 1
        });
        calls.push(call, Some(thread), time_ns);
        Ok(())
    }
}
