//! SQLite, with each of its journals.

use std::collections::BTreeMap;

use ::rusqlite::{Connection, Error, OptionalExtension, params};
use headcrash::{Check, Fallible, FileSystem, Storage, Subject, check};

use super::sql::{Change, Op, Table, Value, seen};
use crate::adapters::sqlite::Mounted;

/// How a database is set.
pub trait Setting: 'static {
    /// `PRAGMA journal_mode`.
    const JOURNAL: &'static str;
    /// `PRAGMA synchronous`.
    const SYNCHRONOUS: &'static str;
}

/// Settings, by what they are called here.
macro_rules! settings {
    ($($(#[$said:meta])* $name:ident: $journal:literal, $synchronous:literal;)*) => {$(
        $(#[$said])*
        #[derive(Debug)]
        pub struct $name;

        impl Setting for $name {
            const JOURNAL: &'static str = $journal;
            const SYNCHRONOUS: &'static str = $synchronous;
        }
    )*};
}

settings! {
    /// The journal is cut off to commit, and that is synced.
    Truncate: "TRUNCATE", "FULL";
    /// The journal's header is zeroed to commit, and that is synced.
    Persist: "PERSIST", "FULL";
    /// The journal is deleted to commit, and so is its name for good.
    DeleteExtra: "DELETE", "EXTRA";
    /// The journal is deleted to commit, and its directory is not synced: for that there is
    /// `EXTRA`.
    Delete: "DELETE", "FULL";
    /// What is new is in a log of its own, synced with every commit.
    Wal: "WAL", "FULL";
    /// The same, and the log is synced only before it is carried over.
    WalNormal: "WAL", "NORMAL";
    /// Nothing is synced.
    Off: "TRUNCATE", "OFF";
    /// Nothing is synced.
    WalOff: "WAL", "OFF";
}

/// A database. One that has met an error is opened anew before it is used again.
#[derive(Debug)]
pub struct Sqlite<S, const DURABLE: bool> {
    /// Goes first.
    connection: Option<Connection>,
    mounted: Mounted,
    setting: std::marker::PhantomData<S>,
}

fn open<S: Setting>(mounted: &Mounted) -> Fallible<Connection> {
    let connection = Connection::open(mounted.path("db")).map_err(said)?;
    // A log is used without memory that is shared; what has no name stays in memory.
    let exclusive = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY";
    connection.execute_batch(exclusive)?;
    set_journal(&connection, S::JOURNAL)?;
    connection.pragma_update(None, "synchronous", S::SYNCHRONOUS)?;
    if S::JOURNAL != "WAL" {
        connection.execute_batch("PRAGMA locking_mode = NORMAL")?;
    }
    // A hundred pages would hide every read, and a log of a thousand every checkpoint.
    connection.execute_batch("PRAGMA cache_size = 10; PRAGMA wal_autocheckpoint = 12")?;
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS t (key INTEGER PRIMARY KEY, value BLOB)")?;
    Ok(connection)
}

/// It answers with the mode before it is done: whether that went well is known after the last row.
fn set_journal(connection: &Connection, mode: &str) -> Fallible<()> {
    let mut pragma = connection.prepare(&format!("PRAGMA journal_mode = {mode}"))?;
    let mut rows = pragma.query([])?;
    while let Some(row) = rows.next()? {
        let is: String = row.get(0)?;
        assert!(is.eq_ignore_ascii_case(mode), "the journal's mode is {is}");
    }
    Ok(())
}

/// Without the path, in which there is a number that is none of the world's.
fn said(error: Error) -> Error {
    match error {
        Error::SqliteFailure(code, _) => Error::SqliteFailure(code, None),
        other => other,
    }
}

impl<S: Setting, const DURABLE: bool> Sqlite<S, DURABLE> {
    fn connection(&mut self) -> Fallible<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Some(open::<S>(&self.mounted)?);
        }
        Ok(self.connection.as_mut().expect("it is open"))
    }

    fn close_it(&mut self) -> Fallible<()> {
        let closed = self.connection.take().map_or(Ok(()), Connection::close);
        Ok(closed.map_err(|(_, error)| error)?)
    }

    fn try_apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        if let Op::Reopen = op {
            self.close_it()?;
        }
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
            Op::Checkpoint(kind) => {
                connection.query_row(kind.sql(), [], |_| Ok(()))?;
                Ok(None)
            }
            Op::Reopen => Ok(None),
        }
    }

    fn try_show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        let connection = self.connection()?;
        // It reports what it cannot read as damage. An error passes; damage stays.
        let mut check = String::new();
        for _ in 0..3 {
            check = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            if check == "ok" {
                break;
            }
        }
        assert_eq!(check, "ok", "the database finds itself damaged");
        let mut select = connection.prepare("SELECT key, value FROM t")?;
        let rows =
            select.query_map([], |row| Ok((row.get(0)?, seen(row.get_ref(1)?.as_blob()?))))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl<S: Setting, const DURABLE: bool> Subject for Sqlite<S, DURABLE> {
    type Model = Table<DURABLE>;
    const NAME: &'static str = "sqlite";

    fn open(storage: &Storage) -> Fallible<Self> {
        let mounted = Mounted::new(storage.files("fs"), S::SYNCHRONOUS == "EXTRA");
        let connection = Some(open::<S>(&mounted)?);
        Ok(Self { connection, mounted, setting: std::marker::PhantomData })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        let reply = self.try_apply(op);
        if reply.is_err() {
            self.connection = None;
        }
        reply
    }

    fn show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        let seen = self.try_show();
        if seen.is_err() {
            self.connection = None;
        }
        seen
    }

    fn close(mut self) -> Fallible<()> {
        self.close_it()
    }
}

/// With this setting, on this file system.
#[must_use]
pub fn with<S: Setting, const DURABLE: bool>(fs: FileSystem) -> Check {
    check::<Sqlite<S, DURABLE>>().operations(12).file_system("fs", fs)
}

/// File systems, from the one that promises least. Their units are what is written whole.
#[must_use]
pub fn file_systems() -> Vec<(&'static str, FileSystem)> {
    let strict = FileSystem::posix_strict;
    vec![
        ("posix_strict", strict()),
        ("posix_strict in units of 512", strict().with("unit", "512")),
        ("xfs", FileSystem::contract("xfs")),
        ("ext4_ordered", FileSystem::ext4_ordered()),
    ]
}

/// One error of each kind, sometimes. That a file cannot be deleted is no such kind: see
/// [`takes_an_error_for_an_interrupt`], and [`takes_a_directory_for_an_interrupt`]; nor, with
/// `cuts`, that a log cannot be synced: see [`brings_back_what_failed`].
fn failing<S: Setting>(fs: FileSystem, cuts: bool) -> FileSystem {
    let kinds = ["read_file", "write_file", "sync_data", "set_len", "create_file", "file_len"];
    let mut faults = kinds.map(error).to_vec();
    if !(cuts && S::JOURNAL == "WAL") {
        faults.push(error("sync_file"));
    }
    if S::SYNCHRONOUS != "EXTRA" {
        faults.push(error("sync_dir"));
    }
    fs.with("faults", &format!("[{}]", faults.join(", ")))
}

fn error(on: &str) -> String {
    format!("(what: fail(errno: \"EIO\"), on: [{on}], chance: (1, 100), times: 1)")
}

/// What a database of this setting is put through.
fn of<S: Setting, const DURABLE: bool>(name: &str) -> Vec<(String, Check)> {
    let on = |fs| with::<S, DURABLE>(fs);
    let mut file_systems = file_systems();
    if S::JOURNAL == "TRUNCATE" {
        // See `half_a_truncation`.
        file_systems.retain(|(name, _)| !name.starts_with("posix_strict"));
    }
    let weakest = || file_systems[0].1.clone();
    let mut campaigns = vec![
        (format!("{name}, no faults"), on(weakest())),
        (format!("{name}, a transient error"), on(failing::<S>(weakest(), false))),
        (format!("{name}, errors and power cuts"), on(failing::<S>(weakest(), true)).power_cuts(1)),
    ];
    for (fs, made) in &file_systems {
        campaigns.push((format!("{name}, power cuts, {fs}"), on(made.clone()).power_cuts(2)));
    }
    campaigns
}

/// What a database is put through, and is to stand.
#[must_use]
pub fn campaigns() -> Vec<(String, Check)> {
    [
        of::<Truncate, true>("TRUNCATE and FULL"),
        of::<Persist, true>("PERSIST and FULL"),
        of::<DeleteExtra, true>("DELETE and EXTRA"),
        of::<Delete, false>("DELETE and FULL, the last ones may be lost"),
        of::<Wal, true>("WAL and FULL"),
        of::<WalNormal, false>("WAL and NORMAL, the last ones may be lost"),
    ]
    .concat()
}

/// What it does not stand, and does not promise to: power cuts with less.
#[must_use]
pub fn controls() -> Vec<(&'static str, Check)> {
    let strict = FileSystem::posix_strict;
    vec![
        ("TRUNCATE and OFF", with::<Off, true>(strict()).power_cuts(1)),
        ("WAL and OFF", with::<WalOff, true>(strict()).power_cuts(1)),
        ("DELETE and FULL", with::<Delete, true>(strict()).power_cuts(1)),
        ("WAL and NORMAL", with::<WalNormal, true>(strict()).power_cuts(1)),
    ]
}

/// What is between SQLite and its files does not stand: sqlite-vfs passes on that a file could not
/// be deleted as code 9, `SQLITE_DELETE`, which is no error code; as one it is
/// `SQLITE_INTERRUPT`, after which SQLite goes on as if nothing had happened to its journal.
#[must_use]
pub fn takes_an_error_for_an_interrupt() -> Check {
    let faults = format!("[{}]", error("unlink"));
    with::<DeleteExtra, true>(FileSystem::posix_strict().with("faults", &faults))
}

/// The same of the directory of a file that was deleted: it is gone, and whether for good is unknown.
#[must_use]
pub fn takes_a_directory_for_an_interrupt() -> Check {
    let faults = format!("[{}]", error("sync_dir"));
    with::<DeleteExtra, true>(FileSystem::posix_strict().with("faults", &faults)).power_cuts(1)
}

/// One error of this kind, soon, and a power cut.
#[must_use]
pub fn an_error_of<S: Setting, const DURABLE: bool>(kind: &str) -> Check {
    let faults = format!("[(what: fail(errno: \"EIO\"), on: [{kind}], chance: (1, 10), times: 1)]");
    with::<S, DURABLE>(FileSystem::posix_strict().with("faults", &faults)).power_cuts(1)
}

/// What SQLite does not stand with a log: a commit whose sync fails is not done, and is not seen
/// when the database is opened again; but its frames are in the log. That is deleted when the
/// database is closed, and its directory is not synced: after a power cut the log is back, and with
/// it the commit.
#[must_use]
pub fn brings_back_what_failed() -> Check {
    an_error_of::<Wal, true>("sync_file")
}

/// One sync fails, and this comes of what it should have kept. With `EXTRA` it is one of a file: see
/// [`takes_a_directory_for_an_interrupt`].
#[must_use]
pub fn a_sync_fails<S: Setting, const DURABLE: bool>(data: &str) -> Check {
    let on = if S::SYNCHRONOUS == "EXTRA" { "on: [sync_file, sync_data], " } else { "" };
    let faults = format!("[(what: flush_fails(data: {data}), {on}chance: (1, 10), times: 1)]");
    with::<S, DURABLE>(FileSystem::posix_strict().with("faults", &faults))
}

/// What SQLite does not stand where a journal is cut off to commit: a truncation that leaves its
/// length and takes some of its sectors, which POSIX does not exclude. The journal's checksum looks
/// at every 200th byte of a page, and pages that are half zeroes are taken back into the database.
#[must_use]
pub fn half_a_truncation() -> Check {
    every_state::<Truncate, true>(FileSystem::posix_strict().with("unit", "512"))
}

/// Cuts at every moment of short runs, and every state each can leave, as far as it goes.
#[must_use]
pub fn every_state<S: Setting, const DURABLE: bool>(fs: FileSystem) -> Check {
    with::<S, DURABLE>(fs).operations(3).power_cut_everywhere(3_000)
}
