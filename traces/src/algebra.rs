//! Trace algebra: new traces from traces, as streams.
//!
//! Each operation turns events into events, so they can be combined, and a trace of any length needs memory only for
//! its live objects. The result is always a valid trace. The new trace's provenance says what was done: [`provenance`]
//! adds it.
//!
//! ```
//! use heaprace_traces::{Source, algebra};
//!
//! let text = "op,id,size,align\nalloc,1,24,8\nalloc,2,10,1\ndealloc,1\ndealloc,2\n";
//! let source = Source::from_bytes("example.csv", text.as_bytes());
//! let tenfold = algebra::repeat(|| source.open(), 10);
//! assert_eq!(algebra::without_teardown(tenfold).count(), 38, "the last two events are teardown");
//! # Ok::<(), heaprace_traces::TraceError>(())
//! ```

mod interleave;
mod repeat;
mod resize;
mod slice;
mod teardown;

pub use interleave::{Interleave, InterleavedPart, interleave};
pub use repeat::{Repeat, repeat};
pub use resize::{Resize, narrow, scale, why_not_narrow};
pub use slice::{Slice, slice};
pub use teardown::{WithoutTeardown, without_teardown};

use core::alloc::Layout;

use heaprace_recorder::{Action, Event};

use crate::births::Births;

/// The provenance of a trace that was made from another: the provenance of that one, and what was done.
///
/// ```
/// let lines = heaprace_traces::algebra::provenance(&["heaprace-trace: 1", "program: example"], "2 rounds of example");
/// assert_eq!(lines, ["program: example", "derived: 2 rounds of example"]);
/// ```
pub fn provenance(of: &[impl AsRef<str>], done: &str) -> Vec<String> {
    let mut lines = without_version(of);
    lines.push(format!("derived: {done}"));
    lines
}

/// The provenance of a trace that was made from several: the provenance of each, numbered from 1, and what was done. If
/// one of them is synthetic, so is the result.
///
/// ```
/// let parts = [vec!["program: a"], vec!["origin: synthetic", "generator: uniform"]];
/// let lines = heaprace_traces::algebra::provenance_of_parts(&parts, "a and uniform interleaved");
/// assert_eq!(lines[0], "origin: synthetic");
/// assert_eq!(lines[1], "part 1: program: a");
/// ```
pub fn provenance_of_parts<L: AsRef<str>>(parts: &[Vec<L>], done: &str) -> Vec<String> {
    let synthetic = parts.iter().flatten().any(|line| line.as_ref() == crate::synthetic::ORIGIN);
    let mut lines: Vec<String> = synthetic.then(|| crate::synthetic::ORIGIN.to_owned()).into_iter().collect();
    for (index, part) in parts.iter().enumerate() {
        lines.extend(without_version(part).iter().map(|line| format!("part {}: {line}", index + 1)));
    }
    lines.push(format!("derived: {done}"));
    lines
}

/// Without the version, which the writer adds.
fn without_version(lines: &[impl AsRef<str>]) -> Vec<String> {
    let others = lines.iter().map(AsRef::as_ref).filter(|line| !line.starts_with("heaprace-trace:"));
    others.map(str::to_owned).collect()
}

/// A live object, with all that is needed to allocate or free it on behalf of the program.
#[derive(Clone, Copy, Debug)]
struct Standing {
    layout: Layout,
    thread: Option<u32>,
}

impl Births<Standing> {
    /// Applies an event of a checked trace.
    fn follow(&mut self, event: &Event) {
        match event.action {
            Action::Alloc { layout, .. } => self.insert(event.id, Standing { layout, thread: event.thread }),
            Action::Realloc { old, new_size } => {
                let object = self.get_mut(event.id).expect("a checked trace reallocates live objects only");
                object.layout =
                    Layout::from_size_align(new_size, old.align()).expect("a checked trace has valid layouts only");
            }
            Action::Dealloc { .. } => {
                self.remove(event.id);
            }
        }
    }
}
