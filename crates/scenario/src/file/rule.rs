//! Rules: blkdebug's, and those beyond them.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::{AccessKind, Action};
use super::{Errno, is_default, range};

/// An event's name.
pub(crate) type Event = String;
/// The name a request is suspended under.
pub(crate) type Tag = String;
/// The engine's number.
pub(crate) type State = i32;

/// What happens when an event is announced, or when a disk is accessed.
///
/// A rule of `inject_error`, and one of `set_state` or `suspend` that is given nothing but `event`,
/// `state` and `once`, is blkdebug's: of those that fit, the first declared wins. All others are
/// asked each on its own, and several may strike at once. A seed may leave rules out of a run:
/// `swarm: true`.
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
    /// The event it waits for. `inject_error`, `set_state` and `suspend` need one; whatever goes
    /// wrong without one does so at an access to the disk, and with one at the next access, of the
    /// request that announces it, that fits. A `power_cut` strikes at the event itself.
    ///
    /// Default: nothing
    ///
    /// Example: `event: "write_aio"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) event: Option<Event>,
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
    /// Gone after its first injection or suspension, or after whatever else it does.
    ///
    /// Default: `false`
    ///
    /// Example: `once: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) once: bool,
    /// Only the so many-th match, from 1.
    ///
    /// Default: nothing
    ///
    /// Example: `nth: 3`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) nth: Option<u64>,
    /// Only every so many matches.
    ///
    /// Default: nothing
    ///
    /// Example: `every: 10`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) every: Option<u64>,
    /// At most so many times.
    ///
    /// Default: nothing
    ///
    /// Example: `times: 2`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) times: Option<u64>,
    /// Only with this chance: the first number in the second.
    ///
    /// Default: nothing
    ///
    /// Example: `chance: (1, 10)`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) chance: Option<(u64, u64)>,
    /// Only requests of this client; `"recover"` is who recovers after a power cut.
    ///
    /// Default: nothing
    ///
    /// Example: `client: "main"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) client: Option<String>,
    /// Only accesses of these kinds; without it, whatever can go wrong so.
    ///
    /// Default: nothing
    ///
    /// Example: `on: [write, flush]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) on: Option<Vec<AccessKind>>,
    /// Only accesses that touch this sector of 512 bytes.
    ///
    /// Default: nothing
    ///
    /// Example: `sector: 8`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) sector: Option<u64>,
    /// Only accesses that touch one of these sectors of 512 bytes; the end is not among them.
    ///
    /// Default: nothing
    ///
    /// Example: `sectors: 8..16`
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(schema_with = "range")]
    pub(crate) sectors: Option<Range<u64>>,
    /// Only from this virtual time on, in nanoseconds.
    ///
    /// Default: nothing
    ///
    /// Example: `from_ns: 1_000_000`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) from_ns: Option<u64>,
    /// Only before this virtual time, in nanoseconds.
    ///
    /// Default: nothing
    ///
    /// Example: `until_ns: 2_000_000`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) until_ns: Option<u64>,
    /// Whether the seed says, when the run begins, if the rule is in force in this run at all. Not
    /// for `suspend`.
    ///
    /// Default: `false`
    ///
    /// Example: `swarm: true`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) swarm: bool,
}

impl Rule {
    /// What is done at an event, whatever else there is.
    pub(crate) fn at(event: &str, action: Action) -> Self {
        Self {
            name: None,
            event: Some(event.to_owned()),
            state: 0,
            disk: None,
            action,
            once: false,
            nth: None,
            every: None,
            times: None,
            chance: None,
            client: None,
            on: None,
            sector: None,
            sectors: None,
            from_ns: None,
            until_ns: None,
            swarm: false,
        }
    }

    /// Which fields are given that blkdebug's rules do not have.
    pub(crate) fn beyond(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            (self.nth.is_some(), "nth"),
            (self.every.is_some(), "every"),
            (self.times.is_some(), "times"),
            (self.chance.is_some(), "chance"),
            (self.client.is_some(), "client"),
            (self.on.is_some(), "on"),
            (self.sector.is_some(), "sector"),
            (self.sectors.is_some(), "sectors"),
            (self.from_ns.is_some(), "from_ns"),
            (self.until_ns.is_some(), "until_ns"),
        ];
        given.into_iter().filter(|(given, _)| *given).map(|(_, name)| name)
    }

    /// Whether it is for the program of a node: blkdebug has a rule like it.
    pub(crate) fn is_blkdebugs(&self) -> bool {
        match self.action {
            Action::InjectError(_) => true,
            Action::SetState(_) | Action::Suspend(_) => {
                !self.swarm && self.beyond().next().is_none()
            }
            _ => false,
        }
    }
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
