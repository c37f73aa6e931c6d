//! Power cuts and what comes after them, and what holds for a run as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::{AccessKind, Applied};
use super::{Errno, FileOperation, is_default};

/// When the power goes, and how.
///
/// Given or not, it also goes by the step `power_cut` and by rules with that action, and then
/// everything here but `at` and `times` holds for those cuts as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PowerCut {
    /// When it goes for all disks.
    ///
    /// Default: `everywhere`
    ///
    /// Example: `at: now_ns(5_000)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) at: CutAt,
    /// How often, 1 or 2: the second time while `recover` is at work.
    ///
    /// Default: `1`
    ///
    /// Example: `times: 2`
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) times: u64,
    /// Which disks die before others. Clients live on in between, unanswered by the dead. Disks
    /// that are in no group die together unless this tells them apart.
    ///
    /// Default: `[]`
    ///
    /// Example: `skew: [(dies_first: "data", then: "journal", after_ns: 50_000)]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) skew: Vec<Skew>,
    /// What becomes of the engines of blkdebug's nodes, and of the counts of all other rules.
    ///
    /// Default: `resets`
    ///
    /// Example: `engine: survives`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) engine: EngineAtCut,
    /// Disks that have changed places when the power comes back.
    ///
    /// Default: `[]`
    ///
    /// Example: `swap: [("data", "journal")]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) swap: Vec<(String, String)>,
    /// A recovery that refuses with an error is as good as one that succeeds. Otherwise it is an
    /// outcome of its own, `refused`.
    ///
    /// Default: `false`
    ///
    /// Example: `may_refuse: true`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) may_refuse: bool,
}

impl Default for PowerCut {
    fn default() -> Self {
        let (at, skew, swap) = (CutAt::default(), Vec::new(), Vec::new());
        let (engine, may_refuse) = (EngineAtCut::default(), false);
        Self { at, times: 1, skew, engine, swap, may_refuse }
    }
}

/// When the power goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Moment")]
pub(crate) enum CutAt {
    /// At no moment of its own: only by steps and rules.
    Never,
    /// At every moment, each in a run of its own: after every step of the world.
    #[default]
    Everywhere,
    /// At a moment that the seed says.
    Random,
    /// At this virtual time, in nanoseconds.
    ///
    /// Example: `at: now_ns(5_000)`
    NowNs(u64),
    /// Right before a client takes a step, for the first time if it is repeated.
    ///
    /// Example: `at: step(client: "main", step: 1)`
    Step {
        /// The client.
        ///
        /// Example: `client: "main"`
        client: String,
        /// Which of its steps, from 1; those inside of others are not counted. One more than it
        /// has is when it is done.
        ///
        /// Example: `step: 1`
        step: u64,
    },
}

/// One disk dies before another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skew {
    /// The disk that dies first, with its group.
    ///
    /// Example: `dies_first: "data"`
    pub(crate) dies_first: String,
    /// The disk that dies then, with its group.
    ///
    /// Example: `then: "journal"`
    pub(crate) then: String,
    /// How much later, in nanoseconds.
    ///
    /// Example: `after_ns: 50_000`
    pub(crate) after_ns: u64,
}

/// What becomes of engines at a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EngineAtCut {
    /// They begin anew.
    #[default]
    Resets,
    /// State, armed errors, spent rules, breakpoints and counts stay as they were.
    Survives,
}

/// Which of the states that a power cut can leave are tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Search {
    /// No search: one state, drawn like everything else.
    Drawn,
    /// What a sector holds is decided when it is first read, and every decision is tried, the
    /// unusual ones down to a depth: complete if the budget suffices.
    ///
    /// Example: `search: crash_states(depth: 12, runs: 10_000)`
    CrashStates {
        /// How many decisions of one run may be unusual ones, from the first.
        ///
        /// Default: `12`
        ///
        /// Example: `depth: 16`
        #[serde(default = "depth", skip_serializing_if = "is_depth")]
        depth: u64,
        /// At most so many recoveries.
        ///
        /// Default: `10_000`
        ///
        /// Example: `runs: 100_000`
        #[serde(default = "runs", skip_serializing_if = "is_runs")]
        runs: u64,
        /// Which states come first.
        ///
        /// Default: `limited`
        ///
        /// Example: `order: depth_first`
        #[serde(default, skip_serializing_if = "is_default")]
        order: StateOrder,
    },
    /// Whole images, made before recovery: prefixes, everything lost, everything kept, up to `k`
    /// writes lost or kept against the rest, torn ones. No two alike.
    ///
    /// Example: `search: eager(k: 2, runs: 10_000)`
    Eager {
        /// How many writes are unlike the rest, at most.
        ///
        /// Default: `2`
        ///
        /// Example: `k: 3`
        #[serde(default = "k", skip_serializing_if = "is_k")]
        k: u64,
        /// At most so many recoveries.
        ///
        /// Default: `10_000`
        ///
        /// Example: `runs: 100_000`
        #[serde(default = "runs", skip_serializing_if = "is_runs")]
        runs: u64,
    },
    /// States that the seed says.
    ///
    /// Example: `search: sampled(runs: 100)`
    Sampled {
        /// How many.
        ///
        /// Default: `100`
        ///
        /// Example: `runs: 1_000`
        #[serde(default = "samples", skip_serializing_if = "is_samples")]
        runs: u64,
    },
}

/// The order in which decisions are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StateOrder {
    /// No unusual decision first, then one, the shallowest first, then two: limited discrepancy.
    #[default]
    Limited,
    /// The last decision first.
    DepthFirst,
}

/// A run for each access that could fail, with that one failing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct FailEach {
    /// Accesses of these kinds; without it, all.
    ///
    /// Default: nothing
    ///
    /// Example: `on: [write, flush]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) on: Option<Vec<AccessKind>>,
    /// What the request is told.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENOSPC"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
    /// Only accesses to this disk.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// Operations on file systems of these kinds. Accesses to disks are among what fails then only
    /// if `on` or `disk` is given.
    ///
    /// Default: nothing
    ///
    /// Example: `operations: [sync_file, rename]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) operations: Option<Vec<FileOperation>>,
    /// Only operations on this file system; of every kind, if `operations` is not given.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// How much of the access is done all the same.
    ///
    /// Default: `nothing`
    ///
    /// Example: `applied: all`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) applied: Applied,
    /// At most so many runs.
    ///
    /// Default: `1_000`
    ///
    /// Example: `most: 100`
    #[serde(skip_serializing_if = "is_most")]
    pub(crate) most: u64,
}

impl Default for FailEach {
    fn default() -> Self {
        let (errno, applied) = (Errno::default(), Applied::default());
        Self { on: None, errno, disk: None, operations: None, fs: None, applied, most: MOST }
    }
}

/// Copies of one thing: faults leave enough of them whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Copies {
    /// Where they are; at least two, all equally long.
    ///
    /// Example: `of: [(at: 0, len: 4_096), (at: 8_192, len: 4_096)]`
    pub(crate) of: Vec<Region>,
    /// How many of them may be damaged at any byte at one time.
    ///
    /// Default: `1`
    ///
    /// Example: `at_most: 1`
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub(crate) at_most: u64,
}

/// A stretch of a disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Region {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The first byte.
    ///
    /// Example: `at: 8_192`
    pub(crate) at: u64,
    /// How many bytes.
    ///
    /// Example: `len: 4_096`
    pub(crate) len: u64,
}

/// What comes of requests that a correct user of a disk does not make: concurrent overlapping
/// writes, a read of what was never written, a request beyond the end, to a closed disk, or of no
/// whole sectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Misuse {
    /// Nothing.
    Ignore,
    /// It is reported beside the outcome.
    #[default]
    Warn,
    /// It violates the property `"misuse"`.
    Error,
}

const MOST: u64 = 1_000;

const fn one() -> u64 {
    1
}

const fn depth() -> u64 {
    12
}

const fn runs() -> u64 {
    10_000
}

const fn k() -> u64 {
    2
}

const fn samples() -> u64 {
    100
}

const fn is_one(number: &u64) -> bool {
    *number == one()
}

const fn is_depth(number: &u64) -> bool {
    *number == depth()
}

const fn is_runs(number: &u64) -> bool {
    *number == runs()
}

const fn is_k(number: &u64) -> bool {
    *number == k()
}

const fn is_samples(number: &u64) -> bool {
    *number == samples()
}

const fn is_most(number: &u64) -> bool {
    *number == MOST
}

impl Default for Search {
    fn default() -> Self {
        Self::CrashStates { depth: depth(), runs: runs(), order: StateOrder::default() }
    }
}
