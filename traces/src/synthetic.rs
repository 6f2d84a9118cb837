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
//! assert_eq!(Kind::Drift.provenance(1000, 7)[0], "origin: synthetic");
//! ```

mod drift;
mod objects;
mod robson;
mod sawtooth;
mod uniform;

use heaprace_recorder::Event;

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
        match self {
            Kind::Uniform => Box::new(uniform::Uniform::new(events, seed)),
            Kind::Robson => Box::new(robson::Robson::new(events)),
            Kind::Sawtooth => Box::new(sawtooth::Sawtooth::new(events, seed)),
            Kind::Drift => Box::new(drift::Drift::new(events, seed)),
        }
    }

    /// Where its trace comes from.
    pub fn provenance(self, events: u64, seed: u64) -> Vec<String> {
        vec![
            ORIGIN.to_owned(),
            format!("generator: heaprace traces {}", env!("CARGO_PKG_VERSION")),
            format!("rule: {}, {}", self.name(), self.description()),
            format!("settings: {events} events, seed {seed}"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::{Columns, CsvReader, CsvWriter};
    use crate::{Profile, Source};

    fn text(kind: Kind, events: u64, seed: u64) -> Vec<u8> {
        let mut writer = CsvWriter::new(Vec::new(), Columns::default(), &kind.provenance(events, seed)).unwrap();
        kind.events(events, seed).for_each(|event| writer.write(&event).unwrap());
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
