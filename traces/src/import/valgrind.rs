//! The lines that `valgrind --trace-malloc=yes` writes to standard error, among all other output of the program and
//! valgrind.
//!
//! ```text
//! line   = mark { call } [ result | message ]
//! mark   = "--" [ days ":" hours ":" minutes ":" seconds "." milliseconds " " ] pid "-- "
//! call   = function "(" arguments ")"
//! result = " = " pointer
//! ```
//!
//! The functions and their arguments are in [`function`]. A result belongs to the last call, in this line or an earlier
//! one: messages of valgrind come between them, and `posix_memalign` writes a line end. With these exceptions:
//!
//! - A realloc of null, or to 0 bytes, is followed in its line by the malloc or free that it becomes. Both are one call.
//! - `reallocarray` and `reallocf` write their result twice.
//! - Some versions write no result of `aligned_alloc` and `posix_memalign`, and the next call follows at once. Of
//!   `valloc` some write the result and nothing else. These calls have no event and are counted.
//!
//! Output of the program without a line end may precede the mark. All other lines are skipped. Calls of functions that
//! are not known are counted, and so are those of other processes: if a process has forked, the trace is that of the
//! first one.

mod function;

use memchr::memmem;

use self::function::BegunCall;
use super::call::{Call, Calls};
use super::fault::ImportFault;
use super::repairs::Repairs;
use super::words::hexadecimal;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct Valgrind {
    /// The process that is traced, and whether its lines have times.
    process: Option<(u64, bool)>,
    /// The call whose result is to come.
    pending: Option<BegunCall>,
    /// The result that may be written a second time.
    repeatable: Option<u64>,
    pub(super) repairs: Repairs,
}

/// Whether a line has a call.
pub(super) fn is_line(line: &[u8]) -> bool {
    marked(line).is_some_and(|marked| marked.has_known_call())
}

/// A line of valgrind.
struct MarkedLine<'a> {
    pid: u64,
    time_ns: Option<u64>,
    /// What follows the mark.
    body: &'a [u8],
}

impl MarkedLine<'_> {
    fn has_known_call(&self) -> bool {
        !matches!(BegunCall::read(self.body), Ok(None | Some((BegunCall::Unknown, _))))
    }
}

/// Reads the mark with which a line begins.
fn marked(line: &[u8]) -> Option<MarkedLine<'_>> {
    let line = line.strip_prefix(b"--")?;
    let (time_ns, line) = time_stamp(line).map_or((None, line), |(time_ns, rest)| (Some(time_ns), rest));
    let (pid, line) = number(line)?;
    Some(MarkedLine { pid, time_ns, body: line.strip_prefix(b"-- ")? })
}

/// Reads `dd:hh:mm:ss.mmm ` as nanoseconds.
fn time_stamp(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut time_ms, mut rest) = (0_u64, text);
    for (end, units) in [(b':', 24), (b':', 60), (b':', 60), (b'.', 1000), (b' ', 1)] {
        let (count, after) = number(rest)?;
        time_ms = (time_ms + count).checked_mul(units)?;
        rest = after.strip_prefix(&[end])?;
    }
    Some((time_ms.checked_mul(1_000_000)?, rest))
}

/// Reads a number of at most nine digits: a pid, or a part of a time.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let value = || number.iter().fold(0, |value, digit| 10 * value + u64::from(digit - b'0'));
    (1..=9).contains(&digits).then(|| (value(), rest))
}

impl Valgrind {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let mut marks = memmem::find_iter(line, b"--").filter_map(|start| marked(&line[start..]));
        let found = match self.process {
            Some((pid, _)) => marks.find(|marked| marked.pid == pid),
            None => marks.find(MarkedLine::has_known_call),
        };
        let Some(marked) = found else {
            self.repairs.other_processes += u64::from(is_line(line));
            return Ok(());
        };
        let timed = marked.time_ns.is_some();
        match self.process.replace((marked.pid, timed)) {
            Some((_, before)) if before != timed => Err(ImportFault::MixedTimes { timed }.into()),
            _ => self.calls(&marked, calls),
        }
    }

    /// Reads what follows the mark.
    fn calls(&mut self, marked: &MarkedLine<'_>, calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let (mut rest, mut in_line) = (marked.body, false);
        while let Some((begun, after)) = BegunCall::read(rest)? {
            match self.pending.take() {
                Some(first) if in_line && first.becomes(&begun) => {}
                Some(first) => self.give_up(&first),
                None => {}
            }
            self.repeatable = None;
            match begun {
                BegunCall::Free { .. } if !after.is_empty() && function::name(after).is_none() => {
                    return Err(function::broken(marked.body));
                }
                BegunCall::Free { at } => calls.push(Call::Free { at }, None, marked.time_ns),
                begun => {
                    self.repairs.unknown_functions += u64::from(matches!(begun, BegunCall::Unknown));
                    self.pending = Some(begun);
                }
            }
            (rest, in_line) = (after, true);
        }
        match rest.strip_prefix(function::RESULT) {
            Some(result) => self.result(result, marked, calls),
            // The rest is a message, which begins at once.
            None if in_line && rest.starts_with(b" ") => Err(function::broken(marked.body)),
            None => Ok(()),
        }
    }

    /// Completes the pending call.
    fn result(&mut self, result: &[u8], marked: &MarkedLine<'_>, calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let begun = self.pending.take();
        if matches!(begun, Some(BegunCall::Query | BegunCall::Unknown)) {
            return Ok(());
        }
        let at = hexadecimal("address", result)?;
        match begun {
            Some(begun) => {
                self.repeatable = begun.repeats_its_result().then_some(at);
                calls.push(begun.returned(at)?, None, marked.time_ns);
            }
            None if at == 0 || self.repeatable.take() == Some(at) => {}
            None => self.repairs.unfollowed += 1,
        }
        Ok(())
    }

    /// Counts a call that has no result.
    fn give_up(&mut self, begun: &BegunCall) {
        match begun {
            BegunCall::Query | BegunCall::Unknown => {}
            begun if begun.overflows() => self.repairs.failed += 1,
            _ => self.repairs.unfollowed += 1,
        }
    }

    /// Counts what is left open at the end.
    pub(super) fn end(&mut self) {
        if let Some(begun) = self.pending.take() {
            self.give_up(&begun);
        }
    }
}
