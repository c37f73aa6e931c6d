//! turso_core: a table in a log, with full synchronisation.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use ::turso_core::storage::database::DatabaseFile;
use ::turso_core::{Connection, IO, OpenFlags, Value as Cell};
use headcrash::{Check, Fallible, FileSystem, Storage, Subject, check};
use headcrash_io::{Directory, File};

use super::sql::{Change, Op, Table, Value, seen};
use crate::adapters::turso_core::Files;

/// A database. One that has met an error is opened anew before it is used again.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Turso {
    storage: Storage,
    connection: Option<Arc<Connection>>,
}

/// The database. One that was never made, or whose making was cut off, has no log: then there is
/// nothing to lose, and it is made anew. turso_core refuses a file of zeroes.
fn open(storage: &Storage) -> Fallible<Arc<Connection>> {
    let files = storage.files("fs");
    let has_log = files.exists("db-wal")? && files.len_of("db-wal")? > 0;
    if files.exists("db")? && !has_log && files.len_of("db")? <= 4096 {
        files.open("db")?.set_len(0)?;
    }
    let io: Arc<dyn IO> = Arc::new(Files(files));
    let file = Arc::new(DatabaseFile::new(io.open_file("db", OpenFlags::Create, true)?));
    let connection = crate::opened(io, file)?.connect()?;
    connection.execute("PRAGMA synchronous = FULL")?;
    connection.execute("PRAGMA temp_store = MEMORY")?;
    connection.execute("CREATE TABLE IF NOT EXISTS t (key INTEGER PRIMARY KEY, value BLOB)")?;
    Ok(connection)
}

/// A change in SQL.
fn sql(change: &Change) -> String {
    match *change {
        Change::Insert { key, len, fill } => {
            let mut bytes = String::new();
            for _ in 0..len {
                write!(bytes, "{fill:02x}").expect("a string grows");
            }
            format!("INSERT OR REPLACE INTO t VALUES ({key}, x'{bytes}')")
        }
        Change::Delete { key } => format!("DELETE FROM t WHERE key = {key}"),
    }
}

fn rows(connection: &Arc<Connection>, query: &str) -> Fallible<Vec<Vec<Cell>>> {
    Ok(connection.prepare(query)?.run_collect_rows()?)
}

fn blob(cell: &Cell) -> Value {
    seen(cell.to_blob().expect("values are blobs"))
}

impl Turso {
    fn connection(&mut self) -> Fallible<Arc<Connection>> {
        if self.connection.is_none() {
            self.connection = Some(open(&self.storage)?);
        }
        Ok(self.connection.clone().expect("it is open"))
    }

    fn close_it(&mut self) -> Fallible<()> {
        Ok(self.connection.take().map_or(Ok(()), |connection| connection.close())?)
    }

    fn try_apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        if let Op::Reopen = op {
            self.close_it()?;
        }
        let connection = self.connection()?;
        match op {
            Op::Commit(changes) | Op::Rollback(changes) => {
                connection.execute("BEGIN")?;
                for change in changes {
                    connection.execute(sql(change))?;
                }
                let commits = matches!(op, Op::Commit(_));
                connection.execute(if commits { "COMMIT" } else { "ROLLBACK" })?;
                Ok(None)
            }
            Op::Get { key } => {
                let found = rows(&connection, &format!("SELECT value FROM t WHERE key = {key}"))?;
                Ok(found.first().map(|row| blob(&row[0])))
            }
            Op::Checkpoint(kind) => {
                rows(&connection, kind.sql())?;
                Ok(None)
            }
            Op::Reopen => Ok(None),
        }
    }

    fn try_show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        let connection = self.connection()?;
        let check = rows(&connection, "PRAGMA integrity_check")?;
        let said: Vec<_> = check.iter().map(|row| row[0].to_string()).collect();
        assert_eq!(said, ["ok"], "the database finds itself damaged");
        let rows = rows(&connection, "SELECT key, value FROM t")?;
        let key = |cell: &Cell| cell.as_int().expect("keys are integers") as u8;
        Ok(rows.iter().map(|row| (key(&row[0]), blob(&row[1]))).collect())
    }
}

impl Subject for Turso {
    type Model = Table<true, true>;
    const NAME: &'static str = "turso_core";

    fn open(storage: &Storage) -> Fallible<Self> {
        let connection = Some(open(storage)?);
        Ok(Self { storage: storage.clone(), connection })
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

/// What a database is put through. It panics when a sync fails, and says so: others do here.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let on = |fs: FileSystem| check::<Turso>().operations(12).file_system("fs", fs);
    let strict = FileSystem::posix_strict;
    let ext4 = FileSystem::ext4_ordered;
    let error =
        |on: &str| format!("(what: fail(errno: \"EIO\"), on: [{on}], chance: (1, 100), times: 1)");
    let kinds = ["read_file", "write_file", "set_len", "create_file", "file_len"];
    let failing =
        |fs: FileSystem| on(fs.with("faults", &format!("[{}]", kinds.map(error).join(", "))));
    vec![
        ("no faults", on(strict())),
        ("power cuts, ext4_ordered", on(ext4()).power_cuts(2)),
        ("power cuts, posix_strict", on(strict()).power_cuts(2)),
        ("every state, ext4_ordered", on(ext4()).operations(3).power_cut_everywhere(3_000)),
        ("a transient error", failing(ext4())),
        ("errors and power cuts", failing(ext4()).power_cuts(1)),
    ]
}
