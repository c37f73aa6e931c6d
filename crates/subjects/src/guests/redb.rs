//! redb: a database in one file, whose transactions are atomic and durable.

use std::collections::BTreeMap;

use ::redb::{Builder, Database, ReadableTable, TableDefinition, TableError};
use arbitrary::{Arbitrary, Unstructured};
use headcrash::io::{Directory, File};
use headcrash::{Check, Fallible, FileSystem, Model, Storage, Subject, check};
use serde::{Deserialize, Serialize};

use crate::adapters::redb::{Backend, begin_read, commit_later};

/// What is done to a table in a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Arbitrary)]
pub enum Change {
    /// A key gets a value of `len` bytes, all alike.
    Insert {
        /// The key.
        key: u8,
        /// Bytes of the value.
        len: u32,
        /// Each of them.
        fill: u8,
    },
    /// A key goes.
    Remove {
        /// The key.
        key: u8,
    },
}

/// What a database is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// A transaction that is committed.
    Commit(Vec<Change>),
    /// A transaction that is committed, and durable with the next one that is.
    CommitLater(Vec<Change>),
    /// A transaction that is taken back.
    Abort(Vec<Change>),
    /// One value.
    Get {
        /// Of this key.
        key: u8,
    },
    /// The database is closed and opened.
    Reopen,
}

/// A value, by what is seen of it: how long it is, and the byte it is made of.
pub type Value = (u32, Option<u8>);

/// What is in the table. With `LATER` some transactions are not durable by themselves; with `SMALL`
/// all values are.
#[derive(Clone, Debug, Default)]
pub struct Table<const LATER: bool, const SMALL: bool>(BTreeMap<u8, Value>);

impl<const LATER: bool, const SMALL: bool> Model for Table<LATER, SMALL> {
    type Op = Op;
    type Reply = Option<Value>;
    type View = BTreeMap<u8, Value>;

    fn apply(&mut self, op: &Op) -> Option<Value> {
        match op {
            Op::Commit(changes) | Op::CommitLater(changes) => {
                for change in changes {
                    match *change {
                        Change::Insert { key, len, fill } => {
                            self.0.insert(key, (len, (len > 0).then_some(fill)));
                        }
                        Change::Remove { key } => _ = self.0.remove(&key),
                    }
                }
                None
            }
            Op::Abort(_) | Op::Reopen => None,
            Op::Get { key } => self.0.get(key).copied(),
        }
    }

    fn view(&self) -> BTreeMap<u8, Value> {
        self.0.clone()
    }

    fn is_durable(&self, op: &Op) -> bool {
        matches!(op, Op::Commit(_))
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        Ok(match bytes.int_in_range(0..=9)? {
            0 => Op::Get { key: bytes.int_in_range(0..=15)? },
            1 => Op::Abort(changes(bytes, SMALL)?),
            2 if !LATER => Op::Reopen,
            2..=4 if LATER => Op::CommitLater(changes(bytes, SMALL)?),
            _ => Op::Commit(changes(bytes, SMALL)?),
        })
    }
}

fn changes(bytes: &mut Unstructured<'_>, small: bool) -> arbitrary::Result<Vec<Change>> {
    let count = bytes.int_in_range(0..=4)?;
    (0..count).map(|_| change(bytes, small)).collect()
}

/// Values are small as a rule, and sometimes larger than all else together.
fn change(bytes: &mut Unstructured<'_>, small: bool) -> arbitrary::Result<Change> {
    let key = bytes.int_in_range(0..=15)?;
    if bytes.ratio(1, 4)? {
        return Ok(Change::Remove { key });
    }
    let most = match bytes.int_in_range(0..=7)? {
        0 if !small => 1_000_000,
        1 | 2 if !small => 70_000,
        3 if !small => 5_000,
        _ => 200,
    };
    Ok(Change::Insert { key, len: bytes.int_in_range(0..=most)?, fill: bytes.arbitrary()? })
}

const TABLE: TableDefinition<'_, u8, &[u8]> = TableDefinition::new("t");

/// What redb's own check is asked: nothing.
pub const UNCHECKED: u8 = 0;
/// Whenever the database is looked at, it has to be sound.
pub const CHECKED: u8 = 1;
/// The same, but closed and opened before. Whoever repairs a database when it is opened may say so
/// in the next check, as redb 2 does: here that check comes after a good end.
pub const CLOSED_AND_CHECKED: u8 = 2;

/// A database. One that has met an error is opened anew before it is used again.
#[derive(Debug)]
pub struct Redb<const LATER: bool, const CHECK: u8, const SMALL: bool> {
    storage: Storage,
    database: Option<Database>,
}

impl<const LATER: bool, const CHECK: u8, const SMALL: bool> Redb<LATER, CHECK, SMALL> {
    fn database(&mut self) -> Fallible<&mut Database> {
        if self.database.is_none() {
            self.database = Some(open(&self.storage)?);
        }
        Ok(self.database.as_mut().expect("it is open"))
    }

    fn try_apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        let database = self.database()?;
        match op {
            Op::Commit(changes) | Op::CommitLater(changes) | Op::Abort(changes) => {
                let mut transaction = database.begin_write()?;
                if let Op::CommitLater(_) = op {
                    commit_later(&mut transaction)?;
                }
                {
                    let mut table = transaction.open_table(TABLE)?;
                    for change in changes {
                        match *change {
                            Change::Insert { key, len, fill } => {
                                table.insert(key, vec![fill; len as usize].as_slice())?;
                            }
                            Change::Remove { key } => {
                                table.remove(key)?;
                            }
                        }
                    }
                }
                match op {
                    Op::Abort(_) => transaction.abort()?,
                    _ => transaction.commit()?,
                }
                Ok(None)
            }
            Op::Get { key } => {
                let transaction = begin_read(database)?;
                let table = match transaction.open_table(TABLE) {
                    Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                    table => table?,
                };
                let value = table.get(key)?;
                Ok(value.map(|value| seen(value.value())))
            }
            Op::Reopen => {
                self.database = None;
                self.database()?;
                Ok(None)
            }
        }
    }

    fn try_show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        if CHECK == CLOSED_AND_CHECKED {
            self.database = None;
        }
        let database = self.database()?;
        if CHECK != UNCHECKED {
            let is_sound = database.check_integrity().map_err(|error| sound(error.into()))?;
            assert!(is_sound, "the database finds itself damaged");
        }
        let transaction = begin_read(database)?;
        let table = match transaction.open_table(TABLE) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(BTreeMap::new()),
            table => table?,
        };
        let mut values = BTreeMap::new();
        for entry in table.iter()? {
            let (key, value) = entry?;
            values.insert(key.value(), seen(value.value()));
        }
        Ok(values)
    }
}

fn seen(value: &[u8]) -> Value {
    let fill = value.first().copied().filter(|first| value.iter().all(|byte| byte == first));
    (value.len() as u32, fill)
}

/// A disk may fail, and then redb may say so; that its file is corrupted is no answer to that.
fn sound(error: ::redb::Error) -> ::redb::Error {
    if let ::redb::Error::Corrupted(what) = &error {
        panic!("the database says that it is corrupted: {what}");
    }
    error
}

/// A new one is made under another name: a power cut while it is made leaves none.
fn open(storage: &Storage) -> Fallible<Database> {
    let files = storage.files("fs");
    let make = |file| {
        let made = Builder::new().set_cache_size(1 << 24).create_with_backend(Backend(file));
        made.map_err(|error| sound(error.into()))
    };
    if !files.exists("db")? {
        let file = files.create("new")?;
        file.set_len(0)?;
        drop(make(file)?);
        files.rename("new", "db")?;
        files.sync_dir("")?;
    }
    Ok(make(files.open("db")?)?)
}

impl<const LATER: bool, const CHECK: u8, const SMALL: bool> Subject for Redb<LATER, CHECK, SMALL> {
    type Model = Table<LATER, SMALL>;
    const NAME: &'static str = "redb";

    fn open(storage: &Storage) -> Fallible<Self> {
        Ok(Self { storage: storage.clone(), database: Some(open(storage)?) })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        let reply = self.try_apply(op);
        if reply.is_err() {
            self.database = None;
        }
        reply
    }

    fn show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        let seen = self.try_show();
        if seen.is_err() {
            self.database = None;
        }
        seen
    }

    fn close(mut self) -> Fallible<()> {
        // What is to be durable later is so now.
        self.apply(&Op::Commit(Vec::new()))?;
        Ok(())
    }
}

/// Errors of the device that pass: at most so many.
fn errors(times: u64) -> String {
    let fault = |on: &str, applied: &str| {
        format!(
            "(what: fail(errno: \"EIO\"{applied}), on: [{on}], chance: (1, 200), times: {times})"
        )
    };
    let faults = [
        fault("read_file", ""),
        fault("write_file", ""),
        fault("write_file", ", applied: all"),
        fault("sync_data", ""),
        fault("set_len", ""),
    ];
    format!("[{}]", faults.join(", "))
}

/// What a database is put through.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let strict = FileSystem::posix_strict;
    let failing = |times| strict().with("faults", &errors(times));
    let later = check::<Redb<true, UNCHECKED, false>>().operations(20);
    let durable = check::<Redb<false, UNCHECKED, false>>().operations(20);
    let verified = check::<Redb<false, CHECKED, false>>().operations(20);
    let small = check::<Redb<false, CHECKED, true>>().operations(12);
    let closed = check::<Redb<false, CLOSED_AND_CHECKED, true>>().operations(12);
    let on = |check: &Check, fs: FileSystem| check.clone().file_system("fs", fs);
    vec![
        ("no faults", on(&later, strict())),
        ("power cuts, posix_strict", on(&later, strict()).power_cuts(2)),
        ("power cuts, ext4_ordered", on(&later, FileSystem::ext4_ordered()).power_cuts(2)),
        ("a transient error", on(&durable, failing(1))),
        ("errors and power cuts", on(&durable, failing(2)).power_cuts(1)),
        ("verified, no faults", on(&verified, strict())),
        ("verified, power cuts", on(&verified, strict()).power_cuts(2)),
        ("verified, a transient error", on(&verified, failing(1))),
        ("verified, small, no faults", on(&small, strict())),
        ("closed and verified, each operation fails once", on(&closed, strict()).fail_each(1000)),
    ]
}
