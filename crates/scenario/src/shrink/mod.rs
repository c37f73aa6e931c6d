//! Making a failure small: the same violation, with nothing in it that it does not need.
//!
//! A candidate is the scenario's text with something less in it: a list's items, everything that
//! mentions a name, a block around steps, a field that has a default, a number that is lower. It is
//! read again as any text, so that one that is no scenario does not exist; then it is run along the
//! choices that are known to fail, each kind of question about each actor followed on its own, and
//! if that does not fail, with the dullest choices, with the power going earlier, and at the end
//! with a few seeds and every crash state. It is taken if it fails as the first did, which [`is_same`]
//! decides, and then it is what the next candidates are made from. Choices become duller in the
//! same way. All this is repeated until nothing can be taken away: no list's item, no name and no
//! choice. Nothing but the number of runs ends it early, so that the result is the same everywhere.

mod attempt;
mod choices;
mod make;
mod node;
mod passes;
mod same;
mod size;

use attempt::Trial;
use headcrash_sim::{Replay, Strictness};
use make::Maker;
use node::Node;
use passes::Shrinker;
use same::Same;
pub use size::Size;

use crate::failure::Failure;
use crate::run::{Keep, Outcome, Run, run_as, run_seed};
use crate::scenario::Scenario;

/// No more seeds than this are tried to find one with which the smallest scenario fails by itself.
const SEEDS_MAX: u64 = 10_000;

/// As many runs as a scenario makes that fails for no seed that was tried.
const ALL_RUNS: u64 = 10_000;

/// A failure made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest scenario that was found, read from a text of its own.
    ///
    /// It fails by itself, under `headcrash run` and in tests: where the power goes everywhere any
    /// seed finds it; otherwise its text names the first [seed](Self::seed) that does, or, if none
    /// of those that were tried does, asks for every answer.
    pub scenario: Scenario,
    /// The run of it that fails, with few choices that are not the dullest, and its trace.
    pub run: Run,
    /// How many runs were made; a recovery counts as one.
    pub runs_used: u64,
    /// Other violations that were met on the way: at most one for each label.
    pub others: Vec<(Scenario, Run)>,
    /// Whether nothing more can be taken away; otherwise the budget ended it.
    pub is_minimal: bool,
    /// The seed with which the scenario fails by itself; `None` if it needs none, or if none was
    /// found.
    pub seed: Option<u64>,
    /// Whether the scenario fails by itself. Otherwise only the run's schedule repeats it.
    pub fails_by_itself: bool,
}

impl Shrunk {
    /// The scenario's text, to be written to a file called `name`, and the failure file that goes
    /// with it.
    #[must_use]
    pub fn files(&self, name: &str) -> (String, Failure) {
        let text = self.scenario.source().text().to_owned();
        let mut failure = Failure::of(&self.scenario, &self.run, None);
        name.clone_into(&mut failure.scenario);
        (text, failure)
    }

    /// How large it is.
    #[must_use]
    pub fn size(&self) -> Size {
        Size::of(&self.scenario, &self.run.schedule)
    }
}

/// Makes `run`, which is one of `scenario` and did not hold, small with about `budget` runs at most; with 0
/// nothing is run, and it is what it was.
///
/// A run that held, that did not measure, or that never ended is left as it is: without anything in
/// it a scenario holds as well, measures nothing, and takes as long.
#[must_use]
pub fn shrink(scenario: &Scenario, run: &Run, budget: u64) -> Shrunk {
    let as_it_is = |used: u64, is_minimal: bool| Shrunk {
        scenario: scenario.clone(),
        run: run.clone(),
        runs_used: used,
        others: Vec::new(),
        is_minimal,
        seed: None,
        fails_by_itself: false,
    };
    if let Outcome::Held | Outcome::NotMeasured(_) | Outcome::Endless(_) = run.outcome {
        return as_it_is(0, true);
    }
    // Even the first look takes runs.
    if budget == 0 {
        return as_it_is(0, false);
    }
    let maker = Maker::of(scenario);
    // The text without what is default, and with names for all.
    let text = make::mirror(scenario).to_ron();
    let Some((first, node)) = maker.parse(&text).zip(Node::read(&text)) else {
        return as_it_is(0, false);
    };
    let strict = Replay::from_schedule(&run.schedule, Strictness::Strict);
    let again = run_as(&first, run.variant, strict, Keep::Hash).0;
    if again.outcome.label() != run.outcome.label() {
        return as_it_is(1, false);
    }
    let mut used = 1;
    let same = Same::of(&maker, &first, &again, &mut used);
    // Part of the budget is for a seed.
    let for_seeds = (budget / 4).min(SEEDS_MAX);
    let trial = Trial {
        maker,
        same,
        left: budget.saturating_sub(for_seeds + used),
        used,
        was_cut_off: false,
        others: Vec::new(),
    };
    let mut shrinker = Shrinker::new(trial, node, first, again);
    shrinker.shrink();
    finish(shrinker, for_seeds)
}

/// Whether `other` fails as `known` does.
///
/// It has the same label; if the property has no name, what fails is the same step; if it is
/// stuck, its clients wait for the same kinds of things. And it is still what goes wrong that makes
/// it fail: where `known` holds with the dullest choices, or without rules, faults and power cuts,
/// or without suspensions, or with power cuts that lose nothing, `other` does so too, and where
/// `known` is what a search for crash states finds, so is `other`. Otherwise a scenario that
/// forgets to write would be the smallest form of every lost write.
#[must_use]
pub fn is_same(known: (&Scenario, &Run), other: (&Scenario, &Run)) -> bool {
    let maker = Maker::of(known.0);
    let same = Same::of(&maker, known.0, known.1, &mut 0);
    same.looks(other.0, &other.1.outcome) && same.is_controlled(&maker, other, &mut 0)
}

/// Every valid scenario that lacks one of the disks, rules, faults, clients, steps and so on that
/// this one has.
#[must_use]
pub fn one_less(scenario: &Scenario) -> Vec<Scenario> {
    let maker = Maker::of(scenario);
    let Some(node) = Node::read(&make::mirror(scenario).to_ron()) else { return Vec::new() };
    let things = node.things().into_iter();
    things.filter_map(|way| maker.make(&node.without(&[way]))).collect()
}

/// Finds what the scenario needs to fail by itself, and writes it down as a person would.
fn finish(shrinker: Shrinker, for_seeds: u64) -> Shrunk {
    let Shrinker { trial, node, scenario, run, .. } = shrinker;
    let is_minimal = !trial.was_cut_off;
    let with = |fields: &[(&str, String)]| {
        let mut node = node.clone();
        if let Some(items) = node.items_mut() {
            let answers = ["seed", "seeds", "seed_list", "choices"];
            items.retain(|item| !answers.contains(&item.name.as_str()));
            items.extend(fields.iter().map(|(name, text)| Node::atom(name, text)));
        }
        // What is printed from a file is what is read.
        let written = trial.maker.make(&node)?.to_ron();
        trial.maker.parse(&written)
    };
    let mut seed = None;
    let mut finished = None;
    let mut used = 0;
    let fails = |scenario: &Scenario, seed: u64, used: &mut u64| {
        let run = run_seed(scenario, seed, Keep::Hash);
        let explored = run.exploration.as_ref().map_or(0, crate::run::Exploration::tried);
        *used += 1 + explored + run.each_failed.len() as u64;
        trial.same.looks(scenario, &run.outcome)
    };
    if let Some(plain) = with(&[]) {
        let found = (0..SEEDS_MAX).find(|seed| used < for_seeds && fails(&plain, *seed, &mut used));
        let needs_none = plain.search().is_some();
        finished = match found {
            Some(0) => Some(plain),
            Some(number) => with(&[("seed", number.to_string())]),
            None => with(&[("choices", format!("exhaustive(runs: {ALL_RUNS})"))])
                .filter(|all| !needs_none && fails(all, 0, &mut used)),
        };
        seed = found.filter(|_| !needs_none);
    }
    let fails_by_itself = finished.is_some();
    // Otherwise the seeds stay that it had.
    let finished = finished.or_else(|| trial.maker.parse(&scenario.to_ron()));
    let scenario = finished.unwrap_or(scenario);
    let strict = Replay::from_schedule(&run.schedule, Strictness::Strict);
    let run = run_as(&scenario, run.variant, strict, Keep::Trace).0;
    let written = |(scenario, run): (Scenario, Run)| {
        let scenario = trial.maker.parse(&scenario.to_ron())?;
        let strict = Replay::from_schedule(&run.schedule, Strictness::Strict);
        let run = run_as(&scenario, run.variant, strict, Keep::Trace).0;
        Some((scenario, run))
    };
    let others = trial.others.into_iter().filter_map(written).collect();
    Shrunk {
        scenario,
        run,
        runs_used: trial.used + used,
        others,
        is_minimal,
        seed,
        fails_by_itself,
    }
}
