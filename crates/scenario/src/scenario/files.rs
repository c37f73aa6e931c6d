//! File systems, and what is asked of them.

use headcrash_sim::{FileContract, FileFault, Latencies};

use super::{Content, FileSystemIndex, HandleIndex, RuleInfo};
use crate::source::Location;

/// A file system: empty at the start, and on no disk.
#[derive(Clone, Debug)]
pub struct FileSystem {
    /// Its name; no other file system has it, nor a disk.
    pub name: String,
    /// What may be found after a power cut.
    pub contract: FileContract,
    /// How long operations take.
    pub latencies: Latencies,
    /// What goes wrong with it.
    pub faults: Vec<FileFault>,
    /// What the file says of each of these.
    pub fault_infos: Vec<RuleInfo>,
    /// How many bytes its files can take, in whole units of its contract.
    pub capacity: Option<u64>,
    /// Where the file declares it.
    pub location: Location,
}

/// An operation on a file system. Files that are open go by what the client calls them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileIo {
    /// Which file system.
    pub fs: FileSystemIndex,
    /// What.
    pub kind: FileIoKind,
}

/// What an operation on a file system does; paths are such that none is refused for what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in the simulator's `FileOp`")]
pub enum FileIoKind {
    Create {
        path: String,
        exclusive: bool,
        opens: HandleIndex,
    },
    Open {
        path: String,
        opens: HandleIndex,
    },
    /// Without a length, all there is from `at` on.
    Read {
        file: HandleIndex,
        at: u64,
        len: Option<u64>,
    },
    Write {
        file: HandleIndex,
        at: u64,
        len: u64,
        data: Content,
    },
    SetLen {
        file: HandleIndex,
        len: u64,
    },
    Sync {
        file: HandleIndex,
    },
    SyncData {
        file: HandleIndex,
    },
    Close {
        file: HandleIndex,
    },
    Len {
        file: HandleIndex,
    },
    LenOf {
        path: String,
    },
    Lookup {
        path: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Unlink {
        path: String,
    },
    MakeDir {
        path: String,
    },
    RemoveDir {
        path: String,
    },
    SyncDir {
        path: String,
    },
    List {
        path: String,
    },
}

/// What an operation that succeeds must find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finds {
    /// Nothing in particular.
    Anything,
    /// So many bytes, in a file that is asked for its length.
    Len(u64),
    /// These names and no others, sorted.
    Names(Vec<String>),
    /// A file or directory, or none: then the operation fails with `ENOENT` or `ENOTDIR`.
    Something(bool),
}
