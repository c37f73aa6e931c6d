//! What nothing misses: one rule, or one flush, is left out at a time, and the scenario is run
//! again.
//!
//! *Noticed* means that some run comes out otherwise than the scenario expects, and so otherwise
//! than with everything in its place. Whoever writes `expect: violated(..)` therefore learns which
//! flushes the *violation* needs. A scenario that does not come out as expected with everything in
//! its place says nothing about what is left out.

mod leave_out;
mod show;

use leave_out::{LeftOut, left_out};
pub use show::{json, text};

use crate::run::{Coverage, Keep, Outcome, run_seed};
use crate::scenario::{DiskIndex, FaultPlace, RulePlace, Scenario};
use crate::source::{Diagnostic, Errors, Location, Span};

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Rules of nodes, and faults of disks and file systems.
    Rules,
    /// Flushes: of disks and files, and force unit access.
    Flushes,
}

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// So many runs and recoveries for each thing that is left out, at most.
    pub runs: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { runs: 100_000 }
    }
}

/// What came of leaving things out.
#[derive(Clone, Debug)]
pub struct Mutations {
    /// What was left out.
    pub what: What,
    /// What came of the scenario as it is, if that was not as expected: then nothing was left out.
    pub broken: Option<(u64, Outcome)>,
    /// Each thing that was left out, in file order.
    pub all: Vec<Mutation>,
    /// It was stopped before everything was left out once.
    pub is_stopped: bool,
}

/// One thing that was left out.
#[derive(Clone, Debug)]
pub struct Mutation {
    /// What it is: `flush`, `rule "torn"`.
    pub name: String,
    /// Where it is.
    pub location: Location,
    /// Who missed it.
    pub fate: Fate,
}

/// Who missed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The run of this seed came out otherwise.
    Noticed {
        /// The first such seed.
        seed: u64,
        /// What came of it.
        outcome: String,
    },
    /// Nobody.
    Unnoticed {
        /// How many runs were made, each recovery of an exploration counted.
        tried: u64,
        /// Whether a budget ended them before everything was tried.
        is_cut_off: bool,
        /// Whether any run of the whole scenario came there at all.
        is_reached: bool,
    },
    /// The scenario is not valid without it, for this reason: something else in it names it.
    Needed(String),
}

impl Mutations {
    /// Those that nobody missed.
    pub fn unnoticed(&self) -> impl Iterator<Item = &Mutation> {
        self.all.iter().filter(|mutation| matches!(mutation.fate, Fate::Unnoticed { .. }))
    }
}

impl Mutation {
    /// What is to be said of it, for underlining; nothing if it was noticed.
    #[must_use]
    pub fn diagnostic(&self) -> Option<Diagnostic> {
        let Fate::Unnoticed { tried, is_cut_off, is_reached } = &self.fate else { return None };
        let (message, label) = if *is_reached {
            let ended = if *is_cut_off { ", and a budget ended them" } else { "" };
            let label = match *tried {
                1 => "the only run does not miss it".to_owned(),
                tried => format!("none of {tried} runs misses it{ended}"),
            };
            (format!("this {} is not load-bearing", self.name), label)
        } else {
            (format!("this {} is never reached", self.name), "no run comes here".to_owned())
        };
        Some(Diagnostic::new(self.location.span, message).label(label))
    }
}

/// Leaves out one thing at a time.
#[must_use]
pub fn mutate(scenario: &Scenario, what: What, options: &Options) -> Mutations {
    mutate_while(scenario, what, options, &|| true)
}

/// The same, as long as this says so: it is asked before every run. What was found out until then
/// stays.
#[must_use]
pub fn mutate_while(
    scenario: &Scenario,
    what: What,
    options: &Options,
    goes_on: &dyn Fn() -> bool,
) -> Mutations {
    let mut mutations = Mutations { what, broken: None, all: Vec::new(), is_stopped: false };
    let Some(control) = try_all(scenario, options.runs, goes_on) else {
        mutations.is_stopped = true;
        return mutations;
    };
    mutations.broken = control.unexpected;
    if mutations.broken.is_some() {
        return mutations;
    }
    let mut nth = 0;
    while let Some(left_out) = left_out(scenario, what, nth) {
        nth += 1;
        let LeftOut { name, span, owner, file } = left_out;
        let location = scenario.source().locate(span);
        let fate = match valid(&file.to_ron(), scenario) {
            Err(errors) => Fate::Needed(first(&errors)),
            Ok(rest) => {
                let Some(all) = try_all(&rest, options.runs, goes_on) else {
                    mutations.is_stopped = true;
                    return mutations;
                };
                let Tried { unexpected, tried, is_cut_off, .. } = all;
                let is_reached = is_reached(scenario, &control.coverage, owner);
                match unexpected {
                    Some((seed, outcome)) => Fate::Noticed { seed, outcome: outcome.label() },
                    None => Fate::Unnoticed { tried, is_cut_off, is_reached },
                }
            }
        };
        mutations.all.push(Mutation { name, location, fate });
    }
    mutations
}

fn first(errors: &Errors) -> String {
    errors.diagnostics().first().map_or_else(String::new, |first| first.message.clone())
}

/// The scenario without something; what its disks were loaded with stays.
fn valid(text: &str, scenario: &Scenario) -> Result<Scenario, Errors> {
    let mut rest = scenario.parse_like(scenario.source().name(), text)?;
    for (disk, was) in rest.disks.iter_mut().zip(scenario.disks()) {
        disk.loaded.clone_from(&was.loaded);
    }
    Ok(rest)
}

/// What came of all runs of a scenario.
struct Tried {
    /// The first run that did not come out as expected.
    unexpected: Option<(u64, Outcome)>,
    tried: u64,
    is_cut_off: bool,
    coverage: Coverage,
}

/// `None` when it was stopped before that is known.
fn try_all(scenario: &Scenario, runs: u64, goes_on: &dyn Fn() -> bool) -> Option<Tried> {
    let coverage = Coverage::default();
    let mut all = Tried { unexpected: None, tried: 0, is_cut_off: false, coverage };
    for seed in scenario.seeds().iter() {
        if !goes_on() {
            return None;
        }
        if all.tried >= runs {
            all.is_cut_off = true;
            break;
        }
        let run = run_seed(scenario, seed, Keep::Hash);
        all.tried += run.exploration.as_ref().map_or(1, |found| found.tried().max(1));
        all.tried += run.each_failed.len() as u64;
        all.is_cut_off |= run.exploration.as_ref().is_some_and(|found| found.is_cut_off);
        all.coverage.add(&run.coverage);
        if !run.is_expected(scenario) {
            all.unexpected = Some((seed, run.outcome));
            break;
        }
    }
    Some(all)
}

/// Whether a run came to the step, or the rule, that is declared there. A rule for every disk is
/// reached when it does something to one of them.
fn is_reached(scenario: &Scenario, coverage: &Coverage, owner: Span) -> bool {
    let is_it = |location: Location| location.span.start == owner.start;
    let (mut is_known, mut is_reached) = (false, false);
    let mut known = |reached: bool| {
        is_known = true;
        is_reached |= reached;
    };
    let clients = scenario.clients().iter().chain(scenario.recover());
    for (client, of) in clients.enumerate() {
        if let Some(step) = of.steps.iter().position(|step| is_it(step.location)) {
            known(coverage.steps.contains(&(client, step)));
        }
    }
    for (index, of) in scenario.disks().iter().enumerate() {
        let disk = DiskIndex(index);
        if let Some(fault) = of.fault_infos.iter().position(|info| is_it(info.location)) {
            known(coverage.struck.contains(&FaultPlace { disk, fault }));
        }
        for (node, infos) in of.nodes.iter().enumerate() {
            if let Some(rule) = infos.rules.iter().position(|info| is_it(info.location)) {
                let is_fired = |place: &RulePlace| {
                    (place.disk, place.node, place.rule.index()) == (disk, node, rule)
                };
                known(coverage.fired.iter().any(is_fired));
            }
        }
    }
    // Where it cannot be told, nothing is claimed.
    is_reached || !is_known
}

#[cfg(test)]
mod tests;
