//! Your storage code inside a world of faulty disks, from `cargo test`.

mod check;
mod code;
mod company;
mod desk;
pub mod harness;
mod ledger;
mod panics;
mod report;
mod spec;
pub mod storage;
mod subject;
pub mod sync;
mod task;
pub mod tasks;
pub mod time;
mod watchdog;
mod world;

mod disk;
mod files;
mod flash;

pub use check::{Campaign, Check, check, check_async, simulate};
pub use disk::{AsyncSimDisk, SimDisk};
pub use files::{AsyncSimFile, AsyncSimFiles, SimFile, SimFiles};
pub use flash::SimFlash;
pub use headcrash_io as io;
pub use report::Report;
pub use spec::{Disk, FileSystem};
pub use storage::Storage;
pub use subject::{AsyncSubject, Fallible, Model, OpOf, Operation, Past, ReplyOf, Subject, ViewOf};
pub use world::World;

/// The property that code violates that panics.
pub const PANICS: &str = "no panic";
/// The property that an operation violates that does not answer as the model does.
pub const ANSWERS: &str = "answers as the model";
/// The property that a subject violates that does not show what the model does, without a crash.
pub const SHOWS: &str = "shows the model";
/// The property that a recovery violates that shows what no number of operations leaves.
pub const SURVIVES: &str = "what was acknowledged survives";
/// The property that a subject violates that cannot be opened after a power cut.
pub const RECOVERS: &str = "recovers";
/// The property that an error violates for which the world gave no reason.
pub const CAUSE: &str = "no error without a cause";
/// The property that code violates whose disks are used by somebody who is no client of the world.
pub const STRANGERS: &str = "only clients use disks";
