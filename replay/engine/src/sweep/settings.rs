//! The settings of a plan, and all their combinations.

use std::ops::Range;

use heaprace_allocators::PageSize;
use serde::Deserialize;
use toml::Spanned;

use super::axis::{Axis, Budget};
use super::key::CellSettings;
use crate::contender::TouchPolicy;
use crate::heap_size::HeapLimit;
use crate::time::rounds::FEWEST_RIGOROUS;

/// A fault, with its position in the plan.
type Fault = (Range<usize>, String);

/// The settings of a plan, named like the options of `replay`, with the same defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    page_size: Axis<PageSize>,
    heap_limit: Spanned<Axis<HeapLimit>>,
    touch: Axis<TouchPolicy>,
    rounds: Axis<u32>,
    seed: Axis<u64>,
    rigorous: Spanned<Axis<bool>>,
    latency: Axis<bool>,
    instructions: Axis<bool>,
    min_heap: Axis<bool>,
    skip_verification: Axis<bool>,
    budget: Axis<Budget>,
    pub(super) skip_bounds: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let CellSettings {
            page,
            heap_limit_pages,
            touch,
            rounds,
            seed,
            rigorous,
            latency,
            instructions,
            min_heap,
            verify,
            budget_ns: _,
        } = CellSettings::default();
        Settings {
            page_size: Axis::of(page),
            // In bytes, so that it does not depend on the page size.
            heap_limit: Spanned::new(0..0, Axis::of(HeapLimit::Bytes(heap_limit_pages * page.bytes()))),
            touch: Axis::of(touch),
            rounds: Axis::of(rounds),
            seed: Axis::of(seed),
            rigorous: Spanned::new(0..0, Axis::of(rigorous)),
            latency: Axis::of(latency),
            instructions: Axis::of(instructions),
            min_heap: Axis::of(min_heap),
            skip_verification: Axis::of(!verify),
            budget: Axis::of(Budget::UNLIMITED),
            skip_bounds: false,
        }
    }
}

impl Settings {
    /// All combinations of settings, each with the label that distinguishes it from the others.
    pub(super) fn combinations(&self) -> Result<Vec<(String, CellSettings)>, Fault> {
        let mut choices = vec![(Vec::new(), CellSettings::default())];
        cross(&mut choices, "page-size", &self.page_size, |choice, page| {
            choice.page = page;
            Ok(page.bytes().to_string())
        })?;
        // After the page size, the unit of the limit.
        cross(&mut choices, "heap-limit", self.heap_limit.get_ref(), |choice, limit| {
            let faulty = |message| (self.heap_limit.span(), format!("heap_limit: {message}"));
            let pages = limit.pages(choice.page).map_err(faulty)?;
            choice.heap_limit_pages = pages;
            Ok(format!("{pages}pages"))
        })?;
        cross(&mut choices, "touch", &self.touch, |choice, touch| {
            choice.touch = touch;
            Ok(touch.name().to_owned())
        })?;
        cross(&mut choices, "rounds", &self.rounds, |choice, rounds| {
            choice.rounds = rounds;
            Ok(rounds.to_string())
        })?;
        cross(&mut choices, "seed", &self.seed, |choice, seed| {
            choice.seed = seed;
            Ok(seed.to_string())
        })?;
        // After the rounds, because it needs enough of them.
        cross(&mut choices, "rigorous", self.rigorous.get_ref(), |choice, rigorous| {
            if rigorous && (1..FEWEST_RIGOROUS).contains(&choice.rounds) {
                let (rounds, fewest) = (choice.rounds, FEWEST_RIGOROUS);
                let message =
                    format!("rigorous: needs at least {fewest} rounds, but there are {rounds}: set rounds = 30");
                return Err((self.rigorous.span(), message));
            }
            choice.rigorous = rigorous;
            Ok(rigorous.to_string())
        })?;
        cross(&mut choices, "latency", &self.latency, |choice, latency| {
            choice.latency = latency;
            Ok(latency.to_string())
        })?;
        cross(&mut choices, "instructions", &self.instructions, |choice, instructions| {
            choice.instructions = instructions;
            Ok(instructions.to_string())
        })?;
        cross(&mut choices, "min-heap", &self.min_heap, |choice, search| {
            choice.min_heap = search;
            Ok(search.to_string())
        })?;
        cross(&mut choices, "skip-verification", &self.skip_verification, |choice, skip| {
            choice.verify = !skip;
            Ok(skip.to_string())
        })?;
        cross(&mut choices, "budget", &self.budget, |choice, budget| {
            choice.budget_ns = budget.ns();
            Ok(budget.to_string())
        })?;
        let labelled = choices.into_iter().map(|(labels, settings)| (labels.join("-"), settings)).collect::<Vec<_>>();
        for (index, (_, settings)) in labelled.iter().enumerate() {
            if labelled[..index].iter().any(|(_, other)| other == settings) {
                let pages = settings.heap_limit_pages;
                let message = format!("heap_limit: two of the limits are the same, {pages} pages of {}", settings.page);
                return Err((self.heap_limit.span(), message));
            }
        }
        Ok(labelled)
    }
}

/// Maximum combinations of settings: each is a cell for every trace and allocator.
const MOST_COMBINATIONS: usize = 4096;

/// Expands each choice into one per value of the axis. `set` sets the value, and returns its text for the label.
fn cross<T: Copy>(
    choices: &mut Vec<(Vec<String>, CellSettings)>,
    name: &str,
    axis: &Axis<T>,
    set: impl Fn(&mut CellSettings, T) -> Result<String, Fault>,
) -> Result<(), Fault> {
    let mut crossed = Vec::new();
    if choices.len().saturating_mul(axis.values().len()) > MOST_COMBINATIONS {
        let message =
            format!("{name}: more than {MOST_COMBINATIONS} combinations; give fewer values, or several plans");
        return Err((0..0, message));
    }
    for (labels, settings) in choices.iter() {
        for &value in axis.values() {
            let (mut labels, mut settings) = (labels.clone(), settings.clone());
            let text = set(&mut settings, value)?;
            if axis.varies() {
                labels.push(format!("{name}-{text}"));
            }
            crossed.push((labels, settings));
        }
    }
    *choices = crossed;
    Ok(())
}
