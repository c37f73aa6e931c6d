//! redb 2.1.1: the campaigns of the published crates, unchanged.

#[path = "../../../src/adapters/redb_2.rs"]
mod adapter;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/redb.rs"]
mod guest;
#[path = "../../row.rs"]
mod row;

mod adapters {
    pub(crate) use crate::adapter as redb;
}

fn main() {
    row::print(guest::campaigns(), 2000);
}
