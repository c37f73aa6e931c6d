//! What was done and is not durable yet.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Inode;
use super::versions::{FileVersions, Touched};

/// A name in a directory.
pub(super) type EntryKey = (Inode, Arc<str>);

/// What was done and is not durable yet.
///
/// Operations on names and lengths that are set are numbered in the order in which they were done.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    /// Operations up to this number are durable, where there is a journal.
    pub committed: u64,
    /// The last number given.
    pub last: u64,
    pub entries: BTreeMap<EntryKey, EntryVersions>,
    /// The two names that one operation changed at once.
    pub renames: BTreeMap<u64, [EntryKey; 2]>,
    pub files: BTreeMap<Inode, Arc<FileVersions>>,
}

/// What a name stood for since it was durable.
#[derive(Clone, Debug)]
pub(super) struct EntryVersions {
    /// What it durably stands for.
    pub base: Option<Inode>,
    /// By which operation it came to stand for what, oldest first.
    pub newer: Vec<(u64, Option<Inode>)>,
}

impl EntryVersions {
    /// Everything it may stand for, newest first, and more than once.
    pub(super) fn values(&self) -> impl Iterator<Item = Option<Inode>> {
        self.newer.iter().rev().map(|(_, value)| *value).chain([self.base])
    }

    /// What it stands for if the journal got to `prefix`.
    pub(super) fn at(&self, prefix: u64) -> Option<Inode> {
        match self.newer.partition_point(|(number, _)| *number <= prefix) {
            0 => self.base,
            count => self.newer[count - 1].1,
        }
    }

    /// Makes the versions up to `number` durable; whether newer ones are left.
    fn fold(&mut self, number: u64) -> bool {
        let count = self.newer.partition_point(|(other, _)| *other <= number);
        if let Some((_, value)) = self.newer.drain(..count).next_back() {
            self.base = value;
        }
        !self.newer.is_empty()
    }
}

/// One name that an operation changes: which, what it stood for, and what it stands for now.
pub(super) type Change = (EntryKey, Option<Inode>, Option<Inode>);

impl Pending {
    /// Numbers the next operation.
    pub(super) const fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// One operation changed these names at once. Its number is returned.
    pub(super) fn change<const N: usize>(&mut self, changes: [Change; N]) -> u64 {
        let number = self.number();
        if let [(one, ..), (other, ..)] = &changes[..] {
            self.renames.insert(number, [one.clone(), other.clone()]);
        }
        for (key, was, is) in changes {
            let fresh = || EntryVersions { base: was, newer: Vec::new() };
            self.entries.entry(key).or_insert_with(fresh).newer.push((number, is));
        }
        number
    }

    /// The journal is committed up to `number`. Returns what files thereby have durable.
    pub(super) fn commit(&mut self, number: u64) -> Vec<(Inode, Touched)> {
        self.committed = self.committed.max(number);
        let committed = self.committed;
        self.entries.retain(|_, versions| versions.fold(committed));
        self.renames = self.renames.split_off(&(committed + 1));
        let mut durable = Vec::new();
        for (inode, versions) in &mut self.files {
            let version = versions.durable(committed);
            if version > 0 {
                durable.push((*inode, Arc::make_mut(versions).forget(version)));
            }
        }
        self.files.retain(|_, versions| !versions.is_durable());
        durable
    }

    /// What was done in a directory is durable.
    pub(super) fn sync_directory(&mut self, directory: Inode) {
        let mut numbers = Vec::new();
        for (key, versions) in &self.entries {
            if key.0 == directory {
                numbers.extend(versions.newer.iter().map(|(number, _)| (*number, key.clone())));
            }
        }
        // A rename is durable whole, also if what it did here is hidden by something later.
        for (number, keys) in &self.renames {
            if keys.iter().any(|key| key.0 == directory) {
                numbers.push((*number, keys[0].clone()));
            }
        }
        self.make_durable(numbers);
    }

    /// The name that a file has now is durable.
    pub(super) fn sync_name(&mut self, inode: Inode) {
        let mut numbers = Vec::new();
        for (key, versions) in &self.entries {
            if let Some((number, value)) = versions.newer.last()
                && *value == Some(inode)
            {
                numbers.push((*number, key.clone()));
            }
        }
        self.make_durable(numbers);
    }

    /// Makes single operations durable, and with each all names it changed: where there is no
    /// journal, nothing else.
    fn make_durable(&mut self, numbers: Vec<(u64, EntryKey)>) {
        for (number, key) in numbers {
            let both = self.renames.remove(&number);
            for key in both.into_iter().flatten().chain([key]) {
                let Some(versions) = self.entries.get_mut(&key) else { continue };
                if !versions.fold(number) {
                    self.entries.remove(&key);
                }
            }
        }
        let entries = &self.entries;
        let is_pending = |key: &EntryKey, number: u64| {
            let newer = entries.get(key).map(|versions| versions.newer.as_slice());
            newer.is_some_and(|newer| newer.binary_search_by_key(&number, |(n, _)| *n).is_ok())
        };
        self.renames.retain(|number, keys| keys.iter().any(|key| is_pending(key, *number)));
    }

    /// Everything is durable.
    pub(super) fn settle(&mut self) -> Vec<(Inode, Touched)> {
        let files = core::mem::take(&mut self.files);
        *self = Self { committed: self.last, last: self.last, ..Self::default() };
        files.iter().map(|(inode, versions)| (*inode, versions.all_touched())).collect()
    }
}
