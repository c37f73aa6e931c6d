//! `headcrash run`.

use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use headcrash_engine::StableHasher;
use headcrash_scenario::{Failure, Keep, Run, Scenario, counted, repeat_command, run_seed, trace};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::args::{Format, RunArgs};
use crate::{Exit, crash, determinism, files, output};

/// Runs scenario files; tells what came of each.
pub(crate) fn run(args: &RunArgs) -> Exit {
    let files = match files::scenario_files(&args.paths) {
        Ok(files) => files,
        Err(error) => {
            output::note(&format!("error: {error}"));
            return Exit::Unusable;
        }
    };
    let alone = files.len() == 1;
    let bar = progress(files.len());
    let mut tally = Tally::default();
    for file in &files {
        bar.set_message(file.display().to_string());
        let report = one(args, file, alone);
        // What is printed goes above the bar, not through it.
        bar.suspend(|| report.print());
        tally.add(&report);
        bar.inc(1);
    }
    bar.finish_and_clear();
    match args.format {
        Format::Text if !alone => output::line(&tally.table()),
        Format::Json if !alone => output::line(&tally.json()),
        Format::Text | Format::Json => {}
    }
    if let Some(command) = &tally.repeat {
        let which = if alone { "repeat" } else { "repeat the first" };
        output::note(&format!("\n{which} with\n  {command}"));
    }
    tally.exit()
}

fn progress(files: usize) -> ProgressBar {
    // Hidden by itself where standard error is no terminal.
    let bar = ProgressBar::new(files as u64);
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {wide_msg}");
    bar.set_style(style.expect("the template is a constant"));
    bar
}

/// What came of one file, ready to be printed.
#[derive(Debug, Default)]
struct Report {
    exit: Option<Exit>,
    runs: u64,
    /// Over the hashes of all runs, in order.
    hash: StableHasher,
    failed_seeds: Vec<u64>,
    /// Over all runs.
    misuses: u64,
    /// Told after the line.
    warnings: String,
    traces: String,
    line: String,
    notes: String,
    repeat: Option<String>,
}

impl Report {
    fn print(&self) {
        output::text(&self.traces);
        if !self.line.is_empty() {
            output::line(&self.line);
        }
        if !self.warnings.is_empty() {
            output::note(self.warnings.trim_end());
        }
        if !self.notes.is_empty() {
            output::note(self.notes.trim_end());
        }
    }

    fn worst(&mut self, exit: Exit) {
        self.exit = self.exit.max(Some(exit));
    }
}

fn one(args: &RunArgs, file: &Path, alone: bool) -> Report {
    let mut report = Report { exit: Some(Exit::Fine), ..Report::default() };
    let Some(scenario) = files::loaded(file, &args.image) else {
        report.worst(Exit::Unusable);
        report.line = match args.format {
            Format::Text => format!("invalid   {}", file.display()),
            Format::Json => {
                json!({"scenario": file.display().to_string(), "verdict": "invalid"}).to_string()
            }
        };
        return report;
    };
    let seeds: Box<dyn Iterator<Item = u64>> = match args.seed {
        Some(seed) => Box::new(std::iter::once(seed)),
        None => Box::new(scenario.seeds().iter()),
    };
    let mut shown = None;
    for seed in seeds {
        let run = run_seed(&scenario, seed, if args.trace { Keep::Trace } else { Keep::Hash });
        report.runs += 1;
        run.hash.hash(&mut report.hash);
        report.misuses += run.misuses.len() as u64;
        if args.trace {
            report.traces.push_str(&show_trace(args.format, &scenario, &run, seed));
        }
        if !run.is_expected(&scenario) {
            report.failed_seeds.push(seed);
            report.worst(Exit::Unexpected);
            unexpected(args, &scenario, &run, seed, &mut report);
        }
        if args.check_determinism {
            check_determinism(args, &scenario, file, seed, &mut report);
        }
        // The first run that is not as expected says most; else the first.
        if shown.is_none() || report.failed_seeds == [seed] {
            shown = Some((seed, run));
        }
    }
    if let (true, Some((seed, _))) = (alone && !args.trace, &shown) {
        let run = run_seed(&scenario, *seed, Keep::Trace);
        report.traces = show_trace(args.format, &scenario, &run, *seed);
    }
    if let (true, Some((seed, run))) = (alone, &shown) {
        report.warnings = warnings(run, *seed, report.misuses);
    }
    let only = shown.map(|(_, run)| run).filter(|_| report.runs == 1);
    report.line = match args.format {
        Format::Text => line(&scenario, file, &report, only.as_ref()),
        Format::Json if alone => String::new(),
        Format::Json => json_line(&scenario, file, &report, only.as_ref()),
    };
    report
}

/// What devices saw that a correct user does not do: the first few of one run, and how many more
/// there are, in it and in others.
fn warnings(run: &Run, seed: u64, all: u64) -> String {
    const MOST: usize = 8;
    let shown = run.misuses.iter().take(MOST);
    let mut text: String =
        shown.map(|misuse| format!("warning: {}\n", trace::misuse(misuse))).collect();
    let here = run.misuses.len() as u64;
    let more = here.saturating_sub(MOST as u64);
    if more > 0 {
        text.push_str(&format!("warning: and {more} more such requests\n"));
    }
    if all > here {
        text.push_str(&format!(
            "warning: these are of seed {seed}; there are {} in runs of other seeds\n",
            all - here
        ));
    }
    text
}

fn show_trace(format: Format, scenario: &Scenario, run: &Run, seed: u64) -> String {
    match format {
        Format::Text => trace::text(scenario, run),
        Format::Json => trace::json_lines(scenario, run, Some(seed)),
    }
}

/// Tells of a run that did not come out as expected: in full of the first of a file.
fn unexpected(args: &RunArgs, scenario: &Scenario, run: &Run, seed: u64, report: &mut Report) {
    if report.failed_seeds.len() == 1 {
        let said = run.outcome.render(scenario.source(), output::colours());
        let got = run.outcome.label();
        report.notes.push_str(&format!(
            "{}: seed {seed}: {got}, and {} was expected\n",
            scenario.source().name(),
            scenario.expect()
        ));
        if !said.is_empty() {
            report.notes.push_str(&said);
            report.notes.push('\n');
        }
        report.repeat =
            Some(repeat_command(scenario.source().name(), seed) + &crash::images(&args.image));
    }
    let Some(folder) = &args.failures else { return };
    match save(folder, scenario, run, seed) {
        Ok(path) => {
            report.notes.push_str(&format!("recorded in {}\n", path.display()));
            if report.failed_seeds.len() == 1 {
                let command = headcrash_scenario::replay_command(&path.display().to_string());
                report.repeat = Some(command + &crash::images(&args.image));
            }
        }
        Err(error) => {
            report.worst(Exit::Unusable);
            report.notes.push_str(&format!("error: {}: {error}\n", folder.display()));
        }
    }
}

/// Writes `TOPIC__NAME-SEED.failure.ron`: the whole path is in the name, so that no two scenarios
/// share one.
pub(crate) fn save(
    folder: &Path,
    scenario: &Scenario,
    run: &Run,
    seed: u64,
) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let name = scenario.source().name().trim_end_matches(".ron");
    let parts: Vec<_> =
        name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let path = folder.join(format!("{}-{seed}.failure.ron", parts.join("__")));
    let text = Failure::of(scenario, run, Some(seed)).to_ron();
    if text.len() as u64 > headcrash_scenario::FAILURE_MAX {
        return Err(std::io::Error::other(
            "the run made more choices than a failure file may hold",
        ));
    }
    files::write(&path, &text)?;
    Ok(path)
}

fn check_determinism(
    args: &RunArgs,
    scenario: &Scenario,
    file: &Path,
    seed: u64,
    report: &mut Report,
) {
    let run = run_seed(scenario, seed, Keep::Trace);
    let ours = trace::json_lines(scenario, &run, Some(seed));
    match determinism::compare(&ours, &["run"], file, Some(seed), &args.image) {
        Ok(None) => {}
        Ok(Some(difference)) => {
            report.worst(Exit::Unusable);
            report.notes.push_str(&format!("{}: seed {seed}: {difference}\n", file.display()));
            report.repeat =
                Some(repeat_command(scenario.source().name(), seed) + " --check-determinism")
                    .map(|command| command + &crash::images(&args.image));
        }
        Err(error) => {
            report.worst(Exit::Unusable);
            report.notes.push_str(&format!("error: the other process: {error}\n"));
        }
    }
}

const fn verdict(report: &Report) -> &'static str {
    match report.exit {
        Some(Exit::Fine) | None => "ok",
        Some(Exit::Unexpected) => "FAILED",
        Some(Exit::Unusable) => "BROKEN",
    }
}

fn line(scenario: &Scenario, file: &Path, report: &Report, only: Option<&Run>) -> String {
    let what = match only {
        Some(run) => trace::summary(run),
        None => {
            let (runs, hash) = (report.runs, report.hash.finish());
            let which = if report.failed_seeds.is_empty() {
                match runs {
                    1 => format!("1 run, {}", scenario.expect()),
                    _ => format!("{runs} runs, all {}", scenario.expect()),
                }
            } else {
                let failed = report.failed_seeds.len();
                let first: Vec<_> =
                    report.failed_seeds.iter().take(8).map(u64::to_string).collect();
                let more = if failed > first.len() { ", .." } else { "" };
                let expected = scenario.expect();
                let seeds = if failed == 1 { "seed" } else { "seeds" };
                let first = first.join(", ");
                let runs = counted(runs, "run");
                format!("{failed} of {runs} not {expected} ({seeds} {first}{more})")
            };
            format!("{which}, hash {hash:016x}")
        }
    };
    format!("{:<8}  {}  {what}", verdict(report), file.display())
}

/// One object for a scenario among several: its verdict, runs, seeds that were not as expected.
fn json_line(scenario: &Scenario, file: &Path, report: &Report, only: Option<&Run>) -> String {
    let hash = only.map_or_else(|| report.hash.finish(), |run| run.hash);
    json!({
        "scenario": file.display().to_string(),
        "verdict": verdict(report).to_lowercase(),
        "expected": scenario.expect().to_string(),
        "outcome": only.map(|run| run.outcome.label()),
        "runs": report.runs,
        "failed_seeds": report.failed_seeds,
        "misuses": report.misuses,
        "hash": format!("{hash:016x}"),
        "repeat": report.repeat,
    })
    .to_string()
}

/// What came of all files.
#[derive(Debug, Default)]
struct Tally {
    fine: u64,
    unexpected: u64,
    unusable: u64,
    runs: u64,
    misuses: u64,
    repeat: Option<String>,
}

impl Tally {
    fn add(&mut self, report: &Report) {
        match report.exit {
            Some(Exit::Fine) | None => self.fine += 1,
            Some(Exit::Unexpected) => self.unexpected += 1,
            Some(Exit::Unusable) => self.unusable += 1,
        }
        self.runs += report.runs;
        self.misuses += report.misuses;
        if self.repeat.is_none() {
            self.repeat.clone_from(&report.repeat);
        }
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["scenarios", "as expected", "not", "unusable", "runs", "warnings"]);
        let files = self.fine + self.unexpected + self.unusable;
        let (fine, runs) = (self.fine, self.runs);
        table.add_row([files, fine, self.unexpected, self.unusable, runs, self.misuses]);
        let table = table.to_string();
        let lines: Vec<_> = table.lines().map(str::trim_end).collect();
        format!("\n{}", lines.join("\n"))
    }

    fn json(&self) -> String {
        json!({
            "scenarios": self.fine + self.unexpected + self.unusable,
            "as_expected": self.fine,
            "not": self.unexpected,
            "unusable": self.unusable,
            "runs": self.runs,
            "misuses": self.misuses,
        })
        .to_string()
    }

    const fn exit(&self) -> Exit {
        match (self.unusable, self.unexpected) {
            (0, 0) => Exit::Fine,
            (0, _) => Exit::Unexpected,
            _ => Exit::Unusable,
        }
    }
}
