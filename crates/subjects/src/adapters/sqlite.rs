//! SQLite's files in a file system of a world, through its VFS.

use std::cell::RefCell;
use std::io;
use std::sync::Once;
use std::time::Duration;

use headcrash::{SimFile, SimFiles};
use headcrash_io::{Directory, File};
use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenOptions, Vfs, register};

thread_local! {
    static FILES: RefCell<Option<SimFiles>> = const { RefCell::new(None) };
}

/// From now on this is where names are looked up on this thread.
///
/// # Panics
///
/// If SQLite does not take the VFS. It is the default one of the whole process, as that also seeds
/// SQLite's random numbers.
pub fn enter(files: SimFiles) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| register("headcrash", Names, true).expect("there is none of that name"));
    FILES.with(|here| *here.borrow_mut() = Some(files));
}

/// It finds its world through the thread.
struct Names;

impl Names {
    fn files() -> io::Result<SimFiles> {
        let files = FILES.with(|here| here.borrow().clone());
        files.ok_or_else(|| io::Error::other("there is no world on this thread"))
    }
}

/// An open file. One connection has it at a time, so it gets every lock it asks for.
struct Handle {
    file: SimFile,
    lock: LockKind,
    /// Its name is new, and is made durable by the first sync: as SQLite does on Unix.
    is_new: bool,
}

/// There is one connection, which can have no shared memory.
struct NoIndex;

impl WalIndex for NoIndex {
    fn enabled() -> bool {
        false
    }

    fn map(&mut self, _: u32) -> io::Result<[u8; 32_768]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn lock(&mut self, _: std::ops::Range<u8>, _: WalIndexLock) -> io::Result<bool> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn delete(self) -> io::Result<()> {
        Ok(())
    }
}

impl DatabaseHandle for Handle {
    type WalIndex = NoIndex;

    fn size(&self) -> io::Result<u64> {
        self.file.len()
    }

    /// What is beyond the end is zeroes: SQLite counts on it.
    fn read_exact_at(&mut self, into: &mut [u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < into.len() {
            match self.file.read_at(&mut into[done..], at + done as u64)? {
                0 => {
                    into[done..].fill(0);
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                count => done += count,
            }
        }
        Ok(())
    }

    fn write_all_at(&mut self, data: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(data, at)
    }

    fn sync(&mut self, data_only: bool) -> io::Result<()> {
        if data_only {
            self.file.sync_data()?;
        } else {
            self.file.sync_all()?;
        }
        if self.is_new {
            Names::files()?.sync_dir("")?;
            self.is_new = false;
        }
        Ok(())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn lock(&mut self, lock: LockKind) -> io::Result<bool> {
        self.lock = lock;
        Ok(true)
    }

    fn reserved(&mut self) -> io::Result<bool> {
        Ok(matches!(self.lock, LockKind::Reserved | LockKind::Pending | LockKind::Exclusive))
    }

    fn current_lock(&self) -> io::Result<LockKind> {
        Ok(self.lock)
    }

    fn wal_index(&self, _: bool) -> io::Result<NoIndex> {
        Ok(NoIndex)
    }
}

fn name(path: &str) -> &str {
    path.trim_start_matches('/')
}

impl Vfs for Names {
    type Handle = Handle;

    fn open(&self, path: &str, options: OpenOptions) -> io::Result<Handle> {
        let (files, path) = (Self::files()?, name(path));
        let is_new = !files.exists(path)?;
        let file = match options.access {
            OpenAccess::Read | OpenAccess::Write => files.open(path)?,
            OpenAccess::Create => files.create(path)?,
            OpenAccess::CreateNew => files.create_new(path)?,
        };
        Ok(Handle { file, lock: LockKind::None, is_new })
    }

    /// Without a sync of the directory, whatever SQLite asks for: the crate does not pass that on.
    fn delete(&self, path: &str) -> io::Result<()> {
        Self::files()?.remove_file(name(path))
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        Self::files()?.exists(name(path))
    }

    fn temporary_name(&self) -> String {
        "temporary".to_owned()
    }

    fn random(&self, buffer: &mut [i8]) {
        buffer.fill(7);
    }

    fn sleep(&self, duration: Duration) -> Duration {
        duration
    }
}
