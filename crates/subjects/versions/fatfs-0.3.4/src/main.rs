//! fatfs 0.3.4: the campaigns of the published crates, unchanged.

#[path = "../../../src/adapters/fatfs.rs"]
mod adapter;
#[path = "../../../src/guests/fatfs.rs"]
mod guest;
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
