//! What databases that speak SQL have in common: transactions on one table, and its model.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use headcrash::Model;
use serde::{Deserialize, Serialize};

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
    /// What is in the log is carried over.
    Checkpoint(Checkpoint),
}

/// How far a checkpoint goes: `PRAGMA wal_checkpoint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Arbitrary)]
pub enum Checkpoint {
    /// As far as nobody is in the way.
    Passive,
    /// All of it.
    Full,
    /// All of it, and the log begins again.
    Restart,
    /// All of it, and the log is cut off.
    Truncate,
}

impl Checkpoint {
    /// What asks for it.
    #[must_use]
    pub fn sql(self) -> &'static str {
        match self {
            Self::Passive => "PRAGMA wal_checkpoint(PASSIVE)",
            Self::Full => "PRAGMA wal_checkpoint(FULL)",
            Self::Restart => "PRAGMA wal_checkpoint(RESTART)",
            Self::Truncate => "PRAGMA wal_checkpoint(TRUNCATE)",
        }
    }
}

/// How long a value is, and the byte it is made of.
pub type Value = (u16, Option<u8>);

/// What is in the table. Without `DURABLE` a power cut may take transactions that were committed,
/// the last ones first. Checkpoints are drawn for `CHECKPOINTS`: where there are none by
/// themselves.
#[derive(Clone, Debug, Default)]
pub struct Table<const DURABLE: bool, const CHECKPOINTS: bool = false>(BTreeMap<u8, Value>);

impl<const DURABLE: bool, const CHECKPOINTS: bool> Model for Table<DURABLE, CHECKPOINTS> {
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
            Op::Rollback(_) | Op::Reopen | Op::Checkpoint(_) => None,
            Op::Get { key } => self.0.get(key).copied(),
        }
    }

    fn view(&self) -> BTreeMap<u8, Value> {
        self.0.clone()
    }

    /// A commit is, if it writes something. One that does not syncs nothing, like a read: it can be
    /// acknowledged while what a failed commit left is seen, and can be lost.
    fn is_durable(&self, op: &Op) -> bool {
        let writes = |change: &Change| match change {
            Change::Insert { .. } => true,
            Change::Delete { key } => self.0.contains_key(key),
        };
        DURABLE && matches!(op, Op::Commit(changes) if changes.iter().any(writes))
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
        Ok(match bytes.int_in_range(0..=if CHECKPOINTS { 10 } else { 9 })? {
            10 => Op::Checkpoint(bytes.arbitrary()?),
            0 => Op::Get { key: bytes.int_in_range(0..=9)? },
            1 => Op::Rollback(changes),
            2 => Op::Reopen,
            _ => Op::Commit(changes),
        })
    }
}

/// What is seen of a value.
#[must_use]
pub fn seen(value: &[u8]) -> Value {
    let fill = value.first().copied().filter(|first| value.iter().all(|byte| byte == first));
    (value.len() as u16, fill)
}
