//! A part of a device as a device.

use std::io;

use crate::{BlockDevice, Sector, byte_offset};

/// Some sectors of a device that follow each other, as a device of their own: so that several
/// things live on one disk. A flush is the whole device's.
///
/// ```
/// use headcrash_io::{BlockDevice, Partition, Sector};
/// use std::io;
///
/// /// A log on the first quarter of a disk, and tables on the rest.
/// fn divide<D: BlockDevice>(disk: &D) -> io::Result<(Partition<&D>, Partition<&D>)> {
///     let quarter = disk.sector_count() / 4;
///     Ok((Partition::new(disk, 0..quarter)?, Partition::new(disk, quarter..disk.sector_count())?))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Partition<D> {
    device: D,
    start: u64,
    count: u64,
}

impl<D: BlockDevice> Partition<D> {
    /// These sectors of `device`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if it does not have them all.
    pub fn new(device: D, sectors: std::ops::Range<u64>) -> io::Result<Self> {
        if sectors.start > sectors.end || sectors.end > device.sector_count() {
            let message = format!(
                "sectors {} to {} are not all among its {}",
                sectors.start,
                sectors.end,
                device.sector_count()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (start, count) = (sectors.start, sectors.end - sectors.start);
        Ok(Self { device, start, count })
    }

    /// The device's sector.
    fn place(&self, first: Sector, len: usize) -> io::Result<Sector> {
        byte_offset(self, first, len)?;
        Ok(Sector(self.start + first.0))
    }
}

impl<D: BlockDevice> BlockDevice for Partition<D> {
    fn sector_size(&self) -> usize {
        self.device.sector_size()
    }

    fn sector_count(&self) -> u64 {
        self.count
    }

    fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
        self.device.read(self.place(first, into.len())?, into)
    }

    fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        self.device.write(self.place(first, data.len())?, data)
    }

    fn flush(&self) -> io::Result<()> {
        self.device.flush()
    }

    fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        self.device.write_durable(self.place(first, data.len())?, data)
    }

    fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
        let end = first.0.checked_add(count).filter(|end| *end <= self.count);
        if end.is_none() {
            let message = format!("{count} sectors from {} on are beyond the end", first.0);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.device.discard(Sector(self.start + first.0), count)
    }
}
