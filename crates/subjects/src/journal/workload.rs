//! What is asked of the journal under test, and the plain data that knows what should come of it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use headcrash::sync::Mutex;
use headcrash::{Fallible, Model, SimDisk, Storage, Subject};
use serde::{Deserialize, Serialize};

use super::{Journal, Options, Order};

/// An operation of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Stages a value of `len` bytes `fill`.
    Put {
        /// Whose.
        key: u8,
        /// How many.
        len: u16,
        /// All of them.
        fill: u8,
    },
    /// Stages that there is no value.
    Delete {
        /// Whose.
        key: u8,
    },
    /// Commits what is staged.
    Commit,
    /// Empties the log.
    Checkpoint,
    /// What a reader sees.
    Get {
        /// Of this.
        key: u8,
    },
    /// Leaves it and opens it again, as a program does that cannot go on.
    Reopen,
}

/// Keys that are drawn are below this: few, so that they meet again.
const KEYS: u8 = 3;

/// The longest value that is drawn takes two sectors of 512 bytes, with a record around it. All keys
/// of one commit are seven with the commit record.
const LONGEST: u16 = 992;

/// The sizes under test: as small as what is drawn allows, so that the log is soon full.
const SMALL: Options = Options { log_sectors: 7, data_sectors: 6, order: Order::Flush };

impl<'a> Arbitrary<'a> for Op {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let key = bytes.int_in_range(0..=KEYS - 1)?;
        Ok(match bytes.int_in_range(0..=15)? {
            0..=5 => {
                let len = match bytes.int_in_range(0..=3)? {
                    0 => bytes.int_in_range(0..=40)?,
                    1 => bytes.int_in_range(470..=500)?,
                    2 => 0,
                    _ => bytes.int_in_range(500..=LONGEST)?,
                };
                Self::Put { key, len, fill: bytes.int_in_range(1..=99)? }
            }
            6 => Self::Delete { key },
            7..=10 => Self::Commit,
            11..=12 => Self::Checkpoint,
            13 => Self::Get { key },
            _ => Self::Reopen,
        })
    }
}

/// A value, as runs of one byte: how many of which.
#[derive(Clone, PartialEq, Eq)]
pub struct Value(Vec<(usize, u8)>);

impl Value {
    /// These bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(bytes.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0])).collect())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        let runs: Vec<_> = self.0.iter().map(|(count, byte)| format!("{count} x {byte}")).collect();
        f.write_str(&runs.join(" + "))
    }
}

/// What the journal answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// It did.
    Done,
    /// It found this.
    Found(Option<Value>),
}

/// What the journal should do: two tables.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    committed: BTreeMap<u8, Value>,
    visible: BTreeMap<u8, Value>,
}

impl Model for Tables {
    type Op = Op;
    type Reply = Reply;
    type View = BTreeMap<u8, Value>;

    fn apply(&mut self, op: &Op) -> Reply {
        match *op {
            Op::Put { key, len, fill } => {
                self.visible.insert(key, Value::of(&vec![fill; len.into()]));
            }
            Op::Delete { key } => drop(self.visible.remove(&key)),
            Op::Commit => self.committed.clone_from(&self.visible),
            Op::Checkpoint => {}
            Op::Get { key } => return Reply::Found(self.visible.get(&key).cloned()),
            Op::Reopen => self.crash(),
        }
        Reply::Done
    }

    fn view(&self) -> BTreeMap<u8, Value> {
        self.visible.clone()
    }

    fn is_durable(&self, op: &Op) -> bool {
        matches!(op, Op::Commit | Op::Checkpoint)
    }

    fn crash(&mut self) {
        self.visible.clone_from(&self.committed);
    }
}

/// A journal, with flaws or without, as the service calls it.
pub trait Store: Sized + 'static {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`].
    fn open(log: SimDisk, data: Option<SimDisk>, options: Options) -> io::Result<Self>;
    /// See [`Journal::put`].
    fn put(&mut self, key: u8, value: Vec<u8>);
    /// See [`Journal::delete`].
    fn delete(&mut self, key: u8);
    /// See [`Journal::get`].
    fn get(&self, key: u8) -> Option<&[u8]>;
    /// See [`Journal::pairs`].
    fn pairs(&self) -> BTreeMap<u8, Vec<u8>>;
    /// See [`Journal::commit`].
    ///
    /// # Errors
    ///
    /// As there.
    fn commit(&mut self) -> io::Result<()>;
    /// See [`Journal::checkpoint`].
    ///
    /// # Errors
    ///
    /// As there.
    fn checkpoint(&mut self) -> io::Result<()>;
    /// Whether whoever fails keeps the service's latch: a flaw.
    #[must_use]
    fn leaks_the_latch() -> bool {
        false
    }
}

/// A [`Store`] under test: a service that opens it again when it is told to. On one disk, or with
/// the log on the first of two.
#[derive(Debug)]
pub struct Service<S> {
    disks: (SimDisk, Option<SimDisk>),
    /// Nothing, if it could not be opened again.
    store: Option<S>,
    /// Whoever writes holds it.
    latch: Arc<Mutex<()>>,
}

impl<S: Store> Service<S> {
    fn opened(&mut self) -> io::Result<&mut S> {
        let store = match self.store.take() {
            Some(store) => store,
            None => S::open(self.disks.0.clone(), self.disks.1.clone(), SMALL)?,
        };
        Ok(self.store.insert(store))
    }

    fn latched(&mut self, write: impl FnOnce(&mut S) -> io::Result<()>) -> io::Result<()> {
        let latch = Arc::clone(&self.latch);
        let guard = latch.lock();
        let result = self.opened().and_then(write);
        if result.is_err() && S::leaks_the_latch() {
            std::mem::forget(guard);
        } else {
            drop(guard);
        }
        result
    }
}

impl<S: Store> Subject for Service<S> {
    type Model = Tables;
    const NAME: &'static str = "journal";

    fn open(storage: &Storage) -> Fallible<Self> {
        let data = (storage.disk_count() > 1).then(|| storage.disk_at(1));
        let disks = (storage.disk_at(0), data);
        let mut service = Self { disks, store: None, latch: Arc::default() };
        service.opened()?;
        Ok(service)
    }

    fn apply(&mut self, op: &Op) -> Fallible<Reply> {
        match *op {
            Op::Put { key, len, fill } => self.opened()?.put(key, vec![fill; len.into()]),
            Op::Delete { key } => self.opened()?.delete(key),
            Op::Commit => self.latched(S::commit)?,
            Op::Checkpoint => self.latched(S::checkpoint)?,
            Op::Get { key } => {
                return Ok(Reply::Found(self.opened()?.get(key).map(Value::of)));
            }
            Op::Reopen => {
                self.store = None;
                self.opened()?;
            }
        }
        Ok(Reply::Done)
    }

    fn show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        let pairs = self.opened()?.pairs();
        Ok(pairs.into_iter().map(|(key, value)| (key, Value::of(&value))).collect())
    }
}

/// The journal, whose commits rely on a flush.
pub type ByFlush = Service<Sound<false>>;
/// The journal, whose commits rely on checksums.
pub type ByChecksum = Service<Sound<true>>;

/// The journal as it should be.
#[derive(Debug)]
pub struct Sound<const CHECKSUM: bool>(Journal<SimDisk>);

impl<const CHECKSUM: bool> Store for Sound<CHECKSUM> {
    fn open(log: SimDisk, data: Option<SimDisk>, options: Options) -> io::Result<Self> {
        let order = if CHECKSUM { Order::Checksum } else { Order::Flush };
        Journal::open(log, data, Options { order, ..options }).map(Self)
    }

    fn put(&mut self, key: u8, value: Vec<u8>) {
        self.0.put(key, value);
    }

    fn delete(&mut self, key: u8) {
        self.0.delete(key);
    }

    fn get(&self, key: u8) -> Option<&[u8]> {
        self.0.get(key)
    }

    fn pairs(&self) -> BTreeMap<u8, Vec<u8>> {
        self.0.pairs()
    }

    fn commit(&mut self) -> io::Result<()> {
        self.0.commit()
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        self.0.checkpoint()
    }
}
