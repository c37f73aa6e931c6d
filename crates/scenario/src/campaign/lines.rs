//! The lines of a results file.

use std::collections::BTreeMap;

use headcrash_sim::SEEDED_VERSION;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::plan::Part;
use super::reached::Reached;
use super::tally::{Campaign, Counted};
use super::vacuous::{Vacuous, vacuous};
use crate::failure::text_hash;
use crate::run::{Coverage, Method};
use crate::scenario::{Scenario, Seeds};

/// The version of the results file's format.
pub const FORMAT: u32 = 1;

/// One line of a results file: one JSON object.
///
/// The first is a [`Header`]. Then each scenario in turn has [`Progress`] as often as somebody
/// cares to write it down, each failure when it is found, and an [`End`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// What this is.
    Results(Header),
    /// How far it has come.
    Progress(Box<Progress>),
    /// A failure, when it is first met, when it is met with a smaller schedule, and when it is
    /// written to a file.
    Finding(Told),
    /// A scenario's runs are over.
    End(End),
}

impl Header {
    /// The header of a campaign that this headcrash makes.
    #[must_use]
    pub fn new(part: Part, scenarios: Vec<HeaderScenario>) -> Self {
        Self {
            format: FORMAT,
            headcrash: env!("CARGO_PKG_VERSION").to_owned(),
            seed_scheme: SEEDED_VERSION,
            part: part.part,
            of: part.of,
            scenarios,
        }
    }
}

impl Progress {
    /// What there is to say of a campaign beyond what `known` was told of it; `told` is what was
    /// said of it last to be vacuous.
    #[must_use]
    pub fn of(
        place: usize,
        scenario: &Scenario,
        campaign: &Campaign,
        known: &Coverage,
        told: Option<&[Vacuous]>,
    ) -> Self {
        let vacuous = vacuous(scenario, campaign.coverage());
        Self {
            scenario: place,
            runs: campaign.runs(),
            digest: campaign.digest(),
            last_new: campaign.runs() - campaign.stable_for(),
            outcomes: campaign.outcomes().clone(),
            findings: campaign.findings(),
            reached: Reached::beyond(scenario, campaign.coverage(), known),
            vacuous: (told != Some(&vacuous)).then_some(vacuous),
        }
    }
}

impl Line {
    /// The line, without a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line is made of text, numbers and lists")
    }
}

/// What a results file is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`] of what wrote it.
    pub format: u32,
    /// The version of headcrash that wrote it.
    pub headcrash: String,
    /// The version of the scheme by which answers follow from a seed.
    pub seed_scheme: u32,
    /// Which part of the campaign, from 1.
    pub part: u64,
    /// Of how many.
    pub of: u64,
    /// What is run, in order.
    pub scenarios: Vec<HeaderScenario>,
}

/// A scenario of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderScenario {
    /// Its file, as it was named.
    pub name: String,
    /// The hash of its text, in hexadecimal.
    pub hash: String,
    /// Who answers, as `--search` has it.
    pub method: String,
    /// Whether that is what the scenario says itself.
    pub own_method: bool,
    /// What it expects, in the words of an outcome.
    pub expect: String,
    /// Which seeds: `from 0`, or `list` and all of them.
    pub seeds: String,
    /// With `until_stable`: after so many runs without anything new it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_stable: Option<u64>,
}

impl HeaderScenario {
    /// What is said of a scenario that is run so.
    #[must_use]
    pub fn new(
        scenario: &Scenario,
        method: Method,
        seeds: &Seeds,
        until_stable: Option<u64>,
    ) -> Self {
        // Where seeds end is not said: a campaign may go on.
        let seeds = match (method, seeds) {
            (Method::Exhaustive { .. }, _) => "none".to_owned(),
            (_, Seeds::One(seed)) => format!("from {seed}"),
            (_, Seeds::Range(range)) => format!("from {}", range.start),
            (_, Seeds::List(list)) => {
                let list: Vec<_> = list.iter().map(u64::to_string).collect();
                format!("list {}", list.join(" "))
            }
        };
        Self {
            name: scenario.source().name().to_owned(),
            hash: text_hash(scenario),
            method: method.to_string(),
            own_method: method.to_string() == scenario.method().to_string(),
            expect: scenario.expect().to_string(),
            seeds,
            until_stable,
        }
    }
}

/// How far a scenario has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Its place in the header.
    pub scenario: usize,
    /// How many of this part's runs were made, the first ones.
    pub runs: u64,
    /// Over their traces.
    pub digest: u64,
    /// How many there were when something new was last reached.
    pub last_new: u64,
    /// What they came to.
    pub outcomes: BTreeMap<String, Counted>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What they reached beyond what the line before says.
    #[serde(default, skip_serializing_if = "Reached::is_empty")]
    pub reached: Reached,
    /// What the scenario says and no run came to, if that is less than the line before says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vacuous: Option<Vec<Vacuous>>,
}

/// A failure of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The scenario's place in the header.
    pub scenario: usize,
    /// The failure.
    pub finding: Finding,
}

/// A scenario's runs are over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Its place in the header.
    pub scenario: usize,
    /// Why.
    pub why: Why,
    /// How many of this part's runs were made.
    pub runs: u64,
    /// Which line of its file it is, from 1: if it is another one, lines before it are gone. 0 if
    /// nobody has said.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub line: u64,
    /// What there is to say of it, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
const fn is_zero(line: &u64) -> bool {
    *line == 0
}

/// Why a scenario's runs are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// All seeds that were asked for, or every run there is.
    Complete,
    /// So many runs in a row have reached nothing new.
    Stable,
    /// The number of runs an exhaustive search may make.
    Budget,
    /// The time that was given.
    Time,
    /// Somebody has stopped it.
    Stopped,
}

impl Why {
    /// Whether nothing is left to do of what was asked for.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        match self {
            Self::Complete | Self::Stable | Self::Budget | Self::Time => true,
            Self::Stopped => false,
        }
    }
}
