//! What is asked of a disk, and what comes back.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use headcrash_engine::{Errno, EventId};

/// A request for a disk. Positions and lengths are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Io {
    /// Bytes come back.
    Read {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
    },
    /// Bytes are stored.
    Write {
        /// The first byte.
        at: u64,
        /// What is stored there.
        data: Arc<[u8]>,
        /// It is to be durable when it completes.
        fua: bool,
    },
    /// Zeroes are stored, without sending them.
    WriteZeroes {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
        /// They are to be durable when it completes.
        fua: bool,
    },
    /// The content is no longer needed.
    Discard {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
    },
    /// All bits of whole erase blocks are set: NOR flash only, `ENOTSUP` elsewhere.
    Erase {
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
    },
    /// What was completed before is to be durable.
    Flush,
    /// The client reached a point of its own: an event on the disk's first node.
    Announce(EventId),
}

impl Io {
    /// Reads and writes of more bytes than this are refused with `EINVAL`: 256 MiB.
    pub const MAX_LEN: u64 = 1 << 28;

    /// A request that the limits of its disk would cut into more pieces than this is refused with
    /// `EINVAL`: 2^18.
    pub const MAX_PIECES: u64 = 1 << 18;

    /// When reads and writes of more bytes than this are on their way, padding included, further
    /// ones are refused with `ENOMEM`: 512 MiB.
    pub const MAX_UNDER_WAY: u64 = 1 << 29;

    /// The same without its bytes.
    #[must_use]
    pub fn shape(&self) -> Shape {
        let shape = |verb, at, len, fua| Shape { verb, at, len, fua };
        match *self {
            Self::Read { at, len } => shape(Verb::Read, at, len, false),
            Self::Write { at, ref data, fua } => shape(Verb::Write, at, data.len() as u64, fua),
            Self::WriteZeroes { at, len, fua } => shape(Verb::WriteZeroes, at, len, fua),
            Self::Discard { at, len } => shape(Verb::Discard, at, len, false),
            Self::Erase { at, len } => shape(Verb::Erase, at, len, false),
            Self::Flush => shape(Verb::Flush, 0, 0, false),
            Self::Announce(event) => shape(Verb::Announce(event), 0, 0, false),
        }
    }
}

/// A request as a trace shows it: without its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// What it does.
    pub verb: Verb,
    /// The first byte.
    pub at: u64,
    /// How many bytes.
    pub len: u64,
    /// Whether it is to be durable when it completes.
    pub fua: bool,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// See [`Io::Read`].
    Read,
    /// See [`Io::Write`].
    Write,
    /// See [`Io::WriteZeroes`].
    WriteZeroes,
    /// See [`Io::Discard`].
    Discard,
    /// See [`Io::Erase`].
    Erase,
    /// See [`Io::Flush`].
    Flush,
    /// See [`Io::Announce`].
    Announce(EventId),
}

/// A client of a runner, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u32);

impl ClientId {
    /// Its place.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A request: the n-th that was submitted in its world, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub(crate) u64);

impl RequestId {
    /// No request: what a disk does by itself.
    pub const NONE: Self = Self(0);

    /// The n-th that was submitted in its world, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Which request.
    pub request: RequestId,
    /// Whether it succeeded.
    pub result: Result<(), Errno>,
    /// What a read brought; empty otherwise, and meaningless after an error.
    pub data: Vec<u8>,
    /// How many bytes were done: fewer than asked for when a read or write fell short. For
    /// operations on file systems see [`FileOp`](crate::FileOp).
    pub len: u64,
}
