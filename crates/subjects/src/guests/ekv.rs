//! ekv: transactions on keys and values on NOR flash, by async code.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;

use ::ekv::config::{ALIGN, MAX_VALUE_SIZE, PAGE_SIZE};
use ::ekv::{Config, Database, MountError, ReadError};
use arbitrary::{Arbitrary, Unstructured};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use headcrash::{AsyncSubject, Check, Disk, Fallible, Model, Storage, check_async};
use serde::{Deserialize, Serialize};

use crate::adapters::ekv::Pages;

/// Pages of the flash. They are few and small, so that files are merged, and pages used again, soon.
const PAGES: usize = 32;
/// Keys are below this.
const KEYS: u8 = 12;
/// No value is longer, in bytes: all of them fit twice.
const LONGEST: u8 = 100;

/// What is done to a key.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Change {
    /// It gets a value of `len` bytes, all alike.
    Write {
        /// The key.
        key: u8,
        /// Bytes of the value.
        len: u8,
        /// Each of them.
        fill: u8,
    },
    /// It goes.
    Delete {
        /// The key.
        key: u8,
    },
}

/// What a database is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// All of these or none, and durable. The last one of a key counts.
    Commit(Vec<Change>),
    /// They are written, and not committed.
    Abandon(Vec<Change>),
    /// One value.
    Get {
        /// Of this key.
        key: u8,
    },
    /// The database is forgotten, and mounted.
    Remount,
}

/// A transaction as the crate wants it: in the order of keys, each once.
fn sorted(changes: &[Change]) -> BTreeMap<u8, Option<Vec<u8>>> {
    let change = |change: &Change| match *change {
        Change::Write { key, len, fill } => (key, Some(vec![fill; len.into()])),
        Change::Delete { key } => (key, None),
    };
    changes.iter().map(change).collect()
}

/// What is in the database.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<u8, Vec<u8>>);

impl Model for Values {
    type Op = Op;
    type Reply = Option<Vec<u8>>;
    type View = BTreeMap<u8, Vec<u8>>;

    fn apply(&mut self, op: &Op) -> Option<Vec<u8>> {
        match op {
            Op::Commit(changes) => {
                for (key, value) in sorted(changes) {
                    match value {
                        Some(value) => _ = self.0.insert(key, value),
                        None => _ = self.0.remove(&key),
                    }
                }
                None
            }
            Op::Abandon(_) | Op::Remount => None,
            Op::Get { key } => self.0.get(key).cloned(),
        }
    }

    fn view(&self) -> BTreeMap<u8, Vec<u8>> {
        self.0.clone()
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        let kind = bytes.int_in_range(0..=9)?;
        if kind == 0 {
            return Ok(Op::Get { key: bytes.int_in_range(0..=KEYS - 1)? });
        }
        if kind == 1 {
            return Ok(Op::Remount);
        }
        let count = bytes.int_in_range(1..=5)?;
        let change = |_| {
            let key = bytes.int_in_range(0..=KEYS - 1)?;
            if bytes.ratio(1, 4)? {
                return Ok(Change::Delete { key });
            }
            let len = bytes.int_in_range(0..=LONGEST)?;
            Ok(Change::Write { key, len, fill: bytes.arbitrary()? })
        };
        let changes = (0..count).map(change).collect::<arbitrary::Result<_>>()?;
        Ok(if kind == 2 { Op::Abandon(changes) } else { Op::Commit(changes) })
    }
}

/// A database. One that has met an error is used again: it says that it mounts itself anew.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Ekv {
    flash: Pages,
    database: Database<Pages, NoopRawMutex>,
}

fn said(error: impl Debug) -> Box<dyn Error> {
    format!("{error:?}").into()
}

/// What a key is in bytes: of one length or another, in the order of keys.
fn name(key: u8) -> Vec<u8> {
    vec![key; 1 + usize::from(key % 3)]
}

fn database(flash: &Pages) -> Database<Pages, NoopRawMutex> {
    Database::new(flash.clone(), Config::default())
}

impl Ekv {
    async fn transact(&self, changes: &[Change], commits: bool) -> Fallible<()> {
        let mut transaction = self.database.write_transaction().await;
        for (key, value) in sorted(changes) {
            match value {
                Some(value) => transaction.write(&name(key), &value).await.map_err(said)?,
                None => transaction.delete(&name(key)).await.map_err(said)?,
            }
        }
        if commits {
            transaction.commit().await.map_err(said)?;
        }
        Ok(())
    }

    async fn get(&self, key: u8) -> Fallible<Option<Vec<u8>>> {
        let mut value = [0; MAX_VALUE_SIZE];
        match self.database.read_transaction().await.read(&name(key), &mut value).await {
            Ok(len) => Ok(Some(value[..len].to_vec())),
            Err(ReadError::KeyNotFound) => Ok(None),
            Err(error) => Err(said(error)),
        }
    }
}

impl AsyncSubject for Ekv {
    type Model = Values;
    const NAME: &'static str = "ekv";

    async fn open(storage: &Storage) -> Fallible<Self> {
        let flash = Pages::new(storage.flash("flash"));
        let found = database(&flash);
        match found.mount().await {
            // It was never formatted, or that was cut off: then there is nothing to lose.
            Err(MountError::Corrupted) => found.format().await.map_err(said)?,
            mounted => mounted.map_err(said)?,
        }
        Ok(Self { flash, database: found })
    }

    async fn apply(&mut self, op: &Op) -> Fallible<Option<Vec<u8>>> {
        match op {
            Op::Commit(changes) => self.transact(changes, true).await?,
            Op::Abandon(changes) => self.transact(changes, false).await?,
            Op::Get { key } => return self.get(*key).await,
            Op::Remount => {
                self.database = database(&self.flash);
                self.database.mount().await.map_err(said)?;
            }
        }
        Ok(None)
    }

    /// One by one, and in their order: the two agree.
    async fn show(&mut self) -> Fallible<BTreeMap<u8, Vec<u8>>> {
        let mut values = BTreeMap::new();
        for key in 0..KEYS {
            if let Some(value) = self.get(key).await? {
                values.insert(key, value);
            }
        }
        let transaction = self.database.read_transaction().await;
        let mut cursor = transaction.read_all().await.map_err(said)?;
        let (mut key, mut value) = ([0; 8], [0; MAX_VALUE_SIZE]);
        let mut listed = Vec::new();
        while let Some((key_len, len)) = cursor.next(&mut key, &mut value).await.map_err(said)? {
            listed.push((key[..key_len].to_vec(), value[..len].to_vec()));
        }
        let found: Vec<_> = values.iter().map(|(key, value)| (name(*key), value.clone())).collect();
        assert_eq!(listed, found, "what is listed, and what is found");
        Ok(values)
    }
}

/// Flash of which a power cut leaves this of what is under way. Words are written once.
fn flash(program: &str, erase: &str) -> Disk {
    let medium = format!(
        "nor_flash(program_unit: {ALIGN}, erase_block: {PAGE_SIZE}, \
         interrupted_program: {program}, interrupted_erase: {erase})"
    );
    Disk::new((PAGES * PAGE_SIZE) as u64).with("medium", &medium)
}

/// A database on flash that leaves this.
fn of(program: &str, erase: &str) -> Check {
    check_async::<Ekv>().disk("flash", flash(program, erase)).operations(40)
}

/// One error of this kind, sometimes.
fn failing(on: &str, applied: &str) -> Check {
    let error =
        format!("(action: fail(errno: \"EIO\"{applied}), on: [{on}], chance: (1, 1000), times: 1)");
    of("prefix_of_units", "old_or_new").rule(&error)
}

/// What a database is put through, and is to stand. So few operations do not fill the first page of
/// metadata: see [`loses_everything`].
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let few = |program, erase| of(program, erase).operations(3).power_cuts(2);
    vec![
        ("no faults", of("old_or_new", "old_or_new")),
        ("few operations, power cuts between words", few("prefix_of_units", "old_or_new")),
        ("few operations, power cuts inside words", few("any_bits", "old_or_new")),
        ("few operations, power cuts inside erases", few("any_bits", "any_bits")),
    ]
}

/// What it does not stand: a power cut while it begins a new page of metadata. The page gets its
/// header first, which makes it the one that counts, and what is in it later. And it may be a page
/// that the same transaction has freed: one that the old metadata still counts on is erased.
#[must_use]
pub fn loses_everything() -> Check {
    of("prefix_of_units", "old_or_new").power_cuts(2)
}

/// What it does not stand: a write that fails while it begins a new page of metadata, as that is
/// unwrapped.
#[must_use]
pub fn panics_where_a_write_fails() -> Check {
    failing("write", "")
}

/// What it does not stand: a page of metadata that cannot be read when it is mounted is left out,
/// and an older one counts.
#[must_use]
pub fn takes_an_old_page() -> Check {
    failing("read", "")
}
