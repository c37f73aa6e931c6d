//! Choices that follow from a seed.

use alloc::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Choices, Key, Point, PointKind};

/// The version of the scheme by which answers follow from a seed. Failures name it, because a seed
/// means nothing without it.
pub const SEEDED_VERSION: u32 = 1;

/// Draws from ChaCha8, one stream for each kind of question and whom it is about.
///
/// Streams are found by name, so adding a client leaves what the others draw alone. Sampling is
/// written out here, in integers, and pinned by tests: the same seed gives the same answers for as
/// long as [`SEEDED_VERSION`] stays.
#[derive(Clone, Debug)]
pub struct Seeded {
    key: [u8; 32],
    streams: BTreeMap<(PointKind, Key), ChaCha8Rng>,
}

impl Seeded {
    /// Everything follows from `seed`.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        // SplitMix64 (Steele, Lea, Flood 2014), written out: a library's expansion of a small
        // seed is not promised to stay.
        let mut state = seed;
        let mut key = [0; 32];
        for word in key.as_chunks_mut::<8>().0 {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *word = (z ^ (z >> 31)).to_le_bytes();
        }
        Self { key, streams: BTreeMap::new() }
    }

    fn draw(&mut self, kind: PointKind, key: Key) -> u64 {
        let seed = self.key;
        let stream = self.streams.entry((kind, key)).or_insert_with(|| {
            let mut stream = ChaCha8Rng::from_seed(seed);
            // Kinds are told apart in the top bits, whose bearing on a hash is as good as any.
            stream.set_stream(key.number() ^ (kind as u64) << 56);
            stream
        });
        stream.next_u64()
    }

    /// Uniform below `n`, by Lemire's multiplication with rejection.
    fn below(&mut self, kind: PointKind, key: Key, n: u64) -> u64 {
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.draw(kind, key)) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }
}

impl Choices for Seeded {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        self.below(point.kind, point.key, n)
    }

    /// Everybody draws from a stream of their own and the least wins, so that the order of the
    /// others stays the same when somebody is added.
    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let mut least = (u64::MAX, 0);
        for (index, key) in keys.iter().enumerate() {
            let draw = self.draw(point.kind, *key);
            if draw < least.0 {
                least = (draw, index);
            }
        }
        least.1
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn amounts(seed: u64, n: u64, count: usize) -> Vec<u64> {
        let mut choices = Seeded::from_seed(seed);
        let point = Point::new(PointKind::Latency, Key::disk("d0"));
        (0..count).map(|_| choices.choose(point, n)).collect()
    }

    #[test]
    fn the_first_answers_of_a_seed_are_pinned() {
        assert_eq!(amounts(42, 1000, 8), PINNED_42);
        assert_eq!(amounts(0, u64::MAX, 2), PINNED_0);
    }

    const PINNED_42: [u64; 8] = [614, 59, 957, 655, 971, 874, 479, 163];
    const PINNED_0: [u64; 2] = [17_917_880_114_939_430_667, 4_325_072_560_428_050_233];

    #[test]
    fn bounded_answers_are_uniform_where_rejection_matters() {
        // Three quarters of the words: without rejection the first third would come twice as often.
        let n = 3 << 62;
        let low = amounts(7, n, 3000).into_iter().filter(|answer| *answer < n / 3).count();
        assert!((900..1100).contains(&low), "{low} of 3000 are in the first third");
    }

    #[test]
    fn adding_somebody_leaves_the_order_of_the_others_alone() {
        let [a, b, c] = ["a", "b", "c"].map(Key::client);
        let point = Point::new(PointKind::Schedule, Key::NOBODY);
        for seed in 0..100 {
            let two = Seeded::from_seed(seed).pick(point, &[a, b]);
            let three = Seeded::from_seed(seed).pick(point, &[a, c, b]);
            match three {
                0 => assert_eq!(two, 0, "seed {seed}"),
                2 => assert_eq!(two, 1, "seed {seed}"),
                _ => {}
            }
        }
    }
}
