//! What goes wrong: the words, as a rule's action and by themselves.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::device::FlushFailure;
use super::rule::InjectError;
use super::{Errno, State, Tag, is_default, range};

/// Both enums have the same words for faults, and serde has no way to share them between two.
macro_rules! words {
    (
        with { $($(#[$with_doc:meta])* $with:ident($takes:ty),)* }
        bare { $($(#[$bare_doc:meta])* $bare:ident,)* }
    ) => {
        /// What goes wrong.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Fault {
            $($(#[$with_doc])* $with($takes),)*
            $($(#[$bare_doc])* $bare,)*
        }

        /// What a rule does: blkdebug's three actions, or what goes wrong.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum Action {
            /// Arm an error for the next request it fits.
            ///
            /// Example: `inject_error(errno: "ENOSPC", sector: 8)`
            InjectError(InjectError),
            /// The engine's next state.
            ///
            /// Example: `set_state(2)`
            SetState(State),
            /// Hold the request under this tag until it is resumed.
            ///
            /// Example: `suspend("A")`
            Suspend(Tag),
            $($(#[$with_doc])* $with($takes),)*
            $($(#[$bare_doc])* $bare,)*
        }

        impl Action {
            /// What goes wrong, unless it is one of blkdebug's own.
            pub(crate) fn fault(&self) -> Option<Fault> {
                match self {
                    Self::InjectError(_) | Self::SetState(_) | Self::Suspend(_) => None,
                    $(Self::$with(takes) => Some(Fault::$with(takes.clone())),)*
                    $(Self::$bare => Some(Fault::$bare),)*
                }
            }
        }
    };
}

words! {
    with {
        /// The access fails, and is done as far as `applied` says.
        ///
        /// Example: `fail(errno: "ENOSPC", applied: first(512))`
        Fail(Fail),
        /// A read or write does fewer bytes than asked, and answers how many: no error.
        ///
        /// Example: `short(bytes: 100)`
        Short(Short),
        /// A flush fails, and `data` says what becomes of what it should have made durable.
        ///
        /// Example: `flush_fails(errno: "EIO", data: clean_keep_new)`
        FlushFails(FlushFails),
        /// A flush answers well, its data is lost, and the next flush reports it (ext4 with
        /// data=journal).
        ///
        /// Example: `flush_fails_later(errno: "EIO")`
        FlushFailsLater(FlushFailsLater),
        /// A flush fails and drops its data, and every other client's next flush fails too: Linux
        /// reports once to each open file.
        ///
        /// Example: `flush_fails_for_each(errno: "EIO")`
        FlushFailsForEach(FlushFailsForEach),
        /// Only the first eighths of the write reach the medium, and it is answered.
        ///
        /// Example: `shorn_write(eighths: 3)`
        ShornWrite(ShornWrite),
        /// The write is answered and lands elsewhere: its place keeps what it held.
        ///
        /// Example: `misdirected_write(by: 4_096)`
        MisdirectedWrite(MisdirectedWrite),
        /// The read brings another place's bytes.
        ///
        /// Example: `misdirected_read(by: -512)`
        MisdirectedRead(MisdirectedRead),
        /// The address wraps: what is from `at` on goes to its address modulo `at`, so that two
        /// addresses are one place.
        ///
        /// Example: `wraps(at: 65_536)`
        Wraps(Wraps),
        /// The disk has another length when it is opened, for good.
        ///
        /// Example: `resized(len: 65_536)`
        Resized(Resized),
        /// Reads of these sectors fail from now on: a latent sector error.
        ///
        /// Example: `unreadable(errno: "ENODATA", lasts: for_good)`
        Unreadable(Unreadable),
        /// Writes of these sectors fail from now on.
        ///
        /// Example: `unwritable(errno: "EIO")`
        Unwritable(Unwritable),
        /// Bits of these sectors are flipped from now on.
        ///
        /// Example: `bit_rot(bits: 1)`
        BitRot(BitRot),
        /// These sectors show garbage from now on.
        ///
        /// Example: `garbage(lasts: until_reopen)`
        Garbage(Garbage),
        /// These sectors show one byte from now on.
        ///
        /// Example: `pattern(byte: 0xFF)`
        Pattern(PatternFault),
        /// What this read brings has flipped bits; the medium is fine.
        ///
        /// Example: `corrupt_read(bits: 3)`
        CorruptRead(CorruptRead),
        /// The write damages sectors beside it.
        ///
        /// Example: `neighbour_damage(sectors: 2, damage: garbage)`
        NeighbourDamage(NeighbourDamage),
        /// The access takes so much longer.
        ///
        /// Example: `delay(ns: 1_000_000)`
        Delay(Delay),
        /// Everything the disk does waits until so much later.
        ///
        /// Example: `stall(ns: 1_000_000)`
        Stall(Stall),
        /// The disk is gone: this access and all later ones fail with `ENODEV`.
        ///
        /// Example: `disconnect(returns_ns: 1_000_000)`
        Disconnect(Disconnect),
    }
    bare {
        /// A flush answers and makes nothing durable.
        FlushLies,
        /// The write is answered and never reaches the medium.
        LostWrite,
        /// Each unit of the write is done or not, as the choices say, and it is answered.
        TornWrite,
        /// The sectors that are accessed show what they held before their last write.
        Stale,
        /// The request never completes; only a power cut or closing the disk ends it.
        Hang,
        /// Writes are refused with `EROFS` from now on, until the power goes.
        ReadOnly,
        /// Before the access the cache gives up what a failed flush dropped (`clean_keep_new`) and
        /// reads still saw: older bytes are seen.
        Evict,
        /// The power goes, for this disk and its group.
        PowerCut,
    }
}

/// What goes wrong with a disk now and then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// What goes wrong.
    ///
    /// Example: `what: bit_rot(bits: 1)`
    pub(crate) what: Fault,
    /// What it is called in traces, and in `fired`.
    ///
    /// Default: nothing
    ///
    /// Example: `name: "rot"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) name: Option<String>,
    /// Only accesses of these kinds; without it, whatever can go wrong so.
    ///
    /// Default: nothing
    ///
    /// Example: `on: [read]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) on: Option<Vec<AccessKind>>,
    /// Only accesses that touch one of these sectors of 512 bytes; the end is not among them.
    ///
    /// Default: nothing
    ///
    /// Example: `sectors: 8..16`
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(schema_with = "range")]
    pub(crate) sectors: Option<Range<u64>>,
    /// How often: the first number in the second, of all accesses that fit.
    ///
    /// Default: nothing
    ///
    /// Example: `chance: (1, 1_000)`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) chance: Option<(u64, u64)>,
    /// Only every so many accesses that fit.
    ///
    /// Default: nothing
    ///
    /// Example: `every: 100`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) every: Option<u64>,
    /// At most so many times.
    ///
    /// Default: nothing
    ///
    /// Example: `times: 1`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) times: Option<u64>,
    /// Whether the seed says, when the run begins, if it happens in this run at all.
    ///
    /// Default: `false`
    ///
    /// Example: `swarm: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) swarm: bool,
}

/// A kind of access to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessKind {
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
    /// The disk is opened, or opened again: by a step, at the beginning, or when the power is back.
    /// Only `fail` and `resized` can strike then, and `fail` only if this is given.
    Open,
}

/// How much of a failing access is done all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Applied {
    /// Nothing.
    #[default]
    Nothing,
    /// The first so many bytes.
    ///
    /// Example: `applied: first(512)`
    First(u64),
    /// Everything: done, and reported as failed.
    All,
}

/// How long a fault of the medium lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lasts {
    /// Until the sector is written.
    #[default]
    UntilRewritten,
    /// Until the disk is opened again.
    UntilReopen,
    /// For good.
    ForGood,
}

/// How a sector is damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "KindOfDamage")]
pub(crate) enum Damage {
    /// Reads fail with `EIO` until it is rewritten.
    #[default]
    Unreadable,
    /// It reads as garbage until it is rewritten.
    Garbage,
    /// It reads as zeroes until it is rewritten.
    Zeroes,
}

/// The access fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fail {
    /// What the request is told.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENOSPC"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
    /// How much of it is done all the same.
    ///
    /// Default: `nothing`
    ///
    /// Example: `applied: first(512)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) applied: Applied,
}

/// Fewer bytes than asked are done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Short {
    /// How many; a request as short is left alone.
    ///
    /// Example: `bytes: 100`
    pub(crate) bytes: u64,
}

/// A flush fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FlushFails {
    /// What the flush is told.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENOSPC"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
    /// What becomes of what it should have made durable.
    ///
    /// Default: `keep_dirty`
    ///
    /// Example: `data: clean_revert`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) data: FlushFailure,
    /// Any of the writes it covers may have become durable before it failed, as choices; `data` says
    /// what becomes of the others. Of an ordered device these are the first so many. Only of disks.
    ///
    /// Default: `false`
    ///
    /// Example: `partly: true`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) partly: bool,
}

/// A later flush fails.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FlushFailsLater {
    /// What the later flush is told.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENOSPC"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
}

/// A flush fails, once for each client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FlushFailsForEach {
    /// What each of them is told.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENOSPC"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
}

/// A write is cut short on its way to the medium.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShornWrite {
    /// How many eighths of it are done, from 1 to 7.
    ///
    /// Example: `eighths: 3`
    pub(crate) eighths: u64,
}

/// A write lands elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MisdirectedWrite {
    /// How far away, in bytes: a multiple of 512, maybe negative. Without it the choices say.
    ///
    /// Default: nothing
    ///
    /// Example: `by: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) by: Option<i64>,
}

/// A read comes from elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MisdirectedRead {
    /// How far away, in bytes: a multiple of 512, maybe negative. Without it the choices say.
    ///
    /// Default: nothing
    ///
    /// Example: `by: -512`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) by: Option<i64>,
}

/// Two addresses are one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wraps {
    /// The first address that is the same place as 0, in bytes: a multiple of 512.
    ///
    /// Example: `at: 65_536`
    pub(crate) at: u64,
}

/// A disk has another length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resized {
    /// How many bytes it has then: a multiple of what it writes at once. What is cut off is gone,
    /// what is new is zeroes.
    ///
    /// Example: `len: 65_536`
    pub(crate) len: u64,
}

/// Sectors cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Unreadable {
    /// What reads are told; Linux reports a medium error as `ENODATA`.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENODATA"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
    /// How long.
    ///
    /// Default: `until_rewritten`
    ///
    /// Example: `lasts: for_good`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) lasts: Lasts,
}

/// Sectors cannot be written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Unwritable {
    /// What writes are told.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENOSPC"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
}

/// Bits of sectors are flipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BitRot {
    /// How many bits of each sector.
    ///
    /// Default: `1`
    ///
    /// Example: `bits: 3`
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) bits: u64,
    /// How long.
    ///
    /// Default: `until_rewritten`
    ///
    /// Example: `lasts: for_good`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) lasts: Lasts,
}

/// Sectors show garbage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Garbage {
    /// How long.
    ///
    /// Default: `until_rewritten`
    ///
    /// Example: `lasts: until_reopen`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) lasts: Lasts,
}

/// Sectors show one byte.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PatternFault {
    /// The byte.
    ///
    /// Default: `0`
    ///
    /// Example: `byte: 0xFF`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) byte: u8,
    /// How long.
    ///
    /// Default: `until_rewritten`
    ///
    /// Example: `lasts: for_good`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) lasts: Lasts,
}

/// A read brings flipped bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CorruptRead {
    /// How many.
    ///
    /// Default: `1`
    ///
    /// Example: `bits: 3`
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) bits: u64,
}

/// A write damages its neighbours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NeighbourDamage {
    /// How many sectors on each side.
    ///
    /// Default: `1`
    ///
    /// Example: `sectors: 2`
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) sectors: u64,
    /// How they are damaged.
    ///
    /// Default: `unreadable`
    ///
    /// Example: `damage: garbage`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) damage: Damage,
}

/// An access is slow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delay {
    /// How many nanoseconds more.
    ///
    /// Example: `ns: 1_000_000`
    pub(crate) ns: u64,
}

/// A disk does nothing for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stall {
    /// How many nanoseconds.
    ///
    /// Example: `ns: 1_000_000`
    pub(crate) ns: u64,
}

/// A disk is gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Disconnect {
    /// After how many nanoseconds it is back, with what was volatile lost as at a power cut.
    /// Without it, never.
    ///
    /// Default: nothing
    ///
    /// Example: `returns_ns: 1_000_000`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) returns_ns: Option<u64>,
}

impl Default for BitRot {
    fn default() -> Self {
        Self { bits: 1, lasts: Lasts::default() }
    }
}

impl Default for CorruptRead {
    fn default() -> Self {
        Self { bits: 1 }
    }
}

impl Default for NeighbourDamage {
    fn default() -> Self {
        Self { sectors: 1, damage: Damage::default() }
    }
}

const fn is_one(number: &u64) -> bool {
    *number == 1
}
