//! Turns a raw recording into a trace, and says what is in it.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use heaprace_reports::numbers::{count, grouped};
use heaprace_traces::inspect::WrittenShare;
use heaprace_traces::native::Counts;
use heaprace_traces::{NativeRecording, Output, Profile};

/// A trace that was written.
pub(super) struct Outcome {
    /// How its program ended, or which process it is.
    end: String,
    /// What there is besides its events.
    pub(super) counts: Counts,
    program: String,
    profile: Profile,
    /// How much of its blocks the program wrote, if the recording has extents.
    written: Option<WrittenShare>,
    path: PathBuf,
    trace_bytes: u64,
}

/// Writes the trace of a raw recording; `None` where it has no events, and then no file either. `end` is how the
/// program ended, or which process it is.
pub(super) fn convert(raw: &Path, path: &Path, end: String) -> anyhow::Result<Option<Outcome>> {
    let mut recording = NativeRecording::open(raw)?;
    let mut next = recording.next().transpose()?;
    if next.is_none() {
        return Ok(None);
    }
    let mut output = Output::create(path, recording.columns(), &recording.provenance())?;
    let (mut profile, mut written) = (Profile::default(), WrittenShare::default());
    while let Some(event) = next {
        profile.add(&event);
        written.add(&event);
        output.write(&event)?;
        next = recording.next().transpose()?;
    }
    recording.comments().try_for_each(|comment| output.comment(&comment))?;
    output.finish()?;
    let trace_bytes = fs::metadata(path).with_context(|| format!("{} is gone", path.display()))?.len();
    Ok(Some(Outcome {
        end,
        counts: recording.counts(),
        program: recording.program().to_owned(),
        profile,
        written: recording.columns().written.then_some(written),
        path: path.to_owned(),
        trace_bytes,
    }))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { end, counts, program, profile, written, path, trace_bytes } = self;
        writeln!(f, "{program} ({end}): {}, {} bytes", path.display(), grouped(*trace_bytes))?;
        writeln!(f, "  {}, {}", count(profile.events(), "event"), count(counts.threads.into(), "thread"))?;
        let (bytes, objects) = (grouped(profile.peak_live_bytes), grouped(profile.peak_live_objects));
        writeln!(f, "  peak live {bytes} bytes, most live objects {objects}")?;
        if let Some(share) = written {
            let (written, known) = (100.0 * share.written().unwrap_or(0.0), 100.0 * share.known());
            writeln!(f, "  {written:.1} % of the bytes asked for were written, as far as known: of {known:.1} %")?;
        }
        if counts.zero_sized > 0 {
            writeln!(f, "  {} of 0 bytes, recorded as 1 byte", grouped(counts.zero_sized))?;
        }
        if counts.ignored > 0 {
            let ignored = count(counts.ignored, "call");
            writeln!(f, "  {ignored} left out: of objects that were not live here, or are too large")?;
        }
        write!(f, "  {} lost events", grouped(counts.lost))?;
        match counts.full {
            Some(errno) => write!(f, ": the raw recording could not grow ({})", io::Error::from_raw_os_error(errno)),
            None if counts.lost > 0 => write!(f, ": the trace is not all that the program did"),
            None => Ok(()),
        }
    }
}
