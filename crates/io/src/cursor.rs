//! A file with a position.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::File;
use crate::file::{OFFSET_MAX, beyond};

/// A [`File`] with a position, which reads, writes and seeks as [`std::fs::File`] does.
///
/// * The position may be past the end: reading there gives 0 bytes, writing leaves zeroes between.
/// * [`set_len`](Self::set_len) does not move it, even if the file now ends before it.
/// * Seeking before 0, or beyond [`OFFSET_MAX`], is [`InvalidInput`](io::ErrorKind::InvalidInput).
/// * What fails moves nothing.
/// * [`flush`](Write::flush) does nothing, as nothing is buffered, and makes nothing durable: that is
///   for [`sync_data`](Self::sync_data) and [`sync_all`](Self::sync_all).
///
/// Several over one file (`Cursor::new(&file)`) have positions of their own.
///
/// ```
/// use headcrash_io::Cursor;
/// use std::io::{Read, Seek, Write};
///
/// # let file = tempfile::tempfile()?;
/// let mut cursor = Cursor::new(file);
/// cursor.write_all(b"header, body")?;
/// cursor.set_len(6)?;
/// cursor.rewind()?;
/// let mut text = String::new();
/// cursor.read_to_string(&mut text)?;
/// assert_eq!(text, "header");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cursor<F> {
    file: F,
    position: u64,
}

impl<F: File> Cursor<F> {
    /// At position 0.
    pub fn new(file: F) -> Self {
        Self { file, position: 0 }
    }

    /// Where the next byte is read or written, in bytes.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The file.
    pub fn get_ref(&self) -> &F {
        &self.file
    }

    /// The file, without the position.
    pub fn into_inner(self) -> F {
        self.file
    }

    /// As [`File::sync_data`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// As [`File::sync_all`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// As [`File::set_len`]. The position stays.
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    /// As [`File::len`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    /// As [`File::is_empty`].
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    pub fn is_empty(&self) -> io::Result<bool> {
        self.file.is_empty()
    }
}

impl<F: File> Read for Cursor<F> {
    #[track_caller]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(into, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl<F: File> Write for Cursor<F> {
    #[track_caller]
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.file.write_at(data, self.position)?;
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<F: File> Seek for Cursor<F> {
    #[track_caller]
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.len()?.checked_add_signed(by),
        };
        self.position = position.filter(|at| *at <= OFFSET_MAX).ok_or_else(beyond)?;
        Ok(self.position)
    }
}
