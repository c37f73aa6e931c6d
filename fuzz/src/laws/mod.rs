//! The laws, one module each.

mod rules;
mod suspensions;

use arbitrary::Unstructured;

pub use rules::rules;
pub use suspensions::suspensions;

/// A law: panics when its input breaks it; an error only says that the input was too short.
pub type Law = fn(&mut Unstructured<'_>) -> arbitrary::Result<()>;

/// Every law, by name.
pub const ALL: &[(&str, Law)] = &[("rules", rules), ("suspensions", suspensions)];
