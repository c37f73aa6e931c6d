//! What runs have reached, and what they have not.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use headcrash_engine::{Errno, EventId, RuleId, StableHasher, State};
use headcrash_sim::{NodeId, What};

use crate::scenario::{DiskIndex, FaultPlace, FileSystemIndex, RulePlace};

/// What a run has reached, or several have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Events that were announced to some node.
    pub announced: BTreeSet<EventId>,
    /// Rules that did something.
    pub fired: BTreeSet<RulePlace>,
    /// Faults that struck.
    pub struck: BTreeSet<FaultPlace>,
    /// Faults of file systems that struck, by their place in the file system's.
    pub struck_files: BTreeSet<(FileSystemIndex, usize)>,
    /// Errors that a client was answered.
    pub failed: BTreeSet<Errno>,
    /// States that a node's engine was in, other than the first.
    pub states: BTreeSet<(NodeId, State)>,
    /// `sometimes` properties that were true once, by their place.
    pub sometimes: BTreeSet<usize>,
    /// Steps that were taken: the client's place (one past the last for who recovers), the step's.
    pub steps: BTreeSet<(usize, usize)>,
    /// Whether an operation of code under test was begun.
    pub has_begun: bool,
    /// Everything that can be told apart, as numbers: a node's state with what is armed in it, and
    /// what came of runs. A run that adds none has shown nothing new.
    pub features: BTreeSet<u64>,
}

impl Coverage {
    /// What others have reached, as well. Whether there was a new feature among it.
    pub fn add(&mut self, other: &Self) -> bool {
        extend(&mut self.announced, &other.announced);
        extend(&mut self.fired, &other.fired);
        extend(&mut self.struck, &other.struck);
        extend(&mut self.struck_files, &other.struck_files);
        extend(&mut self.failed, &other.failed);
        extend(&mut self.states, &other.states);
        extend(&mut self.sometimes, &other.sometimes);
        extend(&mut self.steps, &other.steps);
        self.has_begun |= other.has_begun;
        let before = self.features.len();
        extend(&mut self.features, &other.features);
        self.features.len() > before
    }

    /// Whether this has reached everything that `other` has.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        // Features first: they tell most runs apart.
        other.features.is_subset(&self.features)
            && other.announced.is_subset(&self.announced)
            && other.fired.is_subset(&self.fired)
            && other.struck.is_subset(&self.struck)
            && other.struck_files.is_subset(&self.struck_files)
            && other.failed.is_subset(&self.failed)
            && other.states.is_subset(&self.states)
            && other.sometimes.is_subset(&self.sometimes)
            && other.steps.is_subset(&self.steps)
            && (self.has_begun || !other.has_begun)
    }

    /// Whether a run came out like this, in the words of [`Outcome::label`](crate::Outcome::label).
    #[must_use]
    pub fn has_outcome(&self, label: &str) -> bool {
        self.features.contains(&number("outcome", label))
    }

    /// Something that can be told apart.
    pub(super) fn feature(&mut self, kind: &str, what: impl Hash) {
        self.features.insert(number(kind, what));
    }

    /// What a fact tells.
    pub(super) fn see(&mut self, what: &What) {
        match what {
            What::Announced { event, .. } => _ = self.announced.insert(*event),
            What::Injected { node, rule, .. }
            | What::Masked { node, rule, .. }
            | What::Suspended { node, rule: Some(rule), .. } => self.fire(*node, *rule),
            What::Moved { node, rule, to, .. } => {
                self.states.insert((*node, *to));
                self.fire(*node, *rule);
            }
            What::Set { node, to, .. } => _ = self.states.insert((*node, *to)),
            What::FileStruck { fs, rule, .. } => {
                let fs = FileSystemIndex(fs.index());
                self.struck_files.insert((fs, rule.index()));
                self.feature("struck file", (fs, rule));
            }
            What::Armed { node, .. } => self.feature("armed", (node, what)),
            What::Struck { disk, rule, .. } => {
                let disk = DiskIndex(disk.index());
                self.struck.insert(FaultPlace { disk, fault: rule.index() });
                self.feature("struck", (disk, rule));
            }
            What::Completed { result: Err(errno), .. }
            | What::FileCompleted { result: Err(errno), .. } => _ = self.failed.insert(*errno),
            What::Began { .. } => self.has_begun = true,
            _ => {}
        }
    }

    fn fire(&mut self, node: NodeId, rule: RuleId) {
        let disk = DiskIndex(node.disk.index());
        self.fired.insert(RulePlace { disk, node: node.depth as usize, rule });
    }
}

fn number(kind: &str, what: impl Hash) -> u64 {
    let mut hasher = StableHasher::default();
    hasher.write(kind.as_bytes());
    what.hash(&mut hasher);
    hasher.finish()
}

fn extend<T: Ord + Clone>(into: &mut BTreeSet<T>, from: &BTreeSet<T>) {
    // Most runs bring nothing new: looking is cheaper than inserting.
    if from.len() > into.len() || !from.is_subset(into) {
        into.extend(from.iter().cloned());
    }
}
