//! Fewer choices that are not the dullest.

use headcrash_sim::{Calm, Choice, Choices, Key, Point, Schedule};

use super::attempt::Trial;
use crate::run::Run;
use crate::scenario::Scenario;

/// Answers as a schedule says, place by place: who was picked if he is there, whatever else is
/// asked. An answer of 0 is the dullest, whoever that is.
#[derive(Clone, Debug)]
pub(super) struct Along {
    schedule: Schedule,
    place: usize,
}

impl Along {
    pub(super) const fn new(schedule: Schedule) -> Self {
        Self { schedule, place: 0 }
    }

    fn next(&mut self) -> Option<Choice> {
        self.place += 1;
        self.schedule.choices.get(self.place - 1).copied()
    }
}

impl Choices for Along {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        match self.next() {
            Some(choice) if choice.point.kind == point.kind => choice.answer.min(n - 1),
            _ => Calm.choose(point, n),
        }
    }

    fn chance(&mut self, point: Point, _: u64, _: u64) -> bool {
        self.choose(point, 2) == 1
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let fits = |choice: &Choice| choice.answer != 0 && choice.point.kind == point.kind;
        let picked = self.next().filter(fits).and_then(|choice| choice.picked);
        let index = picked.and_then(|key| keys.iter().position(|known| *known == key));
        index.unwrap_or_else(|| Calm.pick(point, keys))
    }
}

/// Makes the choices of `run` duller as long as it fails: spans, then single ones, then amounts.
/// Says whether anything became duller.
pub(super) fn calm_down(trial: &mut Trial, scenario: &Scenario, run: &mut Run) -> bool {
    let mut changed = false;
    loop {
        let unusual = |run: &Run| -> Vec<usize> {
            let choices = run.schedule.choices.iter().enumerate();
            choices.filter(|(_, choice)| choice.answer != 0).map(|(place, _)| place).collect()
        };
        let mut better = false;
        let mut span = unusual(run).len();
        while span > 0 {
            let mut from = 0;
            loop {
                let places = unusual(run);
                let Some(some) = places.get(from..(from + span).min(places.len())) else { break };
                if some.is_empty() {
                    break;
                }
                match trial.calmer(scenario, run, some) {
                    Some(calmer) => (*run, better) = (calmer, true),
                    None => from += span,
                }
            }
            span /= 2;
        }
        let mut next = 0;
        while let Some(place) = unusual(run).get(next).copied() {
            better |= lower(trial, scenario, run, place);
            next += 1;
        }
        if !better {
            return changed;
        }
        changed = true;
    }
}

/// Lowers one answer as far as it goes, by halves.
fn lower(trial: &mut Trial, scenario: &Scenario, run: &mut Run, place: usize) -> bool {
    let mut changed = false;
    // Below this nothing fails, as far as is known.
    let mut least = 1;
    while let Some(choice) = run.schedule.choices.get(place).copied()
        && choice.picked.is_none()
        && least < choice.answer
    {
        let middle = least + (choice.answer - least) / 2;
        let mut schedule = run.schedule.clone();
        schedule.choices[place].answer = middle;
        match trial.calmer_along(scenario, run, Along::new(schedule)) {
            Some(calmer) => (*run, changed) = (calmer, true),
            None => least = middle + 1,
        }
    }
    changed
}
