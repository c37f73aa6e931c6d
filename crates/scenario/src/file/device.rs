//! What a disk promises.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A device by name; what it consists of is printed by `headcrash explain preset`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Preset {
    /// An SSD without capacitors: a volatile cache, and units of 4096 bytes that can be shorn.
    ConsumerSsd,
    /// An SSD with power-loss protection: a completed write is durable.
    EnterpriseSsdPlp,
    /// An NVMe SSD that keeps aligned writes of 4096 bytes whole (AWUPF).
    #[serde(rename = "nvme_awupf_4k")]
    NvmeAwupf4k,
    /// A hard disk of 512-byte sectors, unreadable if torn.
    #[serde(rename = "hdd_512n")]
    Hdd512n,
    /// A hard disk of 4096-byte sectors that are shown as 512.
    #[serde(rename = "hdd_512e")]
    Hdd512e,
    /// A hard disk of 4096-byte sectors.
    #[serde(rename = "hdd_4kn")]
    Hdd4kn,
    /// An SD card without a cache; garbage in the page that was being programmed.
    SdCard,
    /// A USB stick: a cache that nothing flushes.
    UsbStick,
    /// A virtual disk whose host caches writes until a flush.
    VirtioWriteback,
    /// A virtual disk whose host caches no writes.
    VirtioWritethrough,
    /// A disk that writes in the order of submission (SQLite's SEQUENTIAL).
    Ordered,
    /// A disk that answers flushes and does nothing.
    Lying,
}

/// What becomes of completed writes, and what a flush does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cache {
    /// A completed write is durable: write-through.
    None,
    /// A completed write may be lost until a flush covers it.
    Volatile,
    /// The cache survives a cut (capacitors, battery): a completed write is durable.
    Protected,
    /// A flush is answered and does nothing; so is force unit access.
    Lying,
    /// As `volatile`: QEMU's word for it.
    Writeback,
    /// As `volatile`, but no flush ever reaches the disk, and `flush_to_disk` is not announced:
    /// QEMU's `cache=unsafe`.
    Unsafe,
}

/// In which order unflushed writes reach the medium.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// None: each on its own.
    Any,
    /// The order of completion: a cut leaves the first so many.
    Prefix,
    /// The order of submission to the disk.
    Submission,
    /// The order of submission within each client, clients apart from one another.
    PerQueue,
}

/// What force unit access does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fua {
    /// The write is durable when it is done.
    Honoured,
    /// Nothing.
    Ignored,
    /// A flush follows the write, inside the disk: everything completed is durable.
    Emulated,
}

/// What is in a unit that was being written when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum OnTear {
    /// What was there, or what was written.
    OldOrNew,
    /// The first granules are new, the rest old.
    ///
    /// Example: `on_tear: prefix(granule: 8)`
    Prefix {
        /// Its bytes: a power of two, at most half the unit.
        ///
        /// Example: `granule: 8`
        granule: u64,
    },
    /// Each granule is old or new.
    ///
    /// Example: `on_tear: mixed(granule: 64)`
    Mixed {
        /// Its bytes: a power of two, at most half the unit.
        ///
        /// Example: `granule: 64`
        granule: u64,
    },
    /// Neither old nor new.
    Garbage,
    /// Reads fail with `EIO` until it is rewritten.
    Unreadable,
}

/// Which writes may have been under way when the power went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tears {
    /// Those that had not completed.
    InFlight,
    /// Any that was not durable: a cache writes back whenever it likes.
    Unflushed,
}

/// What discarded bytes read as.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Discarded {
    /// Zeroes.
    Zeroes,
    /// What was there before.
    Old,
    /// Zeroes, what was there, or garbage; each read may differ.
    Undefined,
}

/// What becomes of data that a failed flush should have made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlushFailure {
    /// It stays volatile, and the next flush covers it (FreeBSD).
    #[default]
    KeepDirty,
    /// Reads still see it until the disk is opened again, but it is never written, and the next
    /// flush succeeds (Linux: ext4, XFS).
    CleanKeepNew,
    /// It is dropped: reads see what is durable (Linux: Btrfs).
    CleanRevert,
}
