//! Disks, their nodes and how long they take.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::device::{Cache, Discarded, FlushFailure, Fua, OnTear, Order, Preset, Tears};
use super::fault::Rate;
use super::{Latency, Pattern, Rule, is_default, is_true};

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
    /// The device it is. What is given beside it is meant instead.
    ///
    /// Default: nothing
    ///
    /// Example: `preset: consumer_ssd`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) preset: Option<Preset>,
    /// The smallest addressable unit, in bytes: a power of two from 512 to 65_536 that divides the
    /// size; 512 if nothing else is said. Rules count in sectors of 512 bytes whatever this is.
    ///
    /// Default: nothing
    ///
    /// Example: `sector: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) sector: Option<u64>,
    /// The unit the medium writes, in bytes: a power of two, at least `sector`, and `sector` if
    /// nothing else is said. A smaller write is read, modified and written by the disk, and a power
    /// cut decides about all of it (512e).
    ///
    /// Default: nothing
    ///
    /// Example: `physical: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) physical: Option<u64>,
    /// The longest aligned write that a power cut leaves whole, in bytes: a power of two, at least
    /// `sector`. Less than `physical` means the same as `physical`.
    ///
    /// Default: nothing
    ///
    /// Example: `atomic_unit: 4_096`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) atomic_unit: Option<u64>,
    /// What becomes of completed writes, and what a flush does; `volatile` if nothing else is said.
    ///
    /// Default: nothing
    ///
    /// Example: `cache: protected`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) cache: Option<Cache>,
    /// In which order unflushed writes reach the medium; `any` if nothing else is said.
    ///
    /// Default: nothing
    ///
    /// Example: `order: prefix`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) order: Option<Order>,
    /// What force unit access does; `honoured` if nothing else is said, and `ignored` where the
    /// cache is `lying`.
    ///
    /// Default: nothing
    ///
    /// Example: `fua: ignored`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) fua: Option<Fua>,
    /// What is in a unit that was being written when the power went; `old_or_new` if nothing else
    /// is said.
    ///
    /// Default: nothing
    ///
    /// Example: `on_tear: prefix(granule: 8)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) on_tear: Option<OnTear>,
    /// Which writes may have been under way when the power went; `in_flight` if nothing else is
    /// said.
    ///
    /// Default: nothing
    ///
    /// Example: `tears: unflushed`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) tears: Option<Tears>,
    /// What discarded bytes read as; `zeroes` if nothing else is said.
    ///
    /// Default: nothing
    ///
    /// Example: `discarded: old`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) discarded: Option<Discarded>,
    /// What becomes of the data when a flush fails, unless the fault that makes it fail says
    /// otherwise; `keep_dirty` if nothing else is said.
    ///
    /// Default: nothing
    ///
    /// Example: `flush_failure: clean_keep_new`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) flush_failure: Option<FlushFailure>,
    /// How many bytes can ever be allocated, in units the medium writes; writes beyond fail with
    /// `ENOSPC`, and rewriting what is allocated does not.
    ///
    /// Default: nothing
    ///
    /// Example: `capacity: 65_536`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) capacity: Option<u64>,
    /// How many transfers it takes at once; the rest wait in the order of submission.
    ///
    /// Default: nothing
    ///
    /// Example: `queue_depth: 32`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) queue_depth: Option<u64>,
    /// How many bytes a second it moves: transfers take turns.
    ///
    /// Default: nothing
    ///
    /// Example: `bytes_per_second: 100_000_000`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) bytes_per_second: Option<u64>,
    /// How many transfers a second it does.
    ///
    /// Default: nothing
    ///
    /// Example: `iops: 5_000`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) iops: Option<u64>,
    /// The group it shares its fate with: a power cut that hits one disk of a group hits all. Those
    /// in no group share theirs with one another, unless a skew tells them apart.
    ///
    /// Default: nothing
    ///
    /// Example: `group: "shelf"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) group: Option<String>,
    /// What goes wrong with it now and then, whatever the rules say.
    ///
    /// Default: `[]`
    ///
    /// Example: `faults: [(what: bit_rot(bits: 1), on: [read], chance: (1, 1_000))]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) faults: Vec<Rate>,
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
    /// How long a request takes; no time if nothing else is said.
    ///
    /// Default: nothing
    ///
    /// Example: `latency: constant(ns: 20_000)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) latency: Option<Latency>,
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
    /// Further blkdebug nodes under the first, from the outside in. Their rules are blkdebug's alone:
    /// faults are the disk's.
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

impl Default for Disk {
    fn default() -> Self {
        Self {
            name: None,
            size: SIZE,
            preset: None,
            sector: None,
            physical: None,
            atomic_unit: None,
            cache: None,
            order: None,
            fua: None,
            on_tear: None,
            tears: None,
            discarded: None,
            flush_failure: None,
            capacity: None,
            queue_depth: None,
            bytes_per_second: None,
            iops: None,
            group: None,
            faults: Vec::new(),
            fill: 0,
            contents: Vec::new(),
            medium: Medium::Stored,
            latency: None,
            top: Top::Raw,
            align: None,
            max_transfer: None,
            opt_write_zero: None,
            max_write_zero: None,
            opt_discard: None,
            max_discard: None,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Medium {
    /// It can be read back.
    #[default]
    Stored,
    /// It is forgotten: the disk holds what it held at the start. QEMU's `null-co`.
    Null,
    /// NOR flash: a write programs and only clears bits, a discard erases whole blocks, a flush has
    /// nothing to do. It is blank at the start, all ones, but for `contents`. Of what a disk
    /// promises, only this counts.
    ///
    /// Example: `medium: nor_flash(program_unit: 4, erase_block: 4_096)`
    NorFlash(NorFlash),
}

/// NOR flash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct NorFlash {
    /// Reads are whole multiples of so many bytes: a power of two.
    ///
    /// Default: `1`
    ///
    /// Example: `read_unit: 4`
    pub(crate) read_unit: u64,
    /// Programs are whole multiples of so many bytes: a power of two, at most 256.
    ///
    /// Default: `4`
    ///
    /// Example: `program_unit: 8`
    pub(crate) program_unit: u64,
    /// Erases are whole multiples of so many bytes: a power of two that divides the size.
    ///
    /// Default: `4_096`
    ///
    /// Example: `erase_block: 65_536`
    pub(crate) erase_block: u64,
    /// How often a unit may be programmed between two erases; 0 is as often as one likes.
    ///
    /// Default: `1`
    ///
    /// Example: `programs: 0`
    pub(crate) programs: u8,
    /// What a power cut leaves of a program under way.
    ///
    /// Default: `any_bits`
    ///
    /// Example: `interrupted_program: prefix_of_units`
    pub(crate) interrupted_program: Interrupted,
    /// What a power cut leaves of an erase under way.
    ///
    /// Default: `old_or_new`
    ///
    /// Example: `interrupted_erase: any_bits`
    pub(crate) interrupted_erase: Interrupted,
    /// How many bits of a unit an interrupted erase may leave at 0 that seemed to come through.
    ///
    /// Default: `0`
    ///
    /// Example: `residue: 1`
    pub(crate) residue: u32,
    /// How many erases a block stands.
    ///
    /// Default: nothing
    ///
    /// Example: `wear_limit: 100_000`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) wear_limit: Option<u64>,
    /// What a worn block does.
    ///
    /// Default: `program_fails`
    ///
    /// Example: `worn: erase_does_nothing`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) worn: Worn,
    /// After so many reads of a block, and as many again, one of its bits may go to 0.
    ///
    /// Default: nothing
    ///
    /// Example: `read_disturb: 1_000`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) read_disturb: Option<u64>,
}

impl Default for NorFlash {
    fn default() -> Self {
        Self {
            read_unit: 1,
            program_unit: 4,
            erase_block: 4_096,
            programs: 1,
            interrupted_program: Interrupted::AnyBits,
            interrupted_erase: Interrupted::OldOrNew,
            residue: 0,
            wear_limit: None,
            worn: Worn::ProgramFails,
            read_disturb: None,
        }
    }
}

/// What a power cut leaves of an operation of flash.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Interrupted {
    /// Each program unit is as it was, or as it was to be.
    OldOrNew,
    /// The first so many units are as they were to be.
    PrefixOfUnits,
    /// Each bit did change or did not.
    AnyBits,
    /// The same, and some read differently each time.
    AnyBitsUnstable,
}

/// What a worn block of flash does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Worn {
    /// Programs fail.
    #[default]
    ProgramFails,
    /// Erases fail.
    EraseFails,
    /// Reads fail.
    ReadFails,
    /// Programs are answered and do nothing.
    ProgramDoesNothing,
    /// Erases are answered and do nothing.
    EraseDoesNothing,
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
