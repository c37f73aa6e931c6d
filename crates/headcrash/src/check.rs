//! A test in Rust: what runs, on what, how often; and what is said when it fails.

use std::ops::Range;
use std::sync::Arc;

use arbitrary::Unstructured;
use headcrash_scenario::{
    Code, Keep, Operation, Outcome, Run, Scenario, ladder, parse_with, run, run_seed, shrink, trace,
};
use headcrash_search::Bytes;
use headcrash_sim::{FileVerb, Key};

use crate::code::{Ops, from_bytes};
use crate::jobs::{self, Runs};
use crate::report::{Place, Report};
use crate::spec::{Disk, FileSystem};
use crate::subject::{Async, AsyncSubject, Blocking, Subject};
use crate::workers::{self, Ended, Part};
use crate::world::{Closure, World};
use crate::{panics, watchdog};

/// How many runs are made to make a failure small.
const SHRINK_RUNS: u64 = 5_000;

/// Of so many seeds the first are run twice, to see whether the code is deterministic.
const TWICE: u64 = 8;

/// A test of a [`Subject`]: random operations, a model that knows what should come of them, and a
/// world in which things go wrong.
#[must_use]
pub fn check<S: Subject>() -> Check {
    let bytes = from_bytes::<Blocking<S>>;
    Check::of(Arc::new(Ops::<Blocking<S>>::new()), Some(bytes))
}

/// The same for an [`AsyncSubject`].
#[must_use]
pub fn check_async<S: AsyncSubject>() -> Check {
    let bytes = from_bytes::<Async<S>>;
    Check::of(Arc::new(Ops::<Async<S>>::new()), Some(bytes))
}

/// A free-form test: the closure is called as the client `main` when the world begins, and again
/// whenever the power comes back; see [`World`].
#[must_use]
pub fn simulate(code: impl Fn(&World) + Send + Sync + 'static) -> Check {
    let code = Closure { name: "closure".to_owned(), code: Arc::new(code) };
    Check::of(Arc::new(code), None)
}

/// What fails on disks by [`Check::io_errors`]: what it is called, what it does all the same, on
/// what.
const DISK_ERRORS: &[(&str, &str, &str)] = &[
    ("error on read", "", "read"),
    ("error before write", "", "write"),
    ("error after write", ", applied: all", "write"),
    ("error on flush", "", "flush"),
];

/// The same on file systems.
const FILE_ERRORS: &[(&str, &str, &str)] = &[
    ("error on read", "", "read_file"),
    ("error before write", "", "write_file"),
    ("error after write", ", applied: all", "write_file"),
    ("error on sync", "", "sync_file, sync_data, sync_dir"),
    ("error on length", "", "set_len"),
    ("error on name", "", "create_file, rename, unlink, mkdir, rmdir"),
];

fn error_rate(one_in: u64, (name, applied, on): (&str, &str, &str)) -> String {
    format!(
        "(name: {name:?}, what: fail(errno: \"EIO\"{applied}), on: [{on}], \
         chance: (1, {one_in}), swarm: true)"
    )
}

type FromBytes = fn(&mut Unstructured<'_>, usize) -> Vec<Operation>;

/// A test that is being described. Nothing runs before [`Check::run`].
#[derive(Clone)]
pub struct Check {
    code: Arc<dyn Code>,
    from_bytes: Option<FromBytes>,
    disks: Vec<(String, Disk)>,
    io_errors: Option<u64>,
    fail_each: Option<u64>,
    file_systems: Vec<(String, FileSystem)>,
    rules: Vec<String>,
    fields: Vec<(String, String)>,
    seeds: Range<u64>,
    operations: u64,
    clients: Vec<String>,
    shrink_runs: u64,
    in_processes: bool,
    jobs: u64,
    place: Place,
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_ron())
    }
}

impl Check {
    fn of(code: Arc<dyn Code>, from_bytes: Option<FromBytes>) -> Self {
        let draws = from_bytes.is_some();
        Self {
            code,
            from_bytes,
            disks: Vec::new(),
            io_errors: None,
            fail_each: None,
            file_systems: Vec::new(),
            rules: Vec::new(),
            fields: Vec::new(),
            seeds: 0..100,
            operations: if draws { 20 } else { 0 },
            clients: vec!["main".to_owned()],
            shrink_runs: SHRINK_RUNS,
            in_processes: false,
            jobs: 1,
            place: Place::unknown(),
        }
    }

    /// A disk. Without any, and without file systems, there is one, `d0`, of 1 MiB.
    #[must_use]
    pub fn disk(mut self, name: &str, disk: Disk) -> Self {
        self.disks.push((name.to_owned(), disk));
        self
    }

    /// A file system.
    #[must_use]
    pub fn file_system(mut self, name: &str, file_system: FileSystem) -> Self {
        self.file_systems.push((name.to_owned(), file_system));
        self
    }

    /// A rule as a scenario file has it:
    /// `.rule(r#"(action: fail(errno: "EIO"), on: [flush], nth: 3)"#)`.
    #[must_use]
    pub fn rule(mut self, rule: &str) -> Self {
        self.rules.push(rule.to_owned());
        self
    }

    /// One in so many accesses of disks and file systems fails with `EIO`: reads, writes, flushes
    /// and syncs, changes of lengths and names; of writes also such that are done all the same. Each
    /// kind is left out of some runs.
    #[must_use]
    pub const fn io_errors(mut self, one_in: u64) -> Self {
        self.io_errors = Some(one_in);
        self
    }

    /// Every run is repeated with its first access failing with `EIO`, and once more with its second,
    /// and so on, so often at most: reads, writes, discards and flushes of each disk, and all asked of
    /// each file system; of flash a write is a program, and a discard an erase. Nothing of what fails is done. What [`io_errors`](Self::io_errors) meets by
    /// chance this meets for certain.
    #[must_use]
    pub const fn fail_each(mut self, most: u64) -> Self {
        self.fail_each = Some(most);
        self
    }

    /// The power goes at a random moment, and comes back; so often at most. Whatever ends without
    /// is cut off at its end.
    #[must_use]
    pub fn power_cuts(self, times: u64) -> Self {
        if times == 0 {
            return self;
        }
        self.with("power_cut", &format!("(at: random, times: {times})")).with("search", "drawn")
    }

    /// The power goes at every moment of every run, and every state that can leave is recovered
    /// from, `states` of each run at most.
    #[must_use]
    pub fn power_cut_everywhere(self, states: u64) -> Self {
        self.with("power_cut", "(at: everywhere)")
            .with("search", &format!("crash_states(runs: {states})"))
    }

    /// Every answer to every question, rather than seeds: at most so many runs. The operations are
    /// those of the first seed.
    #[must_use]
    pub fn exhaustive(self, runs: u64) -> Self {
        self.with("choices", &format!("exhaustive(runs: {runs})"))
    }

    /// A run for each of these seeds, unless [`exhaustive`](Self::exhaustive). Without it, 100.
    #[must_use]
    pub const fn seeds(mut self, seeds: Range<u64>) -> Self {
        self.seeds = seeds;
        self
    }

    /// So many operations in each run, for each client. Without it, 20.
    #[must_use]
    pub const fn operations(mut self, operations: u64) -> Self {
        self.operations = operations;
        self
    }

    /// The clients that share the subject. Without it there is one, `main`.
    #[must_use]
    pub fn clients(mut self, names: &[&str]) -> Self {
        self.clients = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// A run that has not ended after so many steps of its clients and its world is given up as
    /// `endless`, and the report says which client was where. Without it, 10 000 000.
    #[must_use]
    pub fn most_steps(self, steps: u64) -> Self {
        self.with("most_steps", &steps.to_string())
    }

    /// A field as a scenario file has it: `.with("misuse", "error")`. `headcrash explain` lists
    /// them. One that was said before is said anew.
    #[must_use]
    pub fn with(mut self, field: &str, value: &str) -> Self {
        self.fields.retain(|(name, _)| name != field);
        self.fields.push((field.to_owned(), value.to_owned()));
        self
    }

    /// A failure is made small with so many runs at most; with 0 it is shown as it was found. Without it,
    /// 5 000.
    #[must_use]
    pub const fn shrink_runs(mut self, runs: u64) -> Self {
        self.shrink_runs = runs;
        self
    }

    /// Runs on so many threads, at least one. That changes nothing about what comes out: not which failure
    /// is the first, and not the hash. The code under test must not share anything between runs, as
    /// statics do.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs.max(1) as u64;
        self
    }

    /// Runs in processes of their own, one at a time, some hundred seeds in each: for code that can end its
    /// process, such as C under test, or destructors that panic. Whatever ends one is a failure with
    /// its seed, and nothing is made small. Only in a `#[test]`, which is started again by its name.
    #[must_use]
    pub const fn in_processes(mut self) -> Self {
        self.in_processes = true;
        self
    }

    /// The scenario file that this test is short for.
    #[must_use]
    pub fn to_ron(&self) -> String {
        let mut text = format!("(subject: (name: {:?})", self.code.name());
        let list = |name: &str, items: &[String]| match items {
            [] => String::new(),
            items => format!(", {name}: [{}]", items.join(", ")),
        };
        let rates = |kinds: &[(&str, &str, &str)]| -> Vec<String> {
            let rate = |one_in: u64| kinds.iter().map(move |kind| error_rate(one_in, *kind));
            self.io_errors.into_iter().flat_map(rate).collect()
        };
        let mut disks = self.disks.clone();
        if disks.is_empty() && self.file_systems.is_empty() && self.io_errors.is_some() {
            disks.push(("d0".to_owned(), Disk::new(1 << 20)));
        }
        let errors = rates(DISK_ERRORS);
        let disk = |(name, disk): &(String, Disk)| disk.clone().faults(&errors).to_ron(name);
        let disks: Vec<_> = disks.iter().map(disk).collect();
        text.push_str(&list("disks", &disks));
        let errors = rates(FILE_ERRORS);
        let fs = |(name, fs): &(String, FileSystem)| fs.clone().faults(&errors).to_ron(name);
        let file_systems: Vec<_> = self.file_systems.iter().map(fs).collect();
        text.push_str(&list("file_systems", &file_systems));
        text.push_str(&list("rules", &self.rules));
        let client = |name: &String| match self.operations {
            0 => format!("(name: {name:?})"),
            drawn => format!("(name: {name:?}, drawn_ops: {drawn})"),
        };
        let clients: Vec<_> = self.clients.iter().map(client).collect();
        text.push_str(&list("clients", &clients));
        if let Some(most) = self.fail_each {
            // Without either there is a disk.
            let on = match disks.is_empty() && !self.file_systems.is_empty() {
                true => "",
                false => "on: [read, write, write_zeroes, discard, flush], ",
            };
            let verbs = FileVerb::ALL.map(FileVerb::name).join(", ");
            let operations = match self.file_systems.is_empty() {
                true => String::new(),
                false => format!("operations: [{verbs}], "),
            };
            text.push_str(&format!(", fail_each: ({on}{operations}most: {most})"));
        }
        for (name, value) in &self.fields {
            text.push_str(&format!(", {name}: {value}"));
        }
        text.push(')');
        text
    }

    #[track_caller]
    fn scenario(&self) -> Scenario {
        let name = format!("{}.ron", self.place.file_stem());
        match parse_with(&name, self.to_ron().as_bytes(), &self.code) {
            Ok(scenario) => scenario,
            Err(errors) => {
                panic!("the test cannot be run as it is described\n{}", errors.render(false))
            }
        }
    }

    /// Runs it with every seed, and says how much that was.
    ///
    /// # Panics
    ///
    /// When a run fails: with the failure made small, its trace, and the command that repeats it.
    /// When no run gets as far as an operation of the code under test.
    #[track_caller]
    pub fn run(&self) -> Campaign {
        // No closure: the caller's place would be lost.
        match self.try_run() {
            Ok(campaign) => campaign,
            Err(report) => report.panic(),
        }
    }

    /// The same, with the failure as a value.
    ///
    /// # Errors
    ///
    /// The first failure, made small. Runs none of which got as far as an operation of the code
    /// under test are one, too.
    ///
    /// # Panics
    ///
    /// If what was described is no valid scenario.
    #[track_caller]
    pub fn try_run(&self) -> Result<Campaign, Box<Report>> {
        let mut check = self.clone();
        check.place = Place::here();
        panics::listen();
        headcrash_io::set_listener(crate::storage::reached);
        let scenario = check.scenario();
        if let Some(replayed) = check.place.replay(&scenario)? {
            return Ok(replayed);
        }
        check.campaign(&scenario)
    }

    fn campaign(&self, scenario: &Scenario) -> Result<Campaign, Box<Report>> {
        let part = Part::of_this_process().filter(|_| self.in_processes);
        if self.in_processes && part.is_none() {
            return self.campaign_in_processes(scenario);
        }
        let exhaustive = matches!(scenario.method(), headcrash_scenario::Method::Exhaustive { .. });
        let seeds = if exhaustive { 0..1 } else { self.seeds.clone() };
        let seeds = part.as_ref().map_or(seeds, |part| part.seeds.clone());
        let mut campaign = Campaign::default();
        watchdog::runs(self.place.runs());
        // What a worker is in when its process ends is known by its seed.
        let jobs = if part.is_some() { 1 } else { self.jobs };
        let begins = |seed| part.iter().for_each(|part| part.begins(seed));
        let runs = Runs::new(scenario, seeds, jobs, self.place.runs(), &begins);
        for (number, (seed, run)) in runs.enumerate() {
            campaign.add(&run);
            let drawn = jobs::drawn(scenario, seed);
            if (number as u64) < TWICE && run_seed(&drawn, seed, Keep::Hash).hash != run.hash {
                return Err(self.place.nondeterministic(&drawn, seed));
            }
            if !run.is_expected(&drawn) {
                if let Some(part) = &part {
                    part.failed(seed);
                }
                return Err(self.failed(&drawn, seed, &run, campaign.runs));
            }
        }
        if let Some(part) = &part {
            part.held(&campaign);
            return Ok(campaign);
        }
        self.tested(scenario, campaign)
    }

    /// A campaign that found nothing, unless it tried nothing.
    fn tested(&self, scenario: &Scenario, campaign: Campaign) -> Result<Campaign, Box<Report>> {
        let has_operations = self.from_bytes.is_some() && self.operations > 0;
        if !has_operations || campaign.has_begun {
            return Ok(campaign);
        }
        let seed = self.seeds.start;
        Err(self.place.vacuous(&scenario.with_drawn(seed), seed, campaign.runs))
    }

    /// The same, some hundred seeds at a time in a process of their own.
    fn campaign_in_processes(&self, scenario: &Scenario) -> Result<Campaign, Box<Report>> {
        let mut campaign = Campaign::default();
        for seeds in workers::parts(self.seeds.clone()) {
            match self.place.work(seeds).map_err(|message| self.place.says(message))? {
                Ended::Well(part) => {
                    campaign.runs += part.runs;
                    campaign.facts += part.facts;
                    campaign.hash = Key::from_number(campaign.hash).nth(part.hash).number();
                    campaign.has_begun |= part.has_begun;
                }
                Ended::Failed { seed } => {
                    let drawn = scenario.with_drawn(seed);
                    let run = run_seed(&drawn, seed, Keep::Hash);
                    let runs = campaign.runs + 1;
                    return Err(self.failed(&drawn, seed, &run, runs));
                }
                Ended::Lost { seed, how, said } => {
                    return Err(self.place.lost(&scenario.with_drawn(seed), seed, &how, &said));
                }
            }
        }
        self.tested(scenario, campaign)
    }

    /// Makes a failure small, and everything there is to say about it.
    fn failed(&self, scenario: &Scenario, seed: u64, run: &Run, runs: u64) -> Box<Report> {
        // From its own text, so that messages point at operations that were drawn.
        let written = scenario.to_ron();
        let name = scenario.source().name();
        let written = parse_with(name, written.as_bytes(), &self.code);
        let written = written.expect("what was run can be written");
        let again = run_seed(&written, seed, Keep::Hash);
        if again.outcome.label() != run.outcome.label() {
            return self.place.nondeterministic(scenario, seed);
        }
        let shrunk = shrink::shrink(&written, &again, self.shrink_runs);
        self.place.failed(Some(seed), runs, &written, &shrunk)
    }

    /// One run that a fuzzer's bytes decide: first the operations, then every choice. The target is
    /// one line:
    ///
    /// ```text
    /// libfuzzer_sys::fuzz_target!(|data: &[u8]| my_crate::journal_check().fuzz(data));
    /// ```
    ///
    /// # Panics
    ///
    /// When the run fails: with the failure made small, its trace, and the command that repeats it.
    /// With `HEADCRASH_REPLAY` the bytes do not matter: the failure in that file is had again.
    #[track_caller]
    pub fn fuzz(&self, data: &[u8]) {
        let mut check = self.clone();
        check.place = Place::fuzzed();
        panics::listen();
        headcrash_io::set_listener(crate::storage::reached);
        match check.place.replay(&check.scenario()) {
            Ok(None) => {}
            Ok(Some(_)) => return,
            Err(report) => report.panic(),
        }
        let (ops, choices) = data.split_at(data.len() / 2);
        check.operations = 0;
        let mut scenario = check.scenario();
        if let Some(from_bytes) = check.from_bytes {
            let most = self.operations as usize;
            scenario.set_operations(0, from_bytes(&mut Unstructured::new(ops), most));
        }
        watchdog::runs(["with a fuzzer's input".to_owned(), String::new()]);
        let found = run(&scenario, Bytes::new(choices), Keep::Hash).0;
        if found.is_expected(&scenario) || matches!(found.outcome, Outcome::NotMeasured(_)) {
            return;
        }
        let text = scenario.to_ron();
        let written = parse_with(scenario.source().name(), text.as_bytes(), &self.code);
        let written = written.expect("what was run can be written");
        let again = run(&written, Bytes::new(choices), Keep::Hash).0;
        let shrunk = shrink::shrink(&written, &again, self.shrink_runs);
        check.place.failed(None, 1, &written, &shrunk).panic();
    }

    /// The weakest disk that the code survives: one promise of its disks is broken after the other,
    /// with the operations of a seed, a power cut at every moment and so many runs for each promise;
    /// then one access at a time goes wrong. `println!("{ladder}")` shows it as a table;
    /// [`first_broken`](ladder::Ladder::first_broken) is the first promise that is needed, with the
    /// smallest failure.
    ///
    /// # Panics
    ///
    /// If what was described is no valid scenario.
    #[must_use]
    #[track_caller]
    pub fn ladder(&self, seed: u64, runs: u64) -> ladder::Ladder {
        panics::listen();
        headcrash_io::set_listener(crate::storage::reached);
        watchdog::runs(["on a ladder".to_owned(), String::new()]);
        let check = self.clone().power_cut_everywhere(runs);
        let drawn = check.scenario().with_drawn(seed);
        let written = parse_with(drawn.source().name(), drawn.to_ron().as_bytes(), &self.code);
        let written = written.expect("what was drawn can be written");
        ladder::climb(&written, &ladder::Options { runs, shrink: self.shrink_runs })
    }

    /// The trace of one seed, for those who want to read what happens.
    ///
    /// # Panics
    ///
    /// If what was described is no valid scenario.
    #[must_use]
    #[track_caller]
    pub fn trace(&self, seed: u64) -> String {
        panics::listen();
        headcrash_io::set_listener(crate::storage::reached);
        let scenario = self.scenario().with_drawn(seed);
        trace::text(&scenario, &run_seed(&scenario, seed, Keep::Trace))
    }
}

/// What came of a test that found nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    /// How many runs were made; crash states, all runs of an exhaustive search, and
    /// those with an access that fails are counted.
    pub runs: u64,
    /// How many things happened in them.
    pub facts: u64,
    /// A number over all their traces.
    pub hash: u64,
    /// Whether the code under test was asked for an operation in any of them.
    pub(crate) has_begun: bool,
}

impl Campaign {
    pub(crate) fn add(&mut self, run: &Run) {
        let states = run.exploration.as_ref().map_or(0, |found| found.tried());
        let all = run.exhausted.as_ref().map_or(0, |all| all.whole);
        self.runs += states.max(all).max(1) + run.each_failed.len() as u64;
        self.facts += run.fact_count;
        self.has_begun |= run.coverage.has_begun;
        self.hash = Key::from_number(self.hash).nth(run.all_hash).number();
    }
}
