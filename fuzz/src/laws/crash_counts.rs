//! Devices and sequences of writes whose states are counted by a formula, and are as many.

use headcrash_sim::{Device, DeviceCache, Fua, Io, OnTear, Order, Tears};

use super::crashes::{Drive, Move, Plan, check, content};

/// A device, what is done to it, and how many states a cut may leave then.
struct Model {
    name: &'static str,
    /// As it is found in books, and in words of this model.
    formula: &'static str,
    count: usize,
    disks: Vec<Drive>,
    moves: Vec<Move>,
    /// What a first recovery does before the power goes again.
    recovery: Option<Vec<Move>>,
}

const SECTOR: u64 = 512;
const PAGE: u64 = 4096;

/// A disk of so many units, all zeroes.
fn disk(device: Device, units: u64) -> Vec<Drive> {
    vec![Drive { device, size: device.unit() * units, fill: 0 }]
}

fn plain() -> Device {
    Device::default()
}

fn ordered(order: Order) -> Device {
    Device { order, ..plain() }
}

fn torn(on_tear: OnTear, tears: Tears) -> Device {
    Device { on_tear, tears, ..plain() }
}

/// Units of 512 bytes, writes whole up to 4096.
fn whole() -> Device {
    Device { atomic_unit: PAGE, ..plain() }
}

/// 512e.
fn emulating() -> Device {
    Device { physical: PAGE, ..plain() }
}

/// A client writes sectors.
fn by(client: u32, sector: u64, sectors: u64, byte: u8, fua: bool) -> Move {
    let data = content(sectors * SECTOR, byte, false);
    Move::Submit { client, disk: 0, io: Io::Write { at: sector * SECTOR, data, fua } }
}

/// A sector is written.
fn write(sector: u64, byte: u8) -> Move {
    by(0, sector, 1, byte, false)
}

fn flush() -> Move {
    Move::Submit { client: 0, disk: 0, io: Io::Flush }
}

/// The oldest thing under way is done.
const DONE: Move = Move::Complete(0);

/// So many of the oldest things under way are done.
fn done(count: usize) -> Vec<Move> {
    vec![DONE; count]
}

/// Moves, one after another.
fn all(moves: impl IntoIterator<Item = Vec<Move>>) -> Vec<Move> {
    moves.into_iter().flatten().collect()
}

/// Sectors from one on are written, each with a byte of its own.
fn writes(sectors: std::ops::Range<u64>) -> Vec<Move> {
    sectors.map(|sector| write(sector, sector as u8 + 1)).collect()
}

/// A sector is written so often.
fn versions(sector: u64, count: u8) -> Vec<Move> {
    (1..=count).map(|byte| write(sector, byte)).collect()
}

fn everything(disks: &[Drive], order: usize) -> Vec<Move> {
    let mut moves = Vec::new();
    for (number, drive) in disks.iter().enumerate() {
        let (disk, unit) = (number as u32, drive.unit());
        let mut units: Vec<_> = (0..drive.size / unit).collect();
        match order {
            0 => {}
            1 => units.reverse(),
            2 => units.sort_by_key(|unit| (unit % 2, unit * 5 % 7)),
            _ => {
                moves.push(Move::Decide { disk });
                continue;
            }
        }
        moves.extend(units.into_iter().map(|at| Move::Look { disk, at: at * unit, len: unit }));
    }
    moves
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn models() -> Vec<Model> {
    let mut models = Vec::new();
    let mut model = |name, formula, count, disks: Vec<Drive>, moves: Vec<Move>| {
        models.push(Model { name, formula, count, disks, moves, recovery: None });
    };
    let granule = |parts| SECTOR / parts;

    // Any order, sectors on their own.
    let m = 5;
    model(
        "m writes to as many sectors",
        "2^m",
        1 << m,
        disk(plain(), 8),
        all([writes(0..m), done(3)]),
    );
    let k = 6;
    model(
        "k versions of a sector",
        "k + 1",
        k as usize + 1,
        disk(plain(), 4),
        all([versions(1, k), done(k.into())]),
    );
    model(
        "versions of several sectors",
        "the product of (c + 1)",
        (3 + 1) * (2 + 1) * (1 + 1),
        disk(plain(), 4),
        all([versions(0, 3), versions(1, 2), versions(3, 1), done(4)]),
    );
    model(
        "versions that look alike",
        "distinct contents",
        3,
        disk(plain(), 4),
        all([vec![write(1, 7), write(1, 7), write(1, 0), write(1, 9), write(1, 7)], done(5)]),
    );
    model(
        "one write of m sectors",
        "2^m",
        1 << 4,
        disk(plain(), 6),
        vec![by(0, 1, 4, 7, false), DONE],
    );

    // Orders.
    let n = 6;
    model(
        "n writes in order of completion",
        "n + 1",
        n as usize + 1,
        disk(ordered(Order::Completion), 8),
        all([writes(0..n), vec![Move::Complete(3), Move::Complete(1), DONE]]),
    );
    model(
        "n writes in order of submission, completed backwards",
        "n + 1",
        n as usize + 1,
        disk(ordered(Order::Submission), 8),
        all([writes(0..n), (0..n as usize).rev().map(Move::Complete).collect()]),
    );
    model(
        "writes of u sectors in order of completion",
        "1 + the sum of u",
        1 + 3 + 2 + 1,
        disk(ordered(Order::Completion), 8),
        all([vec![by(0, 0, 3, 1, false), by(0, 3, 2, 2, false), by(0, 6, 1, 3, false)], done(2)]),
    );
    model(
        "the same with writes that are whole",
        "n + 1",
        3 + 1,
        disk(Device { order: Order::Completion, ..whole() }, 24),
        all([vec![by(0, 0, 3, 1, false), by(0, 8, 8, 2, false), by(0, 20, 1, 3, false)], done(2)]),
    );
    model(
        "a queue per client",
        "the product of (n + 1)",
        (3 + 1) * (2 + 1),
        disk(ordered(Order::PerQueue), 8),
        all([
            (0..3).map(|sector| by(0, sector, 1, 7, false)).collect(),
            (4..6).map(|sector| by(1, sector, 1, 9, false)).collect(),
            vec![Move::Complete(4), Move::Complete(2)],
        ]),
    );
    model(
        "n writes of u sectors over one another, in order of completion",
        "1 + n u",
        1 + 4 * 2,
        disk(ordered(Order::Completion), 4),
        all([(1..=4).map(|byte| by(0, 1, 2, byte, false)).collect(), done(4)]),
    );

    // Writes that are whole.
    model(
        "n whole writes to as many places",
        "2^n",
        1 << 4,
        disk(whole(), 32),
        all([(0..4).map(|page| by(0, page * 8 + 1, 6, 7, false)).collect(), done(2)]),
    );
    model(
        "whole writes, longer than the atomic unit",
        "2^(pieces)",
        1 << (3 + 1),
        disk(whole(), 40),
        vec![by(0, 0, 24, 7, false), by(0, 32, 8, 9, false)],
    );
    model(
        "a write across a boundary of the atomic unit",
        "2^2",
        4,
        disk(whole(), 16),
        vec![by(0, 7, 2, 7, false), DONE],
    );
    model(
        "n whole writes over one another",
        "n + 1: the last that is kept",
        4 + 1,
        disk(whole(), 8),
        all([(1..=4).map(|byte| by(0, 0, 8, byte, false)).collect(), done(3)]),
    );

    // Caches.
    for (name, cache) in [
        ("no cache: k in flight", DeviceCache::None),
        ("a protected cache: k in flight", DeviceCache::Protected),
    ] {
        let device = Device { cache, ..plain() };
        model(name, "2^k", 1 << 3, disk(device, 8), all([writes(0..5), done(2)]));
    }
    model(
        "a lying cache: m writes, flushed",
        "2^m",
        1 << 4,
        disk(Device { cache: DeviceCache::Lying, ..plain() }, 4),
        all([writes(0..3), done(3), vec![flush(), DONE, by(0, 3, 1, 9, true), DONE]]),
    );

    // Flushes.
    model(
        "a flush, m writes after it",
        "2^m",
        1 << 2,
        disk(plain(), 8),
        all([writes(0..3), done(3), vec![flush(), DONE], writes(3..5), done(1)]),
    );
    model(
        "a write that completes after the flush was submitted",
        "2^1",
        2,
        disk(plain(), 4),
        // The flush is asked of the node, then of the file below, which has heard of the write
        // by then: the power goes before that.
        all([writes(0..1), done(1), writes(1..2), vec![flush()], done(2)]),
    );
    model(
        "a flush in flight covers nothing: m writes",
        "2^m",
        1 << 3,
        disk(plain(), 4),
        all([writes(0..3), done(3), vec![flush()]]),
    );
    model(
        "a durable version hides older ones: j newer",
        "j + 1",
        2 + 1,
        disk(plain(), 4),
        all([versions(1, 3), done(3), vec![flush(), DONE, write(1, 8), write(1, 9)], done(2)]),
    );
    model(
        "everything is flushed",
        "1",
        1,
        disk(plain(), 4),
        all([writes(0..4), done(4), vec![flush(), DONE]]),
    );

    // FUA.
    let forced = || {
        all([
            writes(0..3),
            done(3),
            vec![by(0, 4, 1, 9, true), DONE, by(0, 5, 1, 9, true), DONE, write(6, 9)],
        ])
    };
    for (name, fua, formula, count) in [
        ("FUA is honoured: m other writes", Fua::Honoured, "2^m", 1 << 4),
        ("FUA is ignored: all m writes", Fua::Ignored, "2^m", 1 << 6),
        ("FUA is a flush: m writes after it", Fua::Emulated, "2^m", 1 << 1),
    ] {
        model(name, formula, count, disk(Device { fua, ..plain() }, 8), forced());
    }
    model(
        "FUA in flight is no promise: m writes",
        "2^m",
        1 << 2,
        disk(plain(), 4),
        vec![by(0, 0, 1, 7, true), by(0, 1, 1, 9, true)],
    );

    // 512e.
    model(
        "512e: k writes within a physical sector, l in another",
        "(k + 1)(l + 1)",
        (4 + 1) * (2 + 1),
        disk(emulating(), 2),
        all([writes(0..4), writes(8..10), done(4)]),
    );

    // Tears.
    model(
        "a sector in flight, torn at one of g granules",
        "g + 1",
        8 + 1,
        disk(torn(OnTear::Prefix { granule: granule(8) }, Tears::InFlight), 4),
        vec![write(1, 7)],
    );
    model(
        "a sector in flight, g granules mixed",
        "2^g",
        1 << 4,
        disk(torn(OnTear::Mixed { granule: granule(4) }, Tears::InFlight), 4),
        vec![write(1, 7)],
    );
    model(
        "f sectors in flight, or garbage",
        "3^f",
        3 * 3 * 3,
        disk(torn(OnTear::Garbage, Tears::InFlight), 4),
        writes(0..3),
    );
    model(
        "c sectors written, f in flight, or unreadable",
        "2^c 3^f",
        2 * 2 * 3 * 3,
        disk(torn(OnTear::Unreadable, Tears::InFlight), 4),
        all([writes(0..4), done(2)]),
    );
    model(
        "m sectors unflushed, or unreadable",
        "3^m",
        3 * 3 * 3,
        disk(torn(OnTear::Unreadable, Tears::Unflushed), 4),
        all([writes(0..3), done(2)]),
    );
    model(
        "k versions of a sector in flight, or garbage",
        "k + 2",
        3 + 2,
        disk(torn(OnTear::Garbage, Tears::InFlight), 4),
        versions(1, 3),
    );
    model(
        "n writes in order of completion, f of them in flight, one torn",
        "n + 1 + f",
        5 + 1 + 2,
        disk(Device { order: Order::Completion, ..torn(OnTear::Garbage, Tears::InFlight) }, 8),
        all([writes(0..5), done(3)]),
    );
    model(
        "n writes in order of submission, any of them torn",
        "2n + 1",
        2 * 4 + 1,
        disk(Device { order: Order::Submission, ..torn(OnTear::Unreadable, Tears::Unflushed) }, 8),
        all([writes(0..4), vec![Move::Complete(3), Move::Complete(2)]]),
    );

    // What is a write, and what is a disk.
    model(
        "discards and zeroes are writes",
        "2^m",
        1 << 2,
        vec![Drive { device: plain(), size: 4 * SECTOR, fill: 7 }],
        vec![
            Move::Submit { client: 0, disk: 0, io: Io::Discard { at: 0, len: SECTOR } },
            Move::Submit {
                client: 0,
                disk: 0,
                io: Io::WriteZeroes { at: 2 * SECTOR, len: SECTOR, fua: false },
            },
            DONE,
        ],
    );
    let second = Drive { device: ordered(Order::Completion), size: 8 * SECTOR, fill: 0 };
    let io = |sector: u64| Io::Write {
        at: sector * SECTOR,
        data: content(SECTOR, 7, false),
        fua: false,
    };
    model(
        "two disks",
        "the product: 2^m (n + 1)",
        (1 << 2) * (3 + 1),
        vec![disk(plain(), 4).remove(0), second],
        all([
            writes(0..2),
            (0..3).map(|sector| Move::Submit { client: 0, disk: 1, io: io(sector) }).collect(),
            done(3),
        ]),
    );

    // Once more.
    let mut again = |name, formula, count, disks: Vec<Drive>, moves, recovery| {
        models.push(Model { name, formula, count, disks, moves, recovery: Some(recovery) });
    };
    let (first, two) = (disk(plain(), 4), everything(&disk(plain(), 4), 0));
    again(
        "a recovery that reads everything and writes r sectors, cut",
        "2^m 2^r",
        (1 << 3) * (1 << 2),
        first.clone(),
        writes(0..3),
        all([two, vec![write(0, 8), write(3, 9)], done(1)]),
    );
    again(
        "a recovery that writes over k versions that nobody read, cut",
        "(k + 1) + 1",
        3 + 1 + 1,
        first.clone(),
        all([versions(1, 3), done(3)]),
        vec![write(1, 9), DONE],
    );
    again(
        "the same, flushed",
        "1",
        1,
        first.clone(),
        all([versions(1, 3), done(3)]),
        vec![write(1, 9), DONE, flush(), DONE],
    );
    again(
        "a recovery that decides one of k versions and writes over it, cut",
        "(k + 1) 2",
        (3 + 1) * 2,
        first,
        all([versions(1, 3), done(3)]),
        vec![Move::Look { disk: 0, at: SECTOR, len: SECTOR }, write(1, 9), DONE],
    );
    models
}

/// Compares the leaves of every model with its formula, and with the enumerator, whichever way the
/// last recovery reads what is there. Returns how many models there are.
///
/// # Panics
///
/// When a number is another.
pub fn crash_counts() -> usize {
    let mut wrong = Vec::new();
    let models = models();
    for Model { name, formula, count, disks, moves, recovery } in &models {
        for order in 0..4 {
            let mut epochs = vec![moves.clone()];
            epochs.extend(recovery.clone());
            epochs.push(everything(disks, order));
            let plan = Plan { disks: disks.clone(), epochs };
            let found = match check(&plan, 1 << 12) {
                Err(broken) => format!("{broken}\n\n{plan}"),
                Ok(None) => "too many to count".to_owned(),
                Ok(Some((leaves, _))) if leaves == *count => continue,
                Ok(Some((leaves, _))) => format!("there are {leaves}\n\n{plan}"),
            };
            wrong.push(format!("{name}: {formula} = {count}, read in order {order}, but {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    models.len()
}
