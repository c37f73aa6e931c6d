//! Coverage as a results file holds it.

use std::collections::BTreeSet;

use headcrash_engine::{Errno, State};
use headcrash_sim::{DiskId, NodeId};
use serde::{Deserialize, Serialize};

use crate::run::Coverage;
use crate::scenario::{DiskIndex, FaultPlace, FileSystemIndex, RulePlace, Scenario};

/// [`Coverage`] in names and places that mean something outside of this process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reached {
    /// Names of events.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub announced: BTreeSet<String>,
    /// Disk, node, rule.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub fired: BTreeSet<(usize, usize, usize)>,
    /// Disk, fault.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub struck: BTreeSet<(usize, usize)>,
    /// File system, fault.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub struck_files: BTreeSet<(usize, usize)>,
    /// Numbers of errors.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub failed: BTreeSet<i32>,
    /// Disk, node, state.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub states: BTreeSet<(u32, u32, i32)>,
    /// Places of properties.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub sometimes: BTreeSet<usize>,
    /// Client, step.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub steps: BTreeSet<(usize, usize)>,
    /// What can be told apart.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub features: BTreeSet<u64>,
}

impl Reached {
    /// What `coverage` has beyond `known`.
    #[must_use]
    pub fn beyond(scenario: &Scenario, coverage: &Coverage, known: &Coverage) -> Self {
        let events = scenario.disks()[0].nodes[0].program.events();
        let announced = coverage.announced.difference(&known.announced);
        let fired = coverage.fired.difference(&known.fired);
        let struck = coverage.struck.difference(&known.struck);
        let struck_files = coverage.struck_files.difference(&known.struck_files);
        let states = coverage.states.difference(&known.states);
        Self {
            announced: announced.map(|event| events.name(*event).to_owned()).collect(),
            fired: fired.map(|at| (at.disk.0, at.node, at.rule.index())).collect(),
            struck: struck.map(|at| (at.disk.0, at.fault)).collect(),
            struck_files: struck_files.map(|(fs, fault)| (fs.0, *fault)).collect(),
            failed: coverage.failed.difference(&known.failed).map(|errno| errno.number()).collect(),
            states: states.map(|(node, state)| (node.disk.0, node.depth, state.0)).collect(),
            sometimes: coverage.sometimes.difference(&known.sometimes).copied().collect(),
            steps: coverage.steps.difference(&known.steps).copied().collect(),
            features: coverage.features.difference(&known.features).copied().collect(),
        }
    }

    /// The same as coverage of this scenario; what the scenario does not have is left out.
    #[must_use]
    pub fn coverage(&self, scenario: &Scenario) -> Coverage {
        let program = &scenario.disks()[0].nodes[0].program;
        let rule = |(disk, node, rule): &(usize, usize, usize)| {
            let program = &scenario.disks().get(*disk)?.nodes.get(*node)?.program;
            let rule = program.rule_ids().nth(*rule)?;
            Some(RulePlace { disk: DiskIndex(*disk), node: *node, rule })
        };
        let state = |(disk, depth, state): &(u32, u32, i32)| {
            (NodeId { disk: DiskId(*disk), depth: *depth }, State(*state))
        };
        let fault =
            |(disk, fault): &(usize, usize)| FaultPlace { disk: DiskIndex(*disk), fault: *fault };
        Coverage {
            announced: self.announced.iter().filter_map(|name| program.event(name)).collect(),
            fired: self.fired.iter().filter_map(rule).collect(),
            struck: self.struck.iter().map(fault).collect(),
            struck_files: self
                .struck_files
                .iter()
                .map(|(fs, fault)| (FileSystemIndex(*fs), *fault))
                .collect(),
            failed: self.failed.iter().filter_map(|number| Errno::from_number(*number)).collect(),
            states: self.states.iter().map(state).collect(),
            sometimes: self.sometimes.clone(),
            steps: self.steps.clone(),
            features: self.features.clone(),
            // Who writes results knows no code under test.
            has_begun: false,
        }
    }

    /// What another has reached, as well.
    pub fn add(&mut self, other: Self) {
        self.announced.extend(other.announced);
        self.fired.extend(other.fired);
        self.struck.extend(other.struck);
        self.struck_files.extend(other.struck_files);
        self.failed.extend(other.failed);
        self.states.extend(other.states);
        self.sometimes.extend(other.sometimes);
        self.steps.extend(other.steps);
        self.features.extend(other.features);
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
