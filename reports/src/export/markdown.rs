//! Markdown: what to ship, and the table of each trace, narrow enough for a README or a pull request.

use super::columns::ExportColumns;
use crate::ReportError;
use crate::label::{by_settings, labelled};
use crate::recommendation::{LEGEND, Recommendation};
use crate::results::{Results, Role};
use crate::stats::{Regime, times_are_marked};
use crate::table::markdown::{escaped, markdown as table_as_markdown};
use crate::table::model::CellShape;
use crate::table::notes;
use crate::table::overview::for_exports;
use crate::table::placing::{growth_matters, placings};
use crate::times;

pub(super) fn markdown(all: &[Results], chosen: &ExportColumns) -> Result<Vec<u8>, ReportError> {
    let over = by_settings(all).into_iter().flat_map(|(settings, group)| {
        let of = if settings.is_empty() { settings } else { format!(", {settings}") };
        Recommendation::over(&group).into_iter().map(move |together| {
            let title = format!("What to ship, over {}{of}", together.evidence());
            recommended(&title, &together)
        })
    });
    let traces: Vec<String> = over.chain(labelled(all).iter().map(|results| one(results, chosen))).collect();
    Ok(traces.join("\n").into_bytes())
}

/// A recommendation as a list.
fn recommended(title: &str, recommendation: &Recommendation) -> String {
    let advice = recommendation.advice.iter();
    let advice = advice.map(|advice| format!("- **{}**: {}\n", advice.situation.name(), escaped(&advice.text())));
    let avoid = recommendation.avoid_sentences().into_iter();
    let avoid = avoid.map(|(_, sentence)| format!("- **avoid**: {}\n", escaped(&sentence)));
    let run = recommendation.run.iter().map(|run| format!("{}\n", escaped(run)));
    let (list, run) = (advice.chain(avoid).collect::<String>(), run.collect::<String>());
    format!("**{}**\n\n{list}\n{LEGEND}\n{run}", escaped(title))
}

fn one(results: &Results, chosen: &ExportColumns) -> String {
    let rows = placings(results);
    let mut table = for_exports(results, &rows, &chosen.shown(growth_matters(&rows)));
    for column in table.columns.iter_mut().filter(|column| column.shape == CellShape::Paired) {
        column.heading += " (95 % CI)";
    }
    for row in &mut table.rows {
        row.group.clear();
        row.version += match row.role {
            Role::Contender => "",
            Role::Baseline => " (yardstick)",
            Role::Ablation => " (ablation)",
            Role::Floor => " (floor)",
        };
    }
    let warnings = notes::warnings(results).into_iter();
    let notes = warnings.chain(notes::notes(results, &rows));
    let notes: String = notes.map(|note| format!("- {}\n", escaped(&note))).collect();
    let notes = if notes.is_empty() { notes } else { format!("\n{notes}") };
    format!(
        "{}\n{}\n\n{}\nFresh: {}. Steady: {}. Bold: {}. {}\n{notes}",
        recommended(&format!("What to ship, by {}", results.trace.name), &Recommendation::of(results)),
        escaped(&notes::caption(results)),
        table_as_markdown(&table),
        times::timed(Regime::Fresh),
        times::timed(Regime::Steady),
        notes::marks(times_are_marked(results), "bold"),
        escaped(&notes::provenance(results)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{self, contender};

    #[test]
    fn timings_of_several_runs_are_not_bold() {
        let text =
            String::from_utf8(markdown(&[sample::of_several_runs()], &ExportColumns::default()).unwrap()).unwrap();
        assert!(text.contains("| 1.00 (0.98–1.02) | 1.00 (0.98–1.02) | 1,920 |"), "{text}");
        assert!(
            text.contains(
                "Bold: the best of the contenders known to serve every request: the lowest memory figure; times come from several runs, and are not bold."
            ),
            "{text}"
        );
    }

    #[test]
    fn growth_has_a_column_if_a_contender_grows_and_headings_name_times_of_allocator_code_alone() {
        let text = |results: &Results| {
            String::from_utf8(markdown(std::slice::from_ref(results), &ExportColumns::default()).unwrap()).unwrap()
        };
        let mut results = sample::empty();
        results.contenders = vec![contender("a").build(), contender("b").build()];
        assert!(!text(&results).contains("grows by") && !text(&results).contains("code alone"));
        results.contenders[0] = contender("a").grows_by(1234).build();
        results.settings.touch = crate::results::TouchPolicy::None;
        let text = text(&results);
        let header = "| allocator | fresh ns/op, allocator code alone (95 % CI) | steady ns/op, allocator code alone (95 % CI) | peak, KiB \
                      | overhead × | grows by, pages | failed |\n";
        assert!(text.contains(header), "{text}");
        assert!(text.contains("| **1.25** | 1,234 | 0 |\n") && text.contains("| **1.25** | 0 | 0 |\n"), "{text}");
    }

    #[test]
    fn several_traces_have_their_recommendation_together_first() {
        let on = |name| sample::on(name, vec![contender("a").build(), contender("b").pages(30).build()]);
        let text = String::from_utf8(markdown(&[on("one"), on("two")], &ExportColumns::default()).unwrap()).unwrap();
        assert!(text.starts_with("**What to ship, over 2 recorded traces**\n\n- **long-running**: "), "{text}");
        assert_eq!(text.matches("**What to ship, ").count(), 3, "{text}");
    }

    #[test]
    fn looks_like_this() {
        let expected = "\
**What to ship, by serde-heavy**

- **long-running**: Ship talc: 0.75 × (0.75–0.75) the time of dlmalloc, 1.38 MiB at the peak. dlmalloc comes next, with 1.34 × (1.34–1.34) its time.
- **starts and ends**: Ship talc: 0.75 × (0.75–0.75) the time of dlmalloc, 1.38 MiB at the peak. dlmalloc comes next, with 1.33 × (1.33–1.33) its time.
- **little memory**: Ship dlmalloc (the reference): 1.25 MiB at the peak, 1.25 × the most that the program held. talc comes next, with 1.10 × as much.
- **avoid**: wee\\_alloc did not serve the whole trace: requests failed.
- **avoid**: broken did not serve the whole trace: failed verification.

Ranges in parentheses are 95 % confidence intervals: the true figure is outside in about 1 of 20 cases. 1.25 × the time is a quarter more.
This is one run of one program. For yours, record it with 'replay record'; for more, take --trace library.
To find the smallest heap that the program runs in, add --min-heap.

serde-heavy (synthetic): 200,000 events, peak live 1,048,576 B in 12,345 objects; every new byte written; 15 rounds

| allocator | fresh ns/op (95 % CI) | steady ns/op (95 % CI) | peak, KiB | overhead × | failed |
| :-- | --: | --: | --: | --: | --: |
| dlmalloc 0.2.14 | 12.5 (12.3–12.7) | 12.6 (12.4–12.8) | **1,280** | **1.25** | 0 |
| talc 5.1.1 | **9.40** (9.25–9.54) | **9.40** (9.25–9.54) | 1,408 | 1.38 | 0 |
| wee\\_alloc 0.4.5 | 11.8 (11.6–12.0) | 11.2 (11.0–11.4) | 56,896 | 55.6 | 12 |
| broken 0.1.0 | – | – | 1,280 | 1.25 | INVALID |
| bump 0.1.0 (yardstick) | 20.9 (20.6–21.2) | 6.40 (6.30–6.50) | 498,880 | 487 | 0 |
| null 0.1.0 (floor) | 3.60 (3.54–3.65) | 2.00 (1.97–2.03) | – | – | – |

Fresh: a program that starts and ends, on fresh pages, page faults included. Steady: a program that runs on: the trace looped until it settles. Bold: the best of the contenders known to serve every request: the lowest memory figure; the fastest, and all that cannot be told apart from it over at least 6 common rounds. Measured 2026-05-04";
        let text = String::from_utf8(markdown(&[sample::of_every_kind()], &ExportColumns::default()).unwrap()).unwrap();
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.contains(
                "\n\n- WARNING noisy-machine: two replays at once.\n- WARNING governor: powersave.\n- broken: INVALID"
            ),
            "{text}"
        );
        assert!(text.ends_with("\n- null: no memory figures (–): hands out no memory\n"), "{text}");
    }
}
