//! A run as far as a moment, and the world as it is then: for whoever wants to look at disks.

use headcrash_sim::{Calm, DiskId, Replay, Seeded, Strictness, World};

use super::observer::Observer;
use super::session::{Session, Step};
use super::{Outcome, Variant};
use crate::scenario::{CutAt, DiskIndex, Scenario};

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Moment {
    /// When it is over; of a scenario whose crash states are searched, the run that
    /// [`run_seed`](super::run_seed) gives.
    End,
    /// When the power goes for the first time: right after that. Where it may go
    /// [everywhere](CutAt::Everywhere), when the workload has ended.
    Cut,
    /// Before this step, from 0, as [`CrashPoint::step`](super::CrashPoint::step) counts them.
    Step(u64),
}

/// A run that was stopped at a moment.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// The world as it was then.
    pub world: World,
    /// What came of the run, if it was over.
    pub outcome: Option<Outcome>,
    /// How many steps it had taken.
    pub steps: u64,
}

/// Runs a scenario with the choices of a seed, but only as far as a moment; or to its end, if that
/// comes first. A disk that is `watched` keeps its [`history`](World::history).
#[must_use]
pub fn stop_at(
    scenario: &Scenario,
    seed: u64,
    moment: Moment,
    watched: Option<DiskIndex>,
) -> Stopped {
    let searched = scenario.search().is_some() && moment == Moment::End;
    let schedule = searched.then(|| {
        let exploration = super::explore(scenario, seed);
        exploration.worst().expect("a search runs once at least").schedule.clone()
    });
    match schedule {
        Some(schedule) => {
            let mut replay = Replay::from_schedule(&schedule, Strictness::Strict);
            play(scenario, moment, watched, &mut replay)
        }
        None => play(scenario, moment, watched, &mut Seeded::from_seed(seed)),
    }
}

fn play(
    scenario: &Scenario,
    moment: Moment,
    watched: Option<DiskIndex>,
    choices: &mut dyn headcrash_sim::Choices,
) -> Stopped {
    let everywhere = scenario.power_cut().is_some_and(|cut| cut.at == CutAt::Everywhere);
    let mut session =
        Session::new(scenario, &Variant::default(), Observer::default(), &mut *choices);
    if let Some(disk) = watched {
        session.runner.world_mut().keep_history(DiskId(disk.0 as u32));
    }
    let mut steps = 0;
    let outcome = loop {
        let is_cut = session.cuts > 0 || session.runner.world().is_dark();
        match moment {
            Moment::Cut if is_cut => break None,
            Moment::Step(wanted) if steps == wanted || is_cut => break None,
            Moment::End | Moment::Cut | Moment::Step(_) => {}
        }
        // As in an exploration: whether the power goes is not asked, and it does not.
        let asks = !everywhere || moment == Moment::End;
        let step = if asks { session.advance(&mut *choices) } else { session.step(&mut *choices) };
        steps += 1;
        if let Step::Over(outcome) = step {
            break Some(outcome);
        }
    };
    Stopped { world: session.runner.world().clone(), outcome, steps }
}

impl Stopped {
    /// Whether the power had gone for every disk.
    #[must_use]
    pub fn is_dark(&self) -> bool {
        self.world.is_dark()
    }

    /// The world, after the power has gone for whatever disks still had it.
    #[must_use]
    pub fn dark(&self) -> World {
        let mut world = self.world.clone();
        if !world.is_dark() {
            let mut facts: Vec<headcrash_sim::Fact> = Vec::new();
            let cx = &mut headcrash_sim::Cx { choices: &mut Calm, sink: &mut facts };
            world.power_cut_all(cx);
        }
        world
    }
}
