//! What crates that write FAT file systems have in common: operations, a model, a fresh volume.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use headcrash::io::{BlockDevice, Sector};
use headcrash::{Fallible, Model, Past, SimDisk, Storage, Subject};
use serde::{Deserialize, Serialize};

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Arbitrary)]
pub struct Place {
    /// In the only directory, rather than in the root.
    pub in_dir: bool,
    /// Its name is a number.
    pub file: u8,
}

impl Place {
    /// What it is called in its directory.
    #[must_use]
    pub fn name(self) -> String {
        format!("F{}", self.file)
    }
}

/// What the directory is called.
pub const DIR: &str = "DIR";

/// What a file system is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// The directory is made, unless it is there.
    MakeDir,
    /// An empty file is made, or one that is there is emptied.
    Create(Place),
    /// A file is written from byte `at` on, or from its end if it is shorter; it is made if there
    /// is none.
    Write {
        /// Which one.
        place: Place,
        /// Byte of the file.
        at: u16,
        /// How many bytes.
        len: u16,
        /// Each of them.
        fill: u8,
    },
    /// A file goes.
    Remove(Place),
    /// All of a file.
    Read(Place),
    /// The file system is unmounted and mounted.
    Remount,
}

/// Bytes, as so many of each.
pub type Runs = Vec<(u32, u8)>;

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done.
    Done,
    /// There is no such file, or no directory.
    Nothing,
    /// The bytes of a file.
    Holds(Runs),
}

/// What a reader sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    has_dir: bool,
    files: BTreeMap<Place, Runs>,
}

fn runs(bytes: &[u8]) -> Runs {
    bytes.chunk_by(|a, b| a == b).map(|run| (run.len() as u32, run[0])).collect()
}

/// The files. With `STRICT` a file that was closed survives; without, what is being written when
/// the power goes may be anything, and everything else survives.
#[derive(Clone, Debug, Default)]
pub struct Files<const STRICT: bool> {
    has_dir: bool,
    files: BTreeMap<Place, Vec<u8>>,
}

impl<const STRICT: bool> Model for Files<STRICT> {
    type Op = Op;
    type Reply = Reply;
    type View = Seen;

    fn apply(&mut self, op: &Op) -> Reply {
        if let Op::Create(place) | Op::Write { place, .. } = op
            && place.in_dir
            && !self.has_dir
        {
            return Reply::Nothing;
        }
        match *op {
            Op::MakeDir => {
                self.has_dir = true;
                Reply::Done
            }
            Op::Create(place) => {
                self.files.insert(place, Vec::new());
                Reply::Done
            }
            Op::Write { place, at, len, fill } => {
                let file = self.files.entry(place).or_default();
                let at = file.len().min(at.into());
                let end = at + usize::from(len);
                file.resize(file.len().max(end), 0);
                file[at..end].fill(fill);
                Reply::Done
            }
            Op::Remove(place) => self.files.remove(&place).map_or(Reply::Nothing, |_| Reply::Done),
            Op::Read(place) => {
                self.files.get(&place).map_or(Reply::Nothing, |file| Reply::Holds(runs(file)))
            }
            Op::Remount => Reply::Done,
        }
    }

    fn view(&self) -> Seen {
        let files = self.files.iter().map(|(place, file)| (*place, runs(file))).collect();
        Seen { has_dir: self.has_dir, files }
    }

    fn allows(past: &Past<Self>, seen: &Seen) -> bool {
        if past.states().any(|state| state.view() == *seen) {
            return true;
        }
        let (before, after) = (past.durable().view(), past.newest().view());
        let files = [&before, &after, seen].map(|it| it.files.keys());
        let survives = |place| {
            let (before, after) = (before.files.get(place), after.files.get(place));
            before != after || seen.files.get(place) == before
        };
        let has_dir = before.has_dir != after.has_dir || seen.has_dir == before.has_dir;
        !STRICT && has_dir && files.into_iter().flatten().all(survives)
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        let in_dir = bytes.ratio(2, 3)?;
        let most = if bytes.arbitrary()? { 3 } else { 40 };
        let place = Place { in_dir, file: bytes.int_in_range(0..=most)? };
        Ok(match bytes.int_in_range(0..=19)? {
            _ if in_dir && !self.has_dir => Op::MakeDir,
            0 => Op::Remount,
            1 | 2 => Op::Remove(place),
            3 | 4 => Op::Read(place),
            5..=11 => Op::Create(place),
            _ => {
                // Files are written in blocks as often as not.
                let unit = if bytes.arbitrary()? { 512 } else { 1 };
                let at = bytes.int_in_range(0..=3_000 / unit)? * unit;
                let len = bytes.int_in_range(1..=1_500 / unit)? * unit;
                Op::Write { place, at, len, fill: bytes.int_in_range(1..=255)? }
            }
        })
    }
}

/// A crate that writes FAT.
pub trait Volume: Sized + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// The sector at which its volume begins. Before it there is a partition table.
    const START: u64;

    /// Mounts the volume on this disk.
    ///
    /// # Errors
    ///
    /// What the crate says; so for all.
    fn mount(disk: SimDisk) -> Fallible<Self>;
    /// Makes the directory.
    ///
    /// # Errors
    ///
    /// As above.
    fn make_dir(&mut self) -> Fallible<()>;
    /// Whether the directory is there.
    ///
    /// # Errors
    ///
    /// As above.
    fn has_dir(&mut self) -> Fallible<bool>;
    /// Makes or empties a file.
    ///
    /// # Errors
    ///
    /// As above.
    fn create(&mut self, place: Place) -> Fallible<()>;
    /// Writes a file.
    ///
    /// # Errors
    ///
    /// As above.
    fn write(&mut self, place: Place, at: u32, data: &[u8]) -> Fallible<()>;
    /// Removes a file. Says whether it was there.
    ///
    /// # Errors
    ///
    /// As above.
    fn remove(&mut self, place: Place) -> Fallible<bool>;
    /// Reads a file, if it is there.
    ///
    /// # Errors
    ///
    /// As above.
    fn read(&mut self, place: Place) -> Fallible<Option<Vec<u8>>>;
    /// Unmounts it.
    ///
    /// # Errors
    ///
    /// As above.
    fn unmount(self) -> Fallible<()>;
}

/// A file system of one of them.
#[derive(Debug)]
pub struct Fat<V, const STRICT: bool> {
    disk: SimDisk,
    volume: Option<V>,
    /// Both copies of the allocation table were the same when it was mounted.
    was_sound: bool,
}

impl<V: Volume, const STRICT: bool> Fat<V, STRICT> {
    fn volume(&mut self) -> Fallible<&mut V> {
        if self.volume.is_none() {
            self.volume = Some(V::mount(self.disk.clone())?);
        }
        Ok(self.volume.as_mut().expect("it is mounted"))
    }

    fn unmount(&mut self) -> Fallible<()> {
        self.volume.take().map_or(Ok(()), V::unmount)
    }
}

impl<V: Volume, const STRICT: bool> Subject for Fat<V, STRICT> {
    type Model = Files<STRICT>;
    const NAME: &'static str = V::NAME;

    fn open(storage: &Storage) -> Fallible<Self> {
        let disk = storage.disk_at(0);
        if !is_formatted(&disk, V::START)? {
            format(&disk, V::START)?;
        }
        let was_sound = copies_agree(&disk, V::START)?;
        let volume = V::mount(disk.clone())?;
        Ok(Self { disk, volume: Some(volume), was_sound })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Reply> {
        let volume = self.volume()?;
        if let Op::Create(place) | Op::Write { place, .. } = op
            && place.in_dir
            && !volume.has_dir()?
        {
            return Ok(Reply::Nothing);
        }
        match *op {
            Op::MakeDir => {
                if !volume.has_dir()? {
                    volume.make_dir()?;
                }
            }
            Op::Create(place) => volume.create(place)?,
            Op::Write { place, at, len, fill } => {
                volume.write(place, at.into(), &vec![fill; len.into()])?;
            }
            Op::Remove(place) => {
                let was_there = (!place.in_dir || volume.has_dir()?) && volume.remove(place)?;
                return Ok(if was_there { Reply::Done } else { Reply::Nothing });
            }
            Op::Read(place) => {
                let is_there = !place.in_dir || volume.has_dir()?;
                let file = if is_there { volume.read(place)? } else { None };
                return Ok(file.map_or(Reply::Nothing, |file| Reply::Holds(runs(&file))));
            }
            Op::Remount => self.unmount()?,
        }
        Ok(Reply::Done)
    }

    fn show(&mut self) -> Fallible<Seen> {
        let volume = self.volume()?;
        let mut files = BTreeMap::new();
        let has_dir = volume.has_dir()?;
        for in_dir in [false, true].into_iter().filter(|in_dir| has_dir || !in_dir) {
            for file in 0..=40 {
                let place = Place { in_dir, file };
                if let Some(bytes) = volume.read(place)? {
                    files.insert(place, runs(&bytes));
                }
            }
        }
        self.unmount()?;
        let is_sound = copies_agree(&self.disk, V::START)?;
        assert!(is_sound || !self.was_sound, "the copies of the allocation table differ");
        Ok(Seen { has_dir, files })
    }

    fn close(mut self) -> Fallible<()> {
        self.unmount()
    }
}

// A volume of FAT16: sectors and clusters of 512 bytes.

const SECTOR: usize = 512;
const CLUSTERS: u64 = 4_200;
/// Sectors of one copy of the allocation table.
const TABLE: u64 = 17;
const ROOT_ENTRIES: u64 = 512;
const SECTORS: u64 = 1 + 2 * TABLE + ROOT_ENTRIES * 32 / SECTOR as u64 + CLUSTERS;

/// How large a disk has to be, in bytes.
pub const DISK: u64 = (SECTORS + 8) * SECTOR as u64;

fn is_formatted(disk: &SimDisk, start: u64) -> Fallible<bool> {
    let mut sector = [0; SECTOR];
    disk.read(Sector(start), &mut sector)?;
    Ok(sector[510..] == [0x55, 0xAA])
}

/// The boot sector comes last: with it the volume is there.
fn format(disk: &SimDisk, start: u64) -> Fallible<()> {
    let mut table = [0; SECTOR];
    table[..4].copy_from_slice(&[0xF8, 0xFF, 0xFF, 0xFF]);
    for copy in 0..2 {
        disk.write(Sector(start + 1 + copy * TABLE), &table)?;
    }
    if start > 0 {
        let mut partitions = [0; SECTOR];
        partitions[446 + 4] = 0x06;
        partitions[446 + 8..][..4].copy_from_slice(&(start as u32).to_le_bytes());
        partitions[446 + 12..][..4].copy_from_slice(&(SECTORS as u32).to_le_bytes());
        partitions[510..].copy_from_slice(&[0x55, 0xAA]);
        disk.write(Sector(0), &partitions)?;
    }
    disk.flush()?;
    let mut boot = [0; SECTOR];
    boot[..11].copy_from_slice(b"\xEB\x3C\x90MSWIN4.1");
    boot[11..13].copy_from_slice(&(SECTOR as u16).to_le_bytes());
    boot[13] = 1;
    boot[14..16].copy_from_slice(&1_u16.to_le_bytes());
    boot[16] = 2;
    boot[17..19].copy_from_slice(&(ROOT_ENTRIES as u16).to_le_bytes());
    boot[19..21].copy_from_slice(&(SECTORS as u16).to_le_bytes());
    boot[21] = 0xF8;
    boot[22..24].copy_from_slice(&(TABLE as u16).to_le_bytes());
    boot[24..26].copy_from_slice(&32_u16.to_le_bytes());
    boot[26..28].copy_from_slice(&64_u16.to_le_bytes());
    boot[28..32].copy_from_slice(&(start as u32).to_le_bytes());
    boot[36] = 0x80;
    boot[38] = 0x29;
    boot[43..54].copy_from_slice(b"HEADCRASH  ");
    boot[54..62].copy_from_slice(b"FAT16   ");
    boot[510..].copy_from_slice(&[0x55, 0xAA]);
    disk.write(Sector(start), &boot)?;
    disk.flush()?;
    Ok(())
}

/// The second copy of the allocation table is as the first.
fn copies_agree(disk: &SimDisk, start: u64) -> Fallible<bool> {
    let mut copies = [vec![0; TABLE as usize * SECTOR], vec![0; TABLE as usize * SECTOR]];
    for (copy, at) in copies.iter_mut().zip([start + 1, start + 1 + TABLE]) {
        disk.read(Sector(at), copy)?;
    }
    Ok(copies[0] == copies[1])
}
