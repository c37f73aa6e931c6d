//! Every moment as the one at which the power goes, and every state it can leave.

use std::collections::HashSet;
use std::hash::Hasher;
use std::sync::Arc;

use headcrash_engine::StableHasher;
use headcrash_search::{Frontier, Order, Path, Polarity, Policy, Walk};
use headcrash_sim::{
    Choice, Choices, DiskId, FsId, Key, Point, PointKind, Recorder, Schedule, Seeded, StateCount,
    World,
};

use super::Variant;
use super::coverage::Coverage;
use super::eager;
use super::images::{UNDECIDED_MAX, undecided};
use super::observer::Observer;
use super::session::{Session, Step, Workload};
use super::violation::Outcome;
use crate::scenario::{CutAt, Scenario, Search, StateOrder};

/// What came of exploring a scenario's crash states.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// The moments that were tried, in order.
    pub points: Vec<CrashPoint>,
    /// How many moments left what the one before had left, and were not tried again.
    pub same: u64,
    /// How many states could be told apart, over all moments; two moments can leave the same one.
    pub possible: StateCount,
    /// What recoveries made of the states they were tried on.
    pub verdicts: Verdicts,
    /// Whether a budget ended it: states were possible that were not tried.
    pub is_cut_off: bool,
    /// The smallest run for each verdict: fewest unusual answers, earliest moment.
    pub clean: Option<Example>,
    /// See [`Self::clean`].
    pub loud: Option<Example>,
    /// See [`Self::clean`].
    pub silent: Option<Example>,
    /// Over the traces of all runs, in order.
    pub hash: u64,
    /// What was reached in any of them.
    pub coverage: Coverage,
}

/// A moment at which the power went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// Before which step of the run, from 0.
    pub step: u64,
    /// When, in nanoseconds of virtual time.
    pub at_ns: u64,
    /// How many writes were not durable then, and how many names, lengths and units of files.
    pub unflushed: usize,
    /// How many states could be told apart.
    pub possible: StateCount,
    /// What came of those that were tried.
    pub verdicts: Verdicts,
}

/// How many states came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Everything held.
    pub clean: u64,
    /// The recovery refused with an error.
    pub loud: u64,
    /// Something was wrong, and the recovery did not say so.
    pub silent: u64,
}

impl Verdicts {
    /// How many states were tried.
    #[must_use]
    pub const fn tried(&self) -> u64 {
        self.clean + self.loud + self.silent
    }

    const fn add(&mut self, other: Self) {
        self.clean += other.clean;
        self.loud += other.loud;
        self.silent += other.silent;
    }
}

/// A run that shows a verdict, and how to have it again.
#[derive(Clone, Debug)]
pub struct Example {
    /// What came of it.
    pub outcome: Outcome,
    /// The choices of the whole run.
    pub schedule: Schedule,
    /// How many of its answers were unusual.
    pub unusual: usize,
    /// At which of [`Exploration::points`].
    pub point: usize,
}

impl Exploration {
    /// How many states were tried.
    #[must_use]
    pub const fn tried(&self) -> u64 {
        self.verdicts.tried()
    }

    /// The run that says most: a silent one, or a loud one, or a clean one.
    #[must_use]
    pub fn worst(&self) -> Option<&Example> {
        self.silent.as_ref().or(self.loud.as_ref()).or(self.clean.as_ref())
    }
}

/// Explores a scenario whose workload's choices follow from a seed.
#[must_use]
pub fn explore(scenario: &Scenario, seed: u64) -> Exploration {
    explore_variant(scenario, &Variant::default(), Box::new(Seeded::from_seed(seed)))
}

/// The same, with something added to the scenario, and a workload answered by somebody else.
pub(crate) fn explore_variant(
    scenario: &Scenario,
    variant: &Variant,
    answerer: Box<dyn Choices>,
) -> Exploration {
    let search = scenario.search().unwrap_or(Search::Sampled { runs: 1 });
    let everywhere = scenario.power_cut().is_some_and(|cut| cut.at == CutAt::Everywhere);
    let mut recorder = Recorder::new(answerer);
    let mut session = Session::new(scenario, variant, Observer::default(), &mut recorder);
    let mut exploring = Exploring {
        search,
        left: match search {
            Search::CrashStates { runs, .. } | Search::Eager { runs, .. } => runs,
            Search::Sampled { .. } => u64::MAX,
        },
        found: Exploration {
            points: Vec::new(),
            same: 0,
            possible: StateCount::ONE,
            verdicts: Verdicts::default(),
            is_cut_off: false,
            clean: None,
            loud: None,
            silent: None,
            hash: 0,
            coverage: Coverage::default(),
        },
        hash: StableHasher::default(),
        decided: Vec::new(),
        covered: None,
    };
    let mut last = None;
    let mut step = 0;
    loop {
        if session.cuts > 0 || session.runner.world().is_dark() {
            // The workload went dark by itself: from here on it is a crash state.
            let schedule = recorder.schedule().clone();
            exploring.point(&session, schedule, step, false);
            break;
        }
        if everywhere && session.may_cut() {
            let digest = session.cut_digest();
            if last == Some(digest) {
                exploring.found.same += 1;
            } else {
                last = Some(digest);
                let mut schedule = recorder.schedule().clone();
                schedule.choices.push(cut_answer(1));
                exploring.point(&session, schedule, step, true);
            }
            recorder.note(cut_answer(0));
        }
        if !everywhere && session.cut_comes(&mut recorder) {
            session.cut(&mut recorder);
            // What that leaves is looked at before the power comes back.
            continue;
        }
        let result = session.step(&mut recorder);
        step += 1;
        if let Step::Over(outcome) = result {
            // It ended before any cut: that is a state as well, with nothing to recover.
            let schedule = recorder.schedule().clone();
            exploring.over(&session, outcome, schedule, 0);
            break;
        }
    }
    exploring.found.hash = exploring.hash.finish();
    exploring.found
}

/// The answer to "does the power go now" as a schedule holds it.
fn cut_answer(answer: u64) -> Choice {
    Choice { point: Point::new(PointKind::Cut, Key::WORLD), n: 2, answer, picked: None }
}

/// An exploration under way.
struct Exploring {
    search: Search,
    /// How many runs may still be made.
    left: u64,
    found: Exploration,
    hash: StableHasher,
    /// The units that the last recovery has decided.
    decided: Vec<(DiskId, u64)>,
    /// The workload before the last recovery, whose steps are covered.
    covered: Option<Arc<Workload>>,
}

impl Exploring {
    /// Tries the states that a cut leaves: one that comes now, or that has come already.
    fn point(&mut self, session: &Session<'_>, schedule: Schedule, step: u64, comes: bool) {
        let disks = session.runner.world().disk_count() as u32;
        let unflushed = |disk| {
            let world = session.runner.world();
            // What had not been flushed when the power went by itself is loose by now.
            if comes {
                world.unflushed(DiskId(disk))
            } else {
                world.loose_writes(DiskId(disk)).len()
            }
        };
        let files = session.runner.world().file_system_count() as u32;
        let unsynced = |fs| session.runner.world().unsynced(FsId(fs)) as usize;
        let unflushed =
            (0..disks).map(unflushed).sum::<usize>() + (0..files).map(unsynced).sum::<usize>();
        let mut base = session.clone();
        if comes {
            // Nothing is asked at a cut itself, only when the power comes back.
            base.cut(&mut headcrash_sim::Calm);
        }
        // Between skewed cuts the others go on: what is left is known when all is dark.
        let mut dark = base.clone();
        while !dark.runner.world().is_dark() {
            if let Step::Over(_) = dark.step(&mut headcrash_sim::Calm) {
                break;
            }
        }
        let world = dark.runner.world();
        let states = (0..disks).map(|disk| world.possible_states(DiskId(disk)));
        let of_files = (0..files).map(|fs| world.possible_file_states(FsId(fs)));
        let possible = states.chain(of_files).fold(StateCount::ONE, StateCount::times);
        self.found.points.push(CrashPoint {
            step,
            at_ns: session.runner.world().now().ns(),
            unflushed,
            possible,
            verdicts: Verdicts::default(),
        });
        let is_first = self.found.points.len() == 1;
        self.found.possible = if is_first { possible } else { self.found.possible.plus(possible) };
        match self.search {
            Search::CrashStates { depth, order, .. } => {
                let order = match order {
                    StateOrder::Limited => Order::Limited,
                    StateOrder::DepthFirst => Order::DepthFirst,
                };
                let policy = Policy { depth: depth as usize, order, polarity: Polarity::Kept };
                base.observer.decided = Some(Vec::new());
                let frontier = self.walk_all(&mut base, &schedule, Frontier::new(policy));
                if frontier.was_cut_off() || frontier.waiting() > 0 {
                    // Both ideas of what is usual, where not everything can be tried.
                    self.walk_all(&mut base, &schedule, frontier.turned());
                    self.found.is_cut_off = true;
                }
            }
            Search::Eager { k, .. } => {
                let world = dark.runner.world();
                self.eager(&base, world, &schedule, k as usize, possible);
            }
            Search::Sampled { runs } => {
                for sample in 0..runs {
                    let mut recorder = Recorder::new(Seeded::from_seed(sample));
                    let (outcome, hash) = self.finish(base.clone(), &mut recorder);
                    self.count(outcome, hash, &schedule, recorder.schedule(), 0);
                }
                self.found.is_cut_off = true;
            }
        }
    }

    fn walk_all(
        &mut self,
        base: &mut Session<'_>,
        schedule: &Schedule,
        mut frontier: Frontier,
    ) -> Frontier {
        while self.left > 0
            && let Some(path) = frontier.next()
        {
            self.left -= 1;
            let mut walk = Walk::along(&path, frontier.policy());
            let (outcome, hash) = self.finish(base.clone(), &mut walk);
            self.tell(outcome, hash, base, schedule, &path, frontier.policy());
            // What one recovery has read, the next will.
            for (disk, at) in self.decided.drain(..) {
                base.runner.world_mut().foresee(disk, at);
            }
            frontier.learn(path, walk);
        }
        frontier
    }

    /// Tries whole images: everything kept, everything lost, the first so many writes, and up to
    /// `k` writes kept, or lost, alone. Images that are the same are tried once.
    ///
    /// `world` is what it is when all is dark.
    ///
    /// A clone of the world stands for each: pages that two images share are shared, so that going
    /// from one to its neighbour costs what differs.
    fn eager(
        &mut self,
        base: &Session<'_>,
        world: &World,
        schedule: &Schedule,
        k: usize,
        possible: StateCount,
    ) {
        let disks = || (0..world.disk_count() as u32).map(DiskId);
        let writes: Vec<_> = disks().flat_map(|disk| world.loose_writes(disk)).collect();
        let subsets = eager::subsets(writes.len(), k)
            .map(|kept| (eager::Whole::new(&writes, &kept), kept.unusual));
        // One unit torn, in each way in which it can be; of mixtures one.
        let torn = disks().flat_map(|disk| {
            let key = world.disk_key(disk);
            let stretches = world.undecided_stretches(disk).into_iter();
            let units = stretches.flat_map(move |(at, len)| world.undecided(disk, at, len));
            let ways =
                units.flat_map(|unit| (1..=unit.tears.len() as u64).map(move |way| (unit.at, way)));
            ways.map(move |(at, way)| (key.nth(at), way)).collect::<Vec<_>>()
        });
        let torn = torn.map(|(unit, way)| (eager::Whole::torn(&writes, unit, way), 1));
        let (mut seen, mut tried) = (HashSet::new(), 0);
        for (answers, unusual) in subsets.chain(torn) {
            if self.left == 0 {
                self.found.is_cut_off = true;
                return;
            }
            let mut choices = Recorder::new(answers);
            let mut session = base.clone();
            // What is still on dies as well, the power comes back, and everything is decided.
            let over = loop {
                match session.step(&mut choices) {
                    Step::More if session.cuts == base.cuts => {}
                    step => break step,
                }
            };
            // Of what is too much to decide beforehand nobody knows which images are the same.
            let world = session.runner.world();
            let is_decided = disks().all(|disk| undecided(world, disk) <= UNDECIDED_MAX);
            if is_decided && !seen.insert(choices.inner().image()) {
                continue;
            }
            tried += 1;
            self.left -= 1;
            let (outcome, hash) = match over {
                Step::Over(outcome) => (outcome, session.observer.hash.value()),
                Step::More => self.finish(session, &mut choices),
            };
            // A second cut, who is next, what a fault does: none of that is in an image.
            let mut asked = choices.schedule().choices.iter().map(|choice| choice.point.kind);
            let is_of_image = |kind| matches!(kind, PointKind::CrashSector | PointKind::Tear);
            self.found.is_cut_off |= !asked.all(is_of_image);
            self.count(outcome, hash, schedule, choices.schedule(), unusual);
        }
        // Up to k are not all, unless there are no more; and an image holds parts of one write.
        self.found.is_cut_off |= possible.exact != Some(tried);
    }

    fn tell(
        &mut self,
        outcome: Outcome,
        hash: u64,
        base: &Session<'_>,
        schedule: &Schedule,
        path: &Path,
        policy: &Policy,
    ) {
        let smaller = self.is_smaller(&outcome, path.unusual());
        let rest = if smaller {
            // Only the examples are written down, so that the others cost less.
            let mut recorder = Recorder::new(Walk::along(path, policy));
            _ = self.finish(base.clone(), &mut recorder);
            recorder.finish().0
        } else {
            Schedule::default()
        };
        self.count(outcome, hash, schedule, &rest, path.unusual());
    }

    fn slot(&mut self, outcome: &Outcome) -> &mut Option<Example> {
        match outcome {
            Outcome::Held | Outcome::NotMeasured(_) => &mut self.found.clean,
            Outcome::Refused(_) => &mut self.found.loud,
            Outcome::Violated(_) | Outcome::Stuck(_) | Outcome::Endless(_) => {
                &mut self.found.silent
            }
        }
    }

    fn is_smaller(&mut self, outcome: &Outcome, unusual: usize) -> bool {
        self.slot(outcome).as_ref().is_none_or(|example| unusual < example.unusual)
    }

    fn count(
        &mut self,
        outcome: Outcome,
        hash: u64,
        before: &Schedule,
        rest: &Schedule,
        unusual: usize,
    ) {
        self.hash.write_u64(hash);
        let mut verdicts = Verdicts::default();
        match &outcome {
            Outcome::Held | Outcome::NotMeasured(_) => verdicts.clean = 1,
            Outcome::Refused(_) => verdicts.loud = 1,
            Outcome::Violated(_) | Outcome::Stuck(_) | Outcome::Endless(_) => verdicts.silent = 1,
        }
        self.found.verdicts.add(verdicts);
        let point = self.found.points.len().saturating_sub(1);
        if let Some(last) = self.found.points.last_mut() {
            last.verdicts.add(verdicts);
        }
        if self.is_smaller(&outcome, unusual) {
            let mut schedule = before.clone();
            schedule.choices.extend_from_slice(&rest.choices);
            let slot = self.slot(&outcome);
            *slot = Some(Example { outcome, schedule, unusual, point });
        }
    }

    /// A run that ended without a cut.
    fn over(
        &mut self,
        session: &Session<'_>,
        outcome: Outcome,
        schedule: Schedule,
        unusual: usize,
    ) {
        let hash = session.observer.hash.value();
        session.cover(&outcome, &mut self.found.coverage);
        self.count(outcome, hash, &schedule, &Schedule::default(), unusual);
    }

    /// Runs a session to its end.
    fn finish(&mut self, mut session: Session<'_>, choices: &mut dyn Choices) -> (Outcome, u64) {
        loop {
            if let Step::Over(outcome) = session.advance(choices) {
                let coverage = &mut self.found.coverage;
                session.cover_next(&outcome, coverage, &mut self.covered);
                self.decided.extend(session.observer.decided.take().into_iter().flatten());
                return (outcome, session.observer.hash.value());
            }
        }
    }
}
