//! A disk: its bytes, and the layers a request passes on the way to them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use headcrash_engine::{Dialect, Engine, EventId, Program, Quirks, RuleId, TriggerId, Triggers};

use crate::choices::{Calm, Key, Point, PointKind};
use crate::device::Device;
use crate::fault::{Effect, Fault, FaultRule};
use crate::flash::{Flash, FlashSpec};
use crate::image::{Image, filled};
use crate::io::{RequestId, Shape, Verb};
use crate::latency::Latencies;
use crate::limits::Limits;
use crate::medium::{Medium, Ranges, garbage};
use crate::misuse::{KEPT, Misuse};
use crate::request::{Request, Span};
use crate::time::Instant;
use crate::world::Cx;

/// A disk of a world, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DiskId(pub u32);

impl DiskId {
    /// Its place.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A blkdebug node of a disk: 0 is the outermost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId {
    /// The disk.
    pub disk: DiskId,
    /// How far below the outermost.
    pub depth: u32,
}

/// What a disk is made from.
#[derive(Clone, Debug)]
pub struct DiskSpec {
    /// Its name, unique in its world.
    pub name: Box<str>,
    /// What it holds when the world begins.
    pub image: Image,
    /// Writes succeed and leave no trace: QEMU's `null-co`.
    pub forgets: bool,
    /// How long accesses to the medium take.
    pub latencies: Latencies,
    /// Whether a raw node stands on top; requests enter the first node directly otherwise.
    pub raw: bool,
    /// blkdebug nodes, outermost first. One at least, all in the same dialect.
    pub nodes: Vec<NodeSpec>,
    /// Nothing is ever flushed to the medium: QEMU's `cache=unsafe`.
    pub no_flush: bool,
    /// Writes are refused.
    pub read_only: bool,
    /// What it promises.
    pub device: Device,
    /// What happens to it.
    pub faults: Vec<FaultRule>,
    /// Injections of its nodes that the choices may leave out of a run, as they may
    /// [fault rules](FaultRule::swarm): by their node's depth, with their stable names.
    pub swarm: Vec<(u32, RuleId, Key)>,
    /// Whose fate it shares when the power goes: disks with the same number, or none.
    pub group: Option<u32>,
    /// Nobody knows it: it stays closed, and tells nothing of its power.
    pub is_silent: bool,
    /// It is NOR flash, and this is how: then `device` says nothing, and of the image only what is
    /// not erased is there at the start.
    pub flash: Option<FlashSpec>,
}

impl DiskSpec {
    /// A disk with these nodes under a raw one, that takes no time, promises what [`Device::default`]
    /// does, and never fails by itself.
    #[must_use]
    pub fn new(name: &str, image: Image, nodes: Vec<NodeSpec>) -> Self {
        Self {
            name: name.into(),
            image,
            forgets: false,
            latencies: Latencies::default(),
            raw: true,
            nodes,
            no_flush: false,
            read_only: false,
            device: Device::default(),
            faults: Vec::new(),
            swarm: Vec::new(),
            group: None,
            is_silent: false,
            flash: None,
        }
    }
}

/// What a node is made from.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its rules.
    pub program: Arc<Program>,
    /// What it demands of requests.
    pub limits: Limits,
}

#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) medium: Medium,
    /// The flash that holds the bytes, if it is one; faults lie over the medium all the same.
    pub(crate) flash: Option<Flash>,
    /// What can strike, and what each does.
    pub(crate) triggers: Triggers,
    pub(crate) rules: Arc<[FaultRule]>,
    /// Injections that the choices may leave out, and those that they did.
    pub(crate) swarm: Arc<[(u32, RuleId, Key)]>,
    pub(crate) left_out: Vec<(u32, RuleId)>,
    /// Emptied and used again.
    pub(crate) struck: Vec<TriggerId>,
    /// How many transfers were submitted to the medium.
    pub(crate) transfers: u64,
    pub(crate) group: Option<u32>,
    /// See [`DiskSpec::is_silent`].
    pub(crate) is_silent: bool,
    /// The power is on.
    pub(crate) powered: bool,
    /// The device answers.
    pub(crate) connected: bool,
    /// Writes are refused until the power goes.
    pub(crate) writes_refused: bool,
    /// Nothing is done before this.
    pub(crate) stalled_until: Instant,
    /// When the last transfer that takes turns with others is done.
    busy_until: Instant,
    /// When those under way are done, where there is room for only so many.
    slots: Vec<Instant>,
    /// Bytes that reads may find anything in.
    undefined: Ranges<()>,
    /// How many sectors of 512 bytes are allocated, where that is limited.
    allocated: u64,
    pub(crate) misuses: Vec<Misuse>,
    /// The windows of its rules are in the queue.
    pub(crate) has_windows: bool,
    /// A rule shows what sectors held before.
    pub(crate) wants_before: bool,
    pub(crate) forgets: bool,
    pub(crate) latencies: Latencies,
    pub(crate) dialect: Dialect,
    pub(crate) quirks: Quirks,
    pub(crate) no_flush: bool,
    pub(crate) read_only: bool,
    pub(crate) is_open: bool,
    /// Top first; the last is the file.
    pub(crate) layers: Vec<Layer>,
    /// Where the outermost node stands among the layers.
    pub(crate) first_node: usize,
    pub(crate) next_track: u64,
    pub(crate) events: CommonEvents,
}

#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) kind: LayerKind,
    /// Requests to this layer are padded to it.
    pub(crate) align: u64,
    pub(crate) max_transfer: Option<u64>,
    pub(crate) opt_write_zero: u64,
    pub(crate) max_write_zero: Option<u64>,
    pub(crate) opt_discard: u64,
    pub(crate) max_discard: Option<u64>,
    /// Requests under way here, oldest first.
    pub(crate) tracked: Vec<Tracked>,
    /// How many writes have ended here.
    pub(crate) written: u64,
    /// What `written` was when the last good flush began.
    pub(crate) flushed: u64,
    /// The flush under way: there is one at a time.
    pub(crate) flush_active: Option<RequestId>,
    pub(crate) flush_queue: VecDeque<RequestId>,
}

#[derive(Clone, Debug)]
pub(crate) enum LayerKind {
    Raw,
    Node(Box<Engine>),
    File,
}

/// A request as other requests at the same layer see it.
#[derive(Clone, Debug)]
pub(crate) struct Tracked {
    pub(crate) id: TrackId,
    pub(crate) request: RequestId,
    pub(crate) at: u64,
    pub(crate) len: u64,
    /// Nothing that overlaps may go on beside it.
    pub(crate) serialising: bool,
    /// It waits for another one, so nobody needs to wait for it.
    pub(crate) waits: bool,
    pub(crate) waiters: Vec<RequestId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrackId(pub(crate) u64);

/// The events layers announce, looked up once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommonEvents {
    pub(crate) read_aio: EventId,
    pub(crate) write_aio: EventId,
    pub(crate) flush_to_os: EventId,
    pub(crate) flush_to_disk: EventId,
    pub(crate) rmw_head: EventId,
    pub(crate) rmw_after_head: EventId,
    pub(crate) rmw_tail: EventId,
    pub(crate) rmw_after_tail: EventId,
    pub(crate) pwritev: EventId,
    pub(crate) pwritev_zero: EventId,
    pub(crate) pwritev_done: EventId,
    /// Only in [`Dialect::Qemu10`].
    pub(crate) none: Option<EventId>,
}

impl CommonEvents {
    fn of(program: &Program) -> Self {
        let event = |name| program.event(name).expect("every dialect has the block layer's events");
        Self {
            read_aio: event("read_aio"),
            write_aio: event("write_aio"),
            flush_to_os: event("flush_to_os"),
            flush_to_disk: event("flush_to_disk"),
            rmw_head: event("pwritev_rmw_head"),
            rmw_after_head: event("pwritev_rmw_after_head"),
            rmw_tail: event("pwritev_rmw_tail"),
            rmw_after_tail: event("pwritev_rmw_after_tail"),
            pwritev: event("pwritev"),
            pwritev_zero: event("pwritev_zero"),
            pwritev_done: event("pwritev_done"),
            // A program of 2.6 may know an event of that name, but nothing there announces it.
            none: match program.dialect() {
                Dialect::Qemu10 => program.event("none"),
                Dialect::Qemu2_6 => None,
            },
        }
    }
}

impl Disk {
    /// # Panics
    ///
    /// When `spec` has no node, or nodes of different dialects or quirks.
    pub(crate) fn new(number: u64, spec: DiskSpec) -> Self {
        let first = &spec.nodes.first().expect("a disk has a node at least").program;
        let (dialect, quirks) = (first.dialect(), first.quirks());
        let same =
            |node: &NodeSpec| node.program.dialect() == dialect && node.program.quirks() == quirks;
        assert!(spec.nodes.iter().all(same), "the nodes of a disk are in one dialect");
        let events = CommonEvents::of(first);
        let mut layers = Vec::with_capacity(spec.nodes.len() + 2);
        if spec.raw {
            // In 2.6 every node pads to a sector at least; a raw node of 10.0.2 takes bytes.
            let align = if dialect == Dialect::Qemu2_6 { 512 } else { 1 };
            layers.push(Layer::new(LayerKind::Raw, align));
        }
        let first_node = layers.len();
        for node in spec.nodes {
            let limits = node.limits;
            let kind = LayerKind::Node(Box::new(Engine::new(node.program)));
            layers.push(Layer {
                max_transfer: limits.max_transfer(),
                opt_write_zero: limits.opt_write_zero(),
                max_write_zero: limits.max_write_zero(),
                opt_discard: limits.opt_discard(),
                max_discard: limits.max_discard(),
                ..Layer::new(kind, limits.align())
            });
        }
        layers.push(Layer::new(LayerKind::File, 1));
        // What a node has no limit of its own for, it takes over from below: block/io.c,
        // bdrv_merge_limits (of the limits here, these two and no others).
        for upper in (0..layers.len() - 1).rev() {
            let below = (layers[upper + 1].max_transfer, layers[upper + 1].opt_discard);
            let layer = &mut layers[upper];
            layer.max_transfer = layer.max_transfer.or(below.0);
            if layer.opt_discard == 0 {
                layer.opt_discard = below.1;
            }
        }
        let key = Key::disk(&spec.name);
        let mut medium = Medium::new(number, spec.device, key, spec.image);
        for (at, len, byte) in medium.image.runs() {
            if byte != 0 {
                medium.touched.fill(at / 512, (at + len).div_ceil(512) - at / 512, 1);
            }
        }
        let wants_before = |rule: &FaultRule| matches!(rule.effect, Effect::Fault(Fault::Stale));
        let wants_before = spec.faults.iter().any(wants_before);
        if wants_before {
            medium.before = Some(medium.image.clone());
        }
        let allocated = match spec.device.capacity {
            Some(_) => medium.touched.runs().iter().filter(|run| run.2 != 0).map(|run| run.1).sum(),
            None => 0,
        };
        let flash = spec.flash.map(|flash| flashed(flash, &medium.image));
        Self {
            medium,
            flash,
            triggers: Triggers::new(spec.faults.iter().map(|rule| rule.trigger.clone()).collect()),
            rules: spec.faults.into(),
            swarm: spec.swarm.into(),
            left_out: Vec::new(),
            struck: Vec::new(),
            transfers: 0,
            group: spec.group,
            is_silent: spec.is_silent,
            powered: true,
            connected: true,
            writes_refused: false,
            stalled_until: Instant::START,
            busy_until: Instant::START,
            slots: Vec::new(),
            undefined: Ranges::new(),
            allocated,
            misuses: Vec::new(),
            has_windows: false,
            wants_before,
            forgets: spec.forgets,
            latencies: spec.latencies,
            dialect,
            quirks,
            no_flush: spec.no_flush,
            read_only: spec.read_only,
            is_open: false,
            layers,
            first_node,
            next_track: 0,
            events,
        }
    }

    /// Nothing is under way any more.
    pub(crate) fn rest(&mut self) {
        self.slots.clear();
        self.busy_until = Instant::START;
        self.stalled_until = Instant::START;
        self.undefined = Ranges::new();
    }

    /// When a transfer is done that is submitted now and takes `drawn`; `None` when nothing comes
    /// between.
    pub(crate) fn done_at(
        &mut self,
        now: Instant,
        drawn: Option<u64>,
        longer: u64,
        len: u64,
    ) -> Option<Instant> {
        let device = &self.medium.device;
        let (speed, iops, depth) = (device.bytes_per_second, device.iops, device.queue_depth);
        let turns = speed.is_some() || iops.is_some() || depth.is_some();
        if drawn.is_none() && longer == 0 && !turns && self.stalled_until <= now {
            return None;
        }
        let mut start = now;
        if let Some(depth) = depth {
            self.slots.retain(|done| *done > now);
            self.slots.sort_unstable();
            if self.slots.len() >= depth as usize {
                start = self.slots[self.slots.len() - depth as usize];
            }
        }
        const SECOND: u128 = 1_000_000_000;
        let per = |amount: u64, rate: Option<u64>| {
            rate.map_or(0, |rate| {
                u64::try_from(u128::from(amount) * SECOND / u128::from(rate)).unwrap_or(u64::MAX)
            })
        };
        let service = per(len, speed).max(per(1, iops));
        if service > 0 {
            start = start.max(self.busy_until).after_ns(service);
            self.busy_until = start;
        }
        // A stall comes first, then what the transfer takes by itself.
        start = start.max(self.stalled_until);
        let done = start.after_ns(drawn.unwrap_or(0)).after_ns(longer);
        if depth.is_some() {
            self.slots.push(done);
        }
        Some(done)
    }

    /// Takes room for a write; `false` when there is none.
    pub(crate) fn allocate(&mut self, at: u64, len: u64) -> bool {
        let Some(capacity) = self.medium.device.capacity else { return true };
        let (first, end) = (at / 512, (at + len).div_ceil(512));
        let mut touched = filled(end - first, 0);
        self.medium.touched.read(first, &mut touched);
        let new = touched.iter().filter(|touched| **touched == 0).count() as u64;
        if (self.allocated + new) * 512 > capacity && new > 0 {
            return false;
        }
        self.allocated += new;
        true
    }

    /// A stretch was discarded: its room is free.
    pub(crate) fn freed(&mut self, at: u64, len: u64) {
        if self.medium.device.capacity.is_none() {
            return;
        }
        let (first, end) = (at.div_ceil(512), (at + len) / 512);
        if first < end {
            let mut touched = filled(end - first, 0);
            self.medium.touched.read(first, &mut touched);
            let freed = touched.iter().filter(|touched| **touched != 0).count() as u64;
            self.allocated -= freed;
            self.medium.touched.fill(first, end - first, 0);
        }
    }

    /// Reads of a stretch may find anything from now on.
    pub(crate) fn undefine(&mut self, span: Span) {
        self.undefined.insert(span.at..span.end(), ());
    }

    /// A stretch was written.
    pub(crate) fn defined(&mut self, at: u64, len: u64) {
        if !self.undefined.is_empty() {
            self.undefined.remove(at..at + len);
        }
    }

    /// What was discarded reads as zeroes, as what was there, or as garbage: each time anew.
    pub(crate) fn read_undefined(&self, span: Span, bytes: &mut [u8], cx: &mut Cx<'_>) {
        if self.undefined.is_empty() {
            return;
        }
        for (range, ()) in self.undefined.iter() {
            let (from, to) = (range.start.max(span.at), range.end.min(span.end()));
            if from >= to {
                continue;
            }
            let part = &mut bytes[(from - span.at) as usize..(to - span.at) as usize];
            let point = Point::new(PointKind::Data, self.medium.key.nth(from));
            match cx.choices.choose(point, 3) {
                0 => part.fill(0),
                1 => {}
                _ => garbage(point.key.number(), from, part),
            }
        }
    }

    /// The first byte that a read gets and that was never written, as long as misuses are counted.
    pub(crate) fn unwritten(&self, request: &Request, span: Span) -> Option<u64> {
        if self.misuses.len() >= KEPT {
            return None;
        }
        // Padding is nobody's doing.
        let at = span.at.max(request.shape.at);
        let end = span.end().min(request.shape.at + request.shape.len);
        if at >= end || request.shape.verb != Verb::Read {
            return None;
        }
        let first = at / 512;
        let mut touched = [0_u8; 64];
        let mut sector = first;
        while sector < end.div_ceil(512) {
            let count = (end.div_ceil(512) - sector).min(64) as usize;
            self.medium.touched.read(sector, &mut touched[..count]);
            if let Some(place) = touched[..count].iter().position(|touched| *touched == 0) {
                return Some(((sector + place as u64) * 512).max(at));
            }
            sector += count as u64;
        }
        None
    }

    /// Into how many pieces, at most, this disk's layers cut a request.
    pub(crate) fn pieces(&self, shape: &Shape) -> u64 {
        // What is not supported is written, in pieces of at most this.
        let write = |layer: &Layer| layer.max_transfer.unwrap_or(Layer::BOUNCE);
        let piece = |layer: &Layer| match shape.verb {
            Verb::Read | Verb::Write => write(layer),
            Verb::WriteZeroes => layer.max_write_zero.unwrap_or(u64::MAX).min(write(layer)),
            Verb::Discard => layer.max_discard.unwrap_or(u64::MAX),
            Verb::Erase | Verb::Flush | Verb::Announce(_) => u64::MAX,
        };
        let least = self.layers.iter().map(piece).min().unwrap_or(u64::MAX);
        shape.len / least.max(1)
    }

    /// How many bytes a request of this disk takes, padding of every layer included.
    pub(crate) fn bytes(&self, shape: &Shape) -> u64 {
        let own = match shape.verb {
            Verb::Read | Verb::Write => shape.len,
            Verb::WriteZeroes | Verb::Discard | Verb::Erase | Verb::Flush | Verb::Announce(_) => 0,
        };
        let padded = |layer: &Layer| {
            // An alignment is a power of two, and this is asked of every request.
            let mask = layer.align - 1;
            let (start, end) = (shape.at & mask, (shape.at + shape.len) & mask);
            let unaligned = u64::from(start > 0) + u64::from(end > 0);
            match shape.verb {
                Verb::Read | Verb::Write | Verb::WriteZeroes if unaligned > 0 => {
                    own + unaligned * layer.align
                }
                _ => 0,
            }
        };
        self.layers.iter().map(padded).fold(own, u64::saturating_add)
    }

    /// Takes out of the engines, which are new, what is left out of this run.
    pub(crate) fn leave_out(&mut self) {
        let engines = self.layers.iter_mut().filter_map(|layer| match &mut layer.kind {
            LayerKind::Node(engine) => Some(engine),
            LayerKind::Raw | LayerKind::File => None,
        });
        for (depth, engine) in (0..).zip(engines) {
            for (_, rule) in self.left_out.iter().filter(|(node, _)| *node == depth) {
                engine.leave_out(*rule);
            }
        }
    }

    pub(crate) fn engine(&self, layer: usize) -> Option<&Engine> {
        match &self.layers[layer].kind {
            LayerKind::Node(engine) => Some(engine),
            LayerKind::Raw | LayerKind::File => None,
        }
    }

    pub(crate) fn engine_mut(&mut self, layer: usize) -> Option<&mut Engine> {
        match &mut self.layers[layer].kind {
            LayerKind::Node(engine) => Some(engine),
            LayerKind::Raw | LayerKind::File => None,
        }
    }

    /// What a read brings that was said to have succeeded and did nothing (quirk Q6): zeroes, or
    /// what `qemu-io` fills its buffers with.
    pub(crate) const fn untouched(&self) -> u8 {
        match self.quirks {
            Quirks::Qemu => 0xab,
            Quirks::Safe => 0,
        }
    }

    /// How far below the outermost node `layer` stands.
    pub(crate) const fn depth(&self, layer: usize) -> u32 {
        (layer - self.first_node) as u32
    }

    pub(crate) fn track(&mut self, layer: usize, request: RequestId, at: u64, len: u64) -> TrackId {
        let id = TrackId(self.next_track);
        self.next_track += 1;
        self.layers[layer].tracked.push(Tracked {
            id,
            request,
            at,
            len,
            serialising: false,
            waits: false,
            waiters: Vec::new(),
        });
        id
    }
}

/// A flash that holds an image.
///
/// # Panics
///
/// When there is no such flash.
fn flashed(spec: FlashSpec, image: &Image) -> Flash {
    let unit = spec.program_unit.max(1);
    let mut flash = Flash::new(spec).unwrap_or_else(|error| panic!("{error}"));
    let mut at = 0;
    for (start, len, byte) in image.runs() {
        if byte == 0xFF {
            continue;
        }
        // Whole units, each once, whatever runs meet in it.
        let (from, end) = ((start / unit * unit).max(at), (start + len).next_multiple_of(unit));
        if from < end {
            let mut bytes = filled(end - from, 0xFF);
            image.read(from, &mut bytes);
            // Blank flash can be programmed.
            _ = flash.program(from, &bytes, &mut Calm, Key::NOBODY);
            at = end;
        }
    }
    flash
}

impl Layer {
    /// `MAX_BOUNCE_BUFFER`, and 2.6's `MAX_WRITE_ZEROES_BOUNCE_BUFFER`: the longest write that
    /// stands in for an unsupported write of zeroes.
    pub(crate) const BOUNCE: u64 = 32768 * 512;

    const fn new(kind: LayerKind, align: u64) -> Self {
        Self {
            kind,
            align,
            max_transfer: None,
            opt_write_zero: 0,
            max_write_zero: None,
            opt_discard: 0,
            max_discard: None,
            tracked: Vec::new(),
            written: 0,
            flushed: 0,
            flush_active: None,
            flush_queue: VecDeque::new(),
        }
    }

    pub(crate) const fn is_file(&self) -> bool {
        matches!(self.kind, LayerKind::File)
    }

    /// The longest read or write it takes in one piece.
    pub(crate) fn max_piece(&self) -> u64 {
        let max = self.max_transfer.unwrap_or(i32::MAX as u64);
        // At least one unit: limits are multiples of the alignment above a node, but not of
        // whatever a user stacks on it.
        (max - (max & (self.align - 1))).max(self.align)
    }

    pub(crate) fn tracked_mut(&mut self, id: TrackId) -> &mut Tracked {
        let found = self.tracked.iter_mut().find(|tracked| tracked.id == id);
        found.expect("a request is tracked until it ends")
    }

    /// What the request `id` has to wait for: the newest that overlaps, if either of the two is
    /// serialising, unless that one waits itself (block/io.c, bdrv_find_conflicting_request).
    pub(crate) fn conflict(&self, id: TrackId) -> Option<&Tracked> {
        let own = self.tracked.iter().find(|tracked| tracked.id == id);
        let own = own.expect("a request is tracked until it ends");
        let end = own.at.saturating_add(own.len);
        self.tracked.iter().rev().find(|other| {
            other.id != id
                && (own.serialising || other.serialising)
                && own.at < other.at.saturating_add(other.len)
                && other.at < end
                && !other.waits
        })
    }
}
