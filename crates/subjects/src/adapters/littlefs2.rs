//! littlefs2 on a [`SimFlash`].

use headcrash::SimFlash;
use littlefs2::consts::{U2, U64};
use littlefs2::driver::Storage;
use littlefs2::io::{Error, Result};

/// Bytes of a program, and of a read.
pub const WORD: usize = 16;
/// Bytes of an erase.
pub const BLOCK: usize = 512;
/// How many of them there are.
pub const BLOCKS: usize = 32;

/// A chip that littlefs2 takes.
#[derive(Clone, Debug)]
pub struct Chip(SimFlash);

impl Chip {
    /// This flash.
    ///
    /// # Panics
    ///
    /// If that is of other words or blocks.
    #[must_use]
    pub fn new(flash: SimFlash) -> Self {
        let spec = flash.spec();
        let units = (spec.program_unit as usize, spec.erase_block as usize, flash.capacity());
        assert_eq!(units, (WORD, BLOCK, (BLOCK * BLOCKS) as u64), "words and blocks of the flash");
        Self(flash)
    }
}

impl Storage for Chip {
    const READ_SIZE: usize = WORD;
    const WRITE_SIZE: usize = WORD;
    const BLOCK_SIZE: usize = BLOCK;
    const BLOCK_COUNT: usize = BLOCKS;
    /// Blocks are changed for others often, so that there is something to see.
    const BLOCK_CYCLES: isize = 8;
    type CACHE_SIZE = U64;
    type LOOKAHEAD_SIZE = U2;

    fn read(&mut self, at: usize, into: &mut [u8]) -> Result<usize> {
        self.0.read(at as u64, into).map_err(|_| Error::IO)?;
        Ok(into.len())
    }

    fn write(&mut self, at: usize, data: &[u8]) -> Result<usize> {
        self.0.program(at as u64, data).map_err(|_| Error::IO)?;
        Ok(data.len())
    }

    fn erase(&mut self, at: usize, len: usize) -> Result<usize> {
        self.0.erase(at as u64, len as u64).map_err(|_| Error::IO)?;
        Ok(len)
    }
}
