//! What a device did, in order: for logs that other tools read.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::log::Bytes;
use crate::io::RequestId;

/// Something a device did, or was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceEvent {
    /// Bytes were stored.
    Write {
        /// The first byte.
        at: u64,
        /// What was stored.
        data: Arc<[u8]>,
        /// With force unit access.
        fua: bool,
    },
    /// Zeroes were stored.
    Zeroes {
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
        /// With force unit access.
        fua: bool,
    },
    /// Bytes were discarded.
    Discard {
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
    },
    /// A flush was submitted.
    FlushSubmitted(RequestId),
    /// A flush was done.
    FlushDone(RequestId),
    /// The power went.
    PowerCut,
}

impl DeviceEvent {
    pub(super) fn write(at: u64, len: u64, bytes: &Bytes, fua: bool) -> Self {
        match bytes {
            Bytes::Fill(0) => Self::Zeroes { at, len, fua },
            Bytes::Fill(byte) => {
                Self::Write { at, data: alloc::vec![*byte; len as usize].into(), fua }
            }
            Bytes::Data(data, offset) => {
                let data = if *offset == 0 && data.len() as u64 == len {
                    Arc::clone(data)
                } else {
                    data[*offset..offset + len as usize].into()
                };
                Self::Write { at, data, fua }
            }
        }
    }
}

/// What a device did, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    events: Vec<DeviceEvent>,
    /// After each event, how many effects had been applied.
    seqs: Vec<u64>,
    /// Which effects a request's newest flush covers, and whether it is done.
    flushes: BTreeMap<RequestId, (u64, bool)>,
}

impl History {
    pub(crate) fn events(&self) -> &[DeviceEvent] {
        &self.events
    }

    /// Something happened, and so many effects had been applied then.
    pub(super) fn push(&mut self, event: DeviceEvent, seq: u64) {
        self.events.push(event);
        self.seqs.push(seq);
    }

    /// A flush reaches the medium that covers effects up to `scope`: it was submitted when those
    /// had been applied and no more, however long the layers above have kept it since. Layers
    /// flush more than once for one request; what covers no more than before is the same flush.
    pub(super) fn flush(&mut self, request: RequestId, scope: u64) {
        let before = self.flushes.get(&request).copied();
        if before.is_some_and(|(covers, _)| covers >= scope) {
            return;
        }
        let mut after = self.seqs.partition_point(|seq| *seq <= scope);
        if let Some((_, is_done)) = before {
            let last = if is_done {
                DeviceEvent::FlushDone(request)
            } else {
                DeviceEvent::FlushSubmitted(request)
            };
            let place = self.events.iter().rposition(|event| *event == last);
            match place {
                Some(place) if is_done => after = after.max(place + 1),
                // It never ended: what it would have covered is this one's.
                Some(place) => {
                    self.events.remove(place);
                    self.seqs.remove(place);
                    after -= usize::from(place < after);
                }
                None => {}
            }
        }
        let seq = after.checked_sub(1).map_or(scope, |place| self.seqs[place]);
        self.events.insert(after, DeviceEvent::FlushSubmitted(request));
        self.seqs.insert(after, seq);
        self.flushes.insert(request, (scope, false));
    }

    /// A request's flush is done.
    pub(super) fn flushed(&mut self, request: RequestId, seq: u64) {
        if let Some((_, is_done @ false)) = self.flushes.get_mut(&request) {
            *is_done = true;
            self.push(DeviceEvent::FlushDone(request), seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: RequestId = RequestId::NONE;

    fn zeroes(at: u64) -> DeviceEvent {
        DeviceEvent::Zeroes { at, len: 1, fua: false }
    }

    fn submitted() -> DeviceEvent {
        DeviceEvent::FlushSubmitted(ONE)
    }

    fn done() -> DeviceEvent {
        DeviceEvent::FlushDone(ONE)
    }

    #[test]
    fn a_flush_stands_where_it_was_asked_for_and_once() {
        let mut history = History::default();
        history.push(zeroes(0), 1);
        history.push(zeroes(1), 2);
        history.flush(ONE, 1);
        history.flushed(ONE, 2);
        history.flush(ONE, 1);
        history.flushed(ONE, 2);
        assert_eq!(history.events(), [zeroes(0), submitted(), zeroes(1), done()]);
    }

    #[test]
    fn a_flush_that_covers_more_follows_the_one_that_covered_less() {
        let mut history = History::default();
        history.push(zeroes(0), 1);
        history.flush(ONE, 1);
        history.push(zeroes(1), 2);
        history.flushed(ONE, 2);
        history.flush(ONE, 2);
        history.flushed(ONE, 2);
        let right = [zeroes(0), submitted(), zeroes(1), done(), submitted(), done()];
        assert_eq!(history.events(), right);
    }

    #[test]
    fn a_flush_that_failed_is_forgotten_when_its_request_flushes_again() {
        let mut history = History::default();
        history.push(zeroes(0), 1);
        history.flush(ONE, 1);
        history.push(zeroes(1), 2);
        history.flush(ONE, 2);
        history.flushed(ONE, 2);
        assert_eq!(history.events(), [zeroes(0), zeroes(1), submitted(), done()]);
    }
}
