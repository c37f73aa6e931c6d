//! Rules as declared, checked and indexed: the half of an engine that never changes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{BuildHasherDefault, Hash, Hasher};

use indexmap::IndexMap;

use crate::event::StableHasher;
use crate::index::{Fits, FitsBuilder};
use crate::{
    Action, Answer, Dialect, EventId, Events, Injection, IoKind, Quirks, Rule, RuleId, Sectors,
    State,
};

/// A set of rules in one dialect, ready to be shared by any number of engines.
#[derive(Clone, Debug)]
pub struct Program {
    dialect: Dialect,
    quirks: Quirks,
    events: Events,
    rules: Box<[Rule]>,
    by_event: Box<[EventRules]>,
    pub(crate) groups: Box<[Group]>,
    /// Every suspend rule, in declaration order.
    pub(crate) suspends: Box<[RuleId]>,
    digest: u64,
}

/// Where an event's rules are, by the state they ask for.
#[derive(Clone, Debug, Default)]
struct EventRules {
    any_state: Option<GroupId>,
    by_state: IndexMap<State, GroupId, BuildHasherDefault<StableHasher>>,
}

/// The rules of one event and one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(u32);

impl GroupId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// In declaration order.
    pub(crate) injections: Box<[RuleId]>,
    pub(crate) fits: [Option<Box<Fits>>; CLASSES],
    /// The first declared state change.
    pub(crate) set_state: Option<(RuleId, State)>,
    /// In declaration order.
    pub(crate) suspends: Box<[RuleId]>,
}

/// Kinds of access an injection can be for: each one alone, and the default.
const CLASSES: usize = IoKind::ALL.len() + 1;

/// Every kind but block status, which has to be named.
pub(crate) const DEFAULT_CLASS: usize = IoKind::ALL.len();

pub(crate) const fn class(kind: Option<IoKind>) -> usize {
    match kind {
        Some(kind) => kind as usize,
        None => DEFAULT_CLASS,
    }
}

impl Program {
    /// The dialect its rules are in.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether the reference's defects are repeated.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// The events it knows.
    #[must_use]
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// The event called `name`, if it knows it.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<EventId> {
        self.events.get(name)
    }

    /// Its rules, in declaration order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The ids of its rules, in declaration order.
    pub fn rule_ids(&self) -> impl Iterator<Item = RuleId> + use<> {
        (0..self.rules.len() as u32).map(RuleId)
    }

    /// The rule with this id.
    ///
    /// # Panics
    ///
    /// When the id is another program's.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.index()]
    }

    /// A number that tells programs apart: equal programs have equal digests, on every machine.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// The groups that match `event` in `state`: the one for any state first.
    pub(crate) fn matching(&self, event: EventId, state: State) -> [Option<GroupId>; 2] {
        let Some(rules) = self.by_event.get(event.index()) else { return [None; 2] };
        let own = if rules.by_state.is_empty() { None } else { rules.by_state.get(&state) };
        [rules.any_state, own.copied()]
    }

    pub(crate) fn group_of(&self, rule: RuleId) -> GroupId {
        let Rule { event, state, .. } = *self.rule(rule);
        let rules = &self.by_event[event.index()];
        let group =
            if state == State::ANY { rules.any_state } else { rules.by_state.get(&state).copied() };
        group.expect("every rule is in the group of its event and state")
    }

    /// The sector a rule's injection is indexed under; `None` for rules that fit any, a range, or
    /// nothing.
    pub(crate) fn indexed_sector(&self, injection: &Injection) -> Option<u64> {
        sector_key(self.dialect, self.quirks, injection.sectors)
    }
}

impl PartialEq for Program {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.dialect == other.dialect
            && self.quirks == other.quirks
            && self.rules == other.rules
            && self.events.iter().eq(other.events.iter())
    }
}

impl Eq for Program {}

/// Where a single sector stands in the index, if a request can fit it at all.
///
/// 10.0.2 compares bytes: it multiplies by 512 in 64 bits and the product may wrap around, which
/// is repeated for [`Quirks::Qemu`] and not otherwise.
fn sector_key(dialect: Dialect, quirks: Quirks, sectors: Sectors) -> Option<u64> {
    let Sectors::One(sector) = sectors else { return None };
    match (dialect, quirks) {
        (Dialect::Qemu10, Quirks::Qemu) => {
            Some((sector as u64).wrapping_mul(Sectors::LEN) / Sectors::LEN)
        }
        (Dialect::Qemu2_6, _) | (_, Quirks::Safe) => u64::try_from(sector).ok(),
    }
}

/// Collects the rules of a [`Program`].
#[derive(Clone, Debug)]
pub struct ProgramBuilder {
    dialect: Dialect,
    quirks: Quirks,
    events: Events,
    rules: Vec<Rule>,
}

impl ProgramBuilder {
    /// No rules yet; the dialect's events are known.
    #[must_use]
    pub fn new(dialect: Dialect, quirks: Quirks) -> Self {
        Self { dialect, quirks, events: Events::of(dialect), rules: Vec::new() }
    }

    /// The event called `name`, made if neither the dialect nor anybody before has it.
    pub fn event(&mut self, name: &str) -> EventId {
        self.events.intern(name)
    }

    /// The events so far.
    #[must_use]
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// Declares the next rule.
    pub fn rule(&mut self, rule: Rule) -> RuleId {
        self.rules.push(rule);
        RuleId(self.rules.len() as u32 - 1)
    }

    /// The program.
    ///
    /// # Errors
    ///
    /// The first rule that asks for what its dialect or quirks do not have.
    pub fn build(self) -> Result<Program, RuleError> {
        for (index, rule) in (0..).zip(&self.rules) {
            self.validate(RuleId(index), rule)?;
        }
        let mut by_event = Vec::new();
        by_event.resize_with(self.events.iter().count(), EventRules::default);
        let mut drafts = Vec::<Draft>::new();
        for (index, rule) in (0..).zip(&self.rules) {
            let rules = &mut by_event[rule.event.index()];
            let slot = if rule.state == State::ANY {
                &mut rules.any_state
            } else {
                let place = rules.by_state.entry(rule.state);
                &mut Some(*place.or_insert(GroupId(drafts.len() as u32)))
            };
            let group = *slot.get_or_insert(GroupId(drafts.len() as u32));
            if group.index() == drafts.len() {
                drafts.push(Draft::default());
            }
            drafts[group.index()].add(RuleId(index), rule, self.dialect, self.quirks);
        }
        let mut lists = 0;
        let groups = drafts.into_iter().map(|draft| draft.build(&mut lists)).collect();
        let suspends = (0..)
            .zip(&self.rules)
            .filter(|(_, rule)| matches!(rule.action, Action::Suspend(_)))
            .map(|(index, _)| RuleId(index))
            .collect();
        let mut hasher = StableHasher::default();
        (self.dialect, self.quirks, &self.rules).hash(&mut hasher);
        self.events.iter().for_each(|event| event.hash(&mut hasher));
        Ok(Program {
            dialect: self.dialect,
            quirks: self.quirks,
            events: self.events,
            rules: self.rules.into(),
            by_event: by_event.into(),
            groups,
            suspends,
            digest: hasher.finish(),
        })
    }

    fn validate(&self, id: RuleId, rule: &Rule) -> Result<(), RuleError> {
        let Action::Inject(injection) = &rule.action else { return Ok(()) };
        match self.dialect {
            Dialect::Qemu2_6 if injection.kind.is_some() => return Err(RuleError::KindIn2_6(id)),
            Dialect::Qemu2_6 | Dialect::Qemu10 => {}
        }
        match (injection.answer, self.quirks) {
            (Answer::Pretend, Quirks::Safe) => Err(RuleError::NegativeErrno(id)),
            _ => Ok(()),
        }
    }
}

/// A rule that its dialect or quirks do not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// `iotype` came with QEMU 4.1; 2.6 has no such thing.
    KindIn2_6(RuleId),
    /// A negative errno makes QEMU report success for an access it dropped (quirk Q6); it needs
    /// [`Quirks::Qemu`].
    NegativeErrno(RuleId),
}

impl RuleError {
    /// The rule at fault.
    #[must_use]
    pub const fn rule(self) -> RuleId {
        match self {
            Self::KindIn2_6(rule) | Self::NegativeErrno(rule) => rule,
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KindIn2_6(_) => "`iotype` is not in dialect qemu_2_6; qemu_10_0_2 has it",
            Self::NegativeErrno(_) => {
                "a negative errno reports success for an access that was dropped; \
                 only `quirks: qemu` has it"
            }
        })
    }
}

impl core::error::Error for RuleError {}

#[derive(Default)]
struct Draft {
    injections: Vec<RuleId>,
    fits: [Option<FitsBuilder>; CLASSES],
    set_state: Option<(RuleId, State)>,
    suspends: Vec<RuleId>,
}

impl Draft {
    fn add(&mut self, id: RuleId, rule: &Rule, dialect: Dialect, quirks: Quirks) {
        match &rule.action {
            Action::Inject(injection) => {
                self.injections.push(id);
                let fits = self.fits[class(injection.kind)].get_or_insert_default();
                match injection.sectors {
                    Sectors::Any => fits.any(id),
                    Sectors::One(_) => {
                        // A negative sector is armed like any other and fits nothing.
                        if let Some(sector) = sector_key(dialect, quirks, injection.sectors) {
                            fits.single(sector, id);
                        }
                    }
                    Sectors::Range { count: 0, .. } => {}
                    Sectors::Range { first, count } => {
                        fits.range(first..first.saturating_add(count), id);
                    }
                }
            }
            Action::SetState(state) => {
                _ = self.set_state.get_or_insert((id, *state));
            }
            Action::Suspend(_) => self.suspends.push(id),
        }
    }

    fn build(self, lists: &mut u32) -> Group {
        Group {
            injections: self.injections.into(),
            fits: self.fits.map(|fits| fits.map(|fits| Box::new(fits.build(lists)))),
            set_state: self.set_state,
            suspends: self.suspends.into(),
        }
    }
}
