//! Which paths are still to be walked.

use std::collections::VecDeque;

use crate::walk::{Asked, Order, Polarity, Policy, Walk};

/// The answers to the first questions of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    answers: Vec<u64>,
    /// How many of them are unusual.
    unusual: usize,
}

impl Path {
    /// The answers.
    #[must_use]
    pub fn answers(&self) -> &[u64] {
        &self.answers
    }

    /// How many of them are unusual: the smaller, the simpler the example.
    #[must_use]
    pub const fn unusual(&self) -> usize {
        self.unusual
    }
}

/// The paths that are known of and not yet walked.
#[derive(Clone, Debug)]
pub struct Frontier {
    policy: Policy,
    paths: VecDeque<Path>,
    cut_off: bool,
}

impl Frontier {
    /// The empty path.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, paths: VecDeque::from([Path::default()]), cut_off: false }
    }

    /// How it searches.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The next path to walk; `None` when there is none left.
    #[expect(clippy::should_implement_trait, reason = "what was learnt in between changes it")]
    pub fn next(&mut self) -> Option<Path> {
        match self.policy.order {
            Order::Limited => self.paths.pop_front(),
            Order::DepthFirst => self.paths.pop_back(),
        }
    }

    /// What was asked on the way: every question after the path could have been answered
    /// otherwise.
    pub fn learn(&mut self, path: Path, walk: Walk) {
        self.cut_off |= walk.beyond() > 0;
        let asked = walk.asked();
        let branch = |place: usize, answer: u64| {
            let mut answers: Vec<_> = asked[..place].iter().map(|asked| asked.answer).collect();
            answers.push(answer);
            Path { answers, unusual: path.unusual + 1 }
        };
        let first = path.answers.len();
        let turns = asked.iter().enumerate().skip(first).flat_map(|(place, asked)| {
            let Asked { n, answer: usual } = *asked;
            (0..n).filter(move |answer| *answer != usual).map(move |answer| (place, answer))
        });
        match self.policy.order {
            Order::Limited => {
                self.paths.extend(turns.map(|(place, answer)| branch(place, answer)));
            }
            Order::DepthFirst => {
                // The last pushed is walked first: the deepest, and of its answers the least.
                let mut turns: Vec<_> = turns.collect();
                turns.sort_by_key(|(place, answer)| (*place, std::cmp::Reverse(*answer)));
                self.paths.extend(turns.into_iter().map(|(place, answer)| branch(place, answer)));
            }
        }
    }

    /// Whether every sequence of answers was walked.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.paths.is_empty() && !self.cut_off
    }

    /// Whether a question was asked beyond the depth.
    #[must_use]
    pub const fn was_cut_off(&self) -> bool {
        self.cut_off
    }

    /// How many paths are known of and not walked.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.paths.len()
    }

    /// The same search with the other idea of what is usual.
    #[must_use]
    pub fn turned(&self) -> Self {
        let polarity = match self.policy.polarity {
            Polarity::Kept => Polarity::Lost,
            Polarity::Lost => Polarity::Kept,
        };
        Self::new(Policy { polarity, ..self.policy })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcrash_sim::{Choices, Key, Point, PointKind};
    use std::collections::BTreeSet;

    /// As many answers as the numbers say, one question after the other.
    fn run(choices: &mut dyn Choices, bounds: &[u64]) -> Vec<u64> {
        let point = Point::new(PointKind::CrashSector, Key::NOBODY);
        let ask = |n: &u64| {
            let versions: Vec<_> = (0..*n).rev().collect();
            choices.choose_version(point, &versions, versions.len() - 1) as u64
        };
        bounds.iter().map(ask).collect()
    }

    fn walk_all(policy: Policy, bounds: &[u64]) -> (Vec<Vec<u64>>, bool) {
        let mut frontier = Frontier::new(policy);
        let mut seen = Vec::new();
        while let Some(path) = frontier.next() {
            let mut walk = Walk::along(&path, frontier.policy());
            seen.push(run(&mut walk, bounds));
            frontier.learn(path, walk);
        }
        (seen, frontier.is_complete())
    }

    #[test]
    fn every_sequence_of_answers_comes_up_once() {
        for order in [Order::Limited, Order::DepthFirst] {
            for polarity in [Polarity::Kept, Polarity::Lost] {
                let policy = Policy { depth: 9, order, polarity };
                let (seen, complete) = walk_all(policy, &[2, 3, 4]);
                let distinct: BTreeSet<_> = seen.iter().collect();
                assert_eq!((seen.len(), distinct.len(), complete), (24, 24, true));
            }
        }
    }

    #[test]
    fn limited_discrepancy_comes_with_the_fewest_unusual_answers_first() {
        let (seen, _) = walk_all(Policy::default(), &[2, 2, 2]);
        let unusual: Vec<_> = seen.iter().map(|answers| answers.iter().sum::<u64>()).collect();
        assert_eq!(unusual, [0, 1, 1, 1, 2, 2, 2, 3]);
        assert_eq!(seen[1], [1, 0, 0], "the shallowest first");
    }

    #[test]
    fn a_depth_that_is_too_small_is_told() {
        let (seen, complete) = walk_all(Policy { depth: 2, ..Policy::default() }, &[2, 2, 2]);
        assert_eq!((seen.len(), complete), (4, false));
        assert!(seen.iter().all(|answers| answers[2] == 0));
    }

    #[test]
    fn everything_lost_is_where_the_other_polarity_begins() {
        let policy = Policy { polarity: Polarity::Lost, ..Policy::default() };
        assert_eq!(walk_all(policy, &[3, 2]).0[0], [2, 1]);
    }
}
