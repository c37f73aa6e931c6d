//! fatfs takes what can be read, written and sought: a [`Cursor`] over a [`BlockFile`].

use headcrash_io::{BlockDevice, BlockFile, Cursor};

/// A device as fatfs takes it.
pub fn stream<D: BlockDevice>(device: D) -> Cursor<BlockFile<D>> {
    Cursor::new(BlockFile::new(device))
}
