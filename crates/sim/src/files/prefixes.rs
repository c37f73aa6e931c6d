//! How far a journal may have got.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// How far a journal may have got, given what was found so far: ranges, lowest first, that do not
/// touch. Without a journal there is one place, and it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prefixes(Vec<RangeInclusive<u64>>);

impl Prefixes {
    pub(super) fn range(range: RangeInclusive<u64>) -> Self {
        Self(vec![range])
    }

    /// Adds one above all others.
    pub(super) fn push(&mut self, prefix: u64) {
        match self.0.last_mut() {
            Some(last) if *last.end() + 1 == prefix => *last = *last.start()..=prefix,
            _ => self.0.push(prefix..=prefix),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().cloned().flatten()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|range| range.end() - range.start() + 1).sum()
    }
}
