//! Devices by name.
//!
//! What a standard promises is promised here; what it leaves open is set to what is typical, and
//! said to be. Latencies are always typical: they give runs a sense of proportion, no more.

use crate::device::{Device, DeviceCache, Discarded, Fua, OnTear, Order, Tears};
use crate::latency::{Latencies, Latency};

/// A device by name: where a parameter is not mentioned it is [`Device::default`]'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// A SATA or NVMe SSD without capacitors.
    ///
    /// A volatile cache that keeps no order and honours flush and FUA (ACS-4 `FLUSH CACHE EXT`;
    /// NVMe base specification, `VWC`). 512-byte sectors over 4096-byte units. Whatever was not
    /// flushed may be under way when the power goes, and its units may be shorn: first so many
    /// eighths new, the rest old (Zheng et al., "Understanding the Robustness of SSDs under Power
    /// Fault", FAST 2013, where 13 of 15 devices misbehaved). Discarded bytes read as anything
    /// (ACS-4: non-deterministic trim). 32 commands at once (SATA: NCQ). Typical: the unit, 60 µs
    /// reads, 25 µs writes into the cache, flushes of 2 ms on average.
    ConsumerSsd,
    /// An SSD with power-loss protection.
    ///
    /// Completed writes survive a cut: its cache is not volatile in the sense of the NVMe base
    /// specification (`VWC` 0), so a flush has nothing to do. Discarded bytes read as zeroes
    /// (`DLFEAT` 001b). Typical: 4096-byte units, 80 µs reads, 15 µs writes.
    EnterpriseSsdPlp,
    /// An NVMe SSD that promises whole writes of 4096 bytes.
    ///
    /// `AWUPF` 7 with 512-byte blocks: an aligned write of up to eight blocks is all old or all new
    /// after a power failure (NVMe base specification, atomic operation). A volatile cache (`VWC`
    /// 1), FUA honoured. Discarded bytes read as zeroes (`DLFEAT` 001b). Typical: 70 µs reads,
    /// 20 µs writes, flushes of 1 ms on average.
    NvmeAwupf4k,
    /// A hard disk of 512-byte sectors.
    ///
    /// A volatile cache that is written back in any order (ACS-4: write cache enabled), 32 commands
    /// at once (NCQ). No standard says what a sector is that was being written when the power went.
    /// Typical: its code words do not fit, and it is unreadable until it is rewritten; reads and
    /// writes of 1 to 16 ms (7200 turns a minute), flushes of 20 ms on average; discards do nothing.
    Hdd512n,
    /// A hard disk of 4096-byte sectors that are shown as 512.
    ///
    /// As [`Hdd512n`](Self::Hdd512n), with 512 logical and 4096 physical bytes (ACS-4 `IDENTIFY
    /// DEVICE` word 106; SBC-4 `LBPPBE` 3): a smaller write is read, modified and written by the
    /// disk, so a cut can take its neighbours with it.
    Hdd512e,
    /// A hard disk of 4096-byte sectors.
    ///
    /// As [`Hdd512n`](Self::Hdd512n), with 4096 logical and physical bytes.
    Hdd4kn,
    /// An SD card without a cache.
    ///
    /// A write is answered when it is programmed (SD physical layer specification: busy on DAT0),
    /// one command at a time; a card before version 6 has no cache and no flush. Discarded bytes
    /// read as anything (`CMD38` with the discard argument). Typical: pages of 16 384 bytes, and
    /// garbage in the one that was being programmed; 500 µs reads, writes of 1 to 20 ms.
    SdCard,
    /// A USB stick.
    ///
    /// One command at a time (USB mass storage, bulk-only transport). Typical: no caching mode
    /// page, so that hosts take it for write-through (SBC-4 `WCE` unknown), while its controller
    /// keeps writes back: flushes do nothing, and what was being written is garbage, in units of
    /// 4096 bytes. Discards are not known to it. 1 ms reads, writes of 2 to 50 ms.
    UsbStick,
    /// A virtual disk whose host caches writes.
    ///
    /// virtio-blk with `VIRTIO_BLK_F_FLUSH` and `writeback` 1: completed writes are volatile until
    /// a flush (virtio specification 1.2, 5.2.6). There is no FUA in it; Linux follows the write
    /// with a flush (`Documentation/block/writeback_cache_control`). What discarded sectors read
    /// as is not said, so anything. Typical: 50 µs reads, 30 µs writes, flushes of 1 ms on average.
    VirtioWriteback,
    /// A virtual disk whose host caches no writes.
    ///
    /// virtio-blk with `writeback` 0: a completed write is durable. Typical: 50 µs reads, writes of
    /// 500 µs on average.
    VirtioWritethrough,
    /// A disk that writes in the order in which it is told to.
    ///
    /// SQLite's `SQLITE_IOCAP_SEQUENTIAL`: what is unflushed may be lost, but never an earlier
    /// write without all later ones. Takes no time.
    Ordered,
    /// A disk that does not do what it answers.
    ///
    /// Flushes and FUA are answered and do nothing, and whatever was written since the beginning
    /// may be lost: what a cache that is set to ignore flushes does. Takes no time.
    Lying,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::ConsumerSsd,
        Self::EnterpriseSsdPlp,
        Self::NvmeAwupf4k,
        Self::Hdd512n,
        Self::Hdd512e,
        Self::Hdd4kn,
        Self::SdCard,
        Self::UsbStick,
        Self::VirtioWriteback,
        Self::VirtioWritethrough,
        Self::Ordered,
        Self::Lying,
    ];

    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConsumerSsd => "consumer_ssd",
            Self::EnterpriseSsdPlp => "enterprise_ssd_plp",
            Self::NvmeAwupf4k => "nvme_awupf_4k",
            Self::Hdd512n => "hdd_512n",
            Self::Hdd512e => "hdd_512e",
            Self::Hdd4kn => "hdd_4kn",
            Self::SdCard => "sd_card",
            Self::UsbStick => "usb_stick",
            Self::VirtioWriteback => "virtio_writeback",
            Self::VirtioWritethrough => "virtio_writethrough",
            Self::Ordered => "ordered",
            Self::Lying => "lying",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// What it is, in a line.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::ConsumerSsd => "an SSD without capacitors: volatile cache, shorn 4096-byte units",
            Self::EnterpriseSsdPlp => "an SSD with power-loss protection: completed is durable",
            Self::NvmeAwupf4k => "an NVMe SSD that keeps aligned writes of 4096 bytes whole",
            Self::Hdd512n => "a hard disk of 512-byte sectors: volatile cache, unreadable if torn",
            Self::Hdd512e => "a hard disk of 4096-byte sectors that are shown as 512",
            Self::Hdd4kn => "a hard disk of 4096-byte sectors",
            Self::SdCard => "an SD card without a cache: garbage in the page being programmed",
            Self::UsbStick => "a USB stick: a cache that nothing flushes",
            Self::VirtioWriteback => "a virtual disk whose host caches writes until a flush",
            Self::VirtioWritethrough => "a virtual disk whose host caches no writes",
            Self::Ordered => "a disk that writes in the order of submission",
            Self::Lying => "a disk that answers flushes and does nothing",
        }
    }

    /// The document, standard or study it follows.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::ConsumerSsd => "ACS-4; NVMe base specification; Zheng et al., FAST 2013",
            Self::EnterpriseSsdPlp => "NVMe base specification: VWC, DLFEAT",
            Self::NvmeAwupf4k => "NVMe base specification: AWUPF, VWC, DLFEAT",
            Self::Hdd512n | Self::Hdd512e | Self::Hdd4kn => "ACS-4; SBC-4",
            Self::SdCard => "SD physical layer specification",
            Self::UsbStick => "USB mass storage class, bulk-only transport; SBC-4",
            Self::VirtioWriteback | Self::VirtioWritethrough => {
                "virtio specification 1.2, 5.2; Linux, writeback_cache_control"
            }
            Self::Ordered => "SQLite: SQLITE_IOCAP_SEQUENTIAL",
            Self::Lying => "a write cache that ignores flushes",
        }
    }

    /// What it promises.
    #[must_use]
    pub fn device(self) -> Device {
        let hdd = Device {
            on_tear: OnTear::Unreadable,
            tears: Tears::Unflushed,
            discarded: Discarded::Old,
            queue_depth: Some(32),
            ..Device::default()
        };
        match self {
            Self::ConsumerSsd => Device {
                physical: 4096,
                atomic_unit: 4096,
                on_tear: OnTear::Prefix { granule: 512 },
                tears: Tears::Unflushed,
                discarded: Discarded::Undefined,
                queue_depth: Some(32),
                ..Device::default()
            },
            Self::EnterpriseSsdPlp => Device {
                physical: 4096,
                atomic_unit: 4096,
                cache: DeviceCache::Protected,
                ..Device::default()
            },
            Self::NvmeAwupf4k => Device { atomic_unit: 4096, ..Device::default() },
            Self::Hdd512n => hdd,
            Self::Hdd512e => Device { physical: 4096, atomic_unit: 4096, ..hdd },
            Self::Hdd4kn => Device { sector: 4096, physical: 4096, atomic_unit: 4096, ..hdd },
            Self::SdCard => Device {
                physical: 16_384,
                atomic_unit: 16_384,
                cache: DeviceCache::None,
                on_tear: OnTear::Garbage,
                discarded: Discarded::Undefined,
                queue_depth: Some(1),
                ..Device::default()
            },
            Self::UsbStick => Device {
                physical: 4096,
                atomic_unit: 4096,
                cache: DeviceCache::Lying,
                fua: Fua::Ignored,
                on_tear: OnTear::Garbage,
                tears: Tears::Unflushed,
                discarded: Discarded::Old,
                queue_depth: Some(1),
                ..Device::default()
            },
            Self::VirtioWriteback => {
                Device { fua: Fua::Emulated, discarded: Discarded::Undefined, ..Device::default() }
            }
            Self::VirtioWritethrough => Device {
                cache: DeviceCache::None,
                discarded: Discarded::Undefined,
                ..Device::default()
            },
            Self::Ordered => Device { order: Order::Submission, ..Device::default() },
            Self::Lying => {
                Device { cache: DeviceCache::Lying, fua: Fua::Ignored, ..Device::default() }
            }
        }
    }

    /// How long it takes: typical, and promised by nobody.
    #[must_use]
    pub const fn latencies(self) -> Latencies {
        const US: u64 = 1_000;
        const MS: u64 = 1_000_000;
        let (read, write, flush) = match self {
            Self::ConsumerSsd => (
                Latency::Constant(60 * US),
                Latency::Constant(25 * US),
                Latency::Exponential { mean: 2 * MS },
            ),
            Self::EnterpriseSsdPlp => {
                (Latency::Constant(80 * US), Latency::Constant(15 * US), Latency::Constant(5 * US))
            }
            Self::NvmeAwupf4k => (
                Latency::Constant(70 * US),
                Latency::Constant(20 * US),
                Latency::Exponential { mean: MS },
            ),
            Self::Hdd512n | Self::Hdd512e | Self::Hdd4kn => (
                Latency::Uniform { min: MS, max: 16 * MS },
                Latency::Uniform { min: MS, max: 16 * MS },
                Latency::Exponential { mean: 20 * MS },
            ),
            Self::SdCard => (
                Latency::Constant(500 * US),
                Latency::Uniform { min: MS, max: 20 * MS },
                Latency::Constant(10 * US),
            ),
            Self::UsbStick => (
                Latency::Constant(MS),
                Latency::Uniform { min: 2 * MS, max: 50 * MS },
                Latency::Constant(10 * US),
            ),
            Self::VirtioWriteback => (
                Latency::Constant(50 * US),
                Latency::Constant(30 * US),
                Latency::Exponential { mean: MS },
            ),
            Self::VirtioWritethrough => (
                Latency::Constant(50 * US),
                Latency::Exponential { mean: 500 * US },
                Latency::Constant(10 * US),
            ),
            Self::Ordered | Self::Lying => (Latency::Zero, Latency::Zero, Latency::Zero),
        };
        Latencies { read, write, write_zeroes: write, discard: write, flush }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_device_there_can_be() {
        for preset in Preset::ALL {
            assert_eq!(preset.device().check(1 << 20), Ok(()), "{}", preset.name());
        }
    }

    #[test]
    fn a_preset_is_found_by_its_name() {
        for preset in Preset::ALL {
            assert_eq!(Preset::from_name(preset.name()), Some(preset));
        }
        assert_eq!(Preset::from_name("hdd"), None);
    }

    #[test]
    fn no_two_presets_promise_the_same_in_the_same_time() {
        for (index, one) in Preset::ALL.iter().enumerate() {
            for other in &Preset::ALL[..index] {
                let differ = one.device() != other.device() || one.latencies() != other.latencies();
                assert!(differ, "{} is {}", one.name(), other.name());
            }
        }
    }
}
