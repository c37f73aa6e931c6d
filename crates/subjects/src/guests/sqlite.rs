//! SQLite with a rollback journal.

use std::collections::BTreeMap;

use ::rusqlite::{Connection, OptionalExtension, params};
use arbitrary::{Arbitrary, Unstructured};
use headcrash::{Check, Fallible, FileSystem, Model, Storage, Subject, check};
use serde::{Deserialize, Serialize};

use crate::adapters::sqlite::enter;

/// What is done to a table in a transaction.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Change {
    /// A key gets a value of `len` bytes, all alike.
    Insert {
        /// The key.
        key: u8,
        /// Bytes of the value.
        len: u16,
        /// Each of them.
        fill: u8,
    },
    /// A key goes.
    Delete {
        /// The key.
        key: u8,
    },
}

/// What a database is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// A transaction that is committed.
    Commit(Vec<Change>),
    /// A transaction that is taken back.
    Rollback(Vec<Change>),
    /// One value.
    Get {
        /// Of this key.
        key: u8,
    },
    /// The database is closed and opened.
    Reopen,
}

/// How long a value is, and the byte it is made of.
pub type Value = (u16, Option<u8>);

/// What is in the table.
#[derive(Clone, Debug, Default)]
pub struct Table(BTreeMap<u8, Value>);

impl Model for Table {
    type Op = Op;
    type Reply = Option<Value>;
    type View = BTreeMap<u8, Value>;

    fn apply(&mut self, op: &Op) -> Option<Value> {
        match op {
            Op::Commit(changes) => {
                for change in changes {
                    match *change {
                        Change::Insert { key, len, fill } => {
                            self.0.insert(key, (len, (len > 0).then_some(fill)));
                        }
                        Change::Delete { key } => _ = self.0.remove(&key),
                    }
                }
                None
            }
            Op::Rollback(_) | Op::Reopen => None,
            Op::Get { key } => self.0.get(key).copied(),
        }
    }

    fn view(&self) -> BTreeMap<u8, Value> {
        self.0.clone()
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        let mut changes = || {
            let count = bytes.int_in_range(0..=3)?;
            let change = |_| {
                let key = bytes.int_in_range(0..=9)?;
                if bytes.ratio(1, 4)? {
                    return Ok(Change::Delete { key });
                }
                let most = if bytes.ratio(1, 3)? { 9_000 } else { 100 };
                Ok(Change::Insert {
                    key,
                    len: bytes.int_in_range(0..=most)?,
                    fill: bytes.arbitrary()?,
                })
            };
            (0..count).map(change).collect::<arbitrary::Result<Vec<_>>>()
        };
        let changes = changes()?;
        Ok(match bytes.int_in_range(0..=9)? {
            0 => Op::Get { key: bytes.int_in_range(0..=9)? },
            1 => Op::Rollback(changes),
            2 => Op::Reopen,
            _ => Op::Commit(changes),
        })
    }
}

/// How a database is set.
pub trait Setting: 'static {
    /// `PRAGMA journal_mode`.
    const JOURNAL: &'static str;
    /// `PRAGMA synchronous`.
    const SYNCHRONOUS: &'static str;
}

/// The journal is cut off to commit, and that is synced.
#[derive(Debug)]
pub struct Full;
/// The journal is deleted to commit, and its directory is not synced: for that there is `EXTRA`,
/// which this VFS does not pass on.
#[derive(Debug)]
pub struct FullDelete;
/// Nothing is synced.
#[derive(Debug)]
pub struct Off;

impl Setting for Full {
    const JOURNAL: &'static str = "TRUNCATE";
    const SYNCHRONOUS: &'static str = "FULL";
}

impl Setting for FullDelete {
    const JOURNAL: &'static str = "DELETE";
    const SYNCHRONOUS: &'static str = "FULL";
}

impl Setting for Off {
    const JOURNAL: &'static str = "TRUNCATE";
    const SYNCHRONOUS: &'static str = "OFF";
}

/// A database.
#[derive(Debug)]
pub struct Sqlite<S> {
    storage: Storage,
    connection: Option<Connection>,
    setting: std::marker::PhantomData<S>,
}

fn open<S: Setting>(storage: &Storage) -> Fallible<Connection> {
    enter(storage.files("fs"));
    let connection = Connection::open("/db")?;
    // A hundred pages would hide every read.
    connection.pragma_update(None, "cache_size", 10)?;
    connection.pragma_update_and_check(None, "journal_mode", S::JOURNAL, |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", S::SYNCHRONOUS)?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS t (key INTEGER PRIMARY KEY, value BLOB)")?;
    Ok(connection)
}

fn seen(value: &[u8]) -> Value {
    let fill = value.first().copied().filter(|first| value.iter().all(|byte| byte == first));
    (value.len() as u16, fill)
}

impl<S: Setting> Sqlite<S> {
    fn connection(&mut self) -> Fallible<&mut Connection> {
        enter(self.storage.files("fs"));
        if self.connection.is_none() {
            self.connection = Some(open::<S>(&self.storage)?);
        }
        Ok(self.connection.as_mut().expect("it is open"))
    }

    fn try_apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        let connection = self.connection()?;
        match op {
            Op::Commit(changes) | Op::Rollback(changes) => {
                let transaction = connection.transaction()?;
                for change in changes {
                    match *change {
                        Change::Insert { key, len, fill } => transaction.execute(
                            "INSERT OR REPLACE INTO t VALUES (?, ?)",
                            params![key, vec![fill; len.into()]],
                        )?,
                        Change::Delete { key } => {
                            transaction.execute("DELETE FROM t WHERE key = ?", [key])?
                        }
                    };
                }
                match op {
                    Op::Commit(_) => transaction.commit()?,
                    _ => transaction.rollback()?,
                }
                Ok(None)
            }
            Op::Get { key } => {
                let select = "SELECT value FROM t WHERE key = ?";
                let value =
                    connection.query_row(select, [key], |row| Ok(seen(row.get_ref(0)?.as_blob()?)));
                Ok(value.optional()?)
            }
            Op::Reopen => {
                self.connection = None;
                self.connection()?;
                Ok(None)
            }
        }
    }
}

impl<S: Setting> Subject for Sqlite<S> {
    type Model = Table;
    const NAME: &'static str = "sqlite";

    fn open(storage: &Storage) -> Fallible<Self> {
        let connection = Some(open::<S>(storage)?);
        Ok(Self { storage: storage.clone(), connection, setting: std::marker::PhantomData })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        let reply = self.try_apply(op);
        if reply.is_err() {
            self.connection = None;
        }
        reply
    }

    fn show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        let connection = self.connection()?;
        let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        assert_eq!(check, "ok", "the database finds itself damaged");
        let mut select = connection.prepare("SELECT key, value FROM t")?;
        let rows =
            select.query_map([], |row| Ok((row.get(0)?, seen(row.get_ref(1)?.as_blob()?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// What a database is put through, and is to stand.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let full = |fs: FileSystem| check::<Sqlite<Full>>().operations(12).file_system("fs", fs);
    let fault =
        |on: &str| format!("(what: fail(errno: \"EIO\"), on: [{on}], chance: (1, 200), times: 1)");
    let faults = ["read_file", "write_file", "sync_file", "sync_data", "set_len"].map(fault);
    let faults = format!("[{}]", faults.join(", "));
    let failing = || FileSystem::posix_strict().with("faults", &faults);
    vec![
        ("no faults", full(FileSystem::posix_strict())),
        ("power cuts, posix_strict", full(FileSystem::posix_strict()).power_cuts(2)),
        ("power cuts, ext4_ordered", full(FileSystem::ext4_ordered()).power_cuts(2)),
        ("a transient error", full(failing())),
        ("errors and power cuts", full(failing()).power_cuts(1)),
    ]
}

/// With this setting, which promises less, after power cuts.
#[must_use]
pub fn with<S: Setting>() -> Check {
    let strict = FileSystem::posix_strict();
    check::<Sqlite<S>>().operations(12).file_system("fs", strict).power_cuts(1)
}
