//! A write-ahead journal: a small key-value store that keeps what it acknowledged.
//!
//! It is the reference for what storage code has to do, and what the [gallery] of planted
//! bugs is made from. It runs on any [`BlockDevice`]: on a [`FileDisk`](headcrash_io::FileDisk) in
//! production, on a [`SimDisk`](headcrash::SimDisk) under test.
//!
//! On the disk are, in this order,
//!
//! * two **headers**, each twice, and each a sector: where the newest checkpoint is, and from where
//!   the log goes on. They are written in turn, so that one is whole whenever the power goes.
//! * the **log**, a ring of sectors. Records begin at sectors. One commit is some puts and deletes,
//!   and a commit record, which says how many they are.
//! * two **checkpoints**, written in turn as the headers are: everything that was committed before.
//!   They may be on a disk of their own.
//!
//! What it relies on: a sector that was being written when the power went can be read, and holds
//! what it held, what it was to hold, a mixture or garbage; sectors that were not being written hold
//! what they held; and a flush that returns well has made durable what was written before it, but
//! for what an earlier flush failed to.

mod bug;
mod flawed;
mod format;
pub mod gallery;
mod workload;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

use format::{Header, Kind, Pairs, RECORD, Record, checksum, padded};
use headcrash_io::{BlockDevice, Sector, reached};

pub use bug::Bug;
pub use flawed::{Flawed, Planted};
pub use workload::{ByChecksum, ByFlush, Op, Reply, Service, Sound, Store, Tables, Value};

/// How a journal is laid out, and what its commits rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Sectors of the log. A commit has to fit.
    pub log_sectors: u64,
    /// Sectors of each checkpoint. Everything that is committed has to fit.
    pub data_sectors: u64,
    /// What tells a commit that was lost in part from one that is whole.
    pub order: Order,
}

/// What tells a commit that was lost in part from one that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A flush before the commit record: whoever sees the record sees what it names. Damage there is
    /// no power cut's, and is reported.
    Flush,
    /// Checksums: one flush for all, and whatever does not fit is the end of the log.
    Checksum,
}

/// Headers are in the first sectors: two slots of two copies.
const COPIES: u64 = 2;
const HEADERS: u64 = 2 * COPIES;

/// A write-ahead journal. Puts and deletes are staged: seen by [`get`](Self::get), and kept from the
/// next [`commit`](Self::commit) on.
///
/// When a commit or a checkpoint fails it is not known how far it came. The journal is broken then:
/// it refuses both until it is opened again, which finds out. To try again, or to flush again, would
/// not do: what a flush failed to write may never be written, though the next flush succeeds.
#[derive(Debug)]
pub struct Journal<D> {
    log: D,
    /// The disk of the checkpoints, unless they are on the log's.
    data: Option<D>,
    options: Options,
    /// The newest.
    header: Header,
    /// So many sectors from the header's start on are records that count.
    used: u64,
    /// The next record's.
    number: u32,
    committed: Pairs,
    /// What the next commit puts, or deletes.
    staged: BTreeMap<u8, Option<Vec<u8>>>,
    is_broken: bool,
}

/// What is staged, as bytes of the log: kind, key and payload of each record.
type Change<'j> = (Kind, u8, &'j [u8]);

impl<D: BlockDevice> Journal<D> {
    /// Opens it, on a disk or two that are new, were used before, or lost their power.
    ///
    /// # Errors
    ///
    /// What the disks say; [`ErrorKind::InvalidData`] if what is there was damaged by something else
    /// than a power cut; [`ErrorKind::InvalidInput`] if it is laid out otherwise.
    pub fn open(log: D, data: Option<D>, options: Options) -> io::Result<Self> {
        let mut journal = Self {
            log,
            data,
            options,
            header: Header::default(),
            used: 0,
            number: 0,
            committed: Pairs::new(),
            staged: BTreeMap::new(),
            is_broken: false,
        };
        if let Some((header, copy)) = journal.newest_header()? {
            journal.header = header;
            if header.log_sectors != options.log_sectors {
                let what = format!("its log has {} sectors", header.log_sectors);
                return Err(io::Error::new(ErrorKind::InvalidInput, what));
            }
            // If a flush failed before, the header may be in a cache only, and the older one be what
            // the disk has: its checkpoint must not be written over before this one is durable.
            journal.rewrite_header(copy)?;
            journal.committed = journal.read_checkpoint()?;
            journal.replay()?;
            reached("log_replayed");
        }
        // The epoch of a log that was cut off is over: what is left of it counts no more.
        journal.checkpoint()?;
        Ok(journal)
    }

    /// What a reader sees under this key.
    pub fn get(&self, key: u8) -> Option<&[u8]> {
        match self.staged.get(&key) {
            Some(staged) => staged.as_deref(),
            None => self.committed.get(&key).map(Vec::as_slice),
        }
    }

    /// What a reader sees.
    pub fn pairs(&self) -> BTreeMap<u8, Vec<u8>> {
        let mut pairs = self.committed.clone();
        apply(&mut pairs, &self.staged);
        pairs
    }

    /// Stages a value.
    pub fn put(&mut self, key: u8, value: Vec<u8>) {
        self.staged.insert(key, Some(value));
    }

    /// Stages that there is no value.
    pub fn delete(&mut self, key: u8) {
        self.staged.insert(key, None);
    }

    /// Makes durable what is staged: all of it or, if the power goes, nothing.
    ///
    /// # Errors
    ///
    /// What the disks say: the journal is broken then. [`ErrorKind::StorageFull`] if there is no
    /// room: nothing happened then.
    pub fn commit(&mut self) -> io::Result<()> {
        self.refuse_if_broken()?;
        if self.staged.is_empty() {
            return Ok(());
        }
        let mut committed = self.committed.clone();
        apply(&mut committed, &self.staged);
        let sectors = self.room_for(&committed)?;
        if self.used + sectors > self.options.log_sectors {
            self.checkpoint()?;
        }
        self.is_broken = true;
        // It stays staged: should this fail, readers go on to see what they saw.
        let staged = self.staged.clone();
        for (kind, key, payload) in changes(&staged) {
            self.append(kind, key, payload)?;
        }
        if self.options.order == Order::Flush {
            self.log.flush()?;
        }
        reached("commit_record");
        self.append(Kind::Commit, 0, &(staged.len() as u32).to_le_bytes())?;
        self.log.flush()?;
        self.committed = committed;
        self.staged.clear();
        self.is_broken = false;
        Ok(())
    }

    /// Writes everything committed to the other checkpoint, and empties the log.
    ///
    /// # Errors
    ///
    /// What the disks say: the journal is broken then.
    pub fn checkpoint(&mut self) -> io::Result<()> {
        self.refuse_if_broken()?;
        self.is_broken = true;
        let data = format::checkpoint_bytes(&self.committed);
        let header = Header {
            sequence: self.header.sequence + 1,
            start: self.end(),
            log_sectors: self.options.log_sectors,
            data_len: data.len() as u32,
            data_sum: checksum(&data),
        };
        let disk = self.data.as_ref().unwrap_or(&self.log);
        disk.write(self.data_slot(header), &padded(data, disk.sector_size()))?;
        disk.flush()?;
        reached("checkpoint_header");
        let sector = padded(header.to_bytes(), self.log.sector_size());
        self.log.write(header_slot(header), &sector.repeat(COPIES as usize))?;
        self.log.flush()?;
        reached("checkpoint_durable");
        // Only now nobody needs the log's records.
        let (from, count) = (self.header.start, self.used);
        (self.header, self.used, self.number) = (header, 0, 0);
        self.discard_log(from, count);
        self.is_broken = false;
        Ok(())
    }

    /// How many sectors the log needs for what is staged.
    fn room_for(&self, committed: &Pairs) -> io::Result<u64> {
        let size = self.log.sector_size();
        let commit = format::record_sectors(4, size);
        let sectors: u64 = changes(&self.staged)
            .map(|(_, _, payload)| format::record_sectors(payload.len(), size))
            .sum();
        let data_size = self.data.as_ref().unwrap_or(&self.log).sector_size();
        let data = format::checkpoint_bytes(committed).len().div_ceil(data_size) as u64;
        if sectors + commit > self.options.log_sectors || data > self.options.data_sectors {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(sectors + commit)
    }

    fn refuse_if_broken(&self) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("the journal is broken, and has to be opened again"));
        }
        Ok(())
    }

    /// Writes a record at the end of the log.
    fn append(&mut self, kind: Kind, key: u8, payload: &[u8]) -> io::Result<()> {
        let size = self.log.sector_size();
        let mut bytes = vec![0; RECORD];
        bytes.extend(payload);
        let mut bytes = padded(bytes, size);
        let record = Record {
            kind,
            key,
            epoch: self.header.sequence,
            number: self.number,
            len: payload.len() as u32,
            payload_sum: checksum(&bytes[RECORD..]),
        };
        bytes[..RECORD].copy_from_slice(&record.to_bytes());
        // The part that reaches over the end of the ring goes to its beginning.
        let at = self.end();
        let before_end = (self.options.log_sectors - at) as usize * size;
        let (first, rest) = bytes.split_at(before_end.min(bytes.len()));
        self.log.write(log_sector(at), first)?;
        if !rest.is_empty() {
            self.log.write(log_sector(0), rest)?;
        }
        self.used += record.sectors(size);
        self.number += 1;
        Ok(())
    }

    /// The sector of the log after the last record that counts.
    fn end(&self) -> u64 {
        (self.header.start + self.used) % self.options.log_sectors
    }

    /// Says that sectors of the log are not needed. That is advice: nothing is lost if it fails.
    fn discard_log(&self, from: u64, count: u64) {
        let before_end = count.min(self.options.log_sectors - from);
        for (from, count) in [(from, before_end), (0, count - before_end)] {
            if count > 0 {
                let _ = self.log.discard(log_sector(from), count);
            }
        }
    }

    /// The newest header, and which of its copies is whole.
    fn newest_header(&self) -> io::Result<Option<(Header, u64)>> {
        let size = self.log.sector_size();
        let mut bytes = vec![0; HEADERS as usize * size];
        self.log.read(Sector(0), &mut bytes)?;
        let copies = bytes.chunks(size).zip((0..COPIES).cycle());
        let headers = copies.filter_map(|(bytes, copy)| Some((Header::from_bytes(bytes)?, copy)));
        Ok(headers.max_by_key(|(header, _)| header.sequence))
    }

    /// Writes the header again where it is. One copy is whole all the time: the last power cut may
    /// have torn the other, so that the one that was read comes last.
    fn rewrite_header(&self, whole: u64) -> io::Result<()> {
        let sector = padded(self.header.to_bytes(), self.log.sector_size());
        let Sector(slot) = header_slot(self.header);
        for copy in (1..=COPIES).map(|next| (whole + next) % COPIES) {
            self.log.write(Sector(slot + copy), &sector)?;
            self.log.flush()?;
        }
        Ok(())
    }

    fn read_checkpoint(&self) -> io::Result<Pairs> {
        let disk = self.data.as_ref().unwrap_or(&self.log);
        let len = self.header.data_len as usize;
        let mut bytes = vec![0; len.next_multiple_of(disk.sector_size())];
        disk.read(self.data_slot(self.header), &mut bytes)?;
        bytes.truncate(len);
        let is_whole = checksum(&bytes) == self.header.data_sum;
        let pairs = format::pairs_of(&bytes).filter(|_| is_whole);
        pairs.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "the checkpoint is damaged"))
    }

    /// Does again what was committed after the checkpoint.
    fn replay(&mut self) -> io::Result<()> {
        let (mut used, mut number) = (0, 0);
        let mut batch = BTreeMap::new();
        let mut is_damaged = false;
        while let Some((record, payload)) = self.read_record(used, number)? {
            let is_whole = checksum(&payload) == record.payload_sum;
            // Nothing was flushed after a commit record: it may be torn whatever the order.
            if !is_whole && (self.options.order == Order::Checksum || record.kind == Kind::Commit) {
                break;
            }
            is_damaged |= !is_whole;
            used += record.sectors(self.log.sector_size());
            number += 1;
            let value = &payload[..record.len as usize];
            match record.kind {
                Kind::Put => drop(batch.insert(record.key, Some(value.to_vec()))),
                Kind::Delete => drop(batch.insert(record.key, None)),
                Kind::Commit if is_damaged || value != (batch.len() as u32).to_le_bytes() => {
                    let what = "what a commit record names is damaged";
                    return Err(io::Error::new(ErrorKind::InvalidData, what));
                }
                Kind::Commit => {
                    apply(&mut self.committed, &std::mem::take(&mut batch));
                    self.used = used;
                }
            }
        }
        Ok(())
    }

    /// The record of this number, after so many sectors of the log, with its payload and the zeroes
    /// after that; nothing if the log ends there.
    fn read_record(&self, used: u64, number: u32) -> io::Result<Option<(Record, Vec<u8>)>> {
        let (size, ring) = (self.log.sector_size(), self.options.log_sectors);
        if used == ring {
            return Ok(None);
        }
        let sector = |nth: u64| log_sector((self.header.start + used + nth) % ring);
        let mut bytes = vec![0; size];
        self.log.read(sector(0), &mut bytes)?;
        let Some(record) = Record::from_bytes(&bytes) else { return Ok(None) };
        let sectors = record.sectors(size);
        // One from before the checkpoint is whole as well, and does not count.
        let is_next = record.epoch == self.header.sequence && record.number == number;
        if !is_next || used + sectors > ring {
            return Ok(None);
        }
        bytes.resize(sectors as usize * size, 0);
        for (nth, into) in bytes.chunks_mut(size).enumerate().skip(1) {
            self.log.read(sector(nth as u64), into)?;
        }
        Ok(Some((record, bytes.split_off(RECORD))))
    }

    fn data_slot(&self, header: Header) -> Sector {
        let first = if self.data.is_some() { 0 } else { HEADERS + self.options.log_sectors };
        Sector(first + header.sequence % 2 * self.options.data_sectors)
    }
}

fn header_slot(header: Header) -> Sector {
    Sector(header.sequence % 2 * COPIES)
}

fn log_sector(at: u64) -> Sector {
    Sector(HEADERS + at)
}

fn apply(pairs: &mut Pairs, batch: &BTreeMap<u8, Option<Vec<u8>>>) {
    for (key, value) in batch {
        match value {
            Some(value) => drop(pairs.insert(*key, value.clone())),
            None => drop(pairs.remove(key)),
        }
    }
}

fn changes(batch: &BTreeMap<u8, Option<Vec<u8>>>) -> impl Iterator<Item = Change<'_>> {
    batch.iter().map(|(key, value)| match value {
        Some(value) => (Kind::Put, *key, &value[..]),
        None => (Kind::Delete, *key, &[][..]),
    })
}
