//! turso_core 0.8.0: the campaigns of its guest.

#[path = "../../../src/adapters/turso_core.rs"]
mod adapter;
#[allow(dead_code, unfulfilled_lint_expectations)]
#[path = "../../../src/guests/turso_core.rs"]
mod guest;
#[path = "../../row.rs"]
mod row;
#[path = "../../../src/guests/sql.rs"]
mod sql;

use std::sync::Arc;

use turso_core::storage::database::DatabaseStorage;
use turso_core::{Database, IO, OpenOptions, Result};

mod adapters {
    pub(crate) use crate::adapter as turso_core;
}

/// How this version opens a database.
fn opened(io: Arc<dyn IO>, file: Arc<dyn DatabaseStorage>) -> Result<Arc<Database>> {
    let dialect = Arc::new(turso_core::SqliteDialect);
    turso_core::Database::open(io, "db", OpenOptions::new(dialect).storage(file))
}

fn main() {
    row::print(guest::campaigns(), 1000);
}
