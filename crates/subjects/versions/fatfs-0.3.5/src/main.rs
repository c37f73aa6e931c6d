//! fatfs 0.3.5: the campaigns of the published crates, unchanged.

#[path = "../../../src/adapters/fatfs.rs"]
mod adapter;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/fatfs.rs"]
mod guest;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/fat.rs"]
mod fat;
#[path = "../../row.rs"]
mod row;

mod adapters {
    pub(crate) use crate::adapter as fatfs;
}

mod guests {
    pub(crate) use crate::fat;
}

fn main() {
    row::print(guest::campaigns(), 2000);
}
