//! Disks, as blocking and as async code see them.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::Arc;

use headcrash_io::{AsyncBlockDevice, BlockDevice, BlockFile, Sector};
use headcrash_scenario::StageDisk;
use headcrash_sim::Io;

use crate::desk::{At, Desk};
use crate::storage::Device;
use crate::task::block_on;

/// A disk of a world, for blocking code: a [`BlockDevice`].
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Inner>);

/// A disk of a world, for async code: an [`AsyncBlockDevice`].
#[derive(Clone, Debug)]
pub struct AsyncSimDisk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: Device,
    name: String,
    sector: u64,
    len: u64,
}

impl SimDisk {
    pub(crate) fn of(disk: &StageDisk, device: Device) -> Self {
        let (name, sector, len) = (disk.name.clone(), disk.sector, disk.len);
        Self(Arc::new(Inner { device, name, sector, len }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The same disk for async code.
    #[must_use]
    pub fn into_async(self) -> AsyncSimDisk {
        AsyncSimDisk(self.0)
    }

    /// It as a file of fixed length: what is not whole sectors is read, changed and written.
    #[must_use]
    pub fn into_file(self) -> BlockFile<Self> {
        BlockFile::new(self)
    }
}

impl AsyncSimDisk {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The same disk for blocking code.
    #[must_use]
    pub fn into_blocking(self) -> SimDisk {
        SimDisk(self.0)
    }
}

impl Inner {
    /// The first byte, where so many are asked for.
    fn place(&self, first: Sector, len: usize) -> io::Result<u64> {
        if !(len as u64).is_multiple_of(self.sector) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{len} bytes are not whole sectors of {}", self.sector),
            ));
        }
        let at = first.0.checked_mul(self.sector);
        let is_inside = |at: &u64| at.checked_add(len as u64).is_some_and(|end| end <= self.len);
        at.filter(is_inside).ok_or_else(|| {
            let count = self.len / self.sector;
            let what = format!("{len} bytes from sector {} on, of a disk of {count}", first.0);
            io::Error::new(io::ErrorKind::InvalidInput, what)
        })
    }

    async fn read(&self, asked: At, first: Sector, into: &mut [u8]) -> io::Result<()> {
        let (at, len) = (self.place(first, into.len())?, into.len());
        let done = self.device.request(asked, Io::Read { at, len: len as u64 }).await?;
        let got = (done.len as usize).min(done.data.len()).min(len);
        into[..got].copy_from_slice(&done.data[..got]);
        if got < len {
            return Err(fell_short(io::ErrorKind::UnexpectedEof, "read", got, len));
        }
        Ok(())
    }

    async fn write(&self, asked: At, first: Sector, data: &[u8], fua: bool) -> io::Result<()> {
        let at = self.place(first, data.len())?;
        let done = self.device.request(asked, Io::Write { at, data: data.into(), fua }).await?;
        if (done.len as usize) < data.len() {
            let done = done.len as usize;
            return Err(fell_short(io::ErrorKind::WriteZero, "written", done, data.len()));
        }
        Ok(())
    }

    async fn flush(&self, asked: At) -> io::Result<()> {
        self.device.request(asked, Io::Flush).await.map(drop)
    }

    async fn discard(&self, asked: At, first: Sector, count: u64) -> io::Result<()> {
        let at = self.place(first, 0)?;
        let len = count.saturating_mul(self.sector);
        self.device.request(asked, Io::Discard { at, len }).await.map(drop)
    }
}

/// What a device did not answer with an error is one for whoever wanted all of it, and as good a
/// reason to fail.
pub(crate) fn fell_short(kind: io::ErrorKind, what: &str, done: usize, of: usize) -> io::Error {
    if let Some(desk) = Desk::current() {
        desk.common.errors.set(desk.common.errors.get() + 1);
    }
    io::Error::new(kind, format!("{done} of {of} bytes were {what}"))
}

impl BlockDevice for SimDisk {
    fn sector_size(&self) -> usize {
        self.0.sector as usize
    }

    fn sector_count(&self) -> u64 {
        self.0.len / self.0.sector
    }

    #[track_caller]
    fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
        block_on(self.0.read(Location::caller(), first, into))
    }

    #[track_caller]
    fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        block_on(self.0.write(Location::caller(), first, data, false))
    }

    #[track_caller]
    fn flush(&self) -> io::Result<()> {
        block_on(self.0.flush(Location::caller()))
    }

    #[track_caller]
    fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        block_on(self.0.write(Location::caller(), first, data, true))
    }

    #[track_caller]
    fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
        block_on(self.0.discard(Location::caller(), first, count))
    }
}

impl AsyncBlockDevice for AsyncSimDisk {
    fn sector_size(&self) -> usize {
        self.0.sector as usize
    }

    fn sector_count(&self) -> u64 {
        self.0.len / self.0.sector
    }

    #[track_caller]
    fn read(&self, first: Sector, into: &mut [u8]) -> impl Future<Output = io::Result<()>> {
        self.0.read(Location::caller(), first, into)
    }

    #[track_caller]
    fn write(&self, first: Sector, data: &[u8]) -> impl Future<Output = io::Result<()>> {
        self.0.write(Location::caller(), first, data, false)
    }

    #[track_caller]
    fn flush(&self) -> impl Future<Output = io::Result<()>> {
        self.0.flush(Location::caller())
    }

    #[track_caller]
    fn write_durable(&self, first: Sector, data: &[u8]) -> impl Future<Output = io::Result<()>> {
        self.0.write(Location::caller(), first, data, true)
    }

    #[track_caller]
    fn discard(&self, first: Sector, count: u64) -> impl Future<Output = io::Result<()>> {
        self.0.discard(Location::caller(), first, count)
    }
}
