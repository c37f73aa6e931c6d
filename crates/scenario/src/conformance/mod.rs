//! Recorded answers of real blkdebugs, and whether ours are the same.
//!
//! A case is one line of JSON: rules, requests, and what was seen after each request. The format
//! is described in [`case`]; [`play`] does the same with a world of ours, and [`compare`] finds
//! the first step that differs.

mod case;
mod compare;
mod play;

pub use case::{Case, CaseError, Dialect, Done, Outcome, Recorded, Request, Rule, Seen};
pub use compare::{Difference, compare};
pub use play::{Failure, ORDERS, check, play};
