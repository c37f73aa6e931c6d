//! Rules, in blkdebug's vocabulary.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Errno, is_default, range};

/// An event's name.
pub(crate) type Event = String;
/// The name a request is suspended under.
pub(crate) type Tag = String;
/// The engine's number.
pub(crate) type State = i32;

/// What happens when an event is announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// What the rule is called in traces, and in `fired`.
    ///
    /// Default: nothing
    ///
    /// Example: `name: "full"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) name: Option<String>,
    /// The event it waits for.
    ///
    /// Example: `event: "write_aio"`
    pub(crate) event: Event,
    /// Only in this state of the engine; 0 is any. An engine starts in state 1.
    ///
    /// Default: `0`
    ///
    /// Example: `state: 2`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) state: State,
    /// Only on this disk.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// What it does.
    ///
    /// Example: `action: suspend("A")`
    pub(crate) action: Action,
    /// Gone after its first injection or suspension.
    ///
    /// Default: `false`
    ///
    /// Example: `once: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) once: bool,
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Arm an error for the next request it fits.
    ///
    /// Example: `action: inject_error(errno: "ENOSPC", sector: 8)`
    InjectError(InjectError),
    /// The engine's next state.
    ///
    /// Example: `action: set_state(2)`
    SetState(State),
    /// Hold the request under this tag until it is resumed.
    ///
    /// Example: `action: suspend("A")`
    Suspend(Tag),
}

/// An error waiting for a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct InjectError {
    /// What the request is told. 0 lets it pass, and hides the rules declared after this one.
    ///
    /// Default: `"EIO"`
    ///
    /// Example: `errno: "ENOSPC"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) errno: Errno,
    /// Only requests that touch this sector; sectors of rules are 512 bytes long. -1 is any.
    ///
    /// Default: nothing
    ///
    /// Example: `sector: 8`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) sector: Option<i64>,
    /// Only requests that touch one of these sectors; the end is not among them.
    ///
    /// Default: nothing
    ///
    /// Example: `sectors: 8..16`
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(schema_with = "range")]
    pub(crate) sectors: Option<Range<u64>>,
    /// Gone after its first injection; the rule's own `once` means the same.
    ///
    /// Default: `false`
    ///
    /// Example: `once: true`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) once: bool,
    /// Fail inside the submission rather than one turn later.
    ///
    /// Default: `false`
    ///
    /// Example: `immediately: true`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) immediately: bool,
    /// Only requests of this kind; not in dialect `qemu_2_6`.
    ///
    /// Default: nothing
    ///
    /// Example: `iotype: flush`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) iotype: Option<IoType>,
}

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RequestKind")]
pub(crate) enum IoType {
    /// Bytes come back.
    Read,
    /// Bytes are stored.
    Write,
    /// Zeroes are stored, without sending them.
    WriteZeroes,
    /// The content is no longer needed.
    Discard,
    /// What was completed is to be durable.
    Flush,
    /// Asks what is allocated. Only rules that name it fit it.
    BlockStatus,
}
