//! What a power cut leaves: nothing is chosen at the cut, each unit is decided when it is first
//! looked at.
//!
//! Every cut adds a [`Level`]: the writes that were not durable then, and those that were still on
//! their way. A unit's candidates follow from the writes that touch it; where the device keeps an
//! order, or keeps writes whole, deciding one unit narrows what others can be. What is left of the
//! possibilities is a list of disjoint boxes: intervals of how far each chain of writes has come.
//! So the answers given while a recovery reads partition the legal states: every state agrees with
//! exactly one sequence of answers, and none of them is empty.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::Hasher;
use core::ops::Range;

use headcrash_engine::StableHasher;

use super::log::{Effect, Fate, Part};
use super::overlay::garbage;
use super::ranges::Ranges;
use crate::choices::Key;
use crate::device::{Device, OnTear, Order, Tears};
use crate::image::{Image, Old};
use crate::io::RequestId;

/// What one cut left undecided.
#[derive(Clone, Debug)]
pub(crate) struct Level {
    /// In apply order: what had completed, in the order of completion, then what was in flight, in
    /// the order of submission.
    effects: Arc<[Effect]>,
    /// Where each stands in its chain: how many pieces come before its own. Empty where every
    /// piece stands alone.
    places: Arc<[u64]>,
    index: Arc<[Extent]>,
    settled: Ranges<Settled>,
}

/// How a unit stopped being undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It was decided, or durably written.
    Known,
    /// It was written over, not yet durably: another cut may bring it back.
    Overwritten,
}

/// Where an effect lies, sorted by start, with the greatest end so far.
#[derive(Clone, Copy, Debug)]
struct Extent {
    at: u64,
    end: u64,
    reach: u64,
    effect: u32,
}

/// A chain of pieces of writes, kept one after the other: a level's, a client's, or one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Chain {
    level: u32,
    /// The client, or the effect.
    of: u32,
    /// Which piece of the effect.
    piece: u64,
}

/// How far chains may have come: intervals of stages, both ends included. Stage `2j` is "the first
/// j pieces and no more", `2j + 1` is "and piece j is torn". A chain that is not named may be
/// anywhere.
pub(super) type Limits = Vec<(Chain, u64, u64)>;

/// What a unit may hold.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) content: Content,
    pub(crate) origin: Origin,
    /// In which boxes it is so.
    pub(super) boxes: Vec<Limits>,
}

/// The bytes of a candidate.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Bytes(Arc<[u8]>),
    /// Reads fail until it is rewritten; these are the clean bytes.
    Unreadable(Vec<u8>),
    /// Any mixture of the two, granule by granule, but neither of them: the granules that differ.
    Mixed {
        old: Vec<u8>,
        new: Vec<u8>,
        granule: u64,
        differ: Vec<u64>,
    },
}

impl Content {
    const fn bytes(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Unreadable(_) | Self::Mixed { .. } => None,
        }
    }
}

impl Candidate {
    /// What a unit holds whatever becomes of others.
    const fn alone(bytes: Arc<[u8]>, origin: Origin) -> Self {
        Self { content: Content::Bytes(bytes), origin, boxes: Vec::new() }
    }
}

/// As a reader can tell them apart: what cannot be read looks the same, whatever is under it.
impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bytes(one), Self::Bytes(other)) => Arc::ptr_eq(one, other) || one == other,
            (Self::Unreadable(_), Self::Unreadable(_)) => true,
            (
                Self::Mixed { old, new, granule, .. },
                Self::Mixed { old: other_old, new: other_new, granule: other, .. },
            ) => (old, new, granule) == (other_old, other_new, other),
            (Self::Bytes(_) | Self::Unreadable(_) | Self::Mixed { .. }, _) => false,
        }
    }
}

/// Where a candidate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The effect's place in the order of all, 0 for what is durable.
    pub(crate) seq: u64,
    pub(crate) request: RequestId,
    pub(crate) torn: bool,
}

impl Origin {
    const DURABLE: Self = Self { seq: 0, request: RequestId::NONE, torn: false };
}

/// A unit's candidates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Candidates {
    /// Newest first; no two alike.
    pub(crate) versions: Vec<Candidate>,
    /// Torn ones, none like a version.
    pub(crate) tears: Vec<Candidate>,
    /// Which of the versions is the durable one.
    pub(crate) durable: usize,
    /// The versions' places in the order of effects.
    pub(crate) seqs: Vec<u64>,
    /// There are more torn ones than are listed.
    pub(crate) capped: bool,
}

/// Everything that cuts have left undecided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unresolved {
    levels: Vec<Level>,
    /// By group of writes that are bound to one another: what is left of the possibilities.
    boxes: BTreeMap<u64, Vec<Limits>>,
    /// What units were found to be able to hold, for everybody who goes on from here.
    foreseen: Option<Arc<Foreseen>>,
}

/// Units, and what they can hold.
type Foreseen = BTreeMap<u64, Candidates>;

impl Level {
    /// What these effects leave; dropped ones are none.
    fn new(effects: Vec<Effect>, device: &Device) -> Self {
        let places = places(&effects, device);
        let mut index: Vec<_> = (0..)
            .zip(&effects)
            .map(|(effect, one)| Extent { at: one.at, end: one.end(), reach: 0, effect })
            .collect();
        index.sort_by_key(|extent| extent.at);
        let mut reach = 0;
        for extent in &mut index {
            reach = extent.end.max(reach);
            extent.reach = reach;
        }
        Self {
            effects: effects.into(),
            places: places.into(),
            index: index.into(),
            settled: Ranges::new(),
        }
    }

    /// The effects that touch a stretch, oldest first.
    fn touching(&self, at: u64, len: u64, into: &mut Vec<u32>) {
        let end = self.index.partition_point(|extent| extent.at < at + len);
        let first = into.len();
        for extent in self.index[..end].iter().rev() {
            if extent.reach <= at {
                break;
            }
            if extent.end > at {
                into.push(extent.effect);
            }
        }
        into[first..].sort_unstable();
    }

    fn any_touches(&self, at: u64, len: u64) -> bool {
        let end = self.index.partition_point(|extent| extent.at < at + len);
        let mut before = self.index[..end].iter().rev();
        before.by_ref().take_while(|extent| extent.reach > at).any(|extent| extent.end > at)
    }
}

/// Where each effect's pieces begin in its chain.
fn places(effects: &[Effect], device: &Device) -> Vec<u64> {
    let mut places = vec![0; effects.len()];
    let mut order: Vec<_> = (0..effects.len()).collect();
    match device.order {
        Order::Any => return Vec::new(),
        Order::Completion => {}
        Order::Submission | Order::PerQueue => {
            order.sort_by_key(|index| effects[*index].submitted);
        }
    }
    let mut ends = BTreeMap::<u32, u64>::new();
    for index in order {
        let effect = &effects[index];
        if effect.fate != Fate::Pending {
            continue;
        }
        let end = ends.entry(chain_of(effect, device)).or_default();
        places[index] = *end;
        *end += pieces(effect, device);
    }
    places
}

/// Into how many pieces a cut can part a write.
fn pieces(effect: &Effect, device: &Device) -> u64 {
    let atomic = device.atomic();
    if effect.len == 0 { 0 } else { (effect.end() - 1) / atomic - effect.at / atomic + 1 }
}

/// In how many ways a unit can be torn, at most.
fn tears_at_most(device: &Device) -> u64 {
    match device.on_tear {
        OnTear::OldOrNew => 0,
        OnTear::Garbage | OnTear::Unreadable => 1,
        OnTear::Prefix { granule } => device.unit() / granule - 1,
        OnTear::Mixed { granule } => {
            1_u64.checked_shl((device.unit() / granule) as u32).map_or(1 << 62, |all| all - 2)
        }
    }
}

const fn chain_of(effect: &Effect, device: &Device) -> u32 {
    match device.order {
        Order::PerQueue => effect.client.0,
        Order::Any | Order::Completion | Order::Submission => 0,
    }
}

impl Unresolved {
    pub(crate) fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// The power went, with these effects not durable, or on their way.
    pub(crate) fn cut(&mut self, effects: Vec<Effect>, device: &Device) {
        if !effects.is_empty() {
            self.levels.push(Level::new(effects, device));
            self.foreseen = None;
        }
    }

    /// Works out what a unit may hold, so that many runs that go on from here need not: where
    /// that depends on nothing that they will decide.
    pub(crate) fn foresee(&mut self, at: u64, image: &Image, device: &Device, disk: Key) {
        let known = self.foreseen.as_ref().is_some_and(|foreseen| foreseen.contains_key(&at));
        if known || !Self::is_alone(device) || self.levels.len() != 1 {
            return;
        }
        if self.is_undecided(at, device.unit()) {
            let found = self.candidates(at, image, device, disk).into_owned();
            Arc::make_mut(self.foreseen.get_or_insert_default()).insert(at, found);
        }
    }

    /// Whether what a unit may hold depends on no other unit.
    fn is_alone(device: &Device) -> bool {
        device.order == Order::Any && device.atomic() == device.unit()
    }

    /// The units that meet a stretch and are not decided, in order.
    pub(crate) fn open_units(&self, range: Range<u64>, device: &Device) -> Vec<u64> {
        if range.is_empty() {
            return Vec::new();
        }
        let unit = device.unit();
        // Whoever looks at a part of a unit looks at all of it.
        let range = range.start / unit * unit..range.end.next_multiple_of(unit);
        let mut units = Vec::new();
        let mut touching = Vec::new();
        for level in &self.levels {
            touching.clear();
            level.touching(range.start, range.end - range.start, &mut touching);
            for effect in &touching {
                let effect = &level.effects[*effect as usize];
                let (from, to) = (effect.at.max(range.start), effect.end().min(range.end));
                let (mut at, end) = (from - from % unit, to.next_multiple_of(unit));
                while at < end {
                    units.push(at);
                    at += unit;
                }
            }
        }
        units.sort_unstable();
        units.dedup();
        // What an older level has decided, or was written over since, is not open.
        units.retain(|at| self.is_undecided(*at, unit));
        units
    }

    /// Whether a unit is not decided, and there is something to decide.
    pub(crate) fn is_undecided(&self, at: u64, unit: u64) -> bool {
        let top = self.levels.last();
        top.is_some_and(|top| top.settled.get(at).is_none()) && self.is_open(at, unit)
    }

    /// Whether a unit is not decided, if the newest level has not settled it.
    fn is_open(&self, at: u64, unit: u64) -> bool {
        for (depth, level) in self.levels.iter().enumerate().rev() {
            let newest = depth + 1 == self.levels.len();
            match level.settled.get(at) {
                Some(Settled::Known) => return false,
                Some(Settled::Overwritten) if newest => return false,
                Some(Settled::Overwritten) | None => {}
            }
            if level.any_touches(at, unit) {
                return true;
            }
        }
        false
    }

    /// A write is done, or durable. The ends of it that are no whole units were decided before it,
    /// or written over by others. `len` is the disk's.
    pub(crate) fn written(
        &mut self,
        range: Range<u64>,
        settled: Settled,
        device: &Device,
        len: u64,
    ) {
        let unit = device.unit();
        let range =
            range.start..if range.end == len { len.next_multiple_of(unit) } else { range.end };
        let outer = range.start / unit * unit..range.end.next_multiple_of(unit);
        if settled == Settled::Known && device.order != Order::Any {
            // What is durable is these bytes: beside them another cut may lose what lies over
            // something undecided. (Where there is no order, a unit is written as a whole.)
            let inner = range.start.next_multiple_of(unit)..range.end / unit * unit;
            if inner.start < inner.end {
                self.overwritten(inner, settled);
            }
            self.overwritten(outer, Settled::Overwritten);
        } else {
            self.overwritten(outer, settled);
        }
    }

    /// A stretch was written over: whole units in it need no decision any more, unless another cut
    /// loses the write.
    pub(crate) fn overwritten(&mut self, range: Range<u64>, settled: Settled) {
        let Some(top) = self.levels.last_mut() else { return };
        match settled {
            Settled::Known => top.settled.insert(range, settled),
            // What was known is so still: if the write is lost, that is what is left.
            Settled::Overwritten => top.settled.fill(range, settled),
        }
    }

    /// What a unit may hold. `image` shows the newest.
    pub(crate) fn candidates(
        &self,
        at: u64,
        image: &Image,
        device: &Device,
        disk: Key,
    ) -> Cow<'_, Candidates> {
        if let Some(found) = self.foreseen.as_ref().and_then(|foreseen| foreseen.get(&at)) {
            return Cow::Borrowed(found);
        }
        let unit = device.unit().min(image.len().saturating_sub(at));
        let mut newest = vec![0; unit as usize];
        image.read(at, &mut newest);
        let look = Look { levels: &self.levels, device, at, unit, disk };
        let found = if Self::is_alone(device) {
            look.each_alone(newest)
        } else {
            let whole = [Limits::new()];
            let boxes = self.boxes.get(&group(at, device)).map_or(&whole[..], |boxes| boxes);
            look.in_chains(newest, boxes)
        };
        Cow::Owned(found.merged())
    }

    /// A unit holds a candidate that is so in these boxes.
    pub(crate) fn decide(&mut self, at: u64, boxes: Vec<Limits>, device: &Device) {
        if !boxes.is_empty() {
            self.boxes.insert(group(at, device), boxes);
        }
        let range = at..at + device.unit();
        self.overwritten(range, Settled::Known);
    }

    /// The effects that are not durable.
    pub(crate) fn loose_writes(&self) -> Vec<u64> {
        let effects = self.levels.iter().flat_map(|level| level.effects.iter());
        effects.filter(|effect| effect.fate == Fate::Pending).map(|effect| effect.seq).collect()
    }

    /// In how many ways each chain of writes can end.
    pub(crate) fn chains(&self, device: &Device) -> Vec<u64> {
        let mut lengths = BTreeMap::<Chain, u64>::new();
        for (number, level) in (0..).zip(&self.levels) {
            for (index, effect) in (0..).zip(level.effects.iter()) {
                if effect.fate != Fate::Pending {
                    continue;
                }
                let pieces = pieces(effect, device);
                if device.order == Order::Any {
                    // Each piece is a chain of its own: kept or lost.
                    for piece in 0..pieces.min(1 << 16) {
                        lengths.insert(Chain { level: number, of: index, piece }, 1);
                    }
                } else {
                    let of = chain_of(effect, device);
                    let tears = effect.in_flight || device.tears == Tears::Unflushed;
                    let ways = if tears { 1 + tears_at_most(device) } else { 1 };
                    *lengths.entry(Chain { level: number, of, piece: 0 }).or_default() +=
                        pieces.saturating_mul(ways);
                }
            }
        }
        lengths.into_values().map(|length| length + 1).collect()
    }

    /// The stretches that some level touches, in whole units, for whoever looks at everything.
    pub(crate) fn stretches(&self, device: &Device) -> Vec<Range<u64>> {
        let unit = device.unit();
        let effects = self.levels.iter().flat_map(|level| level.effects.iter());
        let mut all: Vec<_> = effects
            .map(|effect| effect.at / unit * unit..effect.end().next_multiple_of(unit))
            .collect();
        all.sort_unstable_by_key(|range| range.start);
        let mut merged = Vec::<Range<u64>>::new();
        for range in all {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

/// Which writes are bound to one another.
const fn group(at: u64, device: &Device) -> u64 {
    match device.order {
        Order::Any => at / device.atomic(),
        Order::Completion | Order::Submission | Order::PerQueue => 0,
    }
}

/// One unit, to be looked at.
struct Look<'a> {
    levels: &'a [Level],
    device: &'a Device,
    at: u64,
    unit: u64,
    disk: Key,
}

impl Look<'_> {
    fn touching(&self, level: usize) -> Vec<u32> {
        let mut touching = Vec::new();
        self.levels[level].touching(self.at, self.unit, &mut touching);
        touching
    }

    /// Takes this level's writes back out of `content`.
    fn undo(&self, level: usize, touching: &[u32], content: &mut [u8]) {
        for effect in touching.iter().rev() {
            let effect = &self.levels[level].effects[*effect as usize];
            if let Some(old) = &effect.old {
                self.over(effect, content, |skip, part| read_old(old, skip, part));
            }
        }
    }

    fn apply(&self, effect: &Effect, content: &mut [u8]) {
        self.over(effect, content, |skip, part| {
            effect.bytes.part(skip, part.len() as u64).copy_to(part);
        });
    }

    /// Whether a write brings anything but what is there.
    fn changes(&self, effect: &Effect, content: &[u8]) -> bool {
        let from = effect.at.max(self.at);
        let to = effect.end().min(self.at + self.unit);
        let held = &content[(from - self.at) as usize..(to.max(from) - self.at) as usize];
        !effect.bytes.part(from - effect.at, held.len() as u64).same(held)
    }

    /// The part of `content` that an effect covers, with where it lies in the effect.
    fn over(&self, effect: &Effect, content: &mut [u8], act: impl FnOnce(u64, &mut [u8])) {
        let from = effect.at.max(self.at);
        let to = effect.end().min(self.at + self.unit);
        if from < to {
            let part = &mut content[(from - self.at) as usize..(to - self.at) as usize];
            act(from - effect.at, part);
        }
    }

    fn can_tear(&self, effect: &Effect) -> bool {
        self.device.on_tear != OnTear::OldOrNew
            && effect.fate == Fate::Pending
            && (effect.in_flight || self.device.tears == Tears::Unflushed)
    }

    /// Whether what lies below `level` is undecided for this unit.
    fn open_below(&self, level: usize) -> bool {
        level > 0
            && self.levels[level - 1].settled.get(self.at) != Some(Settled::Known)
            && (self.levels[level - 1].any_touches(self.at, self.unit)
                || self.open_below(level - 1))
    }

    /// The unit's own versions, whatever became of others: each is the one before with a write on
    /// top, as a device that reads, modifies and writes its units has it.
    fn each_alone(&self, newest: Vec<u8>) -> Found {
        let mut found = Found::default();
        self.alone_at(self.levels.len() - 1, newest, &mut found);
        found.versions.reverse();
        found
    }

    /// Adds a level's candidates, oldest first.
    ///
    /// What an older cut left of the unit, a version or a tear, is what this level's writes came
    /// upon: each of them lies over every one of those, and may be torn over it.
    fn alone_at(&self, level: usize, mut content: Vec<u8>, found: &mut Found) {
        let touching = self.touching(level);
        self.undo(level, &touching, &mut content);
        if self.open_below(level) {
            self.alone_at(level - 1, content, found);
            found.forget_tears_alike();
        } else {
            found.versions.push(Candidate::alone(content.into(), Origin::DURABLE));
        }
        // What the write before left, by what it came upon: one, where that makes no difference.
        let mut last = found.left();
        let mut olds: Vec<_> = last.iter().cloned().enumerate().collect();
        // Contents that are not listed, but were left as well: a write lies over those, too.
        let mut unlisted = found.has_mixtures();
        for effect in touching {
            let effect = &self.levels[level].effects[effect as usize];
            let mut origin = Origin { seq: effect.seq, request: effect.request, torn: false };
            let is_whole = effect.covers(self.at, self.unit);
            if is_whole {
                last.truncate(1);
            }
            let mut next = Vec::<Was>::new();
            for was in &last {
                let mut new: Arc<[u8]> = was.bytes.clone();
                if self.changes(effect, &new) {
                    self.apply(effect, Arc::make_mut(&mut new));
                }
                next.push(Was { bytes: new, version: was.version });
            }
            if self.can_tear(effect) {
                let (first, newest) = (1, found.versions.len().saturating_sub(TORN_OVER));
                for (upon, old) in &olds {
                    match old.version {
                        Some(place) if place >= first && place < newest => continue,
                        None if found.tears.len() >= TEARS_MAX => {
                            found.capped = true;
                            continue;
                        }
                        Some(_) | None => {}
                    }
                    // What the device was writing is the unit as its cache had it.
                    let new = if next.len() == 1 { &next[0] } else { &next[*upon] };
                    for content in self.tears(&old.bytes, &new.bytes) {
                        let origin = Origin { torn: true, ..origin };
                        found.tears.push(Candidate { content, origin, boxes: Vec::new() });
                    }
                }
            }
            found.capped |= unlisted && (!is_whole || self.can_tear(effect));
            if effect.fate == Fate::Durable {
                // It hides whatever was there before it, torn or not.
                found.versions.clear();
                found.tears.clear();
                olds.clear();
                next.retain(|was| was.version.is_some());
                unlisted = false;
                origin.request = RequestId::NONE;
            }
            let mut known = BTreeSet::new();
            for was in &mut next {
                let is_new = known.insert(was.bytes.clone());
                if was.version.is_none() {
                    let content = Content::Bytes(was.bytes.clone());
                    let origin = Origin { torn: true, ..origin };
                    found.tears.push(Candidate { content, origin, boxes: Vec::new() });
                } else {
                    was.version = Some(found.versions.len());
                    if is_new {
                        found.versions.push(Candidate::alone(was.bytes.clone(), origin));
                    }
                }
            }
            olds.extend(next.iter().cloned().enumerate());
            last = next;
        }
    }

    /// The unit's contents by how far the chains of writes have come.
    fn in_chains(&self, newest: Vec<u8>, boxes: &[Limits]) -> Found {
        let mut stacks = Vec::new();
        let mut content = newest;
        let mut level = self.levels.len();
        loop {
            level -= 1;
            let touching = self.touching(level);
            self.undo(level, &touching, &mut content);
            stacks.push((level, touching));
            if !self.open_below(level) {
                break;
            }
        }
        // Newest first.
        let effects: Vec<_> = stacks
            .iter()
            .flat_map(|(level, touching)| touching.iter().rev().map(|effect| (*level, *effect)))
            .collect();
        let mut found = Found::default();
        for limits in boxes {
            let mut kept = Vec::new();
            self.branch(&effects, limits.clone(), &mut kept, &content, &mut found);
        }
        found
    }

    /// Goes down the writes that touch the unit, newest first: each is kept, torn or lost, as far
    /// as the limits allow it.
    fn branch(
        &self,
        effects: &[(usize, u32)],
        limits: Limits,
        kept: &mut Vec<(usize, u32, bool)>,
        base: &[u8],
        found: &mut Found,
    ) {
        let whole = kept.last().is_some_and(|(level, effect, torn)| {
            !torn && self.levels[*level].effects[*effect as usize].covers(self.at, self.unit)
        });
        let Some(((level, index), older)) = effects.split_first().filter(|_| !whole) else {
            self.leaf(kept, limits, base, found);
            return;
        };
        let effect = &self.levels[*level].effects[*index as usize];
        if effect.fate == Fate::Durable {
            kept.push((*level, *index, false));
            self.branch(older, limits, kept, base, found);
            kept.pop();
            return;
        }
        let (chain, place) = self.place(*level, *index, effect);
        let stage = 2 * (place + 1);
        // A unit of which a part was durably written later was written whole then: what tore under
        // it reads as it was meant.
        let hides = |(level, effect, _): &(usize, u32, bool)| {
            self.levels[*level].effects[*effect as usize].fate == Fate::Durable
        };
        let hidden = kept.iter().any(hides);
        let ways = [
            (Some(false), if hidden { stage - 1 } else { stage }, u64::MAX),
            (Some(true), stage - 1, stage - 1),
            (None, 0, stage - 2),
        ];
        for (kept_torn, least, most) in ways {
            if kept_torn == Some(true) && (hidden || !self.can_tear(effect)) {
                continue;
            }
            if kept_torn == Some(true) && found.tears.len() >= TEARS_MAX {
                found.capped = true;
                continue;
            }
            let mut narrowed = limits.clone();
            // Without tears no chain stands at an odd stage.
            if !narrow(&mut narrowed, chain, least, most) {
                continue;
            }
            if let Some(torn) = kept_torn {
                kept.push((*level, *index, torn));
            }
            self.branch(older, narrowed, kept, base, found);
            if kept_torn.is_some() {
                kept.pop();
            }
        }
    }

    /// The chain of the piece of an effect that touches the unit, and where it stands in it.
    fn place(&self, level: usize, index: u32, effect: &Effect) -> (Chain, u64) {
        let atomic = self.device.atomic();
        let from = effect.at.max(self.at);
        let piece = from / atomic - effect.at / atomic;
        let level_number = level as u32;
        match self.device.order {
            Order::Any => (Chain { level: level_number, of: index, piece }, 0),
            Order::Completion | Order::Submission | Order::PerQueue => {
                let chain =
                    Chain { level: level_number, of: chain_of(effect, self.device), piece: 0 };
                (chain, self.levels[level].places[index as usize] + piece)
            }
        }
    }

    fn leaf(&self, kept: &[(usize, u32, bool)], limits: Limits, base: &[u8], found: &mut Found) {
        let mut contents = vec![Content::Bytes(base.into())];
        let mut origin = Origin::DURABLE;
        // Oldest first.
        for (level, index, torn) in kept.iter().rev() {
            let effect = &self.levels[*level].effects[*index as usize];
            let mut next = Vec::new();
            for old in contents {
                let Content::Bytes(old) = old else {
                    next.push(old);
                    continue;
                };
                let mut new = old.clone();
                self.apply(effect, Arc::make_mut(&mut new));
                if *torn {
                    found.capped |= next.len() >= TEARS_MAX;
                    if next.len() < TEARS_MAX {
                        next.extend(self.tears(&old, &new));
                    }
                } else {
                    next.push(Content::Bytes(new));
                }
            }
            contents = next;
            if effect.fate != Fate::Durable {
                let torn = origin.torn || *torn;
                origin = Origin { seq: effect.seq, request: effect.request, torn };
            } else if origin.request == RequestId::NONE && !origin.torn {
                // A write that may be lost is what tells two versions apart.
                origin.seq = effect.seq;
            }
        }
        let torn = kept.iter().any(|(_, _, torn)| *torn);
        let list = if torn { &mut found.tears } else { &mut found.versions };
        list.extend(contents.into_iter().map(|content| Candidate {
            content,
            origin,
            boxes: vec![limits.clone()],
        }));
    }

    /// What a unit may hold when it was being written, besides the old and the new.
    fn tears(&self, old: &[u8], new: &[u8]) -> Vec<Content> {
        let differing = |granule: u64| -> Vec<u64> {
            let size = granule as usize;
            let granules = old.chunks(size).zip(new.chunks(size)).enumerate();
            granules.filter(|(_, (old, new))| old != new).map(|(index, _)| index as u64).collect()
        };
        // A write of what is there already is a write, and can go as wrong.
        match self.device.on_tear {
            OnTear::OldOrNew => Vec::new(),
            OnTear::Garbage => {
                let mut bytes = vec![0; new.len()];
                // Whichever write it was, garbage is garbage.
                garbage(self.disk.number(), self.at, &mut bytes);
                vec![Content::Bytes(bytes.into())]
            }
            OnTear::Unreadable => vec![Content::Unreadable(new.to_vec())],
            OnTear::Prefix { granule } => {
                let differ = differing(granule);
                let inner = differ.len().saturating_sub(1);
                let cut = |last: &u64| {
                    let end = (((last + 1) * granule) as usize).min(new.len());
                    Content::Bytes([&new[..end], &old[end..]].concat().into())
                };
                differ[..inner].iter().map(cut).collect()
            }
            OnTear::Mixed { granule } => {
                let differ = differing(granule);
                if differ.len() > MIX {
                    let (old, new) = (old.to_vec(), new.to_vec());
                    return vec![Content::Mixed { old, new, granule, differ }];
                }
                let mixes = 1..(1_u64 << differ.len()).saturating_sub(1).max(1);
                mixes
                    .map(|bits| Content::Bytes(mix(old, new, granule, &differ, bits).into()))
                    .collect()
            }
        }
    }
}

/// A unit that has more versions than this can be torn over the durable one and so many of the
/// newest: the states would otherwise grow with the square of how often it was written.
const TORN_OVER: usize = 64;

/// More torn contents of one unit than this are not listed: where several chains of writes tear it,
/// each in many ways, there are as many as the product of those.
const TEARS_MAX: usize = 4_096;

/// How many granules are decided by one question: sixty-four answers.
pub(crate) const MIX: usize = 6;

/// The old bytes, with those of the differing granules new whose bit is set.
pub(crate) fn mix(old: &[u8], new: &[u8], granule: u64, differ: &[u64], bits: u64) -> Vec<u8> {
    let mut mixed = old.to_vec();
    for (place, index) in differ.iter().enumerate() {
        if bits >> place & 1 == 1 {
            let start = (index * granule) as usize;
            let end = (start + granule as usize).min(old.len());
            mixed[start..end].copy_from_slice(&new[start..end]);
        }
    }
    mixed
}

/// Narrows one chain's interval; `false` when nothing is left.
fn narrow(limits: &mut Limits, chain: Chain, least: u64, most: u64) -> bool {
    match limits.binary_search_by_key(&chain, |(chain, ..)| *chain) {
        Ok(place) => {
            let (_, low, high) = &mut limits[place];
            *low = least.max(*low);
            *high = most.min(*high);
            low <= high
        }
        Err(place) => {
            limits.insert(place, (chain, least, most));
            true
        }
    }
}

/// Candidates before those that look alike are merged.
#[derive(Debug, Default)]
struct Found {
    versions: Vec<Candidate>,
    tears: Vec<Candidate>,
    /// There were more tears than [`TEARS_MAX`].
    capped: bool,
}

/// What a unit may have held when a write came.
#[derive(Clone, Debug)]
struct Was {
    bytes: Arc<[u8]>,
    /// Its place among the versions; `None` for what a tear left.
    version: Option<usize>,
}

impl Found {
    /// What was found so far, as far as it is bytes: versions, oldest first, then tears.
    fn left(&self) -> Vec<Was> {
        let bytes = |candidate: &Candidate| candidate.content.bytes().cloned();
        let versions = self.versions.iter().enumerate();
        let versions = versions.filter_map(|(place, one)| Some((bytes(one)?, Some(place))));
        let tears = self.tears.iter().filter_map(|one| Some((bytes(one)?, None)));
        versions.chain(tears).map(|(bytes, version)| Was { bytes, version }).collect()
    }

    /// Whether there are tears that stand for many contents each.
    fn has_mixtures(&self) -> bool {
        self.tears.iter().any(|tear| matches!(tear.content, Content::Mixed { .. }))
    }

    /// Leaves the first of the tears that look alike.
    fn forget_tears_alike(&mut self) {
        let mut known = BTreeSet::new();
        self.tears.retain(|tear| tear.content.bytes().is_none_or(|one| known.insert(one.clone())));
    }

    fn merged(self) -> Candidates {
        let mut merged = Candidates { capped: self.capped, ..Candidates::default() };
        let mut known = Known::default();
        for candidate in self.versions {
            let alike = |place: usize| merged.versions[place].content == candidate.content;
            match known.find(&candidate.content, alike) {
                Some(place) => {
                    merged.versions[place].boxes.extend(candidate.boxes);
                    merged.durable = place;
                }
                None => {
                    merged.durable = merged.versions.len();
                    known.add(&candidate.content, merged.versions.len());
                    merged.versions.push(candidate);
                }
            }
        }
        let mut torn = Known::default();
        for candidate in self.tears {
            let alike = |place: usize| merged.versions[place].content == candidate.content;
            if let Some(place) = known.find(&candidate.content, alike) {
                merged.versions[place].boxes.extend(candidate.boxes);
                continue;
            }
            let alike = |place: usize| merged.tears[place].content == candidate.content;
            match torn.find(&candidate.content, alike) {
                Some(place) => merged.tears[place].boxes.extend(candidate.boxes),
                None => {
                    torn.add(&candidate.content, merged.tears.len());
                    merged.tears.push(candidate);
                }
            }
        }
        merged.seqs = merged.versions.iter().map(|version| version.origin.seq).collect();
        merged
    }
}

/// Contents that were seen, by hash where there are many: a unit that was written thousands of
/// times without a flush has as many versions.
#[derive(Debug, Default)]
struct Known {
    few: Vec<usize>,
    many: BTreeMap<u64, Vec<usize>>,
}

impl Known {
    const FEW: usize = 8;

    fn find(&self, content: &Content, alike: impl Fn(usize) -> bool) -> Option<usize> {
        if let Some(place) = self.few.iter().copied().find(|place| alike(*place)) {
            return Some(place);
        }
        if self.many.is_empty() {
            return None;
        }
        self.many.get(&digest(content))?.iter().copied().find(|place| alike(*place))
    }

    fn add(&mut self, content: &Content, place: usize) {
        if self.few.len() < Self::FEW {
            self.few.push(place);
        } else {
            self.many.entry(digest(content)).or_default().push(place);
        }
    }
}

fn digest(content: &Content) -> u64 {
    let mut hasher = StableHasher::default();
    match content {
        Content::Bytes(bytes) => hasher.write(bytes),
        Content::Unreadable(_) => hasher.write_u8(1),
        Content::Mixed { old, new, .. } => {
            hasher.write(old);
            hasher.write(new);
        }
    }
    hasher.finish()
}

fn read_old(old: &Old, skip: u64, into: &mut [u8]) {
    match old.part(skip, into.len() as u64) {
        Some(part) => Part::copy_to(part, into),
        None => old.read(skip, into),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::super::log::Bytes;
    use super::*;
    use crate::io::ClientId;

    const UNIT: u64 = 4096;
    const GRANULE: u64 = 1024;

    fn device(on_tear: OnTear) -> Device {
        Device { sector: 512, physical: UNIT, on_tear, ..Device::default() }
    }

    /// A write that was on its way.
    fn flying(seq: u64, at: u64, len: u64, byte: u8) -> Effect {
        Effect {
            seq,
            request: RequestId::NONE,
            client: ClientId(0),
            submitted: seq,
            at,
            len,
            bytes: Bytes::Fill(byte),
            old: None,
            fate: Fate::Pending,
            in_flight: true,
            promised: false,
        }
    }

    /// What is in the first unit of a disk of zeroes after cuts that interrupted these writes:
    /// versions and tears, a digit for each granule, and whether there is more.
    fn left(device: &Device, cuts: &[Effect]) -> (Vec<String>, Vec<String>, bool) {
        let mut unresolved = Unresolved::default();
        for write in cuts {
            unresolved.cut(vec![write.clone()], device);
        }
        let found = unresolved.candidates(0, &Image::new(UNIT, 0), device, Key::client("disk"));
        let texts = |all: &[Candidate]| {
            let text = |one: &Candidate| {
                let bytes = one.content.bytes().map_or(&[][..], |bytes| bytes);
                let granules = bytes.chunks(GRANULE as usize);
                granules.map(|granule| char::from(b'0' + granule[0])).collect::<String>()
            };
            let mut texts: Vec<_> = all.iter().map(text).collect();
            texts.sort_unstable();
            texts
        };
        (texts(&found.versions), texts(&found.tears), found.capped)
    }

    #[test]
    fn what_a_cut_tore_and_nobody_has_read_can_be_torn_again_by_the_next() {
        let device = device(OnTear::Prefix { granule: GRANULE });
        let (one, two) = (flying(1, 0, UNIT, 1), flying(2, 0, UNIT, 2));
        let (versions, tears, _) = left(&device, core::slice::from_ref(&one));
        assert_eq!(versions, ["0000", "1111"]);
        assert_eq!(tears, ["1000", "1100", "1110"]);
        let (versions, tears, capped) = left(&device, &[one.clone(), two.clone()]);
        assert_eq!(versions, ["0000", "1111", "2222"]);
        // Twos lie over zeroes, over ones, and over ones that lie over zeroes.
        let right = [
            "1000", "1100", "1110", "2000", "2100", "2110", "2111", "2200", "2210", "2211", "2220",
            "2221",
        ];
        assert_eq!(tears, right);
        assert!(!capped);
        // The same write once more, and there is nothing new that it could leave.
        let again = left(&device, &[one, two.clone(), flying(3, 0, UNIT, 2)]);
        assert_eq!(again, (versions, tears, false));
    }

    #[test]
    fn a_part_of_a_unit_lies_over_what_a_cut_tore_and_is_torn_over_just_that() {
        let device = device(OnTear::Prefix { granule: GRANULE });
        let half = UNIT / 2;
        let (versions, tears, _) =
            left(&device, &[flying(1, 0, UNIT, 1), flying(2, half, half, 2)]);
        assert_eq!(versions, ["0000", "0022", "1111", "1122"]);
        // No ones stand before zeroes but where the first cut left it so.
        let right = ["0020", "1000", "1020", "1022", "1100", "1110", "1120", "1121"];
        assert_eq!(tears, right);
    }

    #[test]
    fn a_mixture_too_large_to_list_under_a_torn_write_is_said_to_be_missing() {
        let device = device(OnTear::Mixed { granule: 512 });
        let (one, two) = (flying(1, 0, UNIT, 1), flying(2, 0, UNIT, 2));
        assert!(!left(&device, core::slice::from_ref(&one)).2);
        assert!(left(&device, &[one, two]).2);
    }
}
