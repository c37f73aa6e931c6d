//! A scenario that exists only if it is valid.

mod changed;
mod checksum;
mod condition;
mod content;
mod crash;
mod disk;
mod files;
mod step;
mod subject;

use std::fmt;
use std::sync::{Arc, OnceLock};

use headcrash_engine::{Dialect, Quirks, Tag};
use headcrash_sim::{Copies, World};

pub use checksum::crc32;
pub use condition::{Condition, FaultPlace, Property, PropertyKind, RulePlace};
pub use content::{Content, Difference, Pattern};
pub use crash::{CutAt, FailEach, FailFiles, Failing, OnMisuse, PowerCut, Search, StateOrder};
pub use disk::{Disk, Extent, Medium, Node, RuleInfo, Top};
pub use files::{FileIo, FileIoKind, FileSystem, Finds};
pub use step::{Client, Gets, Io, Step, StepKind, Wanted};
pub use subject::{
    BadOperation, Code, Company, Finding, Guest, Operation, Remains, Stage, StageClient, StageDisk,
    Subject, WrittenOperation,
};

use crate::file::File;
use crate::run::Method;
use crate::source::{Location, Source};

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub usize);
    )*};
}

indices! {
    /// A disk, by its place in [`Scenario::disks`].
    DiskIndex;
    /// A file system, by its place in [`Scenario::file_systems`].
    FileSystemIndex;
    /// An open file, by its place in [`Client::handles`].
    HandleIndex;
    /// A request's id, by its place in [`Scenario::requests`].
    RequestIndex;
    /// A tag, by its place in [`Scenario::tags`].
    TagIndex;
    /// A saved read, by its place in [`Client::saved`].
    SavedIndex;
    /// A step, by its place in [`Client::steps`].
    StepIndex;
    /// Something that steps mark.
    MarkIndex;
}

/// A valid scenario: what [`parse`](crate::parse) makes of a file.
///
/// Every name is resolved, every number is in range and every program is built; nothing that runs
/// it checks again. Two scenarios are equal when their files say the same, wherever in the text
/// they say it.
#[derive(Clone)]
pub struct Scenario {
    pub(crate) file: File,
    pub(crate) source: Source,
    pub(crate) disks: Vec<Disk>,
    pub(crate) file_systems: Vec<FileSystem>,
    pub(crate) clients: Vec<Client>,
    pub(crate) recover: Option<Client>,
    pub(crate) subject: Option<Subject>,
    pub(crate) power_cut: Option<PowerCut>,
    pub(crate) search: Option<Search>,
    pub(crate) method: Method,
    pub(crate) fail_each: Option<FailEach>,
    pub(crate) copies: Vec<Copies>,
    pub(crate) on_misuse: OnMisuse,
    pub(crate) requests: Vec<String>,
    pub(crate) tags: Vec<TagInfo>,
    pub(crate) properties: Vec<Property>,
    pub(crate) seeds: Seeds,
    pub(crate) most_steps: u64,
    pub(crate) expect: Expect,
    pub(crate) suspensions: Suspensions,
    pub(crate) dialect: Dialect,
    pub(crate) quirks: Quirks,
    pub(crate) beginning: Beginning,
}

/// The world that runs begin with. It is made when the first run wants it, and each run has a
/// copy, which costs less than making another: copies of a scenario share it, until one of them is
/// changed in what worlds are made of.
pub(crate) type Beginning = Arc<OnceLock<World>>;

/// The property that a step without `or_violates` violates.
pub const EXPECTATION: &str = "expectation";

/// What a recovery that refuses is said to violate.
pub const RECOVERS: &str = "recovers";

/// The property that requests violate under `misuse: error`.
pub const MISUSE: &str = "misuse";

impl Scenario {
    /// One line about what it shows; may be empty.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.file.summary
    }

    /// The text it was read from, with what it is called in messages.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Whose blkdebug it speaks of; every node's program is in this dialect.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether QEMU's defects are repeated.
    #[must_use]
    pub const fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// The disks, in file order; at least one.
    #[must_use]
    pub fn disks(&self) -> &[Disk] {
        &self.disks
    }

    /// The file systems, in file order.
    #[must_use]
    pub fn file_systems(&self) -> &[FileSystem] {
        &self.file_systems
    }

    /// The clients, in file order; at least one.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// What is done when the power is back, if anything: a client called `recover`. Where a number
    /// of a client is needed, as in a [`Trigger`](headcrash_engine::Trigger), its is one past the
    /// last of [`Scenario::clients`].
    #[must_use]
    pub const fn recover(&self) -> Option<&Client> {
        self.recover.as_ref()
    }

    /// When the power goes, and how; nothing if it never does.
    #[must_use]
    pub const fn power_cut(&self) -> Option<&PowerCut> {
        self.power_cut.as_ref()
    }

    /// Which of the states that a power cut can leave are tried; there is something if the power
    /// ever goes.
    #[must_use]
    pub const fn search(&self) -> Option<Search> {
        self.search
    }

    /// Who answers what could go two ways, if nobody says otherwise.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Which accesses fail, each in a run of its own; never with a cut at
    /// [`CutAt::Everywhere`].
    #[must_use]
    pub const fn fail_each(&self) -> Option<&FailEach> {
        self.fail_each.as_ref()
    }

    /// Copies of which faults leave enough whole.
    #[must_use]
    pub fn copies(&self) -> &[Copies] {
        &self.copies
    }

    /// What comes of requests that a correct user of a disk does not make.
    #[must_use]
    pub const fn on_misuse(&self) -> OnMisuse {
        self.on_misuse
    }

    /// The ids of submitted requests, in the order in which the file first submits them. Each
    /// belongs to one client.
    #[must_use]
    pub fn requests(&self) -> &[String] {
        &self.requests
    }

    /// The tags requests can be suspended under.
    #[must_use]
    pub fn tags(&self) -> &[TagInfo] {
        &self.tags
    }

    /// What should hold.
    #[must_use]
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// One run for each of these.
    #[must_use]
    pub const fn seeds(&self) -> &Seeds {
        &self.seeds
    }

    /// A run is given up after so many steps.
    #[must_use]
    pub const fn most_steps(&self) -> u64 {
        self.most_steps
    }

    /// What should come of a run.
    #[must_use]
    pub const fn expect(&self) -> &Expect {
        &self.expect
    }

    /// How suspended requests go on besides by a step.
    #[must_use]
    pub const fn suspensions(&self) -> Suspensions {
        self.suspensions
    }

    /// The scenario as a file, without what is default anyway. Reading it gives an equal scenario.
    #[must_use]
    pub fn to_ron(&self) -> String {
        self.file.to_ron()
    }
}

impl PartialEq for Scenario {
    fn eq(&self, other: &Self) -> bool {
        // Everything else follows from the file, but for what was changed since.
        self.file == other.file
            && self.search == other.search
            && self.power_cut == other.power_cut
            && self
                .disks
                .iter()
                .map(|disk| &disk.loaded)
                .eq(other.disks.iter().map(|disk| &disk.loaded))
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").field("source", &self.source).finish_non_exhaustive()
    }
}

/// A tag, and the one node that suspends under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagInfo {
    /// The tag.
    pub tag: Tag,
    /// The disk.
    pub disk: DiskIndex,
    /// Which of the disk's nodes.
    pub node: usize,
    /// Where the file first sets it.
    pub location: Location,
}

/// The seeds of a scenario's runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// A single run.
    One(u64),
    /// From the first to before the second; not empty.
    Range(std::ops::Range<u64>),
    /// These, in this order; not empty.
    List(Vec<u64>),
}

impl Seeds {
    /// Every seed, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        let (range, list) = match self {
            Self::One(seed) => (0..0, std::slice::from_ref(seed)),
            Self::Range(range) => (range.clone(), &[][..]),
            Self::List(list) => (0..0, &list[..]),
        };
        range.chain(list.iter().copied())
    }
}

/// What should come of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Everything held.
    Held,
    /// This property did not hold.
    Violated(String),
    /// Every client waits for something that cannot come.
    Stuck,
    /// A `sometimes` property was never true.
    NotMeasured,
    /// A recovery refused with an error.
    Refused,
    /// It did not end within [`Scenario::most_steps`].
    Endless,
}

/// In the words of [`Outcome::label`](crate::Outcome::label).
impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Violated(property) => write!(f, "violated({property:?})"),
            Self::Stuck => f.write_str("stuck"),
            Self::NotMeasured => f.write_str("not measured"),
            Self::Refused => f.write_str("refused"),
            Self::Endless => f.write_str("endless"),
        }
    }
}

/// How suspended requests go on besides by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspensions {
    /// Not at all.
    ByScript,
    /// After so many nanoseconds.
    After {
        /// How many.
        ns: u64,
    },
    /// "Resume which, if any, now" is a question to the run's choices.
    Seeded,
}
