//! What holds for every trace that is made from another: it is valid, and the identities of the algebra are identities.

use heaprace_traces::algebra::{self, InterleavedPart};
use heaprace_traces::csv::{Columns, CsvReader, CsvWriter};
use heaprace_traces::{Action, Event, TraceError};
use proptest::prelude::*;

use crate::properties::{columns, step, trace};

type Events = Vec<Result<Event, TraceError>>;

fn fallible(events: &[Event]) -> impl Iterator<Item = Result<Event, TraceError>> {
    events.iter().copied().map(Ok)
}

/// The events, once the strict reader has found the same in what the writer made of them: including layouts, ids and
/// times.
fn valid(made: Events, columns: Columns) -> Vec<Event> {
    let made: Vec<Event> = made.into_iter().map(Result::unwrap).collect();
    let mut writer = CsvWriter::new(Vec::new(), columns, &[""; 0]).unwrap();
    made.iter().for_each(|event| writer.write(event).unwrap());
    let text = writer.finish().unwrap();
    let read: Vec<Event> = CsvReader::new(&text[..], "made.csv").unwrap().map(Result::unwrap).collect();
    assert_eq!(read, made);
    made
}

fn is_alloc(event: &Event) -> bool {
    matches!(event.action, Action::Alloc { .. })
}

fn is_free(event: &Event) -> bool {
    matches!(event.action, Action::Dealloc { .. })
}

fn live_after(events: &[Event]) -> usize {
    events.iter().fold(0, |live, event| match event.action {
        Action::Alloc { .. } => live + 1,
        Action::Realloc { .. } => live,
        Action::Dealloc { .. } => live - 1,
    })
}

/// What stays of events when ids, threads and times are new: in the order of births, which object each is about.
fn actions(events: &[Event]) -> Vec<(usize, Action)> {
    let mut births = std::collections::HashMap::new();
    let mut born = 0;
    let objects = events.iter().map(|event| {
        if is_alloc(event) {
            births.insert(event.id, born);
            born += 1;
        }
        (births[&event.id], event.action)
    });
    objects.collect()
}

proptest! {
    #[test]
    fn the_whole_slice_is_the_trace_and_every_slice_is_valid(
        steps in proptest::collection::vec(step(), 1..80),
        columns in columns(),
        from in any::<prop::sample::Index>(),
        length in 1..80u64,
    ) {
        let events = trace(&steps, columns, 3);
        let count = events.len() as u64;
        prop_assert_eq!(&valid(algebra::slice(fallible(&events), 0..count).collect(), columns), &events);

        let from = from.index(events.len());
        let made = valid(algebra::slice(fallible(&events), from as u64..from as u64 + length).collect(), columns);
        let slice = &events[from..events.len().min(from + length as usize)];
        let warm = made.len() - slice.len();
        prop_assert_eq!(&made[warm..], slice);
        prop_assert_eq!(warm, live_after(&events[..from]));
        prop_assert!(made[..warm].iter().all(is_alloc));
    }

    #[test]
    fn one_round_is_the_trace_and_each_further_one_is_the_same_again(
        steps in proptest::collection::vec(step(), 1..80),
        columns in columns(),
        rounds in 1..5usize,
    ) {
        let events = trace(&steps, columns, 3);
        prop_assert_eq!(&valid(algebra::repeat(|| Ok(fallible(&events)), 1).collect(), columns), &events);

        let made = valid(algebra::repeat(|| Ok(fallible(&events)), rounds as u64).collect(), columns);
        let left = live_after(&events);
        prop_assert_eq!(made.len(), rounds * events.len() + (rounds - 1) * left);
        for round in made.chunks(events.len() + left) {
            let same = round.iter().zip(&events).all(|(made, event)| (made.id, made.action) == (event.id, event.action));
            prop_assert!(same);
            prop_assert!(round[events.len()..].iter().all(is_free));
        }
    }

    #[test]
    fn interleaving_keeps_the_order_of_each_part(
        parts in proptest::collection::vec((proptest::collection::vec(step(), 1..60), columns()), 1..4),
        burst in 1..5u64,
    ) {
        let parts: Vec<Vec<Event>> = parts.iter().map(|(steps, columns)| trace(steps, *columns, 3)).collect();
        let columns = Columns { thread: true, time_ns: false, written: true };
        let lanes = parts.iter().map(|events| InterleavedPart { count: events.len() as u64, events: fallible(events) });
        let made = valid(algebra::interleave(lanes.collect(), true, burst).collect(), columns);
        prop_assert_eq!(made.len(), parts.iter().map(Vec::len).sum::<usize>());
        // Threads identify the part, because no two parts share one: the first event of a thread belongs to the part
        // whose turn it is.
        let mut done = vec![0u64; parts.len()];
        let (mut turn, mut left) = (0, 0);
        let mut part_of = std::collections::HashMap::new();
        for event in &made {
            if left == 0 {
                let share = |part: usize| done[part] as f64 / parts[part].len() as f64;
                let open = (0..parts.len()).filter(|&part| share(part) < 1.0);
                turn = open.min_by(|&a, &b| share(a).total_cmp(&share(b))).unwrap();
                left = burst.min(parts[turn].len() as u64 - done[turn]);
            }
            left -= 1;
            done[turn] += 1;
            prop_assert_eq!(*part_of.entry(event.thread.unwrap()).or_insert(turn), turn, "a thread of two parts");
        }
        for (part, events) in parts.iter().enumerate() {
            let own: Vec<Event> =
                made.iter().filter(|event| part_of[&event.thread.unwrap()] == part).copied().collect();
            prop_assert_eq!(actions(&own), actions(events));
        }
    }

    #[test]
    fn scaling_by_one_is_the_trace_and_any_other_keeps_all_but_sizes(
        steps in proptest::collection::vec(step(), 1..80),
        columns in columns(),
        factor in 0.000_001..1.0f64,
    ) {
        let events = trace(&steps, columns, 3);
        prop_assert_eq!(&valid(algebra::scale(fallible(&events), 1.0).collect(), columns), &events);
        let made = valid(algebra::scale(fallible(&events), factor).collect(), columns);
        let rest = |event: &Event| (event.id, event.thread, event.time_ns, core::mem::discriminant(&event.action));
        prop_assert!(made.iter().map(rest).eq(events.iter().map(rest)));
    }

    #[test]
    fn without_its_teardown_a_trace_ends_with_something_else_than_a_free(
        steps in proptest::collection::vec(step(), 1..80),
        columns in columns(),
    ) {
        let events = trace(&steps, columns, 3);
        let made = valid(algebra::without_teardown(fallible(&events)).collect(), columns);
        prop_assert_eq!(&made[..], &events[..made.len()]);
        prop_assert!(!is_free(made.last().unwrap()));
        prop_assert!(events[made.len()..].iter().all(is_free));
    }
}
