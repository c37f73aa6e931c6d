//! Disks, their nodes and what they hold.

use std::sync::Arc;

use headcrash_engine::{Dialect, ProgramBuilder};
use headcrash_sim::{FlashSpec, Interrupted, Latencies, Latency, Limits, LimitsSpec, WornMode};

use super::rules::LoweredRule;
use super::triggers::LoweredFault;
use super::{Lower, MAX_BYTES, devices};
use crate::file::{self, File};
use crate::scenario::{Disk, DiskIndex, Extent, Medium, Node, Top};
use crate::source::Place;

/// The most disks; what comes after them is not looked at.
const MAX_DISKS: usize = 64;

/// The largest disk.
const MAX_SIZE: u64 = 1 << 60;

/// The names of the disks, and how long each can become.
#[derive(Debug, Default)]
pub(super) struct DiskNames {
    table: super::Table,
    sizes: Vec<u64>,
}

impl DiskNames {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.table.names().iter().map(|name| &**name)
    }

    /// Those that the file gives, for messages.
    pub(super) fn given(&self) -> impl Iterator<Item = &str> {
        self.iter().filter(|name| !name.contains('\0'))
    }

    pub(super) fn find(&self, name: &str) -> Option<DiskIndex> {
        self.table.find(name).map(DiskIndex)
    }

    pub(super) fn name(&self, disk: DiskIndex) -> &str {
        &self.table.names()[disk.0]
    }

    /// The bytes the disk has, or will have after a step that makes it longer.
    pub(super) fn size(&self, disk: DiskIndex) -> u64 {
        self.sizes[disk.0]
    }

    pub(super) fn grow(&mut self, disk: DiskIndex, len: u64) {
        self.sizes[disk.0] = self.sizes[disk.0].max(len);
    }
}

/// The rules on a disk: those of its first node's program, and those beyond it.
#[derive(Clone, Debug, Default)]
struct Rules {
    rules: Vec<LoweredRule>,
    faults: Vec<LoweredFault>,
}

impl Lower<'_> {
    /// The names and sizes of all disks, whatever else is wrong with them.
    pub(super) fn disk_names(&mut self, file: &File, root: Place<'_>) -> DiskNames {
        let place = root.field("disks");
        if file.disks.len() > MAX_DISKS {
            let count = file.disks.len();
            let message = format!("{count} disks are too many, at most {MAX_DISKS} can be");
            self.say(place.name_span(), message);
        }
        let none = [file::Disk::default()];
        let disks = if file.disks.is_empty() { &none[..] } else { &file.disks };
        let mut names = DiskNames::default();
        let places = place.items().chain([root]).take(MAX_DISKS);
        for (index, (disk, at)) in disks.iter().zip(places).enumerate() {
            let written = at.field("name");
            let name = disk.name.clone().unwrap_or_else(|| format!("d{index}"));
            self.check_name("the name of a disk", &name, written);
            let span = if written.is_written() { written.span() } else { at.head() };
            match names.table.add(&name, span) {
                Ok(_) => names.sizes.push(disk.size),
                Err(before) => {
                    let told = self.say(span, format!("there is already a disk `{name}`"));
                    *told = told.clone().also(before, "this one");
                    // Under another name, so that the others keep their places.
                    _ = names.table.add(&format!("{name}\0{index}"), span);
                    names.sizes.push(disk.size);
                }
            }
        }
        names
    }

    /// The disks themselves, with the rules of the file on each.
    pub(super) fn disks_of(&mut self, file: &File, root: Place<'_>) -> Vec<Disk> {
        let mut shared: Vec<Rules> = vec![Rules::default(); self.disks.iter().len()];
        for (rule, place) in file.rules.iter().zip(root.field("rules").items()) {
            let disks: Vec<_> = match &rule.disk {
                None => (0..shared.len()).map(DiskIndex).collect(),
                Some(name) => Vec::from_iter(self.disk(Some(name), place)),
            };
            if !rule.is_blkdebugs() {
                if let Some(lowered) = self.fault_rule(rule, place, &disks) {
                    disks.iter().for_each(|disk| shared[disk.0].faults.push(lowered.clone()));
                }
                continue;
            }
            let nodes: Vec<_> = disks.iter().map(|disk| (*disk, 0)).collect();
            if let Some(lowered) = self.rule(rule, place, &nodes) {
                disks.iter().for_each(|disk| shared[disk.0].rules.push(lowered.clone()));
            }
        }
        if file.disks.is_empty() {
            let rules = shared.swap_remove(0);
            return Vec::from_iter(self.disk_of(&file::Disk::default(), DiskIndex(0), root, rules));
        }
        let groups = self.groups(file, root);
        let places = root.field("disks").items().zip(shared);
        let disks = file.disks.iter().zip(places).enumerate();
        disks
            .filter_map(|(index, (disk, (place, rules)))| {
                let lowered = self.disk_of(disk, DiskIndex(index), place, rules)?;
                Some(Disk { group: groups[index], ..lowered })
            })
            .collect()
    }

    fn disk_of(
        &mut self,
        disk: &file::Disk,
        index: DiskIndex,
        place: Place<'_>,
        mut rules: Rules,
    ) -> Option<Disk> {
        self.check_size(disk, place);
        let shared = rules.faults.len();
        let device = self.device(disk, index, place);
        let contents = self.contents(disk, place.field("contents"));
        let latencies = match (&disk.latency, disk.preset) {
            (Some(latency), _) => self.latencies(latency, place.field("latency")),
            (None, Some(preset)) => devices::preset_of(preset).latencies(),
            (None, None) => Latencies::all(Latency::Zero),
        };
        let mut nodes = Vec::new();
        let spec = LimitsSpec {
            align: disk.align,
            max_transfer: disk.max_transfer,
            opt_write_zero: disk.opt_write_zero,
            max_write_zero: disk.max_write_zero,
            opt_discard: disk.opt_discard,
            max_discard: disk.max_discard,
        };
        nodes.extend(self.node(spec, (&mut rules, &disk.rules), (index, 0), place, disk));
        const MOST: usize = 8;
        if disk.below.len() > MOST {
            let span = place.field("below").name_span();
            let count = disk.below.len();
            self.say(span, format!("{count} nodes are too many, at most {MOST} can be below"));
            return None;
        }
        for (node, (below, place)) in (1..).zip(disk.below.iter().zip(place.field("below").items()))
        {
            let spec = LimitsSpec {
                align: below.align,
                max_transfer: below.max_transfer,
                opt_write_zero: below.opt_write_zero,
                max_write_zero: below.max_write_zero,
                opt_discard: below.opt_discard,
                max_discard: below.max_discard,
            };
            let mut rules = Rules::default();
            nodes.extend(self.node(spec, (&mut rules, &below.rules), (index, node), place, disk));
        }
        for (rate, place) in disk.faults.iter().zip(place.field("faults").items()) {
            rules.faults.extend(self.rate(rate, place, index));
        }
        if let file::Medium::NorFlash(_) = disk.medium {
            // A rule for all disks is for those that can have it.
            let first = if self.disks.iter().len() == 1 { 0 } else { shared };
            self.check_flash(&rules.faults[first..]);
        }
        self.check_resized(index, device.unit(), &rules.faults);
        let (faults, fault_infos) = self.fault_rules(index, rules.faults);
        Some(Disk {
            name: self.disks.name(index).to_owned(),
            size: disk.size,
            device,
            group: None,
            fill: match disk.medium {
                // It is blank.
                file::Medium::NorFlash(_) => 0xFF,
                file::Medium::Stored | file::Medium::Null => disk.fill,
            },
            contents,
            loaded: None,
            medium: match &disk.medium {
                file::Medium::Stored => Medium::Stored,
                file::Medium::Null => Medium::Null,
                file::Medium::NorFlash(flash) => {
                    Medium::Flash(self.flash(flash, disk, place.field("medium"))?)
                }
            },
            latencies,
            top: match disk.top {
                file::Top::Raw => Top::Raw,
                file::Top::None => Top::None,
            },
            no_flush: disk.cache == Some(file::device::Cache::Unsafe),
            read_only: disk.read_only,
            is_unused: false,
            open: disk.open,
            nodes,
            faults,
            fault_infos,
            location: self.locate(place),
        })
    }

    fn flash(
        &mut self,
        flash: &file::NorFlash,
        disk: &file::Disk,
        place: Place<'_>,
    ) -> Option<FlashSpec> {
        let interrupted = |interrupted| match interrupted {
            file::Interrupted::OldOrNew => Interrupted::OldOrNew,
            file::Interrupted::PrefixOfUnits => Interrupted::PrefixOfUnits,
            file::Interrupted::AnyBits => Interrupted::AnyBits,
            file::Interrupted::AnyBitsUnstable => Interrupted::AnyBitsUnstable,
        };
        let spec = FlashSpec {
            size: disk.size,
            read_unit: flash.read_unit,
            program_unit: flash.program_unit,
            erase_block: flash.erase_block,
            programs: (flash.programs > 0).then_some(flash.programs),
            interrupted_program: interrupted(flash.interrupted_program),
            interrupted_erase: interrupted(flash.interrupted_erase),
            residue: flash.residue,
            wear_limit: flash.wear_limit,
            worn: match flash.worn {
                file::Worn::ProgramFails => WornMode::ProgramFails,
                file::Worn::EraseFails => WornMode::EraseFails,
                file::Worn::ReadFails => WornMode::ReadFails,
                file::Worn::ProgramDoesNothing => WornMode::ProgramDoesNothing,
                file::Worn::EraseDoesNothing => WornMode::EraseDoesNothing,
            },
            read_disturb: flash.read_disturb,
        };
        if self.dialect == Dialect::Qemu2_6 {
            let told = self.say(place.span(), "in dialect qemu_2_6 every write is whole sectors");
            told.help.push("flash needs dialect qemu_10_0_2".to_owned());
            return None;
        }
        if let Err(error) = spec.check() {
            let inner = place.item(0).field(error.field);
            let span = if inner.is_written() { inner.span() } else { place.span() };
            let told = self.say(span, format!("{} is no `{}` of flash", error.value, error.field));
            told.help.push(format!("accepted is {}", error.accepted));
            return None;
        }
        Some(spec)
    }

    fn check_size(&mut self, disk: &file::Disk, place: Place<'_>) {
        let size = disk.size;
        if size > MAX_SIZE {
            let message = format!("a disk of {size} bytes is too large, at most {MAX_SIZE} can be");
            self.say(place.field("size").span(), message);
        }
    }

    fn contents(&mut self, disk: &file::Disk, place: Place<'_>) -> Vec<Extent> {
        let mut extents = Vec::new();
        let mut total = 0_u64;
        for (contents, place) in disk.contents.iter().zip(place.items()) {
            let Some(data) = self.content(&contents.data, place.field("data")) else { continue };
            let Some(len) = self.len_of(&data, contents.len, place, "data") else { continue };
            total = total.saturating_add(len);
            match contents.at.checked_add(len) {
                Some(end) if end <= disk.size => {
                    extents.push(Extent { at: contents.at, len, data });
                }
                _ => {
                    let message = format!(
                        "{len} bytes at {} are beyond the disk's {}",
                        contents.at, disk.size
                    );
                    self.say(place.span(), message);
                }
            }
        }
        if total > MAX_BYTES {
            let message =
                format!("contents of {total} bytes are too long, at most {MAX_BYTES} can be");
            let told = self.say(place.name_span(), message);
            told.help.push("`fill` fills a whole disk with one byte".to_owned());
        }
        extents
    }

    pub(super) fn latencies(&mut self, latency: &file::Latency, place: Place<'_>) -> Latencies {
        use file::{KindLatency as Kind, Latency as All};
        let mut one = |latency: Kind, place| self.latency(latency, place);
        Latencies::all(match *latency {
            All::ByKind { read, write, write_zeroes, discard, flush } => {
                return Latencies {
                    read: one(read, place.field("read")),
                    write: one(write, place.field("write")),
                    write_zeroes: one(write_zeroes, place.field("write_zeroes")),
                    discard: one(discard, place.field("discard")),
                    flush: one(flush, place.field("flush")),
                };
            }
            All::Zero => Latency::Zero,
            All::Any => Latency::Any,
            All::Constant { ns } => one(Kind::Constant { ns }, place),
            All::Uniform { min_ns, max_ns } => one(Kind::Uniform { min_ns, max_ns }, place),
            All::Exponential { mean_ns } => one(Kind::Exponential { mean_ns }, place),
        })
    }

    fn latency(&mut self, latency: file::KindLatency, place: Place<'_>) -> Latency {
        match latency {
            file::KindLatency::Zero => Latency::Zero,
            file::KindLatency::Any => Latency::Any,
            file::KindLatency::Constant { ns } => {
                self.check_ns(ns, place.field("ns"));
                Latency::Constant(ns)
            }
            file::KindLatency::Uniform { min_ns: min, max_ns: max } => {
                self.check_ns(min, place.field("min_ns"));
                self.check_ns(max, place.field("max_ns"));
                if min > max {
                    let message = format!("the least, {min} ns, is more than the most, {max} ns");
                    self.say(place.span(), message);
                }
                Latency::Uniform { min, max }
            }
            file::KindLatency::Exponential { mean_ns: mean } => {
                self.check_ns(mean, place.field("mean_ns"));
                Latency::Exponential { mean }
            }
        }
    }

    /// A node with these rules: the file's, then its own.
    fn node(
        &mut self,
        spec: LimitsSpec,
        (rules, own): (&mut Rules, &[file::Rule]),
        (index, node): (DiskIndex, usize),
        place: Place<'_>,
        disk: &file::Disk,
    ) -> Option<Node> {
        for (rule, place) in own.iter().zip(place.field("rules").items()) {
            if rule.disk.is_some() {
                let told = self.say(
                    place.field("disk").name_span(),
                    "a rule inside a disk is for that disk only",
                );
                told.help
                    .push("leave `disk` out, or put the rule into the file's `rules`".to_owned());
            }
            if rule.is_blkdebugs() {
                rules.rules.extend(self.rule(rule, place, &[(index, node)]));
            } else if node == 0 {
                rules.faults.extend(self.fault_rule(rule, place, &[index]));
            } else {
                let word = place.field("action").word().unwrap_or_default();
                let message = "nodes below the first have blkdebug's rules alone";
                let told = self.say(place.field("action").head(), message);
                told.help.push(format!("`{word}` here is the disk's: put it into its `rules`"));
            }
        }
        let limits = match Limits::new(self.dialect, spec) {
            Ok(limits) => Some(limits),
            Err(error) => {
                self.say(place.field(error.name).span(), error.to_string());
                None
            }
        };
        if let (Some(limits), Dialect::Qemu10, false) = (limits, self.dialect, disk.read_only)
            && !disk.size.is_multiple_of(limits.align())
        {
            let message = format!(
                "a disk of {} bytes cannot be written in units of {}",
                disk.size,
                limits.align()
            );
            let told = self.say(place.field("align").span(), message);
            told.help
                .push("the size must be a multiple of `align`, or the disk `read_only`".to_owned());
        }
        let mut builder = ProgramBuilder::new(self.dialect, self.quirks);
        // All programs know all events, in the same order.
        for (_, name) in self.known.iter() {
            builder.event(name);
        }
        let mut infos = Vec::new();
        let mut swarms = Vec::new();
        for LoweredRule { rule, info, swarm } in rules.rules.drain(..) {
            let id = builder.rule(rule);
            if let Some(text) = swarm {
                swarms.push((id, self.rule_key(index, info.name.as_deref(), &text)));
            }
            if let Some(name) = &info.name {
                self.rule_names.place(name, index, node, id);
            }
            infos.push(info);
        }
        // Rules that no program has were said to be wrong one by one.
        let program = builder.build().ok()?;
        Some(Node { program: Arc::new(program), limits: limits?, rules: infos, swarm: swarms })
    }
}
