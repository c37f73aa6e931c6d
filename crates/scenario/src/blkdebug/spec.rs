//! What a file name or a set of options asks for: blkdebug nodes upon an image.

use super::error::OpenError;
use super::rule::Rule;

/// blkdebug nodes stacked upon an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Whether a raw format node is on top. It is what announces `read_aio`, `write_aio` and
    /// `flush_to_disk`. A file name alone gets one, options get one if they say so.
    pub raw: bool,
    /// Outermost first; there may be none.
    pub nodes: Vec<Node>,
    /// What is below.
    pub image: ImageSpec,
    /// Options that are QEMU's business and not carried over, by their full names: caching,
    /// node names, permissions, locks.
    pub left_out: Vec<String>,
}

impl Spec {
    /// How many nodes may be stacked upon each other, here as opposed to QEMU.
    pub const MAX_NODES: usize = 64;
}

/// One blkdebug node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The path of its configuration file, whose rules come before [`Node::rules`].
    pub config: Option<String>,
    /// Rules among the options: every `inject-error`, then every `set-state`.
    pub rules: Vec<Rule>,
    /// Its limits.
    pub limits: Limits,
}

/// What a node pretends its device can do, in bytes; 0 is the default. 2.6 has only `align`.
///
/// Source: `blkdebug_open` of `block/blkdebug.c`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Requests are multiples of this.
    pub align: u64,
    /// No request is longer.
    pub max_transfer: u64,
    /// Zeroing happens in multiples of this.
    pub opt_write_zero: u64,
    /// No zeroing is longer.
    pub max_write_zero: u64,
    /// Discarding happens in multiples of this.
    pub opt_discard: u64,
    /// No discard is longer.
    pub max_discard: u64,
}

impl Limits {
    /// Each with blkdebug's name for it, in the order in which it checks them.
    #[must_use]
    pub const fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("align", self.align),
            ("max-transfer", self.max_transfer),
            ("opt-write-zero", self.opt_write_zero),
            ("max-write-zero", self.max_write_zero),
            ("opt-discard", self.opt_discard),
            ("max-discard", self.max_discard),
        ]
    }

    /// The limit with this name.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut u64> {
        match name {
            "align" => Some(&mut self.align),
            "max-transfer" => Some(&mut self.max_transfer),
            "opt-write-zero" => Some(&mut self.opt_write_zero),
            "max-write-zero" => Some(&mut self.max_write_zero),
            "opt-discard" => Some(&mut self.opt_discard),
            "max-discard" => Some(&mut self.max_discard),
            _ => None,
        }
    }
}

impl Limits {
    /// C's `INT_MAX`, which every limit is below.
    const END: u64 = i32::MAX as u64;

    /// Whether 2.6 takes this `align`.
    pub(super) const fn check_2_6(align: Option<u64>) -> Result<(), OpenError> {
        match align {
            Some(align) if align >= Self::END || !align.is_power_of_two() => {
                Err(OpenError::InvalidAlignment)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// The alignment of the node, given that of its image, if its limits go together.
    pub(super) fn check_10(&self, below: u64) -> Result<u64, OpenError> {
        let align = self.align.max(below);
        let zero = self.opt_write_zero.max(align);
        let discard = self.opt_discard.max(align);
        for (name, value) in self.named() {
            let fits = match name {
                "align" => value.is_power_of_two(),
                "max-write-zero" => value.is_multiple_of(zero),
                "max-discard" => value.is_multiple_of(discard),
                _ => value.is_multiple_of(align),
            };
            if value != 0 && (value >= Self::END || !fits) {
                return Err(OpenError::Constraint { name, value });
            }
        }
        Ok(align)
    }
}

/// What the innermost node is upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSpec {
    /// A file, by its name.
    File(String),
    /// `null-co`: drops writes.
    NullCo {
        /// In bytes; [`ImageSpec::NULL_SIZE`] by default.
        size: u64,
        /// Reads give zeroes; else they leave the buffer as it was.
        read_zeroes: bool,
    },
    /// Any other protocol or driver: its file name, or options as `json:{...}`. Whether QEMU has
    /// it was not asked.
    Other(String),
}

impl ImageSpec {
    /// The default size of `null-co`, in bytes: 1 GiB.
    pub const NULL_SIZE: u64 = 1 << 30;
}
