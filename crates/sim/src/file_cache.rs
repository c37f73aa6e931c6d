//! What a cache shows of files whose last sync failed: data that was marked clean and never written.
//!
//! ext4 and XFS do that (Rebello et al., ATC 2020): reads see the new data until the pages are
//! evicted, the next sync has nothing to write and answers well, and after a power cut the data is
//! gone for certain. Only what is written again is dirty again, page by page.

use alloc::vec;

use headcrash_engine::Errno;

use crate::files::{Dropped, FileCx, FileId, FileSystem};
use crate::image::Image;
use crate::medium::Ranges;

/// What a cache shows of one file.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    /// The file as it was when its data was dropped.
    image: Image,
    /// The units of it that are shown.
    units: Ranges<()>,
    /// How long the file seems, in bytes.
    len: u64,
    /// Bytes in a unit.
    unit: u64,
}

impl Cached {
    pub(crate) fn new(dropped: Dropped, unit: u64) -> Self {
        let mut units = Ranges::new();
        for range in dropped.units {
            units.insert(range, ());
        }
        Self { len: dropped.image.len(), image: dropped.image, units, unit }
    }

    /// How long the file seems, in bytes.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it shows nothing that the file has not got.
    pub(crate) fn is_spent(&self, len: u64) -> bool {
        self.units.is_empty() && self.len == len
    }

    /// Lays what is shown over bytes of the file from `at` on.
    pub(crate) fn show(&self, at: u64, bytes: &mut [u8]) {
        let end = (at + bytes.len() as u64).min(self.len);
        for (units, ()) in self.units.iter() {
            let (from, to) = ((units.start * self.unit).max(at), (units.end * self.unit).min(end));
            if from < to {
                self.image.read(from, &mut bytes[(from - at) as usize..(to - at) as usize]);
            }
        }
    }

    /// Before bytes from `at` to `end` are written: units that are written in part are dirty as a
    /// whole, and the file is as long as it seems, if it is longer.
    pub(crate) fn before_write(
        &mut self,
        (file, at, end): (FileId, u64, u64),
        system: &mut FileSystem,
        cx: &mut FileCx<'_>,
    ) -> Result<(), Errno> {
        if self.len < system.len(file, cx)? {
            system.set_len(file, self.len, cx)?;
        }
        for unit in [at / self.unit, end.saturating_sub(1).max(at) / self.unit] {
            let (from, to) = (unit * self.unit, ((unit + 1) * self.unit).min(self.len));
            let is_whole = at <= from && to <= end;
            if is_whole || from >= to || !self.shows(unit) {
                continue;
            }
            let mut bytes = vec![0; (to - from) as usize];
            self.image.read(from, &mut bytes);
            system.write_at(file, from, &bytes, cx)?;
        }
        self.units.remove(at / self.unit..end.div_ceil(self.unit));
        self.len = self.len.max(end);
        Ok(())
    }

    /// Before the length is set.
    pub(crate) fn before_set_len(
        &mut self,
        (file, len): (FileId, u64),
        system: &mut FileSystem,
        cx: &mut FileCx<'_>,
    ) -> Result<(), Errno> {
        if len < self.len && !len.is_multiple_of(self.unit) {
            // The rest of the last unit becomes zeroes, which makes it dirty.
            self.before_write((file, len, len + 1), system, cx)?;
        }
        self.units.remove(len.div_ceil(self.unit)..u64::MAX);
        self.len = len;
        Ok(())
    }

    /// What is shown once more of the file has been dropped, which was over this until now.
    pub(crate) fn under(&self, mut newer: Dropped) -> Dropped {
        let mut units = Ranges::new();
        for (older, ()) in self.units.iter() {
            units.insert(older.clone(), ());
        }
        for range in &newer.units {
            units.remove(range.clone());
        }
        newer.image.set_len(newer.image.len().max(self.len));
        for (older, ()) in units.iter() {
            let (from, to) = (older.start * self.unit, (older.end * self.unit).min(self.len));
            let mut bytes = vec![0; to.saturating_sub(from) as usize];
            self.image.read(from, &mut bytes);
            newer.image.write(from, &bytes);
            newer.units.push(older.clone());
        }
        newer
    }

    fn shows(&self, unit: u64) -> bool {
        self.units.get(unit).is_some()
    }
}
