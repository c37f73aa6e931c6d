//! What is asked of a flash, and what comes back.

use alloc::sync::Arc;
use core::fmt;

use headcrash_engine::Errno;

/// What a power cut can interrupt. Positions and lengths are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FlashOp {
    /// Bits go from 1 to 0.
    Program {
        /// The first byte.
        at: u64,
        /// Whose zeroes are taken over.
        bytes: Arc<[u8]>,
    },
    /// Bits go to 1.
    Erase {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
    },
}

impl FlashOp {
    /// The first byte.
    pub(super) const fn at(&self) -> u64 {
        match *self {
            Self::Program { at, .. } | Self::Erase { at, .. } => at,
        }
    }

    /// How many bytes.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Program { bytes, .. } => bytes.len() as u64,
            Self::Erase { len, .. } => *len,
        }
    }
}

/// What a program did besides what was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Programmed {
    /// How many bits were to be 1 and stay 0, because only an erase makes ones. Somebody who
    /// programs what was not erased sees it here; a flash itself says nothing.
    pub ignored_bits: u64,
}

/// Why a flash refuses. Nothing was done. Positions and lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlashError {
    /// It does not begin and end at multiples of the unit of this operation.
    Misaligned {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
        /// The unit.
        unit: u64,
    },
    /// It would end beyond the flash.
    BeyondEnd {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
        /// How long the flash is.
        size: u64,
    },
    /// A unit was programmed as often as it may be before the next erase.
    ProgrammedTooOften {
        /// The unit's first byte.
        at: u64,
        /// How often it may be.
        programs: u8,
    },
    /// A worn block cannot be programmed or erased.
    WornOut {
        /// The block's first byte.
        at: u64,
    },
    /// A worn block cannot be read.
    Unreadable {
        /// The block's first byte.
        at: u64,
    },
}

impl FlashError {
    /// How a driver reports it: `EINVAL` for what is misaligned, otherwise `EIO`.
    #[must_use]
    pub const fn errno(self) -> Errno {
        match self {
            Self::Misaligned { .. } => Errno::EINVAL,
            Self::BeyondEnd { .. }
            | Self::ProgrammedTooOften { .. }
            | Self::WornOut { .. }
            | Self::Unreadable { .. } => Errno::EIO,
        }
    }
}

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Misaligned { at, len, unit } => {
                write!(f, "{len} bytes at {at} do not begin and end at multiples of {unit}")
            }
            Self::BeyondEnd { at, len, size } => {
                write!(f, "{len} bytes at {at} end beyond the {size} bytes there are")
            }
            Self::ProgrammedTooOften { at, programs } => {
                write!(f, "the unit at {at} was programmed {programs} times since it was erased")
            }
            Self::WornOut { at } => write!(f, "the block at {at} is worn out"),
            Self::Unreadable { at } => write!(f, "the block at {at} is worn and cannot be read"),
        }
    }
}

impl core::error::Error for FlashError {}
