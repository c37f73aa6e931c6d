//! Scenario files as they are written: the only types that are deserialized.
//!
//! Everything here is text given types, and nothing here is checked beyond them; lowering does
//! that. Doc comments are the reference that `headcrash explain` prints: in each, the paragraphs
//! `Default:` and `Example:` are shown as such, and tests try both.

pub(crate) mod condition;
pub(crate) mod crash;
pub(crate) mod device;
pub(crate) mod disk;
mod errno;
pub(crate) mod fault;
pub(crate) mod files;
pub(crate) mod io;
mod latency;
mod mismatch;
mod pattern;
mod print;
mod read;
pub(crate) mod reference;
pub(crate) mod rule;
pub(crate) mod step;
mod subject;

use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

pub(crate) use condition::{Condition, ImageIs, Property};
pub(crate) use crash::{Copies, FailEach, Misuse, PowerCut, Search};
pub(crate) use disk::{Below, Disk, Interrupted, Medium, NorFlash, Top, Worn};
pub(crate) use errno::Errno;
pub(crate) use fault::{AccessKind, Action, Fault};
pub(crate) use files::{
    CloseFile, CreateFile, Exists, FileContract, FileFault, FileLen, FileOperation, FileSystem,
    List, Mkdir, OpenFile, ReadFile, Rename, Rmdir, SetLen, SyncData, SyncDir, SyncFile, Unlink,
    WhenExists, WriteFile,
};
pub(crate) use io::{Discard, Flush, Gets, Io, Read, Write, WriteZeroes};
pub(crate) use latency::{KindLatency, Latency};
pub(crate) use pattern::{Pattern, WithCrc32};
pub(crate) use read::{compact, read};
pub(crate) use rule::{Event, InjectError, IoType, Rule, State, Tag};
pub(crate) use step::{Repeat, Step, Submit, Wait, When, WhenMarked};
pub(crate) use subject::{Operation, Subject};

/// A whole scenario file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename = "Scenario")]
pub(crate) struct File {
    /// One line about what the scenario shows.
    ///
    /// Default: `""`
    ///
    /// Example: `summary: "A failed flush is tried again."`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) summary: String,
    /// Whose blkdebug this is.
    ///
    /// Default: `qemu_10_0_2`
    ///
    /// Example: `dialect: qemu_2_6`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) dialect: Dialect,
    /// Whether QEMU's own defects are repeated or answered safely.
    ///
    /// Default: `safe`
    ///
    /// Example: `quirks: qemu`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) quirks: Quirks,
    /// Names of events beyond the dialect's own. What a step announces need not be listed.
    ///
    /// Default: `[]`
    ///
    /// Example: `events: ["journal_commit"]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) events: Vec<Event>,
    /// The disks; without any there is one, `d0`, of 1 MiB, but for files that are about file systems
    /// only.
    ///
    /// Default: `[]`
    ///
    /// Example: `disks: [(size: 65_536), (name: "journal")]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) disks: Vec<Disk>,
    /// File systems, beside the disks and on none of them.
    ///
    /// Default: `[]`
    ///
    /// Example: `file_systems: [(name: "home", contract: ext4_ordered)]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) file_systems: Vec<FileSystem>,
    /// Code under test, which clients without steps call: such a file is run by the tests of the
    /// package that the code is in.
    ///
    /// Default: nothing
    ///
    /// Example: `subject: (name: "journal")`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) subject: Option<Subject>,
    /// Rules for every disk, or for the one they name: for its first node, or beyond blkdebug's for
    /// the disk itself.
    ///
    /// Default: `[]`
    ///
    /// Example: `rules: [(event: "write_aio", action: inject_error(errno: "ENOSPC"))]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) rules: Vec<Rule>,
    /// Who issues requests, each in its own order.
    ///
    /// Default: `[]`
    ///
    /// Example: `clients: [(name: "a", steps: [flush()]), (name: "b", steps: [flush()])]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) clients: Vec<Client>,
    /// The steps of the only client, called `main`: short for `clients`.
    ///
    /// Default: `[]`
    ///
    /// Example: `steps: [write(at: 0, len: 512, fill: 0x11), flush()]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) steps: Vec<Step>,
    /// What should hold while the scenario runs, or at its end.
    ///
    /// Default: `[]`
    ///
    /// Example: `properties: [never(name: "no error", that: failed("EIO"))]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) properties: Vec<Property>,
    /// When the power goes, and how.
    ///
    /// Default: nothing
    ///
    /// Example: `power_cut: (at: everywhere)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) power_cut: Option<PowerCut>,
    /// What is done when the power is back, by a client called `recover` and no other; without it
    /// only properties are looked at.
    ///
    /// Default: `[]`
    ///
    /// Example: `recover: [read(at: 0, len: 512, holds: any_of([zeroes, fill(0x11)]))]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) recover: Vec<Step>,
    /// Which of the states that a power cut can leave are tried; where the power goes and nothing
    /// is said, `crash_states(depth: 12, runs: 10_000)`.
    ///
    /// Default: nothing
    ///
    /// Example: `search: sampled(runs: 100)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) search: Option<Search>,
    /// Repeats the run with the first access failing, then with the second, and so on until there
    /// is none left to fail.
    ///
    /// Default: nothing
    ///
    /// Example: `fail_each: (on: [write, flush])`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) fail_each: Option<FailEach>,
    /// Copies of one thing, so that faults leave enough of them whole. Only faults of the medium
    /// that strike by a rule or by themselves are held back.
    ///
    /// Default: `[]`
    ///
    /// Example: `copies: [(of: [(at: 0, len: 4_096), (at: 8_192, len: 4_096)], at_most: 1)]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) copies: Vec<Copies>,
    /// What comes of requests that a correct user of a disk does not make.
    ///
    /// Default: `warn`
    ///
    /// Example: `misuse: error`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) misuse: Misuse,
    /// The seed of a single run. At most one of `seed`, `seeds` and `seed_list` is given; with
    /// none the seed is 0.
    ///
    /// Default: nothing
    ///
    /// Example: `seed: 7`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) seed: Option<u64>,
    /// A run for each of these seeds; the end is not among them.
    ///
    /// Default: nothing
    ///
    /// Example: `seeds: 0..1_000`
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(schema_with = "range")]
    pub(crate) seeds: Option<Range<u64>>,
    /// A run for each of these seeds.
    ///
    /// Default: nothing
    ///
    /// Example: `seed_list: [3, 1, 4]`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) seed_list: Option<Vec<u64>>,
    /// Who answers what could go two ways: who is next, what is done first, whether a fault strikes.
    ///
    /// Default: `seeded`
    ///
    /// Example: `choices: pct(depth: 3)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) choices: Answers,
    /// A run that has not ended after so many steps of its clients and its world is given up:
    /// its outcome is `endless`. Without it, after 10 000 000.
    ///
    /// Default: nothing
    ///
    /// Example: `most_steps: 100_000`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) most_steps: Option<u64>,
    /// What should come of a run.
    ///
    /// Default: `held`
    ///
    /// Example: `expect: stuck`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) expect: Expect,
    /// How suspended requests go on besides by a step.
    ///
    /// Default: `by_script`
    ///
    /// Example: `suspensions: after_ns(1_000)`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) suspensions: Suspensions,
}

/// Whose blkdebug this is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Dialect {
    /// QEMU 10.0.2: 48 events, `iotype`, limits; an event's effects come before a suspension.
    #[default]
    #[serde(rename = "qemu_10_0_2")]
    Qemu10,
    /// QEMU 2.6.0: 43 events; an event's effects wait until its request is resumed.
    #[serde(rename = "qemu_2_6")]
    Qemu2_6,
}

/// Whether QEMU's own defects are repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quirks {
    /// Each known defect has a documented, harmless answer.
    #[default]
    Safe,
    /// As QEMU does, wherever that is defined.
    Qemu,
}

/// One issuer of requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// What it is called. A single client without a name is `main`; of several, those without
    /// are `c0`, `c1` and so on by position.
    ///
    /// Default: nothing
    ///
    /// Example: `name: "writer"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) name: Option<String>,
    /// What it does, one step after the other.
    ///
    /// Default: `[]`
    ///
    /// Example: `steps: [write(at: 0, len: 512, fill: 0x11), flush()]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) steps: Vec<Step>,
    /// What it asks of the subject, one operation after the other, in the subject's own words.
    ///
    /// Default: `[]`
    ///
    /// Example: `ops: [Put(key: 1, len: 100), Commit]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) ops: Vec<Operation>,
    /// How many more operations it asks of the subject, drawn anew for every seed.
    ///
    /// Default: `0`
    ///
    /// Example: `drawn_ops: 20`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) drawn_ops: u64,
}

/// What should come of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Outcome")]
pub(crate) enum Expect {
    /// Every step and every property held.
    #[default]
    Held,
    /// The property of this name, or a step's `or_violates`, did not hold; `"expectation"` is
    /// a step without one.
    ///
    /// Example: `expect: violated("no error")`
    Violated(String),
    /// Every client waits for something that cannot come.
    Stuck,
    /// A `sometimes` property was never true.
    NotMeasured,
    /// Nothing was wrong that was not said, but a recovery refused with an error.
    Refused,
    /// It did not end within `most_steps`.
    Endless,
}

/// Who answers what could go two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(rename = "Choices")]
pub(crate) enum Answers {
    /// The seed, with a fair draw at every question.
    #[default]
    Seeded,
    /// The seed draws who ranks before whom, and a few moments at which that changes: bugs that
    /// need no more than so many steps in a certain order are found with a known probability.
    ///
    /// Example: `choices: pct(depth: 3)`
    Pct {
        /// How many steps.
        ///
        /// Default: `3`
        ///
        /// Example: `depth: 2`
        #[serde(default = "pct_depth", skip_serializing_if = "is_pct_depth")]
        depth: u64,
    },
    /// Every answer to every question, one run after the other; of orders that only swap steps
    /// that commute one is tried. What takes time takes the least, and no seed is needed.
    ///
    /// Example: `choices: exhaustive(runs: 100_000)`
    Exhaustive {
        /// At most so many runs.
        ///
        /// Default: `100_000`
        ///
        /// Example: `runs: 1_000`
        #[serde(default = "exhaustive_runs", skip_serializing_if = "is_exhaustive_runs")]
        runs: u64,
    },
}

const fn pct_depth() -> u64 {
    3
}

const fn is_pct_depth(depth: &u64) -> bool {
    *depth == pct_depth()
}

const fn exhaustive_runs() -> u64 {
    100_000
}

const fn is_exhaustive_runs(runs: &u64) -> bool {
    *runs == exhaustive_runs()
}

/// How suspended requests go on besides by a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Suspensions {
    /// Not at all.
    #[default]
    ByScript,
    /// After so many nanoseconds.
    ///
    /// Example: `suspensions: after_ns(1_000)`
    AfterNs(u64),
    /// Whenever the seed says so.
    Seeded,
}

pub(crate) const fn is_true(value: &bool) -> bool {
    *value
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `A..B`, which serde reads as a struct of two fields.
pub(crate) fn range(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "start": { "type": "integer", "format": "uint64", "minimum": 0 },
            "end": { "type": "integer", "format": "uint64", "minimum": 0 },
        },
        "required": ["start", "end"],
        "x-ron": "range",
    })
}
