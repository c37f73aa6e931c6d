//! embedded-sdmmc on a [`BlockDevice`](headcrash_io::BlockDevice) of sectors of 512 bytes.

use std::io;

use embedded_sdmmc::{
    Block, BlockCount, BlockDevice, BlockIdx, Error, RawDirectory, TimeSource, VolumeManager,
};
use headcrash_io::Sector;

/// Sectors as the crate's blocks.
#[derive(Clone, Debug)]
pub struct Blocks<D>(
    /// The device.
    pub D,
);

impl<D: headcrash_io::BlockDevice> BlockDevice for Blocks<D> {
    type Error = io::Error;

    fn read(&self, blocks: &mut [Block], start: BlockIdx) -> io::Result<()> {
        let mut bytes = vec![0; blocks.len() * Block::LEN];
        self.0.read(Sector(start.0.into()), &mut bytes)?;
        for (block, bytes) in blocks.iter_mut().zip(bytes.chunks(Block::LEN)) {
            block.contents.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn write(&self, blocks: &[Block], start: BlockIdx) -> io::Result<()> {
        let bytes: Vec<u8> = blocks.iter().flat_map(|block| block.contents).collect();
        self.0.write(Sector(start.0.into()), &bytes)
    }

    fn num_blocks(&self) -> io::Result<BlockCount> {
        Ok(BlockCount(u32::try_from(self.0.sector_count()).unwrap_or(u32::MAX)))
    }
}

// What differs between versions of embedded-sdmmc.

/// Removes a file.
///
/// # Errors
///
/// What the crate says.
pub fn delete<D: BlockDevice, T: TimeSource>(
    manager: &mut VolumeManager<D, T>,
    dir: RawDirectory,
    name: &str,
) -> Result<(), Error<D::Error>> {
    manager.delete_entry_in_dir(dir, name)
}
