//! What to ship, by the reader's situation: the one piece of reasoning that the terminal, the page, Markdown and JSON show.
//!
//! Nothing is weighed: each situation has one figure that decides, and of what cannot be told apart by it, the contender
//! that needs the least memory comes first. So nothing is recommended that another beats in both time and memory.
//! Yardsticks, ablations and the floor are never recommended, nor is what failed a request. A heap that goes on growing
//! is not for a program that runs on, and wherever else its contender is named, the same sentence says so.
//!
//! ```
//! use heaprace_reports::recommendation::Recommendation;
//! use heaprace_reports::results::Results;
//!
//! fn show(results: &Results) {
//!     for advice in Recommendation::of(results).advice {
//!         println!("{}: {}", advice.situation.name(), advice.text());
//!     }
//! }
//! ```

mod advice;
mod one_trace;
mod over_traces;
mod small_module;
mod words;

use crate::results::Results;
use crate::stats::{by_origin, check};

pub use advice::{Advice, Avoid, Beside, LEGEND, Recommendation, Situation, SmallModule};
pub use small_module::small_module;

impl Recommendation {
    /// What the results of one trace recommend.
    pub fn of(results: &Results) -> Self {
        Recommendation {
            traces: vec![results.trace.name.clone()],
            origin: results.trace.origin,
            reference: results.settings.baseline.clone(),
            advice: one_trace::advice(results),
            avoid: one_trace::avoid(results),
            small_module: small_module(&results.wasm.iter().collect::<Vec<_>>()),
            run: one_trace::run(results),
        }
    }

    /// What it rests on: the trace's name, or how many traces of which origin.
    pub fn evidence(&self) -> String {
        match &self.traces[..] {
            [trace] => trace.clone(),
            several => words::traces(self.origin, several.len()),
        }
    }

    /// What the results of several traces recommend together: one for each origin with two traces or more, recorded
    /// traces first. An origin whose results may not share a mean has none.
    pub fn over(all: &[Results]) -> Vec<Self> {
        let groups = by_origin(all).into_iter().filter(|(_, group)| group.len() > 1);
        let groups = groups.filter(|(_, group)| check(group.iter().copied()).is_ok());
        groups.map(|(origin, group)| over_traces::recommendation(origin, &group)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{BuildProfile, Contender, Origin, Role};
    use crate::sample::{self, contender};

    fn recommended(contenders: Vec<Contender>) -> Recommendation {
        Recommendation::of(&Results { contenders, ..sample::empty() })
    }

    fn advice(found: &Recommendation, situation: Situation) -> &Advice {
        found.advice.iter().find(|advice| advice.situation == situation).unwrap()
    }

    fn climber() -> Vec<Contender> {
        vec![
            contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
            contender("talc").pages(22).fresh_ns(180).steady_ns(160).build(),
            contender("climber").pages(80).grows_by(9).fresh_ns(100).steady_ns(100).build(),
        ]
    }

    #[test]
    fn what_grows_is_not_for_a_program_that_runs_on_and_is_named_with_its_growth_elsewhere() {
        let found = recommended(climber());
        let runs_on = advice(&found, Situation::RunsOn);
        assert_eq!(runs_on.ship, ["talc"]);
        assert_eq!(
            runs_on.text(),
            "Ship talc: 0.80 × (0.80–0.80) the time of dlmalloc, 1.38 MiB at the peak. dlmalloc comes next, with 1.25 × \
             (1.25–1.25) its time. climber takes 0.62 × (0.62–0.62) its time, but grows by 9 pages each time the work \
             repeats."
        );
        let starts = advice(&found, Situation::StartsAndEnds);
        assert_eq!(starts.ship, ["climber"]);
        let expected = "Ship climber, but it grows by 9 pages each time the work repeats: 0.50 × ";
        assert!(starts.sentence.starts_with(expected), "{starts:?}");
        let little = advice(&found, Situation::LittleMemory);
        assert_eq!(little.ship, ["dlmalloc"]);
        let expected = "Ship dlmalloc (the reference): 1.25 MiB at the peak, 1.25 × the most that the program held. talc comes next, with \
                        1.10 × as much.";
        assert_eq!(little.text(), expected);
        assert_eq!(found.avoid.len(), 1);
        let expected = "climber in a program that keeps running: it grows by 9 pages each time the work repeats.";
        assert_eq!(found.avoid_sentences()[0].1, expected);
    }

    /// The limit was reached before its growth was known, but its heap grew all the way.
    #[test]
    fn what_climbs_within_the_trace_is_not_for_a_program_that_runs_on_either() {
        let mut contenders = climber();
        let crate::results::Figure::Known(memory) = &mut contenders[2].memory else { unreachable!() };
        memory.growth = crate::results::Figure::unknown("the heap limit was reached in loop 2 of the trace");
        for (index, point) in memory.timeline.iter_mut().enumerate() {
            (point.live_bytes, point.committed_bytes) = (131_072, (index as u64 + 2) * 65_536);
        }
        let found = recommended(contenders);
        assert_eq!(advice(&found, Situation::RunsOn).ship, ["talc"]);
        let starts = &advice(&found, Situation::StartsAndEnds).sentence;
        let expected = "Ship climber, but it kept growing while the program held no more than before: ";
        assert!(starts.starts_with(expected), "{starts}");
        assert_eq!(found.avoid[0].name, "climber");
    }

    #[test]
    fn of_a_tie_the_one_with_the_least_memory_comes_first() {
        let found = recommended(vec![
            contender("a").pages(30).fresh_ns(100).steady_ns(100).build(),
            contender("b").pages(20).fresh_ns(100).steady_ns(100).build(),
            contender("dlmalloc").pages(20).fresh_ns(300).steady_ns(300).build(),
        ]);
        let runs_on = advice(&found, Situation::RunsOn);
        assert_eq!(runs_on.ship, ["b", "a"]);
        assert_eq!(runs_on.details, ["Too close to it to tell by time: a (1.00–1.00 ×, 1.88 MiB at the peak)."]);
        assert_eq!(runs_on.run, None, "more rounds would show nothing else");
        assert_eq!(advice(&found, Situation::LittleMemory).ship, ["b", "dlmalloc"], "the faster first");
    }

    #[test]
    fn wide_intervals_ask_for_more_rounds() {
        let found = recommended(vec![
            contender("a").rounds_ns(&[100, 150, 100, 150, 120, 130, 110]).build(),
            contender("b").rounds_ns(&[150, 100, 150, 100, 130, 120, 125]).build(),
        ]);
        let runs_on = advice(&found, Situation::RunsOn);
        assert_eq!((runs_on.ship.len(), runs_on.run.as_deref()), (2, Some(words::MORE_ROUNDS)), "{runs_on:?}");
    }

    #[test]
    fn without_enough_evidence_it_says_what_to_run() {
        let found = recommended(vec![
            contender("a").rounds(2).fresh_ns(100).steady_ns(100).build(),
            contender("b").rounds(2).fresh_ns(200).steady_ns(200).build(),
        ]);
        let runs_on = advice(&found, Situation::RunsOn);
        let expected = "Not known: 2 common rounds, and a verdict needs 6. Measure again with --rounds 15.";
        assert_eq!((&runs_on.ship[..], runs_on.text().as_str()), (&[] as &[String], expected));
        let failed = recommended(vec![contender("a").failed_requests(3).build()]);
        for advice in &failed.advice {
            assert!(advice.ship.is_empty(), "{advice:?}");
            assert_eq!(advice.text(), "None: no contender served every request. Give a larger --heap-limit.");
        }
        assert_eq!(failed.avoid_sentences()[0].1, "a did not serve the whole trace: requests failed.");
        assert_eq!(failed.run, [words::one_trace_only(Origin::Recorded)]);
        let mut debug = Results { contenders: climber(), ..sample::empty() };
        debug.provenance.profile = BuildProfile::Debug;
        assert!(Recommendation::of(&debug).run[0].starts_with("Build Heaprace with --release"));
    }

    #[test]
    fn it_says_why_nobody_can_be_recommended() {
        let of = |row: Contender| recommended(vec![row]).advice.iter().map(Advice::text).collect::<Vec<_>>();
        let bump = of(contender("bump").role(Role::Baseline).build());
        let expected = "None: no allocator that can be shipped took part. Add allocators: see --list.";
        assert!(bump.len() == 3 && bump.iter().all(|text| text == expected), "{bump:?}");
        let broken = of(contender("a").invalid(1, "overlap").build());
        let expected = "None: no contender is known to serve every request (failed verification). Measure again;";
        assert!(broken.iter().all(|text| text.starts_with(expected)), "{broken:?}");
        let unknown = of(contender("a").without_memory("not examined").build());
        assert!(unknown.iter().all(|text| text.contains("every request (not examined).")), "{unknown:?}");
    }

    #[test]
    fn who_failed_in_the_same_way_shares_a_sentence() {
        let found = recommended(vec![
            contender("a").failed_requests(3).build(),
            contender("b").grows_by(2).build(),
            contender("c").failed_requests(1).build(),
        ]);
        let expected = [
            (vec!["a", "c"], "a and c did not serve the whole trace: requests failed.".to_owned()),
            (
                vec!["b"],
                "b in a program that keeps running: it grows by 2 pages each time the work repeats.".to_owned(),
            ),
        ];
        assert_eq!(found.avoid_sentences(), expected);
    }

    #[test]
    fn only_what_can_be_shipped_is_recommended() {
        for role in [Role::Baseline, Role::Ablation, Role::Floor] {
            let contenders = || {
                vec![
                    contender("best").role(role).pages(1).fresh_ns(1).steady_ns(1).build(),
                    contender("dlmalloc").pages(20).fresh_ns(200).steady_ns(200).build(),
                    contender("talc").pages(22).fresh_ns(300).steady_ns(300).build(),
                ]
            };
            let found = recommended(contenders());
            assert!(found.advice.iter().all(|advice| advice.ship == ["dlmalloc"]), "{role:?}: {found:?}");
            let all = ["one", "two", "three", "four", "five", "six"].map(|name| sample::on(name, contenders()));
            for some in [&all[..], &all[..3]] {
                let [over] = &Recommendation::over(some)[..] else { panic!("one origin") };
                assert!(over.advice.iter().all(|advice| advice.ship == ["dlmalloc"]), "{role:?}: {over:?}");
            }
        }
        let all_grow = recommended(vec![
            contender("a").grows_by(1).fresh_ns(1).steady_ns(1).build(),
            contender("b").grows_by(2).fresh_ns(2).steady_ns(2).build(),
        ]);
        let runs_on = advice(&all_grow, Situation::RunsOn);
        assert!(runs_on.ship.is_empty(), "{runs_on:?}");
        let expected =
            "None: a grows by 1 page each time the work repeats and b grows by 2 pages each time the work repeats.";
        assert_eq!(runs_on.sentence, expected);
    }

    #[test]
    fn json_has_every_figure_of_the_sentences() {
        let json = serde_json::to_value(recommended(climber())).unwrap();
        assert_eq!(json["reference"], "dlmalloc");
        let runs_on = &json["advice"][0];
        assert_eq!((&runs_on["situation"], &runs_on["ship"]), (&"long-running".into(), &serde_json::json!(["talc"])));
        assert_eq!(runs_on["metric"], "steady_ns_per_op");
        assert_eq!(runs_on["next"], serde_json::json!({"name": "dlmalloc", "ratio": 1.25, "low": 1.25, "high": 1.25}));
        assert_eq!(runs_on["beside_reference"]["name"], "dlmalloc");
        assert_eq!(runs_on["peak_heap_bytes"], 22 * 65_536);
        assert_eq!(json["avoid"][0]["situations"], serde_json::json!(["long-running"]));
    }

    #[test]
    fn the_metrics_are_in_the_catalogue() {
        let names: Vec<&str> = crate::model::of_contenders().iter().map(|metric| metric.name.as_str()).collect();
        for situation in Situation::ALL {
            assert!(names.contains(&over_traces::metric(situation)), "{situation:?}");
        }
        for contenders in [climber(), vec![contender("a").min_pages(18, 0).build()]] {
            for advice in recommended(contenders).advice {
                assert!(names.contains(&advice.metric), "{}", advice.metric);
            }
        }
    }

    #[test]
    fn a_small_module_is_one_that_takes_few_pages_too() {
        let found = recommended(climber());
        assert_eq!(found.small_module, None, "it was not replayed there");
        let wasm = sample::wasm();
        let module = small_module(&[&wasm]).unwrap();
        assert_eq!((module.ship.as_str(), module.added_bytes, module.pages), ("talc", 1794, 84));
        assert_eq!(
            module.text(),
            "Ship talc: 1,794 bytes at opt-level z, 84 pages, 0.80 × (0.76–0.84) the time of dlmalloc in Node. Fewer \
             bytes, but more memory: tiny (236 bytes, 645 pages)."
        );
        // Over several traces, pages are those of all, and there is no one time.
        let module = small_module(&[&wasm, &wasm]).unwrap();
        assert_eq!((module.pages, module.beside_reference.is_none()), (168, true));
        let expected = "168 pages on 2 traces, 0.80 to 0.80 × the time of dlmalloc in Node.";
        assert!(module.sentence.ends_with(expected), "{}", module.sentence);
    }

    #[test]
    fn of_a_slow_small_module_it_says_what_is_as_fast_as_the_reference() {
        let mut wasm = sample::wasm();
        let tiny = wasm.rows.iter_mut().find(|row| row.name == "tiny").unwrap();
        let crate::results::Figure::Known(memory) = &mut tiny.memory else { unreachable!() };
        memory.grown_pages = 90;
        let module = small_module(&[&wasm]).unwrap();
        assert_eq!(module.ship, "tiny");
        assert_eq!(module.details, ["No slower than dlmalloc: talc, with 1,794 bytes."]);
    }
}
