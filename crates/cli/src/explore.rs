//! `headcrash explore`: campaigns.
//!
//! What is run and what counts is [`headcrash_scenario::campaign`]'s business; here are the threads,
//! the clock, the files and the words. Runs are made in batches and merged in the order of their
//! seeds, so that nothing that is said depends on how many threads made them.

mod echo;
mod findings;
mod results;
mod search;
pub(crate) mod show;
pub(crate) mod stop;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use headcrash_scenario::campaign::{
    Campaign, Header, HeaderScenario, Part, Plan, Vacuous, Why, unmet, vacuous,
};
use headcrash_scenario::{Method, Scenario, Seeds};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Deny, ExploreArgs};
use crate::{Exit, files, output};
use results::Results;
use search::{Ended, Search, Wanted};
use stop::Stop;

/// Makes many runs of scenarios, and tells what they found.
pub(crate) fn explore(args: &ExploreArgs) -> Exit {
    if let Some(what) = args.echo {
        return echo::echo(args, what);
    }
    match Explorer::new(args) {
        Ok(explorer) => explorer.explore(),
        Err(error) => {
            output::note(&format!("error: {error}"));
            Exit::Unusable
        }
    }
}

/// A scenario that is explored.
struct Explored {
    scenario: Scenario,
    path: PathBuf,
    method: Method,
    seeds: Seeds,
}

struct Explorer<'a> {
    args: &'a ExploreArgs,
    all: Vec<Explored>,
    /// So far.
    exit: Exit,
    part: Part,
    pool: rayon::ThreadPool,
    stop: Stop,
    results: Results,
}

impl<'a> Explorer<'a> {
    fn new(args: &'a ExploreArgs) -> Result<Self, String> {
        let mut paths = files::scenario_files(&args.paths)?;
        let mut known = HashSet::new();
        paths.retain(|path| known.insert(path.clone()));
        let mut exit = Exit::Fine;
        let mut all = Vec::new();
        for path in paths {
            let Some(scenario) = files::scenario(&path) else {
                exit = Exit::Unusable;
                output::line(&format!("invalid   {}", path.display()));
                continue;
            };
            let method = args.search.unwrap_or_else(|| scenario.method());
            all.push(Explored { seeds: seeds(args, &scenario), scenario, path, method });
        }
        let part = args.shard.map_or(Part::WHOLE, |shard| Part { part: shard.part, of: shard.of });
        for Explored { method, path, .. } in &all {
            if !matches!(method, Method::Exhaustive { .. }) {
                continue;
            }
            let fail = |what: &str| Err(format!("{}: {what}", path.display()));
            if args.seeds.is_some() {
                return fail("an exhaustive search has no seeds; `--runs N` ends it");
            }
            if part != Part::WHOLE {
                return fail("an exhaustive search is one machine's work; leave out `--shard`");
            }
        }
        let header = |explored: &Explored| {
            let Explored { scenario, method, seeds, .. } = explored;
            HeaderScenario::new(scenario, *method, seeds, args.until_stable)
        };
        let header = Header::new(part, all.iter().map(header).collect());
        let results = Results::open(args.results.as_deref(), header)?;
        let jobs = args.jobs.map(|jobs| jobs as usize);
        let jobs = jobs.or_else(|| Some(std::thread::available_parallelism().ok()?.get()));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.unwrap_or(1));
        let pool = pool.build().map_err(|error| format!("threads: {error}"))?;
        let stop = Stop::new().map_err(|error| format!("ctrl-C: {error}"))?;
        Ok(Self { args, all, exit, part, pool, stop, results })
    }

    fn explore(mut self) -> Exit {
        let all = std::mem::take(&mut self.all);
        let many = all.len() > 1;
        let start = Instant::now();
        let mut totals = show::Totals::default();
        let mut repeat = None;
        let mut stopped = None;
        for (place, explored) in all.iter().enumerate() {
            if self.stop.is_asked() {
                stopped = stopped.or(Some(0));
                break;
            }
            // What is left of the time is shared by those that are left.
            let left = (all.len() - place) as u32;
            let deadline = self.args.time.map(|time| {
                let until = time.saturating_sub(start.elapsed());
                Instant::now() + until / left.max(1)
            });
            let report = self.one(place, explored, deadline);
            if report.ended.why == Why::Stopped {
                stopped = Some(report.campaign.runs());
            }
            totals.add(&report);
            self.exit = self.exit.max(report.exit());
            report.print(self.args.format);
            if repeat.is_none() {
                repeat.clone_from(&report.repeat);
            }
        }
        totals.print(self.args.format, many, start.elapsed());
        if let Some(error) = self.results.broken() {
            output::note(&format!("error: {error}"));
            self.exit = Exit::Unusable;
        }
        if stopped.is_some() {
            // What was asked for was not done: nothing may be taken for found to be good.
            if self.exit == Exit::Fine {
                self.exit = Exit::Unusable;
            }
            output::note(&self.how_to_go_on(stopped));
        }
        if let Some(command) = repeat {
            let which = if many { "repeat the first" } else { "repeat" };
            output::note(&format!("\n{which} with\n  {command}"));
        }
        self.exit
    }

    fn how_to_go_on(&self, runs: Option<u64>) -> String {
        let how = match &self.args.results {
            Some(file) => format!("the same command goes on from {}", file.display()),
            None => {
                let done = runs.unwrap_or_default();
                let which = match (&self.args.seeds, self.part) {
                    (Some(seeds), Part::WHOLE) => {
                        format!(
                            "; `--seeds {}..{}` does what is left",
                            seeds.start + done,
                            seeds.end
                        )
                    }
                    _ => String::new(),
                };
                format!("with `--results FILE.jsonl` the same command goes on{which}")
            }
        };
        format!("stopped: {how}")
    }

    /// One scenario's campaign, from where the results file says it is.
    fn one(
        &mut self,
        place: usize,
        explored: &Explored,
        deadline: Option<Instant>,
    ) -> show::Report {
        let Explored { scenario, path, method, seeds } = explored;
        let plan = Plan::new(scenario, *method);
        let recorded = self.results.recorded(place);
        let mut campaign = recorded.map(|recorded| recorded.resume(scenario)).unwrap_or_default();
        let ended_before = recorded.and_then(|recorded| recorded.end.clone());
        let bar = progress();
        let wanted = Wanted {
            seeds,
            part: self.part,
            until_stable: self.args.until_stable,
            runs: self.args.runs,
            deadline,
        };
        let mut twin = None;
        let mut trouble = Vec::new();
        if self.args.check_determinism {
            match echo::Twin::start(path, *method) {
                Ok(started) => twin = Some(started),
                Err(error) => trouble.push(format!("error: the other process: {error}")),
            }
        }
        let mut search = Search {
            place,
            plan: &plan,
            wanted: &wanted,
            pool: &self.pool,
            stop: &self.stop,
            results: &mut self.results,
            bar: &bar,
            twin: twin.as_mut(),
        };
        let ended = match *method {
            Method::Exhaustive { .. } => search.exhaustive(&mut campaign, ended_before),
            Method::Seeded | Method::Pct { .. } => search.seeded(&mut campaign),
        };
        bar.finish_and_clear();
        trouble.extend(ended.trouble.iter().cloned());
        self.report(place, explored, &plan, campaign, ended, trouble)
    }

    fn report(
        &mut self,
        place: usize,
        explored: &Explored,
        plan: &Plan<'_>,
        mut campaign: Campaign,
        ended: Ended,
        trouble: Vec<String>,
    ) -> show::Report {
        let Explored { scenario, .. } = explored;
        let found = findings::tell(self.args, plan, &mut campaign, &mut |finding| {
            self.results.found(place, finding);
        });
        let vacuous = vacuous(scenario, campaign.coverage());
        let never = vacuous.iter().filter_map(Vacuous::sometimes);
        let expect = scenario.expect().to_string();
        let unmet = unmet(&expect, campaign.runs(), campaign.outcomes(), never);
        let mut report = show::Report {
            name: scenario.source().name().to_owned(),
            source: scenario.source().clone(),
            search: plan.method().to_string(),
            expect,
            findings: campaign.findings(),
            part: self.part,
            unmet,
            vacuous,
            denies: self.args.deny.contains(&Deny::Vacuous),
            notes: found.notes,
            trouble: trouble.into_iter().chain(found.trouble).collect(),
            repeat: ended.repeat.clone().or(found.repeat),
            campaign,
            ended,
        };
        if report.repeat.is_none() && report.exit() != Exit::Fine && report.trouble.is_empty() {
            report.repeat = Some(self.all_again(&report.name, report.campaign.runs()));
        }
        report
    }

    /// The command that makes all of a scenario's runs again: no single one shows what is missing.
    fn all_again(&self, name: &str, runs: u64) -> String {
        let file = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
        let mut words = vec!["headcrash".to_owned(), "explore".to_owned(), file];
        if let Some(search) = self.args.search {
            words.extend(["--search".to_owned(), search.to_string()]);
        }
        match (&self.args.seeds, self.args.runs, self.args.time, self.args.until_stable) {
            (Some(seeds), ..) => {
                words.extend(["--seeds".to_owned(), format!("{}..{}", seeds.start, seeds.end)]);
            }
            // What time has ended is so many runs.
            (None, None, None, None) => {}
            (None, ..) => words.extend(["--runs".to_owned(), runs.to_string()]),
        }
        if self.args.deny.contains(&Deny::Vacuous) {
            words.extend(["--deny".to_owned(), "vacuous".to_owned()]);
        }
        headcrash_scenario::command_line(words.iter().map(String::as_str))
    }
}

/// Which seeds are asked for: none of them follows from how long there is time.
fn seeds(args: &ExploreArgs, scenario: &Scenario) -> Seeds {
    if let Some(range) = &args.seeds {
        return Seeds::Range(range.clone());
    }
    match (args.runs, args.time, args.until_stable) {
        (Some(runs), _, _) => Seeds::Range(0..runs),
        (None, None, None) => scenario.seeds().clone(),
        (None, _, _) => Seeds::Range(0..u64::MAX),
    }
}

/// Shown on a terminal alone.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {wide_msg}");
    bar.set_style(style.expect("the template is a constant"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
