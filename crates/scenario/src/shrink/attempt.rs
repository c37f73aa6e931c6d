//! Whether a candidate still fails, by ways that cost more and more.

use headcrash_sim::{Calm, Choice, Choices, PointKind, Replay, Schedule, Seeded, Strictness};

use super::choices::Along;
use super::make::Maker;
use super::same::{EXPLORED_MAX, Same, moved};
use super::size;
use crate::run::{Keep, Run, Variant, explore_variant, run_as};
use crate::scenario::Scenario;

/// How many seeds a candidate is tried with when it is looked at closely.
const SEEDS: u64 = 16;

/// How much is done to make a candidate fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// The known choices as far as they fit, the dullest ones, and the known cut elsewhere.
    Quick,
    /// Seeds, and every crash state.
    Close,
}

/// Makes runs, counts them, and tells which fail as the first did.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) maker: Maker,
    pub(super) same: Same,
    /// How many runs may still be made.
    pub(super) left: u64,
    pub(super) used: u64,
    /// A budget ended something.
    pub(super) was_cut_off: bool,
    pub(super) others: Vec<(Scenario, Run)>,
}

/// One candidate as it is tried.
struct Candidate<'c> {
    scenario: &'c Scenario,
    /// Whether its controls hold, once that is known.
    controlled: Option<bool>,
}

impl Trial {
    /// Counts runs that were made.
    pub(super) fn count(&mut self, runs: u64) {
        self.used += runs;
        self.left = self.left.saturating_sub(runs);
    }

    /// A run of `scenario` that fails as `known`, one of `from`, does.
    pub(super) fn fails(
        &mut self,
        scenario: &Scenario,
        (from, known): (&Scenario, &Run),
        effort: Effort,
    ) -> Option<Run> {
        let candidate = &mut Candidate { scenario, controlled: None };
        let number = known.variant.fails.map_or(1, |(_, number)| number);
        for number in (1..=number).rev() {
            let Some(variant) = moved(from, scenario, known.variant, number) else {
                return self.variant(candidate, Variant::default(), known, effort);
            };
            if let Some(run) = self.variant(candidate, variant, known, effort) {
                return Some(run);
            }
            if candidate.controlled == Some(false) {
                return None;
            }
        }
        None
    }

    fn variant(
        &mut self,
        candidate: &mut Candidate<'_>,
        variant: Variant,
        known: &Run,
        effort: Effort,
    ) -> Option<Run> {
        let lenient = |known: &Schedule| Replay::from_schedule(known, Strictness::Lenient);
        let run = self.one(candidate, variant, lenient(&known.schedule));
        let run = run.or_else(|| self.one(candidate, variant, Calm));
        if run.is_some() || candidate.controlled == Some(false) {
            return run;
        }
        for schedule in cut_earlier(&known.schedule) {
            let run = self.one(candidate, variant, lenient(&schedule));
            if run.is_some() || candidate.controlled == Some(false) {
                return run;
            }
        }
        if effort == Effort::Quick {
            return None;
        }
        if candidate.scenario.search().is_none() {
            return (0..SEEDS)
                .find_map(|seed| self.one(candidate, variant, Seeded::from_seed(seed)));
        }
        self.explore(candidate, variant, known)
    }

    /// Tries the states that power cuts can leave, the workload going as it is known to.
    fn explore(
        &mut self,
        candidate: &mut Candidate<'_>,
        variant: Variant,
        known: &Run,
    ) -> Option<Run> {
        if self.left == 0 {
            self.was_cut_off = true;
            return None;
        }
        let search = candidate.scenario.search()?;
        let mut less = candidate.scenario.clone();
        less.search_instead(search.with_runs(search.runs().min(EXPLORED_MAX).min(self.left)));
        let workload = Replay::from_schedule(&known.schedule, Strictness::Lenient);
        let found = explore_variant(&less, &variant, Box::new(workload));
        self.count(found.tried());
        let examples = [&found.silent, &found.loud];
        let schedules: Vec<_> =
            examples.into_iter().flatten().map(|example| example.schedule.clone()).collect();
        schedules.into_iter().find_map(|schedule| {
            let replay = Replay::from_schedule(&schedule, Strictness::Strict);
            self.one(candidate, variant, replay)
        })
    }

    /// One run, if it fails as it should.
    fn one(
        &mut self,
        candidate: &mut Candidate<'_>,
        variant: Variant,
        choices: impl Choices,
    ) -> Option<Run> {
        if self.left == 0 {
            self.was_cut_off = true;
            return None;
        }
        let scenario = candidate.scenario;
        let run = run_as(scenario, variant, choices, Keep::Hash).0;
        self.count(1);
        if self.same.looks(scenario, &run.outcome) {
            let controlled = *candidate.controlled.get_or_insert_with(|| {
                let mut used = 0;
                let failing = (scenario, &run);
                let controlled = self.same.is_controlled(&self.maker, failing, &mut used);
                self.used += used;
                self.left = self.left.saturating_sub(used);
                controlled
            });
            return controlled.then_some(run);
        }
        self.note(scenario, run);
        None
    }

    /// Keeps another violation, if there is none like it.
    fn note(&mut self, scenario: &Scenario, run: Run) {
        use crate::run::Outcome;
        let is_violation = matches!(run.outcome, Outcome::Violated(_) | Outcome::Stuck(_));
        let label = run.outcome.label();
        if !is_violation
            || run.is_expected(scenario)
            || self.others.iter().any(|(_, other)| other.outcome.label() == label)
        {
            return;
        }
        let mut used = 0;
        let is_another = self.same.is_another(scenario, &mut used);
        self.count(used);
        if is_another {
            self.others.push((scenario.clone(), run));
        }
    }

    /// A run along the same choices with those at `places` the dullest, or else without them, if it
    /// fails and is calmer.
    pub(super) fn calmer(
        &mut self,
        scenario: &Scenario,
        known: &Run,
        places: &[usize],
    ) -> Option<Run> {
        let (mut duller, mut fewer) = (known.schedule.clone(), known.schedule.clone());
        places.iter().for_each(|place| duller.choices[*place].answer = 0);
        places.iter().rev().for_each(|place| _ = fewer.choices.remove(*place));
        self.calmer_along(scenario, known, Along::new(duller)).or_else(|| {
            let fewer = Replay::from_schedule(&fewer, Strictness::Lenient);
            self.calmer_along(scenario, known, fewer)
        })
    }

    /// A run answered so, if it fails and is calmer.
    pub(super) fn calmer_along(
        &mut self,
        scenario: &Scenario,
        known: &Run,
        choices: impl Choices,
    ) -> Option<Run> {
        let measure = |schedule: &Schedule| {
            let answers = schedule.choices.iter().map(|choice| u128::from(choice.answer));
            (size::unusual(schedule), answers.sum::<u128>(), schedule.choices.len())
        };
        // A scenario that fails in a calmer way is the same scenario.
        let candidate = &mut Candidate { scenario, controlled: Some(true) };
        let run = self.one(candidate, known.variant, choices)?;
        (measure(&run.schedule) < measure(&known.schedule)).then_some(run)
    }
}

/// The same choices, with the power going at each earlier moment, the latest first.
fn cut_earlier(schedule: &Schedule) -> impl Iterator<Item = Schedule> + use<> {
    let is_cut = |choice: &Choice| choice.point.kind == PointKind::Cut;
    let (cuts, others): (Vec<_>, Vec<_>) = schedule.choices.iter().copied().partition(is_cut);
    let moment = cuts.iter().position(|cut| cut.answer != 0).unwrap_or(0);
    (0..moment).rev().map(move |moment_now| {
        let (before, after) = (&cuts[..moment_now], &cuts[moment..]);
        // Questions about cuts are followed on their own.
        let choices = [before, after, &others[..]].concat();
        Schedule { choices }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run_seed;

    const TWO: &str = r#"(clients: [
        (name: "a", steps: [write(at: 0, len: 512, fill: 1)]),
        (name: "b", steps: [
            read(at: 0, len: 512, holds: fill(1), or_violates: "first"),
            read(at: 0, len: 512, holds: fill(1), or_violates: "second"),
        ]),
    ])"#;

    fn scenario(text: &str) -> Scenario {
        crate::parse("s.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// What is tried on `less`, when the first read has failed.
    fn tried(less: &str) -> (Option<Run>, Vec<String>) {
        let whole = scenario(TWO);
        let runs = (0..64).map(|seed| run_seed(&whole, seed, Keep::Hash));
        let run = runs.into_iter().find(|run| run.outcome.label() == r#"violated("first")"#);
        let run = run.expect("an order that violates it");
        let maker = Maker::of(&whole);
        let same = Same::of(&maker, &whole, &run, &mut 0);
        let (left, used, was_cut_off) = (1_000, 0, false);
        let mut trial = Trial { maker, same, left, used, was_cut_off, others: Vec::new() };
        let fails = trial.fails(&scenario(less), (&whole, &run), Effort::Close);
        (fails, trial.others.iter().map(|(_, run)| run.outcome.label()).collect())
    }

    #[test]
    fn another_violation_on_the_way_is_kept() {
        let first = r#"read(at: 0, len: 512, holds: fill(1), or_violates: "first"),"#;
        let (fails, others) = tried(&TWO.replace(first, ""));
        assert!(fails.is_none());
        assert_eq!(others, [r#"violated("second")"#]);
    }

    #[test]
    fn what_fails_in_any_case_is_neither_the_same_nor_another() {
        let (fails, others) = tried(&TWO.replace("write(at: 0, len: 512, fill: 1)", "flush()"));
        assert!(fails.is_none());
        assert_eq!(others, [""; 0]);
    }
}
