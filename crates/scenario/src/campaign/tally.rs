//! What has come of a campaign.

use std::collections::BTreeMap;
use std::hash::Hasher;

use headcrash_engine::StableHasher;
use serde::{Deserialize, Serialize};

use super::chunk::{Chunk, Ran};
use super::finding::{Counts, Finding, FindingKind};
use super::plan::Plan;
use crate::names::counted;
use crate::run::{Coverage, Exhaustion, Tried};

/// How many runs came to something, and the smallest seed of one that did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// How many.
    pub runs: u64,
    /// The seed; in an exhaustive search, the run's number, from 1.
    pub seed: u64,
    /// Whether the scenario expects it.
    pub expected: bool,
}

/// What has come of a scenario's runs so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    pub(super) runs: u64,
    pub(super) digest: u64,
    pub(super) outcomes: BTreeMap<String, Counted>,
    pub(super) findings: BTreeMap<FindingKind, Finding>,
    pub(super) coverage: Coverage,
    /// How many runs there were when something new was last reached.
    pub(super) last_new: u64,
}

impl Campaign {
    /// How many runs were made.
    #[must_use]
    pub const fn runs(&self) -> u64 {
        self.runs
    }

    /// Over the traces of all runs, whatever their order: a campaign has the digest of its parts
    /// together.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        self.digest
    }

    /// What runs came to, by [`Outcome::label`](crate::Outcome::label).
    #[must_use]
    pub const fn outcomes(&self) -> &BTreeMap<String, Counted> {
        &self.outcomes
    }

    /// What was reached.
    #[must_use]
    pub const fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// How many runs in a row have reached nothing new.
    #[must_use]
    pub const fn stable_for(&self) -> u64 {
        self.runs - self.last_new
    }

    /// Every kind of failure, with the smallest run that shows it; the smallest first.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<_> = self.findings.values().cloned().collect();
        findings.sort_by_key(|finding| (finding.size(), finding.kind.clone()));
        findings
    }

    /// How many kinds of failures were found.
    #[must_use]
    pub fn finding_count(&self) -> usize {
        self.findings.len()
    }

    /// Where a failure was written to.
    pub fn saved(&mut self, kind: &FindingKind, file: String) {
        if let Some(finding) = self.findings.get_mut(kind) {
            finding.saved = Some(file);
        }
    }

    /// Adds runs that follow on those before; none beyond the one with which `until_stable` runs
    /// in a row have reached nothing new. Returns what was found, or found smaller.
    pub fn merge(&mut self, chunk: Chunk, until_stable: Option<u64>) -> Vec<Finding> {
        let Chunk { runs, kinds, news, smaller, .. } = chunk;
        let (mut news, mut smaller) = (news.into_iter().peekable(), smaller.into_iter().peekable());
        let mut told = Vec::new();
        for (place, ran) in runs.into_iter().enumerate() {
            if until_stable.is_some_and(|runs| self.stable_for() >= runs) {
                break;
            }
            let kind = &kinds[ran.kind as usize];
            self.count(&kind.kind, kind.counts, ran);
            if let Some((_, coverage)) = news.next_if(|(new, _)| *new == place)
                && self.coverage.add(&coverage)
            {
                self.last_new = self.runs;
            }
            if let Some((_, finding)) = smaller.next_if(|(smaller, _)| *smaller == place) {
                told.extend(self.find(finding));
            }
        }
        told
    }

    /// Adds the next run of an exhaustive search; returns what was found, or found smaller.
    pub fn tried(
        &mut self,
        plan: &Plan<'_>,
        runs: &Exhaustion<'_>,
        tried: &Tried,
    ) -> Option<Finding> {
        let mut chunk = Chunk::default();
        chunk.take(plan, runs.begun(), &tried.outcome, tried.hash, || tried.size());
        let found = self.merge(chunk, None).pop();
        if self.coverage.features.len() < runs.coverage().features.len() {
            self.reached(runs);
        }
        found
    }

    /// Takes over what an exhaustive search has reached.
    pub fn reached(&mut self, runs: &Exhaustion<'_>) {
        if self.coverage.add(runs.coverage()) {
            self.last_new = self.runs;
        }
    }

    fn count(&mut self, kind: &FindingKind, counts: Counts, ran: Ran) {
        self.runs += 1;
        let mut hasher = StableHasher::default();
        hasher.write_u64(ran.seed);
        hasher.write_u64(ran.hash);
        self.digest = self.digest.wrapping_add(hasher.finish());
        if let Some(counted) = self.outcomes.get_mut(&kind.outcome) {
            counted.runs += 1;
            counted.seed = counted.seed.min(ran.seed);
        } else {
            let expected = counts == Counts::Expected;
            let counted = Counted { runs: 1, seed: ran.seed, expected };
            self.outcomes.insert(kind.outcome.clone(), counted);
        }
        if counts == Counts::Finding
            && let Some(finding) = self.findings.get_mut(kind)
        {
            finding.runs += 1;
        }
    }

    /// A run that shows something; whether nobody has, or not in so few unusual answers.
    fn find(&mut self, finding: Finding) -> Option<Finding> {
        match self.findings.get_mut(&finding.kind) {
            // It was counted before it was known.
            None => {
                let first = Finding { runs: 1, ..finding };
                self.findings.insert(first.kind.clone(), first.clone());
                Some(first)
            }
            Some(known) if finding.size() < known.size() => {
                *known = Finding { runs: known.runs, ..finding };
                Some(known.clone())
            }
            Some(_) => None,
        }
    }
}

/// What is expected of runs together, and did not come, in words. `never` are the `sometimes`
/// properties that were not true in any.
///
/// A run on its own may miss what is expected, and all of them together may not. Only what is
/// known of all parts of a campaign says so.
#[must_use]
pub fn unmet<'a>(
    expect: &str,
    runs: u64,
    outcomes: &BTreeMap<String, Counted>,
    never: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    if runs == 0 {
        return None;
    }
    if expect == "held" {
        let names: Vec<_> = never.into_iter().map(|name| format!("`{name}`")).collect();
        return (!names.is_empty()).then(|| {
            format!("not measured: never true in {}: {}", counted(runs, "run"), names.join(", "))
        });
    }
    let came = outcomes.values().any(|counted| counted.expected);
    (!came).then(|| format!("{expect} was expected, and did not come in {}", counted(runs, "run")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Method;
    use crate::scenario::Scenario;

    /// Two writes race for what is read.
    pub(in super::super) fn race() -> Scenario {
        let text = r#"(
            disks: [(latency: uniform(min_ns: 1, max_ns: 50))],
            clients: [
                (name: "a", steps: [write(at: 0, len: 512, fill: 1)]),
                (name: "b", steps: [write(at: 0, len: 512, fill: 2), read(at: 0, len: 512, holds: fill(1))]),
            ],
        )"#;
        crate::parse("race.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn made(plan: &Plan<'_>, seeds: impl Iterator<Item = u64>, known: &Coverage) -> Chunk {
        let mut chunk = Chunk::default();
        seeds.for_each(|seed| chunk.run(plan, seed, known));
        chunk
    }

    #[test]
    fn how_runs_are_divided_into_chunks_changes_nothing() {
        let scenario = race();
        let plan = Plan::new(&scenario, Method::Seeded);
        let divided = |len: usize| {
            let mut campaign = Campaign::default();
            let seeds: Vec<u64> = (0..120).collect();
            // Chunks of one batch know nothing of one another.
            for batch in seeds.chunks(len * 3) {
                let known = campaign.coverage().clone();
                for chunk in batch.chunks(len) {
                    campaign.merge(made(&plan, chunk.iter().copied(), &known), None);
                }
            }
            campaign
        };
        let one = divided(1);
        assert_eq!(one.runs(), 120);
        assert_eq!(one.finding_count(), 1);
        for len in [2, 7, 40, 200] {
            assert_eq!(divided(len), one, "{len} runs a chunk");
        }
    }

    #[test]
    fn a_stable_campaign_ends_at_the_same_run_however_it_is_divided() {
        let scenario = race();
        let plan = Plan::new(&scenario, Method::Seeded);
        let stable = |len: u64| {
            let mut campaign = Campaign::default();
            let mut seed = 0;
            while campaign.stable_for() < 25 {
                let known = campaign.coverage().clone();
                let chunk = made(&plan, seed..seed + len, &known);
                campaign.merge(chunk, Some(25));
                seed += len;
            }
            campaign
        };
        let one = stable(1);
        for len in [3, 10, 500] {
            assert_eq!(stable(len), one, "{len} runs a chunk");
        }
    }

    #[test]
    fn the_smallest_schedule_is_kept_then_the_smallest_seed() {
        let scenario = race();
        let plan = Plan::new(&scenario, Method::Seeded);
        let mut campaign = Campaign::default();
        campaign.merge(made(&plan, 0..200, &Coverage::default()), None);
        let finding = &campaign.findings()[0];
        let size = |seed: u64| {
            let run = plan.run(seed, crate::Keep::Hash);
            let unusual = run.schedule.choices.iter().filter(|choice| choice.answer != 0);
            (!run.is_expected(&scenario)).then(|| (unusual.count() as u64, seed))
        };
        assert_eq!(Some(finding.size()), (0..200).filter_map(size).min());
        assert_eq!(finding.runs, (0..200).filter_map(size).count() as u64);
    }
}
