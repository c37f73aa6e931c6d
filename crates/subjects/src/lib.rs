//! Storage code under test: a reference journal with planted bugs, and published crates as they
//! are.

pub mod adapters;
pub mod guests;
pub mod journal;
