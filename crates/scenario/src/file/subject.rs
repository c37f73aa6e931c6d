//! Code under test, as a file names it.

use ron::value::RawValue;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::is_default;

/// Code under test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Subject {
    /// What it is called.
    ///
    /// Example: `name: "journal"`
    pub(crate) name: String,
    /// The disks it is opened on, in its own order; without any, all.
    ///
    /// Default: `[]`
    ///
    /// Example: `disks: ["d0"]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) disks: Vec<String>,
    /// The file systems it is opened on, in its own order; without any, all.
    ///
    /// Default: `[]`
    ///
    /// Example: `file_systems: ["home"]`
    #[serde(default, skip_serializing_if = "is_default")]
    pub(crate) file_systems: Vec<String>,
}

/// An operation of a subject, which alone knows what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Operation(Box<RawValue>);

impl Operation {
    /// The operation that is written so, if it is RON.
    pub(crate) fn new(text: &str) -> Option<Self> {
        RawValue::from_ron(text).ok().map(|raw| Self(raw.to_owned()))
    }

    pub(crate) fn text(&self) -> &str {
        self.0.get_ron().trim()
    }
}

impl PartialEq for Operation {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl JsonSchema for Operation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Operation".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-ron": "any" })
    }
}
