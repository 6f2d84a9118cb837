//! What several traces of one origin recommend together.
//!
//! Only what served every request of every trace can be recommended, so one mean is over the same traces for all. Over
//! too few traces for a mean, what no trace speaks against is recommended, if there is such a contender.

use std::collections::BTreeMap;

use super::advice::{Advice, Avoid, Beside, Recommendation, Situation};
use super::one_trace;
use super::small_module::small_module;
use super::words::{self, range, times};
use crate::growth::{self, OverTraces};
use crate::numbers::{count, fixed};
use crate::prose::and;
use crate::results::{Contender, Origin, Results, Role};
use crate::stats::{Common, Estimate, Measure, ROUNDS_FOR_95, Regime, Verdict, common_of, completed, eligible};
use crate::wasm::WasmResults;

/// What these traces recommend, all of one origin and with the same settings.
pub(super) fn recommendation(origin: Origin, group: &[&Results]) -> Recommendation {
    let all = Group { origin, traces: group };
    let advice = Situation::ALL.map(|situation| all.advice(situation)).into();
    let few = (group.len() < ROUNDS_FOR_95).then(|| words::MORE_TRACES.to_owned());
    let wasm: Option<Vec<&WasmResults>> = group.iter().map(|one| one.wasm.as_ref()).collect();
    Recommendation {
        traces: group.iter().map(|one| one.trace.name.clone()).collect(),
        origin,
        reference: all.reference().to_owned(),
        advice,
        avoid: avoid(group),
        small_module: wasm.and_then(|all| small_module(&all)),
        run: few.into_iter().collect(),
    }
}

struct Group<'a> {
    origin: Origin,
    traces: &'a [&'a Results],
}

fn measure(situation: Situation) -> Measure {
    match situation {
        Situation::RunsOn => Measure::Time(Regime::Steady),
        Situation::StartsAndEnds => Measure::Time(Regime::Fresh),
        Situation::LittleMemory => Measure::Footprint,
    }
}

pub(super) fn metric(situation: Situation) -> &'static str {
    match situation {
        Situation::RunsOn => one_trace::STEADY,
        Situation::StartsAndEnds => one_trace::FRESH,
        Situation::LittleMemory => "overhead_ratio",
    }
}

impl Group<'_> {
    fn reference(&self) -> &str {
        self.traces.first().map_or("", |first| &first.settings.baseline)
    }

    fn rows<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Contender> {
        self.traces.iter().filter_map(move |one| one.contenders.iter().find(|row| row.name == name))
    }

    fn growth(&self, name: &str) -> OverTraces {
        OverTraces::of(name, self.traces)
    }

    /// The names of the contenders that served every request of every trace.
    fn served_all(&self) -> Vec<&str> {
        let Some((first, others)) = self.traces.split_first() else { return Vec::new() };
        let names = eligible(first).into_iter().map(|row| row.name.as_str());
        let on = |one: &&Results, name: &str| eligible(one).iter().any(|row| row.name == name);
        names.filter(|name| others.iter().all(|one| on(one, name))).collect()
    }

    fn advice(&self, situation: Situation) -> Advice {
        let advice = Advice { situation, metric: metric(situation), ..Advice::default() };
        let served = self.served_all();
        if served.is_empty() {
            let traces = words::traces(self.origin, self.traces.len());
            let sentence = format!("None: no contender served every request of all {traces}.");
            return Advice { sentence, run: Some(words::LARGER_LIMIT.to_owned()), ..advice };
        }
        let runs_on = situation == Situation::RunsOn;
        let (growing, settled): (Vec<&str>, Vec<&str>) =
            served.iter().partition(|name| runs_on && self.growth(name).going_on() > 0);
        if settled.is_empty() {
            let how = growing.iter().map(|name| format!("{name} on {}", self.growth(name).going_on()));
            let traces = words::traces(self.origin, self.traces.len());
            let sentence = format!("None: of {traces}, each contender goes on growing on some: {}.", and(how));
            return Advice { sentence, ..advice };
        }
        let found = self.common(&settled, situation);
        if self.traces.len() < ROUNDS_FOR_95 {
            return self.without_mean(advice, &settled, &found);
        }
        if found.traces.len() < ROUNDS_FOR_95 {
            let traces = count(found.traces.len() as u64, "trace");
            let sentence = format!("Not known: only {traces} of {} can be compared.", self.traces.len());
            return Advice { sentence, run: Some(words::FIFTEEN_ROUNDS.to_owned()), ..advice };
        }
        self.by_mean(advice, &found, &growing)
    }

    fn common(&self, names: &[&str], situation: Situation) -> Common {
        common_of(self.traces, self.reference(), measure(situation), |row| names.contains(&row.name.as_str()))
    }

    /// By the geometric mean over the traces, of which there are enough.
    fn by_mean(&self, advice: Advice, found: &Common, growing: &[&str]) -> Advice {
        let situation = advice.situation;
        let means = found.geometric_means();
        let lowest = (0..means.len()).min_by(|&one, &other| means[one].value.total_cmp(&means[other].value));
        let Some(lowest) = lowest else { return advice };
        let is_slower = |ratio: &Estimate| Verdict::of(ratio.interval) == Verdict::Slower;
        let to_lowest = found.ratios_to(lowest);
        let mut best: Vec<usize> = (0..means.len()).filter(|&row| !is_slower(&to_lowest[row])).collect();
        let memory = self.memory();
        let heap = |row: usize| memory.get(&found.rows[row].name).copied().unwrap_or(f64::INFINITY);
        match situation {
            Situation::LittleMemory => best.sort_by(|&one, &other| means[one].value.total_cmp(&means[other].value)),
            // None that another of them is known to beat.
            _ => {
                let slower = |row: usize, than: usize| is_slower(&found.ratios_to(than)[row]);
                let left: Vec<usize> =
                    best.iter().copied().filter(|&row| !best.iter().any(|&other| slower(row, other))).collect();
                best = if left.is_empty() { best } else { left };
                best.sort_by(|&one, &other| heap(one).total_cmp(&heap(other)));
            }
        }
        let first = best[0];
        let name = &found.rows[first].name;
        let to_first = found.ratios_to(first);
        let reference = found.rows.iter().position(|row| row.name == self.reference()).filter(|&row| row != first);
        let beside_reference = reference.map(|row| Beside::of(self.reference(), &found.ratios_to(row)[first]));
        let worse = (0..means.len()).filter(|row| !best.contains(row) && is_slower(&to_first[*row]));
        let next = worse.min_by(|&one, &other| to_first[one].value.total_cmp(&to_first[other].value));
        let next = next.map(|row| Beside::of(&found.rows[row].name, &to_first[row]));
        let mut details = Vec::new();
        if best.len() > 1 {
            let tied = best[1..]
                .iter()
                .map(|&row| format!("{} ({} ×)", found.rows[row].name, range(&Beside::of("", &to_first[row]))));
            let counted =
                best[1..].iter().map(|&row| (found.rows[row].name.as_str(), self.growth(&found.rows[row].name)));
            let what = if situation == Situation::LittleMemory { "memory" } else { "time" };
            let but = growth::but_over_traces(counted);
            details.push(format!("Too close to it to tell by {what}: {}{but}.", and(tied)));
        }
        let unit = if situation == Situation::LittleMemory { "memory" } else { "time" };
        details.extend(next.as_ref().map(|next| format!("{} comes next, with {} its {unit}.", next.name, times(next))));
        details.extend(self.faster_but_growing(situation, name, growing));
        Advice {
            ship: best.iter().map(|&row| found.rows[row].name.clone()).collect(),
            caveat: self.caveat(name),
            sentence: self.sentence(situation, name, beside_reference.as_ref(), found.traces.len()),
            beside_reference,
            next,
            details,
            ..advice
        }
    }

    /// What is faster on average than the recommended, but goes on growing on some traces.
    fn faster_but_growing(&self, situation: Situation, best: &str, growing: &[&str]) -> Vec<String> {
        let faster = growing.iter().filter_map(|name| {
            let found = self.common(&[best, name], situation);
            let at = |name: &str| found.rows.iter().position(|row| row.name == name);
            let beside = Beside::of(best, found.ratios_to(at(best)?).get(at(name)?)?);
            let is_faster = found.traces.len() >= ROUNDS_FOR_95 && beside.high? < 1.0;
            let but = self.growth(name).but("it");
            is_faster.then(|| format!("{name} takes {} its time{but} traces.", times(&beside)))
        });
        faster.collect()
    }

    fn sentence(&self, situation: Situation, name: &str, beside: Option<&Beside>, traces: usize) -> String {
        let reference = self.reference();
        let what = if situation == Situation::LittleMemory { "memory" } else { "time" };
        let beside = match beside {
            Some(beside) => Some(format!("{} the {what} of {reference}", times(beside))),
            None if name == reference => None,
            None => Some(format!("not compared with {reference}")),
        };
        let figures: Vec<String> = beside.into_iter().chain(self.overhead(name)).collect();
        let figures = format!("on average over {} {}", words::traces(self.origin, traces), figures.join(", "));
        words::ship(name, reference, self.caveat(name).as_deref(), &[figures])
    }

    /// What speaks against a contender: `it grows each time the work repeats on 1 of these traces`.
    fn caveat(&self, name: &str) -> Option<String> {
        let but = self.growth(name).but("it");
        but.strip_prefix(", but ").map(|but| format!("{but} traces"))
    }

    /// What a contender needs at its peak.
    fn overhead(&self, name: &str) -> Option<String> {
        let memory = self.memory();
        Some(format!("{} × what the program held at the peak", fixed(*memory.get(name)?, 2)))
    }

    /// The geometric means of peak heap over peak live of the contenders that served all.
    fn memory(&self) -> BTreeMap<String, f64> {
        let found = self.common(&self.served_all(), Situation::LittleMemory);
        let means = found.geometric_means();
        found.rows.iter().zip(means).map(|(row, mean)| (row.name.clone(), mean.value)).collect()
    }

    /// Of too few traces for a mean: what each of them recommends, or at least does not speak against.
    fn without_mean(&self, advice: Advice, names: &[&str], found: &Common) -> Advice {
        let situation = advice.situation;
        let on_each: Vec<Vec<String>> = self.traces.iter().map(|one| one_trace::best(one, situation, names)).collect();
        let best = names.iter().filter(|name| on_each.iter().all(|best| best.iter().any(|one| one == *name)));
        let mut best: Vec<&str> = best.copied().collect();
        let memory = self.memory();
        let heap = |name: &str| memory.get(name).copied().unwrap_or(f64::INFINITY);
        best.sort_by(|one, other| heap(one).total_cmp(&heap(other)));
        let traces = words::traces(self.origin, self.traces.len());
        let run = Some(words::MORE_TRACES.to_owned());
        let Some(first) = best.first() else {
            if let Some(trace) = on_each.iter().position(Vec::is_empty) {
                let trace = &self.traces[trace].trace.name;
                let sentence =
                    format!("Not known: {trace} alone says nothing, and a mean needs {ROUNDS_FOR_95} traces.");
                return Advice { sentence, run, ..advice };
            }
            let each =
                on_each.iter().zip(self.traces).map(|(best, one)| format!("{} on {}", and(best), one.trace.name));
            let sentence = format!("Not known: {traces} do not agree, and a mean needs {ROUNDS_FOR_95}.");
            let what = if situation == Situation::LittleMemory { "Smallest" } else { "Fastest" };
            return Advice { sentence, details: vec![format!("{what}: {}.", and(each))], run, ..advice };
        };
        let at = |name: &str| found.rows.iter().position(|row| row.name == name);
        let beside_reference = at(self.reference()).zip(at(first)).filter(|(reference, first)| reference != first);
        let beside_reference = beside_reference
            .and_then(|(row, first)| Some(Beside::of(self.reference(), found.ratios_to(row).get(first)?)));
        let is = if situation == Situation::LittleMemory { "smaller" } else { "faster" };
        let what = if situation == Situation::LittleMemory { "memory" } else { "time" };
        let mean = beside_reference.as_ref().map(|beside| {
            format!("On average {} the {what} of {}: a rough guide over so few.", times(beside), beside.name)
        });
        let mut details: Vec<String> = mean.into_iter().collect();
        if best.len() > 1 {
            let counted = best[1..].iter().map(|name| (*name, self.growth(name)));
            details.push(format!(
                "The same holds for {}{}.",
                and(best[1..].iter().copied()),
                growth::but_over_traces(counted)
            ));
        }
        let caveat = self.caveat(first);
        let unbeaten = format!("no other is known to be {is} on any of {traces}");
        let figures: Vec<String> = std::iter::once(unbeaten).chain(self.overhead(first)).collect();
        let sentence = words::ship(first, self.reference(), caveat.as_deref(), &figures);
        Advice {
            ship: best.into_iter().map(str::to_owned).collect(),
            caveat,
            sentence,
            beside_reference,
            details,
            ..advice
        }
    }
}

/// What failed on some trace, and what goes on growing on some.
fn avoid(group: &[&Results]) -> Vec<Avoid> {
    let mut names: Vec<&str> = Vec::new();
    for row in group.iter().flat_map(|one| &one.contenders).filter(|row| row.role == Role::Contender) {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let of = count(group.len() as u64, "trace");
    let all = Group { origin: Origin::Unstated, traces: group };
    let found = names.into_iter().filter_map(|name| {
        let failed: Vec<(&str, String)> = group
            .iter()
            .filter_map(|one| {
                let row = one.contenders.iter().find(|row| row.name == name)?;
                Some((one.trace.name.as_str(), completed(row).err()?))
            })
            .collect();
        let growing = all.growth(name).going_on();
        if let Some((trace, reason)) = failed.first() {
            let also = if growing > 0 { format!(", and goes on growing on {growing}") } else { String::new() };
            let reason = format!("did not serve {} of {of} to the end ({reason} on {trace}){also}", failed.len());
            return Some(Avoid { name: name.to_owned(), situations: Situation::ALL.into(), reason });
        }
        let most = all.rows(name).filter_map(growth::pages_per_loop).max();
        let most = most
            .map_or(String::new(), |pages| format!(", by up to {} each time the work repeats", count(pages, "page")));
        let reason = format!("goes on growing on {growing} of {of}{most}");
        (growing > 0).then(|| Avoid { name: name.to_owned(), situations: vec![Situation::RunsOn], reason })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{contender, on};

    const NAMES: [&str; 6] = ["one", "two", "three", "four", "five", "six"];

    fn row(name: &str, tenths: u64, pages: u64) -> Contender {
        contender(name).pages(pages).fresh_ns(tenths).steady_ns(tenths).build()
    }

    fn over(all: &[Results]) -> Recommendation {
        let mut found = Recommendation::over(all);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    #[test]
    fn who_grows_on_one_trace_is_not_for_a_program_that_runs_on_and_is_named_with_it_elsewhere() {
        let all = NAMES.map(|name| {
            let climber = contender("climber").pages(40).fresh_ns(100).steady_ns(100);
            let climber = if name == "three" { climber.grows_by(7) } else { climber };
            on(name, vec![row("dlmalloc", 200, 20), row("talc", 160, 24), climber.build()])
        });
        let found = over(&all);
        let [runs_on, starts, little] = &found.advice[..] else { panic!("{found:?}") };
        assert_eq!(
            runs_on.text(),
            "Ship talc: on average over 6 recorded traces 0.80 × (0.80–0.80) the time of dlmalloc, 1.50 × what the \
             program held at the peak. dlmalloc comes next, with 1.25 × (1.25–1.25) its time. climber takes 0.62 × (0.62–0.62) \
             its time, but it grows each time the work repeats on 1 of these traces."
        );
        assert_eq!(starts.ship, ["climber"]);
        let expected = "Ship climber, but it grows each time the work repeats on 1 of these traces: on average over 6 ";
        assert!(starts.sentence.starts_with(expected), "{starts:?}");
        assert_eq!(little.ship, ["dlmalloc"]);
        assert_eq!(
            found.avoid_sentences()[0].1,
            "climber in a program that keeps running: it goes on growing on 1 of 6 traces, by up to 7 pages each time the \
             work repeats."
        );
        assert!(found.run.is_empty());
    }

    #[test]
    fn who_failed_on_one_trace_is_not_recommended() {
        let all = NAMES.map(|name| {
            let best = contender("best").pages(18).fresh_ns(50).steady_ns(50);
            let best = if name == "six" { best.failed_requests(1) } else { best };
            on(name, vec![row("dlmalloc", 200, 20), row("talc", 160, 22), best.build()])
        });
        let found = over(&all);
        assert!(found.advice.iter().all(|advice| !advice.ship.contains(&"best".to_owned())), "{found:?}");
        assert_eq!(
            found.avoid_sentences()[0].1,
            "best did not serve 1 of 6 traces to the end (requests failed on six)."
        );
        let nobody = NAMES.map(|name| on(name, vec![contender("a").failed_requests(1).build()]));
        let none = over(&nobody);
        let expected = "None: no contender served every request of all 6 recorded traces.";
        assert!(none.advice.iter().all(|advice| advice.sentence == expected && advice.run.is_some()), "{none:?}");
    }

    #[test]
    fn over_few_traces_only_what_holds_on_each_is_recommended() {
        let all = ["one", "two", "three"].map(|name| {
            let talc = if name == "two" { 300 } else { 100 };
            on(name, vec![row("dlmalloc", 200, 20), row("talc", talc, 22)])
        });
        let found = over(&all);
        let [runs_on, _, little] = &found.advice[..] else { panic!("{found:?}") };
        assert_eq!(
            runs_on.text(),
            "Not known: 3 recorded traces do not agree, and a mean needs 6. Fastest: talc on one, dlmalloc on two and talc \
             on three. Add traces: record your own with 'replay record', or take --trace library."
        );
        assert_eq!(
            little.sentence,
            "Ship dlmalloc (the reference): no other is known to be smaller on any of 3 recorded traces, 1.25 × what the program held at the peak."
        );
        assert_eq!(found.run, [words::MORE_TRACES]);
    }

    #[test]
    fn means_that_differ_by_the_choice_of_traces_are_a_tie_by_least_memory() {
        let times = [50, 300, 60, 280, 150, 160];
        let all: Vec<Results> = NAMES
            .iter()
            .zip(times)
            .map(|(name, tenths)| on(name, vec![row("dlmalloc", 150, 25), row("talc", tenths, 22)]))
            .collect();
        let found = over(&all);
        assert_eq!(found.advice[0].ship, ["talc", "dlmalloc"]);
        let tie = &found.advice[0].details[0];
        assert!(tie.starts_with("Too close to it to tell by time: dlmalloc ("), "{tie}");
    }

    #[test]
    fn origins_are_apart_and_other_settings_share_no_mean() {
        let mut all: Vec<Results> = NAMES.map(|name| on(name, vec![row("dlmalloc", 200, 20)])).into();
        all[4].trace.origin = Origin::Synthetic;
        all[5].trace.origin = Origin::Synthetic;
        let found = Recommendation::over(&all);
        assert_eq!(
            found.iter().map(Recommendation::evidence).collect::<Vec<_>>(),
            ["4 recorded traces", "2 synthetic traces"]
        );
        all[5].settings.page_bytes /= 2;
        assert_eq!(Recommendation::over(&all).len(), 1);
        assert!(Recommendation::over(&all[..1]).is_empty(), "one trace is no several");
    }
}
