//! Whether the headline predicts the program: the tool's default verdicts on ten programs, against these programs'
//! measured behaviour.
//!
//! The real differences were measured on two days on one kind of machine: each program of `traces/workloads` was
//! rebuilt with a global allocator over the contender and the page heap, and run in 15 rounds on the first day and 30
//! on the second, in shuffled order. They are the medians of the paired differences of the whole program's time to
//! dlmalloc's, with their 95 % intervals, in ms. On the second day a page fault took about half as long again, so the
//! differences of contenders that take more memory are larger, and that of wasmalloc in regex-match has the opposite
//! sign. A sign counts if both days exclude 0 on the same side. METHODOLOGY.md has more details, and explains what a
//! replay cannot know.
//!
//! It prints predicted and real differences for each contender, counts the correct signs, and fails if more than
//! [`MOST_WRONG`] are wrong, or if the default run does not give the same verdict as the program for a program in
//! [`CLEAR`].

use std::env;
use std::ops::ControlFlow;
use std::process::{Command, ExitCode};

use heaprace::Program;
use heaprace::contender::{Contender, TouchPolicy};
use heaprace::limits::Limits;
use heaprace::time::process::{self, TraceLocation};
use heaprace::time::race::{self, Race};
use heaprace::time::rounds::Rounds;
use heaprace_allocators::PageSize;
use heaprace_allocators::page_heap::WASM32_PAGES;
use heaprace_reports::results::Figure;
use heaprace_reports::results::Rigor;
use heaprace_reports::stats::{Verdict, median, ratio_within_rounds};
use heaprace_traces::Source;

/// A contender's difference to dlmalloc in a real program, on two days: the lower end of the 95 % interval, the median,
/// the upper end.
type Difference = (&'static str, [f64; 3], [f64; 3]);

/// A program, and the differences to dlmalloc of the whole program's time, in ms.
struct Real {
    program: &'static str,
    differences_ms: [Difference; 3],
}

const REAL: [Real; 10] = [
    Real {
        program: "path-finder",
        differences_ms: [
            ("segregated-bump", [48.51, 52.47, 57.56], [78.91, 83.32, 89.33]),
            ("talc", [0.15, 1.67, 8.95], [-4.94, 1.07, 9.02]),
            ("wasmalloc", [-5.77, -3.83, -0.44], [-3.96, 1.44, 6.84]),
        ],
    },
    Real {
        program: "text-editor",
        differences_ms: [
            ("segregated-bump", [3.12, 3.23, 3.46], [5.69, 6.46, 7.19]),
            ("talc", [0.16, 0.20, 0.23], [-0.19, 0.04, 0.26]),
            ("wasmalloc", [-0.68, -0.49, -0.40], [-0.64, -0.24, 0.19]),
        ],
    },
    Real {
        program: "ecs-game",
        differences_ms: [
            ("segregated-bump", [1.64, 1.91, 2.17], [4.05, 4.88, 5.62]),
            ("talc", [-0.69, -0.66, -0.62], [-0.69, 0.09, 0.48]),
            ("wasmalloc", [-3.99, -3.94, -3.47], [-5.19, -4.66, -4.23]),
        ],
    },
    Real {
        program: "rust-parse",
        differences_ms: [
            ("segregated-bump", [-0.66, -0.19, 0.00], [0.70, 1.47, 2.66]),
            ("talc", [-0.20, 0.41, 0.54], [0.32, 1.50, 3.08]),
            ("wasmalloc", [-4.38, -4.05, -3.95], [-5.55, -4.26, -3.57]),
        ],
    },
    Real {
        program: "regex-match",
        differences_ms: [
            ("segregated-bump", [27.14, 27.48, 28.18], [43.03, 46.81, 50.74]),
            ("talc", [-0.37, -0.26, 0.30], [-1.72, -0.38, 1.61]),
            ("wasmalloc", [-0.81, -0.58, -0.44], [-2.33, 0.72, 2.80]),
        ],
    },
    Real {
        program: "template-serverless",
        differences_ms: [
            ("segregated-bump", [7.91, 8.01, 8.22], [13.53, 14.82, 17.02]),
            ("talc", [-0.35, -0.26, -0.16], [-0.14, 0.60, 2.34]),
            ("wasmalloc", [-2.38, -2.25, -2.15], [-2.77, -2.39, -1.35]),
        ],
    },
    Real {
        program: "http-router",
        differences_ms: [
            ("segregated-bump", [6.19, 6.33, 6.82], [9.03, 9.72, 9.93]),
            ("talc", [-0.37, -0.18, 0.35], [-0.68, -0.41, -0.01]),
            ("wasmalloc", [-1.96, -1.81, -1.26], [-3.43, -2.78, -2.43]),
        ],
    },
    Real {
        program: "script-interpreter",
        differences_ms: [
            ("segregated-bump", [6.67, 7.26, 7.52], [11.09, 14.21, 14.73]),
            ("talc", [-0.91, -0.39, -0.02], [-1.24, 1.90, 2.64]),
            ("wasmalloc", [-3.68, -3.40, -3.05], [-6.19, -3.50, -2.62]),
        ],
    },
    Real {
        program: "markdown-html",
        differences_ms: [
            ("segregated-bump", [7.61, 7.93, 8.28], [10.41, 10.65, 10.85]),
            ("talc", [-0.24, 0.15, 0.24], [-0.22, -0.04, 0.09]),
            ("wasmalloc", [-1.23, -1.10, -0.83], [-1.49, -1.31, -1.26]),
        ],
    },
    Real {
        program: "btree-database",
        differences_ms: [
            ("segregated-bump", [21.27, 21.70, 22.38], [31.90, 33.06, 35.18]),
            ("talc", [-0.18, -0.04, 0.03], [-0.81, -0.04, 0.33]),
            ("wasmalloc", [0.38, 0.66, 0.97], [0.46, 1.06, 1.54]),
        ],
    },
];

/// Maximum wrong signs: a replay that writes every byte cannot know about capacity that a program reserves and never
/// writes.
const MOST_WRONG: usize = 1;

/// Programs for which the default run must give segregated-bump and wasmalloc the verdict that the program gives them
/// on both days.
const CLEAR: [&str; 7] = [
    "path-finder",
    "text-editor",
    "regex-match",
    "template-serverless",
    "http-router",
    "markdown-html",
    "btree-database",
];

/// The verdict of a real program on both days, if there is one.
fn real_verdict(first: [f64; 3], second: [f64; 3]) -> Verdict {
    let of = |[low, _, high]: [f64; 3]| match () {
        () if low > 0.0 => Verdict::Slower,
        () if high < 0.0 => Verdict::Faster,
        () => Verdict::Inconclusive,
    };
    if of(first) == of(second) { of(first) } else { Verdict::Inconclusive }
}

const BASELINE: &str = "dlmalloc";

/// The tool's verdict on a contender for a trace.
struct Predicted {
    difference_ms: f64,
    ratio: f64,
    verdict: Verdict,
}

/// The default run on this trace: its verdicts on these contenders against dlmalloc.
fn predict(name: &str, contenders: [&str; 3], rounds: u32) -> Vec<Predicted> {
    let source = Source::locate(name).expect("it is in the library");
    let events = Program::load(&source).expect("the library's traces compile").events();
    let racers: Vec<Contender> = [BASELINE, "null"]
        .into_iter()
        .chain(contenders)
        .map(|name| Contender::named(name).expect("it is registered"))
        .collect();
    let rounds =
        Rounds { count: rounds, seed: 1, touch: TouchPolicy::All, page: PageSize::WASM, limit_pages: WASM32_PAGES };
    let trace = TraceLocation::Library(name.to_owned());
    let race = Race { trace: &trace, events, contenders: &racers, rounds, rigor: Rigor::Default };
    let child = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
        command.arg(process::VERB);
        Ok(command)
    };
    let timing = race::run(&race, Limits::NONE, child, |_, _| ControlFlow::Continue(())).expect("nobody ends it");
    let fresh = |which: usize| match &timing.times[which] {
        Figure::Known(time) => &time.fresh_ns[..],
        Figure::Unknown { unknown } => panic!("{name}: a contender has no time: {unknown}"),
    };
    let ours = 2..racers.len();
    ours.map(|which| {
        let pairs = fresh(which).iter().zip(fresh(0));
        let differences: Vec<f64> = pairs.map(|(&ours, &theirs)| (ours as f64 - theirs as f64) / 1e6).collect();
        let ratio = ratio_within_rounds(fresh(which), fresh(0));
        let ratio = ratio.known().expect("there are rounds");
        Predicted {
            difference_ms: median(&differences).expect("there are rounds"),
            ratio: ratio.estimate.value,
            verdict: ratio.verdict,
        }
    })
    .collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Like criterion's benches: a filter for other names skips this one, and `--test` only checks that it works.
    let others = arguments.iter().filter(|argument| !argument.starts_with('-'));
    if others.clone().next().is_some() && others.clone().all(|name| !"fidelity".contains(name.as_str())) {
        return ExitCode::SUCCESS;
    }
    let brief = arguments.iter().any(|argument| argument == "--test");
    let (programs, rounds) =
        if brief { (&REAL[1..2], 2) } else { (&REAL[..], heaprace::time::rounds::default_count(Rigor::Default)) };
    println!("whole program minus dlmalloc's, ms: real on two days (intervals), predicted fresh (ratio, verdict)");
    let (mut right, mut decided, mut errors, mut unclear) = (0, 0, Vec::new(), Vec::new());
    for Real { program, differences_ms } in programs {
        let predicted = predict(program, differences_ms.map(|(name, ..)| name), rounds);
        for (&(name, first, second), predicted) in differences_ms.iter().zip(&predicted) {
            let Predicted { difference_ms, ratio, verdict } = predicted;
            let shown = |[low, median, high]: [f64; 3]| format!("{median:+7.2} [{low:+.2}, {high:+.2}]");
            println!(
                "{program:20} {name:16} {:26} {:26} {difference_ms:+7.2} ({ratio:.3}, {verdict:?})",
                shown(first),
                shown(second)
            );
            let real = real_verdict(first, second);
            if real == Verdict::Inconclusive {
                continue;
            }
            decided += 1;
            right += usize::from((real == Verdict::Slower) == (*difference_ms > 0.0));
            errors.push((difference_ms - second[1]).abs() / second[1].abs());
            if CLEAR.contains(program) && name != "talc" && *verdict != real {
                unclear.push(format!("{program}: {name} is {verdict:?}, but the program shows {real:?}"));
            }
        }
    }
    let error = 100.0 * median(&errors).expect("some are decided");
    println!("sign right in {right} of {decided} that both days decide; median error {error:.0} % of the second day's");
    unclear.iter().for_each(|line| println!("differs from the program: {line}"));
    let is_well = brief || decided - right <= MOST_WRONG && unclear.is_empty();
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
