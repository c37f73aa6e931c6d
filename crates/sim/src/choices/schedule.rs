//! The choices a run made, in order.

use alloc::vec::Vec;

use super::{Choices, Key, Point};

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// What was decided, and about whom.
    pub point: Point,
    /// How many answers there were.
    pub n: u64,
    /// The answer, below `n`.
    pub answer: u64,
    /// For a question of who or which: the key behind the answer, by which it is found again
    /// among other keys.
    pub picked: Option<Key>,
}

/// Every choice of a run, in order: what has it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule {
    /// In the order in which they were made.
    pub choices: Vec<Choice>,
}

/// Writes down what somebody else answers.
#[derive(Debug)]
pub struct Recorder<C> {
    inner: C,
    schedule: Schedule,
}

impl<C> Recorder<C> {
    /// Records the answers of `inner`.
    pub fn new(inner: C) -> Self {
        /// Small runs make no more, and need not ask for room again and again.
        const FEW: usize = 64;
        Self { inner, schedule: Schedule { choices: Vec::with_capacity(FEW) } }
    }

    fn record(&mut self, point: Point, n: u64, answer: u64) -> u64 {
        // Any answer is a valid one.
        let answer = answer.min(n - 1);
        self.schedule.choices.push(Choice { point, n, answer, picked: None });
        answer
    }

    /// What was recorded so far.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Who answers.
    pub const fn inner(&self) -> &C {
        &self.inner
    }

    /// Adds a choice that somebody made without asking.
    pub fn note(&mut self, choice: Choice) {
        self.schedule.choices.push(choice);
    }

    /// What was recorded, and who answered.
    pub fn finish(self) -> (Schedule, C) {
        (self.schedule, self.inner)
    }
}

impl<C: Choices> Choices for Recorder<C> {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        let answer = self.inner.choose(point, n);
        self.record(point, n, answer)
    }

    fn choose_version(&mut self, point: Point, versions: &[u64], durable: usize) -> usize {
        let answer = self.inner.choose_version(point, versions, durable);
        self.record(point, versions.len() as u64, answer as u64) as usize
    }

    fn chance(&mut self, point: Point, num: u64, den: u64) -> bool {
        let answer = u64::from(self.inner.chance(point, num, den));
        self.record(point, 2, answer) == 1
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let index = self.inner.pick(point, keys).min(keys.len() - 1);
        let n = keys.len() as u64;
        let picked = Some(keys[index]);
        self.schedule.choices.push(Choice { point, n, answer: index as u64, picked });
        index
    }
}

impl<C: Choices + ?Sized> Choices for alloc::boxed::Box<C> {
    fn chance(&mut self, point: Point, num: u64, den: u64) -> bool {
        (**self).chance(point, num, den)
    }

    fn choose_version(&mut self, point: Point, versions: &[u64], durable: usize) -> usize {
        (**self).choose_version(point, versions, durable)
    }

    fn choose(&mut self, point: Point, n: u64) -> u64 {
        (**self).choose(point, n)
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        (**self).pick(point, keys)
    }
}

impl<C: Choices + ?Sized> Choices for &mut C {
    fn chance(&mut self, point: Point, num: u64, den: u64) -> bool {
        (**self).chance(point, num, den)
    }

    fn choose_version(&mut self, point: Point, versions: &[u64], durable: usize) -> usize {
        (**self).choose_version(point, versions, durable)
    }

    fn choose(&mut self, point: Point, n: u64) -> u64 {
        (**self).choose(point, n)
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        (**self).pick(point, keys)
    }
}
