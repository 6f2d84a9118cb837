//! What to ship where the bytes of a WebAssembly module count.

use super::advice::{Beside, SmallModule};
use super::words::{self, times};
use crate::numbers::{count, short, signed};
use crate::prose::and;
use crate::results::{Origin, Role};
use crate::wasm::{WasmResults, WasmRow};

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
    let times: Vec<Option<Times>> = candidates.iter().map(|one| Times::of(all, &one.row.name, reference)).collect();
    let smaller: Vec<String> = candidates[..best_at]
        .iter()
        .map(|one| format!("{} ({} bytes, {})", one.row.name, signed(one.added_bytes), pages(one.pages)))
        .collect();
    let mut details = Vec::new();
    if !smaller.is_empty() {
        details.push(format!("Fewer bytes, but more memory: {}.", and(smaller)));
    }
    if times[best_at].as_ref().is_some_and(Times::is_slower) {
        let as_fast = frugal.iter().find(|&&at| {
            candidates[at].row.name == *reference || times[at].as_ref().is_some_and(|times| !times.is_slower())
        });
        details.extend(as_fast.map(|&at| &candidates[at]).map(|one| {
            format!("No slower than {reference}: {}, with {} bytes.", one.row.name, signed(one.added_bytes))
        }));
    }
    let sentence = sentence(best, reference, times[best_at].as_ref(), all.len());
    let beside_reference = times[best_at].as_ref().and_then(Times::of_one_trace);
    Some(SmallModule {
        ship: best.row.name.clone(),
        added_bytes: best.added_bytes,
        pages: best.pages,
        beside_reference,
        sentence,
        details,
    })
}

fn sentence(best: &Candidate, reference: &str, times: Option<&Times>, traces: usize) -> String {
    let on = match traces {
        1 => String::new(),
        several => format!(" on {}", words::traces(Origin::Unstated, several)),
    };
    let mut figures =
        vec![format!("{} bytes at opt-level z", signed(best.added_bytes)), format!("{}{on}", pages(best.pages))];
    figures.extend(times.map(|times| format!("{} the time of {reference} in {}", times.text(), times.engine)));
    words::ship(&best.row.name, reference, None, &figures)
}

/// An allocator's steady times over the reference's, a trace each; fresh times, where there are no steady ones.
struct Times<'r> {
    /// The engine of the first tier that was timed.
    engine: &'r str,
    ratios: Vec<Beside>,
}

impl<'r> Times<'r> {
    /// `None` for the reference, and if it was not timed on all traces.
    fn of(all: &[&'r WasmResults], name: &str, reference: &str) -> Option<Self> {
        if name == reference {
            return None;
        }
        let mut engine = "";
        let ratios = all.iter().map(|one| {
            let row = one.rows.iter().find(|row| row.name == name)?;
            row.times.iter().find_map(|tier| {
                let ratio = [&tier.steady, &tier.fresh].into_iter().find_map(|time| time.known()?.ratio.known())?;
                let [low, high] = ratio.interval.map_or([None; 2], |ends| ends.map(Some));
                engine = &tier.engine;
                Some(Beside { name: reference.to_owned(), ratio: ratio.median, low, high })
            })
        });
        let ratios = ratios.collect::<Option<Vec<Beside>>>()?;
        Some(Times { engine, ratios })
    }

    fn of_one_trace(&self) -> Option<Beside> {
        if let [one] = &self.ratios[..] { Some(one.clone()) } else { None }
    }

    /// Whether it is known to be slower than the reference on a trace.
    fn is_slower(&self) -> bool {
        self.ratios.iter().any(|beside| beside.low.unwrap_or(beside.ratio) > 1.0)
    }

    /// `0.80 × (0.76–0.84)` for one trace, `0.8 to 3.2 ×` for several.
    fn text(&self) -> String {
        if let [one] = &self.ratios[..] {
            return times(one);
        }
        let medians = || self.ratios.iter().map(|beside| beside.ratio);
        let (least, most) = (medians().fold(f64::INFINITY, f64::min), medians().fold(0.0, f64::max));
        format!("{} to {} ×", short(least), short(most))
    }
}

fn pages(pages: u64) -> String {
    count(pages, "page")
}
