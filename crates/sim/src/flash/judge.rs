//! A second model, which lists every content there may be, as the judge of the first.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::choices::Seeded;

const KEY: Key = Key::WORLD;

/// What a flash of few units may hold, as a list: bytes and unstable cells.
type Listed = BTreeSet<Vec<Unit>>;

/// A unit of one byte, and its unstable cells.
type Unit = (u8, u8);

/// What comes of one cell: 0, 1 or 2 for unstable.
fn cell_outcomes(old: u8, is_to_be: u8, interrupted: Interrupted) -> &'static [u8] {
    let unstable = interrupted == Interrupted::AnyBitsUnstable;
    match (old, is_to_be) {
        (0, 1) | (1, 0) if unstable => &[0, 1, 2],
        (0, 1) | (1, 0) => &[0, 1],
        (2, 0) => &[0, 2],
        (2, 1) => &[1, 2],
        (0, _) => &[0],
        _ => &[1],
    }
}

/// Every content of a unit after an operation that may have changed any of its bits.
fn any_bits(old: Unit, op: Option<u8>, interrupted: Interrupted) -> Vec<Unit> {
    let mut contents = vec![(0, 0)];
    for bit in 0..8 {
        let symbol = if old.1 >> bit & 1 == 1 { 2 } else { old.0 >> bit & 1 };
        let outcomes: &[u8] = match op.map(|data| data >> bit & 1) {
            Some(1) => &[[0, 1, 2][symbol as usize]],
            Some(_) => cell_outcomes(symbol, 0, interrupted),
            None => cell_outcomes(symbol, 1, interrupted),
        };
        contents = contents
            .into_iter()
            .flat_map(|(byte, unstable): Unit| {
                outcomes.iter().map(move |outcome| match outcome {
                    2 => (byte, unstable | 1 << bit),
                    bits => (byte | bits << bit, unstable),
                })
            })
            .collect();
    }
    contents
}

/// Every content of a unit after an operation that completed, but for residue.
fn completed(old: Unit, op: Option<u8>, residue: u32) -> Vec<Unit> {
    match op {
        Some(data) => vec![(old.0 & data, old.1 & data)],
        None => (0..=255_u8)
            .filter(|zeroes| zeroes & old.0 & !old.1 == 0 && zeroes.count_ones() <= residue)
            .map(|zeroes| (!zeroes, 0))
            .collect(),
    }
}

/// Every way to put one of each together.
fn product(units: Vec<Vec<Unit>>) -> Vec<Vec<Unit>> {
    units.into_iter().fold(vec![vec![]], |all, unit| {
        let longer = |start: Vec<Unit>| {
            unit.iter().map(move |one| [&start[..], &[*one]].concat()).collect::<Vec<_>>()
        };
        all.into_iter().flat_map(longer).collect()
    })
}

/// What the judge says a cut during `op` leaves: units from `start` on, `None` for an erase.
fn judged(listed: &Listed, start: usize, op: &[Option<u8>], spec: FlashSpec) -> Listed {
    let interrupted =
        if op[0].is_some() { spec.interrupted_program } else { spec.interrupted_erase };
    let mut left = Listed::new();
    for old in listed {
        let unit = |index: usize| {
            let op = index.checked_sub(start).and_then(|index| op.get(index));
            (old[index], op)
        };
        let each = |choose: &dyn Fn(usize, (u8, u8), Option<u8>) -> Vec<Unit>| {
            let units = (0..old.len()).map(|index| match unit(index) {
                (old, Some(op)) => choose(index, old, *op),
                (old, None) => vec![old],
            });
            product(units.collect())
        };
        match interrupted {
            Interrupted::AnyBits | Interrupted::AnyBitsUnstable => {
                left.extend(each(&|_, old, op| any_bits(old, op, interrupted)));
            }
            Interrupted::OldOrNew => left
                .extend(each(&|_, old, op| [vec![old], completed(old, op, spec.residue)].concat())),
            Interrupted::PrefixOfUnits => {
                for end in start..=start + op.len() {
                    left.extend(each(&|index, old, op| {
                        if index < end { completed(old, op, spec.residue) } else { vec![old] }
                    }));
                }
            }
        }
    }
    left
}

/// What a resolved flash holds, as the judge writes it down: which way an unstable cell last
/// seemed to go is nothing one could know.
fn written_down(flash: &Flash) -> Vec<Unit> {
    let range = 0..flash.spec.size;
    let (bytes, unstable) = (flash.bytes_of(&range), flash.unstable_of(&range));
    pairs(&bytes, &unstable).map(|(byte, unstable)| (byte & !unstable, unstable)).collect()
}

/// A life of random cuts, programs, erases and reads of single units, of which the judge keeps a
/// list; at the end every content on the list is found, once, and no other.
fn live(seed: u64) -> usize {
    use Interrupted::{AnyBits, AnyBitsUnstable, OldOrNew, PrefixOfUnits};
    let mut dice = Seeded::from_seed(seed);
    let mut roll = |n: u64| {
        if n < 2 { 0 } else { dice.choose(Point::new(PointKind::Schedule, Key::WORLD), n) as usize }
    };
    let all = [OldOrNew, PrefixOfUnits, AnyBits, AnyBitsUnstable];
    let spec = FlashSpec {
        size: 4,
        program_unit: 1,
        erase_block: if roll(2) == 0 { 4 } else { 2 },
        programs: None,
        interrupted_program: all[roll(4)],
        interrupted_erase: all[roll(4)],
        residue: roll(3) as u32,
        ..FlashSpec::default()
    };
    let mut flash = Flash::new(spec).expect("it can be had");
    let mut listed = Listed::from([vec![(0xFF, 0); 4]]);
    for _ in 0..4 + roll(5) {
        if listed.len() > 100 {
            // A cut more would make the list too long.
            break;
        }
        let block = spec.erase_block as usize;
        let first = block * roll(4 / block as u64);
        let erased = first..first + block * (1 + roll(((4 - first) / block) as u64));
        let start = roll(4);
        let data: Vec<u8> = (0..1 + roll(4 - start as u64)).map(|_| 0xF8 | roll(8) as u8).collect();
        let programmed: Vec<_> = data.iter().copied().map(Some).collect();
        match roll(6) {
            0 | 1 => {
                let (at, bytes) = (start as u64, data.into());
                flash.power_cut([FlashOp::Program { at, bytes }]);
                listed = judged(&listed, start, &programmed, spec);
            }
            2 | 3 => {
                let (at, len) = (erased.start as u64, erased.len() as u64);
                flash.power_cut([FlashOp::Erase { at, len }]);
                listed = judged(&listed, erased.start, &vec![None; erased.len()], spec);
            }
            4 => {
                let (at, len) = (erased.start as u64, erased.len() as u64);
                flash.erase(at, len).expect("nothing is worn");
                let erase = |mut one: Vec<Unit>| {
                    one[erased.clone()].fill((0xFF, 0));
                    one
                };
                listed = listed.into_iter().map(erase).collect();
            }
            _ => {
                let mut choices = Seeded::from_seed(roll(1000) as u64);
                flash.resolve_units(start as u64..start as u64 + 1, &mut choices, KEY, &mut |_| {});
                let held = written_down(&flash)[start];
                listed.retain(|one| one[start] == held);
                assert!(!listed.is_empty(), "seed {seed}: what was found is on the list");
            }
        }
    }
    if listed.len() > 1000 {
        return 0;
    }
    assert_eq!(flash.possible(), listed.len() as u128, "seed {seed}: counted as listed");
    let order: Vec<u64> = {
        let mut rest: Vec<u64> = (0..4).collect();
        (0..4).map(|_| rest.swap_remove(roll(rest.len() as u64))).collect()
    };
    let mut found = odometer::every(|choices| {
        let mut flash = flash.clone();
        for unit in &order {
            flash.resolve_units(*unit..unit + 1, choices, KEY, &mut |_| {});
        }
        written_down(&flash)
    });
    found.sort_unstable();
    assert!(found.iter().eq(&listed), "seed {seed}: {spec:?}\n{found:x?}\n{listed:x?}");
    found.len()
}

#[test]
fn what_is_found_is_what_a_list_of_all_contents_says_each_once() {
    let found: usize = (0..1500).map(live).sum();
    assert!(found > 10_000, "{found} contents are something to go by");
}
