//! Synthetic traces: each shows one thing, and is the same every time.
//!
//! Their provenance labels them ([`ORIGIN`]), so that no result mistakes them for recorded ones; the two are never
//! averaged. The same kind, number of events and seed give the same trace on every machine: all choices are made in
//! integers.
//!
//! ```
//! use heaprace_traces::synthetic::Kind;
//!
//! let trace = Kind::Drift.events(1000, 7);
//! assert_eq!(trace.count(), 1000);
//! assert_eq!(Kind::Drift.provenance(1000, None, 7)[0], "origin: synthetic");
//! ```

mod drift;
mod objects;
mod robson;
mod sawtooth;
mod uniform;

use core::ops::RangeInclusive;

use heaprace_recorder::Event;

use crate::validate::MOST_LIVE_OBJECTS;

/// The line of provenance that every synthetic trace has, and every trace made from one.
pub const ORIGIN: &str = "origin: synthetic";

/// The kind of a synthetic trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Actions, objects and sizes are chosen at random, each as likely as any other. Most benchmarks of allocators work
    /// like this (talc's "random actions" among them), and no program does.
    Uniform,
    /// Robson's program (1971, 1974), which drives first-fit to the maximum fragmentation that any program can force on
    /// an allocator.
    Robson,
    /// Live memory climbs and falls back, each time to a higher level, and the remaining objects are scattered over the
    /// heap.
    Sawtooth,
    /// The number of live objects stays the same while their sizes grow slowly: a freed block never quite fits the next
    /// object.
    Drift,
}

impl Kind {
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Kind; 4] = [Kind::Uniform, Kind::Robson, Kind::Sawtooth, Kind::Drift];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Uniform => "uniform",
            Kind::Robson => "robson",
            Kind::Sawtooth => "sawtooth",
            Kind::Drift => "drift",
        }
    }

    /// What it does, in one line.
    pub const fn description(self) -> &'static str {
        match self {
            Kind::Uniform => "random allocs, reallocs and frees of sizes from 1 to 1024 bytes, all equally likely",
            Kind::Robson => "Robson's adversary of first-fit: phases of doubling size that keep every gap too small",
            Kind::Sawtooth => {
                "ten climbs of live memory, each falling back to a higher level, random objects surviving"
            }
            Kind::Drift => "a constant number of objects whose sizes drift from 16 bytes to 8 KiB",
        }
    }

    /// The events: exactly `events` of them, except for [`Kind::Robson`], whose construction ends by itself, with at
    /// most that many events and nothing random.
    ///
    /// Memory grows with the live objects.
    pub fn events(self, events: u64, seed: u64) -> Box<dyn Iterator<Item = Event> + Send> {
        let live = (events / 10).clamp(1, LIVE_OBJECTS) as usize;
        match self {
            Kind::Uniform => Box::new(uniform::Uniform::new(events, live, seed)),
            Kind::Robson => Box::new(robson::Robson::new(events)),
            Kind::Sawtooth => Box::new(sawtooth::Sawtooth::new(events, seed)),
            Kind::Drift => Box::new(drift::Drift::new(events, live, seed)),
        }
    }

    /// The events, as many as given, of a kind that has a steady state with `live_objects` live: [`Kind::Drift`] keeps
    /// exactly that number, and [`Kind::Uniform`] starts from it and never has twice as many. The first events allocate
    /// these objects. Every event takes constant time.
    ///
    /// ```
    /// use heaprace_traces::synthetic::Kind;
    ///
    /// let trace = Kind::Drift.events_with_live(1000, 400, 7)?;
    /// assert_eq!(trace.count(), 1000);
    /// # Ok::<(), heaprace_traces::synthetic::NoSteadyState>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`NoSteadyState`] if the kind has none, or no such one.
    pub fn events_with_live(
        self,
        events: u64,
        live_objects: u64,
        seed: u64,
    ) -> Result<Box<dyn Iterator<Item = Event> + Send>, NoSteadyState> {
        if !matches!(self, Kind::Uniform | Kind::Drift) {
            return Err(NoSteadyState::Kind(self.name()));
        }
        if !STEADY_LIVE_OBJECTS.contains(&live_objects) {
            return Err(NoSteadyState::Live(live_objects));
        }
        if events <= live_objects {
            return Err(NoSteadyState::Events { events, live_objects });
        }
        let live = live_objects as usize;
        Ok(match self {
            Kind::Uniform => Box::new(uniform::Uniform::new(events, live, seed)),
            _ => Box::new(drift::Drift::new(events, live, seed)),
        })
    }

    /// Where its trace comes from; `live_objects` is the number given to [`events_with_live`](Self::events_with_live).
    pub fn provenance(self, events: u64, live_objects: Option<u64>, seed: u64) -> Vec<String> {
        let live = live_objects.map(|live| format!("{live} live objects, ")).unwrap_or_default();
        vec![
            ORIGIN.to_owned(),
            format!("generator: heaprace traces {}", env!("CARGO_PKG_VERSION")),
            format!("rule: {}, {}", self.name(), self.description()),
            format!("settings: {events} events, {live}seed {seed}"),
        ]
    }
}

/// Objects that are live in the steady state unless another number is given, if the trace is long enough.
const LIVE_OBJECTS: u64 = 10_000;

/// Objects that may be live in a steady state. [`Kind::Uniform`] can have twice as many, and a reader accepts
/// [`MOST_LIVE_OBJECTS`].
const STEADY_LIVE_OBJECTS: RangeInclusive<u64> = 1..=MOST_LIVE_OBJECTS as u64 / 2;

/// Why a synthetic trace cannot have a steady state with a given number of live objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSteadyState {
    /// The kind has no steady state.
    #[error("{0} has no steady state, so its number of live objects cannot be set; uniform and drift have one")]
    Kind(&'static str),
    /// The number is out of range.
    #[error(
        "{0} is no possible number of live objects: {least} to {most} are",
        least = STEADY_LIVE_OBJECTS.start(),
        most = STEADY_LIVE_OBJECTS.end()
    )]
    Live(u64),
    /// The trace ends before the steady state begins.
    #[error("{live_objects} live objects need more than {live_objects} events; there are only {events}")]
    Events {
        /// The length of the trace.
        events: u64,
        /// The objects to allocate first.
        live_objects: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::{Columns, CsvReader, CsvWriter};
    use crate::{Profile, Source};

    fn text(kind: Kind, events: u64, seed: u64) -> Vec<u8> {
        text_of(kind.events(events, seed), &kind.provenance(events, None, seed))
    }

    fn text_of(events: impl Iterator<Item = Event>, provenance: &[String]) -> Vec<u8> {
        let mut writer = CsvWriter::new(Vec::new(), Columns::default(), provenance).unwrap();
        events.for_each(|event| writer.write(&event).unwrap());
        writer.finish().unwrap()
    }

    fn profile(kind: Kind, events: u64) -> Profile {
        let mut profile = Profile::default();
        kind.events(events, 1).for_each(|event| profile.add(&event));
        profile
    }

    #[test]
    fn every_kind_is_a_valid_trace_of_every_length() {
        for kind in Kind::ALL {
            for events in [1, 2, 3, 9, 10, 11, 99, 1000, 4321] {
                let text = text(kind, events, 3);
                let reader = CsvReader::new(&text[..], kind.name()).unwrap();
                assert_eq!(reader.provenance()[1], ORIGIN);
                // The reader must find the generated events, including layouts.
                let read: Vec<Event> = reader.map(Result::unwrap).collect();
                assert_eq!(read, kind.events(events, 3).collect::<Vec<_>>(), "{}", kind.name());
                assert!(read.len() as u64 == events || kind == Kind::Robson && read.len() as u64 <= events);
            }
        }
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        for kind in [Kind::Uniform, Kind::Sawtooth, Kind::Drift] {
            assert_eq!(text(kind, 500, 1), text(kind, 500, 1));
            let differ = kind.events(500, 1).zip(kind.events(500, 2)).any(|(a, b)| a != b);
            assert!(differ, "{}", kind.name());
        }
    }

    /// Figures of different machines and days are comparable only if a trace is always the same.
    #[test]
    fn a_trace_is_the_same_on_every_machine() {
        let hashes = Kind::ALL.map(|kind| Source::from_bytes("synthetic", text(kind, 20_000, 1)).sha256().unwrap());
        let expected = [
            "131a805e758d053f1d6397f2129abe442ab6530151ba1155f95ea267dc295e40",
            "7b52a5cfc14e983e961e54fc46b03234494d6922b09954fbff715ceb523cdf57",
            "c4291b386beae8645eb8a2a62dce2f56acc641756f6002a50451adf676441e29",
            "ef9bd78a880739454198d06be077d95248d50fcbe6a7e13cd1945dd78e2a9a7c",
        ];
        assert_eq!(hashes, expected);
    }

    #[test]
    fn drift_keeps_its_objects_while_their_sizes_grow() {
        let found = profile(Kind::Drift, 100_000);
        assert_eq!((found.peak_live_objects, found.reallocs), (10_000, 0));
        let mean = |events: &[Event]| {
            let sizes: Vec<u64> = events
                .iter()
                .filter_map(|event| match event.action {
                    crate::Action::Alloc { layout, .. } => Some(layout.size() as u64),
                    _ => None,
                })
                .collect();
            sizes.iter().sum::<u64>() / sizes.len() as u64
        };
        let events: Vec<Event> = Kind::Drift.events(100_000, 1).collect();
        let means: Vec<u64> = events.chunks(20_000).map(mean).collect();
        assert!(means.windows(2).all(|pair| pair[0] < pair[1]), "{means:?}");
        assert!(means[0] < 64 && means[4] > 2048, "{means:?}");
    }

    fn with_live(kind: Kind, events: u64, live: u64, seed: u64) -> Vec<Event> {
        kind.events_with_live(events, live, seed).unwrap().collect()
    }

    #[test]
    fn a_steady_state_has_the_given_number_of_live_objects() {
        for live in [1, 2, 300, 20_000] {
            let events = 3 * live + 1000;
            for kind in [Kind::Uniform, Kind::Drift] {
                let text =
                    text_of(with_live(kind, events, live, 1).into_iter(), &kind.provenance(events, Some(live), 1));
                let mut profile = Profile::default();
                for (index, event) in CsvReader::new(&text[..], kind.name()).unwrap().enumerate() {
                    profile.add(&event.unwrap());
                    let (at, now) = (index as u64 + 1, profile.live_objects);
                    let expected = match kind {
                        _ if at <= live => at..=at,
                        Kind::Drift => live - 1..=live,
                        _ => 0..=2 * live,
                    };
                    assert!(expected.contains(&now), "{}, {live} live: {now} after event {at}", kind.name());
                }
                assert_eq!(profile.events(), events);
            }
        }
    }

    #[test]
    fn the_usual_number_of_live_objects_gives_the_usual_trace() {
        for kind in [Kind::Uniform, Kind::Drift] {
            let usual: Vec<Event> = kind.events(200_000, 5).collect();
            assert!(with_live(kind, 200_000, 10_000, 5) == usual, "{}", kind.name());
            assert!(with_live(kind, 200_000, 12_000, 5) != usual, "{}", kind.name());
            assert!(with_live(kind, 200_000, 10_000, 6) != usual, "{}", kind.name());
        }
    }

    #[test]
    fn an_impossible_steady_state_is_refused() {
        let fault = |kind: Kind, events, live| kind.events_with_live(events, live, 1).err();
        for kind in [Kind::Robson, Kind::Sawtooth] {
            assert_eq!(fault(kind, 1000, 10), Some(NoSteadyState::Kind(kind.name())));
        }
        assert_eq!(fault(Kind::Drift, 1000, 0), Some(NoSteadyState::Live(0)));
        assert_eq!(fault(Kind::Drift, u64::MAX, 1 << 25), Some(NoSteadyState::Live(1 << 25)));
        let events = NoSteadyState::Events { events: 10, live_objects: 10 };
        assert_eq!(fault(Kind::Uniform, 10, 10), Some(events));
        assert_eq!(fault(Kind::Uniform, 11, 10), None);
    }

    #[test]
    fn sawtooth_climbs_and_falls_back_ten_times() {
        let mut profile = Profile::default();
        let mut live = Vec::new();
        for event in Kind::Sawtooth.events(10_000, 1) {
            profile.add(&event);
            live.push(profile.live_objects);
        }
        let tops = (1..live.len())
            .filter(|&at| live[at - 1] < live[at] && live.get(at + 1).is_some_and(|&next| next < live[at]));
        assert_eq!(
            tops.map(|at| live[at]).collect::<Vec<_>>(),
            (0..10).map(|tooth| 600 + 200 * tooth).collect::<Vec<_>>()
        );
    }

    #[test]
    fn uniform_does_everything_about_equally_often() {
        let found = profile(Kind::Uniform, 400_000);
        for count in [found.allocs, found.reallocs, found.deallocs] {
            assert!((115_000..145_000).contains(&count), "{found:?}");
        }
        assert!(found.peak_live_objects <= 20_000);
    }
}
