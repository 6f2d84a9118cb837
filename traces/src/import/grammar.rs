//! The grammar of the format that is read.

use super::android::Android;
use super::call::Calls;
use super::csapp::Csapp;
use super::fault::ImportFault;
use super::format::Format;
use super::heaptrack::Heaptrack;
use super::mtrace::Mtrace;
use super::objects::{Reuse, Rules};
use super::valgrind::Valgrind;
use super::wee_alloc::WeeAlloc;

/// A grammar, with the state that it keeps from one line to the next.
#[derive(Debug)]
pub(super) enum Grammar {
    Csapp(Csapp),
    Android(Android),
    Mtrace(Mtrace),
    Valgrind(Valgrind),
    Heaptrack(Heaptrack),
    WeeAlloc(WeeAlloc),
}

impl Grammar {
    pub(super) fn new(format: Format) -> Self {
        match format {
            Format::Csapp => Grammar::Csapp(Csapp::default()),
            Format::Android => Grammar::Android(Android::default()),
            Format::Mtrace => Grammar::Mtrace(Mtrace::default()),
            Format::Valgrind => Grammar::Valgrind(Valgrind::default()),
            Format::Heaptrack => Grammar::Heaptrack(Heaptrack::default()),
            Format::WeeAlloc => Grammar::WeeAlloc(WeeAlloc::default()),
        }
    }

    /// The rules for blocks of this format.
    pub(super) fn rules(&self, align: u64) -> Rules {
        let (addresses, reuse) = match self {
            Grammar::Csapp(_) | Grammar::WeeAlloc(_) => (false, Reuse::Fault),
            Grammar::Android(_) | Grammar::Mtrace(_) => (true, Reuse::LateEnd),
            // One thread runs at a time.
            Grammar::Valgrind(_) => (true, Reuse::Fault),
            Grammar::Heaptrack(_) => (true, Reuse::LostEnd),
        };
        Rules { addresses, reuse, align }
    }

    /// Parses a line without its end, and adds its calls.
    #[inline]
    pub(super) fn line(&mut self, line: &[u8], calls: &mut Calls) -> Result<(), Box<ImportFault>> {
        match self {
            Grammar::Csapp(grammar) => grammar.line(line, calls),
            Grammar::Android(grammar) => grammar.line(line, calls),
            Grammar::Mtrace(grammar) => grammar.line(line, calls),
            Grammar::Valgrind(grammar) => grammar.line(line, calls),
            Grammar::Heaptrack(grammar) => grammar.line(line, calls),
            Grammar::WeeAlloc(grammar) => grammar.line(line, calls),
        }
    }

    /// Whether this may be the last line of a complete file although it has no line end.
    pub(super) fn may_stay_open(&self, line: &[u8]) -> bool {
        match self {
            Grammar::WeeAlloc(_) => true,
            // The last words of the program.
            Grammar::Valgrind(_) => !line.windows(2).any(|pair| pair == b"--"),
            _ => false,
        }
    }

    /// Checks that nothing is left open after the last line.
    pub(super) fn end(&self) -> Result<(), Box<ImportFault>> {
        match self {
            Grammar::Mtrace(grammar) => grammar.end(),
            _ => Ok(()),
        }
    }

    /// Calls so far of processes other than the one that is read.
    pub(super) fn other_processes(&self) -> u64 {
        match self {
            Grammar::Valgrind(grammar) => grammar.other_processes,
            _ => 0,
        }
    }
}
