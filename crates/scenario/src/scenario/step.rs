//! What clients do, as a flat program.

use std::sync::Arc;

use headcrash_engine::{Errno, EventId, IoKind};
use headcrash_sim::Fault;

use super::{
    Condition, Content, DiskIndex, FileIo, Finds, MarkIndex, Pattern, RequestIndex, SavedIndex,
    StepIndex, TagIndex, WrittenOperation,
};
use crate::source::Location;

/// One issuer of requests.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name; no other client has it.
    pub name: String,
    /// Its program. Blocks are jumps, so that a place in it is one number; the last step's
    /// successor is the end.
    pub steps: Vec<Step>,
    /// The names it saves reads under.
    pub saved: Vec<String>,
    /// The names it gives to open files.
    pub handles: Vec<String>,
    /// How deep its `repeat`s are nested: how many counters it needs.
    pub depth: usize,
    /// Where the file declares it.
    pub location: Location,
    /// What it asks of the subject, if it has no steps.
    pub operations: Vec<WrittenOperation>,
    /// How many more operations of the subject are drawn for each seed.
    pub drawn: u64,
}

/// One step, and where it is written.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where.
    pub location: Location,
    /// What.
    pub kind: StepKind,
}

/// What a step does.
///
/// `repeat(times: N, steps: [..])` is `Repeat`, the steps, `Again`; `when` is `When`, the steps
/// of `then`, `Jump` past the steps of `otherwise`, and those (without `otherwise`, no `Jump`).
#[derive(Clone, Debug)]
pub enum StepKind {
    /// Submit a request and wait for it.
    Io(Io, Wanted),
    /// Submit a request and go on.
    Submit(RequestIndex, Io),
    /// Wait for a request of this client.
    Wait(RequestIndex, Wanted),
    /// Wait for all requests of this client that are not done; each must be answered so.
    WaitAll(Wanted),
    /// Submit these together, in this order, and wait for all.
    Parallel(Vec<(Location, Io, Wanted)>),
    /// Announce an event to the disk's first node.
    Announce(DiskIndex, EventId),
    /// Set a breakpoint on the disk's first node.
    SetBreak(DiskIndex, EventId, TagIndex),
    /// Remove the breakpoints of a tag and resume whom it holds; `finds` says whether that must
    /// succeed, or report `ENOENT`.
    RemoveBreak {
        /// The tag.
        tag: TagIndex,
        /// Whether something must be found.
        finds: bool,
    },
    /// Resume a request suspended under a tag; `finds` says whether that must succeed, or report
    /// `ENOENT`.
    Resume {
        /// The tag.
        tag: TagIndex,
        /// Whether somebody must be found.
        finds: bool,
    },
    /// Wait until a request is suspended under a tag.
    WaitBreak(TagIndex),
    /// Let so many nanoseconds pass.
    Sleep {
        /// How many.
        ns: u64,
    },
    /// Start counting at zero. With `times` zero, or when there are no steps, go to `end`.
    Repeat {
        /// How often the steps up to the matching [`StepKind::Again`] are done.
        times: u64,
        /// The step after the matching [`StepKind::Again`].
        end: StepIndex,
    },
    /// Count one more; unless that makes `times` of the matching [`StepKind::Repeat`], go to the
    /// step after that one.
    Again {
        /// The matching [`StepKind::Repeat`].
        repeat: StepIndex,
    },
    /// Go on if what was saved matches, otherwise go to `otherwise`.
    When {
        /// Which saved read. One that was never done, or failed, matches nothing.
        saved: SavedIndex,
        /// What decides.
        holds: Pattern,
        /// Where to go if it does not match.
        otherwise: StepIndex,
    },
    /// Submit an operation on a file system and wait for it.
    File(FileIo, Wanted, Finds),
    /// Go on if there is a file or directory with this path, otherwise go to `otherwise`.
    WhenExists {
        /// The look-up.
        io: FileIo,
        /// Where to go if there is not.
        otherwise: StepIndex,
    },
    /// Go there.
    Jump(StepIndex),
    /// Open a disk; what it must be answered.
    Open(DiskIndex, Gets),
    /// Close a disk; all its requests on their way are answered `ENODEV`.
    Close(DiskIndex),
    /// Close a disk and open it as it was: rules, state, armed list and requests survive.
    Reopen(DiskIndex, Gets),
    /// Change the length of the file under a disk.
    Truncate(DiskIndex, u64, Gets),
    /// The file under a disk must be so long.
    Len(DiskIndex, u64),
    /// The power goes for these disks and whoever shares their fate, or for all if there are none
    /// here. Only before the first recovery.
    PowerCut(Vec<DiskIndex>),
    /// Put a fault of the medium on whole sectors of 512 bytes.
    Damage {
        /// The disk.
        disk: DiskIndex,
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
        /// Unreadable, unwritable, bit rot, garbage, a pattern or stale; nothing else.
        fault: Fault,
    },
    /// Lift what faults lie over a stretch.
    Heal {
        /// The disk.
        disk: DiskIndex,
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
    },
    /// This must be true now.
    Expect(Condition),
    /// Note that the workload has come so far.
    Mark(MarkIndex),
    /// Go on if this was marked, otherwise go to `otherwise`.
    WhenMarked {
        /// What.
        mark: MarkIndex,
        /// Where to go if it was not.
        otherwise: StepIndex,
    },
    /// The recovery ends here with this error.
    Refuse(String),
}

/// A request to a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Io {
    /// What it does; never [`IoKind::BlockStatus`].
    pub kind: IoKind,
    /// To which disk.
    pub disk: DiskIndex,
    /// Its first byte; zero for a flush.
    pub at: u64,
    /// How many bytes; zero for a flush. Those of a read or write fit in memory.
    pub len: u64,
    /// What a write stores; nothing for other kinds.
    pub data: Option<Content>,
    /// The same as bytes where they are at most [`Io::READY_MAX`], so that no run has to make them.
    pub ready: Option<Arc<[u8]>>,
    /// Force unit access; only for writes, and writes of zeroes.
    pub fua: bool,
}

impl Io {
    /// As many bytes of a write are kept ready.
    pub const READY_MAX: u64 = 64 << 10;
}

/// What a request must be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Whether it succeeds.
    pub gets: Gets,
    /// What the bytes that come back must be; only for reads that succeed.
    pub holds: Option<Pattern>,
    /// Where to keep what comes back; only for reads. If the read fails, what was kept is forgotten.
    pub save: Option<SavedIndex>,
    /// The property that another answer violates, if not [`EXPECTATION`](super::EXPECTATION).
    pub or_violates: Option<String>,
}

/// Whether a request succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gets {
    /// It must.
    Ok,
    /// Either way.
    Any,
    /// It must, with so many bytes done and no more; only for reads and writes, of files as well. What comes back of
    /// a read are these bytes.
    Short(u64),
    /// It must fail with this.
    Fails(Errno),
}
