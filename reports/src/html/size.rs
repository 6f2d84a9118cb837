//! Which contender needs the least memory on a trace, and which ones keep growing, in words.

use super::statement::{Statement, Tone};
use crate::climb::{Climb, climbing};
use crate::growth;
use crate::numbers::{bytes, count, grouped, short};
use crate::prose::and;
use crate::results::{Contender, Results, Role};
use crate::stats::{eligible, smallest, smallest_min_heap};

/// Says which contenders grow each time the program repeats its work.
pub(super) const GROWS: &str = "Grows each time the work repeats";

/// Says which contenders keep growing within the trace.
pub(super) const CLIMBS: &str = "Keeps growing, like a leak";

pub(super) fn size(results: &Results) -> Option<Statement> {
    let found = smallest(results)?;
    let (_, memory) = *found.best.first()?;
    let each = if found.best.len() > 1 { " each" } else { "" };
    let mut detail = vec![format!(
        "{} at the peak{each} ({}), {} × peak live ({}).",
        bytes(memory.peak_heap_bytes),
        count(memory.peak_heap_pages, "page"),
        short(memory.overhead_ratio),
        bytes(results.trace.peak_live_bytes),
    )];
    if let Some((next, theirs)) = found.next {
        detail.push(format!(
            "{} comes next with {}, {} × as much.",
            next.name,
            bytes(theirs.peak_heap_bytes),
            short(theirs.peak_heap_bytes as f64 / memory.peak_heap_bytes as f64),
        ));
    }
    let best = found.contenders();
    let tone = if eligible(results).len() > 1 { Tone::Known } else { Tone::Open };
    Some(Statement {
        question: "Smallest peak heap",
        answer: growth::named(&best),
        names: names_of(&best),
        detail,
        tone,
    })
}

/// The contender with the smallest minimum heap, where minimum heaps were searched for.
pub(super) fn min_heap(results: &Results) -> Option<Statement> {
    let found = smallest_min_heap(results)?;
    let (_, least) = *found.best.first()?;
    let best = found.contenders();
    let detail = vec![format!(
        "The whole trace runs in {} ({}), {} × peak live.",
        count(least.pages, "page"),
        bytes(least.bytes),
        short(least.ratio_to_max_live)
    )];
    let tone = if found.best.len() > 1 || found.next.is_some() { Tone::Known } else { Tone::Open };
    let (answer, names) = (growth::named(&best), names_of(&best));
    Some(Statement { question: "Smallest minimum heap", answer, names, detail, tone })
}

fn names_of(contenders: &[&Contender]) -> Vec<String> {
    contenders.iter().map(|contender| contender.name.clone()).collect()
}

/// The contenders that need more memory each time the program repeats its work. Yardsticks do so by design, and
/// ablations are not judged.
pub(super) fn grows(results: &Results) -> Option<Statement> {
    let (mut names, mut detail) = (Vec::new(), Vec::new());
    for contender in results.contenders.iter().filter(|contender| contender.role == Role::Contender) {
        let Some(pages) = growth::pages_per_loop(contender) else { continue };
        let loops =
            contender.memory.known().and_then(|memory| memory.growth.known()).map(|growth| &growth.heap_pages[..]);
        let course = match loops {
            Some([first, .., last]) => {
                format!(": {} after the first, {} after the last that was measured", grouped(*first), grouped(*last))
            }
            _ => String::new(),
        };
        names.push(contender.name.clone());
        detail.push(format!(
            "{}: by {} in each further loop of the trace{course}.",
            contender.name,
            count(pages, "page")
        ));
    }
    (!names.is_empty()).then(|| Statement { question: GROWS, answer: and(&names), names, detail, tone: Tone::Bad })
}

pub(super) fn climbs(results: &Results) -> Option<Statement> {
    let found = climbing(results);
    if found.is_empty() {
        return None;
    }
    let limit_bytes = results.settings.heap_limit_pages * results.settings.page_bytes;
    let sentence = |(contender, climb): &(&Contender, Climb)| {
        let end = climb.events_to(limit_bytes).map_or(String::new(), |events| {
            format!(
                "; at this rate it reaches the limit of {} after {} more",
                bytes(limit_bytes),
                count(events, "event")
            )
        });
        format!(
            "{}: from {} to {} between events {} and {}, while no more than {} were live: {} B an event{end}.",
            contender.name,
            bytes(climb.from_bytes),
            bytes(climb.to_bytes),
            grouped(climb.from_event),
            grouped(climb.to_event),
            bytes(climb.live_bytes),
            short(climb.bytes_per_event()),
        )
    };
    let names: Vec<String> = found.iter().map(|(contender, _)| contender.name.clone()).collect();
    let detail = found.iter().map(sentence).collect();
    Some(Statement { question: CLIMBS, answer: and(&names), names, detail, tone: Tone::Bad })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Figure;
    use crate::sample::{self, contender};

    fn with(contenders: Vec<Contender>) -> Results {
        Results { contenders, ..sample::empty() }
    }

    #[test]
    fn a_minimum_heap_is_named_where_it_was_searched_for() {
        let results = with(vec![contender("a").min_pages(18, 0).build(), contender("b").min_pages(19, 0).build()]);
        let heap = min_heap(&results).unwrap();
        assert_eq!((heap.answer.as_str(), heap.tone), ("a", Tone::Known));
        assert!(heap.detail[0].starts_with("The whole trace runs in 18 pages ("), "{heap:?}");
    }

    #[test]
    fn a_contender_that_keeps_growing_is_named() {
        let mut leaks = contender("wee_alloc").pages(889).build();
        let Figure::Known(memory) = &mut leaks.memory else { unreachable!() };
        for (index, point) in memory.timeline.iter_mut().enumerate() {
            (point.live_bytes, point.committed_bytes) = (131_072, (index as u64 + 2) * 65_536);
        }
        let settled = with(vec![contender("dlmalloc").build(), leaks.clone()]);
        assert!(climbs(&settled).is_none(), "no page is added when the work repeats");
        let Figure::Known(memory) = &mut leaks.memory else { unreachable!() };
        memory.growth = Figure::unknown("the heap limit was reached in loop 2 of the trace");
        let leak = climbs(&with(vec![contender("dlmalloc").build(), leaks])).unwrap();
        assert_eq!((leak.answer.as_str(), leak.tone), ("wee_alloc", Tone::Bad));
        assert!(leak.detail[0].contains("while no more than 128 KiB were live: "), "{leak:?}");
        assert!(leak.detail[0].contains("at this rate it reaches the limit of "), "{leak:?}");
    }
}
