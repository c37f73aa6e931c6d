//! fatfs takes what can be read, written and sought, and reads and writes entries field by field: a
//! few bytes each. So the sector it is in is kept, as its documentation asks for.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use headcrash_io::{BlockDevice, Sector};

/// A device as fatfs takes it. The last sector is kept for reading; what is written goes to the
/// device at once. A flush does nothing, as that of a file.
#[derive(Debug)]
pub struct Stream<D> {
    device: D,
    position: u64,
    /// The sector that is kept, if any.
    sector: Option<Sector>,
    bytes: Vec<u8>,
}

/// A device as fatfs takes it.
pub fn stream<D: BlockDevice>(device: D) -> Stream<D> {
    let bytes = vec![0; device.sector_size()];
    Stream { device, position: 0, sector: None, bytes }
}

impl<D: BlockDevice> Stream<D> {
    fn length(&self) -> u64 {
        self.device.sector_count() * self.bytes.len() as u64
    }

    /// Comes to where it is: the bytes there, `most` of them and to the end of their sector.
    fn here(&mut self, most: usize) -> io::Result<(Sector, std::ops::Range<usize>)> {
        let size = self.bytes.len();
        let sector = Sector(self.position / size as u64);
        let start = (self.position % size as u64) as usize;
        if self.sector != Some(sector) {
            self.sector = None;
            self.device.read(sector, &mut self.bytes)?;
            self.sector = Some(sector);
        }
        Ok((sector, start..size.min(start + most)))
    }
}

impl<D: BlockDevice> Read for Stream<D> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() || self.position >= self.length() {
            return Ok(0);
        }
        let (_, range) = self.here(into.len())?;
        let count = range.len();
        into[..count].copy_from_slice(&self.bytes[range]);
        self.position += count as u64;
        Ok(count)
    }
}

impl<D: BlockDevice> Write for Stream<D> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() || self.position >= self.length() {
            return Ok(0);
        }
        let (sector, range) = self.here(data.len())?;
        let count = range.len();
        self.bytes[range].copy_from_slice(&data[..count]);
        // What is kept of a write that fails is not known.
        self.sector = None;
        self.device.write(sector, &self.bytes)?;
        self.sector = Some(sector);
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<D: BlockDevice> Seek for Stream<D> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
        };
        self.position = place.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
