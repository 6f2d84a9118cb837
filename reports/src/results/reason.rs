//! Why a figure is not known: every reason with its sentence.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::numbers::grouped;

/// A number that a sentence has with its digits in groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grouped(self.0))
    }
}

impl FromStr for Grouped {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.replace(',', "").parse().map(Grouped)
    }
}

/// Defines [`Reason`] by the sentences of its variants.
macro_rules! reasons {
    ($($(#[$about:meta])* $variant:ident $({ $($field:ident: $type:ty),* })? = $text:literal,)*) => {
        /// Why a figure is not known. It is shown, saved and read back as its sentence, which fits under a table.
        ///
        /// ```
        /// use heaprace_reports::results::Reason;
        ///
        /// let reason = Reason::FailedVerification { event: 4 };
        /// assert_eq!(reason.to_string(), "failed verification at event 4");
        /// assert_eq!(Reason::from("failed verification at event 4"), reason);
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$about])* #[doc = concat!("\n\nIts sentence: ", $text, ".")] #[allow(missing_docs)] $variant $({ $($field: $type),* })?,)*
            /// Any other, in its own words: what an error says, or a sentence of another version of Heaprace.
            Other(String),
        }

        impl fmt::Display for Reason {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Reason::$variant $({ $($field),* })? => write!(f, $text),)*
                    Reason::Other(text) => f.write_str(text),
                }
            }
        }

        impl From<&str> for Reason {
            fn from(text: &str) -> Self {
                $(
                    let read = || {
                        let mut values = values_in($text, text)?.into_iter();
                        let reason = Reason::$variant { $($($field: values.next()?.parse().ok()?),*)? };
                        values.next().is_none().then_some(reason)
                    };
                    // A reason stands for its sentence to the letter.
                    if let Some(reason) = read().filter(|reason: &Reason| reason.to_string() == text) {
                        return reason;
                    }
                )*
                Reason::Other(text.to_owned())
            }
        }

        #[cfg(test)]
        const SENTENCES: &[&str] = &[$($text),*];
    };
}

/// What stands in `text` in the places of the names in braces of `template`, if it is built like that.
fn values_in<'t>(template: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = template.split(['{', '}']);
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut values = Vec::new();
    // Every second part is a name, and what comes after it ends the value.
    while let (Some(_), Some(literal)) = (parts.next(), parts.next()) {
        let end = if literal.is_empty() { rest.len() } else { rest.find(literal)? };
        values.push(&rest[..end]);
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(values)
}

reasons! {
    /// The user did not ask for it.
    NotAskedFor = "not asked for",
    /// The user did not ask for the search.
    NotSearchedFor = "not searched for",
    /// The contender's turn has not come.
    NotExaminedYet = "not examined yet",
    /// The contender's turn has not come.
    NotTimedYet = "not timed yet",
    /// The user asked for no timing.
    TimingOff = "timing was switched off",
    /// The user asked for no verification.
    VerificationOff = "verification was switched off",
    /// The user asked for no bounds.
    LeftOut = "left out",
    /// The trace has not been read to its end yet.
    TraceNotRead = "the trace was not read to its end",

    /// The user ended it.
    Interrupted = "interrupted",
    /// The user ended it after this event.
    InterruptedAt { event: Grouped } = "interrupted, at event {event}",
    /// The time of `--budget` was over.
    OverBudget = "its time budget was over",
    /// The time of `--budget` was over after this event.
    OverBudgetAt { event: Grouped } = "its time budget was over, at event {event}",
    /// The heap would have passed the memory budget.
    OverMemory { budget: String } = "its heap needs more than the {budget} of memory that --memory leaves for it",
    /// The heap would have passed the memory budget before this event was over.
    OverMemoryAt { budget: String, event: Grouped } = "its heap needs more than the {budget} of --memory that are left for it, at event {event}",
    /// The replay was ended after this event, and no check had failed.
    SoundUpTo { event: Grouped } = "sound up to event {event}, where it ended",

    /// The floor is no allocator.
    NoMemoryHandedOut = "hands out no memory",
    /// A check failed.
    FailedVerification { event: u64 } = "failed verification at event {event}",
    /// Some requests were answered with null.
    RequestsFailed = "requests failed",
    /// Some requests were answered with null, so that a time would be one of less work.
    LessWork = "did less work: requests failed",
    /// Some requests were answered with null on a heap as large as it may be.
    RequestsFailedAtLimit = "requests failed even at the heap limit",
    /// All requests were answered with null.
    AllRequestsFailed { requests: String, event: Grouped, size: String, pages: String }
        = "all {requests} failed, the first at event {event}, of {size} at a heap of {pages} and its limit: --heap-limit",
    /// No round was timed.
    NoRoundTimed = "no round was timed",
    /// Times on a rewound heap are those of results of old schemas.
    NoRewoundTimes = "only results of schemas 1 to 3 have times of rewound heaps",
    /// A replay is shorter than a step of the clock, so that there is no ratio to it.
    TooShort { which: String } = "a replay of the {which} took no time that the clock could see",
    /// It was timed in runs of its own.
    OtherRounds { other: String } = "{other} did not run in the same rounds",
    /// The contender that ratios are formed to has no times.
    NoTimings { other: String, why: String } = "{other} has no timings: {why}",
    /// The results have no such row.
    NotTakingPart { other: String } = "{other} does not take part",
    /// The floor has no time beyond itself.
    IsFloor = "it is the floor itself",
    /// The system has no clock for a thread's own time.
    NoProcessorTime = "its processor time is not known",
    /// The same of the contender that ratios are formed to.
    NoProcessorTimeOf { other: String } = "{other} has no processor time",
    /// The same in runs of its own.
    NoProcessorTimeInRounds { other: String } = "{other} has no processor time in the same rounds",
    /// Times of two runs are each divided by this contender's.
    RelativeToItself = "times are relative to its own",
    /// Decoding beside the replay takes time, so that the times of the two runs do not compare.
    StreamedInOneRun = "the trace was decoded while it was timed in one of the runs only",
    /// The figure is a ratio to something that the trace does not have.
    NoValueHere = "it has no value here: METRICS.md says when",
    /// Neither an allocation nor a deallocation.
    NoOperations = "the trace has no operations",
    /// The trace has no object with a byte.
    NothingLive = "nothing was ever live",
    /// The heap could not grow in this loop of the trace, counted from 1.
    HeapLimitReached { loop_number: usize } = "the heap limit was reached in loop {loop_number} of the trace",
    /// The contender's peak is below the live bytes.
    MoreLiveThanHeap = "more was live than its heap had: its blocks are not sound",

    /// The system has no such figure.
    NotReported = "not reported by the system",
    /// A file of the system cannot be read.
    FileNotReadable { path: String, cause: String } = "cannot read {path}: {cause}",
    /// `/proc/cpuinfo` has no `model name`.
    NoProcessorModel = "/proc/cpuinfo names no model",
    /// The build found no revision.
    NoGitCheckout = "built outside of a git checkout",

    /// The trace has no file that another process could open.
    TraceInMemory = "a trace in memory cannot be given to another process",
    /// The program that uses the library has set no command for the processes in which contenders are timed.
    NoProcessCommand = "no command is set that starts a process for it",
    /// The contender's process could not be started.
    ProcessNotStarted { cause: String } = "its process cannot be started: {cause}",
    /// The contender's process could not be waited for.
    ProcessNotAwaited { cause: String } = "its process cannot be waited for: {cause}",
    /// The contender's process ended without an answer.
    NoAnswer = "its process answered nothing",
    /// The contender's process wrote something else than an answer.
    AnswerNotReadable { cause: String, answer: String } = "its process answered nonsense ({cause}): {answer}",
    /// The contender's process died: its exit status, and the last line of what it wrote.
    ProcessDied { status: String } = "its process died: {status}",
    /// Neither the processor's counter nor callgrind can be had.
    NoCounter { hardware: String, valgrind: String }
        = "no counter: the processor's cannot be had ({hardware}), and {valgrind}",

    /// The cell of the sweep has not been run.
    CellNotRun { cell: String } = "cell {cell} has not been run",
    /// The file of the sweep's cell is damaged, or another cell's.
    CellNotUsable { cell: String, cause: String } = "cell {cell} cannot be used: {cause}",
    /// The rows of merged results do not share it.
    RowsDiffer { count: usize, values: String } = "rows come from {count}: {values}",

    /// The document has no such field.
    NotInFile = "not in the file",
    /// The document has it with a field missing or of another type.
    NotReadable { fault: String } = "cannot be read: {fault}",
    /// The schema that the document follows did not have it yet.
    NotInSchema { version: u64 } = "results of schema {version} do not have it",
    /// The schema that the document follows had some of the fields.
    PartInSchema { version: u64 } = "results of schema {version} have only a part of it",
    /// The schema that the document follows had no steady times.
    NoSteadyInSchema { version: u64 } = "results of schema {version} have no steady times",
    /// The schema that the document follows had it for a heap that an earlier replay had paid for.
    RewoundInSchema { version: u64 } = "results of schema {version} have it only for a rewound heap",
}

impl Reason {
    /// Whether the figure is missing although it was asked for and the contender would have it: the machine, a budget or
    /// a fault is to blame. What a contender cannot do at its heap's limit, and what the user ended, are outcomes.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            Reason::OverBudget
                | Reason::OverBudgetAt { .. }
                | Reason::OverMemory { .. }
                | Reason::OverMemoryAt { .. }
                | Reason::MoreLiveThanHeap
                | Reason::NotReported
                | Reason::TraceInMemory
                | Reason::NoProcessCommand
                | Reason::ProcessNotStarted { .. }
                | Reason::ProcessNotAwaited { .. }
                | Reason::NoAnswer
                | Reason::AnswerNotReadable { .. }
                | Reason::ProcessDied { .. }
                | Reason::NoCounter { .. }
                | Reason::Other(_)
        )
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Reason::from(text.as_str())
    }
}

impl From<&Reason> for Reason {
    fn from(reason: &Reason) -> Self {
        reason.clone()
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Reason::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every sentence with 1234 or `1,234` for its values, whichever reads back.
    #[test]
    fn every_sentence_reads_back_as_its_reason_and_as_no_other() {
        let mut found = Vec::new();
        for template in SENTENCES {
            let mut parts = template.split(['{', '}']);
            let mut text = parts.next().unwrap().to_owned();
            while let (Some(name), Some(literal)) = (parts.next(), parts.next()) {
                let value = if template.contains("event {event}") && name == "event" { "1,234" } else { "12" };
                text += value;
                text += literal;
            }
            let plain = text.replace("1,234", "1234");
            let reason = [text, plain].into_iter().map(Reason::from).find(|reason| !matches!(reason, Reason::Other(_)));
            let reason = reason.unwrap_or_else(|| panic!("{template:?} does not read back"));
            assert_eq!(serde_json::from_str::<Reason>(&serde_json::to_string(&reason).unwrap()).unwrap(), reason);
            assert!(!found.contains(&reason), "{reason:?} is what {template:?} reads as");
            found.push(reason);
        }
        assert_eq!(found.len(), SENTENCES.len());
    }

    #[test]
    fn what_is_not_a_sentence_of_these_stays_as_it_is() {
        for text in
            ["", "died", "interrupted ", "failed verification at event four", "failed verification at event 007"]
        {
            assert_eq!(Reason::from(text), Reason::Other(text.to_owned()));
            assert_eq!(Reason::from(text).to_string(), text);
        }
    }

    #[test]
    fn values_are_those_between_the_words() {
        assert_eq!(
            values_in("cell {cell} cannot be used: {why}", "cell a cannot be used: b: c"),
            Some(vec!["a", "b: c"])
        );
        assert_eq!(values_in("no {one} at all", "no way at all"), Some(vec!["way"]));
        for text in ["no way at all.", "no way", "a way at all"] {
            assert_eq!(values_in("no {one} at all", text), None, "{text}");
        }
    }
}
