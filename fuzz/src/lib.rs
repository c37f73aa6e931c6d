//! Laws: what holds for every input, as plain functions of the bytes an input is made from.
//!
//! A law takes what it needs from an [`Unstructured`](arbitrary::Unstructured) and panics, with
//! the whole story, when it is broken. Who makes the bytes is another's business: `tests/laws.rs`
//! takes random ones and those that once broke a law, `fuzz_targets/` lets libFuzzer look for
//! more.
//!
//! To add one: a module in `laws/`, a line in [`laws::ALL`], a test in `tests/laws.rs`, a shell in
//! `fuzz_targets/` and its `[[bin]]`. A test fails while one of them is missing.

pub mod enumerator;
mod finding;
pub mod laws;
pub mod model;
mod story;
