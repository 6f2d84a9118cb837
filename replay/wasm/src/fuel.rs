//! What calls cost in fuel: the operators that an engine counts while it runs a module.

use std::collections::BTreeMap;

use heaprace_reports::wasm::{CostlyCall, FuelSummary};

/// The shares of calls whose fuel is reported.
const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// The fuel of all calls of a replay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FuelCosts {
    /// Calls by their fuel.
    calls: BTreeMap<u64, u64>,
    /// Of all calls.
    pub total: u64,
    /// Bytes that `memory.copy` and `memory.fill` were asked to write, which are not in the fuel.
    pub bulk_bytes: u64,
    /// The first of those that cost the most.
    worst: Option<CostlyCall>,
}

impl FuelCosts {
    /// Adds a call.
    pub fn add(&mut self, call: CostlyCall) {
        *self.calls.entry(call.fuel).or_default() += 1;
        self.total += call.fuel;
        if self.worst.is_none_or(|worst| call.fuel > worst.fuel) {
            self.worst = Some(call);
        }
    }

    /// The least fuel that this share of the calls does not exceed.
    fn percentile(&self, share: f64) -> u64 {
        let count: u64 = self.calls.values().sum();
        let wanted = (share * count as f64).ceil() as u64;
        let mut seen = 0;
        let found = self.calls.iter().find(|&(_, &calls)| {
            seen += calls;
            seen >= wanted
        });
        found.map_or(0, |(&fuel, _)| fuel)
    }

    /// The figures, with those of the floor subtracted from the mean. `None` without calls.
    pub fn summary(&self, floor: &FuelCosts, events: u64) -> Option<FuelSummary> {
        let per_event = |amount: u64| amount as f64 / events as f64;
        Some(FuelSummary {
            net_per_op: per_event(self.total) - per_event(floor.total),
            bulk_bytes_per_op: per_event(self.bulk_bytes),
            percentiles: SHARES.map(|share| (share * 100.0, self.percentile(share))),
            worst: self.worst?,
        })
    }
}

#[cfg(test)]
mod tests {
    use heaprace_reports::results::CallKind;

    use super::*;

    fn costs(fuel: impl IntoIterator<Item = u64>) -> FuelCosts {
        let mut costs = FuelCosts::default();
        for (event, fuel) in (1..).zip(fuel) {
            costs.add(CostlyCall { event, kind: CallKind::Alloc, size_bytes: 8, fuel });
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
}
