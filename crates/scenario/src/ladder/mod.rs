//! The ladder: one promise of the disks is broken after the other, and what comes of it is *the
//! weakest device this code survives*.
//!
//! It begins on a device that keeps every promise there is: completed writes are durable, in order,
//! and whole. Going down, each rung breaks one promise, on top of those whose breaking the code
//! has survived; one that it does not survive is kept from there on, and what would break it
//! further is not tried. Below the promises about power cuts come things that go wrong once: an
//! error, or a lie. Each of them stands alone on the weakest device that was survived, and is tried
//! at every access of its kind, one in each run.
//!
//! Every rung is a scenario of its own, as valid as the one it was made from, and expects that
//! everything holds whatever that one expects.

mod climb;
mod faults;
mod promises;
mod show;

pub use climb::{climb, climb_while};
pub use show::{json, text};

use std::fmt;

use crate::run::Run;
use crate::scenario::Scenario;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// So many runs and recoveries for each rung, at most.
    pub runs: u64,
    /// So many runs to make the failure at the first broken rung smaller; 0 leaves it as it is.
    pub shrink: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { runs: 10_000, shrink: 5_000 }
    }
}

/// What came of climbing down.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// From the strongest device down. What no disk of the scenario can be, and what changes
    /// nothing about them, is left out.
    pub rungs: Vec<Rung>,
    /// The budget of each.
    pub runs: u64,
    /// The weakest device that was survived, as one scenario: without what goes wrong once. Nothing
    /// if the strongest was not survived.
    pub weakest: Option<Box<Scenario>>,
    /// Whether the power ever goes: if not, only what goes wrong once was tried.
    pub has_cut: bool,
    /// Whether somebody has ended it: then there are rungs that are not here.
    pub is_stopped: bool,
}

/// One promise that is broken.
#[derive(Clone, Debug)]
pub struct Rung {
    /// Its name.
    pub id: &'static str,
    /// What may happen.
    pub words: &'static str,
    /// What came of it.
    pub verdict: Verdict,
    /// How many runs were made, each recovery of an exploration counted.
    pub tried: u64,
    /// Whether the budget ended it before everything was tried.
    pub is_cut_off: bool,
    /// What went wrong and where, if the promise is about one access: `write 3 of main to d0`.
    pub struck: Option<String>,
    /// A run that does not hold.
    pub found: Option<Box<Found>>,
}

/// What comes of a rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that should hold held.
    Holds,
    /// Something did not come through, but nobody was told otherwise: the recovery refused, or an
    /// access failed that the code is not prepared for.
    Loud,
    /// Something is wrong that should hold.
    Breaks,
    /// It breaks more than this one does, and that was not survived.
    Implied(&'static str),
    /// No access was there to go wrong.
    Never,
}

impl Verdict {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Loud => "loud",
            Self::Breaks => "BREAKS",
            Self::Implied(_) => "implied",
            Self::Never => "never",
        }
    }
}

/// A run that does not hold, and the scenario it is of.
#[derive(Clone, Debug)]
pub struct Found {
    /// The rung's.
    pub scenario: Scenario,
    /// The run.
    pub run: Run,
    /// The seed it follows from.
    pub seed: u64,
    /// Whether both were made smaller than the rung's.
    pub is_smaller: bool,
}

impl Ladder {
    /// The first rung that is not survived; a silent failure before a loud one.
    #[must_use]
    pub fn first_broken(&self) -> Option<&Rung> {
        self.first_broken_place().map(|place| &self.rungs[place])
    }

    fn first_broken_place(&self) -> Option<usize> {
        let first = |verdict| self.rungs.iter().position(|rung| rung.verdict == verdict);
        first(Verdict::Breaks).or_else(|| first(Verdict::Loud))
    }

    /// Whether the strongest device was survived.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.rungs.first().is_none_or(|rung| rung.verdict == Verdict::Holds)
    }
}

/// As [`text`] has it.
impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self))
    }
}

#[cfg(test)]
mod tests;
