//! What lies under a disk's layers: bytes, what of them is durable, what a cut left undecided, and
//! the faults that lie over them.
//!
//! The bytes are those that reads see when nothing is wrong. Beside them is a log of the writes
//! that a cut may still lose, each with what it replaced. A flush takes from the log what had
//! completed when it was submitted, so that a write costs the same however many others are
//! unflushed, and a flush costs what it covers.

mod count;
mod crash;
mod dull;
mod history;
mod log;
mod overlay;
mod ranges;

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use core::hash::{Hash, Hasher};
use core::ops::Range;

use headcrash_engine::{Errno, TriggerId};

pub use count::StateCount;
pub(crate) use crash::{Candidates, Content, MIX, Origin, Settled, mix};
pub use history::DeviceEvent;
pub(crate) use history::History;
pub(crate) use log::{Bytes, Part};
pub use overlay::LiveFault;
pub(crate) use overlay::{Shows, garbage};
pub(crate) use ranges::Ranges;

use crate::choices::{Choices, Key, Point, PointKind};
use crate::device::{Device, DeviceCache, FlushFailure, Fua};
use crate::fault::Lasts;
use crate::flash::FlashOp;
use crate::image::{Image, Old};
use crate::io::{ClientId, RequestId};
use crash::Unresolved;
use log::{Change, Effect, Fate, Log};
use overlay::Overlays;

/// Bytes, and what becomes of them when the power goes.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    pub(crate) device: Device,
    /// The disk's stable name.
    pub(crate) key: Key,
    /// The clean bytes, as completed writes have left them.
    pub(crate) image: Image,
    /// A byte for every sector of 512: 1 where something was ever written.
    pub(crate) touched: Image,
    log: Log,
    /// How many effects were applied.
    seq: u64,
    /// Effects up to this one were told to be durable.
    promised: u64,
    /// Effects up to this one are durable, or dropped.
    covered: u64,
    /// Lengths it may have after a cut, newest first, when it was changed since the last flush.
    lengths: Vec<(u64, u64)>,
    unresolved: Unresolved,
    /// Where the newest cuts could lose something, and nobody could tell.
    dull: Ranges<()>,
    pub(crate) overlays: Overlays,
    /// Reports that are still to come.
    pub(crate) late: Option<Errno>,
    /// A failure that each client is told once.
    errseq: Option<Errseq>,
    /// Where a cut lost what a client had been told is durable.
    pub(crate) broken: Vec<(u64, u64)>,
    /// What sectors held before they were last written, for those who want to see it.
    pub(crate) before: Option<Image>,
    /// What the device did, if somebody wants to know. Shared by clones until one of them does more.
    pub(crate) history: Option<Arc<History>>,
}

/// A failure that each client is told of once: Linux's `errseq_t`.
#[derive(Clone, Debug)]
struct Errseq {
    errno: Errno,
    /// How often there was one.
    count: u64,
    /// Who was told of how many.
    heard: Arc<BTreeMap<ClientId, u64>>,
}

/// A write as the medium gets it.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) request: RequestId,
    pub(crate) client: ClientId,
    /// Its place in the order of submission to the medium.
    pub(crate) submitted: u64,
    pub(crate) at: u64,
    pub(crate) len: u64,
    pub(crate) bytes: Bytes,
    pub(crate) fua: bool,
    /// It is no write, but erases flash.
    pub(crate) erases: bool,
}

impl Arrival {
    /// The same as flash has it.
    pub(crate) fn into_flash(self) -> FlashOp {
        let Self { at, len, bytes, erases, .. } = self;
        if erases {
            return FlashOp::Erase { at, len };
        }
        let mut program = vec![0; len as usize];
        bytes.part(0, len).copy_to(&mut program);
        FlashOp::Program { at, bytes: program.into() }
    }
}

/// How a cut left a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Its first byte.
    pub at: u64,
    /// How many versions it could have held, torn ones not counted.
    pub versions: u64,
    /// How many torn contents it could have had.
    pub tears: u64,
    /// The request whose write it holds; [`RequestId::NONE`] for what was durable.
    pub request: RequestId,
    /// Whether it is torn.
    pub torn: bool,
}

impl Medium {
    /// `number` is the disk's own in its world.
    pub(crate) fn new(number: u64, device: Device, key: Key, image: Image) -> Self {
        // Effects of different disks have different numbers; nobody writes 2^40 times.
        let first = number << 40;
        let sectors = image.len().div_ceil(512);
        Self {
            device,
            key,
            image,
            touched: Image::new(sectors, 0),
            log: Log::default(),
            seq: first,
            promised: first,
            covered: first,
            lengths: Vec::new(),
            unresolved: Unresolved::default(),
            dull: Ranges::new(),
            overlays: Overlays::default(),
            late: None,
            errseq: None,
            broken: Vec::new(),
            before: None,
            history: None,
        }
    }

    /// Writes down what the device did.
    pub(crate) fn note(&mut self, event: impl FnOnce() -> DeviceEvent) {
        if let Some(history) = &mut self.history {
            Arc::make_mut(history).push(event(), self.seq);
        }
    }

    /// Writes down that a flush was submitted that covers effects up to this one.
    pub(crate) fn note_flush(&mut self, request: RequestId, scope: u64) {
        if let Some(history) = &mut self.history {
            Arc::make_mut(history).flush(request, scope);
        }
    }

    /// Writes down that a request's flush is done.
    pub(crate) fn note_flushed(&mut self, request: RequestId) {
        if let Some(history) = &mut self.history {
            Arc::make_mut(history).flushed(request, self.seq);
        }
    }

    pub(crate) const fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether a flush of effects up to this one would have nothing to do.
    pub(crate) const fn is_covered(&self, scope: u64) -> bool {
        self.covered >= scope || self.log.is_empty()
    }

    pub(crate) const fn unflushed(&self) -> usize {
        self.log.len()
    }

    /// A write is done.
    pub(crate) fn write(&mut self, arrival: Arrival) {
        let Arrival { request, client, submitted, at, len, bytes, fua, .. } = arrival;
        let len = len.min(self.image.len().saturating_sub(at));
        if len == 0 {
            return;
        }
        self.seq += 1;
        self.note(|| DeviceEvent::write(at, len, &bytes, fua));
        self.touched.fill(at / 512, (at + len).div_ceil(512) - at / 512, 1);
        let durable = self.device.is_through()
            || (fua && self.device.cache != DeviceCache::Lying && self.device.fua != Fua::Ignored);
        self.settle(at, len, if durable { Settled::Known } else { Settled::Overwritten });
        if let Some(before) = &mut self.before {
            let mut old = vec![0; len as usize];
            self.image.read(at, &mut old);
            before.write(at, &old);
        }
        // With nothing else undecided, what is durable needs no memory.
        if durable && self.log.is_empty() {
            bytes.part(0, len).write_to(&mut self.image, at);
            self.overlays.rewritten(at, len, None);
            self.covered = self.seq;
        } else {
            let old = Some(self.image.swap(at, len, &bytes));
            let by = (!durable).then_some(self.seq);
            self.overlays.rewritten(at, len, by);
            let fate = if durable { Fate::Durable } else { Fate::Pending };
            self.log.push(Effect {
                seq: self.seq,
                request,
                client,
                submitted,
                at,
                len,
                bytes,
                old,
                fate,
                in_flight: false,
                promised: false,
            });
        }
        if fua && self.device.fua == Fua::Emulated && self.device.cache == DeviceCache::Volatile {
            self.flushed(self.seq);
        }
    }

    fn settle(&mut self, at: u64, len: u64, settled: Settled) {
        if !self.unresolved.is_empty() {
            self.unresolved.written(at..at + len, settled, &self.device, self.image.len());
        }
    }

    /// A flush is done that covers effects up to this one.
    pub(crate) fn flushed(&mut self, scope: u64) {
        if self.device.cache == DeviceCache::Lying {
            return;
        }
        // The newest length that is durable is what a cut leaves when it loses the others.
        if let Some(place) = self.lengths.iter().position(|(_, seq)| *seq <= scope) {
            self.lengths.truncate(if place == 0 { 0 } else { place + 1 });
        }
        if scope <= self.covered {
            return;
        }
        let unresolved = &mut self.unresolved;
        let open = !unresolved.is_empty();
        let (device, len) = (&self.device, self.image.len());
        self.log.trim(|effect| {
            let done = effect.seq <= scope && effect.fate != Fate::Dropped;
            if done && open {
                unresolved.written(effect.at..effect.end(), Settled::Known, device, len);
            }
            done
        });
        // What stands behind something dropped, or behind an unflushed write, stays in the log.
        let covered = self.covered;
        let mut known = Vec::new();
        if self.log.iter().next().is_some_and(|first| first.seq <= scope) {
            self.log.newest_while(|effect| {
                if effect.seq <= covered {
                    return None;
                }
                let pending = effect.seq <= scope && effect.fate == Fate::Pending;
                if pending && open {
                    known.push((effect.at, effect.end()));
                }
                Some(if pending { Change::Fate(Fate::Durable) } else { Change::Leave })
            });
        }
        for (at, end) in known {
            self.unresolved.written(at..end, Settled::Known, &self.device, len);
        }
        self.overlays.settled(scope);
        self.covered = scope;
    }

    /// A flush that should have covered effects up to this one fails.
    pub(crate) fn flush_failed(&mut self, scope: u64, data: FlushFailure) {
        if data == FlushFailure::KeepDirty {
            return;
        }
        let covered = self.covered;
        self.log.newest_while(|effect| {
            if effect.seq <= covered {
                return None;
            }
            let lost = effect.seq <= scope && effect.fate == Fate::Pending;
            Some(if lost { Change::Fate(Fate::Dropped) } else { Change::Leave })
        });
        if data == FlushFailure::CleanRevert {
            self.revert_dropped();
        }
    }

    /// The disk was opened again: no cache shows what was dropped, and what lasted until now is over.
    pub(crate) fn reopened(&mut self) {
        // What is pending can still be kept; what was dropped is lost here.
        self.evict();
        self.overlays.reopened();
    }

    /// What was dropped and could still be seen is gone: the cache was emptied.
    pub(crate) fn revert_dropped(&mut self) {
        if !self.log.iter().any(|effect| effect.fate == Fate::Dropped) {
            return;
        }
        // Everything back, newest first, then what was not dropped again.
        for effect in self.log.iter().rev() {
            if let Some(old) = &effect.old {
                restore(&mut self.image, effect, old);
            }
        }
        let mut kept = Log::default();
        for effect in self.log.iter().filter(|effect| effect.fate != Fate::Dropped) {
            let mut effect = effect.clone();
            effect.old = Some(self.image.swap(effect.at, effect.len, &effect.bytes));
            kept.push(effect);
        }
        self.log = kept;
        let scope = self.covered;
        self.log.trim(|effect| effect.fate == Fate::Durable && effect.seq <= scope);
    }

    /// A client was told that what completed up to this effect is durable.
    pub(crate) fn promise(&mut self, scope: u64) {
        self.promised = self.promised.max(scope);
    }

    /// A client was told that this write of its own is durable.
    pub(crate) fn promise_write(&mut self, request: RequestId, since: u64) {
        self.log.newest_while(|effect| {
            if effect.seq <= since {
                return None;
            }
            Some(if effect.request == request { Change::Promised } else { Change::Leave })
        });
    }

    /// The length changes.
    pub(crate) fn set_len(&mut self, len: u64, arrival: Arrival) {
        let old = self.image.len();
        if len < old {
            // What is cut off reads as zeroes if the file grows again.
            self.write(Arrival { at: len, len: old - len, bytes: Bytes::Fill(0), ..arrival });
        }
        // So does what a cut has left beyond the end.
        let (from, to) = (old.next_multiple_of(self.device.unit()), len);
        if from < to {
            let to = to.next_multiple_of(self.device.unit());
            self.unresolved.overwritten(from..to, Settled::Known);
        }
        self.seq += 1;
        if !self.device.is_through() {
            if self.lengths.is_empty() {
                self.lengths.push((old, 0));
            }
            self.lengths.insert(0, (len, self.seq));
        }
        self.image.set_len(len);
        self.touched.set_len(len.div_ceil(512));
    }

    /// The length is another one, and durable: nobody asked for it.
    pub(crate) fn resized(&mut self, len: u64, arrival: Arrival) {
        self.set_len(len, arrival);
        self.lengths.clear();
    }

    /// The cache gives up what it need not write: what a failed flush dropped is not seen any more.
    pub(crate) fn evict(&mut self) {
        self.find_broken(|effect| effect.fate == Fate::Dropped);
        self.revert_dropped();
    }

    /// The power goes while these writes are on their way, in the order of their submission.
    pub(crate) fn power_cut(&mut self, in_flight: impl Iterator<Item = Arrival>) {
        self.before = None;
        self.note(|| DeviceEvent::PowerCut);
        let mut effects: Vec<_> =
            self.log.iter().filter(|effect| effect.fate != Fate::Dropped).cloned().collect();
        self.find_broken(|_| true);
        // Dropped writes are on no medium: they are taken out from under the others.
        if self.log.iter().any(|effect| effect.fate == Fate::Dropped) {
            self.revert_dropped();
            effects = self.log.iter().cloned().collect();
        }
        self.log = Log::default();
        for arrival in in_flight {
            let Arrival { request, client, submitted, at, len, bytes, .. } = arrival;
            let len = len.min(self.image.len().saturating_sub(at));
            if len == 0 {
                continue;
            }
            self.seq += 1;
            effects.push(Effect {
                seq: self.seq,
                request,
                client,
                submitted,
                at,
                len,
                bytes,
                old: None,
                fate: Fate::Pending,
                in_flight: true,
                promised: false,
            });
        }
        if effects.iter().all(|effect| effect.fate == Fate::Durable) {
            effects.clear();
        }
        self.cut_effects(effects);
        (self.late, self.errseq) = (None, None);
        self.promised = self.seq;
        self.covered = self.seq;
    }

    /// Leaves these effects undecided, but for where nobody could tell what became of them.
    fn cut_effects(&mut self, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        for effect in &effects {
            self.dull.remove(effect.at..effect.end());
        }
        let mut dull = dull::stretches(&effects, &self.image, &self.device);
        // What an older cut left there, or a fault lies over, is still to be decided.
        for range in self.open() {
            dull.remove(range);
        }
        for fault in self.overlays.live() {
            dull.remove(fault.at..fault.at + fault.len);
        }
        self.unresolved.cut(effects, &self.device);
        for (range, ()) in dull.iter() {
            self.unresolved.overwritten(range.clone(), Settled::Known);
            self.dull.insert(range, ());
        }
    }

    /// The stretches in which something may be undecided, in whole units.
    fn open(&self) -> Vec<Range<u64>> {
        let mut open = Ranges::new();
        for range in self.unresolved.stretches(&self.device) {
            open.insert(range, ());
        }
        for (range, ()) in self.dull.iter() {
            open.remove(range);
        }
        open.iter().map(|(range, ())| range).collect()
    }

    /// Notes where a cut may lose, or has lost, what was told to be durable: whatever is not
    /// durable although somebody was told so, and has nothing durable written over it.
    fn find_broken(&mut self, is_lost: impl Fn(&Effect) -> bool) {
        let promised = self.promised;
        let mut broken = Ranges::new();
        for effect in self.log.iter() {
            if effect.fate == Fate::Durable {
                broken.remove(effect.at..effect.end());
            } else if is_lost(effect) && (effect.promised || effect.seq <= promised) {
                broken.insert(effect.at..effect.end(), ());
            }
        }
        let mut broken: Vec<_> =
            broken.iter().map(|(range, ())| (range.start, range.end - range.start)).collect();
        broken.extend(core::mem::take(&mut self.broken));
        self.broken = broken;
    }

    /// The lengths that a cut can leave, newest first, no two alike, and which of them is durable.
    fn possible_lengths(&self) -> (Vec<(u64, u64)>, usize) {
        let mut distinct = Vec::<(u64, u64)>::new();
        let mut durable = 0;
        for (len, seq) in &self.lengths {
            durable = distinct.iter().position(|(other, _)| other == len).unwrap_or_else(|| {
                distinct.push((*len, *seq));
                distinct.len() - 1
            });
        }
        (distinct, durable)
    }

    /// The power is back: the length is decided, because every access asks for it.
    pub(crate) fn power_on(&mut self, choices: &mut dyn Choices) -> Option<u64> {
        self.overlays.reopened();
        let (lengths, durable) = self.possible_lengths();
        self.lengths.clear();
        if lengths.len() < 2 {
            return None;
        }
        let point = Point::new(PointKind::CrashSector, self.key);
        let versions: Vec<_> = lengths.iter().map(|(_, seq)| *seq).collect();
        let (chosen, _) = lengths[choices.choose_version(point, &versions, durable)];
        self.image.set_len(chosen);
        self.touched.set_len(chosen.div_ceil(512));
        Some(chosen)
    }

    /// Whether nothing is undecided.
    pub(crate) fn is_resolved(&self) -> bool {
        self.unresolved.is_empty()
    }

    /// Decides whatever units of a stretch are undecided; `tell` hears of each.
    pub(crate) fn resolve(
        &mut self,
        at: u64,
        len: u64,
        choices: &mut dyn Choices,
        tell: &mut dyn FnMut(Resolution),
    ) {
        if self.unresolved.is_empty() || len == 0 {
            return;
        }
        let end = at.saturating_add(len).min(self.image.len());
        let unit = self.device.unit();
        let mut at = at.min(end) / unit * unit;
        if end - at <= unit {
            // One unit at most, as mostly: no list is needed.
            if at < end && self.unresolved.is_undecided(at, unit) {
                self.decide(at, choices, tell);
            }
            return;
        }
        // Units are listed a few at a time: there can be very many.
        while at < end {
            let next = at.saturating_add(unit * LISTED).min(end);
            for unit in self.unresolved.open_units(at..next, &self.device) {
                self.decide(unit, choices, tell);
            }
            at = next;
        }
    }

    /// Decides what a write will not cover wholly: the units at its ends.
    pub(crate) fn resolve_ends(
        &mut self,
        at: u64,
        len: u64,
        choices: &mut dyn Choices,
        tell: &mut dyn FnMut(Resolution),
    ) {
        if self.unresolved.is_empty() || len == 0 {
            return;
        }
        let unit = self.device.unit();
        let last = (at + len - 1) / unit * unit;
        if !at.is_multiple_of(unit) {
            self.resolve(at, 1, choices, tell);
        }
        if !(at + len).is_multiple_of(unit) && at + len < self.image.len() && last + unit > at {
            self.resolve(at + len - 1, 1, choices, tell);
        }
    }

    fn decide(&mut self, at: u64, choices: &mut dyn Choices, tell: &mut dyn FnMut(Resolution)) {
        let found = self.unresolved.candidates(at, &self.image, &self.device, self.key);
        let Candidates { versions, tears, durable, seqs, capped } = &*found;
        let key = self.key.nth(at);
        let (count, torn) = (versions.len() as u64, tears.len() as u64);
        let tear = if tears.is_empty() {
            0
        } else {
            choices.choose(Point::new(PointKind::Tear, key), 1 + torn) as usize
        };
        if *capped {
            // There is more that it could hold: whoever lists states has to know that it does not
            // list them all.
            choices.choose(Point::new(PointKind::Data, key), 2);
        }
        let chosen = if tear > 0 {
            &tears[tear - 1]
        } else if count > 1 {
            let point = Point::new(PointKind::CrashSector, key);
            &versions[choices.choose_version(point, seqs, *durable)]
        } else {
            &versions[0]
        };
        let unit = self.device.unit().min(self.image.len() - at);
        let mut unreadable = false;
        match &chosen.content {
            Content::Bytes(new) if self.image.holds(at, new) => {}
            Content::Bytes(new) => self.image.write(at, new),
            Content::Unreadable(new) => {
                self.image.write(at, new);
                unreadable = true;
            }
            Content::Mixed { old, new, granule, differ } => {
                let bits = mixture(key, differ.len(), choices);
                let mut mixed = old.clone();
                for (chunk, bits) in differ.chunks(MIX).zip(bits) {
                    mixed = mix(&mixed, new, *granule, chunk, bits);
                }
                self.image.write(at, &mixed);
            }
        }
        let Origin { seq, request, torn: is_torn } = chosen.origin;
        let boxes = chosen.boxes.clone();
        if !self.overlays.is_empty() {
            self.overlays.left(at, unit, seq);
        }
        self.unresolved.decide(at, boxes, &self.device);
        if unreadable {
            self.damage(at, unit, Shows::Unreadable(Errno::EIO), Lasts::UntilRewritten, None);
        }
        let (versions, tears) = (count, torn);
        if count + torn > 1 {
            tell(Resolution { at, versions, tears, request, torn: is_torn });
        }
    }

    /// Lays a fault over a stretch.
    pub(crate) fn damage(
        &mut self,
        at: u64,
        len: u64,
        shows: Shows,
        lasts: Lasts,
        rule: Option<TriggerId>,
    ) {
        let len = len.min(self.image.len().saturating_sub(at));
        if len == 0 {
            return;
        }
        let touching = |effect: &&Effect| effect.at < at + len && at < effect.end();
        let version = self.log.iter().rev().find(touching).map_or(0, |effect| effect.seq);
        self.overlays.add(LiveFault {
            id: 0,
            at,
            len,
            shows,
            lasts,
            rule,
            version,
            cleared_by: None,
        });
    }

    /// Reads; `true` when a fault has changed what came back.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<bool, Errno> {
        self.image.read(at, into);
        self.overlays.read(at, into)
    }

    /// The same, and the bytes.
    pub(crate) fn copy(&self, at: u64, len: u64) -> (Vec<u8>, Result<bool, Errno>) {
        let mut bytes = self.image.copy(at, len);
        let read = self.overlays.read(at, &mut bytes);
        (bytes, read)
    }

    /// What reads would see of a stretch after a cut that left nothing undecided there.
    pub(crate) fn candidates(&self, at: u64) -> Cow<'_, Candidates> {
        self.unresolved.candidates(at, &self.image, &self.device, self.key)
    }

    /// Works out beforehand what many runs that go on from here would each work out.
    pub(crate) fn foresee(&mut self, at: u64) {
        // Where the length is open, so is what lies beyond the shortest.
        if !self.lengths.is_empty() || at.saturating_add(self.device.unit()) > self.image.len() {
            return;
        }
        self.unresolved.foresee(at, &self.image, &self.device, self.key);
    }

    /// How many states reads could tell apart.
    pub(crate) fn possible_states(&self) -> StateCount {
        let open = self.open();
        let count =
            |image: &Image| count::count(&self.unresolved, &open, image, &self.device, self.key);
        let (lengths, _) = self.possible_lengths();
        let each = lengths.iter().map(|(len, _)| {
            let mut image = self.image.clone();
            image.set_len(*len);
            count(&image)
        });
        each.reduce(StateCount::plus).unwrap_or_else(|| count(&self.image))
    }

    /// The writes that cuts may have lost.
    pub(crate) fn loose_writes(&self) -> Vec<u64> {
        let mut loose = self.unresolved.loose_writes();
        // The oldest length is the durable one.
        if let Some((_, lengths)) = self.lengths.split_last() {
            loose.extend(lengths.iter().map(|(_, seq)| *seq));
        }
        loose.sort_unstable();
        loose
    }

    /// What a cut would leave, in a number.
    pub(crate) fn digest(&self, hasher: &mut impl Hasher) {
        (self.seq, self.covered, self.promised, self.lengths.len(), self.log.len()).hash(hasher);
        self.overlays.live().count().hash(hasher);
    }

    /// The undecided units of a stretch.
    pub(crate) fn open_units(&self, at: u64, len: u64) -> Vec<u64> {
        let end = at.saturating_add(len).min(self.image.len());
        self.unresolved.open_units(at.min(end)..end, &self.device)
    }

    /// The stretches in which something may be undecided.
    pub(crate) fn open_stretches(&self) -> Vec<(u64, u64)> {
        self.open().into_iter().map(|range| (range.start, range.end - range.start)).collect()
    }

    /// Whether a flush of `client` has a failure to be told of.
    pub(crate) fn owes(&self, client: ClientId) -> bool {
        let heard = |errseq: &Errseq| errseq.heard.get(&client).copied().unwrap_or(0);
        self.late.is_some()
            || self.errseq.as_ref().is_some_and(|errseq| heard(errseq) < errseq.count)
    }

    /// A flush of `client` is told of a failure it has not heard of.
    pub(crate) fn unheard(&mut self, client: ClientId) -> Option<Errno> {
        let Errseq { errno, count, heard } = self.errseq.as_mut()?;
        let mine = Arc::make_mut(heard).entry(client).or_default();
        (core::mem::replace(mine, *count) < *count).then_some(*errno)
    }

    /// Every client is to be told of a failure.
    pub(crate) fn report_to_each(&mut self, errno: Errno) {
        let (count, heard) = match self.errseq.take() {
            Some(before) => (before.count, before.heard),
            None => (0, Arc::default()),
        };
        self.errseq = Some(Errseq { errno, count: count + 1, heard });
    }
}

/// How many units are listed at a time.
const LISTED: u64 = 1 << 16;

/// Which granules of a mixture are new, six to a question; not all of them, and not none.
fn mixture(key: Key, granules: usize, choices: &mut dyn Choices) -> Vec<u64> {
    let mut chunks = Vec::new();
    let (mut all, mut none) = (true, true);
    let mut left = granules;
    while left > 0 {
        let here = left.min(MIX);
        left -= here;
        let full = (1_u64 << here) - 1;
        let last = left == 0;
        let (skip_none, skip_full) = (last && none, last && all);
        let n = full + 1 - u64::from(skip_none) - u64::from(skip_full);
        let answer = if n > 1 { choices.choose(Point::new(PointKind::Tear, key), n) } else { 0 };
        // Answer 0 is the newest: everything in it new, unless that is left out.
        let bits = full - u64::from(skip_full) - answer;
        all &= bits == full;
        none &= bits == 0;
        chunks.push(bits);
    }
    chunks
}

fn restore(image: &mut Image, effect: &Effect, old: &Old) {
    /// What is kept as an image can be long.
    const AT_ONCE: u64 = 1 << 20;
    let mut done = 0;
    while done < effect.len {
        let len = (effect.len - done).min(AT_ONCE);
        match old.part(done, len) {
            Some(part) => part.write_to(image, effect.at + done),
            None => {
                let mut bytes = vec![0; len as usize];
                old.read(done, &mut bytes);
                image.write(effect.at + done, &bytes);
            }
        }
        done += len;
    }
}
