//! The power goes and comes back; disks vanish and return; faults are put on a disk and lifted.

use alloc::vec;
use alloc::vec::Vec;

use core::hash::{Hash, Hasher};

use headcrash_engine::{Engine, Requester, StableHasher, TriggerId};

use crate::agenda::Due;
use crate::block::transferring;
use crate::choices::{Key, Point, PointKind};
use crate::copies::Copies;
use crate::disk::{Disk, DiskId, LayerKind, NodeId};
use crate::fault::{Effect, Fault, Lasts};
use crate::file_ops::FsId;
use crate::flash::FlashTold;
use crate::image::Image;
use crate::io::{RequestId, Shape, Verb};
use crate::medium::{Arrival, Content as Left, DeviceEvent, LiveFault, Shows, StateCount};
use crate::misuse::{KEPT, Misuse, MisuseKind};
use crate::request::{Life, Request, Span};
use crate::time::Instant;
use crate::trace::What;
use crate::world::{Cx, World};

impl Disk {
    /// The power goes with these writes under way.
    fn cut(&mut self, arrivals: Vec<Arrival>) {
        match &mut self.flash {
            None => self.medium.power_cut(arrivals.into_iter()),
            Some(flash) => flash.power_cut(arrivals.into_iter().map(Arrival::into_flash)),
        }
    }
}

/// One disk's power goes so long after another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Skew {
    /// Whose goes first, with all who share its fate.
    pub first: DiskId,
    /// Whose goes then, with all who share its fate.
    pub then: DiskId,
    /// Nanoseconds of virtual time between the two.
    pub after_ns: u64,
}

/// What becomes of the engines of a disk's nodes at a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Engines {
    /// They begin anew, and so do the fault rules' counts.
    #[default]
    Reset,
    /// State, armed errors, spent rules and breakpoints stay as they were.
    Survive,
}

/// What a disk may hold somewhere after a power cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitStates {
    /// Its first byte.
    pub at: u64,
    /// What it may hold, newest first; the durable one comes last, or looks like an earlier one.
    pub versions: Vec<Vec<u8>>,
    /// What it may hold if it was torn. Unreadable, or any of too many mixtures, is empty.
    pub tears: Vec<Vec<u8>>,
    /// How many torn contents there are in all, mixtures counted.
    pub tear_count: u64,
}

impl World {
    /// How much later the power of some disks goes than that of others.
    pub fn set_skew(&mut self, skew: Vec<Skew>) {
        self.skew = skew.into();
    }

    /// Of which copies faults may damage only so many.
    pub fn set_copies(&mut self, copies: Vec<Copies>) {
        self.copies = copies.into();
    }

    /// Whether a disk has power.
    #[must_use]
    pub fn is_powered(&self, disk: DiskId) -> bool {
        self.disks[disk.index()].powered
    }

    /// Whether no disk and no file system has power: then no client lives.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        !(self.disks.is_empty() && self.file_systems.is_empty())
            && self.disks.iter().all(|disk| !disk.powered)
            && (0..self.file_systems.len() as u32).all(|fs| !self.is_mounted(FsId(fs)))
    }

    /// Asks, for rules that leave it to the choices, whether they are in force in this run at all.
    pub fn draw_swarm(&mut self, cx: &mut Cx<'_>) {
        // Answer 0, the dullest, is a run without it.
        let mut draw =
            |key: Key| cx.choices.choose(Point::new(PointKind::Fault, key.nth(0)), 2) == 1;
        let mut drawn = Vec::new();
        for (index, disk) in (0..).map(DiskId).zip(&mut self.disks) {
            for (rule, fault) in (0..).map(TriggerId).zip(disk.rules.iter()) {
                if !fault.swarm {
                    continue;
                }
                let enabled = draw(fault.key);
                if !enabled {
                    disk.triggers.leave_out(rule);
                }
                drawn.push(What::Swarm { disk: index, rule, enabled });
            }
            for (depth, rule, key) in disk.swarm.iter().copied() {
                let enabled = draw(key);
                if !enabled {
                    disk.left_out.push((depth, rule));
                }
                let node = NodeId { disk: index, depth };
                drawn.push(What::SwarmRule { node, rule, enabled });
            }
            disk.leave_out();
        }
        for what in drawn {
            cx.tell(self.now, what);
        }
        self.draw_swarm_of_files(cx);
    }

    /// Opens and closes the windows of a disk's fault rules from now on.
    pub(crate) fn open_windows(&mut self, id: DiskId, _cx: &mut Cx<'_>) {
        let disk = &mut self.disks[id.index()];
        if core::mem::replace(&mut disk.has_windows, true) {
            return;
        }
        let mut due = Vec::new();
        for (place, rule) in (0..).zip(disk.rules.iter()) {
            let Some((from, until)) = rule.window else { continue };
            let rule = TriggerId(place);
            disk.triggers.enable(rule, from <= self.now.ns() && self.now.ns() < until);
            due.extend([
                (from, Due::Window(id, rule, true)),
                (until, Due::Window(id, rule, false)),
            ]);
        }
        for (at, what) in due {
            if at > self.now.ns() {
                self.due.insert(Instant::from_ns(at), what);
            }
        }
    }

    /// The power goes: for this disk and whoever shares its fate, and for others as much later as
    /// [`World::set_skew`] says. Requests on their way are lost or partly done, suspended ones
    /// vanish; nobody answers any more.
    pub fn power_cut(&mut self, disk: DiskId, cx: &mut Cx<'_>) {
        self.cut_one(disk, cx);
        let skew = alloc::sync::Arc::clone(&self.skew);
        for skew in skew.iter() {
            if self.share_fate(skew.first, disk) && self.disks[skew.then.index()].powered {
                self.due.insert(self.now.after_ns(skew.after_ns), Due::Cut(skew.then));
            }
        }
    }

    /// The power goes for every disk and every file system, at once.
    pub fn power_cut_all(&mut self, cx: &mut Cx<'_>) {
        for disk in 0..self.disks.len() as u32 {
            self.cut_one(DiskId(disk), cx);
        }
        self.power_cut_files(cx);
    }

    /// Disks of one group share their fate; so do those that are in none, unless a skew tells two
    /// of them apart.
    fn share_fate(&self, one: DiskId, other: DiskId) -> bool {
        let group = |disk: DiskId| self.disks[disk.index()].group;
        let apart = |skew: &Skew| {
            (skew.first, skew.then) == (one, other) || (skew.then, skew.first) == (one, other)
        };
        one == other
            || (group(one) == group(other)
                && (group(one).is_some() || !self.skew.iter().any(apart)))
    }

    /// The power goes for a disk and whoever shares its fate.
    pub(crate) fn cut_one(&mut self, disk: DiskId, cx: &mut Cx<'_>) {
        let all: Vec<_> = (0..self.disks.len() as u32)
            .map(DiskId)
            .filter(|other| self.share_fate(disk, *other) && self.disks[other.index()].powered)
            .collect();
        for id in all {
            if !self.disks[id.index()].is_silent {
                cx.tell(self.now, What::PowerCut { disk: id });
            }
            let disk = &mut self.disks[id.index()];
            (disk.powered, disk.is_open) = (false, false);
            let (arrivals, lost) = self.under_way(id);
            self.disks[id.index()].cut(arrivals);
            for request in lost {
                self.lose(request, cx);
            }
            self.darken(id);
        }
        // File systems share the fate of disks that are in no group.
        if self.disks[disk.index()].group.is_none() {
            self.power_cut_files(cx);
        }
    }

    /// The writes on their way to a disk's medium, in the order of submission, and all requests
    /// that are not done.
    fn under_way(&self, id: DiskId) -> (Vec<Arrival>, Vec<RequestId>) {
        let here = self.requests.iter().flatten().filter(|request| request.disk == id);
        let mut arrivals = Vec::new();
        let mut lost = Vec::new();
        for request in here {
            if request.life == Life::Lost {
                continue;
            }
            lost.push(request.id);
            if self.disks[id.index()].connected && !self.disks[id.index()].forgets {
                arrivals.extend(transferring(request));
            }
        }
        arrivals.sort_by_key(|arrival| arrival.submitted);
        (arrivals, lost)
    }

    pub(crate) fn lose(&mut self, id: RequestId, cx: &mut Cx<'_>) {
        self.cancel(id);
        let Some(request) = self.request_mut(id) else { return };
        request.life = Life::Lost;
        request.plan.clear();
        request.buffers.clear();
        let (client, bytes) = (request.client, core::mem::take(&mut request.bytes));
        self.under_way -= bytes;
        cx.tell(self.now, What::Lost { client, request: id });
    }

    /// Whatever a disk's layers and engines know of requests is gone.
    fn darken(&mut self, id: DiskId) {
        let lost: Vec<_> = self
            .requests
            .iter()
            .flatten()
            .filter(|request| request.disk == id)
            .map(|request| request.id)
            .collect();
        let disk = &mut self.disks[id.index()];
        for layer in &mut disk.layers {
            layer.tracked.clear();
            layer.flush_active = None;
            layer.flush_queue.clear();
            if let LayerKind::Node(engine) = &mut layer.kind {
                for request in &lost {
                    engine.abandon(Requester(request.number()));
                }
            }
        }
        for request in &lost {
            disk.triggers.forget(Requester(request.number()));
        }
        disk.writes_refused = false;
        disk.rest();
    }

    /// The power comes back for every disk, with the engines as asked; clients that waited for
    /// lost requests are gone. Disks are open again, and what the cut left undecided is decided
    /// when somebody looks.
    pub fn power_on(&mut self, engines: Engines, cx: &mut Cx<'_>) {
        let lives = |request: &Request| request.life != Life::Lost;
        debug_assert!(
            !self.requests.iter().flatten().any(|request| lives(request)),
            "nobody survives a cut"
        );
        self.first_request += self.requests.len() as u64;
        self.requests.clear();
        self.completions.clear();
        self.under_way = 0;
        self.power_on_files(engines, cx);
        for index in 0..self.disks.len() as u32 {
            let id = DiskId(index);
            if self.disks[id.index()].powered {
                continue;
            }
            if self.disks[id.index()].is_silent {
                self.disks[id.index()].powered = true;
                continue;
            }
            cx.tell(self.now, What::PowerOn { disk: id });
            let disk = &mut self.disks[id.index()];
            disk.powered = true;
            disk.connected = true;
            let len = disk.medium.power_on(cx.choices);
            if let Some(len) = len {
                cx.tell(self.now, What::LengthResolved { disk: id, len });
            }
            let disk = &mut self.disks[id.index()];
            if disk.wants_before {
                disk.medium.before = Some(disk.medium.image.clone());
            }
            match engines {
                Engines::Survive => {
                    if self.opens(id, cx).is_err() {
                        continue;
                    }
                    let disk = &mut self.disks[id.index()];
                    disk.is_open = true;
                    for layer in &mut disk.layers {
                        (layer.written, layer.flushed) = (0, 0);
                    }
                    cx.tell(self.now, What::Reopened { disk: id });
                }
                Engines::Reset => {
                    let before = core::mem::take(&mut disk.triggers);
                    let all = disk.rules.iter().map(|rule| rule.trigger.clone()).collect();
                    disk.triggers = headcrash_engine::Triggers::new(all);
                    for (place, rule) in (0..).map(TriggerId).zip(disk.rules.iter()) {
                        if before.is_left_out(place) {
                            disk.triggers.leave_out(place);
                        }
                        if rule.key == crate::FaultRule::EACH {
                            disk.triggers.carry_on(place, &before);
                        }
                    }
                    disk.has_windows = false;
                    for layer in &mut disk.layers {
                        if let LayerKind::Node(engine) = &mut layer.kind {
                            **engine = Engine::new(engine.program().clone());
                        }
                    }
                    disk.leave_out();
                    self.open(id, cx);
                }
            }
        }
    }

    /// Two disks change places, as when cables are swapped while the power is off: each has the
    /// other's medium. Their lengths must be equal for that to go unnoticed.
    pub fn swap_disks(&mut self, one: DiskId, other: DiskId) {
        if one == other {
            return;
        }
        let (low, high) = (one.index().min(other.index()), one.index().max(other.index()));
        let (front, back) = self.disks.split_at_mut(high);
        core::mem::swap(&mut front[low].medium, &mut back[0].medium);
    }

    /// A disk vanishes, with whatever was in its cache.
    pub(crate) fn disconnect(&mut self, id: DiskId, returns_ns: Option<u64>, cx: &mut Cx<'_>) {
        if !self.disks[id.index()].connected || !self.disks[id.index()].powered {
            return;
        }
        cx.tell(self.now, What::Gone { disk: id });
        let (arrivals, _) = self.under_way(id);
        let disk = &mut self.disks[id.index()];
        disk.cut(arrivals);
        disk.connected = false;
        if let Some(ns) = returns_ns {
            self.due.insert(self.now.after_ns(ns), Due::Return(id));
        }
    }

    /// A disk that had vanished answers again.
    pub(crate) fn reconnect(&mut self, id: DiskId, cx: &mut Cx<'_>) {
        let disk = &mut self.disks[id.index()];
        if disk.connected || !disk.powered {
            return;
        }
        disk.connected = true;
        if disk.wants_before {
            disk.medium.before = Some(disk.medium.image.clone());
        }
        let len = disk.medium.power_on(cx.choices);
        cx.tell(self.now, What::Returned { disk: id });
        if let Some(len) = len {
            cx.tell(self.now, What::LengthResolved { disk: id, len });
        }
    }

    /// A request has ended: what its answer promises is remembered.
    pub(crate) fn keep_promises(&mut self, request: &Request) {
        let disk = &mut self.disks[request.disk.index()];
        if !disk.triggers.is_empty() {
            disk.triggers.forget(Requester(request.id.number()));
        }
        if request.result.is_err() {
            return;
        }
        match request.shape.verb {
            Verb::Flush => disk.medium.promise(request.since),
            Verb::Write | Verb::WriteZeroes if request.shape.fua && request.short.is_none() => {
                disk.medium.promise_write(request.id, request.since);
            }
            _ => {}
        }
    }

    /// Where a cut lost, or may have lost, what a client had been told is durable: first byte and
    /// length. Empty on every honest disk.
    #[must_use]
    pub fn broken_promises(&self, disk: DiskId) -> &[(u64, u64)] {
        &self.disks[disk.index()].medium.broken
    }

    /// The faults that lie over a disk's bytes now.
    pub fn live_faults(&self, disk: DiskId) -> impl Iterator<Item = &LiveFault> {
        self.disks[disk.index()].medium.overlays.live()
    }

    /// What flash has decided is told.
    pub(crate) fn tell_flash(&self, disk: DiskId, told: Vec<FlashTold>, cx: &mut Cx<'_>) {
        for told in told {
            let what = match told {
                FlashTold::Resolved { at, len, units, unlike } => {
                    What::FlashResolved { disk, at, len, units, unlike }
                }
                FlashTold::Disturbed { at, bit } => What::FlashDisturbed { disk, at, bit },
            };
            cx.tell(self.now, what);
        }
    }

    /// Puts a fault of the medium on a stretch of a disk: unreadable, unwritable, rotten, garbage,
    /// a pattern, or stale. Returns `false` for other faults, which are not of the medium.
    pub fn damage(
        &mut self,
        disk: DiskId,
        (at, len): (u64, u64),
        fault: Fault,
        cx: &mut Cx<'_>,
    ) -> bool {
        let medium = &self.disks[disk.index()].medium;
        let len = len.min(medium.image.len().saturating_sub(at));
        let Some((shows, lasts)) = self.shows(disk, at, len, fault, cx) else { return false };
        self.disks[disk.index()].medium.damage(at, len, shows, lasts, None);
        cx.tell(self.now, What::Damaged { disk, at, len });
        true
    }

    /// Lifts every fault that lies over a stretch of a disk: clean bytes are under it. Returns how
    /// many there were.
    pub fn lift(&mut self, disk: DiskId, at: u64, len: u64, cx: &mut Cx<'_>) -> u64 {
        let count = self.disks[disk.index()].medium.overlays.lift(at, len) as u64;
        cx.tell(self.now, What::Lifted { disk, at, len, count });
        count
    }

    /// Lays a fault over a stretch, unless that would damage too many copies of something.
    pub(crate) fn hurt(
        &mut self,
        disk: DiskId,
        (at, len): (u64, u64),
        (shows, lasts): (Shows, Lasts),
        rule: TriggerId,
        cx: &mut Cx<'_>,
    ) {
        if len == 0 {
            return;
        }
        for copies in self.copies.iter() {
            let others = copies.others(disk, at, len);
            let damaged = others.iter().filter(|(other, at, len)| {
                self.disks[other.index()].medium.overlays.damages(*at, *len)
            });
            if !others.is_empty() && damaged.count() >= copies.at_most {
                cx.tell(self.now, What::Spared { disk, rule });
                return;
            }
        }
        self.disks[disk.index()].medium.damage(at, len, shows, lasts, Some(rule));
    }

    /// Whether every byte of a stretch can be read, whatever a cut left undecided there.
    #[must_use]
    pub fn is_readable(&self, disk: DiskId, at: u64, len: u64) -> bool {
        let medium = &self.disks[disk.index()].medium;
        medium.overlays.readable(at, len).is_ok()
            && medium.open_units(at, len).into_iter().all(|unit| {
                let candidates = medium.candidates(unit);
                candidates.tears.iter().all(|tear| !matches!(tear.content, Left::Unreadable(_)))
            })
    }

    /// Works out what the unit of a disk that begins at `at` may hold after the last cut, for all
    /// clones of this world: each would otherwise work it out when it first reads it. Nothing is
    /// decided, and no answer changes.
    pub fn foresee(&mut self, disk: DiskId, at: u64) {
        self.disks[disk.index()].medium.foresee(at);
    }

    /// What a cut left undecided in a stretch of a disk, unit by unit. Nothing is decided by
    /// asking.
    #[must_use]
    pub fn undecided(&self, disk: DiskId, at: u64, len: u64) -> Vec<UnitStates> {
        let medium = &self.disks[disk.index()].medium;
        let bytes = |content: &Left| match content {
            Left::Bytes(bytes) => bytes.to_vec(),
            Left::Unreadable(_) | Left::Mixed { .. } => Vec::new(),
        };
        let states = |at| {
            let found = medium.candidates(at);
            let count = |content: &Left| match content {
                Left::Mixed { differ, .. } => {
                    1_u64.checked_shl(differ.len() as u32).map_or(u64::MAX, |all| all - 2)
                }
                Left::Bytes(_) | Left::Unreadable(_) => 1,
            };
            let counts = found.tears.iter().map(|tear| count(&tear.content));
            UnitStates {
                at,
                versions: found.versions.iter().map(|version| bytes(&version.content)).collect(),
                tears: found.tears.iter().map(|tear| bytes(&tear.content)).collect(),
                tear_count: counts.fold(0, u64::saturating_add),
            }
        };
        medium.open_units(at, len).into_iter().map(states).collect()
    }

    /// The writes of a disk that cuts may have lost, by number: those that
    /// [`Choices::choose_version`](crate::Choices::choose_version) names. No two disks of a world
    /// have one in common.
    #[must_use]
    pub fn loose_writes(&self, disk: DiskId) -> Vec<u64> {
        self.disks[disk.index()].medium.loose_writes()
    }

    /// The stretches of a disk in which a cut left something undecided: first byte and length.
    #[must_use]
    pub fn undecided_stretches(&self, disk: DiskId) -> Vec<(u64, u64)> {
        self.disks[disk.index()].medium.open_stretches()
    }

    /// Decides everything that cuts left undecided on a disk, and gives what is on it then. It takes
    /// a step for every unit in [`Self::undecided_stretches`]: whoever does not know the disk looks
    /// at their length first.
    pub fn decide_all(&mut self, disk: DiskId, cx: &mut Cx<'_>) -> Image {
        let now = self.now;
        if let Disk { flash: Some(flash), medium, .. } = &mut self.disks[disk.index()] {
            let mut told = Vec::new();
            flash.resolve_told(cx.choices, medium.key, &mut |what| told.push(what));
            let image = flash.image();
            self.tell_flash(disk, told, cx);
            return image;
        }
        let medium = &mut self.disks[disk.index()].medium;
        let Cx { choices, sink } = cx;
        let mut tell = |resolution| {
            sink.tell(crate::trace::Fact { at: now, what: What::Resolved { disk, resolution } });
        };
        for (at, len) in medium.open_stretches() {
            medium.resolve(at, len, &mut **choices, &mut tell);
        }
        medium.image.clone()
    }

    /// How many states cuts have left a disk in that reads could tell apart.
    #[must_use]
    pub fn possible_states(&self, disk: DiskId) -> StateCount {
        let disk = &self.disks[disk.index()];
        match &disk.flash {
            None => disk.medium.possible_states(),
            Some(flash) => {
                let possible = flash.possible();
                StateCount {
                    exact: (possible != u128::MAX).then_some(possible),
                    log2_milli: (flash.possible_log2() * 1000) >> 16,
                }
            }
        }
    }

    /// A number that changes whenever what a cut would leave may have changed: writes that were
    /// submitted or done, flushes, promises.
    #[must_use]
    pub fn cut_digest(&self) -> u64 {
        let mut hasher = StableHasher::default();
        for disk in &self.disks {
            disk.medium.digest(&mut hasher);
            (disk.transfers, disk.powered, disk.connected).hash(&mut hasher);
        }
        self.digest_files(&mut hasher);
        hasher.finish()
    }

    /// Writes down what a disk does from now on.
    pub fn keep_history(&mut self, disk: DiskId) {
        let medium = &mut self.disks[disk.index()].medium;
        _ = medium.history.get_or_insert_default();
    }

    /// What a disk did since [`Self::keep_history`]; empty without it.
    #[must_use]
    pub fn history(&self, disk: DiskId) -> &[DeviceEvent] {
        self.disks[disk.index()].medium.history.as_ref().map_or(&[], |history| history.events())
    }

    /// The power of a disk, and of whoever shares its fate, goes at this moment.
    ///
    /// # Panics
    ///
    /// When the moment is over.
    pub fn cut_at(&mut self, disk: DiskId, at: Instant) {
        assert!(at >= self.now, "the power goes in the future");
        self.due.insert(at, Due::Cut(disk));
    }

    /// How many writes of a disk a cut could lose.
    #[must_use]
    pub fn unflushed(&self, disk: DiskId) -> usize {
        self.disks[disk.index()].medium.unflushed()
    }

    /// What a disk promises.
    #[must_use]
    pub fn device(&self, disk: DiskId) -> &crate::Device {
        &self.disks[disk.index()].medium.device
    }

    /// A disk's stable name, as choices about it are asked.
    #[must_use]
    pub fn disk_key(&self, disk: DiskId) -> Key {
        self.disks[disk.index()].medium.key
    }

    /// Reads a stretch as a client would, faults included, without being one. Undecided units show
    /// their newest content. `None` when it cannot be read.
    #[must_use]
    pub fn peek(&self, disk: DiskId, at: u64, len: u64) -> Option<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        self.image(disk).read(at, &mut bytes);
        self.disks[disk.index()].medium.overlays.read(at, &mut bytes).ok()?;
        Some(bytes)
    }

    /// What devices saw their users do and should not, by disk; at most sixty-four of each.
    pub fn misuses(&self) -> impl Iterator<Item = &Misuse> {
        self.disks.iter().flat_map(|disk| &disk.misuses)
    }

    /// Looks at a request as it is submitted.
    pub(crate) fn note_misuse(&mut self, request: &Request, cx: &mut Cx<'_>) {
        let disk = &self.disks[request.disk.index()];
        if disk.misuses.len() >= KEPT {
            return;
        }
        let Shape { verb, at, len, .. } = request.shape;
        let span = Span { layer: 0, at, len };
        let moves = matches!(verb, Verb::Read | Verb::Write | Verb::WriteZeroes);
        // A power of two.
        let sector = disk.medium.device.sector;
        let end = at.checked_add(len);
        // Flash answers for itself.
        let sector = if disk.flash.is_some() { 1 } else { sector };
        let what = if !disk.is_open {
            Some(MisuseKind::Closed)
        } else if end.is_none_or(|end| end > disk.medium.image.len()) {
            Some(MisuseKind::PastEnd)
        } else if moves && (at | len) & (sector - 1) != 0 {
            Some(MisuseKind::Misaligned)
        } else if moves && len > 0 {
            self.overlapping(request, span).map(|with| MisuseKind::Overlap { with })
        } else {
            None
        };
        if let Some(what) = what {
            self.misused(request.disk, request.id, what, cx);
        }
    }

    /// Keeps a misuse, and tells it where somebody wants to know at once.
    pub(crate) fn misused(
        &mut self,
        disk: DiskId,
        request: RequestId,
        what: MisuseKind,
        cx: &mut Cx<'_>,
    ) {
        let misuses = &mut self.disks[disk.index()].misuses;
        if misuses.len() >= KEPT {
            return;
        }
        misuses.push(Misuse { disk, request, what });
        if self.tells_misuse {
            cx.tell(self.now, What::Misused { request, disk, what });
        }
    }

    /// Tells each misuse as it is seen; without this they are only kept.
    pub const fn tell_misuse(&mut self) {
        self.tells_misuse = true;
    }

    /// A request that is not done, overlaps, and one of the two writes. Only the last few are
    /// looked at, so that the cost does not grow with how many there are.
    fn overlapping(&self, request: &Request, span: Span) -> Option<RequestId> {
        const LAST: usize = 32;
        let writes =
            |verb| matches!(verb, Verb::Write | Verb::WriteZeroes | Verb::Discard | Verb::Erase);
        let meets = |other: &&Request| {
            other.disk == request.disk
                && other.life != Life::Lost
                && other.shape.at < span.end()
                && span.at < other.shape.at.saturating_add(other.shape.len)
                && (writes(other.shape.verb) || writes(request.shape.verb))
        };
        let last = self.requests.iter().rev().take(LAST).flatten();
        last.map(|request| &**request).find(meets).map(|other| other.id)
    }

    /// Carries out what a step has asked for: the power goes, a disk vanishes.
    pub(crate) fn aftermath(&mut self, cx: &mut Cx<'_>) {
        if let Some((disk, returns_ns)) = self.disconnecting.take() {
            self.disconnect(disk, returns_ns, cx);
        }
        if let Some(disk) = self.cutting.take() {
            self.power_cut(disk, cx);
        }
    }

    /// Which of a disk's fault rules have struck, and how often: by place in
    /// [`DiskSpec::faults`](crate::DiskSpec::faults).
    pub fn struck(&self, disk: DiskId) -> impl Iterator<Item = u64> {
        let disk = &self.disks[disk.index()];
        (0..disk.rules.len() as u32).map(|rule| disk.triggers.struck(TriggerId(rule)))
    }

    /// What a fault rule of a disk does.
    #[must_use]
    pub fn fault_effect(&self, disk: DiskId, rule: TriggerId) -> &Effect {
        &self.disks[disk.index()].rules[rule.index()].effect
    }
}
