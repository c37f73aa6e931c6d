//! Every run of a small scenario, depth first.

use headcrash_sim::{Choices, Footprint, Key, Point, PointKind};

/// Answers every question in every way, one run after the other, without those that only swap
/// steps that commute.
///
/// Who is next, what completes first, who resumes, whether a fault strikes or the power goes, and
/// what that left, is enumerated; how long something takes and what undefined bytes are is answered
/// with 0. A chance is two answers, however rare.
///
/// Of several orders of steps that do not touch the same things one is tried (sleep sets: Godefroid,
/// Partial-Order Methods for the Verification of Concurrent Systems, 1996). For that whoever runs
/// tells after every step who took it and what it touched, with [`Self::stepped`].
///
/// ```
/// use headcrash_search::Odometer;
/// use headcrash_sim::{Choices, Key, Point, PointKind};
///
/// let mut odometer = Odometer::new();
/// let mut runs = Vec::new();
/// while odometer.turn() {
///     let point = Point::new(PointKind::Fault, Key::WORLD);
///     let first = odometer.choose(point, 2);
///     let second = if first == 1 { odometer.choose(point, 3) } else { 0 };
///     runs.push((first, second));
/// }
/// assert_eq!(runs, [(0, 0), (1, 0), (1, 1), (1, 2)]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Odometer {
    wheels: Vec<Wheel>,
    /// How many questions this run has asked.
    asked: usize,
    /// What need not be tried from here on, because it was, before a step that it commutes with.
    asleep: Vec<(Key, Footprint)>,
    /// The wheel whose answer is being carried out.
    awaiting: Option<usize>,
    redundant: bool,
    runs: u64,
    left_out: u64,
    given_up: u64,
    too_many: Option<(Point, u64)>,
}

/// A question, and what has been answered so far.
#[derive(Clone, Debug)]
struct Wheel {
    n: u64,
    answer: u64,
    /// Whom the answers are about, if it is a question of who takes the next step.
    keys: Vec<Key>,
    /// Whose steps need not be tried here.
    asleep: Vec<(Key, Footprint)>,
    /// What the answer under way has touched.
    touched: Footprint,
}

/// A question with more answers than this is none that can be enumerated.
pub const ANSWERS_MAX: u64 = 64;

impl Odometer {
    /// Nothing tried yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether every answer to questions of this kind is tried; others are answered with 0.
    #[must_use]
    pub const fn turns_at(kind: PointKind) -> bool {
        match kind {
            PointKind::Latency | PointKind::Data => false,
            PointKind::Schedule
            | PointKind::Completion
            | PointKind::Resume
            | PointKind::Fault
            | PointKind::Cut
            | PointKind::CrashSector
            | PointKind::Tear
            | PointKind::Code => true,
        }
    }

    /// Begins the next run; `false` when every run has been made.
    pub fn turn(&mut self) -> bool {
        self.asleep.clear();
        (self.asked, self.awaiting) = (0, None);
        if self.runs == 0 && self.wheels.is_empty() && !self.redundant {
            self.runs = 1;
            return true;
        }
        self.given_up += u64::from(self.redundant);
        self.redundant = false;
        while let Some(wheel) = self.wheels.last_mut() {
            if let Some(key) = wheel.keys.get(wheel.answer as usize) {
                let touched = core::mem::take(&mut wheel.touched);
                wheel.asleep.push((*key, touched));
            }
            wheel.answer += 1;
            while wheel.is_asleep() {
                self.left_out += 1;
                wheel.answer += 1;
            }
            if wheel.answer < wheel.n {
                self.runs += 1;
                return true;
            }
            self.wheels.pop();
        }
        false
    }

    /// The step that the last question was about, or one that nobody else could have taken, was
    /// taken by `who` and touched these things.
    pub fn stepped(&mut self, who: Key, touched: Footprint) {
        if let Some(wheel) = self.awaiting.take().and_then(|place| self.wheels.get_mut(place)) {
            self.asleep.clear();
            let apart = wheel.asleep.iter().filter(|(_, other)| !other.meets(&touched));
            self.asleep.extend(apart.cloned());
            wheel.touched = touched;
        } else {
            // What sleeps was tried before a step that this one commutes with.
            self.redundant |= self.asleep.iter().any(|(key, _)| *key == who);
            self.asleep.retain(|(_, other)| !other.meets(&touched));
        }
    }

    /// Whether this run only repeats others in another order: it may be given up.
    #[must_use]
    pub const fn is_redundant(&self) -> bool {
        self.redundant
    }

    /// How many runs were begun.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// How many answers were left out because what they begin was tried in another order.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many runs were given up half-way for the same reason.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up + u64::from(self.redundant)
    }

    /// The first question that had more than [`ANSWERS_MAX`] answers, and how many: what was not
    /// all tried.
    #[must_use]
    pub const fn too_many(&self) -> Option<(Point, u64)> {
        self.too_many
    }

    /// The answers of the run under way.
    pub fn answers(&self) -> impl Iterator<Item = u64> {
        self.wheels[..self.asked.min(self.wheels.len())].iter().map(|wheel| wheel.answer)
    }

    fn answer(&mut self, point: Point, n: u64, keys: &[Key]) -> u64 {
        if self.redundant {
            return 0;
        }
        if n > ANSWERS_MAX {
            self.too_many.get_or_insert((point, n));
        }
        let place = self.asked;
        self.asked += 1;
        if let Some(wheel) = self.wheels.get(place) {
            if !wheel.keys.is_empty() {
                self.awaiting = Some(place);
            }
            return wheel.answer.min(n - 1);
        }
        let mut wheel = Wheel {
            n: n.min(ANSWERS_MAX),
            answer: 0,
            keys: keys.to_vec(),
            asleep: if keys.is_empty() { Vec::new() } else { self.asleep.clone() },
            touched: Footprint::EVERYTHING,
        };
        while wheel.is_asleep() {
            self.left_out += 1;
            wheel.answer += 1;
        }
        if wheel.answer >= wheel.n {
            // Whatever comes next was tried before.
            self.redundant = true;
            return 0;
        }
        if !keys.is_empty() {
            self.awaiting = Some(place);
        }
        let answer = wheel.answer;
        self.wheels.push(wheel);
        answer
    }
}

impl Wheel {
    fn is_asleep(&self) -> bool {
        let key = self.keys.get(self.answer as usize);
        key.is_some_and(|key| self.asleep.iter().any(|(other, _)| other == key))
    }
}

impl Choices for Odometer {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        if Self::turns_at(point.kind) { self.answer(point, n, &[]) } else { 0 }
    }

    fn chance(&mut self, point: Point, _: u64, _: u64) -> bool {
        self.choose(point, 2) == 1
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let steps = if point.kind == PointKind::Schedule { keys } else { &[] };
        self.answer(point, keys.len() as u64, steps) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clients that each take so many steps, and what the n-th step of a client touches.
    fn orders(steps: &[usize], touched: impl Fn(usize, usize) -> Footprint) -> (u64, Odometer) {
        let keys: Vec<_> = (0..steps.len()).map(|n| Key::client(&n.to_string())).collect();
        let mut odometer = Odometer::new();
        let mut whole = 0;
        while odometer.turn() {
            let mut done = vec![0; steps.len()];
            loop {
                let ready: Vec<_> =
                    (0..steps.len()).filter(|who| done[*who] < steps[*who]).collect();
                let who = match ready.as_slice() {
                    [] => break,
                    [who] => *who,
                    _ => {
                        let keys: Vec<_> = ready.iter().map(|who| keys[*who]).collect();
                        ready[odometer.pick(Point::new(PointKind::Schedule, Key::WORLD), &keys)]
                    }
                };
                odometer.stepped(keys[who], touched(who, done[who]));
                done[who] += 1;
                if odometer.is_redundant() {
                    break;
                }
            }
            whole += u64::from(!odometer.is_redundant());
        }
        (whole, odometer)
    }

    fn sector(n: u64) -> Footprint {
        let mut footprint = Footprint::default();
        footprint.touch(headcrash_sim::DiskId(0), n * 512..(n + 1) * 512, true);
        footprint
    }

    #[test]
    fn steps_that_all_meet_come_in_every_order() {
        // 8! / (2! 3! 3!)
        assert_eq!(orders(&[2, 3, 3], |_, _| sector(0)).0, 560);
    }

    #[test]
    fn steps_that_never_meet_come_in_one_order() {
        let (whole, odometer) = orders(&[3, 3, 3], |who, _| sector(who as u64));
        assert_eq!(whole, 1);
        assert!(odometer.left_out() > 0);
    }

    #[test]
    fn each_order_of_those_that_meet_is_tried_once() {
        // Each of three clients takes a step of its own, then one that meets the others': 3!.
        let touched = |who: usize, nth: usize| sector(if nth == 1 { 9 } else { who as u64 });
        assert_eq!(orders(&[2, 2, 2], touched).0, 6);
        // Two pairs that meet among themselves only: 2 * 2.
        let touched = |who: usize, _: usize| sector(who as u64 / 2);
        assert_eq!(orders(&[1, 1, 1, 1], touched).0, 4);
    }

    #[test]
    fn a_question_with_too_many_answers_is_named() {
        let mut odometer = Odometer::new();
        let point = Point::new(PointKind::Tear, Key::WORLD);
        let mut runs = 0;
        while odometer.turn() {
            odometer.choose(point, 100);
            runs += 1;
        }
        assert_eq!((runs, odometer.too_many()), (ANSWERS_MAX, Some((point, 100))));
    }
}
