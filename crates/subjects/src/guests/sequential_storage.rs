//! The map of sequential-storage: keys and values on NOR flash, by async code.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use headcrash::{AsyncSubject, Check, Disk, Fallible, Model, Storage, check_async};
use serde::{Deserialize, Serialize};

use crate::adapters::nor_flash::Nor;
use crate::adapters::sequential_storage::{Map, PAGE, WORD};

/// Pages of the flash. They are few and small, and so are keys: pages are soon used again.
const PAGES: u32 = 4;
/// Keys are below this.
const KEYS: u8 = 3;
/// No value is longer, in bytes: all of them fit into a page.
const LONGEST: u8 = 100;

/// What a map is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// A key gets a value of `len` bytes, all alike.
    Store {
        /// The key.
        key: u8,
        /// Bytes of the value.
        len: u8,
        /// Each of them.
        fill: u8,
    },
    /// A key goes.
    Remove {
        /// The key.
        key: u8,
    },
    /// One value.
    Fetch {
        /// Of this key.
        key: u8,
    },
}

/// What is in the map.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<u8, Vec<u8>>);

impl Model for Values {
    type Op = Op;
    type Reply = Option<Vec<u8>>;
    type View = BTreeMap<u8, Vec<u8>>;

    fn apply(&mut self, op: &Op) -> Option<Vec<u8>> {
        match *op {
            Op::Store { key, len, fill } => {
                self.0.insert(key, vec![fill; len.into()]);
                None
            }
            Op::Remove { key } => {
                self.0.remove(&key);
                None
            }
            Op::Fetch { key } => self.0.get(&key).cloned(),
        }
    }

    fn view(&self) -> BTreeMap<u8, Vec<u8>> {
        self.0.clone()
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        let key = bytes.int_in_range(0..=KEYS - 1)?;
        Ok(match bytes.int_in_range(0..=9)? {
            0 => Op::Fetch { key },
            1..=3 => Op::Remove { key },
            _ => {
                let len = bytes.int_in_range(1..=LONGEST)?;
                Op::Store { key, len, fill: bytes.arbitrary()? }
            }
        })
    }
}

/// A map.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct SequentialMap(Map);

impl AsyncSubject for SequentialMap {
    type Model = Values;
    const NAME: &'static str = "sequential-storage";

    async fn open(storage: &Storage) -> Fallible<Self> {
        Ok(Self(Map::new(Nor::new(storage.flash("flash")), PAGES)))
    }

    async fn apply(&mut self, op: &Op) -> Fallible<Option<Vec<u8>>> {
        match *op {
            Op::Store { key, len, fill } => {
                self.0.store(key, &vec![fill; len.into()]).await?;
                Ok(None)
            }
            Op::Remove { key } => {
                self.0.remove(key).await?;
                Ok(None)
            }
            Op::Fetch { key } => self.0.fetch(key).await,
        }
    }

    async fn show(&mut self) -> Fallible<BTreeMap<u8, Vec<u8>>> {
        let mut values = BTreeMap::new();
        for key in 0..KEYS {
            if let Some(value) = self.0.fetch(key).await? {
                values.insert(key, value);
            }
        }
        Ok(values)
    }
}

/// Flash on which words may be written twice, as the crate asks for, and a power cut leaves this of
/// what is under way.
fn flash(program: &str, erase: &str) -> Disk {
    let medium = format!(
        "nor_flash(program_unit: {WORD}, erase_block: {PAGE}, programs: 0, \
         interrupted_program: {program}, interrupted_erase: {erase})"
    );
    Disk::new(u64::from(PAGES) * PAGE as u64).with("medium", &medium)
}

/// What a map is put through.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let of = |program, erase, operations| {
        check_async::<SequentialMap>().disk("flash", flash(program, erase)).operations(operations)
    };
    let error = |on: &str, applied: &str| {
        format!("(action: fail(errno: \"EIO\"{applied}), on: [{on}], chance: (1, 100), times: 1)")
    };
    vec![
        ("no faults", of("old_or_new", "old_or_new", 100)),
        ("power cuts between words", of("prefix_of_units", "old_or_new", 60).power_cuts(3)),
        ("power cuts inside words", of("any_bits", "old_or_new", 60).power_cuts(3)),
        ("power cuts inside erases", of("prefix_of_units", "any_bits", 60).power_cuts(3)),
        (
            "a transient error",
            of("prefix_of_units", "old_or_new", 60)
                .rule(&error("read", ""))
                .rule(&error("write", ""))
                .rule(&error("write", ", applied: all")),
        ),
        (
            "a wrong read",
            of("prefix_of_units", "old_or_new", 60)
                .rule("(action: corrupt_read(bits: 1), on: [read], chance: (1, 200), times: 1)"),
        ),
    ]
}
