//! What can be true of a world, and what should be.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Errno, Event, Pattern, State, Tag, is_default, is_true};

/// Something that is true of the world at one moment, or is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Condition {
    /// The request of this id was submitted and is not done.
    ///
    /// Example: `expect(pending("w1"))`
    Pending(String),
    /// The request of this id is done.
    ///
    /// Example: `expect(done("w1"))`
    Done(String),
    /// Requests are suspended under exactly these tags, in whatever order.
    ///
    /// Example: `expect(suspended(["A"]))`
    Suspended(Vec<Tag>),
    /// The engine of the only disk is in this state.
    ///
    /// Example: `expect(state(1))`
    State(State),
    /// The engine of a disk is in a state.
    ///
    /// Example: `expect(state_of(disk: "d0", is: 1))`
    StateOf(StateOf),
    /// The image holds these bytes.
    ///
    /// Example: `expect(image(at: 0, holds: text("commit")))`
    Image(ImageIs),
    /// The file under the disk is so long.
    ///
    /// Example: `expect(len_is(bytes: 1_048_576))`
    LenIs(LenIs),
    /// So many injections are armed.
    ///
    /// Example: `expect(armed(count: 0))`
    Armed(Armed),
    /// The event was announced at least once.
    ///
    /// Example: `expect(announced("flush_to_os"))`
    Announced(Event),
    /// The rule of this name fired: it injected, masked, changed the state or suspended.
    ///
    /// Example: `expect(fired("full"))`
    Fired(String),
    /// A request failed with this error.
    ///
    /// Example: `expect(failed("EIO"))`
    Failed(Errno),
    /// Whatever clients were told is durable is kept, in every state that is still possible.
    ///
    /// Example: `expect(acknowledged_kept())`
    AcknowledgedKept(AcknowledgedKept),
    /// Every read so far brought what was last written there.
    ///
    /// Example: `expect(reads_right())`
    ReadsRight(ReadsRight),
    /// A stretch can be read, in every state that is still possible.
    ///
    /// Example: `expect(readable(at: 0, len: 4_096))`
    Readable(Readable),
    /// So many faults lie over a disk's bytes.
    ///
    /// Example: `expect(live_faults(is: 0))`
    LiveFaults(LiveFaults),
    /// The opposite.
    ///
    /// Example: `expect(not(failed("EIO")))`
    Not(Box<Self>),
    /// All of these.
    ///
    /// Example: `expect(all([state(1), suspended([])]))`
    All(Vec<Self>),
    /// At least one of these.
    ///
    /// Example: `expect(any([state(1), state(2)]))`
    Any(Vec<Self>),
}

/// A state of a disk's engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateOf {
    /// The disk.
    ///
    /// Example: `disk: "d0"`
    pub(crate) disk: String,
    /// The state.
    ///
    /// Example: `is: 2`
    pub(crate) is: State,
}

/// Bytes of a disk's image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageIs {
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
    /// How many bytes; `fill` and `zeroes` need it, other patterns have a length of their own.
    ///
    /// Default: nothing
    ///
    /// Example: `len: 6`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) len: Option<u64>,
    /// The bytes.
    ///
    /// Example: `holds: text("commit")`
    pub(crate) holds: Pattern,
}

/// The length of the file under a disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LenIs {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// How many bytes.
    ///
    /// Example: `bytes: 65_536`
    pub(crate) bytes: u64,
}

/// How many injections a disk's engine has armed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Armed {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// How many.
    ///
    /// Example: `count: 2`
    pub(crate) count: u64,
}

/// What clients were told is durable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgedKept {
    /// On which disk; without it, on all.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
}

/// What reads brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReadsRight {
    /// From which disk; without it, from all.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// Whether a read is excused that met a fault which was put there.
    ///
    /// Default: `true`
    ///
    /// Example: `excuse: false`
    #[serde(skip_serializing_if = "is_true")]
    pub(crate) excuse: bool,
}

impl Default for ReadsRight {
    fn default() -> Self {
        Self { disk: None, excuse: true }
    }
}

/// A stretch of a disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Readable {
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
}

/// How many faults lie over a disk's bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiveFaults {
    /// The disk; may be left out if there is only one.
    ///
    /// Default: nothing
    ///
    /// Example: `disk: "d0"`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disk: Option<String>,
    /// How many.
    ///
    /// Example: `is: 0`
    pub(crate) is: u64,
}

/// What should hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Property {
    /// After every step of the world.
    ///
    /// Example: `properties: [always(name: "calm", that: state(1))]`
    Always(Claim),
    /// After at least one step of the world, or nothing was measured.
    ///
    /// Example: `properties: [sometimes(name: "seen", that: failed("EIO"))]`
    Sometimes(Claim),
    /// After no step of the world.
    ///
    /// Example: `properties: [never(name: "no error", that: failed("EIO"))]`
    Never(Claim),
    /// At the end.
    ///
    /// Example: `properties: [finally(name: "kept", that: image(at: 0, holds: text("abc")))]`
    Finally(Claim),
}

/// A condition with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claim {
    /// What the property is called.
    ///
    /// Example: `name: "no error"`
    pub(crate) name: String,
    /// The condition.
    ///
    /// Example: `that: failed("EIO")`
    pub(crate) that: Condition,
}
