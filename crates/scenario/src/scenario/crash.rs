//! Power cuts and what comes after them, and what holds for a run as a whole.

use headcrash_engine::{Errno, Kinds};
use headcrash_sim::{Applied, DiskId, Engines, FileVerbs, Skew};

use super::{DiskIndex, FileSystemIndex, Scenario, StepIndex};
use crate::source::Location;

/// When the power goes, and how.
///
/// A scenario has one if its file gives one, or if a step or a rule cuts the power.
#[derive(Clone, Debug)]
pub struct PowerCut {
    /// When it goes for all disks, besides by steps and rules.
    pub at: CutAt,
    /// How often, 1 or 2: the second time during recovery.
    pub times: u64,
    /// Which disks die before others; no disk before itself or its own group, and no two before
    /// each other.
    pub skew: Vec<Skew>,
    /// What becomes of the engines.
    pub engines: Engines,
    /// Disks that have changed places when the power comes back: equally long, each in one pair.
    pub swap: Vec<(DiskId, DiskId)>,
    /// Whether a recovery that refuses is as good as one that succeeds.
    pub may_refuse: bool,
    /// Where the file says it, or the whole file if only a step or a rule does.
    pub location: Location,
}

/// Two are equal when they say the same, wherever in the text they say it.
impl PartialEq for PowerCut {
    fn eq(&self, other: &Self) -> bool {
        let Self { at, times, skew, engines, swap, may_refuse, location: _ } = self;
        (*at, *times, *engines, *may_refuse)
            == (other.at, other.times, other.engines, other.may_refuse)
            && (skew, swap) == (&other.skew, &other.swap)
    }
}

impl Eq for PowerCut {}

/// When the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CutAt {
    /// At no moment of its own.
    Never,
    /// At every moment, each in a run of its own.
    Everywhere,
    /// At a moment that the choices name.
    Random,
    /// At this virtual time.
    Now {
        /// In nanoseconds.
        ns: u64,
    },
    /// Right before a client takes this step for the first time.
    Step {
        /// The client, by its place in [`Scenario::clients`](super::Scenario::clients).
        client: usize,
        /// The step; one past the last is when the client is done.
        step: StepIndex,
    },
}

/// Which of the states that a power cut can leave are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Search {
    /// Each sector's state is decided when it is first read.
    CrashStates {
        /// How many decisions of one run may be unusual ones, from the first.
        depth: u64,
        /// At most so many recoveries.
        runs: u64,
        /// Which states come first.
        order: StateOrder,
    },
    /// Whole images, made before recovery.
    Eager {
        /// How many writes are unlike the rest, at most.
        k: u64,
        /// At most so many recoveries.
        runs: u64,
    },
    /// States that the choices name.
    Sampled {
        /// How many.
        runs: u64,
    },
}

impl Search {
    /// What is tried where nothing is said.
    pub const USUAL: Self =
        Self::CrashStates { depth: 12, runs: 10_000, order: StateOrder::Limited };

    /// The most that `depth` can be.
    pub const DEPTH_MAX: u64 = 10_000;

    /// The most that `runs` can be.
    pub const RUNS_MAX: u64 = 100_000_000;

    /// The most that `k` can be.
    pub const K_MAX: u64 = 16;

    /// The same with at most so many recoveries.
    #[must_use]
    pub const fn with_runs(self, runs: u64) -> Self {
        match self {
            Self::CrashStates { depth, order, .. } => Self::CrashStates { depth, runs, order },
            Self::Eager { k, .. } => Self::Eager { k, runs },
            Self::Sampled { .. } => Self::Sampled { runs },
        }
    }

    /// How many recoveries at most; of [`Sampled`](Self::Sampled) at each moment.
    #[must_use]
    pub const fn runs(self) -> u64 {
        match self {
            Self::CrashStates { runs, .. } | Self::Eager { runs, .. } | Self::Sampled { runs } => {
                runs
            }
        }
    }
}

/// The order in which decisions are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateOrder {
    /// No unusual decision first, then one, then two: limited discrepancy.
    Limited,
    /// The last decision first.
    DepthFirst,
}

/// A run for each access that could fail, with that one failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailEach {
    /// Accesses of these kinds; none, if it is about file systems alone.
    pub kinds: Kinds,
    /// What the request is told.
    pub errno: Errno,
    /// Only accesses to this disk.
    pub disk: Option<DiskIndex>,
    /// Operations on file systems as well.
    pub files: Option<FailFiles>,
    /// How much of the access is done all the same.
    pub applied: Applied,
    /// At most so many runs.
    pub most: u64,
    /// Where the file says it.
    pub location: Location,
}

/// Which operations on file systems fail, each in a run of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailFiles {
    /// Operations of these kinds.
    pub verbs: FileVerbs,
    /// Only those on this file system.
    pub fs: Option<FileSystemIndex>,
}

/// Of what something fails, each time in a run of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failing {
    /// An access of this disk.
    Disk(DiskIndex),
    /// An operation on this file system.
    Files(FileSystemIndex),
}

impl FailEach {
    /// Of what something fails, in the order of the runs.
    pub(crate) fn places(&self, scenario: &Scenario) -> Vec<Failing> {
        let mut places = Vec::new();
        if !self.kinds.is_empty() {
            let all = (0..scenario.disks().len()).map(DiskIndex);
            let all = all.filter(|disk| !scenario.disks()[disk.0].is_unused);
            let disks = all.filter(|disk| self.disk.is_none_or(|only| only == *disk));
            places.extend(disks.map(Failing::Disk));
        }
        if let Some(files) = self.files {
            let all = (0..scenario.file_systems().len()).map(FileSystemIndex);
            let systems = all.filter(|fs| files.fs.is_none_or(|only| only == *fs));
            places.extend(systems.map(Failing::Files));
        }
        places
    }
}

/// What comes of requests that a correct user of a disk does not make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnMisuse {
    /// Nothing.
    Ignore,
    /// It is reported beside the outcome.
    Warn,
    /// It violates the property [`MISUSE`](super::MISUSE).
    Error,
}
