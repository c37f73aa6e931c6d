//! A run under way: the workload, then, when the power has gone, the recovery.
//!
//! A session is a value: it can be cloned at any step, and the clone goes its own way. That is how
//! every moment is tried as the one at which the power goes.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use headcrash_engine::StableHasher;
use headcrash_sim::{
    Choices, Cx, DiskId, Fact, Footprint, FsId, Image, Key, NodeId, Point, PointKind, Progress,
    Runner, Sink, What,
};

use super::company::Troupe;
use super::condition::Moment;
use super::coverage::Coverage;
use super::images::{UNDECIDED_MAX, undecided};
use super::observer::Observer;
use super::player::Player;
use super::script::{Script, disk};
use super::violation::{Claim, Outcome, Violation};
use super::{Variant, WORK_PER_STEP, endless, join, waiters, world};
use crate::scenario::{
    CutAt, DiskIndex, EXPECTATION, MarkIndex, PowerCut, PropertyKind, Scenario, Search,
};
use crate::source::Location;

/// The content of an image: long runs of one byte as such, however long, and the bytes between.
fn digest_of(image: &Image, hasher: &mut StableHasher) {
    const LONG: u64 = 1024;
    let between = |from: u64, to: u64, hasher: &mut StableHasher| {
        let mut bytes = [0; 4096];
        for at in (from..to).step_by(bytes.len()) {
            let some = (to - at).min(bytes.len() as u64) as usize;
            image.read(at, &mut bytes[..some]);
            match some {
                4096 => hasher.write_u64(of_bytes(&bytes)),
                _ => hasher.write(&bytes[..some]),
            }
        }
    };
    hasher.write_u64(image.len());
    let mut done = 0;
    for (at, len, byte) in image.runs().into_iter().filter(|(_, len, _)| *len >= LONG) {
        between(done, at, hasher);
        hasher.write_u64(at);
        hasher.write_u64(len);
        hasher.write_u8(byte);
        done = at + len;
    }
    between(done, image.len(), hasher);
}

/// How likely the power goes at each step when it goes at random: one in so many.
const ONE_IN: u64 = 16;

/// How rare cuts are in code under test: one in 2 moments, one in 4, .. in so many ways.
const RARITIES: u64 = 8;

/// When the power goes, where that is at random and nobody knows how long code takes. Drawn anew
/// whenever the power is back.
#[derive(Clone, Copy, Debug)]
struct CutPlan {
    /// Not before so many operations have ended.
    after: usize,
    /// Then at one in so many moments.
    one_in: u64,
}

/// Everyone with a part in a run; whoever is no code under test is made by `other`.
fn players<'s>(
    scenario: &'s Scenario,
    troupe: &Troupe,
    other: impl Fn(usize, &'s crate::scenario::Client) -> Player<'s>,
) -> Vec<Player<'s>> {
    let each = scenario.clients().iter().enumerate();
    let mut players: Vec<_> = each.map(|(place, client)| other(place, client)).collect();
    for (place, guest) in troupe.company().into_iter().flat_map(|company| company.clients()) {
        players[place] = Player::Guest(guest);
    }
    players
}

/// A run under way.
#[derive(Clone, Debug)]
pub(crate) struct Session<'s> {
    pub(super) scenario: &'s Scenario,
    pub(crate) runner: Runner<Player<'s>>,
    /// Code under test.
    troupe: Troupe,
    pub(crate) observer: Observer,
    seen_true: Vec<bool>,
    steps: u64,
    /// How often the power has gone.
    pub(crate) cuts: u32,
    /// When the power goes, where that was drawn.
    cut_plan: Option<CutPlan>,
    /// What code under test had come to at the last moment at which the power could have gone.
    cut_progress: Option<u64>,
    /// What the workload had come to when the power went.
    workload: Option<Arc<Workload>>,
}

/// What a workload had come to when the power went: clones that try what the cut has left share it.
#[derive(Debug, Default)]
pub(super) struct Workload {
    /// What it had marked.
    marks: Arc<BTreeSet<MarkIndex>>,
    /// The steps it had taken: the client's place, and the step's.
    steps: Vec<(usize, usize)>,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Step {
    /// There is more to do.
    More,
    /// It is over.
    Over(Outcome),
}

impl<'s> Session<'s> {
    /// The scenario at its beginning: its disks are open that are to be.
    pub(crate) fn new(
        scenario: &'s Scenario,
        variant: &Variant,
        mut observer: Observer,
        choices: &mut dyn Choices,
    ) -> Self {
        let troupe = Troupe::begin(scenario);
        let players =
            players(scenario, &troupe, |_, client| Player::Script(Script::new(scenario, client)));
        let mut world = world(scenario, variant);
        let cx = &mut Cx { choices, sink: &mut observer };
        world.draw_swarm(cx);
        for (index, _) in scenario.disks().iter().enumerate().filter(|(_, disk)| disk.open) {
            world.open(disk(DiskIndex(index)), cx);
        }
        if let Some(PowerCut { at: CutAt::Now { ns }, skew, .. }) = scenario.power_cut() {
            for disk in (0..world.disk_count() as u32).map(DiskId) {
                let later = skew.iter().find(|skew| skew.then == disk);
                let ns = ns.saturating_add(later.map_or(0, |skew| skew.after_ns));
                world.cut_at(disk, headcrash_sim::Instant::from_ns(ns));
            }
        }
        Self {
            scenario,
            runner: Runner::new(world, players),
            troupe,
            observer,
            seen_true: vec![false; scenario.properties().len()],
            steps: 0,
            cuts: 0,
            cut_plan: None,
            cut_progress: None,
            workload: None,
        }
    }

    /// Whether the power may go before the next step, and somebody has to decide it.
    pub(super) fn may_cut(&self) -> bool {
        let world = self.runner.world();
        self.scenario.power_cut().is_some_and(|cut| match cut.at {
            CutAt::Everywhere | CutAt::Random => {
                // Where one disk has died before another, the cut has come already.
                u64::from(self.cuts) < cut.times
                    && !world.is_dark()
                    && cut.skew.iter().all(|skew| world.is_powered(skew.first))
            }
            CutAt::Never | CutAt::Now { .. } | CutAt::Step { .. } => false,
        })
    }

    /// Asks whether the power goes before the next step.
    pub(super) fn cut_comes(&mut self, choices: &mut dyn Choices) -> bool {
        let point = Point::new(PointKind::Cut, Key::WORLD);
        let Some(cut) = self.scenario.power_cut() else { return false };
        match cut.at {
            CutAt::Everywhere if self.may_cut() => choices.choose(point, 2) == 1,
            CutAt::Random if self.may_cut() => match self.scenario.subject() {
                None => choices.chance(point, 1, ONE_IN),
                Some(_) => {
                    self.is_new_moment() && {
                        let plan = self.cut_plan(choices);
                        self.operations_done() >= plan.after
                            && choices.chance(point, 1, plan.one_in)
                    }
                }
            },
            // After the cut the clients are others, or there are none.
            CutAt::Step { .. } if self.cuts > 0 || self.runner.world().is_dark() => false,
            CutAt::Step { client, step } => match self.troupe.company() {
                Some(company) if self.scenario.is_guest(client) => {
                    company.operation_of(client) == step.0 && company.is_between(client)
                }
                _ => self.runner.clients()[client].is_about_to(step),
            },
            CutAt::Everywhere | CutAt::Random | CutAt::Never | CutAt::Now { .. } => false,
        }
    }

    /// Whether a cut shows now what it did not show when this was last asked: a request that does
    /// more than read was submitted or has ended, or an operation has ended. Steps that only read
    /// are no moments of their own, or they would be nearly all there are.
    fn is_new_moment(&mut self) -> bool {
        let changes = self.observer.changes.get_or_insert_default();
        let has_changed = std::mem::take(&mut changes.are_new);
        // Free code has no operations, and says itself how far it is.
        let progress = match self.all_operations() {
            0 => self.troupe.progress(),
            _ => self.operations_done() as u64,
        };
        let before = self.cut_progress.replace(progress);
        has_changed || before.is_some_and(|before| before != progress)
    }

    /// When the power goes next. Bugs live at every distance: it may go from the beginning on, or
    /// from an operation on that is any of those left. Where it has just come back the first is more
    /// likely: cuts are worse close together.
    fn cut_plan(&mut self, choices: &mut dyn Choices) -> CutPlan {
        if let Some(plan) = self.cut_plan {
            return plan;
        }
        let point = Point::new(PointKind::Data, Key::WORLD);
        let one_in = 2 << choices.choose(point, RARITIES);
        let done = self.operations_done();
        let ways = if self.cuts == 0 { 2 } else { 4 };
        let after = match self.all_operations().saturating_sub(done) as u64 {
            left @ 2.. if choices.choose(point, ways) == 1 => {
                done + choices.choose(point, left) as usize
            }
            _ => 0,
        };
        *self.cut_plan.insert(CutPlan { after, one_in })
    }

    fn all_operations(&self) -> usize {
        self.scenario.clients().iter().map(|client| client.operations.len()).sum()
    }

    /// How many operations of code under test have ended, or were cut off.
    fn operations_done(&self) -> usize {
        let Some(company) = self.troupe.company() else { return 0 };
        let clients = 0..self.scenario.clients().len();
        let guests = clients.filter(|client| self.scenario.is_guest(*client));
        guests.map(|client| company.operation_of(client)).sum()
    }

    /// The power goes, everywhere at once or as skewed as the scenario says.
    pub(super) fn cut(&mut self, choices: &mut dyn Choices) {
        let cx = &mut Cx { choices, sink: &mut self.observer };
        let skewed = self.scenario.power_cut().and_then(|cut| cut.skew.first());
        match skewed {
            // Every group of its own goes when the first one does, but for those that come later.
            Some(skew) if self.cuts == 0 => {
                let cut = self.scenario.power_cut();
                let later: Vec<_> =
                    cut.into_iter().flat_map(|cut| cut.skew.iter().map(|skew| skew.then)).collect();
                let world = self.runner.world_mut();
                world.power_cut(skew.first, cx);
                for index in 0..world.disk_count() as u32 {
                    let disk = DiskId(index);
                    if !later.contains(&disk) && world.is_powered(disk) {
                        world.power_cut(disk, cx);
                    }
                }
                world.power_cut_files(cx);
            }
            _ => self.runner.world_mut().power_cut_all(cx),
        }
        // Otherwise some of it goes on.
        if self.cuts == 0 && self.runner.world().is_dark() {
            self.workload = Some(self.workload_now());
        }
    }

    fn workload_now(&self) -> Arc<Workload> {
        let scripts = || self.runner.clients().iter();
        let steps = (0..)
            .zip(scripts())
            .flat_map(|(client, script)| script.visited().map(move |step| (client, step)));
        Arc::new(Workload {
            marks: Arc::new(scripts().flat_map(Player::marked).collect()),
            steps: steps.collect(),
        })
    }

    /// Does the next thing, whatever the choices say about the power.
    pub(crate) fn advance(&mut self, choices: &mut dyn Choices) -> Step {
        if self.cut_comes(choices) {
            self.cut(choices);
        }
        self.step(choices)
    }

    /// Does the next thing.
    pub(super) fn step(&mut self, choices: &mut dyn Choices) -> Step {
        self.steps += 1;
        let most = self.scenario.most_steps();
        if self.steps > most || self.runner.world().work() > most.saturating_mul(WORK_PER_STEP) {
            return Step::Over(Outcome::Endless(endless(self)));
        }
        if let Some(violation) = self.broken_property() {
            return self.violated(violation);
        }
        match self.runner.step(&mut Cx { choices, sink: &mut self.observer }) {
            Progress::Stepped => {}
            Progress::Dark => return self.recover(choices),
            Progress::Finished if self.goes_dark_at_the_end() => self.cut(choices),
            Progress::Stuck if self.goes_dark_at_the_end() => self.cut(choices),
            Progress::Finished => return Step::Over(self.finish()),
            Progress::Stuck => return Step::Over(Outcome::Stuck(waiters(self))),
        }
        self.settle_claims()
    }

    /// A workload that has ended, or waits for a disk that is dark, ends with a power cut if the
    /// scenario is about one and none has come, or not for every disk.
    fn goes_dark_at_the_end(&self) -> bool {
        let world = self.runner.world();
        let partly = (0..world.disk_count() as u32).any(|disk| !world.is_powered(DiskId(disk)))
            || (0..world.file_system_count() as u32).any(|fs| !world.is_mounted(FsId(fs)));
        match self.scenario.power_cut() {
            Some(PowerCut { at: CutAt::Never, .. }) | None => partly,
            Some(_) => self.cuts == 0 || partly,
        }
    }

    /// No disk has power: the power comes back, and the recovery begins.
    fn recover(&mut self, choices: &mut dyn Choices) -> Step {
        self.cuts += 1;
        let recovery = self.scenario.recover();
        if self.cuts == 1 && self.workload.is_none() {
            self.workload = Some(self.workload_now());
        }
        let workload = self.workload.as_ref().expect("it ended with the first cut");
        let marks = Arc::clone(&workload.marks);
        let cut = self.scenario.power_cut();
        let cx = &mut Cx { choices, sink: &mut self.observer };
        let world = self.runner.world_mut();
        for (one, other) in cut.into_iter().flat_map(|cut| &cut.swap) {
            world.swap_disks(*one, *other);
        }
        world.power_on(cut.map(|cut| cut.engines).unwrap_or_default(), cx);
        if let Some(Search::Eager { .. }) = self.scenario.search() {
            for disk in (0..world.disk_count() as u32).map(DiskId) {
                // What is more is decided as it is read: to the same.
                if undecided(world, disk) <= UNDECIDED_MAX {
                    world.decide_all(disk, cx);
                }
            }
        }
        if self.scenario.subject().is_some() {
            self.revive();
            return Step::More;
        }
        let script = |client| Script::recovering(self.scenario, client, Arc::clone(&marks));
        let script = recovery.map(script).map(Player::Script);
        self.runner.restart(script.into_iter().collect(), self.scenario.clients().len() as u32);
        Step::More
    }

    /// Code under test begins again, under the names and numbers it had; scripts do not.
    fn revive(&mut self) {
        let revived = self.troupe.revived();
        // What it still does as it comes to its end counts for nothing.
        self.bury();
        self.troupe = revived;
        self.cut_plan = None;
        self.cut_progress = None;
        let spawned = self.spawned().to_vec();
        let absent = |_, client: &crate::scenario::Client| Player::Absent(client.name.clone());
        let mut players = players(self.scenario, &self.troupe, absent);
        players.extend(spawned.into_iter().map(Player::Absent));
        let absent: Vec<_> =
            players.iter().map(|player| matches!(player, Player::Absent(_))).collect();
        self.runner.restart(players, 0);
        for (place, _) in absent.iter().enumerate().filter(|(_, absent)| **absent) {
            self.runner.retire(headcrash_sim::ClientId(place as u32));
        }
    }

    /// Code that still runs comes to its end.
    pub(super) fn bury(&mut self) {
        self.runner.clients_mut().iter_mut().for_each(Player::bury);
    }

    /// The names of clients that are not the scenario's.
    fn spawned(&self) -> Vec<String> {
        let beyond = self.runner.numbered().skip(self.scenario.clients().len());
        beyond.map(|(_, player)| headcrash_sim::Client::name(player).to_owned()).collect()
    }

    /// See [`Self::spawned`].
    pub(super) fn take_spawned(&self) -> Vec<String> {
        if self.scenario.subject().is_some() { self.spawned() } else { Vec::new() }
    }

    /// Where the step or operation is that a client takes next, or waits in.
    pub(crate) fn location_of(&self, client: headcrash_sim::ClientId) -> Location {
        let (_, player) = self.runner.numbered().find(|(id, _)| *id == client).expect("it plays");
        player.location().unwrap_or_else(|| {
            let place = client.index();
            let company = self.troupe.company().filter(|_| self.scenario.is_guest(place));
            self.scenario.location_of(place, company.map(|company| company.operation_of(place)))
        })
    }

    fn settle_claims(&mut self) -> Step {
        let is_right =
            |it: &crate::scenario::Finding| it.is_complaint && !self.observer.misread.is_empty();
        if let Some(finding) = self.troupe.take_finding().filter(|it| !is_right(it)) {
            let location = self.scenario.location_of(finding.client, finding.operation);
            let at = self.runner.world().now();
            let (property, message) = (finding.property, finding.message);
            let violation = Violation { property, message, location, at };
            return match finding.is_refusal {
                true => Step::Over(Outcome::Refused(violation)),
                false => self.violated(violation),
            };
        }
        loop {
            // Who has taken the step, if that was a client: nobody else claims anything.
            let claim = self.runner.actor_mut().and_then(Player::take_claim);
            match claim {
                None => return Step::More,
                Some(Claim::Violated(violation)) => return self.violated(violation),
                Some(Claim::Refused(violation)) => return Step::Over(Outcome::Refused(violation)),
                Some(Claim::Holds(condition, location)) => {
                    // A condition can be about anything.
                    self.observer.touched.touch_everything();
                    let moment = self.moment();
                    if !moment.holds(condition) {
                        let violation = Violation {
                            property: EXPECTATION.to_owned(),
                            message: join("this is not so", &moment.instead(condition)),
                            location,
                            at: self.runner.world().now(),
                        };
                        return self.violated(violation);
                    }
                }
            }
        }
    }

    /// Adds what was reached.
    pub(super) fn cover(&self, outcome: &Outcome, coverage: &mut Coverage) {
        self.cover_next(outcome, coverage, &mut None);
    }

    /// The same for one of many that go on from a cut: the steps before it are added once.
    pub(super) fn cover_next(
        &self,
        outcome: &Outcome,
        coverage: &mut Coverage,
        last: &mut Option<Arc<Workload>>,
    ) {
        coverage.add(&self.observer.seen);
        if let Some(workload) = &self.workload
            && last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, workload))
        {
            coverage.steps.extend(&workload.steps);
            *last = Some(Arc::clone(workload));
        }
        let who = if self.cuts > 0 { self.scenario.clients().len() } else { 0 };
        for (client, script) in (who..).zip(self.runner.clients()) {
            coverage.steps.extend(script.visited().map(|step| (client, step)));
        }
        let seen = self.seen_true.iter().enumerate().filter(|(_, seen)| **seen);
        coverage.sometimes.extend(seen.map(|(place, _)| place));
        coverage.feature("outcome", outcome.label());
    }

    /// What was touched since this was last asked.
    pub(super) fn take_footprint(&mut self) -> Footprint {
        std::mem::take(&mut self.observer.touched)
    }

    /// What can be told apart at the end, in a number: the outcome, what is on the disks, and what
    /// their engines have come to.
    pub(super) fn digest(&self, outcome: &Outcome) -> u64 {
        let mut hasher = StableHasher::default();
        hasher.write(outcome.label().as_bytes());
        if let Outcome::Violated(violation) | Outcome::Refused(violation) = outcome {
            hasher.write_u32(violation.location.span.start);
            hasher.write(violation.message.as_bytes());
        }
        let world = self.runner.world();
        for disk in (0..world.disk_count() as u32).map(DiskId) {
            digest_of(&world.image(disk), &mut hasher);
            for depth in 0..world.node_count(disk) {
                world.engine(NodeId { disk, depth }).hash(&mut hasher);
            }
        }
        for script in self.runner.clients() {
            script.digest(&mut hasher);
        }
        hasher.finish()
    }

    fn moment(&self) -> Moment<'_, 's> {
        Moment { scenario: self.scenario, runner: &self.runner, observer: &self.observer }
    }

    /// The violation, told to the trace as well.
    fn violated(&mut self, violation: Violation) -> Step {
        let property = violation.property.as_str().into();
        let at = self.runner.world().now();
        self.observer.tell(Fact { at, what: What::Violated { property } });
        Step::Over(Outcome::Violated(violation))
    }

    /// Looks at every property that is about each moment.
    fn broken_property(&mut self) -> Option<Violation> {
        if self.scenario.properties().is_empty() {
            return None;
        }
        let mut seen_true = std::mem::take(&mut self.seen_true);
        let moment = self.moment();
        let mut broken = None;
        for (property, seen) in self.scenario.properties().iter().zip(&mut seen_true) {
            let message = match property.kind {
                PropertyKind::Finally => continue,
                PropertyKind::Sometimes => {
                    *seen = *seen || moment.holds(&property.that);
                    continue;
                }
                PropertyKind::Always if moment.holds(&property.that) => continue,
                PropertyKind::Never if !moment.holds(&property.that) => continue,
                PropertyKind::Always => {
                    join("this is not always so", &moment.instead(&property.that))
                }
                PropertyKind::Never => "this is so now".to_owned(),
            };
            broken = Some(Violation {
                property: property.name.clone(),
                message,
                location: property.location,
                at: self.runner.world().now(),
            });
            break;
        }
        self.seen_true = seen_true;
        broken
    }

    fn finish(&mut self) -> Outcome {
        let moment = self.moment();
        let last = |property: &&crate::scenario::Property| {
            property.kind == PropertyKind::Finally && !moment.holds(&property.that)
        };
        if let Some(property) = self.scenario.properties().iter().find(last) {
            let violation = Violation {
                property: property.name.clone(),
                message: join("this is not so at the end", &moment.instead(&property.that)),
                location: property.location,
                at: self.runner.world().now(),
            };
            match self.violated(violation) {
                Step::Over(outcome) => return outcome,
                Step::More => unreachable!("a violation ends a run"),
            }
        }
        let properties = self.scenario.properties().iter().zip(&self.seen_true);
        let unmeasured: Vec<_> = properties
            .filter(|(property, seen)| property.kind == PropertyKind::Sometimes && !**seen)
            .map(|(property, _)| property.name.clone())
            .collect();
        if unmeasured.is_empty() { Outcome::Held } else { Outcome::NotMeasured(unmeasured) }
    }

    /// What a power cut now would leave, and what the recovery would know: a number that is equal
    /// where both are.
    pub(super) fn cut_digest(&self) -> (u64, usize, u64) {
        let marked: usize =
            self.runner.clients().iter().map(|client| client.marked().count()).sum();
        (self.runner.world().cut_digest(), marked, self.troupe.progress())
    }
}

/// A number that follows from these bytes. Four words at a time, each on its own, because every word
/// of one hash waits for the word before.
fn of_bytes(bytes: &[u8; 4096]) -> u64 {
    let mut lanes = [StableHasher::default(); 4];
    for words in bytes.as_chunks::<8>().0.as_chunks::<4>().0 {
        for (lane, word) in lanes.iter_mut().zip(words) {
            lane.write_u64(u64::from_le_bytes(*word));
        }
    }
    let mut all = StableHasher::default();
    for lane in lanes {
        all.write_u64(lane.finish());
    }
    all.finish()
}
