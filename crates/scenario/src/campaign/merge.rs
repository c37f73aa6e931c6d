//! What several machines have done of one campaign, put together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::finding::{Finding, FindingKind};
use super::lines::HeaderScenario;
use super::reached::Reached;
use super::recorded::{Recorded, RecordedScenario};
use super::tally::{Counted, unmet};
use super::vacuous::Vacuous;
use crate::names::counted;

/// What came of a scenario, in all files together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The scenario's file, as it was named.
    pub name: String,
    /// Who answers its choices if nobody says otherwise; empty if no file says.
    pub own_method: String,
    /// What it expects, in the words of an outcome.
    pub expect: String,
    /// How many runs were made.
    pub runs: u64,
    /// Over their traces, whatever their order.
    pub digest: u64,
    /// What they came to.
    pub outcomes: BTreeMap<String, Counted>,
    /// One finding for each kind of failure, the smallest schedule first.
    pub findings: Vec<Finding>,
    /// What was reached.
    pub reached: Reached,
    /// What the scenario says and no run came to.
    pub vacuous: Vec<Vacuous>,
    /// What is expected of all runs together and did not come.
    pub unmet: Option<String>,
    /// What was not done.
    pub missing: Vec<Missing>,
}

/// What was not done of what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No file is about this part.
    Part {
        /// Which, as `--shard` has it.
        part: String,
        /// Of which search.
        search: String,
    },
    /// A file does not go to the end.
    End {
        /// The file.
        file: String,
        /// Which part it is.
        part: String,
        /// How many runs it has.
        runs: u64,
    },
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part { part, search } => write!(f, "shard {part} of {search} is missing"),
            Self::End { file, part, runs } => {
                let runs = counted(*runs, "run");
                write!(f, "shard {part} is incomplete: {file} ends after {runs}")
            }
        }
    }
}

/// Why files cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// Another version wrote one of them.
    #[error("{file} was written by headcrash {found}, and {other} by {expected}")]
    Version {
        /// The file.
        file: String,
        /// Its version.
        found: String,
        /// A file before.
        other: String,
        /// Its version.
        expected: String,
    },
    /// They are about different texts.
    #[error(
        "{file} is about another text of {scenario} than {other}: hash {found}, not {expected}"
    )]
    Text {
        /// The file.
        file: String,
        /// The scenario.
        scenario: String,
        /// A file before.
        other: String,
        /// Its hash.
        found: String,
        /// The hash there.
        expected: String,
    },
    /// They divide it differently.
    #[error("{file} is one of {found} parts of {scenario}, and {other} one of {expected}")]
    Divided {
        /// The file.
        file: String,
        /// The scenario.
        scenario: String,
        /// A file before.
        other: String,
        /// How many parts it says there are.
        found: u64,
        /// And the other.
        expected: u64,
    },
    /// The same runs twice.
    #[error("shard {part} of {scenario} is there twice: {other} and {file}")]
    Twice {
        /// The file.
        file: String,
        /// The scenario.
        scenario: String,
        /// A file before.
        other: String,
        /// Which part.
        part: String,
    },
}

/// How many parts there are, and who has which.
type Division<'r> = (u64, BTreeMap<u64, &'r str>);

/// What all files say of one scenario.
#[derive(Debug)]
struct Group<'r> {
    first: &'r HeaderScenario,
    file: &'r str,
    /// By who answers and with which seeds: how many parts there are, and who has which.
    divided: BTreeMap<(&'r str, &'r str), Division<'r>>,
    all: Vec<(&'r str, &'r Recorded, &'r HeaderScenario, &'r RecordedScenario)>,
}

/// Puts together what results files say; each comes with what it is called.
///
/// # Errors
///
/// When they do not belong together.
pub fn merge(files: &[(String, Recorded)]) -> Result<Vec<Merged>, MergeError> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (file, recorded) in files {
        let (other, first) = &files[0];
        if recorded.header.headcrash != first.header.headcrash {
            return Err(MergeError::Version {
                file: file.clone(),
                found: recorded.header.headcrash.clone(),
                other: other.clone(),
                expected: first.header.headcrash.clone(),
            });
        }
        for (scenario, said) in recorded.header.scenarios.iter().zip(&recorded.scenarios) {
            let place = groups.iter().position(|group| group.first.name == scenario.name);
            let place = place.unwrap_or_else(|| {
                let (divided, all) = Default::default();
                groups.push(Group { first: scenario, file, divided, all });
                groups.len() - 1
            });
            groups[place].add(file, recorded, scenario, said)?;
        }
    }
    Ok(groups.into_iter().map(Group::merged).collect())
}

impl<'r> Group<'r> {
    fn add(
        &mut self,
        file: &'r str,
        recorded: &'r Recorded,
        scenario: &'r HeaderScenario,
        said: &'r RecordedScenario,
    ) -> Result<(), MergeError> {
        let HeaderScenario { name, hash, method, seeds, .. } = scenario;
        if *hash != self.first.hash {
            return Err(MergeError::Text {
                file: file.to_owned(),
                scenario: name.clone(),
                other: self.file.to_owned(),
                found: hash.clone(),
                expected: self.first.hash.clone(),
            });
        }
        let part = recorded.part();
        let (of, parts) =
            self.divided.entry((method, seeds)).or_insert_with(|| (part.of, BTreeMap::new()));
        if *of != part.of {
            return Err(MergeError::Divided {
                file: file.to_owned(),
                scenario: name.clone(),
                other: parts.values().next().copied().unwrap_or_default().to_owned(),
                found: part.of,
                expected: *of,
            });
        }
        if let Some(other) = parts.insert(part.part, file) {
            return Err(MergeError::Twice {
                file: file.to_owned(),
                scenario: name.clone(),
                other: other.to_owned(),
                part: part.to_string(),
            });
        }
        self.all.push((file, recorded, scenario, said));
        Ok(())
    }

    fn merged(self) -> Merged {
        let mut missing = Vec::new();
        for ((search, _), (of, parts)) in &self.divided {
            // A file's word for how many there are is not to make a list of them all.
            const TOLD: usize = 32;
            let absent = (1..=*of).filter(|part| !parts.contains_key(part)).take(TOLD);
            missing.extend(absent.map(|part| Missing::Part {
                part: format!("{part}/{of}"),
                search: (*search).to_owned(),
            }));
        }
        let own = self.all.iter().find(|(_, _, scenario, _)| scenario.own_method);
        let mut merged = Merged {
            name: self.first.name.clone(),
            own_method: own.map(|(_, _, scenario, _)| scenario.method.clone()).unwrap_or_default(),
            expect: self.first.expect.clone(),
            runs: 0,
            digest: 0,
            outcomes: BTreeMap::new(),
            findings: Vec::new(),
            reached: Reached::default(),
            vacuous: Vec::new(),
            unmet: None,
            missing,
        };
        let mut findings: BTreeMap<FindingKind, Finding> = BTreeMap::new();
        let mut vacuous: Option<BTreeSet<&Vacuous>> = None;
        for (file, recorded, _, said) in &self.all {
            let campaign = said.campaign();
            // Numbers of a file are what somebody wrote into it.
            merged.runs = merged.runs.saturating_add(campaign.runs());
            merged.digest = merged.digest.wrapping_add(campaign.digest());
            for (outcome, counted) in campaign.outcomes() {
                let all = merged
                    .outcomes
                    .entry(outcome.clone())
                    .or_insert(Counted { runs: 0, ..*counted });
                all.runs = all.runs.saturating_add(counted.runs);
                all.seed = all.seed.min(counted.seed);
            }
            for finding in said.findings() {
                match findings.get_mut(&finding.kind) {
                    Some(known) => known.add(finding),
                    None => _ = findings.insert(finding.kind.clone(), finding),
                }
            }
            merged.reached.add(said.reached.clone());
            // What nobody has come to is what each has missed.
            if let Some(missed) = &said.vacuous {
                vacuous = Some(match vacuous {
                    None => missed.iter().collect(),
                    Some(known) => missed.iter().filter(|item| known.contains(item)).collect(),
                });
            }
            let is_whole = said.end.as_ref().is_some_and(|end| end.why.is_whole());
            if !is_whole {
                merged.missing.push(Missing::End {
                    file: (*file).to_owned(),
                    part: recorded.part().to_string(),
                    runs: campaign.runs(),
                });
            }
        }
        merged.findings = findings.into_values().collect();
        merged.findings.sort_by_key(|finding| (finding.size(), finding.kind.clone()));
        merged.vacuous = vacuous.into_iter().flatten().cloned().collect();
        let never = merged.vacuous.iter().filter_map(Vacuous::sometimes);
        merged.unmet = unmet(&merged.expect, merged.runs, &merged.outcomes, never);
        merged
    }
}

impl Merged {
    /// Whether everything was done that was asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty()
    }
}
