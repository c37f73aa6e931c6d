//! Recorded answers of real blkdebugs, and whether ours are the same.
//!
//! A case is one line of JSON: rules, requests, and what was seen after each request. The format
//! is described in [`Recorded`]; [`play`] does the same with a world of ours, and [`compare`]
//! finds the first step that differs. [`generate`] makes cases nobody has recorded yet, and
//! [`live`] says how to ask `qemu-io` for its answers.

mod case;
mod compare;
mod generate;
pub mod live;
mod play;

pub use case::{
    Case, CaseError, Dialect, Done, ImageKind, IoType, Options, Outcome, Recorded, Request, Rule,
    Seen, Top,
};
pub use compare::{Difference, compare};
pub use generate::generate;
pub use play::{Failure, ORDERS, check, play};
