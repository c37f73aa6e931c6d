//! Every sequence of answers there is, for tests: like a car's odometer, the last digit fastest.

use alloc::vec::Vec;

use crate::choices::{Choices, Key, Point, PointKind};

/// Answers as written, then 0; notes how many answers there would have been.
#[derive(Default)]
struct Odometer {
    digits: Vec<(u64, u64)>,
    asked: usize,
}

impl Choices for Odometer {
    fn choose(&mut self, _: Point, n: u64) -> u64 {
        assert!(n >= 2, "what can go one way only is not asked");
        if self.asked == self.digits.len() {
            self.digits.push((0, n));
        }
        let (answer, of) = self.digits[self.asked];
        assert_eq!(of, n, "the same answers lead to the same question");
        self.asked += 1;
        answer
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        unreachable!("a flash asks for amounts")
    }
}

/// What `run` returns for each sequence of answers.
pub(super) fn every<T>(mut run: impl FnMut(&mut dyn Choices) -> T) -> Vec<T> {
    let mut odometer = Odometer::default();
    let mut found = Vec::new();
    loop {
        odometer.asked = 0;
        found.push(run(&mut odometer));
        assert_eq!(odometer.asked, odometer.digits.len(), "every answer was asked for");
        while odometer.digits.pop_if(|(answer, n)| *answer + 1 == *n).is_some() {}
        let Some((answer, _)) = odometer.digits.last_mut() else { return found };
        *answer += 1;
    }
}

/// A question, for those who have no point to name.
pub(super) fn ask(choices: &mut dyn Choices, n: u64) -> u64 {
    choices.choose(Point::new(PointKind::Data, Key::NOBODY), n)
}
