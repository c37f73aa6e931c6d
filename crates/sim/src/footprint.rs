//! What a step touches: two steps that touch nothing in common can be swapped.

use alloc::vec::Vec;
use core::ops::Range;

use crate::disk::DiskId;

/// What a step touched, as far as it matters to others.
///
/// Steps whose footprints do not [meet](Self::meets) lead to the same place in either order. It may
/// name more than was touched, never less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    everything: bool,
    stretches: Vec<(DiskId, u64, u64, bool)>,
}

impl Footprint {
    /// Something that touches everything: it can be swapped with nothing.
    pub const EVERYTHING: Self = Self { everything: true, stretches: Vec::new() };

    /// These bytes of a disk, read or written, as well.
    pub fn touch(&mut self, disk: DiskId, bytes: Range<u64>, writes: bool) {
        if !bytes.is_empty() {
            self.stretches.push((disk, bytes.start, bytes.end, writes));
        }
    }

    /// Everything, as well.
    pub fn touch_everything(&mut self) {
        *self = Self::EVERYTHING;
    }

    /// Whether it touches nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        !self.everything && self.stretches.is_empty()
    }

    /// Whether both touch something of which it matters who was first: a place that one of them
    /// writes.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        if self.everything || other.everything {
            return true;
        }
        let meet = |(disk, start, end, writes): &(DiskId, u64, u64, bool)| {
            other.stretches.iter().any(|(other, from, to, other_writes)| {
                disk == other && (*writes || *other_writes) && start < to && from < end
            })
        };
        self.stretches.iter().any(meet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(disk: u32, bytes: Range<u64>, writes: bool) -> Footprint {
        let mut footprint = Footprint::default();
        footprint.touch(DiskId(disk), bytes, writes);
        footprint
    }

    #[test]
    fn only_a_shared_place_that_one_of_them_writes_is_a_meeting() {
        let write = bytes(0, 0..512, true);
        assert!(write.meets(&write) && write.meets(&bytes(0, 511..600, false)));
        assert!(!write.meets(&bytes(0, 512..1024, true)), "side by side");
        assert!(!write.meets(&bytes(1, 0..512, true)), "on another disk");
        assert!(!bytes(0, 0..512, false).meets(&bytes(0, 0..512, false)), "two reads");
        assert!(Footprint::EVERYTHING.meets(&Footprint::default()), "everything is no place");
        assert!(!Footprint::default().meets(&write));
    }
}
