//! The runs of a campaign, on several threads: in the order of their seeds, whoever made them.

use std::borrow::Cow;
use std::ops::Range;

use headcrash_scenario::{Keep, Run, Scenario, run_seed};

use crate::watchdog;

/// So many seeds at most are run by a thread before what came of them is looked at.
const SEEDS_MAX: u64 = 256;

/// Seeds, and what came of each.
pub(crate) struct Runs<'s> {
    scenario: &'s Scenario,
    left: Range<u64>,
    jobs: u64,
    /// What a thread tells of itself should it never come back.
    what: [String; 2],
    /// How many seeds each thread takes next: few at first, for tests that fail at once.
    share: u64,
    made: std::vec::IntoIter<(u64, Run)>,
    /// Told of each seed, if there is one thread only.
    begins: &'s dyn Fn(u64),
}

impl<'s> Runs<'s> {
    pub(crate) fn new(
        scenario: &'s Scenario,
        seeds: Range<u64>,
        jobs: u64,
        what: [String; 2],
        begins: &'s dyn Fn(u64),
    ) -> Self {
        Self { scenario, left: seeds, jobs, what, share: 1, made: Vec::new().into_iter(), begins }
    }

    /// Makes the next ones. A seed is a thread's by its number; that decides nothing about its run.
    fn make(&mut self) -> Vec<(u64, Run)> {
        let start = self.left.start;
        let end = self.left.end.min(start.saturating_add(self.share.saturating_mul(self.jobs)));
        self.left.start = end;
        self.share = SEEDS_MAX.min(2 * self.share);
        let mut made = std::thread::scope(|scope| {
            let part = |first: u64| {
                let (scenario, what, jobs) = (self.scenario, self.what.clone(), self.jobs as usize);
                scope.spawn(move || {
                    watchdog::runs(what);
                    let seeds = (first..end).step_by(jobs);
                    seeds.map(|seed| (seed, one(scenario, seed))).collect::<Vec<_>>()
                })
            };
            let parts: Vec<_> = (start..end.min(start + self.jobs)).map(part).collect();
            let made = parts.into_iter().flat_map(|part| match part.join() {
                Ok(runs) => runs,
                Err(payload) => std::panic::resume_unwind(payload),
            });
            made.collect::<Vec<_>>()
        });
        made.sort_unstable_by_key(|(seed, _)| *seed);
        made
    }
}

impl Iterator for Runs<'_> {
    type Item = (u64, Run);

    fn next(&mut self) -> Option<(u64, Run)> {
        if self.jobs == 1 {
            let seed = self.left.next()?;
            (self.begins)(seed);
            return Some((seed, one(self.scenario, seed)));
        }
        if self.made.len() == 0 {
            self.made = self.make().into_iter();
        }
        self.made.next()
    }
}

/// A scenario with the operations that this seed draws.
pub(crate) fn drawn(scenario: &Scenario, seed: u64) -> Cow<'_, Scenario> {
    match scenario.draws_operations() {
        true => Cow::Owned(scenario.with_drawn(seed)),
        false => Cow::Borrowed(scenario),
    }
}

fn one(scenario: &Scenario, seed: u64) -> Run {
    watchdog::seed(seed);
    run_seed(&drawn(scenario, seed), seed, Keep::Hash)
}
