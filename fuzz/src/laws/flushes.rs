//! What was flushed before a power cut is there after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use headcrash_engine::{Dialect, Errno, ProgramBuilder, Quirks};
use headcrash_sim::{
    ClientId, Completion, Cx, Device, DeviceCache, DiskId, DiskSpec, Engines, Fua, Image, Io, Key,
    Latencies, Latency, Limits, LimitsSpec, NodeSpec, OnTear, Order, RequestId, Resumes, Seeded,
    Tears, World,
};

const SIZE: u64 = 16_384;
const DISK: DiskId = DiskId(0);
/// Writes begin and end at multiples of this, and are one byte over and over.
const GRAIN: usize = 64;
/// What the largest device or node writes at once.
const BLOCK: usize = 4096;
const GRAINS: usize = SIZE as usize / GRAIN;

/// What a client has done and been told; nothing of what goes on inside the disk.
struct Change {
    /// The first grain, and the first after it.
    from: usize,
    to: usize,
    byte: u8,
    fua: bool,
    submitted: usize,
    completed: Option<usize>,
    is_durable: bool,
}

/// Since the power came.
struct Told {
    /// What was read then, grain by grain.
    base: Vec<Vec<u8>>,
    changes: BTreeMap<RequestId, Change>,
    /// When they were submitted.
    flushes: BTreeMap<RequestId, usize>,
    /// One more with everything that happens.
    now: usize,
}

impl Told {
    const fn new(base: Vec<Vec<u8>>) -> Self {
        Self { base, changes: BTreeMap::new(), flushes: BTreeMap::new(), now: 0 }
    }

    fn submitted(&mut self, request: RequestId, io: &Io) {
        self.now += 1;
        let shape = io.shape();
        let (byte, fua) = match io {
            Io::Write { data, fua, .. } => (data[0], *fua),
            Io::WriteZeroes { fua, .. } => (0, *fua),
            Io::Discard { .. } => (0, false),
            Io::Flush => {
                self.flushes.insert(request, self.now);
                return;
            }
            Io::Read { .. } | Io::Erase { .. } | Io::Announce(_) => return,
        };
        let (from, to) = (shape.at as usize / GRAIN, (shape.at + shape.len) as usize / GRAIN);
        let (submitted, completed, is_durable) = (self.now, None, false);
        let change = Change { from, to, byte, fua, submitted, completed, is_durable };
        self.changes.insert(request, change);
    }

    fn completed(&mut self, done: &Completion) -> std::result::Result<(), Errno> {
        self.now += 1;
        if let Some(change) = self.changes.get_mut(&done.request) {
            change.completed = Some(self.now);
            change.is_durable = change.fua;
        }
        if let Some(submitted) = self.flushes.remove(&done.request) {
            for change in self.changes.values_mut() {
                change.is_durable |= change.completed.is_some_and(|at| at < submitted);
            }
        }
        done.result
    }

    /// Whether a cut may leave these bytes in a grain, of which no part was torn.
    fn may_hold(&self, grain: usize, bytes: &[u8]) -> bool {
        let here = self.changes.values().filter(|change| (change.from..change.to).contains(&grain));
        let here: Vec<_> = here.collect();
        // Only what was submitted after it completed, and is durable, has certainly replaced it.
        let replaced =
            |at: usize| here.iter().any(|change| change.is_durable && change.submitted > at);
        (!replaced(0) && self.base[grain] == bytes)
            || here.iter().any(|change| {
                bytes.iter().all(|byte| *byte == change.byte)
                    && !change.completed.is_some_and(replaced)
            })
    }

    /// Whether something that is not durable was written near a grain.
    fn may_be_torn(&self, grain: usize) -> bool {
        let near = BLOCK / GRAIN;
        let (from, to) = (grain / near * near, (grain / near + 1) * near);
        self.changes
            .values()
            .any(|change| !change.is_durable && change.from < to && from < change.to)
    }
}

/// On an honest device, through any alignment, limits and nodes, whatever a client was told is
/// durable is there after each power cut, or what was written over it since.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn flushes(u: &mut Unstructured<'_>) -> Result<()> {
    let spec = disk(u)?;
    let destroys = matches!(spec.device.on_tear, OnTear::Garbage | OnTear::Unreadable);
    let mut story = format!("{:?}\n", spec.device);
    for node in &spec.nodes {
        _ = writeln!(story, "{:?}", node.limits);
    }
    let mut seeded = Seeded::from_seed(u.arbitrary()?);
    let cx = &mut Cx { choices: &mut seeded, sink: &mut () };
    let mut world = World::new(vec![spec], Resumes::ByScript);
    world.open(DISK, cx);
    let mut told = Told::new(vec![vec![0xAA; GRAIN]; GRAINS]);
    let mut byte = 0_u8;
    for number in 0..u.int_in_range(1..=3)? {
        for _ in 0..u.int_in_range(0..=24)? {
            if u.ratio(1, 2)? {
                byte = byte % 100 + 1;
                let io = io(u, byte)?;
                let client = u.int_in_range(0..=1)?;
                _ = writeln!(story, "c{client} {:?} {byte}", io.shape());
                let name = (Key::client("c").nth(client.into()), byte.into());
                let request = world.submit(ClientId(client), name, DISK, io.clone(), cx);
                told.submitted(request, &io);
            } else if let Some(due) = world.next_due() {
                world.advance(due);
                world.step(cx);
            }
            while let Some((_, done)) = world.take_completion() {
                _ = writeln!(story, "{} is done", done.request);
                assert_eq!(told.completed(&done), Ok(()), "{story}nothing makes a request fail");
            }
        }
        _ = writeln!(story, "cut {number}");
        world.power_cut_all(cx);
        world.power_on(Engines::Reset, cx);
        let mut base = Vec::new();
        for at in (0..SIZE).step_by(BLOCK) {
            let io = Io::Read { at, len: BLOCK as u64 };
            let name = (Key::client("reader"), at);
            world.submit(ClientId(9), name, DISK, io, cx);
            let (_, done) = finished(&mut world, cx);
            let first = at as usize / GRAIN;
            let block = first..first + BLOCK / GRAIN;
            if let Err(errno) = done.result {
                let torn = block.clone().all(|grain| destroys && told.may_be_torn(grain));
                assert!(torn, "{story}block {at} is not readable: {errno:?}");
                // It is what it will be once it is written.
                let io = Io::Write { at, data: Arc::from([0x55; BLOCK]), fua: true };
                world.submit(ClientId(9), name, DISK, io, cx);
                let (_, done) = finished(&mut world, cx);
                assert_eq!(done.result, Ok(()), "{story}nothing makes a request fail");
                base.extend(block.map(|_| vec![0x55; GRAIN]));
                continue;
            }
            for (grain, bytes) in block.zip(done.data.chunks(GRAIN)) {
                let fine = told.may_hold(grain, bytes) || (destroys && told.may_be_torn(grain));
                assert!(fine, "{story}after this, byte {} is {:02x?}", grain * GRAIN, &bytes[..8]);
                base.push(bytes.to_vec());
            }
        }
        told = Told::new(base);
    }
    Ok(())
}

/// Waits for the only request there is.
fn finished(world: &mut World, cx: &mut Cx<'_>) -> (ClientId, Completion) {
    while let Some(due) = world.next_due() {
        world.advance(due);
        world.step(cx);
    }
    world.take_completion().expect("a request completes")
}

fn io(u: &mut Unstructured<'_>, byte: u8) -> Result<Io> {
    let grain = GRAIN as u64;
    let step = *u.choose(&[512, 512, 512, 4096, grain])?;
    let from = u.int_in_range(0..=SIZE / step - 1)?;
    let count = u.int_in_range(1..=(SIZE / step - from).min(if step == grain { 9 } else { 4 }))?;
    let (at, len) = (from * step, count * step);
    let fua = u.ratio(1, 6)?;
    Ok(match u.int_in_range(0..=12)? {
        0..=2 => Io::Flush,
        3 => Io::WriteZeroes { at, len, fua },
        _ => Io::Write { at, data: vec![byte; len as usize].into(), fua },
    })
}

fn disk(u: &mut Unstructured<'_>) -> Result<DiskSpec> {
    let (physical, atomic_unit) =
        *u.choose(&[(512, 512), (512, 512), (512, 4096), (4096, 512), (4096, 4096), (512, 8192)])?;
    let mut device = Device { physical, atomic_unit, ..Device::default() };
    let orders = [Order::Any, Order::Completion, Order::Submission, Order::PerQueue];
    device.order = *u.choose(&orders)?;
    device.fua = *u.choose(&[Fua::Honoured, Fua::Emulated])?;
    let honest = [DeviceCache::Volatile, DeviceCache::Volatile, DeviceCache::None];
    device.cache = *u.choose(&honest)?;
    if atomic_unit <= physical {
        let granule = physical / 2;
        device.on_tear = *u.choose(&[
            OnTear::OldOrNew,
            OnTear::Prefix { granule },
            OnTear::Mixed { granule },
            OnTear::Garbage,
            OnTear::Unreadable,
        ])?;
        if !device.is_through() && u.arbitrary()? {
            device.tears = Tears::Unflushed;
        }
    }
    let dialect = *u.choose(&[Dialect::Qemu10, Dialect::Qemu2_6])?;
    let mut nodes = Vec::new();
    for _ in 0..u.int_in_range(1..=2)? {
        let program = ProgramBuilder::new(dialect, Quirks::Safe).build();
        let align = *u.choose(&[None, Some(512), Some(4096)])?;
        let mut limits = LimitsSpec { align, ..LimitsSpec::default() };
        if dialect == Dialect::Qemu10 && u.arbitrary()? {
            limits.max_transfer = Some(4096);
        }
        nodes.push(NodeSpec {
            program: Arc::new(program.expect("no rules are no mistake")),
            limits: Limits::new(dialect, limits).expect("the limits are multiples"),
        });
    }
    let latency =
        *u.choose(&[Latency::Zero, Latency::Any, Latency::Uniform { min: 1, max: 40 }])?;
    Ok(DiskSpec {
        device,
        latencies: Latencies::all(latency),
        raw: u.arbitrary()?,
        ..DiskSpec::new("d0", Image::new(SIZE, 0xAA), nodes)
    })
}
