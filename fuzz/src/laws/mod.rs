//! The laws, one module each.

mod bytes;
mod clones;
mod crash_counts;
mod crashes;
mod flushes;
mod imports;
mod lifts;
mod logs;
mod orders;
mod rules;
mod runs;
mod scenario;
mod schedule;
mod straight;
mod suspensions;
mod text;

use arbitrary::Unstructured;

pub use bytes::bytes;
pub use clones::clones;
pub use crash_counts::crash_counts;
pub use crashes::crashes;
pub use flushes::flushes;
pub use imports::imports;
pub use lifts::lifts;
pub use logs::logs;
pub use orders::orders;
pub use rules::rules;
pub use runs::runs;
pub use scenario::scenario;
pub use schedule::schedule;
pub use straight::straight;
pub use suspensions::suspensions;
pub use text::{formats, scenario_text};

/// A law: panics when its input breaks it; an error only says that the input was too short.
pub type Law = fn(&mut Unstructured<'_>) -> arbitrary::Result<()>;

/// Every law, by name.
pub const ALL: &[(&str, Law)] = &[
    ("bytes", bytes),
    ("clones", clones),
    ("crashes", crashes),
    ("flushes", flushes),
    ("formats", formats),
    ("imports", imports),
    ("lifts", lifts),
    ("logs", logs),
    ("orders", orders),
    ("rules", rules),
    ("runs", runs),
    ("scenario", scenario),
    ("scenario_text", scenario_text),
    ("schedule", schedule),
    ("straight", straight),
    ("suspensions", suspensions),
];
