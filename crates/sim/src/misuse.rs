//! What a device sees its users do and should not: reported beside the trace, because code that
//! does it works, until it meets another device.

use crate::disk::DiskId;
use crate::io::RequestId;

/// Something that a correct user of a disk does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Misuse {
    /// Which disk.
    pub disk: DiskId,
    /// Which request.
    pub request: RequestId,
    /// What it did.
    pub what: MisuseKind,
}

/// What a request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MisuseKind {
    /// It overlaps another that is not done, and one of them writes: which comes first is not
    /// defined.
    Overlap {
        /// The other.
        with: RequestId,
    },
    /// It reads what was never written.
    NeverWritten {
        /// The first byte that was not.
        at: u64,
    },
    /// It reaches beyond the end.
    PastEnd,
    /// It is no whole sectors, as direct I/O demands.
    Misaligned,
    /// The disk is closed.
    Closed,
    /// A word of flash is programmed again without an erase, or bits would have to be set.
    ProgrammedTwice {
        /// The first byte of the word.
        at: u64,
    },
}

impl MisuseKind {
    /// In words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Overlap { .. } => "overlaps a request that is not done, and one of them writes",
            Self::NeverWritten { .. } => "reads what was never written",
            Self::PastEnd => "reaches beyond the end of the disk",
            Self::Misaligned => "is no whole sectors",
            Self::Closed => "comes to a closed disk",
            Self::ProgrammedTwice { .. } => "programs a word twice without an erase",
        }
    }
}

/// At most so many are kept of a disk.
pub(crate) const KEPT: usize = 64;
