//! What a campaign was to try and never did.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use headcrash_engine::{Action, Answer, Errno, EventId, State};
use headcrash_sim::{DiskId, Effect, Fault, NodeId};
use serde::{Deserialize, Serialize};

use crate::run::Coverage;
use crate::scenario::{
    Client, DiskIndex, FaultPlace, FileSystemIndex, Finds, Gets, PropertyKind, RuleInfo, RulePlace,
    Scenario, StepKind, Wanted,
};
use crate::source::{Diagnostic, Location, Source};

/// Something that a scenario says and no run came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vacuous {
    /// The line where the file says it, from 1; 0 if it is not known.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// What kind of thing it is.
    pub kind: VacuousKind,
    /// What it is called; empty if it has no name.
    pub name: String,
    /// Where, for underlining.
    #[serde(skip)]
    pub location: Location,
}

/// What kind of thing no run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VacuousKind {
    /// A rule that never fired.
    Rule,
    /// A fault that never struck.
    Fault,
    /// An event that was never announced.
    Event,
    /// A state that was never entered.
    State,
    /// An error that nobody was answered.
    Error,
    /// A `sometimes` property that was never true.
    Sometimes,
    /// A step that expects something and was never taken.
    Expectation,
    /// A property that was never looked at.
    Property,
}

/// `rule "w" never fired`.
impl fmt::Display for Vacuous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.kind {
            VacuousKind::Rule if name.is_empty() => f.write_str("this rule never fired"),
            VacuousKind::Rule => write!(f, "rule `{name}` never fired"),
            VacuousKind::Fault if name.is_empty() => f.write_str("this fault never struck"),
            VacuousKind::Fault => write!(f, "fault `{name}` never struck"),
            VacuousKind::Event => write!(f, "event `{name}` was never announced"),
            VacuousKind::State => write!(f, "state {name} was never entered"),
            VacuousKind::Error => write!(f, "nobody was answered `{name}`"),
            VacuousKind::Sometimes => write!(f, "`{name}` was never true"),
            VacuousKind::Expectation => {
                write!(f, "client `{name}` never came to this expectation")
            }
            VacuousKind::Property => write!(f, "`{name}` was never looked at"),
        }
    }
}

impl Vacuous {
    fn new(kind: VacuousKind, name: String, location: Location) -> Self {
        let Location { line, column, .. } = location;
        Self { line, column, kind, name, location }
    }

    /// The name, if it is a `sometimes` property.
    #[must_use]
    pub fn sometimes(&self) -> Option<&str> {
        (self.kind == VacuousKind::Sometimes).then_some(&self.name)
    }

    /// As rustc would show it.
    #[must_use]
    pub fn render(&self, source: &Source, colour: bool) -> String {
        let diagnostic = Diagnostic::new(self.location.span, format!("vacuous: {self}"));
        source.render(&diagnostic, colour)
    }
}

/// Everything that a scenario says and none of the runs with this coverage came to, in file order.
///
/// What is not reached by several campaigns together is what none of them has reached: their
/// lists' intersection.
#[must_use]
pub fn vacuous(scenario: &Scenario, coverage: &Coverage) -> Vec<Vacuous> {
    let (placed, named) = Default::default();
    let mut items = Items { scenario, placed, named };
    items.disks();
    items.file_systems();
    items.clients();
    items.properties();
    let mut missed = items.missed(coverage);
    missed.extend(listed_events(scenario, coverage, &missed));
    missed.sort();
    missed
}

/// What would have shown that something was come to: any of these.
#[derive(Debug)]
enum What {
    Fired(Vec<RulePlace>),
    Struck(Vec<FaultPlace>),
    StruckFile(FileSystemIndex, usize),
    Announced(EventId),
    Entered(Vec<NodeId>, State),
    Failed(Errno),
    Sometimes(usize),
    Step(usize, usize),
    /// Any outcome of these.
    Ended(Vec<String>),
}

impl What {
    fn is_reached(&self, coverage: &Coverage) -> bool {
        match self {
            Self::Fired(places) => places.iter().any(|place| coverage.fired.contains(place)),
            Self::Struck(places) => places.iter().any(|place| coverage.struck.contains(place)),
            Self::StruckFile(fs, place) => coverage.struck_files.contains(&(*fs, *place)),
            Self::Announced(event) => coverage.announced.contains(event),
            Self::Entered(nodes, state) => {
                nodes.iter().any(|node| coverage.states.contains(&(*node, *state)))
            }
            Self::Failed(errno) => coverage.failed.contains(errno),
            Self::Sometimes(place) => coverage.sometimes.contains(place),
            Self::Step(client, step) => coverage.steps.contains(&(*client, *step)),
            Self::Ended(outcomes) => outcomes.iter().any(|label| coverage.has_outcome(label)),
        }
    }
}

/// Everything a scenario says.
struct Items<'s> {
    scenario: &'s Scenario,
    /// By where it says it: what the file says once for several disks is one thing, and enough if
    /// it comes about on one.
    placed: BTreeMap<(Location, VacuousKind, String), What>,
    /// What has its name all over the file, with the first place.
    named: BTreeMap<(VacuousKind, String), (Location, What)>,
}

impl Items<'_> {
    fn add(&mut self, kind: VacuousKind, name: &str, location: Location, what: What) {
        match self.placed.entry((location, kind, name.to_owned())) {
            Entry::Vacant(vacant) => _ = vacant.insert(what),
            Entry::Occupied(mut known) => known.get_mut().or(&what),
        }
    }

    fn add_named(&mut self, kind: VacuousKind, name: &str, location: Location, what: What) {
        match self.named.entry((kind, name.to_owned())) {
            Entry::Vacant(vacant) => _ = vacant.insert((location, what)),
            Entry::Occupied(mut known) => {
                let (first, known) = known.get_mut();
                *first = location.min(*first);
                known.or(&what);
            }
        }
    }

    /// All that is not reached.
    fn missed(self, coverage: &Coverage) -> Vec<Vacuous> {
        let named = self.named.into_iter().map(|((kind, name), (at, what))| (at, kind, name, what));
        let placed = self.placed.into_iter().map(|((at, kind, name), what)| (at, kind, name, what));
        let missed = placed.chain(named).filter(|(.., what)| !what.is_reached(coverage));
        let item = |(at, kind, name, _): (Location, _, _, _)| Vacuous::new(kind, name, at);
        missed.map(item).collect()
    }

    fn event(&mut self, event: EventId, location: Location) {
        let program = &self.scenario.disks()[0].nodes[0].program;
        let name = program.events().name(event).to_owned();
        self.add_named(VacuousKind::Event, &name, location, What::Announced(event));
    }

    fn state(&mut self, state: State, node: NodeId, location: Location) {
        // Every engine begins in the first.
        if ![State::ANY, State::FIRST].contains(&state) {
            let what = What::Entered(vec![node], state);
            self.add_named(VacuousKind::State, &state.to_string(), location, what);
        }
    }

    fn error(&mut self, errno: Errno, location: Location) {
        let name = errno.name().map_or_else(|| errno.number().to_string(), ToOwned::to_owned);
        self.add_named(VacuousKind::Error, &name, location, What::Failed(errno));
    }

    fn disks(&mut self) {
        for (index, disk) in self.scenario.disks().iter().enumerate() {
            let id = DiskId(index as u32);
            for (depth, node) in disk.nodes.iter().enumerate() {
                let at = NodeId { disk: id, depth: depth as u32 };
                for id in node.program.rule_ids() {
                    let RuleInfo { name, location } = node.rule(id);
                    let rule = node.program.rule(id);
                    let place = RulePlace { disk: DiskIndex(index), node: depth, rule: id };
                    let name = name.as_deref().unwrap_or_default();
                    self.add(VacuousKind::Rule, name, *location, What::Fired(vec![place]));
                    self.event(rule.event, *location);
                    self.state(rule.state, at, *location);
                    match &rule.action {
                        Action::SetState(state) => self.state(*state, at, *location),
                        Action::Inject(injection) => {
                            if let Answer::Fail(errno) = injection.answer {
                                self.error(errno, *location);
                            }
                        }
                        Action::Suspend(_) => {}
                    }
                }
            }
            for (place, (rule, info)) in disk.faults.iter().zip(&disk.fault_infos).enumerate() {
                let place = FaultPlace { disk: DiskIndex(index), fault: place };
                let name = info.name.as_deref().unwrap_or_default();
                self.add(VacuousKind::Fault, name, info.location, What::Struck(vec![place]));
                if let Some(event) = rule.trigger.event {
                    self.event(event, info.location);
                }
                let first = NodeId { disk: id, depth: 0 };
                self.state(rule.trigger.state, first, info.location);
                match &rule.effect {
                    Effect::SetState(state) => self.state(*state, first, info.location),
                    Effect::Fault(fault) => self.fault(*fault, info.location),
                    Effect::Suspend(_) => {}
                }
            }
        }
        if let Some(each) = self.scenario.fail_each() {
            self.error(each.errno, each.location);
        }
    }

    fn fault(&mut self, fault: Fault, location: Location) {
        match fault {
            Fault::Fail { errno, .. }
            | Fault::FlushFails { errno, .. }
            | Fault::FlushFailsLater { errno }
            | Fault::FlushFailsForEach { errno }
            | Fault::Unreadable { errno, .. }
            | Fault::Unwritable { errno } => self.error(errno, location),
            // The others give no error, or none of their own.
            _ => {}
        }
    }

    fn file_systems(&mut self) {
        for (index, fs) in self.scenario.file_systems().iter().enumerate() {
            for (place, (fault, info)) in fs.faults.iter().zip(&fs.fault_infos).enumerate() {
                let what = What::StruckFile(FileSystemIndex(index), place);
                let name = info.name.as_deref().unwrap_or_default();
                self.add(VacuousKind::Fault, name, info.location, what);
                self.fault(fault.fault, info.location);
            }
        }
    }

    fn clients(&mut self) {
        let scenario = self.scenario;
        for (index, client) in scenario.clients().iter().chain(scenario.recover()).enumerate() {
            self.steps(index, client);
        }
    }

    fn steps(&mut self, index: usize, client: &Client) {
        for (place, step) in client.steps.iter().enumerate() {
            let location = step.location;
            let expects = match &step.kind {
                StepKind::Io(_, wanted) | StepKind::Wait(_, wanted) | StepKind::WaitAll(wanted) => {
                    expects(wanted)
                }
                StepKind::Parallel(all) => all.iter().any(|(_, _, wanted)| expects(wanted)),
                StepKind::File(_, wanted, finds) => {
                    expects(wanted) || !matches!(finds, Finds::Anything)
                }
                StepKind::Open(_, gets)
                | StepKind::Reopen(_, gets)
                | StepKind::Truncate(_, _, gets) => is_special(*gets),
                StepKind::Len(..) | StepKind::Expect(_) => true,
                StepKind::SetBreak(_, event, _) => {
                    self.event(*event, location);
                    false
                }
                StepKind::Damage { fault, .. } => {
                    self.fault(*fault, location);
                    false
                }
                StepKind::Submit(..)
                | StepKind::Announce(..)
                | StepKind::RemoveBreak { .. }
                | StepKind::Resume { .. }
                | StepKind::WaitBreak(_)
                | StepKind::Sleep { .. }
                | StepKind::Repeat { .. }
                | StepKind::Again { .. }
                | StepKind::When { .. }
                | StepKind::WhenExists { .. }
                | StepKind::Jump(_)
                | StepKind::Close(_)
                | StepKind::PowerCut(_)
                | StepKind::Heal { .. }
                | StepKind::Mark(_)
                | StepKind::WhenMarked { .. }
                | StepKind::Refuse(_) => false,
            };
            if expects {
                let what = What::Step(index, place);
                self.add(VacuousKind::Expectation, &client.name, location, what);
            }
        }
    }

    fn properties(&mut self) {
        let properties = self.scenario.properties();
        let violated = |name: &str| format!("violated({name:?})");
        for (place, property) in properties.iter().enumerate() {
            let (kind, what) = match property.kind {
                PropertyKind::Sometimes => (VacuousKind::Sometimes, What::Sometimes(place)),
                // Looked at after the first step of the first run.
                PropertyKind::Always | PropertyKind::Never => continue,
                PropertyKind::Finally => {
                    // They are looked at in order, up to the first that does not hold.
                    let later = properties[place..].iter();
                    let later = later.filter(|later| later.kind == PropertyKind::Finally);
                    let mut ends: Vec<_> = later.map(|later| violated(&later.name)).collect();
                    ends.extend(["held", "not measured"].map(ToOwned::to_owned));
                    (VacuousKind::Property, What::Ended(ends))
                }
            };
            self.add(kind, &property.name, property.location, what);
        }
    }
}

impl What {
    /// The same, or this as well.
    fn or(&mut self, other: &Self) {
        match (self, other) {
            (Self::Fired(all), Self::Fired(more)) => all.extend(more),
            (Self::Struck(all), Self::Struck(more)) => all.extend(more),
            (Self::Entered(all, _), Self::Entered(more, _)) => all.extend(more),
            // The same thing twice.
            _ => {}
        }
    }
}

/// Whether a step says what it expects: that nothing goes wrong goes without saying.
fn expects(wanted: &Wanted) -> bool {
    is_special(wanted.gets) || wanted.holds.is_some() || wanted.or_violates.is_some()
}

const fn is_special(gets: Gets) -> bool {
    matches!(gets, Gets::Short(_) | Gets::Fails(_))
}

/// Events of the file's list that were never announced, but for those that are known already.
fn listed_events(scenario: &Scenario, coverage: &Coverage, missed: &[Vacuous]) -> Vec<Vacuous> {
    let events = &scenario.file.events;
    if events.is_empty() {
        return Vec::new();
    }
    let source = scenario.source();
    let tree = crate::source::scan(source.text()).ok();
    let program = &scenario.disks()[0].nodes[0].program;
    let mut found = Vec::new();
    for (place, name) in events.iter().enumerate() {
        let is_missed =
            program.event(name).is_some_and(|event| !coverage.announced.contains(&event));
        let is_known =
            missed.iter().any(|item| item.kind == VacuousKind::Event && item.name == *name);
        if is_missed && !is_known {
            let at = tree.as_ref().map(|tree| tree.root(source.text()).field("events").item(place));
            let location = at.map(|at| source.locate(at.span())).unwrap_or_default();
            found.push(Vacuous::new(VacuousKind::Event, name.clone(), location));
        }
    }
    found
}
