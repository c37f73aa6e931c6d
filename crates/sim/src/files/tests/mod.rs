//! Claims about files, and the slow way to find crash states as their judge.

mod brute;
mod claims;
mod errors;
mod script;
mod state;
mod states;

use super::FileContract;

/// Units of four bytes, so that short texts span several.
fn contract(name: &str) -> FileContract {
    FileContract::from_name(name).expect("a contract with this name").with_unit(4)
}
