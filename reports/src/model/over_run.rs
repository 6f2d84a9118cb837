//! Committed over live over the run, after Johnstone and Wilson.

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Gate, Number, entry};

/// Committed over live over the run, after Johnstone and Wilson (ISMM 1998), each as (ratio − 1) in per cent. Their
/// fourth measure is `johnstone_wilson_4_percent`. `None` if nothing is ever live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JohnstoneWilson {
    /// #1 read as the mean of H / R, over bytes requested.
    pub mean_of_ratios_by_bytes_percent: Option<f64>,
    /// The same over events.
    pub mean_of_ratios_by_events_percent: Option<f64>,
    /// #1 read as mean H over mean R, over bytes requested.
    pub ratio_of_means_by_bytes_percent: Option<f64>,
    /// The same over events.
    pub ratio_of_means_by_events_percent: Option<f64>,
    /// #2: H over R at the first instant of max R.
    pub at_peak_live_percent: Option<f64>,
    /// #3: H over R at the first instant of max H.
    pub at_peak_heap_percent: Option<f64>,
}

/// Fields of [`JohnstoneWilson`].
pub(super) static ENTRIES: &[Entry<JohnstoneWilson>] = &[
    entry("mean_of_ratios_by_bytes_percent", "%", |it: &JohnstoneWilson| it.mean_of_ratios_by_bytes_percent.number())
        .docs(
            "#1, read as Σ w·H/R ÷ Σ w, where w is the bytes by which the event advances the byte clock",
            "≥ 0 %",
            "teardown: deallocations have no weight",
        )
        .less_is_better(Gate::Never)
        .shown(
            ["jw1", "J–W #1", "J–W #1", "%"],
            "Johnstone and Wilson's first measure: the mean of H / R over bytes requested, less 1, in per cent. \
            It starts when live first reaches 1 % of its peak.",
        ),
    entry("mean_of_ratios_by_events_percent", "%", |it: &JohnstoneWilson| it.mean_of_ratios_by_events_percent.number())
        .docs("the same with w = 1", "≥ 0 %", "long stretches of few events")
        .less_is_better(Gate::Never),
    entry("ratio_of_means_by_bytes_percent", "%", |it: &JohnstoneWilson| it.ratio_of_means_by_bytes_percent.number())
        .docs("#1, read as Σ w·H ÷ Σ w·R, by bytes", "≥ 0 %", "phases with few live bytes have little weight")
        .less_is_better(Gate::Never),
    entry("ratio_of_means_by_events_percent", "%", |it: &JohnstoneWilson| it.ratio_of_means_by_events_percent.number())
        .docs("the same by events", "≥ 0 %", "phases with few live bytes have little weight")
        .less_is_better(Gate::Never),
    entry("at_peak_live_percent", "%", |it: &JohnstoneWilson| it.at_peak_live_percent.number())
        .docs("#2: H / R at the first instant of max R", "≥ 0 %", "everything else")
        .less_is_better(Gate::Never)
        .shown(
            ["jw2", "J–W #2", "J–W #2", "%"],
            "Johnstone and Wilson's second measure: H / R at the first instant of peak live, less 1, in per cent.",
        ),
    entry("at_peak_heap_percent", "%", |it: &JohnstoneWilson| it.at_peak_heap_percent.number())
        .docs("#3: H / R at the first instant of max H; `null` if nothing is live then", "≥ 0 %", "everything else")
        .less_is_better(Gate::Never)
        .shown(
            ["jw3", "J–W #3", "J–W #3", "%"],
            "Johnstone and Wilson's third measure: H / R at the first instant of the peak heap, less 1, in per cent.",
        ),
];
