//! One scenario with one source of choices.

mod condition;
mod observer;
mod script;
mod violation;

use headcrash_sim::{
    Choices, Cx, DiskSpec, Fact, Image, NodeSpec, Progress, Recorder, Resumes, Runner, Schedule,
    Seeded, Wait, What, World,
};

use condition::{Moment, suspended_tags};
use observer::Observer;
use script::{Script, client, disk};
use violation::Claim;
pub use violation::{Outcome, Violation, Waiter};

use crate::scenario::{
    Disk, EXPECTATION, Expect, Medium, PropertyKind, Scenario, Suspensions, Top,
};

/// A run that has taken so many steps is given up as endless.
pub const STEPS_MAX: u64 = 10_000_000;

/// A run whose requests have taken so many steps of their plans is given up as endless.
pub const WORK_MAX: u64 = 50_000_000;

/// A trace is kept as far as this; its hash covers everything.
pub const FACTS_MAX: usize = 1_000_000;

/// One scenario with one source of choices, and what came of it.
#[derive(Clone, Debug)]
pub struct Run {
    /// What came of it.
    pub outcome: Outcome,
    /// What happened, in order; empty if it was not asked for. At most [`FACTS_MAX`] facts.
    pub facts: Vec<Fact>,
    /// How many things happened.
    pub fact_count: u64,
    /// The rolling hash over all of them: equal for equal runs, on every machine.
    pub hash: u64,
    /// The choices that were made: with them the run can be had again.
    pub schedule: Schedule,
    /// Tags under which requests were still suspended at the end, sorted.
    pub suspended: Vec<String>,
}

/// Whether a run keeps its facts, or only their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The facts.
    Trace,
    /// Their hash.
    Hash,
}

/// Runs a scenario with the choices of a seed.
#[must_use]
pub fn run_seed(scenario: &Scenario, seed: u64, keep: Keep) -> Run {
    run(scenario, Seeded::from_seed(seed), keep).0
}

/// Runs a scenario, and gives back who answered.
pub fn run<C: Choices>(scenario: &Scenario, choices: C, keep: Keep) -> (Run, C) {
    let mut recorder = Recorder::new(choices);
    let facts = (keep == Keep::Trace).then(Vec::new);
    let mut observer = Observer { facts, ..Observer::default() };
    let scripts = scenario.clients().iter().map(|client| Script::new(scenario, client)).collect();
    let mut runner = Runner::new(world(scenario), scripts);
    let outcome = drive(scenario, &mut runner, &mut recorder, &mut observer);
    let suspended = suspended_tags(runner.world()).into_iter().map(str::to_owned).collect();
    let (schedule, choices) = recorder.finish();
    let run = Run {
        outcome,
        facts: observer.facts.unwrap_or_default(),
        fact_count: observer.hash.facts(),
        hash: observer.hash.value(),
        schedule,
        suspended,
    };
    (run, choices)
}

impl Run {
    /// Whether the scenario expects what came of this run.
    #[must_use]
    pub fn is_expected(&self, scenario: &Scenario) -> bool {
        match (scenario.expect(), &self.outcome) {
            (Expect::Held, Outcome::Held)
            | (Expect::Stuck, Outcome::Stuck(_))
            | (Expect::NotMeasured, Outcome::NotMeasured(_)) => true,
            (Expect::Violated(wanted), Outcome::Violated(violation)) => {
                *wanted == violation.property
            }
            (Expect::Held | Expect::Stuck | Expect::NotMeasured | Expect::Violated(_), _) => false,
        }
    }
}

/// The world a scenario begins with.
pub(crate) fn world(scenario: &Scenario) -> World {
    let resumes = match scenario.suspensions() {
        Suspensions::ByScript => Resumes::ByScript,
        Suspensions::After { ns } => Resumes::AfterNs(ns),
        Suspensions::Seeded => Resumes::Seeded,
    };
    World::new(scenario.disks().iter().map(disk_spec).collect(), resumes)
}

fn disk_spec(disk: &Disk) -> DiskSpec {
    let mut image = Image::new(disk.size, disk.fill);
    for extent in &disk.contents {
        let mut at = extent.at;
        for (len, byte) in extent.data.runs(extent.len) {
            image.fill(at, len, byte);
            at += len;
        }
    }
    let node = |node: &crate::scenario::Node| NodeSpec {
        program: node.program.clone(),
        limits: node.limits,
    };
    DiskSpec {
        forgets: disk.medium == Medium::Null,
        latencies: disk.latencies,
        raw: disk.top == Top::Raw,
        no_flush: disk.no_flush,
        read_only: disk.read_only,
        device: disk.device,
        faults: disk.faults.clone(),
        // There are few disks, and fewer groups.
        group: disk.group.map(|group| group as u32),
        ..DiskSpec::new(&disk.name, image, disk.nodes.iter().map(node).collect())
    }
}

fn drive<'s>(
    scenario: &'s Scenario,
    runner: &mut Runner<Script<'s>>,
    choices: &mut dyn Choices,
    observer: &mut Observer,
) -> Outcome {
    let mut seen_true = vec![false; scenario.properties().len()];
    let open = scenario.disks().iter().enumerate().filter(|(_, disk)| disk.open);
    for (index, _) in open {
        let disk = disk(crate::scenario::DiskIndex(index));
        runner.world_mut().open(disk, &mut Cx { choices, sink: observer });
    }
    for _ in 0..STEPS_MAX {
        if runner.world().work() > WORK_MAX {
            break;
        }
        if let Some(violation) = broken_property(scenario, runner, observer, &mut seen_true) {
            return violated(runner, observer, violation);
        }
        match runner.step(&mut Cx { choices, sink: observer }) {
            Progress::Stepped => {}
            Progress::Finished => return finish(scenario, runner, observer, &seen_true),
            Progress::Dark => return finish(scenario, runner, observer, &seen_true),
            Progress::Stuck => return Outcome::Stuck(waiters(scenario, runner)),
        }
        let claims: Vec<_> =
            runner.clients_mut().iter_mut().filter_map(Script::take_claim).collect();
        for claim in claims {
            if let Some(violation) = broken_claim(scenario, runner, observer, claim) {
                return violated(runner, observer, violation);
            }
        }
    }
    Outcome::Endless
}

/// The violation, told to the trace as well.
fn violated(runner: &Runner<Script<'_>>, observer: &mut Observer, violation: Violation) -> Outcome {
    let property = violation.property.as_str().into();
    let fact = Fact { at: runner.world().now(), what: What::Violated { property } };
    headcrash_sim::Sink::tell(observer, fact);
    Outcome::Violated(violation)
}

fn broken_claim(
    scenario: &Scenario,
    runner: &Runner<Script<'_>>,
    observer: &Observer,
    claim: Claim<'_>,
) -> Option<Violation> {
    match claim {
        Claim::Violated(violation) => Some(violation),
        Claim::Holds(condition, location) => {
            let moment = Moment { scenario, runner, observer };
            (!moment.holds(condition)).then(|| Violation {
                property: EXPECTATION.to_owned(),
                message: join("this is not so", &moment.instead(condition)),
                location,
                at: runner.world().now(),
            })
        }
    }
}

/// Looks at every property that is about each moment.
fn broken_property(
    scenario: &Scenario,
    runner: &Runner<Script<'_>>,
    observer: &Observer,
    seen_true: &mut [bool],
) -> Option<Violation> {
    let moment = Moment { scenario, runner, observer };
    for (property, seen) in scenario.properties().iter().zip(seen_true) {
        let message = match property.kind {
            PropertyKind::Finally => continue,
            PropertyKind::Sometimes => {
                *seen = *seen || moment.holds(&property.that);
                continue;
            }
            PropertyKind::Always if moment.holds(&property.that) => continue,
            PropertyKind::Never if !moment.holds(&property.that) => continue,
            PropertyKind::Always => join("this is not always so", &moment.instead(&property.that)),
            PropertyKind::Never => "this is so now".to_owned(),
        };
        return Some(Violation {
            property: property.name.clone(),
            message,
            location: property.location,
            at: runner.world().now(),
        });
    }
    None
}

fn finish(
    scenario: &Scenario,
    runner: &Runner<Script<'_>>,
    observer: &mut Observer,
    seen_true: &[bool],
) -> Outcome {
    let moment = Moment { scenario, runner, observer };
    let last = |property: &&crate::scenario::Property| {
        property.kind == PropertyKind::Finally && !moment.holds(&property.that)
    };
    if let Some(property) = scenario.properties().iter().find(last) {
        let violation = Violation {
            property: property.name.clone(),
            message: join("this is not so at the end", &moment.instead(&property.that)),
            location: property.location,
            at: runner.world().now(),
        };
        return violated(runner, observer, violation);
    }
    let properties = scenario.properties().iter().zip(seen_true);
    let unmeasured: Vec<_> = properties
        .filter(|(property, seen)| property.kind == PropertyKind::Sometimes && !**seen)
        .map(|(property, _)| property.name.clone())
        .collect();
    if unmeasured.is_empty() { Outcome::Held } else { Outcome::NotMeasured(unmeasured) }
}

fn join(what: &str, instead: &str) -> String {
    if instead.is_empty() { what.to_owned() } else { format!("{what}: {instead}") }
}

/// Every client that waits, in file order.
fn waiters(scenario: &Scenario, runner: &Runner<Script<'_>>) -> Vec<Waiter> {
    let waits = |index: usize| {
        let waits_for = match runner.waits(client(index))? {
            Wait::Completion(request) => {
                let life = runner.world().life(*request);
                format!("for request {request}, which is {}", describe(life))
            }
            Wait::Until(at) => format!("until {at}"),
            Wait::Suspension(_, tag) => format!("for a request to be suspended under `{tag}`"),
        };
        let location = runner.clients()[index].location();
        Some(Waiter { client: scenario.clients()[index].name.clone(), waits_for, location })
    };
    (0..scenario.clients().len()).filter_map(waits).collect()
}

const fn describe(life: headcrash_sim::Life) -> &'static str {
    match life {
        headcrash_sim::Life::Suspended => "suspended",
        headcrash_sim::Life::Waiting => "waiting for another",
        headcrash_sim::Life::Lost => "lost in a power cut",
        headcrash_sim::Life::Running
        | headcrash_sim::Life::InFlight
        | headcrash_sim::Life::Completed => "on its way",
    }
}
