//! fatfs: FAT on anything that can be read, written and sought. It promises nothing for a power
//! cut.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use ::fatfs::{Dir, FileSystem, FsOptions};
use headcrash::{Check, Disk, Fallible, SimDisk, check};

use crate::adapters::fatfs::{Stream, stream};
use crate::guests::fat::{DIR, DISK, Fat, Place, Volume};

/// A volume.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Fs(FileSystem<Stream<SimDisk>>);

impl Fs {
    fn dir(&self, place: Place) -> io::Result<Dir<'_, Stream<SimDisk>>> {
        let root = self.0.root_dir();
        if place.in_dir { root.open_dir(DIR) } else { Ok(root) }
    }
}

/// Whether it is there.
fn found<T>(result: io::Result<T>) -> Fallible<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Volume for Fs {
    const NAME: &'static str = "fatfs";
    const START: u64 = 0;

    fn mount(disk: SimDisk) -> Fallible<Self> {
        Ok(Self(FileSystem::new(stream(disk), FsOptions::new())?))
    }

    fn make_dir(&mut self) -> Fallible<()> {
        self.0.root_dir().create_dir(DIR)?;
        Ok(())
    }

    fn has_dir(&mut self) -> Fallible<bool> {
        Ok(found(self.0.root_dir().open_dir(DIR))?.is_some())
    }

    fn create(&mut self, place: Place) -> Fallible<()> {
        let mut file = self.dir(place)?.create_file(&place.name())?;
        file.truncate()?;
        file.flush()?;
        Ok(())
    }

    fn write(&mut self, place: Place, at: u32, data: &[u8]) -> Fallible<()> {
        let mut file = self.dir(place)?.create_file(&place.name())?;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(end.min(at.into())))?;
        file.write_all(data)?;
        file.flush()?;
        Ok(())
    }

    fn remove(&mut self, place: Place) -> Fallible<bool> {
        Ok(found(self.dir(place)?.remove(&place.name()))?.is_some())
    }

    fn read(&mut self, place: Place) -> Fallible<Option<Vec<u8>>> {
        let dir = self.dir(place)?;
        let Some(mut file) = found(dir.open_file(&place.name()))? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn unmount(self) -> Fallible<()> {
        Ok(self.0.unmount()?)
    }
}

/// What it is put through, and is to stand: that nothing goes wrong.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    vec![("no faults", cacheless())]
}

/// What it does not stand, and does not promise to: a cut in the middle of a change may leave more
/// than what was being changed in disorder, even on a disk without a cache.
#[must_use]
pub fn is_left_half_done() -> Check {
    cacheless().power_cuts(1)
}

fn cacheless() -> Check {
    let disk = Disk::new(DISK).with("cache", "none");
    check::<Fat<Fs, false>>().operations(60).disk("disk", disk)
}

/// What it does not stand: a file that was flushed is lost with the cache of the disk, as its flush
/// does not reach that.
#[must_use]
pub fn loses_what_was_flushed() -> Check {
    let disk = Disk::new(DISK).volatile_cache();
    check::<Fat<Fs, true>>().operations(20).disk("disk", disk).power_cuts(1)
}
