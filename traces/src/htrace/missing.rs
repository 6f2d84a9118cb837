//! Why a block or the index cannot be read.

use std::io;

/// What does not fit what was written.
pub(super) type Damage = &'static str;

/// Why a block or the index cannot be read.
pub(super) enum Missing {
    /// The file ends.
    CutOff,
    /// It differs from what was written.
    Damaged(Damage),
    /// The operating system stops reading.
    Failed(io::Error),
}

impl From<Damage> for Missing {
    fn from(damage: Damage) -> Self {
        Missing::Damaged(damage)
    }
}

impl From<io::Error> for Missing {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Missing::CutOff } else { Missing::Failed(error) }
    }
}
