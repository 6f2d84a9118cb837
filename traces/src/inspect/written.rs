//! How much of what a program asks for it writes.

use heaprace_recorder::{Action, Event};
use serde::Serialize;

/// How many of the requested bytes were written, in a trace with written extents.
///
/// Each alloc and each realloc asks for one size. The extent of that block stands in the realloc or dealloc that ends
/// this state of the block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WrittenShare {
    /// The sizes of all allocs and reallocs.
    pub requested_bytes: u64,
    /// Those of them whose extent is known.
    pub known_bytes: u64,
    /// What was written of the known ones.
    pub written_bytes: u64,
}

impl WrittenShare {
    /// Adds one event of a checked trace.
    ///
    /// ```
    /// let text = "op,id,size,align,written\nalloc,1,100,8\nrealloc,1,200,,100\ndealloc,1,,,110\nalloc,1,50,8\n";
    /// let mut share = heaprace_traces::inspect::WrittenShare::default();
    /// for event in heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")? {
    ///     share.add(&event?);
    /// }
    /// assert_eq!((share.requested_bytes, share.known_bytes, share.written_bytes), (350, 300, 210));
    /// # Ok::<(), heaprace_traces::TraceError>(())
    /// ```
    #[inline]
    pub fn add(&mut self, event: &Event) {
        let ended = match event.action {
            Action::Alloc { layout, .. } => {
                self.requested_bytes += layout.size() as u64;
                return;
            }
            Action::Realloc { old, new_size } => {
                self.requested_bytes += new_size as u64;
                old
            }
            Action::Dealloc { layout } => layout,
        };
        self.add_ended(ended.size(), event.written);
    }

    /// Adds the extent of a block of this size.
    fn add_ended(&mut self, size: usize, written: Option<u32>) {
        if let Some(written) = written {
            self.known_bytes += size as u64;
            self.written_bytes += u64::from(written);
        }
    }

    /// The share of the known bytes that was written, from 0 to 1; `None` if no extent is known.
    pub fn written(&self) -> Option<f64> {
        (self.known_bytes > 0).then(|| self.written_bytes as f64 / self.known_bytes as f64)
    }

    /// The share of the requested bytes whose extent is known, from 0 to 1.
    pub fn known(&self) -> f64 {
        if self.requested_bytes == 0 { 0.0 } else { self.known_bytes as f64 / self.requested_bytes as f64 }
    }
}
