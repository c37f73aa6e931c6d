//! From a run to a log of writes.

use std::fmt;
use std::sync::Arc;

use headcrash_sim::{Device, DeviceEvent, Discarded, DiskId, Image};
use thiserror::Error;

use crate::formats::write_log::{HistoryError, HistoryEvent, WriteLog};
use crate::run::{Moment, stop_at};
use crate::scenario::{DiskIndex, Medium, Scenario};

/// A log of what a disk of a scenario wrote.
#[derive(Clone, Debug)]
pub struct ExportedLog {
    /// The log.
    pub log: WriteLog,
    /// What is worth knowing about it.
    pub notes: Vec<LogNote>,
}

/// Something about an exported log that is worth knowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogNote {
    /// So many writes were no whole sectors, and were filled up with what was around them.
    Padded(usize),
    /// So many writes were never flushed, and are not in the log.
    Unflushed(usize),
}

impl fmt::Display for LogNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Padded(n) => {
                write!(f, "{n} writes of no whole sectors are logged with what was around them")
            }
            Self::Unflushed(n) => {
                write!(f, "{n} writes were never flushed, and are not in the log: `--tail`")
            }
        }
    }
}

/// Why there is no log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExportLogError {
    /// The disk has no log.
    #[error("disk `{0}` is NOR flash; logs of writes are of disks with sectors")]
    Flash(String),
    /// The disk keeps nothing.
    #[error("disk `{0}` forgets what is written; logs of writes are of disks that keep it")]
    Forgets(String),
    /// It cannot be written.
    #[error("disk `{disk}`, {error}")]
    History {
        /// Which disk.
        disk: String,
        /// What is wrong.
        error: HistoryError,
    },
}

/// What a disk writes in a run with the choices of a seed, until the power goes for the first time
/// or to the end, as [`WriteLog::from_history`] has it. Where the power may go everywhere, it does
/// not before the workload has ended.
///
/// # Errors
///
/// When the disk is of a kind that has no such logs, or the log would be too long.
pub fn export_log(
    scenario: &Scenario,
    disk: DiskIndex,
    seed: u64,
    tail: bool,
) -> Result<ExportedLog, ExportLogError> {
    let declared = &scenario.disks()[disk.0];
    let name = || declared.name.clone();
    match declared.medium {
        Medium::Flash(_) => return Err(ExportLogError::Flash(name())),
        Medium::Null => return Err(ExportLogError::Forgets(name())),
        Medium::Stored => {}
    }
    let stopped = stop_at(scenario, seed, Moment::Cut, Some(disk));
    let history = stopped.world.history(DiskId(disk.0 as u32));
    let sector = declared.device.sector;
    let mut notes = Vec::new();
    let mut padded = 0;
    let events = events(history, declared.image(), &declared.device, &mut padded);
    if padded > 0 {
        notes.push(LogNote::Padded(padded));
    }
    let all = WriteLog::from_history(sector as u32, events, true)
        .map_err(|error| ExportLogError::History { disk: name(), error })?;
    let mark = |entry: &crate::formats::write_log::Entry| {
        entry.mark.as_deref() == Some(WriteLog::UNFLUSHED)
    };
    let mut log = all;
    let place = log.entries.iter().position(mark);
    if let (Some(place), false) = (place, tail) {
        notes.push(LogNote::Unflushed(log.entries.len() - place - 1));
        log.entries.truncate(place);
    }
    Ok(ExportedLog { log, notes })
}

/// What a disk did, in whole sectors.
fn events(
    history: &[DeviceEvent],
    mut image: Image,
    device: &Device,
    padded: &mut usize,
) -> Vec<HistoryEvent> {
    let Device { sector, discarded, .. } = *device;
    let mut events = Vec::new();
    for event in history {
        let whole = |at: u64, len: u64| at.is_multiple_of(sector) && len.is_multiple_of(sector);
        match event {
            DeviceEvent::Write { at, data, fua } => {
                image.write(*at, data);
                let len = data.len() as u64;
                let data = if whole(*at, len) {
                    Arc::clone(data)
                } else {
                    *padded += 1;
                    around(&image, *at, len, sector)
                };
                events.push(HistoryEvent::WriteDone { at_sector: at / sector, data, fua: *fua });
            }
            DeviceEvent::Zeroes { at, len, fua } => {
                image.fill(*at, *len, 0);
                let (at_sector, fua) = (at / sector, *fua);
                events.push(if whole(*at, *len) {
                    HistoryEvent::ZeroesDone { at_sector, sectors: len / sector, fua }
                } else {
                    *padded += 1;
                    let data = around(&image, *at, *len, sector);
                    HistoryEvent::WriteDone { at_sector, data, fua }
                });
            }
            // What a device keeps, or leaves undefined, it has not written.
            DeviceEvent::Discard { at, len } if discarded != Discarded::Zeroes => {
                let (first, end) = (at.div_ceil(sector), (at + len) / sector);
                if first < end {
                    let sectors = end - first;
                    events.push(HistoryEvent::DiscardDone { at_sector: first, sectors });
                }
            }
            DeviceEvent::Discard { at, len } => {
                image.fill(*at, *len, 0);
                let at_sector = at / sector;
                events.push(if whole(*at, *len) {
                    HistoryEvent::DiscardDone { at_sector, sectors: len / sector }
                } else {
                    *padded += 1;
                    let data = around(&image, *at, *len, sector);
                    HistoryEvent::WriteDone { at_sector, data, fua: false }
                });
            }
            DeviceEvent::FlushSubmitted(id) => {
                events.push(HistoryEvent::FlushSubmitted(id.number()));
            }
            DeviceEvent::FlushDone(id) => events.push(HistoryEvent::FlushDone(id.number())),
            DeviceEvent::PowerCut => break,
        }
    }
    events
}

/// The sectors that a stretch touches.
fn around(image: &Image, at: u64, len: u64, sector: u64) -> Arc<[u8]> {
    let (from, end) = (at / sector * sector, (at + len).next_multiple_of(sector));
    let mut bytes = vec![0; (end - from) as usize];
    image.read(from, &mut bytes);
    bytes.into()
}
