//! What is in a trace that was written, and what it lacks.

use std::fmt;
use std::io;
use std::path::PathBuf;

use heaprace_reports::numbers::{count, grouped};
use heaprace_traces::Profile;
use heaprace_traces::inspect::WrittenShare;
use heaprace_traces::native::{Counts, NativeHeader};

use super::folder::shown;

/// Private memory that needs no explanation: stacks, the program's data, the allocator's own.
const SLACK_BYTES: u64 = 8 << 20;
/// What an allocator may need for an object, besides its bytes.
const OBJECT_BYTES: u64 = 32;

/// A trace that was written.
pub(super) struct Outcome {
    /// How its program ended, or which process it is.
    pub(super) end: String,
    pub(super) header: NativeHeader,
    /// What there is besides its events.
    pub(super) counts: Counts,
    pub(super) profile: Profile,
    /// How much of its blocks the program wrote, if the recording has extents.
    pub(super) written: Option<WrittenShare>,
    /// Objects of the parent that the trace begins with.
    pub(super) inherited: u64,
    /// A function of an allocator that the program's file defines.
    pub(super) linked_allocator: Option<&'static str>,
    /// Whether the process still runs.
    pub(super) is_cut_off: bool,
    pub(super) path: PathBuf,
    pub(super) trace_bytes: u64,
}

impl Outcome {
    /// Whether the trace has all that its process did.
    pub(super) fn is_whole(&self) -> bool {
        self.counts.lost == 0 && !self.is_cut_off && self.header.bypass.is_none() && self.linked_allocator.is_none()
    }

    /// The calls that were recorded.
    pub(super) fn calls(&self) -> u64 {
        self.profile.events().saturating_add(self.counts.ignored).saturating_sub(self.inherited)
    }

    /// Private memory that no recorded object explains, in bytes.
    fn unexplained_bytes(&self) -> Option<u64> {
        let Profile { peak_live_bytes, peak_live_objects, .. } = self.profile;
        let explained = peak_live_bytes.saturating_add(peak_live_objects.saturating_mul(OBJECT_BYTES));
        let expected = explained.saturating_mul(2).saturating_add(SLACK_BYTES);
        // To record extents takes memory of its own, and after an `exec` the memory is that of another program.
        let is_comparable = !self.header.extents && self.header.exec.is_none();
        (is_comparable && self.header.private_bytes > expected).then(|| self.header.private_bytes - explained)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { end, header, counts, profile, written, inherited, path, trace_bytes, .. } = self;
        writeln!(f, "{} ({end}): {}, {} bytes", header.name(), shown(path), grouped(*trace_bytes))?;
        writeln!(f, "  {}, {}", count(profile.events(), "event"), count(counts.threads.into(), "thread"))?;
        let (bytes, objects) = (grouped(profile.peak_live_bytes), grouped(profile.peak_live_objects));
        writeln!(f, "  peak live {bytes} bytes, most live objects {objects}")?;
        if let Some(share) = written {
            let (written, known) = (100.0 * share.written().unwrap_or(0.0), 100.0 * share.known());
            writeln!(f, "  {written:.1} % of the bytes asked for were written, as far as known: of {known:.1} %")?;
        }
        if *inherited > 0 {
            writeln!(f, "  begins with {} of the process that it was forked from", count(*inherited, "live object"))?;
        }
        if let Some(allocator) = &header.allocator {
            writeln!(f, "  served by {}", shown(allocator.file_name().unwrap_or_default().as_ref()))?;
        }
        if counts.zero_sized > 0 {
            writeln!(f, "  {} of 0 bytes, recorded as 1 byte", grouped(counts.zero_sized))?;
        }
        if counts.adopted > 0 {
            let adopted = count(counts.adopted, "reallocation");
            writeln!(f, "  {adopted} of objects from before the recording, recorded as allocations")?;
        }
        if counts.ignored > 0 {
            let ignored = count(counts.ignored, "call");
            writeln!(f, "  {ignored} left out: of objects that were not live here, or are too large")?;
        }
        if let Some(bypass) = &header.bypass {
            let bypass = shown(bypass.as_ref());
            writeln!(f, "  the trace is not whole: calls of {bypass} are not recorded; run the program without it")?;
        }
        if let Some(function) = self.linked_allocator {
            writeln!(
                f,
                "  the trace lacks what the program's own allocator gives out: its file has '{function}'; build it \
                 without, or record it with the crate heaprace-recorder if it is in Rust"
            )?;
        }
        if let Some(bytes) = self.unexplained_bytes() {
            writeln!(
                f,
                "  note: {} MiB of private memory came from elsewhere: mmap, or an allocator of the program itself (for \
                 Python's, set PYTHONMALLOC=malloc)",
                grouped(bytes >> 20)
            )?;
        }
        write!(f, "  {} lost events", grouped(counts.lost))?;
        match counts.full {
            Some(errno) if counts.lost > 0 => {
                let error = io::Error::from_raw_os_error(errno);
                write!(
                    f,
                    ": the raw recording could not grow ({error}); make room there, raise the limit on the size of \
                     files, or name an --output elsewhere"
                )
            }
            _ if counts.lost > 0 => write!(f, ": the trace is not all that the program did"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(change: impl FnOnce(&mut Outcome)) -> Outcome {
        let mut header = NativeHeader::default();
        header.program = "/usr/bin/a\nb".into();
        let mut outcome = Outcome {
            end: "exit status: 0".to_owned(),
            header,
            counts: Counts::default(),
            profile: Profile { peak_live_bytes: 1 << 20, peak_live_objects: 10, ..Profile::default() },
            written: None,
            inherited: 0,
            linked_allocator: None,
            is_cut_off: false,
            path: "a\u{1b}.htrace".into(),
            trace_bytes: 1234,
        };
        change(&mut outcome);
        outcome
    }

    #[test]
    fn a_whole_trace_has_a_plain_summary() {
        let plain = outcome(|_| {});
        assert!(plain.is_whole());
        assert_eq!(
            plain.to_string(),
            "a\\nb (exit status: 0): a\\u{1b}.htrace, 1,234 bytes\n  0 events, 0 threads\n  peak live 1,048,576 bytes, most \
             live objects 10\n  0 lost events"
        );
    }

    #[test]
    fn what_a_trace_lacks_is_named() {
        let cases: [(&str, Outcome); 4] = [
            (
                "not whole: calls of mallocx of libjemalloc.so.2 are",
                outcome(|it| it.header.bypass = Some("mallocx of libjemalloc.so.2".into())),
            ),
            ("its file has 'mi_malloc';", outcome(|it| it.linked_allocator = Some("mi_malloc"))),
            ("3 lost events: the trace is not all", outcome(|it| it.counts.lost = 3)),
            (
                "3 lost events: the raw recording could not grow (No space left",
                outcome(|it| (it.counts.lost, it.counts.full) = (3, Some(28))),
            ),
        ];
        for (expected, outcome) in cases {
            assert!(!outcome.is_whole() && outcome.to_string().contains(expected), "{outcome}");
        }
        assert!(!outcome(|it| it.is_cut_off = true).is_whole());
    }

    #[test]
    fn memory_that_no_object_explains_is_a_note() {
        let of = |bytes| outcome(|it| it.header.private_bytes = bytes);
        assert!(!of(10 << 20).to_string().contains("note"));
        let note = of(100 << 20);
        assert!(
            note.is_whole() && note.to_string().contains("note: 98 MiB of private memory came from elsewhere"),
            "{note}"
        );
    }
}
