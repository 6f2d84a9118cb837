//! The formats, their names, and their detection.

use core::fmt;

use heaprace_recorder::csv::Columns;

use super::{android, csapp, heaptrack, mtrace, valgrind, wee_alloc};
use crate::lines::BYTE_ORDER_MARK;

/// A format that another tool writes and an importer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// CS:APP's `.rep`.
    Csapp,
    /// Android's `memory_replay` text.
    Android,
    /// The log of glibc's `mtrace()`.
    Mtrace,
    /// The output of `valgrind --trace-malloc=yes`.
    Valgrind,
    /// heaptrack's data, raw or interpreted.
    Heaptrack,
    /// The traces of wee_alloc's benchmarks.
    WeeAlloc,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 6] =
        [Format::Csapp, Format::Android, Format::Mtrace, Format::Valgrind, Format::Heaptrack, Format::WeeAlloc];

    /// The name on the command line.
    ///
    /// ```
    /// assert_eq!(heaprace_traces::import::Format::WeeAlloc.name(), "wee-alloc");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Format::Csapp => "csapp",
            Format::Android => "android",
            Format::Mtrace => "mtrace",
            Format::Valgrind => "valgrind",
            Format::Heaptrack => "heaptrack",
            Format::WeeAlloc => "wee-alloc",
        }
    }

    /// The format of this name.
    ///
    /// ```
    /// use heaprace_traces::import::Format;
    /// assert_eq!(Format::named("mtrace"), Some(Format::Mtrace));
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The name of such a recording in a sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Format::Csapp => "CS:APP .rep trace",
            Format::Android => "Android memory_replay recording",
            Format::Mtrace => "glibc mtrace log",
            Format::Valgrind => "valgrind --trace-malloc log",
            Format::Heaptrack => "heaptrack recording",
            Format::WeeAlloc => "wee_alloc trace",
        }
    }

    /// What the format lacks and what the events have instead, except for the alignment.
    pub(super) const fn filled_in(self, columns: Columns) -> &'static [&'static str] {
        match self {
            Format::Csapp | Format::WeeAlloc => &["no threads and times"],
            Format::Android => &[],
            Format::Mtrace => &["no threads and times", "calloc and memalign are not told from malloc"],
            Format::Valgrind if columns.time_ns => &["no threads"],
            Format::Valgrind => &["no threads and times"],
            Format::Heaptrack => &[
                "no threads",
                "times in steps of 10 ms",
                "calloc and memalign are not told from malloc",
                "a realloc stands as a dealloc and an alloc",
            ],
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Detects the format from the beginning of a file, decompressed; `None` if it is none of them, as for a trace of our
/// own.
///
/// A few lines are enough, except for valgrind, where output of the program may come first.
///
/// ```
/// use heaprace_traces::import::{Format, detect};
/// assert_eq!(detect(b"Hello\n--7-- malloc(24) = 0x4A40040\n"), Some(Format::Valgrind));
/// assert_eq!(detect(b"op,id,size,align\n"), None);
/// ```
pub fn detect(head: &[u8]) -> Option<Format> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let lines = || head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = lines().find(|line| !line.trim_ascii().is_empty())?;
    if heaptrack::is_first_line(first) {
        Some(Format::Heaptrack)
    } else if mtrace::is_line(first) {
        Some(Format::Mtrace)
    } else if android::is_line(first) {
        Some(Format::Android)
    } else if csapp::begins(lines()) {
        Some(Format::Csapp)
    } else if wee_alloc::begins(lines()) {
        Some(Format::WeeAlloc)
    } else if !first.starts_with(b"#") && !first.starts_with(b"op,") && lines().any(valgrind::is_line) {
        Some(Format::Valgrind)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_by_its_first_lines() {
        for (head, format) in [
            ("20000\n2\n4\n1\na 0 512\n", Format::Csapp),
            ("\n20000\r\n2\r\n4\r\n1\r\nr 0 512\r\n", Format::Csapp),
            ("2\n4\n1\na 0 512\n", Format::Csapp),
            ("# a script\na 0 512\n", Format::Csapp),
            ("\u{feff}186: malloc 0xb6027400 1024\n", Format::Android),
            ("186: malloc 0xb6027400 1024\n", Format::Android),
            ("186: thread_done 0x0\n", Format::Android),
            ("= Start\n", Format::Mtrace),
            ("@ ./a.out:[0x11f0] + 0x55876b2922a0 0x18\n", Format::Mtrace),
            ("==7== Memcheck, a memory error detector\n--7-- _Znwm(24) = 0x4A40040\n", Format::Valgrind),
            ("--00:00:00:01.234 7-- malloc(24) = 0x4A40040\n", Format::Valgrind),
            ("--7-- aligned_alloc(al 64, size 128)malloc(5) = 0x4A40040\n", Format::Valgrind),
            ("v 10400 3\nX ./h\n", Format::Heaptrack),
            ("v 10000\n", Format::Heaptrack),
            ("Alloc(552),\n", Format::WeeAlloc),
            ("// Rust\n[\n    Alloc(552), Free(0)]", Format::WeeAlloc),
        ] {
            assert_eq!(detect(head.as_bytes()), Some(format), "{head:?}");
        }
    }

    #[test]
    fn what_is_none_of_them_is_not_taken_for_one() {
        for head in [
            "",
            "\n\n",
            "op,id,size,align\n",
            "# --7-- malloc(24) = 0x1\nop,id,size,align\n",
            "alloc,1,16,8\n",
            "1\n2\na 0 1\n",
            "a 0\n",
            "a 0 1 2\n",
            "1\n2\n3\n4\n5\n",
            "186: mmap 0x1000 1\n",
            "x: malloc 0x1000 1\n",
            "@ caller\n",
            "v 1 2 3\n",
            "v\n",
            "version 1\n",
            "--x-- malloc(1) = 0x1\n",
            "--7-- Reading syms\n",
            "Malloc(1)\n",
        ] {
            assert_eq!(detect(head.as_bytes()), None, "{head:?}");
        }
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::HashSet<_> = Format::ALL.iter().map(|format| format.name()).collect();
        assert_eq!(names.len(), Format::ALL.len());
    }
}
