//! File systems, and what clients do with files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::step::Step;
use super::{Fault, Gets, Latency, Pattern, is_default, is_true};

/// A file system: files and directories whose names, lengths and bytes become durable each on its
/// own. It stands on no disk, and is empty at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileSystem {
    /// What it is called. File systems without a name are `fs0`, `fs1` and so on by position.
    ///
    /// Default: nothing
    ///
    /// Example: `name: "home"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) name: Option<String>,
    /// What may be found after a power cut.
    ///
    /// Example: `contract: ext4_ordered`
    pub(crate) contract: FileContract,
    /// Bytes of a file that reach the medium together, and the steps in which a file grows: from 1
    /// to 1_048_576.
    ///
    /// Default: `4_096`
    ///
    /// Example: `unit: 512`
    #[serde(default = "unit", skip_serializing_if = "is_unit")]
    pub(crate) unit: u64,
    /// How long operations take: reads and look-ups as `read`, syncs as `flush`, all others as
    /// `write`. Closing takes no time.
    ///
    /// Default: `zero`
    ///
    /// Example: `latency: constant(ns: 20_000)`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) latency: Latency,
    /// How many bytes its files can take together, in whole units: a write is cut short where they
    /// are used up, and gets `ENOSPC` where nothing of it fits. Names take no room; a file without
    /// one does while it is open.
    ///
    /// Default: nothing
    ///
    /// Example: `capacity: 65_536`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) capacity: Option<u64>,
    /// What goes wrong with it.
    ///
    /// Default: `[]`
    ///
    /// Example: `faults: [(what: fail(errno: "ENOSPC"), on: [write_file], nth: 3)]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) faults: Vec<FileFault>,
}

/// What a file system promises of files and names when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FileContract")]
pub(crate) enum FileContract {
    /// What was synced, and nothing else; a new name needs a sync of its directory.
    PosixStrict,
    /// Names in order, a length only with its data; a rename makes nothing durable.
    Xfs,
    /// The same, and the data of a file is written before it replaces another by a rename.
    Ext4Ordered,
    /// Data and names in one order: some first part of all operations survives.
    JournaledData,
}

/// An operation on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FileOperation {
    /// As the step.
    CreateFile,
    /// As the step.
    OpenFile,
    /// As the step.
    ReadFile,
    /// As the step.
    WriteFile,
    /// As the step.
    SetLen,
    /// As the step.
    SyncFile,
    /// As the step.
    SyncData,
    /// As the step.
    CloseFile,
    /// As the step.
    FileLen,
    /// As the step, and `when_exists`.
    Exists,
    /// As the step.
    Rename,
    /// As the step.
    Unlink,
    /// As the step.
    Mkdir,
    /// As the step.
    Rmdir,
    /// As the step.
    SyncDir,
    /// As the step.
    List,
}

/// What goes wrong with a file system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileFault {
    /// What goes wrong: `fail`, `short`, `flush_fails`, `flush_fails_later`,
    /// `flush_fails_for_each` (once to each open file), `flush_lies`, `delay`, `hang`, `read_only`,
    /// `evict` or `power_cut`.
    ///
    /// Example: `what: fail(errno: "EIO")`
    pub(crate) what: Fault,
    /// What it is called in traces.
    ///
    /// Default: nothing
    ///
    /// Example: `name: "bad fsync"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) name: Option<String>,
    /// Only these operations; without it, whatever can go wrong so.
    ///
    /// Default: nothing
    ///
    /// Example: `on: [rename]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) on: Option<Vec<FileOperation>>,
    /// Only operations of this client.
    ///
    /// Default: nothing
    ///
    /// Example: `client: "main"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) client: Option<String>,
    /// Only the n-th operation that fits, from 1.
    ///
    /// Default: nothing
    ///
    /// Example: `nth: 2`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) nth: Option<u64>,
    /// Only every so many operations that fit.
    ///
    /// Default: nothing
    ///
    /// Example: `every: 100`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) every: Option<u64>,
    /// At most so many times.
    ///
    /// Default: nothing
    ///
    /// Example: `times: 1`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) times: Option<u64>,
    /// How often: the first number in the second, of all operations that fit.
    ///
    /// Default: nothing
    ///
    /// Example: `chance: (1, 1_000)`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) chance: Option<(u64, u64)>,
    /// Whether the seed says, when the run begins, if it happens in this run at all.
    ///
    /// Default: `false`
    ///
    /// Example: `swarm: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) swarm: bool,
}

const UNIT: u64 = 4_096;

const fn unit() -> u64 {
    UNIT
}

const fn is_unit(unit: &u64) -> bool {
    *unit == UNIT
}

const fn yes() -> bool {
    true
}

/// Open a file, which is made if there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateFile {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Example: `path: "a"`
    pub(crate) path: String,
    /// It is `EEXIST` if there is one.
    ///
    /// Default: `false`
    ///
    /// Example: `exclusive: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) exclusive: bool,
    /// What this client calls it while it is open.
    ///
    /// Example: `as: "f"`
    #[serde(rename = "as")]
    pub(crate) handle: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Open a file that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenFile {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Example: `path: "a"`
    pub(crate) path: String,
    /// What this client calls it while it is open.
    ///
    /// Example: `as: "f"`
    #[serde(rename = "as")]
    pub(crate) handle: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Bytes of a file come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadFile {
    /// What this client opened it as.
    ///
    /// Example: `file: "f"`
    pub(crate) file: String,
    /// The first byte.
    ///
    /// Default: `0`
    ///
    /// Example: `at: 4_096`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) at: u64,
    /// How many bytes. It does not get `ok` if the file ends before; without it, all there are.
    ///
    /// Default: nothing
    ///
    /// Example: `len: 512`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) len: Option<u64>,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Bytes of a file are stored. It grows as far as it must.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteFile {
    /// What this client opened it as.
    ///
    /// Example: `file: "f"`
    pub(crate) file: String,
    /// The first byte.
    ///
    /// Default: `0`
    ///
    /// Example: `at: 4_096`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) at: u64,
    /// How many bytes; `data` other than `fill` and `zeroes` has a length of its own.
    ///
    /// Default: nothing
    ///
    /// Example: `len: 512`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) len: Option<u64>,
    /// The byte to write. Either this or `data` is given.
    ///
    /// Default: nothing
    ///
    /// Example: `fill: 0x11`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fill: Option<u8>,
    /// The bytes to write. Either this or `fill` is given.
    ///
    /// Default: nothing
    ///
    /// Example: `data: text("commit")`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) data: Option<Pattern>,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Cut a file off, or append zeroes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetLen {
    /// What this client opened it as.
    ///
    /// Example: `file: "f"`
    pub(crate) file: String,
    /// How many bytes it has then.
    ///
    /// Example: `len: 4_096`
    pub(crate) len: u64,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// A file is to be durable: `fsync`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncFile {
    /// What this client opened it as.
    ///
    /// Example: `file: "f"`
    pub(crate) file: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// A file's data is to be durable: `fdatasync`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncData {
    /// What this client opened it as.
    ///
    /// Example: `file: "f"`
    pub(crate) file: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// A file is no longer needed open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseFile {
    /// What this client opened it as.
    ///
    /// Example: `file: "f"`
    pub(crate) file: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Ask for the length of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileLen {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on. Either this or `file` is given.
    ///
    /// Default: nothing
    ///
    /// Example: `path: "a"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) path: Option<String>,
    /// What this client opened it as. Either this or `path` is given.
    ///
    /// Default: nothing
    ///
    /// Example: `file: "f"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) file: Option<String>,
    /// The length it must have, in bytes.
    ///
    /// Example: `is: 4_096`
    pub(crate) is: u64,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// A file or directory gets another name, in one step also for a power cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rename {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// The name it has.
    ///
    /// Example: `from: "a"`
    pub(crate) from: String,
    /// The name it gets; what had it loses it.
    ///
    /// Example: `to: "b"`
    pub(crate) to: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// A file loses its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unlink {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Example: `path: "a"`
    pub(crate) path: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Make a directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mkdir {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Example: `path: "d"`
    pub(crate) path: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Remove an empty directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rmdir {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Example: `path: "d"`
    pub(crate) path: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

fn root() -> String {
    "/".to_owned()
}

fn is_root(path: &str) -> bool {
    path == "/"
}

/// The names in a directory are to be durable: `fsync` of the directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SyncDir {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Default: `"/"`
    ///
    /// Example: `path: "d"`
    #[serde(default = "root", skip_serializing_if = "is_root")]
    pub(crate) path: String,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Ask for the names in a directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Default: `"/"`
    ///
    /// Example: `path: "d"`
    #[serde(default = "root", skip_serializing_if = "is_root")]
    pub(crate) path: String,
    /// The names there must be, and no others, in any order.
    ///
    /// Example: `is: ["a", "b"]`
    pub(crate) is: Vec<String>,
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
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Ask whether there is a file or directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exists {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Example: `path: "a"`
    pub(crate) path: String,
    /// Whether there must be one.
    ///
    /// Default: `true`
    ///
    /// Example: `is: false`
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub(crate) is: bool,
    /// The property that is violated if the answer is another; otherwise it is `"expectation"`.
    ///
    /// Default: nothing
    ///
    /// Example: `or_violates: "what was synced is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// Decide by whether there is a file or directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhenExists {
    /// The file system; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `fs: "fs0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fs: Option<String>,
    /// Its path, from the root on.
    ///
    /// Example: `path: "a"`
    pub(crate) path: String,
    /// The steps if there is.
    ///
    /// Example: `then: [flush()]`
    pub(crate) then: Vec<Step>,
    /// The steps if there is not.
    ///
    /// Default: `[]`
    ///
    /// Example: `otherwise: [flush()]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) otherwise: Vec<Step>,
}
