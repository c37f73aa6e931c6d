//! Which rule fits a request: an index over sectors, so that rules elsewhere cost nothing.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::BuildHasherDefault;
use core::ops::Range;

use indexmap::IndexMap;

use crate::{RuleId, StableHasher};

/// A list of rules with its own place in [`Spent`](crate::engine::Spent)'s cursors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ListId(u32);

/// Tells rules that are gone for good from those that live.
pub(crate) trait Living {
    fn lives(&self, rule: RuleId) -> bool;
    /// How many rules at the front of this list are known to be gone.
    fn skip(&self, list: ListId) -> usize;
}

/// Up to this many sectors a request asks the hash index for each; beyond it, one search by order.
const BY_HASH: u64 = 8;

/// The injections of one event, state and kind of access, by what they fit.
#[derive(Clone, Debug)]
pub(crate) struct Fits {
    base: u32,
    /// Rules without a sector, in declaration order.
    any: Box<[RuleId]>,
    /// Rules with one sector, by sector, then in declaration order.
    single: Box<[(u64, RuleId)]>,
    /// Where in `single` a sector's rules are; by sector as well.
    sectors: IndexMap<u64, Range<u32>, BuildHasherDefault<StableHasher>>,
    /// The first declared rule among some sectors, for requests of many: a binary tree in an
    /// array. Node 1 is its root, the children of node `n` are `2n` and `2n + 1`, and the leaves
    /// are the sectors in order.
    minima: Box<[RuleId]>,
    ranges: Ranges,
}

/// What [`Fits`] is made from.
#[derive(Clone, Debug, Default)]
pub(crate) struct FitsBuilder {
    any: Vec<RuleId>,
    single: Vec<(u64, RuleId)>,
    ranges: Vec<(Range<u64>, RuleId)>,
}

impl FitsBuilder {
    pub(crate) fn any(&mut self, rule: RuleId) {
        self.any.push(rule);
    }

    pub(crate) fn single(&mut self, sector: u64, rule: RuleId) {
        self.single.push((sector, rule));
    }

    pub(crate) fn range(&mut self, sectors: Range<u64>, rule: RuleId) {
        self.ranges.push((sectors, rule));
    }

    /// Takes list numbers from `lists` on.
    pub(crate) fn build(mut self, lists: &mut u32) -> Fits {
        self.single.sort_unstable();
        let mut sectors = IndexMap::<u64, Range<u32>, _>::default();
        for (place, (sector, _)) in (0..).zip(&self.single) {
            sectors.entry(*sector).or_insert(place..place).end = place + 1;
        }
        let base = *lists;
        *lists += 1 + sectors.len() as u32;
        let mut minima: Vec<_> = core::iter::repeat_n(RuleId(0), sectors.len())
            .chain(sectors.values().map(|range| self.single[range.start as usize].1))
            .collect();
        for node in (1..sectors.len()).rev() {
            minima[node] = minima[2 * node].min(minima[2 * node + 1]);
        }
        Fits {
            base,
            any: self.any.into(),
            minima: minima.into(),
            single: self.single.into(),
            sectors,
            ranges: Ranges::new(self.ranges),
        }
    }
}

impl Fits {
    /// The first declared living rule that fits a request for these sectors (those whose first
    /// byte it covers), if it was declared before `bound`.
    pub(crate) fn first(
        &self,
        sectors: &Range<u64>,
        bound: Option<RuleId>,
        living: &impl Living,
    ) -> Option<RuleId> {
        let mut best = earliest(bound, self.first_of(&self.any, ListId(self.base), living));
        if sectors.is_empty() {
            return best;
        }
        if sectors.end - sectors.start <= BY_HASH {
            if !self.sectors.is_empty() {
                for sector in sectors.clone() {
                    best = earliest(best, self.first_at(sector, living));
                }
            }
        } else {
            best = self.first_in_order(sectors, best, living);
        }
        self.ranges.first(sectors, best, living)
    }

    /// The list of rules for `sector`, or of those without one, and how many at its front are
    /// gone by now.
    pub(crate) fn front_of(
        &self,
        sector: Option<u64>,
        living: &impl Living,
    ) -> Option<(ListId, usize)> {
        let is_gone = |rule: &RuleId| !living.lives(*rule);
        let Some(sector) = sector else {
            let list = ListId(self.base);
            let skip = living.skip(list);
            let gone = self.any[skip..].iter().take_while(|rule| is_gone(rule)).count();
            return Some((list, skip + gone));
        };
        let (place, _, range) = self.sectors.get_full(&sector)?;
        let list = self.sector_list(place);
        let skip = living.skip(list);
        let rules = &self.single[range.start as usize..range.end as usize][skip..];
        let gone = rules.iter().take_while(|(_, rule)| is_gone(rule)).count();
        Some((list, skip + gone))
    }

    const fn sector_list(&self, place: usize) -> ListId {
        ListId(self.base + 1 + place as u32)
    }

    fn first_of(&self, rules: &[RuleId], list: ListId, living: &impl Living) -> Option<RuleId> {
        match rules.first() {
            Some(rule) if living.lives(*rule) => Some(*rule),
            Some(_) => rules[living.skip(list)..].iter().copied().find(|rule| living.lives(*rule)),
            None => None,
        }
    }

    fn first_at(&self, sector: u64, living: &impl Living) -> Option<RuleId> {
        let (place, _, range) = self.sectors.get_full(&sector)?;
        self.first_among(place, range, living)
    }

    /// The first living rule of the sector at this place of `sectors`.
    fn first_among(
        &self,
        place: usize,
        range: &Range<u32>,
        living: &impl Living,
    ) -> Option<RuleId> {
        let rules = &self.single[range.start as usize..range.end as usize];
        if living.lives(rules[0].1) {
            return Some(rules[0].1);
        }
        let rest = &rules[living.skip(self.sector_list(place))..];
        rest.iter().map(|(_, rule)| *rule).find(|rule| living.lives(*rule))
    }

    fn first_in_order(
        &self,
        sectors: &Range<u64>,
        mut best: Option<RuleId>,
        living: &impl Living,
    ) -> Option<RuleId> {
        let leaves = self.sectors.len();
        let mut start = leaves + self.sectors.partition_point(|sector, _| *sector < sectors.start);
        let mut end = leaves + self.sectors.partition_point(|sector, _| *sector < sectors.end);
        // From the leaves up: the few nodes that together are exactly these sectors.
        while start < end {
            if start % 2 == 1 {
                best = self.first_under(start, best, living);
                start += 1;
            }
            if end % 2 == 1 {
                end -= 1;
                best = self.first_under(end, best, living);
            }
            (start, end) = (start / 2, end / 2);
        }
        best
    }

    /// A node's minimum bounds its rules from below, dead ones included.
    fn first_under(
        &self,
        node: usize,
        best: Option<RuleId>,
        living: &impl Living,
    ) -> Option<RuleId> {
        if best.is_some_and(|best| best <= self.minima[node]) {
            return best;
        }
        let leaves = self.sectors.len();
        if let Some(place) = node.checked_sub(leaves) {
            return earliest(best, self.first_among(place, &self.sectors[place], living));
        }
        let (left, right) = (2 * node, 2 * node + 1);
        let (near, far) =
            if self.minima[left] <= self.minima[right] { (left, right) } else { (right, left) };
        let best = self.first_under(near, best, living);
        self.first_under(far, best, living)
    }
}

/// The earlier declared of two rules.
fn earliest(a: Option<RuleId>, b: Option<RuleId>) -> Option<RuleId> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// Rules over ranges of sectors: an interval tree, the middle of each slice its root.
#[derive(Clone, Debug)]
struct Ranges {
    /// By first sector.
    nodes: Box<[RangeNode]>,
}

#[derive(Clone, Debug)]
struct RangeNode {
    sectors: Range<u64>,
    rule: RuleId,
    /// The largest end in the slice this node is the root of.
    reach: u64,
    /// The first declared rule in it.
    minimum: RuleId,
}

impl Ranges {
    fn new(mut ranges: Vec<(Range<u64>, RuleId)>) -> Self {
        ranges.sort_unstable_by_key(|(sectors, rule)| (sectors.start, sectors.end, *rule));
        let mut nodes: Box<[_]> = ranges
            .into_iter()
            .map(|(sectors, rule)| RangeNode { reach: sectors.end, minimum: rule, sectors, rule })
            .collect();
        Self::summarize(&mut nodes);
        Self { nodes }
    }

    /// Depth is the logarithm of the number of ranges.
    fn summarize(nodes: &mut [RangeNode]) {
        let middle = nodes.len() / 2;
        let Some((left, [root, right @ ..])) = nodes.split_at_mut_checked(middle) else { return };
        for side in [left, right] {
            Self::summarize(side);
            if let Some(child) = side.get(side.len() / 2) {
                root.reach = root.reach.max(child.reach);
                root.minimum = root.minimum.min(child.minimum);
            }
        }
    }

    fn first(
        &self,
        sectors: &Range<u64>,
        best: Option<RuleId>,
        living: &impl Living,
    ) -> Option<RuleId> {
        Self::first_below(&self.nodes, sectors, best, living)
    }

    fn first_below(
        mut nodes: &[RangeNode],
        sectors: &Range<u64>,
        mut best: Option<RuleId>,
        living: &impl Living,
    ) -> Option<RuleId> {
        while let Some(root) = nodes.get(nodes.len() / 2) {
            if root.reach <= sectors.start || best.is_some_and(|best| best <= root.minimum) {
                break;
            }
            let (left, right) = (&nodes[..nodes.len() / 2], &nodes[nodes.len() / 2 + 1..]);
            if sectors.end <= root.sectors.start {
                nodes = left;
                continue;
            }
            best = Self::first_below(left, sectors, best, living);
            if sectors.start < root.sectors.end
                && best.is_none_or(|best| root.rule < best)
                && living.lives(root.rule)
            {
                best = Some(root.rule);
            }
            nodes = right;
        }
        best
    }
}
