//! NOR flash, as blocking and as async code see it.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::Arc;

use headcrash_scenario::StageDisk;
use headcrash_sim::{FlashSpec, Io};

use crate::desk::At;
use crate::disk::fell_short;
use crate::storage::Device;
use crate::task::block_on;

/// NOR flash of a world. Programming can only clear bits, erasing sets all of whole blocks; both
/// can be cut off in the middle.
///
/// The methods named `.._async` are the same for async code.
#[derive(Clone, Debug)]
pub struct SimFlash(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    device: Device,
    spec: FlashSpec,
    len: u64,
}

impl SimFlash {
    pub(crate) fn of(disk: &StageDisk, spec: FlashSpec, device: Device) -> Self {
        Self(Arc::new(Inner { device, spec, len: disk.len }))
    }

    /// How many bytes it has.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.0.len
    }

    /// What it is made of.
    #[must_use]
    pub fn spec(&self) -> &FlashSpec {
        &self.0.spec
    }

    /// Reads as many bytes as `into` has, from byte `at` on.
    ///
    /// # Errors
    ///
    /// What the flash answers.
    #[track_caller]
    pub fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        block_on(self.0.read(Location::caller(), at, into))
    }

    /// Programs `data` from byte `at` on: whole words.
    ///
    /// # Errors
    ///
    /// What the flash answers.
    #[track_caller]
    pub fn program(&self, at: u64, data: &[u8]) -> io::Result<()> {
        block_on(self.0.program(Location::caller(), at, data))
    }

    /// Erases whole blocks, `len` bytes from byte `at` on.
    ///
    /// # Errors
    ///
    /// What the flash answers.
    #[track_caller]
    pub fn erase(&self, at: u64, len: u64) -> io::Result<()> {
        block_on(self.0.erase(Location::caller(), at, len))
    }

    /// See [`SimFlash::read`].
    ///
    /// # Errors
    ///
    /// What the flash answers.
    #[track_caller]
    pub fn read_async(&self, at: u64, into: &mut [u8]) -> impl Future<Output = io::Result<()>> {
        self.0.read(Location::caller(), at, into)
    }

    /// See [`SimFlash::program`].
    ///
    /// # Errors
    ///
    /// What the flash answers.
    #[track_caller]
    pub fn program_async(&self, at: u64, data: &[u8]) -> impl Future<Output = io::Result<()>> {
        self.0.program(Location::caller(), at, data)
    }

    /// See [`SimFlash::erase`].
    ///
    /// # Errors
    ///
    /// What the flash answers.
    #[track_caller]
    pub fn erase_async(&self, at: u64, len: u64) -> impl Future<Output = io::Result<()>> {
        self.0.erase(Location::caller(), at, len)
    }
}

impl Inner {
    async fn read(&self, asked: At, at: u64, into: &mut [u8]) -> io::Result<()> {
        let len = into.len();
        let done = self.device.request(asked, Io::Read { at, len: len as u64 }).await?;
        let got = (done.len as usize).min(done.data.len());
        if got < len {
            return Err(fell_short(io::ErrorKind::UnexpectedEof, "read", got, len));
        }
        into.copy_from_slice(&done.data[..len]);
        Ok(())
    }

    async fn program(&self, asked: At, at: u64, data: &[u8]) -> io::Result<()> {
        let io = Io::Write { at, data: data.into(), fua: false };
        let done = self.device.request(asked, io).await?.len as usize;
        if done < data.len() {
            return Err(fell_short(io::ErrorKind::WriteZero, "programmed", done, data.len()));
        }
        Ok(())
    }

    async fn erase(&self, asked: At, at: u64, len: u64) -> io::Result<()> {
        self.device.request(asked, Io::Erase { at, len }).await.map(drop)
    }
}
