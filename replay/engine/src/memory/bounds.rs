//! Bounds for reading the contenders' footprints: the least memory that a trace needs, and the most that it could need.
//!
//! | bound | what it is |
//! |---|---|
//! | most live bytes | no allocator needs less |
//! | most live bytes, aligned | each size rounded up to a multiple of its alignment |
//! | [clairvoyant] | the need of a placement that knows every object's end in advance; found by a heuristic, and checked |
//! | [Robson's](robson) | the need of the worst program with the same most live bytes and largest size |
//!
//! All count the bytes of objects only: no headers, no free lists, no rounding to pages. Reallocs are viewed
//! optimistically, see [`instance`]. All are the same in every run and on every machine.
//!
//! The clairvoyant placement is a point between two bounds: the best placement needs no more than it, and no less than
//! the most live bytes. If those two are close, as on nearly all traces, both are close to the truth. How close they
//! must be is known: the best placement needs at most 3 times the most live bytes (Gergov 1999), and little more than
//! them if every object is small (Buchsbaum et al. 2003).
//!
//! - A. L. Buchsbaum, H. Karloff, C. Kenyon, N. Reingold and M. Thorup, "OPT versus LOAD in dynamic storage
//!   allocation", STOC 2003.
//! - J. Gergov, "Algorithms for compile-time memory optimization", SODA 1999.
//! - M. D. Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS
//!   2023: exact, for thousands of objects. `replay trace export --minimalloc` writes a trace in its format.
//! - [idealloc](https://github.com/cappadokes/idealloc): Buchsbaum's boxes and best-fit, for millions of objects.
//!
//! ```
//! use heaprace_engine::{Program, memory::bounds};
//!
//! let text = "op,id,size,align\nalloc,1,1000,8\nalloc,2,27,8\ndealloc,1\nalloc,3,1008,8\n";
//! let program = Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")?)?;
//! let bounds = bounds::of(&program)?;
//! assert_eq!((bounds.max_live_bytes, bounds.max_live_aligned_bytes), (1035, 1040));
//! // The small object goes above the others, so that no padding is needed.
//! assert_eq!(bounds.clairvoyant_bytes, 1035);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod clairvoyant;
mod error;
pub mod instance;
mod least;
mod minimalloc;
pub mod playback;
pub mod robson;
mod space;
mod sweep;

use heaprace_reports::results::Bounds;

use crate::limits::Limits;
use crate::program::Program;

pub use clairvoyant::Placement;
pub use error::BoundsError;
pub use instance::Instance;
pub use robson::Robson;

/// Memory that the bounds take for each object.
const BYTES_PER_OBJECT: u64 = 44;

/// Memory that the check of a placement takes for each live object.
const BYTES_PER_LIVE_OBJECT: u64 = 100;

/// Computes the bounds of a trace. The clairvoyant placement is checked, like every contender, before it counts.
///
/// This takes a few seconds for a trace of a million objects, and [`memory_bytes`] in addition to the program.
///
/// # Errors
///
/// [`BoundsError::TooLong`], and the errors of [`playback::verify`].
pub fn of(program: &Program) -> Result<Bounds, BoundsError> {
    within(program, Limits::NONE)
}

/// Memory that the bounds of a program take.
pub fn memory_bytes(program: &Program) -> u64 {
    let profile = program.profile();
    (profile.allocs + profile.reallocs) * BYTES_PER_OBJECT + profile.peak_live_objects * BYTES_PER_LIVE_OBJECT
}

/// The most steps that the bounds of a program take, as the progress of the limits counts them; two walks over a large
/// trace may take more.
pub fn most_steps(program: &Program) -> u64 {
    let profile = program.profile();
    clairvoyant::most_steps(profile.allocs + profile.reallocs)
}

/// Computes the bounds of a trace, unless a limit is reached.
///
/// # Errors
///
/// Those of [`of`](fn@of), and [`BoundsError::Stopped`].
pub fn within(program: &Program, limits: Limits<'_>) -> Result<Bounds, BoundsError> {
    let instance = Instance::within(program, limits)?;
    let placement = Placement::within(&instance, limits).map_err(BoundsError::Stopped)?;
    playback::verify(program, &instance, &placement, limits)?;
    let max_live_bytes = program.profile().peak_live_bytes;
    let max_size_bytes = instance.rectangles().iter().map(|object| object.size_bytes.into()).max().unwrap_or(0);
    let aligned = |object: &instance::Rectangle| u64::from(object.size_bytes).next_multiple_of(object.align_bytes());
    let robson = Robson::of(max_live_bytes, max_size_bytes);
    Ok(Bounds {
        max_live_bytes,
        max_live_aligned_bytes: instance.peak(aligned, limits).map_err(BoundsError::Stopped)?.0,
        max_size_bytes,
        robson_bytes: robson.forced_bytes,
        robson_first_fit_bytes: robson.first_fit_bytes,
        clairvoyant_bytes: placement.makespan_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The program of these lines of CSV.
    pub(super) fn program(lines: &str) -> Program {
        let text = format!("op,id,size,align\n{lines}");
        Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "test.csv").unwrap()).unwrap()
    }

    /// The instance of these lines of CSV.
    pub(super) fn instance(lines: &str) -> Instance {
        Instance::of(&program(lines)).unwrap()
    }

    #[test]
    fn each_size_is_rounded_to_its_own_alignment() {
        // 13 bytes at 8 count as 16, 5 at 1 as 5, and the realloc to 1 byte at 8 as 8.
        let bounds = of(&program("alloc,1,13,8\nalloc,2,5,1\nrealloc,1,1\n")).unwrap();
        assert_eq!((bounds.max_live_bytes, bounds.max_live_aligned_bytes, bounds.max_size_bytes), (18, 21, 13));
        let bounds = of(&program("alloc,1,13,8\nalloc,2,2,1\nrealloc,1,1\nalloc,3,6,16\n")).unwrap();
        assert_eq!((bounds.max_live_bytes, bounds.max_live_aligned_bytes), (15, 26));
    }

    /// M is max R, without alignments, and n the largest requested size, here from a reallocation: METRICS.md has this
    /// example.
    #[test]
    fn robsons_bounds_use_the_most_live_bytes_and_the_largest_unrounded_size() {
        let bounds =
            of(&program("alloc,1,601,64\nalloc,2,900,8\nalloc,3,900,8\nrealloc,1,1000\nrealloc,1,1\n")).unwrap();
        assert_eq!((bounds.max_live_bytes, bounds.max_size_bytes), (2800, 1000));
        assert_eq!((bounds.robson_bytes, bounds.robson_first_fit_bytes), (14_889, 30_800));
    }

    #[test]
    fn a_single_object_needs_its_size() {
        let bounds = of(&program("alloc,1,10,4\nrealloc,1,1000\nrealloc,1,7\ndealloc,1\n")).unwrap();
        assert_eq!((bounds.max_live_bytes, bounds.clairvoyant_bytes), (1000, 1000));
        let robson = Robson::of(1000, 1000);
        assert_eq!((bounds.robson_bytes, bounds.robson_first_fit_bytes), (robson.forced_bytes, robson.first_fit_bytes));
    }

    #[test]
    fn a_limit_ends_the_search_for_a_placement() {
        let lines: String = (0..40_000).map(|id| format!("alloc,{id},{},1\n", id * 7919 % 997 + 1)).collect();
        let interrupt = std::sync::atomic::AtomicBool::new(true);
        let stopped = within(&program(&lines), Limits::new(&interrupt, None)).unwrap_err();
        assert_eq!(stopped.to_string(), "interrupted");
    }
}
