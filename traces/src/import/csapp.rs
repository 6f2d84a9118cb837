//! CS:APP's `.rep`: the traces of the malloc lab of "Computer Systems: A Programmer's Perspective".
//!
//! ```text
//! header = number, on each of the first four lines: heap size, ids, calls, weight
//! line   = "a " id " " size | "r " id " " size | "f " id
//! ```
//!
//! All numbers are decimal. The header is read and not trusted. `f -1` frees null. `r` on an id that was not allocated
//! yet is `realloc(NULL, size)`; `r id 0` frees, and the id is null from then on.

use std::collections::HashSet;

use super::call::{Call, Calls};
use super::fault::ImportFault;
use super::words::{Words, decimal};
use crate::fault::shown;

/// Lines before the first call.
const HEADER_LINES: u64 = 4;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct Csapp {
    header_lines: u64,
    /// Ids that a reallocation to 0 bytes has made null, until they are allocated again.
    null: HashSet<u64>,
}

/// Whether a file that begins with these lines may be one of this format.
pub(super) fn begins<'a>(lines: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut lines = lines.filter(|line| !line.is_empty());
    lines.by_ref().take(HEADER_LINES as usize).filter(|line| is_number(line)).count() == HEADER_LINES as usize
        && lines.next().is_some_and(|line| matches!(Words::of(line).next(), Some(b"a" | b"r" | b"f")))
}

fn is_number(line: &[u8]) -> bool {
    let mut words = Words::of(line);
    words.next().is_some_and(|word| decimal("header", word).is_ok()) && words.next().is_none()
}

impl Csapp {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let mut words = Words::of(line);
        let Some(name) = words.next() else { return Ok(()) };
        if self.header_lines < HEADER_LINES {
            self.header_lines += 1;
            decimal("header", name)?;
            return words.end("the header");
        }
        // Block 0 is null, so an id stands for the block after it.
        let block = |id: u64| id.saturating_add(1);
        let call = match name {
            b"a" => {
                let id = words.decimal("a", "id")?;
                self.null.remove(&id);
                Call::malloc(block(id), words.decimal("a", "size")?)
            }
            b"r" => {
                let id = words.decimal("r", "id")?;
                let size = words.decimal("r", "size")?;
                let from = if self.null.contains(&id) { 0 } else { block(id) };
                let to = if size == 0 { 0 } else { block(id) };
                if size == 0 {
                    self.null.insert(id)
                } else {
                    self.null.remove(&id)
                };
                Call::Realloc { from, to, size }
            }
            b"f" => match words.next().ok_or(ImportFault::MissingValue { call: "f", value: "id" })? {
                b"-1" => Call::Free { at: 0 },
                word => {
                    let id = decimal("id", word)?;
                    Call::Free { at: if self.null.contains(&id) { 0 } else { block(id) } }
                }
            },
            _ => {
                let remedy = "after the header a line reads \"a id size\", \"r id size\" or \"f id\"";
                return Err(ImportFault::UnknownLine { found: shown(line), format: "a .rep trace", remedy }.into());
            }
        };
        words.end(match name {
            b"a" => "a",
            b"r" => "r",
            _ => "f",
        })?;
        calls.push(call, None, None);
        Ok(())
    }
}
