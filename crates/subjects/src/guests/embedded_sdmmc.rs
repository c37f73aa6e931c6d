//! embedded-sdmmc: FAT on an SD card. It has no word for a flush, and no promise for a power cut.

use ::embedded_sdmmc::{
    Error, Mode, RawDirectory, RawFile, RawVolume, TimeSource, Timestamp, VolumeIdx, VolumeManager,
};
use arbitrary::Unstructured;
use headcrash::{Check, Disk, Fallible, Model, SimDisk, Storage, Subject, check};

use crate::adapters::embedded_sdmmc::{Blocks, delete};
use crate::guests::fat::{DIR, DISK, Fat, Files, Op, Place, Reply, Seen, Volume};

/// It is always the same time.
#[derive(Debug)]
struct Clock;

impl TimeSource for Clock {
    fn get_timestamp(&self) -> Timestamp {
        Timestamp {
            year_since_1970: 50,
            zero_indexed_month: 0,
            zero_indexed_day: 0,
            hours: 0,
            minutes: 0,
            seconds: 0,
        }
    }
}

type Failed = Error<std::io::Error>;

/// A volume.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Card {
    manager: VolumeManager<Blocks<SimDisk>, Clock>,
    volume: RawVolume,
    root: RawDirectory,
}

impl Card {
    /// Something is done in a directory.
    fn in_dir<T>(
        &mut self,
        place: Place,
        act: impl FnOnce(&mut VolumeManager<Blocks<SimDisk>, Clock>, RawDirectory) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        if !place.in_dir {
            return act(&mut self.manager, self.root);
        }
        let dir = self.manager.open_dir(self.root, DIR)?;
        let done = act(&mut self.manager, dir);
        self.manager.close_dir(dir)?;
        done
    }

    /// Something is done with an open file.
    fn with_file<T>(
        &mut self,
        place: Place,
        mode: Mode,
        act: impl FnOnce(&mut VolumeManager<Blocks<SimDisk>, Clock>, RawFile) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        self.in_dir(place, |manager, dir| {
            let file = manager.open_file_in_dir(dir, &*place.name(), mode)?;
            let done = act(manager, file);
            manager.close_file(file)?;
            done
        })
    }
}

impl Volume for Card {
    const NAME: &'static str = "embedded-sdmmc";
    const START: u64 = 1;

    fn mount(disk: SimDisk) -> Fallible<Self> {
        let mut manager = VolumeManager::new(Blocks(disk), Clock);
        let volume = open_volume(&mut manager)?;
        let root = manager.open_root_dir(volume).map_err(said)?;
        Ok(Self { manager, volume, root })
    }

    fn make_dir(&mut self) -> Fallible<()> {
        self.manager.make_dir_in_dir(self.root, DIR).map_err(said)
    }

    fn has_dir(&mut self) -> Fallible<bool> {
        match self.manager.find_directory_entry(self.root, DIR) {
            Ok(_) => Ok(true),
            Err(Error::NotFound) => Ok(false),
            Err(error) => Err(said(error)),
        }
    }

    fn create(&mut self, place: Place) -> Fallible<()> {
        let mode = Mode::ReadWriteCreateOrTruncate;
        self.with_file(place, mode, |_, _| Ok(())).map_err(said)
    }

    fn write(&mut self, place: Place, at: u32, data: &[u8]) -> Fallible<()> {
        let mode = Mode::ReadWriteCreateOrAppend;
        let written = self.with_file(place, mode, |manager, file| {
            let end = manager.file_length(file)?;
            manager.file_seek_from_start(file, at.min(end))?;
            manager.write(file, data)
        });
        written.map_err(said)
    }

    fn remove(&mut self, place: Place) -> Fallible<bool> {
        match self.in_dir(place, |manager, dir| delete(manager, dir, &place.name())) {
            Ok(()) => Ok(true),
            Err(Error::NotFound) => Ok(false),
            Err(error) => Err(said(error)),
        }
    }

    fn read(&mut self, place: Place) -> Fallible<Option<Vec<u8>>> {
        let read = self.with_file(place, Mode::ReadOnly, |manager, file| {
            let mut bytes = vec![0; manager.file_length(file)? as usize];
            let mut done = 0;
            while done < bytes.len() {
                match manager.read(file, &mut bytes[done..])? {
                    0 => break,
                    count => done += count,
                }
            }
            bytes.truncate(done);
            Ok(bytes)
        });
        match read {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(said(error)),
        }
    }

    fn unmount(mut self) -> Fallible<()> {
        close(&mut self).map_err(said)
    }
}

// With `&mut`: it is what older versions ask for.

fn open_volume(manager: &mut VolumeManager<Blocks<SimDisk>, Clock>) -> Fallible<RawVolume> {
    manager.open_raw_volume(VolumeIdx(0)).map_err(said)
}

fn close(card: &mut Card) -> Result<(), Failed> {
    card.manager.close_dir(card.root)?;
    card.manager.close_volume(card.volume)
}

fn said(error: Failed) -> Box<dyn std::error::Error> {
    format!("{error:?}").into()
}

/// What it is put through, and is to stand: that nothing goes wrong.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let appending = check::<Appending>().operations(60).disk("card", uncached());
    vec![("no faults", cacheless()), ("no faults, files that only grow", appending)]
}

/// What it does not stand, and does not promise to: a cut in the middle of a change may leave more
/// than what was being changed in disorder, even on a disk without a cache.
#[must_use]
pub fn is_left_half_done() -> Check {
    cacheless().power_cuts(1)
}

fn cacheless() -> Check {
    check::<Fat<Card, false>>().operations(60).disk("card", uncached())
}

fn uncached() -> Disk {
    Disk::new(DISK).with("cache", "none")
}

/// Files as a logger uses them: what is written goes to their ends.
#[derive(Clone, Debug, Default)]
pub struct Logs(Files<false>);

impl Model for Logs {
    type Op = Op;
    type Reply = Reply;
    type View = Seen;

    fn apply(&mut self, op: &Op) -> Reply {
        self.0.apply(op)
    }

    fn view(&self) -> Seen {
        self.0.view()
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        Ok(match self.0.draw(bytes)? {
            Op::Write { place, len, fill, .. } => Op::Write { place, at: u16::MAX, len, fill },
            op => op,
        })
    }
}

/// A volume of such files.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Appending(Fat<Card, false>);

impl Subject for Appending {
    type Model = Logs;
    const NAME: &'static str = "embedded-sdmmc, files that only grow";

    fn open(storage: &Storage) -> Fallible<Self> {
        Fat::open(storage).map(Self)
    }

    fn apply(&mut self, op: &Op) -> Fallible<Reply> {
        self.0.apply(op)
    }

    fn show(&mut self) -> Fallible<Seen> {
        self.0.show()
    }

    fn close(self) -> Fallible<()> {
        self.0.close()
    }
}

/// What it does not stand: a file that was closed is lost with the cache of a card that has one.
#[must_use]
pub fn loses_what_was_closed() -> Check {
    let card = Disk::new(DISK).volatile_cache();
    check::<Fat<Card, true>>().operations(20).disk("card", card).power_cuts(1)
}
