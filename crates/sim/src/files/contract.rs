//! What a file system promises of files and names when the power goes.

/// What a file system promises of files and names when the power goes.
///
/// A contract is plain parameters, so that a ladder can relax one at a time; those with a name are
/// in [`NAMED`](Self::NAMED). It says what may be relied upon, not what usually happens: every
/// state it allows is one that the source it is named after does not rule out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileContract {
    /// In which order names and explicit lengths become durable.
    pub metadata: MetadataOrder,
    /// Whether a file grows on the medium only after the bytes it grew by have reached it.
    ///
    /// Without it a length can survive without the data under it, which then reads as zeroes; what
    /// a device would show of somebody else's old blocks is not modelled.
    pub length_after_data: bool,
    /// Bytes of a file that reach the medium together, and the steps in which a file grows. Not
    /// zero. Linux writes back pages of 4096 bytes; 512 tears them into sectors.
    pub unit: u32,
}

/// In which order names and explicit lengths become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetadataOrder {
    /// Each on its own.
    Any {
        /// Whether `fsync` of a file also makes the name it has now durable.
        fsync_covers_entry: bool,
    },
    /// In the order of operations, by way of a journal: some prefix of them survives.
    Journal(Journal),
}

/// What a journal holds, and what commits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Journal {
    /// How far a sync commits it.
    pub commits: Commits,
    /// Whether the data of a file is forced out before it replaces another one by `rename`, and
    /// when it is closed after having been truncated to nothing.
    pub replace_flushes: bool,
    /// Whether data goes through the journal too: then some prefix of all operations survives.
    pub holds_data: bool,
}

/// How far a sync commits a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Commits {
    /// Up to the last change of the file or directory that is synced. What came later may have
    /// been in a transaction of its own, so it is not promised. A length that grew by writing is
    /// such a change, and a late one: it enters the journal when its data has been written.
    UpToFile,
    /// Up to now.
    Everything,
}

impl FileContract {
    /// Nothing is durable but what was synced, and everything that was not is kept or lost on its
    /// own. `fsync` of a new file does not make its name durable.
    ///
    /// Sources: POSIX.1-2017, `fsync` and `fdatasync`; the manual page `fsync(2)` of Linux, on
    /// directories; the weakest persistence model of Pillai et al., "All File Systems Are Not
    /// Created Equal" (ALICE, OSDI 2014).
    pub const POSIX_STRICT: Self = Self {
        metadata: MetadataOrder::Any { fsync_covers_entry: false },
        length_after_data: false,
        unit: 4096,
    };

    /// ext4 as it is mounted by default: `data=ordered,auto_da_alloc,delalloc`.
    ///
    /// Sources: Linux, `Documentation/admin-guide/ext4.rst`, `data=` and `auto_da_alloc`; what
    /// `fsync` commits, and that a length that grew by writing is logged when its blocks are
    /// allocated, from `fs/ext4/fsync.c` and `fs/ext4/inode.c`.
    pub const EXT4_ORDERED: Self = Self {
        metadata: MetadataOrder::Journal(Journal {
            commits: Commits::UpToFile,
            replace_flushes: true,
            holds_data: false,
        }),
        length_after_data: true,
        unit: 4096,
    };

    /// XFS: metadata is logged in order, a file grows when its data has been written, and nothing
    /// is flushed by a rename.
    ///
    /// Sources: Linux commit ba87ea699ebd, which gave files a length on disk of its own;
    /// `fs/xfs/xfs_file.c` (`xfs_file_fsync` forces the log up to the inode's last change) and
    /// `fs/xfs/xfs_iops.c` (`xfs_setattr_size` writes data out before it logs a length above it).
    pub const XFS: Self = Self {
        metadata: MetadataOrder::Journal(Journal {
            commits: Commits::UpToFile,
            replace_flushes: false,
            holds_data: false,
        }),
        length_after_data: true,
        unit: 4096,
    };

    /// ext4 mounted with `data=journal`: data and metadata in one order, and any sync commits all
    /// of it.
    ///
    /// Sources: Linux, `Documentation/admin-guide/ext4.rst`, `data=journal`; `ext4_sync_file` in
    /// `fs/ext4/fsync.c`.
    pub const JOURNALED_DATA: Self = Self {
        metadata: MetadataOrder::Journal(Journal {
            commits: Commits::Everything,
            replace_flushes: false,
            holds_data: true,
        }),
        length_after_data: true,
        unit: 4096,
    };

    /// The contracts that have a name, weakest first.
    pub const NAMED: [(&'static str, Self); 4] = [
        ("posix_strict", Self::POSIX_STRICT),
        ("xfs", Self::XFS),
        ("ext4_ordered", Self::EXT4_ORDERED),
        ("journaled_data", Self::JOURNALED_DATA),
    ];

    /// Its name in scenarios; `None` for a contract of somebody's own.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        Self::NAMED.iter().find(|(_, contract)| contract == self).map(|(name, _)| *name)
    }

    /// The contract with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMED.iter().find(|(known, _)| *known == name).map(|(_, contract)| *contract)
    }

    /// The same with another unit, in bytes.
    #[must_use]
    pub const fn with_unit(self, unit: u32) -> Self {
        Self { unit, ..self }
    }

    pub(super) const fn journal(&self) -> Option<Journal> {
        match self.metadata {
            MetadataOrder::Journal(journal) => Some(journal),
            MetadataOrder::Any { .. } => None,
        }
    }

    /// Whether data goes through a journal.
    pub(super) const fn journals_data(&self) -> bool {
        matches!(self.metadata, MetadataOrder::Journal(Journal { holds_data: true, .. }))
    }

    /// Whether replacing a file forces out the data of the new one.
    pub(super) const fn replace_flushes(&self) -> bool {
        matches!(self.metadata, MetadataOrder::Journal(Journal { replace_flushes: true, .. }))
    }
}
