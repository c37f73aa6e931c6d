//! Sectors, read and written whole.

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

/// The number of a sector on its device, from 0; not an offset in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sector(
    /// From 0.
    pub u64,
);

/// Storage in sectors.
///
/// What was written is read back at once; it is sure to be there after a power cut only when a later
/// [`flush`](Self::flush) has returned.
///
/// # Errors
///
/// A buffer that is not whole sectors, or reaches over the end, is [`ErrorKind::InvalidInput`], and
/// nothing is transferred ([`byte_offset`] checks both). Otherwise what the device says; after a
/// failed write each of its sectors may be old, new or neither.
///
/// Calls are `#[track_caller]`: whoever implements this can say which line has called.
pub trait BlockDevice {
    /// How long a sector is, in bytes: at least 1, and always the same.
    fn sector_size(&self) -> usize;

    /// How many sectors there are: always the same.
    fn sector_count(&self) -> u64;

    /// Fills `into` with the sectors from `first` on.
    ///
    /// # Errors
    ///
    /// As the trait says. What `into` holds then is not told.
    #[track_caller]
    fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()>;

    /// Writes `data` to the sectors from `first` on.
    ///
    /// # Errors
    ///
    /// As the trait says.
    #[track_caller]
    fn write(&self, first: Sector, data: &[u8]) -> io::Result<()>;

    /// Returns when everything that was written before is durable.
    ///
    /// # Errors
    ///
    /// What the device says. Then nothing is known about what was written since the last flush, and
    /// a later one that succeeds says nothing about it either.
    #[track_caller]
    fn flush(&self) -> io::Result<()>;

    /// Writes, and returns when this is durable: a [`write`](Self::write) and a
    /// [`flush`](Self::flush), unless the device knows something better.
    ///
    /// # Errors
    ///
    /// Those of both.
    #[track_caller]
    fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        self.write(first, data)?;
        self.flush()
    }

    /// Says that `count` sectors from `first` on are not needed any more. This is advice: until they
    /// are written again they may hold what they did, zeroes or anything else.
    ///
    /// # Errors
    ///
    /// What the device says. Unless it says something else, it ignores the advice.
    #[track_caller]
    fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
        let _ = (first, count);
        Ok(())
    }
}

/// Where `len` bytes from `first` on begin, in bytes: what an implementation of [`BlockDevice`] checks
/// first.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if `len` is not whole sectors, or if they reach over the end.
pub fn byte_offset<D: BlockDevice + ?Sized>(
    device: &D,
    first: Sector,
    len: usize,
) -> io::Result<u64> {
    let (size, count) = (device.sector_size(), device.sector_count());
    if !len.is_multiple_of(size) {
        let what = format!("{len} bytes are not whole sectors of {size}");
        return Err(io::Error::new(ErrorKind::InvalidInput, what));
    }
    let sectors = (len / size) as u64;
    let is_inside = first.0.checked_add(sectors).is_some_and(|end| end <= count);
    let at = first.0.checked_mul(size as u64).filter(|_| is_inside);
    at.ok_or_else(|| {
        let what = format!("{sectors} sectors from {} on, of a device of {count}", first.0);
        io::Error::new(ErrorKind::InvalidInput, what)
    })
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<D: BlockDevice + ?Sized> BlockDevice for $pointer {
            fn sector_size(&self) -> usize {
                (**self).sector_size()
            }

            fn sector_count(&self) -> u64 {
                (**self).sector_count()
            }

            fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
                (**self).read(first, into)
            }

            fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
                (**self).write(first, data)
            }

            fn flush(&self) -> io::Result<()> {
                (**self).flush()
            }

            fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
                (**self).write_durable(first, data)
            }

            fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
                (**self).discard(first, count)
            }
        }
    )*};
}

forward!(&D, Box<D>, Rc<D>, Arc<D>);
