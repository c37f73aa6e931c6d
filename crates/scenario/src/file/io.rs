//! Requests, and what they must be answered.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Errno, Pattern, is_default};

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Request")]
pub(crate) enum Io {
    /// Bytes come back.
    ///
    /// Example: `parallel([read(at: 0, len: 512, holds: fill(0x11))])`
    Read(Read),
    /// Bytes are stored.
    ///
    /// Example: `parallel([write(at: 0, len: 512, fill: 0x11)])`
    Write(Write),
    /// Zeroes are stored, without sending them.
    ///
    /// Example: `parallel([write_zeroes(at: 0, len: 512)])`
    WriteZeroes(WriteZeroes),
    /// The content is no longer needed.
    ///
    /// Example: `parallel([discard(at: 0, len: 512)])`
    Discard(Discard),
    /// What was completed is to be durable.
    ///
    /// Example: `parallel([flush()])`
    Flush(Flush),
}

/// What a request must be answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Answer")]
pub(crate) enum Gets {
    /// It must succeed.
    #[default]
    Ok,
    /// Whatever comes.
    Any,
    /// It must succeed, and do only so many bytes, from the first; only reads and writes can. What a
    /// read is compared with, and what is saved of it, is these.
    ///
    /// Example: `gets: short(256)`
    Short(u64),
    /// It must fail with this error.
    ///
    /// Example: `gets: fails("EIO")`
    Fails(Errno),
}

/// Bytes come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The first byte.
    ///
    /// Example: `at: 4_096`
    pub(crate) at: u64,
    /// How many bytes.
    ///
    /// Example: `len: 512`
    pub(crate) len: u64,
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

/// Bytes are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Write {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The first byte.
    ///
    /// Example: `at: 4_096`
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
    /// Durable when it is done, without a flush: force unit access.
    ///
    /// Default: `false`
    ///
    /// Example: `fua: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fua: bool,
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

/// Zeroes are stored, without sending them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WriteZeroes {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The first byte.
    ///
    /// Example: `at: 4_096`
    pub(crate) at: u64,
    /// How many bytes.
    ///
    /// Example: `len: 512`
    pub(crate) len: u64,
    /// Durable when it is done, without a flush: force unit access.
    ///
    /// Default: `false`
    ///
    /// Example: `fua: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) fua: bool,
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

/// The content is no longer needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discard {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// The first byte.
    ///
    /// Example: `at: 4_096`
    pub(crate) at: u64,
    /// How many bytes.
    ///
    /// Example: `len: 512`
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
    /// Example: `or_violates: "what was flushed is kept"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) or_violates: Option<String>,
}

/// What was completed is to be durable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flush {
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
