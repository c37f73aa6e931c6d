//! Claims about whole flashes.

use alloc::collections::BTreeSet;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::choices::Seeded;

const KEY: Key = Key::WORLD;

/// Two blocks of four units of one byte.
const SMALL: FlashSpec = FlashSpec {
    size: 8,
    read_unit: 1,
    program_unit: 1,
    erase_block: 4,
    programs: Some(1),
    interrupted_program: Interrupted::OldOrNew,
    interrupted_erase: Interrupted::OldOrNew,
    residue: 0,
    wear_limit: None,
    worn: WornMode::ProgramFails,
    read_disturb: None,
};

fn both(interrupted: Interrupted) -> FlashSpec {
    FlashSpec { interrupted_program: interrupted, interrupted_erase: interrupted, ..SMALL }
}

fn flash(spec: FlashSpec) -> Flash {
    Flash::new(spec).expect("tests ask for what can be had")
}

fn program(at: u64, bytes: &[u8]) -> FlashOp {
    FlashOp::Program { at, bytes: bytes.into() }
}

const fn erase(at: u64) -> FlashOp {
    FlashOp::Erase { at, len: 4 }
}

/// With what is programmed at 0.
fn holding(spec: FlashSpec, bytes: &[u8]) -> Flash {
    let mut flash = flash(spec);
    flash.program(0, bytes, &mut Calm, KEY).expect("it is new");
    flash
}

fn read(flash: &mut Flash, choices: &mut dyn Choices) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    flash.read(0, &mut bytes, choices, KEY).expect("nothing is worn");
    bytes
}

/// What the first block may hold, in the order in which it is found, each once.
#[track_caller]
fn found(flash: &Flash) -> Vec<Vec<u8>> {
    let found = odometer::every(|choices| read(&mut flash.clone(), choices));
    let different: BTreeSet<_> = found.iter().collect();
    assert_eq!(different.len(), found.len(), "every content is found in one way only");
    assert_eq!(flash.possible(), found.len() as u128, "as many as were counted");
    found
}

/// What the first unit may hold, with nothing else unresolved.
#[track_caller]
fn first(flash: &Flash) -> Vec<u8> {
    found(flash).into_iter().map(|bytes| bytes[0]).collect()
}

#[test]
fn bits_go_to_0_by_programming_and_to_1_by_erasing_only() {
    let mut flash = holding(FlashSpec { programs: Some(2), ..SMALL }, &[0xF0, 0x3C]);
    let again = flash.program(0, &[0x0F, 0x3C], &mut Calm, KEY);
    assert_eq!(again, Ok(Programmed { ignored_bits: 4 }), "four bits were to be 1");
    assert_eq!(read(&mut flash, &mut Calm), [0, 0x3C, 0xFF, 0xFF]);
    let third = flash.program(1, &[0xFF, 0], &mut Calm, KEY);
    assert_eq!(third, Err(FlashError::ProgrammedTooOften { at: 1, programs: 2 }));
    assert_eq!(read(&mut flash, &mut Calm)[2], 0xFF, "nothing was programmed");
    assert_eq!(flash.erase(0, 4), Ok(()));
    assert_eq!(read(&mut flash, &mut Calm), [0xFF; 4]);
    assert_eq!(flash.program(1, &[0xFF, 0], &mut Calm, KEY), Ok(Programmed::default()));
}

#[test]
fn what_is_misaligned_or_beyond_the_end_is_refused() {
    let mut flash =
        flash(FlashSpec { size: 32, read_unit: 2, program_unit: 4, erase_block: 16, ..SMALL });
    let misaligned = |at, len, unit| Err(FlashError::Misaligned { at, len, unit });
    assert_eq!(flash.read(1, &mut [0; 2], &mut Calm, KEY), misaligned(1, 2, 2));
    assert_eq!(
        flash.program(4, &[0; 6], &mut Calm, KEY).map(drop),
        misaligned(4, 6, 4),
        "half a unit"
    );
    assert_eq!(flash.erase(8, 16), misaligned(8, 16, 16));
    let beyond = FlashError::BeyondEnd { at: 16, len: 32, size: 32 };
    assert_eq!(flash.erase(16, 32), Err(beyond));
    assert!(flash.erase(u64::MAX - 15, 16).is_err(), "positions do not wrap");
    let errno = |error: FlashError| error.errno().number();
    assert_eq!((errno(misaligned(0, 1, 2).unwrap_err()), errno(beyond)), (22, 5));
}

#[test]
fn an_interrupted_program_is_old_or_new() {
    let mut flash = flash(SMALL);
    flash.power_cut([program(0, &[0x0F])]);
    assert_eq!(first(&flash), [0x0F, 0xFF]);
}

#[test]
fn an_interrupted_program_of_four_units_is_one_of_five_prefixes() {
    let mut flash = flash(both(Interrupted::PrefixOfUnits));
    flash.power_cut([program(0, &[1, 2, 3, 4])]);
    let newest_first =
        [[1, 2, 3, 4], [1, 2, 3, 255], [1, 2, 255, 255], [1, 255, 255, 255], [255; 4]];
    assert_eq!(found(&flash), newest_first);
    let backwards = odometer::every(|choices| {
        let mut flash = flash.clone();
        for at in (0..4).rev() {
            flash.read(at, &mut [0], choices, KEY).expect("nothing is worn");
        }
        read(&mut flash, choices)
    });
    assert_eq!(backwards.len(), 5, "whatever is read first");
}

#[test]
fn an_interrupted_program_leaves_any_of_its_bits() {
    let mut flash = flash(both(Interrupted::AnyBits));
    flash.power_cut([program(0, &[0x0F])]);
    let any: Vec<u8> = (0..16).map(|high| high << 4 | 0x0F).collect();
    assert_eq!(first(&flash), any);
    assert_eq!((flash.possible(), flash.possible_log2()), (16, 4 << 16));
}

#[test]
fn an_interrupted_erase_leaves_any_bit_1_or_what_it_was() {
    let mut flash = holding(both(Interrupted::AnyBits), &[0xFA, 0xFF]);
    flash.power_cut([erase(0)]);
    assert_eq!(flash.unresolved(), 1, "ones can only stay ones");
    assert_eq!(first(&flash), [0xFF, 0xFE, 0xFB, 0xFA]);
}

#[test]
fn an_interrupted_erase_goes_by_units_or_prefixes_of_them() {
    let mut units = holding(both(Interrupted::OldOrNew), &[1, 2, 3]);
    units.power_cut([erase(0)]);
    assert_eq!(found(&units).len(), 8);
    let mut prefixes = holding(both(Interrupted::PrefixOfUnits), &[1, 255, 3]);
    prefixes.power_cut([erase(0)]);
    let expected = [[255; 4], [255, 255, 3, 255], [1, 255, 3, 255]];
    assert_eq!(found(&prefixes), expected, "the second unit tells nothing");
}

#[test]
fn an_interrupted_erase_may_leave_a_zero_here_and_there() {
    let mut flash = holding(FlashSpec { residue: 1, ..SMALL }, &[0xFC]);
    flash.power_cut([erase(0)]);
    assert_eq!(first(&flash), [0xFF, 0xFE, 0xFD, 0xFC]);
}

#[test]
fn an_unstable_bit_may_read_differently_until_it_is_programmed_or_erased() {
    let spec = FlashSpec { programs: None, ..both(Interrupted::AnyBitsUnstable) };
    let mut flash = flash(spec);
    flash.power_cut([program(0, &[0xFE])]);
    assert_eq!(flash.possible(), 3);
    assert_eq!(flash.possible_log2(), 103_872, "the logarithm of 3");
    let reads = |flash: &Flash| {
        odometer::every(|choices| {
            let mut flash = flash.clone();
            [read(&mut flash, choices)[0], read(&mut flash, choices)[0]]
        })
    };
    let unstable = [[0xFE; 2], [0xFE, 0xFF], [0xFF, 0xFE], [0xFF; 2]];
    assert_eq!(reads(&flash), [&[[0xFE; 2], [0xFF; 2]], &unstable[..]].concat());
    flash.program(0, &[0xFF], &mut Last, KEY).expect("as often as one likes");
    assert_eq!(reads(&flash), unstable, "it was not programmed to 0");
    let mut programmed = flash.clone();
    programmed.program(0, &[0xFE], &mut Calm, KEY).expect("as often as one likes");
    assert_eq!(reads(&programmed), [[0xFE; 2]]);
    flash.erase(0, 4).expect("it is not worn");
    assert_eq!(reads(&flash), [[0xFF; 2]]);
}

/// The last answer to everything.
struct Last;

impl Choices for Last {
    fn choose(&mut self, _: Point, n: u64) -> u64 {
        n - 1
    }

    fn pick(&mut self, _: Point, keys: &[Key]) -> usize {
        keys.len() - 1
    }
}

#[test]
fn what_is_erased_before_it_is_read_is_never_asked_about() {
    let mut flash = flash(both(Interrupted::AnyBits));
    flash.power_cut([program(0, &[0, 0])]);
    flash.erase(0, 4).expect("it is not worn");
    assert_eq!((flash.unresolved(), flash.possible()), (0, 1));
    assert_eq!(found(&flash), [[0xFF; 4]]);
}

#[test]
fn a_unit_is_resolved_once_and_stays_that_way() {
    let mut flash = flash(SMALL);
    flash.power_cut([program(0, &[0x0F])]);
    assert_eq!(read(&mut flash, &mut Last)[0], 0xFF);
    assert_eq!(read(&mut flash, &mut Calm)[0], 0xFF, "not even the calmest answer changes it");
}

#[test]
fn a_program_that_left_nothing_does_not_count() {
    let mut flash = flash(SMALL);
    flash.power_cut([program(0, &[0x0F])]);
    let mut lost = flash.clone();
    assert!(lost.program(0, &[0], &mut Last, KEY).is_ok());
    let again = flash.program(0, &[0], &mut Calm, KEY);
    assert_eq!(again, Err(FlashError::ProgrammedTooOften { at: 0, programs: 1 }));
}

#[test]
fn what_an_interrupted_erase_left_is_silently_programmed_over() {
    let mut flash = holding(SMALL, &[0xF0]);
    flash.power_cut([erase(0)]);
    let programmed = flash.program(0, &[0x3F], &mut Last, KEY);
    assert_eq!(programmed, Ok(Programmed { ignored_bits: 4 }));
    assert_eq!(first(&flash), [0x30]);
    assert_eq!(flash.wear(0), 1, "an interrupted erase wears as well");
}

#[test]
fn what_would_be_refused_leaves_nothing() {
    let mut flash = holding(FlashSpec { program_unit: 2, ..SMALL }, &[0, 0]);
    flash.power_cut([
        program(0, &[1, 1]),
        program(3, &[0, 0]),
        program(8, &[0, 0]),
        FlashOp::Erase { at: 2, len: 4 },
    ]);
    assert_eq!(flash.unresolved(), 0);
}

#[test]
fn a_second_cut_leaves_the_union() {
    let mut flash = holding(FlashSpec { programs: Some(2), ..SMALL }, &[0xF0]);
    flash.power_cut([program(0, &[0x3C])]);
    flash.power_cut([erase(0)]);
    assert_eq!(first(&flash), [0xFF, 0x30, 0xF0]);
    flash.power_cut([erase(0)]);
    assert_eq!(first(&flash), [0xFF, 0x30, 0xF0], "again is nothing new");
    flash.power_cut([program(0, &[0x55])]);
    assert_eq!(first(&flash), [0x55, 0x10, 0x50, 0xFF, 0x30, 0xF0]);
}

#[test]
fn a_cut_leaves_alone_what_was_not_under_way() {
    let mut flash = flash(SMALL);
    flash.power_cut([program(0, &[1])]);
    flash.power_cut([]);
    assert_eq!(first(&flash), [1, 0xFF], "and what was unresolved stays so");
    flash.power_cut([program(5, &[1])]);
    assert_eq!(flash.possible(), 4);
}

/// Erased twice and worn, holding 0xF0 since before the second.
fn worn(worn: WornMode) -> Flash {
    let mut flash = flash(FlashSpec { wear_limit: Some(2), worn, ..SMALL });
    flash.erase(0, 4).expect("the first of two");
    flash.erase(0, 4).expect("the second of two");
    assert_eq!((flash.wear(0), flash.wear(1)), (2, 0));
    flash
}

#[test]
fn a_worn_block_that_fails_says_so_and_its_neighbour_works() {
    let out = FlashError::WornOut { at: 0 };
    let mut flash = worn(WornMode::ProgramFails);
    assert_eq!(flash.program(0, &[0; 8], &mut Calm, KEY), Err(out));
    assert_eq!(flash.program(4, &[0], &mut Calm, KEY), Ok(Programmed::default()));
    assert_eq!(flash.erase(0, 4), Ok(()), "erasing works");
    flash.power_cut([program(0, &[0])]);
    assert_eq!(flash.unresolved(), 0, "a program that fails leaves nothing");

    let mut flash = worn(WornMode::EraseFails);
    assert_eq!(flash.program(0, &[0x0F], &mut Calm, KEY), Ok(Programmed::default()));
    assert_eq!(flash.erase(0, 8), Err(out));
    assert_eq!(flash.wear(0), 2, "an erase that fails wears nothing");
    assert_eq!(first(&flash), [0x0F]);
    flash.power_cut([erase(0)]);
    assert_eq!(flash.unresolved(), 0);

    let mut flash = worn(WornMode::ReadFails);
    assert_eq!(flash.program(0, &[0], &mut Calm, KEY), Ok(Programmed::default()));
    let unreadable = Err(FlashError::Unreadable { at: 0 });
    assert_eq!(flash.read(3, &mut [0; 2], &mut Calm, KEY), unreadable);
    assert_eq!(flash.read(4, &mut [0; 2], &mut Calm, KEY), Ok(()));
}

#[test]
fn a_worn_block_that_does_nothing_says_nothing() {
    let mut flash = worn(WornMode::ProgramDoesNothing);
    assert_eq!(flash.program(0, &[0; 8], &mut Calm, KEY), Ok(Programmed::default()));
    assert_eq!(first(&flash), [0xFF]);
    assert_eq!(flash.bytes_of(&(0..8)), [255, 255, 255, 255, 0, 0, 0, 0]);
    flash.power_cut([program(0, &[0])]);
    assert_eq!(flash.unresolved(), 0);

    let spec = FlashSpec { wear_limit: Some(1), worn: WornMode::EraseDoesNothing, ..SMALL };
    let mut flash = holding(spec, &[0; 8]);
    flash.erase(4, 4).expect("the first of one");
    flash.program(4, &[0x0F], &mut Calm, KEY).expect("a worn block does nothing");
    assert_eq!(flash.bytes_of(&(0..8)), [0, 0, 0, 0, 255, 255, 255, 255]);
    let mut worn = holding(FlashSpec { wear_limit: Some(2), ..spec }, &[0; 4]);
    worn.power_cut([erase(0)]);
    read(&mut worn, &mut Last);
    worn.erase(0, 4).expect("the second of two");
    worn.power_cut([FlashOp::Erase { at: 0, len: 8 }]);
    assert_eq!(worn.unresolved(), 0);
}

#[test]
fn the_old_content_stays_in_a_block_that_is_not_erased() {
    let spec = FlashSpec { wear_limit: Some(1), worn: WornMode::EraseDoesNothing, ..SMALL };
    let mut flash = holding(spec, &[0x0F]);
    flash.power_cut([erase(0)]);
    assert_eq!(read(&mut flash, &mut Last)[0], 0x0F, "the erase left the old content");
    assert_eq!(flash.erase(0, 4), Ok(()));
    assert_eq!(flash.program(0, &[0x00], &mut Calm, KEY), Ok(Programmed::default()));
    assert_eq!(first(&flash), [0x0F]);
}

#[test]
fn a_cut_spares_the_worn_blocks_of_an_erase_that_do_nothing() {
    let spec = FlashSpec { wear_limit: Some(1), worn: WornMode::EraseDoesNothing, ..SMALL };
    let mut flash = holding(spec, &[0; 8]);
    flash.power_cut([erase(0)]);
    read(&mut flash, &mut Last);
    flash.power_cut([FlashOp::Erase { at: 0, len: 8 }]);
    assert_eq!(flash.unresolved(), 4, "those of the second block");
}

#[test]
fn read_disturb_clears_a_bit_or_none_every_so_many_reads() {
    let spec = FlashSpec { read_disturb: Some(3), ..SMALL };
    let mut flash = holding(spec, &[0, 0, 0, 0x05]);
    let reads = |flash: &mut Flash, choices: &mut dyn Choices| {
        (0..4).map(|_| read(flash, choices)[3]).collect::<Vec<_>>()
    };
    let found = odometer::every(|choices| reads(&mut flash.clone(), choices));
    assert_eq!(found, [[5, 5, 5, 5], [5, 5, 5, 4], [5, 5, 5, 1]]);
    let mut seeded = Seeded::from_seed(7);
    let before: Vec<u8> = (0..300).map(|_| read(&mut flash, &mut seeded)[3]).collect();
    assert!(before.is_sorted_by(|old, new| old & new == *new), "bits are only ever cleared");
    assert_eq!(before.last(), Some(&0), "and then there is nothing left to lose");
    flash.erase(0, 4).expect("it is not worn");
    assert_eq!(read(&mut flash, &mut Last), [0xFF; 4], "an erase begins to count anew");
}

#[test]
fn a_clone_goes_its_own_way() {
    let mut flash = flash(both(Interrupted::AnyBits));
    flash.power_cut([program(0, &[0x0F; 4])]);
    let mut other = flash.clone();
    read(&mut other, &mut Last);
    other.erase(0, 4).expect("it is not worn");
    other.program(4, &[0], &mut Calm, KEY).expect("it is erased");
    assert_eq!((flash.unresolved(), other.unresolved()), (4, 0));
    assert_eq!((flash.wear(0), other.wear(0)), (0, 1));
    assert_eq!(read(&mut flash, &mut Calm), [0x0F; 4]);
    assert_eq!(flash.image().runs(), [(0, 4, 0x0F), (4, 4, 0xFF)]);
}

#[test]
fn the_image_is_the_newest_and_asks_nobody() {
    let mut flash = holding(both(Interrupted::PrefixOfUnits), &[1, 2]);
    flash.power_cut([program(2, &[3, 4, 5])]);
    assert_eq!(flash.image().runs()[..5], [(0, 1, 1), (1, 1, 2), (2, 1, 3), (3, 1, 4), (4, 1, 5)]);
    assert_eq!(flash.unresolved(), 3);
    flash.read(3, &mut [0], &mut Last, KEY).expect("nothing is worn");
    assert_eq!(flash.image().runs()[2..], [(2, 1, 3), (3, 5, 0xFF)], "what was read is known");
}

#[test]
fn a_large_flash_takes_the_room_of_what_was_used() {
    let mut flash = flash(FlashSpec { size: 1 << 36, erase_block: 65_536, ..FlashSpec::default() });
    assert_eq!(flash.stored(), 0);
    flash.program(1 << 35, &[0; 64], &mut Calm, KEY).expect("it is new");
    flash.erase(1 << 34, 65_536).expect("it is not worn");
    flash.power_cut([FlashOp::Erase { at: 1 << 35, len: 65_536 }]);
    assert_eq!(flash.unresolved(), 8);
    assert!(flash.stored() <= 8 * 4096, "{} bytes", flash.stored());
}

#[test]
fn units_of_several_bytes_get_their_own_part_of_what_was_programmed() {
    let spec = FlashSpec { size: 8192, program_unit: 2, erase_block: 8192, ..SMALL };
    let mut flash = flash(FlashSpec { interrupted_program: Interrupted::PrefixOfUnits, ..spec });
    let data: Vec<u8> = (0..8000).map(|index| (index % 251) as u8).collect();
    flash.power_cut([program(100, &data)]);
    assert_eq!((flash.unresolved(), flash.possible()), (4000, 4001));
    let mut at_the_end = flash.clone();
    at_the_end.read(8099, &mut [0], &mut Calm, KEY).expect("nothing is worn");
    assert_eq!((at_the_end.unresolved(), at_the_end.possible()), (3999, 1), "all else follows");
    let mut read = vec![0; 8000];
    at_the_end.read(100, &mut read, &mut Last, KEY).expect("nothing is worn");
    assert_eq!(read, data);
    flash.read(4100, &mut [0], &mut Last, KEY).expect("nothing is worn");
    assert_eq!(flash.possible(), 2001, "nothing was programmed from there on");
}

#[test]
fn many_cells_are_counted_in_logarithms() {
    let spec = FlashSpec { interrupted_erase: Interrupted::AnyBits, ..FlashSpec::default() };
    let mut flash = holding(spec, &[0; 4096]);
    flash.power_cut([FlashOp::Erase { at: 0, len: 4096 }]);
    assert_eq!((flash.possible(), flash.possible_log2()), (u128::MAX, 32_768 << 16));
}

#[test]
fn the_same_choices_give_the_same_reads() {
    let run = |seed| {
        let spec = FlashSpec {
            read_disturb: Some(2),
            programs: None,
            ..both(Interrupted::AnyBitsUnstable)
        };
        let (mut flash, mut choices) = (flash(spec), Seeded::from_seed(seed));
        let mut reads = Vec::new();
        for data in 0..50 {
            flash.power_cut([program(data % 4, &[0x5A, data as u8]), erase(4)]);
            reads.push(read(&mut flash, &mut choices));
            if data % 10 == 0 {
                flash.erase(0, 8).expect("it is not worn");
            }
        }
        reads
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
