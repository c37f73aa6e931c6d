//! The format of a case, as read.

use headcrash_engine::{Errno, IoKind};
use serde::{Deserialize, Serialize};

/// A line of a case file.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Recorded {
    /// What was done.
    pub case: Case,
    /// What was seen.
    pub outcome: Outcome,
}

impl Recorded {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// When it is not a case, or one that no machine could hold: see [`CaseError`].
    pub fn parse(line: &str) -> Result<Self, CaseError> {
        let recorded: Self = serde_json::from_str(line).map_err(CaseError::Json)?;
        let case = &recorded.case;
        if case.image_size.is_some_and(|size| size > MAX_IMAGE) {
            return Err(CaseError::Image);
        }
        let Options { max_transfer, max_write_zero, max_discard, .. } = case.options;
        let too_long = |request: &Request| match request {
            Request::Read { len, .. } | Request::Write { len, .. } => {
                *len > MAX_LEN || pieces(*len, max_transfer) > MAX_PIECES
            }
            Request::WriteZeroes { len, .. } => {
                pieces(*len, max_write_zero).max(pieces(*len, max_transfer)) > MAX_PIECES
            }
            Request::Discard { len, .. } => pieces(*len, max_discard) > MAX_PIECES,
            _ => false,
        };
        match case.requests.iter().position(too_long) {
            Some(index) => Err(CaseError::Request(index)),
            None => Ok(recorded),
        }
    }
}

/// The largest image of a case: 16 GiB.
const MAX_IMAGE: u64 = 16 << 30;
/// The longest read or write of a case: 64 MiB.
const MAX_LEN: u64 = 64 << 20;

/// A request is cut into so many pieces at most.
const MAX_PIECES: u64 = 1 << 20;

fn pieces(len: u64, max: Option<u64>) -> u64 {
    // A limit of zero is none.
    max.map_or(0, |max| len.checked_div(max).unwrap_or(0))
}

/// A line that is not a case.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// It is not JSON, or not of this shape.
    #[error("not a conformance case: {0}")]
    Json(serde_json::Error),
    /// Its image is over 16 GiB.
    #[error("the image is larger than 16 GiB")]
    Image,
    /// A request, by its index, is over 64 MiB long, or cut into over a million pieces.
    #[error("request {0} is longer than 64 MiB, or cut into more than a million pieces")]
    Request(usize),
}

/// What was done.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Case {
    /// Its name.
    pub id: String,
    /// Whose answers they are.
    pub dialect: Dialect,
    /// What stands above the node: `"raw"`, or nothing.
    #[serde(default)]
    pub top: Option<Top>,
    /// What stands below it (10.0.2 only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageKind>,
    /// Bytes of the image; 1 MiB where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<u64>,
    /// The byte it is full of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<u8>,
    /// Limits of the node.
    #[serde(default)]
    pub options: Options,
    /// Its rules, in declaration order.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What was asked of it.
    #[serde(default)]
    pub requests: Vec<Request>,
}

/// Whose answers they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Dialect {
    /// QEMU 2.6.
    #[serde(rename = "qemu-2.6")]
    Qemu2_6,
    /// QEMU 10.0.2.
    #[serde(rename = "qemu-10.0.2")]
    Qemu10,
}

impl From<Dialect> for headcrash_engine::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Qemu2_6 => Self::Qemu2_6,
            Dialect::Qemu10 => Self::Qemu10,
        }
    }
}

/// What stands above the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Top {
    /// A raw node.
    Raw,
}

/// What stands below the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageKind {
    /// A file.
    File,
    /// Reads are zeroes, writes go nowhere, and both end at once.
    NullCo,
}

/// Limits of the node, in bytes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are blkdebug's own options")]
pub struct Options {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub align: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_transfer: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_write_zero: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_write_zero: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opt_discard: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_discard: Option<u64>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Rule {
    /// Arms an error.
    InjectError {
        /// On which event.
        event: String,
        /// In which state; 0 is any.
        #[serde(default)]
        state: i32,
        /// Which error; 0 masks.
        #[serde(default = "eio")]
        errno: i32,
        /// Where; -1 is anywhere.
        #[serde(default = "anywhere")]
        sector: i64,
        /// Only once.
        #[serde(default)]
        once: bool,
        /// Without a turn between.
        #[serde(default)]
        immediately: bool,
        /// For which kind of access.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iotype: Option<IoType>,
    },
    /// Changes the state.
    SetState {
        /// On which event.
        event: String,
        /// In which state; 0 is any.
        #[serde(default)]
        state: i32,
        /// To which.
        #[serde(default)]
        new_state: i32,
    },
}

const fn eio() -> i32 {
    5
}

const fn anywhere() -> i64 {
    -1
}

/// A kind of access, in blkdebug's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are blkdebug's own")]
pub enum IoType {
    Read,
    Write,
    WriteZeroes,
    Discard,
    Flush,
    BlockStatus,
}

impl From<IoType> for IoKind {
    fn from(kind: IoType) -> Self {
        match kind {
            IoType::Read => Self::Read,
            IoType::Write => Self::Write,
            IoType::WriteZeroes => Self::WriteZeroes,
            IoType::Discard => Self::Discard,
            IoType::Flush => Self::Flush,
            IoType::BlockStatus => Self::BlockStatus,
        }
    }
}

/// One request, or one command to the node. `req` is the request's number where the file gives it
/// one; otherwise its index is its number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(missing_docs, reason = "offsets and lengths in bytes; the rest says itself")]
pub enum Request {
    Read {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        req: Option<u64>,
        off: u64,
        len: u64,
    },
    Write {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        req: Option<u64>,
        off: u64,
        len: u64,
        #[serde(default)]
        pat: u8,
        #[serde(default)]
        fua: bool,
    },
    WriteZeroes {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        req: Option<u64>,
        off: u64,
        len: u64,
        #[serde(default)]
        fua: bool,
    },
    Discard {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        req: Option<u64>,
        off: u64,
        len: u64,
    },
    Flush {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        req: Option<u64>,
    },
    Break {
        event: String,
        tag: String,
    },
    Resume {
        tag: String,
    },
    RemoveBreak {
        tag: String,
    },
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Outcome {
    /// After each request, before the next.
    pub steps: Vec<Vec<Seen>>,
    /// What came when, at the end, every breakpoint was removed and everybody resumed.
    #[serde(default)]
    pub tail: Vec<Seen>,
    /// The image at the end: runs of (offset, length, byte).
    #[serde(default, rename = "final")]
    pub image: Option<Vec<(u64, u64, u8)>>,
    /// QEMU left uninitialised bytes in the image: it and what was read are not compared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undefined_bytes: bool,
}

/// One thing that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Seen {
    /// A request ended.
    Done(Done),
    /// A request was suspended.
    Suspended {
        /// Under which tag.
        tag: String,
        /// Which; not known of 2.6.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        req: Option<u64>,
        /// It may be any of these.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ambiguous: Vec<u64>,
    },
    /// A suspension ended.
    Resuming {
        /// Under which tag it was.
        tag: String,
    },
    /// The answer to `break`, `resume` or `remove_break`.
    Cmd {
        /// `OK` or an error's name.
        ret: String,
    },
    /// The answer to a flush that was waited for; `?` where it could not be seen.
    Flush {
        /// `OK`, an error's name, or `?`.
        ret: String,
    },
    /// The node's state.
    State {
        /// The state.
        state: i32,
    },
}

/// A request ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Done {
    /// Which; where it is not known, any.
    pub req: Option<u64>,
    /// `OK` or an error's name.
    pub ret: String,
    /// What a read brought: runs of (offset from its start, length, byte).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<(u64, u64, u8)>>,
    /// It may be any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ambiguous: Vec<u64>,
}

/// `OK`, or the error's name (its number where it has none).
pub(super) fn ret(result: Result<(), Errno>) -> String {
    match result {
        Ok(()) => "OK".to_owned(),
        Err(errno) => errno.name().map_or_else(|| errno.number().to_string(), str::to_owned),
    }
}
