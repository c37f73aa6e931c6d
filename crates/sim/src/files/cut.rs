//! What a power cut left open, and which answers are still possible.
//!
//! Let the *places* be names, lengths and units of data. Without a journal they are independent,
//! but for names that one rename changed. With a journal everything that follows from how far it
//! got hangs on one number; given that number, files are independent of each other, and given the
//! length of a file, so are its units. That is why it is enough to keep which numbers are still
//! possible: whatever is, every other place can be found in some state with it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::open_names::OpenNames;
use super::pending::{EntryKey, EntryVersions, Pending};
use super::prefixes::Prefixes;
use super::versions::{Chain, FileVersions, Touched};
use super::{FileContract, Inode};

/// What a power cut left open.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    contract: FileContract,
    prefixes: Prefixes,
    names: OpenNames,
    files: BTreeMap<Inode, Arc<OpenFile>>,
}

#[derive(Clone, Debug)]
struct OpenFile {
    versions: Arc<FileVersions>,
    length: Option<Arc<FoundLength>>,
    /// Units that are not open any more.
    settled: BTreeSet<u64>,
    settled_ranges: Vec<Range<u64>>,
}

/// The length that was found.
#[derive(Debug)]
struct FoundLength {
    len: u64,
    /// The versions that have it, oldest first.
    same: Vec<u32>,
    /// All versions.
    chain: Chain,
}

/// One state in which a place can be found, and how far the journal may have got then.
#[derive(Clone, Debug)]
pub(super) struct Candidate<T> {
    pub value: T,
    prefixes: Prefixes,
}

/// What can be found of one unit of data: bytes, or `None` for what was there before.
pub(super) type UnitCandidate = Candidate<Option<Vec<u8>>>;

impl Cut {
    /// What is open once the power is gone; `None` if nothing is.
    pub(super) fn new(pending: Pending, contract: &FileContract) -> Option<Self> {
        if pending.entries.is_empty() && pending.files.is_empty() {
            return None;
        }
        let open_file = |versions: Arc<FileVersions>| {
            let has_one_length = versions.lengths().versions.len() == 1;
            let length =
                has_one_length.then(|| FoundLength::new(&versions, versions.image(0).len()));
            let (settled, settled_ranges) = (BTreeSet::new(), Vec::new());
            Arc::new(OpenFile { versions, length, settled, settled_ranges })
        };
        let has_journal = contract.journal().is_some();
        let range = if has_journal { pending.committed..=pending.last } else { 0..=0 };
        Some(Self {
            contract: *contract,
            prefixes: Prefixes::range(range),
            names: OpenNames::new(pending.entries, pending.renames),
            files: pending.files.into_iter().map(|(inode, of)| (inode, open_file(of))).collect(),
        })
    }

    // Names.

    pub(super) fn is_entry_open(&self, key: &EntryKey) -> bool {
        self.names.is_open(key)
    }

    /// The open names of a directory, in order.
    pub(super) fn open_entries(&self, directory: Inode) -> impl Iterator<Item = &EntryKey> {
        self.names.open_in(directory)
    }

    /// Everything that an open name can be found to stand for, newest first.
    pub(super) fn entry_candidates(&self, key: &EntryKey) -> Vec<Candidate<Option<Inode>>> {
        let versions = self.names.versions(key);
        let mut candidates = Vec::<Candidate<_>>::new();
        for value in versions.values() {
            if candidates.iter().all(|candidate| candidate.value != value) {
                candidates.push(Candidate { value, prefixes: Prefixes::default() });
            }
        }
        let mut durable = versions.base;
        if self.has_journal() {
            durable = self.prefixes.iter().next().map_or(durable, |prefix| versions.at(prefix));
            for prefix in self.prefixes.iter() {
                let value = versions.at(prefix);
                let same = candidates.iter_mut().find(|candidate| candidate.value == value);
                same.expect("it is one of the values").prefixes.push(prefix);
            }
            candidates.retain(|candidate| !candidate.prefixes.is_empty());
        } else {
            let related = self.names.related(key);
            candidates.retain(|candidate| self.names.is_possible(&related, key, candidate.value));
            for candidate in &mut candidates {
                candidate.prefixes.clone_from(&self.prefixes);
            }
        }
        if let Some(durable) = candidates.iter().position(|candidate| candidate.value == durable) {
            put_last(&mut candidates, durable);
        }
        candidates
    }

    pub(super) fn found_entry(&mut self, key: &EntryKey, found: Candidate<Option<Inode>>) {
        self.prefixes = found.prefixes;
        if self.has_journal() {
            // What it says about other names is in the prefixes.
            self.names.remove(key);
        } else {
            self.names.found(key, found.value);
        }
    }

    // Lengths.

    pub(super) fn is_length_open(&self, inode: Inode) -> bool {
        self.files.get(&inode).is_some_and(|file| file.length.is_none())
    }

    /// Every length, in bytes, that a file can be found to have, newest first.
    pub(super) fn length_candidates(&self, inode: Inode) -> Vec<Candidate<u64>> {
        let versions = &self.files[&inode].versions;
        let chain = versions.lengths();
        let length = |index: usize| versions.image(chain.versions[index].number).len();
        let mut candidates = Vec::<Candidate<u64>>::new();
        let group: Vec<usize> = grouped(&mut candidates, chain.versions.len(), length);
        self.spread(&mut candidates, |prefix, reach| {
            let (oldest, newest) = chain.bounds(prefix);
            group[oldest..=newest].iter().for_each(|group| reach(*group));
        });
        candidates
    }

    pub(super) fn found_length(&mut self, inode: Inode, found: Candidate<u64>) {
        self.prefixes = found.prefixes;
        let Some(file) = self.files.get_mut(&inode) else { return };
        let file = Arc::make_mut(file);
        file.length = Some(FoundLength::new(&file.versions, found.value));
    }

    /// The length that was found, if a file was touched before this cut.
    pub(super) fn length(&self, inode: Inode) -> Option<u64> {
        Some(self.files.get(&inode)?.length.as_ref()?.len)
    }

    // Data.

    pub(super) fn is_unit_open(&self, inode: Inode, unit: u64) -> bool {
        let start = unit * self.contract.unit as u64;
        let is_seen = self.length(inode).is_none_or(|len| start < len);
        is_seen && self.files.get(&inode).is_some_and(|file| file.is_open(unit))
    }

    /// Everything that the first `len` bytes of a unit can be found to be, newest first. If
    /// `below`, what was durable is open itself, because an earlier power cut left it so, and is
    /// `None`.
    ///
    /// Only asked when the length was found: what is past it cannot be seen.
    pub(super) fn unit_candidates(
        &self,
        inode: Inode,
        unit: u64,
        len: usize,
        below: bool,
    ) -> Vec<UnitCandidate> {
        let file = &self.files[&inode];
        let chain = file.versions.unit(unit);
        let bytes = |index: usize| match chain.versions[index].number {
            0 if below => None,
            number => {
                let mut bytes = vec![0; len];
                file.versions.read(number, unit, &mut bytes);
                Some(bytes)
            }
        };
        let mut candidates = Vec::<UnitCandidate>::new();
        let group = grouped(&mut candidates, chain.versions.len(), bytes);
        let length = file.length.as_ref().expect("the length was found before");
        self.spread(&mut candidates, |prefix, reach| {
            let (mut oldest, newest) = chain.bounds(prefix);
            if self.contract.length_after_data {
                // Of the versions with that length the oldest asks least of the data.
                let length = length.oldest(prefix);
                oldest = oldest.max(file.versions.oldest_under(length, unit, &chain));
            }
            group[oldest..=newest].iter().for_each(|group| reach(*group));
        });
        candidates
    }

    pub(super) fn found_unit(&mut self, inode: Inode, unit: u64, found: UnitCandidate) {
        self.prefixes = found.prefixes;
        self.settle_unit(inode, unit);
    }

    /// The unit is not open any more.
    pub(super) fn settle_unit(&mut self, inode: Inode, unit: u64) {
        if self.is_unit_open(inode, unit) {
            let file = self.files.get_mut(&inode).expect("it has an open unit");
            Arc::make_mut(file).settled.insert(unit);
        }
    }

    pub(super) fn has_file(&self, inode: Inode) -> bool {
        self.files.contains_key(&inode)
    }

    /// These units are durable as they were written after the cut.
    pub(super) fn settle_units(&mut self, inode: Inode, touched: &Touched) {
        if let Some(file) = self.files.get_mut(&inode) {
            let file = Arc::make_mut(file);
            let open = touched.units.iter().filter(|unit| file.versions.touches(**unit));
            file.settled.extend(open);
            file.settled_ranges.extend(touched.ranges.iter().cloned());
        }
    }

    /// For every prefix that is possible, `reached` names the candidates it goes with, durable
    /// ones first; those that go with none are not candidates.
    fn spread<T>(
        &self,
        candidates: &mut Vec<Candidate<T>>,
        reached: impl Fn(u64, &mut dyn FnMut(usize)),
    ) {
        let mut last = vec![None; candidates.len()];
        let mut durable = None;
        for prefix in self.prefixes.iter() {
            reached(prefix, &mut |group| {
                durable.get_or_insert(group);
                if last[group].replace(prefix) != Some(prefix) {
                    candidates[group].prefixes.push(prefix);
                }
            });
        }
        let newer = &candidates[..durable.unwrap_or(0)];
        let durable = newer.iter().filter(|candidate| !candidate.prefixes.is_empty()).count();
        candidates.retain(|candidate| !candidate.prefixes.is_empty());
        put_last(candidates, durable);
    }

    // All of it.

    /// The names that are open, and what they can stand for.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&EntryKey, &EntryVersions)> {
        self.names.open()
    }

    /// Forgets what nothing can lead to any more.
    pub(super) fn retain(&mut self, is_needed: impl Fn(Inode) -> bool) {
        self.names.retain(&is_needed);
        self.files.retain(|inode, _| is_needed(*inode));
    }

    /// How much is open, and in how many states it can be found at most.
    pub(super) fn count(&self) -> Unresolved {
        let mut count = Unresolved::default();
        if self.has_journal() {
            count.log2 += bits(self.prefixes.count());
        }
        for (_, versions) in self.entries() {
            count.entries += 1;
            if !self.has_journal() {
                count.log2 += bits(versions.newer.len() as u64 + 1);
            }
        }
        for file in self.files.values() {
            // A journal that holds the data too decides everything.
            let decides = self.contract.journals_data();
            let mut add = |places: u64, versions: usize| {
                count.log2 += if decides { 0 } else { places * bits(versions as u64 + 1) };
            };
            if file.length.is_none() {
                count.lengths += 1;
                add(1, file.versions.lengths().versions.len() - 1);
            }
            let truncated = file.versions.truncated().count();
            for (unit, versions) in file.versions.written() {
                if file.is_open(unit) {
                    count.units += 1;
                    add(1, versions + truncated);
                }
            }
            for units in file.versions.truncated() {
                let elsewhere = file.settled.range(units.clone()).count() as u64;
                let open = (units.end - units.start).saturating_sub(elsewhere);
                count.units += open;
                add(open, truncated);
            }
        }
        count
    }

    pub(super) fn is_open(&self) -> bool {
        let Unresolved { entries, lengths, units, log2: _ } = self.count();
        entries + lengths + units > 0
    }

    const fn has_journal(&self) -> bool {
        self.contract.journal().is_some()
    }
}

impl OpenFile {
    fn is_open(&self, unit: u64) -> bool {
        self.versions.touches(unit)
            && !self.settled.contains(&unit)
            && !self.settled_ranges.iter().any(|range| range.contains(&unit))
    }
}

impl FoundLength {
    fn new(versions: &FileVersions, len: u64) -> Arc<Self> {
        let chain = versions.lengths();
        let numbers = chain.versions.iter().map(|version| version.number);
        let same = numbers.filter(|number| versions.image(*number).len() == len).collect();
        Arc::new(Self { len, same, chain })
    }

    /// The oldest version with this length that goes with this prefix.
    fn oldest(&self, prefix: u64) -> u32 {
        let (oldest, newest) = self.chain.bounds(prefix);
        let [oldest, newest] = [oldest, newest].map(|index| self.chain.versions[index].number);
        let found = self.same[self.same.partition_point(|number| *number < oldest)];
        assert!(found <= newest, "prefixes are those that go with the length");
        found
    }
}

/// One candidate for each value that the versions have, newest first; and for each version, which
/// candidate it is.
fn grouped<T: PartialEq>(
    candidates: &mut Vec<Candidate<T>>,
    versions: usize,
    value: impl Fn(usize) -> T,
) -> Vec<usize> {
    let mut group = vec![0; versions];
    for index in (0..versions).rev() {
        let value = value(index);
        let same = candidates.iter().position(|candidate| candidate.value == value);
        group[index] = same.unwrap_or_else(|| {
            candidates.push(Candidate { value, prefixes: Prefixes::default() });
            candidates.len() - 1
        });
    }
    group
}

/// What power cuts left open and nobody has looked at since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unresolved {
    /// Names in directories.
    pub entries: u64,
    /// Lengths of files.
    pub lengths: u64,
    /// Units of data. One that was truncated and written is counted twice.
    pub units: u64,
    /// There are at most two to this power states: what looks alike is not known before it is
    /// looked at.
    pub log2: u64,
}

/// The durable state is the last answer; but the newest is the first, if the two look alike.
fn put_last<T>(candidates: &mut Vec<T>, durable: usize) {
    if durable > 0 {
        let durable = candidates.remove(durable);
        candidates.push(durable);
    }
}

/// How many questions with two answers tell this many states apart.
const fn bits(states: u64) -> u64 {
    states.next_power_of_two().trailing_zeros() as u64
}
