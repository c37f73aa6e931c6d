//! One file's versions since it was durable, and which of them can be found after a power cut.
//!
//! Versions are numbered: 0 is the durable one, `n` is what operation `n` left. A place of the file
//! (its length, or one unit of its data) has the versions that touched it. Which of those can be
//! found depends on `prefix`, how far the journal got; without a journal that is always the same.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

use crate::Image;

/// One file since it was durable.
#[derive(Clone, Debug)]
pub(super) struct FileVersions {
    unit: u64,
    base: Image,
    /// Units of the durable version that an earlier power cut had left open when it was taken.
    found: BTreeMap<u64, Vec<u8>>,
    ops: Vec<Op>,
    /// Which versions wrote a unit.
    written: BTreeMap<u64, Vec<u32>>,
    truncated: Vec<Truncation>,
    flushes: Vec<Flush>,
}

/// One operation on a file.
#[derive(Clone, Debug)]
struct Op {
    /// The whole file after it.
    image: Image,
    place: Logged,
    /// Up to where the file was known to have its data when this was done.
    settled: u64,
    changes_len: bool,
    /// The journal holds its data too.
    data_is_pinned: bool,
    /// Where it is, nothing older can be found anywhere in the file.
    hides_all: bool,
}

/// Where an operation stands in the order of metadata.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logged {
    /// The operations before and with this number are in the journal if this one is.
    pub needs: u64,
    /// The journal holds it, so it is there as soon as these are. Otherwise it may come later.
    pub pinned: bool,
}

/// Units that lost their data to version `op`.
#[derive(Clone, Debug)]
struct Truncation {
    op: u32,
    units: Range<u64>,
}

/// All data up to version `after` is there if the journal got to `prefix`.
#[derive(Clone, Copy, Debug)]
struct Flush {
    after: u32,
    prefix: u64,
}

/// The units that some versions touched.
#[derive(Clone, Debug, Default)]
pub(super) struct Touched {
    pub units: Vec<u64>,
    pub ranges: Vec<Range<u64>>,
}

/// The versions of one place, oldest first. The first is the durable one.
#[derive(Debug)]
pub(super) struct Chain {
    pub versions: Vec<Version>,
    /// (index into `versions`, prefix): not older than this if the journal got there.
    flushes: Vec<(usize, u64)>,
}

/// One version of one place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub number: u32,
    place: Logged,
}

impl FileVersions {
    /// A file that is durable as it is.
    pub(super) fn new(base: Image, unit: u32) -> Self {
        Self {
            unit: unit as u64,
            base,
            found: BTreeMap::new(),
            ops: Vec::new(),
            written: BTreeMap::new(),
            truncated: Vec::new(),
            flushes: Vec::new(),
        }
    }

    /// The file in this version.
    pub(super) fn image(&self, number: u32) -> &Image {
        match number {
            0 => &self.base,
            number => &self.ops[number as usize - 1].image,
        }
    }

    /// The durable version, with what was found out of it since.
    pub(super) fn durable_image(&self) -> Image {
        let mut image = self.base.clone();
        for (unit, found) in &self.found {
            let at = unit * self.unit;
            let len = image.len().saturating_sub(at).min(found.len() as u64);
            image.write(at, &found[..len as usize]);
        }
        image
    }

    /// What a unit begins with in this version.
    pub(super) fn read(&self, number: u32, unit: u64, into: &mut [u8]) {
        match self.found.get(&unit) {
            Some(found) if number == 0 => {
                into.fill(0);
                let len = found.len().min(into.len());
                into[..len].copy_from_slice(&found[..len]);
            }
            _ => self.image(number).read(unit * self.unit, into),
        }
    }

    /// It was found out what the durable version has here; no newer version touched it.
    pub(super) fn found(&mut self, unit: u64, bytes: &[u8]) {
        self.found.insert(unit, bytes.to_vec());
    }

    fn newest(&self) -> u32 {
        self.ops.len() as u32
    }

    fn settled(&self) -> u64 {
        self.ops.last().map_or(self.base.len(), |op| op.settled)
    }

    /// Units `units` were written; `image` is the file now.
    pub(super) fn wrote(&mut self, image: Image, units: Range<u64>, place: Logged) {
        let number = self.newest() + 1;
        for unit in units {
            self.written.entry(unit).or_default().push(number);
        }
        let changes_len = image.len() != self.image(number - 1).len();
        let settled = self.settled();
        // What the journal holds comes after everything else that it holds.
        let (data_is_pinned, hides_all) = (place.pinned, place.pinned);
        self.ops.push(Op { image, place, settled, changes_len, data_is_pinned, hides_all });
    }

    /// The length was set; `image` is the file now.
    pub(super) fn resized(&mut self, image: Image, place: Logged, journals_data: bool) {
        let (before, after) = (self.image(self.newest()).len(), image.len());
        let op = self.newest() + 1;
        if after < before {
            let units = after.div_ceil(self.unit)..before.div_ceil(self.unit);
            self.truncated.push(Truncation { op, units });
            if !after.is_multiple_of(self.unit) {
                // Zeroes after the new end are written as any data is.
                self.written.entry(after / self.unit).or_default().push(op);
            }
        }
        let settled = self.settled().min(after);
        let data_is_pinned = place.pinned && journals_data;
        let hides_all = data_is_pinned || place.pinned && after == 0;
        self.ops.push(Op { image, place, settled, changes_len: true, data_is_pinned, hides_all });
    }

    /// All data is there if the journal gets to `prefix`.
    pub(super) fn flush(&mut self, prefix: u64) {
        self.flushes.push(Flush { after: self.newest(), prefix });
    }

    /// How far a journal that is committed to `committed` must be for the length to be durable: up
    /// to the last length that was set, or `now` if the file grew by writing since.
    pub(super) fn len_needs(&self, committed: u64, now: u64) -> u64 {
        let is_durable = |op: &Op| op.place.pinned && op.place.needs <= committed;
        let first = self.ops.iter().rposition(is_durable).map_or(0, |index| index + 1);
        let changes = || self.ops[first..].iter().filter(|op| op.changes_len || op.data_is_pinned);
        let set = changes().filter(|op| op.place.pinned).map(|op| op.place.needs).max();
        if changes().any(|op| !op.place.pinned) { now } else { set.unwrap_or(0) }
    }

    /// The last version that nothing older can be found beside once the journal is committed to
    /// `prefix`.
    pub(super) fn durable(&self, prefix: u64) -> u32 {
        let hides = |op: &Op| op.hides_all && op.place.needs <= prefix;
        let hidden = self.ops.iter().rposition(hides).map_or(0, |index| index as u32 + 1);
        let flushed = self.flushes.iter().filter(|flush| flush.prefix <= prefix);
        flushed.map(|flush| flush.after).fold(hidden, u32::max)
    }

    /// Forgets the versions before `durable`, which is the durable one now, and says what had been
    /// touched up to it.
    pub(super) fn forget(&mut self, durable: u32) -> Touched {
        let touched = self.touched(durable);
        self.found.retain(|unit, _| !touched.contains(*unit));
        self.base = self.image(durable).clone();
        self.ops.drain(..durable as usize);
        self.written.retain(|_, numbers| {
            numbers.retain_mut(|number| later(number, durable));
            !numbers.is_empty()
        });
        self.truncated.retain_mut(|truncation| later(&mut truncation.op, durable));
        self.flushes.retain_mut(|flush| later(&mut flush.after, durable));
        let mut settled = self.base.len();
        for op in &mut self.ops {
            settled = settled.min(op.image.len());
            op.settled = settled;
        }
        touched
    }

    pub(super) const fn is_durable(&self) -> bool {
        self.ops.is_empty()
    }

    /// What the versions up to `newest` touched.
    fn touched(&self, newest: u32) -> Touched {
        let until = |numbers: &[u32]| numbers[0] <= newest;
        let units = self.written.iter().filter(|(_, numbers)| until(numbers));
        let ranges = self.truncated.iter().filter(|truncation| truncation.op <= newest);
        Touched {
            units: units.map(|(unit, _)| *unit).collect(),
            ranges: ranges.map(|truncation| truncation.units.clone()).collect(),
        }
    }

    /// What all its versions touched.
    pub(super) fn all_touched(&self) -> Touched {
        self.touched(self.newest())
    }

    /// Whether any version touched this unit.
    pub(super) fn touches(&self, unit: u64) -> bool {
        self.written.contains_key(&unit)
            || self.truncated.iter().any(|truncation| truncation.units.contains(&unit))
    }

    /// The units that were written, and how often.
    pub(super) fn written(&self) -> impl Iterator<Item = (u64, usize)> {
        self.written.iter().map(|(unit, numbers)| (*unit, numbers.len()))
    }

    /// The units that each truncation took.
    pub(super) fn truncated(&self) -> impl Iterator<Item = Range<u64>> {
        self.truncated.iter().map(|truncation| truncation.units.clone())
    }

    /// The versions of the length.
    pub(super) fn lengths(&self) -> Chain {
        let changed = (1..).zip(&self.ops).filter(|(_, op)| op.changes_len);
        self.chain(changed.map(|(number, op)| Version { number, place: op.place }).collect())
    }

    /// The versions of one unit.
    pub(super) fn unit(&self, unit: u64) -> Chain {
        let truncated = self.truncated.iter().filter(|truncation| truncation.units.contains(&unit));
        let written = self.written.get(&unit).into_iter().flatten();
        let mut numbers: Vec<(u32, bool)> = written.map(|number| (*number, false)).collect();
        numbers.extend(truncated.map(|truncation| (truncation.op, true)));
        numbers.sort_unstable();
        // Data is written in place, whatever the journal does: but not to blocks that the file
        // has only after a truncation.
        let mut needs = 0;
        let version = |(number, is_truncated): (u32, bool)| {
            let op = &self.ops[number as usize - 1];
            let pinned = op.place.pinned && (is_truncated || op.data_is_pinned);
            if pinned {
                needs = op.place.needs;
            }
            Version { number, place: Logged { needs, pinned } }
        };
        self.chain(numbers.into_iter().map(version).collect())
    }

    fn chain(&self, newer: Vec<Version>) -> Chain {
        let mut versions = Vec::with_capacity(newer.len() + 1);
        versions.push(Version { number: 0, place: Logged { needs: 0, pinned: true } });
        versions.extend(newer);
        let last =
            |number| versions.partition_point(|version: &Version| version.number <= number) - 1;
        let flushes = self.flushes.iter().map(|flush| (last(flush.after), flush.prefix)).collect();
        Chain { versions, flushes }
    }

    /// The oldest version of `unit` that can be found if the length is found in version `length`
    /// and files grow after their data: an index into `chain`.
    pub(super) fn oldest_under(&self, length: u32, unit: u64, chain: &Chain) -> usize {
        if length == 0 {
            return 0;
        }
        let op = &self.ops[length as usize - 1];
        let start = unit * self.unit;
        // It is about the bytes between what the file had and what it has.
        if start + self.unit > op.settled && start < op.image.len() {
            chain.versions.partition_point(|version| version.number <= length) - 1
        } else {
            0
        }
    }
}

/// Renumbers a version for when those up to `durable` are forgotten; whether it is left.
const fn later(number: &mut u32, durable: u32) -> bool {
    let is_later = *number > durable;
    *number = number.saturating_sub(durable);
    is_later
}

impl Touched {
    fn contains(&self, unit: u64) -> bool {
        self.units.binary_search(&unit).is_ok()
            || self.ranges.iter().any(|range| range.contains(&unit))
    }
}

impl Chain {
    /// The oldest and the newest version that can be found if the journal got to `prefix`: indices
    /// into `versions`.
    pub(super) fn bounds(&self, prefix: u64) -> (usize, usize) {
        let newest = self.versions.partition_point(|version| version.place.needs <= prefix) - 1;
        let pinned = self.versions[..=newest].iter().rposition(|version| version.place.pinned);
        let flushed = self.flushes.iter().filter(|(_, needs)| *needs <= prefix);
        let oldest = flushed.map(|(index, _)| *index).fold(pinned.unwrap_or(0), usize::max);
        (oldest, newest)
    }
}
