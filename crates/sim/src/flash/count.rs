//! How many contents there may be: more than any integer holds, so with an exponent.

use core::ops::{Add, Mul};

/// A number from 1 on: exact while it fits 128 bits, otherwise rounded down to the 64 leading ones
/// at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    digits: u128,
    /// How many bits were dropped.
    dropped: u64,
}

impl Count {
    pub(super) const ONE: Self = Self { digits: 1, dropped: 0 };

    pub(super) const fn new(number: u128) -> Self {
        Self { digits: number, dropped: 0 }
    }

    /// The number, or the largest there is when it does not fit.
    pub(super) const fn saturating(self) -> u128 {
        if self.dropped == 0 { self.digits } else { u128::MAX }
    }

    /// Its binary logarithm in steps of 1/65536, rounded down.
    pub(super) fn log2(self) -> u64 {
        let whole = u64::from(self.digits.ilog2());
        // The leading 64 bits, as a number from 1 to 2 with 63 binary places; a place per squaring.
        let mut leading =
            if whole < 63 { self.digits << (63 - whole) } else { self.digits >> (whole - 63) };
        let mut fraction = 0;
        for place in (0..16).rev() {
            leading = (leading * leading) >> 63;
            if leading >= 1 << 64 {
                leading >>= 1;
                fraction |= 1 << place;
            }
        }
        ((whole + self.dropped) << 16) | fraction
    }

    /// Without the lowest `bits`.
    fn without(self, bits: u64) -> Self {
        let shift = u32::try_from(bits).unwrap_or(u32::MAX);
        Self { digits: self.digits.checked_shr(shift).unwrap_or(0), dropped: self.dropped + bits }
    }

    /// Without what is below the leading 64 bits.
    fn short(self) -> Self {
        self.without(u64::from(64_u32.saturating_sub(self.digits.leading_zeros())))
    }
}

impl Mul for Count {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        if let Some(digits) = self.digits.checked_mul(other.digits) {
            return Self { digits, dropped: self.dropped + other.dropped };
        }
        let (a, b) = (self.short(), other.short());
        Self { digits: a.digits * b.digits, dropped: a.dropped + b.dropped }
    }
}

impl Add for Count {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let (mut long, mut short) =
            if self.dropped < other.dropped { (other, self) } else { (self, other) };
        let room = u64::from(long.digits.leading_zeros()).min(long.dropped - short.dropped);
        long = Self { digits: long.digits << room, dropped: long.dropped - room };
        short = short.without(long.dropped - short.dropped);
        if let Some(digits) = long.digits.checked_add(short.digits) {
            return Self { digits, dropped: long.dropped };
        }
        let (a, b) = (long.without(1), short.without(1));
        Self { digits: a.digits + b.digits, dropped: a.dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(base: u128, exponent: u32) -> Count {
        (0..exponent).fold(Count::ONE, |count, _| count * Count::new(base))
    }

    #[test]
    fn small_numbers_are_exact_and_large_ones_say_so() {
        assert_eq!((power(3, 80) + Count::ONE).saturating(), 3_u128.pow(80) + 1);
        assert_eq!(power(2, 128).saturating(), u128::MAX);
        assert_eq!((power(2, 127) + power(2, 127)).saturating(), u128::MAX);
    }

    #[test]
    fn logarithms_are_in_steps_of_a_65536th() {
        for exponent in [0, 1, 62, 63, 64, 127, 128, 1000] {
            assert_eq!(power(2, exponent).log2(), u64::from(exponent) << 16);
        }
        assert_eq!(Count::new(3).log2(), 103_872, "65536 * log2(3) is 103872.102");
        assert_eq!(power(3, 1000).log2(), 103_872_102);
        let sum = power(2, 500) + power(2, 499) + power(2, 3);
        assert_eq!(sum.log2(), (499 << 16) + 103_872);
    }
}
