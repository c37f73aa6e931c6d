//! The one source of nondeterminism: everything that could go two ways asks [`Choices`].
//!
//! There are two questions. [`Choices::choose`] is for amounts, [`Choices::pick`] for who or
//! which. Answer 0 is always the dullest: the same client goes on, the earliest completion comes
//! first, nothing fails; so an empty schedule is the calmest run, and any schedule is a valid one.

mod race;
mod replay;
mod schedule;
mod seeded;

use core::hash::Hasher;

use headcrash_engine::StableHasher;

pub use replay::{Mismatch, Replay, Strictness};
pub use schedule::{Choice, Recorder, Schedule};
pub use seeded::{SEEDED_VERSION, Seeded};

/// Answers whatever could go two ways.
pub trait Choices {
    /// An amount below `n`. Zero is the dullest.
    ///
    /// `n` is at least two: what can go one way only is not asked.
    fn choose(&mut self, point: Point, n: u64) -> u64;

    /// The index of one of `keys`. Zero is the dullest.
    ///
    /// There are at least two keys, all different: stable names of whoever is to be picked.
    fn pick(&mut self, point: Point, keys: &[Key]) -> usize;

    /// Whether something comes true that has a chance of `num` in `den`. `false` is the dullest.
    ///
    /// `num` is neither 0 nor `den`. Two answers, however large the numbers are.
    fn chance(&mut self, point: Point, num: u64, den: u64) -> bool {
        self.choose(point, den) >= den - num
    }

    /// Which of several versions a power cut left: 0 is the newest, `durable` the one that a cut
    /// leaves when it loses whatever it can. Each is the place of the write that made it in the
    /// order in which its disk's writes were applied; 0 is what was there before all of them.
    ///
    /// The same question as [`Self::choose`]; whoever wants to try everything kept, everything
    /// lost, or one write alone, needs to know which is which.
    fn choose_version(&mut self, point: Point, versions: &[u64], durable: usize) -> usize {
        _ = durable;
        self.choose(point, versions.len() as u64) as usize
    }
}

/// What is being decided, and about whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// What kind of question this is.
    pub kind: PointKind,
    /// Whom it is about: a client, a disk, or nobody in particular.
    pub key: Key,
}

impl Point {
    /// A question of this kind about `key`.
    #[must_use]
    pub const fn new(kind: PointKind, key: Key) -> Self {
        Self { kind, key }
    }
}

/// What kind of question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PointKind {
    /// Which client takes its next step, or whether something due comes first.
    Schedule,
    /// Which of the things due at one instant is first.
    Completion,
    /// Which suspended request goes on, if any.
    Resume,
    /// How long an access takes.
    Latency,
    /// Whether a fault strikes, or whether a rate is in force in this run at all.
    Fault,
    /// Whether the power goes now.
    Cut,
    /// Which version of a unit a power cut left: 0 is the newest, the last the durable one.
    CrashSector,
    /// Whether a unit that was being written when the power went is torn, and how: 0 is not.
    Tear,
    /// What undefined bytes are, or which address a fault hits.
    Data,
    /// What code under test asks for itself.
    Code,
}

impl PointKind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Schedule,
        Self::Completion,
        Self::Resume,
        Self::Latency,
        Self::Fault,
        Self::Cut,
        Self::CrashSector,
        Self::Tear,
        Self::Data,
        Self::Code,
    ];

    /// Its name in files and traces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Completion => "completion",
            Self::Resume => "resume",
            Self::Latency => "latency",
            Self::Fault => "fault",
            Self::Cut => "cut",
            Self::CrashSector => "crash_sector",
            Self::Tear => "tear",
            Self::Data => "data",
            Self::Code => "code",
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A stable name of a client, a disk or a request: the same in every run and after most edits,
/// because it is made from names and never from positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u64);

impl Key {
    /// Nobody: "not now", or a question about the world as a whole.
    pub const NOBODY: Self = Self(0);
    /// The world: whatever is due, rather than a client.
    pub const WORLD: Self = Self(1);

    /// The client called `name`.
    #[must_use]
    pub fn client(name: &str) -> Self {
        Self::named(1, name)
    }

    /// The disk called `name`.
    #[must_use]
    pub fn disk(name: &str) -> Self {
        Self::named(2, name)
    }

    /// The rule called `name`: of the file, or of a disk if it has none of its own.
    #[must_use]
    pub fn rule(name: &str) -> Self {
        Self::named(4, name)
    }

    /// The `n`-th thing of this one: a client's n-th request.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        let mut hasher = StableHasher::default();
        hasher.write_u8(3);
        hasher.write_u64(self.0);
        hasher.write_u64(n);
        Self::taken(&hasher)
    }

    /// The number behind it, as files hold it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The key with this number, as read from a file.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Bytes are given to the hasher one by one: what `Hash` makes of a text is not promised to
    /// stay from one Rust to the next, and keys are kept in files.
    fn named(kind: u8, name: &str) -> Self {
        let mut hasher = StableHasher::default();
        hasher.write_u8(kind);
        hasher.write(name.as_bytes());
        Self::taken(&hasher)
    }

    fn taken(hasher: &StableHasher) -> Self {
        // The two numbers above are taken, and the last one is for tables: nobody's.
        Self(hasher.finish().clamp(2, u64::MAX - 1))
    }
}

/// Answers 0 to everything: the calmest run there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calm;

impl Choices for Calm {
    fn choose(&mut self, _: Point, _: u64) -> u64 {
        0
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        0
    }
}
