//! The promises of a device that a power cut puts to the test, and the rungs that break one each.

use headcrash_sim::Device;

use crate::file::device::{Cache, Discarded, Fua, OnTear, Order, Tears};
use crate::file::{self, File, FileContract, Medium};
use crate::scenario::Scenario;

/// What every disk, and every file system, of a scenario promises.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promises {
    cache: Cache,
    order: Order,
    fua: Fua,
    /// The longest aligned write that stays whole, as far as a disk is as large.
    atomic: u64,
    /// What the medium writes at once, as far as a disk's sectors are not larger.
    unit: u64,
    on_tear: OnTear,
    tears: Tears,
    discarded: Discarded,
    files: FileContract,
}

impl Promises {
    /// The device on which only the moment of a cut can be wrong: a completed write is durable,
    /// writes keep their order, and each is done whole or not at all.
    pub(super) const STRONGEST: Self = Self {
        cache: Cache::None,
        order: Order::Submission,
        fua: Fua::Honoured,
        atomic: Device::UNIT_MAX,
        unit: 512,
        on_tear: OnTear::OldOrNew,
        tears: Tears::InFlight,
        discarded: Discarded::Zeroes,
        files: FileContract::JournaledData,
    };

    /// The file with disks, if it `has_disks`, and file systems that promise this. What a disk is
    /// beside its promises (its size, sectors, latencies, rules) stays.
    pub(super) fn applied_to(&self, file: &File, scenario: &Scenario, has_disks: bool) -> File {
        let mut file = file.clone();
        if has_disks && file.disks.is_empty() {
            file.disks.push(file::Disk::default());
        }
        for (disk, lowered) in file.disks.iter_mut().zip(scenario.disks()) {
            if disk.medium == Medium::Stored {
                self.apply(disk, &lowered.device);
            }
        }
        for fs in &mut file.file_systems {
            fs.contract = self.files;
        }
        file
    }

    fn apply(&self, disk: &mut file::Disk, device: &Device) {
        let sector = device.sector;
        let unit = self.unit.max(sector);
        let unit = if disk.size.is_multiple_of(unit) { unit } else { sector };
        let largest = 1 << disk.size.max(1).ilog2();
        disk.cache = Some(self.cache);
        disk.order = Some(self.order);
        disk.fua = Some(if self.cache == Cache::Lying { Fua::Ignored } else { self.fua });
        disk.physical = Some(unit);
        disk.atomic_unit = Some(self.atomic.min(largest).max(unit));
        disk.on_tear = Some(match self.on_tear {
            // A large unit holds several writes, and where each of them ends multiplies.
            OnTear::Prefix { .. } if unit > 512 => OnTear::Prefix { granule: 256 },
            other => other,
        });
        disk.tears = Some(self.tears);
        disk.discarded = Some(self.discarded);
        disk.flush_failure = Some(file::device::FlushFailure::KeepDirty);
    }
}

/// Lets `disk` promise what `was` does.
pub(super) fn keep(disk: &mut file::Disk, was: &file::Disk) {
    (disk.preset, disk.sector, disk.size) = (was.preset, was.sector, was.size);
    (disk.physical, disk.atomic_unit) = (was.physical, was.atomic_unit);
    (disk.cache, disk.order, disk.fua) = (was.cache, was.order, was.fua);
    (disk.on_tear, disk.tears, disk.discarded) = (was.on_tear, was.tears, was.discarded);
    disk.flush_failure = was.flush_failure;
}

/// A rung that breaks a promise about power cuts.
#[derive(Debug)]
pub(super) struct Relaxed {
    pub(super) id: &'static str,
    /// What may happen from here on.
    pub(super) words: &'static str,
    /// Rungs that break less of the same: who does not survive them does not survive this.
    pub(super) needs: &'static [&'static str],
    pub(super) relax: fn(&mut Promises),
    /// Whether those after it stand on it. Not where something else is broken than what is broken
    /// already: a sector holds garbage or cannot be read, not both.
    pub(super) is_kept: bool,
}

const fn rung(
    id: &'static str,
    words: &'static str,
    needs: &'static [&'static str],
    relax: fn(&mut Promises),
) -> Relaxed {
    Relaxed { id, words, needs, relax, is_kept: true }
}

const fn aside(rung: Relaxed) -> Relaxed {
    Relaxed { is_kept: false, ..rung }
}

/// From the promise that most code knows to be worthless to the one that most code trusts. Each
/// is broken on top of those before it that were survived.
pub(super) const RELAXED: &[Relaxed] = &[
    rung("volatile-cache", "a completed write may be lost until a flush", &[], |p| {
        p.cache = Cache::Volatile;
    }),
    rung("order-completion", "unflushed writes survive in the order of completion", &[], |p| {
        p.order = Order::Prefix;
    }),
    rung("order-per-queue", "unflushed writes of one client survive in order", &[], |p| {
        p.order = Order::PerQueue;
    }),
    rung(
        "order-any",
        "any unflushed write may survive without the others",
        &["order-completion", "order-per-queue"],
        |p| p.order = Order::Any,
    ),
    rung("atomic-4096", "a write is torn between 4096 bytes", &[], |p| p.atomic = 4096),
    rung("atomic-sector", "a write is torn between sectors", &["atomic-4096"], |p| p.atomic = 512),
    rung("unit-4096", "a sector shares its fate with the 4096 bytes it is in", &[], |p| {
        p.unit = 4096;
    }),
    rung(
        "torn-prefix",
        "a sector being written is torn: its first bytes are new",
        &["atomic-sector"],
        |p| p.on_tear = OnTear::Prefix { granule: 8 },
    ),
    rung(
        "torn-mixed",
        "a sector being written is torn: any 64 bytes are old or new",
        &["torn-prefix"],
        |p| {
            p.on_tear = OnTear::Mixed { granule: 64 };
        },
    ),
    rung("torn-garbage", "a sector being written holds garbage", &["atomic-sector"], |p| {
        p.on_tear = OnTear::Garbage;
    }),
    rung(
        "unflushed-prefix",
        "an unflushed sector is torn: its first bytes are new",
        &["volatile-cache", "torn-prefix"],
        |p| (p.tears, p.on_tear) = (Tears::Unflushed, OnTear::Prefix { granule: 8 }),
    ),
    rung(
        "unflushed-mixed",
        "an unflushed sector is torn: any 64 bytes are old or new",
        &["unflushed-prefix", "torn-mixed"],
        |p| (p.tears, p.on_tear) = (Tears::Unflushed, OnTear::Mixed { granule: 64 }),
    ),
    rung(
        "unflushed-garbage",
        "an unflushed sector holds garbage",
        &["volatile-cache", "torn-garbage"],
        |p| (p.tears, p.on_tear) = (Tears::Unflushed, OnTear::Garbage),
    ),
    aside(rung(
        "torn-unreadable",
        "a sector being written cannot be read until it is rewritten",
        &["atomic-sector"],
        |p| (p.tears, p.on_tear) = (Tears::InFlight, OnTear::Unreadable),
    )),
    aside(rung(
        "unflushed-unreadable",
        "an unflushed sector cannot be read until it is rewritten",
        &["volatile-cache", "torn-unreadable"],
        |p| (p.tears, p.on_tear) = (Tears::Unflushed, OnTear::Unreadable),
    )),
    rung("discarded-old", "discarded bytes read as they were", &[], |p| {
        p.discarded = Discarded::Old;
    }),
    rung("discarded-undefined", "discarded bytes read as anything", &["discarded-old"], |p| {
        p.discarded = Discarded::Undefined;
    }),
    rung("fua-ignored", "force unit access does nothing", &["volatile-cache"], |p| {
        p.fua = Fua::Ignored;
    }),
    rung("flush-lies", "no flush does anything", &["fua-ignored"], |p| p.cache = Cache::Lying),
    rung("files-ext4", "files as ext4 keeps them with data=ordered", &[], |p| {
        p.files = FileContract::Ext4Ordered;
    }),
    rung("files-xfs", "files as XFS keeps them", &["files-ext4"], |p| p.files = FileContract::Xfs),
    rung("files-posix", "files as POSIX promises them and no more", &["files-xfs"], |p| {
        p.files = FileContract::PosixStrict;
    }),
];
