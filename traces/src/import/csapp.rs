//! CS:APP's `.rep`, the traces of the malloc lab of "Computer Systems: A Programmer's Perspective", and its relatives:
//! ports without the heap size in the header, and the scripts of Stanford's CS107, without header.
//!
//! ```text
//! header = number, on each of the first lines: [ heap size, ] ids, calls, weight
//! line   = "a " id " " size | "r " id " " size | "f " id | "#" comment
//! ```
//!
//! All numbers are decimal. The header is read and not trusted, with one exception: a last line without line end is whole
//! if it is the last of the header's calls. `f -1` frees null. `r` on an id that was not allocated yet is
//! `realloc(NULL, size)`; `r id 0` frees, and the id is null from then on.

use std::collections::HashSet;

use super::call::{Call, Calls};
use super::fault::ImportFault;
use super::words::{Words, decimal};
use crate::fault::shown;

/// Lines of the longest header.
const MOST_HEADER_LINES: usize = 4;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct Csapp {
    /// The numbers before the first call.
    header: Vec<u64>,
    calls: u64,
    /// Ids that a reallocation to 0 bytes has made null, until they are allocated again.
    null: HashSet<u64>,
}

/// Whether a file that begins with these lines may be one of this format.
pub(super) fn begins<'a>(lines: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#")).enumerate();
    let first_call = lines.find(|(_, line)| !is_number(line));
    first_call.is_some_and(|(header_lines, line)| matches!(header_lines, 0 | 3 | 4) && is_call(line))
}

fn is_number(line: &[u8]) -> bool {
    let mut words = Words::of(line);
    words.next().is_some_and(|word| decimal("header", word).is_ok()) && words.next().is_none()
}

fn is_call(line: &[u8]) -> bool {
    let mut words = Words::of(line);
    let arguments = match words.next() {
        Some(b"a" | b"r") => 2,
        Some(b"f") => 1,
        _ => return false,
    };
    words.count() == arguments && words.all(|word| word == b"-1" || decimal("id", word).is_ok())
}

impl Csapp {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let mut words = Words::of(line);
        let Some(name) = words.next() else { return Ok(()) };
        if name.starts_with(b"#") {
            return Ok(());
        }
        if self.calls == 0 {
            if self.header.len() < MOST_HEADER_LINES && decimal("header", name).is_ok() {
                self.header.push(decimal("header", name)?);
                return words.end("the header");
            }
            if let found @ (1 | 2) = self.header.len() {
                return Err(ImportFault::ShortHeader { found }.into());
            }
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
        self.calls += 1;
        calls.push(call, None, None);
        Ok(())
    }

    /// Whether this is the last call that the header counts.
    pub(super) fn is_last_call(&self, line: &[u8]) -> bool {
        // The weight is the last number, and the calls are before it.
        let counted = self.header.len().checked_sub(2).map(|place| self.header[place]);
        counted == Some(self.calls + 1) && is_call(line)
    }
}
