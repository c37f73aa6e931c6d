//! Files and directories whose names, lengths and bytes become durable each on its own.
//!
//! A [`FileSystem`] is a value: what is in it, what of that is durable yet, and, after a power
//! cut, what was left open. [`FileContract`] says what may be found after a cut.
//!
//! * Operations are those of Linux, with its error numbers: `create`, `open`, `read_at`,
//!   `write_at`, `set_len`, `rename`, `unlink`, `sync_all`, `sync_dir` and so on.
//! * [`FileSystem::power_cut`] chooses nothing. A name, a length or a unit of data that can be
//!   found in more than one state is decided when it is first looked at, by [`FileCx::choices`];
//!   what recovery never looks at never branches. Answer 0 is the newest state; states that look
//!   alike are one answer, so each answer leads to states that no other leads to.
//!
//! # What is left out
//!
//! * Devices: what is durable here is durable; a file system on a disk that tears, lies or forgets
//!   is another matter. Nor do operations fail for reasons of the medium.
//! * Links: a file has one name. (Two, if an earlier rename of it was lost and a later one kept,
//!   which only contracts without a journal allow; a directory moved about can then even contain
//!   itself, and whoever walks it meets `ENAMETOOLONG` in the end.)
//! * Blocks: what a file has not got reads as zeroes, never as somebody else's old bytes. Filling
//!   a hole is overwriting. The unit a file is cut off in is data like any other, which is less
//!   than ext4 promises.
//! * Open directories, permissions, times; space runs out one level up, where operations are requests.
//!
//! # After a second cut
//!
//! What the first cut left open stays open, under what was done since: a place that was written
//! again is first decided between what was written and what was there *below*; then, if need be,
//! what that is. These two answers can look alike, if recovery wrote what was there already; it
//! is the one case in which they do. No state is missed, and none is made up.

mod ask;
mod contract;
mod cut;
mod data;
mod names;
mod object;
mod open_names;
mod path;
mod pending;
mod prefixes;
#[cfg(test)]
mod tests;
mod versions;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::hash::Hasher;

use headcrash_engine::StableHasher;

use self::cut::Cut;
use self::object::{Body, Object};
use self::path::Path;
use self::pending::{EntryKey, Pending};
use self::versions::Touched;
use crate::{Image, Key};

pub use self::ask::{FileCx, Place, Resolved};
pub use self::contract::{Commits, FileContract, Journal, MetadataOrder};
pub use self::cut::Unresolved;
pub(crate) use self::data::Dropped;
pub use self::object::{DirEntry, EntryKind, FileId, Inode};

/// Files and directories, what of them is durable, and what a power cut left open.
///
/// Cloning copies a few pointers; what is changed afterwards is copied then.
///
/// ```
/// use headcrash_sim::{Calm, FileContract, FileCx, FileSystem};
///
/// let mut files = FileSystem::new("db", FileContract::POSIX_STRICT);
/// let cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
/// let log = files.create("log", true, cx)?;
/// files.write_at(log, 0, b"begin", cx)?;
/// files.sync_all(log)?;
/// files.power_cut();
/// // The data is durable. The name is not: its directory was not synced.
/// assert_eq!(files.unresolved().entries, 1);
/// # Ok::<(), headcrash_engine::Errno>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileSystem {
    contract: FileContract,
    objects: Arc<BTreeMap<Inode, Arc<Object>>>,
    open: BTreeMap<FileId, Inode>,
    /// Files truncated to nothing and not closed since, where the contract makes something of it.
    flush_on_close: BTreeSet<Inode>,
    last_inode: Inode,
    last_file: FileId,
    pending: Arc<Pending>,
    /// What power cuts left open, oldest first.
    cuts: Vec<Arc<Cut>>,
    /// How many objects were left when it was last looked which are still needed.
    kept: usize,
}

impl FileSystem {
    /// Files are at most this long, in bytes: 16 TiB, as in ext4 with blocks of 4096 bytes.
    pub const MAX_LEN: u64 = 1 << 44;

    /// An empty root directory, durable. Questions about it are asked in the name of `name`.
    ///
    /// # Panics
    ///
    /// When the contract's unit is zero.
    #[must_use]
    pub fn new(name: &str, contract: FileContract) -> Self {
        assert!(contract.unit > 0, "a unit has at least one byte");
        let body = Body::Directory { entries: BTreeMap::new(), changed: 0 };
        let root = Object { key: Key::disk(name), made: 0, named: 0, body };
        Self {
            contract,
            objects: Arc::new(BTreeMap::from([(Inode::ROOT, Arc::new(root))])),
            open: BTreeMap::new(),
            flush_on_close: BTreeSet::new(),
            last_inode: Inode::ROOT,
            last_file: FileId(0),
            pending: Arc::default(),
            cuts: Vec::new(),
            kept: 1,
        }
    }

    /// What it promises.
    #[must_use]
    pub const fn contract(&self) -> &FileContract {
        &self.contract
    }

    /// The power goes. Open files are gone: every [`FileId`] answers `EBADF` from now on. What was
    /// not durable is open until it is looked at.
    pub fn power_cut(&mut self) {
        self.open.clear();
        self.flush_on_close.clear();
        let Pending { committed: _, last, .. } = *self.pending;
        let fresh = Arc::new(Pending { committed: last, last, ..Pending::default() });
        let pending = Arc::unwrap_or_clone(core::mem::replace(&mut self.pending, fresh));
        for (directory, name) in pending.entries.keys() {
            self.forget_name(*directory, name);
        }
        let is_first = self.cuts.is_empty();
        self.cuts.extend(Cut::new(pending, &self.contract).map(Arc::new));
        if is_first {
            self.sweep();
        } else {
            // What nothing leads to is never looked at and would stay open for ever.
            self.sweep_all();
        }
    }

    /// Everything done so far becomes durable, as after `sync(2)`.
    pub fn sync(&mut self) {
        let durable = Arc::make_mut(&mut self.pending).settle();
        self.settle_units(&durable);
        self.sweep();
    }

    /// The number of the last operation on names, lengths that were set, or data where that is
    /// journalled.
    pub(crate) fn last_operation(&self) -> u64 {
        self.pending.last
    }

    /// Decides everything that power cuts left open and that can be reached from the root.
    pub(crate) fn settle_all(&mut self, cx: &mut FileCx<'_>) {
        let mut seen = BTreeSet::new();
        let mut new = vec![Inode::ROOT];
        while let Some(inode) = new.pop() {
            // A directory can be in itself, where renames were lost.
            if !seen.insert(inode) {
                continue;
            }
            if self.object(inode).kind() == EntryKind::File {
                let units = self.length(inode, cx).div_ceil(u64::from(self.contract.unit));
                if !self.cuts.is_empty() {
                    (0..units).for_each(|unit| self.settle_unit(inode, unit, cx));
                }
                continue;
            }
            for key in self.open_names(inode) {
                self.settle_entry(&key, cx);
            }
            new.extend(self.names(inode).values().rev());
        }
    }

    /// What power cuts left open and nobody has looked at since.
    #[must_use]
    pub fn unresolved(&self) -> Unresolved {
        self.cuts.iter().map(|cut| cut.count()).fold(Unresolved::default(), |sum, cut| Unresolved {
            entries: sum.entries + cut.entries,
            lengths: sum.lengths + cut.lengths,
            units: sum.units + cut.units,
            log2: sum.log2 + cut.log2,
        })
    }

    fn object(&self, inode: Inode) -> &Object {
        &self.objects[&inode]
    }

    fn object_mut(&mut self, inode: Inode) -> &mut Object {
        let object = Arc::make_mut(&mut self.objects).get_mut(&inode);
        Arc::make_mut(object.expect("what has a name or is open is kept"))
    }

    fn image(&self, inode: Inode) -> &Image {
        match &self.object(inode).body {
            Body::File(image) => image,
            Body::Directory { .. } => unreachable!("a directory is never opened as a file"),
        }
    }

    fn image_mut(&mut self, inode: Inode) -> &mut Image {
        match &mut self.object_mut(inode).body {
            Body::File(image) => image,
            Body::Directory { .. } => unreachable!("a directory is never opened as a file"),
        }
    }

    /// The names of a directory that are known.
    fn names(&self, directory: Inode) -> &BTreeMap<Arc<str>, Inode> {
        match &self.object(directory).body {
            Body::Directory { entries, .. } => entries,
            Body::File(_) => unreachable!("a file has no names"),
        }
    }

    fn forget_name(&mut self, directory: Inode, name: &str) {
        // A directory that nothing can lead to may be gone before what was done in it.
        if !self.objects.contains_key(&directory) {
            return;
        }
        if let Body::Directory { entries, .. } = &mut self.object_mut(directory).body {
            entries.remove(name);
        }
    }

    fn learn_name(&mut self, directory: Inode, name: Arc<str>, inode: Inode) {
        if let Body::Directory { entries, .. } = &mut self.object_mut(directory).body {
            entries.insert(name, inode);
        }
    }

    fn made_under(&self, directory: Inode, name: &str) -> Key {
        // Bytes one by one, as in keys: the answers to questions are kept in files.
        let mut hasher = StableHasher::default();
        hasher.write(name.as_bytes());
        self.object(directory).key.nth(hasher.finish())
    }

    /// What a name stands for. If that is open, it is decided now.
    fn entry(&mut self, directory: Inode, name: &str, cx: &mut FileCx<'_>) -> Option<Inode> {
        if !self.cuts.is_empty() {
            self.settle_entry(&(directory, Arc::from(name)), cx);
        }
        self.names(directory).get(name).copied()
    }

    fn settle_entry(&mut self, key: &EntryKey, cx: &mut FileCx<'_>) {
        // A name is changed only when it is known, so one cut at most left it open.
        let Some(cut) = self.cuts.iter().position(|cut| cut.is_entry_open(key)) else { return };
        let mut candidates = self.cuts[cut].entry_candidates(key);
        let (directory, name) = key;
        let chosen = cx.choose(self.made_under(*directory, name), candidates.len());
        let count = candidates.len();
        let found = candidates.swap_remove(chosen);
        let place = Place::Entry { directory: *directory, name: name.clone(), found: found.value };
        (cx.witness)(Resolved { place, candidates: count as u32, chosen: chosen as u32 });
        if let Some(inode) = found.value {
            self.learn_name(*directory, name.clone(), inode);
        }
        Arc::make_mut(&mut self.cuts[cut]).found_entry(key, found);
    }

    /// How long a file is, in bytes. If that is open, it is decided now.
    fn length(&mut self, inode: Inode, cx: &mut FileCx<'_>) -> u64 {
        // Nobody changes a length before it is known, so one cut at most left it open.
        if let Some(cut) = self.cuts.iter().position(|cut| cut.is_length_open(inode)) {
            let mut candidates = self.cuts[cut].length_candidates(inode);
            let chosen = cx.choose(self.object(inode).key.nth(0), candidates.len());
            let count = candidates.len();
            let found = candidates.swap_remove(chosen);
            let place = Place::Length { inode, len: found.value };
            (cx.witness)(Resolved { place, candidates: count as u32, chosen: chosen as u32 });
            self.image_mut(inode).set_len(found.value);
            Arc::make_mut(&mut self.cuts[cut]).found_length(inode, found);
        }
        self.image(inode).len()
    }

    /// Decides what is in one unit of a file whose length is known, if that is open.
    fn settle_unit(&mut self, inode: Inode, unit: u64, cx: &mut FileCx<'_>) {
        let is_newer = self.pending.files.get(&inode).is_some_and(|file| file.touches(unit));
        if is_newer {
            return;
        }
        let at = unit * self.contract.unit as u64;
        let seen = self.image(inode).len().min(at + self.contract.unit as u64);
        let mut end = seen;
        let mut was_below = false;
        for cut in (0..self.cuts.len()).rev() {
            // What was once past the end has been zeroes since.
            end = end.min(self.cuts[cut].length(inode).unwrap_or(u64::MAX));
            if end <= at {
                if was_below {
                    self.learn_unit(inode, unit, &vec![0; (seen - at) as usize]);
                }
                return;
            }
            if !self.cuts[cut].is_unit_open(inode, unit) {
                continue;
            }
            let len = end - at;
            let is_open_below = self.cuts[..cut].iter().any(|cut| cut.is_unit_open(inode, unit));
            let mut candidates =
                self.cuts[cut].unit_candidates(inode, unit, len as usize, is_open_below);
            let chosen = cx.choose(self.object(inode).key.nth(unit + 1), candidates.len());
            let count = candidates.len();
            let mut found = candidates.swap_remove(chosen);
            let bytes = found.value.take();
            let place = Place::Data { inode, at, len, below: bytes.is_none() };
            (cx.witness)(Resolved { place, candidates: count as u32, chosen: chosen as u32 });
            was_below = bytes.is_none();
            Arc::make_mut(&mut self.cuts[cut]).found_unit(inode, unit, found);
            if let Some(mut bytes) = bytes {
                bytes.resize((seen - at) as usize, 0);
                self.learn_unit(inode, unit, &bytes);
                for older in &mut self.cuts[..cut] {
                    Arc::make_mut(older).settle_unit(inode, unit);
                }
                return;
            }
        }
    }

    fn learn_unit(&mut self, inode: Inode, unit: u64, bytes: &[u8]) {
        let at = unit * self.contract.unit as u64;
        self.image_mut(inode).write(at, bytes);
        if self.pending.files.contains_key(&inode) {
            let file = Arc::make_mut(&mut self.pending).files.get_mut(&inode);
            Arc::make_mut(file.expect("it was just seen")).found(unit, bytes);
        }
    }

    /// These units are durable as they are, whatever earlier cuts left of them.
    fn settle_units(&mut self, durable: &[(Inode, Touched)]) {
        for cut in &mut self.cuts {
            for (inode, touched) in durable {
                if cut.has_file(*inode) {
                    Arc::make_mut(cut).settle_units(*inode, touched);
                }
            }
        }
    }

    /// Forgets objects that nothing can lead to any more, now and then.
    fn sweep(&mut self) {
        if self.objects.len() >= 2 * self.kept + 64 {
            self.sweep_all();
        }
    }

    fn sweep_all(&mut self) {
        let mut needed = BTreeSet::new();
        let mut new = vec![Inode::ROOT];
        new.extend(self.open.values());
        let mut possible = BTreeMap::<Inode, Vec<Inode>>::new();
        let of_cuts = self.cuts.iter().flat_map(|cut| cut.entries());
        for ((directory, _), versions) in self.pending.entries.iter().chain(of_cuts) {
            possible.entry(*directory).or_default().extend(versions.values().flatten());
        }
        while let Some(inode) = new.pop() {
            if !needed.insert(inode) {
                continue;
            }
            new.extend(possible.get(&inode).into_iter().flatten());
            if let Body::Directory { entries, .. } = &self.object(inode).body {
                new.extend(entries.values());
            }
        }
        Arc::make_mut(&mut self.objects).retain(|inode, _| needed.contains(inode));
        Arc::make_mut(&mut self.pending).files.retain(|inode, _| needed.contains(inode));
        for cut in &mut self.cuts {
            Arc::make_mut(cut).retain(|inode| needed.contains(&inode));
        }
        self.cuts.retain(|cut| cut.is_open());
        self.kept = self.objects.len();
    }
}
