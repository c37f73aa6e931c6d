//! What is due, and when.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use headcrash_engine::TriggerId;

use crate::disk::{DiskId, NodeId};
use crate::io::RequestId;
use crate::time::Instant;

/// Something that will happen by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// An injected error is reported: one turn after the check, at the same instant.
    Answer(RequestId),
    /// The medium has done what it was asked.
    Transfer(RequestId),
    /// An operation on a file system takes effect.
    File(RequestId),
    /// A suspension on this node has lasted as long as it may
    /// ([`Resumes::AfterNs`](crate::Resumes::AfterNs)).
    Release(NodeId, RequestId),
    /// The power of this disk goes, after that of another.
    Cut(DiskId),
    /// This disk answers again.
    Return(DiskId),
    /// The window of a fault rule opens, or closes.
    Window(DiskId, TriggerId, bool),
}

impl Due {
    /// Whose it is; `None` for what happens to a disk as a whole.
    #[must_use]
    pub const fn request(self) -> Option<RequestId> {
        match self {
            Self::Answer(request)
            | Self::Transfer(request)
            | Self::File(request)
            | Self::Release(_, request) => Some(request),
            Self::Cut(_) | Self::Return(_) | Self::Window(..) => None,
        }
    }
}

/// When something is due, and which of what was ever due it is: things due at one instant are in
/// the order in which they became due.
pub(crate) type Slot = (Instant, u64);

/// What is due, by when.
///
/// Most worlds wait for a few things at once, and the soonest is taken again and again: those are
/// in a short list. Whatever is later than all of it, however much that is, is in a tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    /// The next things, soonest last. Empty only if nothing is due.
    near: Vec<(Slot, Due)>,
    /// Later than everything in `near`.
    far: BTreeMap<Slot, Due>,
    /// How many things ever became due.
    count: u64,
}

impl Agenda {
    /// More things than this are not kept in the list.
    const NEAR_MAX: usize = 32;

    /// One more thing, at this instant.
    pub(crate) fn insert(&mut self, at: Instant, due: Due) -> Slot {
        let slot = (at, self.count);
        self.count += 1;
        let is_near = match self.near.first() {
            Some((latest, _)) => self.far.is_empty() || slot < *latest,
            None => true,
        };
        if !is_near {
            self.far.insert(slot, due);
            return slot;
        }
        let place = self.near.partition_point(|(other, _)| *other > slot);
        self.near.insert(place, (slot, due));
        if self.near.len() > Self::NEAR_MAX {
            self.far.extend(self.near.drain(..Self::NEAR_MAX / 2));
        }
        slot
    }

    /// When the next thing is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.near.last().map(|((at, _), _)| *at)
    }

    /// What is due at the instant of the next thing, in the order in which it became due.
    pub(crate) fn soonest(&self) -> impl Iterator<Item = (Slot, Due)> {
        let next = self.next();
        let is_next = move |(at, _): Slot| Some(at) == next;
        let near = self.near.iter().rev().copied().take_while(move |(slot, _)| is_next(*slot));
        // The tree is looked at only where the list says nothing of what comes after it.
        let may_be_far = self.near.first().is_some_and(|(slot, _)| is_next(*slot));
        let far = may_be_far.then(|| self.far.iter()).into_iter().flatten();
        near.chain(far.map(|(slot, due)| (*slot, *due)).take_while(move |(slot, _)| is_next(*slot)))
    }

    /// Whether two things at least are due at the instant of the next one.
    pub(crate) fn has_several(&self) -> bool {
        match &self.near[..] {
            [.., ((after, _), _), ((at, _), _)] => after == at,
            [((at, _), _)] => self.far.first_key_value().is_some_and(|((after, _), _)| after == at),
            [] => false,
        }
    }

    /// The next thing, which happens now.
    pub(crate) fn pop(&mut self) -> Option<Due> {
        let (slot, _) = self.near.last()?;
        self.remove(*slot)
    }

    /// It happens now, or not any more.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Due> {
        let found = match self.near.last() {
            Some((soonest, _)) if *soonest == slot => self.near.pop().map(|(_, due)| due),
            _ => match self.near.binary_search_by(|(other, _)| slot.cmp(other)) {
                Ok(place) => Some(self.near.remove(place).1),
                Err(_) => self.far.remove(&slot),
            },
        };
        if self.near.is_empty() && !self.far.is_empty() {
            let soonest = core::iter::from_fn(|| self.far.pop_first()).take(Self::NEAR_MAX / 2);
            self.near.extend(soonest);
            self.near.reverse();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, in a tree.
    #[derive(Default)]
    struct Model {
        due: BTreeMap<Slot, Due>,
        count: u64,
    }

    impl Model {
        fn next(&self) -> Option<Instant> {
            self.due.first_key_value().map(|(slot, _)| slot.0)
        }
    }

    #[test]
    fn an_agenda_is_a_sorted_map_however_much_is_due() {
        arbtest::arbtest(|u| {
            let (mut agenda, mut model) = (Agenda::default(), Model::default());
            let instants = u.int_in_range(1..=40)?;
            for _ in 0..u.int_in_range(0..=300)? {
                if u.ratio(2, 3)? {
                    let at = Instant::from_ns(u.int_in_range(0..=instants)?);
                    let due = Due::Transfer(RequestId(model.count));
                    assert_eq!(agenda.insert(at, due), (at, model.count));
                    model.due.insert((at, model.count), due);
                    model.count += 1;
                } else if let Some(last) = model.due.len().checked_sub(1) {
                    let place = if u.ratio(2, 3)? { 0 } else { u.int_in_range(0..=last)? };
                    let slot = *model.due.keys().nth(place).expect("the place is one of them");
                    assert_eq!(agenda.remove(slot), model.due.remove(&slot));
                    assert_eq!(agenda.remove(slot), None, "it is gone");
                }
                assert_eq!(agenda.next(), model.next());
                assert_eq!(agenda.clone().pop(), model.due.clone().pop_first().map(|(_, due)| due));
                let soonest: Vec<_> = agenda.soonest().collect();
                let is_next = |slot: &Slot| Some(slot.0) == model.next();
                let expected = model.due.iter().map(|(slot, due)| (*slot, *due));
                assert_eq!(soonest, expected.filter(|it| is_next(&it.0)).collect::<Vec<_>>());
                assert_eq!(agenda.has_several(), soonest.len() > 1);
            }
            Ok(())
        });
    }
}
