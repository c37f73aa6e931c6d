//! A recorded schedule, again.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::{Calm, Choice, Choices, Key, Point, Schedule};

/// What a replay makes of a question that was not recorded so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// The order of all questions is compared: the first that differs is kept as a [`Mismatch`],
    /// and from there on the answers are the dullest.
    Strict,
    /// Each kind of question about each actor is followed on its own: what no longer matches is
    /// counted, an answer out of range is clamped, and a question too many is answered with 0.
    Lenient,
}

/// The first question that differed from the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The place in the schedule, from zero.
    pub place: usize,
    /// What was recorded there; `None` after the end.
    pub recorded: Option<Choice>,
    /// What was asked instead.
    pub asked: Point,
    /// With how many answers.
    pub n: u64,
}

/// Answers as a schedule says.
#[derive(Clone, Debug)]
pub struct Replay {
    strictness: Strictness,
    recorded: Vec<Choice>,
    /// Lenient: the places not yet used, by point.
    by_point: BTreeMap<Point, VecDeque<usize>>,
    asked: usize,
    matched: usize,
    mismatch: Option<Mismatch>,
}

impl Replay {
    /// Answers as `schedule` says.
    #[must_use]
    pub fn from_schedule(schedule: &Schedule, strictness: Strictness) -> Self {
        let mut by_point = BTreeMap::<_, VecDeque<_>>::new();
        if strictness == Strictness::Lenient {
            for (place, choice) in schedule.choices.iter().enumerate() {
                by_point.entry(choice.point).or_default().push_back(place);
            }
        }
        let recorded = schedule.choices.clone();
        Self { strictness, recorded, by_point, asked: 0, matched: 0, mismatch: None }
    }

    /// How many recorded choices were made again.
    #[must_use]
    pub const fn matched(&self) -> usize {
        self.matched
    }

    /// How many choices the schedule has.
    #[must_use]
    pub const fn recorded(&self) -> usize {
        self.recorded.len()
    }

    /// The first question that differed, if one did.
    #[must_use]
    pub const fn mismatch(&self) -> Option<&Mismatch> {
        self.mismatch.as_ref()
    }

    /// Whether every recorded choice was made again, in order, and no other.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.mismatch.is_none() && self.matched == self.recorded.len()
    }

    /// The recorded choice for this question, if it is one that was asked.
    fn next(&mut self, point: Point, n: u64, fits: impl Fn(&Choice) -> bool) -> Option<Choice> {
        let asked = self.asked;
        self.asked += 1;
        let (place, recorded) = match self.strictness {
            Strictness::Strict => (asked, self.recorded.get(asked).copied()),
            Strictness::Lenient => {
                let place = self.by_point.get_mut(&point).and_then(VecDeque::pop_front);
                (place.unwrap_or(asked), place.map(|place| self.recorded[place]))
            }
        };
        let found = recorded.filter(|choice| choice.point == point && fits(choice));
        match (found, self.strictness) {
            (Some(_), Strictness::Lenient) => self.matched += 1,
            (Some(_), Strictness::Strict) if self.mismatch.is_none() => self.matched += 1,
            (Some(_), Strictness::Strict) => return None,
            (None, _) => {
                self.mismatch.get_or_insert(Mismatch { place, recorded, asked: point, n });
            }
        }
        // A lenient replay keeps what it can of an answer that no longer fits.
        found.or_else(|| recorded.filter(|_| self.strictness == Strictness::Lenient))
    }
}

impl Choices for Replay {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        match self.next(point, n, |choice| choice.n == n && choice.picked.is_none()) {
            Some(choice) => choice.answer.min(n - 1),
            None => Calm.choose(point, n),
        }
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let n = keys.len() as u64;
        let strict = self.strictness == Strictness::Strict;
        let fits = |choice: &Choice| {
            (!strict || choice.n == n) && choice.picked.is_some_and(|key| keys.contains(&key))
        };
        let found = self.next(point, n, fits);
        let index = found
            .and_then(|choice| choice.picked)
            .and_then(|picked| keys.iter().position(|key| *key == picked));
        index.unwrap_or_else(|| Calm.pick(point, keys))
    }
}
