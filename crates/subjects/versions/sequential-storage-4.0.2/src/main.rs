//! sequential-storage 4.0.2: the campaigns of the published crates, unchanged.

#[path = "../../../src/adapters/sequential_storage_4.rs"]
mod adapter;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/sequential_storage.rs"]
mod guest;
#[path = "../../../src/adapters/nor_flash.rs"]
mod nor_flash;
#[path = "../../row.rs"]
mod row;

mod adapters {
    pub(crate) use crate::adapter as sequential_storage;
    pub(crate) use crate::nor_flash;
}

fn main() {
    row::print(guest::campaigns(), 20000);
}
