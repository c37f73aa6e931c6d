//! From what other tools logged to scenarios: the same requests, one after the other.
//!
//! Logs without data get bytes that say which write they are from, so that a recovery can tell
//! them apart: the write's number in the first four bytes, and a byte that follows from it in all
//! others.

use super::import::valid;
use super::{ImportError, Imported, NotCarried, shown};
use crate::file::step::Sleep;
use crate::file::{self, Discard, File, Flush, Gets, Pattern, Read, Step, Write};
use crate::formats::write_log::WriteLog;
use crate::formats::{blkparse, fio, lazyfs};
use crate::source::MAX_LEN;

/// What a scenario allows a single read or write.
const LEN_MAX: u64 = 16 << 20;

/// The longest `sleep` of a scenario.
const SLEEP_MAX: u64 = 1_000_000_000_000_000;

/// Data in more stretches than this is not written down.
const RUNS_MAX: usize = 16;

/// Nor are more single bytes than this.
const BYTES_MAX: usize = 64;

/// A scenario of what a workload did to files, each of which is a disk.
///
/// # Errors
///
/// When no valid scenario would come of it.
pub fn import_fio(name: &str, workload: &fio::Workload) -> Result<Imported, ImportError> {
    let mut builder = Builder::new(name, workload.files.clone());
    let mut waited = 0;
    for operation in &workload.operations {
        let fio::Operation { file, at_ns, kind, offset, len, line } = *operation;
        builder.line = line;
        if let Some(at) = at_ns {
            builder.sleep(at.saturating_sub(waited));
            waited = waited.max(at);
        }
        match kind {
            fio::Kind::Add | fio::Kind::Open => {}
            fio::Kind::Close => builder.leave("close", "the disks stay open"),
            fio::Kind::Wait { us } => builder.sleep(us.saturating_mul(1_000)),
            fio::Kind::Read => builder.read(file, offset, len),
            fio::Kind::Write => builder.write(file, offset, len, false),
            fio::Kind::Sync | fio::Kind::Datasync => builder.flush(file),
            fio::Kind::Trim => builder.discard(file, offset, len),
        }
    }
    builder.finish()
}

/// A scenario of what devices were asked for, each of which is a disk.
///
/// # Errors
///
/// When no valid scenario would come of it.
pub fn import_blkparse(name: &str, trace: &blkparse::Trace) -> Result<Imported, ImportError> {
    let mut devices: Vec<_> = trace.operations.iter().map(|operation| operation.device).collect();
    devices.sort_unstable();
    devices.dedup();
    let names = devices.iter().map(|(major, minor)| format!("{major},{minor}")).collect();
    let mut builder = Builder::new(name, names);
    let mut waited = trace.operations.first().map_or(0, |operation| operation.at_ns);
    for operation in &trace.operations {
        builder.line = operation.line;
        let device = devices.binary_search(&operation.device).expect("every device was collected");
        let (at, len) = (operation.at_sector.checked_mul(512), operation.sectors.checked_mul(512));
        let (Some(at), Some(len)) = (at, len) else {
            builder.leave("a request", "it is beyond any disk");
            continue;
        };
        builder.sleep(operation.at_ns.saturating_sub(waited));
        waited = waited.max(operation.at_ns);
        if operation.error != 0 {
            builder.leave("an error", "the request succeeds here");
        }
        if operation.preflush {
            builder.flush(device);
        }
        match operation.kind {
            blkparse::Kind::Read => builder.read(device, at, len),
            blkparse::Kind::Write => builder.write(device, at, len, operation.fua),
            blkparse::Kind::Discard => builder.discard(device, at, len),
            blkparse::Kind::Flush => builder.flush(device),
        }
    }
    for left in &trace.not_carried {
        builder.line = left.line;
        builder.leave("a request", left.reason);
    }
    builder.finish()
}

/// A scenario of what a device wrote. Lines of its notes are entries, from 0.
///
/// # Errors
///
/// When no valid scenario would come of it.
pub fn import_log(name: &str, log: &WriteLog) -> Result<Imported, ImportError> {
    let mut builder = Builder::new(name, vec![String::new()]);
    let sector_size = u64::from(log.sector_size);
    builder.sector = log.sector_size.into();
    for (index, entry) in log.entries.iter().enumerate() {
        builder.line = index;
        if entry.flags.flush {
            builder.flush(0);
        }
        if let Some(mark) = &entry.mark {
            builder.mark(mark);
        }
        if !entry.is_change() {
            continue;
        }
        let (at, len) = (entry.sector * sector_size, entry.sectors * sector_size);
        if entry.flags.discard {
            builder.discard(0, at, len);
        } else {
            builder.data(at, &entry.data, entry.flags.fua);
        }
    }
    builder.finish()
}

/// A scenario of the faults that LazyFS was asked for: rules on disks, one for each file, and a
/// workload that meets them.
///
/// # Errors
///
/// When no valid scenario would come of it.
pub fn import_lazyfs(
    name: &str,
    injections: &[lazyfs::Injection],
) -> Result<Imported, ImportError> {
    let mut files: Vec<String> = Vec::new();
    for injection in injections {
        let file = match &injection.fault {
            lazyfs::Fault::TornOp { file, .. }
            | lazyfs::Fault::TornSeq { file, .. }
            | lazyfs::Fault::SyncPages { file } => file,
            lazyfs::Fault::ClearCache { from, .. } => from,
        };
        if !files.contains(&file.value) {
            files.push(file.value.clone());
        }
    }
    let mut builder = Builder::new(name, files.clone());
    builder.named = true;
    let mut most = 2;
    for injection in injections {
        builder.line = injection.location.line as usize;
        most = most.max(builder.fault(&files, &injection.fault).unwrap_or_default());
    }
    // Every file is written as often as a fault waits for, within reason, and synced as often if
    // a fault waits for that.
    let is_synced = |file: &usize| {
        injections.iter().any(|injection| match &injection.fault {
            lazyfs::Fault::ClearCache { operation, from, .. } => {
                operation.value == lazyfs::FileOperation::Fsync && from.value == files[*file]
            }
            lazyfs::Fault::TornOp { .. }
            | lazyfs::Fault::TornSeq { .. }
            | lazyfs::Fault::SyncPages { .. } => false,
        })
    };
    for nth in 0..most.min(64) {
        for file in 0..files.len() {
            builder.write(file, u64::from(nth) * 4096, 4096, false);
        }
        for file in (0..files.len()).filter(|file| is_synced(file)) {
            builder.flush(file);
        }
    }
    for file in (0..files.len()).filter(|file| !is_synced(file)) {
        builder.flush(file);
    }
    if most > 64 {
        let reason = format!("the workload meets 64 of {most} occurrences; make it longer");
        builder.leave("an occurrence", reason);
    }
    builder.finish()
}

/// A scenario in the making.
struct Builder<'a> {
    name: &'a str,
    disks: Vec<String>,
    /// Disks have their names even if there is only one.
    named: bool,
    /// How far each disk is used.
    ends: Vec<u64>,
    sector: u64,
    rules: Vec<file::Rule>,
    /// Each with the line it is from.
    steps: Vec<(usize, Step)>,
    writes: u64,
    /// Of what follows.
    line: usize,
    notes: Vec<NotCarried>,
    /// Notes of one kind: the first says how many others there are.
    more: Vec<(String, usize)>,
}

impl<'a> Builder<'a> {
    fn new(name: &'a str, disks: Vec<String>) -> Self {
        Self {
            name,
            ends: vec![0; disks.len()],
            disks,
            named: false,
            sector: 512,
            rules: Vec::new(),
            steps: Vec::new(),
            writes: 0,
            line: 0,
            notes: Vec::new(),
            more: Vec::new(),
        }
    }

    fn leave(&mut self, text: &str, reason: impl Into<String>) {
        let reason = reason.into();
        if let Some((_, more)) = self.more.iter_mut().find(|(known, _)| *known == reason) {
            *more += 1;
            return;
        }
        self.more.push((reason.clone(), 0));
        self.notes.push(NotCarried {
            source: self.name.to_owned(),
            line: Some(self.line),
            text: text.to_owned(),
            reason,
        });
    }

    fn push(&mut self, step: Step) {
        self.steps.push((self.line, step));
    }

    fn disk(&self, disk: usize) -> Option<String> {
        (self.disks.len() > 1 || self.named).then(|| self.disks[disk].clone())
    }

    /// Pieces of what is too long for one request.
    fn pieces(&mut self, disk: usize, at: u64, len: u64) -> Vec<(u64, u64)> {
        let Some(end) = at.checked_add(len) else {
            self.leave("a request", "it ends beyond any disk");
            return Vec::new();
        };
        self.ends[disk] = self.ends[disk].max(end);
        let count = len.div_ceil(LEN_MAX);
        if count > 1024 {
            self.leave("a request", "it is longer than 16 GiB");
            return Vec::new();
        }
        (0..count).map(|n| (at + n * LEN_MAX, (len - n * LEN_MAX).min(LEN_MAX))).collect()
    }

    fn sleep(&mut self, ns: u64) {
        if ns > 0 {
            self.push(Step::Sleep(Sleep { ns: ns.min(SLEEP_MAX) }));
        }
    }

    fn read(&mut self, disk: usize, at: u64, len: u64) {
        for (at, len) in self.pieces(disk, at, len) {
            let (disk, gets) = (self.disk(disk), Gets::Ok);
            let (holds, save, or_violates) = (None, None, None);
            self.push(Step::Read(Read { disk, at, len, holds, save, gets, or_violates }));
        }
    }

    fn write(&mut self, disk: usize, at: u64, len: u64, fua: bool) {
        for (at, len) in self.pieces(disk, at, len) {
            self.writes += 1;
            let data = unique(self.writes, len);
            self.store(disk, at, len, data, fua);
        }
    }

    fn store(&mut self, disk: usize, at: u64, len: u64, data: Pattern, fua: bool) {
        let (fill, data) = match data {
            Pattern::Fill(byte) => (Some(byte), None),
            data => (None, Some(data)),
        };
        let len = fill.is_some().then_some(len);
        let (disk, gets, or_violates) = (self.disk(disk), Gets::Ok, None);
        self.push(Step::Write(Write { disk, at, len, fill, data, fua, gets, or_violates }));
    }

    /// Bytes as they are, where that is said in a few words.
    fn data(&mut self, at: u64, data: &[u8], fua: bool) {
        for (at, len) in
            self.pieces(0, at, data.len() as u64).into_iter().zip(data.chunks(LEN_MAX as usize))
        {
            let ((at, len), bytes) = (at, len);
            self.writes += 1;
            let pattern = brief(bytes).unwrap_or_else(|| {
                self.leave("data", "it is not said in a few words: bytes of our own stand for it");
                unique(self.writes, len)
            });
            self.store(0, at, len, pattern, fua);
        }
    }

    fn discard(&mut self, disk: usize, at: u64, len: u64) {
        let Some(end) = at.checked_add(len).filter(|_| len > 0) else { return };
        self.ends[disk] = self.ends[disk].max(end);
        let (disk, gets, or_violates) = (self.disk(disk), Gets::Ok, None);
        self.push(Step::Discard(Discard { disk, at, len, gets, or_violates }));
    }

    fn flush(&mut self, disk: usize) {
        let disk = self.disk(disk);
        self.push(Step::Flush(Flush { disk, ..Flush::default() }));
    }

    fn mark(&mut self, text: &str) {
        if text.is_empty() || text.len() > 64 || text.chars().any(char::is_control) {
            return self.leave("a mark", "a mark has 1 to 64 characters");
        }
        self.push(Step::Mark(text.to_owned()));
    }

    /// Turns a fault into rules, if it can be said; returns which occurrence it waits for.
    fn fault(&mut self, files: &[String], fault: &lazyfs::Fault) -> Option<u32> {
        use crate::file::AccessKind;
        let disk = |file: &str| files.iter().find(|known| *known == file).cloned();
        let rule = |action, file: &str, on, nth: u32| file::Rule {
            event: None,
            disk: disk(file),
            on: Some(vec![on]),
            nth: Some(u64::from(nth)),
            ..file::Rule::at("", action)
        };
        // The power goes when the write is done.
        let after = |file: &str, nth: u32| file::Rule {
            disk: disk(file),
            nth: Some(u64::from(nth)),
            ..file::Rule::at("pwritev_done", file::Action::PowerCut)
        };
        match fault {
            lazyfs::Fault::ClearCache { timing, operation, from, to, occurrence, crash } => {
                let nth = occurrence.value;
                if !crash.value {
                    self.leave(
                        "clear-cache",
                        "without a crash the program goes on, and no power cut lets it",
                    );
                    return None;
                }
                if to.is_some() {
                    self.leave("clear-cache", "disks have no names to change");
                    return None;
                }
                let on = match operation.value {
                    lazyfs::FileOperation::Write => AccessKind::Write,
                    lazyfs::FileOperation::Read => AccessKind::Read,
                    lazyfs::FileOperation::Fsync => AccessKind::Flush,
                    _ => {
                        self.leave("clear-cache", "a disk has reads, writes and flushes only");
                        return None;
                    }
                };
                match (timing.value, on) {
                    (lazyfs::Timing::Before, on) => {
                        self.rules.push(rule(file::Action::PowerCut, &from.value, on, nth));
                    }
                    (lazyfs::Timing::After, AccessKind::Write) => {
                        self.rules.push(after(&from.value, nth));
                    }
                    (lazyfs::Timing::After, _) => {
                        self.leave("clear-cache", "nothing is announced after a read or a flush");
                        return None;
                    }
                }
                Some(nth)
            }
            lazyfs::Fault::TornOp { file, occurrence, parts, persist } => {
                let nth = occurrence.value;
                let count = parts.value.count() as u32;
                let persisted = persist.value.len() as u32;
                let is_prefix = (1..=persisted).all(|part| persist.value.contains(&part));
                let eighths = u64::from(persisted) * 8;
                let action = match &parts.value {
                    lazyfs::Parts::Bytes(bytes) if is_prefix => {
                        let first = &bytes[..(persisted as usize).min(bytes.len())];
                        let bytes = first.iter().map(|bytes| u64::from(*bytes)).sum();
                        file::Action::Fail(file::fault::Fail {
                            applied: file::fault::Applied::First(bytes),
                            ..file::fault::Fail::default()
                        })
                    }
                    lazyfs::Parts::Equal(_)
                        if is_prefix
                            && persisted < count
                            && eighths.is_multiple_of(u64::from(count)) =>
                    {
                        let eighths = eighths / u64::from(count);
                        file::Action::ShornWrite(file::fault::ShornWrite { eighths })
                    }
                    _ => {
                        self.leave("torn-op", "which parts are done is left to the choices");
                        file::Action::TornWrite
                    }
                };
                self.rules.push(rule(action, &file.value, AccessKind::Write, nth));
                self.rules.push(after(&file.value, nth));
                Some(nth)
            }
            lazyfs::Fault::SyncPages { .. } => {
                self.leave("sync-pages", "which pages of a cache reach a disk is left to crashes");
                None
            }
            lazyfs::Fault::TornSeq { file, occurrence, persist } => {
                if occurrence.value > 1 {
                    self.leave(
                        "torn-seq",
                        "writes are counted from the start: only the first group can be told",
                    );
                    return None;
                }
                let last = persist.value.iter().copied().max().unwrap_or(1);
                for nth in (1..last.min(64)).filter(|nth| !persist.value.contains(nth)) {
                    let lost = file::Action::LostWrite;
                    self.rules.push(rule(lost, &file.value, AccessKind::Write, nth));
                }
                self.rules.push(after(&file.value, last));
                Some(last)
            }
        }
    }

    fn finish(self) -> Result<Imported, ImportError> {
        let Self { name, disks, named, ends, sector, rules, mut steps, mut notes, more, .. } = self;
        for (note, (_, more)) in notes.iter_mut().zip(&more) {
            if *more > 0 {
                note.reason.push_str(&format!(" (and {more} more like it)"));
            }
        }
        let disk = |(name, end): (&String, &u64)| file::Disk {
            name: (disks.len() > 1 || named).then(|| name.clone()),
            size: (*end)
                .checked_next_multiple_of(sector.max(4096))
                .unwrap_or(u64::MAX)
                .max(1 << 20),
            sector: (sector > 512).then_some(sector),
            ..file::Disk::default()
        };
        let declared: Vec<_> = disks.iter().zip(&ends).map(disk).collect();
        let declared = if declared == [file::Disk::default()] { Vec::new() } else { declared };
        if steps.is_empty() {
            steps.push((0, Step::Sleep(Sleep { ns: 0 })));
        }
        let mut header = "// Imported from ".to_owned();
        _ = shown(name, &mut header);
        header.push_str(".\n");
        let mut file = File {
            summary: format!("{name}."),
            disks: declared,
            rules,
            steps: steps.iter().map(|(_, step)| step.clone()).collect(),
            ..File::default()
        };
        loop {
            let ron = header.clone() + &file.to_ron();
            if ron.len() <= MAX_LEN {
                valid(&ron)?;
                return Ok(Imported { ron, not_carried: notes });
            }
            // A file has room for so many: a little fewer, until they fit.
            let fit =
                (file.steps.len() as u64 * MAX_LEN as u64 / ron.len() as u64 * 63 / 64) as usize;
            if fit == 0 {
                return Err(ImportError::TooLong(ron.len()));
            }
            let left = steps.len() - fit;
            notes.retain(|note| !note.reason.starts_with("a scenario has room"));
            notes.push(NotCarried {
                source: name.to_owned(),
                line: Some(steps[fit].0),
                text: format!("{left} steps from here on"),
                reason: format!("a scenario has room for {MAX_LEN} bytes"),
            });
            file.steps.truncate(fit);
        }
    }
}

/// Bytes that no other write has.
fn unique(write: u64, len: u64) -> Pattern {
    let byte = ((write - 1) % 255 + 1) as u8;
    if write <= 255 || len < 8 {
        return Pattern::Fill(byte);
    }
    let number = (write as u32).to_be_bytes().map(|byte| (1, byte));
    Pattern::Runs(number.into_iter().chain([(len - 4, byte)]).collect())
}

/// Bytes in a few words.
fn brief(data: &[u8]) -> Option<Pattern> {
    let mut runs = Vec::new();
    for run in data.chunk_by(|a, b| a == b) {
        if runs.len() == RUNS_MAX {
            return (data.len() <= BYTES_MAX).then(|| Pattern::Bytes(data.to_vec()));
        }
        runs.push((run.len() as u64, run[0]));
    }
    match runs[..] {
        [(_, byte)] => Some(Pattern::Fill(byte)),
        _ => Some(Pattern::Runs(runs)),
    }
}
