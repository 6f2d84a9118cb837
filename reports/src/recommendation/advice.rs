//! The parts of a recommendation, and its sentences.

use serde::Serialize;

use crate::prose::and;
use crate::results::Origin;
use crate::stats::Estimate;

/// What the figures in the sentences are.
pub const LEGEND: &str = "Ranges in parentheses are 95 % confidence intervals: the true figure is outside in about 1 of 20 \
    cases. 1.25 × the time is a quarter more.";

/// What to ship, on the evidence of one trace or of several.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recommendation {
    /// The traces that it rests on.
    pub traces: Vec<String>,
    /// Where these traces come from.
    pub origin: Origin,
    /// The contender that times are compared with.
    pub reference: String,
    /// For each situation, in the order in which they are shown.
    pub advice: Vec<Advice>,
    /// What not to ship.
    pub avoid: Vec<Avoid>,
    /// What to ship where the bytes of a WebAssembly module count; `None` if all of the traces were not replayed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub small_module: Option<SmallModule>,
    /// What to run for more evidence, a sentence each.
    pub run: Vec<String>,
}

/// What to ship in one situation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Advice {
    /// The reader's situation.
    pub situation: Situation,
    /// The contenders that cannot be told apart by what decides, the one that needs the least memory first. Empty if the
    /// evidence does not suffice.
    pub ship: Vec<String>,
    /// What speaks against the first of `ship`: that it goes on growing, or that this is not known.
    pub caveat: Option<String>,
    /// What decides: the name of a metric in METRICS.md.
    pub metric: &'static str,
    /// The first of `ship` over the reference. `None` if it is the reference, or if they were not compared.
    pub beside_reference: Option<Beside>,
    /// The best contender that is known to be worse, over the first of `ship`.
    pub next: Option<Beside>,
    /// Bytes of the first of `ship` at its peak; `None` over several traces.
    pub peak_heap_bytes: Option<u64>,
    /// The advice in one sentence, with what speaks against it; or that it is not known, and why.
    pub sentence: String,
    /// Further sentences: ties, who comes next, and what is faster but goes on growing.
    pub details: Vec<String>,
    /// What to run where the evidence does not suffice.
    pub run: Option<String>,
}

/// A figure of a contender over that of another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beside {
    /// The other contender: the reference, or the one that comes next.
    pub name: String,
    /// The ratio. Below 1, the first is faster or smaller.
    pub ratio: f64,
    /// Lower end of its 95 % interval; `None` if it is exact.
    pub low: Option<f64>,
    /// Upper end of its 95 % interval; `None` if it is exact.
    pub high: Option<f64>,
}

/// What the program is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Situation {
    /// It keeps running and repeats its work.
    #[default]
    #[serde(rename = "long-running")]
    RunsOn,
    /// It starts, does its work and ends.
    #[serde(rename = "starts-and-ends")]
    StartsAndEnds,
    /// Memory is what is short.
    #[serde(rename = "little-memory")]
    LittleMemory,
}

/// The allocator that adds the fewest bytes to a module, of those that take few pages.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SmallModule {
    /// Its name.
    pub ship: String,
    /// What it adds to a module at opt-level z.
    pub added_bytes: i64,
    /// Pages that it adds to the memory, over all traces.
    pub pages: u64,
    /// Its time over the reference's, in the first tier that was timed; `None` over several traces, or if it is the
    /// reference or was not timed.
    pub beside_reference: Option<Beside>,
    /// The advice in one sentence.
    pub sentence: String,
    /// Further sentences: what is smaller but takes more pages, and what is as fast as the reference.
    pub details: Vec<String>,
}

/// A contender not to ship.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Avoid {
    /// Its name.
    pub name: String,
    /// The situations in which to avoid it.
    pub situations: Vec<Situation>,
    /// Why, as it follows its name.
    pub reason: String,
}

impl Situation {
    /// Every situation, in the order in which they are shown.
    pub const ALL: [Situation; 3] = [Situation::RunsOn, Situation::StartsAndEnds, Situation::LittleMemory];

    /// A few words for a heading.
    pub fn name(self) -> &'static str {
        match self {
            Situation::RunsOn => "long-running",
            Situation::StartsAndEnds => "starts and ends",
            Situation::LittleMemory => "little memory",
        }
    }

    /// The same for readers who have not met it before.
    pub fn meaning(self) -> &'static str {
        match self {
            Situation::RunsOn => "A program that keeps running",
            Situation::StartsAndEnds => "A program that starts, works and ends",
            Situation::LittleMemory => "Memory is short",
        }
    }
}

impl Advice {
    /// All of its sentences.
    pub fn text(&self) -> String {
        let rest = self.details.iter().chain(&self.run);
        std::iter::once(&self.sentence).chain(rest).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl SmallModule {
    /// All of its sentences.
    pub fn text(&self) -> String {
        std::iter::once(&self.sentence).chain(&self.details).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl Avoid {
    /// The whole sentence.
    pub fn text(&self) -> String {
        if self.is_for_all() {
            format!("{} {}.", self.name, self.reason)
        } else {
            format!("{} in a program that keeps running: it {}.", self.name, self.reason)
        }
    }

    fn is_for_all(&self) -> bool {
        self.situations == Situation::ALL
    }
}

impl Beside {
    pub(super) fn of(name: &str, ratio: &Estimate) -> Self {
        let interval = ratio.interval;
        Beside {
            name: name.to_owned(),
            ratio: ratio.value,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
        }
    }
}

impl Recommendation {
    /// What to avoid, a sentence each with the contenders that it names. Those with the same fault in all situations share
    /// one.
    pub fn avoid_sentences(&self) -> Vec<(Vec<&str>, String)> {
        let mut sentences: Vec<(Vec<&str>, String)> = Vec::new();
        for one in &self.avoid {
            let alike = |other: &&Avoid| other.is_for_all() && one.is_for_all() && other.reason == one.reason;
            let all: Vec<&str> = self.avoid.iter().filter(alike).map(|other| other.name.as_str()).collect();
            match &all[..] {
                [] => sentences.push((vec![&one.name], one.text())),
                // Said with the first.
                [first, ..] if *first != one.name => {}
                names => {
                    let text = format!("{} {}.", and(names.iter().copied()), one.reason);
                    sentences.push((all, text));
                }
            }
        }
        sentences
    }
}
