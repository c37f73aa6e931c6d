//! Logs of writes, as Linux's `dm-log-writes` and QEMU's `blklogwrites` make them and `replay-log`
//! reads them.
//!
//! A super block (magic, version, number of entries, sector size), and then the entries. Each has
//! a sector for itself, of which 32 bytes are used (sector, number of sectors, flags, length of
//! data), and then its data, sector by sector; a discard has none. A mark has its text behind the
//! 32 bytes, in the same sector. Numbers are little-endian; positions and lengths are in sectors
//! of the size that the super block tells.
//!
//! A log is in the order in which things were known to be durable, not in that of submissions or
//! completions: see [`WriteLog::from_history`]. QEMU's is in the order of completions, with
//! flushes where they completed. It sets no flag but those for flushes and discards: a FUA request
//! is a write and a flush there, and right after another flush (10.0.2) nothing but a write.
//!
//! Source: `drivers/md/dm-log-writes.c`, `block/blklogwrites.c`, `log-writes.c` of `replay-log`.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
const SUPER_LEN: usize = 28;
const HEADER_LEN: usize = 32;

/// How far a device may reach, in bytes: what fits an offset in C.
const DEVICE_MAX: u64 = i64::MAX as u64;

/// What was written to a device, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteLog {
    /// What positions and lengths count, in bytes: a power of two from 512 to 65536.
    pub sector_size: u32,
    /// In the order in which they became durable.
    pub entries: Vec<Entry>,
}

/// One thing that was done to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it was.
    pub flags: Flags,
    /// The first sector.
    pub sector: u64,
    /// How many.
    pub sectors: u64,
    /// The bytes of a write: as many as its sectors have.
    pub data: Arc<[u8]>,
    /// The text of a mark.
    pub mark: Option<String>,
}

impl Entry {
    /// Writes `data` to `sectors` sectors.
    #[must_use]
    pub fn write(sector: u64, sectors: u64, data: impl Into<Arc<[u8]>>) -> Self {
        Self { flags: Flags::default(), sector, sectors, data: data.into(), mark: None }
    }

    /// Discards `sectors` sectors.
    #[must_use]
    pub fn discard(sector: u64, sectors: u64) -> Self {
        let flags = Flags { discard: true, ..Flags::default() };
        Self { flags, ..Self::write(sector, sectors, []) }
    }

    /// Makes durable what was written before.
    #[must_use]
    pub fn flush() -> Self {
        let flags = Flags { flush: true, ..Flags::default() };
        Self { flags, ..Self::write(0, 0, []) }
    }

    /// Says `text`, and does nothing.
    #[must_use]
    pub fn mark(text: impl Into<String>) -> Self {
        let flags = Flags { mark: true, ..Flags::default() };
        Self { flags, mark: Some(text.into()), ..Self::write(0, 0, []) }
    }

    /// Whether the device is another after it: a write or a discard of at least one sector.
    #[must_use]
    pub const fn is_change(&self) -> bool {
        self.sectors > 0 && !self.flags.mark
    }

    /// Why no log can hold it.
    fn fault(&self, sector_size: u64) -> Option<Fault> {
        let Self { flags, sector, sectors, .. } = *self;
        let reach = sector.checked_add(sectors).and_then(|end| end.checked_mul(sector_size));
        if reach.is_none_or(|reach| reach > DEVICE_MAX) {
            return Some(Fault::Range { sector, sectors, most: DEVICE_MAX / sector_size });
        }
        if flags.mark && flags != (Flags { mark: true, ..Flags::default() }) {
            return Some(Fault::Contradiction { flags, accepted: "MARK alone" });
        }
        if flags.discard && (flags.flush || flags.fua) {
            return Some(Fault::Contradiction { flags, accepted: "DISCARD without FLUSH and FUA" });
        }
        if flags.mark && (sector, sectors) != (0, 0) {
            return Some(Fault::MarkOfSectors { sector, sectors });
        }
        match &self.mark {
            Some(_) if !flags.mark => return Some(Fault::TextWithoutMark { flags }),
            Some(text) => {
                let most = most_mark(sector_size);
                if text.len() as u64 > most {
                    return Some(Fault::MarkLen { found: text.len() as u64, most });
                }
            }
            None if flags.mark => return Some(Fault::MarkWithoutText),
            None => {}
        }
        let expected = if flags.discard { 0 } else { sectors * sector_size };
        let found = self.data.len() as u64;
        (found != expected).then_some(Fault::DataLen { found, expected })
    }
}

/// A mark ends with a zero that is in the sector, too: `replay-log` reads it as C does.
const fn most_mark(sector_size: u64) -> u64 {
    sector_size - HEADER_LEN as u64 - 1
}

/// What an entry is; none of them for a plain write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// What was written before is durable now; data of its own comes after that.
    pub flush: bool,
    /// It was durable when it completed.
    pub fua: bool,
    /// The sectors were discarded.
    pub discard: bool,
    /// Nothing but a text.
    pub mark: bool,
    /// A file system's own data, as it said.
    pub metadata: bool,
}

impl Flags {
    const NAMES: [&'static str; 5] = ["FLUSH", "FUA", "DISCARD", "MARK", "METADATA"];
    const KNOWN: u64 = (1 << Self::NAMES.len()) - 1;

    const fn list(self) -> [bool; 5] {
        [self.flush, self.fua, self.discard, self.mark, self.metadata]
    }

    /// As a log has them.
    #[must_use]
    pub fn bits(self) -> u64 {
        (0..).zip(self.list()).map(|(bit, is_set)| u64::from(is_set) << bit).sum()
    }

    /// From a log, if none is unknown.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Option<Self> {
        if bits & !Self::KNOWN != 0 {
            return None;
        }
        Some(Self {
            flush: bits & 1 != 0,
            fua: bits & 2 != 0,
            discard: bits & 4 != 0,
            mark: bits & 8 != 0,
            metadata: bits & 16 != 0,
        })
    }
}

/// `FLUSH|FUA`; `none` without any.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().zip(self.list());
        let set: Vec<_> = names.filter_map(|(name, is_set)| is_set.then_some(*name)).collect();
        if set.is_empty() { f.write_str("none") } else { f.write_str(&set.join("|")) }
    }
}

/// Why something is not a log of writes, or cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteLogError {
    /// Where in the log, in bytes.
    pub offset: u64,
    /// In which entry, from 0; none in the super block.
    pub entry: Option<u64>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for WriteLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, entry, fault } = self;
        match entry {
            Some(entry) => write!(f, "byte {offset}, entry {entry}: {fault}"),
            None => write!(f, "byte {offset}, super block: {fault}"),
        }
    }
}

impl std::error::Error for WriteLogError {}

/// What is wrong with a log of writes, and what would have been accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// It ends too early.
    #[error("cut off: {what} needs {needed} bytes, and {there} are there")]
    Cut {
        /// What should be there.
        what: &'static str,
        /// How many bytes it has.
        needed: u64,
        /// How many are left.
        there: u64,
    },
    /// Zeroes. QEMU writes the super block with the first flush.
    #[error("no super block was ever written; accepted is a log that saw a flush, a FUA or a mark")]
    NoSuper,
    /// Big-endian.
    #[error("the magic is byte-swapped; accepted is a little-endian log")]
    Swapped,
    /// Some other file.
    #[error("the magic is {found:#018x}; accepted is {MAGIC:#018x}")]
    Magic {
        /// What is there.
        found: u64,
    },
    /// Another version.
    #[error("version {found}; accepted is {VERSION}")]
    Version {
        /// What is there.
        found: u64,
    },
    /// No power of two, or far from it.
    #[error("sectors of {found} bytes; accepted is a power of two from 512 to 65536")]
    SectorSize {
        /// What is there.
        found: u32,
    },
    /// Flags nobody knows.
    #[error("unknown flags {unknown:#x} in {found:#x}; accepted are {}", Flags::NAMES.join(", "))]
    UnknownFlags {
        /// All of them.
        found: u64,
        /// Those.
        unknown: u64,
    },
    /// Flags that do not go together.
    #[error("flags {flags} contradict each other; accepted is {accepted}")]
    Contradiction {
        /// All of them.
        flags: Flags,
        /// What goes together.
        accepted: &'static str,
    },
    /// No device is as large.
    #[error("{sectors} sectors from {sector}; accepted is what ends at sector {most} or before")]
    Range {
        /// The first sector.
        sector: u64,
        /// How many.
        sectors: u64,
        /// Where they have to end.
        most: u64,
    },
    /// A mark with a place.
    #[error("a mark of {sectors} sectors from {sector}; accepted is one of 0 from 0")]
    MarkOfSectors {
        /// The first sector.
        sector: u64,
        /// How many.
        sectors: u64,
    },
    /// A mark that does not fit its sector.
    #[error("a mark of {found} bytes; accepted are at most {most}")]
    MarkLen {
        /// How long it is.
        found: u64,
        /// How long it may be.
        most: u64,
    },
    /// A mark that says nothing, not even nothing.
    #[error("a mark without a text; accepted is one with a text, which may be empty")]
    MarkWithoutText,
    /// A text that would not be written.
    #[error("a text, and flags {flags}; accepted is MARK alone")]
    TextWithoutMark {
        /// All of them.
        flags: Flags,
    },
    /// A length for data that is neither none nor that of the sectors.
    #[error("{found} bytes of inline data for {sectors} sectors; accepted are {accepted}")]
    InlineLen {
        /// What is there.
        found: u64,
        /// How many sectors they are to fill.
        sectors: u64,
        /// What could be.
        accepted: String,
    },
    /// Something where an entry has nothing. Only looked for behind the last entry that the super
    /// block tells of.
    #[error("byte {found:#04x} where an entry is padded; accepted is 0x00")]
    Padding {
        /// What is there.
        found: u8,
    },
    /// An entry with more or less data than its sectors have.
    #[error("{found} bytes of data; accepted are {expected}")]
    DataLen {
        /// How many there are.
        found: u64,
        /// How many there should be.
        expected: u64,
    },
}

/// Something about a log that is worth knowing, and no error.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Note {
    /// The super block is only rewritten now and then.
    #[error("the super block tells of {said} entries; {found} follow each other")]
    PastTheEnd {
        /// How many the super block tells of.
        said: u64,
        /// How many are valid, and in the log.
        found: u64,
    },
    /// After the last entry that the super block tells of, and perhaps others, comes something
    /// else: a torn entry, or what was on the device before.
    #[error("what is after the last entry is ignored: {0}")]
    Tail(WriteLogError),
    /// Data as DAX gave it, padded with zeroes to whole sectors.
    #[error("entry {entry} has {len} bytes of inline data, which count as whole sectors")]
    Inline {
        /// Which, from 0.
        entry: u64,
        /// How many bytes there were.
        len: u64,
    },
    /// A mark in some other encoding.
    #[error("the mark of entry {entry} is not UTF-8; what is not ASCII reads as `?`")]
    MarkNotUtf8 {
        /// Which, from 0.
        entry: u64,
    },
}

impl WriteLog {
    /// The mark after which [`WriteLog::from_history`] puts what was never flushed.
    pub const UNFLUSHED: &'static str = "headcrash-unflushed";

    /// The largest log that [`WriteLog::from_history`] makes, in bytes.
    pub const HISTORY_MAX: u64 = 256 << 20;

    /// Reads a log.
    ///
    /// Entries after those that the super block tells of are read, too, as long as they are
    /// valid: the kernel rewrites it only after FUA writes and marks, QEMU only after flushes.
    /// [`Note::PastTheEnd`] tells; truncate the entries if the device held another log before.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Vec<Note>), WriteLogError> {
        let (sector_size, said) = read_super(bytes)?;
        let mut reader = Reader {
            bytes,
            at: sector_size as usize,
            sector_size: sector_size as usize,
            entries: Vec::new(),
            notes: Vec::new(),
        };
        while (reader.entries.len() as u64) < said {
            reader.entry()?;
        }
        let tail = loop {
            if reader.is_at_end() {
                break None;
            }
            if let Err(error) = reader.padding().and_then(|()| reader.entry()) {
                break Some(Note::Tail(error));
            }
        };
        let Reader { entries, mut notes, .. } = reader;
        let found = entries.len() as u64;
        if found > said {
            notes.push(Note::PastTheEnd { said, found });
        }
        notes.extend(tail);
        Ok((Self { sector_size, entries }, notes))
    }

    /// The log as `replay-log` reads it.
    ///
    /// # Errors
    ///
    /// The first entry that no log can hold, and where it would have been.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteLogError> {
        check_sector_size(self.sector_size)?;
        let sector_size = self.sector_size as usize;
        let data: usize = self.entries.iter().map(|entry| sector_size + entry.data.len()).sum();
        let mut bytes = Vec::with_capacity(sector_size + data);
        for number in [MAGIC, VERSION, self.entries.len() as u64] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.sector_size.to_le_bytes());
        bytes.resize(sector_size, 0);
        for (index, entry) in (0..).zip(&self.entries) {
            if let Some(fault) = entry.fault(sector_size as u64) {
                return Err(WriteLogError {
                    offset: bytes.len() as u64,
                    entry: Some(index),
                    fault,
                });
            }
            let mark = entry.mark.as_deref().unwrap_or_default();
            let end = bytes.len() + sector_size;
            for number in [entry.sector, entry.sectors, entry.flags.bits(), mark.len() as u64] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(mark.as_bytes());
            bytes.resize(end, 0);
            bytes.extend(&*entry.data);
        }
        Ok(bytes)
    }

    /// The log that the kernel would have made of a device's history.
    ///
    /// A write is held back when it completes. A flush takes with it, when it is *submitted*, what
    /// is held back, and when it completes they are logged, the flush last. FUA writes and marks
    /// are logged at once, perhaps ahead of what was written before. What no flush took, or only
    /// one that never completed, is not in the log; with `tail`, it is at the end of it, after a
    /// mark that reads [`WriteLog::UNFLUSHED`], in order of completion.
    ///
    /// The comment in the kernel gives `Wa,Wb,Wc,Cc,Ca,FLUSH,FUAd,Cb,CFLUSH,CFUAd` as an example,
    /// with `c,a,b,flush,fuad` for the log. By the kernel's code, and by ours, it is
    /// `c,a,flush,fuad`, and b comes with the next flush: it completed after this one was
    /// submitted.
    ///
    /// # Errors
    ///
    /// The first event that cannot have happened, or that no log can hold.
    pub fn from_history(
        sector_size: u32,
        history: impl IntoIterator<Item = HistoryEvent>,
        tail: bool,
    ) -> Result<Self, HistoryError> {
        check_sector_size(sector_size)
            .map_err(|error| HistoryError { event: 0, fault: error.fault.into() })?;
        let mut recorder = Recorder {
            sector_size: u64::from(sector_size),
            len: u64::from(sector_size),
            held: Vec::new(),
            flushes: VecDeque::new(),
            entries: Vec::new(),
        };
        for (index, event) in history.into_iter().enumerate() {
            recorder.add(event).map_err(|fault| HistoryError { event: index, fault })?;
        }
        let unflushed = recorder.flushes.into_iter().flat_map(|(_, held)| held);
        let mut unflushed = unflushed.chain(recorder.held).peekable();
        if tail && unflushed.peek().is_some() {
            recorder.entries.push(Entry::mark(Self::UNFLUSHED));
            recorder.entries.extend(unflushed);
        }
        Ok(Self { sector_size, entries: recorder.entries })
    }

    /// What lies between flushes, in order.
    ///
    /// Only what the log says is known: for one of QEMU's, a write that completed while a flush
    /// was under way counts as covered by it.
    pub fn epochs(&self) -> impl Iterator<Item = Epoch> {
        let mut next = 0;
        let mut writes = Vec::new();
        std::iter::from_fn(move || {
            while let Some(entry) = self.entries.get(next) {
                let index = next;
                next += 1;
                // A flush with data comes before its data.
                let own = if entry.is_change() { vec![index] } else { Vec::new() };
                if entry.flags.flush {
                    let writes = std::mem::replace(&mut writes, own);
                    return Some(Epoch { writes, flush: Some(index) });
                }
                writes.extend(own);
            }
            let writes = std::mem::take(&mut writes);
            (!writes.is_empty()).then_some(Epoch { writes, flush: None })
        })
    }

    /// For each entry, the one that makes it durable: itself if it is FUA or changes nothing,
    /// the next flush, or none.
    #[must_use]
    pub fn covered_by(&self) -> Vec<Option<usize>> {
        let mut covered: Vec<_> = (0..self.entries.len()).map(Some).collect();
        for Epoch { writes, flush } in self.epochs() {
            for write in writes.into_iter().filter(|write| !self.entries[*write].flags.fua) {
                covered[write] = flush;
            }
        }
        covered
    }
}

/// Writes, and the flush that made them durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The entries that write or discard, in the log's order. Those with FUA are durable by
    /// themselves.
    pub writes: Vec<usize>,
    /// The entry that flushes; the last epoch may have none.
    pub flush: Option<usize>,
}

/// Something that happened at a device. Positions and lengths are in the log's sectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEvent {
    /// A write completed.
    WriteDone {
        /// The first sector.
        at_sector: u64,
        /// Whole sectors.
        data: Arc<[u8]>,
        /// Whether it is durable.
        fua: bool,
    },
    /// A write of zeroes completed. The log has them as data.
    ZeroesDone {
        /// The first sector.
        at_sector: u64,
        /// How many.
        sectors: u64,
        /// Whether it is durable.
        fua: bool,
    },
    /// A discard completed. It is held back as a write is.
    DiscardDone {
        /// The first sector.
        at_sector: u64,
        /// How many.
        sectors: u64,
    },
    /// A flush was submitted. No other under way has this number.
    FlushSubmitted(u64),
    /// The flush with this number completed.
    FlushDone(u64),
    /// Somebody left a mark.
    Mark(String),
}

/// A history that is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("event {event}: {fault}")]
pub struct HistoryError {
    /// Which event, from 0.
    pub event: usize,
    /// What is wrong with it.
    pub fault: HistoryFault,
}

/// What is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HistoryFault {
    /// No log can hold it.
    #[error(transparent)]
    Entry(#[from] Fault),
    /// More than [`WriteLog::HISTORY_MAX`].
    #[error("the log gets longer than {} bytes", WriteLog::HISTORY_MAX)]
    TooLong,
    /// Two at once.
    #[error("flush {0} is submitted, and still under way")]
    FlushTwice(u64),
    /// One of nothing.
    #[error("flush {0} completes, and is not under way")]
    NoSuchFlush(u64),
}

/// What the kernel keeps.
struct Recorder {
    sector_size: u64,
    /// Of the log so far, in bytes, with what is held back.
    len: u64,
    /// What completed and no flush took.
    held: Vec<Entry>,
    /// Those under way, with what they took, in order of submission.
    flushes: VecDeque<(u64, Vec<Entry>)>,
    entries: Vec<Entry>,
}

impl Recorder {
    fn add(&mut self, event: HistoryEvent) -> Result<(), HistoryFault> {
        match event {
            HistoryEvent::WriteDone { at_sector, data, fua } => {
                let sectors = (data.len() as u64).div_ceil(self.sector_size);
                self.done(Entry::write(at_sector, sectors, data), fua)
            }
            HistoryEvent::ZeroesDone { at_sector, sectors, fua } => {
                let len = sectors.checked_mul(self.sector_size).ok_or(HistoryFault::TooLong)?;
                if len > WriteLog::HISTORY_MAX {
                    return Err(HistoryFault::TooLong);
                }
                self.done(Entry::write(at_sector, sectors, vec![0; len as usize]), fua)
            }
            HistoryEvent::DiscardDone { at_sector, sectors } => {
                self.done(Entry::discard(at_sector, sectors), false)
            }
            HistoryEvent::FlushSubmitted(id) => {
                if self.flushes.iter().any(|(other, _)| *other == id) {
                    return Err(HistoryFault::FlushTwice(id));
                }
                self.flushes.push_back((id, std::mem::take(&mut self.held)));
                Ok(())
            }
            HistoryEvent::FlushDone(id) => {
                let place = self.flushes.iter().position(|(other, _)| *other == id);
                let flush = place.and_then(|place| self.flushes.remove(place));
                let (_, held) = flush.ok_or(HistoryFault::NoSuchFlush(id))?;
                let flush = self.checked(Entry::flush())?;
                self.entries.extend(held);
                self.entries.push(flush);
                Ok(())
            }
            HistoryEvent::Mark(text) => {
                let mark = self.checked(Entry::mark(text))?;
                self.entries.push(mark);
                Ok(())
            }
        }
    }

    fn done(&mut self, entry: Entry, fua: bool) -> Result<(), HistoryFault> {
        // As in the kernel: without sectors there is nothing to log.
        if entry.sectors == 0 {
            return Ok(());
        }
        let flags = Flags { fua, ..entry.flags };
        let entry = self.checked(Entry { flags, ..entry })?;
        if fua {
            self.entries.push(entry)
        } else {
            self.held.push(entry)
        }
        Ok(())
    }

    fn checked(&mut self, entry: Entry) -> Result<Entry, HistoryFault> {
        if let Some(fault) = entry.fault(self.sector_size) {
            return Err(fault.into());
        }
        self.len += self.sector_size + entry.data.len() as u64;
        if self.len > WriteLog::HISTORY_MAX {
            return Err(HistoryFault::TooLong);
        }
        Ok(entry)
    }
}

/// Sector size and number of entries.
fn read_super(bytes: &[u8]) -> Result<(u32, u64), WriteLogError> {
    let fail = |offset, fault| Err(WriteLogError { offset, entry: None, fault });
    let Some(all) = bytes.first_chunk::<SUPER_LEN>() else {
        let (needed, there) = (SUPER_LEN as u64, bytes.len() as u64);
        return fail(0, Fault::Cut { what: "the super block", needed, there });
    };
    let (numbers, sector_size) = all.split_at(24);
    let mut numbers = numbers.chunks_exact(8).map(number);
    let mut number = || numbers.next().unwrap_or_default();
    match number() {
        MAGIC => {}
        0 => return fail(0, Fault::NoSuper),
        found if found.swap_bytes() == MAGIC => return fail(0, Fault::Swapped),
        found => return fail(0, Fault::Magic { found }),
    }
    match number() {
        VERSION => {}
        found => return fail(8, Fault::Version { found }),
    }
    let said = number();
    let sector_size = sector_size.iter().rev().fold(0, |all, byte| all << 8 | u32::from(*byte));
    check_sector_size(sector_size)?;
    Ok((sector_size, said))
}

fn check_sector_size(found: u32) -> Result<(), WriteLogError> {
    if found.is_power_of_two() && (512..=65536).contains(&found) {
        return Ok(());
    }
    Err(WriteLogError { offset: 24, entry: None, fault: Fault::SectorSize { found } })
}

/// Little-endian.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
}

/// On its way through the entries. Whatever a log claims, only bytes that are there are copied.
struct Reader<'a> {
    bytes: &'a [u8],
    /// Where the next entry is; perhaps behind the end.
    at: usize,
    sector_size: usize,
    entries: Vec<Entry>,
    notes: Vec<Note>,
}

impl Reader<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn index(&self) -> u64 {
        self.entries.len() as u64
    }

    fn error(&self, offset: usize, fault: Fault) -> WriteLogError {
        WriteLogError { offset: offset as u64, entry: Some(self.index()), fault }
    }

    /// Nothing but zeroes where the next entry would begin.
    fn is_at_end(&self) -> bool {
        self.rest().iter().take(HEADER_LEN).all(|byte| *byte == 0)
    }

    /// Between header, mark and data there are zeroes. Other tools do not look, but behind the
    /// end it tells an entry from anything else.
    fn padding(&self) -> Result<(), WriteLogError> {
        let sector = self.rest().get(..self.sector_size).unwrap_or_default();
        let (Some(flags), Some(len)) = (sector.get(16..24), sector.get(24..HEADER_LEN)) else {
            return Ok(());
        };
        let is_mark = Flags::from_bits(number(flags)).is_some_and(|flags| flags.mark);
        let text = if is_mark { number(len).min(sector.len() as u64) as usize } else { 0 };
        let padding = sector.get(HEADER_LEN + text..).unwrap_or_default();
        let Some(odd) = padding.iter().position(|byte| *byte != 0) else { return Ok(()) };
        let fault = Fault::Padding { found: padding[odd] };
        Err(self.error(self.at + HEADER_LEN + text + odd, fault))
    }

    /// Reads one entry, or leaves everything as it is.
    fn entry(&mut self) -> Result<(), WriteLogError> {
        let header = self.take(self.at, self.sector_size as u64, "the entry")?;
        let mut numbers = header[..HEADER_LEN].chunks_exact(8).map(number);
        let mut next = || numbers.next().unwrap_or_default();
        let (sector, sectors, bits, data_len) = (next(), next(), next(), next());
        let flags = Flags::from_bits(bits).ok_or_else(|| {
            let unknown = bits & !Flags::KNOWN;
            self.error(self.at + 16, Fault::UnknownFlags { found: bits, unknown })
        })?;
        let mut mark = None;
        let mut note = None;
        let size = self.sector_size as u64;
        if flags.mark {
            let most = most_mark(size);
            if data_len > most {
                return Err(self.error(self.at + 24, Fault::MarkLen { found: data_len, most }));
            }
            let text = &header[HEADER_LEN..][..data_len as usize];
            mark = Some(match str::from_utf8(text) {
                Ok(text) => text.to_owned(),
                Err(_) => {
                    note = Some(Note::MarkNotUtf8 { entry: self.index() });
                    let ascii = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { '?' };
                    text.iter().map(ascii).collect()
                }
            });
        }
        // What does not depend on the data is checked before there is any.
        let no_data = Entry { flags, sector, sectors, data: [].into(), mark };
        let len = match no_data.fault(size) {
            None => 0,
            Some(Fault::DataLen { expected, .. }) => expected,
            Some(fault) => return Err(self.error(self.at + place_of(&fault), fault)),
        };
        if !flags.mark && data_len > 0 {
            if len == 0 || data_len > len || data_len <= len - size {
                let accepted = match len {
                    0 => "0".to_owned(),
                    len => format!("0, or {} to {len}", len - size + 1),
                };
                let fault = Fault::InlineLen { found: data_len, sectors, accepted };
                return Err(self.error(self.at + 24, fault));
            }
            note = Some(Note::Inline { entry: self.index(), len: data_len });
        }
        let start = self.at + self.sector_size;
        let data = self.take(start, len, "the data")?.into();
        self.at = start + len as usize;
        self.entries.push(Entry { data, ..no_data });
        self.notes.extend(note);
        Ok(())
    }

    /// `len` bytes that are there.
    fn take(&self, start: usize, len: u64, what: &'static str) -> Result<&[u8], WriteLogError> {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let there = rest.len() as u64;
        if len > there {
            return Err(self.error(start, Fault::Cut { what, needed: len, there }));
        }
        Ok(&rest[..len as usize])
    }
}

/// Where in a header it is.
const fn place_of(fault: &Fault) -> usize {
    match fault {
        Fault::Contradiction { .. } => 16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    fn flags(bits: u64) -> Flags {
        Flags::from_bits(bits).expect("the bits are known")
    }

    /// One write of a sector to sector 5, a flush, a discard of 3, a mark.
    fn log() -> WriteLog {
        let entries = vec![
            Entry::write(5, 1, [7; 512]),
            Entry::flush(),
            Entry::discard(9, 3),
            Entry::mark("here"),
        ];
        WriteLog { sector_size: 512, entries }
    }

    fn bytes() -> Vec<u8> {
        log().to_bytes().expect("the log can be written")
    }

    /// `bytes`, with a number put over it.
    fn put(mut bytes: Vec<u8>, at: usize, number: u64) -> Vec<u8> {
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        bytes
    }

    #[track_caller]
    fn fails(bytes: &[u8], expected: &str) {
        let error = WriteLog::parse(bytes).expect_err("it is broken");
        assert_eq!(error.to_string(), expected);
    }

    /// Sector, sectors, flags; then data or mark.
    type Numbers = (u64, u64, u64, Vec<u8>);

    /// Reads what is written in another way: offsets into the whole, nothing shared.
    fn read_again(bytes: &[u8]) -> (u32, Vec<Numbers>) {
        let at = |offset: usize| {
            let word: [u8; 8] = bytes[offset..offset + 8].try_into().expect("eight bytes");
            u64::from_le_bytes(word)
        };
        assert_eq!(&bytes[..8], b"rhswfsj\0");
        assert_eq!(at(8), 1);
        let sector = u32::from_le_bytes(bytes[24..28].try_into().expect("four bytes"));
        assert!(bytes[28..sector as usize].iter().all(|byte| *byte == 0));
        let mut entries = Vec::new();
        let mut place = sector as usize;
        for _ in 0..at(16) {
            let (first, count, flags, len) =
                (at(place), at(place + 8), at(place + 16), at(place + 24) as usize);
            let text = bytes[place + 32..place + 32 + len].to_vec();
            let end = place + sector as usize;
            assert!(bytes[place + 32 + len..end].iter().all(|byte| *byte == 0));
            // As `replay-log` goes on: by sectors, unless it is a discard.
            let data = if flags & 4 == 0 { count as usize * sector as usize } else { 0 };
            let body = if flags & 8 == 0 { bytes[end..end + data].to_vec() } else { text };
            entries.push((first, count, flags, body));
            place = end + data;
        }
        assert_eq!(place, bytes.len());
        (sector, entries)
    }

    fn any_log(noise: &mut Noise) -> WriteLog {
        let sector_size = 512_u32 << noise.below(8);
        let any_entry = |noise: &mut Noise| {
            let sector = noise.next() >> (24 + noise.below(40));
            let sectors = noise.below(4);
            match noise.below(6) {
                0 => Entry::mark(["", "a", "mark \u{fc}", "\0"][noise.below(4) as usize]),
                1 => {
                    let set = flags(4 | (noise.below(2) << 4));
                    Entry { flags: set, ..Entry::discard(sector, noise.below(1 << 20)) }
                }
                2 => Entry::flush(),
                _ => {
                    let len = sectors * u64::from(sector_size);
                    let data: Vec<_> = (0..len).map(|_| noise.next() as u8).collect();
                    let set = flags(noise.below(4) | (noise.below(2) << 4));
                    Entry { flags: set, ..Entry::write(sector, sectors, data) }
                }
            }
        };
        let entries = (0..noise.below(6)).map(|_| any_entry(noise)).collect();
        WriteLog { sector_size, entries }
    }

    #[test]
    fn what_is_written_reads_back_as_it_was() {
        let mut noise = Noise(1);
        for _ in 0..200 {
            let log = any_log(&mut noise);
            let bytes = log.to_bytes().expect("the log can be written");
            assert_eq!(WriteLog::parse(&bytes), Ok((log.clone(), vec![])));
            let (sector_size, entries) = read_again(&bytes);
            assert_eq!(sector_size, log.sector_size);
            assert_eq!(entries.len(), log.entries.len());
            for (entry, (sector, sectors, bits, body)) in log.entries.iter().zip(entries) {
                assert_eq!((entry.sector, entry.sectors), (sector, sectors));
                assert_eq!(entry.flags.bits(), bits);
                let text = entry.mark.as_deref().map(str::as_bytes);
                assert_eq!(text.unwrap_or(&entry.data), body);
            }
        }
    }

    #[test]
    fn a_log_is_laid_out_as_the_kernel_does() {
        let bytes = bytes();
        assert_eq!(bytes.len(), 512 * 6);
        assert_eq!(&bytes[..8], b"rhswfsj\0");
        assert_eq!(bytes[8..28], [1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0]);
        let header =
            |at: usize| -> Vec<u64> { bytes[at..at + HEADER_LEN].chunks(8).map(number).collect() };
        assert_eq!(header(512), [5, 1, 0, 0]);
        assert_eq!(bytes[1024..1536], [7; 512]);
        assert_eq!(header(1536), [0, 0, 1, 0]);
        assert_eq!(header(2048), [9, 3, 4, 0]);
        assert_eq!(header(2560), [0, 0, 8, 4]);
        assert_eq!(&bytes[2592..2597], b"here\0");
    }

    #[test]
    fn a_broken_super_block_is_told() {
        let bytes = bytes();
        fails(&[], "byte 0, super block: cut off: the super block needs 28 bytes, and 0 are there");
        fails(
            &bytes[..27],
            "byte 0, super block: cut off: the super block needs 28 bytes, and 27 are there",
        );
        fails(
            &[0; 512],
            "byte 0, super block: no super block was ever written; accepted is a log that saw a \
             flush, a FUA or a mark",
        );
        fails(
            &put(bytes.clone(), 0, MAGIC.swap_bytes()),
            "byte 0, super block: the magic is byte-swapped; accepted is a little-endian log",
        );
        fails(
            &put(bytes.clone(), 0, 7),
            "byte 0, super block: the magic is 0x0000000000000007; accepted is 0x006a736677736872",
        );
        fails(&put(bytes.clone(), 8, 2), "byte 8, super block: version 2; accepted is 1");
        for size in [0, 1, 256, 513, 4095, 1 << 17, u64::from(u32::MAX)] {
            let bytes = put(bytes.clone(), 24, size);
            fails(
                &bytes,
                &format!(
                    "byte 24, super block: sectors of {size} bytes; accepted is a power of two \
                     from 512 to 65536"
                ),
            );
        }
    }

    #[test]
    fn a_broken_entry_is_told() {
        let most = DEVICE_MAX / 512;
        let range = |sectors: u64, sector: u64| {
            format!(
                "byte 512, entry 0: {sectors} sectors from {sector}; accepted is what ends at \
                 sector {most} or before"
            )
        };
        let contradiction = |flags: &str, accepted: &str| {
            format!(
                "byte 528, entry 0: flags {flags} contradict each other; accepted is {accepted}"
            )
        };
        for (at, number, expected) in [
            // Far more data than there is, and far more than there could be.
            (
                520,
                1 << 40,
                "byte 1024, entry 0: cut off: the data needs 562949953421312 bytes, and 2048 are \
                 there"
                    .to_owned(),
            ),
            (520, u64::MAX, range(u64::MAX, 5)),
            (520, 1 << 60, range(1 << 60, 5)),
            (512, u64::MAX, range(1, u64::MAX)),
            (
                528,
                1 << 5 | 1,
                "byte 528, entry 0: unknown flags 0x20 in 0x21; accepted are FLUSH, FUA, DISCARD, \
                 MARK, METADATA"
                    .to_owned(),
            ),
            (
                528,
                8,
                "byte 512, entry 0: a mark of 1 sectors from 5; accepted is one of 0 from 0"
                    .to_owned(),
            ),
            (528, 9, contradiction("FLUSH|MARK", "MARK alone")),
            (528, 5, contradiction("FLUSH|DISCARD", "DISCARD without FLUSH and FUA")),
            (528, 6, contradiction("FUA|DISCARD", "DISCARD without FLUSH and FUA")),
            (
                536,
                513,
                "byte 536, entry 0: 513 bytes of inline data for 1 sectors; accepted are 0, or 1 \
                 to 512"
                    .to_owned(),
            ),
            (
                1560,
                1,
                "byte 1560, entry 1: 1 bytes of inline data for 0 sectors; accepted are 0"
                    .to_owned(),
            ),
            (
                2584,
                480,
                "byte 2584, entry 3: a mark of 480 bytes; accepted are at most 479".to_owned(),
            ),
        ] {
            fails(&put(bytes(), at, number), &expected);
        }
    }

    #[test]
    fn a_log_that_is_cut_off_anywhere_says_where() {
        let bytes = bytes();
        for len in SUPER_LEN..bytes.len() {
            let error = WriteLog::parse(&bytes[..len]).expect_err("something is missing");
            let Fault::Cut { needed, there, .. } = error.fault else { panic!("{error}") };
            assert!(there < needed, "{error}");
            assert_eq!(error.offset + there, (len as u64).max(512), "{error}");
        }
        fails(
            &bytes[..1535],
            "byte 1024, entry 0: cut off: the data needs 512 bytes, and 511 are there",
        );
        fails(
            &put(bytes, 16, u64::MAX),
            "byte 3072, entry 4: cut off: the entry needs 512 bytes, and 0 are there",
        );
    }

    #[test]
    fn a_super_block_that_lags_is_walked_past() {
        let lagging = put(bytes(), 16, 1);
        let note = Note::PastTheEnd { said: 1, found: 4 };
        assert_eq!(WriteLog::parse(&lagging), Ok((log(), vec![note])));
        // A device goes on after its log, with zeroes or with anything.
        let zeroes = [bytes(), vec![0; 1000]].concat();
        assert_eq!(WriteLog::parse(&zeroes), Ok((log(), vec![])));
        let others = [lagging, vec![0xA5; 1000]].concat();
        let (read, notes) = WriteLog::parse(&others).expect("the log is whole");
        assert_eq!(read, log());
        let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            notes,
            [
                "the super block tells of 1 entries; 4 follow each other",
                "what is after the last entry is ignored: byte 3104, entry 4: byte 0xa5 where an \
                 entry is padded; accepted is 0x00"
            ]
        );
    }

    #[test]
    fn an_entry_torn_behind_the_end_is_ignored() {
        let torn = &put(bytes(), 16, 0)[..1500];
        let (log, notes) = WriteLog::parse(torn).expect("the log is whole");
        assert_eq!(log.entries, []);
        assert_eq!(
            notes[0].to_string(),
            "what is after the last entry is ignored: byte 1024, entry 0: cut off: the data needs \
             512 bytes, and 476 are there"
        );
    }

    /// What `qemu-io` 10.0.2 wrote, with a command to each of the first lines: `write -P 0x41 4096
    /// 512`, `write -P 0x42 8192 1024`, `flush`, `write -f -P 0x43 0 512`, `write -z 512 1024`,
    /// `discard 65536 4096`, `write -P 0x44 2048 512`.
    #[test]
    fn a_log_of_qemu_is_read() {
        const ENTRIES: &[([u64; 3], u8)] = &[
            ([8, 1, 0], 0x41),
            ([16, 2, 0], 0x42),
            ([0, 0, 1], 0),
            ([0, 0, 1], 0),
            ([0, 1, 0], 0x43),
            ([1, 2, 0], 0),
            ([0, 0, 1], 0),
            ([128, 8, 4], 0),
            ([4, 1, 0], 0x44),
            ([0, 0, 1], 0),
            ([0, 0, 1], 0),
        ];
        let mut bytes = put(bytes()[..512].to_vec(), 16, ENTRIES.len() as u64);
        for (numbers, pattern) in ENTRIES {
            let end = bytes.len() + 512;
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            bytes.resize(end, 0);
            let sectors = if numbers[2] == 4 { 0 } else { numbers[1] as usize };
            bytes.resize(end + sectors * 512, *pattern);
        }
        let (log, notes) = WriteLog::parse(&bytes).expect("QEMU wrote it");
        assert_eq!(notes, []);
        assert_eq!(log.entries.len(), ENTRIES.len());
        assert_eq!(log.to_bytes(), Ok(bytes.clone()));
        // With a direct log, its file is made of blocks.
        assert_eq!(WriteLog::parse(&[bytes, vec![0; 3584]].concat()), Ok((log, vec![])));
    }

    #[test]
    fn inline_data_counts_as_whole_sectors() {
        let (log, notes) = WriteLog::parse(&put(bytes(), 536, 100)).expect("that is how DAX does");
        assert_eq!(log, self::log());
        assert_eq!(notes, [Note::Inline { entry: 0, len: 100 }]);
    }

    #[test]
    fn a_mark_in_another_encoding_is_read_and_told() {
        let mut bytes = bytes();
        bytes[2593] = 0xE9;
        let (log, notes) = WriteLog::parse(&bytes).expect("marks may be anything");
        assert_eq!(log.entries[3].mark.as_deref(), Some("h?re"));
        assert_eq!(notes, [Note::MarkNotUtf8 { entry: 3 }]);
        assert!(log.to_bytes().is_ok());
    }

    #[test]
    fn what_no_log_can_hold_is_not_written() {
        let text = Entry { mark: Some("a".to_owned()), ..Entry::flush() };
        let silent = Entry { mark: None, ..Entry::mark("") };
        for (entry, expected) in [
            (Entry::write(0, 2, [0; 512]), "512 bytes of data; accepted are 1024"),
            (Entry::write(0, 0, [0; 512]), "512 bytes of data; accepted are 0"),
            (Entry::mark("m".repeat(480)), "a mark of 480 bytes; accepted are at most 479"),
            (text, "a text, and flags FLUSH; accepted is MARK alone"),
            (silent, "a mark without a text; accepted is one with a text, which may be empty"),
        ] {
            let log = WriteLog { sector_size: 512, entries: vec![Entry::flush(), entry] };
            let error = log.to_bytes().expect_err("it cannot be written");
            assert_eq!(error.to_string(), format!("byte 1024, entry 1: {expected}"));
        }
        let log = WriteLog { sector_size: 500, entries: vec![] };
        assert!(log.to_bytes().is_err());
    }

    fn wrote(letter: u8, fua: bool) -> HistoryEvent {
        let data = [letter; 512].into();
        HistoryEvent::WriteDone { at_sector: u64::from(letter - b'a'), data, fua }
    }

    /// Letters are writes of that letter, completing; capital ones have FUA. `(1` and `)1` are
    /// submission and completion of a flush, `!` is a mark, `-` a discard, `0` a write of zeroes.
    #[track_caller]
    fn logs(history: &str, tail: bool, expected: &str) {
        let flush = |id: char| u64::from(id as u32);
        let mut characters = history.chars().filter(|c| *c != ' ');
        let mut events = Vec::new();
        while let Some(character) = characters.next() {
            events.push(match character {
                '(' => HistoryEvent::FlushSubmitted(flush(characters.next().expect("a number"))),
                ')' => HistoryEvent::FlushDone(flush(characters.next().expect("a number"))),
                '!' => HistoryEvent::Mark("!".to_owned()),
                '-' => HistoryEvent::DiscardDone { at_sector: 0, sectors: 1 },
                '0' => HistoryEvent::ZeroesDone { at_sector: 0, sectors: 1, fua: false },
                letter => wrote(letter.to_ascii_lowercase() as u8, letter.is_ascii_uppercase()),
            });
        }
        let log = WriteLog::from_history(512, events, tail).expect("it can have happened");
        assert!(log.to_bytes().is_ok());
        let text = log.entries.iter().map(|entry| match (&entry.mark, entry.data.first()) {
            (Some(mark), _) if mark == WriteLog::UNFLUSHED => '|',
            (Some(_), _) => '!',
            (None, Some(0)) => '0',
            (None, Some(letter)) if entry.flags.fua => char::from(letter.to_ascii_uppercase()),
            (None, Some(letter)) => char::from(*letter),
            (None, None) if entry.flags.flush => '.',
            (None, None) => '-',
        });
        assert_eq!(text.collect::<String>(), expected, "{history}");
    }

    /// Its comment says `c,a,b,flush,fuad`; its code, and we, put b behind the flush.
    #[test]
    fn the_kernels_example_is_logged_as_by_its_code() {
        logs("ca (1 b )1 D", false, "ca.D");
        logs("ca (1 b )1 D (2 )2", false, "ca.Db.");
        logs("ca (1 b )1 D", true, "ca.D|b");
    }

    #[test]
    fn a_history_is_logged_in_the_order_of_durability() {
        // Nothing is durable without a flush.
        logs("ab", false, "");
        logs("ab", true, "|ab");
        logs("(1 )1", true, ".");
        // FUA overtakes.
        logs("aB (1 )1", false, "Ba.");
        // A mark is where it was left, whatever is held back.
        logs("a!(1 )1", false, "!a.");
        // Discards and zeroes are held back as writes are.
        logs("a-0 (1 )1", false, "a-0.");
        // The second flush takes what came after the first was submitted, and may be faster.
        logs("a(1 b(2 )2 )1", false, "b.a.");
        // A flush that never completes makes nothing durable.
        logs("a(1 b", false, "");
        logs("a(1 b(2 c", true, "|abc");
    }

    #[test]
    fn a_history_that_cannot_have_happened_is_told() {
        let zeroes = |sectors| HistoryEvent::ZeroesDone { at_sector: 0, sectors, fua: false };
        let odd = HistoryEvent::WriteDone { at_sector: 0, data: [1; 100].into(), fua: false };
        let far = HistoryEvent::DiscardDone { at_sector: u64::MAX, sectors: 2 };
        let too_long = "event 1: the log gets longer than 268435456 bytes";
        for (event, expected) in [
            (HistoryEvent::FlushSubmitted(1), "event 1: flush 1 is submitted, and still under way"),
            (HistoryEvent::FlushDone(2), "event 1: flush 2 completes, and is not under way"),
            (odd, "event 1: 100 bytes of data; accepted are 512"),
            (
                far,
                "event 1: 2 sectors from 18446744073709551615; accepted is what ends at sector \
                 18014398509481983 or before",
            ),
            (zeroes(1 << 20), too_long),
            (zeroes(u64::MAX), too_long),
        ] {
            let history = [HistoryEvent::FlushSubmitted(1), event];
            let error = WriteLog::from_history(512, history, false).expect_err("it cannot happen");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn epochs_end_with_the_flush_that_covers_them() {
        let fua = Entry { flags: flags(2), ..Entry::write(1, 1, [1; 512]) };
        let flush_with_data = Entry { flags: flags(1), ..Entry::write(2, 1, [2; 512]) };
        let entries = vec![
            Entry::write(0, 1, [0; 512]), // 0
            fua,                          // 1
            Entry::mark("m"),             // 2
            Entry::flush(),               // 3
            Entry::discard(0, 1),         // 4
            flush_with_data,              // 5
            Entry::flush(),               // 6
            Entry::write(3, 1, [3; 512]), // 7
        ];
        let log = WriteLog { sector_size: 512, entries };
        let epochs: Vec<_> = log.epochs().map(|epoch| (epoch.writes, epoch.flush)).collect();
        assert_eq!(
            epochs,
            [
                (vec![0, 1], Some(3)),
                (vec![4], Some(5)),
                // The data of a flush comes after it.
                (vec![5], Some(6)),
                (vec![7], None),
            ]
        );
        let covered = [Some(3), Some(1), Some(2), Some(3), Some(5), Some(6), Some(6), None];
        assert_eq!(log.covered_by(), covered);
    }

    #[test]
    fn nothing_makes_it_panic() {
        let mut noise = Noise(2);
        let words = ["rhswfsj\0", "\0\0\0\0\0\0\0\u{1}", "\u{8}\0\0\0\0\0\0\0", "\u{7f}\0"];
        for round in 0..4000 {
            let bytes = if round % 4 == 0 {
                (0..noise.below(2000)).map(|_| noise.next() as u8).collect()
            } else {
                noise.mutate(&put(bytes(), 16, noise.0 % 6), &words)
            };
            if let Ok((log, _)) = WriteLog::parse(&bytes) {
                let data: usize = log.entries.iter().map(|entry| entry.data.len()).sum();
                assert!(data <= bytes.len());
                assert!(log.covered_by().len() == log.entries.len());
                // What can be read can be written, and reads the same.
                let again = log.to_bytes().expect("it was read from a log");
                assert_eq!(WriteLog::parse(&again), Ok((log, vec![])));
            }
        }
    }
}
