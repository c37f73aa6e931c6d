//! What can be true of a world, and what should be.

use headcrash_engine::{Errno, EventId, RuleId, State};

use super::{DiskIndex, Pattern, RequestIndex, TagIndex};
use crate::source::Location;

/// What should hold, by name.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its name; no other property has it.
    pub name: String,
    /// When it should hold.
    pub kind: PropertyKind,
    /// The condition.
    pub that: Condition,
    /// Where it is written.
    pub location: Location,
}

/// When a property's condition is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PropertyKind {
    /// True after every step of the world.
    Always,
    /// True after at least one, or nothing was measured.
    Sometimes,
    /// True after none.
    Never,
    /// True at the end.
    Finally,
}

/// Something that is true of the world at one moment, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The request was submitted and is not done.
    Pending(RequestIndex),
    /// The request is done; if it was submitted several times, the last one is.
    Done(RequestIndex),
    /// Over all disks, requests are suspended under exactly these tags. Sorted; a tag is in it as
    /// often as requests are suspended under it.
    Suspended(Vec<TagIndex>),
    /// The engine of the disk's first node is in this state.
    State(DiskIndex, State),
    /// The image under the disk holds this.
    Image {
        /// The disk.
        disk: DiskIndex,
        /// The first byte.
        at: u64,
        /// How many bytes; they fit in memory.
        len: u64,
        /// Which.
        holds: Pattern,
    },
    /// The file under the disk is so many bytes long.
    Len(DiskIndex, u64),
    /// So many injections are armed in the engine of the disk's first node.
    Armed(DiskIndex, u64),
    /// The event was announced at least once, to any node.
    Announced(EventId),
    /// One of these rules has injected, masked, changed the state or suspended at least once.
    Fired(Vec<RulePlace>),
    /// One of these rules beyond blkdebug's has struck at least once.
    Struck(Vec<FaultPlace>),
    /// A request failed with this error.
    Failed(Errno),
    /// Whatever clients were told is durable, on this disk or on all, is kept on every candidate
    /// of what a cut left.
    AcknowledgedKept(Option<DiskIndex>),
    /// Every read so far, of this disk or of all, returned what was last written.
    ReadsRight {
        /// The disk.
        disk: Option<DiskIndex>,
        /// Reads that met a live injected fault do not count.
        excuse: bool,
    },
    /// Every byte can be read, on every candidate of what a cut left.
    Readable {
        /// The disk.
        disk: DiskIndex,
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
    },
    /// So many faults lie over the disk's bytes.
    LiveFaults(DiskIndex, u64),
    /// The opposite.
    Not(Box<Self>),
    /// All of these.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
}

/// A rule among all of a scenario's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RulePlace {
    /// The disk.
    pub disk: DiskIndex,
    /// Which of its nodes.
    pub node: usize,
    /// Which of that node's rules.
    pub rule: RuleId,
}

/// A rule beyond blkdebug's among all of a scenario's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FaultPlace {
    /// The disk.
    pub disk: DiskIndex,
    /// Its place in [`Disk::faults`](super::Disk::faults).
    pub fault: usize,
}
