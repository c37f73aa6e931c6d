//! A recorded schedule, again.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::{Calm, Choice, Choices, Key, Point, PointKind, Schedule, Seeded};

/// What a replay makes of a question that was not recorded so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// The order of all questions is compared: the first that differs is kept as a [`Mismatch`],
    /// and from there on the answers are the dullest.
    Strict,
    /// Each kind of question about each actor is followed on its own: an answer out of range is
    /// clamped, and a question too many is answered with 0.
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
    /// Lenient: the places not yet used of questions for amounts, by point.
    amounts: BTreeMap<Point, VecDeque<usize>>,
    /// Lenient: the places not yet used of questions of who, by kind and who it was.
    picks: BTreeMap<(PointKind, Key), VecDeque<usize>>,
    asked: usize,
    matched: usize,
    mismatch: Option<Mismatch>,
    /// Which recorded choices were used, even if they had to be bent.
    used: Vec<bool>,
    /// How many questions no recorded choice was about, and the first few of them.
    unanswered: usize,
    first_unanswered: Vec<(Point, u64)>,
    /// Who answers those.
    then: Option<Seeded>,
}

/// So many unanswered questions are kept.
const UNANSWERED_KEPT: usize = 16;

impl Replay {
    /// Answers as `schedule` says.
    #[must_use]
    pub fn from_schedule(schedule: &Schedule, strictness: Strictness) -> Self {
        let mut amounts = BTreeMap::<_, VecDeque<_>>::new();
        let mut picks = BTreeMap::<_, VecDeque<_>>::new();
        if strictness == Strictness::Lenient {
            for (place, choice) in schedule.choices.iter().enumerate() {
                match choice.picked {
                    None => amounts.entry(choice.point).or_default().push_back(place),
                    Some(key) => {
                        picks.entry((choice.point.kind, key)).or_default().push_back(place)
                    }
                }
            }
        }
        let recorded = schedule.choices.clone();
        Self {
            strictness,
            used: alloc::vec![false; recorded.len()],
            recorded,
            amounts,
            picks,
            asked: 0,
            matched: 0,
            mismatch: None,
            unanswered: 0,
            first_unanswered: Vec::new(),
            then: None,
        }
    }

    /// The same, with `seeded` answering what the schedule says nothing about, rather than calmly.
    #[must_use]
    pub fn then(mut self, seeded: Seeded) -> Self {
        self.then = Some(seeded);
        self
    }

    /// The recorded choices that no question was asked for, with their places from zero.
    pub fn unused(&self) -> impl Iterator<Item = (usize, &Choice)> {
        let places = self.recorded.iter().enumerate();
        places.zip(&self.used).filter(|(_, used)| !**used).map(|(choice, _)| choice)
    }

    /// How many questions the schedule said nothing about.
    #[must_use]
    pub const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// The first few of them, each with how many answers it had.
    #[must_use]
    pub fn first_unanswered(&self) -> &[(Point, u64)] {
        &self.first_unanswered
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

    /// The recorded choice at `place` for this question, if it is the one that was asked.
    fn take(
        &mut self,
        place: Option<usize>,
        (point, n): (Point, u64),
        fits: impl Fn(&Choice) -> bool,
    ) -> Option<Choice> {
        let recorded = place.and_then(|place| self.recorded.get(place).copied());
        let found = recorded.filter(|choice| choice.point == point && fits(choice));
        if found.is_none() {
            let place = place.unwrap_or(self.recorded.len());
            self.mismatch.get_or_insert(Mismatch { place, recorded, asked: point, n });
        }
        let answered = match (self.strictness, &self.mismatch) {
            // After the first difference nothing that follows means what it did.
            (Strictness::Strict, Some(_)) => None,
            (Strictness::Strict | Strictness::Lenient, _) => {
                self.matched += usize::from(found.is_some());
                // A lenient replay keeps what it can of an answer that no longer fits.
                found.or_else(|| recorded.filter(|_| self.strictness == Strictness::Lenient))
            }
        };
        match (answered, place) {
            (Some(_), Some(place)) => self.used[place] = true,
            _ => {
                self.unanswered += 1;
                if self.first_unanswered.len() < UNANSWERED_KEPT {
                    self.first_unanswered.push((point, n));
                }
            }
        }
        answered
    }

    /// The recorded answer to a question for an amount.
    fn amount(&mut self, point: Point, n: u64) -> Option<u64> {
        let place = match self.strictness {
            Strictness::Strict => self.next_place(),
            Strictness::Lenient => self.amounts.get_mut(&point).and_then(VecDeque::pop_front),
        };
        let fits = |choice: &Choice| choice.n == n && choice.picked.is_none();
        self.take(place, (point, n), fits).map(|choice| choice.answer.min(n - 1))
    }

    fn next_place(&mut self) -> Option<usize> {
        self.asked += 1;
        Some(self.asked - 1).filter(|place| *place < self.recorded.len())
    }
}

impl Choices for Replay {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        match (self.amount(point, n), &mut self.then) {
            (Some(answer), _) => answer,
            (None, Some(seeded)) => seeded.choose(point, n),
            (None, None) => Calm.choose(point, n),
        }
    }

    /// A chance has two answers, which are not equally likely.
    fn chance(&mut self, point: Point, num: u64, den: u64) -> bool {
        match (self.amount(point, 2), &mut self.then) {
            (Some(answer), _) => answer == 1,
            (None, Some(seeded)) => seeded.chance(point, num, den),
            (None, None) => false,
        }
    }

    /// Leniently, the first recorded pick of one of `keys` that was not used: a question that is
    /// new uses up nothing that belongs to others.
    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let n = keys.len() as u64;
        let place = match self.strictness {
            Strictness::Strict => self.next_place(),
            Strictness::Lenient => {
                let queue = |key: &Key| self.picks.get(&(point.kind, *key))?.front().copied();
                let first = keys.iter().filter_map(|key| Some((queue(key)?, *key))).min();
                first.map(|(place, key)| {
                    let queue = self.picks.get_mut(&(point.kind, key));
                    queue.and_then(VecDeque::pop_front).unwrap_or(place)
                })
            }
        };
        let strict = self.strictness == Strictness::Strict;
        let fits = |choice: &Choice| {
            (!strict || choice.n == n) && choice.picked.is_some_and(|key| keys.contains(&key))
        };
        let picked = self.take(place, (point, n), fits).and_then(|choice| choice.picked);
        let index = picked.and_then(|picked| keys.iter().position(|key| *key == picked));
        index.unwrap_or_else(|| match &mut self.then {
            Some(seeded) => seeded.pick(point, keys),
            None => Calm.pick(point, keys),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::Recorder;

    #[test]
    fn a_new_question_uses_up_nothing_that_belongs_to_others() {
        let [a, b, c] = ["a", "b", "c"].map(Key::client);
        let point = Point::new(PointKind::Schedule, Key::WORLD);
        let mut recorder = Recorder::new(Calm);
        // b, then a, as recorded before there was a client c.
        recorder.pick(point, &[b, a]);
        recorder.pick(point, &[a, b]);
        let (schedule, _) = recorder.finish();
        let mut replay = Replay::from_schedule(&schedule, Strictness::Lenient);
        assert_eq!(replay.pick(point, &[c, a]), 1, "a is recorded, if later");
        assert_eq!(replay.pick(point, &[c, b]), 1, "b is still there");
        assert_eq!(replay.pick(point, &[c, b]), 0, "and nothing is left");
        assert_eq!((replay.matched(), replay.is_complete()), (2, false));
        assert_eq!((replay.unused().count(), replay.unanswered()), (0, 1));
        assert_eq!(replay.first_unanswered(), [(point, 2)]);
    }

    #[test]
    fn what_was_not_asked_for_again_is_told() {
        let [a, b] = ["a", "b"].map(Key::client);
        let schedule = Point::new(PointKind::Schedule, Key::WORLD);
        let latency = Point::new(PointKind::Latency, a);
        let mut recorder = Recorder::new(Calm);
        recorder.pick(schedule, &[b, a]);
        recorder.choose(latency, 9);
        let mut replay = Replay::from_schedule(&recorder.finish().0, Strictness::Lenient);
        assert_eq!(replay.choose(latency, 9), 0);
        let unused: Vec<_> = replay.unused().map(|(place, _)| place).collect();
        assert_eq!(unused, [0]);
        assert_eq!(replay.unanswered(), 0);
    }

    #[test]
    fn somebody_else_answers_what_was_not_recorded() {
        let point = |name| Point::new(PointKind::Data, Key::client(name));
        let mut recorder = Recorder::new(Calm);
        recorder.choose(point("a"), 1 << 40);
        let (schedule, _) = recorder.finish();
        let replay = Replay::from_schedule(&schedule, Strictness::Lenient);
        let mut replay = replay.then(Seeded::from_seed(7));
        assert_eq!(replay.choose(point("a"), 1 << 40), 0, "as it was recorded");
        let mut seeded = Seeded::from_seed(7);
        assert_eq!(replay.choose(point("b"), 1 << 40), seeded.choose(point("b"), 1 << 40));
    }
}
