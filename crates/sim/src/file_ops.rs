//! File systems of a world: operations on them are requests, and they share the fate of its disks.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use core::hash::{Hash, Hasher};

use headcrash_engine::{
    Access, Cause, Errno, IoKind, Ratio, Requester, StableHasher, State, Trigger, TriggerId,
    Triggers,
};

use crate::agenda::Due;
use crate::choices::{Calm, Choices, Key, Point, PointKind};
use crate::cut::Engines;
use crate::device::FlushFailure;
use crate::disk::DiskId;
use crate::fault::{Applied, Fault, FaultRule};
use crate::file_cache::Cached;
use crate::files::{FileContract, FileCx, FileId, FileSystem, Inode, Place, Resolved};
use crate::io::{ClientId, Completion, Io, RequestId, Shape, Verb};
use crate::latency::{Latencies, Latency};
use crate::medium::StateCount;
use crate::request::{Asked, Life, Request};
use crate::trace::What;
use crate::world::{Cx, World};

/// A file system of a world, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FsId(pub u32);

impl FsId {
    /// Its place.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A file system as it is at the start: an empty root directory.
#[derive(Clone, Debug)]
pub struct FileSystemSpec {
    /// Its stable name, which no disk has.
    pub name: String,
    /// What may be found after a power cut.
    pub contract: FileContract,
    /// How long operations take: reads and look-ups as `read`, syncs as `flush`, whatever changes
    /// something as `write`. Closing takes no time.
    pub latencies: Latencies,
    /// What goes wrong with it.
    pub faults: Vec<FileFault>,
    /// How many bytes its files can take together, in the contract's units: what does not fit is
    /// cut short, and where nothing fits it is `ENOSPC`. Directories take no room; files that lost
    /// their names do as long as they are open.
    pub capacity: Option<u64>,
}

impl FileSystemSpec {
    /// One that takes no time, and with which nothing goes wrong.
    #[must_use]
    pub fn new(name: &str, contract: FileContract) -> Self {
        let latencies = Latencies::all(Latency::Zero);
        Self { name: name.into(), contract, latencies, faults: Vec::new(), capacity: None }
    }
}

/// Something that happens to a file system when its trigger strikes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileFault {
    /// Only operations of these kinds.
    pub on: FileVerbs,
    /// When: its counts, its chance and its client; nothing else of it means anything here.
    pub trigger: Trigger,
    /// What: [`FileFault::can_strike`] says which operations it can happen to.
    pub fault: Fault,
    /// Whether the choices say, when the world begins, if it is in force in this run at all.
    pub swarm: bool,
    /// Its stable name: what is drawn for it is found by this.
    pub key: Key,
}

impl FileFault {
    /// The operations that a fault can happen to; none, if it is of a device alone.
    #[must_use]
    pub fn can_strike(fault: Fault) -> FileVerbs {
        match fault {
            Fault::Fail { .. }
            | Fault::Delay { .. }
            | Fault::Hang
            | Fault::ReadOnly
            | Fault::Evict
            | Fault::PowerCut => FileVerbs::ALL,
            Fault::Short { .. } => FileVerbs::of(&[FileVerb::Read, FileVerb::Write]),
            // A directory has no data that could be dropped.
            Fault::FlushFails {
                data: FlushFailure::CleanKeepNew | FlushFailure::CleanRevert,
                ..
            }
            | Fault::FlushFailsLater { .. }
            | Fault::FlushFailsForEach { .. } => {
                FileVerbs::of(&[FileVerb::Sync, FileVerb::SyncData])
            }
            Fault::FlushFails { .. } | Fault::FlushLies => FileVerbs::SYNCS,
            _ => FileVerbs::NONE,
        }
    }
}

/// An operation on a file system. Positions and lengths are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FileOp {
    /// Opens a file, which is made if there is none. [`Completion::len`] is the number of the
    /// [`FileId`].
    Create {
        /// Its path.
        path: Arc<str>,
        /// It is `EEXIST` if there is one.
        exclusive: bool,
    },
    /// Opens a file that is there. [`Completion::len`] is the number of the [`FileId`].
    Open {
        /// Its path.
        path: Arc<str>,
    },
    /// Bytes come back; fewer, if the file ends before.
    Read {
        /// The open file.
        file: FileId,
        /// The first byte.
        at: u64,
        /// How many.
        len: u64,
    },
    /// Bytes are stored. The file grows as far as it must.
    Write {
        /// The open file.
        file: FileId,
        /// The first byte.
        at: u64,
        /// What is stored there.
        data: Arc<[u8]>,
    },
    /// The file is cut off, or zeroes are appended.
    SetLen {
        /// The open file.
        file: FileId,
        /// How long it is to be.
        len: u64,
    },
    /// The file is to be durable: `fsync`.
    Sync {
        /// The open file.
        file: FileId,
    },
    /// Its data is to be durable: `fdatasync`.
    SyncData {
        /// The open file.
        file: FileId,
    },
    /// It is no longer needed open.
    Close {
        /// The open file.
        file: FileId,
    },
    /// [`Completion::len`] is how long the file is.
    Len {
        /// The open file.
        file: FileId,
    },
    /// The same of a file that is not open.
    LenOf {
        /// Its path.
        path: Arc<str>,
    },
    /// Whether there is such a file or directory: otherwise it is `ENOENT`.
    Lookup {
        /// Its path.
        path: Arc<str>,
    },
    /// A file or directory gets another name; what had that loses it.
    Rename {
        /// The name it has.
        from: Arc<str>,
        /// The name it gets.
        to: Arc<str>,
    },
    /// A file loses its name.
    Unlink {
        /// Its path.
        path: Arc<str>,
    },
    /// A directory is made.
    MakeDir {
        /// Its path.
        path: Arc<str>,
    },
    /// An empty directory is removed.
    RemoveDir {
        /// Its path.
        path: Arc<str>,
    },
    /// The names in a directory are to be durable.
    SyncDir {
        /// Its path.
        path: Arc<str>,
    },
    /// The names in a directory come back: sorted, each followed by a line feed.
    /// [`Completion::len`] is how many there are.
    List {
        /// Its path.
        path: Arc<str>,
    },
}

impl FileOp {
    /// What it does.
    #[must_use]
    pub const fn verb(&self) -> FileVerb {
        match self {
            Self::Create { .. } => FileVerb::Create,
            Self::Open { .. } => FileVerb::Open,
            Self::Read { .. } => FileVerb::Read,
            Self::Write { .. } => FileVerb::Write,
            Self::SetLen { .. } => FileVerb::SetLen,
            Self::Sync { .. } => FileVerb::Sync,
            Self::SyncData { .. } => FileVerb::SyncData,
            Self::Close { .. } => FileVerb::Close,
            Self::Len { .. } | Self::LenOf { .. } => FileVerb::Len,
            Self::Lookup { .. } => FileVerb::Lookup,
            Self::Rename { .. } => FileVerb::Rename,
            Self::Unlink { .. } => FileVerb::Unlink,
            Self::MakeDir { .. } => FileVerb::MakeDir,
            Self::RemoveDir { .. } => FileVerb::RemoveDir,
            Self::SyncDir { .. } => FileVerb::SyncDir,
            Self::List { .. } => FileVerb::List,
        }
    }

    /// The open file it is about, if it is about one.
    const fn file(&self) -> Option<FileId> {
        match self {
            Self::Read { file, .. }
            | Self::Write { file, .. }
            | Self::SetLen { file, .. }
            | Self::Sync { file }
            | Self::SyncData { file }
            | Self::Close { file }
            | Self::Len { file } => Some(*file),
            _ => None,
        }
    }

    const fn path(&self) -> Option<&Arc<str>> {
        match self {
            Self::Create { path, .. }
            | Self::Open { path }
            | Self::LenOf { path }
            | Self::Lookup { path }
            | Self::Rename { from: path, .. }
            | Self::Unlink { path }
            | Self::MakeDir { path }
            | Self::RemoveDir { path }
            | Self::SyncDir { path }
            | Self::List { path } => Some(path),
            _ => None,
        }
    }

    /// The first byte and how many, as far as it has them.
    fn extent(&self) -> (u64, u64) {
        match self {
            Self::Read { at, len, .. } => (*at, *len),
            Self::Write { at, data, .. } => (*at, data.len() as u64),
            Self::SetLen { len, .. } => (0, *len),
            _ => (0, 0),
        }
    }

    /// The same with fewer bytes.
    fn shortened(&self, bytes: u64) -> Self {
        match self {
            Self::Read { file, at, len } => {
                Self::Read { file: *file, at: *at, len: bytes.min(*len) }
            }
            Self::Write { file, at, data } => {
                let bytes = bytes.min(data.len() as u64) as usize;
                Self::Write { file: *file, at: *at, data: data[..bytes].into() }
            }
            other => other.clone(),
        }
    }
}

/// What an operation on a file system does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileVerb {
    /// See [`FileOp::Create`].
    Create,
    /// See [`FileOp::Open`].
    Open,
    /// See [`FileOp::Read`].
    Read,
    /// See [`FileOp::Write`].
    Write,
    /// See [`FileOp::SetLen`].
    SetLen,
    /// See [`FileOp::Sync`].
    Sync,
    /// See [`FileOp::SyncData`].
    SyncData,
    /// See [`FileOp::Close`].
    Close,
    /// See [`FileOp::Len`] and [`FileOp::LenOf`].
    Len,
    /// See [`FileOp::Lookup`].
    Lookup,
    /// See [`FileOp::Rename`].
    Rename,
    /// See [`FileOp::Unlink`].
    Unlink,
    /// See [`FileOp::MakeDir`].
    MakeDir,
    /// See [`FileOp::RemoveDir`].
    RemoveDir,
    /// See [`FileOp::SyncDir`].
    SyncDir,
    /// See [`FileOp::List`].
    List,
}

impl FileVerb {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Create,
        Self::Open,
        Self::Read,
        Self::Write,
        Self::SetLen,
        Self::Sync,
        Self::SyncData,
        Self::Close,
        Self::Len,
        Self::Lookup,
        Self::Rename,
        Self::Unlink,
        Self::MakeDir,
        Self::RemoveDir,
        Self::SyncDir,
        Self::List,
    ];

    /// Its name in files and traces: that of the step.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create_file",
            Self::Open => "open_file",
            Self::Read => "read_file",
            Self::Write => "write_file",
            Self::SetLen => "set_len",
            Self::Sync => "sync_file",
            Self::SyncData => "sync_data",
            Self::Close => "close_file",
            Self::Len => "file_len",
            Self::Lookup => "exists",
            Self::Rename => "rename",
            Self::Unlink => "unlink",
            Self::MakeDir => "mkdir",
            Self::RemoveDir => "rmdir",
            Self::SyncDir => "sync_dir",
            Self::List => "list",
        }
    }

    /// Whether it changes what is in a file or has a name.
    const fn changes(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Write
                | Self::SetLen
                | Self::Rename
                | Self::Unlink
                | Self::MakeDir
                | Self::RemoveDir
        )
    }

    /// Whether it neither changes anything nor makes anything durable.
    #[must_use]
    pub const fn only_looks(self) -> bool {
        matches!(self.kind(), IoKind::Read | IoKind::BlockStatus)
    }

    const fn kind(self) -> IoKind {
        match self {
            Self::Open | Self::Read | Self::Len | Self::Lookup | Self::List => IoKind::Read,
            Self::Sync | Self::SyncData | Self::SyncDir => IoKind::Flush,
            // Of block status, nobody asks how long it takes.
            Self::Close => IoKind::BlockStatus,
            _ => IoKind::Write,
        }
    }
}

/// A set of kinds of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileVerbs(u16);

impl FileVerbs {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self(u16::MAX);
    /// Those that make something durable.
    pub const SYNCS: Self = Self(
        1 << FileVerb::Sync as u16 | 1 << FileVerb::SyncData as u16 | 1 << FileVerb::SyncDir as u16,
    );

    /// These.
    #[must_use]
    pub fn of(verbs: &[FileVerb]) -> Self {
        Self(verbs.iter().fold(0, |all, verb| all | 1 << *verb as u16))
    }

    /// Whether one is among them.
    #[must_use]
    pub const fn has(self, verb: FileVerb) -> bool {
        self.0 >> verb as u16 & 1 == 1
    }

    /// Each, in the order of [`FileVerb::ALL`].
    pub fn iter(self) -> impl Iterator<Item = FileVerb> {
        FileVerb::ALL.into_iter().filter(move |verb| self.has(*verb))
    }
}

/// An operation as a trace shows it: without its bytes, and by path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileShape {
    /// What it does.
    pub verb: FileVerb,
    /// The path; of an open file, the last it was known by.
    pub path: Arc<str>,
    /// The new name, of a rename.
    pub to: Option<Arc<str>>,
    /// The first byte.
    pub at: u64,
    /// How many bytes, or how long the file is to be.
    pub len: u64,
}

/// What a power cut left of a file system, found out when somebody looked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FilePlace {
    /// A name.
    Entry {
        /// The path.
        path: Arc<str>,
        /// What has that name: the n-th file or directory that was made.
        found: Option<u32>,
    },
    /// How long a file is.
    Length {
        /// The path it was last known by.
        path: Arc<str>,
        /// Its length, in bytes.
        len: u64,
    },
    /// One unit of a file's data.
    Data {
        /// The path it was last known by.
        path: Arc<str>,
        /// The first byte.
        at: u64,
        /// How many bytes.
        len: u64,
    },
}

/// The operation of a request, and what strikes it.
#[derive(Clone, Debug)]
pub(crate) struct FileJob {
    fs: FsId,
    op: FileOp,
    path: Arc<str>,
    strikes: Vec<Fault>,
}

impl FileJob {
    /// What of it can have been done when it is not over.
    fn arrives(&self) -> Option<FileOp> {
        let mut op = self.op.clone();
        for fault in &self.strikes {
            match *fault {
                Fault::Fail { applied: Applied::Nothing, .. } => return None,
                Fault::Fail { applied: Applied::First(bytes), .. } | Fault::Short { bytes } => {
                    op = op.shortened(bytes);
                }
                _ => {}
            }
        }
        Some(op)
    }
}

/// A file system in a world.
#[derive(Clone, Debug)]
pub(crate) struct Mounted {
    system: FileSystem,
    latencies: Latencies,
    faults: Arc<[FileFault]>,
    /// One for each fault: which operations it counts is not a trigger's business.
    triggers: Vec<Triggers>,
    key: Key,
    powered: bool,
    /// Changes are refused with `EROFS`.
    read_only: bool,
    /// What is still seen of files whose data a failed sync has dropped.
    cached: BTreeMap<Inode, Cached>,
    /// Open files whose next sync is told of a failure.
    owed: BTreeMap<FileId, Errno>,
    capacity: Option<u64>,
    /// By which path a file or directory was last known.
    paths: Arc<BTreeMap<Inode, Arc<str>>>,
    /// What was under way when the power went: done when it comes back, and then cut.
    under_way: Vec<FileOp>,
    /// How often what a cut would leave may have changed.
    changes: u64,
}

impl Mounted {
    fn new(spec: FileSystemSpec) -> Self {
        let FileSystemSpec { name, contract, latencies, faults, capacity } = spec;
        let system = FileSystem::new(&name, contract);
        Self {
            system,
            latencies,
            triggers: fresh(&faults),
            faults: faults.into(),
            key: Key::disk(&name),
            powered: true,
            read_only: false,
            cached: BTreeMap::new(),
            owed: BTreeMap::new(),
            capacity,
            paths: Arc::new(BTreeMap::from([(Inode::ROOT, Arc::from(""))])),
            under_way: Vec::new(),
            changes: 0,
        }
    }

    fn path_of(&self, inode: Inode) -> Arc<str> {
        self.paths.get(&inode).map_or_else(|| Arc::from("?"), Arc::clone)
    }

    /// The path an operation is about.
    fn path(&self, op: &FileOp) -> Arc<str> {
        match (op.path(), op.file()) {
            (Some(path), _) => Arc::clone(path),
            (None, Some(file)) => {
                self.system.inode(file).map_or_else(|_| Arc::from("?"), |inode| self.path_of(inode))
            }
            (None, None) => Arc::from("?"),
        }
    }

    fn knows(&mut self, inode: Inode, path: &str) {
        let path = path.trim_matches('/');
        if self.paths.get(&inode).is_none_or(|known| **known != *path) {
            Arc::make_mut(&mut self.paths).insert(inode, Arc::from(path));
        }
    }

    /// Does an operation that nothing strikes. What comes back, and a number.
    fn perform(&mut self, op: &FileOp, cx: &mut FileCx<'_>) -> Result<(Vec<u8>, u64), Errno> {
        let before = self.system.last_operation();
        let done = self.carry_out(op, cx);
        let is_effect = match op.verb() {
            FileVerb::Write | FileVerb::SetLen => true,
            FileVerb::Sync | FileVerb::SyncData | FileVerb::SyncDir => true,
            _ => self.system.last_operation() != before,
        };
        if done.is_ok() && is_effect {
            self.changes += 1;
        }
        done
    }

    fn carry_out(&mut self, op: &FileOp, cx: &mut FileCx<'_>) -> Result<(Vec<u8>, u64), Errno> {
        let nothing = Vec::new();
        match op {
            FileOp::Create { path, exclusive } => {
                let file = self.system.create(path, *exclusive, cx)?;
                self.knows(self.system.inode(file)?, path);
                Ok((nothing, file.number()))
            }
            FileOp::Open { path } => {
                let file = self.system.open(path, cx)?;
                self.knows(self.system.inode(file)?, path);
                Ok((nothing, file.number()))
            }
            FileOp::Read { file, at, len } => {
                let inode = self.system.inode(*file)?;
                let seems = self.cached.get(&inode).map(Cached::len);
                let whole = match seems {
                    Some(len) => len,
                    None => self.system.len(*file, cx)?,
                };
                let mut bytes = vec![0; whole.saturating_sub(*at).min(*len) as usize];
                let read = self.system.read_at(*file, *at, &mut bytes, cx)?;
                match self.cached.get(&inode) {
                    Some(cached) => cached.show(*at, &mut bytes),
                    None => bytes.truncate(read),
                }
                let read = bytes.len() as u64;
                Ok((bytes, read))
            }
            FileOp::Write { file, at, data } => {
                let len = self.fitting(*file, *at, data.len() as u64, cx)?;
                self.change(*file, cx, |cached, system, cx| {
                    cached.before_write((*file, *at, *at + len), system, cx)
                })?;
                self.system.write_at(*file, *at, &data[..len as usize], cx)?;
                self.forget_spent(*file, cx);
                Ok((nothing, len))
            }
            FileOp::SetLen { file, len } => {
                if self.fitting(*file, 0, *len, cx)? < *len {
                    return Err(Errno::ENOSPC);
                }
                self.change(*file, cx, |cached, system, cx| {
                    cached.before_set_len((*file, *len), system, cx)
                })?;
                self.system.set_len(*file, *len, cx)?;
                self.forget_spent(*file, cx);
                Ok((nothing, 0))
            }
            FileOp::Sync { file } => self.system.sync_all(*file).map(|()| (nothing, 0)),
            FileOp::SyncData { file } => self.system.sync_data(*file).map(|()| (nothing, 0)),
            FileOp::Close { file } => {
                self.owed.remove(file);
                self.system.close(*file).map(|()| (nothing, 0))
            }
            FileOp::Len { file } => {
                let len = self.system.len(*file, cx)?;
                let cached = self.cached.get(&self.system.inode(*file)?);
                Ok((nothing, cached.map_or(len, Cached::len)))
            }
            FileOp::LenOf { path } => {
                let len = self.system.len_of(path, cx)?;
                // It was just looked up, so nothing is asked.
                let (inode, _) = self.system.lookup(path, cx)?;
                Ok((nothing, self.cached.get(&inode).map_or(len, Cached::len)))
            }
            FileOp::Lookup { path } => {
                let (inode, _) = self.system.lookup(path, cx)?;
                self.knows(inode, path);
                Ok((nothing, 0))
            }
            FileOp::Rename { from, to } => {
                self.system.rename(from, to, cx)?;
                // It was just given that name, so nothing is asked.
                if let Ok((inode, _)) = self.system.lookup(to, cx) {
                    self.knows(inode, to);
                }
                Ok((nothing, 0))
            }
            FileOp::Unlink { path } => self.system.unlink(path, cx).map(|()| (nothing, 0)),
            FileOp::MakeDir { path } => {
                let inode = self.system.mkdir(path, cx)?;
                self.knows(inode, path);
                Ok((nothing, 0))
            }
            FileOp::RemoveDir { path } => self.system.rmdir(path, cx).map(|()| (nothing, 0)),
            FileOp::SyncDir { path } => self.system.sync_dir(path, cx).map(|()| (nothing, 0)),
            FileOp::List { path } => {
                let entries = self.system.list(path, cx)?;
                let mut names = Vec::new();
                for entry in &entries {
                    names.extend_from_slice(entry.name.as_bytes());
                    names.push(b'\n');
                }
                Ok((names, entries.len() as u64))
            }
        }
    }

    /// How many of `len` bytes from `at` on there is room for.
    fn fitting(
        &mut self,
        file: FileId,
        at: u64,
        len: u64,
        cx: &mut FileCx<'_>,
    ) -> Result<u64, Errno> {
        let Some(capacity) = self.capacity else { return Ok(len) };
        let has = self.system.len(file, cx)?;
        let Some(end) = at.checked_add(len).filter(|end| *end > has) else { return Ok(len) };
        let others = self.system.used() - self.system.taken(has);
        let most = capacity.saturating_sub(others).max(has);
        match end.min(most).checked_sub(at) {
            Some(0) | None if len > 0 => Err(Errno::ENOSPC),
            fits => Ok(fits.unwrap_or(0)),
        }
    }

    /// Before a file is changed, what its cache shows is.
    fn change(
        &mut self,
        file: FileId,
        cx: &mut FileCx<'_>,
        change: impl FnOnce(&mut Cached, &mut FileSystem, &mut FileCx<'_>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        match self.cached.get_mut(&self.system.inode(file)?) {
            Some(cached) => change(cached, &mut self.system, cx),
            None => Ok(()),
        }
    }

    fn forget_spent(&mut self, file: FileId, cx: &mut FileCx<'_>) {
        let (Ok(inode), Ok(len)) = (self.system.inode(file), self.system.len(file, cx)) else {
            return;
        };
        if self.cached.get(&inode).is_some_and(|cached| cached.is_spent(len)) {
            self.cached.remove(&inode);
        }
    }

    /// What is not durable of a file is dropped; reads see it still, if `shown`.
    fn drop_data(&mut self, file: FileId, shown: bool) -> Result<(), Errno> {
        let inode = self.system.inode(file)?;
        let unit = self.system.contract().unit as u64;
        let Some(dropped) = self.system.revert(file)? else { return Ok(()) };
        self.changes += 1;
        if shown {
            // What an earlier failure dropped is in none of the units that were changed since.
            let mut dropped = dropped;
            if let Some(older) = self.cached.remove(&inode) {
                dropped = older.under(dropped);
            }
            self.cached.insert(inode, Cached::new(dropped, unit));
        } else {
            self.cached.remove(&inode);
        }
        Ok(())
    }

    /// Whose next sync is told of a failure that `file` has met: each handle of the same file.
    fn owe(&mut self, file: FileId, errno: Errno, to_itself: bool) -> Result<(), Errno> {
        let inode = self.system.inode(file)?;
        let handles = self.system.handles(inode).filter(|other| to_itself || *other != file);
        self.owed.extend(handles.map(|handle| (handle, errno)));
        Ok(())
    }

    /// Does an operation, as far as what strikes it lets it.
    fn perform_struck(
        &mut self,
        op: &FileOp,
        strikes: &[Fault],
        cx: &mut FileCx<'_>,
    ) -> Result<(Vec<u8>, u64), Errno> {
        let mut failure = None;
        let mut short = None;
        let mut is_done = true;
        let mut later = None;
        for fault in strikes {
            match *fault {
                Fault::Fail { errno, applied } => {
                    failure = Some(errno);
                    match applied {
                        Applied::Nothing => is_done = false,
                        Applied::First(bytes) if op.verb() == FileVerb::Write => {
                            short = Some(bytes);
                        }
                        Applied::First(_) => is_done = false,
                        Applied::All => {}
                    }
                }
                Fault::Short { bytes } => short = Some(bytes),
                Fault::FlushFails { errno, data } => {
                    failure = Some(errno);
                    is_done = false;
                    match (data, op.file()) {
                        (FlushFailure::KeepDirty, _) | (_, None) => {}
                        (data, Some(file)) => {
                            self.drop_data(file, data == FlushFailure::CleanKeepNew)?;
                        }
                    }
                }
                Fault::FlushFailsForEach { errno } => {
                    failure = Some(errno);
                    is_done = false;
                    if let Some(file) = op.file() {
                        self.drop_data(file, true)?;
                        self.owe(file, errno, false)?;
                        // What it was owed before, it is told now.
                        self.owed.remove(&file);
                    }
                }
                Fault::FlushFailsLater { errno } => {
                    is_done = false;
                    later = Some(errno);
                }
                Fault::FlushLies => is_done = false,
                Fault::ReadOnly => self.read_only = true,
                _ => {}
            }
        }
        if self.read_only && op.verb().changes() {
            // What is there can still be opened.
            let FileOp::Create { path, exclusive: false } = op else { return Err(Errno::EROFS) };
            if self.system.lookup(path, cx).is_err() {
                return Err(Errno::EROFS);
            }
        }
        let is_sync = matches!(op.verb(), FileVerb::Sync | FileVerb::SyncData);
        if let Some(file) = op.file().filter(|_| is_sync && failure.is_none()) {
            // Whatever else it does, a sync tells what is owed.
            if let Some(errno) = self.owed.remove(&file) {
                failure = Some(errno);
            }
            if let Some(errno) = later {
                self.drop_data(file, true)?;
                self.owe(file, errno, true)?;
            }
        }
        if !is_done {
            return failure.map_or(Ok((Vec::new(), 0)), Err);
        }
        let done = match short {
            Some(bytes) => self.perform(&op.shortened(bytes), cx),
            None => self.perform(op, cx),
        };
        match failure {
            Some(errno) => Err(errno),
            None => done,
        }
    }

    /// What was dropped is not seen any more. The paths of the files that it was seen of.
    fn evict(&mut self) -> Vec<Arc<str>> {
        let files = core::mem::take(&mut self.cached);
        files.keys().map(|inode| self.path_of(*inode)).collect()
    }

    /// Cuts what was under way, and all that is not durable.
    fn cut(&mut self, cx: &mut FileCx<'_>) {
        for op in core::mem::take(&mut self.under_way) {
            // What cannot be done leaves nothing.
            _ = self.perform(&op, cx);
        }
        self.system.power_cut();
        self.cached.clear();
        self.owed.clear();
        self.read_only = false;
    }

    /// The same, to look at what would be left.
    fn after_cut(&self) -> FileSystem {
        let mut copy = self.clone();
        copy.cut(&mut FileCx { choices: &mut Calm, witness: &mut |_| {} });
        copy.system
    }

    /// What was found, as it is told.
    fn told(&mut self, resolved: Resolved) -> FilePlace {
        match resolved.place {
            Place::Entry { directory, name, found } => {
                let directory = self.path_of(directory);
                let path: Arc<str> = if directory.is_empty() {
                    name
                } else {
                    alloc::format!("{directory}/{name}").into()
                };
                if let Some(inode) = found {
                    self.knows(inode, &path);
                }
                FilePlace::Entry { path, found: found.map(Inode::number) }
            }
            Place::Length { inode, len } => FilePlace::Length { path: self.path_of(inode), len },
            Place::Data { inode, at, len, below: _ } => {
                FilePlace::Data { path: self.path_of(inode), at, len }
            }
        }
    }
}

fn fresh(faults: &[FileFault]) -> Vec<Triggers> {
    faults.iter().map(|fault| Triggers::new(vec![fault.trigger.clone()])).collect()
}

impl DiskId {
    /// That of requests to file systems.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

impl World {
    /// One more file system, mounted and empty.
    pub fn add_file_system(&mut self, spec: FileSystemSpec) -> FsId {
        self.file_systems.push(Mounted::new(spec));
        // There are few.
        FsId(self.file_systems.len() as u32 - 1)
    }

    /// How many file systems there are.
    #[must_use]
    pub const fn file_system_count(&self) -> usize {
        self.file_systems.len()
    }

    /// A file system as it is now. A copy, which costs a few pointers.
    #[must_use]
    pub fn files(&self, fs: FsId) -> FileSystem {
        self.file_systems[fs.index()].system.clone()
    }

    /// Whether a file system has power.
    #[must_use]
    pub fn is_mounted(&self, fs: FsId) -> bool {
        self.file_systems[fs.index()].powered
    }

    /// Submits an operation on a file system for `client`; it may have completed when this
    /// returns. Who it is is said as for [`World::submit`].
    ///
    /// An operation takes effect when it completes. One that cannot be begun completes at once:
    /// `EINVAL` when it is too long ([`Io::MAX_LEN`]), `ENOMEM` when too many bytes are on their
    /// way ([`Io::MAX_UNDER_WAY`]).
    pub fn submit_file(
        &mut self,
        client: ClientId,
        (actor, nth): (Key, u64),
        fs: FsId,
        op: FileOp,
        cx: &mut Cx<'_>,
    ) -> RequestId {
        let id = RequestId(self.first_request + self.requests.len() as u64);
        let mounted = &self.file_systems[fs.index()];
        let path = mounted.path(&op);
        let (at, len) = op.extent();
        let to = match &op {
            FileOp::Rename { to, .. } => Some(Arc::clone(to)),
            _ => None,
        };
        let shape = FileShape { verb: op.verb(), path: Arc::clone(&path), to, at, len };
        cx.tell(self.now(), What::FileSubmitted { client, request: id, fs, shape });
        let bytes = match &op {
            FileOp::Read { len, .. } => *len,
            FileOp::Write { data, .. } => data.len() as u64,
            _ => 0,
        };
        let is_lost = !mounted.powered;
        let verb = op.verb();
        let job = FileJob { fs, op, path, strikes: Vec::new() };
        let mut request = self.spare.hold(Asked {
            id,
            client,
            actor,
            nth,
            disk: DiskId::NONE,
            // Nobody asks a request without a disk for it.
            shape: Shape { verb: Verb::Flush, at: 0, len: 0, fua: false },
            life: Life::InFlight,
            since: 0,
            file: Some(Box::new(job)),
        });
        if is_lost {
            request.life = Life::Lost;
            self.requests.push_back(Some(request));
            return id;
        }
        let refused = if bytes > Io::MAX_LEN {
            Some(Errno::EINVAL)
        } else if self.under_way.saturating_add(bytes) > Io::MAX_UNDER_WAY {
            Some(Errno::ENOMEM)
        } else {
            None
        };
        if let Some(errno) = refused {
            self.requests.push_back(Some(request));
            self.end_file(id, Err(errno), cx);
            return id;
        }
        request.bytes = bytes;
        self.under_way += bytes;
        self.requests.push_back(Some(request));
        let mut longer = 0;
        for fault in self.strike_file(id, fs, verb, cx) {
            match fault {
                Fault::Delay { ns } => longer += ns,
                Fault::Hang => {
                    cx.tell(self.now(), What::Hangs { client, request: id });
                    self.file_changed(fs, verb);
                    return id;
                }
                Fault::PowerCut => {
                    self.power_cut_files(cx);
                    for disk in 0..self.disk_count() as u32 {
                        if self.dies_with_files(DiskId(disk)) {
                            self.power_cut(DiskId(disk), cx);
                        }
                    }
                    return id;
                }
                _ => {}
            }
        }
        let mounted = &self.file_systems[fs.index()];
        let drawn = match mounted.latencies.of(verb.kind()).draw(actor, cx.choices) {
            None if longer == 0 => None,
            drawn => Some(drawn.unwrap_or(0).saturating_add(longer)),
        };
        match drawn {
            None => self.finish_file(id, cx),
            Some(ns) => {
                let until = self.now().after_ns(ns);
                cx.tell(self.now(), What::InFlight { client, request: id, until });
                let slot = self.due.insert(until, Due::File(id));
                self.request_mut(id).expect("it was just submitted").due = Some(slot);
                self.file_changed(fs, verb);
            }
        }
        id
    }

    /// What a cut would leave is other than before: this is under way.
    fn file_changed(&mut self, fs: FsId, verb: FileVerb) {
        if verb.changes() {
            self.file_systems[fs.index()].changes += 1;
        }
    }

    /// Asks what strikes an operation; it is kept with the request.
    fn strike_file(
        &mut self,
        id: RequestId,
        fs: FsId,
        verb: FileVerb,
        cx: &mut Cx<'_>,
    ) -> Vec<Fault> {
        let mounted = &mut self.file_systems[fs.index()];
        if mounted.faults.is_empty() {
            return Vec::new();
        }
        let client = self.requests.back().and_then(Option::as_ref).map_or(0, |it| it.client.0);
        let cause = Cause { who: Requester(id.number()), client, state: State::FIRST };
        let faults = Arc::clone(&mounted.faults);
        let mut strikes = Vec::new();
        let mut ended = false;
        for ((rule, fault), triggers) in (0..).zip(faults.iter()).zip(&mut mounted.triggers) {
            if !fault.on.has(verb) {
                continue;
            }
            let choices = &mut *cx.choices;
            let mut ask = |_: TriggerId, chance: Ratio| strikes_by(choices, fault.key, chance);
            let mut struck = Vec::new();
            // Kinds and places are not what tells operations on files apart.
            let access = Access::new(IoKind::Read, 0, 0);
            triggers.accessed(access, cause, &mut ask, &mut struck);
            if struck.is_empty() || (fault.fault.ends() && ended) {
                continue;
            }
            ended |= fault.fault.ends();
            strikes.push(fault.fault);
            let rule = TriggerId(rule);
            let at = self.now;
            cx.tell(at, What::FileStruck { request: id, fs, rule });
        }
        if let Some(job) = self.request_mut(id).and_then(|request| request.file.as_mut()) {
            job.strikes.clone_from(&strikes);
        }
        strikes
    }

    /// An operation takes effect and completes.
    pub(crate) fn finish_file(&mut self, id: RequestId, cx: &mut Cx<'_>) {
        let Some(request) = self.request_mut(id) else { return };
        let Some(job) = request.file.take() else { return };
        let mounted = &mut self.file_systems[job.fs.index()];
        let mut seen = Vec::new();
        let file_cx =
            &mut FileCx { choices: &mut *cx.choices, witness: &mut |resolved| seen.push(resolved) };
        let evicted = match job.strikes.contains(&Fault::Evict) {
            true => mounted.evict(),
            false => Vec::new(),
        };
        let done = mounted.perform_struck(&job.op, &job.strikes, file_cx);
        for path in evicted {
            cx.tell(self.now, What::FileEvicted { fs: job.fs, path });
        }
        self.tell_resolved(job.fs, seen, cx);
        self.request_mut(id).expect("it is not taken").file = Some(job);
        self.end_file(id, done, cx);
    }

    fn tell_resolved(&mut self, fs: FsId, seen: Vec<Resolved>, cx: &mut Cx<'_>) {
        for resolved in seen {
            let (candidates, chosen) = (resolved.candidates, resolved.chosen);
            let place = self.file_systems[fs.index()].told(resolved);
            if candidates > 1 {
                cx.tell(self.now, What::FileResolved { fs, place, candidates, chosen });
            }
        }
    }

    fn end_file(&mut self, id: RequestId, done: Result<(Vec<u8>, u64), Errno>, cx: &mut Cx<'_>) {
        let place = (id.number() - self.first_request) as usize;
        let request = self.requests[place].take().expect("a request is in one place at a time");
        let Request { client, bytes, file, .. } = *request;
        let job = file.expect("it is an operation on a file system");
        let (result, data, len) = match done {
            Ok((data, len)) => (Ok(()), data, len),
            Err(errno) => (Err(errno), Vec::new(), 0),
        };
        let (verb, path) = (job.op.verb(), job.path);
        let is_short = verb == FileVerb::Write && result.is_ok() && len < job.op.extent().1;
        // What was read stays until it is taken.
        self.under_way = self.under_way - bytes + data.len() as u64;
        let (request, fs) = (id, job.fs);
        cx.tell(
            self.now,
            match is_short {
                true => What::FileCompletedShort { client, request, fs, verb, path, len },
                false => What::FileCompleted { client, request, fs, verb, path, result, len },
            },
        );
        self.completions.push_back((client, Completion { request: id, result, data, len }));
        self.forget_completed();
    }

    /// Whether a disk dies when file systems do: it is in no group that has a fate of its own.
    pub(crate) fn dies_with_files(&self, disk: DiskId) -> bool {
        let disk = &self.disks[disk.index()];
        disk.group.is_none() && disk.powered
    }

    /// The power goes for every file system. What is under way is done or not, as the contract
    /// allows of what is not durable.
    pub fn power_cut_files(&mut self, cx: &mut Cx<'_>) {
        for index in 0..self.file_systems.len() as u32 {
            let fs = FsId(index);
            if !self.file_systems[fs.index()].powered {
                continue;
            }
            cx.tell(self.now, What::FilesPowerCut { fs });
            let here: Vec<_> = self
                .requests
                .iter()
                .flatten()
                .filter(|request| request.life != Life::Lost)
                .filter(|request| request.file.as_ref().is_some_and(|job| job.fs == fs))
                .map(|request| request.id)
                .collect();
            let mut under_way = Vec::new();
            for id in here {
                let job = self.request_mut(id).and_then(|request| request.file.clone());
                let Some(job) = job else { continue };
                if job.op.verb().changes() {
                    under_way.extend(job.arrives());
                }
                self.lose(id, cx);
            }
            let mounted = &mut self.file_systems[fs.index()];
            mounted.powered = false;
            mounted.under_way = under_way;
        }
    }

    /// The power comes back for every file system. What a cut left open is decided when somebody
    /// looks.
    pub(crate) fn power_on_files(&mut self, engines: Engines, cx: &mut Cx<'_>) {
        for index in 0..self.file_systems.len() as u32 {
            let fs = FsId(index);
            let mounted = &mut self.file_systems[fs.index()];
            if mounted.powered {
                continue;
            }
            mounted.powered = true;
            if engines == Engines::Reset {
                let before = core::mem::replace(&mut mounted.triggers, fresh(&mounted.faults));
                for (place, fault) in mounted.faults.iter().enumerate() {
                    if before[place].is_left_out(TriggerId(0)) {
                        mounted.triggers[place].leave_out(TriggerId(0));
                    }
                    // It counts on, as such a rule of a disk does.
                    if fault.key == FaultRule::EACH {
                        mounted.triggers[place].carry_on(TriggerId(0), &before[place]);
                    }
                }
            }
            let mut seen = Vec::new();
            mounted.cut(&mut FileCx {
                choices: &mut *cx.choices,
                witness: &mut |resolved| seen.push(resolved),
            });
            cx.tell(self.now, What::FilesPowerOn { fs });
            self.tell_resolved(fs, seen, cx);
        }
    }

    /// How many names, lengths and units of data a power cut now could lose.
    #[must_use]
    pub fn unsynced(&self, fs: FsId) -> u64 {
        let left = self.file_systems[fs.index()].after_cut().unresolved();
        left.entries + left.lengths + left.units
    }

    /// In how many states cuts have left a file system, at most: what looks alike is not known
    /// before it is looked at.
    #[must_use]
    pub fn possible_file_states(&self, fs: FsId) -> StateCount {
        let mounted = &self.file_systems[fs.index()];
        let left = match mounted.powered {
            true => mounted.system.unresolved(),
            false => mounted.after_cut().unresolved(),
        };
        StateCount { exact: (left.log2 == 0).then_some(1), log2_milli: left.log2 * 1000 }
    }

    /// As [`World::draw_swarm`], for file systems.
    pub(crate) fn draw_swarm_of_files(&mut self, cx: &mut Cx<'_>) {
        let now = self.now();
        for (fs, mounted) in (0..).map(FsId).zip(&mut self.file_systems) {
            for (place, fault) in mounted.faults.iter().enumerate() {
                if !fault.swarm {
                    continue;
                }
                let point = Point::new(PointKind::Fault, fault.key.nth(0));
                let enabled = cx.choices.choose(point, 2) == 1;
                if !enabled {
                    mounted.triggers[place].leave_out(TriggerId(0));
                }
                // There are few.
                let rule = TriggerId(place as u32);
                cx.tell(now, What::SwarmFile { fs, rule, enabled });
            }
        }
    }

    /// Decides everything that cuts left undecided in a file system that has power, and gives it
    /// as it is then.
    pub fn decide_all_files(&mut self, fs: FsId, cx: &mut Cx<'_>) -> FileSystem {
        let mounted = &mut self.file_systems[fs.index()];
        let mut seen = Vec::new();
        let file_cx =
            &mut FileCx { choices: &mut *cx.choices, witness: &mut |resolved| seen.push(resolved) };
        mounted.system.settle_all(file_cx);
        self.tell_resolved(fs, seen, cx);
        self.files(fs)
    }

    /// How often the faults of a file system have struck, by their place.
    pub fn struck_files(&self, fs: FsId) -> impl Iterator<Item = u64> {
        let triggers = &self.file_systems[fs.index()].triggers;
        triggers.iter().map(|triggers| triggers.struck(TriggerId(0)))
    }

    /// What a cut would leave of file systems, in a number.
    pub(crate) fn digest_files(&self, hasher: &mut StableHasher) {
        for mounted in &self.file_systems {
            (mounted.changes, mounted.powered).hash(hasher);
            hasher.write_u64(mounted.key.number());
        }
    }
}

/// What a chance comes to.
fn strikes_by(choices: &mut dyn Choices, key: Key, chance: Ratio) -> bool {
    match (chance.num(), chance.den()) {
        (0, _) => false,
        (num, den) if num == den => true,
        (num, den) => choices.chance(Point::new(PointKind::Fault, key), num, den),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fact, Recorder, Resumes};

    const ME: ClientId = ClientId(0);

    fn world(contract: FileContract, ns: u64, faults: Vec<FileFault>) -> World {
        let mut world = World::new(Vec::new(), Resumes::ByScript);
        let latencies = Latencies::all(Latency::Constant(ns));
        let latencies = if ns == 0 { Latencies::default() } else { latencies };
        world.add_file_system(FileSystemSpec {
            latencies,
            faults,
            ..FileSystemSpec::new("fs", contract)
        });
        world
    }

    /// Submits, and does what is due until that is done.
    fn ask(world: &mut World, op: FileOp, cx: &mut Cx<'_>) -> Completion {
        let nth = world.first_request + world.requests.len() as u64;
        let id = world.submit_file(ME, (Key::client("me"), nth), FsId(0), op, cx);
        loop {
            if let Some((_, completion)) = world.take_completion() {
                assert_eq!(completion.request, id);
                return completion;
            }
            let due = world.next_due().expect("it is under way");
            world.advance(due);
            world.step(cx);
        }
    }

    fn path(text: &str) -> Arc<str> {
        Arc::from(text)
    }

    fn create(world: &mut World, name: &str, cx: &mut Cx<'_>) -> FileId {
        let done = ask(world, FileOp::Create { path: path(name), exclusive: true }, cx);
        assert_eq!(done.result, Ok(()));
        FileId::from_number(done.len)
    }

    fn write(file: FileId, byte: u8, len: usize) -> FileOp {
        FileOp::Write { file, at: 0, data: vec![byte; len].into() }
    }

    #[test]
    fn operations_take_effect_when_they_complete() {
        let mut world = world(FileContract::XFS, 10, Vec::new());
        let mut facts: Vec<Fact> = Vec::new();
        let cx = &mut Cx { choices: &mut Calm, sink: &mut facts };
        let file = create(&mut world, "a", cx);
        world.submit_file(ME, (Key::client("me"), 1), FsId(0), write(file, 7, 100), cx);
        assert_eq!(world.files(FsId(0)).unresolved().units, 0);
        let len = |world: &World| {
            let file_cx = &mut FileCx { choices: &mut Calm, witness: &mut |_| {} };
            world.files(FsId(0)).len_of("a", file_cx)
        };
        assert_eq!(len(&world), Ok(0), "it is in flight");
        world.advance(world.next_due().expect("it is due"));
        world.step(cx);
        assert_eq!(len(&world), Ok(100));
        let (_, done) = world.take_completion().expect("it is done");
        assert_eq!((done.result, done.len), (Ok(()), 100));
        let read = ask(&mut world, FileOp::Read { file, at: 90, len: 20 }, cx);
        assert_eq!((read.data, read.len), (vec![7; 10], 10), "the file ends before");
        let names = ask(&mut world, FileOp::List { path: path("/") }, cx);
        assert_eq!((&names.data[..], names.len), (&b"a\n"[..], 1));
        assert_eq!(world.under_way, 0);
    }

    #[test]
    fn what_is_in_flight_at_a_cut_is_done_or_not() {
        let mut world = world(FileContract::POSIX_STRICT, 10, Vec::new());
        let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
        let file = create(&mut world, "a", cx);
        ask(&mut world, FileOp::Sync { file }, cx);
        ask(&mut world, FileOp::SyncDir { path: path("/") }, cx);
        let before = world.cut_digest();
        let lost = world.submit_file(ME, (Key::client("me"), 9), FsId(0), write(file, 7, 100), cx);
        assert_ne!(world.cut_digest(), before);
        assert_eq!(world.unsynced(FsId(0)), 0, "it is not done");
        world.power_cut_all(cx);
        assert!(world.is_dark() && world.life(lost) == Life::Lost);
        assert_eq!(world.possible_file_states(FsId(0)).log2_milli, 2000);
        world.power_on(Engines::Reset, cx);
        let mut recorder = Recorder::new(Calm);
        let cx = &mut Cx { choices: &mut recorder, sink: &mut () };
        assert_eq!(ask(&mut world, FileOp::LenOf { path: path("a") }, cx).len, 100);
        world.decide_all_files(FsId(0), cx);
        assert_eq!(world.possible_file_states(FsId(0)), StateCount::ONE);
        assert_eq!(recorder.schedule().choices.len(), 2);
    }

    #[test]
    fn a_second_cut_asks_when_the_power_is_back() {
        let mut world = world(FileContract::POSIX_STRICT, 10, Vec::new());
        let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
        create(&mut world, "a", cx);
        world.power_cut_all(cx);
        world.power_on(Engines::Reset, cx);
        // Whether `a` is there is not known when it is renamed, nor when the power goes.
        let rename = FileOp::Rename { from: path("a"), to: path("b") };
        let mut recorder = Recorder::new(Calm);
        let cx = &mut Cx { choices: &mut recorder, sink: &mut () };
        world.submit_file(ME, (Key::client("me"), 9), FsId(0), rename, cx);
        world.power_cut_all(cx);
        assert_eq!(recorder.schedule().choices.len(), 0);
        let cx = &mut Cx { choices: &mut recorder, sink: &mut () };
        world.power_on(Engines::Reset, cx);
        assert_eq!(recorder.schedule().choices.len(), 1);
    }

    fn on_first_sync(fault: Fault) -> FileFault {
        FileFault {
            on: FileVerbs::SYNCS,
            trigger: Trigger { nth: core::num::NonZeroU64::new(1), ..Trigger::default() },
            fault,
            swarm: false,
            key: Key::rule("fsync"),
        }
    }

    #[test]
    fn what_a_failed_sync_dropped_is_gone_after_a_cut_for_certain() {
        let page = 4096;
        // What reads see after the failure, and what is there after a cut, of the first page and
        // of the second, which is written and synced again.
        for (data, seen, left) in [
            (FlushFailure::KeepDirty, 7, [7, 9]),
            (FlushFailure::CleanKeepNew, 7, [1, 9]),
            (FlushFailure::CleanRevert, 1, [1, 9]),
        ] {
            let fault = on_first_sync(Fault::FlushFails { errno: Errno::EIO, data });
            let mut faults = vec![fault];
            faults[0].trigger.nth = core::num::NonZeroU64::new(2);
            let mut world = world(FileContract::EXT4_ORDERED, 0, faults);
            let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
            let file = create(&mut world, "a", cx);
            ask(&mut world, write(file, 1, 2 * page), cx);
            ask(&mut world, FileOp::Sync { file }, cx);
            ask(&mut world, write(file, 7, 2 * page), cx);
            assert_eq!(ask(&mut world, FileOp::Sync { file }, cx).result, Err(Errno::EIO));
            let all = FileOp::Read { file, at: 0, len: 1 << 20 };
            assert_eq!(ask(&mut world, all, cx).data, vec![seen; 2 * page], "{data:?}");
            let again = FileOp::Write { file, at: page as u64, data: vec![9; page].into() };
            ask(&mut world, again, cx);
            assert_eq!(ask(&mut world, FileOp::Sync { file }, cx).result, Ok(()));
            assert_eq!(world.unsynced(FsId(0)), 0, "{data:?}");
            world.power_cut_all(cx);
            world.power_on(Engines::Reset, cx);
            let open = ask(&mut world, FileOp::Open { path: path("a") }, cx);
            let file = FileId::from_number(open.len);
            for (place, byte) in left.into_iter().enumerate() {
                let at = (place * page) as u64;
                let read = ask(&mut world, FileOp::Read { file, at, len: page as u64 }, cx);
                assert_eq!(read.data, vec![byte; page], "{data:?}");
            }
        }
        assert_eq!(FileFault::can_strike(Fault::LostWrite), FileVerbs::NONE);
    }

    #[test]
    fn a_page_that_is_written_in_part_is_written_whole() {
        let data = FlushFailure::CleanKeepNew;
        let fault = on_first_sync(Fault::FlushFails { errno: Errno::EIO, data });
        let mut world = world(FileContract::XFS, 0, vec![fault]);
        let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
        let file = create(&mut world, "a", cx);
        ask(&mut world, write(file, 7, 5000), cx);
        assert_eq!(ask(&mut world, FileOp::Sync { file }, cx).result, Err(Errno::EIO));
        assert_eq!(ask(&mut world, FileOp::Len { file }, cx).len, 5000, "as long as it seems");
        ask(&mut world, FileOp::Write { file, at: 4090, data: vec![9; 3].into() }, cx);
        ask(&mut world, FileOp::Sync { file }, cx);
        world.power_cut_all(cx);
        world.power_on(Engines::Reset, cx);
        let open = ask(&mut world, FileOp::Open { path: path("a") }, cx);
        let file = FileId::from_number(open.len);
        let read = ask(&mut world, FileOp::Read { file, at: 0, len: 1 << 20 }, cx).data;
        let mut wanted = vec![7; 4096];
        wanted[4090..4093].fill(9);
        assert_eq!(read, wanted, "the second page is gone");
    }

    #[test]
    fn a_failure_is_told_to_each_open_file_once() {
        let fault = on_first_sync(Fault::FlushFailsForEach { errno: Errno::EIO });
        let mut world = world(FileContract::XFS, 0, vec![fault]);
        let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
        let one = create(&mut world, "a", cx);
        let open = |world: &mut World, cx: &mut Cx<'_>| {
            FileId::from_number(ask(world, FileOp::Open { path: path("a") }, cx).len)
        };
        let other = open(&mut world, cx);
        ask(&mut world, write(one, 7, 100), cx);
        let told = |world: &mut World, file, cx: &mut Cx<'_>| {
            ask(world, FileOp::SyncData { file }, cx).result.is_err()
        };
        assert!(told(&mut world, one, cx) && !told(&mut world, one, cx));
        let late = open(&mut world, cx);
        assert!(!told(&mut world, late, cx), "it was told of before");
        assert!(told(&mut world, other, cx) && !told(&mut world, other, cx));
    }

    #[test]
    fn what_does_not_fit_is_cut_short_until_there_is_room() {
        let mut world = World::new(Vec::new(), Resumes::ByScript);
        world.add_file_system(FileSystemSpec {
            capacity: Some(2 * 4096),
            ..FileSystemSpec::new("fs", FileContract::XFS)
        });
        let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
        let one = create(&mut world, "a", cx);
        let other = create(&mut world, "b", cx);
        assert_eq!(ask(&mut world, write(one, 1, 100), cx).len, 100);
        assert_eq!(ask(&mut world, write(other, 1, 5000), cx).len, 4096);
        let more = FileOp::Write { file: other, at: 4096, data: vec![1; 10].into() };
        assert_eq!(ask(&mut world, more.clone(), cx).result, Err(Errno::ENOSPC));
        assert_eq!(ask(&mut world, write(other, 2, 4096), cx).len, 4096, "it is there already");
        let grow = FileOp::SetLen { file: one, len: 4097 };
        assert_eq!(ask(&mut world, grow, cx).result, Err(Errno::ENOSPC));
        ask(&mut world, FileOp::Unlink { path: path("a") }, cx);
        assert_eq!(ask(&mut world, more.clone(), cx).result, Err(Errno::ENOSPC), "it is open");
        ask(&mut world, FileOp::Close { file: one }, cx);
        assert_eq!(ask(&mut world, more, cx).len, 10);
    }

    #[test]
    fn a_file_system_shares_the_fate_of_disks_in_no_group() {
        let mut world = world(FileContract::XFS, 0, Vec::new());
        let cut = FileFault {
            on: FileVerbs::ALL,
            trigger: Trigger::default(),
            fault: Fault::PowerCut,
            swarm: false,
            key: Key::rule("cut"),
        };
        world.add_file_system(FileSystemSpec {
            faults: vec![cut],
            ..FileSystemSpec::new("other", FileContract::XFS)
        });
        let cx = &mut Cx { choices: &mut Calm, sink: &mut () };
        let list = FileOp::List { path: path("/") };
        world.submit_file(ME, (Key::client("me"), 1), FsId(1), list, cx);
        assert!(world.is_dark());
        assert_eq!(world.struck_files(FsId(1)).sum::<u64>(), 1);
    }
}
