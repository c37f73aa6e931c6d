//! Carries out: a world of virtual disks and a virtual clock.
//!
//! A [`World`] owns clock, disks, nodes and requests; a [`Runner`] puts [`Client`]s beside it.
//! Everything that could go two ways asks [`Choices`], and everything that happens is told to a
//! [`Sink`] as a [`Fact`]; both are passed in, so a world is a value, and the same choices give
//! the same facts on every machine.
//!
//! * [`World::submit`]: a request enters its disk and runs as far as it goes.
//! * [`World::step`]: the next due thing happens.
//! * [`Runner::step`]: whoever is next, client or world, does one thing.
//!
//! A client is anything that takes steps: the scripts of scenario files are one kind. Here is
//! another, which writes a block, waits, and is done:
//!
//! ```
//! use headcrash_engine::{Dialect, ProgramBuilder, Quirks};
//! use headcrash_sim::*;
//!
//! struct Writer(Option<RequestId>);
//!
//! impl Client for Writer {
//!     fn name(&self) -> &str {
//!         "writer"
//!     }
//!
//!     fn turn(&mut self, turn: &mut Turn<'_, '_>) -> Next {
//!         match self.0 {
//!             None => {
//!                 let io = Io::Write { at: 0, data: vec![7; 512].into(), fua: false };
//!                 let request = turn.submit(DiskId(0), io);
//!                 self.0 = Some(request);
//!                 Next::Wait(Wait::Completion(request))
//!             }
//!             Some(request) => {
//!                 let done = turn.completion(request).expect("it was waited for");
//!                 assert_eq!(done.result, Ok(()));
//!                 Next::Done
//!             }
//!         }
//!     }
//! }
//!
//! let node = NodeSpec {
//!     program: ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build()?.into(),
//!     limits: Limits::new(Dialect::Qemu10, LimitsSpec::default())?,
//! };
//! let disk = DiskSpec {
//!     latencies: Latencies::all(Latency::Uniform { min: 1_000, max: 9_000 }),
//!     ..DiskSpec::new("d0", Image::new(65_536, 0), vec![node])
//! };
//! let mut runner = Runner::new(World::new(vec![disk], Resumes::ByScript), vec![Writer(None)]);
//! let mut facts: Vec<Fact> = Vec::new();
//! let mut cx = Cx { choices: &mut Seeded::from_seed(42), sink: &mut facts };
//! runner.world_mut().open(DiskId(0), &mut cx);
//! while runner.step(&mut cx) == Progress::Stepped {}
//! assert!(runner.is_done(ClientId(0)) && runner.world().now() > Instant::START);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Start at [`World`]; what can go wrong, and how to say it, is in [`catalogue`]; the block layer between a request and the medium is described in
//! ARCHITECTURE.md.

#![no_std]

extern crate alloc;

mod agenda;
mod block;
mod choices;
mod copies;
mod cut;
mod device;
mod disk;
mod fault;
mod file_cache;
mod file_ops;
mod files;
mod flash;
mod footprint;
mod image;
mod io;
mod latency;
mod limits;
mod medium;
mod misuse;
mod opening;
mod preset;
mod request;
mod runner;
mod time;
mod trace;
mod world;

#[doc = include_str!("../FAULTS.md")]
pub mod catalogue {}

pub use agenda::Due;
pub use choices::{
    Calm, Choice, Choices, Key, Mismatch, Point, PointKind, Recorder, Replay, SEEDED_VERSION,
    Schedule, Seeded, Strictness,
};
pub use copies::Copies;
pub use cut::{Engines, Skew, UnitStates};
pub use device::{
    Device, DeviceCache, DeviceError, DeviceProblem, Discarded, FlushFailure, Fua, OnTear, Order,
    Tears,
};
pub use disk::{DiskId, DiskSpec, NodeId, NodeSpec};
pub use fault::{Applied, Damage, Effect, Fault, FaultRule, Lasts};
pub use file_ops::{
    FileFault, FileOp, FilePlace, FileShape, FileSystemSpec, FileVerb, FileVerbs, FsId,
};
pub use files::{
    Commits, DirEntry, EntryKind, FileContract, FileCx, FileId, FileSystem, Inode, Journal,
    MetadataOrder, Place, Resolved, Unresolved,
};
pub use flash::{
    Flash, FlashError, FlashOp, FlashSpec, FlashSpecError, Interrupted, Programmed, WornMode,
};
pub use footprint::Footprint;
pub use image::Image;
pub use io::{ClientId, Completion, Io, RequestId, Shape, Verb};
pub use latency::{Latencies, Latency};
pub use limits::{LimitError, Limits, LimitsSpec};
pub use medium::{DeviceEvent, LiveFault, Resolution, StateCount};
pub use misuse::{Misuse, MisuseKind};
pub use preset::Preset;
pub use request::Life;
pub use runner::{Client, Next, Progress, Runner, Turn, Wait};
pub use time::Instant;
pub use trace::{Fact, RuleList, Sink, TraceHash, What};
pub use world::{Cx, Resumes, World};
