//! A block device in a file.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::file::{File, OFFSET_MAX};
use crate::{BlockDevice, Sector, byte_offset};

/// A [`BlockDevice`] in a file of the machine.
///
/// [`flush`](BlockDevice::flush) is the file's `sync_data`. Errors of the machine keep their
/// `raw_os_error`. A file that someone else shortens answers
/// [`UnexpectedEof`](ErrorKind::UnexpectedEof).
///
/// ```
/// use headcrash_io::{BlockDevice, FileDisk, Sector};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("disk");
/// let disk = FileDisk::create(&path, 512, 2048)?;
/// disk.write_durable(Sector(3), &[7; 1024])?;
///
/// let disk = FileDisk::open(&path, 512)?;
/// let mut sector = [0; 512];
/// disk.read(Sector(4), &mut sector)?;
/// assert_eq!(sector, [7; 512]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FileDisk {
    file: fs::File,
    sector_size: usize,
    sector_count: u64,
}

impl FileDisk {
    /// Makes a file of `sector_count` sectors of `sector_size` bytes, all zeroes. That its name is
    /// durable is left to whoever syncs the directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is one, as it would not do to overwrite a disk;
    /// [`ErrorKind::InvalidInput`] for sectors of no bytes, or for more bytes than a file can have;
    /// what the machine says.
    pub fn create(
        path: impl AsRef<Path>,
        sector_size: usize,
        sector_count: u64,
    ) -> io::Result<Self> {
        check(sector_size)?;
        let len = sector_count.checked_mul(sector_size as u64).filter(|len| *len <= OFFSET_MAX);
        let len = len.ok_or_else(|| {
            let what = format!("no file has {sector_count} sectors of {sector_size} bytes");
            io::Error::new(ErrorKind::InvalidInput, what)
        })?;
        let file = fs::OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        file.set_len(len)?;
        Ok(Self { file, sector_size, sector_count })
    }

    /// Opens a file that exists, as a disk of as many sectors of `sector_size` bytes as it is long.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for sectors of no bytes; [`ErrorKind::InvalidData`] if its length
    /// is not whole sectors; what the machine says.
    pub fn open(path: impl AsRef<Path>, sector_size: usize) -> io::Result<Self> {
        check(sector_size)?;
        let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
        let len = file.len()?;
        if !len.is_multiple_of(sector_size as u64) {
            let what = format!("{len} bytes are not whole sectors of {sector_size}");
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Ok(Self { file, sector_size, sector_count: len / sector_size as u64 })
    }
}

fn check(sector_size: usize) -> io::Result<()> {
    if sector_size == 0 {
        return Err(io::Error::new(ErrorKind::InvalidInput, "a sector has at least one byte"));
    }
    Ok(())
}

impl BlockDevice for FileDisk {
    fn sector_size(&self) -> usize {
        self.sector_size
    }

    fn sector_count(&self) -> u64 {
        self.sector_count
    }

    fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
        let at = byte_offset(self, first, into.len())?;
        self.file.read_exact_at(into, at)
    }

    fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        let at = byte_offset(self, first, data.len())?;
        self.file.write_all_at(data, at)
    }

    fn flush(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}
