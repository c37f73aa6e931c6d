//! Many runs of one scenario, and what came of them: values in, values out.
//!
//! A [`Plan`] says what is run; [`Chunk`]s are runs that were made in a row, each chunk by one
//! thread; a [`Campaign`] is what has come of all of them, and takes chunks in the order of their
//! seeds. So whatever is said of a campaign depends on the seeds alone, not on how many threads
//! made its runs.
//!
//! ```
//! use headcrash_scenario::campaign::{Campaign, Chunk, Plan};
//! use headcrash_scenario::{Method, parse};
//!
//! let text = r#"(clients: [
//!     (name: "a", steps: [write(at: 0, len: 512, fill: 1)]),
//!     (name: "b", steps: [write(at: 0, len: 512, fill: 2), read(at: 0, len: 512, holds: fill(1))]),
//! ])"#;
//! let scenario = parse("two.ron", text.as_bytes())?;
//! let plan = Plan::new(&scenario, Method::Seeded);
//! let mut campaign = Campaign::default();
//! for seeds in [0..50, 50..100] {
//!     let mut chunk = Chunk::default();
//!     seeds.for_each(|seed| chunk.run(&plan, seed, campaign.coverage()));
//!     campaign.merge(chunk, None);
//! }
//! assert_eq!(campaign.runs(), 100);
//! let finding = &campaign.findings()[0];
//! assert_eq!(finding.kind.outcome, "violated(\"expectation\")");
//! assert!(!plan.run(finding.seed, headcrash_scenario::Keep::Hash).is_expected(&scenario));
//! # Ok::<(), headcrash_scenario::Errors>(())
//! ```
//!
//! [`Line`]s are what a results file holds; [`Recorded`] reads them, and [`merge`] makes one of
//! what several machines have written.

mod chunk;
mod finding;
mod lines;
mod merge;
mod plan;
mod reached;
mod recorded;
mod tally;
mod vacuous;

pub use chunk::Chunk;
pub use finding::{Counts, Finding, FindingKind, counts_as};
pub use lines::{End, FORMAT, Header, HeaderScenario, Line, Progress, Told, Why};
pub use merge::{MergeError, Merged, Missing, merge};
pub use plan::{Part, Plan, nth_seed, seed_count};
pub use reached::Reached;
pub use recorded::{Recorded, RecordedError, RecordedLines, RecordedScenario};
pub use tally::{Campaign, Counted, unmet};
pub use vacuous::{Vacuous, VacuousKind, vacuous};
