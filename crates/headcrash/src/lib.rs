//! Your storage code inside a world of faulty disks, from `cargo test`.
//!
//! A dependency for tests only. Production code is written against the traits of [`io`] (the crate
//! `headcrash-io`, which depends on nothing): [`BlockDevice`](io::BlockDevice), [`File`](io::File),
//! [`Directory`](io::Directory), or against [`std::io`] with [`Cursor`](io::Cursor). In production
//! it stands on a [`FileDisk`](io::FileDisk) or on files of `std`; here on a [`SimDisk`] or
//! [`SimFiles`], which wait, fail, tear, lose their power, and do it again the same way.
//!
//! # A subject and its model
//!
//! Say how your code is opened and called ([`Subject`], or [`AsyncSubject`] if its methods are
//! `async`), and what should come of that, on plain data ([`Model`]). The rest follows:
//!
//! * after a power cut it shows what the model does after some number of operations: at least those
//!   acknowledged as durable, at most those submitted;
//! * without one it shows exactly the model, also when it was closed and opened again;
//! * an error is there for a reason, and what it leaves is the operation done, or not;
//! * nothing panics, hangs, or takes memory without end.
//!
//! ```
//! use headcrash::io::{BlockDevice, Sector};
//! use headcrash::{Disk, Fallible, Model, SimDisk, Storage, Subject, check};
//!
//! /// A byte in a sector. An operation sets it.
//! struct Byte(SimDisk);
//!
//! #[derive(Clone, Default)]
//! struct Plain(u8);
//!
//! impl Model for Plain {
//!     type Op = u8;
//!     type Reply = ();
//!     type View = u8;
//!
//!     fn apply(&mut self, op: &u8) {
//!         self.0 = *op;
//!     }
//!
//!     fn view(&self) -> u8 {
//!         self.0
//!     }
//! }
//!
//! impl Subject for Byte {
//!     type Model = Plain;
//!     const NAME: &'static str = "byte";
//!
//!     fn open(storage: &Storage) -> Fallible<Self> {
//!         Ok(Self(storage.disk("d0")))
//!     }
//!
//!     fn apply(&mut self, op: &u8) -> Fallible<()> {
//!         self.0.write(Sector(0), &[*op; 512])?;
//!         Ok(()) // the flush is forgotten
//!     }
//!
//!     fn show(&mut self) -> Fallible<u8> {
//!         let mut sector = [0; 512];
//!         self.0.read(Sector(0), &mut sector)?;
//!         Ok(sector[0])
//!     }
//! }
//!
//! let test = check::<Byte>().disk("d0", Disk::new(1 << 20).volatile_cache()).power_cuts(1);
//! let found = test.try_run().expect_err("what was acknowledged is lost");
//! assert_eq!(found.outcome, r#"violated("what was acknowledged survives")"#);
//! assert_eq!(found.operations, 1, "it is as small as it can be");
//! assert!(found.text.contains("HEADCRASH_REPLAY="), "and can be had again");
//! ```
//!
//! In a test, [`Check::run`] panics with all of that. What can go wrong is said by [`Check`]: power
//! cuts at random or [everywhere](Check::power_cut_everywhere), errors, several clients, and whatever
//! a scenario file can say, by [`Disk::with`], [`Check::rule`] and [`Check::with`].
//!
//! # The same operations in files, and under a fuzzer
//!
//! Operations are values: with [`scenario_tests!`] each file of a folder is a test, in which clients
//! have `ops: [Set(7), Get]` and everything else is as in any scenario. [`Check::fuzz`] is a fuzz
//! target in one line, [`Check::exhaustive`] tries every order, [`Check::ladder`] finds the weakest
//! disk that the code survives.
//!
//! # Free-form tests
//!
//! [`simulate`] runs a closure as a client, which [spawns](tasks) others, blocking or async, that
//! wait for each other by [`sync`] and let time pass by [`time`].
//!
//! # What it takes
//!
//! Everything that could go one way or another has to be asked of the world. A clock, a thread, a
//! [`HashMap`](std::collections::HashMap) whose order shows, make two runs of one seed differ: the first seeds of each test
//! are run twice, and the first difference is shown. A lock of `std` held across I/O, or a loop
//! without I/O, stops everybody: after 10 s (`HEADCRASH_WATCHDOG`, in seconds) the process ends with
//! code 3 and says who it was, and so it does when it has 8 GiB of memory (`HEADCRASH_MEMORY`, in
//! MiB).
//!
//! After a power cut no client lives. Whatever blocking code still asks for is answered `ENODEV`
//! until it returns; a future is dropped where it stands. Then the subject is opened again.

mod check;
mod code;
mod company;
mod desk;
pub mod harness;
mod jobs;
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
mod workers;
mod world;

mod disk;
mod files;
mod flash;

pub use check::{Campaign, Check, check, check_async, simulate};
pub use disk::{AsyncSimDisk, SimDisk};
pub use files::{AsyncSimFile, AsyncSimFiles, SimFile, SimFiles};
pub use flash::SimFlash;
pub use headcrash_io as io;
pub use headcrash_scenario::ladder;
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
