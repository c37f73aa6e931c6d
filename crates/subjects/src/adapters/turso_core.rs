//! turso_core on a [`Directory`].
//!
//! Each call is done before it returns, as those of its own files for Unix are. What failed is told
//! by its completion, as `io_uring` does it: those files return an error instead, and 0.8.0 waits
//! for ever for the completion of a read that fails while a tree is balanced. There is no call for
//! the names of files: one is durable here when it is made.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use headcrash_io::{Directory, File};
use turso_core::io::clock::{Clock, MonotonicInstant, WallClockInstant};
use turso_core::io::{FileId, FileSyncType};
use turso_core::{Buffer, Completion, File as Io, IO, LimboError, OpenFlags, Result, io_error};

/// The files of a database.
#[derive(Debug)]
pub struct Files<D>(
    /// They are in the root of these.
    pub D,
);

/// The world's.
impl<D> Clock for Files<D> {
    fn current_time_monotonic(&self) -> MonotonicInstant {
        MonotonicInstant::from_nanos(headcrash::time::now().as_nanos())
    }

    fn current_time_wall_clock(&self) -> WallClockInstant {
        let now = headcrash::time::now();
        WallClockInstant { secs: now.as_secs() as i64, micros: now.subsec_micros() }
    }
}

impl<D> IO for Files<D>
where
    D: Directory + Send + Sync,
    D::File: Send + Sync + 'static,
{
    fn open_file(&self, path: &str, flags: OpenFlags, _direct: bool) -> Result<Arc<dyn Io>> {
        let opened = match self.0.open(path) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && flags.contains(OpenFlags::Create) =>
            {
                self.create(path)
            }
            opened => opened,
        };
        Ok(Arc::new(Open(opened.map_err(|error| io_error(error, "open"))?)))
    }

    fn remove_file(&self, path: &str) -> Result<()> {
        self.0.remove_file(path).map_err(|error| io_error(error, "remove_file"))
    }

    /// Databases of one process are found by this: with none, each is opened for itself.
    fn file_id(&self, _path: &str) -> Result<FileId> {
        Err(io_error(io::ErrorKind::Unsupported.into(), "file_id"))
    }

    fn generate_random_number(&self) -> i64 {
        7
    }

    fn fill_bytes(&self, into: &mut [u8]) {
        into.fill(7);
    }

    fn yield_now(&self) {
        headcrash::time::sleep(Duration::ZERO);
    }

    fn sleep(&self, time: Duration) {
        headcrash::time::sleep(time);
    }
}

impl<D: Directory> Files<D> {
    fn create(&self, path: &str) -> io::Result<D::File> {
        let file = self.0.create(path)?;
        self.0.sync_dir("")?;
        Ok(file)
    }
}

/// An open file. There is one connection, so it gets every lock it asks for.
struct Open<F>(F);

/// What came of a call that was done at once.
fn done(completion: Completion, came: io::Result<usize>, of: &'static str) -> Result<Completion> {
    match came.map_err(|error| io_error(error, of)) {
        Ok(count) => completion.complete(count as i32),
        Err(LimboError::CompletionError(error)) => completion.error(error),
        Err(error) => return Err(error),
    }
    Ok(completion)
}

impl<F: File + Send + Sync> Io for Open<F> {
    fn lock_file(&self, _exclusive: bool) -> Result<()> {
        Ok(())
    }

    fn unlock_file(&self) -> Result<()> {
        Ok(())
    }

    fn pread(&self, at: u64, completion: Completion) -> Result<Completion> {
        let count = self.0.read_at(completion.as_read().buf().as_mut_slice(), at);
        done(completion, count, "pread")
    }

    fn pwrite(&self, at: u64, data: Arc<Buffer>, completion: Completion) -> Result<Completion> {
        let data = data.as_slice();
        done(completion, self.0.write_all_at(data, at).map(|()| data.len()), "pwrite")
    }

    fn pwritev(
        &self,
        at: u64,
        parts: Vec<Arc<Buffer>>,
        completion: Completion,
    ) -> Result<Completion> {
        let data: Vec<u8> = parts.iter().flat_map(|part| part.as_slice()).copied().collect();
        done(completion, self.0.write_all_at(&data, at).map(|()| data.len()), "pwritev")
    }

    fn sync(&self, completion: Completion, _how: FileSyncType) -> Result<Completion> {
        done(completion, self.0.sync_all().map(|()| 0), "sync")
    }

    fn size(&self) -> Result<u64> {
        self.0.len().map_err(|error| io_error(error, "size"))
    }

    fn truncate(&self, len: u64, completion: Completion) -> Result<Completion> {
        done(completion, self.0.set_len(len).map(|()| 0), "truncate")
    }
}
