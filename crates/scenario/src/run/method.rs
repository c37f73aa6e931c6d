//! Who answers the choices of a run.

use std::fmt;
use std::str::FromStr;

use headcrash_search::Priorities;
use headcrash_sim::Seeded;

use super::exhaust::exhaust;
use super::{Keep, Run, Variant, run_each};
use crate::scenario::Scenario;

/// Who answers the choices of the runs of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// A seed: a fair draw at every question ([`Seeded`]).
    #[default]
    Seeded,
    /// A seed draws ranks, and few changes of them ([`Priorities`]): bugs that need no more than
    /// so many steps in a certain order are found with a known probability.
    Pct {
        /// How many steps: at least 1, at most [`Method::DEPTH_MAX`].
        depth: u32,
    },
    /// Every answer to every question ([`Odometer`](headcrash_search::Odometer)), and no seeds.
    Exhaustive {
        /// At most so many runs are made.
        runs: u64,
    },
}

impl Method {
    /// No bug has been said to need more steps in a certain order.
    pub const DEPTH_MAX: u32 = 64;

    /// As many runs as an exhaustive search makes if nobody says how many.
    pub const RUNS: u64 = 100_000;

    /// Runs a scenario with what follows from `seed`, as [`run_seed`](crate::run_seed) does with
    /// the scenario's own method. `length` is what [`Self::length`] says of the scenario.
    ///
    /// [`Method::Exhaustive`] makes all runs at once, whatever the seed.
    #[must_use]
    pub fn run(self, scenario: &Scenario, seed: u64, length: u64, keep: Keep) -> Run {
        match self {
            Self::Seeded => run_each(scenario, keep, &|| Box::new(Seeded::from_seed(seed))),
            Self::Pct { depth } => {
                run_each(scenario, keep, &|| Box::new(Priorities::new(seed, depth, length)))
            }
            Self::Exhaustive { runs } => exhaust(scenario, runs, keep),
        }
    }

    /// How many questions of who a calm run of the scenario asks: the length that
    /// [`Method::Pct`] spreads its changes over. 0 for the others, which need none.
    #[must_use]
    pub fn length(self, scenario: &Scenario) -> u64 {
        match self {
            Self::Pct { .. } => {
                let ranks = Priorities::new(0, 1, 1);
                super::run_as(scenario, Variant::default(), ranks, Keep::Hash).1.asked()
            }
            Self::Seeded | Self::Exhaustive { .. } => 0,
        }
    }
}

/// `seeded`, `pct:3`, `exhaustive`.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seeded => f.write_str("seeded"),
            Self::Pct { depth } => write!(f, "pct:{depth}"),
            Self::Exhaustive { .. } => f.write_str("exhaustive"),
        }
    }
}

/// What is none, with what would have been one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`seeded`, `pct:D` with D from 1 to {}, or `exhaustive`", Method::DEPTH_MAX)]
pub struct NoMethod;

impl FromStr for Method {
    type Err = NoMethod;

    fn from_str(text: &str) -> Result<Self, NoMethod> {
        match text.split_once(':') {
            None if text == "seeded" => Ok(Self::Seeded),
            None if text == "exhaustive" => Ok(Self::Exhaustive { runs: Self::RUNS }),
            None if text == "pct" => Ok(Self::Pct { depth: 3 }),
            Some(("pct", depth)) => match depth.parse() {
                Ok(depth) if (1..=Self::DEPTH_MAX).contains(&depth) => Ok(Self::Pct { depth }),
                _ => Err(NoMethod),
            },
            _ => Err(NoMethod),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_as_it_is_shown() {
        for text in ["seeded", "pct:1", "pct:64", "exhaustive"] {
            assert_eq!(
                text.parse::<Method>().map(|method| method.to_string()),
                Ok(text.to_owned())
            );
        }
        for text in ["pct:0", "pct:65", "pct:", "random", "seeded:1", ""] {
            assert_eq!(text.parse::<Method>(), Err(NoMethod), "{text}");
        }
    }
}
