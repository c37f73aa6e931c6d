//! One concrete state of files and directories, as plain maps.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::script::Tree;

/// Bytes in a unit.
pub(super) const UNIT: u64 = 4;

/// A directory, and a name in it.
pub(super) type Name = (u32, String);

/// A concrete state.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    pub names: BTreeMap<Name, u32>,
    pub directories: BTreeSet<u32>,
    pub lengths: BTreeMap<u32, u64>,
    pub units: BTreeMap<(u32, u64), Vec<u8>>,
    pub last: u32,
}

/// What an operation does to it.
#[derive(Clone, Debug)]
pub(super) enum What {
    Names(Vec<(Name, Option<u32>)>),
    Length(u32, u64),
    Unit(u32, u64, Vec<u8>),
    /// A length and units in one.
    Both(u32, u64, Vec<(u64, Vec<u8>)>),
    /// The length with which everything was known to have its data.
    Settled(u32, u64),
}

impl State {
    pub(super) fn find(&self, path: &str) -> Option<u32> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_fold(0, |directory, name| self.names.get(&(directory, name.to_string())).copied())
    }

    pub(super) fn name(&self, path: &str) -> Option<Name> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let directory = self.find(directory)?;
        (directory == 0 || self.directories.contains(&directory))
            .then(|| (directory, name.to_string()))
    }

    pub(super) fn unit(&self, file: u32, unit: u64) -> Vec<u8> {
        self.units.get(&(file, unit)).cloned().unwrap_or_else(|| vec![0; UNIT as usize])
    }

    pub(super) fn is_empty(&self, directory: u32) -> bool {
        self.names.keys().all(|(other, _)| *other != directory)
    }

    pub(super) fn apply(&mut self, what: &What) {
        match what {
            What::Names(names) => {
                for (name, inode) in names {
                    match inode {
                        Some(inode) => self.names.insert(name.clone(), *inode),
                        None => self.names.remove(name),
                    };
                }
            }
            What::Length(file, len) => _ = self.lengths.insert(*file, *len),
            What::Unit(file, unit, bytes) => _ = self.units.insert((*file, *unit), bytes.clone()),
            What::Both(file, len, units) => {
                self.lengths.insert(*file, *len);
                for (unit, bytes) in units {
                    self.units.insert((*file, *unit), bytes.clone());
                }
            }
            What::Settled(..) => {}
        }
    }

    pub(super) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        let mut directories = vec![(0, "/".to_string())];
        while let Some((directory, path)) = directories.pop() {
            for ((_, name), inode) in self.names.iter().filter(|((of, _), _)| *of == directory) {
                let path = path.clone() + name;
                let content = if self.directories.contains(inode) {
                    directories.push((*inode, path.clone() + "/"));
                    None
                } else {
                    let len = self.lengths.get(inode).copied().unwrap_or(0);
                    let units = (0..len.div_ceil(UNIT)).flat_map(|unit| self.unit(*inode, unit));
                    Some(units.take(len as usize).collect())
                };
                tree.insert(path, (*inode, content));
            }
        }
        tree
    }

    /// What can be seen, and nothing else: what was cut off or cannot be reached is gone.
    pub(super) fn seen(mut self) -> Self {
        let reached: BTreeSet<u32> = self.tree().values().map(|(inode, _)| *inode).collect();
        self.names.retain(|(directory, _), _| *directory == 0 || reached.contains(directory));
        self.lengths.retain(|file, _| reached.contains(file));
        let lengths = self.lengths.clone();
        self.units.retain(|(file, unit), bytes| {
            let held = lengths.get(file).copied().unwrap_or(0).saturating_sub(unit * UNIT);
            bytes.iter_mut().skip(held as usize).for_each(|byte| *byte = 0);
            bytes.iter().any(|byte| *byte != 0)
        });
        self
    }
}
