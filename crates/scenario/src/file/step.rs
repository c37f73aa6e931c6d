//! What clients do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CloseFile, Condition, CreateFile, Discard, Event, Exists, Fault, FileLen, Flush, Gets, Io,
    List, Mkdir, OpenFile, Pattern, Read, ReadFile, Rename, Rmdir, SetLen, SyncData, SyncDir,
    SyncFile, Tag, Unlink, WhenExists, Write, WriteFile, WriteZeroes, is_default,
};

/// One step of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Bytes come back; the next step comes when it is done.
    ///
    /// Example: `read(at: 0, len: 512, holds: fill(0x11))`
    Read(Read),
    /// Bytes are stored; the next step comes when it is done.
    ///
    /// Example: `write(at: 0, len: 512, fill: 0x11)`
    Write(Write),
    /// Zeroes are stored, without sending them; the next step comes when it is done.
    ///
    /// Example: `write_zeroes(at: 0, len: 512)`
    WriteZeroes(WriteZeroes),
    /// The content is no longer needed; the next step comes when it is done.
    ///
    /// Example: `discard(at: 0, len: 512)`
    Discard(Discard),
    /// What was completed is to be durable; the next step comes when it is done.
    ///
    /// Example: `flush()`
    Flush(Flush),
    /// Submit a request and go on.
    ///
    /// Example: `submit(id: "w1", io: write(at: 0, len: 512, fill: 0x11))`
    Submit(Submit),
    /// Wait until a submitted request is done.
    ///
    /// Example: `wait(id: "w1", gets: ok)`
    Wait(Wait),
    /// Wait until all of this client's requests are done.
    ///
    /// Example: `wait_all()`
    WaitAll(WaitAll),
    /// Submit these together and wait for all.
    ///
    /// Example: `parallel([flush(), read(at: 0, len: 512)])`
    Parallel(Vec<Io>),
    /// Announce an event, as code under test would.
    ///
    /// Example: `announce(event: "journal_commit")`
    Announce(Announce),
    /// Suspend the next request that meets an event.
    ///
    /// Example: `set_break(event: "write_aio", tag: "A")`
    SetBreak(SetBreak),
    /// Remove a break and resume whom it holds; something must be found.
    ///
    /// Example: `remove_break("A")`
    RemoveBreak(Tag),
    /// Try to remove a break; nothing must be found.
    ///
    /// Example: `remove_no_break("A")`
    RemoveNoBreak(Tag),
    /// Resume a request suspended under this tag; there must be one.
    ///
    /// Example: `resume("A")`
    Resume(Tag),
    /// Try to resume under this tag; nobody must be suspended under it.
    ///
    /// Example: `resume_none("A")`
    ResumeNone(Tag),
    /// Wait until a request is suspended under this tag.
    ///
    /// Example: `wait_break("A")`
    WaitBreak(Tag),
    /// Let time pass.
    ///
    /// Example: `sleep(ns: 1_000)`
    Sleep(Sleep),
    /// The same steps again and again.
    ///
    /// Example: `repeat(times: 3, steps: [flush()])`
    Repeat(Repeat),
    /// Decide by what was read and saved.
    ///
    /// Example: `when(saved: "r", holds: zeroes, then: [flush()])`
    When(When),
    /// Open a disk.
    ///
    /// Example: `open()`
    Open(Open),
    /// Close a disk; all its requests on their way are answered `ENODEV`.
    ///
    /// Example: `close()`
    Close(Close),
    /// Close a disk and open it again; rules and state stay as they were.
    ///
    /// Example: `reopen()`
    Reopen(Reopen),
    /// Change the length of the file under a disk.
    ///
    /// Example: `truncate(len: 65_536)`
    Truncate(Truncate),
    /// Ask for the length of the file under a disk.
    ///
    /// Example: `len(is: 1_048_576)`
    Len(Len),
    /// The power goes. Clients are gone when it has gone for all disks.
    ///
    /// Example: `power_cut()`
    PowerCut(CutPower),
    /// Put a fault of the medium on sectors.
    ///
    /// Example: `damage(at: 4_096, len: 512, with: bit_rot(bits: 1))`
    Damage(Damage),
    /// Lift what faults lie over sectors: what was written there is back.
    ///
    /// Example: `heal(at: 4_096, len: 512)`
    Heal(Heal),
    /// Something must be true now.
    ///
    /// Example: `expect(suspended([]))`
    Expect(Condition),
    /// Note that the workload has come so far: a recovery can ask whether it had when the power
    /// went.
    ///
    /// Example: `mark("committed")`
    Mark(String),
    /// Decide by what was marked: by this client so far, or, in a recovery, by any client before
    /// the first cut.
    ///
    /// Example: `when_marked(mark: "committed", then: [read(at: 0, len: 512, holds: fill(0xC0))])`
    WhenMarked(WhenMarked),
    /// Open a file of a file system, which is made if there is none.
    ///
    /// Example: `create_file(path: "a", exclusive: true, as: "g")`
    CreateFile(CreateFile),
    /// Open a file that is there.
    ///
    /// Example: `open_file(path: "a", as: "g")`
    OpenFile(OpenFile),
    /// Bytes of a file come back: fewer, if it ends before.
    ///
    /// Example: `read_file(file: "f", holds: any_of([text("old"), text("new")]))`
    ReadFile(ReadFile),
    /// Bytes of a file are stored. It grows as far as it must.
    ///
    /// Example: `write_file(file: "f", data: text("new"))`
    WriteFile(WriteFile),
    /// Cut a file off, or append zeroes.
    ///
    /// Example: `set_len(file: "f", len: 0)`
    SetLen(SetLen),
    /// A file is to be durable: `fsync`. Whether its name is depends on the contract.
    ///
    /// Example: `sync_file(file: "f")`
    SyncFile(SyncFile),
    /// A file's data is to be durable, with the length it takes to read it: `fdatasync`.
    ///
    /// Example: `sync_data(file: "f")`
    SyncData(SyncData),
    /// A file is no longer needed open.
    ///
    /// Example: `close_file(file: "f")`
    CloseFile(CloseFile),
    /// Ask for the length of a file.
    ///
    /// Example: `file_len(path: "a", is: 4_096)`
    FileLen(FileLen),
    /// A file or directory gets another name, in one step also for a power cut.
    ///
    /// Example: `rename(from: "a.tmp", to: "a")`
    Rename(Rename),
    /// A file loses its name; while it is open it can be read and written as before.
    ///
    /// Example: `unlink(path: "journal")`
    Unlink(Unlink),
    /// Make a directory.
    ///
    /// Example: `mkdir(path: "d")`
    Mkdir(Mkdir),
    /// Remove an empty directory.
    ///
    /// Example: `rmdir(path: "d")`
    Rmdir(Rmdir),
    /// The names in a directory are to be durable: `fsync` of the directory.
    ///
    /// Example: `sync_dir(path: "d")`
    SyncDir(SyncDir),
    /// Ask for the names in a directory.
    ///
    /// Example: `list(path: "d", is: ["a", "b"])`
    List(List),
    /// Ask whether there is a file or directory.
    ///
    /// Example: `exists(path: "a", is: false)`
    Exists(Exists),
    /// Decide by whether there is a file or directory.
    ///
    /// Example: `when_exists(path: "journal", then: [unlink(path: "journal")])`
    WhenExists(WhenExists),
    /// The recovery ends here with an error, in these words: it has noticed that something is
    /// wrong. Only in `recover`.
    ///
    /// Example: `refuse("the record is torn")`
    Refuse(String),
}

/// Decide by what was marked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhenMarked {
    /// What a step `mark(..)` noted.
    ///
    /// Example: `mark: "committed"`
    pub(crate) mark: String,
    /// The steps if it was.
    ///
    /// Example: `then: [flush()]`
    pub(crate) then: Vec<Step>,
    /// The steps if it was not.
    ///
    /// Default: `[]`
    ///
    /// Example: `otherwise: [flush()]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) otherwise: Vec<Step>,
}

/// Submit a request and go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submit {
    /// What the request is called. One client's requests have no name in common with another's.
    ///
    /// Example: `id: "w1"`
    pub(crate) id: String,
    /// The request; what it gets is said where it is waited for.
    ///
    /// Example: `io: write(at: 0, len: 512, fill: 0x11)`
    pub(crate) io: Io,
}

/// Wait until a submitted request is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wait {
    /// The request.
    ///
    /// Example: `id: "w1"`
    pub(crate) id: String,
    /// What the bytes that come back are to be.
    ///
    /// Default: nothing
    ///
    /// Example: `holds: fill(0x11)`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) holds: Option<Pattern>,
    /// The name under which to keep what came back, for `when`.
    ///
    /// Default: nothing
    ///
    /// Example: `save: "record"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) save: Option<String>,
    /// What it is answered.
    ///
    /// Default: `ok`
    ///
    /// Example: `gets: fails("EIO")`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) gets: Gets,
    /// The property that is violated if the answer is another; otherwise it is `"expectation"`.
    ///
    /// Default: nothing
    ///
    /// Example: `or_violates: "what was flushed is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Wait until all of this client's requests are done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitAll {
    /// What each of them is answered.
    ///
    /// Default: `ok`
    ///
    /// Example: `gets: fails("EIO")`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) gets: Gets,
    /// The property that is violated if the answer is another; otherwise it is `"expectation"`.
    ///
    /// Default: nothing
    ///
    /// Example: `or_violates: "what was flushed is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Announce an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Announce {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The event: one of the dialect, or any other name.
    ///
    /// Example: `event: "journal_commit"`
    pub(crate) event: Event,
}

/// Suspend the next request that meets an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetBreak {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The event.
    ///
    /// Example: `event: "write_aio"`
    pub(crate) event: Event,
    /// The name to suspend it under. Disks have no tag in common.
    ///
    /// Example: `tag: "A"`
    pub(crate) tag: Tag,
}

/// Let time pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sleep {
    /// How many nanoseconds.
    ///
    /// Example: `ns: 1_000`
    pub(crate) ns: u64,
}

/// The same steps again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    /// How often, at most 1_000_000 times.
    ///
    /// Example: `times: 3`
    pub(crate) times: u64,
    /// The steps.
    ///
    /// Example: `steps: [flush()]`
    pub(crate) steps: Vec<Step>,
}

/// Decide by what was read and saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    /// The name that a `save` of this client gave.
    ///
    /// Example: `saved: "r"`
    pub(crate) saved: String,
    /// The pattern that decides.
    ///
    /// Example: `holds: zeroes`
    pub(crate) holds: Pattern,
    /// The steps if it does.
    ///
    /// Example: `then: [flush()]`
    pub(crate) then: Vec<Step>,
    /// The steps if it does not.
    ///
    /// Default: `[]`
    ///
    /// Example: `otherwise: [flush()]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) otherwise: Vec<Step>,
}

/// Open a disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Open {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// What it is answered.
    ///
    /// Default: `ok`
    ///
    /// Example: `gets: fails("EAGAIN")`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) gets: Gets,
}

/// Close a disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Close {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
}

/// Close a disk and open it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reopen {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// What it is answered; if it fails, the disk stays as it was.
    ///
    /// Default: `ok`
    ///
    /// Example: `gets: fails("EAGAIN")`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) gets: Gets,
}

/// Change the length of the file under a disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Truncate {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The new length in bytes.
    ///
    /// Example: `len: 65_536`
    pub(crate) len: u64,
    /// What it is answered.
    ///
    /// Default: `ok`
    ///
    /// Example: `gets: fails("EIO")`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) gets: Gets,
}

/// Ask for the length of the file under a disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Len {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The length it must have, in bytes.
    ///
    /// Example: `is: 65_536`
    pub(crate) is: u64,
}

/// The power goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CutPower {
    /// For which disks and whoever shares their fate; without it, for all at once.
    ///
    /// Default: nothing
    ///
    /// Example: `disks: ["d0"]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disks: Option<Vec<String>>,
}

/// Put a fault of the medium on sectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Damage {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The first byte: a multiple of 512.
    ///
    /// Example: `at: 4_096`
    pub(crate) at: u64,
    /// How many bytes: a multiple of 512.
    ///
    /// Example: `len: 512`
    pub(crate) len: u64,
    /// What is wrong with them: `unreadable`, `unwritable`, `bit_rot`, `garbage`, `pattern` or
    /// `stale`.
    ///
    /// Example: `with: unreadable(errno: "EIO", lasts: for_good)`
    pub(crate) with: Fault,
}

/// Lift what faults lie over sectors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Heal {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The first byte: a multiple of 512.
    ///
    /// Default: `0`
    ///
    /// Example: `at: 4_096`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) at: u64,
    /// How many bytes: a multiple of 512. Without it, all to the end of the disk.
    ///
    /// Default: nothing
    ///
    /// Example: `len: 512`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) len: Option<u64>,
}
