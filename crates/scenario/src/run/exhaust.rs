//! Every run of a small scenario.

use std::collections::BTreeMap;

use headcrash_search::Odometer;
use headcrash_sim::{Choices, Footprint, Key, Point};

use super::coverage::Coverage;
use super::footprint::Watch;
use super::observer::Observer;
use super::session::{Session, Step};
use super::violation::Outcome;
use super::{Keep, Run, Variant, run_as};
use crate::scenario::Scenario;

/// Every run of a scenario, one after the other, but for those that only swap steps that commute.
///
/// ```
/// use headcrash_scenario::{Exhaustion, parse};
///
/// let text = r#"(clients: [
///     (name: "a", steps: [write(at: 0, len: 512, fill: 1)]),
///     (name: "b", steps: [write(at: 0, len: 512, fill: 2)]),
///     (name: "c", steps: [write(at: 4096, len: 512, fill: 3)]),
/// ])"#;
/// let scenario = parse("three.ron", text.as_bytes())?;
/// let mut runs = Exhaustion::new(&scenario);
/// let mut whole = 0;
/// while let Some(tried) = runs.next() {
///     assert_eq!(tried.outcome.label(), "held");
///     whole += 1;
/// }
/// assert_eq!(whole, 2, "of 6 orders, those of a and b matter");
/// # Ok::<(), headcrash_scenario::Errors>(())
/// ```
#[derive(Debug)]
pub struct Exhaustion<'s> {
    scenario: &'s Scenario,
    odometer: Odometer,
    watch: Watch,
    /// The beginning, if nothing was asked for it: then every run begins with a clone of it.
    base: Option<Session<'s>>,
    whole: u64,
    ended: bool,
    /// What was reached in runs made to their end.
    coverage: Coverage,
}

/// One of all runs.
#[derive(Clone, Debug)]
pub struct Tried {
    /// What came of it.
    pub outcome: Outcome,
    /// The hash of its trace.
    pub hash: u64,
    /// What can be told apart at its end, in a number: the outcome, and what is on the disks. Runs
    /// that only swap steps that commute have it in common.
    pub digest: u64,
    answers: Vec<u64>,
}

impl<'s> Exhaustion<'s> {
    /// Every run of `scenario`; no search for crash states is made beside it, since what a power
    /// cut leaves is enumerated like everything else.
    #[must_use]
    pub fn new(scenario: &'s Scenario) -> Self {
        Self::watching(scenario, Watch::of(scenario))
    }

    /// The same without leaving anything out: for those who want to see that nothing is lost.
    #[must_use]
    pub fn unreduced(scenario: &'s Scenario) -> Self {
        Self::watching(scenario, Watch::everything())
    }

    fn watching(scenario: &'s Scenario, watch: Watch) -> Self {
        let mut counting = Counting::default();
        let observer = Observer { watch: Some(watch.clone()), ..Observer::default() };
        let base = Session::new(scenario, &Variant::default(), observer, &mut counting);
        // Code under test cannot be copied.
        let base = (counting.asked == 0 && scenario.subject().is_none()).then_some(base);
        Self {
            scenario,
            odometer: Odometer::new(),
            watch,
            base,
            whole: 0,
            ended: false,
            coverage: Coverage::default(),
        }
    }

    /// The next run that is no repetition; `None` after the last.
    #[expect(clippy::should_implement_trait, reason = "it lends what it tried to `Self::again`")]
    pub fn next(&mut self) -> Option<Tried> {
        while self.odometer.turn() {
            if let Some(tried) = self.run() {
                self.whole += 1;
                return Some(tried);
            }
        }
        self.ended = true;
        None
    }

    /// One run; `None` if it is given up as a repetition.
    fn run(&mut self) -> Option<Tried> {
        let odometer = &mut self.odometer;
        let mut session = match &self.base {
            Some(base) => base.clone(),
            None => {
                let observer = Observer { watch: Some(self.watch.clone()), ..Observer::default() };
                Session::new(self.scenario, &Variant::default(), observer, odometer)
            }
        };
        // Whatever the beginning has asked and touched, no step was taken.
        session.observer.touched = Footprint::default();
        loop {
            let step = session.advance(odometer);
            let touched = session.take_footprint();
            odometer.stepped(session.runner.acted(), touched);
            if odometer.is_redundant() {
                return None;
            }
            if let Step::Over(outcome) = step {
                session.cover(&outcome, &mut self.coverage);
                let digest = session.digest(&outcome);
                let hash = session.observer.hash.value();
                let answers = self.odometer.answers().collect();
                return Some(Tried { outcome, hash, digest, answers });
            }
        }
    }

    /// A run that was tried, again, with its schedule and its trace.
    #[must_use]
    pub fn again(&self, tried: &Tried, keep: Keep) -> Run {
        let along = Along { answers: tried.answers.iter().copied() };
        run_as(self.scenario, Variant::default(), along, keep).0
    }

    /// What was reached so far.
    #[must_use]
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// How many runs were made to their end.
    #[must_use]
    pub const fn whole(&self) -> u64 {
        self.whole
    }

    /// How many runs were begun, those included that were given up as repetitions.
    #[must_use]
    pub const fn begun(&self) -> u64 {
        self.odometer.runs()
    }

    /// How many answers were left out, and runs given up, because what they begin was tried in
    /// another order: so many runs were saved at least.
    #[must_use]
    pub fn saved(&self) -> u64 {
        self.odometer.left_out() + self.odometer.given_up()
    }

    /// Whether there are no more runs.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.ended && self.odometer.too_many().is_none()
    }

    /// The first question that had more than [`ANSWERS_MAX`](headcrash_search::ANSWERS_MAX) answers, of which only so many were
    /// tried: its kind, and how many it had.
    #[must_use]
    pub fn too_many(&self) -> Option<(&'static str, u64)> {
        self.odometer.too_many().map(|(point, n)| (point.kind.name(), n))
    }
}

/// What came of all runs of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// How many runs were made to their end.
    pub whole: u64,
    /// See [`Exhaustion::saved`].
    pub saved: u64,
    /// Whether there are no more.
    pub is_complete: bool,
    /// See [`Exhaustion::too_many`].
    pub too_many: Option<(&'static str, u64)>,
    /// How many runs came to what, and the number of the first of them, from 1.
    pub outcomes: BTreeMap<String, (u64, u64)>,
}

/// Makes every run, and gives back the first that did not hold, or else the first.
pub(super) fn exhaust(scenario: &Scenario, budget: u64, keep: Keep) -> Run {
    let mut runs = Exhaustion::new(scenario);
    let mut outcomes = BTreeMap::<String, (u64, u64)>::new();
    let mut hash = Key::NOBODY;
    let mut shown: Option<Tried> = None;
    while runs.begun() < budget
        && let Some(tried) = runs.next()
    {
        hash = hash.nth(tried.hash);
        outcomes.entry(tried.outcome.label()).or_insert_with(|| (0, runs.whole())).0 += 1;
        let held = |tried: &Tried| tried.outcome == Outcome::Held;
        if shown.as_ref().is_none_or(|shown| held(shown) && !held(&tried)) {
            shown = Some(tried);
        }
    }
    let shown = shown.expect("there is a calm run, and a budget for it");
    let mut run = runs.again(&shown, keep);
    run.all_hash = hash.number();
    run.coverage.add(&runs.coverage);
    run.exhausted = Some(Exhausted {
        whole: runs.whole(),
        saved: runs.saved(),
        is_complete: runs.is_complete(),
        too_many: runs.too_many(),
        outcomes,
    });
    run
}

impl Tried {
    /// How many of its answers were not the calmest, and how many there were.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        let unusual = self.answers.iter().filter(|answer| **answer != 0).count();
        (unusual as u64, self.answers.len() as u64)
    }
}

/// Answers calmly, and counts.
#[derive(Debug, Default)]
struct Counting {
    asked: u64,
}

impl Choices for Counting {
    fn choose(&mut self, _: Point, _: u64) -> u64 {
        self.asked += 1;
        0
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        self.asked += 1;
        0
    }
}

/// The answers of a run of the odometer, to be had again.
#[derive(Debug)]
struct Along<I> {
    answers: I,
}

impl<I: Iterator<Item = u64>> Along<I> {
    fn below(&mut self, n: u64) -> u64 {
        self.answers.next().map_or(0, |answer| answer.min(n - 1))
    }
}

impl<I: Iterator<Item = u64>> Choices for Along<I> {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        if Odometer::turns_at(point.kind) { self.below(n) } else { 0 }
    }

    fn chance(&mut self, point: Point, _: u64, _: u64) -> bool {
        self.choose(point, 2) == 1
    }

    fn pick(&mut self, _: Point, keys: &[Key]) -> usize {
        self.below(keys.len() as u64) as usize
    }
}
