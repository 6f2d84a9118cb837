//! Memory figures, each an observer of its own. They are exact: two replays of the same trace, contender and build give the same bits.

pub mod footprint;
pub mod timeline;

pub use footprint::Footprint;
pub use timeline::Timeline;
