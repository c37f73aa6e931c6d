//! One scenario with one source of choices.

mod company;
mod condition;
mod coverage;
mod eager;
mod exhaust;
mod explore;
mod footprint;
mod images;
mod labels;
mod method;
mod observer;
mod player;
mod script;
mod session;
mod stop;
mod violation;

use headcrash_engine::Trigger;
use headcrash_sim::{
    Choices, ClientId, DiskId, DiskSpec, Effect, Fact, Fault, FaultRule, FileFault, FileSystemSpec,
    FsId, Key, LiveFault, Misuse, NodeSpec, Recorder, Replay, Resumes, Schedule, Sink, Strictness,
    Wait, What, World,
};

use condition::suspended_tags;
pub use coverage::Coverage;
pub use exhaust::{Exhausted, Exhaustion, Tried};
pub(crate) use explore::explore_variant;
pub use explore::{CrashPoint, Example, Exploration, Verdicts, explore};
pub use images::{Images, UNDECIDED_MAX, WholeImage, undecided};
pub(crate) use labels::labels;
pub use method::{Method, NoMethod};
pub(crate) use observer::Observer;
use player::Player;
pub(crate) use session::{Session, Step};
pub use stop::{Moment, Stopped, stop_at};
pub use violation::{Busy, Endless, Outcome, Violation, Waiter};

#[expect(unused_imports, reason = "named in documentation")]
use crate::scenario::CutAt;
use crate::scenario::{
    Disk, Expect, Failing, FaultPlace, FileSystemIndex, MISUSE, Medium, OnMisuse, Scenario,
    Suspensions, Top,
};

/// A run that has taken so many steps is given up as endless, unless its scenario says
/// `most_steps`.
pub const STEPS_MAX: u64 = 10_000_000;

/// For each of them its requests may have taken so many steps of their plans.
pub(crate) const WORK_PER_STEP: u64 = 5;

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
    /// What devices saw their users do and should not.
    pub misuses: Vec<Misuse>,
    /// The injected faults that lay over the disks' bytes at the end: what a check may excuse, and
    /// nothing else.
    pub live_faults: Vec<(DiskId, LiveFault)>,
    /// With `fail_each`: whether the access that was to fail was there.
    pub has_failed: bool,
    /// What was added to the scenario.
    pub variant: Variant,
    /// The names of clients that came to be in the run, beyond the scenario's own.
    pub spawned: Vec<String>,
    /// With `fail_each`: what came of the runs in which the first access failed, the second, ..
    pub each_failed: Vec<String>,
    /// With a search: what came of all crash states.
    pub exploration: Option<Exploration>,
    /// With a method that tries every answer: what came of all runs.
    pub exhausted: Option<Exhausted>,
    /// Over the traces of all runs that were made.
    pub all_hash: u64,
    /// What was reached, in all runs that were made.
    pub coverage: Coverage,
}

/// Whether a run keeps its facts, or only their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The facts.
    Trace,
    /// Their hash.
    Hash,
}

/// Runs a scenario with the choices that its method has for a seed.
///
/// A scenario whose power goes [everywhere](CutAt::Everywhere), or whose crash states are to be
/// searched, is explored: the run is then the smallest that shows the worst verdict, and
/// [`Run::exploration`] tells of all. A scenario with `fail_each` is run again and again, and the
/// run is the first that did not hold, or the one without a fault.
#[must_use]
pub fn run_seed(scenario: &Scenario, seed: u64, keep: Keep) -> Run {
    let method = scenario.method();
    method.run(scenario, seed, method.length(scenario), keep)
}

/// Runs a scenario, in each variant it asks for; every run is answered by a new answerer.
fn run_each(scenario: &Scenario, keep: Keep, answerer: &dyn Fn() -> Box<dyn Choices>) -> Run {
    let calm = run_variant(scenario, Variant::default(), keep, answerer);
    let Some(each) = scenario.fail_each() else { return calm };
    // As with crash states, what is expected is expected of the worst.
    let is_bad = |run: &Run| !matches!(run.outcome, Outcome::Held);
    if is_bad(&calm) {
        return calm;
    }
    let mut failures = Vec::new();
    let mut hash = calm.hash;
    let mut coverage = calm.coverage.clone();
    let mut worst = None;
    for place in each.places(scenario) {
        for nth in 1..=each.most {
            let run = run_variant(scenario, Variant { fails: Some((place, nth)) }, keep, answerer);
            if !run.has_failed {
                break;
            }
            hash = Key::from_number(hash).nth(run.hash).number();
            failures.push(run.outcome.label());
            coverage.add(&run.coverage);
            if worst.is_none() && is_bad(&run) {
                worst = Some(run);
            }
        }
    }
    Run { each_failed: failures, all_hash: hash, coverage, ..worst.unwrap_or(calm) }
}

fn run_variant(
    scenario: &Scenario,
    variant: Variant,
    keep: Keep,
    answerer: &dyn Fn() -> Box<dyn Choices>,
) -> Run {
    if scenario.search().is_none() {
        return run_as(scenario, variant, answerer(), keep).0;
    }
    let exploration = explore_variant(scenario, &variant, answerer());
    let example = exploration.worst().expect("a search runs once at least");
    let replay = Replay::from_schedule(&example.schedule, Strictness::Strict);
    let (mut run, _) = run_as(scenario, variant, replay, keep);
    // A recovery that may refuse, and does, is as good as one that succeeds.
    if let (Outcome::Refused(_), true) =
        (&run.outcome, scenario.power_cut().is_some_and(|cut| cut.may_refuse))
    {
        run.outcome = Outcome::Held;
    }
    run.all_hash = exploration.hash;
    run.coverage.add(&exploration.coverage);
    run.exploration = Some(exploration);
    run
}

/// Runs a scenario once, and gives back who answered.
pub fn run<C: Choices>(scenario: &Scenario, choices: C, keep: Keep) -> (Run, C) {
    run_as(scenario, Variant::default(), choices, keep)
}

/// What is added to a scenario for one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// The n-th access of a disk, or operation on a file system, fails, as the scenario's
    /// `fail_each` says.
    pub fails: Option<(Failing, u64)>,
}

/// Runs a scenario once, with something added to it.
pub fn run_as<C: Choices>(
    scenario: &Scenario,
    variant: Variant,
    choices: C,
    keep: Keep,
) -> (Run, C) {
    let mut recorder = Recorder::new(choices);
    let facts = (keep == Keep::Trace).then(Vec::new);
    let observer = Observer { facts, ..Observer::default() };
    let mut session = Session::new(scenario, &variant, observer, &mut recorder);
    let mut outcome = loop {
        if let Step::Over(outcome) = session.advance(&mut recorder) {
            break outcome;
        }
    };
    let world = session.runner.world();
    let misuses: Vec<_> = world.misuses().copied().collect();
    if let (Outcome::Held, OnMisuse::Error, Some(first)) =
        (&outcome, scenario.on_misuse(), misuses.first())
    {
        // Who recovers is another client, so that a step from before a cut is not known any more.
        let step = session.runner.clients().iter().find_map(|script| script.issued(first.request));
        let location = step.unwrap_or_else(|| scenario.disks()[first.disk.index()].location);
        let at = world.now();
        outcome = Outcome::Violated(Violation {
            property: MISUSE.to_owned(),
            message: format!("request {} {}", first.request, first.what.text()),
            location,
            at,
        });
        session.observer.tell(Fact { at, what: What::Violated { property: MISUSE.into() } });
    }
    let world = session.runner.world();
    let suspended = suspended_tags(world).into_iter().map(str::to_owned).collect();
    let disks = 0..world.disk_count() as u32;
    // Its rule is the last of its disk's; a power cut forgets counts, and the observer does not.
    let has_failed = variant.fails.is_some_and(|(place, _)| match place {
        Failing::Disk(disk) => {
            let struck: Vec<_> = world.struck(DiskId(disk.0 as u32)).collect();
            let rule = FaultPlace { disk, fault: struck.len() - 1 };
            struck[rule.fault] > 0 || session.observer.seen.struck.contains(&rule)
        }
        Failing::Files(fs) => {
            world.struck_files(FsId(fs.0 as u32)).last().is_some_and(|struck| struck > 0)
        }
    });
    let live =
        |disk: u32| world.live_faults(DiskId(disk)).map(move |fault| (DiskId(disk), fault.clone()));
    let live_faults = disks.flat_map(live).collect();
    let mut coverage = Coverage::default();
    session.cover(&outcome, &mut coverage);
    let spawned = session.take_spawned();
    session.bury();
    let observer = session.observer;
    let (schedule, choices) = recorder.finish();
    let hash = observer.hash.value();
    let run = Run {
        outcome,
        facts: observer.facts.unwrap_or_default(),
        fact_count: observer.hash.facts(),
        hash,
        all_hash: hash,
        schedule,
        suspended,
        misuses: if scenario.on_misuse() == OnMisuse::Ignore { Vec::new() } else { misuses },
        live_faults,
        has_failed,
        variant,
        spawned,
        each_failed: Vec::new(),
        exploration: None,
        exhausted: None,
        coverage,
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
            | (Expect::Refused, Outcome::Refused(_))
            | (Expect::NotMeasured, Outcome::NotMeasured(_))
            | (Expect::Endless, Outcome::Endless(_)) => true,
            // One that may refuse, and does, is as good as one that succeeds.
            (Expect::Held, Outcome::Refused(_)) => {
                scenario.power_cut().is_some_and(|cut| cut.may_refuse)
            }
            (Expect::Violated(wanted), Outcome::Violated(violation)) => {
                *wanted == violation.property
            }
            (
                Expect::Held
                | Expect::Stuck
                | Expect::NotMeasured
                | Expect::Refused
                | Expect::Endless
                | Expect::Violated(_),
                _,
            ) => false,
        }
    }
}

/// The world a scenario begins with.
pub(crate) fn world(scenario: &Scenario, variant: &Variant) -> World {
    match variant.fails {
        None => scenario.beginning.get_or_init(|| make_world(scenario, variant)).clone(),
        Some(_) => make_world(scenario, variant),
    }
}

fn make_world(scenario: &Scenario, variant: &Variant) -> World {
    let resumes = match scenario.suspensions() {
        Suspensions::ByScript => Resumes::ByScript,
        Suspensions::After { ns } => Resumes::AfterNs(ns),
        Suspensions::Seeded => Resumes::Seeded,
    };
    let mut disks: Vec<_> = scenario.disks().iter().map(disk_spec).collect();
    if let (Some((Failing::Disk(index), nth)), Some(each)) = (variant.fails, scenario.fail_each()) {
        disks[index.0].faults.push(FaultRule {
            trigger: Trigger {
                kinds: each.kinds,
                nth: std::num::NonZeroU64::new(nth),
                ..Trigger::default()
            },
            effect: Effect::Fault(Fault::Fail { errno: each.errno, applied: each.applied }),
            window: None,
            swarm: false,
            key: FaultRule::EACH,
        });
    }
    let mut world = World::new(disks, resumes);
    for (index, fs) in scenario.file_systems().iter().enumerate() {
        let mut faults = fs.faults.clone();
        faults.extend(failing_file(scenario, variant, FileSystemIndex(index)));
        world.add_file_system(FileSystemSpec {
            name: fs.name.clone(),
            contract: fs.contract,
            latencies: fs.latencies,
            faults,
            capacity: fs.capacity,
        });
    }
    if scenario.on_misuse() == OnMisuse::Error {
        world.tell_misuse();
    }
    world.set_copies(scenario.copies().to_vec());
    if let Some(cut) = scenario.power_cut() {
        world.set_skew(cut.skew.clone());
    }
    world
}

/// The operation that fails in this run, if it is one on this file system.
fn failing_file(scenario: &Scenario, variant: &Variant, fs: FileSystemIndex) -> Option<FileFault> {
    let (place, nth) = variant.fails?;
    let each = scenario.fail_each()?;
    Some(FileFault {
        on: each.files.filter(|_| place == Failing::Files(fs))?.verbs,
        trigger: Trigger { nth: std::num::NonZeroU64::new(nth), ..Trigger::default() },
        fault: Fault::Fail { errno: each.errno, applied: each.applied },
        swarm: false,
        key: FaultRule::EACH,
    })
}

fn disk_spec(disk: &Disk) -> DiskSpec {
    let image = disk.image();
    let node = |node: &crate::scenario::Node| NodeSpec {
        program: node.program.clone(),
        limits: node.limits,
    };
    DiskSpec {
        forgets: disk.medium == Medium::Null,
        flash: match disk.medium {
            Medium::Flash(flash) => Some(flash),
            Medium::Stored | Medium::Null => None,
        },
        latencies: disk.latencies,
        raw: disk.top == Top::Raw,
        no_flush: disk.no_flush,
        read_only: disk.read_only,
        device: disk.device,
        faults: disk.faults.clone(),
        swarm: (0..)
            .zip(&disk.nodes)
            .flat_map(|(depth, node)| {
                node.swarm.iter().map(move |(rule, key)| (depth, *rule, *key))
            })
            .collect(),
        // There are few disks, and fewer groups.
        group: disk.group.map(|group| group as u32),
        is_silent: disk.is_unused,
        ..DiskSpec::new(&disk.name, image, disk.nodes.iter().map(node).collect())
    }
}

fn join(what: &str, instead: &str) -> String {
    if instead.is_empty() { what.to_owned() } else { format!("{what}: {instead}") }
}

/// Every client that waits, in file order.
fn waiters(session: &Session<'_>) -> Vec<Waiter> {
    let runner = &session.runner;
    let waits = |(client, player): (ClientId, &Player<'_>)| {
        let waits_for = match runner.waits(client)? {
            Wait::Completion(request) => {
                let life = runner.world().life(*request);
                format!("for request {request}, which is {}", describe(life))
            }
            Wait::Until(at) => format!("until {at}"),
            Wait::Suspension(_, tag) => format!("for a request to be suspended under `{tag}`"),
            Wait::Any { requests, .. } => match (requests.first(), player.waits_for()) {
                (Some(request), _) => {
                    let life = runner.world().life(*request);
                    format!("for request {request}, which is {}", describe(life))
                }
                (None, said) => said.unwrap_or_else(|| "to be woken".to_owned()),
            },
        };
        let place = player.place().map(|at| format!(", at {at}")).unwrap_or_default();
        let waits_for = waits_for + &place;
        let name = headcrash_sim::Client::name(player).to_owned();
        Some(Waiter { client: name, waits_for, location: session.location_of(client) })
    };
    runner.numbered().filter_map(waits).collect()
}

/// A run is given up: every client that has not ended, in file order.
fn endless(session: &Session<'_>) -> Endless {
    let runner = &session.runner;
    let clients = runner.numbered().filter(|(client, _)| !runner.is_done(*client));
    let busy = |(client, player): (ClientId, &Player<'_>)| Busy {
        client: headcrash_sim::Client::name(player).to_owned(),
        place: player.place(),
        location: session.location_of(client),
    };
    Endless { most_steps: session.scenario.most_steps(), busy: clients.map(busy).collect() }
}

pub(crate) const fn describe(life: headcrash_sim::Life) -> &'static str {
    match life {
        headcrash_sim::Life::Suspended => "suspended",
        headcrash_sim::Life::Waiting => "waiting for another",
        headcrash_sim::Life::Lost => "lost in a power cut",
        headcrash_sim::Life::Running
        | headcrash_sim::Life::InFlight
        | headcrash_sim::Life::Completed => "on its way",
    }
}
