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
    /// A record with its checksum: these bytes, zeroes up to the last four, and in those the CRC-32
    /// (IEEE) of all before, little-endian.
    ///
    /// Example: `holds: with_crc32(of: text("commit"), len: 512)`
    WithCrc32(WithCrc32),
    /// Whatever bytes, of which four are the right CRC-32 (IEEE) of all before them, little-endian;
    /// only where bytes are compared.
    ///
    /// Example: `holds: crc32(at: 508)`
    Crc32(Crc32),
    /// One of these; only where bytes are compared.
    ///
    /// Example: `holds: any_of([zeroes, fill(0x11)])`
    AnyOf(Vec<Self>),
}

/// A record with its checksum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithCrc32 {
    /// What it begins with.
    ///
    /// Example: `of: fill(0x11)`
    pub(crate) of: Box<Pattern>,
    /// How many bytes it has, with the four of the checksum.
    ///
    /// Example: `len: 512`
    pub(crate) len: u64,
}

/// A checksum somewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crc32 {
    /// Where its four bytes are, from the first that is compared.
    ///
    /// Example: `at: 508`
    pub(crate) at: u64,
}
