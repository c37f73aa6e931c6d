//! redb 4.4.0: the campaigns of the published crates, unchanged.

#[path = "../../../src/adapters/redb.rs"]
mod adapter;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/redb.rs"]
mod guest;
#[allow(dead_code)]
#[path = "../../../src/guests/redb_tables.rs"]
mod tables;
#[path = "../../row.rs"]
mod row;

mod adapters {
    pub(crate) use crate::adapter as redb;
}

fn main() {
    row::print([guest::campaigns(), tables::campaigns()].concat(), 2000);
}
