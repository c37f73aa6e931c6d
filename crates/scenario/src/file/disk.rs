//! Disks, their nodes and how long they take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Latency, Pattern, Rule, is_default};

/// A disk: an image, with blkdebug nodes above it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Disk {
    /// What it is called. Disks without a name are `d0`, `d1` and so on by position.
    ///
    /// Default: nothing
    ///
    /// Example: `name: "journal"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) name: Option<String>,
    /// How many bytes it has.
    ///
    /// Default: `1_048_576`
    ///
    /// Example: `size: 65_536`
    #[serde(skip_serializing_if = "is_default_size")]
    pub(crate) size: u64,
    /// The bytes of a sector: a power of two from 512 to 65_536 that divides the size. Rules count
    /// in sectors of 512 bytes whatever this is. Nothing else depends on it yet: there are no power
    /// cuts that could tear one.
    ///
    /// Default: `512`
    ///
    /// Example: `sector: 4_096`
    #[serde(skip_serializing_if = "is_default_sector")]
    pub(crate) sector: u64,
    /// The byte it is full of at the start.
    ///
    /// Default: `0`
    ///
    /// Example: `fill: 0xAA`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) fill: u8,
    /// What it holds at the start; where two overlap, the later one is meant.
    ///
    /// Default: `[]`
    ///
    /// Example: `contents: [(at: 4_096, data: text("hello"))]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) contents: Vec<Contents>,
    /// What becomes of what is written.
    ///
    /// Default: `stored`
    ///
    /// Example: `medium: null`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) medium: Medium,
    /// How long a request takes.
    ///
    /// Default: `zero`
    ///
    /// Example: `latency: constant(ns: 20_000)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) latency: Latency,
    /// What stands above the first node and announces events as it works.
    ///
    /// Default: `raw`
    ///
    /// Example: `top: none`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) top: Top,
    /// Requests are padded to this many bytes: a power of two.
    ///
    /// Default: nothing
    ///
    /// Example: `align: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) align: Option<u64>,
    /// Longer reads and writes are split: a multiple of `align`.
    ///
    /// Default: nothing
    ///
    /// Example: `max_transfer: 65_536`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) max_transfer: Option<u64>,
    /// Zeroes are written in units of this where possible: a multiple of `align`.
    ///
    /// Default: nothing
    ///
    /// Example: `opt_write_zero: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) opt_write_zero: Option<u64>,
    /// Longer writes of zeroes are split: a multiple of `opt_write_zero` and `align`.
    ///
    /// Default: nothing
    ///
    /// Example: `max_write_zero: 65_536`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) max_write_zero: Option<u64>,
    /// Discards are made in units of this where possible: a multiple of `align`.
    ///
    /// Default: nothing
    ///
    /// Example: `opt_discard: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) opt_discard: Option<u64>,
    /// Longer discards are split: a multiple of `opt_discard` and `align`.
    ///
    /// Default: nothing
    ///
    /// Example: `max_discard: 65_536`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) max_discard: Option<u64>,
    /// What a flush does.
    ///
    /// Default: `writeback`
    ///
    /// Example: `cache: unsafe`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) cache: Cache,
    /// Writing to it fails.
    ///
    /// Default: `false`
    ///
    /// Example: `read_only: true`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) read_only: bool,
    /// Whether it is open at the start; otherwise a client opens it.
    ///
    /// Default: `true`
    ///
    /// Example: `open: false`
    #[serde(skip_serializing_if = "is_true")]
    pub(crate) open: bool,
    /// Further blkdebug nodes under the first, from the outside in.
    ///
    /// Default: `[]`
    ///
    /// Example: `below: [(rules: [(event: "pwritev", action: set_state(2))])]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) below: Vec<Below>,
    /// Rules for this disk's first node, declared after those of the file.
    ///
    /// Default: `[]`
    ///
    /// Example: `rules: [(event: "flush_to_disk", action: inject_error())]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) rules: Vec<Rule>,
}

const SIZE: u64 = 1 << 20;
const SECTOR: u64 = 512;

impl Default for Disk {
    fn default() -> Self {
        Self {
            name: None,
            size: SIZE,
            sector: SECTOR,
            fill: 0,
            contents: Vec::new(),
            medium: Medium::Stored,
            latency: Latency::Zero,
            top: Top::Raw,
            align: None,
            max_transfer: None,
            opt_write_zero: None,
            max_write_zero: None,
            opt_discard: None,
            max_discard: None,
            cache: Cache::Writeback,
            read_only: false,
            open: true,
            below: Vec::new(),
            rules: Vec::new(),
        }
    }
}

const fn is_default_size(size: &u64) -> bool {
    *size == SIZE
}

const fn is_default_sector(sector: &u64) -> bool {
    *sector == SECTOR
}

const fn is_true(value: &bool) -> bool {
    *value
}

/// A blkdebug node under the first of its disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Below {
    /// Its rules.
    ///
    /// Default: `[]`
    ///
    /// Example: `rules: [(event: "pwritev", action: inject_error())]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) rules: Vec<Rule>,
    /// As a disk's.
    ///
    /// Default: nothing
    ///
    /// Example: `align: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) align: Option<u64>,
    /// As a disk's.
    ///
    /// Default: nothing
    ///
    /// Example: `max_transfer: 65_536`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) max_transfer: Option<u64>,
    /// As a disk's.
    ///
    /// Default: nothing
    ///
    /// Example: `opt_write_zero: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) opt_write_zero: Option<u64>,
    /// As a disk's.
    ///
    /// Default: nothing
    ///
    /// Example: `max_write_zero: 65_536`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) max_write_zero: Option<u64>,
    /// As a disk's.
    ///
    /// Default: nothing
    ///
    /// Example: `opt_discard: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) opt_discard: Option<u64>,
    /// As a disk's.
    ///
    /// Default: nothing
    ///
    /// Example: `max_discard: 65_536`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) max_discard: Option<u64>,
}

/// What a disk holds somewhere at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contents {
    /// The first byte.
    ///
    /// Example: `at: 4_096`
    pub(crate) at: u64,
    /// How many bytes; `fill` and `zeroes` need it, other patterns have a length of their own.
    ///
    /// Default: nothing
    ///
    /// Example: `len: 512`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) len: Option<u64>,
    /// The bytes.
    ///
    /// Example: `data: runs([(256, 0x11), (256, 0x22)])`
    pub(crate) data: Pattern,
}

/// What becomes of what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Medium {
    /// It can be read back.
    #[default]
    Stored,
    /// It is forgotten: the disk holds what it held at the start. QEMU's `null-co`.
    Null,
}

/// What stands above a disk's first node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Top {
    /// QEMU's `raw` format: announces `read_aio`, `write_aio`, `flush_to_os` and so on.
    #[default]
    Raw,
    /// Nothing: requests come to the node itself.
    None,
}

/// What a flush does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cache {
    /// It reaches the disk.
    #[default]
    Writeback,
    /// It never reaches the disk, and `flush_to_disk` is not announced: QEMU's `cache=unsafe`.
    Unsafe,
}
