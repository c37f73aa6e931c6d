//! embedded-sdmmc 0.8.0: the campaigns of the published crates, unchanged.

#[path = "../../../src/adapters/embedded_sdmmc_0_8.rs"]
mod adapter;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/embedded_sdmmc.rs"]
mod guest;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/fat.rs"]
mod fat;
#[path = "../../row.rs"]
mod row;

mod adapters {
    pub(crate) use crate::adapter as embedded_sdmmc;
}

mod guests {
    pub(crate) use crate::fat;
}

fn main() {
    row::print(guest::campaigns(), 2000);
}
