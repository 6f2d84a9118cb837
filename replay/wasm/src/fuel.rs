//! What calls cost in fuel: the operators that an engine counts while it runs a module.

use std::collections::BTreeMap;

use heaprace_engine::time::calls::size_class::{UP_TO_BYTES, class_of};
use heaprace_reports::results::CallKind;
use heaprace_reports::wasm::{ClassFuel, CostlyCall, FuelSummary};

/// The shares of calls whose fuel is reported.
const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// The fuel of all calls of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FuelCosts {
    /// Calls by what they ask for, by size class, and by their fuel.
    calls: BTreeMap<(CallKind, usize), Counts>,
    /// Of all calls.
    pub total: u64,
    /// Bytes that `memory.copy` and `memory.fill` were asked to write, which are not in the fuel.
    pub bulk_bytes: u64,
    /// The first of those that cost the most.
    worst: Option<CostlyCall>,
}

/// How many calls cost how much.
type Counts = BTreeMap<u64, u64>;

impl FuelCosts {
    /// Adds a call.
    pub fn add(&mut self, call: CostlyCall) {
        let class = (call.kind, class_of(call.size_bytes.into()));
        *self.calls.entry(class).or_default().entry(call.fuel).or_default() += 1;
        self.total += call.fuel;
        if self.worst.is_none_or(|worst| call.fuel > worst.fuel) {
            self.worst = Some(call);
        }
    }

    fn by_class(&self) -> Vec<ClassFuel> {
        let class = |(&(kind, class), counts): (&(CallKind, usize), &Counts)| ClassFuel {
            kind,
            up_to_bytes: UP_TO_BYTES.get(class).copied(),
            calls: counts.values().sum(),
            percentiles: percentiles(counts),
            most: counts.keys().next_back().copied().unwrap_or_default(),
        };
        self.calls.iter().map(class).collect()
    }

    /// The figures, with those of the floor subtracted from the mean. `None` without calls.
    pub fn summary(&self, floor: &FuelCosts, events: u64) -> Option<FuelSummary> {
        let per_event = |amount: u64| amount as f64 / events as f64;
        Some(FuelSummary {
            net_per_op: per_event(self.total) - per_event(floor.total),
            bulk_bytes_per_op: per_event(self.bulk_bytes),
            percentiles: percentiles(&self.all()),
            worst: self.worst?,
            by_class: self.by_class(),
        })
    }

    fn all(&self) -> Counts {
        let mut all = Counts::new();
        for (&fuel, &calls) in self.calls.values().flatten() {
            *all.entry(fuel).or_default() += calls;
        }
        all
    }
}

/// Pairs of a share in per cent, and the least fuel that this share of the calls does not exceed.
fn percentiles(counts: &Counts) -> [(f64, u64); 4] {
    let count: u64 = counts.values().sum();
    SHARES.map(|share| {
        let wanted = (share * count as f64).ceil() as u64;
        let mut seen = 0;
        let found = counts.iter().find(|&(_, &calls)| {
            seen += calls;
            seen >= wanted
        });
        (share * 100.0, found.map_or(0, |(&fuel, _)| fuel))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(event: u64, kind: CallKind, size_bytes: u32, fuel: u64) -> CostlyCall {
        CostlyCall { event, kind, size_bytes, fuel, live_bytes: 0, live_objects: 0, pages: 1, grown_pages: 0 }
    }

    fn costs(fuel: impl IntoIterator<Item = u64>) -> FuelCosts {
        let mut costs = FuelCosts::default();
        for (event, fuel) in (1..).zip(fuel) {
            costs.add(call(event, CallKind::Alloc, 8, fuel));
        }
        costs
    }

    #[test]
    fn the_floor_is_subtracted_from_the_mean_and_the_worst_call_is_the_first_of_its_fuel() {
        let summary = costs([10, 40, 40, 30]).summary(&costs([5, 5, 5, 5]), 4).unwrap();
        assert_eq!((summary.net_per_op, summary.worst.event, summary.worst.fuel), (25.0, 2, 40));
        assert_eq!(costs([]).summary(&costs([]), 0), None);
    }

    #[test]
    fn percentiles_are_of_calls() {
        let summary = costs(1..=1000).summary(&costs([]), 1000).unwrap();
        assert_eq!(summary.percentiles, [(50.0, 500), (90.0, 900), (99.0, 990), (99.9, 999)]);
    }

    #[test]
    fn calls_are_told_apart_by_kind_and_size_class() {
        let mut costs = costs([7, 9]);
        costs.add(call(3, CallKind::Alloc, 17, 20));
        costs.add(call(4, CallKind::Dealloc, 2_000_000, 30));
        let found = costs.summary(&FuelCosts::default(), 4).unwrap().by_class;
        let shown: Vec<_> =
            found.iter().map(|class| (class.kind, class.up_to_bytes, class.calls, class.most)).collect();
        assert_eq!(
            shown,
            [(CallKind::Alloc, Some(16), 2, 9), (CallKind::Alloc, Some(32), 1, 20), (CallKind::Dealloc, None, 1, 30)]
        );
        assert_eq!(found[0].percentiles[0], (50.0, 7));
    }
}
