//! A program at work: announce, check, resume.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::ops::Range;

use crate::index::{ListId, Living};
use crate::program::{DEFAULT_CLASS, GroupId, class};
use crate::{
    Access, Action, Answer, Dialect, Errno, EventId, IoKind, Program, Quirks, RuleId, Sectors,
    State, Tag,
};

/// Who announces: the world's number for a request. The engine only compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requester(pub u64);

/// May the code that reached this point go on?
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Passage {
    /// It may.
    Pass,
    /// Not before it is resumed; [`Engine::suspensions`] tells under which tags.
    Suspend,
}

/// What becomes of an access.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is carried out.
    Pass,
    /// It fails, and nothing is done.
    Fail {
        /// What the requester is told.
        errno: Errno,
        /// Inside the submission, rather than one turn later.
        immediately: bool,
        /// Whose doing it is.
        rule: RuleId,
    },
    /// It succeeds, and nothing is done (quirk Q6).
    Pretend {
        /// Inside the submission, rather than one turn later.
        immediately: bool,
        /// Whose doing it is.
        rule: RuleId,
    },
}

/// What the engine did on the way to an answer, for whoever writes the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed<'a> {
    /// The armed list was replaced; it now holds this many injections.
    Armed(usize),
    /// A state change took effect.
    Moved {
        /// The state before.
        from: State,
        /// The state now; it may be the same.
        to: State,
        /// Whose doing it is.
        rule: RuleId,
    },
    /// The requester was suspended under this tag.
    Suspended {
        /// The tag.
        tag: &'a Tag,
        /// The suspend rule, or `None` for a breakpoint.
        rule: Option<RuleId>,
    },
    /// A suspension under this tag ended.
    Resumed {
        /// Whose.
        who: Requester,
        /// The tag.
        tag: &'a Tag,
    },
    /// An injection with [`Answer::Mask`] let the access pass.
    Masked(RuleId),
    /// An injection decided the access.
    Injected(RuleId),
    /// A `once` rule is gone.
    Consumed(RuleId),
}

/// Is told what the engine does, in order.
pub trait Witness {
    /// One more deed.
    fn saw(&mut self, deed: Deed<'_>);
}

/// Nobody looks.
impl Witness for () {
    #[inline]
    fn saw(&mut self, _: Deed<'_>) {}
}

/// Everybody who is told through a `dyn`.
impl Witness for &mut dyn FnMut(Deed<'_>) {
    fn saw(&mut self, deed: Deed<'_>) {
        self(deed);
    }
}

/// One requester held under one tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Suspension {
    tag: Tag,
    who: Requester,
    event: EventId,
    walk: Walk,
}

impl Suspension {
    /// The tag it is held under.
    #[must_use]
    pub const fn tag(&self) -> &Tag {
        &self.tag
    }

    /// Who is held.
    #[must_use]
    pub const fn who(&self) -> Requester {
        self.who
    }

    /// The event it was held at.
    #[must_use]
    pub const fn event(&self) -> EventId {
        self.event
    }
}

/// How far the walk over an event's rules has come. Rules are named by numbers that are never
/// used twice, so that one removed meanwhile is found to be gone rather than followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Walk {
    /// Breakpoints older than this one are next.
    Breakpoints { below: u64 },
    /// Suspend rules declared before this one are next.
    Suspends { below: RuleId },
    /// Nothing: the event's effects are committed.
    Over,
}

/// A request goes on.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resumed {
    /// Whose suspension ended.
    pub who: Requester,
    /// Whether it may now pass, or is held again.
    pub passage: Passage,
}

/// What [`Engine::remove_breakpoint`] found.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Removal {
    /// How many breakpoints and suspend rules are gone.
    pub removed: usize,
    counts_resumed: bool,
}

impl Removal {
    /// Whether the command is to report success (otherwise `ENOENT`), given how many requests were
    /// resumed after it.
    ///
    /// 10.0.2 reports `ENOENT` when there was no rule to remove although requests were resumed
    /// (quirk Q5); 2.6, and the safe answer, count both.
    #[must_use]
    pub const fn succeeds(self, resumed: usize) -> bool {
        self.removed > 0 || (self.counts_resumed && resumed > 0)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Breakpoint {
    number: u64,
    tag: Tag,
}

/// One blkdebug node: a [`Program`] and what has happened to it.
///
/// A value: cloning is cheap, whatever the size of the program, and two engines are equal when
/// they would answer everything alike.
#[derive(Clone, Debug)]
pub struct Engine {
    program: Arc<Program>,
    live: Live,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Live {
    state: State,
    /// The groups whose living injections are armed: the one for any state, the state's own. Each
    /// has one that lives.
    armed: [Option<GroupId>; 2],
    spent: Arc<Spent>,
    /// By event, oldest first.
    breakpoints: BTreeMap<EventId, Vec<Breakpoint>>,
    /// Oldest first.
    suspended: Vec<Suspension>,
}

/// Rules that are gone for good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Spent {
    /// A bit per rule, as far as the last that is gone.
    bits: Vec<u64>,
    /// How many injections of a group are gone.
    by_group: BTreeMap<GroupId, usize>,
    /// How many at the front of a list are gone.
    fronts: BTreeMap<ListId, usize>,
}

impl Living for Spent {
    fn lives(&self, rule: RuleId) -> bool {
        let word = self.bits.get(rule.index() / 64).copied().unwrap_or(0);
        word >> (rule.index() % 64) & 1 == 0
    }

    fn skip(&self, list: ListId) -> usize {
        self.fronts.get(&list).copied().unwrap_or(0)
    }
}

impl Spent {
    fn spend(&mut self, rule: RuleId) {
        let word = rule.index() / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (rule.index() % 64);
    }
}

impl Engine {
    /// An engine that has seen nothing: [`State::FIRST`], nothing armed, nobody suspended.
    #[must_use]
    pub fn new(program: Arc<Program>) -> Self {
        Self {
            program,
            live: Live {
                state: State::FIRST,
                armed: [None; 2],
                spent: Arc::default(),
                breakpoints: BTreeMap::new(),
                suspended: Vec::new(),
            },
        }
    }

    /// Whether nothing can come of any announcement or check: it has no rules, and no breakpoint is
    /// set.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.live.breakpoints.is_empty() && self.program.rules().is_empty()
    }

    /// May `who`, having reached `event`, go on?
    ///
    /// A requester that is suspended announces nothing until it is resumed.
    pub fn announce(
        &mut self,
        event: EventId,
        who: Requester,
        witness: &mut impl Witness,
    ) -> Passage {
        match self.program.dialect() {
            Dialect::Qemu2_6 => {
                self.walk(event, who, Walk::Breakpoints { below: u64::MAX }, witness)
            }
            Dialect::Qemu10 => {
                let state = self.live.state;
                self.commit(event, witness);
                self.suspend_at_all(event, state, who, witness)
            }
        }
    }

    /// What becomes of this access?
    pub fn check(&mut self, access: Access, witness: &mut impl Witness) -> Verdict {
        let Some((rule, injection)) = self.fitting(access) else { return Verdict::Pass };
        let immediately = injection.immediately;
        let answer = match (injection.answer, self.program.dialect()) {
            (Answer::Mask, _) => {
                witness.saw(Deed::Masked(rule));
                return Verdict::Pass;
            }
            // 2.6's callback returns no request at all then, which the layer above reads as EIO.
            (_, Dialect::Qemu2_6) if immediately => Answer::Fail(Errno::EIO),
            (answer, _) => answer,
        };
        witness.saw(Deed::Injected(rule));
        if self.program.rule(rule).once {
            self.spend(rule);
            witness.saw(Deed::Consumed(rule));
        }
        match answer {
            Answer::Fail(errno) => Verdict::Fail { errno, immediately, rule },
            Answer::Pretend => Verdict::Pretend { immediately, rule },
            Answer::Mask => unreachable!("a masking rule has answered already"),
        }
    }

    /// Ends the most recent suspension under `tag`, or `None` when there is none.
    pub fn resume(&mut self, tag: &str, witness: &mut impl Witness) -> Option<Resumed> {
        let place = self.live.suspended.iter().rposition(|held| held.tag.as_str() == tag)?;
        Some(self.end_suspension(place, witness))
    }

    /// Ends the most recent suspension of `who`, whatever its tag, or `None` when there is none.
    /// blkdebug has only [`Self::resume`]; a simulator that decides who goes on needs this.
    pub fn release(&mut self, who: Requester, witness: &mut impl Witness) -> Option<Resumed> {
        let place = self.live.suspended.iter().rposition(|held| held.who == who)?;
        Some(self.end_suspension(place, witness))
    }

    fn end_suspension(&mut self, place: usize, witness: &mut impl Witness) -> Resumed {
        let held = self.live.suspended.remove(place);
        witness.saw(Deed::Resumed { who: held.who, tag: &held.tag });
        let passage = match held.walk {
            Walk::Over if self.live.suspended.iter().any(|other| other.who == held.who) => {
                Passage::Suspend
            }
            Walk::Over => Passage::Pass,
            walk @ (Walk::Breakpoints { .. } | Walk::Suspends { .. }) => {
                self.walk(held.event, held.who, walk, witness)
            }
        };
        Resumed { who: held.who, passage }
    }

    /// Suspends the next requester that announces `event`. The newest breakpoint is met first.
    pub fn set_breakpoint(&mut self, event: EventId, tag: Tag) {
        // Newer than any that is set, and than any that a suspended walk has left behind. Numbers
        // begin anew when nobody remembers one, so that engines which answer alike are equal.
        let set = self.live.breakpoints.values().flatten().map(|breakpoint| breakpoint.number + 1);
        let walked = self.live.suspended.iter().filter_map(|held| match held.walk {
            Walk::Breakpoints { below } => Some(below),
            Walk::Suspends { .. } | Walk::Over => None,
        });
        let number = set.chain(walked).max().unwrap_or(0);
        self.live.breakpoints.entry(event).or_default().push(Breakpoint { number, tag });
    }

    /// Removes every breakpoint and suspend rule with this tag. Whoever is suspended under it
    /// stays so: the caller resumes them, newest first, and asks [`Removal::succeeds`].
    pub fn remove_breakpoint(&mut self, tag: &str) -> Removal {
        let mut removed = 0;
        self.live.breakpoints.retain(|_, breakpoints| {
            let before = breakpoints.len();
            breakpoints.retain(|breakpoint| breakpoint.tag.as_str() != tag);
            removed += before - breakpoints.len();
            !breakpoints.is_empty()
        });
        let program = Arc::clone(&self.program);
        for id in &program.suspends {
            if matches!(&program.rule(*id).action, Action::Suspend(other) if other.as_str() == tag)
                && self.live.spent.lives(*id)
            {
                Arc::make_mut(&mut self.live.spent).spend(*id);
                removed += 1;
            }
        }
        let counts_resumed = match (program.dialect(), program.quirks()) {
            (Dialect::Qemu10, Quirks::Qemu) => false,
            (Dialect::Qemu2_6, _) | (_, Quirks::Safe) => true,
        };
        Removal { removed, counts_resumed }
    }

    /// Takes an injection out for good, as one that was spent: nothing tells them apart.
    ///
    /// # Panics
    ///
    /// When the rule is no injection, or another program's.
    pub fn leave_out(&mut self, rule: RuleId) {
        if self.live.spent.lives(rule) {
            self.spend(rule);
        }
    }

    /// Puts the engine into a state, whatever its rules say: for what strikes beside them.
    pub const fn move_to(&mut self, state: State) {
        self.live.state = state;
    }

    /// Suspends `who`, who has just announced `event` and passed, whatever the rules say. One
    /// resume ends it.
    pub fn suspend(
        &mut self,
        event: EventId,
        who: Requester,
        tag: Tag,
        witness: &mut impl Witness,
    ) {
        self.hold(event, who, tag, None, Walk::Over, witness);
    }

    /// Forgets every suspension of `who`, who will not go on: its node was closed or lost power.
    pub fn abandon(&mut self, who: Requester) {
        self.live.suspended.retain(|held| held.who != who);
    }

    /// Whether anybody is suspended under `tag`.
    #[must_use]
    pub fn is_suspended(&self, tag: &str) -> bool {
        self.live.suspended.iter().any(|held| held.tag.as_str() == tag)
    }

    /// Who is suspended, oldest first.
    #[must_use]
    pub fn suspensions(&self) -> &[Suspension] {
        &self.live.suspended
    }

    /// The breakpoints set and not yet met, by event, oldest first.
    pub fn breakpoints(&self) -> impl Iterator<Item = (EventId, &Tag)> {
        self.live
            .breakpoints
            .iter()
            .flat_map(|(event, all)| all.iter().map(|breakpoint| (*event, &breakpoint.tag)))
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.live.state
    }

    /// The program at work.
    #[must_use]
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Whether a rule can still do something: it was neither consumed nor removed.
    #[must_use]
    pub fn lives(&self, rule: RuleId) -> bool {
        self.live.spent.lives(rule)
    }

    /// The armed injections, in declaration order: the order in which an access asks them.
    pub fn armed(&self) -> impl Iterator<Item = RuleId> {
        let [mut a, mut b] = self.live.armed.map(|group| match group {
            Some(group) => self.program.groups[group.index()].injections.iter().peekable(),
            None => [].iter().peekable(),
        });
        core::iter::from_fn(move || match (a.peek(), b.peek()) {
            (Some(x), Some(y)) if x < y => a.next(),
            (_, Some(_)) => b.next(),
            (_, None) => a.next(),
        })
        .copied()
        .filter(|rule| self.live.spent.lives(*rule))
    }

    /// The walk of 2.6: each breakpoint and suspend rule holds the requester in turn, and what the
    /// event does otherwise comes at the end, against the state of that time.
    fn walk(
        &mut self,
        event: EventId,
        who: Requester,
        mut walk: Walk,
        witness: &mut impl Witness,
    ) -> Passage {
        if let Walk::Breakpoints { below } = walk {
            if let Some(Breakpoint { number, tag }) = self.take_breakpoint(event, below) {
                self.hold(event, who, tag, None, Walk::Breakpoints { below: number }, witness);
                return Passage::Suspend;
            }
            walk = Walk::Suspends { below: RuleId(u32::MAX) };
        }
        if let Walk::Suspends { below } = walk
            && let Some(rule) = self.last_suspend(event, self.live.state, below)
        {
            let walk = Walk::Suspends { below: rule };
            self.hold_by_rule(event, who, rule, walk, witness);
            return Passage::Suspend;
        }
        self.commit(event, witness);
        Passage::Pass
    }

    /// The suspensions of 10.0.2: all at once, after everything else.
    fn suspend_at_all(
        &mut self,
        event: EventId,
        state: State,
        who: Requester,
        witness: &mut impl Witness,
    ) -> Passage {
        let mut passage = Passage::Pass;
        while let Some(Breakpoint { tag, .. }) = self.take_breakpoint(event, u64::MAX) {
            self.hold(event, who, tag, None, Walk::Over, witness);
            passage = Passage::Suspend;
        }
        let mut below = RuleId(u32::MAX);
        while let Some(rule) = self.last_suspend(event, state, below) {
            self.hold_by_rule(event, who, rule, Walk::Over, witness);
            below = rule;
            passage = Passage::Suspend;
        }
        passage
    }

    /// Arms what matches and changes the state: an event's effects, all against one state.
    fn commit(&mut self, event: EventId, witness: &mut impl Witness) {
        let from = self.live.state;
        let groups = self.program.matching(event, from);
        let count: usize = groups.iter().flatten().map(|group| self.living_in(*group)).sum();
        if count > 0 {
            // Groups with nothing to arm are left out, so that equal lists compare equal.
            self.live.armed = groups.map(|group| group.filter(|group| self.living_in(*group) > 0));
            witness.saw(Deed::Armed(count));
        }
        let set_state = |group: &GroupId| self.program.groups[group.index()].set_state;
        let first = groups.iter().flatten().filter_map(set_state).min_by_key(|(rule, _)| *rule);
        if let Some((rule, to)) = first {
            self.live.state = to;
            witness.saw(Deed::Moved { from, to, rule });
        }
    }

    fn living_in(&self, group: GroupId) -> usize {
        let all = self.program.groups[group.index()].injections.len();
        all - self.live.spent.by_group.get(&group).copied().unwrap_or(0)
    }

    /// Uses up the newest breakpoint on `event` that is older than `below`.
    fn take_breakpoint(&mut self, event: EventId, below: u64) -> Option<Breakpoint> {
        if self.live.breakpoints.is_empty() {
            return None;
        }
        let breakpoints = self.live.breakpoints.get_mut(&event)?;
        let place = breakpoints.partition_point(|breakpoint| breakpoint.number < below);
        let taken = place.checked_sub(1).map(|place| breakpoints.remove(place));
        if breakpoints.is_empty() {
            self.live.breakpoints.remove(&event);
        }
        taken
    }

    /// The last declared living suspend rule that matches and was declared before `below`.
    fn last_suspend(&self, event: EventId, state: State, below: RuleId) -> Option<RuleId> {
        let last_in = |group: &GroupId| {
            let suspends = &self.program.groups[group.index()].suspends;
            let end = suspends.partition_point(|rule| *rule < below);
            suspends[..end].iter().rev().copied().find(|rule| self.live.spent.lives(*rule))
        };
        self.program.matching(event, state).iter().flatten().filter_map(last_in).max()
    }

    fn hold_by_rule(
        &mut self,
        event: EventId,
        who: Requester,
        id: RuleId,
        walk: Walk,
        witness: &mut impl Witness,
    ) {
        let rule = self.program.rule(id);
        let Action::Suspend(tag) = &rule.action else {
            unreachable!("only suspend rules are listed as such")
        };
        let (tag, once) = (tag.clone(), rule.once);
        self.hold(event, who, tag, Some(id), walk, witness);
        if once {
            Arc::make_mut(&mut self.live.spent).spend(id);
            witness.saw(Deed::Consumed(id));
        }
    }

    fn hold(
        &mut self,
        event: EventId,
        who: Requester,
        tag: Tag,
        rule: Option<RuleId>,
        walk: Walk,
        witness: &mut impl Witness,
    ) {
        witness.saw(Deed::Suspended { tag: &tag, rule });
        self.live.suspended.push(Suspension { tag, who, event, walk });
    }

    /// The armed injection that decides `access`.
    fn fitting(&self, access: Access) -> Option<(RuleId, crate::Injection)> {
        let sectors = sectors_of(access);
        let named = class(Some(access.kind));
        let classes = match access.kind {
            IoKind::BlockStatus => [None, Some(named)],
            _ => [Some(DEFAULT_CLASS), Some(named)],
        };
        let mut best = None;
        for group in self.live.armed.iter().flatten() {
            let fits = &self.program.groups[group.index()].fits;
            for class in classes.iter().flatten() {
                if let Some(fits) = &fits[*class] {
                    best = fits.first(&sectors, best, &*self.live.spent);
                }
            }
        }
        let rule = best?;
        let Action::Inject(injection) = self.program.rule(rule).action else {
            unreachable!("only injections are armed")
        };
        Some((rule, injection))
    }

    /// Removes an injection for good.
    fn spend(&mut self, rule: RuleId) {
        let group = self.program.group_of(rule);
        let Action::Inject(injection) = &self.program.rule(rule).action else {
            unreachable!("only injections are spent by a check")
        };
        let spent = Arc::make_mut(&mut self.live.spent);
        spent.spend(rule);
        let gone = spent.by_group.entry(group).or_default();
        *gone += 1;
        if *gone == self.program.groups[group.index()].injections.len() {
            for armed in &mut self.live.armed {
                _ = armed.take_if(|armed| *armed == group);
            }
        }
        let fits = self.program.groups[group.index()].fits[class(injection.kind)].as_deref();
        let fits = fits.expect("a rule that fits is indexed");
        let sector = match injection.sectors {
            Sectors::Any => None,
            Sectors::One(_) => self.program.indexed_sector(injection),
            Sectors::Range { .. } => return,
        };
        if let Some((list, gone)) = fits.front_of(sector, spent)
            && gone > 0
        {
            spent.fronts.insert(list, gone);
        }
    }
}

impl PartialEq for Engine {
    fn eq(&self, other: &Self) -> bool {
        (Arc::ptr_eq(&self.program, &other.program) || self.program == other.program)
            && self.live == other.live
    }
}

impl Eq for Engine {}

impl Hash for Engine {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.program.digest().hash(state);
        self.live.hash(state);
    }
}

/// The sectors whose first byte lies in the access: the test of 10.0.2, and, for whole sectors,
/// that of 2.6 as well.
const fn sectors_of(access: Access) -> Range<u64> {
    if access.len == 0 {
        return 0..0;
    }
    let first = access.at.div_ceil(Sectors::LEN);
    first..access.at.saturating_add(access.len).div_ceil(Sectors::LEN)
}
