//! The logs of glibc's `mtrace()`.
//!
//! ```text
//! line = [ "@ " caller " " ] call | "= Start" | "= End"
//! call = "+ " ptr " " size      malloc, calloc, memalign: the log does not distinguish them
//!      | "- " ptr               free, and realloc to 0 bytes
//!      | "< " ptr               realloc of this block, with the next line:
//!      | "> " ptr " " size      realloc to this block
//!      | "! " ptr " " size      a realloc that failed
//! ```
//!
//! Pointers and sizes are hexadecimal with `0x`, but for the size `0` and the pointer `(nil)` of a malloc that failed.
//! A caller may contain blanks, so a line is read from its end.
//!
//! glibc writes the log in blocks, so that of a killed program ends anywhere. The last line is then left out: its numbers
//! may be cut off. So is a `<` without its `>`.

use super::call::{Call, Calls};
use super::fault::ImportFault;
use super::words::{Words, hexadecimal};
use crate::fault::shown;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct Mtrace {
    /// The block of a `<` whose `>` is to come.
    from: Option<u64>,
    /// Calls at the end that are not whole.
    pub(super) cut_off_calls: u64,
}

/// Whether a line may be one of this format.
pub(super) fn is_line(line: &[u8]) -> bool {
    line == b"= Start" || (line.starts_with(b"@ ") && split(line).is_some())
}

/// The end of a line.
struct Signed<'a> {
    sign: u8,
    pointer: &'a [u8],
    size: Option<&'a [u8]>,
}

fn split(line: &[u8]) -> Option<Signed<'_>> {
    let mut last: [&[u8]; 3] = [&[]; 3];
    for word in Words::of(line) {
        last = [last[1], last[2], word];
    }
    match last {
        [[sign @ (b'+' | b'>' | b'!')], pointer, size] => Some(Signed { sign: *sign, pointer, size: Some(size) }),
        [_, [sign @ (b'-' | b'<')], pointer] => Some(Signed { sign: *sign, pointer, size: None }),
        _ => None,
    }
}

impl Mtrace {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        if line.is_empty() || line.starts_with(b"= ") {
            return Ok(());
        }
        let Signed { sign, pointer, size } = split(line).ok_or_else(|| ImportFault::UnknownLine {
            found: shown(line),
            format: "an mtrace log",
            remedy: "a line ends in \"+ 0xaddress 0xsize\", \"- 0xaddress\", \"< 0xaddress\" or \"> 0xaddress 0xsize\"",
        })?;
        let at = hexadecimal("address", pointer)?;
        let size = size.map_or(Ok(0), |size| hexadecimal("size", size))?;
        let call = match (sign, self.from.take()) {
            (b'>', Some(from)) => Call::Realloc { from, to: at, size },
            (b'>', None) | (_, Some(_)) => return Err(ImportFault::SplitRealloc.into()),
            (b'<', None) => {
                self.from = Some(at);
                return Ok(());
            }
            (b'+', None) => Call::malloc(at, size),
            (b'-', None) => Call::Free { at },
            (_, None) => Call::Realloc { from: at, to: 0, size },
        };
        calls.push(call, None, None);
        Ok(())
    }

    /// Leaves out a last line without line end.
    pub(super) fn cut_off(&mut self) {
        self.from = None;
        self.cut_off_calls += 1;
    }

    /// Leaves out what is left open at the end.
    pub(super) fn end(&mut self) {
        self.cut_off_calls += u64::from(self.from.take().is_some());
    }
}
