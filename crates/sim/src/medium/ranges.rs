//! Stretches of a disk, each with a value; what is set last covers what was set before.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

/// Disjoint half-open ranges with values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ranges<V> {
    /// By start: the end, and the value.
    map: BTreeMap<u64, (u64, V)>,
}

impl<V: Copy> Ranges<V> {
    pub(crate) const fn new() -> Self {
        Self { map: BTreeMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    pub(crate) fn get(&self, at: u64) -> Option<V> {
        let (_, (end, value)) = self.map.range(..=at).next_back()?;
        (at < *end).then_some(*value)
    }

    pub(crate) fn insert(&mut self, range: Range<u64>, value: V) {
        if range.is_empty() {
            return;
        }
        self.remove(range.clone());
        self.map.insert(range.start, (range.end, value));
    }

    /// Sets what is not set.
    pub(crate) fn fill(&mut self, range: Range<u64>, value: V) {
        let before = self.map.range(..=range.start).next_back();
        let mut at = before.map_or(range.start, |(_, (end, _))| range.start.max(*end));
        let set: Vec<_> =
            self.map.range(range.clone()).map(|(start, (end, _))| (*start, *end)).collect();
        for (start, end) in set {
            if at < start {
                self.map.insert(at, (start, value));
            }
            at = at.max(end);
        }
        if at < range.end {
            self.map.insert(at, (range.end, value));
        }
    }

    pub(crate) fn remove(&mut self, range: Range<u64>) {
        let overlapping: Vec<_> = self
            .map
            .range(..range.end)
            .rev()
            .take_while(|(_, (end, _))| *end > range.start)
            .map(|(start, (end, value))| (*start, *end, *value))
            .collect();
        for (start, end, value) in overlapping {
            self.map.remove(&start);
            if start < range.start {
                self.map.insert(start, (range.start, value));
            }
            if end > range.end {
                self.map.insert(range.end, (end, value));
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Range<u64>, V)> {
        self.map.iter().map(|(start, (end, value))| (*start..*end, *value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_last_covers_what_was_set_before() {
        let mut ranges = Ranges::new();
        ranges.insert(0..10, 'a');
        ranges.insert(4..6, 'b');
        ranges.insert(20..30, 'c');
        ranges.remove(25..40);
        let mut filled = ranges.clone();
        filled.fill(2..22, 'd');
        let all: Vec<_> = filled.iter().collect();
        let set_stays = [(0..4, 'a'), (4..6, 'b'), (6..10, 'a'), (10..20, 'd'), (20..25, 'c')];
        assert_eq!(all, set_stays);
        let all: Vec<_> = ranges.iter().collect();
        assert_eq!(all, [(0..4, 'a'), (4..6, 'b'), (6..10, 'a'), (20..25, 'c')]);
        assert_eq!(
            [3, 4, 10, 24, 25].map(|at| ranges.get(at)),
            [Some('a'), Some('b'), None, Some('c'), None]
        );
    }
}
