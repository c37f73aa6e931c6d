//! What goes wrong once: the rungs below those of the contract, each on its own.

use crate::file::device::FlushFailure;
use crate::file::fault::{
    AccessKind, Action, Applied, BitRot, CorruptRead, Fail, FlushFails, FlushFailsForEach,
    FlushFailsLater, Garbage, MisdirectedRead, MisdirectedWrite, ShornWrite, Short,
};
use crate::file::{Errno, Fault, File, FileFault, FileOperation, Rule};

/// A rung on which one access goes wrong, whichever it is.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) id: &'static str,
    pub(super) words: &'static str,
    /// What strikes, in the words for counting: `write 3 of main`.
    pub(super) kind: &'static str,
    on: &'static [AccessKind],
    action: fn() -> Action,
}

const WRITES: &[AccessKind] = &[AccessKind::Write, AccessKind::WriteZeroes];

const fn flush(id: &'static str, words: &'static str, action: fn() -> Action) -> Wrong {
    Wrong { id, words, kind: "flush", on: &[AccessKind::Flush], action }
}

const fn read(id: &'static str, words: &'static str, action: fn() -> Action) -> Wrong {
    Wrong { id, words, kind: "read", on: &[AccessKind::Read], action }
}

const fn write(id: &'static str, words: &'static str, action: fn() -> Action) -> Wrong {
    Wrong { id, words, kind: "write", on: WRITES, action }
}

/// The same, of what cannot strike zeroes.
const fn data(id: &'static str, words: &'static str, action: fn() -> Action) -> Wrong {
    Wrong { id, words, kind: "write", on: &[AccessKind::Write], action }
}

fn fail(errno: &str, applied: Applied) -> Action {
    Action::Fail(Fail { errno: Errno::Name(errno.to_owned()), applied })
}

fn flush_fails(data: FlushFailure) -> Action {
    Action::FlushFails(FlushFails { data, ..FlushFails::default() })
}

/// First what a device reports, then what it does not.
pub(super) const WRONG: &[Wrong] = &[
    flush("flush-fails", "a flush fails; what it should have kept stays dirty", || {
        flush_fails(FlushFailure::KeepDirty)
    }),
    flush("flush-fails-drops", "a flush fails and drops its data, which reads still see", || {
        flush_fails(FlushFailure::CleanKeepNew)
    }),
    flush("flush-fails-reverts", "a flush fails and drops its data", || {
        flush_fails(FlushFailure::CleanRevert)
    }),
    flush("flush-fails-late", "a flush fails, and the next one reports it", || {
        Action::FlushFailsLater(FlushFailsLater::default())
    }),
    flush("flush-fails-for-each", "a flush fails, and every client is told once", || {
        Action::FlushFailsForEach(FlushFailsForEach::default())
    }),
    write("write-fails", "a write fails with EIO and does nothing", || {
        fail("EIO", Applied::Nothing)
    }),
    write("write-fails-partly", "a write fails with EIO after 512 bytes", || {
        fail("EIO", Applied::First(512))
    }),
    write("write-fails-done", "a write fails with EIO and is done all the same", || {
        fail("EIO", Applied::All)
    }),
    write("no-space", "a write fails with ENOSPC", || fail("ENOSPC", Applied::Nothing)),
    data("short-write", "a write does 256 bytes, and says so", || {
        Action::Short(Short { bytes: 256 })
    }),
    read("read-fails", "a read fails with EIO", || fail("EIO", Applied::Nothing)),
    read("short-read", "a read brings 256 bytes, and says so", || {
        Action::Short(Short { bytes: 256 })
    }),
    flush("flush-lies-once", "a flush does nothing, and nobody says so", || Action::FlushLies),
    data("lost-write", "a write does nothing, and nobody says so", || Action::LostWrite),
    data("torn-write", "a write is done in part, and nobody says so", || Action::TornWrite),
    data("shorn-write", "half of a write is done, and nobody says so", || {
        Action::ShornWrite(ShornWrite { eighths: 4 })
    }),
    data("misdirected-write", "a write lands elsewhere, and nobody says so", || {
        Action::MisdirectedWrite(MisdirectedWrite::default())
    }),
    read("misdirected-read", "a read comes from elsewhere, and nobody says so", || {
        Action::MisdirectedRead(MisdirectedRead::default())
    }),
    read("stale-read", "a read brings what was there before, and nobody says so", || Action::Stale),
    read("corrupt-read", "a bit of what a read brings is wrong", || {
        Action::CorruptRead(CorruptRead { bits: 1 })
    }),
    read("bit-rot", "a bit rots on the medium", || {
        Action::BitRot(BitRot { bits: 1, ..BitRot::default() })
    }),
    read("garbage", "a sector turns to garbage on the medium", || {
        Action::Garbage(Garbage::default())
    }),
];

/// A rung on which one operation on a file system goes wrong, whichever it is.
#[derive(Debug)]
pub(super) struct WrongFile {
    pub(super) id: &'static str,
    pub(super) words: &'static str,
    /// As for [`Wrong`].
    pub(super) kind: &'static str,
    on: &'static [FileOperation],
    what: fn() -> Fault,
}

const SYNCS: &[FileOperation] = &[FileOperation::SyncFile, FileOperation::SyncData];
const NAMES: &[FileOperation] = &[
    FileOperation::CreateFile,
    FileOperation::Rename,
    FileOperation::Unlink,
    FileOperation::Mkdir,
    FileOperation::Rmdir,
];

const fn sync(id: &'static str, words: &'static str, what: fn() -> Fault) -> WrongFile {
    WrongFile { id, words, kind: "sync", on: SYNCS, what }
}

const fn file_write(id: &'static str, words: &'static str, what: fn() -> Fault) -> WrongFile {
    WrongFile { id, words, kind: "write", on: &[FileOperation::WriteFile], what }
}

const fn file_read(id: &'static str, words: &'static str, what: fn() -> Fault) -> WrongFile {
    WrongFile { id, words, kind: "read", on: &[FileOperation::ReadFile], what }
}

fn fails(errno: &str, applied: Applied) -> Fault {
    Fault::Fail(Fail { errno: Errno::Name(errno.to_owned()), applied })
}

fn sync_fails(data: FlushFailure) -> Fault {
    Fault::FlushFails(FlushFails { data, ..FlushFails::default() })
}

/// First what a file system reports, then what it does not.
pub(super) const WRONG_FILES: &[WrongFile] = &[
    sync("sync-fails", "a sync fails; what it should have kept stays dirty", || {
        sync_fails(FlushFailure::KeepDirty)
    }),
    sync("sync-fails-drops", "a sync fails and drops its data, which reads still see", || {
        sync_fails(FlushFailure::CleanKeepNew)
    }),
    sync("sync-fails-reverts", "a sync fails and drops its data", || {
        sync_fails(FlushFailure::CleanRevert)
    }),
    sync("sync-fails-late", "a sync fails, and the next one reports it", || {
        Fault::FlushFailsLater(FlushFailsLater::default())
    }),
    WrongFile {
        id: "dir-sync-fails",
        words: "a sync of a directory fails",
        kind: "directory sync",
        on: &[FileOperation::SyncDir],
        what: || fails("EIO", Applied::Nothing),
    },
    file_write("file-write-fails", "a write to a file fails with EIO and does nothing", || {
        fails("EIO", Applied::Nothing)
    }),
    file_write("file-write-partly", "a write to a file fails with EIO after 512 bytes", || {
        fails("EIO", Applied::First(512))
    }),
    file_write("file-write-done", "a write to a file fails with EIO and is done", || {
        fails("EIO", Applied::All)
    }),
    file_write("files-full", "a write to a file fails with ENOSPC", || {
        fails("ENOSPC", Applied::Nothing)
    }),
    file_write("file-short-write", "a write to a file does 256 bytes, and says so", || {
        Fault::Short(Short { bytes: 256 })
    }),
    WrongFile {
        id: "set-len-fails",
        words: "a change of a file's length fails",
        kind: "set_len",
        on: &[FileOperation::SetLen],
        what: || fails("EIO", Applied::Nothing),
    },
    WrongFile {
        id: "names-fail",
        words: "a file cannot be made, renamed or removed",
        kind: "change of a name",
        on: NAMES,
        what: || fails("EIO", Applied::Nothing),
    },
    file_read("file-read-fails", "a read of a file fails with EIO", || {
        fails("EIO", Applied::Nothing)
    }),
    file_read("file-short-read", "a read of a file brings 256 bytes, and says so", || {
        Fault::Short(Short { bytes: 256 })
    }),
    sync("sync-lies-once", "a sync does nothing, and nobody says so", || Fault::FlushLies),
];

/// Who is struck: the n-th access of a client to a disk, or a file system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Struck<'a> {
    pub(super) device: &'a str,
    pub(super) client: &'a str,
    pub(super) nth: u64,
}

impl Wrong {
    /// The file with this one access going wrong; `name` is what the rule is called.
    pub(super) fn applied_to(&self, file: &File, struck: Struck<'_>, name: &str) -> File {
        let mut file = file.clone();
        // One access goes wrong, not two.
        file.fail_each = None;
        file.rules.push(Rule {
            name: Some(name.to_owned()),
            event: None,
            disk: Some(struck.device.to_owned()),
            client: Some(struck.client.to_owned()),
            nth: Some(struck.nth),
            on: Some(self.on.to_vec()),
            ..Rule::at("", (self.action)())
        });
        file
    }
}

impl WrongFile {
    /// The same, on the file system at this place.
    pub(super) fn applied_to(
        &self,
        file: &File,
        fs: usize,
        struck: Struck<'_>,
        name: &str,
    ) -> File {
        let mut file = file.clone();
        file.fail_each = None;
        file.file_systems[fs].faults.push(FileFault {
            what: (self.what)(),
            name: Some(name.to_owned()),
            on: Some(self.on.to_vec()),
            client: Some(struck.client.to_owned()),
            nth: Some(struck.nth),
            every: None,
            times: None,
            chance: None,
            swarm: false,
        });
        file
    }
}
