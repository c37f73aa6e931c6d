//! What a run wrote is what its log tells.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

use arbitrary::{Result, Unstructured};
use headcrash_scenario::crash::{LogOptions, LogStates};
use headcrash_scenario::formats::write_log::{Entry, Note, WriteLog};
use headcrash_scenario::{Images, LogNote, Moment, Scenario, export_log, parse, stop_at};
use headcrash_sim::{Calm, Cx, Device, DeviceCache, DeviceEvent, DiskId, Image, Order, World};

/// How long the disk is: small, so that writes meet.
const SIZE: u64 = 32_768;
const DISK: DiskId = DiskId(0);
/// Of how many writes at most all others are the opposite.
const ALONE: usize = 2;
/// So many images are looked at, at most.
const MOST: usize = 400;

/// A run's writes, exported as a log and read back, leave the same image after every entry, whoever
/// replays them; the last is what the disk held; and a power cut at the end can leave what it can
/// leave of the disk itself. Whatever becomes of a log's bytes, it is refused or is a log.
///
/// Some things a log cannot carry, and what follows from them is not compared:
///
/// * Order of completion, where what completed first is logged last: force unit access overtakes
///   what no flush has taken yet, and a flush that was submitted later another one. Where the two
///   write the same place, the log's last image is another than the disk's.
/// * What was on its way when the power went: only what completed is in a log.
/// * Order of submission, and who submitted: `order: submission` and `per_queue`.
/// * That force unit access did nothing, or flushed others: `fua: ignored` and `emulated`.
/// * Parts of sectors: they are logged with what was around them, so that on a device that keeps
///   writes apart within a sector, they bring along what others wrote.
/// * What a flush covered that the disk answered with a lie: under `cache: lying` everything is
///   volatile, and the order in which flushes ended is all that is left of that of completion.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn logs(u: &mut Unstructured<'_>) -> Result<()> {
    let ron = scenario(u)?;
    let scenario = parse("law.ron", ron.as_bytes())
        .unwrap_or_else(|errors| panic!("{}\n{ron}", errors.render(false)));
    let seed = u.int_in_range(0..=3)?;
    let disk = scenario.disk_named(None).expect("there is one disk");
    let run = stop_at(&scenario, seed, Moment::Cut, Some(disk));
    let sector = scenario.disks()[0].device.sector;
    let history = run.world.history(DISK);
    let ron = history.iter().fold(ron, |mut story, event| {
        // A String takes all that is written to it, here and below.
        _ = match event {
            DeviceEvent::Write { at, data, fua } => {
                writeln!(story, "wrote {at}+{} {} {fua}", data.len(), data[0])
            }
            other => writeln!(story, "{other:?}"),
        };
        story
    });
    let told = Told::of(history, scenario.disks()[0].image(), sector);
    let exported = export_log(&scenario, disk, seed, true);
    let exported = exported.unwrap_or_else(|error| panic!("{error}\n{ron}"));
    let padded = exported.notes.iter().any(|note| matches!(note, LogNote::Padded(_)));
    assert_eq!(padded, told.padded, "whatever is padded is noted\n{ron}");
    let short = export_log(&scenario, disk, seed, false).expect("it is shorter than the other");
    let flushed = exported.log.entries.iter().position(|entry| entry.mark.is_some());
    let flushed = flushed.unwrap_or(exported.log.entries.len());
    assert_eq!(short.log.entries, exported.log.entries[..flushed], "the rest is the tail\n{ron}");

    let mut log = exported.log;
    // Others' logs have marks anywhere.
    for _ in 0..u.int_in_range(0..=2)? {
        let place = u.int_in_range(0..=log.entries.len())?;
        log.entries.insert(place, Entry::mark(*u.choose(&["", "here", "\u{e9}"])?));
    }
    let bytes = log.to_bytes().unwrap_or_else(|error| panic!("{error}\n{ron}"));
    let (again, notes) = WriteLog::parse(&bytes).unwrap_or_else(|e| panic!("{e}\n{ron}"));
    assert_eq!((&again, &notes[..]), (&log, &[][..]), "a log that is read is what was written");

    let image = scenario.disks()[0].image();
    let last = replay(&bytes, &image, &told, &ron);
    let newest = run.world.image(DISK);
    if !told.is_overtaken() {
        assert!(last == newest, "the log's last image is the disk's\n{ron}");
        let device = scenario.disks()[0].device;
        let apart = device.order != Order::Any || device.atomic_unit > device.unit();
        let lies = device.cache == DeviceCache::Lying;
        // A version is named after the newest write in it, and a durable one that covers a part of
        // a unit hides whether others are.
        let forced = told.changes.iter().any(|change| change.forced);
        // A log has what is forced before what was written earlier and never flushed; a unit of
        // several sectors that is forced takes along what it holds.
        let is_shared = forced && device.unit() > device.sector;
        let is_carried = !is_shared && (!apart || !(lies || padded || forced));
        if is_carried && run.world.due_now().next().is_none() {
            // The images that are tried are prefixes of an order.
            same_states(&scenario, &again, run.world, !lies, &ron);
        }
    }
    mutated(u, bytes)
}

/// A scenario on one disk.
fn scenario(u: &mut Unstructured<'_>) -> Result<String> {
    let (sector, physical, atomic_unit) = *u.choose(&[
        (512, 512, 512),
        (512, 512, 512),
        (512, 512, 2048),
        (512, 4096, 512),
        (512, 4096, 8192),
        (4096, 4096, 4096),
        (4096, 4096, 8192),
    ])?;
    let cache = *u.choose(&["volatile", "volatile", "volatile", "none", "protected", "lying"])?;
    let order = *u.choose(&["any", "any", "prefix"])?;
    let latency = *u.choose(&["zero", "any", "uniform(min_ns: 1, max_ns: 9)"])?;
    let fill = *u.choose(&[0, 0, 0xAA])?;
    let mut ron = format!(
        "(\n    disks: [(size: {SIZE}, fill: {fill}, sector: {sector}, physical: {physical}, \
         atomic_unit: {atomic_unit}, cache: {cache}, order: {order}, latency: {latency})],\n    \
         steps: [\n"
    );
    for number in 1..=u.int_in_range(1..=24_u8)? {
        let io = io(u, sector, number)?;
        _ = match u.int_in_range(0..=3)? {
            0 => writeln!(ron, "        {io},"),
            1 => writeln!(ron, "        wait_all(),"),
            _ => writeln!(ron, "        submit(id: \"r{number}\", io: {io}),"),
        };
    }
    ron.push_str("        wait_all(),\n    ],\n)\n");
    Ok(ron)
}

fn io(u: &mut Unstructured<'_>, sector: u64, byte: u8) -> Result<String> {
    let step = if u.ratio(1, 10)? { 128 } else { sector };
    let from = u.int_in_range(0..=(SIZE / step - 1).min(11))?;
    let count = u.int_in_range(1..=(SIZE / step - from).min(5))?;
    let (at, len) = (from * step, count * step);
    let fua = if u.ratio(1, 5)? { ", fua: true" } else { "" };
    Ok(match u.int_in_range(0..=9)? {
        0 | 1 => "flush()".to_owned(),
        2 => format!("discard(at: {at}, len: {len})"),
        3 => format!("write_zeroes(at: {at}, len: {len}{fua})"),
        _ => format!("write(at: {at}, len: {len}, fill: {byte}{fua})"),
    })
}

/// What a disk did, and where each of it stands in a log.
struct Told {
    /// As they completed.
    changes: Vec<Change>,
    padded: bool,
}

/// A write, a write of zeroes or a discard, in whole sectors.
struct Change {
    at: u64,
    bytes: Vec<u8>,
    /// With force unit access.
    forced: bool,
    /// After what it is logged: it is durable, a flush ended, or nothing ever did.
    logged: (usize, usize),
}

impl Told {
    /// Of each change, the event that puts it into the log: its own, or the end of the first flush
    /// that was submitted after it.
    fn of(history: &[DeviceEvent], mut image: Image, sector: u64) -> Self {
        let end = |id, from: usize| {
            let ends = |event: &DeviceEvent| *event == DeviceEvent::FlushDone(id);
            history[from..].iter().position(ends).map(|place| from + place)
        };
        let flush = |after: usize| {
            let flushes = history[after..].iter().enumerate();
            let mut flushes = flushes.filter_map(|(place, event)| match event {
                DeviceEvent::FlushSubmitted(id) => Some((after + place, *id)),
                _ => None,
            });
            // Those that no flush took come after those that one took that never ended.
            let Some((submitted, id)) = flushes.next() else { return (usize::MAX, usize::MAX) };
            end(id, submitted).map_or((usize::MAX, submitted), |place| (place, 0))
        };
        let (mut changes, mut padded) = (Vec::new(), false);
        for (place, event) in history.iter().enumerate() {
            let (at, len, fua) = match event {
                DeviceEvent::Write { at, data, fua } => {
                    image.write(*at, data);
                    (*at, data.len() as u64, *fua)
                }
                DeviceEvent::Zeroes { at, len, fua } => {
                    image.fill(*at, *len, 0);
                    (*at, *len, *fua)
                }
                DeviceEvent::Discard { at, len } => {
                    image.fill(*at, *len, 0);
                    (*at, *len, false)
                }
                DeviceEvent::FlushSubmitted(_) | DeviceEvent::FlushDone(_) => continue,
                DeviceEvent::PowerCut => break,
            };
            let (from, to) = (at / sector * sector, (at + len).next_multiple_of(sector));
            padded |= (from, to) != (at, at + len);
            let mut bytes = vec![0; (to - from) as usize];
            image.read(from, &mut bytes);
            let logged = if fua { (place, 0) } else { flush(place) };
            changes.push(Change { at: from, bytes, forced: fua, logged });
        }
        Self { changes, padded }
    }

    /// As a log has them.
    fn in_order(&self) -> Vec<&Change> {
        let mut changes: Vec<_> = self.changes.iter().collect();
        changes.sort_by_key(|change| change.logged);
        changes
    }

    /// Whether something is logged ahead of what it was written over.
    fn is_overtaken(&self) -> bool {
        let meets = |one: &Change, other: &Change| {
            one.at < other.at + other.bytes.len() as u64
                && other.at < one.at + one.bytes.len() as u64
        };
        self.changes.iter().enumerate().any(|(place, later)| {
            self.changes[..place]
                .iter()
                .any(|change| change.logged > later.logged && meets(change, later))
        })
    }
}

/// Replays a log's bytes as anybody would, and compares each image with what the disk was told.
fn replay(log: &[u8], image: &Image, told: &Told, ron: &str) -> Image {
    let number = |at: usize| {
        let bytes = log[at..at + 8].first_chunk().expect("a log's numbers are there");
        u64::from_le_bytes(*bytes)
    };
    let sector = (number(24) & 0xFFFF_FFFF) as usize;
    let mut changes = told.in_order().into_iter();
    let (mut image, mut right) = (image.clone(), image.clone());
    let mut at = sector;
    for entry in 0..number(16) {
        let (from, len) = (number(at) * sector as u64, number(at + 8) as usize * sector);
        let flags = number(at + 16);
        at += sector;
        if len == 0 {
            continue;
        }
        if flags & 4 != 0 {
            image.fill(from, len as u64, 0);
        } else {
            image.write(from, &log[at..at + len]);
            at += len;
        }
        let change = changes.next();
        let change = change.unwrap_or_else(|| panic!("entry {entry} was never written\n{ron}"));
        right.write(change.at, &change.bytes);
        assert!(image == right, "the images after entry {entry} are the same\n{ron}");
    }
    assert!(at == log.len(), "nothing follows the last entry\n{ron}");
    assert!(changes.next().is_none(), "everything is logged\n{ron}");
    image
}

/// Compares what a cut at the end leaves of the disk and of the log.
fn same_states(scenario: &Scenario, log: &WriteLog, mut world: World, in_order: bool, ron: &str) {
    let disk = &scenario.disks()[0];
    let options = LogOptions { device: disk.device, base: disk.image(), alone: ALONE };
    let mut states = LogStates::new(log, &options).unwrap_or_else(|e| panic!("{e}\n{ron}"));
    let (mut before, mut last, mut possible) = (Vec::new(), Vec::new(), None);
    while let Some(point) = states.next_point().unwrap_or_else(|e| panic!("{e}\n{ron}")) {
        before.append(&mut last);
        possible = (point.entry == log.entries.len()).then_some(point.possible);
        while let Some(found) = states.next_image() {
            last.push(found.image);
            if before.len() + last.len() > MOST {
                return;
            }
        }
    }
    if world.is_powered(DISK) {
        world.power_cut_all(&mut Cx { choices: &mut Calm, sink: &mut () });
    }
    let images = Images::new(world, DISK, ALONE);
    // Nothing was written after the last moment: it is the end.
    let Some(possible) = possible else { return };
    assert_eq!(images.possible(), possible, "the states are as many\n{ron}");
    if !in_order {
        return;
    }
    let own: Vec<_> = images.take(MOST).map(|whole| whole.image).collect();
    // An image that was met before is not met again.
    for image in &own {
        let known = last.iter().chain(&before).any(|other| other == image);
        assert!(known, "an image of the disk is none of the log: {:x?}\n{ron}", image.runs());
    }
    for image in &last {
        let known = own.contains(image);
        assert!(known, "an image of the log is none of the disk: {:x?}\n{ron}", image.runs());
    }
}

/// A log with other bytes is refused or is a log, and has no more in it than is there.
fn mutated(u: &mut Unstructured<'_>, mut bytes: Vec<u8>) -> Result<()> {
    for _ in 0..u.int_in_range(1..=4)? {
        let place = u.choose_index(bytes.len())?;
        // What is in an entry's header says more than what is in its data.
        let place = if u.ratio(2, 3)? { place / 512 * 512 + place % 32 } else { place };
        match u.int_in_range(0..=4)? {
            0 => bytes.truncate(place.max(1)),
            1 => drop(bytes.splice(place.min(bytes.len())..place.min(bytes.len()), [0; 512])),
            2 => bytes.resize(bytes.len() + 512, u.arbitrary()?),
            _ => {
                let byte = u.choose(&[0, 1, 2, 4, 8, 16, 32, 127, 128, 255]).copied()?;
                if let Some(place) = bytes.get_mut(place) {
                    *place = byte;
                }
            }
        }
    }
    let (log, notes) = match WriteLog::parse(&bytes) {
        Ok(read) => read,
        Err(error) => {
            // Where the first entry would begin, if the log ends before that.
            let end = bytes.len().max(1 << 16) as u64;
            assert!(error.offset <= end, "an error is in the log: {error}");
            return Ok(());
        }
    };
    let held: usize = log.entries.iter().map(|entry| entry.data.len()).sum();
    assert!(held <= bytes.len() * 2, "{held} bytes came of {}", bytes.len());
    for note in &notes {
        assert!(!note.to_string().is_empty(), "a note says something");
    }
    let written = log.to_bytes().expect("what was read can be written");
    let (again, notes) = WriteLog::parse(&written).expect("what was written can be read");
    assert!(again == log, "what was written says something else");
    let odd: BTreeSet<_> = notes.iter().map(Note::to_string).collect();
    assert!(odd.is_empty(), "what was written is in order: {odd:?}");
    explored(&log);
    Ok(())
}

/// Whatever a log says, its states are given or it is refused.
fn explored(log: &WriteLog) {
    let options = LogOptions {
        device: Device::with_sector(log.sector_size.into()),
        base: Image::new(1 << 40, 0),
        alone: 0,
    };
    let Ok(mut states) = LogStates::new(log, &options) else { return };
    let mut digests = HashSet::new();
    for _ in 0..4 {
        let Ok(Some(point)) = states.next_point() else { return };
        digests.insert(point.entry);
        // A discard may be long; images are made one by one.
        if point.unflushed < 16 && point.possible.log2_milli < 64_000 {
            _ = states.next_image();
        }
    }
}
