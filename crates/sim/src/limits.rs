//! What a node demands of requests: alignment, and how long one may be.

use core::fmt;

use headcrash_engine::Dialect;

/// The limits of one node, checked against one another. All in bytes.
///
/// Source: `blkdebug_open` and `blkdebug_refresh_limits` in QEMU's `block/blkdebug.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    align: u64,
    max_transfer: Option<u64>,
    opt_write_zero: u64,
    max_write_zero: Option<u64>,
    opt_discard: u64,
    max_discard: Option<u64>,
}

/// Limits as asked for; zero and `None` are the dialect's default. All in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LimitsSpec {
    /// Requests are padded to this: a power of two.
    pub align: Option<u64>,
    /// Longer reads and writes are split.
    pub max_transfer: Option<u64>,
    /// Zeroes are written in units of this where possible.
    pub opt_write_zero: Option<u64>,
    /// Longer write-zeroes are split.
    pub max_write_zero: Option<u64>,
    /// Discards are made in units of this where possible.
    pub opt_discard: Option<u64>,
    /// Longer discards are split.
    pub max_discard: Option<u64>,
}

/// `INT_MAX`: limits are below it.
const MAX: u64 = i32::MAX as u64;

impl Limits {
    /// Checks `spec` as `dialect` does.
    ///
    /// In [`Dialect::Qemu2_6`] every node pads to at least 512 bytes and there is no other limit;
    /// in [`Dialect::Qemu10`] the alignment may be any power of two, one byte by default.
    ///
    /// # Errors
    ///
    /// The first limit that cannot be met, in the order in which the reference checks them.
    pub fn new(dialect: Dialect, spec: LimitsSpec) -> Result<Self, LimitError> {
        let some = |value: Option<u64>| value.filter(|value| *value != 0);
        let fail = |name, value| LimitError { dialect, name, value };
        if dialect == Dialect::Qemu2_6 {
            for (name, value) in [
                ("max_transfer", spec.max_transfer),
                ("opt_write_zero", spec.opt_write_zero),
                ("max_write_zero", spec.max_write_zero),
                ("opt_discard", spec.opt_discard),
                ("max_discard", spec.max_discard),
            ] {
                if let Some(value) = value {
                    return Err(fail(name, value));
                }
            }
            let align = spec.align.unwrap_or(512);
            if align >= MAX || !align.is_power_of_two() {
                return Err(fail("align", align));
            }
            let align = align.max(512);
            return Ok(Self {
                align,
                max_transfer: None,
                opt_write_zero: 0,
                max_write_zero: None,
                opt_discard: 0,
                max_discard: None,
            });
        }
        let align = some(spec.align).unwrap_or(1);
        if align >= MAX || !align.is_power_of_two() {
            return Err(fail("align", align));
        }
        let multiple = |name, value: Option<u64>, of: u64| match some(value) {
            Some(value) if value >= MAX || value % of != 0 => Err(fail(name, value)),
            value => Ok(value),
        };
        let max_transfer = multiple("max_transfer", spec.max_transfer, align)?;
        let opt_write_zero = multiple("opt_write_zero", spec.opt_write_zero, align)?.unwrap_or(0);
        let unit = opt_write_zero.max(align);
        let max_write_zero = multiple("max_write_zero", spec.max_write_zero, unit)?;
        let opt_discard = multiple("opt_discard", spec.opt_discard, align)?.unwrap_or(0);
        let unit = opt_discard.max(align);
        let max_discard = multiple("max_discard", spec.max_discard, unit)?;
        Ok(Self { align, max_transfer, opt_write_zero, max_write_zero, opt_discard, max_discard })
    }

    /// Requests are padded to this, a power of two.
    #[must_use]
    pub const fn align(&self) -> u64 {
        self.align
    }

    /// Longer reads and writes are split.
    #[must_use]
    pub const fn max_transfer(&self) -> Option<u64> {
        self.max_transfer
    }

    /// Zeroes are written in units of this where possible; zero for none beyond the alignment.
    #[must_use]
    pub const fn opt_write_zero(&self) -> u64 {
        self.opt_write_zero
    }

    /// Longer write-zeroes are split.
    #[must_use]
    pub const fn max_write_zero(&self) -> Option<u64> {
        self.max_write_zero
    }

    /// Discards are made in units of this where possible; zero for none beyond the alignment.
    #[must_use]
    pub const fn opt_discard(&self) -> u64 {
        self.opt_discard
    }

    /// Longer discards are split.
    #[must_use]
    pub const fn max_discard(&self) -> Option<u64> {
        self.max_discard
    }
}

/// A limit that cannot be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitError {
    /// Which dialect refused it.
    pub dialect: Dialect,
    /// The limit, as its field is called.
    pub name: &'static str,
    /// What was asked for, in bytes.
    pub value: u64,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dialect, name, value } = *self;
        match (dialect, name) {
            (Dialect::Qemu2_6, "align") => {
                write!(f, "invalid alignment {value}: a power of two below 2^31 is needed")
            }
            (Dialect::Qemu2_6, _) => {
                write!(f, "`{name}` is not in dialect qemu_2_6; qemu_10_0_2 has it")
            }
            (Dialect::Qemu10, "align") => {
                write!(
                    f,
                    "cannot meet constraints with `align` {value}: a power of two below 2^31 is needed"
                )
            }
            (Dialect::Qemu10, _) => {
                write!(
                    f,
                    "cannot meet constraints with `{name}` {value}: a multiple of the alignment (and of the optimal size, for a maximum) below 2^31 is needed"
                )
            }
        }
    }
}

impl core::error::Error for LimitError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(dialect: Dialect, spec: LimitsSpec) -> Result<u64, &'static str> {
        Limits::new(dialect, spec).map(|limits| limits.align()).map_err(|error| error.name)
    }

    #[test]
    fn alignment_zero_is_the_default_in_10_and_an_error_in_2_6() {
        let spec = LimitsSpec { align: Some(0), ..LimitsSpec::default() };
        assert_eq!(check(Dialect::Qemu10, spec), Ok(1));
        assert_eq!(check(Dialect::Qemu2_6, spec), Err("align"));
    }

    #[test]
    fn multiples_need_not_be_powers_of_two() {
        let spec =
            LimitsSpec { align: Some(512), opt_discard: Some(1536), ..LimitsSpec::default() };
        assert_eq!(check(Dialect::Qemu10, spec), Ok(512));
        let spec = LimitsSpec { max_discard: Some(2048), ..spec };
        assert_eq!(check(Dialect::Qemu10, spec), Err("max_discard"));
    }

    #[test]
    fn the_older_dialect_has_an_alignment_and_nothing_else() {
        let spec = LimitsSpec { max_transfer: Some(4096), ..LimitsSpec::default() };
        assert_eq!(check(Dialect::Qemu2_6, spec), Err("max_transfer"));
        let spec = LimitsSpec { align: Some(2), ..LimitsSpec::default() };
        assert_eq!(check(Dialect::Qemu2_6, spec), Ok(512), "every node pads to 512 at least");
    }
}
