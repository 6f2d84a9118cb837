//! A made-up contender: its figures follow from the few that a test sets.

use crate::results::*;

/// Peak live bytes of the sample trace.
pub(crate) const PEAK_LIVE: u64 = 1_048_576;

/// A page, in bytes.
pub(crate) const PAGE: u64 = 65_536;

/// Events in the sample trace.
pub(super) const EVENTS: u64 = 200_000;

/// A contender to change and then build: 0.1.0, passed, 20 pages, 15 rounds of about 1 ns per operation.
pub(crate) fn contender(name: &str) -> Builder {
    Builder {
        contender: Contender {
            name: name.into(),
            version: "0.1.0".into(),
            role: Role::Contender,
            verification: Verification::Passed,
            partial: None,
            memory: Figure::unknown(""),
            min_heap: Figure::unknown("not asked for"),
            time: Figure::unknown(""),
            latency: Figure::unknown("not measured"),
            instructions: Figure::unknown("not counted"),
        },
        pages: 20,
        per_loop_pages: 0,
        failed_requests: 0,
        rounds: 15,
        fresh_ns: 10,
        steady_ns: 10,
        rounds_ns: None,
        no_memory: None,
        no_time: None,
        no_steady: None,
    }
}

pub(crate) struct Builder {
    contender: Contender,
    pages: u64,
    per_loop_pages: u64,
    failed_requests: u64,
    rounds: usize,
    fresh_ns: u64,
    steady_ns: u64,
    /// The times of the rounds in ns, if set.
    rounds_ns: Option<Vec<u64>>,
    no_memory: Option<String>,
    no_time: Option<String>,
    no_steady: Option<Reason>,
}

impl Builder {
    pub(crate) fn version(mut self, version: &str) -> Self {
        self.contender.version = version.into();
        self
    }

    pub(crate) fn role(mut self, role: Role) -> Self {
        self.contender.role = role;
        self
    }

    pub(crate) fn pages(mut self, pages: u64) -> Self {
        self.pages = pages;
        self
    }

    /// A heap that grows by these pages in each further loop of the trace.
    pub(crate) fn grows_by(mut self, pages: u64) -> Self {
        self.per_loop_pages = pages;
        self
    }

    pub(crate) fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// Tenths of a nanosecond per operation.
    pub(crate) fn fresh_ns(mut self, tenths: u64) -> Self {
        self.fresh_ns = tenths;
        self
    }

    /// Tenths of a nanosecond per operation.
    pub(crate) fn steady_ns(mut self, tenths: u64) -> Self {
        self.steady_ns = tenths;
        self
    }

    /// Replays of a single operation, fresh and steady, that take these times in the rounds.
    pub(crate) fn rounds_ns(mut self, ns: &[u64]) -> Self {
        self.rounds_ns = Some(ns.into());
        self
    }

    pub(crate) fn failed_requests(mut self, failed_requests: u64) -> Self {
        self.failed_requests = failed_requests;
        self
    }

    /// A minimum heap of `pages`, above which `failed_above` limits failed.
    pub(crate) fn min_pages(mut self, pages: u64, failed_above: u64) -> Self {
        let tried = (0..failed_above).map(|above| (pages + 1 + above, Some(17)));
        self.contender.min_heap = Figure::Known(MinHeap {
            pages,
            bytes: pages * PAGE,
            ratio_to_max_live: (pages * PAGE) as f64 / PEAK_LIVE as f64,
            failed_above,
            limits_tried: tried.map(|(pages, first_failure_event)| LimitTried { pages, first_failure_event }).collect(),
        });
        self
    }

    pub(crate) fn without_min_heap(mut self, reason: &str) -> Self {
        self.contender.min_heap = Figure::unknown(reason);
        self
    }

    pub(crate) fn without_memory(mut self, reason: &str) -> Self {
        self.no_memory = Some(reason.into());
        self
    }

    pub(crate) fn without_time(mut self, reason: &str) -> Self {
        self.no_time = Some(reason.into());
        self
    }

    pub(crate) fn without_steady(mut self, reason: &str) -> Self {
        self.no_steady = Some(reason.into());
        self
    }

    pub(crate) fn invalid(mut self, event: u64, message: &str) -> Self {
        self.contender.verification = Verification::Failed { event, message: message.into() };
        self.without_time("failed verification")
    }

    pub(crate) fn build(self) -> Contender {
        let memory = self.no_memory.as_deref().map_or_else(|| Figure::Known(self.memory()), Figure::unknown);
        let time = self.no_time.as_deref().map_or_else(|| Figure::Known(self.time()), Figure::unknown);
        let timed = self.no_time.as_deref();
        let latency = timed.map_or_else(|| Figure::Known(self.latency()), Figure::unknown);
        let instructions = timed.map_or_else(|| Figure::Known(self.instructions()), Figure::unknown);
        Contender { memory, time, latency, instructions, ..self.contender }
    }

    /// Calls that take as long as a steady operation; one in a hundred takes three times as long, one in a thousand
    /// thirty times.
    fn latency(&self) -> Latency {
        let ns = self.steady_ns as f64 / 10.0;
        let percentiles = |count| Percentiles {
            count,
            p50_ns: ns,
            p90_ns: 1.5 * ns,
            p99_ns: 3.0 * ns,
            p999_ns: 30.0 * ns,
            max_ns: 900.0 * ns,
        };
        let class = |kind, up_to_bytes, count| ClassLatency { kind, up_to_bytes, percentiles: percentiles(count) };
        let point = |(share, times): (f64, f64)| CurvePoint { share, ns: times * ns };
        let slow = |rank: u64| SlowCall {
            event: 150_000 - rank,
            kind: CallKind::Alloc,
            size_bytes: 4096,
            ns: 900.0 * ns / (rank + 1) as f64,
            live_bytes: PEAK_LIVE,
            live_objects: 12_345,
            committed_bytes: self.pages * PAGE,
            grown_bytes: PAGE,
        };
        Latency {
            timer: Timer { name: TimerName::Tsc, ns_per_tick: 0.5, cost_ns: 12.5, step_ns: 0.5 },
            passes: 3,
            all: percentiles(EVENTS),
            by_class: vec![
                class(CallKind::Alloc, Some(16), 50_000),
                class(CallKind::Alloc, Some(32), 40_000),
                class(CallKind::Realloc, Some(128), 19_000),
                class(CallKind::Realloc, None, 1_000),
                class(CallKind::Dealloc, Some(16), 90_000),
            ],
            curve: [(0.5, 1.0), (0.9, 1.5), (0.99, 3.0), (0.999, 30.0), (0.9999, 300.0), (1.0, 900.0)]
                .map(point)
                .to_vec(),
            slowest: (0..20).map(slow).collect(),
        }
    }

    /// Four instructions per nanosecond.
    fn instructions(&self) -> Instructions {
        Instructions {
            counter: InstructionCounter::Callgrind,
            instructions: self.steady_ns * EVENTS * 4 / 10,
            ops: EVENTS,
        }
    }

    fn memory(&self) -> Memory {
        let peak_heap_bytes = self.pages * PAGE;
        let overhead_ratio = peak_heap_bytes as f64 / PEAK_LIVE as f64;
        Memory {
            peak_heap_pages: self.pages,
            peak_heap_bytes,
            peak_heap_event: 150_000,
            overhead_ratio,
            johnstone_wilson_4_percent: (overhead_ratio - 1.0) * 100.0,
            peak_span_bytes: peak_heap_bytes,
            johnstone_wilson: JohnstoneWilson {
                at_peak_live_percent: Some((overhead_ratio - 1.0) * 100.0),
                at_peak_heap_percent: Some(overhead_ratio * 100.0),
                ..JohnstoneWilson::default()
            },
            reallocs: Reallocs::default(),
            occupancy: Occupancy { at_peak_heap: self.occupancy(), ..Occupancy::default() },
            fragmentation: Fragmentation::default(),
            gaps: Some(Gaps {
                at_end: GapsAt {
                    event: EVENTS,
                    free_bytes: peak_heap_bytes,
                    largest_gap_bytes: peak_heap_bytes / 2,
                    largest_request_bytes: peak_heap_bytes,
                    external_share: Some(0.5),
                },
                ..Gaps::default()
            }),
            retention: Retention {
                end_heap_bytes: peak_heap_bytes,
                end_resident_bytes: Figure::Known(peak_heap_bytes),
                freed_heap_bytes: peak_heap_bytes,
                freed_resident_bytes: Figure::Known(peak_heap_bytes),
            },
            splits: vec![self.split()],
            strips: [(Moment::PeakLive, 150_000), (Moment::PeakHeap, 150_000), (Moment::End, EVENTS)]
                .map(|at| self.strip(at))
                .into(),
            growth: Figure::Known(Growth {
                heap_pages: (0..4).map(|more| self.pages + more * self.per_loop_pages).collect(),
                per_loop_pages: self.per_loop_pages,
            }),
            grow_calls: Figure::Known(self.pages),
            failed_requests: self.failed_requests,
            first_failure: (self.failed_requests > 0).then_some(FailedRequest {
                event: 4711,
                size_bytes: 65_400,
                align_bytes: 64,
                heap_pages: 92,
                live_bytes: 1234,
            }),
            timeline: self.timeline(),
            grid: self.grid(),
        }
    }

    /// Half of the pages are full, a quarter is half empty, and the rest is empty.
    fn occupancy(&self) -> OccupancyAt {
        let (full, half) = (self.pages / 2, self.pages / 4);
        let empty = self.pages - full - half;
        OccupancyAt {
            event: 150_000,
            live_share: None,
            committed_pages: self.pages,
            occupied_pages: full + half,
            pinned_pages: 0,
            pages_by_tenth: vec![empty, 0, 0, 0, 0, half, 0, 0, 0, 0, 0, full],
        }
    }

    /// Live bytes as far as there are pages for them. Half of the rest is free, half is not reported.
    fn split(&self) -> Split {
        let committed_bytes = self.pages * PAGE;
        let requested = PEAK_LIVE.min(committed_bytes);
        let free = (committed_bytes - requested) / 2;
        let part = |kind, name: &str, bytes| SplitPart { kind, name: name.into(), bytes };
        Split {
            at: Moment::PeakHeap,
            event: 150_000,
            committed_bytes,
            parts: vec![
                part(PartKind::Requested, "requested", requested),
                part(PartKind::Free, "bin of 16", free / 2),
                part(PartKind::Free, "bin of 32", free - free / 2),
                part(PartKind::Unknown, "not reported", committed_bytes - requested - free),
            ],
        }
    }

    /// Every second part is empty. The others are fuller, with larger and older objects, the higher their address.
    fn strip(&self, (at, event): (Moment, u64)) -> Strip {
        let pages_per_part = self.pages.div_ceil(64);
        let parts = self.pages.div_ceil(pages_per_part);
        let is_live = |&part: &u64| !part.is_multiple_of(2);
        let of_live = |figure: fn(u64) -> u64| (0..parts).map(|part| is_live(&part).then(|| figure(part))).collect();
        Strip {
            at,
            event,
            committed_bytes: self.pages * PAGE,
            part_bytes: pages_per_part * PAGE,
            live_permille: (0..parts)
                .map(|part| if is_live(&part) { (part * 1000 / parts) as u16 } else { 0 })
                .collect(),
            most_size_up_to_bytes: of_live(|part| 16 << (part / 4)),
            mean_age_events: of_live(|part| part * 1000),
        }
    }

    /// 1,000 stretches: live bytes rise to their peak at three quarters of the run, in waves, and fall to nothing.
    /// Until then, the heap grows by whole pages with time, or with the live bytes if it stays within 4 times them.
    fn timeline(&self) -> Vec<FootprintPoint> {
        let mut pages = 0;
        let point = |stretch: u64| {
            let done = stretch as f64 / 1000.0;
            let rise = if done <= 0.75 { done / 0.75 } else { (1.0 - done) / 0.25 };
            let wave = 1.0 - 0.25 * (1.0 - rise) * (1.0 + (done * 60.0).sin());
            let live_bytes = (rise * wave * PEAK_LIVE as f64) as u64;
            let leaks = self.pages > 64;
            let share = if leaks { (done / 0.75).min(1.0) } else { live_bytes as f64 / PEAK_LIVE as f64 };
            pages = pages.max((share * self.pages as f64).ceil() as u64).max(1);
            FootprintPoint {
                event: stretch * EVENTS / 1000,
                requested_bytes: stretch * PEAK_LIVE / 100,
                live_bytes,
                span_bytes: pages * PAGE,
                committed_bytes: pages * PAGE,
                occupied_pages: pages,
                grow_events: 1,
            }
        };
        (1..=1000).map(point).collect()
    }

    /// Twenty columns, in which every second row is empty and the others are fuller the higher their address.
    fn grid(&self) -> OccupancyGrid {
        let pages_per_row = self.pages.div_ceil(64);
        let rows = self.pages.div_ceil(pages_per_row);
        let permille = |row: u64| if row.is_multiple_of(2) { 0 } else { (row * 1000 / rows) as u16 };
        OccupancyGrid {
            row_bytes: pages_per_row * PAGE,
            events_per_column: EVENTS / 20,
            live_permille: vec![(0..rows).map(permille).collect(); 20],
        }
    }

    /// Samples that spread by 3 % to either side of the requested value.
    fn time(&self) -> Time {
        if let Some(ns) = &self.rounds_ns {
            return Time { ops: 1, fresh_ns: ns.clone(), steady_ns: ns.clone(), ..Time::default() };
        }
        let ops = 200_000;
        let samples = |tenths: u64| {
            let spread = |round: u64| 970 + (round * 7 % 15) * 60 / 14;
            (0..self.rounds as u64).map(|round| tenths * ops * spread(round) / 10_000).collect()
        };
        let steady_ns = if self.no_steady.is_some() { Vec::new() } else { samples(self.steady_ns) };
        Time { ops, fresh_ns: samples(self.fresh_ns), steady_ns, no_steady: self.no_steady.clone(), ..Time::default() }
    }
}
