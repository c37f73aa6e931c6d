//! Who answers on a walk.

use headcrash_sim::{Calm, Choice, Choices, Key, Point, Replay};

/// A question of a run, and what could have been answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What was asked, and the answer.
    pub choice: Choice,
    /// Who could have been picked, if it was a question of who.
    pub keys: Vec<Key>,
    /// Which writes the versions are of that a power cut may have left, if it was about those: 0 is
    /// what was there before all of them.
    pub versions: Vec<u64>,
}

/// Answers as a run did, from some question on.
#[derive(Debug)]
pub(super) struct Answers<'r> {
    recorded: &'r [Choice],
    asked: usize,
    heard: Option<Vec<Question>>,
}

impl<'r> Answers<'r> {
    pub(super) const fn new(recorded: &'r [Choice], asked: usize) -> Self {
        Self { recorded, asked, heard: None }
    }

    /// The same, and what is asked is kept.
    pub(super) const fn listening(recorded: &'r [Choice], asked: usize) -> Self {
        Self { recorded, asked, heard: Some(Vec::new()) }
    }

    pub(super) const fn asked(&self) -> usize {
        self.asked
    }

    pub(super) fn into_questions(self) -> Vec<Question> {
        self.heard.unwrap_or_default()
    }

    fn next(&mut self) -> Option<Choice> {
        self.asked += 1;
        self.recorded.get(self.asked - 1).copied()
    }

    fn hear(&mut self, choice: Choice, keys: &[Key], versions: &[u64]) {
        if let Some(heard) = &mut self.heard {
            heard.push(Question { choice, keys: keys.to_vec(), versions: versions.to_vec() });
        }
    }

    fn amount(&mut self, point: Point, n: u64, versions: &[u64]) -> u64 {
        let answer = self.next().map_or(0, |choice| choice.answer.min(n - 1));
        self.hear(Choice { point, n, answer, picked: None }, &[], versions);
        answer
    }
}

impl Choices for Answers<'_> {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        self.amount(point, n, &[])
    }

    fn chance(&mut self, point: Point, _: u64, _: u64) -> bool {
        self.amount(point, 2, &[]) == 1
    }

    fn choose_version(&mut self, point: Point, versions: &[u64], _: usize) -> usize {
        self.amount(point, versions.len() as u64, versions) as usize
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let picked = self.next().and_then(|choice| choice.picked);
        let index = picked.and_then(|picked| keys.iter().position(|key| *key == picked));
        let index = index.unwrap_or_else(|| Calm.pick(point, keys));
        let (n, answer) = (keys.len() as u64, index as u64);
        self.hear(Choice { point, n, answer, picked: Some(keys[index]) }, keys, &[]);
        index
    }
}

/// These answers first, one after the other; then a replay.
#[derive(Debug)]
pub(super) struct Chain {
    first: Vec<Choice>,
    asked: usize,
    then: Replay,
}

impl Chain {
    pub(super) const fn new(first: Vec<Choice>, then: Replay) -> Self {
        Self { first, asked: 0, then }
    }

    fn next(&mut self) -> Option<Choice> {
        let choice = self.first.get(self.asked).copied();
        self.asked += usize::from(choice.is_some());
        choice
    }
}

impl Choices for Chain {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        match self.next() {
            Some(choice) => choice.answer.min(n - 1),
            None => self.then.choose(point, n),
        }
    }

    fn chance(&mut self, point: Point, num: u64, den: u64) -> bool {
        match self.next() {
            Some(choice) => choice.answer == 1,
            None => self.then.chance(point, num, den),
        }
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        match self.next() {
            Some(choice) => {
                let picked = choice.picked.and_then(|key| keys.iter().position(|of| *of == key));
                picked.unwrap_or(0)
            }
            None => self.then.pick(point, keys),
        }
    }
}
