//! Files and directories as they are now.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;

use crate::{Image, Key};

/// A file or directory, whatever its name: they are numbered in the order in which they were made,
/// the root is 0, and no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inode(pub(super) u32);

impl Inode {
    /// The directory that all paths begin at.
    pub const ROOT: Self = Self(0);

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Inode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "inode {}", self.0)
    }
}

/// An open file. Each `open` gives another one; a power cut ends all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(super) u64);

impl FileId {
    /// The n-th file that was opened, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The n-th file that was opened, from 1, as a script may know it. One that is not open
    /// answers `EBADF`.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// Bytes.
    File,
    /// Names.
    Directory,
}

/// A name in a directory, as `list` gives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DirEntry {
    /// The name, without the directory it is in.
    pub name: Arc<str>,
    /// What has it.
    pub inode: Inode,
    /// What that is.
    pub kind: EntryKind,
}

/// A file or directory as it is now.
#[derive(Clone, Debug)]
pub(super) struct Object {
    /// Made of the path it was made under, so that questions about it are the same in every run.
    pub key: Key,
    /// The operation that made it.
    pub made: u64,
    /// The last operation that gave it another name, or took its name away.
    pub named: u64,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    /// Its bytes: as they were last, wherever a power cut left them open.
    File(Image),
    Directory {
        /// Its names, but for those that a power cut left open.
        entries: BTreeMap<Arc<str>, Inode>,
        /// The last operation on a name in it.
        changed: u64,
    },
}

impl Object {
    pub(super) const fn kind(&self) -> EntryKind {
        match self.body {
            Body::File(_) => EntryKind::File,
            Body::Directory { .. } => EntryKind::Directory,
        }
    }
}
