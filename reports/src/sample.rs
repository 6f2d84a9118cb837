//! Made-up results for tests, with consistent figures.

mod builder;

use self::builder::EVENTS;
pub(crate) use self::builder::{PAGE, PEAK_LIVE, contender};
use crate::results::*;
use crate::tuning::{TimeRatio, TunedOnTrace, TunedRow, Tuning};
use crate::wasm::{
    AddedBytes, ClassFuel, CostlyCall, FuelSummary, GrownAt, ModuleSizes, Observation, Spread, TierTimes,
    WASM_SCHEMA_VERSION, WasmResults, WasmRow, WasmTime,
};

/// Results without contenders, and with an unexamined trace.
pub(crate) fn empty() -> Results {
    Results {
        schema_version: SCHEMA_VERSION,
        provenance: Provenance {
            heaprace_version: "0.1.0".into(),
            git_revision: Figure::Known("9700486".into()),
            rustc: "rustc 1.95.0 (59807616e 2026-04-14)".into(),
            profile: BuildProfile::Release,
            target: "x86_64-unknown-linux-gnu".into(),
            cpu: Figure::Known("AMD EPYC 7763 64-Core Processor".into()),
            cpu_count: 2,
            kernel: Figure::Known("Linux 6.8.0".into()),
            governor: Figure::unknown("no such file"),
            transparent_huge_pages: Figure::Known("madvise".into()),
            host_page_bytes: 4096,
            date: "2026-05-04T12:00:00Z".into(),
        },
        settings: Settings {
            seed: 42,
            min_heap: false,
            latency: false,
            instructions: false,
            rounds: 15,
            rigor: Rigor::Default,
            baseline: "dlmalloc".into(),
            budget_ns: None,
            streamed: false,
            touch: TouchPolicy::All,
            heap_limit_pages: 65_536,
            page_bytes: PAGE,
        },
        trace: Trace {
            name: "serde-heavy".into(),
            sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into(),
            origin: Origin::Recorded,
            kind: None,
            events: EVENTS,
            allocs: 90_000,
            reallocs: 20_000,
            deallocs: 89_500,
            allocated_bytes: 40_000_000,
            peak_live_bytes: PEAK_LIVE,
            peak_live_event: 150_000,
            peak_live_objects: 12_345,
            left_live_objects: 500,
            distributions: Figure::unknown("not examined"),
            marks: Vec::new(),
            mark_count: 0,
            repairs: Vec::new(),
            extents: None,
            run: None,
        },
        bounds: Figure::Known(Bounds {
            max_live_bytes: PEAK_LIVE,
            max_live_aligned_bytes: PEAK_LIVE + 100,
            max_size_bytes: 65_400,
            robson_bytes: 8 * PEAK_LIVE,
            robson_first_fit_bytes: 17 * PEAK_LIVE,
            clairvoyant_bytes: PEAK_LIVE + 2,
        }),
        warnings: Vec::new(),
        contenders: Vec::new(),
        merged_from: Vec::new(),
        wasm: None,
    }
}

/// Results of these contenders on a trace of this name.
pub(crate) fn on(trace: &str, contenders: Vec<Contender>) -> Results {
    let mut results = Results { contenders, ..empty() };
    results.trace.name = trace.into();
    results.trace.sha256 = format!("sha of {trace}");
    results
}

/// Small objects that die young, larger objects that live longer, and some that are never freed.
fn distributions() -> Distributions {
    let class = |(from_bytes, count)| Class { from_bytes, count };
    let joint =
        |(size_from_bytes, lifetime_from_bytes, count)| JointClass { size_from_bytes, lifetime_from_bytes, count };
    Distributions {
        request_sizes: [(8, 30_000), (16, 50_000), (32, 20_000), (128, 9_000), (32_768, 1_000)].map(class).into(),
        lifetimes: [(0, 10_000), (64, 60_000), (4096, 18_500), (1_048_576, 1_000)].map(class).into(),
        sizes_by_lifetime: [
            (8, 0, 10_000),
            (8, 64, 20_000),
            (16, 64, 40_000),
            (32, 4096, 17_500),
            (128, 4096, 1_000),
            (32_768, 1_048_576, 1_000),
        ]
        .map(joint)
        .into(),
        never_freed_sizes: [(128, 500)].map(class).into(),
    }
}

/// Results of the first contenders, as in a good run.
pub(crate) fn results() -> Results {
    let mut results = empty();
    results.trace.distributions = Figure::Known(distributions());
    results.contenders = vec![
        contender("null").role(Role::Floor).fresh_ns(36).steady_ns(36).without_memory("hands out no memory").build(),
        contender("bump").role(Role::Baseline).pages(7795).fresh_ns(209).steady_ns(64).build(),
        contender("segregated-bump").pages(52).grows_by(40).fresh_ns(185).steady_ns(93).build(),
        contender("segregated-bump-mv").role(Role::Ablation).pages(70).fresh_ns(191).steady_ns(98).build(),
        contender("dlmalloc").version("0.2.14").pages(20).fresh_ns(125).steady_ns(126).build(),
        contender("talc").version("5.1.1").pages(22).fresh_ns(94).steady_ns(94).build(),
        contender("wee_alloc").version("0.4.5").pages(889).fresh_ns(399).steady_ns(275).build(),
    ];
    results
}

/// A search with one member that takes 80 pages where the flagship takes 100.
pub(crate) fn tuning() -> Tuning {
    let on = |pages: u64, [value, low, high]: [f64; 3]| {
        let time = Figure::Known(TimeRatio { value, interval: Some([low, high]) });
        TunedOnTrace {
            trace: "sample".into(),
            predicted_pages: Some(pages),
            pages: Figure::Known(pages),
            fresh: time.clone(),
            steady: time,
            worst_call_ns: Figure::Known(2500.0),
        }
    };
    let row = |design: &str, chosen_for: &[&str], on: TunedOnTrace| TunedRow {
        design: design.into(),
        chosen_for: chosen_for.iter().map(|&what| what.into()).collect(),
        module_bytes: Figure::unknown("no compiler"),
        traces: vec![on],
    };
    Tuning {
        tuning_version: Tuning::VERSION,
        provenance: empty().provenance,
        page_bytes: 65_536,
        chosen_on: vec!["sample".into()],
        judged_on: Vec::new(),
        tried: 400,
        are_compiled: false,
        rows: vec![
            row("swept-bump", &[], on(100, [1.0, 0.97, 1.03])),
            row("swept-bump:bins=32", &["smallest heap"], on(80, [0.97, 0.92, 1.02])),
        ],
        held_out: Vec::new(),
    }
}

/// What the WebAssembly lane gives: two engines' tiers, an ablation, a row without a time, and the floor.
pub(crate) fn wasm() -> WasmResults {
    let spread = |median: f64| Figure::Known(Spread { median, interval: Some([median - 1.0, median + 1.0]) });
    let time = |net: f64| WasmTime {
        gross_ns: vec![1_000_000; 6],
        net_ns_per_op: spread(net),
        ratio: Figure::Known(Spread { median: net / 20.0, interval: Some([net / 21.0, net / 19.0]) }),
    };
    let tiers = |net: Option<f64>| {
        let time = || net.map_or(Figure::unknown("not timed, because requests failed"), |net| Figure::Known(time(net)));
        let tier = |engine: &str, tier: &str| TierTimes {
            engine: engine.into(),
            tier: tier.into(),
            fresh: time(),
            steady: time(),
        };
        vec![tier("Node", "optimised"), tier("Wasmtime", "cranelift")]
    };
    let row = |name: &str, bytes: i64, pages: u64, net: Option<f64>| {
        let added = AddedBytes { whole_bytes: bytes, code_bytes: bytes - 4, data_bytes: 4 };
        let worst = CostlyCall {
            event: 7,
            kind: CallKind::Alloc,
            size_bytes: 24,
            fuel: 600,
            live_bytes: 96,
            live_objects: 3,
            pages: 2,
            grown_pages: 1,
        };
        let percentiles = [(50.0, 90), (90.0, 120), (99.0, 300), (99.9, 500)];
        WasmRow {
            name: name.into(),
            version: "1.0.0".into(),
            role: Role::Contender,
            sizes: Figure::Known(ModuleSizes {
                z: added,
                z_wasm_opt: Figure::unknown("wasm-opt is not installed"),
                s: added,
                three: added,
            }),
            memory: Figure::Known(Observation {
                events: EVENTS,
                grown_pages: pages,
                growing_events: 1,
                grow_calls: Figure::Known(1),
                growth: vec![GrownAt { event: 3, pages }],
                failed_requests: u64::from(net.is_none()),
            }),
            fuel: Some(Figure::Known(FuelSummary {
                net_per_op: 150.0,
                bulk_bytes_per_op: 9.0,
                percentiles,
                worst,
                by_class: vec![ClassFuel {
                    kind: CallKind::Alloc,
                    up_to_bytes: Some(32),
                    calls: 9,
                    percentiles,
                    most: 600,
                }],
            })),
            times: tiers(net),
        }
    };
    let floor = WasmRow {
        role: Role::Floor,
        sizes: Figure::unknown("the floor is no allocator"),
        ..row("null", 0, 0, Some(0.0))
    };
    WasmResults {
        schema_version: WASM_SCHEMA_VERSION,
        trace: empty().trace.name,
        sha256: empty().trace.sha256,
        events: EVENTS,
        engines: vec![Figure::Known("Node 20.20.2 (V8 11.3)".into()), Figure::Known("Wasmtime 44.0.0".into())],
        compiler: "rustc 1.95.0 (59807616e 2026-04-14)".into(),
        opt_level: "3".into(),
        touch: true,
        limit_pages: 65_536,
        rounds: 6,
        reference: "dlmalloc".into(),
        rows: vec![
            row("dlmalloc", 6656, 83, Some(20.0)),
            row("talc", 1794, 84, Some(16.0)),
            row("tiny", 236, 645, Some(27.5)),
            WasmRow { role: Role::Ablation, ..row("tiny-mv", 200, 700, Some(30.0)) },
            row("refuses", 100, 10, None),
            floor,
        ],
    }
}

/// Results with a row of every kind that tables show: the best and the second best, a row that fails requests, a row
/// that fails verification, a yardstick, the floor; and with warnings.
pub(crate) fn of_every_kind() -> Results {
    let mut results = empty();
    let floor = contender("null").role(Role::Floor).fresh_ns(36).steady_ns(20);
    results.contenders = vec![
        floor.without_memory("hands out no memory").build(),
        contender("wee_alloc").version("0.4.5").pages(889).fresh_ns(118).steady_ns(112).failed_requests(12).build(),
        contender("dlmalloc").version("0.2.14").pages(20).fresh_ns(125).steady_ns(126).build(),
        contender("talc").version("5.1.1").pages(22).fresh_ns(94).steady_ns(94).build(),
        contender("bump").role(Role::Baseline).pages(7795).fresh_ns(209).steady_ns(64).build(),
        contender("broken").invalid(17, "block 3 overlaps block 2").build(),
    ];
    results.trace.origin = Origin::Synthetic;
    let warning = |code, message: &str| Warning { code, message: message.into() };
    results.warnings =
        vec![warning(WarningCode::NoisyMachine, "two replays at once."), warning(WarningCode::Governor, "powersave.")];
    results
}

/// Results of two runs, merged: `a` and `b`, each with a floor of its own as a companion.
pub(crate) fn of_several_runs() -> Results {
    let with_floor = |mut contender: Contender| {
        let Figure::Known(time) = &mut contender.time else { unreachable!("it is timed") };
        let (fresh_ns, steady_ns) = (vec![1; time.fresh_ns.len()], vec![1; time.steady_ns.len()]);
        time.companions.push(Companion { name: "null".into(), fresh_ns, steady_ns, ..Companion::default() });
        contender
    };
    let contenders = [
        contender("a").pages(20).fresh_ns(20).steady_ns(20).build(),
        contender("b").pages(30).fresh_ns(10).steady_ns(10).build(),
    ];
    Results { contenders: contenders.map(with_floor).into(), ..empty() }
}

/// Results as in a damaged file: more pages in use than there are, events out of order, sizes beyond any heap.
pub(crate) fn contradictory() -> Results {
    let mut results = results();
    results.settings.page_bytes = u64::MAX - 1;
    for contender in &mut results.contenders {
        let Figure::Known(memory) = &mut contender.memory else { continue };
        memory.occupancy.at_peak_heap.occupied_pages = u64::MAX;
        memory.timeline.reverse();
        memory.timeline[500].committed_bytes = u64::MAX;
        memory.timeline[600].event = u64::MAX;
        (memory.grid.row_bytes, memory.grid.events_per_column) = (u64::MAX, u64::MAX);
        memory.strips.iter_mut().for_each(|strip| strip.part_bytes = u64::MAX);
    }
    let Figure::Known(bounds) = &mut results.bounds else { unreachable!("they are known") };
    (bounds.clairvoyant_bytes, bounds.max_live_bytes) = (u64::MAX, 0);
    results
}
