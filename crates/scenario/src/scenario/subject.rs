//! Code under test, as a scenario knows it: something that makes clients, reads operations, and
//! says after each step what it found. The crate `headcrash` makes it of Rust code.

use std::any::Any;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use headcrash_engine::Program;
use headcrash_sim::{Client, DiskId, FlashSpec, FsId};

use super::{Disk, DiskIndex, FileSystemIndex, Medium, Scenario};
use crate::source::{Errors, Location};

/// Code under test. A [`Scenario`] of its files holds it.
pub trait Code: Send + Sync {
    /// What files call it.
    fn name(&self) -> &str;

    /// The operation that is written so.
    ///
    /// # Errors
    ///
    /// Where in the text something is wrong, and what.
    fn read(&self, text: &str) -> Result<Operation, BadOperation>;

    /// So many operations for a client, the same for the same seed and name.
    fn draw(&self, seed: u64, client: &str, count: u64) -> Vec<Operation>;

    /// Whoever calls the code in a run that begins now.
    fn begin(&self, stage: Stage) -> Rc<dyn Company>;
}

/// An operation: its text, and the value the code knows.
#[derive(Clone)]
pub struct Operation {
    /// As a file says it.
    pub text: Arc<str>,
    /// As the code knows it.
    pub value: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An operation, and where it is written.
#[derive(Clone, Debug)]
pub struct WrittenOperation {
    /// Where; of one that was drawn, where its client is.
    pub location: Location,
    /// What.
    pub operation: Operation,
}

/// Why a text is no operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadOperation {
    /// Where in the text, in bytes.
    pub span: std::ops::Range<usize>,
    /// What is wrong.
    pub message: String,
}

/// A scenario's subject.
#[derive(Clone)]
pub struct Subject {
    /// The code.
    pub code: Arc<dyn Code>,
    /// The disks it is opened on.
    pub disks: Vec<DiskIndex>,
    /// The file systems it is opened on.
    pub file_systems: Vec<FileSystemIndex>,
}

/// What code under test is given to work with.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The disks it is opened on.
    pub disks: Vec<StageDisk>,
    /// The file systems it is opened on, with their names.
    pub file_systems: Vec<(String, FsId)>,
    /// The clients that call it, by their place among the scenario's.
    pub clients: Vec<StageClient>,
    /// What knows the events that code can announce: the program of its first disk.
    pub program: Arc<Program>,
    /// Whether the power can go in this scenario.
    pub power_can_go: bool,
}

/// A disk that code under test is opened on.
#[derive(Clone, Debug)]
pub struct StageDisk {
    /// Its name.
    pub name: String,
    /// Which it is.
    pub id: DiskId,
    /// How long it is, in bytes.
    pub len: u64,
    /// What accesses have to be multiples of, in bytes.
    pub sector: u64,
    /// What it is, if it is flash.
    pub flash: Option<FlashSpec>,
}

/// A client that calls code under test.
#[derive(Clone, Debug)]
pub struct StageClient {
    /// Its place among the scenario's clients.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// What it asks.
    pub operations: Arc<[Operation]>,
}

/// Everyone who calls one piece of code in one run, from one power-on to the next.
pub trait Company {
    /// The clients, by their place among the scenario's; asked once.
    fn clients(&self) -> Vec<(usize, Box<dyn Guest>)>;

    /// What was found with the last step, given once.
    fn take_finding(&self) -> Option<Finding>;

    /// What is known if the power goes now.
    fn remains(&self) -> Rc<dyn Remains>;

    /// A number that is another one when something was found out that a cut would leave known:
    /// that an operation was begun, or acknowledged.
    fn progress(&self) -> u64;

    /// Which operation a client is in, or takes next.
    fn operation_of(&self, client: usize) -> usize;

    /// Whether a client is between two operations.
    fn is_between(&self, client: usize) -> bool;
}

/// What is known of code under test when no client exists any more.
pub trait Remains {
    /// Whoever calls the code when the power is back.
    fn revive(&self) -> Rc<dyn Company>;

    /// See [`Company::progress`].
    fn progress(&self) -> u64;
}

/// A client that is code.
pub trait Guest: Client {
    /// No disk has power any more, or the run is over: it comes to its end by itself, whatever it
    /// asks for being answered `ENODEV`.
    fn bury(&mut self);

    /// A client that it brought into the world with its last step.
    fn spawned_guest(&mut self) -> Option<Box<dyn Guest>>;

    /// What it waits for, in words.
    fn waits_for(&self) -> String;

    /// Where its code waits, or was last seen: `src/journal.rs:40:17`.
    fn place(&self) -> Option<String>;
}

/// What code under test did that it should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The property that does not hold.
    pub property: String,
    /// What was seen.
    pub message: String,
    /// The client it was seen with, by its place among the scenario's.
    pub client: usize,
    /// The operation it was seen with, if it was one.
    pub operation: Option<usize>,
    /// A recovery refused with an error: it noticed that something is wrong.
    pub is_refusal: bool,
    /// The code says itself that something is wrong. It is right if what it read was damaged.
    pub is_complaint: bool,
}

impl Scenario {
    /// The code under test, if there is any.
    #[must_use]
    pub const fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }

    /// The scenario that another text describes, which is called `name`, about the same code.
    ///
    /// # Errors
    ///
    /// As of [`parse`](crate::parse).
    pub fn parse_like(&self, name: &str, text: &str) -> Result<Self, Errors> {
        match &self.subject {
            Some(subject) => crate::parse_with(name, text.as_bytes(), &subject.code),
            None => crate::parse(name, text.as_bytes()),
        }
    }

    /// Whether this client calls the subject, rather than doing steps.
    #[must_use]
    pub fn is_guest(&self, client: usize) -> bool {
        self.subject.is_some() && self.clients.get(client).is_some_and(|it| it.steps.is_empty())
    }

    /// Whether operations are drawn for each seed.
    #[must_use]
    pub fn draws_operations(&self) -> bool {
        self.clients.iter().any(|client| client.drawn > 0)
    }

    /// The scenario with the operations that are drawn for this seed, as if they were written.
    #[must_use]
    pub fn with_drawn(&self, seed: u64) -> Self {
        let mut scenario = self.clone();
        let Some(subject) = &self.subject else { return scenario };
        let mirrors = &mut scenario.file.clients;
        for (place, client) in scenario.clients.iter_mut().enumerate() {
            let drawn = std::mem::take(&mut client.drawn);
            let operations = subject.code.draw(seed, &client.name, drawn);
            if let Some(mirror) = mirrors.get_mut(place) {
                mirror.drawn_ops = 0;
                let texts = operations.iter();
                mirror.ops.extend(texts.filter_map(|it| crate::file::Operation::new(&it.text)));
            }
            let location = client.location;
            let written = operations.into_iter();
            let written = written.map(|operation| WrittenOperation { location, operation });
            client.operations.extend(written);
        }
        scenario
    }

    /// Lets a client ask these operations of the subject, as if they were written.
    ///
    /// # Panics
    ///
    /// If there is no such client.
    pub fn set_operations(&mut self, client: usize, operations: Vec<Operation>) {
        let texts = operations.iter();
        let ops = texts.filter_map(|it| crate::file::Operation::new(&it.text)).collect();
        if let Some(mirror) = self.file.clients.get_mut(client) {
            (mirror.drawn_ops, mirror.ops) = (0, ops);
        }
        let client = &mut self.clients[client];
        let location = client.location;
        client.drawn = 0;
        client.operations = operations
            .into_iter()
            .map(|operation| WrittenOperation { location, operation })
            .collect();
    }

    /// What its code under test is given.
    pub(crate) fn stage(&self, subject: &Subject) -> Stage {
        let disk = |index: &DiskIndex| {
            let disk: &Disk = &self.disks[index.0];
            let align = disk.nodes.first().map_or(1, |node| node.limits.align());
            StageDisk {
                name: disk.name.clone(),
                id: DiskId(index.0 as u32),
                len: disk.size,
                sector: align.max(disk.device.sector).max(1),
                flash: match disk.medium {
                    Medium::Flash(flash) => Some(flash),
                    Medium::Stored | Medium::Null => None,
                },
            }
        };
        let fs = |index: &FileSystemIndex| {
            (self.file_systems[index.0].name.clone(), FsId(index.0 as u32))
        };
        let guests = self.clients.iter().enumerate().filter(|(place, _)| self.is_guest(*place));
        let client = |(place, client): (usize, &super::Client)| StageClient {
            place,
            name: client.name.clone(),
            operations: client.operations.iter().map(|it| it.operation.clone()).collect(),
        };
        Stage {
            disks: subject.disks.iter().map(disk).collect(),
            file_systems: subject.file_systems.iter().map(fs).collect(),
            clients: guests.map(client).collect(),
            program: Arc::clone(&self.disks[0].nodes[0].program),
            power_can_go: self.power_cut.is_some(),
        }
    }

    /// Where an operation is written, or else its client.
    pub(crate) fn location_of(&self, client: usize, operation: Option<usize>) -> Location {
        let Some(client) = self.clients.get(client) else { return Location::default() };
        let operation = operation.and_then(|place| client.operations.get(place));
        operation.map_or(client.location, |operation| operation.location)
    }
}
