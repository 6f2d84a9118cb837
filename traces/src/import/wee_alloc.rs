//! The traces of wee_alloc's benchmarks: the elements of a Rust array.
//!
//! ```text
//! text = { "Alloc(" size ")" | "Free(" ordinal ")" | "," | "[" | "]" | blank | line end | "//" comment }
//! ```
//!
//! Numbers are decimal. `ordinal` counts the allocations of the trace from 0. An operation does not span lines.

use super::call::{Call, Calls};
use super::fault::ImportFault;
use super::words::decimal;
use crate::fault::shown;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct WeeAlloc {
    allocs: u64,
}

/// Whether a file that begins with these lines may be one of this format.
pub(super) fn begins<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> bool {
    let first = lines.find_map(|line| {
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'[' | b'\r'))?;
        (!line[start..].starts_with(b"//")).then_some(&line[start..])
    });
    first.is_some_and(|text| text.starts_with(b"Alloc(") || text.starts_with(b"Free("))
}

impl WeeAlloc {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let mut rest = line;
        while let [first, tail @ ..] = rest {
            if rest.starts_with(b"//") {
                break;
            } else if matches!(first, b' ' | b'\t' | b',' | b'[' | b']') {
                rest = tail;
                continue;
            }
            let unknown = || ImportFault::UnknownLine {
                found: shown(rest),
                format: "a wee_alloc trace",
                remedy: "it is a list of Alloc(size) and Free(ordinal)",
            };
            let (name, argument) =
                rest.iter().position(|&byte| byte == b'(').map(|at| rest.split_at(at)).ok_or_else(unknown)?;
            let end = argument.iter().position(|&byte| byte == b')').ok_or_else(unknown)?;
            let number = &argument[1..end];
            // Block 0 is null, so an ordinal stands for the block after it.
            let call = match name {
                b"Alloc" => {
                    self.allocs += 1;
                    Call::malloc(self.allocs, decimal("size", number)?)
                }
                b"Free" => Call::Free { at: decimal("ordinal", number)?.saturating_add(1) },
                _ => return Err(unknown().into()),
            };
            calls.push(call, None, None);
            rest = &argument[end + 1..];
        }
        Ok(())
    }
}
