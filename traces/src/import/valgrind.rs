//! The lines that `valgrind --trace-malloc=yes` writes to standard error, among all other output of the program and
//! valgrind.
//!
//! ```text
//! line   = "--" pid "-- " call
//! call   = name "(" size ")" result | name "(size " size ", al " align ")" result
//!        | "memalign(al " align ", size " size ")" result
//!        | "calloc(" count "," size ")" result
//!        | "realloc(" ptr "," size ")" result | "realloc(" ptr "," size ")" call
//!        | name "(" ptr ")"
//! result = " = " ptr
//! ```
//!
//! Pointers are hexadecimal with `0x`, all else is decimal. Names are those of C and the mangled ones of C++: `_Zn...`
//! allocates, `_Zd...` frees. A realloc of null, or to 0 bytes, is followed in its line by the malloc or free that it
//! becomes. Output of the program without a line end may precede `--pid--`. All other lines are skipped.
//!
//! If processes have forked, the trace is that of the first one; the calls of the others are skipped and counted.

use super::android::calloc;
use super::call::{Call, Calls};
use super::fault::ImportFault;
use super::words::{decimal, hexadecimal};
use crate::fault::shown;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct Valgrind {
    /// The process that is traced: the mark `--pid-- ` of its lines.
    mark: Vec<u8>,
    /// Calls of other processes.
    pub(super) other_processes: u64,
}

/// Whether a line has a call.
pub(super) fn is_line(line: &[u8]) -> bool {
    mark(line).is_some_and(|end| Function::of(&line[end..]).is_some())
}

/// The end of the mark `--pid-- ` with which a line begins.
fn mark(line: &[u8]) -> Option<usize> {
    let digits = line.strip_prefix(b"--")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    (end > 0 && digits[end..].starts_with(b"-- ")).then_some(end + 5)
}

enum Function {
    Malloc,
    Calloc,
    Memalign,
    Realloc,
    Free,
}

impl Function {
    /// The function that a call begins with, and its length.
    fn of(call: &[u8]) -> Option<(Self, usize)> {
        let end = call.iter().position(|&byte| byte == b'(')?;
        let function = match &call[..end] {
            b"malloc" | b"__builtin_new" | b"__builtin_vec_new" => Function::Malloc,
            b"calloc" => Function::Calloc,
            b"memalign" => Function::Memalign,
            b"realloc" => Function::Realloc,
            b"free" | b"cfree" | b"__builtin_delete" | b"__builtin_vec_delete" => Function::Free,
            name if name.starts_with(b"_Zn") => Function::Malloc,
            name if name.starts_with(b"_Zd") => Function::Free,
            _ => return None,
        };
        Some((function, end))
    }
}

impl Valgrind {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let body = match mark(line) {
            Some(end) if !self.mark.is_empty() && line[..end] != self.mark => {
                self.other_processes += u64::from(Function::of(&line[end..]).is_some());
                return Ok(());
            }
            Some(end) => &line[end..],
            None if self.mark.is_empty() => return Ok(()),
            None => match line.windows(self.mark.len()).position(|window| window == self.mark) {
                Some(start) => &line[start + self.mark.len()..],
                None => return Ok(()),
            },
        };
        let Some(call) = parse(body)? else { return Ok(()) };
        if self.mark.is_empty() {
            self.mark = line[..line.len() - body.len()].to_vec();
        }
        calls.push(call, None, None);
        Ok(())
    }
}

fn parse(body: &[u8]) -> Result<Option<Call>, Box<ImportFault>> {
    let Some((function, name_end)) = Function::of(body) else { return Ok(None) };
    let broken = || ImportFault::UnknownLine {
        found: shown(body),
        format: "a valgrind log",
        remedy: "a call reads \"malloc(size) = 0xaddress\"; the log is damaged: write it to a file of its own with --log-file",
    };
    let arguments = &body[name_end + 1..];
    let end = arguments.iter().position(|&byte| byte == b')').ok_or_else(broken)?;
    let (arguments, rest) = (&arguments[..end], &arguments[end + 1..]);
    let comma = arguments.iter().position(|&byte| byte == b',');
    let (first, second) = match comma {
        Some(comma) => (&arguments[..comma], Some(&arguments[comma + 1..])),
        None => (arguments, None),
    };
    if let (Function::Realloc, Some(_), false) = (&function, second, rest.starts_with(b" = ")) {
        return parse(rest)?.map(Some).ok_or_else(|| broken().into());
    }
    let result = || hexadecimal("address", rest.strip_prefix(b" = ").ok_or_else(broken)?);
    let call = match (function, second) {
        (Function::Free, None) if rest.is_empty() => Call::Free { at: hexadecimal("address", first)? },
        (Function::Malloc, None) => Call::malloc(result()?, decimal("size", first)?),
        (Function::Calloc, Some(size)) => calloc(result()?, decimal("count", first)?, decimal("size", size)?)?,
        (Function::Realloc, Some(size)) => {
            Call::Realloc { from: hexadecimal("address", first)?, to: result()?, size: decimal("size", size)? }
        }
        (Function::Memalign, Some(second)) => {
            let align = decimal("alignment", first.strip_prefix(b"al ").ok_or_else(broken)?)?;
            let size = decimal("size", second.strip_prefix(b" size ").ok_or_else(broken)?)?;
            Call::Alloc { at: result()?, size, align: Some(align), zeroed: false }
        }
        (Function::Malloc, Some(second)) => {
            let size = decimal("size", first.strip_prefix(b"size ").ok_or_else(broken)?)?;
            let align = decimal("alignment", second.strip_prefix(b" al ").ok_or_else(broken)?)?;
            Call::Alloc { at: result()?, size, align: Some(align), zeroed: false }
        }
        _ => return Err(broken().into()),
    };
    Ok(Some(call))
}
