//! What is done to a node, one move after another: the input of every law about engines.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use headcrash_engine::{
    Access, Action, Answer, Deed, Dialect, EventId, Injection, IoKind, Program, ProgramBuilder,
    Quirks, Requester, Rule, RuleError, RuleId, Sectors, State, Tag, Witness,
};

// Domains are small, so that moves meet each other.
const EVENTS: [&str; 3] = ["write_aio", "pwritev", "journal_commit"];
const TAGS: [&str; 3] = ["A", "B", "C"];
const RULES_MAX: usize = 160;
const MOVES_MAX: usize = 256;

/// A node and what happens to it.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) dialect: Dialect,
    pub(crate) quirks: Quirks,
    pub(crate) moves: Vec<Move>,
}

/// A program, and its rules in order.
pub(crate) type Opened = (Arc<Program>, Vec<(RuleId, Rule)>);

/// One thing done to a node. Rules are declared before everything else, wherever they stand.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) enum Move {
    Declare(Declaration),
    Break { event: Event, tag: Name },
    Remove(Name),
    Announce { who: Who, event: Event },
    Check(Area),
    Flush,
    Resume(Name),
    Release(Who),
    Abandon(Who),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Declaration {
    event: Event,
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose(&[0, 0, 1, 1, 2, 3, -1]).copied())]
    state: i32,
    once: bool,
    what: What,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum What {
    Inject(Injected),
    /// The same for several sectors in a row, or several times, so that indexes have to do.
    InjectMany {
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=40))]
        count: i64,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-1..=1))]
        step: i64,
        injected: Injected,
    },
    SetState(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(-1..=3))] i32),
    Suspend(Name),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Injected {
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose(&[5, 5, 28, 0, -5]).copied())]
    errno: i32,
    sectors: Where,
    immediately: bool,
    #[arbitrary(with = some_kind)]
    kind: Option<IoKind>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Where {
    Any,
    One(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(0..=11))] i64),
    /// Negative, or more than 64 bits of bytes hold.
    Odd(#[arbitrary(with = odd_sector)] i64),
    Range {
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(0..=11))]
        first: u64,
        #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose(&[0, 1, 2, 5, u64::MAX]).copied())]
        count: u64,
    },
}

/// An access, in sectors and odd bytes; the older dialect knows no odd bytes.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Area {
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose(&IoKind::ALL).copied())]
    kind: IoKind,
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(0..=13))]
    sector: u64,
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(0..=13))]
    sectors: u64,
    #[arbitrary(with = odd_bytes)]
    at_more: u64,
    #[arbitrary(with = odd_bytes)]
    len_more: u64,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Event(
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose_index(EVENTS.len()))] usize,
);

#[derive(Arbitrary, Clone, Copy)]
pub(crate) struct Name(
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose(&TAGS).copied())] &'static str,
);

#[derive(Arbitrary, Clone, Copy)]
pub(crate) struct Who(#[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=4))] u64);

fn some_kind(u: &mut Unstructured<'_>) -> arbitrary::Result<Option<IoKind>> {
    Ok(if u.ratio(3, 4)? { None } else { Some(*u.choose(&IoKind::ALL)?) })
}

fn odd_sector(u: &mut Unstructured<'_>) -> arbitrary::Result<i64> {
    u.choose(&[-1, -2, i64::MIN, 1 << 55, (1 << 55) + 1, i64::MAX]).copied()
}

fn odd_bytes(u: &mut Unstructured<'_>) -> arbitrary::Result<u64> {
    u.choose(&[0, 0, 0, 1, 100, 511]).copied()
}

impl<'a> Arbitrary<'a> for Story {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let dialect = *u.choose(&[Dialect::Qemu2_6, Dialect::Qemu10])?;
        let quirks = *u.choose(&[Quirks::Safe, Quirks::Qemu])?;
        let mut moves = Vec::new();
        // As many as there are bytes: a `Vec` would stop at every other element.
        while !u.is_empty() && moves.len() < MOVES_MAX {
            moves.push(u.arbitrary()?);
        }
        Ok(Self { dialect, quirks, moves })
    }
}

impl Story {
    /// Plays the story; one that ends badly is told.
    pub(crate) fn tell(&self, play: impl FnOnce(&Self) -> Result<(), String>) {
        let end = catch_unwind(AssertUnwindSafe(|| play(self)));
        if let Err(broken) = end.unwrap_or_else(|_| Err("panicked, as said above".to_owned())) {
            panic!("{broken}\n\n{self}");
        }
    }

    /// The program it declares, rules in order; rules the dialect or the quirks do not have are
    /// left out once the builder has refused them.
    pub(crate) fn open(&self) -> Result<Opened, String> {
        let mut refusing = self.builder();
        let mut accepting = self.builder();
        let mut refused = None;
        let mut rules = Vec::new();
        for rule in self.rules() {
            let id = refusing.rule(rule.clone());
            match self.refusal(&rule, id) {
                None => rules.push((accepting.rule(rule.clone()), rule)),
                Some(error) => refused = refused.or(Some(error)),
            }
        }
        if refusing.build().err() != refused {
            return Err(format!("the builder should have said {refused:?}"));
        }
        let program = accepting.build().map_err(|error| format!("refused: {error}"))?;
        Ok((program.into(), rules))
    }

    fn builder(&self) -> ProgramBuilder {
        let mut builder = ProgramBuilder::new(self.dialect, self.quirks);
        for event in EVENTS {
            builder.event(event);
        }
        builder
    }

    fn refusal(&self, rule: &Rule, id: RuleId) -> Option<RuleError> {
        let Action::Inject(injection) = &rule.action else { return None };
        if self.dialect == Dialect::Qemu2_6 && injection.kind.is_some() {
            return Some(RuleError::KindIn2_6(id));
        }
        let pretends = injection.answer == Answer::Pretend;
        (pretends && self.quirks == Quirks::Safe).then_some(RuleError::NegativeErrno(id))
    }

    fn rules(&self) -> Vec<Rule> {
        let events = self.builder();
        let mut rules = Vec::new();
        for a_move in &self.moves {
            let Move::Declare(Declaration { event, state, once, what }) = *a_move else { continue };
            let event = events.events().get(EVENTS[event.0]).expect("every event is declared");
            let mut add = |action| {
                if rules.len() < RULES_MAX {
                    rules.push(Rule { event, state: State(state), action, once });
                }
            };
            match what {
                What::Inject(injected) => add(Action::Inject(injected.injection())),
                What::InjectMany { count, step, injected } => {
                    for place in 0..count {
                        let sectors = match step {
                            0 => injected.injection().sectors,
                            1 => Sectors::from_number(place),
                            _ => Sectors::from_number(count - 1 - place),
                        };
                        add(Action::Inject(Injection { sectors, ..injected.injection() }));
                    }
                }
                What::SetState(to) => add(Action::SetState(State(to))),
                What::Suspend(tag) => add(Action::Suspend(tag.tag())),
            }
        }
        rules
    }

    /// The access `area` means in this dialect, if it has it.
    pub(crate) fn access(&self, area: Area) -> Option<Access> {
        let Area { kind, sector, sectors, at_more, len_more } = area;
        match (self.dialect, kind) {
            (_, IoKind::Flush) => Some(Access::FLUSH),
            (Dialect::Qemu2_6, IoKind::Read | IoKind::Write) => {
                Some(Access::new(kind, sector * 512, sectors * 512))
            }
            (Dialect::Qemu2_6, IoKind::WriteZeroes | IoKind::Discard | IoKind::BlockStatus) => None,
            (Dialect::Qemu10, _) => {
                Some(Access::new(kind, sector * 512 + at_more, sectors * 512 + len_more))
            }
        }
    }

    pub(crate) fn events(program: &Program) -> impl Iterator<Item = EventId> {
        EVENTS.iter().map(|name| program.event(name).expect("every event is declared"))
    }

    pub(crate) fn tags() -> impl Iterator<Item = &'static str> {
        TAGS.into_iter()
    }
}

impl Injected {
    fn injection(self) -> Injection {
        let sectors = match self.sectors {
            Where::Any => Sectors::Any,
            Where::One(sector) | Where::Odd(sector) => Sectors::from_number(sector),
            Where::Range { first, count } => Sectors::Range { first, count },
        };
        Injection {
            answer: Answer::from_number(self.errno),
            sectors,
            immediately: self.immediately,
            kind: self.kind,
        }
    }
}

impl Event {
    pub(crate) fn id(self, program: &Program) -> EventId {
        program.event(EVENTS[self.0]).expect("every event is declared")
    }
}

impl Name {
    pub(crate) const fn as_str(self) -> &'static str {
        self.0
    }

    pub(crate) fn tag(self) -> Tag {
        Tag::new(self.0)
    }
}

impl Who {
    pub(crate) const fn requester(self) -> Requester {
        Requester(self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Everything needed to read what happened, rules first.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quirks = match self.quirks {
            Quirks::Safe => "safe",
            Quirks::Qemu => "qemu",
        };
        writeln!(f, "dialect {}, quirks {quirks}; events {EVENTS:?}", self.dialect.name())?;
        writeln!(f, "rules, as declared (those that are refused do not count):")?;
        for (place, Rule { event, state, action, once }) in self.rules().iter().enumerate() {
            let once = if *once { ", once" } else { "" };
            let event = self.builder().events().name(*event).to_owned();
            writeln!(f, "  {place:3}: {event}, state {state}{once}: {action:?}")?;
        }
        writeln!(f, "moves:")?;
        for (place, a_move) in self.moves.iter().enumerate() {
            match *a_move {
                Move::Declare(_) => {}
                Move::Check(area) => match self.access(area) {
                    Some(access) => writeln!(f, "  {place:3}: {access:?}")?,
                    None => writeln!(f, "  {place:3}: nothing in this dialect")?,
                },
                other => writeln!(f, "  {place:3}: {other:?}")?,
            }
        }
        Ok(())
    }
}

/// Writes down what an engine did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Log(pub(crate) Vec<String>);

impl Witness for Log {
    fn saw(&mut self, deed: Deed<'_>) {
        self.0.push(format!("{deed:?}"));
    }
}

/// An error that shows both answers, unless they are the same.
pub(crate) fn same<T: PartialEq + fmt::Debug>(
    what: &str,
    [left, right]: [&str; 2],
    a: &T,
    b: &T,
) -> Result<(), String> {
    if a == b {
        return Ok(());
    }
    Err(format!("{what}:\n  {left}: {a:?}\n  {right}: {b:?}"))
}
