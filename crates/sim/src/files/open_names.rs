//! Names that a power cut left open, and how renames tie them together.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::Inode;
use super::pending::{EntryKey, EntryVersions};

/// Names that a power cut left open, and how renames tie them together.
#[derive(Clone, Debug)]
pub(super) struct OpenNames {
    entries: BTreeMap<EntryKey, OpenEntry>,
    /// The two names that one operation changed at once.
    renames: BTreeMap<u64, [EntryKey; 2]>,
}

#[derive(Clone, Debug)]
struct OpenEntry {
    versions: Arc<EntryVersions>,
    /// What was found. It is kept because it bears on names renamed from or to this one.
    found: Option<Option<Inode>>,
}

impl OpenNames {
    /// All of these are open.
    pub(super) fn new(
        entries: BTreeMap<EntryKey, EntryVersions>,
        renames: BTreeMap<u64, [EntryKey; 2]>,
    ) -> Self {
        let open = |versions| OpenEntry { versions: Arc::new(versions), found: None };
        let entries = entries.into_iter().map(|(key, versions)| (key, open(versions))).collect();
        Self { entries, renames }
    }

    pub(super) fn is_open(&self, key: &EntryKey) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.found.is_none())
    }

    /// The open names of a directory, in order.
    pub(super) fn open_in(&self, directory: Inode) -> impl Iterator<Item = &EntryKey> {
        let from = (directory, Arc::from(""));
        let here =
            self.entries.range(from..).take_while(move |((other, _), _)| *other == directory);
        here.filter(|(_, entry)| entry.found.is_none()).map(|(key, _)| key)
    }

    /// All open names.
    pub(super) fn open(&self) -> impl Iterator<Item = (&EntryKey, &EntryVersions)> {
        let open = self.entries.iter().filter(|(_, entry)| entry.found.is_none());
        open.map(|(key, entry)| (key, &*entry.versions))
    }

    /// What an open name can stand for.
    pub(super) fn versions(&self, key: &EntryKey) -> &EntryVersions {
        &self.entries[key].versions
    }

    /// It is not open any more, but bears on other names.
    pub(super) fn found(&mut self, key: &EntryKey, value: Option<Inode>) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.found = Some(value);
        }
    }

    /// It is not open any more, and nothing hangs on it.
    pub(super) fn remove(&mut self, key: &EntryKey) {
        self.entries.remove(key);
    }

    /// Forgets open names in directories that nothing can lead to any more.
    pub(super) fn retain(&mut self, is_needed: impl Fn(Inode) -> bool) {
        // What was found of a name may bear on others, wherever it was.
        self.entries.retain(|(directory, _), entry| entry.found.is_some() || is_needed(*directory));
    }

    /// The names that renames tie to this one, itself included.
    pub(super) fn related<'a>(&'a self, key: &'a EntryKey) -> BTreeSet<&'a EntryKey> {
        let mut related = BTreeSet::from([key]);
        let mut new = vec![key];
        while let Some(key) = new.pop() {
            let numbers = self.entries[key].versions.newer.iter().map(|(number, _)| number);
            for other in numbers.filter_map(|number| self.renames.get(number)).flatten() {
                if self.entries.contains_key(other) && related.insert(other) {
                    new.push(other);
                }
            }
        }
        related
    }

    /// Whether some set of operations that survive explains what was found of `related`, and
    /// `value` at `key`.
    ///
    /// From the newest operation back, one that contradicts nothing may as well have survived: it
    /// explains the names it changed, and whatever it hides is then free. So one walk decides.
    pub(super) fn is_possible(
        &self,
        related: &BTreeSet<&EntryKey>,
        key: &EntryKey,
        value: Option<Inode>,
    ) -> bool {
        let mut unexplained = BTreeMap::new();
        let mut operations = BTreeMap::<u64, Vec<(&EntryKey, Option<Inode>)>>::new();
        for other in related {
            let entry = &self.entries[*other];
            if let Some(found) = if *other == key { Some(value) } else { entry.found } {
                unexplained.insert(*other, found);
            }
            for (number, becomes) in &entry.versions.newer {
                operations.entry(*number).or_default().push((*other, *becomes));
            }
        }
        for changes in operations.values().rev() {
            let agrees = |(key, becomes): &(&EntryKey, _)| {
                unexplained.get(key).is_none_or(|found| found == becomes)
            };
            if changes.iter().all(agrees) {
                for (key, _) in changes {
                    unexplained.remove(key);
                }
            }
        }
        unexplained.iter().all(|(key, found)| self.entries[*key].versions.base == *found)
    }
}
