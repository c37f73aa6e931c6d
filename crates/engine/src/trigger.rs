//! When something beyond blkdebug strikes: the n-th match, every n-th, a chance, one client, a
//! window of time that somebody else opens and closes.
//!
//! blkdebug's rules are asked first-declared-wins, per event and state, and [`Engine`](crate::Engine)
//! does that as the reference does. A [`Trigger`] is asked on its own: several may strike at once,
//! and what each does is the business of whoever carries it out.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use crate::{Access, EventId, IoKind, Requester, Sectors, State};

/// A set of kinds of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Kinds {
    /// Reads, writes, writes of zeroes, discards and flushes.
    pub const ALL: Self = Self(0b1_1111);
    /// None.
    pub const NONE: Self = Self(0);
    /// Whatever changes bytes: writes, writes of zeroes, discards.
    pub const CHANGES: Self = Self(0b0_1110);
    /// Opening the disk, which is no access to its medium: only triggers that name it count it, and
    /// [`IoKind`] has no word for it.
    pub const OPENING: Self = Self(0b1000_0000);

    /// Only this one.
    #[must_use]
    pub const fn only(kind: IoKind) -> Self {
        Self(1 << kind as u8)
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, kind: IoKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether everything that is in `other` is in it.
    #[must_use]
    pub const fn has_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether a kind is among them.
    #[must_use]
    pub const fn has(self, kind: IoKind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each, in [`IoKind::ALL`]'s order.
    pub fn iter(self) -> impl Iterator<Item = IoKind> {
        IoKind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

/// `num` in `den`; a ratio, because floats differ from machine to machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: u64,
    den: NonZeroU64,
}

impl Ratio {
    /// `num` in `den`, or `None` when `den` is zero or `num` is more.
    #[must_use]
    pub const fn new(num: u64, den: u64) -> Option<Self> {
        match NonZeroU64::new(den) {
            Some(den) if num <= den.get() => Some(Self { num, den }),
            _ => None,
        }
    }

    /// The upper number.
    #[must_use]
    pub const fn num(self) -> u64 {
        self.num
    }

    /// The lower number.
    #[must_use]
    pub const fn den(self) -> u64 {
        self.den.get()
    }
}

/// What has to come together for something to strike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trigger {
    /// It counts when this is announced; with `None` it counts accesses to the medium.
    pub event: Option<EventId>,
    /// Only while the engine of the disk's first node is in this state; [`State::ANY`] is always.
    pub state: State,
    /// Only accesses of these kinds. With an event: of what the announcing request does next.
    pub kinds: Kinds,
    /// Only accesses that touch these.
    pub sectors: Sectors,
    /// Only requests of this client, by the world's number.
    pub client: Option<u32>,
    /// Only the n-th match, from 1.
    pub nth: Option<NonZeroU64>,
    /// Only every n-th match.
    pub every: Option<NonZeroU64>,
    /// At most so many times.
    pub times: Option<u64>,
    /// Only with this chance, asked when everything else agrees.
    pub chance: Option<Ratio>,
    /// It strikes at the announcement itself, rather than at an access of the request that
    /// announces. Means nothing without an event.
    pub at_once: bool,
    /// Whether it is enabled at the start: the world opens and closes windows of time.
    pub enabled: bool,
}

impl Default for Trigger {
    /// Every access.
    fn default() -> Self {
        Self {
            event: None,
            state: State::ANY,
            kinds: Kinds::ALL,
            sectors: Sectors::Any,
            client: None,
            nth: None,
            every: None,
            times: None,
            chance: None,
            at_once: false,
            enabled: true,
        }
    }
}

/// A trigger of its set, by its place in declaration order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TriggerId(pub u32);

impl TriggerId {
    /// Its place.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Answers whether a chance comes true.
pub trait Ask {
    /// Whether this trigger strikes, which has this chance to.
    fn strikes(&mut self, trigger: TriggerId, chance: Ratio) -> bool;
}

impl<F: FnMut(TriggerId, Ratio) -> bool> Ask for F {
    fn strikes(&mut self, trigger: TriggerId, chance: Ratio) -> bool {
        self(trigger, chance)
    }
}

/// Who announces or asks, and in which state the engine was when it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The request.
    pub who: Requester,
    /// Its client, by the world's number.
    pub client: u32,
    /// The state.
    pub state: State,
}

/// Triggers in declaration order, found by event and by kind of access.
#[derive(Clone, Debug, Default)]
struct Set {
    all: Box<[Trigger]>,
    by_event: BTreeMap<EventId, Vec<TriggerId>>,
    by_kind: [Vec<TriggerId>; IoKind::ALL.len()],
    by_opening: Vec<TriggerId>,
}

/// Triggers, and what has happened to them.
///
/// A value: the triggers are shared by its clones, the counts are its own.
#[derive(Clone, Debug, Default)]
pub struct Triggers {
    set: Arc<Set>,
    live: Vec<Live>,
    /// Who struck at an announcement and waits for the request's access, in the order of both.
    marks: Vec<(Requester, TriggerId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Live {
    matched: u64,
    struck: u64,
    enabled: bool,
    left_out: bool,
}

impl Triggers {
    /// These, none of which has matched anything.
    #[must_use]
    pub fn new(all: Vec<Trigger>) -> Self {
        let live = |trigger: &Trigger| Live {
            matched: 0,
            struck: 0,
            enabled: trigger.enabled,
            left_out: false,
        };
        let lives = all.iter().map(live).collect();
        let mut set = Set::default();
        for (index, trigger) in (0..).zip(&all) {
            match trigger.event {
                Some(event) => set.by_event.entry(event).or_default().push(TriggerId(index)),
                None => {
                    for kind in trigger.kinds.iter() {
                        set.by_kind[kind as usize].push(TriggerId(index));
                    }
                    if trigger.kinds.has_all(Kinds::OPENING) {
                        set.by_opening.push(TriggerId(index));
                    }
                }
            }
        }
        set.all = all.into();
        Self { set: Arc::new(set), live: lives, marks: Vec::new() }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.all.is_empty()
    }

    /// A trigger.
    ///
    /// # Panics
    ///
    /// When it is another set's.
    #[must_use]
    pub fn get(&self, id: TriggerId) -> &Trigger {
        &self.set.all[id.index()]
    }

    /// How often it has struck.
    #[must_use]
    pub fn struck(&self, id: TriggerId) -> u64 {
        self.live[id.index()].struck
    }

    /// How often something matched it, whether it struck or not.
    #[must_use]
    pub fn matched(&self, id: TriggerId) -> u64 {
        self.live[id.index()].matched
    }

    /// Lets it match from now on, or no longer.
    pub fn enable(&mut self, id: TriggerId, enabled: bool) {
        self.live[id.index()].enabled = enabled;
    }

    /// It never matches, whether it is enabled or not.
    pub fn leave_out(&mut self, id: TriggerId) {
        self.live[id.index()].left_out = true;
    }

    /// Whether it was left out.
    #[must_use]
    pub fn is_left_out(&self, id: TriggerId) -> bool {
        self.live[id.index()].left_out
    }

    /// A trigger goes on counting from where it was in another set of the same triggers.
    ///
    /// # Panics
    ///
    /// When it is in neither.
    pub fn carry_on(&mut self, id: TriggerId, from: &Self) {
        self.live[id.index()] = from.live[id.index()];
    }

    /// An event is announced. What strikes at once is added to `struck`; the rest waits for the
    /// next access of this request that fits.
    pub fn announced(
        &mut self,
        event: EventId,
        cause: Cause,
        ask: &mut impl Ask,
        struck: &mut Vec<TriggerId>,
    ) {
        let set = Arc::clone(&self.set);
        let Some(ids) = set.by_event.get(&event) else { return };
        for id in ids {
            let trigger = &set.all[id.index()];
            if !self.strikes(*id, trigger, cause, ask) {
                continue;
            }
            if trigger.at_once {
                struck.push(*id);
            } else {
                self.marks.push((cause.who, *id));
            }
        }
    }

    /// A request accesses the medium. What strikes is added to `struck`, in declaration order.
    pub fn accessed(
        &mut self,
        access: Access,
        cause: Cause,
        ask: &mut impl Ask,
        struck: &mut Vec<TriggerId>,
    ) {
        let set = Arc::clone(&self.set);
        let first = struck.len();
        self.marks.retain(|(who, id)| {
            let trigger = &set.all[id.index()];
            let fits = *who == cause.who
                && trigger.kinds.has(access.kind)
                && touches(trigger.sectors, access);
            if fits {
                struck.push(*id);
            }
            !fits
        });
        for id in &set.by_kind[access.kind as usize] {
            let trigger = &set.all[id.index()];
            if touches(trigger.sectors, access) && self.strikes(*id, trigger, cause, ask) {
                struck.push(*id);
            }
        }
        struck[first..].sort_unstable();
    }

    /// The disk is opened. What strikes is added to `struck`, in declaration order.
    pub fn opened(&mut self, cause: Cause, ask: &mut impl Ask, struck: &mut Vec<TriggerId>) {
        let set = Arc::clone(&self.set);
        for id in &set.by_opening {
            if self.strikes(*id, &set.all[id.index()], cause, ask) {
                struck.push(*id);
            }
        }
    }

    /// Forgets what waits for accesses of `who`, who has ended.
    pub fn forget(&mut self, who: Requester) {
        self.marks.retain(|(other, _)| *other != who);
    }

    fn strikes(
        &mut self,
        id: TriggerId,
        trigger: &Trigger,
        cause: Cause,
        ask: &mut impl Ask,
    ) -> bool {
        let live = &mut self.live[id.index()];
        if !live.enabled
            || live.left_out
            || (trigger.state != State::ANY && trigger.state != cause.state)
            || trigger.client.is_some_and(|client| client != cause.client)
        {
            return false;
        }
        live.matched += 1;
        let counted = trigger.nth.is_none_or(|nth| live.matched == nth.get())
            && trigger.every.is_none_or(|every| live.matched.is_multiple_of(every.get()))
            && trigger.times.is_none_or(|times| live.struck < times);
        if !counted || trigger.chance.is_some_and(|chance| !ask.strikes(id, chance)) {
            return false;
        }
        self.live[id.index()].struck += 1;
        true
    }
}

/// Two are equal when they would answer everything alike.
impl PartialEq for Triggers {
    fn eq(&self, other: &Self) -> bool {
        self.set.all == other.set.all && self.live == other.live && self.marks == other.marks
    }
}

impl Eq for Triggers {}

fn touches(sectors: Sectors, access: Access) -> bool {
    let (first, count) = match sectors {
        Sectors::Any => return true,
        Sectors::One(sector) => match u64::try_from(sector) {
            Ok(sector) => (sector, 1),
            Err(_) => return false,
        },
        Sectors::Range { first, count } => (first, count),
    };
    let start = u128::from(first) * u128::from(Sectors::LEN);
    let end = start + u128::from(count) * u128::from(Sectors::LEN);
    u128::from(access.at) < end && start < u128::from(access.at) + u128::from(access.len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const CAUSE: Cause = Cause { who: Requester(1), client: 0, state: State::FIRST };

    fn never(_: TriggerId, _: Ratio) -> bool {
        false
    }

    /// Which of `count` accesses a trigger strikes, from 1.
    fn strikes(trigger: Trigger, access: Access, count: usize) -> Vec<usize> {
        let mut triggers = Triggers::new(vec![trigger]);
        let mut struck = Vec::new();
        let mut hit = Vec::new();
        for n in 1..=count {
            triggers.accessed(access, CAUSE, &mut never, &mut struck);
            if struck.pop().is_some() {
                hit.push(n);
            }
        }
        hit
    }

    const WRITE: Access = Access::new(IoKind::Write, 4096, 512);

    #[test]
    fn the_nth_match_is_one_and_every_nth_are_many() {
        let nth = Trigger { nth: NonZeroU64::new(3), ..Trigger::default() };
        assert_eq!(strikes(nth, WRITE, 9), [3]);
        let every = Trigger { every: NonZeroU64::new(3), ..Trigger::default() };
        assert_eq!(strikes(every.clone(), WRITE, 9), [3, 6, 9]);
        assert_eq!(strikes(Trigger { times: Some(2), ..every }, WRITE, 9), [3, 6]);
    }

    #[test]
    fn an_opening_is_counted_by_those_that_name_it() {
        let all = Trigger::default();
        let nth = NonZeroU64::new(2);
        let both = Kinds::OPENING.with(IoKind::Write);
        let opening = Trigger { kinds: both, nth, ..Trigger::default() };
        let mut triggers = Triggers::new(vec![all, opening]);
        let mut struck = Vec::new();
        triggers.opened(CAUSE, &mut never, &mut struck);
        assert_eq!((&struck[..], triggers.matched(TriggerId(0))), (&[][..], 0));
        triggers.opened(CAUSE, &mut never, &mut struck);
        assert_eq!(struck, [TriggerId(1)]);
        assert!(!Kinds::ALL.has_all(Kinds::OPENING) && !both.is_empty());
        assert_eq!(both.iter().collect::<Vec<_>>(), [IoKind::Write]);
    }

    #[test]
    fn what_does_not_fit_is_not_counted() {
        let sectors = Sectors::Range { first: 7, count: 1 };
        assert_eq!(strikes(Trigger { sectors, ..Trigger::default() }, WRITE, 3), []);
        let sectors = Sectors::Range { first: 7, count: 2 };
        assert_eq!(strikes(Trigger { sectors, ..Trigger::default() }, WRITE, 3), [1, 2, 3]);
        let kinds = Kinds::only(IoKind::Flush);
        assert_eq!(strikes(Trigger { kinds, ..Trigger::default() }, WRITE, 3), []);
        let client = Some(1);
        assert_eq!(strikes(Trigger { client, ..Trigger::default() }, WRITE, 3), []);
        let state = State(2);
        assert_eq!(strikes(Trigger { state, ..Trigger::default() }, WRITE, 3), []);
    }

    #[test]
    fn a_chance_is_asked_for_last_and_only_then() {
        let chance = Ratio::new(1, 2);
        let mut triggers = Triggers::new(vec![
            Trigger { chance, nth: NonZeroU64::new(2), ..Trigger::default() },
            Trigger { chance, ..Trigger::default() },
        ]);
        let mut asked = Vec::new();
        let mut struck = Vec::new();
        let mut ask = |id: TriggerId, _: Ratio| {
            asked.push(id.0);
            true
        };
        triggers.accessed(WRITE, CAUSE, &mut ask, &mut struck);
        triggers.accessed(WRITE, CAUSE, &mut ask, &mut struck);
        assert_eq!(asked, [1, 0, 1]);
        assert_eq!(struck, [TriggerId(1), TriggerId(0), TriggerId(1)]);
    }

    #[test]
    fn an_event_marks_the_next_fitting_access_of_the_same_request() {
        let mut events = crate::Events::of(crate::Dialect::Qemu10);
        let event = events.intern("commit");
        let kinds = Kinds::only(IoKind::Write);
        let trigger = Trigger { event: Some(event), kinds, ..Trigger::default() };
        let mut triggers = Triggers::new(vec![trigger]);
        let mut struck = Vec::new();
        triggers.announced(event, CAUSE, &mut never, &mut struck);
        assert_eq!(struck, [], "nothing strikes at once");
        let other = Cause { who: Requester(2), ..CAUSE };
        triggers.accessed(WRITE, other, &mut never, &mut struck);
        let read = Access::new(IoKind::Read, 4096, 512);
        triggers.accessed(read, CAUSE, &mut never, &mut struck);
        assert_eq!(struck, []);
        triggers.accessed(WRITE, CAUSE, &mut never, &mut struck);
        triggers.accessed(WRITE, CAUSE, &mut never, &mut struck);
        assert_eq!(struck, [TriggerId(0)], "once");
    }

    #[test]
    fn a_closed_window_matches_nothing_and_counts_nothing() {
        let nth = NonZeroU64::new(1);
        let mut triggers =
            Triggers::new(vec![Trigger { nth, enabled: false, ..Trigger::default() }]);
        let mut struck = Vec::new();
        triggers.accessed(WRITE, CAUSE, &mut never, &mut struck);
        triggers.enable(TriggerId(0), true);
        triggers.accessed(WRITE, CAUSE, &mut never, &mut struck);
        assert_eq!(struck, [TriggerId(0)]);
        assert_eq!((triggers.matched(TriggerId(0)), triggers.struck(TriggerId(0))), (1, 1));
    }
}
