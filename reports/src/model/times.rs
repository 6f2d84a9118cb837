//! Wall times of whole replays, each a median with its interval.

use super::entry::{About, Better, Docs, Gate, Heading, docs, heading};
use super::metric::{AskedBy, ContenderMetric, Getter};
use crate::stats::Regime;

const MACHINE: &str = "a disturbance that lasts through all rounds; differences between builds or machines";

const STARTS: Docs = docs(
    "a program that starts and ends: wall time of a replay on fresh zeroed pages, with page faults and with giving the pages back, over its operations; \
    the median over the rounds",
    "≥ 0",
    MACHINE,
);

const RUNS_ON: Docs = docs(
    "a program that runs on: the same for the last two loops when the trace is looped on one heap until times and \
    footprint settle or the loops are used up",
    "≥ 0",
    MACHINE,
);

const REWOUND: Docs = docs(
    "the same on a heap whose pages an earlier replay paid for; only results of schema 3 have it",
    "≥ 0",
    "any program, as none has such a heap",
);

const LESS_FLOOR: Docs = docs(
    "the time less the floor's, formed within rounds",
    "any; below 0 if the processor overlaps the harness with a very cheap contender",
    MACHINE,
);

const OVER_BASELINE: Docs = docs(
    "the time over the baseline's (`settings.baseline`), formed within rounds",
    "≥ 0",
    "differences between builds or machines",
);

const FRESH: Heading = heading(
    ["fresh", "fresh", "fresh", "ns/op"],
    "The time of a program that starts: one replay on fresh zeroed pages, with page faults.",
);

const STEADY: Heading = heading(
    ["steady", "steady", "steady", "ns/op"],
    "The time of a program that runs on: the trace is looped on one heap, from fresh pages, until times and footprint \
    settle or the loops are used up. It is the mean of the last two loops; a heap that grows keeps growing.",
);

const NET: Heading = heading(
    ["net", "net ns per operation", "net", "ns/op"],
    "Gross less the floor of the same round. The processor overlaps the harness with the allocator's work, so a very \
    cheap allocator can come out below 0.",
);

const RATIO: Heading = heading(
    ["ratio", "ratio", "ratio", "×"],
    "The time over another contender's in the same round: what slows a round down slows both, and cancels out. \
    Its interval shows whether it differs from 1.",
);

/// All of them, in the order of exports.
pub(super) fn metrics() -> Vec<ContenderMetric> {
    let of = |regime: Regime| {
        let about = |heading, docs, gate| About { heading, better: Better::Less, gate, unit: "ns", docs };
        let (heading, gross) = match regime {
            Regime::Fresh => (Some(FRESH), STARTS),
            Regime::Steady => (Some(STEADY), RUNS_ON),
            Regime::Rewound => (None, REWOUND),
        };
        let metric = |figure, of, about| {
            let name = format!("{}_{figure}", regime.name());
            ContenderMetric { name, of, asked_by: AskedBy::Rounds, about }
        };
        let gross = metric("ns_per_op", Getter::Gross(regime), about(heading, gross, Gate::ByDefault));
        let net = metric("net_ns_per_op", Getter::Net(regime), about(Some(NET), LESS_FLOOR, Gate::Never));
        let ratio = About { unit: "1", ..about(Some(RATIO), OVER_BASELINE, Gate::Never) };
        let ratio = metric("ratio_to_baseline", Getter::Ratio(regime), ratio);
        let all = [gross, net, ratio];
        // No conclusion rests on times of rewound heaps.
        all.into_iter().take(if regime == Regime::Rewound { 1 } else { 3 })
    };
    Regime::EVERY.into_iter().flat_map(of).collect()
}
