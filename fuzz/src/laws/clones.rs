//! A world is a value.

use arbitrary::{Arbitrary, Result, Unstructured};
use headcrash_engine::{Dialect, Errno, ProgramBuilder, Quirks, Ratio, Trigger};
use headcrash_sim::{
    ClientId, Cx, Device, DiskId, DiskSpec, Effect, Engines, Fault, FaultRule, Image, Io, Key,
    Lasts, Latencies, Latency, Limits, LimitsSpec, NodeSpec, OnTear, Order, Recorder, Replay,
    Resumes, Seeded, Strictness, Tears, TraceHash, World,
};

const SIZE: u64 = 8192;
const DISKS: u32 = 2;

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Move {
    Read { disk: bool, from: u8, sectors: u8 },
    Write { disk: bool, from: u8, sectors: u8, byte: u8, fua: bool },
    Zero { disk: bool, from: u8, sectors: u8 },
    Discard { disk: bool, from: u8, sectors: u8 },
    Flush { disk: bool },
    Step,
    Steps,
    Damage { disk: bool, from: u8, sectors: u8 },
    Lift { disk: bool, from: u8, sectors: u8 },
    Cut,
    DecideAll { disk: bool },
}

/// A clone of a world that is given the same choices does the same, to the last fact, whatever
/// was done meanwhile to other clones: before, during and after power cuts.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn clones(u: &mut Unstructured<'_>) -> Result<()> {
    let disks = (0..DISKS).map(|number| disk(u, number)).collect::<Result<Vec<_>>>()?;
    let mut story = String::new();
    for disk in &disks {
        story = format!("{story}{:?}\n{:?}\n", disk.device, disk.faults);
    }
    let mut world = World::new(disks, Resumes::ByScript);
    let (first, other, seed) = (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
    let mut moves = |most| -> Result<Vec<Move>> {
        (0..u.int_in_range(0..=most)?).map(|_| u.arbitrary()).collect()
    };
    let (before, meanwhile, after) = (moves(16)?, moves(8)?, moves(16)?);
    let story = format!("{story}{before:?}\nmeanwhile {meanwhile:?}\nthen {after:?}");

    let mut choices = Seeded::from_seed(first);
    let cx = &mut Cx { choices: &mut choices, sink: &mut () };
    for disk in 0..DISKS {
        world.open(DiskId(disk), cx);
    }
    play(&mut world, &before, cx);

    let mut clone = world.clone();
    let mut stranger = world.clone();
    let cx = &mut Cx { choices: &mut Seeded::from_seed(other), sink: &mut () };
    play(&mut stranger, &meanwhile, cx);

    let (mut recorder, mut hash) = (Recorder::new(Seeded::from_seed(seed)), TraceHash::default());
    play(&mut world, &after, &mut Cx { choices: &mut recorder, sink: &mut hash });
    let (schedule, _) = recorder.finish();
    let cx = &mut Cx { choices: &mut Seeded::from_seed(other), sink: &mut () };
    play(&mut stranger, &after, cx);

    let mut replay = Replay::from_schedule(&schedule, Strictness::Strict);
    let mut again = TraceHash::default();
    play(&mut clone, &after, &mut Cx { choices: &mut replay, sink: &mut again });
    assert!(replay.is_complete(), "{:?} is asked\n{story}", replay.mismatch());
    let facts = (hash.value(), hash.facts());
    assert_eq!(facts, (again.value(), again.facts()), "other facts\n{story}");
    assert_eq!(state(&world), state(&clone), "another state\n{story}");
    Ok(())
}

/// All that can be seen of a world.
fn state(world: &World) -> String {
    let disks = (0..world.disk_count() as u32).map(DiskId).map(|disk| {
        let undecided = world.undecided(disk, 0, SIZE);
        let faults: Vec<_> = world.live_faults(disk).collect();
        let runs = world.image(disk).runs();
        let peek = world.peek(disk, 0, SIZE);
        let (unflushed, broken) = (world.unflushed(disk), world.broken_promises(disk));
        format!("{undecided:?} {faults:?} {runs:?} {peek:?} {unflushed} {broken:?}\n")
    });
    let disks: String = disks.collect();
    format!("{} {} {disks}", world.now(), world.cut_digest())
}

fn play(world: &mut World, moves: &[Move], cx: &mut Cx<'_>) {
    for (number, a_move) in (0..).zip(moves) {
        let disk = |disk: bool| DiskId(u32::from(disk));
        let span = |from: u8, sectors: u8| {
            let from = u64::from(from) % (SIZE / 512);
            (from * 512, (u64::from(sectors) % (SIZE / 512 - from) + 1) * 512)
        };
        let mut submit = |disk, io| {
            let client = ClientId(number % 2);
            let name = (Key::client("c").nth(client.0.into()), number.into());
            world.submit(client, name, disk, io, cx);
        };
        match *a_move {
            Move::Read { disk: on, from, sectors } => {
                let (at, len) = span(from, sectors);
                submit(disk(on), Io::Read { at, len });
            }
            Move::Write { disk: on, from, sectors, byte, fua } => {
                let (at, len) = span(from, sectors);
                let data = vec![byte; len as usize].into();
                submit(disk(on), Io::Write { at, data, fua });
            }
            Move::Zero { disk: on, from, sectors } => {
                let (at, len) = span(from, sectors);
                submit(disk(on), Io::WriteZeroes { at, len, fua: false });
            }
            Move::Discard { disk: on, from, sectors } => {
                let (at, len) = span(from, sectors);
                submit(disk(on), Io::Discard { at, len });
            }
            Move::Flush { disk: on } => submit(disk(on), Io::Flush),
            Move::Step => step(world, cx),
            Move::Steps => {
                while world.next_due().is_some() {
                    step(world, cx);
                }
            }
            Move::Damage { disk: on, from, sectors } => {
                let fault = Fault::BitRot { bits: 2, lasts: Lasts::UntilRewritten };
                world.damage(disk(on), span(from, sectors), fault, cx);
            }
            Move::Lift { disk: on, from, sectors } => {
                let (at, len) = span(from, sectors);
                world.lift(disk(on), at, len, cx);
            }
            Move::Cut => {
                world.power_cut_all(cx);
                world.power_on(Engines::Reset, cx);
            }
            Move::DecideAll { disk: on } => _ = world.decide_all(disk(on), cx),
        }
        while world.take_completion().is_some() {}
    }
}

fn step(world: &mut World, cx: &mut Cx<'_>) {
    if let Some(due) = world.next_due() {
        world.advance(due);
        world.step(cx);
    }
}

fn disk(u: &mut Unstructured<'_>, number: u32) -> Result<DiskSpec> {
    let program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build();
    let limits = Limits::new(Dialect::Qemu10, LimitsSpec::default());
    let node = NodeSpec {
        program: program.expect("no rules are no mistake").into(),
        limits: limits.expect("no limits are fine"),
    };
    let orders = [Order::Any, Order::Completion, Order::Submission, Order::PerQueue];
    let tears = [OnTear::OldOrNew, OnTear::Mixed { granule: 64 }, OnTear::Unreadable];
    let device = Device {
        order: *u.choose(&orders)?,
        on_tear: *u.choose(&tears)?,
        tears: *u.choose(&[Tears::InFlight, Tears::Unflushed])?,
        ..Device::default()
    };
    let fault = *u.choose(&[
        Fault::LostWrite,
        Fault::TornWrite,
        Fault::MisdirectedWrite { by: None },
        Fault::Fail { errno: Errno::EIO, applied: headcrash_sim::Applied::First(512) },
        Fault::Unreadable { errno: Errno::EIO, lasts: Lasts::UntilRewritten },
    ])?;
    let trigger = Trigger { kinds: fault.kinds(), chance: Ratio::new(1, 3), ..Trigger::default() };
    let name = format!("d{number}");
    let rule = FaultRule {
        trigger,
        effect: Effect::Fault(fault),
        window: None,
        swarm: false,
        key: Key::rule(&name),
    };
    Ok(DiskSpec {
        device,
        faults: vec![rule],
        latencies: Latencies::all(Latency::Uniform { min: 1, max: 3 }),
        ..DiskSpec::new(&name, Image::new(SIZE, 0xAA), vec![node])
    })
}
