//! Operations on open files.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use headcrash_engine::Errno;

use super::object::Body;
use super::versions::{FileVersions, Logged, Touched};
use super::{Commits, EntryKind, FileCx, FileId, FileSystem, Image, Inode, MetadataOrder};

/// In how many steps a file grows by one write at most.
const STEPS: u64 = 32;

/// What was seen of a file before it was [reverted](FileSystem::revert).
#[derive(Clone, Debug)]
pub(crate) struct Dropped {
    /// The whole file.
    pub(crate) image: Image,
    /// The units of it that were not durable.
    pub(crate) units: Vec<Range<u64>>,
}

impl FileSystem {
    /// Closes a file.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn close(&mut self, file: FileId) -> Result<(), Errno> {
        let inode = self.open.remove(&file).ok_or(Errno::EBADF)?;
        if self.flush_on_close.remove(&inode) && self.pending.files.contains_key(&inode) {
            let pending = Arc::make_mut(&mut self.pending);
            // Its data enters the order of metadata here.
            let number = pending.number();
            let versions = pending.files.get_mut(&inode).expect("it was just seen");
            Arc::make_mut(versions).flush(number);
        }
        self.sweep();
        Ok(())
    }

    /// The file or directory that is open.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn inode(&self, file: FileId) -> Result<Inode, Errno> {
        self.open.get(&file).copied().ok_or(Errno::EBADF)
    }

    /// How long a file is, in bytes.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn len(&mut self, file: FileId, cx: &mut FileCx<'_>) -> Result<u64, Errno> {
        let inode = self.inode(file)?;
        Ok(self.length(inode, cx))
    }

    /// How long the file with this path is, in bytes.
    ///
    /// # Errors
    ///
    /// `EISDIR`; as of [`lookup`](Self::lookup).
    pub fn len_of(&mut self, path: &str, cx: &mut FileCx<'_>) -> Result<u64, Errno> {
        match self.lookup(path, cx)? {
            (_, EntryKind::Directory) => Err(Errno::EISDIR),
            (inode, EntryKind::File) => Ok(self.length(inode, cx)),
        }
    }

    /// Reads bytes from byte `at` on; how many there were before the end of the file.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EINVAL` if `at` is over 2^63 - 1.
    pub fn read_at(
        &mut self,
        file: FileId,
        at: u64,
        into: &mut [u8],
        cx: &mut FileCx<'_>,
    ) -> Result<usize, Errno> {
        let inode = self.inode(file)?;
        position(at)?;
        let len = self.length(inode, cx);
        let count = len.saturating_sub(at).min(into.len() as u64);
        if count == 0 {
            return Ok(0);
        }
        if !self.cuts.is_empty() {
            let unit = self.contract.unit as u64;
            for unit in at / unit..(at + count).div_ceil(unit) {
                self.settle_unit(inode, unit, cx);
            }
        }
        self.image(inode).read(at, &mut into[..count as usize]);
        Ok(count as usize)
    }

    /// Writes bytes from byte `at` on, all of them or none. The file grows as far as it must;
    /// what was skipped reads as zeroes.
    ///
    /// For a power cut a file grows unit by unit; by a long write in at most 32 steps. Units that
    /// are written in part are looked at first.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EINVAL` if `at` is over 2^63 - 1; `EFBIG` if the file would be longer than
    /// [`MAX_LEN`](Self::MAX_LEN).
    pub fn write_at(
        &mut self,
        file: FileId,
        at: u64,
        bytes: &[u8],
        cx: &mut FileCx<'_>,
    ) -> Result<(), Errno> {
        let inode = self.inode(file)?;
        position(at)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let end = at + bytes.len() as u64;
        if end > Self::MAX_LEN {
            return Err(Errno::EFBIG);
        }
        let len = self.length(inode, cx);
        let unit = self.contract.unit as u64;
        if !self.cuts.is_empty() {
            for edge in [at / unit, (end - 1) / unit] {
                let seen = edge * unit..len.min((edge + 1) * unit);
                if !seen.is_empty() && (seen.start < at || end < seen.end) {
                    self.settle_unit(inode, edge, cx);
                }
            }
        }
        let mut from = at;
        for until in self.steps(at, end, len) {
            let before = self.image(inode).clone();
            let image = self.image_mut(inode);
            if until > image.len() {
                image.set_len(until);
            }
            image.write(from, &bytes[(from - at) as usize..(until - at) as usize]);
            let image = image.clone();
            let place = self.logged(self.contract.journals_data());
            let units = from / unit..until.div_ceil(unit);
            self.versions(inode, before).wrote(image, units, place);
            from = until;
        }
        Ok(())
    }

    /// Cuts a file off, or appends zeroes, until it is `len` bytes long.
    ///
    /// # Errors
    ///
    /// `EBADF`; `EINVAL` if `len` is over 2^63 - 1; `EFBIG` if it is over
    /// [`MAX_LEN`](Self::MAX_LEN).
    pub fn set_len(&mut self, file: FileId, len: u64, cx: &mut FileCx<'_>) -> Result<(), Errno> {
        let inode = self.inode(file)?;
        position(len)?;
        if len > Self::MAX_LEN {
            return Err(Errno::EFBIG);
        }
        let was = self.length(inode, cx);
        if len == was {
            return Ok(());
        }
        let unit = self.contract.unit as u64;
        if len < was && !len.is_multiple_of(unit) {
            self.settle_unit(inode, len / unit, cx);
        }
        let before = self.image(inode).clone();
        let image = self.image_mut(inode);
        image.set_len(len);
        let image = image.clone();
        let has_journal = self.contract.journal().is_some();
        let journals_data = self.contract.journals_data();
        let place = self.logged(has_journal);
        self.versions(inode, before).resized(image, place, journals_data);
        if len == 0 && self.contract.replace_flushes() {
            self.flush_on_close.insert(inode);
        }
        Ok(())
    }

    /// Makes data durable and the length it takes to read it, as `fdatasync` does.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn sync_data(&mut self, file: FileId) -> Result<(), Errno> {
        self.sync_file(file, false)
    }

    /// Makes a file durable, as `fsync` does; whether its name is depends on the contract.
    ///
    /// # Errors
    ///
    /// `EBADF`.
    pub fn sync_all(&mut self, file: FileId) -> Result<(), Errno> {
        self.sync_file(file, true)
    }

    fn sync_file(&mut self, file: FileId, with_names: bool) -> Result<(), Errno> {
        let inode = self.inode(file)?;
        let (made, named) = (self.object(inode).made, self.object(inode).named);
        let pending = Arc::make_mut(&mut self.pending);
        let versions = pending.files.remove(&inode);
        let mut durable = match self.contract.metadata {
            MetadataOrder::Any { fsync_covers_entry } => {
                if fsync_covers_entry && with_names {
                    pending.sync_name(inode);
                }
                Vec::new()
            }
            MetadataOrder::Journal(journal) => pending.commit(match journal.commits {
                Commits::UpToFile => {
                    let (committed, now) = (pending.committed, pending.last);
                    let len = versions.as_ref().map_or(0, |file| file.len_needs(committed, now));
                    made.max(if with_names { named } else { 0 }).max(len)
                }
                Commits::Everything => pending.last,
            }),
        };
        durable.extend(versions.map(|versions| (inode, versions.all_touched())));
        self.settle_units(&durable);
        self.sweep();
        Ok(())
    }

    /// A file is as it is durably, length included: what was done to it since is gone, names
    /// aside. What was seen of it until now comes back; nothing, if there was no difference.
    pub(crate) fn revert(&mut self, file: FileId) -> Result<Option<Dropped>, Errno> {
        let inode = self.inode(file)?;
        if !self.pending.files.contains_key(&inode) {
            return Ok(None);
        }
        let versions = Arc::make_mut(&mut self.pending).files.remove(&inode);
        let versions = versions.expect("it was just seen");
        let image = self.image(inode).clone();
        *self.image_mut(inode) = versions.durable_image();
        self.flush_on_close.remove(&inode);
        let unit = self.contract.unit as u64;
        let Touched { units, ranges } = versions.all_touched();
        let end = image.len().div_ceil(unit);
        let units = units.into_iter().map(|unit| unit..unit + 1).chain(ranges);
        let units = units.map(|units| units.start..units.end.min(end));
        Ok(Some(Dropped { units: units.filter(|units| !units.is_empty()).collect(), image }))
    }

    /// How many bytes files take, in whole units: those that have a name or are open. What a power
    /// cut left open is not among them before it is found.
    pub(crate) fn used(&self) -> u64 {
        let mut seen = BTreeSet::new();
        let mut new: Vec<_> = self.open.values().copied().chain([Inode::ROOT]).collect();
        let mut used = 0;
        while let Some(inode) = new.pop() {
            if !seen.insert(inode) {
                continue;
            }
            match &self.object(inode).body {
                Body::Directory { entries, .. } => new.extend(entries.values()),
                Body::File(image) => used += self.taken(image.len()),
            }
        }
        used
    }

    /// How many bytes a file of this length takes.
    pub(crate) const fn taken(&self, len: u64) -> u64 {
        len.next_multiple_of(self.contract.unit as u64)
    }

    /// Every handle that a file is open under.
    pub(crate) fn handles(&self, inode: Inode) -> impl Iterator<Item = FileId> {
        self.open.iter().filter(move |(_, open)| **open == inode).map(|(file, _)| *file)
    }

    /// Where a write from `at` to `end` is cut into steps that a power cut can tell apart: the end
    /// of each. Overwriting needs none, because units survive each on its own.
    fn steps(&self, at: u64, end: u64, len: u64) -> Vec<u64> {
        let from = if self.contract.journals_data() { at } else { at.max(len) };
        let unit = self.contract.unit as u64;
        let units = end.div_ceil(unit).saturating_sub(from / unit);
        let step = units.div_ceil(STEPS).max(1);
        let mut ends = Vec::new();
        let mut until = (from / unit + step) * unit;
        while until < end {
            ends.push(until);
            until += step * unit;
        }
        ends.push(end);
        ends
    }

    /// Where the next operation on a file stands: in the journal, or after what is in it.
    fn logged(&mut self, is_in_journal: bool) -> Logged {
        if is_in_journal {
            Logged { needs: Arc::make_mut(&mut self.pending).number(), pinned: true }
        } else {
            let has_journal = self.contract.journal().is_some();
            Logged { needs: if has_journal { self.pending.last } else { 0 }, pinned: false }
        }
    }

    fn versions(&mut self, inode: Inode, before: Image) -> &mut FileVersions {
        let unit = self.contract.unit;
        let files = &mut Arc::make_mut(&mut self.pending).files;
        let fresh = || Arc::new(FileVersions::new(before, unit));
        Arc::make_mut(files.entry(inode).or_insert_with(fresh))
    }
}

/// Linux takes positions for signed numbers.
const fn position(at: u64) -> Result<(), Errno> {
    if at > i64::MAX as u64 { Err(Errno::EINVAL) } else { Ok(()) }
}
