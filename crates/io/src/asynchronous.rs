//! Block devices and files for async code.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use crate::file::{ended, next, refused, transferred};
use crate::{BlockDevice, File, Sector};

/// [`BlockDevice`] for async code: every method does what its namesake does, with the same errors.
///
/// Its futures need not be `Send`. Dropping one before it is ready leaves open whether what it asked
/// for is done.
#[expect(async_fn_in_trait, reason = "a simulation is one thread, so no future has to be Send")]
pub trait AsyncBlockDevice {
    /// As [`BlockDevice::sector_size`].
    fn sector_size(&self) -> usize;

    /// As [`BlockDevice::sector_count`].
    fn sector_count(&self) -> u64;

    /// As [`BlockDevice::read`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()>;

    /// As [`BlockDevice::write`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn write(&self, first: Sector, data: &[u8]) -> io::Result<()>;

    /// As [`BlockDevice::flush`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn flush(&self) -> io::Result<()>;

    /// As [`BlockDevice::write_durable`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        self.write(first, data).await?;
        self.flush().await
    }

    /// As [`BlockDevice::discard`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
        let _ = (first, count);
        Ok(())
    }
}

/// [`File`] for async code: every method does what its namesake does, with the same errors.
///
/// Its futures need not be `Send`. Dropping one before it is ready leaves open whether what it asked
/// for is done.
#[expect(async_fn_in_trait, reason = "a simulation is one thread, so no future has to be Send")]
pub trait AsyncFile {
    /// As [`File::read_at`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;

    /// As [`File::write_at`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize>;

    /// As [`File::sync_data`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn sync_data(&self) -> io::Result<()>;

    /// As [`File::sync_all`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn sync_all(&self) -> io::Result<()>;

    /// As [`File::set_len`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn set_len(&self, len: u64) -> io::Result<()>;

    /// As [`File::len`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn len(&self) -> io::Result<u64>;

    /// As [`File::is_empty`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len().await? == 0)
    }

    /// As [`File::read_exact_at`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < into.len() {
            let answer = self.read_at(&mut into[done..], next(at, done)?).await;
            done += transferred(answer, ended)?;
        }
        Ok(())
    }

    /// As [`File::write_all_at`].
    ///
    /// # Errors
    ///
    /// As there.
    async fn write_all_at(&self, data: &[u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < data.len() {
            let answer = self.write_at(&data[done..], next(at, done)?).await;
            done += transferred(answer, refused)?;
        }
        Ok(())
    }
}

/// Gives a blocking [`BlockDevice`] or [`File`] to async code: its futures block, and are ready when they
/// are first polled. For production over a [`FileDisk`](crate::FileDisk), where the executor can
/// spare the thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blocking<T>(
    /// The blocking one.
    pub T,
);

impl<D: BlockDevice> AsyncBlockDevice for Blocking<D> {
    fn sector_size(&self) -> usize {
        self.0.sector_size()
    }

    fn sector_count(&self) -> u64 {
        self.0.sector_count()
    }

    async fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
        self.0.read(first, into)
    }

    async fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        self.0.write(first, data)
    }

    async fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }

    async fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        self.0.write_durable(first, data)
    }

    async fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
        self.0.discard(first, count)
    }
}

impl<F: File> AsyncFile for Blocking<F> {
    async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        self.0.read_at(into, at)
    }

    async fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        self.0.write_at(data, at)
    }

    async fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    async fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    async fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    async fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    async fn is_empty(&self) -> io::Result<bool> {
        self.0.is_empty()
    }

    async fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_exact_at(into, at)
    }

    async fn write_all_at(&self, data: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(data, at)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: AsyncBlockDevice> AsyncBlockDevice for $pointer {
            fn sector_size(&self) -> usize {
                (**self).sector_size()
            }

            fn sector_count(&self) -> u64 {
                (**self).sector_count()
            }

            async fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
                (**self).read(first, into).await
            }

            async fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
                (**self).write(first, data).await
            }

            async fn flush(&self) -> io::Result<()> {
                (**self).flush().await
            }

            async fn write_durable(&self, first: Sector, data: &[u8]) -> io::Result<()> {
                (**self).write_durable(first, data).await
            }

            async fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
                (**self).discard(first, count).await
            }
        }

        impl<T: AsyncFile> AsyncFile for $pointer {
            async fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
                (**self).read_at(into, at).await
            }

            async fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
                (**self).write_at(data, at).await
            }

            async fn sync_data(&self) -> io::Result<()> {
                (**self).sync_data().await
            }

            async fn sync_all(&self) -> io::Result<()> {
                (**self).sync_all().await
            }

            async fn set_len(&self, len: u64) -> io::Result<()> {
                (**self).set_len(len).await
            }

            async fn len(&self) -> io::Result<u64> {
                (**self).len().await
            }

            async fn is_empty(&self) -> io::Result<bool> {
                (**self).is_empty().await
            }

            async fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
                (**self).read_exact_at(into, at).await
            }

            async fn write_all_at(&self, data: &[u8], at: u64) -> io::Result<()> {
                (**self).write_all_at(data, at).await
            }
        }
    )*};
}

forward!(&T, Box<T>, Rc<T>, Arc<T>);
