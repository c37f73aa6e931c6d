//! Whole crash images, decided before a recovery begins.

use std::collections::BTreeSet;

use headcrash_sim::{Calm, Choices, Key, Point, PointKind};

/// Which writes an image keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    keeps: Vec<bool>,
    /// How far it is from an image that nobody wonders about.
    pub(super) unusual: usize,
}

impl Kept {
    /// Everything lost.
    pub(super) fn none(n: usize) -> Self {
        Self { keeps: vec![false; n], unusual: 0 }
    }

    /// Which writes are kept, and how unusual that is.
    pub(super) fn into_parts(self) -> (Vec<bool>, usize) {
        (self.keeps, self.unusual)
    }
}

/// All kept, all lost, every prefix, then one to `k` lost, and one to `k` kept. Neighbours differ
/// by little: a combination comes from the one before by moving one write.
pub(super) fn subsets(n: usize, k: usize) -> impl Iterator<Item = Kept> {
    let prefixes = (0..=n).rev().map(move |j| {
        let unusual = usize::from(j != n && j != 0);
        Kept { keeps: (0..n).map(|place| place < j).collect(), unusual }
    });
    let alone = (1..=k.min(n)).flat_map(move |size| {
        combinations(n, size).flat_map(move |some| {
            [false, true].map(|keeps| {
                let mut all = vec![!keeps; n];
                some.iter().for_each(|place| all[*place] = keeps);
                Kept { keeps: all, unusual: size }
            })
        })
    });
    prefixes.chain(alone)
}

/// Every choice of `size` places among `n`, each from the one before by moving one place: the
/// revolving door order (Knuth, The Art of Computer Programming 4A, 7.2.1.3, algorithm R).
fn combinations(n: usize, size: usize) -> impl Iterator<Item = Vec<usize>> {
    let mut next = (size <= n).then(|| (0..size).chain([n]).collect::<Vec<_>>());
    std::iter::from_fn(move || {
        let places = next.as_mut()?;
        let some = places[..size].to_vec();
        if !revolve(places) {
            next = None;
        }
        Some(some)
    })
}

/// Moves on to the next combination, if there is one. How many places there are stands behind
/// those that are chosen.
fn revolve(c: &mut [usize]) -> bool {
    let size = c.len() - 1;
    if size == 0 {
        return false;
    }
    let mut j = 1;
    let mut decreases = size % 2 == 1;
    if decreases {
        if c[0] + 1 < c[1] {
            c[0] += 1;
            return true;
        }
    } else if c[0] > 0 {
        c[0] -= 1;
        return true;
    }
    // From here on by turns: the place before stands right below this one, or at its lowest.
    while j < size {
        if decreases {
            if c[j] > j {
                (c[j], c[j - 1]) = (c[j - 1], j - 1);
                return true;
            }
        } else if c[j] + 1 < c[j + 1] {
            (c[j - 1], c[j]) = (c[j], c[j] + 1);
            return true;
        }
        j += 1;
        decreases = !decreases;
    }
    false
}

/// Answers as an image has it.
#[derive(Clone, Debug)]
pub(super) struct Whole {
    keeps: BTreeSet<u64>,
    /// The unit that is torn, and how.
    torn: Option<(Key, u64)>,
    image: u64,
}

impl Whole {
    /// The image that keeps these of these writes.
    pub(super) fn new(writes: &[u64], kept: &Kept) -> Self {
        let keeps = writes.iter().zip(&kept.keeps).filter(|(_, keeps)| **keeps);
        Self { keeps: keeps.map(|(write, _)| *write).collect(), torn: None, image: 0 }
    }

    /// The image that keeps all of these writes, but for one unit that is torn, in one of the ways
    /// in which it can be.
    pub(super) fn torn(writes: &[u64], unit: Key, way: u64) -> Self {
        Self { keeps: writes.iter().copied().collect(), torn: Some((unit, way)), image: 0 }
    }

    /// A number that is equal for equal images: over the units, in any order, each with what it
    /// holds.
    pub(super) const fn image(&self) -> u64 {
        self.image
    }
}

impl Choices for Whole {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        match self.torn {
            // Asked once; what a mixture is made of is asked after it.
            Some((unit, way)) if point.kind == PointKind::Tear && point.key == unit => {
                self.torn = None;
                self.image ^= unit.nth(u64::MAX - way).number();
                way.min(n - 1)
            }
            _ => Calm.choose(point, n),
        }
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        Calm.pick(point, keys)
    }

    /// The newest that is kept.
    fn choose_version(&mut self, point: Point, versions: &[u64], durable: usize) -> usize {
        let place = versions.iter().position(|seq| self.keeps.contains(seq)).unwrap_or(durable);
        if point.kind == PointKind::CrashSector {
            self.image ^= point.key.nth(versions[place]).number();
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_combinations_differ_by_one_move() {
        let counts = [(5, 2, 10), (6, 3, 20), (7, 4, 35), (4, 4, 1), (3, 4, 0), (3, 1, 3)];
        for (n, size, count) in counts {
            let all: Vec<BTreeSet<_>> =
                combinations(n, size).map(|some| some.into_iter().collect()).collect();
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), count);
            assert_eq!(all.len(), count);
            for pair in all.windows(2) {
                assert_eq!(pair[0].difference(&pair[1]).count(), 1, "{pair:?}");
            }
        }
    }

    #[test]
    fn the_bounded_subsets_are_as_many_as_the_formula_says() {
        // n + 1 prefixes, and 2 n alone, of which some look alike.
        assert_eq!(subsets(5, 1).count(), 6 + 10);
        let distinct: BTreeSet<_> = subsets(5, 2).map(|kept| kept.keeps).collect();
        // Keep or drop at most two of five, and the prefixes are all among them.
        assert_eq!(distinct.len(), 2 * (1 + 5 + 10));
    }
}
