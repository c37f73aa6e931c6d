//! The journal again, with places for flaws: without one it does, step by step, what
//! [`Journal`](super::Journal) does, which a test compares.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};

use headcrash::SimDisk;
use headcrash_io::{BlockDevice, Sector, reached};

use super::format::{self, Header, Kind, Pairs, RECORD, Record, checksum, padded};
use super::{Bug, COPIES, HEADERS, Options, Order, Store, apply, changes, log_sector};

/// A journal with a flaw.
#[derive(Debug)]
pub struct Flawed<D> {
    bug: Bug,
    log: D,
    data: Option<D>,
    options: Options,
    header: Header,
    /// Where the newest header and its checkpoint are.
    slot: u64,
    used: u64,
    number: u32,
    committed: Pairs,
    staged: BTreeMap<u8, Option<Vec<u8>>>,
    is_broken: bool,
    is_open: bool,
}

impl<D: BlockDevice> Flawed<D> {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// As [`Journal::open`](super::Journal::open), or not.
    pub fn open(log: D, data: Option<D>, options: Options, bug: Bug) -> io::Result<Self> {
        let mut journal = Self {
            bug,
            log,
            data,
            options,
            header: Header::default(),
            slot: 0,
            used: 0,
            number: 0,
            committed: Pairs::new(),
            staged: BTreeMap::new(),
            is_broken: false,
            is_open: false,
        };
        let newest = match journal.newest_header() {
            Err(_) if bug == Bug::HeaderReadErrorIsNew => None,
            newest => newest?,
        };
        let is_new = newest.is_none();
        if let Some((header, slot, copy)) = newest {
            (journal.header, journal.slot) = (header, slot);
            if header.log_sectors != options.log_sectors {
                let what = format!("its log has {} sectors", header.log_sectors);
                return Err(io::Error::new(ErrorKind::InvalidInput, what));
            }
            if bug != Bug::HeaderNotRewritten {
                journal.rewrite_header(copy)?;
            }
            journal.committed = journal.read_checkpoint()?;
            journal.replay()?;
            reached("log_replayed");
        }
        if is_new || !matches!(bug, Bug::TailResurrected | Bug::SameEpochAfterRecovery) {
            journal.checkpoint()?;
        }
        journal.is_open = true;
        Ok(journal)
    }

    fn get(&self, key: u8) -> Option<&[u8]> {
        match self.staged.get(&key) {
            Some(staged) => staged.as_deref(),
            None => self.committed.get(&key).map(Vec::as_slice),
        }
    }

    fn pairs(&self) -> Pairs {
        let mut pairs = self.committed.clone();
        apply(&mut pairs, &self.staged);
        pairs
    }

    fn commit(&mut self) -> io::Result<()> {
        self.refuse_if_broken()?;
        if self.staged.is_empty() {
            return Ok(());
        }
        let mut committed = self.committed.clone();
        apply(&mut committed, &self.staged);
        let sectors = self.room_for(&committed)?;
        let room = match self.bug {
            Bug::FullLogOffByOne => self.options.log_sectors + 1,
            Bug::FullLogNotNoticed => u64::MAX,
            _ => self.options.log_sectors,
        };
        if self.used + sectors > room {
            self.checkpoint()?;
            if self.bug == Bug::FullLogSwallowsCommit {
                self.committed = committed;
                self.staged.clear();
                return Ok(());
            }
        }
        let goes_on = [Bug::FailedCommitForgotten, Bug::CacheUpdatedFirst, Bug::LogEndMovedFirst];
        self.is_broken = !goes_on.contains(&self.bug);
        let staged = self.staged.clone();
        if self.bug == Bug::CacheUpdatedFirst {
            self.committed.clone_from(&committed);
            self.staged.clear();
        }
        let before = (self.used, self.number);
        let written = self.write_batch(&staged);
        if written.is_err() && self.bug != Bug::LogEndMovedFirst {
            (self.used, self.number) = before;
        }
        if written.is_ok() || self.bug == Bug::FailedCommitForgotten {
            self.staged.clear();
        }
        written?;
        self.committed = committed;
        self.is_broken = false;
        Ok(())
    }

    fn write_batch(&mut self, staged: &BTreeMap<u8, Option<Vec<u8>>>) -> io::Result<()> {
        let changes: Vec<_> = changes(staged)
            .filter(|(kind, ..)| self.bug != Bug::DeleteNotLogged || *kind == Kind::Put)
            .map(|(kind, key, payload)| match kind {
                Kind::Put if payload.is_empty() && self.bug == Bug::EmptyValueIsDelete => {
                    (Kind::Delete, key, payload)
                }
                _ => (kind, key, payload),
            })
            .collect();
        let count = (changes.len() as u32).to_le_bytes();
        if self.bug == Bug::CommitBeforeData {
            let begin = (self.used, self.number);
            let size = self.log.sector_size();
            for (_, _, payload) in &changes {
                self.used += format::record_sectors(payload.len(), size);
                self.number += 1;
            }
            reached("commit_record");
            self.append(Kind::Commit, 0, &count)?;
            self.log.flush()?;
            let end = (self.used, self.number);
            (self.used, self.number) = begin;
            for (kind, key, payload) in changes {
                self.append(kind, key, payload)?;
            }
            (self.used, self.number) = end;
            return self.log.flush();
        }
        for (kind, key, payload) in changes {
            self.append(kind, key, payload)?;
        }
        if self.options.order == Order::Flush && self.bug != Bug::NoFlushBeforeCommit {
            self.log.flush()?;
        }
        reached("commit_record");
        self.append(Kind::Commit, 0, &count)?;
        match self.bug {
            Bug::NoFlushAfterCommit => Ok(()),
            Bug::FlushErrorIgnored => {
                let _ = self.log.flush();
                Ok(())
            }
            Bug::FlushRetried => self.log.flush().or_else(|_| self.log.flush()),
            _ => self.log.flush(),
        }
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        self.refuse_if_broken()?;
        self.is_broken = self.bug != Bug::CheckpointFailureGoesOn || !self.is_open;
        let mut pairs = self.committed.clone();
        match self.bug {
            Bug::CheckpointTakesStaged => apply(&mut pairs, &self.staged),
            Bug::EmptyValuesLeftOut => pairs.retain(|_, value| !value.is_empty()),
            _ => {}
        }
        let data = format::checkpoint_bytes(&pairs);
        // What only recovery does wrong.
        let recovery_has = |bug| self.bug == bug && !self.is_open && self.header.sequence > 0;
        let (slot, sequence) = match self.header.sequence + 1 {
            _ if recovery_has(Bug::RecoveryInPlace) => (self.slot, self.header.sequence),
            _ if recovery_has(Bug::SequenceReused) => (1 - self.slot, 1),
            sequence if recovery_has(Bug::WrongSlotAfterRecovery) => (1, sequence),
            sequence if self.bug == Bug::OneHeaderSlot => (0, sequence),
            sequence => (1 - self.slot, sequence),
        };
        let header = Header {
            sequence,
            start: self.end(),
            log_sectors: self.options.log_sectors,
            data_len: data.len() as u32,
            data_sum: checksum(&data),
        };
        let (from, count) = (self.header.start, self.used);
        if self.bug == Bug::DiscardTooEarly {
            self.discard_log(from, count);
        }
        let data_slot = self.data_slot(slot, sequence);
        let header_first =
            self.bug == Bug::HeaderBeforeData || recovery_has(Bug::RecoveryTruncatesFirst);
        let flushes = !recovery_has(Bug::RecoveryNotFlushed);
        if header_first {
            self.write_header(header, slot, flushes)?;
        }
        let disk = self.data.as_ref().unwrap_or(&self.log);
        disk.write(data_slot, &padded(data, disk.sector_size()))?;
        match self.bug {
            Bug::DataNotFlushed | Bug::FuaAssumed => {}
            Bug::DataDiskNotFlushed => self.log.flush()?,
            Bug::CheckpointFlushErrorIgnored => drop(disk.flush()),
            _ if flushes => disk.flush()?,
            _ => {}
        }
        if !header_first {
            reached("checkpoint_header");
            self.write_header(header, slot, flushes)?;
        }
        reached("checkpoint_durable");
        (self.header, self.used, self.number, self.slot) = (header, 0, 0, slot);
        if self.bug != Bug::DiscardTooEarly {
            self.discard_log(from, count);
        }
        self.is_broken = false;
        Ok(())
    }

    fn write_header(&self, header: Header, slot: u64, flushes: bool) -> io::Result<()> {
        let sector = padded(self.header_bytes(header), self.log.sector_size());
        let (at, sectors) = (Sector(slot * COPIES), sector.repeat(COPIES as usize));
        if self.bug == Bug::FuaAssumed {
            return self.log.write_durable(at, &sectors);
        }
        self.log.write(at, &sectors)?;
        if self.bug == Bug::HeaderNotFlushed || !flushes {
            return Ok(());
        }
        self.log.flush()
    }

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
            payload_sum: self.payload_sum(&bytes[RECORD..]),
        };
        bytes[..RECORD].copy_from_slice(&record.to_bytes());
        let at = self.end();
        if self.bug == Bug::LogEndMovedFirst {
            self.used += record.sectors(size);
            self.number += 1;
        }
        let before_end = match self.bug {
            Bug::WrapNotSplit => bytes.len(),
            _ => (self.options.log_sectors - at) as usize * size,
        };
        let (first, rest) = bytes.split_at(before_end.min(bytes.len()));
        self.write_log(at, first)?;
        if !rest.is_empty() {
            self.write_log(u64::from(self.bug == Bug::WrapOffByOne), rest)?;
        }
        if self.bug != Bug::LogEndMovedFirst {
            self.used += record.sectors(size);
            self.number += 1;
        }
        Ok(())
    }

    fn write_log(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let written = self.log.write(log_sector(at), bytes);
        match (self.bug, &written) {
            (Bug::WriteErrorIgnored, _) => Ok(()),
            (Bug::ShortWriteIgnored, Err(error)) if error.kind() == ErrorKind::WriteZero => Ok(()),
            (Bug::NoSpaceIgnored, Err(error)) if error.kind() == ErrorKind::StorageFull => Ok(()),
            _ => written,
        }
    }

    /// The checksum of a record's payload with the zeroes after it.
    fn payload_sum(&self, payload: &[u8]) -> u32 {
        match self.bug {
            Bug::ChecksumMissesTail => checksum(&payload[..self.log.sector_size() - RECORD]),
            _ => checksum(payload),
        }
    }

    fn record_of(&self, bytes: &[u8]) -> Option<Record> {
        match self.bug {
            Bug::RecordChecksumMissing => Record::from_bytes_unchecked(bytes),
            _ => Record::from_bytes(bytes),
        }
    }

    fn header_bytes(&self, header: Header) -> Vec<u8> {
        let mut bytes = header.to_bytes();
        if self.bug == Bug::ChecksumMissesLength {
            let sum = Header { data_len: 0, ..header }.to_bytes();
            bytes[36..].copy_from_slice(&sum[36..]);
        }
        bytes
    }

    fn header_of(&self, bytes: &[u8]) -> Option<Header> {
        match self.bug {
            Bug::HeaderChecksumMissing => Header::from_bytes_unchecked(bytes),
            Bug::ChecksumMissesLength => Header::from_bytes_unchecked(bytes)
                .filter(|header| bytes.starts_with(&self.header_bytes(*header))),
            _ => Header::from_bytes(bytes),
        }
    }

    fn end(&self) -> u64 {
        (self.header.start + self.used) % self.options.log_sectors
    }

    fn discard_log(&self, from: u64, count: u64) {
        let before_end = match self.bug {
            Bug::DiscardOverWrap => count,
            _ => count.min(self.options.log_sectors - from),
        };
        for (from, count) in [(from, before_end), (0, count - before_end)] {
            if count > 0 {
                let _ = self.log.discard(log_sector(from), count);
            }
        }
    }

    /// With the slot it is in.
    fn newest_header(&self) -> io::Result<Option<(Header, u64, u64)>> {
        let size = self.log.sector_size();
        let mut bytes = vec![0; HEADERS as usize * size];
        self.log.read(Sector(0), &mut bytes)?;
        let headers = bytes.chunks(size).enumerate();
        let headers = headers.filter_map(|(at, bytes)| {
            Some((self.header_of(bytes)?, at as u64 / COPIES, at as u64 % COPIES))
        });
        Ok(headers.max_by_key(|(header, ..)| header.sequence))
    }

    fn rewrite_header(&self, whole: u64) -> io::Result<()> {
        let sector = padded(self.header_bytes(self.header), self.log.sector_size());
        for copy in (1..=COPIES).map(|next| (whole + next) % COPIES) {
            self.log.write(Sector(self.slot * COPIES + copy), &sector)?;
            self.log.flush()?;
        }
        Ok(())
    }

    fn read_checkpoint(&self) -> io::Result<Pairs> {
        let disk = self.data.as_ref().unwrap_or(&self.log);
        let damaged = || io::Error::new(ErrorKind::InvalidData, "the checkpoint is damaged");
        let len = self.header.data_len as usize;
        let mut bytes = vec![0; len.next_multiple_of(disk.sector_size())];
        disk.read(self.data_slot(self.slot, self.header.sequence), &mut bytes)?;
        bytes.truncate(len);
        let is_whole = checksum(&bytes) == self.header.data_sum;
        let pairs = format::pairs_of(&bytes).filter(|_| is_whole);
        pairs.ok_or_else(damaged)
    }

    fn replay(&mut self) -> io::Result<()> {
        let (mut used, mut number) = (0, 0);
        let mut batch = BTreeMap::new();
        let mut is_damaged = false;
        let mut last = self.committed.clone();
        loop {
            let (record, payload) = match self.read_record(used, number) {
                Ok(Some(read)) => read,
                Ok(None)
                    if self.bug == Bug::BadRecordSkipped && used < self.options.log_sectors =>
                {
                    used += 1;
                    continue;
                }
                Ok(None) => break,
                Err(_) if self.bug == Bug::ReadErrorIsEnd => break,
                Err(error) => return Err(error),
            };
            let is_whole = self.payload_sum(&payload) == record.payload_sum
                || self.bug == Bug::RecordChecksumMissing;
            if !is_whole && (self.options.order == Order::Checksum || record.kind == Kind::Commit) {
                if self.bug == Bug::BadRecordSkipped {
                    used += 1;
                    continue;
                }
                break;
            }
            is_damaged |= !is_whole;
            used += record.sectors(self.log.sector_size());
            number = record.number + 1;
            let value = &payload[..record.len as usize];
            // Who does not know how many there should be.
            let counts = !matches!(self.bug, Bug::BadRecordSkipped | Bug::TailResurrected);
            let count = (batch.len() as u32).to_le_bytes();
            match record.kind {
                Kind::Put => drop(batch.insert(record.key, Some(value.to_vec()))),
                Kind::Delete => drop(batch.insert(record.key, None)),
                Kind::Commit if is_damaged || (counts && value != count) => {
                    let what = "what a commit record names is damaged";
                    return Err(io::Error::new(ErrorKind::InvalidData, what));
                }
                Kind::Commit => {
                    last.clone_from(&self.committed);
                    apply(&mut self.committed, &std::mem::take(&mut batch));
                    (self.used, self.number) = (used, number);
                }
            }
            if self.bug == Bug::TailResurrected {
                (self.used, self.number) = (used, number);
            }
        }
        match self.bug {
            Bug::LastCommitDropped => self.committed = last,
            Bug::UncommittedReplayed => apply(&mut self.committed, &batch),
            _ => {}
        }
        Ok(())
    }

    fn read_record(&self, used: u64, number: u32) -> io::Result<Option<(Record, Vec<u8>)>> {
        let (size, ring) = (self.log.sector_size(), self.options.log_sectors);
        let is_over = self.bug == Bug::StopsAtRingEnd && self.header.start + used >= ring;
        if used == ring || is_over {
            return Ok(None);
        }
        let first = (self.header.start + used) % ring;
        let sector = |nth: u64| match self.bug {
            Bug::WrapNotSplit => log_sector(first + nth),
            _ => log_sector((first + nth) % ring),
        };
        let mut bytes = vec![0; size];
        self.log.read(sector(0), &mut bytes)?;
        let Some(record) = self.record_of(&bytes) else { return Ok(None) };
        let sectors = record.sectors(size);
        let is_next = match self.bug {
            Bug::EpochIgnored => record.number == number,
            Bug::BadRecordSkipped => {
                record.epoch == self.header.sequence && record.number >= number
            }
            _ => record.epoch == self.header.sequence && record.number == number,
        };
        if !is_next || used + sectors > ring {
            return Ok(None);
        }
        bytes.resize(sectors as usize * size, 0);
        for (nth, into) in bytes.chunks_mut(size).enumerate().skip(1) {
            self.log.read(sector(nth as u64), into)?;
        }
        Ok(Some((record, bytes.split_off(RECORD))))
    }

    fn data_slot(&self, slot: u64, sequence: u64) -> Sector {
        let first = if self.data.is_some() { 0 } else { HEADERS + self.options.log_sectors };
        let slot = match self.bug {
            Bug::CheckpointInPlace => 0,
            // Its data is in turn: it is the header that has no other.
            Bug::OneHeaderSlot => sequence % 2,
            _ => slot,
        };
        Sector(first + slot * self.options.data_sectors)
    }
}

/// The journal with the flaw of this place in [`Bug::ALL`].
#[derive(Debug)]
pub struct Planted<const BUG: usize>(Flawed<SimDisk>);

impl<const BUG: usize> Store for Planted<BUG> {
    fn open(log: SimDisk, data: Option<SimDisk>, options: Options) -> io::Result<Self> {
        let bug = Bug::ALL[BUG];
        Flawed::open(log, data, Options { order: bug.order(), ..options }, bug).map(Self)
    }

    fn put(&mut self, key: u8, value: Vec<u8>) {
        self.0.staged.insert(key, Some(value));
    }

    fn delete(&mut self, key: u8) {
        self.0.staged.insert(key, None);
    }

    fn get(&self, key: u8) -> Option<&[u8]> {
        self.0.get(key)
    }

    fn pairs(&self) -> BTreeMap<u8, Vec<u8>> {
        self.0.pairs()
    }

    fn commit(&mut self) -> io::Result<()> {
        self.0.commit()
    }

    fn checkpoint(&mut self) -> io::Result<()> {
        self.0.checkpoint()
    }

    fn leaks_the_latch() -> bool {
        Bug::ALL[BUG] == Bug::LatchLeaked
    }
}
