//! SQLite's files in a file system of a world, through its VFS.
//!
//! What SQLite's own VFS for Unix does is done here, where the crate that passes calls on leaves
//! room for it: names of journals are synced with their first sync, an empty file is none.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::Once;
use std::time::Duration;

use headcrash::{SimFile, SimFiles};
use headcrash_io::{Directory, File};
use sqlite_vfs::wip::{WalIndex, WalIndexLock};
use sqlite_vfs::{DatabaseHandle, LockKind, OpenAccess, OpenKind, OpenOptions, Vfs, register};

thread_local! {
    /// By the first name in a path.
    static MOUNTED: RefCell<BTreeMap<u64, Mount>> = const { RefCell::new(BTreeMap::new()) };
}

#[derive(Clone, Debug)]
struct Mount {
    files: SimFiles,
    /// A file that is deleted is so for good: its directory is synced.
    syncs_names: bool,
}

/// A file system that SQLite finds files in, until this is dropped. Connections go before it.
#[derive(Debug)]
pub struct Mounted(u64);

impl Mounted {
    /// This one. With `syncs_names` a file that is deleted is so for good, which
    /// `synchronous=EXTRA` asks for: the crate does not pass that on.
    ///
    /// # Panics
    ///
    /// If SQLite does not take the VFS. It is the default one of the whole process, as that also
    /// seeds SQLite's random numbers.
    #[must_use]
    pub fn new(files: SimFiles, syncs_names: bool) -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| register("headcrash", Names, true).expect("there is none of that name"));
        MOUNTED.with_borrow_mut(|mounted| {
            let free = (0..).find(|number| !mounted.contains_key(number)).expect("there is one");
            mounted.insert(free, Mount { files, syncs_names });
            Self(free)
        })
    }

    /// What SQLite calls this file of it.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        format!("/{}/{name}", self.0)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        _ = MOUNTED.try_with(|mounted| mounted.borrow_mut().remove(&self.0));
    }
}

/// A path's file system, and the name there.
fn find(path: &str) -> io::Result<(Mount, &str)> {
    let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    let found = parts.and_then(|(number, name)| {
        let number = number.parse().ok()?;
        let mount = MOUNTED.with_borrow(|mounted| mounted.get(&number).cloned())?;
        Some((mount, name))
    });
    found.ok_or_else(|| io::Error::other("there is no such file system on this thread"))
}

/// It finds its world by path.
struct Names;

/// An open file. One connection has it at a time, so it gets every lock it asks for.
struct Handle {
    file: SimFile,
    lock: LockKind,
    /// The directory its name is in, if that is to be made durable by the next sync.
    unsynced: Option<SimFiles>,
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
        if let Some(files) = &self.unsynced {
            files.sync_dir("")?;
            self.unsynced = None;
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

    /// By another connection, and there is none.
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

impl Vfs for Names {
    type Handle = Handle;

    fn open(&self, path: &str, options: OpenOptions) -> io::Result<Handle> {
        let (Mount { files, .. }, name) = find(path)?;
        let creates = matches!(options.access, OpenAccess::Create | OpenAccess::CreateNew);
        let file = match options.access {
            OpenAccess::Read | OpenAccess::Write => files.open(name)?,
            OpenAccess::Create => files.create(name)?,
            OpenAccess::CreateNew => files.create_new(name)?,
        };
        let is_journal =
            matches!(options.kind, OpenKind::MainJournal | OpenKind::SuperJournal | OpenKind::Wal);
        let unsynced = (creates && is_journal).then_some(files);
        Ok(Handle { file, lock: LockKind::None, unsynced })
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        let (Mount { files, syncs_names }, name) = find(path)?;
        files.remove_file(name)?;
        if syncs_names { files.sync_dir("") } else { Ok(()) }
    }

    fn exists(&self, path: &str) -> io::Result<bool> {
        let (Mount { files, .. }, name) = find(path)?;
        match files.len_of(name) {
            Ok(len) => Ok(len > 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// There are none: they are kept in memory.
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
