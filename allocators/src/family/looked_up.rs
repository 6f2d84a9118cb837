//! An allocator whose decisions are on a board.

use std::env;
use std::sync::OnceLock;

use segregated_bump::{SegregatedBump, SweptBump};

use super::answers::{Asked, board};
use super::{Design, DesignError, VARIABLE};
use crate::page_heap::HeapRef;

/// A member of the family whose decisions are looked up: that of the contender `custom` or, if `SEARCHED`, of a search.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one for each heap, which is larger by far")]
pub(crate) enum LookedUp<const SEARCHED: bool> {
    Segregated(SegregatedBump<HeapRef, Asked<SEARCHED>>),
    Swept(SweptBump<HeapRef, Asked<SEARCHED>>),
}

impl<const SEARCHED: bool> LookedUp<SEARCHED> {
    /// An allocator of this design. Its board must answer for it from the first request to the last.
    pub(super) fn on(design: &Design, heap: HeapRef) -> Self {
        match design {
            Design::Segregated(_) => LookedUp::Segregated(SegregatedBump::new(heap)),
            Design::Swept(_) => LookedUp::Swept(SweptBump::new(heap)),
        }
    }
}

impl LookedUp<false> {
    /// An allocator of the design of this process.
    pub(crate) fn served(heap: HeapRef) -> Self {
        // A design that is none was reported before; the heap of one that is created all the same is the flagship's.
        Self::on(served().as_ref().unwrap_or(&Design::FLAGSHIP), heap)
    }
}

/// The design of the contender `custom` in this process: that of [`VARIABLE`] when it is first asked for, and the flagship
/// if there is no such variable.
///
/// # Errors
///
/// If the variable describes no design.
pub fn served() -> Result<Design, DesignError> {
    static SERVED: OnceLock<Result<Design, DesignError>> = OnceLock::new();
    let served = SERVED.get_or_init(|| {
        let described = env::var_os(VARIABLE).map(|text| text.to_string_lossy().parse());
        let design = described.unwrap_or(Ok(Design::FLAGSHIP));
        // The only answer of this board, before any allocator is there that could ask.
        board(false).answer(design.as_ref().unwrap_or(&Design::FLAGSHIP));
        design
    });
    served.clone()
}
