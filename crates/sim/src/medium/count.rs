//! How many states a cut may have left, without visiting them.

use alloc::vec::Vec;
use core::ops::Range;

use super::crash::{Content, Unresolved};
use crate::choices::Key;
use crate::device::{Device, Order};
use crate::image::Image;

/// How many states there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StateCount {
    /// How many exactly, if each unit is decided on its own and the number fits.
    pub exact: Option<u128>,
    /// The binary logarithm, in thousandths: of the number, or where an order binds units to one
    /// another, of what it is at most. Of very many units it is estimated from the first ones.
    pub log2_milli: u64,
}

impl StateCount {
    /// One state: nothing is undecided.
    pub const ONE: Self = Self { exact: Some(1), log2_milli: 0 };

    /// Both at once: the product.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        let product = |a: Option<u128>, b: Option<u128>| a?.checked_mul(b?);
        Self {
            exact: product(self.exact, other.exact),
            log2_milli: self.log2_milli.saturating_add(other.log2_milli),
        }
    }

    /// One or the other: the sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let exact = self.exact.zip(other.exact).and_then(|(a, b)| a.checked_add(b));
        let (low, high) =
            (self.log2_milli.min(other.log2_milli), self.log2_milli.max(other.log2_milli));
        // The larger of the two, or, when they are as large, one bit more: to a thousandth is
        // enough.
        let log2_milli = match exact.and_then(|sum| u64::try_from(sum).ok()) {
            Some(sum) => log2_milli(sum),
            None => high + u64::from(low == high) * 1000,
        };
        Self { exact, log2_milli }
    }

    /// `n` states.
    #[must_use]
    pub fn of(n: u64) -> Self {
        Self { exact: Some(u128::from(n)), log2_milli: log2_milli(n) }
    }
}

/// The binary logarithm in thousandths, in integers: a place per squaring.
fn log2_milli(n: u64) -> u64 {
    if n < 2 {
        return 0;
    }
    let whole = u64::from(n.ilog2());
    let mut mantissa = (u128::from(n) << 32) >> whole;
    let mut places = 0_u64;
    for place in (0..16).rev() {
        mantissa = (mantissa * mantissa) >> 32;
        if mantissa >= 2 << 32 {
            mantissa >>= 1;
            places |= 1 << place;
        }
    }
    whole * 1000 + ((places * 1000) >> 16)
}

/// Where units are bound to one another, the states are counted by visiting them; at most so many,
/// of at most so many units.
const VISITED: u64 = 1 << 9;
const BOUND_UNITS: usize = 1 << 7;

/// How many states there are, if they are few.
fn visited(
    unresolved: &Unresolved,
    open: &[Range<u64>],
    about: (&Image, &Device, Key),
) -> Option<u128> {
    let (image, device, _) = about;
    let mut units = Vec::new();
    for range in open {
        let end = range.end.min(image.len());
        // Long stretches are not even listed.
        if (end.saturating_sub(range.start)) / device.unit() > BOUND_UNITS as u64 {
            return None;
        }
        units.extend(unresolved.open_units(range.start.min(end)..end, device));
    }
    if units.len() > BOUND_UNITS {
        return None;
    }
    let mut left = VISITED;
    visit(unresolved, &units, about, &mut left)
}

fn visit(
    unresolved: &Unresolved,
    units: &[u64],
    about: (&Image, &Device, Key),
    left: &mut u64,
) -> Option<u128> {
    let Some((at, units)) = units.split_first() else {
        *left = left.checked_sub(1)?;
        return Some(1);
    };
    let (image, device, key) = about;
    let found = unresolved.candidates(*at, image, device, key);
    if found.capped {
        return None;
    }
    let mut states = 0_u128;
    for candidate in found.versions.iter().chain(&found.tears) {
        let mut decided = unresolved.clone();
        decided.decide(*at, candidate.boxes.clone(), device);
        let rest = visit(&decided, units, about, left)?;
        states = states.checked_add(rest.checked_mul(u128::from(ways(&candidate.content)))?)?;
    }
    Some(states)
}

/// How many contents a candidate stands for.
fn ways(content: &Content) -> u64 {
    match content {
        Content::Mixed { differ, .. } => {
            1_u64.checked_shl(differ.len() as u32).map_or(u64::MAX, |all| all - 2)
        }
        Content::Bytes(_) | Content::Unreadable(_) => 1,
    }
}

/// Beyond so many units nobody looks at each: the number is estimated from the first ones.
const LOOKED_AT: u64 = 1 << 16;

/// How many states what is undecided in the stretches `open` leaves.
pub(super) fn count(
    unresolved: &Unresolved,
    open: &[Range<u64>],
    image: &Image,
    device: &Device,
    key: Key,
) -> StateCount {
    if device.order != Order::Any || device.atomic() > device.unit() {
        if let Some(exact) = visited(unresolved, open, (image, device, key)) {
            let log2_milli = u64::try_from(exact).map_or(64_000, log2_milli);
            return StateCount { exact: Some(exact), log2_milli };
        }
        // Not more than there are ways in which the chains can end.
        let log2_milli = unresolved.chains(device).iter().map(|n| log2_milli(*n)).sum();
        return StateCount { exact: None, log2_milli };
    }
    let mut states = StateCount::ONE;
    let mut left = LOOKED_AT;
    let unit = device.unit();
    // Of units that nobody looked at yet: each was written, and may be lost.
    let mut each_milli = 1000;
    for range in open {
        let end = range.end.min(image.len());
        let first = range.start.min(end);
        let here = left.min((end - first).div_ceil(unit));
        let looked = first..end.min(first + here * unit);
        left -= here;
        let before = states.log2_milli;
        for at in unresolved.open_units(looked.clone(), device) {
            let found = unresolved.candidates(at, image, device, key);
            let tears = found.tears.iter().map(|tear| ways(&tear.content));
            let n = tears.fold(found.versions.len() as u64, u64::saturating_add);
            states = states.times(StateCount::of(n));
            if found.capped {
                states.exact = None;
            }
        }
        if let Some(each) = (states.log2_milli - before).checked_div(here) {
            each_milli = each;
        }
        if looked.end < end {
            let more = (end - looked.end).div_ceil(unit).saturating_mul(each_milli);
            states.exact = None;
            states.log2_milli = states.log2_milli.saturating_add(more);
        }
    }
    states
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right_to_a_thousandth() {
        for (n, milli) in [(1, 0), (2, 1000), (3, 1584), (10, 3321), (1 << 40, 40_000)] {
            assert_eq!(log2_milli(n), milli, "{n}");
        }
    }
}
