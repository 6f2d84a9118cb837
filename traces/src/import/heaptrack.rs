//! heaptrack's data, raw (`heaptrack --raw`) and interpreted, plain or compressed with gzip or zstd.
//!
//! ```text
//! first line = "v " version [ " " file version ]        the newest file version is 3
//! raw        = "+ " size " " trace " " ptr     malloc and its kin
//!            | "- " ptr                        free
//! interpreted= "a " size " " trace             the next kind of allocation, numbered from 0
//!            | "+ " kind                       an allocation of this kind
//!            | "- " kind                       the end of an allocation of this kind
//! both       = "c " milliseconds               the time from here on
//! ```
//!
//! All numbers are hexadecimal without `0x`. All other lines, which begin with another letter or `#`, are for the
//! stacks.
//!
//! What the format lacks: a realloc is written as a free and a malloc, and stays so; calloc and memalign are written as
//! malloc, and heaptrack does not see all calls of memalign, but their frees, which are left out and counted; a realloc
//! to 0 bytes frees without a line, so a block that begins at the address of a live one ends that one (counted as ended
//! by reuse). An interpreted file does not say
//! which block of a kind ends: the importer takes the youngest, whose size is right in any case.

use heaprace_recorder::IdMap;

use super::call::{Call, Calls};
use super::fault::{ImportFault, Key};
use super::words::{Words, hexadecimal};
use crate::fault::shown;

/// The newest version of the file format that this importer knows.
const NEWEST_FILE_VERSION: u64 = 3;

/// Maximum kinds of an interpreted file. Lines that repeat compress to almost nothing, so without a limit a small file
/// could fill the memory.
const MOST_KINDS: usize = 1 << 22;

/// The state that carries over from one line to the next.
#[derive(Debug, Default)]
pub(super) struct Heaptrack {
    time_ns: u64,
    /// The sizes of the kinds of an interpreted file.
    kinds: Vec<u64>,
    /// The live blocks of each kind, the youngest last.
    live: IdMap<Vec<u64>>,
    /// Blocks of an interpreted file, numbered from 1.
    blocks: u64,
}

/// Whether this may be the first line of the format.
pub(super) fn is_first_line(line: &[u8]) -> bool {
    let mut words = Words::of(line);
    words.next() == Some(b"v")
        && words.next().is_some_and(|word| hexadecimal("version", word).is_ok())
        && words.next().is_none_or(|word| hexadecimal("version", word).is_ok())
        && words.next().is_none()
}

impl Heaptrack {
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        let mut words = Words::of(line);
        let interpreted = !self.kinds.is_empty();
        let call = match words.next() {
            Some(b"+") if interpreted => {
                let (kind, size) = self.kind(words.hexadecimal("+", "kind")?, line)?;
                self.blocks += 1;
                self.live.entry(kind).or_default().push(self.blocks);
                Call::malloc(self.blocks, size)
            }
            Some(b"-") if interpreted => {
                let (kind, _) = self.kind(words.hexadecimal("-", "kind")?, line)?;
                let youngest = self.live.get_mut(&kind).and_then(Vec::pop);
                Call::Free { at: youngest.ok_or(ImportFault::EndedTwice { at: Key::Number(kind) })? }
            }
            Some(b"+") => {
                let size = words.hexadecimal("+", "size")?;
                words.hexadecimal("+", "trace")?;
                Call::malloc(words.hexadecimal("+", "address")?, size)
            }
            Some(b"-") => Call::Free { at: words.hexadecimal("-", "address")? },
            Some(b"a") => {
                if self.kinds.len() == MOST_KINDS {
                    return Err(ImportFault::TooManyKinds { most: MOST_KINDS }.into());
                }
                self.kinds.push(words.hexadecimal("a", "size")?);
                words.hexadecimal("a", "trace")?;
                return words.end("a");
            }
            Some(b"v") => {
                words.hexadecimal("v", "version")?;
                // Without a number it is the first one.
                let file_version = words.next().map_or(Ok(1), |word| hexadecimal("file version", word))?;
                if file_version > NEWEST_FILE_VERSION {
                    return Err(ImportFault::NewerVersion { found: file_version, newest: NEWEST_FILE_VERSION }.into());
                }
                return words.end("v");
            }
            Some(b"c") => {
                self.time_ns = words.hexadecimal("c", "time")?.saturating_mul(1_000_000);
                return words.end("c");
            }
            Some([first, ..]) if first.is_ascii_alphabetic() || *first == b'#' => return Ok(()),
            None => return Ok(()),
            Some(_) => return Err(unknown(line)),
        };
        words.end(if matches!(call, Call::Free { .. }) { "-" } else { "+" })?;
        calls.push(call, None, Some(self.time_ns));
        Ok(())
    }

    fn kind(&self, kind: u64, line: &[u8]) -> Result<(u64, u64), Box<ImportFault>> {
        let size = usize::try_from(kind).ok().and_then(|kind| self.kinds.get(kind));
        size.map(|&size| (kind, size)).ok_or_else(|| unknown(line))
    }
}

#[cold]
fn unknown(line: &[u8]) -> Box<ImportFault> {
    ImportFault::UnknownLine {
        found: shown(line),
        format: "heaptrack's data",
        remedy: "a line reads \"+ size trace address\" and \"- address\", or + and - with the number of an earlier \"a\" line",
    }
    .into()
}
