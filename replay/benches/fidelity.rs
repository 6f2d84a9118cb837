//! Whether the headline predicts the program: what the tool says of ten programs by default, against what these programs did when they were
//! run for real.
//!
//! The real differences were measured once, on revision 21863d3: each program of `traces/workloads` was rebuilt with a global allocator over
//! the contender and the page heap, and run in 15 rounds in shuffled order. They are the medians of the paired differences of the whole
//! program's time to dlmalloc's, with their 95 % intervals, in ms. METHODOLOGY.md says more, and what a replay cannot know.
//!
//! It prints predicted beside real, contender by contender, counts the signs that are right, and fails where fewer are right than
//! [`FEWEST_RIGHT`], or where the default run does not say of a program in [`CLEAR`] what the program shows.

use std::env;
use std::ops::ControlFlow;
use std::process::{Command, ExitCode};

use allocators::PageSize;
use allocators::page_heap::WASM32_PAGES;
use replay::Program;
use replay::child::{self, Trace};
use replay::contender::{Contender, TouchPolicy};
use replay::leash::Leash;
use replay::timing::{self, Race, Rigor, Rounds};
use reports::results::Figure;
use reports::stats::{Verdict, median, ratio_within_rounds};
use traces::Source;

/// A contender's difference to dlmalloc in a real program, and its 95 % interval.
type Difference = (&'static str, f64, [f64; 2]);

/// A program, and the differences to dlmalloc of the whole program's time, in ms.
struct Real {
    program: &'static str,
    differences_ms: [Difference; 3],
}

const REAL: [Real; 10] = [
    Real {
        program: "path-finder",
        differences_ms: [
            ("segregated-bump", 52.47, [48.51, 57.56]),
            ("talc", 1.67, [0.15, 8.95]),
            ("wasmalloc", -3.83, [-5.77, -0.44]),
        ],
    },
    Real {
        program: "text-editor",
        differences_ms: [
            ("segregated-bump", 3.23, [3.12, 3.46]),
            ("talc", 0.20, [0.16, 0.23]),
            ("wasmalloc", -0.49, [-0.68, -0.40]),
        ],
    },
    Real {
        program: "ecs-game",
        differences_ms: [
            ("segregated-bump", 1.91, [1.64, 2.17]),
            ("talc", -0.66, [-0.69, -0.62]),
            ("wasmalloc", -3.94, [-3.99, -3.47]),
        ],
    },
    Real {
        program: "rust-parse",
        differences_ms: [
            ("segregated-bump", -0.19, [-0.66, 0.00]),
            ("talc", 0.41, [-0.20, 0.54]),
            ("wasmalloc", -4.05, [-4.38, -3.95]),
        ],
    },
    Real {
        program: "regex-match",
        differences_ms: [
            ("segregated-bump", 27.48, [27.14, 28.18]),
            ("talc", -0.26, [-0.37, 0.30]),
            ("wasmalloc", -0.58, [-0.81, -0.44]),
        ],
    },
    Real {
        program: "template-serverless",
        differences_ms: [
            ("segregated-bump", 8.01, [7.91, 8.22]),
            ("talc", -0.26, [-0.35, -0.16]),
            ("wasmalloc", -2.25, [-2.38, -2.15]),
        ],
    },
    Real {
        program: "http-router",
        differences_ms: [
            ("segregated-bump", 6.33, [6.19, 6.82]),
            ("talc", -0.18, [-0.37, 0.35]),
            ("wasmalloc", -1.81, [-1.96, -1.26]),
        ],
    },
    Real {
        program: "script-interpreter",
        differences_ms: [
            ("segregated-bump", 7.26, [6.67, 7.52]),
            ("talc", -0.39, [-0.91, -0.02]),
            ("wasmalloc", -3.40, [-3.68, -3.05]),
        ],
    },
    Real {
        program: "markdown-html",
        differences_ms: [
            ("segregated-bump", 7.93, [7.61, 8.28]),
            ("talc", 0.15, [-0.24, 0.24]),
            ("wasmalloc", -1.10, [-1.23, -0.83]),
        ],
    },
    Real {
        program: "btree-database",
        differences_ms: [
            ("segregated-bump", 21.70, [21.27, 22.38]),
            ("talc", -0.04, [-0.18, 0.03]),
            ("wasmalloc", 0.66, [0.38, 0.97]),
        ],
    },
];

/// Signs that are right, of the 24 whose real interval leaves 0 out: a replay that writes every byte cannot know of capacity that a program
/// reserves and never writes.
const FEWEST_RIGHT: usize = 22;

/// Programs of which the default run has to say that segregated-bump is slower than dlmalloc, and that wasmalloc is faster, but for the last
/// one.
const CLEAR: [&str; 7] = [
    "path-finder",
    "text-editor",
    "regex-match",
    "template-serverless",
    "http-router",
    "markdown-html",
    "btree-database",
];
const WASMALLOC_IS_SLOWER: &str = "btree-database";

const BASELINE: &str = "dlmalloc";

/// What the tool says of a contender on a trace.
struct Predicted {
    difference_ms: f64,
    ratio: f64,
    verdict: Verdict,
}

/// The default run on this trace: what it says of these contenders beside dlmalloc.
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
    let trace = Trace::Library(name.to_owned());
    let race = Race { trace: &trace, events, contenders: &racers, rounds, rigor: Rigor::Default };
    let child = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_replay"));
        command.arg(child::VERB);
        Ok(command)
    };
    let timing = timing::run(&race, Leash::LOOSE, child, |_, _| ControlFlow::Continue(())).expect("nobody ends it");
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
    // As criterion's benches do: whoever names others does not mean this one, and `--test` is to see that it works.
    let others = arguments.iter().filter(|argument| !argument.starts_with('-'));
    if others.clone().next().is_some() && others.clone().all(|name| !"fidelity".contains(name.as_str())) {
        return ExitCode::SUCCESS;
    }
    let brief = arguments.iter().any(|argument| argument == "--test");
    let (programs, rounds) = if brief { (&REAL[1..2], 2) } else { (&REAL[..], Rigor::DEFAULT_ROUNDS) };
    println!("whole program less dlmalloc's, ms: real (interval), predicted fresh (ratio, verdict)");
    let (mut right, mut decided, mut errors, mut unclear) = (0, 0, Vec::new(), Vec::new());
    for Real { program, differences_ms } in programs {
        let predicted = predict(program, differences_ms.map(|(name, ..)| name), rounds);
        for (&(name, real, [low, high]), predicted) in differences_ms.iter().zip(&predicted) {
            let Predicted { difference_ms, ratio, verdict } = predicted;
            println!(
                "{program:20} {name:16} {real:+7.2} [{low:+.2}, {high:+.2}]  {difference_ms:+7.2} ({ratio:.3}, {verdict:?})"
            );
            if low > 0.0 || high < 0.0 {
                decided += 1;
                right += usize::from(real.signum() == difference_ms.signum());
                errors.push((difference_ms - real).abs() / real.abs());
            }
            let expected = match name {
                "segregated-bump" => Verdict::Slower,
                "wasmalloc" if *program == WASMALLOC_IS_SLOWER => Verdict::Slower,
                "wasmalloc" => Verdict::Faster,
                _ => continue,
            };
            if CLEAR.contains(program) && *verdict != expected {
                unclear.push(format!("{program}: {name} is {verdict:?}, and the program says {expected:?}"));
            }
        }
    }
    let error = 100.0 * median(&errors).expect("some are decided");
    println!("sign right in {right} of {decided} whose real interval leaves 0 out; median relative error {error:.0} %");
    unclear.iter().for_each(|one| println!("not as the program: {one}"));
    let is_well = brief || right >= FEWEST_RIGHT && unclear.is_empty();
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
