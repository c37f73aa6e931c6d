//! Walking through a run: forward, backward, and at a choice another way.
//!
//! A run is made once as a whole; then every answer is known, and any step of it can be had again
//! from the nearest checkpoint before it: a run under way is a value. There are never more than
//! [`CHECKPOINTS`] of those, however long the run is, at distances that double as it grows.
//!
//! [`Walk`] is the run and a place in it; [`Walk::execute`] does what a line says and answers with
//! text, so that a terminal, a pipe and a test are the same to it.

mod answers;
mod bytes;
mod command;
mod goal;
mod look;

use headcrash_sim::{Choice, DiskId, Fact, Image, Replay, Schedule, Strictness};

pub use answers::Question;
use answers::{Answers, Chain};
pub use command::{HELP, Reply};
pub use goal::Goal;

use crate::failure::{Failure, FailureError};
use crate::names::counted;
use crate::run::{Keep, Observer, Run, Session, Step, Variant, Verdicts, run_as, run_seed};
use crate::scenario::{DiskIndex, Failing, FileSystemIndex, Scenario, Search};

/// A walk keeps at most so many copies of the run under way.
pub const CHECKPOINTS: usize = 64;

/// No more steps of a run than this can be walked.
pub const STEPS_MAX: usize = 1_000_000;

/// So many other ways can be taken back.
const UNDO_MAX: usize = 32;

/// A run, and a place in it.
#[derive(Clone, Debug)]
pub struct Walk<'s> {
    scenario: &'s Scenario,
    seed: Option<u64>,
    which: Option<String>,
    run: Run,
    /// For each number of steps: how much had been told and asked by then.
    marks: Vec<Mark>,
    checkpoints: Vec<Checkpoint<'s>>,
    /// How many steps lie between two of them.
    every: usize,
    /// The step it stands before.
    step: usize,
    now: Checkpoint<'s>,
    /// The runs before another way was taken, with where that was.
    before: Vec<(Run, usize)>,
}

/// How far a run was after some steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    facts: u64,
    choices: usize,
}

/// A run under way.
#[derive(Clone, Debug)]
struct Checkpoint<'s> {
    step: usize,
    session: Session<'s>,
    /// How many questions it has asked.
    asked: usize,
}

/// What of a recorded failure a walk needs: the scenario as it is to be searched, what is added to
/// it, and the choices.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The scenario, arranged as it was when the failure was recorded.
    pub scenario: Scenario,
    /// What was added to it.
    pub variant: Variant,
    /// The choices.
    pub schedule: Schedule,
    /// The seed they came from.
    pub seed: Option<u64>,
}

impl Recorded {
    /// What `failure` recorded of `scenario`, which may have been edited since.
    ///
    /// # Errors
    ///
    /// When a choice is none that a run could make.
    pub fn of(failure: &Failure, scenario: &Scenario) -> Result<Self, FailureError> {
        let schedule = failure.schedule()?;
        let mut scenario = scenario.clone();
        let is_eager = matches!(scenario.search(), Some(Search::Eager { .. }));
        if scenario.search().is_some() && failure.whole_images != is_eager {
            let whole = Search::Eager { k: 1, runs: 1 };
            scenario.search_instead(if failure.whole_images { whole } else { Search::USUAL });
        }
        let place = |name: &str| {
            let disk = scenario.disks().iter().position(|disk| disk.name == name);
            let fs = || scenario.file_systems().iter().position(|fs| fs.name == name);
            let disk = disk.map(|disk| Failing::Disk(DiskIndex(disk)));
            disk.or_else(|| Some(Failing::Files(FileSystemIndex(fs()?))))
        };
        let fails = failure.fails.as_ref().and_then(|(name, nth)| Some((place(name)?, *nth)));
        let variant = Variant { fails };
        Ok(Self { scenario, variant, schedule, seed: failure.seed })
    }
}

/// Which of many a run is, if it stands for many.
fn which(run: &Run) -> Option<String> {
    if let Some(found) = &run.exploration {
        let Verdicts { clean, loud, silent } = found.verdicts;
        let kind = match (silent, loud) {
            (0, 0) => "clean",
            (0, _) => "loud",
            _ => "silent",
        };
        let all = format!("{clean} clean, {loud} loud, {silent} silent");
        return Some(format!("its smallest {kind} example ({all})"));
    }
    if let Some(all) = &run.exhausted {
        let label = run.outcome.label();
        return Some(format!("one that is {label} of {}", counted(all.whole, "run")));
    }
    match (run.variant.fails, run.each_failed.len() as u64) {
        (_, 0) => None,
        (None, runs) => {
            Some(format!("in which nothing fails ({} hold as well)", counted(runs, "run")))
        }
        (Some((_, nth)), _) => Some(format!("in which access {nth} fails")),
    }
}

impl<'s> Walk<'s> {
    /// The run of a seed, at its beginning: of a scenario whose crash states are searched, the run
    /// that says most.
    #[must_use]
    pub fn of_seed(scenario: &'s Scenario, seed: u64) -> Self {
        let run = run_seed(scenario, seed, Keep::Hash);
        // Of its own, so that nothing but the run is told: no search, and no other seed.
        let mut walk = Self::along(scenario, run.variant, &run.schedule, Some(seed));
        walk.which = which(&run);
        walk
    }

    /// Which of the runs of a seed this is, in words, if there are several.
    #[must_use]
    pub fn which(&self) -> Option<&str> {
        self.which.as_deref()
    }

    /// A recorded run, at its beginning. If the scenario was edited since, each kind of question
    /// about each actor is followed on its own.
    #[must_use]
    pub fn of_failure(recorded: &'s Recorded) -> Self {
        let Recorded { scenario, variant, schedule, seed } = recorded;
        Self::along(scenario, *variant, schedule, *seed)
    }

    fn along(
        scenario: &'s Scenario,
        variant: Variant,
        schedule: &Schedule,
        seed: Option<u64>,
    ) -> Self {
        let strict = Replay::from_schedule(schedule, Strictness::Strict);
        let (mut run, replay) = run_as(scenario, variant, strict, Keep::Trace);
        if replay.mismatch().is_some() {
            let lenient = Replay::from_schedule(schedule, Strictness::Lenient);
            run = run_as(scenario, variant, lenient, Keep::Trace).0;
        }
        let mut answers = Answers::new(&run.schedule.choices, 0);
        let session = Session::new(scenario, &variant, Observer::default(), &mut answers);
        let start = Checkpoint { step: 0, session, asked: answers.asked() };
        let mut walk = Self {
            scenario,
            seed,
            which: None,
            run,
            marks: Vec::new(),
            checkpoints: vec![start.clone()],
            every: 1,
            step: 0,
            now: start,
            before: Vec::new(),
        };
        walk.measure();
        walk
    }

    /// Goes through the run from the last checkpoint, which is known to be of it, to its end.
    fn measure(&mut self) {
        let last = self.checkpoints.last().expect("the beginning is one").clone();
        self.marks.truncate(last.step);
        let mut here = last;
        loop {
            let facts = here.session.observer.hash.facts();
            self.marks.push(Mark { facts, choices: here.asked });
            if here.step >= STEPS_MAX {
                return;
            }
            let (next, is_over) = self.next_of(here);
            here = next;
            if is_over {
                let facts = here.session.observer.hash.facts();
                self.marks.push(Mark { facts, choices: here.asked });
                return;
            }
            let is_due =
                here.step >= self.checkpoints.last().map_or(0, |last| last.step) + self.every;
            if is_due {
                self.checkpoints.push(here.clone());
                if self.checkpoints.len() > CHECKPOINTS {
                    let mut place = 0;
                    self.checkpoints.retain(|_| {
                        place += 1;
                        place % 2 == 1
                    });
                    self.every *= 2;
                }
            }
        }
    }

    /// One step on; whether that was the last.
    fn next_of(&self, mut here: Checkpoint<'s>) -> (Checkpoint<'s>, bool) {
        let mut answers = Answers::new(&self.run.schedule.choices, here.asked);
        let step = here.session.advance(&mut answers);
        (here.asked, here.step) = (answers.asked(), here.step + 1);
        (here, matches!(step, Step::Over(_)))
    }

    /// The run as it is before a step.
    fn at(&self, step: usize) -> Checkpoint<'s> {
        let known = self.checkpoints.partition_point(|checkpoint| checkpoint.step <= step) - 1;
        let known = &self.checkpoints[known];
        // Going on from where it stands is often nearer.
        let here = &self.now;
        let nearest = if (known.step..=step).contains(&here.step) { here } else { known };
        let mut here = nearest.clone();
        while here.step < step {
            here = self.next_of(here).0;
        }
        here
    }

    /// The scenario.
    #[must_use]
    pub const fn scenario(&self) -> &'s Scenario {
        self.scenario
    }

    /// The run that is walked.
    #[must_use]
    pub const fn run(&self) -> &Run {
        &self.run
    }

    /// How many steps of it were taken.
    #[must_use]
    pub const fn step(&self) -> usize {
        self.step
    }

    /// How many steps it has.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.marks.len() - 1
    }

    /// Goes to where so many steps have been taken, or to the end.
    pub fn go(&mut self, step: usize) {
        let step = step.min(self.steps());
        self.now = self.at(step);
        self.step = step;
    }

    /// Goes on to where the next step has just done something; stays if nothing does.
    pub fn seek(&mut self, goal: &Goal, is_forward: bool) -> bool {
        let has = |step: &usize| self.reaches(goal, *step);
        let found = if is_forward {
            (self.step + 1..=self.steps()).find(has)
        } else {
            (1..self.step).rev().find(has)
        };
        if let Some(step) = found {
            // A choice is met before it is made, and everything else after it has happened.
            self.go(if matches!(goal, Goal::Choice) { step - 1 } else { step });
        }
        found.is_some()
    }

    /// Whether the step that makes it so many is one that is looked for.
    fn reaches(&self, goal: &Goal, step: usize) -> bool {
        match goal {
            Goal::Choice => {
                // The one it stands before is met already.
                step != self.step + 1 && self.marks[step].choices > self.marks[step - 1].choices
            }
            _ => self.facts_of(step).iter().any(|fact| goal.is_met(self.scenario, &fact.what)),
        }
    }

    /// What happened in the step that made it so many; at 0, before all steps.
    fn facts_of(&self, step: usize) -> &[Fact] {
        let from = if step == 0 { 0 } else { self.marks[step - 1].facts };
        self.facts_between(from, self.facts_until(step))
    }

    fn facts_until(&self, step: usize) -> u64 {
        // What is told when all is over belongs to the end.
        if step == self.steps() { self.run.fact_count } else { self.marks[step].facts }
    }

    fn facts_between(&self, from: u64, to: u64) -> &[Fact] {
        let within = |facts: u64| (facts as usize).min(self.run.facts.len());
        &self.run.facts[within(from)..within(to)]
    }

    /// What the next step asks, and how it is answered in this run.
    #[must_use]
    pub fn questions(&self) -> Vec<Question> {
        if self.step == self.steps() {
            return Vec::new();
        }
        let mut here = self.now.clone();
        let mut answers = Answers::listening(&self.run.schedule.choices, here.asked);
        _ = here.session.advance(&mut answers);
        answers.into_questions()
    }

    /// Answers the `nth` question of the next step, from 1, otherwise. What comes after is answered
    /// as it was, as far as it is asked again, or calmly from there on.
    ///
    /// # Errors
    ///
    /// When there is no such question or answer, in words that say which there are.
    pub fn take(&mut self, nth: usize, answer: u64, is_calm: bool) -> Result<(), String> {
        let questions = self.questions();
        let count = questions.len();
        let Some(question) = nth.checked_sub(1).and_then(|nth| questions.get(nth)) else {
            return Err(match count {
                0 => "the next step asks nothing: `next choice` goes to one that does".to_owned(),
                1 => format!("the next step asks one question, and {nth} is not its number"),
                _ => format!("the next step asks questions 1 to {count}, not {nth}"),
            });
        };
        if answer >= question.choice.n {
            let last = question.choice.n - 1;
            return Err(format!("the answers are 0 to {last}, and {answer} is none of them"));
        }
        let place = self.marks[self.step].choices + nth - 1;
        let picked = question.keys.get(answer as usize).copied();
        let mut before = self.run.schedule.choices[..place].to_vec();
        before.push(Choice { answer, picked, ..question.choice });
        let rest = self.run.schedule.choices.get(place + 1..).unwrap_or_default();
        let rest = if is_calm { &[] } else { rest };
        let rest = Schedule { choices: rest.to_vec() };
        let chain = Chain::new(before, Replay::from_schedule(&rest, Strictness::Lenient));
        let (run, _) = run_as(self.scenario, self.run.variant, chain, Keep::Trace);
        let was = std::mem::replace(&mut self.run, run);
        self.before.push((was, self.step));
        if self.before.len() > UNDO_MAX {
            self.before.remove(0);
        }
        self.turn_off();
        Ok(())
    }

    /// Takes the last other answer back; whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some((run, step)) = self.before.pop() else { return false };
        self.go(step.min(self.step));
        self.run = run;
        self.turn_off();
        self.go(step);
        true
    }

    /// The run is another from here on.
    fn turn_off(&mut self) {
        let step = self.step;
        self.checkpoints.retain(|checkpoint| checkpoint.step <= step);
        self.measure();
    }

    /// What repeats the run as it is now.
    #[must_use]
    pub fn failure(&self) -> Failure {
        // Where an answer was taken, no seed gives it.
        let seed = self.seed.filter(|_| self.before.is_empty());
        Failure::of(self.scenario, &self.run, seed)
    }

    /// What a disk holds.
    #[must_use]
    pub fn image(&self, disk: DiskIndex) -> Image {
        self.now.session.runner.world().image(DiskId(disk.0 as u32))
    }

    /// What a disk held when so many steps had been taken.
    #[must_use]
    pub fn image_at(&self, disk: DiskIndex, step: usize) -> Image {
        self.at(step.min(self.steps())).session.runner.world().image(DiskId(disk.0 as u32))
    }
}

#[cfg(test)]
mod tests;
