//! Several traces at once: how often each contender wins. Recorded and synthetic traces are counted apart, as it is
//! unknown how many synthetic traces equal a real program. Results of several settings, such as those of a sweep, are
//! counted apart, too: each setting has its own means, charts over traces, and numbers of wins.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use super::charts;
use super::findings::Findings;
use super::heading::{Level, part};
use super::means::means;
use super::provenance::origin;
use super::settings::{Setting, each_setting, settings};
use super::ship::ship;
use super::size::{CLIMBS, GROWS};
use super::speed::fastest_for;
use super::statement::{Statement, Tone, cards};
use super::winners::winners_by_trace;
use crate::ReportError;
use crate::climb::climbing;
use crate::growth::{self, OverTraces};
use crate::prose::and;
use crate::ranking::{self, of_kind};
use crate::recommendation::Recommendation;
use crate::results::{Contender, Origin, Results, Role};
use crate::stats::{Fastest, Measure, Regime, by_kind, by_origin, completed, eligible, expected_by_chance, smallest};

/// The part of the page about all traces together. `switches` come after what to ship.
pub(super) fn section(results: &[Results], found: &[Findings], switches: Markup) -> Result<Markup, ReportError> {
    let settings = settings(results);
    let title = |of: &Recommendation, setting: &Setting| format!("What to ship, over {}{}", of.evidence(), setting.of);
    let together: Vec<(&Setting, Vec<Recommendation>)> =
        settings.iter().map(|setting| (setting, Recommendation::over(&setting.results))).collect();
    let charts = |these: &[&str]| -> Result<Markup, ReportError> {
        each_setting(&settings, Level::TWO.below(), |at, setting, _| charts::over_traces(&setting.results, at, these))
    };
    let winners = each_setting(&settings, Level::TWO.below(), |_, setting, level| {
        let apart: Vec<Findings>;
        let found = match &settings[..] {
            [_] => found,
            _ => {
                apart = setting.results.iter().map(Findings::of).collect();
                &apart
            }
        };
        Ok(cards(&statements(found), level))
    })?;
    let more =
        each_setting(&settings, Level::TWO.below(), |at, setting, _| charts::others_over_traces(&setting.results, at))?;
    Ok(html! {
        section #overall {
            @for (setting, recommendations) in &together {
                @match recommendations.first() {
                    Some(first) => (ship(first, &title(first, setting), Level::TWO)),
                    None => (nothing_together(setting)),
                }
            }
            (switches)
            section #charts {
                h2 { "Time against memory, over all traces" }
                (charts(&charts::TIME_AND_MEMORY)?)
            }
            section { h2 { "Memory over time" } (charts(&charts::OVER_TIME)?) }
            @for (setting, recommendations) in &together {
                @for other in recommendations.iter().skip(1) {
                    @let title = title(other, setting);
                    (part("", Level::TWO, &title, ship(other, &title, Level::TWO.below())))
                }
            }
            (part("means", Level::TWO, "Geometric means", means_of_groups(&settings)))
            (part("winners", Level::TWO, "Trace by trace", html! {
                (winners)
                @if let Some(chance) = expected_by_chance(found.iter().map(Findings::verdicts).sum()) {
                    p.note {
                        "The fastest contender is found by comparing the best with each of the others, on each trace, "
                        "fresh and steady. " (chance)
                    }
                }
                (winners_by_trace(found))
            }))
            (part("more", Level::TWO, "More charts over all traces", more))
        }
    })
}

/// Why there is no recommendation over several traces.
fn nothing_together(Setting { of, results }: &Setting) -> Markup {
    let refused = by_origin(results).into_iter().find_map(|(_, group)| ranking::check(group).err());
    html! {
        section.ship {
            h2 { "What to ship" (of) }
            p {
                "There is no answer over all of these traces: "
                @match refused {
                    Some(error) => (error),
                    None if results.len() == 1 => "there is one trace",
                    None => "only traces of one origin are taken together, and each has another",
                }
                ". Each trace has its own below."
            }
        }
    }
}

/// The means over the traces of each origin, and of each kind of program, by setting.
fn means_of_groups(settings: &[Setting]) -> Markup {
    html! { @for setting in settings { (means_of_setting(setting)) } }
}

fn means_of_setting(Setting { of, results }: &Setting) -> Markup {
    // Origins are never in one mean.
    let origins = by_origin(results);
    let groups = origins.iter().flat_map(|(kind, group)| {
        let whole = (format!("{} {}", group.len(), noun(*kind, group.len())), group.clone());
        let parts = by_kind(group).into_iter().map(|(kind, part)| (of_kind(kind)(part.len() as u64), part));
        std::iter::once(whole).chain(parts).filter(|(_, group)| group.len() > 1)
    });
    html! {
        @for (traces, group) in groups {
            @match ranking::check(group.iter().copied()) {
                Ok(()) => {
                    h3 { "Geometric means over " (traces) (of) }
                    (cards(&[
                        means(fastest_for(Regime::Fresh), &group, Measure::Time(Regime::Fresh)),
                        means(fastest_for(Regime::Steady), &group, Measure::Time(Regime::Steady)),
                        means("Smallest peak heap, over peak live", &group, Measure::Footprint),
                    ], Level::TWO.below().below()))
                }
                Err(error) => p { "There are none over " (traces) (of) ": " (error) "." },
            }
        }
    }
}

/// The winner on a trace, or why there is none.
enum Outcome<'a> {
    /// One contender, or several with the same figure.
    Won(Vec<&'a Contender>),
    /// The figures leave it open.
    Inconclusive,
    /// There is a single contender, so nothing to win.
    Alone,
    /// There are no figures, in words.
    Unknown(&'static str),
}

/// The statements about all traces together.
fn statements(found: &[Findings]) -> Vec<Statement> {
    let mut statements = vec![
        count(fastest_for(Regime::Fresh), found, |one| fastest_on(&one.fresh)),
        count(fastest_for(Regime::Steady), found, |one| fastest_on(&one.steady)),
        count("Smallest peak heap", found, |one| smallest_on(one.results)),
    ];
    statements.extend(on_traces(GROWS, found, |one| {
        let contenders = one.contenders.iter().filter(|contender| contender.role == Role::Contender);
        contenders.filter(|one| growth::pages_per_loop(one).is_some()).map(|one| one.name.clone()).collect()
    }));
    statements.extend(on_traces(CLIMBS, found, |one| {
        climbing(one).into_iter().map(|(contender, _)| contender.name.clone()).collect()
    }));
    statements.extend(on_traces("Failed", found, |one| {
        one.contenders.iter().filter(|row| completed(row).is_err()).map(|row| row.name.clone()).collect()
    }));
    statements
}

fn fastest_on<'a>(fastest: &Fastest<'a>) -> Outcome<'a> {
    match fastest {
        Fastest::Clear { best, .. } => Outcome::Won(vec![best]),
        Fastest::Alone { .. } => Outcome::Alone,
        Fastest::NotTimed(_) => Outcome::Unknown("not timed"),
        Fastest::Tied { .. } | Fastest::Circle { .. } | Fastest::TooFewRounds { .. } | Fastest::NotCompared(_) => {
            Outcome::Inconclusive
        }
    }
}

fn smallest_on(results: &Results) -> Outcome<'_> {
    match smallest(results) {
        Some(_) if eligible(results).len() == 1 => Outcome::Alone,
        Some(found) => Outcome::Won(found.contenders()),
        None => Outcome::Unknown("not known"),
    }
}

/// On how many traces of each origin each contender wins.
fn count<'a>(
    question: &'static str,
    found: &'a [Findings<'a>],
    outcome: impl Fn(&'a Findings<'a>) -> Outcome<'a>,
) -> Statement {
    let mut detail = Vec::new();
    let mut first = None;
    for kind in [Origin::Recorded, Origin::Unstated, Origin::Synthetic] {
        let of_kind: Vec<&Findings> = found.iter().filter(|one| one.results.trace.origin == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        let mut wins = BTreeMap::<&str, OverTraces>::new();
        let mut without = BTreeMap::<&str, usize>::new();
        for one in &of_kind {
            let reason = match outcome(one) {
                Outcome::Won(winners) => {
                    winners.into_iter().for_each(|winner| wins.entry(&winner.name).or_default().add(winner));
                    continue;
                }
                Outcome::Inconclusive => "inconclusive",
                Outcome::Alone => "one contender alone",
                Outcome::Unknown(reason) => reason,
            };
            *without.entry(reason).or_default() += 1;
        }
        let (wins, without) = (most_first(wins, |wins| wins.traces), most_first(without, |&count| count));
        let all = wins.iter().map(|(_, wins)| wins.traces).chain(without.iter().map(|&(_, count)| count));
        let ties = if all.sum::<usize>() > of_kind.len() { " (ties count for each)" } else { "" };
        let won = wins.iter().map(|(name, wins)| {
            let but = wins.but("it");
            let but = but.strip_prefix(", ").map_or(String::new(), |but| format!(" ({but})"));
            format!("{name} on {}{but}", wins.traces)
        });
        let parts: Vec<String> =
            won.chain(without.iter().map(|(reason, count)| format!("{reason} on {count}"))).collect();
        detail.push(format!("Of {} {}: {}{ties}.", of_kind.len(), noun(kind, of_kind.len()), parts.join(", ")));
        first.get_or_insert((wins, without.first().copied(), of_kind.len(), kind));
    }
    let (answer, names) = match &first {
        Some((wins, without, all, kind)) => match (wins.first(), without) {
            (Some((_, OverTraces { traces: most, .. })), without) if without.is_none_or(|(_, count)| *most > count) => {
                let best: Vec<_> = wins.iter().take_while(|(_, wins)| wins.traces == *most).collect();
                let names: Vec<String> = best.iter().map(|(name, _)| (*name).to_owned()).collect();
                let (each, but) = match &best[..] {
                    [(_, wins)] => ("", wins.but("it")),
                    several => (" each", growth::but_over_traces(several.iter().map(|(name, wins)| (*name, *wins)))),
                };
                (format!("{} on {most} of {all} {}{each}{but}", and(&names), noun(*kind, *all)), names)
            }
            (_, Some((reason, count))) => (format!("{reason} on {count} of {all} {}", noun(*kind, *all)), Vec::new()),
            (_, None) => unreachable!("every trace has a winner or none"),
        },
        None => ("inconclusive".into(), Vec::new()),
    };
    let tone = if names.is_empty() { Tone::Open } else { Tone::Known };
    Statement { question, answer, names, detail, tone }
}

/// The pairs by their counts, largest first, and then by what is counted.
fn most_first<T: Ord, C>(counts: BTreeMap<T, C>, number: fn(&C) -> usize) -> Vec<(T, C)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(number(count)));
    counts
}

fn noun(kind: Origin, count: usize) -> String {
    let traces = if count == 1 { "trace" } else { "traces" };
    match kind {
        Origin::Unstated => traces.into(),
        kind => format!("{} {traces}", origin(kind)),
    }
}

/// The contenders concerned, and on which traces; `None` if there are none.
fn on_traces(
    question: &'static str,
    found: &[Findings],
    concerned: impl Fn(&Results) -> Vec<String>,
) -> Option<Statement> {
    let mut traces: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for one in found.iter().map(|one| one.results) {
        concerned(one).into_iter().for_each(|name| traces.entry(name).or_default().push(&one.trace.name));
    }
    let names: Vec<String> = traces.keys().cloned().collect();
    let detail = traces
        .iter()
        .map(|(name, traces)| format!("{name} on {} of {}: {}.", traces.len(), found.len(), traces.join(", ")))
        .collect();
    let answer = and(&names);
    (!names.is_empty()).then_some(Statement { question, answer, names, detail, tone: Tone::Bad })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::ProgramKind;
    use crate::sample::{self, contender};

    #[test]
    fn kinds_have_means_of_their_own_after_the_mean_of_all() {
        let kinds = [ProgramKind::Program, ProgramKind::Program, ProgramKind::Driver, ProgramKind::Driver];
        let mut all =
            ["a", "b", "c", "d"].map(|name| on(name, Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, 22)]));
        all.iter_mut().zip(kinds).for_each(|(results, kind)| results.trace.kind = Some(kind));
        let page = html(&all);
        let found = ["4 recorded traces", "2 programs of others", "2 drivers written for the library"]
            .map(|traces| page.find(&format!("<h3>Geometric means over {traces}</h3>")).unwrap());
        assert!(found.is_sorted());
        all.iter_mut().for_each(|results| results.trace.kind = Some(ProgramKind::Program));
        assert_eq!(html(&all).matches("Geometric means over").count(), 1);
    }

    fn on(trace: &str, origin: Origin, contenders: [(&str, u64, u64); 2]) -> Results {
        let mut results = sample::empty();
        (results.trace.name, results.trace.origin) = (trace.into(), origin);
        results.trace.sha256 = format!("sha of {trace}");
        results.contenders = contenders
            .map(|(name, steady_ns, pages)| {
                contender(name).fresh_ns(steady_ns).steady_ns(steady_ns).pages(pages).build()
            })
            .into();
        results
    }

    fn stated(results: &[Results]) -> Vec<Statement> {
        statements(&results.iter().map(Findings::of).collect::<Vec<_>>())
    }

    fn html(results: &[Results]) -> String {
        section(results, &results.iter().map(Findings::of).collect::<Vec<_>>(), html! {}).unwrap().into_string()
    }

    #[test]
    fn wins_are_counted_and_origins_kept_apart() {
        let all = [
            on("a", Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, 22)]),
            on("b", Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, 20)]),
            on("c", Origin::Recorded, [("dlmalloc", 100, 20), ("talc", 100, 22)]),
            on("d", Origin::Synthetic, [("dlmalloc", 100, 20), ("talc", 900, 22)]),
        ];
        let stated = stated(&all);
        assert_eq!(stated[0].answer, "talc on 2 of 3 recorded traces");
        assert_eq!(
            stated[0].detail,
            ["Of 3 recorded traces: talc on 2, inconclusive on 1.", "Of 1 synthetic trace: dlmalloc on 1."]
        );
        assert_eq!(stated[2].detail[0], "Of 3 recorded traces: dlmalloc on 3, talc on 1 (ties count for each).");
        assert_eq!(stated.len(), 3, "none climbs or failed");
    }

    #[test]
    fn a_winner_that_grows_says_so_in_the_same_sentence() {
        let mut all =
            ["a", "b", "c"].map(|trace| on(trace, Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, 22)]));
        all[2].contenders[1] = contender("talc").pages(22).grows_by(3).fresh_ns(100).steady_ns(100).build();
        let stated = stated(&all);
        let expected = "talc on 3 of 3 recorded traces, but it grows each time the work repeats on 1 of these";
        assert_eq!(stated[0].answer, expected);
        assert_eq!(
            stated[0].detail,
            ["Of 3 recorded traces: talc on 3 (but it grows each time the work repeats on 1 of these)."]
        );
        assert_eq!(stated[2].answer, "dlmalloc on 3 of 3 recorded traces");
        assert_eq!((stated[3].question, stated[3].detail[0].as_str()), (GROWS, "talc on 1 of 3: c."));
    }

    #[test]
    fn counts_say_how_many_verdicts_chance_makes() {
        let on =
            |index: u64| on(&format!("trace-{index}"), Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, 22)]);
        let all: Vec<Results> = (0..20).map(on).collect();
        assert!(html(&all).contains(&expected_by_chance(40).unwrap()), "of two contenders on 20 traces");
        assert!(!html(&all[..4]).contains("by chance"));
    }

    #[test]
    fn an_ablation_splits_no_vote() {
        let mut all = ["a", "b"].map(|trace| on(trace, Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, 22)]));
        for results in &mut all {
            results
                .contenders
                .push(contender("variant").role(Role::Ablation).pages(20).fresh_ns(100).steady_ns(1).build());
        }
        for statement in stated(&all) {
            assert!(!format!("{statement:?}").contains("variant") && statement.tone == Tone::Known, "{statement:?}");
        }
    }

    #[test]
    fn a_few_wins_among_many_ties_are_no_headline() {
        let tie = |trace| on(trace, Origin::Recorded, [("dlmalloc", 100, 20), ("talc", 100, 22)]);
        let all = [tie("a"), tie("b"), on("c", Origin::Recorded, [("dlmalloc", 100, 20), ("talc", 200, 22)])];
        let stated = stated(&all);
        assert_eq!((stated[0].answer.as_str(), stated[0].tone), ("inconclusive on 2 of 3 recorded traces", Tone::Open));
    }

    #[test]
    fn what_was_not_timed_or_has_one_contender_alone_is_not_inconclusive() {
        let untimed = |trace| {
            let mut results = on(trace, Origin::Recorded, [("dlmalloc", 100, 20), ("talc", 100, 22)]);
            results.contenders =
                ["dlmalloc", "talc"].map(|name| contender(name).without_time("rounds is 0").build()).into();
            results
        };
        let mut all =
            [untimed("a"), untimed("b"), on("c", Origin::Recorded, [("dlmalloc", 100, 20), ("talc", 200, 22)])];
        let of_two = stated(&all[..2]);
        assert_eq!((of_two[0].answer.as_str(), of_two[0].tone), ("not timed on 2 of 2 recorded traces", Tone::Open));
        assert_eq!(stated(&all)[0].detail, ["Of 3 recorded traces: dlmalloc on 1, not timed on 2."]);
        all.iter_mut().for_each(|one| one.contenders.truncate(1));
        let alone = stated(&all);
        let of = |at: usize| (alone[at].answer.as_str(), alone[at].tone);
        assert_eq!(of(2), ("one contender alone on 3 of 3 recorded traces", Tone::Open));
        assert_eq!(of(0), ("not timed on 2 of 3 recorded traces", Tone::Open));
        assert_eq!(alone[0].detail, ["Of 3 recorded traces: not timed on 2, one contender alone on 1."]);
    }

    #[test]
    fn a_failed_contender_is_named_with_its_traces() {
        let mut all = [
            on("a", Origin::Recorded, [("dlmalloc", 100, 20), ("talc", 100, 22)]),
            on("b", Origin::Recorded, [("dlmalloc", 100, 20), ("talc", 100, 22)]),
        ];
        all[1].contenders[1] = contender("talc").invalid(3, "overlap").build();
        let stated = stated(&all);
        assert_eq!((stated[3].question, stated[3].detail[0].as_str()), ("Failed", "talc on 1 of 2: b."));
    }

    /// Two traces, each with two page sizes, as from a sweep. With small pages, the other contender is the smaller one.
    #[test]
    fn each_setting_of_a_sweep_has_its_own_means_charts_and_wins() {
        let traces = ["a", "b"];
        let with = |page_bytes: u64, talc: u64| {
            traces.map(|trace| {
                let mut results = on(trace, Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, talc)]);
                results.settings.page_bytes = page_bytes;
                results.settings.heap_limit_pages = (1 << 32) / page_bytes;
                results
            })
        };
        let all = [with(65_536, 22), with(4096, 18)].concat();
        let page = html(&crate::label::labelled(&all));
        for settings in ["64 KiB pages", "4 KiB pages"] {
            for heading in [
                format!("<h2>What to ship, over 2 recorded traces, {settings}</h2>"),
                format!("<h3>2 traces, {settings}</h3>"),
                format!("<h3>Geometric means over 2 recorded traces, {settings}</h3><div"),
            ] {
                assert!(page.contains(&heading), "{heading} in {page}");
            }
        }
        for pooled in ["There is no answer", "There are none", "There is no mean", " of 4 recorded", "over 4 "] {
            assert!(!page.contains(pooled), "{pooled} in {page}");
        }
        // In the order of the settings.
        let of = |from: &str, to: &str| {
            let rest = &page[page.find(from).unwrap_or_else(|| panic!("{from} in {page}"))..];
            rest[..rest.find(to).unwrap_or(rest.len())].to_owned()
        };
        let means = of("<h3>Geometric means over 2 recorded traces, 4 KiB pages", "id=\"winners\"");
        assert!(means.contains("over 2 traces: talc 1.12, dlmalloc 1.25."), "{means}");
        assert!(
            page.contains("Of 2 recorded traces: dlmalloc on 2.") && page.contains("Of 2 recorded traces: talc on 2.")
        );
        assert_eq!(page.matches("data-chart=\"pareto-means-fresh\"").count(), 2);
        // Without several traces of a setting there is nothing to count.
        let one_each = [all[0].clone(), all[2].clone()];
        assert!(html(&one_each).contains("There is no answer over all of these traces: page sizes of a and a differ"));
    }

    #[test]
    fn what_must_not_be_mixed_is_in_no_mean() {
        let mut all = ["a", "b"].map(|trace| on(trace, Origin::Recorded, [("dlmalloc", 200, 20), ("talc", 100, 22)]));
        assert!(html(&all).contains("<h3>Geometric means over 2 recorded traces</h3><div"));
        all[1].settings.page_bytes = 4096;
        let reason = "There are none over 2 recorded traces: page sizes of a and b differ (65536 and 4096)";
        assert!(html(&all).contains(reason) && !html(&all).contains("Geometric means over"));
        all[0] = all[1].clone();
        assert!(html(&all).contains("There are none over 2 recorded traces: b occurs more than once"));
    }
}
