//! Runs that one thread has made in a row.

use super::finding::{Counts, Finding, FindingKind, counts_as, said};
use super::plan::Plan;
use crate::run::{Coverage, Keep, Outcome, Run};

/// Runs that one thread has made in a row, to be [merged](super::Campaign::merge) in order.
///
/// A run leaves two numbers here. More is kept only of one that reached something new, or is
/// smaller than all before it that show the same.
#[derive(Debug, Default)]
pub struct Chunk {
    pub(super) runs: Vec<Ran>,
    /// What runs came to, in the order in which it was first met.
    pub(super) kinds: Vec<Kind>,
    /// Runs of this chunk that may have reached what nobody had before, by their place.
    pub(super) news: Vec<(usize, Coverage)>,
    /// Runs of this chunk that show something in fewer unusual answers than those before.
    pub(super) smaller: Vec<(usize, Finding)>,
    /// What this chunk has reached beyond what was known.
    seen: Coverage,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ran {
    pub(super) seed: u64,
    /// Over all that happened.
    pub(super) hash: u64,
    /// Its place in [`Chunk::kinds`].
    pub(super) kind: u32,
}

#[derive(Debug)]
pub(super) struct Kind {
    pub(super) kind: FindingKind,
    pub(super) counts: Counts,
    /// The smallest so far.
    unusual: u64,
}

impl Chunk {
    /// Makes one more run; `known` is what was reached before this chunk.
    pub fn run(&mut self, plan: &Plan<'_>, seed: u64, known: &Coverage) {
        let run = plan.run(seed, Keep::Hash);
        self.add(plan, seed, &run, known);
    }

    fn add(&mut self, plan: &Plan<'_>, seed: u64, run: &Run, known: &Coverage) {
        let choices = &run.schedule.choices;
        let size = || {
            let unusual = choices.iter().filter(|choice| choice.answer != 0).count();
            (unusual as u64, choices.len() as u64)
        };
        self.take(plan, seed, &run.outcome, run.all_hash, size);
        if !known.covers(&run.coverage) && !self.seen.covers(&run.coverage) {
            self.seen.add(&run.coverage);
            self.news.push((self.runs.len() - 1, run.coverage.clone()));
        }
    }

    /// One more run, without what it has reached.
    pub(super) fn take(
        &mut self,
        plan: &Plan<'_>,
        seed: u64,
        outcome: &Outcome,
        hash: u64,
        size: impl Fn() -> (u64, u64),
    ) {
        let kind = self.kind(plan, outcome);
        let known = &mut self.kinds[kind];
        if known.counts == Counts::Finding {
            let (unusual, choices) = size();
            if unusual < known.unusual {
                known.unusual = unusual;
                let finding = Finding {
                    kind: known.kind.clone(),
                    runs: 0,
                    unusual,
                    choices,
                    seed,
                    search: plan.method().to_string(),
                    said: said(outcome),
                    saved: None,
                };
                self.smaller.push((self.runs.len(), finding));
            }
        }
        self.runs.push(Ran { seed, hash, kind: kind as u32 });
    }

    fn kind(&mut self, plan: &Plan<'_>, outcome: &Outcome) -> usize {
        let is = |known: &Kind| {
            // Most runs hold, and need no words for it.
            (known.kind.outcome == "held") == matches!(outcome, Outcome::Held)
                && (matches!(outcome, Outcome::Held) || known.kind == FindingKind::of(outcome))
        };
        if let Some(found) = self.kinds.iter().position(is) {
            return found;
        }
        let counts = counts_as(plan.scenario(), outcome);
        self.kinds.push(Kind { kind: FindingKind::of(outcome), counts, unusual: u64::MAX });
        self.kinds.len() - 1
    }

    /// How many runs were made.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there is no run.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The hashes of its runs, with their seeds.
    pub fn hashes(&self) -> impl Iterator<Item = (u64, u64)> {
        self.runs.iter().map(|ran| (ran.seed, ran.hash))
    }
}
