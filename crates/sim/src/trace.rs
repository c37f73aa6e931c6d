//! What happened: typed facts, told as they come.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use headcrash_engine::{Errno, EventId, RuleId, StableHasher, State, Tag, TriggerId};

use crate::disk::{DiskId, NodeId};
use crate::file_ops::{FilePlace, FileShape, FileVerb, FsId};
use crate::io::{ClientId, RequestId, Shape};
use crate::medium::Resolution;
use crate::misuse::MisuseKind;
use crate::time::Instant;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fact {
    /// When.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A client submitted a request.
    Submitted {
        /// Who.
        client: ClientId,
        /// The request.
        request: RequestId,
        /// To which disk.
        disk: DiskId,
        /// What it asks for.
        shape: Shape,
    },
    /// A client submitted an operation on a file system.
    FileSubmitted {
        /// Who.
        client: ClientId,
        /// The request.
        request: RequestId,
        /// To which file system.
        fs: FsId,
        /// What it asks for.
        shape: FileShape,
    },
    /// An operation on a file system ended.
    FileCompleted {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// On which file system.
        fs: FsId,
        /// What it did.
        verb: FileVerb,
        /// The path it was about.
        path: Arc<str>,
        /// How.
        result: Result<(), Errno>,
        /// How many bytes were done, how long the file is, how many names there are; or the number
        /// of the file that was opened.
        len: u64,
    },
    /// A fault of a file system strikes an operation.
    FileStruck {
        /// Which.
        request: RequestId,
        /// Of which file system.
        fs: FsId,
        /// Which of its faults.
        rule: TriggerId,
    },
    /// What a cut left of a name, a length or a unit of data was decided.
    FileResolved {
        /// In which file system.
        fs: FsId,
        /// What was found.
        place: FilePlace,
        /// In how many ways it could have been found.
        candidates: u32,
        /// Which of them it is; 0 is the newest.
        chosen: u32,
    },
    /// A file system's power went.
    FilesPowerCut {
        /// Which file system.
        fs: FsId,
    },
    /// A file system's power is back.
    FilesPowerOn {
        /// Which file system.
        fs: FsId,
    },
    /// A request, or the opening of a disk, reached an event; what its rules did follows.
    Announced {
        /// Whose; [`RequestId::NONE`] for an opening.
        request: RequestId,
        /// On which node.
        node: NodeId,
        /// The event.
        event: EventId,
    },
    /// A disk was opened; what its nodes announce of it follows.
    Opened {
        /// Which disk.
        disk: DiskId,
    },
    /// A disk was closed and opened as it was.
    Reopened {
        /// Which disk.
        disk: DiskId,
    },
    /// A disk was closed.
    Closed {
        /// Which disk.
        disk: DiskId,
    },
    /// A disk's length changed.
    Truncated {
        /// Which disk.
        disk: DiskId,
        /// Its length now, in bytes.
        len: u64,
    },
    /// The armed list was replaced.
    Armed {
        /// On which node.
        node: NodeId,
        /// What is armed.
        rules: RuleList,
    },
    /// A state change took effect.
    Moved {
        /// On which node.
        node: NodeId,
        /// The state before.
        from: State,
        /// The state now.
        to: State,
        /// Whose doing.
        rule: RuleId,
    },
    /// A request was suspended.
    Suspended {
        /// Which.
        request: RequestId,
        /// On which node.
        node: NodeId,
        /// Under which tag.
        tag: Tag,
        /// The rule, or `None` for a breakpoint.
        rule: Option<RuleId>,
    },
    /// A suspension ended.
    Resumed {
        /// Whose.
        request: RequestId,
        /// On which node.
        node: NodeId,
        /// Under which tag it was.
        tag: Tag,
    },
    /// A rule with errno 0 let an access pass.
    Masked {
        /// Whose.
        request: RequestId,
        /// On which node.
        node: NodeId,
        /// The rule.
        rule: RuleId,
    },
    /// A rule decided an access.
    Injected {
        /// Whose.
        request: RequestId,
        /// On which node.
        node: NodeId,
        /// The rule.
        rule: RuleId,
        /// The error, or `None` when the access was dropped and reported as done.
        errno: Option<Errno>,
        /// Inside the submission, rather than one turn later.
        immediately: bool,
    },
    /// A `once` rule is gone.
    Consumed {
        /// On which node.
        node: NodeId,
        /// The rule.
        rule: RuleId,
    },
    /// A request waits until an overlapping one ends, or a flush until an earlier one does.
    Waiting {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// For which.
        on: RequestId,
    },
    /// A failed read of a read-modify-write was ignored, and what lies around the write is
    /// undefined (quirk Q1).
    ReadIgnored {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// The error that was ignored.
        errno: Errno,
    },
    /// A request's access is on its way to the medium.
    InFlight {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// When it is due.
        until: Instant,
    },
    /// A request ended.
    Completed {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// How.
        result: Result<(), Errno>,
    },
    /// A breakpoint was set.
    BreakSet {
        /// On which node.
        node: NodeId,
        /// At which event.
        event: EventId,
        /// Under which tag.
        tag: Tag,
    },
    /// Breakpoints were removed.
    BreakRemoved {
        /// From which node.
        node: NodeId,
        /// With which tag.
        tag: Tag,
        /// How many there were.
        removed: u64,
        /// Whether the command reported success.
        found: bool,
    },
    /// Nobody was suspended under this tag.
    NobodyResumed {
        /// On which node.
        node: NodeId,
        /// The tag.
        tag: Tag,
    },
    /// A client sleeps.
    Sleeps {
        /// Who.
        client: ClientId,
        /// Until when.
        until: Instant,
    },
    /// A client looked at bytes and they were as expected.
    ContentsHold {
        /// Who.
        client: ClientId,
        /// How many bytes.
        len: u64,
    },
    /// A client looked at bytes and they were not as expected.
    ContentsDiffer {
        /// Who.
        client: ClientId,
        /// Where the first difference is, from the start of what was looked at.
        at: u64,
        /// The byte expected there; `None` past the end of what was expected.
        expected: Option<u8>,
        /// The byte found there; `None` past the end of what was found.
        found: Option<u8>,
    },
    /// A client decided by what it had read.
    Decided {
        /// Who.
        client: ClientId,
        /// Whether the saved bytes were as asked.
        held: bool,
    },
    /// A client has no more to do.
    Finished {
        /// Who.
        client: ClientId,
    },
    /// A property does not hold.
    Violated {
        /// Its name.
        property: Arc<str>,
    },
    /// A fault rule strikes.
    Struck {
        /// Whose access, or announcement.
        request: RequestId,
        /// On which disk.
        disk: DiskId,
        /// Which of the disk's fault rules.
        rule: TriggerId,
    },
    /// A fault was kept away: too many copies would be damaged.
    Spared {
        /// On which disk.
        disk: DiskId,
        /// Which of the disk's fault rules.
        rule: TriggerId,
    },
    /// Whether a fault rule is in force in this run was drawn.
    Swarm {
        /// On which disk.
        disk: DiskId,
        /// Which of the disk's fault rules.
        rule: TriggerId,
        /// Whether it is.
        enabled: bool,
    },
    /// A fault rule put the engine into a state.
    Set {
        /// On which node.
        node: NodeId,
        /// The state before.
        from: State,
        /// The state now.
        to: State,
    },
    /// A request will never be answered, while the power is on.
    Hangs {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
    },
    /// A read brought something else than what was last written there.
    Misread {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// Of which disk.
        disk: DiskId,
        /// Whether a fault that lies over the bytes is why, and will be the next time as well.
        lies_there: bool,
    },
    /// A disk's power went.
    PowerCut {
        /// Which disk.
        disk: DiskId,
    },
    /// A disk's power is back.
    PowerOn {
        /// Which disk.
        disk: DiskId,
    },
    /// A request was on its way when the power went.
    Lost {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
    },
    /// What a cut left in a unit was decided.
    Resolved {
        /// On which disk.
        disk: DiskId,
        /// Where, among how many, and what.
        resolution: Resolution,
    },
    /// What a cut left of a disk's length was decided.
    LengthResolved {
        /// Which disk.
        disk: DiskId,
        /// Its length, in bytes.
        len: u64,
    },
    /// A disk has vanished.
    Gone {
        /// Which disk.
        disk: DiskId,
    },
    /// A disk that had vanished answers again.
    Returned {
        /// Which disk.
        disk: DiskId,
    },
    /// A fault was put on a disk by hand.
    Damaged {
        /// Which disk.
        disk: DiskId,
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
    },
    /// Faults were lifted by hand.
    Lifted {
        /// Which disk.
        disk: DiskId,
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
        /// How many faults there were.
        count: u64,
    },
    /// A read or write ended well and was shorter than asked: told instead of
    /// [`Completed`](Self::Completed).
    CompletedShort {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// How many bytes were done.
        len: u64,
    },
    /// A disk could not be opened, or opened again.
    OpenFailed {
        /// Which disk.
        disk: DiskId,
        /// What was said.
        errno: Errno,
    },
    /// A device saw what a correct user does not do: told where that is an error.
    Misused {
        /// By which request.
        request: RequestId,
        /// Which disk.
        disk: DiskId,
        /// What.
        what: MisuseKind,
    },
    /// What a cut left open in flash was decided.
    FlashResolved {
        /// Which disk.
        disk: DiskId,
        /// The first byte of the first unit.
        at: u64,
        /// Up to where, in bytes, from there.
        len: u64,
        /// How many units in there were open.
        units: u64,
        /// How many of them do not hold what they would if nothing had been interrupted.
        unlike: u64,
    },
    /// Reading has cost a block of flash a bit.
    FlashDisturbed {
        /// Which disk.
        disk: DiskId,
        /// The byte the bit is in.
        at: u64,
        /// The bit, alone.
        bit: u8,
    },
    /// A file's dropped data is not seen any more.
    FileEvicted {
        /// In which file system.
        fs: FsId,
        /// The path the file was last known by.
        path: Arc<str>,
    },
    /// A write to a file ended well and was shorter than asked: told instead of
    /// [`FileCompleted`](Self::FileCompleted).
    FileCompletedShort {
        /// Whose.
        client: ClientId,
        /// Which.
        request: RequestId,
        /// On which file system.
        fs: FsId,
        /// What it did.
        verb: FileVerb,
        /// The path it was about.
        path: Arc<str>,
        /// How many bytes were done.
        len: u64,
    },
    /// Code under test begins an operation.
    Began {
        /// Who.
        client: ClientId,
        /// Which, as a scenario file says it.
        operation: Arc<str>,
    },
    /// Code under test has ended an operation.
    Ended {
        /// Who.
        client: ClientId,
        /// With what, in a word or in Rust's.
        result: Arc<str>,
    },
    /// Something that code under test, or who looks after it, has to say.
    Noted {
        /// Who.
        client: ClientId,
        /// What.
        text: Arc<str>,
    },
    /// Whether a node's injection is in force in this run was drawn.
    SwarmRule {
        /// On which node.
        node: NodeId,
        /// Which of its rules.
        rule: RuleId,
        /// Whether it is.
        enabled: bool,
    },
    /// Whether a file system's fault is in force in this run was drawn.
    SwarmFile {
        /// On which file system.
        fs: FsId,
        /// Which of its faults.
        rule: TriggerId,
        /// Whether it is.
        enabled: bool,
    },
}

/// The first few of a list of rules, and how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RuleList {
    shown: [Option<RuleId>; Self::SHOWN],
    /// How many there are in all.
    pub count: u64,
}

impl RuleList {
    /// At most this many are kept: a trace is to be read.
    pub const SHOWN: usize = 8;

    /// The first of `rules`, of which there are `count`.
    pub fn new(rules: impl Iterator<Item = RuleId>, count: usize) -> Self {
        let mut shown = [None; Self::SHOWN];
        for (slot, rule) in shown.iter_mut().zip(rules) {
            *slot = Some(rule);
        }
        Self { shown, count: count as u64 }
    }

    /// Those that are kept, in order.
    pub fn shown(&self) -> impl Iterator<Item = RuleId> {
        self.shown.iter().flatten().copied()
    }
}

/// Is told what happens, in order.
pub trait Sink {
    /// One more fact.
    fn tell(&mut self, fact: Fact);
}

/// Nobody listens.
impl Sink for () {
    fn tell(&mut self, _: Fact) {}
}

/// Keeps every fact.
impl Sink for Vec<Fact> {
    fn tell(&mut self, fact: Fact) {
        self.push(fact);
    }
}

/// A rolling hash over facts: equal for equal traces, on every machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceHash {
    hasher: StableHasher,
    facts: u64,
}

impl TraceHash {
    /// The hash of what was told so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        let mut hasher = self.hasher;
        self.facts.hash(&mut hasher);
        hasher.finish()
    }

    /// How many facts were told so far.
    #[must_use]
    pub const fn facts(&self) -> u64 {
        self.facts
    }

    /// One more fact.
    pub fn add(&mut self, fact: &Fact) {
        fact.hash(&mut self.hasher);
        self.facts += 1;
    }
}

impl Sink for TraceHash {
    fn tell(&mut self, fact: Fact) {
        self.add(&fact);
    }
}
