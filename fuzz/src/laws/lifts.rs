//! Faults lie over clean bytes.

use std::fmt::Write as _;

use arbitrary::{Result, Unstructured};
use headcrash_engine::{Dialect, Errno, ProgramBuilder, Quirks, Ratio, Trigger};
use headcrash_sim::{
    ClientId, Completion, Cx, Damage, DiskId, DiskSpec, Effect, Engines, Fault, FaultRule, Image,
    Io, Key, Lasts, Limits, LimitsSpec, NodeSpec, Resumes, Seeded, World,
};

const SECTOR: usize = 512;
const SECTORS: usize = 16;
const SIZE: u64 = (SECTOR * SECTORS) as u64;
const DISK: DiskId = DiskId(0);

/// Faults of every kind that damages what is there, put there by hand and by rules, change what
/// reads bring and nothing else: lifted, they leave the bytes that were last written, and after a
/// power cut those that it left.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn lifts(u: &mut Unstructured<'_>) -> Result<()> {
    let program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build();
    let limits = Limits::new(Dialect::Qemu10, LimitsSpec::default());
    let node = NodeSpec {
        program: program.expect("no rules are no mistake").into(),
        limits: limits.expect("no limits are fine"),
    };
    let faults = (0..u.int_in_range(0..=3)?).map(|_| rule(u)).collect::<Result<Vec<_>>>()?;
    let mut story = String::new();
    for rule in &faults {
        _ = writeln!(story, "{:?}", rule.effect);
    }
    let spec = DiskSpec { faults, ..DiskSpec::new("d0", Image::new(SIZE, 0xAA), vec![node]) };
    let mut world = World::new(vec![spec], Resumes::ByScript);
    let mut seeded = Seeded::from_seed(u.arbitrary()?);
    let cx = &mut Cx { choices: &mut seeded, sink: &mut () };
    world.open(DISK, cx);
    // By sector: what it was since it was last durable, oldest first.
    let mut clean = vec![vec![0xAA_u8]; SECTORS];
    for byte in 1..=u.int_in_range(0..=40)? {
        let from = u.int_in_range(0..=SECTORS - 1)?;
        let to = u.int_in_range(from + 1..=SECTORS)?;
        let (at, len) = ((from * SECTOR) as u64, ((to - from) * SECTOR) as u64);
        match u.int_in_range(0..=9)? {
            0..=3 => {
                let io = Io::Write { at, data: vec![byte; len as usize].into(), fua: false };
                let done = submit(&mut world, io, cx);
                _ = writeln!(story, "write {from}..{to} {byte}: {:?}", done.result);
                if done.result.is_ok() {
                    clean[from..to].iter_mut().for_each(|sector| sector.push(byte));
                }
            }
            4 => {
                let done = submit(&mut world, Io::Read { at, len }, cx);
                _ = writeln!(story, "read {from}..{to}: {:?}", done.result);
            }
            5 => {
                let done = submit(&mut world, Io::Flush, cx);
                assert_eq!(done.result, Ok(()), "{story}nothing makes a flush fail");
                _ = writeln!(story, "flush");
                clean.iter_mut().for_each(|sector| _ = sector.drain(..sector.len() - 1));
            }
            6..=7 => {
                let fault = of_medium(u)?;
                _ = writeln!(story, "damage {from}..{to} {fault:?}");
                world.damage(DISK, (at, len), fault, cx);
            }
            8 => {
                _ = writeln!(story, "lift {from}..{to}");
                world.lift(DISK, at, len, cx);
                for (sector, known) in clean.iter().enumerate().take(to).skip(from) {
                    is_clean(&world, sector, &known[known.len() - 1..], &story);
                }
            }
            _ => {
                _ = writeln!(story, "cut");
                world.power_cut_all(cx);
                world.power_on(Engines::Reset, cx);
                world.decide_all(DISK, cx);
                for (sector, known) in clean.iter_mut().enumerate() {
                    let mut under = [0];
                    world.image(DISK).read((sector * SECTOR) as u64, &mut under);
                    assert!(known.contains(&under[0]), "{story}sector {sector} is {under:?}");
                    *known = under.to_vec();
                }
            }
        }
    }
    world.lift(DISK, 0, SIZE, cx);
    assert_eq!(world.live_faults(DISK).count(), 0, "{story}every fault was lifted");
    for (sector, known) in clean.iter().enumerate() {
        is_clean(&world, sector, &known[known.len() - 1..], &story);
    }
    Ok(())
}

fn is_clean(world: &World, sector: usize, known: &[u8], story: &str) {
    let bytes = world.peek(DISK, (sector * SECTOR) as u64, SECTOR as u64);
    let bytes = bytes.unwrap_or_else(|| panic!("{story}sector {sector} cannot be read"));
    assert!(bytes == [known[0]; SECTOR], "{story}sector {sector} is {:02x?}", &bytes[..16]);
}

fn submit(world: &mut World, io: Io, cx: &mut Cx<'_>) -> Completion {
    world.submit(ClientId(0), (Key::client("c0"), 0), DISK, io, cx);
    world.take_completion().expect("a request takes no time").1
}

fn rule(u: &mut Unstructured<'_>) -> Result<FaultRule> {
    let by = *u.choose(&[None, Some(512), Some(-1024)])?;
    let damage = *u.choose(&[Damage::Unreadable, Damage::Garbage, Damage::Zeroes])?;
    let fault = match u.int_in_range(0..=8)? {
        0 => Fault::LostWrite,
        1 => Fault::ShornWrite { eighths: u.int_in_range(0..=8)? },
        2 => Fault::TornWrite,
        3 => Fault::MisdirectedWrite { by },
        4 => Fault::MisdirectedRead { by },
        5 => Fault::CorruptRead { bits: u.int_in_range(1..=3)? },
        6 => Fault::NeighbourDamage { sectors: u.int_in_range(1..=2)?, damage },
        _ => of_medium(u)?,
    };
    let chance = Ratio::new(1, u.int_in_range(1..=4)?);
    Ok(FaultRule {
        trigger: Trigger { kinds: fault.kinds(), chance, ..Trigger::default() },
        effect: Effect::Fault(fault),
        window: None,
        swarm: false,
        key: Key::rule("r"),
    })
}

fn of_medium(u: &mut Unstructured<'_>) -> Result<Fault> {
    let lasts = *u.choose(&[Lasts::UntilRewritten, Lasts::UntilReopen, Lasts::ForGood])?;
    Ok(match u.int_in_range(0..=5)? {
        0 => Fault::Stale,
        1 => Fault::Unreadable { errno: Errno::EIO, lasts },
        2 => Fault::Unwritable { errno: Errno::EIO },
        3 => Fault::BitRot { bits: u.int_in_range(1..=3)?, lasts },
        4 => Fault::Garbage { lasts },
        _ => Fault::Pattern { byte: 0, lasts },
    })
}
