//! The results of one trace as text.

use std::collections::BTreeMap;

use super::advice;
use super::brief;
use super::details;
use super::instructions;
use super::latency;
use super::notes;
use super::overview::overview;
use super::paragraphs::{Paint, Paragraphs};
use super::placing::{Placing, placings};
use super::sparkline;
use super::timing;
use super::wasm::{in_short, wasm_text};
use super::wrap::wrap;
use crate::recommendation::Recommendation;
use crate::results::Results;
use crate::wasm::WasmResults;

/// The width if none is given, in columns.
const DEFAULT_WIDTH: usize = 100;

/// Bytes of a page of WebAssembly.
const WASM_PAGE_BYTES: u64 = 65_536;

/// Lines of a terminal that the first look keeps to, as far as it can.
const SCREEN_LINES: usize = 40;

/// Options of the text of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextOptions {
    /// Whether to print bold and red with ANSI escape sequences.
    pub color: bool,
    /// Maximum width in columns [default: 100].
    pub width: Option<usize>,
    /// Whether to show every figure of every row, the whole text of warnings, and where it was measured.
    pub details: bool,
    /// Whether to explain columns and marks below the tables.
    pub explain: bool,
}

impl TextOptions {
    pub(super) fn width(self) -> usize {
        self.width.unwrap_or(DEFAULT_WIDTH)
    }
}

/// The results of one trace as text: tables, the footprint over the run, warnings, and at the end what to ship.
///
/// By default this is a first look, which fits on a screen: one table of what can be shipped. Figures that were asked
/// for, such as minimum heaps, latency and instructions, are always there. The best figure of each column is marked,
/// together with all that tie with it. If the width is short, intervals move below medians, then figures below those
/// that they derive from; no figure is left out.
///
/// ```
/// use heaprace_reports::results::Results;
/// use heaprace_reports::table::{self, TextOptions};
///
/// fn show(results: &Results) {
///     print!("{}", table::text(results, TextOptions { width: Some(80), ..TextOptions::default() }));
/// }
/// ```
pub fn text(results: &Results, options: TextOptions) -> String {
    text_of(results, &placings(results), options)
}

/// The same with these placings.
pub(crate) fn text_of(results: &Results, rows: &[Placing], options: TextOptions) -> String {
    if options.details {
        return in_full(results, rows, options);
    }
    let text = first_look(results, rows, options, true);
    // What to ship stays in sight; the page and the details have the footprints.
    if text.lines().count() > SCREEN_LINES { first_look(results, rows, options, false) } else { text }
}

/// What can be shipped, in one table, and warnings in a line each.
fn first_look(results: &Results, rows: &[Placing], options: TextOptions, with_footprints: bool) -> String {
    let (width, paint) = (options.width(), Paint { color: options.color });
    let mut text = Paragraphs::new(width);
    let caption = wrap(&brief::caption(results), width, 2).into_iter().map(|line| paint.bold(&line));
    let table = brief::table(results, rows, width);
    let below = brief::legend(results, rows).into_iter().flat_map(|line| wrap(&line, width, 2));
    text.add(caption.chain(table.lines().map(|line| paint.table_line(line))).chain(below));
    let mut legend = brief::explanation(results, rows);
    legend.extend(asked_for(results, rows, &mut text));
    if with_footprints {
        text.add(sparkline::lines(rows, width));
    }
    text.add(notes::warnings(results).iter().map(|line| paint.red(&cut(line, width))));
    text.add(in_wasm(results, |wasm| in_short(wasm, &native_pages(results), width)));
    if options.explain {
        text.add_notes(&legend);
    }
    text.add_notes(&notes::failures(rows));
    text.add(advice::lines(&Recommendation::of(results), width, false, paint));
    text.end()
}

/// Every figure of every row, and every note.
fn in_full(results: &Results, rows: &[Placing], options: TextOptions) -> String {
    let (width, paint) = (options.width(), Paint { color: options.color });
    let mut text = Paragraphs::new(width);
    text.add(wrap(&notes::caption(results), width, 2).iter().map(|line| paint.bold(line)));
    let (overview, mut legend) = overview(results, rows, width);
    text.add(overview.lines().map(|line| paint.table_line(line)));
    let of_all = timing::table(results, rows).into_iter().chain(details::table(rows));
    of_all.for_each(|table| legend.extend(text.add_table(table)));
    legend.extend(asked_for(results, rows, &mut text));
    text.add(sparkline::lines(rows, width));
    text.add(notes::warnings(results).iter().flat_map(|line| wrap(line, width, 2)).map(|line| paint.red(&line)));
    text.add(in_wasm(results, |wasm| wasm_text(wasm, width)));
    if options.explain {
        text.add_notes(&legend);
    }
    text.add_notes(&notes::trace(results));
    text.add_notes(&notes::notes(results, rows));
    text.add_notes(&[notes::provenance(results)]);
    text.add(advice::lines(&Recommendation::of(results), width, true, paint));
    text.end()
}

/// Pages of 64 KiB at the peak, by name; none if the heap had other pages.
fn native_pages(results: &Results) -> BTreeMap<&str, u64> {
    let rows = if results.settings.page_bytes == WASM_PAGE_BYTES { &results.contenders[..] } else { &[] };
    rows.iter()
        .filter_map(|row| Some((row.name.as_str(), row.memory.known()?.peak_heap_bytes / WASM_PAGE_BYTES)))
        .collect()
}

/// What the same trace gave in WebAssembly, if it was replayed there.
fn in_wasm(results: &Results, text: impl Fn(&WasmResults) -> String) -> Vec<String> {
    results.wasm.iter().flat_map(|wasm| text(wasm).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Adds the tables of what an option asked for, and returns their legends.
fn asked_for(results: &Results, rows: &[Placing], text: &mut Paragraphs) -> Vec<String> {
    let latency = results.settings.latency.then(|| latency::tables(rows));
    let instructions = results.settings.instructions.then(|| instructions::table(rows));
    let tables = latency.into_iter().flatten().chain(instructions.into_iter().flatten());
    tables.flat_map(|table| text.add_table(table)).collect()
}

/// The text that fits the width, cut at a blank.
fn cut(text: &str, width: usize) -> String {
    let mut lines = wrap(text, width.saturating_sub(2), 0).into_iter();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::results::{Contender, Role, Warning, WarningCode};
    use crate::sample::{self, contender};

    /// With everything.
    const FULL: TextOptions = TextOptions { color: false, width: None, details: true, explain: true };

    fn plain(results: &Results) -> String {
        text(results, FULL)
    }

    fn with(contenders: Vec<Contender>) -> Results {
        Results { contenders, ..sample::empty() }
    }

    #[test]
    fn contradictory_figures_make_a_table_too() {
        assert!(plain(&sample::contradictory()).contains("clairvoyant"));
    }

    #[test]
    fn looks_like_this() {
        let expected = "\
serde-heavy (synthetic): 200,000 events, peak live 1,048,576 B in 12,345 objects; every new byte
  written; 15 rounds

allocator            fresh ns/op      steady ns/op     peak      peak   over-   J–W #4    failed
                         95 % CI           95 % CI   pages       KiB   head ×        %
─────────────────────────────────────────────────────────────────────────────────────────────────
dlmalloc 0.2.14  12.5  12.3–12.7   12.6  12.4–12.8      20*    1,280*    1.25*    25.0*        0
talc 5.1.1       9.40* 9.25–9.54   9.40* 9.25–9.54      22     1,408     1.38     37.5         0
wee_alloc 0.4.5  11.8  11.6–12.0   11.2  11.0–11.4     889    56,896     55.6    5,456        12
broken 0.1.0        –                 –                 20     1,280     1.25     25.0   INVALID
yardsticks:
bump 0.1.0       20.9  20.6–21.2   6.40  6.30–6.50   7,795   498,880      487   48,619         0
floor:
null 0.1.0       3.60  3.54–3.65   2.00  1.97–2.03       –         –        –        –         –
offline bound:
clairvoyant                                             17     1,088     1.06     6.25

timed            net fresh        net steady              fresh ×             steady ×
                     ns/op             ns/op             dlmalloc             dlmalloc
                   95 % CI           95 % CI              95 % CI              95 % CI
────────────────────────────────────────────────────────────────────────────────────────
dlmalloc   8.90  8.76–9.03   10.6  10.4–10.8       1                    1
talc       5.80  5.71–5.89   7.40  7.28–7.51   0.752  0.752–0.752   0.746  0.746–0.746
wee_alloc  8.20  8.07–8.32   9.20  9.05–9.34   0.944  0.944–0.944   0.889  0.889–0.889
bump       17.3  17.0–17.6   4.40  4.33–4.47   1.672  1.672–1.672   0.508  0.508–0.508
null          –                 –              0.288  0.288–0.288   0.159  0.159–0.159

in detail  J–W #1     span  internal  gaps  pages   pages
                %      KiB     frag.     %   live  pinned
                                   %            %
──────────────────────────────────────────────────────────
dlmalloc        –    1,280         –     –      –       0
talc            –    1,408         –     –      –       0
wee_alloc       –   56,896         –     –      –       0
broken          –    1,280         –     –      –       0
bump            –  498,880         –     –      –       0

in detail     in  copied  resident  largest  external
           place       ×       KiB      gap     frag.
               %                        KiB         %
──────────────────────────────────────────────────────
dlmalloc       –       –     1,280      640      50.0
talc           –       –     1,408      704      50.0
wee_alloc      –       –    56,896   28,448      50.0
broken         –       –     1,280      640      50.0
bump           –       –   498,880  249,440      50.0

committed heap over the run, by events, all on one scale, and its peak
(live)     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁     1 MiB
dlmalloc   ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1.25 MiB
talc       ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1.38 MiB
wee_alloc  ▁▁▁▁▁▁▂▂▂▂▂▂▃▃▃▃▃▃▃▄▄▄▄▄▄▅▅▅▅▅▅▅▆▆▆▆▆▆▇▇▇▇▇▇████████████████  55.6 MiB
broken     ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  1.25 MiB

WARNING noisy-machine: two replays at once.
WARNING governor: powersave.

* the best of the contenders known to serve every request: the lowest memory figure; the fastest,
  and all that cannot be told apart from it over at least 6 common rounds.
Sorted by overhead, then by fresh time, with failures last. Overhead is peak heap / peak live (where
  requests failed: of what was served, not of the whole trace); J–W #4 (Johnstone and Wilson) is
  overhead less 1, in per cent. A page has 65,536 B.
Timings are medians with their 95 % confidence intervals (CI). Fresh: a program that starts and
  ends, on fresh pages, page faults included. Steady: a program that runs on: the trace looped until
  it settles.
Yardsticks are for comparison only: you would not ship them.
The clairvoyant placement knows every lifetime in advance: 1,048,578 B, 1.0000 × peak live. A
  heuristic finds it: a better one may exist, but none below peak live. Peak live with each size
  rounded up to its alignment is 1,048,676 B. Robson's bound: for this peak live and this largest
  size (65,400 B), some program forces any allocator to 8,388,608 B.
The floor allocates nothing: its time is that of the harness, which every other row includes.
Net is the time less the floor's; × dlmalloc is the gross time over dlmalloc's. Both are formed
  within each round, and shown as medians with 95 % confidence intervals over the rounds. Below 1 is
  faster.
In detail: J–W #1 is the mean of committed / live over bytes requested, less 1. Span is the size of
  an arena that would have sufficed. At peak live: internal fragmentation (share of granted bytes
  not requested) and gaps (share of the span without live objects). At peak heap: live bytes over
  committed bytes, and pinned pages, which are less than 10 % live. Reallocs: share served in place,
  and bytes copied per byte requested. At the end: the largest gap between live blocks, external
  fragmentation (share of the free bytes outside of it), and resident bytes, with every byte
  written. METRICS.md has the definitions.

broken: INVALID: failed verification at event 17: block 3 overlaps block 2
wee_alloc: 12 requests failed, first at event 4,711 (65,400 B, align 64) at 92 pages, 1,234 B live
broken: no timings (–): failed verification
null: no memory figures (–): hands out no memory

Measured 2026-05-04T12:00:00Z by Heaprace 0.1.0 (9700486), release build for
  x86_64-unknown-linux-gnu by rustc 1.95.0 (59807616e 2026-04-14), on AMD EPYC 7763 64-Core
  Processor; seed 42.

What to ship, by serde-heavy:
Long-running: Ship talc: 0.75 × (0.75–0.75) the time of dlmalloc, 1.38 MiB at the peak. dlmalloc
  comes next, with 1.34 × (1.34–1.34) its time.
Starts and ends: Ship talc: 0.75 × (0.75–0.75) the time of dlmalloc, 1.38 MiB at the peak. dlmalloc
  comes next, with 1.33 × (1.33–1.33) its time.
Little memory: Ship dlmalloc (the reference): 1.25 MiB at the peak, 1.25 × the most that the program
  held. talc comes next, with 1.10 × as much.
Avoid: wee_alloc did not serve the whole trace: requests failed.
Avoid: broken did not serve the whole trace: failed verification.
This is one run of one program. For yours, record it with 'replay record'; for more, take --trace
  library.
To find the smallest heap that the program runs in, add --min-heap.
";
        assert_eq!(plain(&sample::of_every_kind()), expected);
    }

    #[test]
    fn single_calls_and_instructions_have_tables_if_they_were_asked_for() {
        let mut results = with(vec![
            contender("null")
                .role(Role::Floor)
                .fresh_ns(36)
                .steady_ns(20)
                .without_memory("hands out no memory")
                .build(),
            contender("dlmalloc").version("0.2.14").pages(20).fresh_ns(125).steady_ns(126).build(),
            contender("broken").invalid(17, "block 3 overlaps block 2").build(),
        ]);
        for asked_for in ["single calls", "slowest call", "instructions", "Instructions", "no timings, latency"] {
            assert!(!plain(&results).contains(asked_for), "{asked_for}: not asked for");
        }
        results.settings.latency = true;
        results.settings.instructions = true;
        let text = text(&results, TextOptions { width: Some(80), ..FULL });
        let expected = "
single calls   p50   p90   p99  p99.9     max
                ns    ns    ns     ns      ns
──────────────────────────────────────────────
dlmalloc      12.6  18.9  37.8    378  11,340
null          2.00  3.00  6.00   60.0   1,800

slowest call      ns   call   size    event   live   heap  grown
                                 B             KiB    KiB    KiB
─────────────────────────────────────────────────────────────────
dlmalloc      11,340  alloc  4,096  150,000  1,024  1,280     64
null           1,800  alloc  4,096  150,000  1,024  1,280     64

instructions     per op  per op         all
              callgrind     net
────────────────────────────────────────────
dlmalloc           50.4    42.4  10,080,000
null               8.00    0.00   1,600,000

committed heap";
        assert!(text.contains(expected), "{text}");
        assert!(
            text.contains("The clock (tsc)")
                && text.contains("cost, 12.5 ns")
                && text.contains("resolution is 0.50 ns"),
            "{text}"
        );
        for legend in [
            "\nSingle calls: 3 fresh replays, with page faults",
            "\nInstructions: one fresh replay over its operations",
        ] {
            assert!(text.contains(legend), "{legend} in {text}");
        }
        assert!(text.contains("broken: no timings, latency, instructions (–): failed verification"), "{text}");
        results.contenders.remove(0);
        let plain = plain(&results);
        assert!(
            plain.contains("dlmalloc           50.4       –  10,080,000"),
            "without a floor there is no net: {plain}"
        );
    }

    /// The longest names, the largest heap and the slowest contender, with every figure in its place.
    fn widest() -> Results {
        let mut results = with(vec![
            contender("segregated-bump-moving")
                .version("0.2.14")
                .pages(65_536)
                .fresh_ns(14_453)
                .steady_ns(14_453)
                .build(),
            contender("buddy_system_allocator").version("0.13.0").pages(65_530).fresh_ns(12_000).steady_ns(9).build(),
            contender("linked_list_allocator").version("10.10.6").pages(1).failed_requests(200_000).build(),
            contender("buddy_system_allocatos")
                .version("0.13.0")
                .invalid(u64::MAX, &"long message ".repeat(20))
                .build(),
            contender("bump").role(Role::Baseline).without_memory(&"x".repeat(300)).build(),
        ]);
        results.trace.name = "a-trace-with-a-long-name-".repeat(9);
        results
    }

    #[test]
    fn nothing_exceeds_the_width() {
        for width in [60, 80, 100, 140] {
            let mut searched = widest();
            searched.settings.min_heap = true;
            searched.settings.latency = true;
            searched.settings.instructions = true;
            for results in [widest(), searched, sample::results(), sample::empty()] {
                let text = text(&results, TextOptions { width: Some(width), ..FULL });
                let longest = text.lines().max_by_key(|line| line.width()).unwrap();
                assert!(longest.width() <= width, "{} columns of {width}: {longest}", longest.width());
            }
        }
    }

    /// A table that is wider is split into several, and every figure stays whole.
    #[test]
    fn no_figure_is_broken_at_60_columns() {
        let tables = |width| {
            let text = text(&sample::results(), TextOptions { width: Some(width), ..FULL });
            text.split_once("\n\n* the best").unwrap().0.to_owned()
        };
        let narrow = tables(60);
        let words: Vec<&str> = narrow.split_whitespace().collect();
        for word in tables(140).split_whitespace().filter(|word| word.contains(|letter: char| letter.is_ascii_digit()))
        {
            assert!(words.contains(&word), "{word} in\n{narrow}");
        }
        assert!(narrow.matches("yardsticks:").count() > 1, "{narrow}");
    }

    #[test]
    fn no_figure_is_lost_at_100_columns() {
        let text = plain(&widest());
        for figure in [
            "segregated-bump-moving",
            "0.2.14",
            "1,445",
            "1,422–1,467",
            "65,530*",
            "4,193,920*",
            "65,536",
            "4,194,304",
            "4,096*",
            "409,500",
            "200,000",
            "INVALID",
            "buddy_system_allocator",
            "1,200",
            "0.90*",
        ] {
            assert!(text.contains(figure), "{figure} in\n{text}");
        }
    }

    #[test]
    fn every_line_ends_and_no_blank_ends_a_line() {
        let text = plain(&sample::results());
        assert!(text.ends_with(".\n") && !text.ends_with("\n\n"), "{text:?}");
        assert!(text.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn colour_adds_emphasis_and_nothing_else() {
        let mut results = sample::results();
        results.warnings.push(Warning { code: WarningCode::DebugBuild, message: "a debug build".into() });
        results.contenders.push(contender("broken").invalid(17, "block 3 overlaps block 2").build());
        let colored = text(&results, TextOptions { color: true, ..FULL });
        assert!(colored.contains("\u{1b}[1m20*\u{1b}[0m"), "the best is bold: {colored}");
        assert!(colored.contains("\u{1b}[1;31mINVALID\u{1b}[0m") && colored.contains("\u{1b}[1;31mWARNING"));
        let stripped =
            ["\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m"].iter().fold(colored, |text, code| text.replace(code, ""));
        assert_eq!(stripped, plain(&results));
        assert!(!stripped.contains('\u{1b}'));
    }
}
