//! redb, with what it does to whole tables: several of them, which are renamed and deleted, and
//! savepoints that everything is taken back to.

use std::collections::BTreeMap;

use ::redb::{
    Builder, Database, ReadableTable, TableDefinition, TableError, TableHandle, WriteTransaction,
};
use arbitrary::{Arbitrary, Unstructured};
use headcrash::io::{Directory, File};
use headcrash::{Check, Fallible, FileSystem, Model, Storage, Subject, check};
use serde::{Deserialize, Serialize};

use crate::adapters::redb::{Backend, begin_read};

/// How many tables there may be.
const TABLES: u8 = 3;
/// No more savepoints are made.
const SAVEPOINTS: usize = 3;

/// One thing that is done in a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Arbitrary)]
pub enum Step {
    /// A key gets a value of `len` bytes, all alike. The table is made, if need be.
    Insert {
        /// In this table.
        table: u8,
        /// The key.
        key: u8,
        /// Bytes of the value.
        len: u16,
        /// Each of them.
        fill: u8,
    },
    /// A key goes. The table is made, if need be.
    Remove {
        /// From this table.
        table: u8,
        /// The key.
        key: u8,
    },
    /// A table gets another name, unless that is taken.
    Rename {
        /// This one.
        table: u8,
        /// That name.
        to: u8,
    },
    /// A table goes.
    Delete {
        /// This one.
        table: u8,
    },
    /// All tables are again what they were at a savepoint, and those made after it go.
    Restore {
        /// Of those that were there when the transaction began, counted from the first.
        savepoint: u8,
    },
}

/// What a database is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// A transaction that is committed.
    Commit {
        /// It begins with a savepoint.
        save: bool,
        /// And goes on like this.
        steps: Vec<Step>,
    },
    /// A transaction that is taken back.
    Abort {
        /// It begins with a savepoint.
        save: bool,
        /// And goes on like this.
        steps: Vec<Step>,
    },
    /// The database is closed and opened.
    Reopen,
}

/// A value, by what is seen of it: how long it is, and the byte it is made of.
pub type Value = (u16, Option<u8>);
/// The tables that there are.
pub type Tables = BTreeMap<u8, BTreeMap<u8, Value>>;

/// What is in the database.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    tables: Tables,
    savepoints: Vec<Tables>,
}

impl Contents {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Insert { table, key, len, fill } => {
                let value = (len, (len > 0).then_some(fill));
                self.tables.entry(table).or_default().insert(key, value);
            }
            Step::Remove { table, key } => {
                self.tables.entry(table).or_default().remove(&key);
            }
            Step::Rename { table, to } => {
                if !self.tables.contains_key(&to)
                    && let Some(moved) = self.tables.remove(&table)
                {
                    self.tables.insert(to, moved);
                }
            }
            Step::Delete { table } => _ = self.tables.remove(&table),
            Step::Restore { savepoint } => {
                if let Some(tables) = self.savepoints.get(usize::from(savepoint)) {
                    self.tables = tables.clone();
                    self.savepoints.truncate(usize::from(savepoint) + 1);
                }
            }
        }
    }
}

impl Model for Contents {
    type Op = Op;
    type Reply = ();
    type View = Tables;

    fn apply(&mut self, op: &Op) {
        if let Op::Commit { save, steps } = op {
            if *save && self.savepoints.len() < SAVEPOINTS {
                self.savepoints.push(self.tables.clone());
            }
            steps.iter().for_each(|step| self.step(step));
        }
    }

    fn view(&self) -> Tables {
        self.tables.clone()
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        let save = bytes.ratio(1, 5)?;
        let count = bytes.int_in_range(0..=4)?;
        // Not one that the same transaction makes.
        let most = self.savepoints.len() as u8;
        let steps = (0..count).map(|_| step(bytes, most)).collect::<Result<_, _>>()?;
        Ok(match bytes.int_in_range(0..=9)? {
            0 => Op::Reopen,
            1 | 2 => Op::Abort { save, steps },
            _ => Op::Commit { save, steps },
        })
    }
}

fn step(bytes: &mut Unstructured<'_>, savepoints: u8) -> arbitrary::Result<Step> {
    let table = bytes.int_in_range(0..=TABLES - 1)?;
    let key = bytes.int_in_range(0..=15)?;
    Ok(match bytes.int_in_range(0..=9)? {
        0 => Step::Rename { table, to: bytes.int_in_range(0..=TABLES - 1)? },
        1 => Step::Delete { table },
        2 if savepoints > 0 => Step::Restore { savepoint: bytes.int_in_range(0..=savepoints - 1)? },
        3 | 4 => Step::Remove { table, key },
        _ => {
            let most = if bytes.arbitrary()? { 2_000 } else { 60 };
            Step::Insert {
                table,
                key,
                len: bytes.int_in_range(0..=most)?,
                fill: bytes.arbitrary()?,
            }
        }
    })
}

const NAMES: [&str; TABLES as usize] = ["a", "b", "c"];

fn definition(table: u8) -> TableDefinition<'static, u8, &'static [u8]> {
    TableDefinition::new(NAMES[usize::from(table % TABLES)])
}

/// A database. One that has met an error is opened anew before it is used again. With `VERIFIED`
/// it is closed and opened whenever it is looked at, and its own check has to find it sound.
#[derive(Debug)]
pub struct Redb<const VERIFIED: bool> {
    storage: Storage,
    database: Option<Database>,
}

/// A new one is made under another name: a power cut while it is made leaves none.
fn open(storage: &Storage) -> Fallible<Database> {
    let files = storage.files("fs");
    let make = |file| Builder::new().set_cache_size(1 << 24).create_with_backend(Backend(file));
    if !files.exists("db")? {
        let file = files.create("new")?;
        file.set_len(0)?;
        drop(make(file)?);
        files.rename("new", "db")?;
        files.sync_dir("")?;
    }
    Ok(make(files.open("db")?)?)
}

/// Begins a transaction, perhaps with a savepoint; and which there were before. Those are asked for
/// in a transaction of its own: until redb 4.2 no savepoint can be made after the question.
fn begin(database: &Database, save: bool) -> Fallible<(WriteTransaction, Vec<u64>)> {
    let transaction = database.begin_write()?;
    let mut savepoints: Vec<_> = transaction.list_persistent_savepoints()?.collect();
    savepoints.sort_unstable();
    transaction.abort()?;
    let transaction = database.begin_write()?;
    if save && savepoints.len() < SAVEPOINTS {
        transaction.persistent_savepoint()?;
    }
    Ok((transaction, savepoints))
}

fn run(database: &Database, save: bool, steps: &[Step]) -> Fallible<WriteTransaction> {
    let (mut transaction, mut savepoints) = begin(database, save)?;
    for step in steps {
        match *step {
            Step::Insert { table, key, len, fill } => {
                let value = vec![fill; usize::from(len)];
                transaction.open_table(definition(table))?.insert(key, value.as_slice())?;
            }
            Step::Remove { table, key } => {
                transaction.open_table(definition(table))?.remove(key)?;
            }
            Step::Rename { table, to } if table == to => {}
            Step::Rename { table, to } => {
                match transaction.rename_table(definition(table), definition(to)) {
                    Err(TableError::TableDoesNotExist(_) | TableError::TableExists(_)) => {}
                    renamed => renamed?,
                }
            }
            Step::Delete { table } => _ = transaction.delete_table(definition(table))?,
            Step::Restore { savepoint } => {
                if let Some(id) = savepoints.get(usize::from(savepoint)) {
                    let there = transaction.get_persistent_savepoint(*id)?;
                    transaction.restore_savepoint(&there)?;
                    savepoints.truncate(usize::from(savepoint) + 1);
                }
            }
        }
    }
    Ok(transaction)
}

impl<const VERIFIED: bool> Redb<VERIFIED> {
    fn database(&mut self) -> Fallible<&mut Database> {
        if self.database.is_none() {
            self.database = Some(open(&self.storage)?);
        }
        Ok(self.database.as_mut().expect("it is open"))
    }

    fn try_apply(&mut self, op: &Op) -> Fallible<()> {
        match op {
            Op::Commit { save, steps } => {
                run(self.database()?, *save, steps)?.commit()?;
            }
            Op::Abort { save, steps } => {
                run(self.database()?, *save, steps)?.abort()?;
            }
            Op::Reopen => {
                self.database = None;
                self.database()?;
            }
        }
        Ok(())
    }

    fn try_show(&mut self) -> Fallible<Tables> {
        if VERIFIED {
            self.database = None;
            assert!(self.database()?.check_integrity()?, "the database finds itself damaged");
        }
        let transaction = begin_read(self.database()?)?;
        let names: Vec<_> = transaction.list_tables()?.map(|it| it.name().to_owned()).collect();
        let mut tables = Tables::new();
        for name in names {
            let number = NAMES.iter().position(|it| *it == name).ok_or("a table nobody made")?;
            let table = transaction.open_table(definition(number as u8))?;
            let mut values = BTreeMap::new();
            for entry in table.iter()? {
                let (key, value) = entry?;
                let value = value.value();
                let fill = value.first().copied();
                let fill = fill.filter(|first| value.iter().all(|byte| byte == first));
                values.insert(key.value(), (value.len() as u16, fill));
            }
            tables.insert(number as u8, values);
        }
        Ok(tables)
    }
}

impl<const VERIFIED: bool> Subject for Redb<VERIFIED> {
    type Model = Contents;
    const NAME: &'static str = "redb-tables";

    fn open(storage: &Storage) -> Fallible<Self> {
        Ok(Self { storage: storage.clone(), database: Some(open(storage)?) })
    }

    fn apply(&mut self, op: &Op) -> Fallible<()> {
        let done = self.try_apply(op);
        if done.is_err() {
            self.database = None;
        }
        done
    }

    fn show(&mut self) -> Fallible<Tables> {
        let seen = self.try_show();
        if seen.is_err() {
            self.database = None;
        }
        seen
    }
}

/// What a database with several tables is put through.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let strict = FileSystem::posix_strict;
    let tables = || check::<Redb<false>>().operations(20).file_system("fs", strict());
    let verified = || check::<Redb<true>>().operations(20).file_system("fs", strict());
    vec![
        ("tables, no faults", tables()),
        ("tables, power cuts", tables().power_cuts(2)),
        ("tables, each operation fails once", tables().operations(8).fail_each(1000)),
        ("tables, verified, no faults", verified()),
        ("tables, verified, power cuts", verified().power_cuts(2)),
    ]
}
