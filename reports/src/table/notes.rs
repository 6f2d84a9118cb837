//! The text around a table: what was replayed, how to read it, what failed, and where it was measured.

use super::columns::INVALID;
use super::placing::Placing;
use super::terminal::UNKNOWN;
use crate::end_to_end;
use crate::numbers::{count, grouped};
use crate::prose::printable;
use crate::reasons::by_reason;
use crate::results::{Contender, Figure, Origin, Results, Role, TouchPolicy, Verification, Warning};
use crate::stats::{ROUNDS_FOR_95, Regime, times_are_marked};
use crate::times;

/// Explains times of allocator code alone, which no program has.
pub(crate) const ALONE: &str = "Allocator code alone: nothing is written into the blocks, so no program has these times. A \
    program writes into the memory that it requests, and pays for the resulting page faults and cache misses.";

/// Explains the column of growth.
const GROWS_BY: &str = "Grows by: pages that each further loop of the trace adds; 0 if the heap has settled.";

/// The trace and the settings, in one sentence.
pub(crate) fn caption(results: &Results) -> String {
    let (trace, settings) = (&results.trace, &results.settings);
    let origin = match trace.origin {
        Origin::Recorded => "recorded",
        Origin::Synthetic => "synthetic",
        Origin::Unstated => "origin not stated",
    };
    format!(
        "{} ({origin}): {}, peak live {} B in {}; {}; {}",
        printable(&trace.name),
        count(trace.events, "event"),
        grouped(trace.peak_live_bytes),
        count(trace.peak_live_objects, "object"),
        times::written(results),
        count(settings.rounds.into(), "round"),
    )
}

/// Reasons to distrust the timings.
pub(crate) fn warnings(results: &Results) -> Vec<String> {
    let warning = |warning: &Warning| format!("WARNING {}: {}", warning.code.name(), warning.message);
    results.warnings.iter().map(warning).collect()
}

/// What a mark means; `marked` says how an output marks a figure.
pub(crate) fn marks(times_are_marked: bool, marked: &str) -> String {
    let times = match times_are_marked {
        true => format!(
            "the fastest, and all that cannot be told apart from it over at least {ROUNDS_FOR_95} common rounds"
        ),
        false => format!("times come from several runs, and are not {marked}"),
    };
    format!("the best of the contenders known to serve every request: the lowest memory figure; {times}")
}

/// The denominator of overhead where requests failed.
pub(super) const OF_THE_SERVED: &str = "where requests failed: of what was served, not of the whole trace";

/// Whether a contender has figures, but of less work than the trace.
pub(super) fn some_failed(rows: &[Placing]) -> bool {
    rows.iter().any(|row| row.memory().is_some_and(|memory| memory.failed_requests > 0))
}

/// How to read the columns and the marks.
pub(super) fn legend(results: &Results, rows: &[Placing], with_growth: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if rows.iter().any(Placing::is_marked) {
        lines.push(format!("* {}.", marks(times_are_marked(results), "marked")));
    }
    let served = if some_failed(rows) { format!(" ({OF_THE_SERVED})") } else { String::new() };
    lines.push(format!(
        "Sorted by overhead, then by fresh time, with failures last. Overhead is peak heap / peak live{served}; J–W #4 \
         (Johnstone and Wilson) is overhead less 1, in per cent. A page has {} B.",
        grouped(results.settings.page_bytes)
    ));
    if results.settings.min_heap {
        lines.push(
            "Min pages: the smallest heap in which the trace completes, and its ratio to peak live, found by bisection \
             and a scan around the result. results.json lists every limit tried. An allocator that fails as soon as it \
             gets no page needs its whole peak."
                .into(),
        );
    }
    if results.settings.rounds > 0 {
        lines.push(format!(
            "Timings are medians with their 95 % confidence intervals (CI). Fresh: {}. Steady: {}.",
            times::timed(Regime::Fresh),
            times::timed(Regime::Steady),
        ));
        lines.extend(times::alone(&results.settings).map(|_| ALONE.to_owned()));
    }
    lines.extend(with_growth.then(|| GROWS_BY.to_owned()));
    if has(rows, Role::Baseline) {
        lines.push("Yardsticks are for comparison only: you would not ship them.".into());
    }
    if has(rows, Role::Ablation) {
        lines.push(
            "Ablations are variants of a contender with one decision switched: they show its effect, and never win."
                .into(),
        );
    }
    if let Figure::Known(bounds) = &results.bounds {
        lines.push(format!(
            "The clairvoyant placement knows every lifetime in advance: {} B, {:.4} × peak live. A heuristic finds it: a \
             better one may exist, but none below peak live. Peak live with each size rounded up to its alignment is {} \
             B. Robson's bound: for this peak live and this largest size ({} B), some program forces any allocator to {} \
             B.",
            grouped(bounds.clairvoyant_bytes),
            bounds.clairvoyant_bytes as f64 / bounds.max_live_bytes.max(1) as f64,
            grouped(bounds.max_live_aligned_bytes),
            grouped(bounds.max_size_bytes),
            grouped(bounds.robson_bytes),
        ));
    }
    if has(rows, Role::Floor) {
        lines.push(
            "The floor allocates nothing: its time is that of the harness, which every other row includes.".into(),
        );
    }
    lines
}

fn has(rows: &[Placing], role: Role) -> bool {
    rows.iter().any(|row| row.contender.role == role)
}

/// What is to be known of the trace itself.
pub(crate) fn trace(results: &Results) -> Vec<String> {
    end_to_end::sentences(results).into_iter().chain(import(results)).chain(extents(results)).collect()
}

/// The repairs on import, if another tool recorded the trace.
fn import(results: &Results) -> Option<String> {
    let repairs = &results.trace.repairs;
    (!repairs.is_empty()).then(|| format!("Imported from another tool's recording: {}.", repairs.join("; ")))
}

/// How much of the trace the replay could follow, if it wrote what the program wrote.
fn extents(results: &Results) -> Option<String> {
    let trace = &results.trace;
    let known = trace.extents.filter(|_| times::touched(results) == TouchPolicy::Written)?;
    Some(format!(
        "Timed replays write {} B of the {} B requested: the trace knows how far the program wrote {} of {}; of the \
         others, every new byte is written.",
        grouped(known.written_bytes),
        grouped(trace.allocated_bytes),
        grouped(known.known_blocks),
        count(known.blocks, "block"),
    ))
}

/// Every failure, and the reason for every missing figure.
pub(crate) fn notes(results: &Results, rows: &[Placing]) -> Vec<String> {
    let contenders = || rows.iter().map(|row| row.contender);
    let mut notes: Vec<String> = contenders().filter_map(verification_note).collect();
    notes.extend(contenders().filter_map(failed_requests_note));
    notes.extend(contenders().filter_map(not_monotone_note));
    let growth = rows.iter().any(|row| row.growth().is_some());
    let missing = rows.iter().flat_map(|row| {
        missing(row.contender, results, growth).into_iter().map(|what| (row.contender.name.as_str(), what))
    });
    notes.extend(by_reason(missing).into_iter().map(|(names, what)| format!("{names}: {what}")));
    notes
}

/// The failures of what can be shipped, and the reasons for its missing figures.
pub(super) fn failures(rows: &[Placing]) -> Vec<String> {
    let contenders = || rows.iter().map(|row| row.contender).filter(|row| row.role == Role::Contender);
    let invalid = contenders().filter_map(verification_note);
    let first = |row: &Contender| {
        let memory = row.memory.known().filter(|memory| memory.failed_requests > 0)?;
        let first = memory
            .first_failure
            .as_ref()
            .map(|first| format!(", first at event {} ({} B)", grouped(first.event), grouped(first.size_bytes)));
        let failed = count(memory.failed_requests, "request");
        Some(format!("{}: {failed} failed{}", row.name, first.unwrap_or_default()))
    };
    let mut notes: Vec<String> = invalid.chain(contenders().filter_map(first)).collect();
    let missing = contenders().filter_map(|row| Some((row.name.as_str(), reason(&row.memory)?)));
    notes.extend(by_reason(missing).into_iter().map(|(names, why)| format!("{names}: {why}")));
    notes
}

pub(crate) fn verification_note(contender: &Contender) -> Option<String> {
    match &contender.verification {
        Verification::Passed => None,
        Verification::Failed { event, message } => {
            Some(format!("{}: {INVALID}: failed verification at event {}: {message}", contender.name, grouped(*event)))
        }
        // The lack of checks is worth a note only if there are blocks to check.
        Verification::NotChecked { .. } if contender.role == Role::Floor => None,
        Verification::NotChecked { reason } => Some(format!("{}: not verified: {reason}", contender.name)),
    }
}

pub(crate) fn failed_requests_note(contender: &Contender) -> Option<String> {
    let memory = contender.memory.known().filter(|memory| memory.failed_requests > 0)?;
    let failed = format!("{}: {} failed", contender.name, count(memory.failed_requests, "request"));
    Some(match &memory.first_failure {
        None => failed,
        Some(first) => format!(
            "{failed}, first at event {} ({} B, align {}) at {}, {} B live",
            grouped(first.event),
            grouped(first.size_bytes),
            grouped(first.align_bytes),
            count(first.heap_pages, "page"),
            grouped(first.live_bytes),
        ),
    })
}

fn not_monotone_note(contender: &Contender) -> Option<String> {
    let min = contender.min_heap.known().filter(|min| min.failed_above > 0)?;
    Some(format!(
        "{}: completes in {}, but not in {} that were tried: more memory does not always help",
        contender.name,
        count(min.pages, "page"),
        count(min.failed_above, "larger heap"),
    ))
}

/// The requested figures that a contender lacks, and why. Growth counts if others have it.
fn missing(contender: &Contender, Results { settings, .. }: &Results, growth: bool) -> Vec<String> {
    let mut figures = vec![("memory figures", reason(&contender.memory)), ("timings", reason(&contender.time))];
    if settings.latency {
        figures.push(("latency", reason(&contender.latency)));
    }
    if settings.instructions {
        figures.push(("instructions", reason(&contender.instructions)));
    }
    if settings.min_heap {
        figures.insert(1, ("minimum heap", reason(&contender.min_heap)));
    }
    let asked = figures.len();
    let unknown: Vec<(&str, String)> = figures.into_iter().filter_map(|(what, why)| Some((what, why?))).collect();
    let all = unknown.len() == asked;
    // Parts of figures that exist as a whole.
    let steady = contender.time.known().filter(|time| time.steady_ns.is_empty() && !time.fresh_ns.is_empty());
    let steady = steady.map(|time| ("steady time", Regime::Steady.why_none(time).to_string()));
    let grows = contender.memory.known().filter(|_| growth).and_then(|memory| reason(&memory.growth));
    let grows = grows.map(|why| ("growth", why));
    let mut reasons = by_reason(unknown.into_iter().chain(steady).chain(grows));
    if let ([(what, _)], true) = (&mut reasons[..], all) {
        *what = "figures".into();
    }
    reasons.into_iter().map(|(what, why)| format!("no {what} ({UNKNOWN}): {why}")).collect()
}

/// The reason why a figure is missing, if it is.
pub(super) fn reason<T>(figure: &Figure<T>) -> Option<String> {
    figure.reason().map(ToString::to_string)
}

/// Where, when and with what the results were measured, in one line.
pub(crate) fn provenance(results: &Results) -> String {
    let from = &results.provenance;
    let unknown = if results.merged_from.is_empty() { "unknown processor" } else { "several processors" };
    let cpu = from.cpu.known().map_or(unknown, String::as_str);
    let merged = match results.merged_from.len() as u64 {
        0 => String::new(),
        cells => format!(", merged from {}", count(cells, "cell")),
    };
    let revision = from.git_revision.known().map(|revision| format!(" ({revision})")).unwrap_or_default();
    format!(
        "Measured {} by Heaprace {}{revision}, {} build for {} by {}, on {cpu}{merged}; seed {}.",
        from.date, from.heaprace_version, from.profile, from.target, from.rustc, results.settings.seed
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::WarningCode;
    use crate::results::{Extents, Part};
    use crate::sample::{self, contender};
    use crate::table::placing::placings;

    #[test]
    fn extents_that_a_replay_followed_are_stated() {
        let mut results = sample::results();
        (results.settings.touch, results.trace.allocated_bytes) = (TouchPolicy::Written, 2000);
        assert_eq!(trace(&results), [""; 0]);
        results.trace.extents = Some(Extents { blocks: 1004, known_blocks: 1003, written_bytes: 1234 });
        assert_eq!(
            trace(&results),
            [
                "Timed replays write 1,234 B of the 2,000 B requested: the trace knows how far the program wrote 1,003 of \
              1,004 blocks; of the others, every new byte is written."
            ]
        );
        results.settings.touch = TouchPolicy::All;
        assert_eq!(trace(&results), [""; 0]);
    }

    #[test]
    fn timings_of_several_runs_are_described_as_not_marked() {
        let results = sample::of_several_runs();
        let legend = legend(&results, &placings(&results), false).join("\n");
        assert!(legend.contains("times come from several runs, and are not marked."), "{legend}");
    }

    #[test]
    fn failures_are_reported_with_place_and_size() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("wee_alloc").pages(92).failed_requests(12).build(),
            contender("broken").invalid(1017, "block 3 overlaps block 2").build(),
        ];
        let notes = notes(&results, &placings(&results));
        assert_eq!(
            notes,
            [
                "broken: INVALID: failed verification at event 1,017: block 3 overlaps block 2",
                "wee_alloc: 12 requests failed, first at event 4,711 (65,400 B, align 64) at 92 pages, 1,234 B live",
                "broken: no timings (–): failed verification",
            ]
        );
    }

    #[test]
    fn a_reason_is_given_once_for_all_that_share_it() {
        let mut results = sample::empty();
        results.contenders = ["a", "b"].map(|name| contender(name).without_time("rounds is 0").build()).into();
        results.contenders.push(contender("c").without_time("aborted").without_memory("aborted").build());
        let notes = notes(&results, &placings(&results));
        assert_eq!(notes, ["a, b: no timings (–): rounds is 0", "c: no figures (–): aborted"]);
    }

    #[test]
    fn a_missing_steady_time_or_growth_has_a_note() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("dlmalloc").build(),
            contender("wee_alloc").without_steady("the heap limit was reached in loop 5").build(),
        ];
        let note = "wee_alloc: no steady time (–): the heap limit was reached in loop 5";
        assert_eq!(notes(&results, &placings(&results)), [note]);
        let Figure::Known(memory) = &mut results.contenders[1].memory else { unreachable!() };
        memory.growth = Figure::unknown("its time ran out");
        let rows_of = |results: &Results| notes(results, &placings(results));
        assert_eq!(rows_of(&results), [note, "wee_alloc: no growth (–): its time ran out"]);
        let Figure::Known(memory) = &mut results.contenders[1].memory else { unreachable!() };
        memory.growth = Figure::unknown("the heap limit was reached in loop 5");
        let both = "wee_alloc: no steady time, growth (–): the heap limit was reached in loop 5";
        assert_eq!(rows_of(&results), [both], "a shared reason is given once");
        results.contenders.remove(0);
        assert_eq!(rows_of(&results), [note], "without any known growth there is no column for it");
    }

    #[test]
    fn times_of_allocator_code_alone_are_explained() {
        let mut results = sample::results();
        let explained = |results: &Results| legend(results, &placings(results), false).contains(&ALONE.to_owned());
        assert!(!explained(&results) && caption(&results).contains("; every new byte written; 15 rounds"));
        results.settings.touch = crate::results::TouchPolicy::None;
        assert!(
            explained(&results) && caption(&results).contains("; allocator code alone: nothing written; 15 rounds")
        );
    }

    #[test]
    fn missing_minimum_heaps_are_noted_only_if_they_were_asked_for() {
        let mut results = sample::empty();
        results.contenders = vec![
            contender("null").without_memory("hands out no memory").without_min_heap("hands out no memory").build(),
            contender("refuses").without_min_heap("requests failed even at the heap limit").build(),
            contender("odd").min_pages(19, 2).build(),
        ];
        assert_eq!(notes(&results, &placings(&results)).len(), 2, "the odd one is known, asked for or not");
        results.settings.min_heap = true;
        assert_eq!(
            notes(&results, &placings(&results)),
            [
                "odd: completes in 19 pages, but not in 2 larger heaps that were tried: more memory does not always help",
                "refuses: no minimum heap (–): requests failed even at the heap limit",
                "null: no memory figures, minimum heap (–): hands out no memory",
            ]
        );
        assert!(
            legend(&results, &placings(&results), false)
                .join("\n")
                .contains("the smallest heap in which the trace completes")
        );
    }

    #[test]
    fn merged_results_give_their_number_of_cells_and_no_single_processor() {
        let mut results = sample::results();
        assert!(provenance(&results).contains("on AMD EPYC 7763 64-Core Processor; seed"), "{}", provenance(&results));
        let part = Part { part: "talc".into(), cell: "0123".into(), provenance: results.provenance.clone() };
        results.merged_from = vec![part.clone(), part];
        results.provenance.cpu = Figure::unknown("rows come from 2: A; B");
        assert!(
            provenance(&results).contains("on several processors, merged from 2 cells; seed"),
            "{}",
            provenance(&results)
        );
    }

    #[test]
    fn a_warning_has_its_code() {
        let mut results = sample::results();
        assert!(warnings(&results).is_empty());
        results.warnings.push(Warning { code: WarningCode::DebugBuild, message: "measured with a debug build".into() });
        assert_eq!(warnings(&results), ["WARNING debug-build: measured with a debug build"]);
    }
}
