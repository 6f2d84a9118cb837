//! What an import left out, filled in or reordered.

/// Counts of differences between the events and the recording. They are final once all events are read.
///
/// ```
/// use heaprace_traces::Source;
///
/// let log = "= Start\n@ ./a.out:[0x1] + 0x1000 0x18\n@ ./a.out:[0x2] - 0x1000\n@ ./a.out:[0x3] - (nil)\n";
/// let mut events = Source::from_bytes("log.txt", log.as_bytes()).open()?;
/// assert_eq!(events.by_ref().count(), 2);
/// let repairs = events.repairs().expect("this is an import");
/// assert_eq!((repairs.calls, repairs.null_frees, repairs.late_ends), (3, 1, 0));
/// # Ok::<(), heaprace_traces::TraceError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repairs {
    /// Calls read, including those without an effect.
    pub calls: u64,
    /// Frees of null, and reallocations of null to null: they do nothing and have no event.
    pub null_frees: u64,
    /// Failed allocations and reallocations: they change nothing and have no event.
    pub failed: u64,
    /// Requests of 0 bytes that returned a block: events have at least 1 byte.
    pub zero_sizes: u64,
    /// Frees and reallocations of blocks whose allocation is not in the recording: they are older, or the recorder did
    /// not see it. A free has no event, a reallocation becomes an allocation.
    pub older: u64,
    /// Calls on blocks while these are larger than a trace allows; they have no event.
    pub too_large: u64,
    /// Ends that were logged after their address was used again, and were moved before that.
    pub late_ends: u64,
    /// Blocks whose end is missing: they end where their address is used again.
    pub ended_by_reuse: u64,
    /// Events whose time was before that of an earlier one, and was raised to it.
    pub held_times: u64,
    /// Calls of other processes, which are not part of the trace.
    pub other_processes: u64,
    /// Calls whose size or result is not in the recording; they have no event.
    pub unfollowed: u64,
    /// Calls of functions that the importer does not know; they have no event.
    pub unknown_functions: u64,
    /// Calls at the end of a recording that stops within them; they have no event.
    pub cut_off: u64,
}

impl Repairs {
    /// The counts of both.
    pub(super) fn and(self, other: Repairs) -> Repairs {
        Repairs {
            calls: self.calls + other.calls,
            null_frees: self.null_frees + other.null_frees,
            failed: self.failed + other.failed,
            zero_sizes: self.zero_sizes + other.zero_sizes,
            older: self.older + other.older,
            too_large: self.too_large + other.too_large,
            late_ends: self.late_ends + other.late_ends,
            ended_by_reuse: self.ended_by_reuse + other.ended_by_reuse,
            held_times: self.held_times + other.held_times,
            other_processes: self.other_processes + other.other_processes,
            unfollowed: self.unfollowed + other.unfollowed,
            unknown_functions: self.unknown_functions + other.unknown_functions,
            cut_off: self.cut_off + other.cut_off,
        }
    }

    /// A line for each count that is not 0, the calls first.
    pub fn lines(&self) -> Vec<String> {
        let counts = [
            (self.null_frees, "frees of null left out"),
            (self.failed, "failed allocations left out"),
            (self.zero_sizes, "requests of 0 bytes written as 1 byte"),
            (self.older, "frees or reallocations of blocks whose allocation is not in the recording"),
            (self.too_large, "calls left out for blocks larger than a trace can hold"),
            (self.late_ends, "ends that were logged late put before the reuse of their address"),
            (self.ended_by_reuse, "blocks without an end in the recording ended where their address is reused"),
            (self.held_times, "times that fell raised to that of the event before"),
            (self.other_processes, "calls of other processes left out"),
            (self.unfollowed, "calls left out whose size or result is not in the recording"),
            (self.unknown_functions, "calls of unknown functions left out"),
            (self.cut_off, "calls left out because the recording ends within them"),
        ];
        let calls = (self.calls, "calls read");
        let there = counts.into_iter().filter(|(count, _)| *count > 0);
        core::iter::once(calls).chain(there).map(|(count, what)| format!("{what}: {count}")).collect()
    }
}
