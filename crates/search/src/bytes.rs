//! A fuzzer's input steers the run.

use headcrash_sim::{Choices, Key, Point};

/// Answers as bytes say, and with 0 when they have come to an end.
///
/// Each answer takes as many bytes as its number of answers needs, least significant first, modulo
/// that number: any bytes are a run, and no bytes are the calmest one. (That is how
/// `arbitrary::Unstructured` reads numbers as well; written out here so that a kept input means the
/// same for ever.)
///
/// ```
/// use headcrash_search::Bytes;
/// use headcrash_sim::{Choices, Key, Point, PointKind};
///
/// let latency = Point::new(PointKind::Latency, Key::WORLD);
/// let mut bytes = Bytes::new(&[7, 1, 2]);
/// assert_eq!(bytes.choose(latency, 5), 2);
/// assert_eq!(bytes.choose(latency, 1_000), 513);
/// assert_eq!(bytes.choose(latency, 5), 0, "there are no more");
/// ```
#[derive(Clone, Debug)]
pub struct Bytes<'b> {
    left: &'b [u8],
}

impl<'b> Bytes<'b> {
    /// Answers as `bytes` say.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { left: bytes }
    }

    /// The bytes that no question has used yet.
    #[must_use]
    pub const fn left(&self) -> &'b [u8] {
        self.left
    }

    fn below(&mut self, n: u64) -> u64 {
        let width = (64 - (n - 1).leading_zeros()).div_ceil(8) as usize;
        let mut number = [0; 8];
        let (taken, left) = self.left.split_at(width.min(self.left.len()));
        number[..taken.len()].copy_from_slice(taken);
        self.left = left;
        u64::from_le_bytes(number) % n
    }
}

impl Choices for Bytes<'_> {
    fn choose(&mut self, _: Point, n: u64) -> u64 {
        self.below(n)
    }

    fn chance(&mut self, _: Point, _: u64, _: u64) -> bool {
        // However rare it is meant to be: a fuzzer is there to find what is rare.
        self.below(2) == 1
    }

    fn pick(&mut self, _: Point, keys: &[Key]) -> usize {
        self.below(keys.len() as u64) as usize
    }
}
