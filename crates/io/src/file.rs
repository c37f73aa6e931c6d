//! Bytes at offsets.

use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::Arc;

/// The largest offset or length of a file, in bytes: that of `off_t`.
pub const OFFSET_MAX: u64 = i64::MAX as u64;

/// An open file, without a position: reads and writes say where.
///
/// It behaves as [`std::fs::File`] does with `read_at` and `write_at`: what was written is read back
/// at once through every handle, writing past the end makes the file longer and leaves zeroes
/// between, and [`set_len`](Self::set_len) cuts off or appends zeroes. What was written is sure to
/// be there after a power cut only when a later `sync` has returned; that the *name* is there is the
/// directory's business ([`Directory::sync_dir`](crate::Directory::sync_dir)).
///
/// # Errors
///
/// What the file says; offsets that end beyond [`OFFSET_MAX`] are errors when something is written there, and
/// errors or the end of the file when something is read. Nothing panics over an offset.
pub trait File {
    /// Reads bytes from `at` on into the first part of `into`, and says how many: fewer than asked
    /// for, if it likes, and 0 only at or past the end, or for an empty `into`.
    ///
    /// # Errors
    ///
    /// As the trait says. What `into` holds then is not told.
    #[track_caller]
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes the first part of `data` from `at` on, and says how many bytes that is: fewer than
    /// asked for, if it likes.
    ///
    /// # Errors
    ///
    /// As the trait says. An error means that none was counted as written, so that the file's
    /// length is unchanged; where an error comes after some bytes, those are answered, and the
    /// next call has the error.
    #[track_caller]
    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize>;

    /// Returns when what was written before is durable, and as much of what is known about the file
    /// as reading it back takes (its length, not its times).
    ///
    /// # Errors
    ///
    /// What the file says. Then nothing is known about what was written since the last one, and a
    /// later one that succeeds says nothing about it either.
    #[track_caller]
    fn sync_data(&self) -> io::Result<()>;

    /// As [`sync_data`](Self::sync_data), with everything that is known about the file.
    ///
    /// # Errors
    ///
    /// As there.
    #[track_caller]
    fn sync_all(&self) -> io::Result<()>;

    /// Cuts the file off at `len` bytes, or appends zeroes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for more than [`OFFSET_MAX`]; what the file says.
    #[track_caller]
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// How long it is, in bytes.
    ///
    /// # Errors
    ///
    /// What the file says.
    #[track_caller]
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    ///
    /// # Errors
    ///
    /// Those of [`len`](Self::len).
    #[track_caller]
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `into` with the bytes from `at` on. Reads that are interrupted are tried again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnexpectedEof`] if the file ends before that; those of
    /// [`read_at`](Self::read_at). What `into` holds then is not told.
    #[track_caller]
    fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < into.len() {
            // No closure: the caller's place would be lost.
            let answer = match next(at, done) {
                Ok(at) => self.read_at(&mut into[done..], at),
                Err(error) => Err(error),
            };
            done += transferred(answer, ended)?;
        }
        Ok(())
    }

    /// Writes all of `data` from `at` on. Writes that are interrupted are tried again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WriteZero`] if the file takes no more; those of [`write_at`](Self::write_at).
    /// How much was written then is not told.
    #[track_caller]
    fn write_all_at(&self, data: &[u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < data.len() {
            // No closure: the caller's place would be lost.
            let answer = match next(at, done) {
                Ok(at) => self.write_at(&data[done..], at),
                Err(error) => Err(error),
            };
            done += transferred(answer, refused)?;
        }
        Ok(())
    }
}

/// Where a transfer goes on.
pub(crate) fn next(at: u64, done: usize) -> io::Result<u64> {
    at.checked_add(done as u64).ok_or_else(beyond)
}

/// How far one piece of a transfer came; 0 for "try again".
pub(crate) fn transferred(
    answer: io::Result<usize>,
    nothing: fn() -> io::Error,
) -> io::Result<usize> {
    match answer {
        Ok(0) => Err(nothing()),
        Ok(count) => Ok(count),
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
        Err(error) => Err(error),
    }
}

pub(crate) fn ended() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "failed to fill whole buffer")
}

pub(crate) fn refused() -> io::Error {
    io::Error::new(ErrorKind::WriteZero, "failed to write whole buffer")
}

pub(crate) fn beyond() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, "no file has that offset")
}

#[cfg(any(unix, windows))]
impl File for std::fs::File {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(self, into, at);
        #[cfg(windows)]
        return match std::os::windows::fs::FileExt::seek_read(self, into, at) {
            // ERROR_HANDLE_EOF.
            Err(error) if error.raw_os_error() == Some(38) => Ok(0),
            answer => answer,
        };
    }

    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::write_at(self, data, at);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_write(self, data, at);
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        Self::sync_all(self)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<F: File + ?Sized> File for $pointer {
            fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
                (**self).read_at(into, at)
            }

            fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
                (**self).write_at(data, at)
            }

            fn sync_data(&self) -> io::Result<()> {
                (**self).sync_data()
            }

            fn sync_all(&self) -> io::Result<()> {
                (**self).sync_all()
            }

            fn set_len(&self, len: u64) -> io::Result<()> {
                (**self).set_len(len)
            }

            fn len(&self) -> io::Result<u64> {
                (**self).len()
            }

            fn is_empty(&self) -> io::Result<bool> {
                (**self).is_empty()
            }

            fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
                (**self).read_exact_at(into, at)
            }

            fn write_all_at(&self, data: &[u8], at: u64) -> io::Result<()> {
                (**self).write_all_at(data, at)
            }
        }
    )*};
}

forward!(&F, Box<F>, Rc<F>, Arc<F>);
