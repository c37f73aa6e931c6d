//! How long a disk takes.

use headcrash_engine::IoKind;

use crate::choices::{Choices, Key, Point, PointKind};

/// How long one access takes, in nanoseconds of virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Latency {
    /// None: the access is done when it is submitted, and nothing comes between.
    #[default]
    Zero,
    /// Always this long.
    Constant(u64),
    /// Anything from `min` to `max`, both included, alike.
    Uniform {
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// Exponential with this mean, and never more than twelve times the mean.
    Exponential {
        /// The mean.
        mean: u64,
    },
    /// Due at once, in any order: for searches that enumerate orders rather than times.
    Any,
}

impl Latency {
    /// How long this access takes; `None` when it takes no time at all and nothing comes between.
    /// Answer 0 is always the shortest.
    pub(crate) fn draw(self, actor: Key, choices: &mut dyn Choices) -> Option<u64> {
        let mut choose = |n| choices.choose(Point::new(PointKind::Latency, actor), n);
        match self {
            Self::Zero => None,
            Self::Any => Some(0),
            Self::Constant(ns) => Some(ns),
            Self::Uniform { min, max } if min < max => {
                Some(min + choose((max - min).saturating_add(1)))
            }
            Self::Uniform { min, .. } => Some(min),
            Self::Exponential { mean } => Some(exponential(mean, choose(QUANTILES))),
        }
    }
}

/// In how many steps an exponential distribution is drawn.
const QUANTILES: u64 = 1 << 16;

/// The exponential's value at quantile `answer / QUANTILES`, in integers: `-mean * ln(1 - q)`.
fn exponential(mean: u64, answer: u64) -> u64 {
    // log2 of a number up to 2^16 with sixteen binary places, a place per squaring.
    let u = QUANTILES - answer;
    let whole = u64::from(u.ilog2());
    let mut log = whole << 16;
    let mut mantissa = (u << 32) >> whole;
    for place in (0..16).rev() {
        mantissa = ((u128::from(mantissa) * u128::from(mantissa)) >> 32) as u64;
        if mantissa >= 2 << 32 {
            mantissa >>= 1;
            log |= 1 << place;
        }
    }
    // ln 2 with thirty-two binary places.
    const LN_2: u128 = 2_977_044_472;
    let nats = (u128::from((16 << 16) - log) * LN_2) >> 16;
    u64::try_from((u128::from(mean) * nats) >> 32).unwrap_or(u64::MAX)
}

/// A latency per kind of access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Latencies {
    /// Of reads.
    pub read: Latency,
    /// Of writes.
    pub write: Latency,
    /// Of writes of zeroes.
    pub write_zeroes: Latency,
    /// Of discards.
    pub discard: Latency,
    /// Of flushes.
    pub flush: Latency,
}

impl Latencies {
    /// The same for every kind.
    #[must_use]
    pub const fn all(latency: Latency) -> Self {
        Self {
            read: latency,
            write: latency,
            write_zeroes: latency,
            discard: latency,
            flush: latency,
        }
    }

    /// That of `kind`; block status takes no time.
    #[must_use]
    pub const fn of(&self, kind: IoKind) -> Latency {
        match kind {
            IoKind::Read => self.read,
            IoKind::Write => self.write,
            IoKind::WriteZeroes => self.write_zeroes,
            IoKind::Discard => self.discard,
            IoKind::Flush => self.flush,
            IoKind::BlockStatus => Latency::Zero,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_has_its_mean_and_its_quartiles() {
        let mean = 1_000_000;
        let sum: u64 = (0..QUANTILES).map(|answer| exponential(mean, answer)).sum();
        let average = sum / QUANTILES;
        assert!((990_000..1_001_000).contains(&average), "{average}");
        assert_eq!(exponential(mean, 0), 0, "the dullest answer is the shortest");
        let median = exponential(mean, QUANTILES / 2);
        assert!((693_000..693_300).contains(&median), "ln 2 of the mean, not {median}");
        assert!(exponential(mean, QUANTILES - 1) < 12 * mean);
    }
}
