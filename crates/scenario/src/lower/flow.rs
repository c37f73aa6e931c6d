//! Which of a client's requests are certainly pending, as far as can be told without running.

use std::collections::BTreeSet;

use crate::scenario::RequestIndex;
use crate::source::Span;

/// What is known at one place of a client's steps.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Submitted on every way here, and waited for on none since.
    pending: BTreeSet<RequestIndex>,
    /// Submitted earlier in the text.
    submitted: BTreeSet<RequestIndex>,
    /// Everything so far, in the order of the text.
    log: Vec<(Touch, Span)>,
}

#[derive(Clone, Copy, Debug)]
enum Touch {
    Submit(RequestIndex),
    Wait(RequestIndex),
    WaitAll,
}

/// A place in the log, or what was pending at a place.
pub(super) struct Mark {
    log: usize,
    pending: BTreeSet<RequestIndex>,
}

impl Flow {
    /// A request is submitted: false if it is still pending.
    pub(super) fn submit(&mut self, request: RequestIndex, span: Span) -> bool {
        self.log.push((Touch::Submit(request), span));
        self.submitted.insert(request);
        self.pending.insert(request)
    }

    /// A request is waited for: false if nothing before submits it.
    pub(super) fn wait(&mut self, request: RequestIndex, span: Span) -> bool {
        self.log.push((Touch::Wait(request), span));
        self.pending.remove(&request);
        self.submitted.contains(&request)
    }

    pub(super) fn wait_all(&mut self, span: Span) {
        self.log.push((Touch::WaitAll, span));
        self.pending.clear();
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { log: self.log.len(), pending: self.pending.clone() }
    }

    /// The other branch begins: what is pending is again what was at `mark`. Returns what the
    /// first one leaves pending.
    pub(super) fn swap(&mut self, mark: Mark) -> Mark {
        let pending = std::mem::replace(&mut self.pending, mark.pending);
        Mark { log: self.log.len(), pending }
    }

    /// Both branches end: pending is what both leave so.
    pub(super) fn join(&mut self, other: &Mark) {
        self.pending.retain(|request| other.pending.contains(request));
    }

    /// Since `mark`, requests that are submitted before anything else happens to them, and are
    /// pending now: done once more, these steps submit them while they are pending.
    pub(super) fn resubmitted(&self, mark: &Mark) -> Vec<(RequestIndex, Span)> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (touch, span) in &self.log[mark.log..] {
            match touch {
                Touch::WaitAll => break,
                Touch::Wait(request) => _ = seen.insert(*request),
                Touch::Submit(request) => {
                    if seen.insert(*request) && self.pending.contains(request) {
                        found.push((*request, *span));
                    }
                }
            }
        }
        found
    }
}
