//! What is said about an event: inject an error, change the state, suspend.

use alloc::sync::Arc;
use core::fmt;

use crate::{Errno, EventId};

/// The engine's number. A new engine is in [`State::FIRST`]; any `i32` is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State(pub i32);

impl State {
    /// The state of an engine that has seen nothing.
    pub const FIRST: Self = Self(1);
    /// In a rule: whatever the state is.
    pub const ANY: Self = Self(0);
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name a request is suspended under.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Arc<str>);

impl Tag {
    /// The tag called `name`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Tag {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// One access to a node, as the driver's callback sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    /// What it does.
    pub kind: IoKind,
    /// Its first byte on the node.
    pub at: u64,
    /// Its length in bytes; zero for a flush.
    pub len: u64,
}

impl Access {
    /// An access of `len` bytes at byte `at`.
    #[must_use]
    pub const fn new(kind: IoKind, at: u64, len: u64) -> Self {
        Self { kind, at, len }
    }

    /// A flush: no bytes, so that only rules without a sector fit it.
    pub const FLUSH: Self = Self::new(IoKind::Flush, 0, 0);
}

/// What an access does: blkdebug's `iotype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IoKind {
    /// Bytes come back.
    Read,
    /// Bytes are stored.
    Write,
    /// Zeroes are stored, without sending them.
    WriteZeroes,
    /// The content is no longer needed.
    Discard,
    /// What was completed is to be durable.
    Flush,
    /// Asks what is allocated. Only rules that name it fit it.
    BlockStatus,
}

impl IoKind {
    /// All of them, in the reference's order.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Write, Self::WriteZeroes, Self::Discard, Self::Flush, Self::BlockStatus];

    /// blkdebug's name: `read`, `write`, `write-zeroes`, `discard`, `flush`, `block-status`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::WriteZeroes => "write-zeroes",
            Self::Discard => "discard",
            Self::Flush => "flush",
            Self::BlockStatus => "block-status",
        }
    }
}

/// What a match does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Arm an injection for the next request it fits.
    Inject(Injection),
    /// The engine's next state, once every rule of the event has been walked.
    SetState(State),
    /// Hold the request under this tag until it is resumed.
    Suspend(Tag),
}

/// An error waiting for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Injection {
    /// What the request is told.
    pub answer: Answer,
    /// Which requests it fits.
    pub sectors: Sectors,
    /// Answer inside the submission rather than one turn later.
    pub immediately: bool,
    /// Fit this kind of access only; `None` is every kind but [`IoKind::BlockStatus`].
    pub kind: Option<IoKind>,
}

impl Default for Injection {
    /// blkdebug's defaults: `EIO`, any sector, any kind, one turn later.
    fn default() -> Self {
        Self {
            answer: Answer::Fail(Errno::EIO),
            sectors: Sectors::Any,
            immediately: false,
            kind: None,
        }
    }
}

/// What an injection does to the request it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The request fails.
    Fail(Errno),
    /// Nothing, and no rule declared after it is asked: blkdebug's `errno = 0`.
    Mask,
    /// The request succeeds and nothing is done: blkdebug's negative `errno` (quirk Q6). Only a
    /// program with [`Quirks::Qemu`](crate::Quirks::Qemu) may hold it.
    Pretend,
}

impl Answer {
    /// blkdebug's `errno`, any 32-bit number.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        match Errno::from_number(number) {
            Some(errno) => Self::Fail(errno),
            None if number == 0 => Self::Mask,
            None => Self::Pretend,
        }
    }
}

/// Which sectors a request must touch for an injection to fit, in blkdebug's 512-byte sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sectors {
    /// Any, or none at all: blkdebug's `sector = -1`. Only this fits a flush.
    Any,
    /// The one sector. Negative ones fit nothing, so they never mask either.
    One(i64),
    /// `count` sectors from `first` on; not in blkdebug.
    Range {
        /// The first sector.
        first: u64,
        /// How many; with none it fits nothing.
        count: u64,
    },
}

impl Sectors {
    /// The bytes in a sector, in rules: 512, whatever the disk's own sector is.
    pub const LEN: u64 = 512;

    /// blkdebug's `sector`: -1 is any.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        if number == -1 { Self::Any } else { Self::One(number) }
    }
}

/// One rule of a program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Asked whenever this is announced.
    pub event: EventId,
    /// Matches in this state only; [`State::ANY`] matches in every state.
    pub state: State,
    /// What a match does.
    pub action: Action,
    /// Gone after its first injection or suspension. Means nothing for [`Action::SetState`].
    pub once: bool,
}

/// Which rule of its program: its place in declaration order, from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(pub(crate) u32);

impl RuleId {
    /// Its place in declaration order.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
