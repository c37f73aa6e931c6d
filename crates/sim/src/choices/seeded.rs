//! Choices that follow from a seed.

use alloc::boxed::Box;
use alloc::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::race::Race;
use super::{Choices, Key, Point, PointKind};

/// The version of the scheme by which answers follow from a seed. Failures name it, because a seed
/// means nothing without it.
pub const SEEDED_VERSION: u32 = 1;

/// Draws from ChaCha8, one stream for each kind of question and whom it is about.
///
/// Streams are found by name, so adding a client leaves what the others draw alone. Sampling is
/// written out here, in integers, and pinned by tests: the same seed gives the same answers for as
/// long as [`SEEDED_VERSION`] stays.
///
/// Who is picked is a race: each is as likely as any other, whatever came before, and somebody who
/// joins changes nothing about the order of the others.
#[derive(Clone, Debug)]
pub struct Seeded {
    key: [u8; 32],
    streams: Streams,
    /// By kind of question.
    races: [Race; PointKind::ALL.len()],
}

#[derive(Clone, Debug)]
struct Stream {
    kind: PointKind,
    key: Key,
    /// How many words were drawn.
    drawn: u64,
    /// Kept for those who draw often; requests, of which there are many, draw once or twice.
    generator: Option<Box<ChaCha8Rng>>,
}

/// Streams, found by name.
#[derive(Clone, Debug, Default)]
struct Streams {
    streams: Vec<Stream>,
    /// Places among them, counted from 1, where a hash of the name says or right after; 0 is free.
    /// A power of two of them, of which half are free at least.
    places: Vec<u32>,
}

impl Streams {
    const fn hash(kind: PointKind, key: Key) -> usize {
        // A key is a hash already; kinds are told apart in the bits that a small table looks at.
        (key.number() ^ (kind as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) as usize
    }

    fn find(&mut self, kind: PointKind, key: Key) -> &mut Stream {
        if 2 * (self.streams.len() + 1) > self.places.len() {
            self.grow();
        }
        let mask = self.places.len() - 1;
        let mut slot = Self::hash(kind, key) & mask;
        loop {
            let Some(place) = (self.places[slot] as usize).checked_sub(1) else {
                self.streams.push(Stream { kind, key, drawn: 0, generator: None });
                // There are fewer than fit in memory.
                self.places[slot] = self.streams.len() as u32;
                return self.streams.last_mut().expect("it was just put there");
            };
            let stream = &self.streams[place];
            if stream.key == key && stream.kind == kind {
                return &mut self.streams[place];
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let len = (2 * self.places.len()).max(32);
        self.places.clear();
        self.places.resize(len, 0);
        for (place, stream) in (1..).zip(&self.streams) {
            let mut slot = Self::hash(stream.kind, stream.key) & (len - 1);
            while self.places[slot] != 0 {
                slot = (slot + 1) & (len - 1);
            }
            self.places[slot] = place;
        }
    }
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
        Self { key, streams: Streams::default(), races: Default::default() }
    }

    /// The generator of a stream, after so many words.
    fn generator(seed: [u8; 32], kind: PointKind, key: Key, drawn: u64) -> ChaCha8Rng {
        let mut generator = ChaCha8Rng::from_seed(seed);
        // Kinds are told apart in the top bits, whose bearing on a hash is as good as any.
        generator.set_stream(key.number() ^ (kind as u64) << 56);
        generator.set_word_pos(u128::from(2 * drawn));
        generator
    }

    fn draw(&mut self, kind: PointKind, key: Key) -> u64 {
        let seed = self.key;
        let stream = self.streams.find(kind, key);
        let drawn = stream.drawn;
        stream.drawn += 1;
        let generator = || Self::generator(seed, kind, key, drawn);
        match kind {
            PointKind::Schedule
            | PointKind::Latency
            | PointKind::Fault
            | PointKind::Cut
            | PointKind::Data
            | PointKind::Code => {
                stream.generator.get_or_insert_with(|| Box::new(generator())).next_u64()
            }
            PointKind::Completion
            | PointKind::Resume
            | PointKind::CrashSector
            | PointKind::Tear => generator().next_u64(),
        }
    }

    /// Uniform below `n`, by Lemire's multiplication with rejection.
    fn below(&mut self, kind: PointKind, key: Key, n: u64) -> u64 {
        loop {
            let product = u128::from(self.draw(kind, key)) * u128::from(n);
            // The remainder is below `n`: it is rarely needed, and a division is slow.
            if product as u64 >= n || product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }
}

impl Choices for Seeded {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        self.below(point.kind, point.key, n)
    }

    fn pick(&mut self, point: Point, keys: &[Key]) -> usize {
        let (seed, kind) = (self.key, point.kind);
        let generator = |key, drawn| Self::generator(seed, kind, key, drawn);
        self.races[kind as usize].pick(kind, keys, generator)
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

    const PINNED_42: [u64; 8] = [428, 758, 607, 190, 976, 321, 571, 1];
    const PINNED_0: [u64; 2] = [16_528_703_892_139_490_167, 3_426_205_281_565_515_723];

    #[test]
    fn keys_are_pinned_as_files_hold_them() {
        assert_eq!(Key::client("a").number(), PINNED_KEY);
        assert_eq!(Key::disk("a").nth(3).number(), PINNED_REQUEST);
    }

    const PINNED_KEY: u64 = 4761554262627945972;
    const PINNED_REQUEST: u64 = 15752132697421054878;

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
            let order = |keys: &[Key]| -> Vec<Key> {
                let mut choices = Seeded::from_seed(seed);
                (0..60).map(|_| keys[choices.pick(point, keys)]).collect()
            };
            let (two, three) = (order(&[a, b]), order(&[a, c, b]));
            let without_c: Vec<_> = three.into_iter().filter(|key| *key != c).collect();
            assert_eq!(without_c, two[..without_c.len()], "seed {seed}");
        }
    }

    #[test]
    fn everybody_is_as_likely_as_any_other_whatever_came_before() {
        let keys = ["a", "b", "c"].map(Key::client);
        let point = Point::new(PointKind::Schedule, Key::NOBODY);
        let mut choices = Seeded::from_seed(11);
        let picks: Vec<_> = (0..30_000).map(|_| choices.pick(point, &keys)).collect();
        for who in 0..3 {
            let times = picks.iter().filter(|pick| **pick == who).count();
            assert!((9_600..10_400).contains(&times), "{who} was picked {times} times");
            let twice = picks.windows(2).filter(|pair| *pair == [who, who]).count();
            assert!((3_050..3_600).contains(&twice), "{who} came twice in a row {twice} times");
        }
    }

    #[test]
    fn a_stream_goes_on_where_it_was_however_many_others_there_are() {
        let key = |nth: u64| Key::disk("d0").nth(nth);
        let draw = |choices: &mut Seeded, nth| {
            choices.choose(Point::new(PointKind::Latency, key(nth)), 1_000_000)
        };
        let mut together = Seeded::from_seed(3);
        let mut rounds: Vec<Vec<u64>> = Vec::new();
        for _ in 0..3 {
            rounds.push((0..500).map(|nth| draw(&mut together, nth)).collect());
        }
        for nth in 0..500 {
            let mut alone = Seeded::from_seed(3);
            for round in &rounds {
                assert_eq!(round[nth as usize], draw(&mut alone, nth), "stream {nth}");
            }
        }
        // Another kind of question about the same is another stream.
        let other = together.choose(Point::new(PointKind::Data, key(0)), 1_000_000);
        assert_ne!(other, rounds[0][0]);
    }
}
