//! What a campaign finds.

use serde::{Deserialize, Serialize};

use crate::run::Outcome;
use crate::scenario::{EXPECTATION, Expect, RECOVERS, Scenario};
use crate::source::Location;

/// What an outcome of one run means to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// It is what the scenario expects.
    Expected,
    /// It says nothing: what is expected did not show in this run, and may in another.
    Silent,
    /// It is a finding.
    Finding,
}

/// What an outcome of one run means to a campaign.
///
/// A run on its own has to come out as the scenario expects. Of many runs of a scenario that
/// expects a failure, not every one has to show it: those that hold say nothing. Nor is it a
/// finding that a `sometimes` property was not true in one run of many. Whether what is expected
/// came at all is [`unmet`](super::unmet)'s business.
#[must_use]
pub fn counts_as(scenario: &Scenario, outcome: &Outcome) -> Counts {
    use Counts::{Expected, Finding, Silent};
    let may_refuse = scenario.power_cut().is_some_and(|cut| cut.may_refuse);
    match (scenario.expect(), outcome) {
        (Expect::Held, Outcome::Held)
        | (Expect::Stuck, Outcome::Stuck(_))
        | (Expect::Refused, Outcome::Refused(_))
        | (Expect::Endless, Outcome::Endless(_))
        | (Expect::NotMeasured, Outcome::NotMeasured(_)) => Expected,
        (Expect::Violated(wanted), Outcome::Violated(violation)) => {
            if *wanted == violation.property { Expected } else { Finding }
        }
        (Expect::Held, Outcome::Refused(_)) if may_refuse => Expected,
        (Expect::NotMeasured, Outcome::Held) => Finding,
        (_, Outcome::Held | Outcome::NotMeasured(_)) => Silent,
        (_, Outcome::Refused(_)) if may_refuse => Silent,
        (
            _,
            Outcome::Violated(_) | Outcome::Stuck(_) | Outcome::Refused(_) | Outcome::Endless(_),
        ) => Finding,
    }
}

/// What makes two failures of one scenario the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingKind {
    /// [`Outcome::label`], which names the property.
    pub outcome: String,
    /// The line and column of the step, where the property is the one that steps have without
    /// naming any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<(u32, u32)>,
}

impl FindingKind {
    /// The kind of what an outcome shows.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        let at = match outcome {
            Outcome::Violated(violation) | Outcome::Refused(violation)
                if matches!(&*violation.property, EXPECTATION | RECOVERS) =>
            {
                let Location { line, column, .. } = violation.location;
                Some((line, column))
            }
            _ => None,
        };
        Self { outcome: outcome.label(), at }
    }
}

/// A failure, and the run with the smallest schedule that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What makes it the failure it is.
    pub kind: FindingKind,
    /// In how many runs it was seen.
    pub runs: u64,
    /// How many of the run's answers are not the calmest.
    pub unusual: u64,
    /// How many choices the run makes.
    pub choices: u64,
    /// What the run's choices follow from; in an exhaustive search, the run's number, from 1.
    pub seed: u64,
    /// Who answered the run's choices, as `--search` has it.
    pub search: String,
    /// What was seen.
    pub said: String,
    /// The failure file that repeats it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<String>,
}

impl Finding {
    /// Of two runs that show the same, the first of these is the one to look at: fewest unusual
    /// answers, then the smallest seed.
    #[must_use]
    pub const fn size(&self) -> (u64, u64) {
        (self.unusual, self.seed)
    }

    /// Goes on with the smaller of two runs, and with the runs of both.
    pub(super) fn add(&mut self, other: Self) {
        let runs = self.runs.saturating_add(other.runs);
        if other.size() < self.size() {
            *self = other;
        } else if other.size() == self.size() && other.saved.is_some() {
            self.saved = other.saved;
        }
        self.runs = runs;
    }

    /// The command that shows it again, from the seed alone; `own` is who answers the choices of
    /// the scenario if nobody says otherwise.
    #[must_use]
    pub fn command(&self, scenario: &str, own: &str) -> String {
        let Self { seed, search, .. } = self;
        let is_exhaustive = search == "exhaustive";
        if search == own && !is_exhaustive {
            return crate::repeat_command(scenario, *seed);
        }
        let which = if is_exhaustive {
            format!("--runs {seed}")
        } else {
            format!("--seeds {seed}..{}", seed.saturating_add(1))
        };
        let file =
            if scenario.starts_with('-') { format!("./{scenario}") } else { scenario.into() };
        let words = crate::command_line(["headcrash", "explore", file.as_str()]);
        format!("{words} --search {search} {which} --shrink 0")
    }
}

/// What was seen, in a line.
pub(super) fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Held => String::new(),
        Outcome::Endless(endless) => endless.said(),
        Outcome::Violated(violation) | Outcome::Refused(violation) => violation.message.clone(),
        Outcome::Stuck(waiters) => {
            let waits: Vec<_> = waiters
                .iter()
                .map(|waiter| format!("client `{}` waits {}", waiter.client, waiter.waits_for))
                .collect();
            waits.join("; ")
        }
        Outcome::NotMeasured(properties) => format!("never true: {}", properties.join(", ")),
    }
}
