//! The contenders that grow if the program runs on, in words: a sentence that calls a contender fastest or smallest
//! also says that it grows.

use std::collections::BTreeSet;

use crate::climb::climb_of;
use crate::numbers::count;
use crate::prose::and;
use crate::results::{Contender, Results, Role};

/// When a heap grows.
const REPEATS: &str = "each time the work repeats";

/// What a heap did that climbed, after its contender's name.
const CLIMBS: &str = "kept growing while the program held no more than before";

/// Pages that each further loop of the trace adds; `None` if the heap has settled, or if growth is unknown.
pub(crate) fn pages_per_loop(contender: &Contender) -> Option<u64> {
    let growth = contender.memory.known()?.growth.known()?;
    (growth.per_loop_pages > 0).then_some(growth.per_loop_pages)
}

/// Whether growth is unknown although memory is known. Tables give the reason.
fn is_unknown(contender: &Contender) -> bool {
    contender.memory.known().is_some_and(|memory| memory.growth.known().is_none())
}

/// Whether the heap kept growing within the trace, where it is not known what it does if the work repeats.
fn climbs(contender: &Contender) -> bool {
    is_unknown(contender) && climb_of(contender).is_some()
}

/// Whether the heap of a contender goes on growing in a program that runs on.
pub(crate) fn goes_on(contender: &Contender) -> bool {
    pages_per_loop(contender).is_some() || climbs(contender)
}

/// How it does so, after its name: `grows by 3 pages each time the work repeats`. `None` if it does not.
pub(crate) fn how(contender: &Contender) -> Option<String> {
    match pages_per_loop(contender) {
        Some(pages) => Some(format!("grows by {} {REPEATS}", count(pages, "page"))),
        None => climbs(contender).then(|| CLIMBS.to_owned()),
    }
}

/// The names, with the growth of those that grow: `a and b, but b grows by 3 pages each time the work repeats`.
pub(crate) fn named(contenders: &[&Contender]) -> String {
    let names = and(contenders.iter().map(|contender| &contender.name));
    format!("{names}{}", but(contenders))
}

/// The clause that follows their names: `, but it grows by 423 pages each time the work repeats`. Empty if all of them
/// have settled.
pub(crate) fn but(contenders: &[&Contender]) -> String {
    let name = |one: &Contender| if contenders.len() == 1 { "it".to_owned() } else { one.name.clone() };
    let grows = contenders.iter().filter_map(|one| {
        let pages = pages_per_loop(one)?;
        Some(format!("{} grows by {}", name(one), count(pages, "page")))
    });
    let grows: Vec<String> = grows.collect();
    let grows = (!grows.is_empty()).then(|| format!("{} {REPEATS}", and(grows)));
    let (climbing, unknown): (Vec<&&Contender>, Vec<_>) =
        contenders.iter().filter(|one| is_unknown(one)).partition(|one| climbs(one));
    let climbing = climbing.into_iter().map(|one| format!("{} {CLIMBS}", name(one)));
    let unknown: Vec<String> = unknown.into_iter().map(|one| name(one)).collect();
    let verb = if unknown.len() == 1 { "grows" } else { "grow" };
    let unknown = (!unknown.is_empty()).then(|| format!("whether {} {verb} is not known", and(unknown)));
    but_that(grows.into_iter().chain(climbing).chain(unknown))
}

/// The contenders that grow, as a note: `each time the work repeats, a grows by 3 pages`. `None` if none grows.
/// Yardsticks and ablations are never called best, so the note leaves them out.
pub(crate) fn note<'a>(contenders: impl IntoIterator<Item = &'a Contender>) -> Option<String> {
    let ships = contenders.into_iter().filter(|one| one.role == Role::Contender);
    let growing = ships.filter_map(|one| Some((&one.name, pages_per_loop(one)?)));
    let growing: Vec<String> =
        growing.map(|(name, pages)| format!("{name} grows by {}", count(pages, "page"))).collect();
    (!growing.is_empty()).then(|| format!("{REPEATS}, {}", and(growing)))
}

/// The number of traces that a contender has figures for, those on which it grows or climbs, and those for which growth
/// is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct OverTraces {
    pub(crate) traces: usize,
    growing: usize,
    climbing: usize,
    unknown: usize,
}

impl OverTraces {
    /// Counts for the contender of this name, on these traces.
    pub(crate) fn of(name: &str, traces: &[&Results]) -> Self {
        let rows = traces.iter().flat_map(|results| results.contenders.iter().find(|contender| contender.name == name));
        let mut found = OverTraces::default();
        rows.for_each(|row| found.add(row));
        found
    }

    /// Counts the contender's row of a further trace.
    pub(crate) fn add(&mut self, row: &Contender) {
        self.traces += 1;
        self.growing += usize::from(pages_per_loop(row).is_some());
        self.climbing += usize::from(climbs(row));
        self.unknown += usize::from(is_unknown(row) && !climbs(row));
    }

    /// The traces on which the heap goes on growing in a program that runs on.
    pub(crate) fn going_on(self) -> usize {
        self.growing + self.climbing
    }

    /// The clause that follows its name, for which `it` stands: `, but it grows each time the work repeats on 2 of
    /// these`.
    pub(crate) fn but(self, it: &str) -> String {
        but_that(self.clauses(it))
    }

    fn clauses(self, it: &str) -> impl Iterator<Item = String> {
        let grows = (self.growing > 0).then(|| format!("{it} grows {REPEATS} on {} of these", self.growing));
        let climbs = (self.climbing > 0).then(|| format!("{it} {CLIMBS} on {} of these", self.climbing));
        let unknown =
            (self.unknown > 0).then(|| format!("whether {it} grows is not known on {} of these", self.unknown));
        grows.into_iter().chain(climbs).chain(unknown)
    }
}

/// The same clause for several contenders, each with its name.
pub(crate) fn but_over_traces<'n>(found: impl IntoIterator<Item = (&'n str, OverTraces)>) -> String {
    but_that(found.into_iter().flat_map(|(name, found)| found.clauses(name)))
}

/// The contenders that grow on some of the traces, as a note: `each time the work repeats, a grows on 15 of 21 traces`.
pub(crate) fn note_over_traces(traces: &[&Results]) -> Option<String> {
    let rows = traces.iter().flat_map(|results| &results.contenders).filter(|row| row.role == Role::Contender);
    let names: BTreeSet<&str> = rows.map(|row| row.name.as_str()).collect();
    let found = names.into_iter().map(|name| (name, OverTraces::of(name, traces).growing));
    let growing = found.filter(|(_, growing)| *growing > 0).map(|(name, growing)| format!("{name} grows on {growing}"));
    let growing: Vec<String> = growing.collect();
    let of = count(traces.len() as u64, "trace");
    (!growing.is_empty()).then(|| format!("{REPEATS}, {} of {of}", and(growing)))
}

fn but_that(clauses: impl IntoIterator<Item = String>) -> String {
    let joined = and(clauses);
    if joined.is_empty() { joined } else { format!(", but {joined}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Figure;
    use crate::sample::{self, contender};

    /// A contender with unknown growth.
    fn unknown(name: &str) -> Contender {
        let mut row = contender(name).build();
        let Figure::Known(memory) = &mut row.memory else { unreachable!() };
        memory.growth = Figure::unknown("the heap limit was reached");
        row
    }

    #[test]
    fn growing_contenders_are_named_with_their_growth() {
        let [flat, one, two] =
            [("flat", 0), ("one", 1), ("two", 1423)].map(|(name, by)| contender(name).grows_by(by).build());
        assert_eq!(named(&[&flat]), "flat");
        assert_eq!(named(&[&one]), "one, but it grows by 1 page each time the work repeats");
        assert_eq!(named(&[&flat, &two]), "flat and two, but two grows by 1,423 pages each time the work repeats");
        assert_eq!(
            named(&[&flat, &one, &two]),
            "flat, one and two, but one grows by 1 page and two grows by 1,423 pages each time the work repeats"
        );
        assert_eq!(note([&flat, &one]).as_deref(), Some("each time the work repeats, one grows by 1 page"));
        assert_eq!(note([&flat, &contender("bump").role(Role::Baseline).grows_by(9).build()]), None);
        assert_eq!(pages_per_loop(&contender("a").without_memory("no heap").build()), None);
    }

    /// A contender that was not examined to the end may well grow.
    #[test]
    fn unknown_growth_is_mentioned_too() {
        let (flat, grows, unknown) =
            (contender("flat").build(), contender("grows").grows_by(2).build(), unknown("full"));
        assert_eq!(named(&[&unknown]), "full, but whether it grows is not known");
        assert_eq!(
            named(&[&flat, &grows, &unknown]),
            "flat, grows and full, but grows grows by 2 pages each time the work repeats and whether full grows is not known"
        );
        assert_eq!(named(&[&unknown, &unknown]), "full and full, but whether full and full grow is not known");
        assert_eq!(named(&[&contender("a").without_memory("no heap").build()]), "a", "nor was its memory");
    }

    #[test]
    fn over_traces_it_counts_where_contenders_grow() {
        let on = |row| Results { contenders: vec![row], ..sample::empty() };
        let grows = |by| contender("a").grows_by(by).build();
        let all = [on(grows(0)), on(grows(3)), on(grows(9)), on(unknown("a"))];
        let traces: Vec<&Results> = all.iter().collect();
        let but = |name, traces| OverTraces::of(name, traces).but("it");
        assert_eq!(but("a", &traces[..3]), ", but it grows each time the work repeats on 2 of these");
        let both =
            ", but it grows each time the work repeats on 2 of these and whether it grows is not known on 1 of these";
        assert_eq!(but("a", &traces), both);
        assert_eq!((but("a", &traces[..1]), but("nobody", &traces)), (String::new(), String::new()));
        let several = ["a", "nobody"].map(|name| (name, OverTraces::of(name, &traces[..3])));
        assert_eq!(but_over_traces(several), ", but a grows each time the work repeats on 2 of these");
        let note = note_over_traces(&traces);
        assert_eq!(note.as_deref(), Some("each time the work repeats, a grows on 2 of 4 traces"));
        assert_eq!(note_over_traces(&traces[..1]), None);
    }
}
