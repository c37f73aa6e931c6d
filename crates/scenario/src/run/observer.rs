//! What a run has seen so far: its trace, its hash, and what conditions ask about.

use std::collections::BTreeSet;

use headcrash_engine::EventId;
use headcrash_sim::{DiskId, Fact, Footprint, RequestId, Sink, TraceHash, Verb, What};

use super::coverage::Coverage;
use super::footprint::Watch;
use crate::scenario::DiskIndex;

/// Keeps what is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observer {
    /// The trace, if it is kept, as far as [`FACTS_MAX`](super::FACTS_MAX).
    pub(super) facts: Option<Vec<Fact>>,
    pub(crate) hash: TraceHash,
    /// What was reached.
    pub(super) seen: Coverage,
    /// Which of the first events are among it, a bit for each.
    pub(super) known: u64,
    /// Disks of which a read brought something else than what was written, and whether a fault
    /// lay there.
    pub(super) misread: BTreeSet<(DiskIndex, bool)>,
    /// Units that were decided after a cut, if somebody wants to know.
    pub(super) decided: Option<Vec<(DiskId, u64)>>,
    /// What makes steps meet, if somebody wants to know what they touch.
    pub(super) watch: Option<Watch>,
    /// What was touched since somebody last asked.
    pub(super) touched: Footprint,
    /// Whether a cut could leave something else by now, if somebody wants to know.
    pub(super) changes: Option<Changes>,
}

/// Requests that do more than read.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    /// One was submitted, or ended, since somebody last asked.
    pub(super) are_new: bool,
    under_way: BTreeSet<RequestId>,
}

impl Changes {
    fn see(&mut self, what: &What) {
        let (request, is_new) = match what {
            What::Submitted { request, shape, .. } => {
                (request, !matches!(shape.verb, Verb::Read | Verb::Announce(_)))
            }
            What::FileSubmitted { request, shape, .. } => (request, !shape.verb.only_looks()),
            What::Completed { request, .. } | What::FileCompleted { request, .. } => {
                self.are_new |= self.under_way.remove(request);
                return;
            }
            What::PowerCut { .. } | What::FilesPowerCut { .. } => {
                self.under_way.clear();
                return;
            }
            _ => return,
        };
        if is_new {
            self.under_way.insert(*request);
            self.are_new = true;
        }
    }
}

impl Observer {
    /// Announcements are most of what is told, and of the same few events.
    fn announced(&mut self, event: EventId) {
        let is_known = 1_u64.checked_shl(event.index() as u32).unwrap_or(0);
        if self.known & is_known == 0 {
            self.known |= is_known;
            self.seen.announced.insert(event);
        }
    }
}

impl Sink for Observer {
    fn tell(&mut self, fact: Fact) {
        self.hash.add(&fact);
        if let Some(watch) = &self.watch {
            watch.see(&fact, &mut self.touched);
        }
        if let Some(changes) = &mut self.changes {
            changes.see(&fact.what);
        }
        match &fact.what {
            What::Announced { event, .. } => self.announced(*event),
            what => self.seen.see(what),
        }
        match (&fact.what, &mut self.decided) {
            (What::Misread { disk, lies_there, .. }, _) => {
                self.misread.insert((DiskIndex(disk.index()), *lies_there));
            }
            (What::Resolved { disk, resolution, .. }, Some(decided)) => {
                decided.push((*disk, resolution.at));
            }
            _ => {}
        }
        if let Some(facts) = &mut self.facts
            && facts.len() < super::FACTS_MAX
        {
            facts.push(fact);
        }
    }
}
