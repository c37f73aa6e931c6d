//! What storage code is written against, so that it can be run on real storage and in a simulation.
//!
//! * [`BlockDevice`]: sectors. [`FileDisk`] is a real one, in a file; [`Partition`] is a part of one.
//! * [`File`]: bytes at offsets. [`std::fs::File`] is one; [`BlockFile`] is one on a block device.
//!   [`Cursor`] gives any of them [`std::io::Read`], [`Write`](std::io::Write) and
//!   [`Seek`](std::io::Seek).
//! * [`Directory`]: names of files. [`RealDirectory`] is a real one.
//! * [`AsyncBlockDevice`], [`AsyncFile`]: the first two for async code. [`Blocking`] makes them of
//!   blocking ones.
//! * [`reached`]: what the code itself calls the points it comes to.
//!
//! All methods take `&self`, and references, boxes and counted pointers implement what they point
//! to. Errors are [`std::io::Error`], and real ones keep their `raw_os_error`.
//!
//! ```
//! use headcrash_io::{BlockDevice, Sector};
//! use std::io;
//!
//! /// A log that begins at sector 0.
//! struct Log<D> {
//!     disk: D,
//!     end: Sector,
//! }
//!
//! impl<D: BlockDevice> Log<D> {
//!     fn append(&mut self, record: &[u8]) -> io::Result<()> {
//!         let size = self.disk.sector_size();
//!         let mut sectors = record.to_vec();
//!         sectors.resize(record.len().next_multiple_of(size), 0);
//!         self.disk.write_durable(self.end, &sectors)?;
//!         self.end.0 += (sectors.len() / size) as u64;
//!         Ok(())
//!     }
//! }
//! ```
//!
//! Nothing depends on anything but std, and nothing here is about simulation: this is all that
//! production code needs to have of Headcrash. The feature `conformance` adds what an implementation
//! of these traits has to do, as functions for its tests.

mod asynchronous;
mod block_device;
mod block_file;
#[cfg(feature = "conformance")]
pub mod conformance;
mod cursor;
mod directory;
mod event;
mod file;
mod file_disk;
mod partition;

pub use asynchronous::{AsyncBlockDevice, AsyncFile, Blocking};
pub use block_device::{BlockDevice, Sector, byte_offset};
pub use block_file::BlockFile;
pub use cursor::Cursor;
pub use directory::{Directory, RealDirectory};
pub use event::reached;
#[cfg(feature = "events")]
pub use event::set_listener;
pub use file::{File, OFFSET_MAX};
pub use file_disk::FileDisk;
pub use partition::Partition;
