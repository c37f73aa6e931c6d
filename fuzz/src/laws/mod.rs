//! The laws, one module each.

mod bytes;
mod imports;
mod rules;
mod runs;
mod suspensions;
mod text;

use arbitrary::Unstructured;

pub use bytes::bytes;
pub use imports::imports;
pub use rules::rules;
pub use runs::runs;
pub use suspensions::suspensions;
pub use text::{formats, scenario_text};

/// A law: panics when its input breaks it; an error only says that the input was too short.
pub type Law = fn(&mut Unstructured<'_>) -> arbitrary::Result<()>;

/// Every law, by name.
pub const ALL: &[(&str, Law)] = &[
    ("bytes", bytes),
    ("formats", formats),
    ("imports", imports),
    ("rules", rules),
    ("runs", runs),
    ("scenario_text", scenario_text),
    ("suspensions", suspensions),
];
