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
//! Start at [`World`]; the block layer between a request and the medium is described in
//! ARCHITECTURE.md.

#![no_std]

extern crate alloc;

mod block;
mod choices;
mod disk;
mod image;
mod io;
mod latency;
mod limits;
mod request;
mod runner;
mod time;
mod trace;
mod world;

pub use choices::{
    Calm, Choice, Choices, Key, Mismatch, Point, PointKind, Recorder, Replay, SEEDED_VERSION,
    Schedule, Seeded, Strictness,
};
pub use disk::{DiskId, DiskSpec, NodeId, NodeSpec};
pub use image::Image;
pub use io::{ClientId, Completion, Io, RequestId, Shape, Verb};
pub use latency::{Latencies, Latency};
pub use limits::{LimitError, Limits, LimitsSpec};
pub use request::Life;
pub use runner::{Client, Next, Progress, Runner, Turn, Wait};
pub use time::Instant;
pub use trace::{Fact, RuleList, Sink, TraceHash, What};
pub use world::{Cx, Due, Resumes, World};
