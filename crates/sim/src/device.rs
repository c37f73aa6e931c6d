//! A disk by its promises: what it keeps when the power goes, and in which order.
//!
//! The model is that of the Linux block layer's volatile write cache
//! (`Documentation/block/writeback_cache_control`) and of NVMe's `AWUPF`, `VWC`, `FUA` and flush:
//! a flush covers the writes that completed before it was submitted, and no others; a write with
//! FUA is durable when it completes, and says nothing about others; whatever else was submitted may
//! be on the medium or not.

use core::fmt;

/// What a disk promises about power cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// The smallest addressable unit (the logical sector), in bytes: a power of two from 512 to
    /// 65 536.
    pub sector: u64,
    /// The unit the medium writes, in bytes: a power of two, at least `sector`. On a 512e disk it
    /// is 4096 while `sector` is 512: a smaller write is read, modified and written by the device,
    /// and a cut decides about the whole of it.
    pub physical: u64,
    /// The largest aligned write that a cut leaves whole, in bytes: a power of two, at least
    /// `sector` (NVMe: AWUPF). Longer writes are cut at its multiples. Less than `physical` means
    /// the same as `physical`.
    pub atomic_unit: u64,
    /// What becomes of completed writes.
    pub cache: DeviceCache,
    /// In which order unflushed writes reach the medium.
    pub order: Order,
    /// What force unit access does.
    pub fua: Fua,
    /// What is in a unit that was being written when the power went.
    pub on_tear: OnTear,
    /// Which writes may have been under way then.
    pub tears: Tears,
    /// What discarded bytes read as.
    pub discarded: Discarded,
    /// What becomes of the data when a flush fails, unless the fault that makes it fail says
    /// otherwise.
    pub flush_failure: FlushFailure,
    /// How many bytes can ever be allocated (thin provisioning), in whole units; writes beyond
    /// fail with `ENOSPC`, rewriting what is allocated does not.
    pub capacity: Option<u64>,
    /// How many transfers the device takes at once; the rest wait in the order of submission.
    pub queue_depth: Option<u32>,
    /// Bytes per second of virtual time: transfers take turns.
    pub bytes_per_second: Option<u64>,
    /// Transfers per second of virtual time.
    pub iops: Option<u64>,
}

/// What becomes of completed writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DeviceCache {
    /// A completed write is durable: write-through.
    None,
    /// A completed write may be lost until a flush covers it.
    #[default]
    Volatile,
    /// The cache survives a cut (capacitors, battery): a completed write is durable.
    Protected,
    /// A flush answers and does nothing; so does FUA.
    Lying,
}

/// In which order unflushed writes reach the medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// None: each on its own.
    #[default]
    Any,
    /// The order of completion: a cut leaves the first so many.
    Completion,
    /// The order of submission to the device.
    Submission,
    /// The order of submission within each client, clients apart from one another.
    PerQueue,
}

/// What force unit access does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fua {
    /// The write is durable when it completes.
    #[default]
    Honoured,
    /// Nothing.
    Ignored,
    /// A flush follows the write, inside the device: everything completed is durable.
    Emulated,
}

/// What is in a unit that was being written when the power went. Granules are in bytes: powers of
/// two below the unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnTear {
    /// What was there, or what was written.
    #[default]
    OldOrNew,
    /// The first granules are new, the rest old.
    Prefix {
        /// Bytes.
        granule: u64,
    },
    /// Each granule is old or new.
    Mixed {
        /// Bytes.
        granule: u64,
    },
    /// Neither old nor new.
    Garbage,
    /// Reads fail with `EIO` until it is rewritten.
    Unreadable,
}

/// Which writes may have been under way when the power went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tears {
    /// Those that had not completed.
    #[default]
    InFlight,
    /// Any that was not durable: a cache writes back whenever it likes.
    Unflushed,
}

/// What discarded bytes read as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Discarded {
    /// Zeroes.
    #[default]
    Zeroes,
    /// What was there before.
    Old,
    /// Zeroes, what was there, or garbage: each read may differ (NVMe: DLFEAT 0).
    Undefined,
}

/// What becomes of data that a failed flush should have made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FlushFailure {
    /// It stays volatile, and the next flush covers it: what POSIX is read to say, FreeBSD.
    #[default]
    KeepDirty,
    /// It is marked clean and not written: reads still see it until the disk is opened again, the
    /// next flush succeeds and does nothing (Linux: ext4, XFS).
    CleanKeepNew,
    /// It is dropped: reads see what is durable (Linux: Btrfs).
    CleanRevert,
}

/// Parameters that no device can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceError {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong.
    pub problem: DeviceProblem,
}

/// What is wrong with a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceProblem {
    /// It is no power of two in this range.
    NotAPower {
        /// What it is.
        is: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// The disk is no multiple of it.
    SizeNotAMultiple {
        /// What it is.
        is: u64,
        /// The disk's bytes.
        size: u64,
    },
    /// A tear breaks units that are promised to stay whole.
    TearsWhatIsWhole {
        /// The unit a cut leaves whole.
        atomic: u64,
        /// The unit the medium writes.
        unit: u64,
    },
    /// It must be more than nothing.
    Zero,
    /// There is no volatile write to be torn.
    NothingUnflushed,
}

impl fmt::Display for DeviceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPower { is, least, most } => {
                write!(f, "{is} is no power of two from {least} to {most}")
            }
            Self::SizeNotAMultiple { is, size } => {
                write!(f, "a disk of {size} bytes is no multiple of {is}")
            }
            Self::TearsWhatIsWhole { atomic, unit } => {
                write!(f, "a cut leaves {atomic} bytes whole, so units of {unit} cannot be torn")
            }
            Self::Zero => f.write_str("it must be more than 0"),
            Self::NothingUnflushed => {
                f.write_str("completed writes are durable here, so none of them can be torn")
            }
        }
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.field, self.problem)
    }
}

impl core::error::Error for DeviceError {}

impl Default for Device {
    /// A disk of 512-byte sectors with a volatile cache that keeps no order, honours flushes and
    /// FUA, and never tears a sector.
    fn default() -> Self {
        Self {
            sector: 512,
            physical: 512,
            atomic_unit: 512,
            cache: DeviceCache::Volatile,
            order: Order::Any,
            fua: Fua::Honoured,
            on_tear: OnTear::OldOrNew,
            tears: Tears::InFlight,
            discarded: Discarded::Zeroes,
            flush_failure: FlushFailure::KeepDirty,
            capacity: None,
            queue_depth: None,
            bytes_per_second: None,
            iops: None,
        }
    }
}

impl Device {
    /// The largest unit there can be, in bytes: 16 MiB.
    pub const UNIT_MAX: u64 = 1 << 24;

    /// Sectors of so many bytes, physical and atomic as well.
    #[must_use]
    pub fn with_sector(sector: u64) -> Self {
        Self { sector, physical: sector, atomic_unit: sector, ..Self::default() }
    }

    /// The unit a cut decides about, in bytes: what the medium writes.
    #[must_use]
    pub const fn unit(&self) -> u64 {
        if self.physical > self.sector { self.physical } else { self.sector }
    }

    /// The largest aligned write that a cut leaves whole, in bytes.
    #[must_use]
    pub const fn atomic(&self) -> u64 {
        let unit = self.unit();
        if self.atomic_unit > unit { self.atomic_unit } else { unit }
    }

    /// Whether a completed write is durable.
    #[must_use]
    pub const fn is_through(&self) -> bool {
        matches!(self.cache, DeviceCache::None | DeviceCache::Protected)
    }

    /// Whether a device of `size` bytes can be so.
    ///
    /// # Errors
    ///
    /// The first field that no device can have, or that another one contradicts.
    pub fn check(&self, size: u64) -> Result<(), DeviceError> {
        let error = |field, problem| Err(DeviceError { field, problem });
        let power = |is: u64, least, most| is.is_power_of_two() && (least..=most).contains(&is);
        let sector_max = 65_536;
        if !power(self.sector, 512, sector_max) {
            let problem =
                DeviceProblem::NotAPower { is: self.sector, least: 512, most: sector_max };
            return error("sector", problem);
        }
        for (field, is) in [("physical", self.physical), ("atomic_unit", self.atomic_unit)] {
            // No unit is larger than the device.
            let most = Self::UNIT_MAX.min(size.max(self.sector));
            if !power(is, self.sector, most) {
                return error(field, DeviceProblem::NotAPower { is, least: self.sector, most });
            }
        }
        for (field, is) in [("sector", self.sector), ("physical", self.physical)] {
            if !size.is_multiple_of(is) {
                return error(field, DeviceProblem::SizeNotAMultiple { is, size });
            }
        }
        if let OnTear::Prefix { granule } | OnTear::Mixed { granule } = self.on_tear
            && !power(granule, 1, self.unit() / 2)
        {
            let most = self.unit() / 2;
            return error("on_tear", DeviceProblem::NotAPower { is: granule, least: 1, most });
        }
        if self.on_tear != OnTear::OldOrNew && self.atomic_unit > self.unit() {
            let (atomic, unit) = (self.atomic_unit, self.unit());
            return error("on_tear", DeviceProblem::TearsWhatIsWhole { atomic, unit });
        }
        if self.tears == Tears::Unflushed && self.is_through() {
            return error("tears", DeviceProblem::NothingUnflushed);
        }
        for (field, zero) in [
            ("queue_depth", self.queue_depth == Some(0)),
            ("bytes_per_second", self.bytes_per_second == Some(0)),
            ("iops", self.iops == Some(0)),
        ] {
            if zero {
                return error(field, DeviceProblem::Zero);
            }
        }
        Ok(())
    }
}

/// The contract, in one line.
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sectors of {}", self.sector)?;
        if self.unit() > self.sector {
            write!(f, " in units of {}", self.unit())?;
        }
        if self.atomic() > self.unit() {
            write!(f, ", {} kept whole", self.atomic())?;
        }
        f.write_str(match self.cache {
            DeviceCache::None => ", no cache",
            DeviceCache::Volatile => ", volatile cache",
            DeviceCache::Protected => ", protected cache",
            DeviceCache::Lying => ", lying cache",
        })?;
        f.write_str(match self.order {
            Order::Any => ", any order",
            Order::Completion => ", order of completion",
            Order::Submission => ", order of submission",
            Order::PerQueue => ", order per client",
        })?;
        f.write_str(match self.fua {
            Fua::Honoured => ", FUA honoured",
            Fua::Ignored => ", FUA ignored",
            Fua::Emulated => ", FUA by flush",
        })?;
        let torn = match self.tears {
            Tears::InFlight => "in flight",
            Tears::Unflushed => "unflushed",
        };
        match self.on_tear {
            OnTear::OldOrNew => f.write_str(", nothing torn"),
            OnTear::Prefix { granule } => write!(f, ", {torn} torn after {granule} bytes"),
            OnTear::Mixed { granule } => write!(f, ", {torn} mixed by {granule} bytes"),
            OnTear::Garbage => write!(f, ", {torn} may be garbage"),
            OnTear::Unreadable => write!(f, ", {torn} may be unreadable"),
        }?;
        f.write_str(match self.flush_failure {
            FlushFailure::KeepDirty => "",
            FlushFailure::CleanKeepNew => ", a failed flush drops data that reads still see",
            FlushFailure::CleanRevert => ", a failed flush drops data",
        })
    }
}
