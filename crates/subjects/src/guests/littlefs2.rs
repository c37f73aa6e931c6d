//! littlefs: files on NOR flash. It promises that a power cut leaves every operation done or not
//! done, and a file as it was when it was last closed or synced.

use std::collections::BTreeMap;

use ::littlefs2::fs::{Allocation, Filesystem};
use ::littlefs2::io::{Error, SeekFrom, Write};
use ::littlefs2::path::PathBuf;
use arbitrary::{Arbitrary, Unstructured};
use headcrash::{Check, Disk, Fallible, Model, Storage, Subject, check};
use serde::{Deserialize, Serialize};

use crate::adapters::littlefs2::{BLOCK, BLOCKS, Chip, WORD};

/// Files have numbers below this.
const FILES: u8 = 6;
/// No file is longer, in bytes: all of them fit twice.
const LONGEST: u16 = 600;

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Arbitrary)]
pub struct Place {
    /// In the only directory, rather than in the root.
    pub in_dir: bool,
    /// Its name is a number.
    pub file: u8,
}

/// What a file system is asked.
#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
pub enum Op {
    /// The directory is made, unless it is there.
    MakeDir,
    /// The directory goes, if it is empty.
    RemoveDir,
    /// An empty file is made, unless it is there.
    Create(Place),
    /// A file that is there gets other contents: `len` bytes, all alike.
    Write {
        /// Which one.
        place: Place,
        /// How many bytes.
        len: u16,
        /// Each of them.
        fill: u8,
    },
    /// A file that is there grows by that, up to the longest.
    Append {
        /// Which one.
        place: Place,
        /// How many bytes.
        len: u16,
        /// Each of them.
        fill: u8,
    },
    /// A file gets another name, and replaces what has that.
    Rename {
        /// From here.
        from: Place,
        /// To there.
        to: Place,
    },
    /// A file goes.
    Remove(Place),
    /// All of a file.
    Read(Place),
    /// The file system is unmounted and mounted.
    Remount,
}

/// Bytes, as so many of each.
type Runs = Vec<(u32, u8)>;

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done.
    Done,
    /// There is no such thing, or it cannot be done.
    Nothing,
    /// The bytes of a file.
    Holds(Runs),
}

/// What a reader sees: whether there is a directory, and the files.
pub type Seen = (bool, BTreeMap<Place, Runs>);

fn runs(bytes: &[u8]) -> Runs {
    bytes.chunk_by(|a, b| a == b).map(|run| (run.len() as u32, run[0])).collect()
}

/// The files. With `MOVES` they are renamed from one directory to the other as well.
#[derive(Clone, Debug, Default)]
pub struct Files<const MOVES: bool> {
    has_dir: bool,
    files: BTreeMap<Place, Vec<u8>>,
}

impl<const MOVES: bool> Files<MOVES> {
    fn is_open(&self, place: Place) -> bool {
        !place.in_dir || self.has_dir
    }

    fn set(&mut self, place: Place, bytes: Vec<u8>) -> Reply {
        match self.files.get_mut(&place) {
            Some(file) => {
                *file = bytes;
                Reply::Done
            }
            None => Reply::Nothing,
        }
    }
}

impl<const MOVES: bool> Model for Files<MOVES> {
    type Op = Op;
    type Reply = Reply;
    type View = Seen;

    fn apply(&mut self, op: &Op) -> Reply {
        match *op {
            Op::MakeDir => self.has_dir = true,
            Op::RemoveDir => {
                if !self.has_dir || self.files.keys().any(|place| place.in_dir) {
                    return Reply::Nothing;
                }
                self.has_dir = false;
            }
            Op::Create(place) => {
                if !self.is_open(place) {
                    return Reply::Nothing;
                }
                self.files.entry(place).or_default();
            }
            Op::Write { place, len, fill } => return self.set(place, vec![fill; len.into()]),
            Op::Append { place, len, fill } => {
                let Some(file) = self.files.get_mut(&place) else { return Reply::Nothing };
                let end = (file.len() + usize::from(len)).min(LONGEST.into());
                file.resize(end, fill);
            }
            Op::Rename { from, to } => {
                if !self.is_open(to) || !self.files.contains_key(&from) {
                    return Reply::Nothing;
                }
                if let Some(file) = self.files.remove(&from) {
                    self.files.insert(to, file);
                }
            }
            Op::Remove(place) => {
                return self.files.remove(&place).map_or(Reply::Nothing, |_| Reply::Done);
            }
            Op::Read(place) => {
                let file = self.files.get(&place);
                return file.map_or(Reply::Nothing, |file| Reply::Holds(runs(file)));
            }
            Op::Remount => {}
        }
        Reply::Done
    }

    fn view(&self) -> Seen {
        (self.has_dir, self.files.iter().map(|(place, file)| (*place, runs(file))).collect())
    }

    fn draw(&self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Op> {
        let mut place = || -> arbitrary::Result<Place> {
            Ok(Place { in_dir: bytes.arbitrary()?, file: bytes.int_in_range(0..=FILES - 1)? })
        };
        let (place, mut to) = (place()?, place()?);
        to.in_dir = if MOVES { to.in_dir } else { place.in_dir };
        let most = if bytes.arbitrary()? { 60 } else { LONGEST };
        let (len, fill) = (bytes.int_in_range(0..=most)?, bytes.arbitrary()?);
        Ok(match bytes.int_in_range(0..=19)? {
            _ if place.in_dir && !self.has_dir => Op::MakeDir,
            0 => Op::Remount,
            1 => Op::RemoveDir,
            2 | 3 => Op::Remove(place),
            4 => Op::Read(place),
            5..=7 => Op::Rename { from: place, to },
            8..=10 => Op::Append { place, len, fill },
            11..=14 if self.files.contains_key(&place) => Op::Write { place, len, fill },
            _ => Op::Create(place),
        })
    }
}

type Lfs = Filesystem<'static, Chip>;

/// A file system. With `MENDED` it ends what a power cut left half done as soon as it is mounted,
/// as its first write would.
#[expect(missing_debug_implementations, reason = "the crate's own has none")]
pub struct Littlefs<const MOVES: bool, const MENDED: bool> {
    chip: Chip,
    fs: Option<Lfs>,
}

fn path(place: Place) -> PathBuf {
    let dir = if place.in_dir { "dir/" } else { "" };
    PathBuf::try_from(&*format!("{dir}f{}", place.file)).expect("a short name")
}

fn dir() -> PathBuf {
    PathBuf::try_from("dir").expect("a short name")
}

fn said(error: Error) -> Box<dyn std::error::Error> {
    format!("{error:?}").into()
}

/// Whether it is there.
fn found<T>(result: Result<T, Error>) -> Fallible<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::NO_SUCH_ENTRY) => Ok(None),
        Err(error) => Err(said(error)),
    }
}

/// Mounts it. What it borrows is left behind: some hundred bytes.
fn mount(chip: &Chip, mended: bool) -> Result<Lfs, Error> {
    let parts = Box::leak(Box::new((Allocation::new(), chip.clone())));
    let fs = Filesystem::mount(&mut parts.0, &mut parts.1)?;
    if mended {
        // Any operation that writes begins with that, and littlefs2 has no other way to ask for it.
        match fs.remove(&PathBuf::try_from("none").expect("a short name")) {
            Err(Error::NO_SUCH_ENTRY) => {}
            gone => gone?,
        }
    }
    Ok(fs)
}

fn read(fs: &Lfs, place: Place) -> Fallible<Option<Vec<u8>>> {
    found(fs.open_file_and_then(&path(place), |file| {
        let mut bytes = vec![0; file.len()?];
        let mut done = 0;
        while done < bytes.len() {
            match file.read(&mut bytes[done..])? {
                0 => break,
                count => done += count,
            }
        }
        bytes.truncate(done);
        Ok(bytes)
    }))
}

impl<const MOVES: bool, const MENDED: bool> Littlefs<MOVES, MENDED> {
    fn fs(&mut self) -> Fallible<&Lfs> {
        if self.fs.is_none() {
            self.fs = Some(mount(&self.chip, MENDED).map_err(said)?);
        }
        Ok(self.fs.as_ref().expect("it is mounted"))
    }

    fn try_apply(&mut self, op: &Op) -> Fallible<Reply> {
        if let Op::Remount = op {
            self.fs = None;
        }
        let fs = self.fs()?;
        let done = match *op {
            Op::MakeDir => match fs.create_dir(&dir()) {
                Err(Error::ENTRY_ALREADY_EXISTED) => Some(()),
                made => Some(made.map_err(said)?),
            },
            Op::RemoveDir => match fs.remove_dir(&dir()) {
                Err(Error::DIR_NOT_EMPTY) => None,
                gone => found(gone)?,
            },
            Op::Create(place) => found(fs.open_file_with_options_and_then(
                |options| options.write(true).create(true),
                &path(place),
                |_| Ok(()),
            ))?,
            Op::Write { place, len, fill } => found(fs.open_file_with_options_and_then(
                |options| options.write(true).truncate(true),
                &path(place),
                |file| file.write_all(&vec![fill; len.into()]),
            ))?,
            Op::Append { place, len, fill } => found(fs.open_file_with_options_and_then(
                |options| options.read(true).write(true),
                &path(place),
                |file| {
                    let end = file.seek(SeekFrom::End(0))?;
                    let count = usize::from(len).min(usize::from(LONGEST).saturating_sub(end));
                    file.write_all(&vec![fill; count])
                },
            ))?,
            Op::Rename { from, to } => found(fs.rename(&path(from), &path(to)))?,
            Op::Remove(place) => found(fs.remove(&path(place)))?,
            Op::Read(place) => {
                let file = read(fs, place)?;
                return Ok(file.map_or(Reply::Nothing, |file| Reply::Holds(runs(&file))));
            }
            Op::Remount => Some(()),
        };
        Ok(done.map_or(Reply::Nothing, |()| Reply::Done))
    }

    fn try_show(&mut self) -> Fallible<Seen> {
        let fs = self.fs()?;
        let has_dir = found(fs.metadata(&dir()))?.is_some();
        let mut files = BTreeMap::new();
        for in_dir in [false, true] {
            for file in 0..FILES {
                let place = Place { in_dir, file };
                if let Some(bytes) = read(fs, place)? {
                    files.insert(place, runs(&bytes));
                }
            }
        }
        Ok((has_dir, files))
    }
}

impl<const MOVES: bool, const MENDED: bool> Subject for Littlefs<MOVES, MENDED> {
    type Model = Files<MOVES>;
    const NAME: &'static str = "littlefs2";

    fn open(storage: &Storage) -> Fallible<Self> {
        let mut chip = Chip::new(storage.flash("flash"));
        let fs = match mount(&chip, MENDED) {
            // It was never formatted, or that was cut off: then there is nothing to lose.
            Err(Error::CORRUPTION | Error::INVALID) => {
                Filesystem::format(&mut chip).map_err(said)?;
                mount(&chip, MENDED)
            }
            mounted => mounted,
        };
        Ok(Self { chip, fs: Some(fs.map_err(said)?) })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Reply> {
        let reply = self.try_apply(op);
        if reply.is_err() {
            self.fs = None;
        }
        reply
    }

    fn show(&mut self) -> Fallible<Seen> {
        let seen = self.try_show();
        if seen.is_err() {
            self.fs = None;
        }
        seen
    }
}

/// Flash of which a power cut leaves this of what is under way.
fn flash(program: &str, erase: &str) -> Disk {
    let medium = format!(
        "nor_flash(program_unit: {WORD}, erase_block: {BLOCK}, \
         interrupted_program: {program}, interrupted_erase: {erase})"
    );
    Disk::new((BLOCK * BLOCKS) as u64).with("medium", &medium)
}

fn of<const MOVES: bool, const MENDED: bool>(program: &str, erase: &str) -> Check {
    check::<Littlefs<MOVES, MENDED>>().disk("flash", flash(program, erase)).operations(40)
}

/// What it is put through, and is to stand.
#[must_use]
pub fn campaigns() -> Vec<(&'static str, Check)> {
    let error = |on: &str| {
        format!("(action: fail(errno: \"EIO\"), on: [{on}], chance: (1, 100), times: 1)")
    };
    let failing = || {
        let check = of::<false, false>("prefix_of_units", "old_or_new");
        check.rule(&error("read")).rule(&error("write"))
    };
    vec![
        ("no faults", of::<true, false>("old_or_new", "old_or_new")),
        (
            "power cuts between words",
            of::<false, false>("prefix_of_units", "old_or_new").power_cuts(2),
        ),
        ("power cuts inside words", of::<false, false>("any_bits", "old_or_new").power_cuts(2)),
        (
            "power cuts inside erases",
            of::<false, false>("prefix_of_units", "any_bits").power_cuts(2),
        ),
        (
            "moves and power cuts, mended when mounted",
            of::<true, true>("prefix_of_units", "old_or_new").power_cuts(2),
        ),
        ("a transient error", failing()),
        ("errors and power cuts", failing().power_cuts(1)),
    ]
}

/// What it does not stand: a power cut while a file is moved from one directory to the other. Until
/// something is written the file after the moved one is not found: `lfs_dir_fetchmatch` counts it
/// one place lower, as the moved one is to be gone, and `lfs_dir_getslice` takes that place for the
/// moved one's.
#[must_use]
pub fn moves() -> Check {
    of::<true, false>("prefix_of_units", "old_or_new").power_cuts(2)
}
