//! Crash states of a device that somebody else wrote to, as a log of writes tells.
//!
//! [`LogStates`] replays a log on a disk of a world, stops at the end of each epoch and at each
//! mark, and gives the images that a power cut could leave there, each once. Whoever asks for them
//! hands them to a check and [counts](LogReport::count) what it says.

mod report;
mod states;

pub use report::{LogReport, LoudState, PointReport};
pub use states::{LogFault, LogImage, LogOptions, LogPoint, LogStates, Stop};
