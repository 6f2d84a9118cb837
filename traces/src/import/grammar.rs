//! The grammar of the format that is read.

use super::android::Android;
use memchr::memmem;

use super::call::Calls;
use super::csapp::Csapp;
use super::fault::ImportFault;
use super::format::Format;
use super::heaptrack::Heaptrack;
use super::mtrace::Mtrace;
use super::objects::{Reuse, Rules};
use super::repairs::Repairs;
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
        let (addresses, reuse, sees_all) = match self {
            Grammar::Csapp(_) | Grammar::WeeAlloc(_) => (false, Reuse::Fault, true),
            Grammar::Android(_) | Grammar::Mtrace(_) => (true, Reuse::LateEnd, true),
            // One thread runs at a time.
            Grammar::Valgrind(_) => (true, Reuse::Fault, false),
            Grammar::Heaptrack(_) => (true, Reuse::LostEnd, false),
        };
        Rules { addresses, reuse, sees_all, align }
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

    /// Whether to read the last line although it has no line end, or to leave it out; otherwise the recording is cut
    /// off.
    pub(super) fn open_line(&mut self, line: &[u8]) -> OpenLine {
        match self {
            Grammar::WeeAlloc(_) => OpenLine::Read,
            // The last words of the program.
            Grammar::Valgrind(_) if memmem::find(line, b"--").is_none() => OpenLine::Read,
            Grammar::Csapp(grammar) if grammar.is_last_call(line) => OpenLine::Read,
            Grammar::Mtrace(grammar) => {
                grammar.cut_off();
                OpenLine::LeaveOut
            }
            _ => OpenLine::CutOff,
        }
    }

    /// Counts what is left open after the last line.
    pub(super) fn end(&mut self) {
        match self {
            Grammar::Mtrace(grammar) => grammar.end(),
            Grammar::Valgrind(grammar) => grammar.end(),
            _ => {}
        }
    }

    /// What was left out so far, before there was a call.
    pub(super) fn repairs(&self) -> Repairs {
        match self {
            Grammar::Mtrace(grammar) => Repairs { cut_off: grammar.cut_off_calls, ..Repairs::default() },
            Grammar::Valgrind(grammar) => grammar.repairs,
            _ => Repairs::default(),
        }
    }
}

/// What to do with a last line without line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OpenLine {
    Read,
    LeaveOut,
    CutOff,
}
