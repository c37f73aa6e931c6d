//! Bytes, described.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bytes, described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pattern {
    /// This byte, as often as it takes.
    ///
    /// Example: `holds: fill(0x11)`
    Fill(u8),
    /// Zeroes, as many as it takes.
    ///
    /// Example: `holds: zeroes`
    Zeroes,
    /// So many of one byte, then so many of another.
    ///
    /// Example: `holds: runs([(256, 0x11), (256, 0x22)])`
    Runs(Vec<(u64, u8)>),
    /// These bytes.
    ///
    /// Example: `holds: bytes([0xC0, 0xDE])`
    Bytes(Vec<u8>),
    /// This text in UTF-8.
    ///
    /// Example: `holds: text("commit")`
    Text(String),
    /// One of these; only where bytes are compared.
    ///
    /// Example: `holds: any_of([zeroes, fill(0x11)])`
    AnyOf(Vec<Self>),
}
