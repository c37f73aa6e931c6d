//! Many runs of one thing: every answer to its choices, or those that find most.
//!
//! | who answers | for |
//! |---|---|
//! | [`Seeded`](headcrash_sim::Seeded), in sim | search at random |
//! | [`Priorities`] | bugs that need few steps in a certain order: found with a known probability |
//! | [`Odometer`] | every run of something small, each order of steps that matters once |
//! | [`Bytes`] | a fuzzer's input |
//! | [`Replay`](headcrash_sim::Replay), in sim | a run that was recorded |
//! | [`Walk`] | what a power cut can have left, the calmest first |
//!
//! A [`Frontier`] hands out [`Path`]s; a [`Walk`] answers a run's choices along one of them, calmly
//! once it is used up, and writes down what was asked; what it saw goes back to the frontier, which
//! then knows where else to turn. Every sequence of answers comes up exactly once.
//!
//! ```
//! use headcrash_search::{Frontier, Policy, Walk};
//! use headcrash_sim::{Choices, Key, Point, PointKind};
//!
//! // Something that asks twice if the first answer is 1, and once otherwise.
//! let run = |choices: &mut dyn Choices| {
//!     let point = Point::new(PointKind::CrashSector, Key::NOBODY);
//!     match choices.choose(point, 3) {
//!         1 => (1, choices.choose(point, 2)),
//!         other => (other, 0),
//!     }
//! };
//! let mut frontier = Frontier::new(Policy { depth: 10, ..Policy::default() });
//! let mut seen = Vec::new();
//! while let Some(path) = frontier.next() {
//!     let mut walk = Walk::along(&path, frontier.policy());
//!     seen.push(run(&mut walk));
//!     frontier.learn(path, walk);
//! }
//! assert_eq!(seen, [(0, 0), (1, 0), (2, 0), (1, 1)]);
//! assert!(frontier.is_complete());
//! ```

mod bytes;
mod frontier;
mod odometer;
mod priorities;
mod walk;

pub use bytes::Bytes;
pub use frontier::{Frontier, Path};
pub use odometer::{ANSWERS_MAX, Odometer};
pub use priorities::Priorities;
pub use walk::{Asked, Order, Polarity, Policy, Walk};
