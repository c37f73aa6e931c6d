//! Formats of other tools: what devices wrote, what workloads did, which faults were asked for.
//!
//! Text or bytes in, values out. Whatever is wrong with a text is underlined where it stands; in
//! a binary log it is told by its offset.

pub mod blkparse;
pub mod fio;
pub mod lazyfs;
mod lines;
pub mod write_log;

/// What the tests throw at each format: the same in every run.
#[cfg(test)]
mod noise {
    /// Numbers without a pattern (splitmix64).
    pub(super) struct Noise(pub(super) u64);

    impl Noise {
        pub(super) const fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        }

        pub(super) const fn below(&mut self, n: u64) -> u64 {
            self.next() % n
        }

        pub(super) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
            from[self.below(from.len() as u64) as usize]
        }

        /// `bytes`, with a few things wrong.
        pub(super) fn mutate(&mut self, bytes: &[u8], words: &[&str]) -> Vec<u8> {
            let mut bytes = bytes.to_vec();
            for _ in 0..=self.below(4) {
                let at = self.below(bytes.len() as u64 + 1) as usize;
                let end = (at + self.below(12) as usize).min(bytes.len());
                match self.below(6) {
                    0 => bytes.truncate(at),
                    1 => drop(bytes.drain(at..end)),
                    2 => drop(bytes.splice(at..end, self.pick(words).bytes())),
                    3 => {
                        let again = bytes[at..end].to_vec();
                        drop(bytes.splice(at..at, again));
                    }
                    4 => bytes.insert(at, self.next() as u8),
                    _ => {
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte ^= 1 << self.below(8);
                        }
                    }
                }
            }
            bytes
        }
    }
}
