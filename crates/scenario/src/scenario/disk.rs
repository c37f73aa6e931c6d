//! Disks as they are at power-on.

use std::sync::Arc;

use headcrash_engine::{Program, RuleId};
use headcrash_sim::{Device, FaultRule, FlashSpec, Image, Key, Latencies, Limits};

use super::Content;
use crate::source::Location;

/// A disk: an image, with blkdebug nodes above it.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Its name; no other disk has it.
    pub name: String,
    /// It is nobody's: the file has file systems, and says nothing of disks.
    pub is_unused: bool,
    /// Its bytes; a multiple of its device's units.
    pub size: u64,
    /// What it promises; [`Device::check`] finds nothing wrong with it.
    pub device: Device,
    /// The disks of one group share their fate: a power cut that hits one hits all. Groups are
    /// numbered in file order.
    pub group: Option<usize>,
    /// The byte it is full of at the start.
    pub fill: u8,
    /// What it holds at the start beyond that, to be written in this order.
    pub contents: Vec<Extent>,
    /// What it holds at the start instead of all that, if somebody has said so: see
    /// [`Scenario::load`](super::Scenario::load).
    pub loaded: Option<Image>,
    /// What becomes of what is written.
    pub medium: Medium,
    /// How long its requests take.
    pub latencies: Latencies,
    /// What stands above its first node.
    pub top: Top,
    /// No flush reaches it: QEMU's `cache=unsafe`.
    pub no_flush: bool,
    /// Writing to it fails.
    pub read_only: bool,
    /// Whether it is open at the start.
    pub open: bool,
    /// Its blkdebug nodes from the outside in; at least one.
    pub nodes: Vec<Node>,
    /// What happens to it beyond blkdebug's rules: by the file's rules, then by its own, then what
    /// its `faults` say.
    pub faults: Vec<FaultRule>,
    /// What the file says of each of these.
    pub fault_infos: Vec<RuleInfo>,
    /// Where the file declares it, or the whole file for the disk that is there by default.
    pub location: Location,
}

impl Disk {
    /// What it holds at the start.
    #[must_use]
    pub fn image(&self) -> Image {
        if let Some(image) = &self.loaded {
            return image.clone();
        }
        let mut image = Image::new(self.size, self.fill);
        for extent in &self.contents {
            let mut at = extent.at;
            for (len, byte) in extent.data.runs(extent.len) {
                image.fill(at, len, byte);
                at += len;
            }
        }
        image
    }
}

/// One blkdebug node.
///
/// The programs of all nodes of a scenario know the same events in the same order: an
/// [`EventId`](headcrash_engine::EventId) of one is the same event in every other.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its rules: the file's before the disk's own.
    pub program: Arc<Program>,
    /// What it demands of requests.
    pub limits: Limits,
    /// What the file says of each rule, by [`RuleId::index`].
    pub rules: Vec<RuleInfo>,
    /// Injections that a seed may leave out of a run, with what is drawn for them is found by.
    pub swarm: Vec<(RuleId, Key)>,
}

impl Node {
    /// What the file says of a rule.
    ///
    /// # Panics
    ///
    /// When the rule is another program's.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> &RuleInfo {
        &self.rules[rule.index()]
    }
}

/// What a file says of a rule beyond what its program knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// What it is called, if anything.
    pub name: Option<Arc<str>>,
    /// Where it is declared.
    pub location: Location,
}

/// Bytes at a place, inside the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The first byte.
    pub at: u64,
    /// How many bytes.
    pub len: u64,
    /// Which.
    pub data: Content,
}

/// What becomes of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// It can be read back.
    Stored,
    /// It is forgotten: QEMU's `null-co`.
    Null,
    /// NOR flash, which [`FlashSpec::check`] finds nothing wrong with.
    Flash(FlashSpec),
}

/// What stands above a disk's first node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Top {
    /// QEMU's `raw` format.
    Raw,
    /// Nothing: requests come to the node itself.
    None,
}
