//! What to ship where the bytes of a WebAssembly module count.

use super::advice::{Beside, SmallModule};
use super::words::{self, times};
use crate::numbers::{count, signed};
use crate::prose::and;
use crate::results::{Origin, Role};
use crate::wasm::{TierTimes, WasmResults, WasmRow};

/// How many pages an allocator may take for each that the most frugal takes: fewer bytes of code are no gain if the heap
/// grows by more than them.
const FRUGAL: f64 = 1.25;

/// An allocator over all traces.
struct Candidate<'r> {
    row: &'r WasmRow,
    added_bytes: i64,
    pages: u64,
}

/// What the modules' results of these traces recommend; `None` if no allocator served all of them.
pub fn small_module(all: &[&WasmResults]) -> Option<SmallModule> {
    let (first, others) = all.split_first()?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for row in first.rows.iter().filter(|row| row.role == Role::Contender) {
        let alike = others.iter().map(|one| one.rows.iter().find(|other| other.name == row.name));
        let Some(rows) = std::iter::once(Some(row)).chain(alike).collect::<Option<Vec<_>>>() else { continue };
        let Some(sizes) = row.sizes.known() else { continue };
        if !rows.iter().all(|row| row.served_all()) {
            continue;
        }
        let pages = rows.iter().filter_map(|row| row.memory.known()).map(|memory| memory.grown_pages).sum();
        candidates.push(Candidate { row, added_bytes: sizes.z.whole_bytes, pages });
    }
    candidates.sort_by_key(|one| (one.added_bytes, one.pages));
    let least = candidates.iter().map(|one| one.pages).min()?;
    let frugal: Vec<usize> =
        (0..candidates.len()).filter(|&at| candidates[at].pages as f64 <= least as f64 * FRUGAL).collect();
    let best_at = *frugal.first()?;
    let best = &candidates[best_at];
    let reference = &first.reference;
    let is_one_trace = others.is_empty();
    let beside = |at: usize| if is_one_trace { beside_reference(candidates[at].row, reference) } else { None };
    let smaller: Vec<String> = candidates[..best_at]
        .iter()
        .map(|one| format!("{} ({} bytes, {})", one.row.name, signed(one.added_bytes), pages(one.pages)))
        .collect();
    let mut details = Vec::new();
    if !smaller.is_empty() {
        details.push(format!("Fewer bytes, but more memory: {}.", and(smaller)));
    }
    let (found, tier) = beside(best_at).unzip();
    if found.as_ref().is_some_and(|beside: &Beside| is_above_one(beside)) {
        let as_fast = frugal.iter().find(|&&at| {
            candidates[at].row.name == *reference || beside(at).is_some_and(|(beside, _)| !is_above_one(&beside))
        });
        details.extend(as_fast.map(|&at| &candidates[at]).map(|one| {
            format!("No slower than {reference}: {}, with {} bytes.", one.row.name, signed(one.added_bytes))
        }));
    }
    let sentence = sentence(best, reference, found.as_ref().zip(tier), all.len());
    Some(SmallModule {
        ship: best.row.name.clone(),
        added_bytes: best.added_bytes,
        pages: best.pages,
        beside_reference: found,
        sentence,
        details,
    })
}

fn sentence(best: &Candidate, reference: &str, beside: Option<(&Beside, &TierTimes)>, traces: usize) -> String {
    let on = match traces {
        1 => String::new(),
        several => format!(" on {}", words::traces(Origin::Unstated, several)),
    };
    let mut figures =
        vec![format!("{} bytes at opt-level z", signed(best.added_bytes)), format!("{}{on}", pages(best.pages))];
    figures
        .extend(beside.map(|(beside, tier)| format!("{} the time of {reference} in {}", times(beside), tier.engine)));
    words::ship(&best.row.name, reference, None, &figures)
}

/// A row's steady time over the reference's; its fresh time, if it has no steady one. The reference has none.
fn beside_reference<'r>(row: &'r WasmRow, reference: &str) -> Option<(Beside, &'r TierTimes)> {
    let times = if row.name == reference { &[][..] } else { &row.times };
    times.iter().find_map(|tier| {
        let ratio = [&tier.steady, &tier.fresh].into_iter().find_map(|time| time.known()?.ratio.known())?;
        let [low, high] = ratio.interval.map_or([None; 2], |ends| ends.map(Some));
        Some((Beside { name: reference.to_owned(), ratio: ratio.median, low, high }, tier))
    })
}

fn is_above_one(beside: &Beside) -> bool {
    beside.low.unwrap_or(beside.ratio) > 1.0
}

fn pages(pages: u64) -> String {
    count(pages, "page")
}
