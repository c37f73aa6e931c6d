//! Limits that keep recovery possible: of several copies of one thing, faults damage only so many.

use alloc::vec::Vec;

use crate::disk::DiskId;

/// Copies of one thing, of which at most so many may be damaged at any byte at one time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Copies {
    /// Where they are: disk, first byte, length in bytes. All are equally long.
    pub of: Vec<(DiskId, u64, u64)>,
    /// How many may be damaged.
    pub at_most: usize,
}

impl Copies {
    /// The other copies of a stretch of one of them: disk, first byte, length.
    pub(crate) fn others(&self, disk: DiskId, at: u64, len: u64) -> Vec<(DiskId, u64, u64)> {
        let mut others = Vec::new();
        for (index, (own, start, own_len)) in self.of.iter().enumerate() {
            let (from, to) = (at.max(*start), (at + len).min(start + own_len));
            if *own != disk || from >= to {
                continue;
            }
            for (other, (copy, copy_start, _)) in self.of.iter().enumerate() {
                if other != index {
                    others.push((*copy, copy_start + (from - start), to - from));
                }
            }
        }
        others
    }
}
