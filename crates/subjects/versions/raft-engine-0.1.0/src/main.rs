//! raft-engine 0.1.0: the campaigns of its guest.

#[path = "../../../src/adapters/raft_engine.rs"]
mod adapter;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/raft_engine.rs"]
mod guest;
#[path = "../../row.rs"]
mod row;

mod adapters {
    pub(crate) use crate::adapter as raft_engine;
}

fn main() {
    row::print(guest::campaigns(), 2000);
}
