//! Going down.

use std::collections::BTreeSet;

use headcrash_sim::{Replay, Strictness, What};

use super::faults::{Struck, WRONG, WRONG_FILES, Wrong, WrongFile};
use super::promises::{self, Promises, RELAXED};
use super::{Found, Ladder, Options, Rung, Verdict};
use crate::file::{self, Expect, File};
use crate::run::{Keep, Outcome, Run, run_as, run_seed};
use crate::scenario::{DiskIndex, EXPECTATION, FaultPlace, FileSystemIndex, RuleInfo, Scenario};

/// A rung that strikes single accesses tries at most so many of each client.
const ACCESSES_MAX: u64 = 256;

/// Breaks one promise of the scenario's disks after the other.
#[must_use]
pub fn climb(scenario: &Scenario, options: &Options) -> Ladder {
    climb_while(scenario, options, &|| true)
}

/// As [`climb`], as long as `goes_on` says so, which is asked before each run: then what is known by
/// then. A rung that was not tried to its end is not known, unless it has broken.
#[must_use]
pub fn climb_while(scenario: &Scenario, options: &Options, goes_on: &dyn Fn() -> bool) -> Ladder {
    let mut ladder = descend(scenario, options, goes_on);
    ladder.is_stopped |= !goes_on();
    if options.shrink > 0
        && !ladder.is_stopped
        && let Some(place) = ladder.first_broken_place()
        && let Some(found) = &mut ladder.rungs[place].found
    {
        smaller(found, options.shrink);
    }
    ladder
}

fn descend(scenario: &Scenario, options: &Options, goes_on: &dyn Fn() -> bool) -> Ladder {
    let has_cut = scenario.power_cut().is_some();
    let mut ladder =
        Ladder { rungs: Vec::new(), runs: options.runs, weakest: None, has_cut, is_stopped: false };
    let mut own = scenario.file.clone();
    own.expect = Expect::Held;
    let mut kept = Promises::STRONGEST;
    let mut below = kept.applied_to(&own, scenario, true);
    let first = ("all-kept", if has_cut { "the power goes" } else { "nothing" });
    let Some(strongest) = valid(&below, scenario, first.0) else { return ladder };
    let tally = Tally::of(&strongest, options.runs, goes_on);
    if !tally.is_known() {
        ladder.is_stopped = true;
        return ladder;
    }
    ladder.rungs.push(tally.rung(first.0, first.1, &strongest));
    if !ladder.stands() {
        return ladder;
    }
    // Where there are files and nobody names a disk, there is one all the same.
    let has_disks = !own.disks.is_empty() || own.file_systems.is_empty() || tally.uses_disks;
    if !has_disks {
        below = kept.applied_to(&own, scenario, false);
    }
    let mut weakest = strongest;
    for relaxed in RELAXED.iter().filter(|_| has_cut) {
        let mut promises = kept;
        (relaxed.relax)(&mut promises);
        let file = promises.applied_to(&own, scenario, has_disks);
        if file == below {
            // No disk is concerned.
            continue;
        }
        let lost = relaxed.needs.iter().find(|id| !ladder.is_survived(id));
        if let Some(lost) = lost {
            ladder.rungs.push(Rung::implied(relaxed.id, relaxed.words, lost));
            continue;
        }
        let Some(rung) = valid(&file, scenario, relaxed.id) else { continue };
        let tally = Tally::of(&rung, options.runs, goes_on);
        if !tally.is_known() {
            (ladder.is_stopped, ladder.weakest) = (true, Some(Box::new(weakest)));
            return ladder;
        }
        ladder.rungs.push(tally.rung(relaxed.id, relaxed.words, &rung));
        if tally.verdict == Verdict::Holds && relaxed.is_kept {
            (kept, below, weakest) = (promises, file, rung);
        }
    }
    let disks = WRONG.iter().filter(|_| has_disks).map(Once::Disk);
    let files = WRONG_FILES.iter().filter(|_| !own.file_systems.is_empty()).map(Once::Files);
    for wrong in disks.chain(files) {
        let Some(rung) = once(&below, scenario, wrong, options.runs, goes_on) else {
            ladder.is_stopped = true;
            break;
        };
        ladder.rungs.push(rung);
    }
    ladder.weakest = Some(Box::new(weakest));
    ladder
}

/// Makes the failure at a rung smaller, on the device of that rung: a shrinker knows nothing of
/// rungs, and what it makes of the disks is undone.
fn smaller(found: &mut Found, budget: u64) {
    let rung = &found.scenario;
    let shrunk = crate::shrink::shrink(rung, &found.run, budget);
    let mut file = shrunk.scenario.file.clone();
    if file.disks.is_empty() {
        // The disk that is there without being named.
        file.disks.push(file::Disk::default());
    }
    for (disk, lowered) in file.disks.iter_mut().zip(shrunk.scenario.disks()) {
        let names = || rung.disks().iter().zip(&rung.file.disks);
        if let Some((_, was)) = names().find(|(was, _)| was.name == lowered.name) {
            promises::keep(disk, was);
        }
    }
    for (fs, lowered) in file.file_systems.iter_mut().zip(shrunk.scenario.file_systems()) {
        let names = || rung.file_systems().iter().zip(&rung.file.file_systems);
        if let Some((_, was)) = names().find(|(was, _)| was.name == lowered.name) {
            fs.contract = was.contract;
        }
    }
    let Some(pinned) = valid_as(&file, &shrunk.scenario, rung.source().name()) else { return };
    let seed = shrunk.seed.or_else(|| pinned.seeds().iter().next()).unwrap_or_default();
    let run = run_seed(&pinned, seed, Keep::Hash);
    if run.outcome.label() == found.run.outcome.label() {
        *found = Found { scenario: pinned, run, seed, is_smaller: true };
    }
}

impl Ladder {
    /// Whether there is a rung of this name that held; one that changed nothing is not there.
    fn is_survived(&self, id: &str) -> bool {
        let rung = self.rungs.iter().find(|rung| rung.id == id);
        rung.is_none_or(|rung| rung.verdict == Verdict::Holds)
    }
}

impl Rung {
    const fn implied(id: &'static str, words: &'static str, by: &'static str) -> Self {
        let (verdict, tried, is_cut_off) = (Verdict::Implied(by), 0, false);
        Self { id, words, verdict, tried, is_cut_off, struck: None, found: None }
    }
}

/// The scenario of a rung; nothing, if no disk of the scenario can be like that.
fn valid(file: &File, scenario: &Scenario, id: &str) -> Option<Scenario> {
    valid_as(file, scenario, &format!("{} on rung {id}", scenario.source().name()))
}

fn valid_as(file: &File, scenario: &Scenario, name: &str) -> Option<Scenario> {
    let mut rung = scenario.parse_like(name, &file.to_ron()).ok()?;
    for (disk, was) in rung.disks.iter_mut().zip(scenario.disks()) {
        disk.loaded.clone_from(&was.loaded);
    }
    Some(rung)
}

/// Everything that came of one rung so far.
struct Tally {
    budget: u64,
    tried: u64,
    is_cut_off: bool,
    is_stopped: bool,
    verdict: Verdict,
    /// The run that says so, and its seed.
    worst: Option<(Run, u64)>,
    /// Faults that struck in some run.
    struck: BTreeSet<FaultPlace>,
    /// The same, of file systems.
    struck_files: BTreeSet<(FileSystemIndex, usize)>,
    /// Something was asked of a disk in some run.
    uses_disks: bool,
}

impl Tally {
    fn of(scenario: &Scenario, budget: u64, goes_on: &dyn Fn() -> bool) -> Self {
        let mut tally = Self {
            budget,
            tried: 0,
            is_cut_off: false,
            is_stopped: false,
            verdict: Verdict::Holds,
            worst: None,
            struck: BTreeSet::new(),
            struck_files: BTreeSet::new(),
            uses_disks: false,
        };
        for seed in scenario.seeds().iter() {
            if tally.tried >= tally.budget {
                tally.is_cut_off = true;
                break;
            }
            if !goes_on() {
                tally.is_stopped = true;
                break;
            }
            tally.run(scenario, seed);
            if tally.verdict == Verdict::Breaks {
                break;
            }
        }
        tally
    }

    /// What has broken is broken, whatever else there is.
    fn is_known(&self) -> bool {
        !self.is_stopped || self.verdict == Verdict::Breaks
    }

    fn run(&mut self, scenario: &Scenario, seed: u64) {
        let left = self.budget - self.tried;
        let run = match scenario.search() {
            Some(search) if search.runs() > left => {
                let mut shorter = scenario.clone();
                shorter.search_instead(search.with_runs(left));
                run_seed(&shorter, seed, Keep::Hash)
            }
            _ => run_seed(scenario, seed, Keep::Hash),
        };
        self.tried += run.exploration.as_ref().map_or(1, |found| found.tried().max(1));
        self.is_cut_off |= run.exploration.as_ref().is_some_and(|found| found.is_cut_off);
        self.struck.extend(run.coverage.struck.iter().copied());
        self.struck_files.extend(run.coverage.struck_files.iter().copied());
        // A disk that is opened announces one event.
        self.uses_disks |= run.coverage.announced.len() > 1;
        let verdict = verdict(scenario, &run);
        let is_worse = matches!(
            (self.verdict, verdict),
            (Verdict::Holds, Verdict::Loud | Verdict::Breaks) | (Verdict::Loud, Verdict::Breaks)
        );
        if is_worse {
            (self.verdict, self.worst) = (verdict, Some((run, seed)));
        }
    }

    fn rung(&self, id: &'static str, words: &'static str, scenario: &Scenario) -> Rung {
        let found = self.worst.clone().map(|(run, seed)| {
            Box::new(Found { scenario: scenario.clone(), run, seed, is_smaller: false })
        });
        let Self { verdict, tried, is_cut_off, .. } = *self;
        Rung { id, words, verdict, tried, is_cut_off, struck: None, found }
    }
}

/// What a run says about the device it ran on.
fn verdict(scenario: &Scenario, run: &Run) -> Verdict {
    match &run.outcome {
        Outcome::Held | Outcome::NotMeasured(_) => Verdict::Holds,
        Outcome::Refused(_) => Verdict::Loud,
        Outcome::Violated(violation) if violation.property == EXPECTATION => {
            // Of several states that are wrong, the smallest need not be the worst.
            let others = run.exploration.as_ref().is_some_and(|found| found.verdicts.silent > 1);
            if !others && was_told(scenario, run) { Verdict::Loud } else { Verdict::Breaks }
        }
        Outcome::Violated(_) | Outcome::Stuck(_) | Outcome::Endless(_) => Verdict::Breaks,
    }
}

/// Whether a step without a property of its own ended the run because of an answer that it did not
/// expect: an error, or fewer bytes than asked for. Real code would have stopped there.
fn was_told(scenario: &Scenario, run: &Run) -> bool {
    let replay = Replay::from_schedule(&run.schedule, Strictness::Strict);
    let (again, _) = run_as(scenario, run.variant, replay, Keep::Trace);
    let answers = again.facts.iter().rev().find_map(|fact| match &fact.what {
        What::Completed { result, .. } | What::FileCompleted { result, .. } => {
            Some(result.is_err())
        }
        What::CompletedShort { .. } | What::FileCompletedShort { .. } => Some(true),
        _ => None,
    });
    answers == Some(true)
}

/// What goes wrong once.
#[derive(Clone, Copy)]
enum Once {
    Disk(&'static Wrong),
    Files(&'static WrongFile),
}

impl Once {
    /// Its name, what may happen, and what is struck.
    const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Disk(wrong) => (wrong.id, wrong.words, wrong.kind),
            Self::Files(wrong) => (wrong.id, wrong.words, wrong.kind),
        }
    }

    /// The names of what can be struck, in order.
    fn devices(self, scenario: &Scenario) -> Vec<&str> {
        match self {
            Self::Disk(_) => scenario.disks().iter().map(|disk| &*disk.name).collect(),
            Self::Files(_) => scenario.file_systems().iter().map(|fs| &*fs.name).collect(),
        }
    }

    fn applied_to(self, file: &File, index: usize, struck: Struck<'_>, name: &str) -> File {
        match self {
            Self::Disk(wrong) => wrong.applied_to(file, struck, name),
            Self::Files(wrong) => wrong.applied_to(file, index, struck, name),
        }
    }

    /// Whether the fault of this name has struck.
    fn strikes(self, valid: &Scenario, index: usize, name: &str, tally: &Tally) -> bool {
        let place =
            |infos: &[RuleInfo]| infos.iter().position(|it| it.name.as_deref() == Some(name));
        match self {
            Self::Disk(_) => place(&valid.disks()[index].fault_infos).is_some_and(|fault| {
                tally.struck.contains(&FaultPlace { disk: DiskIndex(index), fault })
            }),
            Self::Files(_) => place(&valid.file_systems()[index].fault_infos)
                .is_some_and(|fault| tally.struck_files.contains(&(FileSystemIndex(index), fault))),
        }
    }
}

/// One access goes wrong in each run: the first of its kind, the second, .. of every client and on
/// every disk, or file system. Nothing, if it was stopped before that is known.
fn once(
    below: &File,
    scenario: &Scenario,
    wrong: Once,
    runs: u64,
    goes_on: &dyn Fn() -> bool,
) -> Option<Rung> {
    let name = free_name(scenario);
    let (id, words, kind) = wrong.words();
    let mut rung = Rung::implied(id, words, "");
    rung.verdict = Verdict::Never;
    let clients = || scenario.clients().iter().chain(scenario.recover());
    for (index, device) in wrong.devices(scenario).into_iter().enumerate() {
        for client in clients() {
            for nth in 1..=ACCESSES_MAX {
                let struck = Struck { device, client: &client.name, nth };
                let file = wrong.applied_to(below, index, struck, &name);
                let Some(valid) = valid(&file, scenario, id) else { break };
                if rung.tried >= runs {
                    rung.is_cut_off = true;
                    return Some(rung);
                }
                let tally = Tally::of(&valid, runs - rung.tried, goes_on);
                if !tally.is_known() {
                    return None;
                }
                rung.tried += tally.tried;
                rung.is_cut_off |= tally.is_cut_off;
                if !wrong.strikes(&valid, index, &name, &tally) {
                    break;
                }
                let is_worse = match rung.verdict {
                    Verdict::Never => true,
                    Verdict::Holds => tally.verdict != Verdict::Holds,
                    _ => tally.verdict == Verdict::Breaks,
                };
                if is_worse {
                    let Rung { verdict, found, .. } = tally.rung(id, words, &valid);
                    let struck = || format!("{kind} {nth} of {} to {device}", client.name);
                    rung.struck = found.is_some().then(struck);
                    (rung.verdict, rung.found) = (verdict, found);
                }
                if rung.verdict == Verdict::Breaks {
                    return Some(rung);
                }
            }
        }
    }
    Some(rung)
}

/// A name that no rule of the scenario has.
fn free_name(scenario: &Scenario) -> String {
    let mut name = "goes wrong".to_owned();
    let text = scenario.source().text();
    while text.contains(&name) {
        name.push('!');
    }
    name
}
