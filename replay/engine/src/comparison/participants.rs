//! The participants of a comparison: the floor always takes part, and one contender is the baseline of the ratios.

use heaprace_allocators::Purpose;
use heaprace_allocators::contenders::null::Null;
use heaprace_reports::results;

use crate::contender::Contender;

/// The default baseline, if it is timed: most readers already have it, because it is Rust's default on
/// `wasm32-unknown-unknown`.
pub const DEFAULT_BASELINE: &str = "dlmalloc";

/// The given contenders, followed by the floor unless it is among them: net times need the floor.
pub fn with_floor(mut contenders: Vec<Contender>) -> Vec<Contender> {
    if contenders.iter().all(|contender| contender.info.purpose != Purpose::Floor) {
        contenders.push(Contender::of::<Null>());
    }
    contenders
}

/// The name of the baseline: the `requested` one; otherwise [`DEFAULT_BASELINE`] if it is among the `timed` rows;
/// otherwise the first timed allocator that a program could ship.
pub fn baseline<'r>(requested: Option<&str>, timed: impl Iterator<Item = &'r results::Contender> + Clone) -> String {
    if let Some(name) = requested {
        return name.to_owned();
    }
    let default = timed.clone().find(|row| row.name == DEFAULT_BASELINE);
    let chosen = default.or_else(|| timed.clone().find(|row| row.role == results::Role::Contender));
    chosen.map_or(DEFAULT_BASELINE, |row| &row.name).to_owned()
}

#[cfg(test)]
mod tests {
    use heaprace_reports::results::Reason;

    use super::*;

    fn names(contenders: &[Contender]) -> Vec<&'static str> {
        contenders.iter().map(|contender| contender.info.name).collect()
    }

    #[test]
    fn the_floor_takes_part_once() {
        let talc = Contender::named("talc").unwrap();
        assert_eq!(names(&with_floor(vec![talc])), ["talc", "null"]);
        assert_eq!(names(&with_floor(Contender::all())), names(&Contender::all()));
    }

    #[test]
    fn the_baseline_is_a_timed_contender() {
        let row = |name: &str, role| results::Contender {
            name: name.to_owned(),
            version: String::new(),
            role,
            verification: results::Verification::Passed,
            partial: None,
            memory: results::Figure::unknown(Reason::NotExaminedYet),
            min_heap: results::Figure::unknown(Reason::NotSearchedFor),
            time: results::Figure::unknown(Reason::NotTimedYet),
            latency: results::Figure::unknown(Reason::NotAskedFor),
            instructions: results::Figure::unknown(Reason::NotAskedFor),
        };
        let all = [
            row("bump", results::Role::Baseline),
            row("talc", results::Role::Contender),
            row("dlmalloc", results::Role::Contender),
            row("null", results::Role::Floor),
        ];
        assert_eq!(baseline(None, all.iter()), "dlmalloc");
        assert_eq!(baseline(None, all[..2].iter()), "talc");
        assert_eq!(baseline(None, all[..1].iter()), "dlmalloc", "no candidate");
        assert_eq!(baseline(Some("bump"), all.iter()), "bump");
    }
}
