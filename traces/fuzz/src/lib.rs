//! What several fuzz targets do with their input.

use heaprace::sweep::Build;
use heaprace_reports::results::{BuildProfile, SCHEMA_VERSION};
use heaprace_traces::csv::{Columns, CsvWriter, named_version};
use heaprace_traces::htrace::HtraceWriter;
use heaprace_traces::import::{Format, ImportOptions};
use heaprace_traces::{Event, Source};

/// Reads bytes as a recording of one format: events or one error, and nothing after it.
pub fn import(format: Format, bytes: &[u8]) {
    // What is packed is for the target `open`: it can be a thousand times as long, and would take all the time here.
    let packed = [&b"\x28\xb5\x2f\xfd"[..], b"\x2a\x4d\x18", b"\x1f\x8b", b"PK"];
    if packed.iter().any(|magic| bytes[..bytes.len().min(5)].windows(magic.len()).any(|bytes| bytes == *magic)) {
        return;
    }
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let Ok(mut events) = Source::from_bytes("fuzz", bytes.to_vec()).with_import(options).open() else { return };
    let _ = events.by_ref().find(Result::is_err);
    assert!(events.next().is_none(), "events after the end");
    assert!(events.repairs().is_some());
}

/// All that a trace says.
#[derive(Debug, PartialEq)]
pub struct Content {
    /// Which of the optional columns it has.
    pub columns: Columns,
    /// Where it comes from, without the version, which it need not name.
    pub provenance: Vec<String>,
    /// Each event after the comments before it.
    pub events: Vec<(Vec<String>, Event)>,
    /// The comments after the last event.
    pub last_comments: Vec<String>,
}

/// Reads a trace or recording whose format is detected; `None` if a reader refuses it.
pub fn content(name: &str, bytes: &[u8]) -> Option<Content> {
    let mut reader = Source::from_bytes(name, bytes.to_vec()).open().ok()?;
    let provenance = reader.provenance().iter().filter(|line| named_version(line).is_none()).cloned().collect();
    let columns = reader.columns();
    let mut events = Vec::new();
    while let Some(event) = reader.next() {
        events.push((reader.comments().to_vec(), event.ok()?));
    }
    Some(Content { columns, provenance, events, last_comments: reader.comments().to_vec() })
}

macro_rules! write_to {
    ($writer:expr, $content:expr) => {{
        let mut writer = $writer.expect("the provenance was read");
        for (comments, event) in &$content.events {
            comments.iter().for_each(|comment| writer.comment(comment).expect("it was read"));
            writer.write(event).expect("memory takes all");
        }
        $content.last_comments.iter().for_each(|comment| writer.comment(comment).expect("it was read"));
        writer.finish().expect("memory takes all")
    }};
}

/// Checks that both formats carry what a reader accepts, and that they read it back as the same.
pub fn assert_carried(content: &Content) {
    let csv = write_to!(CsvWriter::new(Vec::new(), content.columns, &content.provenance), content);
    let htrace = write_to!(HtraceWriter::new(Vec::new(), content.columns, &content.provenance), content);
    for (name, bytes) in [("a.csv", csv), ("a.htrace", htrace)] {
        assert_eq!(self::content(name, &bytes).as_ref(), Some(content), "{name}");
    }
}

/// The build whose cells the targets read: the same on every machine, so that seeds stay right.
pub fn build() -> Build {
    Build {
        schema_version: SCHEMA_VERSION,
        heaprace_version: "0.1.0".to_owned(),
        revision: "fuzz".to_owned(),
        rustc: "rustc".to_owned(),
        profile: BuildProfile::Release,
        target: "x86_64-unknown-linux-gnu".to_owned(),
        host_page_bytes: 4096,
    }
}
