//! raft-engine: keys and values of one group, in log files.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::raft_engine::{Config, Engine, LogBatch, ReadableSize};
use arbitrary::{Arbitrary, Unstructured};
use headcrash::{Check, Fallible, FileSystem, Model, SimFiles, Storage, Subject, check};
use protobuf::well_known_types::BytesValue;
use serde::{Deserialize, Serialize};

use crate::adapters::raft_engine::Files;

/// Keys are below this.
const KEYS: u8 = 6;
/// The group whose keys they are.
const GROUP: u64 = 1;

/// What is done to a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Arbitrary)]
pub enum Change {
    /// It gets a value of `len` bytes, all alike.
    Put {
        /// The key.
        key: u8,
        /// Bytes of the value.
        len: u16,
        /// Each of them.
        fill: u8,
    },
    /// It goes.
    Delete {
        /// The key.
        key: u8,
    },
}

/// What an engine is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// All of these or none, and durable.
    Write(Vec<Change>),
    /// One value.
    Get {
        /// Of this key.
        key: u8,
    },
    /// The engine is closed and opened.
    Reopen,
}

/// What is in the engine.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<u8, Vec<u8>>);

/// A value, by what is seen of it: how long it is, and the byte it is made of.
pub type Value = (usize, Option<u8>);

fn seen(value: &[u8]) -> Value {
    let fill = value.first().copied().filter(|first| value.iter().all(|byte| byte == first));
    (value.len(), fill)
}

impl Model for Values {
    type Op = Op;
    type Reply = Option<Value>;
    type View = BTreeMap<u8, Value>;

    fn apply(&mut self, op: &Op) -> Option<Value> {
        match op {
            Op::Write(changes) => {
                for change in changes {
                    match *change {
                        Change::Put { key, len, fill } => {
                            self.0.insert(key, vec![fill; len.into()]);
                        }
                        Change::Delete { key } => _ = self.0.remove(&key),
                    }
                }
                None
            }
            Op::Get { key } => self.0.get(key).map(|value| seen(value)),
            Op::Reopen => None,
        }
    }

    fn view(&self) -> BTreeMap<u8, Value> {
        self.0.iter().map(|(key, value)| (*key, seen(value))).collect()
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        Ok(match bytes.int_in_range(0..=9)? {
            0 | 1 => Op::Get { key: bytes.int_in_range(0..=KEYS - 1)? },
            2 => Op::Reopen,
            _ => {
                let count = bytes.int_in_range(1..=4)?;
                Op::Write((0..count).map(|_| change(bytes)).collect::<Result<_, _>>()?)
            }
        })
    }
}

fn change(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Change> {
    let key = bytes.int_in_range(0..=KEYS - 1)?;
    if bytes.ratio(1, 4)? {
        return Ok(Change::Delete { key });
    }
    Ok(Change::Put { key, len: bytes.int_in_range(0..=300)?, fill: bytes.arbitrary()? })
}

/// An engine. One that could not be opened again is, when it is asked next.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Raft {
    storage: Storage,
    engine: Option<Engine<Files<SimFiles>>>,
}

impl Raft {
    fn engine(&mut self) -> Fallible<&Engine<Files<SimFiles>>> {
        if self.engine.is_none() {
            self.engine = Some(open(&self.storage)?);
        }
        Ok(self.engine.as_ref().expect("it is open"))
    }

    fn get(&mut self, key: u8) -> Fallible<Option<Value>> {
        let value = self.engine()?.get_message::<BytesValue>(GROUP, &[key])?;
        Ok(value.map(|value| seen(&value.value)))
    }
}

fn open(storage: &Storage) -> Fallible<Engine<Files<SimFiles>>> {
    let files = Files::new(storage.files("fs"))?;
    let config = Config {
        dir: files.directory(),
        // Enough for one file: errors in the middle of a change of files end the process.
        target_file_size: ReadableSize::kb(256),
        recovery_threads: 1,
        ..Config::default()
    };
    Ok(Engine::open_with_file_system(config, Arc::new(files))?)
}

impl Subject for Raft {
    type Model = Values;
    const NAME: &'static str = "raft-engine";

    fn open(storage: &Storage) -> Fallible<Self> {
        Ok(Self { storage: storage.clone(), engine: Some(open(storage)?) })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Option<Value>> {
        match op {
            Op::Write(changes) => {
                let mut batch = LogBatch::default();
                for change in changes {
                    match *change {
                        Change::Put { key, len, fill } => {
                            let mut value = BytesValue::new();
                            value.value = vec![fill; len.into()];
                            batch.put_message(GROUP, vec![key], &value)?;
                        }
                        Change::Delete { key } => _ = batch.delete(GROUP, vec![key]),
                    }
                }
                self.engine()?.write(&mut batch, true)?;
                Ok(None)
            }
            Op::Get { key } => self.get(*key),
            Op::Reopen => {
                self.engine = None;
                self.engine()?;
                Ok(None)
            }
        }
    }

    fn show(&mut self) -> Fallible<BTreeMap<u8, Value>> {
        let mut values = BTreeMap::new();
        for key in 0..KEYS {
            if let Some(value) = self.get(key)? {
                values.insert(key, value);
            }
        }
        Ok(values)
    }
}

/// What an engine is put through. It panics when a sync fails, and says so: only writes do here.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let on = |fs: FileSystem| check::<Raft>().operations(20).file_system("fs", fs);
    let strict = FileSystem::posix_strict;
    let errors = "[(what: fail(errno: \"EIO\"), on: [write_file], chance: (1, 8), times: 2), \
                   (what: short(bytes: 16), on: [write_file], chance: (1, 4), times: 4)]";
    vec![
        ("no faults", on(strict())),
        ("power cuts", on(strict()).power_cuts(2)),
        ("errors of writes", on(strict().with("faults", errors))),
    ]
}
