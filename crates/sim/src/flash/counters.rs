//! A number per unit or block, in an image: shared like one, and as sparse.

use core::ops::Range;

use crate::image::Image;

/// How many bytes of them are looked at together.
const WINDOW: u64 = 4096;

/// A number for each index, 0 at first. It takes `WIDTH` bytes and stops at the largest these hold.
#[derive(Clone, Debug)]
pub(super) struct Counters<const WIDTH: usize>(Image);

impl<const WIDTH: usize> Counters<WIDTH> {
    const MAX: u64 = u64::MAX >> (64 - 8 * WIDTH);

    pub(super) fn new(count: u64) -> Self {
        Self(Image::new(count * WIDTH as u64, 0))
    }

    pub(super) fn get(&self, index: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.read(index * WIDTH as u64, &mut bytes[..WIDTH]);
        u64::from_le_bytes(bytes)
    }

    pub(super) fn set(&mut self, index: u64, value: u64) {
        let bytes = value.min(Self::MAX).to_le_bytes();
        self.0.write(index * WIDTH as u64, &bytes[..WIDTH]);
    }

    /// One more, which is returned.
    pub(super) fn add(&mut self, index: u64) -> u64 {
        let value = self.get(index).saturating_add(1).min(Self::MAX);
        self.set(index, value);
        value
    }

    /// All of these are 0 again.
    pub(super) fn clear(&mut self, range: Range<u64>) {
        let width = WIDTH as u64;
        self.0.fill(range.start * width, (range.end - range.start) * width, 0);
    }

    /// The indexes within `range` whose number is not 0, and their numbers, in order.
    pub(super) fn counted(&self, range: Range<u64>) -> impl Iterator<Item = (u64, u64)> + '_ {
        let window = WINDOW / WIDTH as u64;
        (range.start..range.end).step_by(window as usize).flat_map(move |first| {
            let mut bytes = [0; WINDOW as usize];
            self.0.read(first * WIDTH as u64, &mut bytes);
            (first..range.end.min(first + window)).zip(0..).filter_map(move |(index, place)| {
                let mut value = [0; 8];
                value[..WIDTH].copy_from_slice(&bytes[place * WIDTH..][..WIDTH]);
                let value = u64::from_le_bytes(value);
                (value != 0).then_some((index, value))
            })
        })
    }

    /// Bytes of pages it holds.
    pub(super) fn stored(&self) -> u64 {
        self.0.stored()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_counter_stops_at_what_its_width_holds() {
        let mut counters = Counters::<1>::new(10);
        for _ in 0..300 {
            counters.add(3);
        }
        assert_eq!((counters.get(2), counters.get(3), counters.get(4)), (0, 255, 0));
    }

    #[test]
    fn those_that_are_not_zero_are_found_across_windows() {
        let mut counters = Counters::<4>::new(1 << 30);
        for index in [5, 1023, 1024, 5000] {
            counters.set(index, index + 1);
        }
        let found: Vec<_> = counters.counted(5..5000).collect();
        assert_eq!(found, [(5, 6), (1023, 1024), (1024, 1025)]);
        counters.clear(0..1024);
        assert_eq!(counters.counted(0..6000).count(), 2);
    }
}
