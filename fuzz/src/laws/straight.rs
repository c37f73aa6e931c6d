//! The straight way down is the way step by step.

use arbitrary::{Arbitrary, Result, Unstructured};
use headcrash_engine::{Dialect, ProgramBuilder, Quirks, Tag, Trigger};
use headcrash_sim::{
    ClientId, Completion, Cx, Device, DiskId, DiskSpec, Effect, Engines, Fact, Fault, FaultRule,
    Fua, Image, Io, Key, Latencies, Latency, Limits, LimitsSpec, NodeId, NodeSpec, RequestId,
    Resumes, Seeded, World,
};

const SIZE: u64 = 16_384;
const DISK: DiskId = DiskId(0);

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Move {
    Read { at: u8, len: u8, fine: bool },
    Write { at: u8, len: u8, fine: bool, byte: u8, fua: bool },
    Zero { at: u8, len: u8, fua: bool },
    Discard { at: u8, len: u8 },
    Flush,
    Break { node: bool, event: u8 },
    Unbreak { node: bool },
    Step,
    Steps,
    Cut,
    Reopen,
}

/// A world in which requests take the straight way where there is one tells, asks, answers and
/// counts the same as one in which every request goes step by step.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn straight(u: &mut Unstructured<'_>) -> Result<()> {
    let disk = disk(u)?;
    let seed = u.arbitrary()?;
    let moves: Vec<Move> =
        (0..u.int_in_range(0..=40)?).map(|_| u.arbitrary()).collect::<Result<_>>()?;
    let story = format!(
        "{:?} {:?} raw {} {:?}\n{:?} {:?}\n{moves:?}",
        disk.nodes[0].program.dialect(),
        disk.nodes.iter().map(|node| node.limits).collect::<Vec<_>>(),
        disk.raw,
        disk.latencies,
        disk.device,
        disk.faults,
    );
    let mut world = World::new(vec![disk], Resumes::ByScript);
    let straight = play(world.clone(), &moves, seed);
    world.step_by_step();
    let stepwise = play(world, &moves, seed);
    for (one, other) in straight.facts.iter().zip(&stepwise.facts) {
        assert_eq!(one, other, "other facts\n{story}");
    }
    assert_eq!(straight.facts.len(), stepwise.facts.len(), "more facts\n{story}");
    assert_eq!(straight.completions, stepwise.completions, "other answers\n{story}");
    assert_eq!(straight.end, stepwise.end, "another world\n{story}");
    Ok(())
}

/// What came of a play.
struct Played {
    facts: Vec<Fact>,
    completions: Vec<(ClientId, Completion)>,
    /// Whatever else can be seen at its end.
    end: String,
}

fn play(mut world: World, moves: &[Move], seed: u64) -> Played {
    let (mut facts, mut completions) = (Vec::new(), Vec::new());
    let mut choices = Seeded::from_seed(seed);
    let cx = &mut Cx { choices: &mut choices, sink: &mut facts };
    world.open(DISK, cx);
    let nodes = world.node_count(DISK);
    let tag = Tag::new("tag");
    for (number, a_move) in (1..).zip(moves) {
        let span = |at: u8, len: u8, fine: bool| {
            let (unit, most) = if fine { (100, SIZE / 100) } else { (512, SIZE / 512) };
            let at = u64::from(at) % most;
            (at * unit, (u64::from(len) % (most - at) + 1) * unit)
        };
        let node = |outer: bool| NodeId { disk: DISK, depth: if outer { 0 } else { nodes - 1 } };
        let client = ClientId(number % 2);
        let name = (Key::client("c").nth(client.0.into()), number.into());
        let mut submit = |io| -> RequestId { world.submit(client, name, DISK, io, cx) };
        match *a_move {
            Move::Read { at, len, fine } => {
                let (at, len) = span(at, len, fine);
                submit(Io::Read { at, len });
            }
            Move::Write { at, len, fine, byte, fua } => {
                let (at, len) = span(at, len, fine);
                submit(Io::Write { at, data: vec![byte; len as usize].into(), fua });
            }
            Move::Zero { at, len, fua } => {
                let (at, len) = span(at, len, false);
                submit(Io::WriteZeroes { at, len, fua });
            }
            Move::Discard { at, len } => {
                let (at, len) = span(at, len, false);
                submit(Io::Discard { at, len });
            }
            Move::Flush => _ = submit(Io::Flush),
            Move::Break { node: outer, event } => {
                let node = node(outer);
                let program = world.engine(node).program();
                let events: Vec<_> = program.events().iter().map(|(event, _)| event).collect();
                let event = events[usize::from(event) % events.len()];
                world.set_breakpoint(node, event, tag.clone(), cx);
            }
            Move::Unbreak { node: outer } => _ = world.remove_breakpoint(node(outer), &tag, cx),
            Move::Step => step(&mut world, cx),
            Move::Steps => {
                while world.next_due().is_some() {
                    step(&mut world, cx);
                }
            }
            Move::Cut => {
                world.power_cut_all(cx);
                world.power_on(Engines::Reset, cx);
            }
            Move::Reopen => {
                world.close(DISK, cx);
                world.open(DISK, cx);
            }
        }
        completions.extend(std::iter::from_fn(|| world.take_completion()));
    }
    let (runs, unflushed) = (world.image(DISK).runs(), world.unflushed(DISK));
    let suspended: Vec<_> = world.suspended().collect();
    let end = format!(
        "{runs:?} {unflushed} {suspended:?} {} {} {}",
        world.now(),
        world.cut_digest(),
        world.work()
    );
    Played { facts, completions, end }
}

fn step(world: &mut World, cx: &mut Cx<'_>) {
    if let Some(due) = world.next_due() {
        world.advance(due);
        world.step(cx);
    }
}

fn disk(u: &mut Unstructured<'_>) -> Result<DiskSpec> {
    let dialect = *u.choose(&[Dialect::Qemu10, Dialect::Qemu2_6])?;
    let program = ProgramBuilder::new(dialect, *u.choose(&[Quirks::Qemu, Quirks::Safe])?).build();
    let program = std::sync::Arc::new(program.expect("no rules are no mistake"));
    let mut node = || -> Result<NodeSpec> {
        let max = u.choose(&[None, Some(4096)])?.filter(|_| dialect == Dialect::Qemu10);
        let align = Some(*u.choose(&[512, 4096])?);
        let limits =
            Limits::new(dialect, LimitsSpec { align, max_transfer: max, ..LimitsSpec::default() });
        let limits = limits.expect("the most is a multiple of the alignment");
        Ok(NodeSpec { program: program.clone(), limits })
    };
    let nodes = vec![node()?, node()?];
    let nodes = nodes.into_iter().take(u.int_in_range(1..=2)?).collect();
    let latencies = *u.choose(&[
        Latencies::default(),
        Latencies::all(Latency::Uniform { min: 1, max: 3 }),
        Latencies { flush: Latency::Constant(2), ..Latencies::default() },
        Latencies { write: Latency::Any, ..Latencies::default() },
    ])?;
    let fault =
        *u.choose(&[None, None, None, Some(Fault::LostWrite), Some(Fault::Delay { ns: 1 })])?;
    let rule = |fault: Fault| FaultRule {
        trigger: Trigger { kinds: fault.kinds(), ..Trigger::default() },
        effect: Effect::Fault(fault),
        window: None,
        swarm: false,
        key: Key::rule("fault"),
    };
    Ok(DiskSpec {
        faults: fault.into_iter().map(rule).collect(),
        latencies,
        raw: u.arbitrary()?,
        no_flush: u.ratio(1, 8)?,
        read_only: u.ratio(1, 16)?,
        device: Device {
            fua: *u.choose(&[Fua::Honoured, Fua::Ignored, Fua::Emulated])?,
            queue_depth: *u.choose(&[None, Some(1)])?,
            ..Device::default()
        },
        ..DiskSpec::new("d", Image::new(SIZE, 0), nodes)
    })
}
