//! What a disk can do wrong.
//!
//! The [catalogue](crate::catalogue) follows the published studies and the injectors that are in use;
//! each kind names what it is called there. A fault says *what* happens; [`Trigger`](headcrash_engine::Trigger)
//! says when.

use headcrash_engine::{Errno, IoKind, Kinds, State, Tag, Trigger};

use crate::choices::Key;
use crate::device::FlushFailure;

/// What goes wrong with one access, or from one access on.
///
/// Lengths and distances are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The access fails (blkdebug `inject-error`, dm-flakey, nbdkit's `error`).
    Fail {
        /// What the requester is told.
        errno: Errno,
        /// How much of it is done all the same.
        applied: Applied,
    },
    /// Fewer bytes than asked are read or written, and it is no error: the request answers with
    /// the shorter length (POSIX `read` and `write`, SQLite's `SQLITE_IOERR_SHORT_READ`). A short
    /// read's tail is zeroes.
    Short {
        /// How many bytes are done; a request as short is left alone.
        bytes: u64,
    },
    /// A flush fails, and with it goes, or not, what it should have made durable.
    FlushFails {
        /// What the requester is told.
        errno: Errno,
        /// What becomes of the data.
        data: FlushFailure,
        /// Only of some of it: any of the writes it covers may have become durable before it failed,
        /// in an ordered device the first so many.
        partly: bool,
    },
    /// A flush answers well, its data is lost, and a later flush reports it (ext4
    /// `data=journal`).
    FlushFailsLater {
        /// What the later one is told.
        errno: Errno,
    },
    /// A flush fails, drops its data (as [`FlushFailure::CleanKeepNew`]), and is reported once to
    /// every client that flushes: Linux's `errseq_t`, one handle per client; of a file, to every
    /// handle it is open under.
    FlushFailsForEach {
        /// What each is told.
        errno: Errno,
    },
    /// A flush answers and makes nothing durable.
    FlushLies,
    /// The write is answered and never reaches the medium (phantom, dropped write).
    LostWrite,
    /// Only the first bytes reach the medium, and the write is answered (shorn write; Zheng,
    /// FAST 2013 saw three and seven eighths).
    ShornWrite {
        /// How many eighths of it are done.
        eighths: u64,
    },
    /// Each unit of the write is done or not, by choice, and the write is answered.
    TornWrite,
    /// The write lands elsewhere: it is answered, its place keeps what it held, and another place
    /// gets foreign bytes.
    MisdirectedWrite {
        /// How far away, in bytes; `None` leaves it to the choices.
        by: Option<i64>,
    },
    /// The read brings another place's bytes.
    MisdirectedRead {
        /// How far away, in bytes; `None` leaves it to the choices.
        by: Option<i64>,
    },
    /// The address wraps: whatever is from here on goes to its address modulo this one, so that two
    /// addresses are one place (aliasing; a controller that drops an address line, a driver that
    /// overflows). What a write brings lies over the place it really goes to, and stays there at a
    /// power cut, as a [misdirected write](Self::MisdirectedWrite) does.
    Wraps {
        /// The first address that is the same place as 0, in bytes.
        at: u64,
    },
    /// The sectors read, or written, show what they held before the last write (rollback).
    Stale,
    /// Reads of these sectors fail from now on (latent sector error, dm-dust; `EIO`, or `ENODATA`
    /// as Linux reports a medium error).
    Unreadable {
        /// What reads are told.
        errno: Errno,
        /// Whether writing them heals them.
        lasts: Lasts,
    },
    /// Writes of these sectors fail from now on, and reads if the sector is so damaged.
    Unwritable {
        /// What writes are told.
        errno: Errno,
    },
    /// Bits of these sectors are flipped from now on, at places that the choices name.
    BitRot {
        /// How many bits per sector.
        bits: u32,
        /// Whether writing them heals them.
        lasts: Lasts,
    },
    /// These sectors show garbage from now on.
    Garbage {
        /// Whether writing them heals them.
        lasts: Lasts,
    },
    /// These sectors show one byte from now on: zeroes after an unwritten extent, or a pattern.
    Pattern {
        /// The byte.
        byte: u8,
        /// Whether writing them heals them.
        lasts: Lasts,
    },
    /// What this read brings has flipped bits; the medium is fine (cable, DMA, memory).
    CorruptRead {
        /// How many.
        bits: u32,
    },
    /// Sectors beside the write, in the same neighbourhood, are damaged by it.
    NeighbourDamage {
        /// How many sectors on each side.
        sectors: u64,
        /// How.
        damage: Damage,
    },
    /// The access takes this much longer.
    Delay {
        /// Nanoseconds.
        ns: u64,
    },
    /// Everything the device does waits until so much later.
    Stall {
        /// Nanoseconds.
        ns: u64,
    },
    /// The request never completes. A power cut or closing the disk ends it.
    Hang,
    /// The device is gone: this and every later access fails with `ENODEV`; what was volatile is
    /// lost as at a power cut if it comes back.
    Disconnect {
        /// Nanoseconds until it answers again; `None` is never.
        returns_ns: Option<u64>,
    },
    /// Writes are refused with `EROFS` from now on, until the power goes.
    ReadOnly,
    /// The disk has another length when it is opened, for good: what is beyond is gone, what is new
    /// is zeroes. (A volume that was padded or cut off while nobody looked.)
    Resized {
        /// How many bytes it has from then on.
        len: u64,
    },
    /// Before the access the cache gives up what it need not write: what a failed flush dropped
    /// ([`FlushFailure::CleanKeepNew`]) and reads still saw is gone, and older bytes are seen.
    Evict,
    /// The power goes, for this disk and whoever shares its fate.
    PowerCut,
}

/// How much of a failing access is done all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Applied {
    /// Nothing.
    #[default]
    Nothing,
    /// The first so many bytes.
    First(u64),
    /// Everything: done, and reported as failed.
    All,
}

/// How long a fault of the medium lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lasts {
    /// Until the sector is written (remapped).
    #[default]
    UntilRewritten,
    /// Until the disk is opened again.
    UntilReopen,
    /// For good.
    ForGood,
}

/// How a sector is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Damage {
    /// Reads fail with `EIO` until it is rewritten.
    #[default]
    Unreadable,
    /// It reads as garbage until it is rewritten.
    Garbage,
    /// It reads as zeroes until it is rewritten.
    Zeroes,
}

impl Fault {
    /// The kinds of access it can strike.
    #[must_use]
    pub const fn kinds(self) -> Kinds {
        match self {
            Self::Fail { .. }
            | Self::Delay { .. }
            | Self::Stall { .. }
            | Self::Hang
            | Self::Disconnect { .. }
            | Self::ReadOnly
            | Self::Evict
            | Self::PowerCut => Kinds::ALL,
            Self::Resized { .. } => Kinds::OPENING,
            Self::Short { .. } => Kinds::only(IoKind::Read).with(IoKind::Write),
            Self::FlushFails { .. }
            | Self::FlushFailsLater { .. }
            | Self::FlushFailsForEach { .. }
            | Self::FlushLies => Kinds::only(IoKind::Flush),
            Self::LostWrite
            | Self::ShornWrite { .. }
            | Self::TornWrite
            | Self::MisdirectedWrite { .. }
            | Self::NeighbourDamage { .. } => Kinds::CHANGES,
            Self::MisdirectedRead { .. } | Self::CorruptRead { .. } => Kinds::only(IoKind::Read),
            Self::Stale
            | Self::Unreadable { .. }
            | Self::Unwritable { .. }
            | Self::BitRot { .. }
            | Self::Garbage { .. }
            | Self::Pattern { .. }
            | Self::Wraps { .. } => Kinds::CHANGES.with(IoKind::Read),
        }
    }

    /// The kinds of access it can strike where they are named: an opening fails only then.
    #[must_use]
    pub const fn kinds_at_most(self) -> Kinds {
        match self {
            Self::Fail { .. } => Kinds::ALL.or(Kinds::OPENING),
            other => other.kinds(),
        }
    }

    /// Whether NOR flash can have it: there is nothing volatile in it, and its addresses are its own.
    #[must_use]
    pub const fn strikes_flash(self) -> bool {
        !matches!(
            self,
            Self::FlushFails { .. }
                | Self::FlushFailsLater { .. }
                | Self::FlushFailsForEach { .. }
                | Self::FlushLies
                | Self::TornWrite
                | Self::MisdirectedWrite { .. }
                | Self::MisdirectedRead { .. }
                | Self::Wraps { .. }
                | Self::Stale
                | Self::NeighbourDamage { .. }
                | Self::Resized { .. }
                | Self::Evict
        )
    }

    /// Its name in files and traces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail { .. } => "fail",
            Self::Short { .. } => "short",
            Self::FlushFails { .. } => "flush_fails",
            Self::FlushFailsLater { .. } => "flush_fails_later",
            Self::FlushFailsForEach { .. } => "flush_fails_for_each",
            Self::FlushLies => "flush_lies",
            Self::LostWrite => "lost_write",
            Self::ShornWrite { .. } => "shorn_write",
            Self::TornWrite => "torn_write",
            Self::MisdirectedWrite { .. } => "misdirected_write",
            Self::MisdirectedRead { .. } => "misdirected_read",
            Self::Wraps { .. } => "wraps",
            Self::Stale => "stale",
            Self::Unreadable { .. } => "unreadable",
            Self::Unwritable { .. } => "unwritable",
            Self::BitRot { .. } => "bit_rot",
            Self::Garbage { .. } => "garbage",
            Self::Pattern { .. } => "pattern",
            Self::CorruptRead { .. } => "corrupt_read",
            Self::NeighbourDamage { .. } => "neighbour_damage",
            Self::Delay { .. } => "delay",
            Self::Stall { .. } => "stall",
            Self::Hang => "hang",
            Self::Disconnect { .. } => "disconnect",
            Self::ReadOnly => "read_only",
            Self::Resized { .. } => "resized",
            Self::Evict => "evict",
            Self::PowerCut => "power_cut",
        }
    }

    /// Whether it ends the access: at most one such strikes.
    #[must_use]
    pub const fn ends(self) -> bool {
        matches!(
            self,
            Self::Fail { .. }
                | Self::Short { .. }
                | Self::FlushFails { .. }
                | Self::FlushFailsForEach { .. }
                | Self::Hang
                | Self::Disconnect { .. }
                | Self::PowerCut
        )
    }
}

/// Something that happens to a disk when its trigger strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FaultRule {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub effect: Effect,
    /// Only from the first to before the second, in nanoseconds of virtual time.
    pub window: Option<(u64, u64)>,
    /// Whether the choices say, when the world begins, if it is in force in this run at all
    /// (swarm testing: Groce et al., ISSTA 2012).
    pub swarm: bool,
    /// Its stable name: what is drawn for it is found by this.
    pub key: Key,
}

impl FaultRule {
    /// The key of a rule that strikes the n-th access of a whole run: its count goes on after a
    /// power cut, where those of others begin anew.
    pub const EACH: Key = Key::from_number(2);
}

/// What a fault rule does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Something goes wrong.
    Fault(Fault),
    /// The engine of the disk's first node is put into a state.
    SetState(State),
    /// The request that announces is suspended under this tag.
    Suspend(Tag),
}
