//! From a log of writes to the images that a power cut could leave.

use std::collections::HashSet;
use std::hash::Hasher;
use std::sync::Arc;

use headcrash_engine::{Dialect, ProgramBuilder, Quirks, StableHasher};
use headcrash_sim::{
    Calm, ClientId, Cx, Device, DeviceCache, DeviceError, Discarded, DiskId, DiskSpec, Image, Io,
    Key, Limits, LimitsSpec, NodeSpec, Resumes, StateCount, World,
};
use thiserror::Error;

use crate::formats::write_log::{Entry, WriteLog};
use crate::run::{Images, UNDECIDED_MAX, undecided};

const DISK: DiskId = DiskId(0);

/// Content is compared by sectors of so many bytes.
const SECTOR: u64 = 512;

/// Longer writes are made in pieces.
const PIECE: u64 = 1 << 26;

/// The device that a log is replayed on.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// What it promises about power cuts.
    pub device: Device,
    /// What it held before the log began; as long as the device is.
    pub base: Image,
    /// Of how many writes at most all others are the opposite: kept, or lost.
    pub alone: usize,
}

/// Why a log cannot have happened on a device.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LogFault {
    /// No device can be so.
    #[error("no device is so: {0}")]
    Device(DeviceError),
    /// The log goes on where the device has ended.
    #[error(
        "entry {entry}: {sectors} sectors of {sector_size} from {sector} end at byte {end}, and \
         the device has {size}; accepted is a device of {end} bytes or more"
    )]
    PastEnd {
        /// Which entry, from 0.
        entry: usize,
        /// Its first sector.
        sector: u64,
        /// How many.
        sectors: u64,
        /// What they count, in bytes.
        sector_size: u32,
        /// Where it ends, in bytes.
        end: u64,
        /// The device's bytes.
        size: u64,
    },
    /// The log has smaller sectors.
    #[error(
        "entry {entry}: {len} bytes at {at} are no whole sectors of {sector}; accepted is a device \
         with sectors of {accepted}"
    )]
    Misaligned {
        /// Which entry, from 0.
        entry: usize,
        /// Its first byte.
        at: u64,
        /// How many.
        len: u64,
        /// The device's sector.
        sector: u64,
        /// The log's.
        accepted: u32,
    },
    /// Too much to look at.
    #[error(
        "before entry {entry}: {bytes} bytes are unflushed, and at most {UNDECIDED_MAX} can be; \
         accepted is a log with a flush before that"
    )]
    TooMuchUnflushed {
        /// Which entry, from 0.
        entry: usize,
        /// How many bytes.
        bytes: u64,
    },
}

/// A moment at which the power could have gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPoint {
    /// Before which entry, from 0.
    pub entry: usize,
    /// Why it was stopped there.
    pub stop: Stop,
    /// How many writes a cut could lose.
    pub unflushed: usize,
    /// How many states could be told apart.
    pub possible: StateCount,
}

/// Where a log is stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Before a flush: the end of an epoch.
    Flush,
    /// At a mark, which reads so.
    Mark(String),
    /// At the end of the log.
    End,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flush => f.write_str("flush"),
            Self::Mark(text) => write!(f, "mark {}", text.escape_debug()),
            Self::End => f.write_str("end"),
        }
    }
}

/// An image that a power cut could have left.
#[derive(Clone, Debug)]
pub struct LogImage {
    /// What would be on the device.
    pub image: Image,
    /// The entries that a cut at this moment could lose, in order, and whether each is kept.
    pub fates: Vec<(usize, bool)>,
    /// How far it is from an image that nobody wonders about.
    pub unusual: usize,
}

/// The moments of a log, and the images of each.
pub struct LogStates<'a> {
    log: &'a WriteLog,
    alone: usize,
    /// A device whose requests take no time.
    world: World,
    /// How many requests were made.
    requests: u64,
    /// The first entry that was not looked at.
    next: usize,
    /// A flush that the power goes before.
    held: Option<usize>,
    /// Something was done since the last moment.
    is_new: bool,
    is_over: bool,
    /// Which entry made each of the device's writes, in the order in which they were applied.
    made_by: Vec<usize>,
    /// Stretches that may be undecided at a cut: first byte and end.
    open: Vec<(u64, u64)>,
    /// A number for the device's newest content, equal for equal content.
    content: u64,
    /// Those of the images that were given.
    seen: HashSet<u64>,
    images: Option<Images>,
}

impl<'a> LogStates<'a> {
    /// The states of a device while this was done to it.
    ///
    /// # Errors
    ///
    /// The first thing that cannot have happened on it.
    pub fn new(log: &'a WriteLog, options: &LogOptions) -> Result<Self, LogFault> {
        let LogOptions { device, base, alone } = options;
        let size = base.len();
        device.check(size).map_err(LogFault::Device)?;
        let sector_size = u64::from(log.sector_size);
        for (entry, change) in log.entries.iter().enumerate().filter(|(_, e)| e.is_change()) {
            let Entry { sector, sectors, .. } = *change;
            let (at, len) = (sector * sector_size, sectors * sector_size);
            let sector_size = log.sector_size;
            if at + len > size {
                let end = at + len;
                return Err(LogFault::PastEnd { entry, sector, sectors, sector_size, end, size });
            }
            if !at.is_multiple_of(device.sector) || !len.is_multiple_of(device.sector) {
                let (sector, accepted) = (device.sector, sector_size);
                return Err(LogFault::Misaligned { entry, at, len, sector, accepted });
            }
        }
        Ok(Self {
            log,
            alone: *alone,
            world: world(*device, base.clone()),
            requests: 0,
            next: 0,
            held: None,
            is_new: true,
            is_over: false,
            made_by: Vec::new(),
            open: Vec::new(),
            content: 0,
            seen: HashSet::new(),
            images: None,
        })
    }

    /// Goes on to the next moment at which the power could go: before a flush, at a mark, at the
    /// end. A flush or an end with nothing before it is none.
    ///
    /// # Errors
    ///
    /// When too much is unflushed to be looked at.
    pub fn next_point(&mut self) -> Result<Option<LogPoint>, LogFault> {
        self.images = None;
        if let Some(flush) = self.held.take() {
            self.request(Io::Flush);
            if self.world.device(DISK).cache != DeviceCache::Lying {
                self.open.clear();
            }
            self.is_new = false;
            self.apply(flush);
        }
        while let Some(entry) = self.log.entries.get(self.next) {
            let index = self.next;
            self.next += 1;
            if let Some(text) = &entry.mark {
                return self.stop(index, Stop::Mark(text.clone())).map(Some);
            }
            if entry.flags.flush {
                self.held = Some(index);
                if self.is_new {
                    return self.stop(index, Stop::Flush).map(Some);
                }
                // Nothing to cover: on to its own data.
                self.held = None;
                self.request(Io::Flush);
            }
            self.apply(index);
        }
        let is_last = !std::mem::replace(&mut self.is_over, true) && self.is_new;
        if is_last { self.stop(self.next, Stop::End).map(Some) } else { Ok(None) }
    }

    /// The next image that a cut at this moment could leave, and that no cut before left.
    pub fn next_image(&mut self) -> Option<LogImage> {
        let mut images = self.images.take()?;
        let found = images.by_ref().find(|whole| self.seen.insert(self.number(&whole.image)));
        let whole = found?;
        let first = whole.keeps.len();
        let entries = images.writes().iter().map(|write| {
            // Writes are numbered from 1.
            self.made_by.get((*write as usize).wrapping_sub(1)).copied()
        });
        let fates: Vec<_> = entries.zip(whole.keeps).filter_map(|(e, k)| Some((e?, k))).collect();
        debug_assert_eq!(fates.len(), first, "every write is an entry's");
        self.images = Some(images);
        Some(LogImage { image: whole.image, fates, unusual: whole.unusual })
    }

    fn stop(&mut self, entry: usize, stop: Stop) -> Result<LogPoint, LogFault> {
        self.is_new = false;
        let mut world = self.world.clone();
        world.power_cut_all(&mut Cx { choices: &mut Calm, sink: &mut () });
        let bytes = undecided(&world, DISK);
        if bytes > UNDECIDED_MAX {
            return Err(LogFault::TooMuchUnflushed { entry, bytes });
        }
        let images = Images::new(world, DISK, self.alone);
        merge(&mut self.open);
        let (unflushed, possible) = (images.writes().len(), images.possible());
        self.images = Some(images);
        Ok(LogPoint { entry, stop, unflushed, possible })
    }

    /// A number for an image: equal for equal images, whenever they are met.
    fn number(&self, image: &Image) -> u64 {
        let newest = self.world.image(DISK);
        let differ = |image: &Image| {
            self.open.iter().fold(0, |all, (at, end)| all ^ content(image, *at, *end))
        };
        self.content ^ differ(&newest) ^ differ(image)
    }

    /// Does what an entry does, but for its flush.
    fn apply(&mut self, index: usize) {
        let entry = &self.log.entries[index];
        if !entry.is_change() {
            return;
        }
        let sector_size = u64::from(self.log.sector_size);
        let (at, len) = (entry.sector * sector_size, entry.sectors * sector_size);
        let unit = self.world.device(DISK).unit();
        let (from, end) = (at / unit * unit, (at + len).next_multiple_of(unit));
        let before = content(&self.world.image(DISK), from, end);
        let discarded = self.world.device(DISK).discarded;
        // Only bytes that are sent are many.
        let most = if entry.flags.discard { len } else { PIECE };
        let mut done = 0;
        while done < len {
            let (piece, at) = ((len - done).min(most), at + done);
            let io = if entry.flags.discard {
                Io::Discard { at, len: piece }
            } else {
                let data = if piece == len {
                    Arc::clone(&entry.data)
                } else {
                    entry.data[done as usize..(done + piece) as usize].into()
                };
                Io::Write { at, data, fua: entry.flags.fua }
            };
            self.request(io);
            // What is only undefined is no write.
            if !entry.flags.discard || discarded == Discarded::Zeroes {
                self.made_by.push(index);
            }
            done += piece;
        }
        self.content ^= before ^ content(&self.world.image(DISK), from, end);
        self.open.push((from, end));
        self.is_new = true;
    }

    fn request(&mut self, io: Io) {
        let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
        self.requests += 1;
        let who = (Key::client("log"), self.requests);
        self.world.submit(ClientId(0), who, DISK, io, cx);
        loop {
            if let Some((_, done)) = self.world.take_completion() {
                assert_eq!(done.result, Ok(()), "a plain disk does what it is asked");
                return;
            }
            let due = self.world.next_due().expect("a request that is not done is on its way");
            self.world.advance(due);
            self.world.step(cx);
        }
    }
}

/// A disk that does nothing but keep what a device of this kind keeps.
fn world(device: Device, base: Image) -> World {
    let program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build();
    let limits = Limits::new(Dialect::Qemu10, LimitsSpec::default());
    let node = NodeSpec {
        program: program.expect("a program without rules is one").into(),
        limits: limits.expect("no limits are right"),
    };
    let device =
        Device { capacity: None, queue_depth: None, bytes_per_second: None, iops: None, ..device };
    let disk = DiskSpec { device, ..DiskSpec::new("log", base, vec![node]) };
    let mut world = World::new(vec![disk], Resumes::ByScript);
    world.open(DISK, &mut Cx { choices: &mut Calm, sink: &mut () });
    world
}

/// Sorted, and no two that meet.
fn merge(stretches: &mut Vec<(u64, u64)>) {
    stretches.sort_unstable();
    stretches.dedup_by(|next, last| {
        let meets = next.0 <= last.1;
        if meets {
            last.1 = last.1.max(next.1);
        }
        meets
    });
}

/// A number for the content of a stretch of whole sectors: 0 where it is zeroes, and that of two
/// stretches is the one's xor the other's.
fn content(image: &Image, at: u64, end: u64) -> u64 {
    /// Longer stretches are mostly zeroes.
    const LONG: u64 = 1 << 20;
    let end = end.min(image.len());
    if end - at.min(end) <= LONG {
        return sectors(image, at, end);
    }
    let parts = image.stretches().into_iter().map(|(from, len)| {
        let (mut from, to) = (from.max(at), (from + len).min(end));
        let mut all = 0;
        while from < to {
            let next = (from + LONG).min(to);
            all ^= sectors(image, from, next);
            from = next;
        }
        all
    });
    parts.fold(0, |all, part| all ^ part)
}

fn sectors(image: &Image, at: u64, end: u64) -> u64 {
    if at >= end {
        return 0;
    }
    let mut bytes = vec![0; (end - at) as usize];
    image.read(at, &mut bytes);
    let numbers = (at / SECTOR..).zip(bytes.chunks(SECTOR as usize)).map(|(place, sector)| {
        if sector.iter().all(|byte| *byte == 0) {
            return 0;
        }
        let mut hasher = StableHasher::default();
        hasher.write_u64(place);
        hasher.write(sector);
        hasher.finish()
    });
    numbers.fold(0, |all, number| all ^ number)
}

#[cfg(test)]
mod tests {
    use headcrash_sim::{OnTear, Tears};

    use super::*;
    use crate::formats::write_log::Flags;

    fn options(alone: usize) -> LogOptions {
        LogOptions { device: Device::default(), base: Image::new(65_536, 0), alone }
    }

    fn log(entries: Vec<Entry>) -> WriteLog {
        WriteLog { sector_size: 512, entries }
    }

    fn write(sector: u64, byte: u8) -> Entry {
        Entry::write(sector, 1, [byte; 512])
    }

    /// Each moment, and the first bytes of its images' first four sectors.
    fn shown(log: &WriteLog, options: &LogOptions) -> Vec<String> {
        let mut states = LogStates::new(log, options).expect("it can have happened");
        let mut lines = Vec::new();
        while let Some(point) = states.next_point().expect("it is short") {
            let mut line = format!("{} {} {}:", point.entry, point.stop, point.unflushed);
            while let Some(state) = states.next_image() {
                line.push(' ');
                for sector in 0..4 {
                    let mut byte = [0];
                    state.image.read(sector * 512, &mut byte);
                    line.push_str(&byte[0].to_string());
                }
            }
            lines.push(line);
        }
        lines
    }

    #[test]
    fn each_epoch_is_explored_and_no_image_is_given_twice() {
        let entries = vec![
            write(0, 1),
            write(1, 2),
            Entry::mark("here"),
            Entry::flush(),
            Entry::flush(),
            write(0, 3),
            Entry::discard(1, 1),
            write(2, 4),
        ];
        let log = log(entries);
        assert_eq!(
            shown(&log, &options(0)),
            ["2 mark here 2: 1200 1000 0000", "8 end 3: 3040 3000 3200"]
        );
        assert_eq!(
            shown(&log, &options(1)),
            ["2 mark here 2: 1200 1000 0000 0200", "8 end 3: 3040 3000 3200 1040 3240 1240"]
        );
    }

    #[test]
    fn a_flush_with_data_comes_before_its_data() {
        let flags = Flags { flush: true, fua: true, ..Flags::default() };
        let entries = vec![write(0, 1), Entry { flags, ..write(1, 2) }, write(2, 3)];
        assert_eq!(
            shown(&log(entries), &options(0)),
            ["1 flush 1: 1000 0000", "3 end 1: 1230 1200"]
        );
    }

    #[test]
    fn a_device_without_a_cache_has_one_state_at_a_time() {
        let device = Device { cache: DeviceCache::None, ..Device::default() };
        let options = LogOptions { device, ..options(2) };
        let entries = vec![write(0, 1), Entry::mark("m"), write(1, 2), Entry::flush()];
        assert_eq!(shown(&log(entries), &options), ["1 mark m 0: 1000", "3 flush 0: 1200"]);
    }

    #[test]
    fn a_lying_device_loses_what_was_flushed() {
        let device = Device { cache: DeviceCache::Lying, ..Device::default() };
        let options = LogOptions { device, ..options(0) };
        let entries = vec![write(0, 1), Entry::flush(), write(1, 2)];
        assert_eq!(shown(&log(entries), &options), ["1 flush 1: 1000 0000", "3 end 2: 1200"]);
    }

    #[test]
    fn what_cannot_have_happened_is_told_with_its_entry() {
        let far = log(vec![Entry::flush(), write(128, 1)]);
        let error = LogStates::new(&far, &options(0)).err().expect("it is too far");
        assert_eq!(
            error.to_string(),
            "entry 1: 1 sectors of 512 from 128 end at byte 66048, and the device has 65536; \
             accepted is a device of 66048 bytes or more"
        );
        let device = Device::with_sector(4096);
        let odd = log(vec![write(1, 1)]);
        let error = LogStates::new(&odd, &LogOptions { device, ..options(0) }).err();
        assert_eq!(
            error.expect("it is odd").to_string(),
            "entry 0: 512 bytes at 512 are no whole sectors of 4096; accepted is a device with \
             sectors of 512"
        );
        let device = Device::with_sector(1 << 20);
        let error = LogStates::new(&odd, &LogOptions { device, ..options(0) }).err();
        assert!(matches!(error, Some(LogFault::Device(_))));
    }

    #[test]
    fn a_long_discard_costs_what_was_written_under_it() {
        let base = Image::new(1 << 50, 0);
        let sectors = (1 << 50) / 512;
        let log = log(vec![write(sectors - 1, 1), Entry::discard(0, sectors), Entry::flush()]);
        let options = LogOptions { base, ..options(1) };
        let mut states = LogStates::new(&log, &options).expect("it can have happened");
        let point = states.next_point().expect("one sector is unflushed").expect("it is a flush");
        assert_eq!((point.entry, point.unflushed, point.possible.exact), (2, 2, Some(2)));
        let mut last = Vec::new();
        while let Some(state) = states.next_image() {
            let mut byte = [0];
            state.image.read((1 << 50) - 1, &mut byte);
            last.push(byte[0]);
        }
        assert_eq!(last, [0, 1]);
    }

    #[test]
    fn what_would_take_too_long_is_refused() {
        let base = Image::new(1 << 50, 0);
        let sectors = (1 << 50) / 512;
        let log = log(vec![Entry::discard(0, sectors), Entry::flush()]);
        // Each sector may be torn, whatever is in it.
        let (on_tear, tears) = (OnTear::Garbage, Tears::Unflushed);
        let device = Device { on_tear, tears, ..Device::default() };
        let options = LogOptions { base, device, ..options(1) };
        let mut states = LogStates::new(&log, &options).expect("it can have happened");
        let error = states.next_point().expect_err("nobody looks at that much");
        assert_eq!(
            error.to_string(),
            "before entry 1: 1125899906842624 bytes are unflushed, and at most 268435456 can be; \
             accepted is a log with a flush before that"
        );
    }
}
