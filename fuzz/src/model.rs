//! blkdebug as its source has it: lists, walked from the head.
//!
//! Written from the reference's description rather than from the engine, and as plainly as that
//! allows: one list of rules per event, the list of active injections, the list of suspended
//! requests. New entries go to the head of a list. Nothing here is indexed, grouped or shared.
//!
//! Where C follows a pointer saved before it yielded, the model has the ids that were saved with
//! it, and skips those whose rule is gone.

use headcrash_engine::{
    Access, Action, Answer, Deed, Dialect, Errno, EventId, IoKind, Passage, Quirks, Requester,
    Resumed, Rule, RuleId, Sectors, State, Tag, Verdict, Witness,
};

/// One blkdebug node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    dialect: Dialect,
    quirks: Quirks,
    state: State,
    /// A field of the node rather than a local of the walk, as in 2.6.
    new_state: State,
    /// One list per event.
    lists: Vec<(EventId, Vec<Listed>)>,
    /// Ids of active injections.
    active: Vec<u64>,
    suspended: Vec<Held>,
    coroutines: Vec<Coroutine>,
    next_id: u64,
}

/// A rule in its event's list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    id: u64,
    state: State,
    action: Action,
    /// Leaves the list when it injects or suspends.
    once: bool,
    /// `None` for a breakpoint.
    declared: Option<RuleId>,
}

/// An entry of the list of suspended requests.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    tag: Tag,
    who: Requester,
    event: EventId,
}

/// Where a request stands that yielded inside an event.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Coroutine {
    /// 2.6: in the middle of the walk.
    Walking(Walk),
    /// 10.0.2: behind the walk, with this many yields to come.
    Yielding { who: Requester, yields: usize },
}

/// The locals of 2.6's walk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Walk {
    who: Requester,
    event: EventId,
    injected: bool,
    /// The first declared of the state changes met so far.
    set_by: Option<RuleId>,
    /// The rest of the list, as it was when the walk last yielded.
    rest: Vec<u64>,
}

impl Coroutine {
    const fn who(&self) -> Requester {
        match self {
            Self::Walking(walk) => walk.who,
            Self::Yielding { who, .. } => *who,
        }
    }
}

impl Model {
    /// A node that was opened with these rules, declared in this order.
    #[must_use]
    pub fn new(dialect: Dialect, quirks: Quirks, rules: &[(RuleId, Rule)]) -> Self {
        let mut model = Self {
            dialect,
            quirks,
            state: State(1),
            new_state: State(1),
            lists: Vec::new(),
            active: Vec::new(),
            suspended: Vec::new(),
            coroutines: Vec::new(),
            next_id: 0,
        };
        // All injections are added first, then all state changes, then all suspend rules; so the
        // walk, which begins at the head, meets them the other way round.
        let kinds: [fn(&Action) -> bool; 3] = [
            |action| matches!(action, Action::Inject(_)),
            |action| matches!(action, Action::SetState(_)),
            |action| matches!(action, Action::Suspend(_)),
        ];
        for kind in kinds {
            for (id, rule) in rules.iter().filter(|(_, rule)| kind(&rule.action)) {
                model.push_rule(rule.clone(), Some(*id));
            }
        }
        model
    }

    fn push_rule(&mut self, rule: Rule, declared: Option<RuleId>) {
        let Rule { event, state, action, once } = rule;
        let listed = Listed { id: self.next_id, state, action, once, declared };
        self.next_id += 1;
        match self.lists.iter_mut().find(|(of, _)| *of == event) {
            Some((_, list)) => list.insert(0, listed),
            None => self.lists.push((event, vec![listed])),
        }
    }

    fn list(&self, event: EventId) -> Vec<u64> {
        let of_event = |(of, _): &&(EventId, Vec<Listed>)| *of == event;
        let Some((_, list)) = self.lists.iter().find(of_event) else { return Vec::new() };
        list.iter().map(|rule| rule.id).collect()
    }

    fn rule(&self, id: u64) -> Option<&Listed> {
        self.lists.iter().flat_map(|(_, list)| list).find(|rule| rule.id == id)
    }

    fn remove(&mut self, id: u64) {
        self.lists.iter_mut().for_each(|(_, list)| list.retain(|rule| rule.id != id));
        self.active.retain(|active| *active != id);
    }

    /// `who` comes to `event`.
    pub fn announce(
        &mut self,
        event: EventId,
        who: Requester,
        witness: &mut impl Witness,
    ) -> Passage {
        let rest = self.list(event);
        self.new_state = self.state;
        match self.dialect {
            Dialect::Qemu2_6 => {
                let walk = Walk { who, event, injected: false, set_by: None, rest };
                self.walk_2_6(walk, witness)
            }
            Dialect::Qemu10 => self.walk_10(event, who, &rest, witness),
        }
    }

    fn walk_2_6(&mut self, mut walk: Walk, witness: &mut impl Witness) -> Passage {
        while !walk.rest.is_empty() {
            let Some(rule) = self.rule(walk.rest.remove(0)).cloned() else { continue };
            if rule.state != State(0) && rule.state != self.state {
                continue;
            }
            match rule.action {
                Action::Inject(_) => {
                    if !walk.injected {
                        self.active.clear();
                        walk.injected = true;
                    }
                    self.active.insert(0, rule.id);
                }
                Action::SetState(to) => {
                    self.new_state = to;
                    walk.set_by = rule.declared;
                }
                Action::Suspend(tag) => {
                    let held = Held { tag, who: walk.who, event: walk.event };
                    witness.saw(Deed::Suspended { tag: &held.tag, rule: rule.declared });
                    self.suspended.insert(0, held);
                    if rule.once {
                        self.remove(rule.id);
                        if let Some(rule) = rule.declared {
                            witness.saw(Deed::Consumed(rule));
                        }
                    }
                    self.coroutines.push(Coroutine::Walking(walk));
                    return Passage::Suspend;
                }
            }
        }
        if walk.injected {
            witness.saw(Deed::Armed(self.active.len()));
        }
        if let Some(rule) = walk.set_by {
            witness.saw(Deed::Moved { from: self.state, to: self.new_state, rule });
        }
        self.state = self.new_state;
        Passage::Pass
    }

    fn walk_10(
        &mut self,
        event: EventId,
        who: Requester,
        list: &[u64],
        witness: &mut impl Witness,
    ) -> Passage {
        let mut injected = false;
        let mut set_by = None;
        // What a suspension does to others is the same before and after the rest of the walk;
        // telling of it is kept for later, when the effects are committed.
        let mut suspended = Vec::new();
        for id in list {
            let Some(rule) = self.rule(*id).cloned() else { continue };
            if rule.state != State(0) && rule.state != self.state {
                continue;
            }
            match &rule.action {
                Action::Inject(_) => {
                    if !injected {
                        self.active.clear();
                        injected = true;
                    }
                    self.active.insert(0, rule.id);
                }
                Action::SetState(to) => {
                    self.new_state = *to;
                    set_by = rule.declared;
                }
                Action::Suspend(tag) => {
                    self.suspended.insert(0, Held { tag: tag.clone(), who, event });
                    if rule.once {
                        self.remove(rule.id);
                    }
                    suspended.push((tag.clone(), rule.declared, rule.once));
                }
            }
        }
        if injected {
            witness.saw(Deed::Armed(self.active.len()));
        }
        if let Some(rule) = set_by {
            witness.saw(Deed::Moved { from: self.state, to: self.new_state, rule });
        }
        self.state = self.new_state;
        for (tag, rule, once) in &suspended {
            witness.saw(Deed::Suspended { tag, rule: *rule });
            if let (Some(rule), true) = (rule, once) {
                witness.saw(Deed::Consumed(*rule));
            }
        }
        if suspended.is_empty() {
            return Passage::Pass;
        }
        self.coroutines.push(Coroutine::Yielding { who, yields: suspended.len() });
        Passage::Suspend
    }

    /// The callback of the driver is asked to do this.
    pub fn check(&mut self, access: Access, witness: &mut impl Witness) -> Verdict {
        for id in self.active.clone() {
            let rule = self.rule(id).cloned().expect("what is active is in a list");
            let Action::Inject(injection) = rule.action else {
                unreachable!("only injections are active")
            };
            let declared = rule.declared.expect("injections are declared");
            if !self.touches(injection.sectors, access) || !fits_kind(injection.kind, access.kind) {
                continue;
            }
            if injection.answer == Answer::Mask {
                witness.saw(Deed::Masked(declared));
                return Verdict::Pass;
            }
            witness.saw(Deed::Injected(declared));
            if rule.once {
                self.remove(id);
                witness.saw(Deed::Consumed(declared));
            }
            let immediately = injection.immediately;
            return match (injection.answer, self.dialect) {
                // The callback returns no request, and the block layer makes that EIO.
                (_, Dialect::Qemu2_6) if immediately => {
                    Verdict::Fail { errno: Errno::EIO, immediately, rule: declared }
                }
                (Answer::Fail(errno), _) => Verdict::Fail { errno, immediately, rule: declared },
                (Answer::Pretend, _) => Verdict::Pretend { immediately, rule: declared },
                (Answer::Mask, _) => unreachable!("asked above"),
            };
        }
        Verdict::Pass
    }

    fn touches(&self, sectors: Sectors, Access { at, len, .. }: Access) -> bool {
        let touches_one = |sector: i64| match (self.dialect, self.quirks) {
            (Dialect::Qemu2_6, _) => {
                let (first, count) = ((at / 512) as i64, (len / 512) as i64);
                first <= sector && sector < first + count
            }
            (Dialect::Qemu10, Quirks::Qemu) => {
                let byte = (sector as u64).wrapping_mul(512);
                len != 0 && at <= byte && byte < at + len
            }
            (Dialect::Qemu10, Quirks::Safe) => {
                let byte = i128::from(sector) * 512;
                i128::from(at) <= byte && byte < i128::from(at + len)
            }
        };
        match sectors {
            Sectors::Any => true,
            Sectors::One(sector) => touches_one(sector),
            // As many rules of one sector.
            Sectors::Range { first, count } => (first..)
                .zip(0..count)
                .map(|(sector, _)| sector as i64)
                .take_while(|sector| *sector as u64 <= (at + len) / 512)
                .any(touches_one),
        }
    }

    /// The most recent suspension under `tag` ends.
    pub fn resume(&mut self, tag: &str, witness: &mut impl Witness) -> Option<Resumed> {
        let place = self.suspended.iter().position(|held| held.tag.as_str() == tag)?;
        Some(self.enter(place, witness))
    }

    /// The most recent suspension of `who` ends; blkdebug has no such command.
    pub fn release(&mut self, who: Requester, witness: &mut impl Witness) -> Option<Resumed> {
        let place = self.suspended.iter().position(|held| held.who == who)?;
        Some(self.enter(place, witness))
    }

    fn enter(&mut self, place: usize, witness: &mut impl Witness) -> Resumed {
        let Held { tag, who, .. } = self.suspended.remove(place);
        witness.saw(Deed::Resumed { who, tag: &tag });
        let place = self.coroutines.iter().position(|coroutine| coroutine.who() == who);
        let place = place.expect("who is suspended has yielded");
        let passage = match self.coroutines.remove(place) {
            Coroutine::Walking(walk) => self.walk_2_6(walk, witness),
            Coroutine::Yielding { yields: 1, .. } => Passage::Pass,
            Coroutine::Yielding { who, yields } => {
                self.coroutines.push(Coroutine::Yielding { who, yields: yields - 1 });
                Passage::Suspend
            }
        };
        Resumed { who, passage }
    }

    /// `break EVENT TAG`.
    pub fn set_breakpoint(&mut self, event: EventId, tag: Tag) {
        let action = Action::Suspend(tag);
        self.push_rule(Rule { event, state: State(0), action, once: true }, None);
    }

    /// `remove_break TAG`, as far as the rules: how many there were.
    pub fn remove_breakpoint(&mut self, tag: &str) -> usize {
        let has_tag =
            |rule: &&Listed| matches!(&rule.action, Action::Suspend(t) if t.as_str() == tag);
        let all = self.lists.iter().flat_map(|(_, list)| list);
        let gone: Vec<u64> = all.filter(has_tag).map(|rule| rule.id).collect();
        gone.iter().for_each(|id| self.remove(*id));
        gone.len()
    }

    /// Whether `remove_break` reports success, having removed so many rules and then resumed so
    /// many requests.
    #[must_use]
    pub const fn removal_succeeds(&self, removed: usize, resumed: usize) -> bool {
        match (self.dialect, self.quirks) {
            (Dialect::Qemu10, Quirks::Qemu) => removed > 0,
            (Dialect::Qemu10, Quirks::Safe) | (Dialect::Qemu2_6, _) => removed > 0 || resumed > 0,
        }
    }

    /// `who` is never heard of again.
    pub fn abandon(&mut self, who: Requester) {
        self.suspended.retain(|held| held.who != who);
        self.coroutines.retain(|coroutine| coroutine.who() != who);
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The active injections, from the head.
    #[must_use]
    pub fn active(&self) -> Vec<RuleId> {
        let declared = |id: &u64| self.rule(*id).and_then(|rule| rule.declared);
        self.active.iter().filter_map(declared).collect()
    }

    /// Whether a declared rule is still in its list.
    #[must_use]
    pub fn lives(&self, id: RuleId) -> bool {
        self.lists.iter().flat_map(|(_, list)| list).any(|rule| rule.declared == Some(id))
    }

    /// The breakpoints on `event`, oldest first.
    #[must_use]
    pub fn breakpoints(&self, event: EventId) -> Vec<Tag> {
        let list = self.list(event);
        let breakpoints = list.iter().rev().filter_map(|id| match self.rule(*id) {
            Some(Listed { declared: None, action: Action::Suspend(tag), .. }) => Some(tag.clone()),
            _ => None,
        });
        breakpoints.collect()
    }

    /// Who is suspended, under which tag, and where: oldest first.
    #[must_use]
    pub fn suspensions(&self) -> Vec<(Tag, Requester, EventId)> {
        let entry = |held: &Held| (held.tag.clone(), held.who, held.event);
        self.suspended.iter().rev().map(entry).collect()
    }

    /// Whether anybody is suspended under `tag`.
    #[must_use]
    pub fn is_suspended(&self, tag: &str) -> bool {
        self.suspended.iter().any(|held| held.tag.as_str() == tag)
    }
}

/// `iotype`: a rule that names none is for everything but block status.
fn fits_kind(named: Option<IoKind>, kind: IoKind) -> bool {
    match named {
        Some(named) => named == kind,
        None => kind != IoKind::BlockStatus,
    }
}
