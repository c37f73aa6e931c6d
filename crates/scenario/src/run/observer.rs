//! What a run has seen so far: its trace, its hash, and what conditions ask about.

use std::collections::BTreeSet;

use headcrash_engine::{Errno, EventId, RuleId};
use headcrash_sim::{Fact, NodeId, Sink, TraceHash, What};

use crate::scenario::{DiskIndex, FaultPlace, RulePlace};

/// Keeps what is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Observer {
    /// The trace, if it is kept, as far as [`FACTS_MAX`](super::FACTS_MAX).
    pub(super) facts: Option<Vec<Fact>>,
    pub(super) hash: TraceHash,
    pub(super) announced: BTreeSet<EventId>,
    pub(super) fired: BTreeSet<RulePlace>,
    pub(super) struck: BTreeSet<FaultPlace>,
    pub(super) failed: BTreeSet<Errno>,
    /// Disks of which a read brought something else than what was written, and whether a fault
    /// lay there.
    pub(super) misread: BTreeSet<(DiskIndex, bool)>,
}

impl Observer {
    fn fire(&mut self, node: NodeId, rule: RuleId) {
        let disk = DiskIndex(node.disk.index());
        self.fired.insert(RulePlace { disk, node: node.depth as usize, rule });
    }
}

impl Sink for Observer {
    fn tell(&mut self, fact: Fact) {
        self.hash.add(&fact);
        match fact.what {
            What::Announced { event, .. } => _ = self.announced.insert(event),
            What::Injected { node, rule, .. }
            | What::Masked { node, rule, .. }
            | What::Moved { node, rule, .. }
            | What::Suspended { node, rule: Some(rule), .. } => self.fire(node, rule),
            What::Struck { disk, rule, .. } => {
                let disk = DiskIndex(disk.index());
                self.struck.insert(FaultPlace { disk, fault: rule.index() });
            }
            What::Misread { disk, lies_there, .. } => {
                self.misread.insert((DiskIndex(disk.index()), lies_there));
            }
            What::Completed { result: Err(errno), .. }
            | What::FileCompleted { result: Err(errno), .. } => _ = self.failed.insert(errno),
            _ => {}
        }
        if let Some(facts) = &mut self.facts
            && facts.len() < super::FACTS_MAX
        {
            facts.push(fact);
        }
    }
}
