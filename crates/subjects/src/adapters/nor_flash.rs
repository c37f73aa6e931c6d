//! `embedded-storage` and `embedded-storage-async` on a [`SimFlash`].

use std::fmt;
use std::io;

use embedded_storage::nor_flash as blocking;
use embedded_storage::nor_flash::{
    ErrorType, NorFlashError, NorFlashErrorKind, check_erase, check_read, check_write,
};
use embedded_storage_async::nor_flash as asynchronous;
use headcrash::SimFlash;

/// Flash of `WORD` bytes to a program and `BLOCK` bytes to an erase, for blocking and for async
/// code. Words may be written more than once, if the disk says so (`programs: 0`).
#[derive(Clone, Debug)]
pub struct Nor<const WORD: usize, const BLOCK: usize>(SimFlash);

impl<const WORD: usize, const BLOCK: usize> Nor<WORD, BLOCK> {
    /// The flash.
    ///
    /// # Panics
    ///
    /// If that is of other words or blocks.
    #[must_use]
    pub fn new(flash: SimFlash) -> Self {
        let spec = flash.spec();
        let units = (spec.program_unit as usize, spec.erase_block as usize);
        assert_eq!(units, (WORD, BLOCK), "words and blocks of the flash");
        Self(flash)
    }
}

/// What the flash answered.
#[derive(Debug)]
pub struct FlashError(io::Error);

impl fmt::Display for FlashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for FlashError {}

impl NorFlashError for FlashError {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl From<io::Error> for FlashError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

impl From<NorFlashErrorKind> for FlashError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self(io::Error::new(io::ErrorKind::InvalidInput, format!("{kind:?}")))
    }
}

impl<const WORD: usize, const BLOCK: usize> ErrorType for Nor<WORD, BLOCK> {
    type Error = FlashError;
}

impl<const WORD: usize, const BLOCK: usize> blocking::ReadNorFlash for Nor<WORD, BLOCK> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len())?;
        Ok(self.0.read(offset.into(), bytes)?)
    }

    fn capacity(&self) -> usize {
        self.0.capacity() as usize
    }
}

impl<const WORD: usize, const BLOCK: usize> blocking::NorFlash for Nor<WORD, BLOCK> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = BLOCK;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to)?;
        Ok(self.0.erase(from.into(), u64::from(to - from))?)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len())?;
        Ok(self.0.program(offset.into(), bytes)?)
    }
}

impl<const WORD: usize, const BLOCK: usize> blocking::MultiwriteNorFlash for Nor<WORD, BLOCK> {}

impl<const WORD: usize, const BLOCK: usize> asynchronous::ReadNorFlash for Nor<WORD, BLOCK> {
    const READ_SIZE: usize = 1;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashError> {
        check_read(self, offset, bytes.len())?;
        Ok(self.0.read_async(offset.into(), bytes).await?)
    }

    fn capacity(&self) -> usize {
        self.0.capacity() as usize
    }
}

impl<const WORD: usize, const BLOCK: usize> asynchronous::NorFlash for Nor<WORD, BLOCK> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = BLOCK;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashError> {
        check_erase(self, from, to)?;
        Ok(self.0.erase_async(from.into(), u64::from(to - from)).await?)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashError> {
        check_write(self, offset, bytes.len())?;
        Ok(self.0.program_async(offset.into(), bytes).await?)
    }
}

impl<const WORD: usize, const BLOCK: usize> asynchronous::MultiwriteNorFlash for Nor<WORD, BLOCK> {}
