//! A world: clock, disks, requests, and what is due.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use headcrash_engine::{Dialect, Engine, Errno, EventId, Passage, Requester, Tag};

use crate::agenda::{Agenda, Due, Slot};
use crate::block::{Deeds, Flow};
use crate::choices::{Calm, Choices, Key, Point, PointKind};
use crate::copies::Copies;
use crate::cut::Skew;
use crate::disk::{Disk, DiskId, DiskSpec, LayerKind, NodeId};
use crate::file_ops::Mounted;
use crate::flash::Flash;
use crate::image::Image;
use crate::io::{ClientId, Completion, Io, RequestId, Shape, Verb};
use crate::medium::{Arrival, Bytes};
use crate::request::{
    Asked, Buffer, Content, Life, Payload, Request, Source, Span, Step, Transfer,
};
use crate::time::Instant;
use crate::trace::{Fact, Sink, What};

/// What a world asks and tells: never owned by it, so that it stays a value.
pub struct Cx<'a> {
    /// Answers what could go two ways.
    pub choices: &'a mut dyn Choices,
    /// Is told what happens.
    pub sink: &'a mut dyn Sink,
}

impl Cx<'_> {
    /// Tells what happened at `at`.
    pub fn tell(&mut self, at: Instant, what: What) {
        self.sink.tell(Fact { at, what });
    }
}

/// Who ends suspensions, besides the script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resumes {
    /// Nobody.
    #[default]
    ByScript,
    /// The clock: each suspension ends after this many nanoseconds.
    AfterNs(u64),
    /// The choices: "resume which, if any, now" is asked whenever anything could happen.
    Seeded,
}

/// Clock, disks, nodes and requests of one run.
///
/// A value: cloning it is cheap, and a clone given the same choices does the same. It owns neither
/// the choices nor the trace nor the clients, which are passed in or live beside it in a
/// [`Runner`](crate::Runner).
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) now: Instant,
    pub(crate) disks: Vec<Disk>,
    pub(crate) file_systems: Vec<Mounted>,
    resumes: Resumes,
    /// Requests not yet completed, by number from `first_request` on.
    pub(crate) requests: VecDeque<Option<Box<Request>>>,
    pub(crate) first_request: u64,
    pub(crate) due: Agenda,
    /// Requests whose wait has ended and who go on when the one running now cannot.
    pub(crate) woken: Vec<RequestId>,
    pub(crate) completions: VecDeque<(ClientId, Completion)>,
    /// Bytes of requests on their way and of completions not yet taken.
    pub(crate) under_way: u64,
    /// Steps of plans that were performed.
    pub(crate) work: u64,
    /// No request is spared a step: see [`World::step_by_step`].
    pub(crate) step_by_step: bool,
    /// Emptied and used again, so that announcing allocates nothing.
    pub(crate) deeds: Vec<What>,
    /// The power of this disk is about to go.
    pub(crate) cutting: Option<DiskId>,
    /// This disk is about to be gone, for so many nanoseconds.
    pub(crate) disconnecting: Option<(DiskId, Option<u64>)>,
    /// How long after the first cut further ones follow, by whose fate is shared.
    pub(crate) skew: Arc<[Skew]>,
    pub(crate) copies: Arc<[Copies]>,
    pub(crate) spare: Spare,
    /// Misuse is told as it is seen.
    pub(crate) tells_misuse: bool,
}

/// Requests that are over, kept for their memory: the next ones are put into it.
///
/// A clone has none: they are nothing that a world is.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a request under way is in its box, and goes back into it")]
pub(crate) struct Spare(Vec<Box<Request>>);

impl Clone for Spare {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Spare {
    /// More than this many are seldom on their way at once.
    const MOST: usize = 16;

    /// A place for a request.
    pub(crate) fn hold(&mut self, asked: Asked) -> Box<Request> {
        match self.0.pop() {
            Some(mut spare) => {
                spare.renew(asked);
                spare
            }
            None => Box::new(Request::new(asked)),
        }
    }

    fn keep(&mut self, mut request: Box<Request>) {
        if self.0.len() < Self::MOST {
            request.plan.clear();
            request.buffers.clear();
            request.strikes.clear();
            self.0.push(request);
        }
    }
}

impl World {
    /// A world with these disks, at [`Instant::START`]; none is open yet.
    ///
    /// # Panics
    ///
    /// When a disk has no node, or nodes of different dialects.
    #[must_use]
    pub fn new(disks: Vec<DiskSpec>, resumes: Resumes) -> Self {
        Self {
            now: Instant::START,
            disks: (0..).zip(disks).map(|(number, disk)| Disk::new(number, disk)).collect(),
            file_systems: Vec::new(),
            resumes,
            requests: VecDeque::new(),
            first_request: 1,
            due: Agenda::default(),
            woken: Vec::new(),
            completions: VecDeque::new(),
            under_way: 0,
            work: 0,
            step_by_step: false,
            deeds: Vec::new(),
            cutting: None,
            disconnecting: None,
            skew: Arc::from([]),
            copies: Arc::from([]),
            spare: Spare::default(),
            tells_misuse: false,
        }
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How much was done so far: the steps of all requests' plans. It grows with time spent, as the
    /// number of requests does not.
    #[must_use]
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// From now on every request takes every step of its plan on its own, as only those do
    /// otherwise that meet something on their way. Nothing comes out differently: for those who
    /// want to see that.
    pub const fn step_by_step(&mut self) {
        self.step_by_step = true;
    }

    /// How many disks there are.
    #[must_use]
    pub const fn disk_count(&self) -> usize {
        self.disks.len()
    }

    /// What is on a disk: what reads would see that found nothing in flight, no faults, and the
    /// newest of whatever a cut left undecided. A copy, which costs a pointer.
    #[must_use]
    pub fn image(&self, disk: DiskId) -> Image {
        let disk = &self.disks[disk.index()];
        disk.flash.as_ref().map_or_else(|| disk.medium.image.clone(), Flash::image)
    }

    /// Whether a disk is open.
    #[must_use]
    pub fn is_open(&self, disk: DiskId) -> bool {
        self.disks[disk.index()].is_open
    }

    /// The engine of a disk's node: 0 is the outermost.
    ///
    /// # Panics
    ///
    /// When there is no such node.
    #[must_use]
    pub fn engine(&self, node: NodeId) -> &Engine {
        let engine = self.disks[node.disk.index()].engine(self.layer_of(node));
        engine.expect("a node is named by its depth")
    }

    /// How many nodes a disk has.
    #[must_use]
    pub fn node_count(&self, disk: DiskId) -> u32 {
        let layers = &self.disks[disk.index()].layers;
        layers.iter().filter(|layer| matches!(layer.kind, LayerKind::Node(_))).count() as u32
    }

    /// Where a request is in its life.
    #[must_use]
    pub fn life(&self, request: RequestId) -> Life {
        self.request(request).map_or(Life::Completed, |request| request.life)
    }

    /// Every suspended request, in the order in which requests were submitted.
    pub fn suspended(&self) -> impl Iterator<Item = RequestId> {
        self.requests
            .iter()
            .flatten()
            .filter(|request| request.life == Life::Suspended)
            .map(|request| request.id)
    }

    /// The oldest completion not yet taken, and whose it is.
    pub fn take_completion(&mut self) -> Option<(ClientId, Completion)> {
        let (client, completion) = self.completions.pop_front()?;
        self.taken(&completion);
        Some((client, completion))
    }

    /// The same, for somebody who keeps it for its client: its bytes still count.
    pub(crate) fn pass_on_completion(&mut self) -> Option<(ClientId, Completion)> {
        self.completions.pop_front()
    }

    /// The bytes of a completion are its client's affair now.
    pub(crate) const fn taken(&mut self, completion: &Completion) {
        self.under_way -= completion.data.len() as u64;
    }

    /// Puts back, in order, what [`Self::take_completion`] gave to somebody it was not for.
    pub(crate) fn give_back(&mut self, completions: Vec<(ClientId, Completion)>) {
        self.completions.extend(completions);
    }

    /// Whether there are completions not yet taken.
    pub(crate) fn has_completions(&self) -> bool {
        !self.completions.is_empty()
    }

    /// When the next thing is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.due.next()
    }

    /// Moves the clock forward.
    ///
    /// # Panics
    ///
    /// When something is due before `to`.
    pub fn advance(&mut self, to: Instant) {
        assert!(self.next_due().is_none_or(|due| due >= to), "time does not pass over what is due");
        self.now = self.now.max(to);
    }

    /// As [`try_open`](Self::try_open), for those who look at [`is_open`](Self::is_open), or
    /// have no faults that openings could meet.
    pub fn open(&mut self, disk_id: DiskId, cx: &mut Cx<'_>) {
        _ = self.try_open(disk_id, cx);
    }

    /// Opens a disk: its engines begin anew, and announce event `none` where the dialect has it.
    /// Nothing happens to a disk that is open, or [silent](crate::DiskSpec::is_silent).
    ///
    /// # Errors
    ///
    /// What a fault rule says that strikes openings; the disk stays closed.
    pub fn try_open(&mut self, disk_id: DiskId, cx: &mut Cx<'_>) -> Result<(), Errno> {
        let disk = &self.disks[disk_id.index()];
        if disk.is_open || disk.is_silent {
            return Ok(());
        }
        self.opens(disk_id, cx)?;
        let disk = &mut self.disks[disk_id.index()];
        disk.is_open = true;
        for layer in &mut disk.layers {
            if let LayerKind::Node(engine) = &mut layer.kind {
                **engine = Engine::new(engine.program().clone());
            }
            (layer.written, layer.flushed) = (0, 0);
        }
        disk.medium.reopened();
        cx.tell(self.now, What::Opened { disk: disk_id });
        self.open_windows(disk_id, cx);
        // Innermost first: a node is open when what it stands on is.
        for layer in (0..self.disks[disk_id.index()].layers.len()).rev() {
            self.announce_open(disk_id, layer, cx);
        }
        Ok(())
    }

    fn announce_open(&mut self, disk_id: DiskId, layer: usize, cx: &mut Cx<'_>) {
        let disk = &mut self.disks[disk_id.index()];
        let Some(event) = disk.events.none else { return };
        if disk.engine(layer).is_none() {
            return;
        }
        let node = NodeId { disk: disk_id, depth: disk.depth(layer) };
        let request = RequestId::NONE;
        cx.tell(self.now, What::Announced { request, node, event });
        let mut deeds = Deeds { node, request, whats: core::mem::take(&mut self.deeds) };
        let engine = disk.engine_mut(layer).expect("the layer was just seen to be a node");
        let passage = engine.announce(event, Requester(0), &mut deeds);
        if passage == Passage::Suspend {
            // Nobody could resume an opening: a suspend rule on `none` holds nothing.
            engine.abandon(Requester(0));
            deeds.whats.retain(|what| !matches!(what, What::Suspended { .. }));
        }
        self.deeds = self.settle_deeds(deeds, layer, cx);
    }

    /// Closes a disk. It waits for nobody: requests on their way answer `ENODEV`.
    /// Returns them, oldest first.
    pub fn close(&mut self, disk_id: DiskId, cx: &mut Cx<'_>) -> Vec<RequestId> {
        let disk = &mut self.disks[disk_id.index()];
        if !disk.is_open {
            return Vec::new();
        }
        disk.is_open = false;
        cx.tell(self.now, What::Closed { disk: disk_id });
        for layer in &mut disk.layers {
            layer.tracked.clear();
            layer.flush_active = None;
            layer.flush_queue.clear();
        }
        let on_disk = self.requests.iter().flatten().filter(|request| request.disk == disk_id);
        let cut: Vec<_> = on_disk.map(|request| request.id).collect();
        for id in &cut {
            let disk = &mut self.disks[disk_id.index()];
            for layer in 0..disk.layers.len() {
                if let Some(engine) = disk.engine_mut(layer) {
                    engine.abandon(Requester(id.number()));
                }
            }
            self.cancel(*id);
            let mut request = self.take(*id);
            request.result = Err(Errno::ENODEV);
            self.complete(request, cx);
        }
        cut
    }

    /// Closes a disk and opens it again as it was: rules, state, armed list and breakpoints
    /// survive, and so do requests on their way. A closed disk is opened as it was closed.
    /// (QEMU: `bdrv_reopen`, to which blkdebug agrees and does nothing.)
    ///
    /// What [`try_reopen`](Self::try_reopen) is answered is not told.
    pub fn reopen(&mut self, disk_id: DiskId, cx: &mut Cx<'_>) {
        _ = self.try_reopen(disk_id, cx);
    }

    /// The same.
    ///
    /// # Errors
    ///
    /// What a fault rule says that strikes openings; the disk stays as it was, as with
    /// `bdrv_reopen`, which is prepared before anything is closed.
    pub fn try_reopen(&mut self, disk_id: DiskId, cx: &mut Cx<'_>) -> Result<(), Errno> {
        self.opens(disk_id, cx)?;
        let disk = &mut self.disks[disk_id.index()];
        disk.is_open = true;
        disk.medium.reopened();
        cx.tell(self.now, What::Reopened { disk: disk_id });
        Ok(())
    }

    /// Changes a disk's length, in bytes; new bytes are zeroes.
    ///
    /// # Errors
    ///
    /// `ENODEV` when it is closed, `EROFS` when it is read-only, `EFBIG` beyond 2^60.
    pub fn truncate(&mut self, disk_id: DiskId, len: u64, cx: &mut Cx<'_>) -> Result<(), Errno> {
        let disk = &mut self.disks[disk_id.index()];
        if !disk.is_open {
            return Err(Errno::ENODEV);
        }
        if disk.read_only {
            return Err(Errno::EROFS);
        }
        if len > 1 << 60 {
            return Err(Errno::EFBIG);
        }
        let submitted = disk.transfers;
        disk.transfers += 1;
        disk.medium.set_len(
            len,
            Arrival {
                request: RequestId::NONE,
                client: ClientId(u32::MAX),
                submitted,
                at: 0,
                len: 0,
                bytes: Bytes::Fill(0),
                fua: false,
                erases: false,
            },
        );
        // A change of length is a write to flushes (block/io.c, bdrv_co_truncate).
        for layer in &mut disk.layers {
            layer.written += 1;
        }
        cx.tell(self.now, What::Truncated { disk: disk_id, len });
        Ok(())
    }

    /// Submits a request for `client` and runs it as far as it goes: it may have completed when
    /// this returns. The client's stable name, and which of its requests this is, name the request
    /// to the choices.
    ///
    /// A request that cannot be begun completes at once: `ENODEV` when the disk is closed, `EIO`
    /// beyond its end, `EROFS` when it is read-only, `EINVAL` when it is too long or would be cut
    /// into too many pieces ([`Io::MAX_LEN`], [`Io::MAX_PIECES`]), `ENOMEM` when too many bytes
    /// are on their way ([`Io::MAX_UNDER_WAY`]).
    pub fn submit(
        &mut self,
        client: ClientId,
        (actor, nth): (Key, u64),
        disk: DiskId,
        io: Io,
        cx: &mut Cx<'_>,
    ) -> RequestId {
        let id = RequestId(self.first_request + self.requests.len() as u64);
        let shape = io.shape();
        cx.tell(self.now, What::Submitted { client, request: id, disk, shape });
        let mut request = self.spare.hold(Asked {
            id,
            client,
            actor,
            nth,
            disk,
            shape,
            life: Life::Running,
            since: self.disks[disk.index()].medium.seq(),
            file: None,
        });
        if !self.disks[disk.index()].powered {
            // Nobody is there to answer.
            request.life = Life::Lost;
            self.requests.push_back(Some(request));
            return id;
        }
        self.note_misuse(&request, cx);
        // Its place, for when it has to wait.
        self.requests.push_back(None);
        let flow = match self.refusal(disk, &shape) {
            Err(errno) => {
                request.result = Err(errno);
                Flow::Go
            }
            Ok(bytes) => {
                request.bytes = bytes;
                self.under_way += bytes;
                self.begin(&mut request, io, cx)
            }
        };
        self.go_on(request, flow, cx);
        self.wake(cx);
        id
    }

    /// How many bytes a request takes, or why it is not even begun.
    fn refusal(&self, disk: DiskId, shape: &Shape) -> Result<u64, Errno> {
        let disk = &self.disks[disk.index()];
        let writes = match shape.verb {
            Verb::Write | Verb::WriteZeroes | Verb::Discard | Verb::Erase => true,
            Verb::Read | Verb::Flush | Verb::Announce(_) => false,
        };
        let moves_bytes = matches!(shape.verb, Verb::Read | Verb::Write);
        if !disk.is_open {
            return Err(Errno::ENODEV);
        }
        if shape.at.checked_add(shape.len).is_none_or(|end| end > disk.medium.image.len()) {
            // block/block-backend.c, blk_check_byte_request.
            return Err(Errno::EIO);
        }
        // No more pieces than bytes.
        let is_cut = shape.len > Io::MAX_PIECES && disk.pieces(shape) > Io::MAX_PIECES;
        if (moves_bytes && shape.len > Io::MAX_LEN) || is_cut {
            return Err(Errno::EINVAL);
        }
        let bytes = disk.bytes(shape);
        if self.under_way.saturating_add(bytes) > Io::MAX_UNDER_WAY {
            return Err(Errno::ENOMEM);
        }
        if writes && disk.read_only {
            return Err(Errno::EROFS);
        }
        Ok(bytes)
    }

    /// The first step of a request.
    fn begin(&mut self, request: &mut Request, io: Io, cx: &mut Cx<'_>) -> Flow {
        let disk = &self.disks[request.disk.index()];
        let (first_node, untouched) = (disk.first_node, disk.untouched());
        let span = |at, len| Span { layer: 0, at, len };
        let step = match io {
            Io::Read { at, len } => {
                request.buffers.push(Buffer::blank(at, len, untouched));
                Step::Read(span(at, len))
            }
            Io::Write { at, data, fua } => {
                let span = span(at, data.len() as u64);
                let content = Content::Data(Source::Buffers);
                request.buffers.push(Buffer { at, bytes: Payload::Given(data) });
                Step::Write { span, content, fua }
            }
            Io::WriteZeroes { at, len, fua } => {
                Step::Write { span: span(at, len), content: Content::Zero, fua }
            }
            Io::Discard { at, len } => Step::Discard(span(at, len)),
            Io::Erase { at, len } => Step::Erase(span(at, len)),
            Io::Flush => Step::Flush { layer: 0 },
            Io::Announce(event) => Step::Announce { layer: first_node, event },
        };
        self.work += 1;
        self.perform(request, step, cx)
    }

    /// Does the next thing that is due now; `false` when nothing is.
    ///
    /// Which of several is a choice, whose answer 0 is the order in which they became due.
    pub fn step(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.due.next() != Some(self.now) {
            return false;
        }
        if self.due.has_several() {
            let keys: Vec<_> = self.due_now().map(|due| self.due_key(due)).collect();
            let index = cx.choices.pick(Point::new(PointKind::Completion, Key::WORLD), &keys);
            self.step_to(index, cx);
        } else if let Some(due) = self.due.pop() {
            self.come(due, cx);
        }
        true
    }

    /// What is due now, in the order in which it became due.
    pub fn due_now(&self) -> impl Iterator<Item = Due> {
        self.slots_now().map(|(_, due)| due)
    }

    fn slots_now(&self) -> impl Iterator<Item = (Slot, Due)> {
        let is_now = self.due.next() == Some(self.now);
        is_now.then(|| self.due.soonest()).into_iter().flatten()
    }

    /// Does one of the things due now, by its place in [`Self::due_now`]: for those who decide
    /// without asking choices.
    ///
    /// # Panics
    ///
    /// When fewer things are due.
    pub fn step_to(&mut self, index: usize, cx: &mut Cx<'_>) {
        let due_now = self.slots_now().nth(index);
        let (slot, due) = due_now.expect("the place is one of what is due now");
        self.due.remove(slot);
        self.come(due, cx);
    }

    /// What was due happens.
    fn come(&mut self, due: Due, cx: &mut Cx<'_>) {
        if let Some(request) = due.request().and_then(|id| self.request_mut(id)) {
            request.due = None;
        }
        match due {
            Due::Answer(id) | Due::Transfer(id) => self.enter(id, cx),
            Due::File(id) => self.finish_file(id, cx),
            Due::Release(node, id) => self.time_out(node, id, cx),
            Due::Cut(disk) => self.cut_one(disk, cx),
            Due::Return(disk) => self.reconnect(disk, cx),
            Due::Window(disk, rule, open) => {
                self.disks[disk.index()].triggers.enable(rule, open);
            }
        }
    }

    /// Whether the medium can do one of the transfers due now before it is said to be done, and
    /// that would make a difference: it has not done it yet, nor another one due now that touches
    /// the same bytes.
    #[must_use]
    pub fn can_carry_out(&self, index: usize) -> bool {
        let transfers: Vec<_> = self.due_now().map(|due| self.transfer_of(due)).collect();
        let Some(Some((disk, one))) = transfers.get(index) else { return false };
        transfers.iter().enumerate().any(|(place, other)| {
            place != index
                && other.is_some_and(|(other_disk, other)| *disk == other_disk && one.meets(other))
        })
    }

    /// The medium does one of the transfers due now, by its place in [`Self::due_now`]; that it is
    /// done is told later, by [`Self::step_to`].
    pub fn carry_out(&mut self, index: usize) {
        let Some(due) = self.due_now().nth(index) else { return };
        if let (Some((_, transfer)), Some(id)) = (self.transfer_of(due), due.request()) {
            let mut request = self.take(id);
            request.plan.pop();
            // Whoever decides by hand has no cuts behind and no faults ahead: nothing is asked.
            let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
            self.apply(&mut request, transfer, cx);
            self.put_back(request);
        }
    }

    /// The transfer that is due, unless the medium has done it.
    fn transfer_of(&self, due: Due) -> Option<(DiskId, Transfer)> {
        let Due::Transfer(id) = due else { return None };
        let request = self.request(id)?;
        match request.plan.last()? {
            Step::Applied(transfer) => Some((request.disk, *transfer)),
            _ => None,
        }
    }

    fn due_key(&self, due: Due) -> Key {
        let disk = |disk: DiskId| self.disks[disk.index()].medium.key;
        match due {
            // At most one thing is due for a request, so its key is nobody else's.
            Due::Answer(id) | Due::Transfer(id) | Due::File(id) | Due::Release(_, id) => {
                self.request(id).expect("what is due is due for somebody").key()
            }
            Due::Cut(id) => disk(id).nth(0),
            Due::Return(id) => disk(id).nth(1),
            Due::Window(id, rule, _) => disk(id).nth(2 + u64::from(rule.0)),
        }
    }

    /// Sets a breakpoint on a node.
    pub fn set_breakpoint(&mut self, node: NodeId, event: EventId, tag: Tag, cx: &mut Cx<'_>) {
        self.engine_mut(node).set_breakpoint(event, tag.clone());
        cx.tell(self.now, What::BreakSet { node, event, tag });
    }

    /// Removes a node's breakpoints with this tag and resumes whoever is suspended under it,
    /// newest first, each as far as it goes. Returns whether the command reports success.
    pub fn remove_breakpoint(&mut self, node: NodeId, tag: &Tag, cx: &mut Cx<'_>) -> bool {
        let engine = self.engine_mut(node);
        let removal = engine.remove_breakpoint(tag.as_str());
        let held = engine.suspensions().iter().filter(|held| held.tag() == tag).count();
        let found = removal.succeeds(held);
        let removed = removal.removed as u64;
        cx.tell(self.now, What::BreakRemoved { node, tag: tag.clone(), removed, found });
        while self.engine(node).is_suspended(tag.as_str()) {
            self.resume(node, tag, cx);
        }
        found
    }

    /// Resumes the request most recently suspended under `tag` on a node and runs it as far as it
    /// goes. Returns whether there was one.
    pub fn resume(&mut self, node: NodeId, tag: &Tag, cx: &mut Cx<'_>) -> bool {
        let layer = self.layer_of(node);
        let whats = core::mem::take(&mut self.deeds);
        let mut deeds = Deeds { node, request: RequestId::NONE, whats };
        let resumed = self.engine_mut(node).resume(tag.as_str(), &mut deeds);
        self.deeds = self.settle_deeds(deeds, layer, cx);
        let Some(resumed) = resumed else {
            cx.tell(self.now, What::NobodyResumed { node, tag: tag.clone() });
            return false;
        };
        self.resumed(node, RequestId(resumed.who.0), resumed.passage, cx);
        true
    }

    /// A request was held on `node` as long as it may be. Where it is held under several tags at
    /// once, all of them have lasted as long.
    fn time_out(&mut self, node: NodeId, id: RequestId, cx: &mut Cx<'_>) {
        loop {
            self.release(node, id, cx);
            let still = self.request(id).filter(|request| request.life == Life::Suspended);
            // A new suspension has a time of its own.
            if still.is_none_or(|request| request.due.is_some()) {
                return;
            }
        }
    }

    /// Ends the most recent suspension of a request on `node`, if it is still held there.
    pub(crate) fn release(&mut self, node: NodeId, id: RequestId, cx: &mut Cx<'_>) {
        if self.life(id) != Life::Suspended {
            return;
        }
        let layer = self.layer_of(node);
        let whats = core::mem::take(&mut self.deeds);
        let mut deeds = Deeds { node, request: id, whats };
        let resumed = self.engine_mut(node).release(Requester(id.number()), &mut deeds);
        self.deeds = self.settle_deeds(deeds, layer, cx);
        if let Some(resumed) = resumed {
            self.resumed(node, id, resumed.passage, cx);
        }
    }

    fn resumed(&mut self, node: NodeId, id: RequestId, passage: Passage, cx: &mut Cx<'_>) {
        match passage {
            Passage::Pass => {
                self.cancel(id);
                self.enter(id, cx);
            }
            // In 2.6 the next breakpoint holds it now; in 10.0.2 it has been held by all of them.
            Passage::Suspend if self.disks[node.disk.index()].dialect == Dialect::Qemu2_6 => {
                self.cancel(id);
                let mut request = self.take(id);
                self.hold(&mut request, node);
                self.put_back(request);
            }
            Passage::Suspend => {}
        }
    }

    /// A request was suspended at `node`.
    pub(crate) fn hold(&mut self, request: &mut Request, node: NodeId) {
        if let Resumes::AfterNs(ns) = self.resumes {
            let due = Due::Release(node, request.id);
            self.due_at(request, self.now.after_ns(ns), due);
        }
    }

    /// Takes out of the queue what is due for a request.
    pub(crate) fn cancel(&mut self, id: RequestId) {
        if let Some(key) = self.request_mut(id).and_then(|request| request.due.take()) {
            self.due.remove(key);
        }
    }

    /// Who ends suspensions, besides the script.
    #[must_use]
    pub const fn resumes(&self) -> Resumes {
        self.resumes
    }

    /// Where a suspended request is held.
    pub(crate) fn held_at(&self, id: RequestId) -> Option<NodeId> {
        let request = self.request(id)?;
        let disk = &self.disks[request.disk.index()];
        let holds = |layer: &usize| {
            let engine = disk.engine(*layer);
            let who = Requester(id.number());
            engine.is_some_and(|engine| engine.suspensions().iter().any(|held| held.who() == who))
        };
        let layer = (disk.first_node..disk.layers.len()).find(holds)?;
        Some(NodeId { disk: request.disk, depth: disk.depth(layer) })
    }

    /// The stable name of a request that has not completed.
    pub(crate) fn request_key(&self, id: RequestId) -> Option<Key> {
        self.request(id).map(Request::key)
    }

    /// Puts something in the queue.
    pub(crate) fn due_at(&mut self, request: &mut Request, at: Instant, due: Due) {
        debug_assert!(request.due.is_none(), "one thing at a time is due for a request");
        request.due = Some(self.due.insert(at, due));
    }

    /// Runs a request, then those it woke, and those they woke before the rest, as coroutines that
    /// wake one another do.
    fn enter(&mut self, first: RequestId, cx: &mut Cx<'_>) {
        self.run_again(first, cx);
        self.wake(cx);
    }

    /// A request has run: what it has brought about comes now, and those it woke.
    fn wake(&mut self, cx: &mut Cx<'_>) {
        if self.cutting.is_some() || self.disconnecting.is_some() {
            self.aftermath(cx);
        }
        if !self.woken.is_empty() {
            self.run_woken(cx);
        }
    }

    fn run_woken(&mut self, cx: &mut Cx<'_>) {
        let mut pending: Vec<_> = self.woken.drain(..).rev().collect();
        while let Some(id) = pending.pop() {
            self.run_again(id, cx);
            self.aftermath(cx);
            pending.extend(self.woken.drain(..).rev());
        }
    }

    /// Runs a request that has waited.
    fn run_again(&mut self, id: RequestId, cx: &mut Cx<'_>) {
        // A disk that was closed while this request was about to be woken has answered for it.
        if self.request(id).is_some_and(|request| request.life != Life::Lost) {
            let request = self.take(id);
            self.run(request, cx);
        }
    }

    /// Runs a request until it waits or completes.
    fn run(&mut self, mut request: Box<Request>, cx: &mut Cx<'_>) {
        request.life = Life::Running;
        self.go_on(request, Flow::Go, cx);
    }

    /// The same, after a step that went so.
    fn go_on(&mut self, mut request: Box<Request>, mut flow: Flow, cx: &mut Cx<'_>) {
        loop {
            if let Flow::Wait(life) = flow {
                request.life = life;
                self.put_back(request);
                return;
            }
            let Some(step) = request.plan.pop() else { break };
            self.work += 1;
            flow = self.perform(&mut request, step, cx);
        }
        self.complete(request, cx);
    }

    fn complete(&mut self, mut request: Box<Request>, cx: &mut Cx<'_>) {
        request.life = Life::Completed;
        let read = matches!(request.shape.verb, Verb::Read) && request.result.is_ok();
        self.keep_promises(&request);
        let mut data = match request.shape.verb {
            Verb::Read if request.result.is_ok() => {
                core::mem::take(request.buffers.swap_remove(0).bytes.own())
            }
            _ => Vec::new(),
        };
        let len = request.short.unwrap_or(request.shape.len);
        if read {
            data.truncate(len as usize);
        }
        // What was read stays until it is taken.
        self.under_way -= request.bytes - data.len() as u64;
        let result = request.result;
        let (client, id) = (request.client, request.id);
        cx.tell(
            self.now,
            match (request.short, result) {
                (Some(len), Ok(())) if len < request.shape.len => {
                    What::CompletedShort { client, request: id, len }
                }
                _ => What::Completed { client, request: id, result },
            },
        );
        let completion = Completion { request: request.id, result, data, len };
        self.completions.push_back((request.client, completion));
        self.spare.keep(request);
        self.forget_completed();
    }

    /// The oldest requests that are done need no place any more.
    pub(crate) fn forget_completed(&mut self) {
        while let Some(None) = self.requests.front() {
            self.requests.pop_front();
            self.first_request += 1;
        }
    }

    fn request(&self, id: RequestId) -> Option<&Request> {
        let place = id.number().checked_sub(self.first_request)?;
        self.requests.get(place as usize)?.as_deref()
    }

    pub(crate) fn request_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        let place = id.number().checked_sub(self.first_request)?;
        self.requests.get_mut(place as usize)?.as_deref_mut()
    }

    fn take(&mut self, id: RequestId) -> Box<Request> {
        let place = (id.number() - self.first_request) as usize;
        self.requests[place].take().expect("a request is in one place at a time")
    }

    fn put_back(&mut self, request: Box<Request>) {
        let place = (request.id.number() - self.first_request) as usize;
        self.requests[place] = Some(request);
    }

    /// Where a node stands among its disk's layers.
    fn layer_of(&self, node: NodeId) -> usize {
        self.disks[node.disk.index()].first_node + node.depth as usize
    }

    fn engine_mut(&mut self, node: NodeId) -> &mut Engine {
        let layer = self.layer_of(node);
        let engine = self.disks[node.disk.index()].engine_mut(layer);
        engine.expect("a node is named by its depth")
    }
}
