//! What a campaign runs.

use std::fmt;

use crate::run::{Keep, Method, Run};
use crate::scenario::{Scenario, Seeds};

/// A scenario, and who answers its choices.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'s> {
    scenario: &'s Scenario,
    method: Method,
    length: u64,
}

impl<'s> Plan<'s> {
    /// What runs of `scenario` have in common is found out here, once.
    #[must_use]
    pub fn new(scenario: &'s Scenario, method: Method) -> Self {
        Self { scenario, method, length: method.length(scenario) }
    }

    /// The scenario.
    #[must_use]
    pub const fn scenario(&self) -> &'s Scenario {
        self.scenario
    }

    /// Who answers.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// One run.
    #[must_use]
    pub fn run(&self, seed: u64, keep: Keep) -> Run {
        self.method.run(self.scenario, seed, self.length, keep)
    }
}

/// One part of a campaign that several machines share: every so many-th of its seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// Which, from 1.
    pub part: u64,
    /// Of how many.
    pub of: u64,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self { part: 1, of: 1 };

    /// The place in the whole campaign of the `own`-th run of this part, both from 0.
    #[must_use]
    pub const fn place(self, own: u64) -> Option<u64> {
        match own.checked_mul(self.of) {
            Some(before) => before.checked_add(self.part - 1),
            None => None,
        }
    }

    /// How many of the first `all` places are this part's.
    #[must_use]
    pub const fn share(self, all: u64) -> u64 {
        all / self.of + (all % self.of >= self.part) as u64
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

/// How many seeds there are.
#[must_use]
pub fn seed_count(seeds: &Seeds) -> u64 {
    match seeds {
        Seeds::One(_) => 1,
        Seeds::Range(range) => range.end - range.start,
        Seeds::List(list) => list.len() as u64,
    }
}

/// The seed at a place, from 0.
#[must_use]
pub fn nth_seed(seeds: &Seeds, place: u64) -> Option<u64> {
    match seeds {
        Seeds::One(seed) => (place == 0).then_some(*seed),
        Seeds::Range(range) => range.start.checked_add(place).filter(|seed| *seed < range.end),
        Seeds::List(list) => list.get(usize::try_from(place).ok()?).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_share_all_places_and_none_twice() {
        for of in 1..6 {
            for all in 0..20 {
                let mut places = Vec::new();
                for part in (1..=of).map(|part| Part { part, of }) {
                    places.extend((0..part.share(all)).map(|own| part.place(own).unwrap()));
                }
                places.sort_unstable();
                assert!(places.into_iter().eq(0..all), "{all} places over {of} parts");
            }
        }
    }

    #[test]
    fn a_place_beyond_the_last_seed_has_none() {
        let range = Seeds::Range(u64::MAX - 2..u64::MAX);
        assert_eq!(nth_seed(&range, 1), Some(u64::MAX - 1));
        assert_eq!(nth_seed(&range, 2), None);
        assert_eq!(nth_seed(&range, u64::MAX), None);
        assert_eq!(nth_seed(&Seeds::List(vec![7, 3]), 1), Some(3));
        assert_eq!(nth_seed(&Seeds::One(9), 1), None);
    }
}
