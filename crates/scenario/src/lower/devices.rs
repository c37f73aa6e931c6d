//! What disks promise, and with whom they share their fate.

use headcrash_sim::{
    Device, DeviceCache, DeviceError, DeviceProblem, Discarded, FlushFailure, Fua, OnTear, Order,
    Preset, Tears,
};

use super::{DiskIndex, Lower, Table};
use crate::file::{self, File, device as words};
use crate::source::Place;

impl Lower<'_> {
    /// What `disk` promises: its preset, and what is said beside it.
    pub(super) fn device(
        &mut self,
        disk: &file::Disk,
        index: DiskIndex,
        place: Place<'_>,
    ) -> Device {
        let base = disk.preset.map_or_else(Device::default, |preset| preset_of(preset).device());
        let sector = disk.sector.unwrap_or(base.sector);
        let cache = disk.cache.map_or(base.cache, cache_of);
        let unless_lying = |fua| if cache == DeviceCache::Lying { Fua::Ignored } else { fua };
        let device = Device {
            sector,
            // What the medium writes, and keeps whole, is a sector at least.
            physical: disk.physical.unwrap_or_else(|| base.physical.max(sector)),
            atomic_unit: disk.atomic_unit.unwrap_or_else(|| base.atomic_unit.max(sector)),
            cache,
            order: disk.order.map_or(base.order, order_of),
            fua: disk.fua.map_or_else(|| unless_lying(base.fua), fua_of),
            on_tear: disk.on_tear.map_or(base.on_tear, on_tear_of),
            tears: disk.tears.map_or(base.tears, tears_of),
            discarded: disk.discarded.map_or(base.discarded, discarded_of),
            flush_failure: disk.flush_failure.map_or(base.flush_failure, flush_failure_of),
            capacity: disk.capacity.or(base.capacity),
            queue_depth: match disk.queue_depth {
                Some(depth) => Some(self.queue_depth(depth, place.field("queue_depth"))),
                None => base.queue_depth,
            },
            bytes_per_second: disk.bytes_per_second.or(base.bytes_per_second),
            iops: disk.iops.or(base.iops),
        };
        if let Err(error) = device.check(disk.size) {
            self.impossible(&error, disk, &device, place);
        }
        self.check_promises(disk, &device, index, place);
        device
    }

    /// Says which field no device can have.
    fn impossible(
        &mut self,
        error: &DeviceError,
        disk: &file::Disk,
        device: &Device,
        place: Place<'_>,
    ) {
        let DeviceError { field, problem } = error;
        let at = place.field(field);
        let (size, preset) = (place.field("size"), place.field("preset"));
        let is_size = matches!(problem, DeviceProblem::SizeNotAMultiple { .. });
        // Where the field is not given, what it does not go with is.
        let others = [at, if is_size { size } else { preset }, preset, size];
        let first = others.into_iter().find(|place| place.is_written()).unwrap_or(place);
        let span = if first.is_written() { first.span() } else { place.head() };
        let is_there = at.is_written();
        let told = self.say(span, format!("`{field}`: {problem}"));
        match problem {
            DeviceProblem::NotAPower { .. } => {}
            DeviceProblem::SizeNotAMultiple { is, .. } => {
                told.help.push(format!("the size must be a multiple of {is}"));
            }
            DeviceProblem::TearsWhatIsWhole { unit, .. } => told.help.push(format!(
                "`old_or_new` leaves units as they are promised, or `atomic_unit: {unit}` promises less"
            )),
            DeviceProblem::Zero => told.help.push("leave it out for no limit".to_owned()),
            DeviceProblem::NothingUnflushed => told.help.push(
                "a `volatile` or `lying` cache has unflushed writes; `tears: in_flight` fits all"
                    .to_owned(),
            ),
        }
        if let (false, Some(preset)) = (is_there, disk.preset) {
            let preset = preset_of(preset).name();
            told.help.push(format!("the preset `{preset}` has {}", value(field, device)));
        }
    }

    /// What contradicts itself only in what is written.
    fn check_promises(
        &mut self,
        disk: &file::Disk,
        device: &Device,
        index: DiskIndex,
        place: Place<'_>,
    ) {
        if device.cache == DeviceCache::Lying && device.fua != Fua::Ignored {
            let message = "a cache that lies ignores force unit access as well";
            let cache = place.field("cache");
            let cache = if cache.is_written() { cache } else { place.field("preset") };
            let told = self.say(place.field("fua").span(), message);
            *told = told
                .clone()
                .also(cache.span(), "it lies")
                .help("`fua: ignored` is what it does, with or without saying so");
        }
        if let Some(capacity) = disk.capacity {
            let (unit, size) = (device.unit(), self.disks.size(index));
            let span = place.field("capacity").span();
            if capacity > size {
                let message = format!("a capacity of {capacity} bytes is more than the disk has");
                let told = self.say(span, message);
                told.help.push(format!("the disk has {size} bytes; leave `capacity` out for all"));
            } else if unit > 0 && !capacity.is_multiple_of(unit) {
                let message = format!("a capacity of {capacity} bytes is no whole number of units");
                self.say(span, message)
                    .help
                    .push(format!("it must be a multiple of {unit}, what the medium writes"));
            }
        }
        let no_flush = disk.cache == Some(words::Cache::Unsafe);
        if no_flush && disk.flush_failure.is_some() {
            let span = place.field("flush_failure").span();
            let told = self.say(span, "no flush reaches this disk, so none of them fails");
            *told = told.clone().also(place.field("cache").span(), "because of this");
        }
    }

    fn queue_depth(&mut self, depth: u64, place: Place<'_>) -> u32 {
        const MOST: u32 = 65_536;
        if depth > MOST.into() {
            let message = format!("{depth} transfers at once are too many");
            self.say(place.span(), message).help.push(format!("at most {MOST} can be"));
        }
        u32::try_from(depth).unwrap_or(MOST)
    }

    /// For each disk the number of its group, if it is in one.
    pub(super) fn groups(&mut self, file: &File, root: Place<'_>) -> Vec<Option<usize>> {
        let mut names = Table::default();
        let mut members = Vec::new();
        let mut groups = vec![None; self.disks.iter().len()];
        let disks = file.disks.iter().zip(root.field("disks").items());
        for (index, (disk, place)) in disks.enumerate().take(groups.len()) {
            let Some(name) = &disk.group else { continue };
            let at = place.field("group");
            self.check_name("the name of a group", name, at);
            let group = names.find(name).unwrap_or_else(|| {
                members.push(0);
                names.add(name, at.span()).unwrap_or_default()
            });
            members[group] += 1;
            groups[index] = Some(group);
        }
        for (group, members) in members.into_iter().enumerate() {
            if members == 1 {
                let name = &names.names()[group];
                let others = names.names().iter().filter(|other| *other != name);
                let near = self.near(name, others.map(|other| &**other));
                let message = format!("no other disk is in the group `{name}`");
                let told = self.say(names.span(group), message);
                told.help.extend(near);
                told.help.push("a disk by itself has a fate of its own: leave it out".to_owned());
            }
        }
        groups
    }
}

/// What a device has in a field, as a file says it.
fn value(field: &str, device: &Device) -> String {
    let number = match field {
        "sector" => device.sector,
        "physical" => device.physical,
        "atomic_unit" => device.atomic_unit,
        "on_tear" => {
            return format!("`{field}: {}`", on_tear_word(device.on_tear));
        }
        "tears" => return format!("`{field}: unflushed`"),
        _ => return format!("another `{field}`"),
    };
    format!("`{field}: {number}`")
}

fn on_tear_word(on_tear: OnTear) -> String {
    match on_tear {
        OnTear::OldOrNew => "old_or_new".to_owned(),
        OnTear::Prefix { granule } => format!("prefix(granule: {granule})"),
        OnTear::Mixed { granule } => format!("mixed(granule: {granule})"),
        OnTear::Garbage => "garbage".to_owned(),
        OnTear::Unreadable => "unreadable".to_owned(),
    }
}

pub(super) const fn preset_of(preset: words::Preset) -> Preset {
    match preset {
        words::Preset::ConsumerSsd => Preset::ConsumerSsd,
        words::Preset::EnterpriseSsdPlp => Preset::EnterpriseSsdPlp,
        words::Preset::NvmeAwupf4k => Preset::NvmeAwupf4k,
        words::Preset::Hdd512n => Preset::Hdd512n,
        words::Preset::Hdd512e => Preset::Hdd512e,
        words::Preset::Hdd4kn => Preset::Hdd4kn,
        words::Preset::SdCard => Preset::SdCard,
        words::Preset::UsbStick => Preset::UsbStick,
        words::Preset::VirtioWriteback => Preset::VirtioWriteback,
        words::Preset::VirtioWritethrough => Preset::VirtioWritethrough,
        words::Preset::Ordered => Preset::Ordered,
        words::Preset::Lying => Preset::Lying,
    }
}

const fn cache_of(cache: words::Cache) -> DeviceCache {
    match cache {
        words::Cache::None => DeviceCache::None,
        words::Cache::Volatile | words::Cache::Writeback | words::Cache::Unsafe => {
            DeviceCache::Volatile
        }
        words::Cache::Protected => DeviceCache::Protected,
        words::Cache::Lying => DeviceCache::Lying,
    }
}

const fn order_of(order: words::Order) -> Order {
    match order {
        words::Order::Any => Order::Any,
        words::Order::Prefix => Order::Completion,
        words::Order::Submission => Order::Submission,
        words::Order::PerQueue => Order::PerQueue,
    }
}

const fn fua_of(fua: words::Fua) -> Fua {
    match fua {
        words::Fua::Honoured => Fua::Honoured,
        words::Fua::Ignored => Fua::Ignored,
        words::Fua::Emulated => Fua::Emulated,
    }
}

const fn on_tear_of(on_tear: words::OnTear) -> OnTear {
    match on_tear {
        words::OnTear::OldOrNew => OnTear::OldOrNew,
        words::OnTear::Prefix { granule } => OnTear::Prefix { granule },
        words::OnTear::Mixed { granule } => OnTear::Mixed { granule },
        words::OnTear::Garbage => OnTear::Garbage,
        words::OnTear::Unreadable => OnTear::Unreadable,
    }
}

const fn tears_of(tears: words::Tears) -> Tears {
    match tears {
        words::Tears::InFlight => Tears::InFlight,
        words::Tears::Unflushed => Tears::Unflushed,
    }
}

const fn discarded_of(discarded: words::Discarded) -> Discarded {
    match discarded {
        words::Discarded::Zeroes => Discarded::Zeroes,
        words::Discarded::Old => Discarded::Old,
        words::Discarded::Undefined => Discarded::Undefined,
    }
}

pub(super) const fn flush_failure_of(data: words::FlushFailure) -> FlushFailure {
    match data {
        words::FlushFailure::KeepDirty => FlushFailure::KeepDirty,
        words::FlushFailure::CleanKeepNew => FlushFailure::CleanKeepNew,
        words::FlushFailure::CleanRevert => FlushFailure::CleanRevert,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DISK` in `disks: [(DISK)]`, as the device it becomes.
    fn device(disk: &str) -> Device {
        let text = format!("(disks: [({disk})], steps: [flush()])");
        let scenario = crate::parse("device.ron", text.as_bytes());
        scenario.unwrap_or_else(|errors| panic!("{}", errors.render(false))).disks()[0].device
    }

    #[test]
    fn every_preset_of_a_file_is_the_simulators_own() {
        for preset in Preset::ALL {
            assert_eq!(device(&format!("preset: {}", preset.name())), preset.device());
        }
    }

    #[test]
    fn what_is_said_beside_a_preset_is_meant() {
        let hdd = Preset::Hdd512e.device();
        let cache = DeviceCache::None;
        let (on_tear, tears) = (OnTear::OldOrNew, Tears::InFlight);
        assert_eq!(
            device("preset: hdd_512e, cache: none, on_tear: old_or_new, tears: in_flight"),
            Device { cache, on_tear, tears, ..hdd }
        );
        assert_eq!(device("preset: hdd_512e, sector: 4096"), Device { sector: 4096, ..hdd });
    }

    #[test]
    fn units_follow_the_sector_unless_they_are_given() {
        assert_eq!(device("sector: 4096"), Device::with_sector(4096));
        let larger = Device { physical: 8192, ..Device::with_sector(4096) };
        assert_eq!(device("sector: 4096, physical: 8192"), larger);
    }

    #[test]
    fn a_lying_cache_ignores_fua_by_itself() {
        assert_eq!(device("cache: lying"), Preset::Lying.device());
    }

    #[test]
    fn qemus_words_for_a_cache_are_volatile_ones() {
        for cache in ["volatile", "writeback", "unsafe"] {
            assert_eq!(device(&format!("cache: {cache}")), Device::default(), "{cache}");
        }
    }
}
