//! A file of fixed length on a block device.

use std::io::{self, ErrorKind};

use crate::file::{OFFSET_MAX, beyond};
use crate::{BlockDevice, File, Sector};

/// A whole [`BlockDevice`] as one [`File`]: as long as the device, always.
///
/// What is not whole sectors is read, changed and written back, at most one sector at each end. Two
/// threads that write to parts of one sector at once may therefore lose one of the writes, and a
/// power cut may tear more than what was asked to be written.
///
/// * Writes over the end fall short; writes at or past it are [`ErrorKind::StorageFull`].
/// * [`set_len`](File::set_len) to another length is [`ErrorKind::Unsupported`].
/// * Both syncs are the device's flush.
#[derive(Clone, Debug)]
pub struct BlockFile<D> {
    device: D,
}

/// A piece of a transfer, all in one sector or in whole ones.
struct Piece {
    sector: Sector,
    /// Where it begins in the sector, in bytes.
    skip: usize,
    /// Of the sector, or of whole ones, in bytes.
    len: usize,
    is_whole: bool,
}

impl<D: BlockDevice> BlockFile<D> {
    /// The device as a file.
    pub fn new(device: D) -> Self {
        Self { device }
    }

    /// The device.
    pub fn get_ref(&self) -> &D {
        &self.device
    }

    /// The device, no longer a file.
    pub fn into_inner(self) -> D {
        self.device
    }

    /// In bytes.
    fn length(&self) -> u64 {
        let sectors = self.device.sector_count();
        sectors.saturating_mul(self.device.sector_size() as u64).min(OFFSET_MAX)
    }

    /// How many of `len` bytes from `at` on there are.
    fn inside(&self, at: u64, len: usize) -> usize {
        let left = self.length().saturating_sub(at);
        usize::try_from(left).map_or(len, |left| len.min(left))
    }

    /// The first piece of `len` bytes from `at` on.
    fn piece(&self, at: u64, len: usize) -> Piece {
        let size = self.device.sector_size();
        let sector = Sector(at / size as u64);
        let skip = (at % size as u64) as usize;
        if skip == 0 && len >= size {
            return Piece { sector, skip, len: len - len % size, is_whole: true };
        }
        Piece { sector, skip, len: len.min(size - skip), is_whole: false }
    }

    #[track_caller]
    fn read_piece(&self, piece: &Piece, into: &mut [u8]) -> io::Result<()> {
        if piece.is_whole {
            return self.device.read(piece.sector, into);
        }
        let sector = self.sector(piece.sector)?;
        into.copy_from_slice(&sector[piece.skip..piece.skip + piece.len]);
        Ok(())
    }

    #[track_caller]
    fn write_piece(&self, piece: &Piece, data: &[u8]) -> io::Result<()> {
        if piece.is_whole {
            return self.device.write(piece.sector, data);
        }
        let mut sector = self.sector(piece.sector)?;
        sector[piece.skip..piece.skip + piece.len].copy_from_slice(data);
        self.device.write(piece.sector, &sector)
    }

    #[track_caller]
    fn sector(&self, sector: Sector) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.device.sector_size()];
        self.device.read(sector, &mut bytes)?;
        Ok(bytes)
    }
}

impl<D: BlockDevice> File for BlockFile<D> {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let len = self.inside(at, into.len());
        let mut done = 0;
        while done < len {
            let piece = self.piece(at + done as u64, len - done);
            if let Err(error) = self.read_piece(&piece, &mut into[done..done + piece.len]) {
                return fell_short(done, error);
            }
            done += piece.len;
        }
        Ok(done)
    }

    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        let len = self.inside(at, data.len());
        if len == 0 && !data.is_empty() {
            let fits = at.checked_add(data.len() as u64).is_some_and(|end| end <= OFFSET_MAX);
            return Err(if fits { ErrorKind::StorageFull.into() } else { beyond() });
        }
        let mut done = 0;
        while done < len {
            let piece = self.piece(at + done as u64, len - done);
            if let Err(error) = self.write_piece(&piece, &data[done..done + piece.len]) {
                return fell_short(done, error);
            }
            done += piece.len;
        }
        Ok(done)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.device.flush()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.device.flush()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len == self.length() {
            return Ok(());
        }
        let what = format!("a device of {} bytes does not get {len}", self.length());
        Err(io::Error::new(ErrorKind::Unsupported, what))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.length())
    }
}

/// A failure after the first piece makes a transfer fall short.
fn fell_short(done: usize, error: io::Error) -> io::Result<usize> {
    if done > 0 { Ok(done) } else { Err(error) }
}
