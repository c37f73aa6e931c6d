//! `headcrash run`.

use std::path::{Path, PathBuf};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use headcrash_scenario::{Failure, Keep, Run, Scenario, repeat_command, run_seed, trace};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Format, RunArgs};
use crate::{Exit, determinism, files, output};

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
    if args.format == Format::Text && !alone {
        output::line(&tally.table());
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
    unexpected: u64,
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
    let Some(scenario) = files::scenario(file) else {
        report.worst(Exit::Unusable);
        if args.format == Format::Text {
            report.line = format!("invalid   {}", file.display());
        }
        return report;
    };
    let seeds: Vec<u64> = match args.seed {
        Some(seed) => vec![seed],
        None => scenario.seeds().iter().collect(),
    };
    let mut last = None;
    for (index, seed) in seeds.iter().enumerate() {
        let show = args.trace || (alone && index == 0);
        let run = run_seed(&scenario, *seed, if show { Keep::Trace } else { Keep::Hash });
        report.runs += 1;
        if show {
            report.traces.push_str(&show_trace(args.format, &scenario, &run, *seed));
        }
        if !run.is_expected(&scenario) {
            report.unexpected += 1;
            report.worst(Exit::Unexpected);
            if report.unexpected == 1 {
                unexpected(args, &scenario, &run, *seed, &mut report);
            }
        }
        if args.check_determinism {
            check_determinism(&scenario, file, *seed, &mut report);
        }
        last = Some(run);
    }
    if args.format == Format::Text {
        report.line = line(&scenario, file, &report, last.as_ref());
    }
    report
}

fn show_trace(format: Format, scenario: &Scenario, run: &Run, seed: u64) -> String {
    match format {
        Format::Text => trace::text(scenario, run),
        Format::Json => trace::json_lines(scenario, run, Some(seed)),
    }
}

/// Tells of the first run of a file that did not come out as expected.
fn unexpected(args: &RunArgs, scenario: &Scenario, run: &Run, seed: u64, report: &mut Report) {
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
    report.repeat = Some(repeat_command(scenario.source().name(), seed));
    if let Some(folder) = &args.failures {
        match save(folder, scenario, run, seed) {
            Ok(path) => {
                let command = headcrash_scenario::replay_command(&path.display().to_string());
                report.notes.push_str(&format!("recorded in {}\n", path.display()));
                report.repeat = Some(command);
            }
            Err(error) => {
                report.worst(Exit::Unusable);
                report.notes.push_str(&format!("error: {}: {error}\n", folder.display()));
            }
        }
    }
}

fn save(folder: &Path, scenario: &Scenario, run: &Run, seed: u64) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let stem = Path::new(scenario.source().name()).file_stem().unwrap_or_default();
    let path = folder.join(format!("{}-{seed}.failure.ron", stem.to_string_lossy()));
    files::write(&path, &Failure::of(scenario, run, Some(seed)).to_ron())?;
    Ok(path)
}

fn check_determinism(scenario: &Scenario, file: &Path, seed: u64, report: &mut Report) {
    let run = run_seed(scenario, seed, Keep::Trace);
    let ours = trace::json_lines(scenario, &run, Some(seed));
    match determinism::compare(&ours, &["run"], file, Some(seed)) {
        Ok(None) => {}
        Ok(Some(difference)) => {
            report.worst(Exit::Unusable);
            report.notes.push_str(&format!("{}: seed {seed}: {difference}\n", file.display()));
            report.repeat =
                Some(repeat_command(scenario.source().name(), seed) + " --check-determinism");
        }
        Err(error) => {
            report.worst(Exit::Unusable);
            report.notes.push_str(&format!("error: the other process: {error}\n"));
        }
    }
}

fn line(scenario: &Scenario, file: &Path, report: &Report, last: Option<&Run>) -> String {
    let verdict = match report.exit {
        Some(Exit::Fine) | None => "ok",
        Some(Exit::Unexpected) => "FAILED",
        Some(Exit::Unusable) => "BROKEN",
    };
    let what = match (last, report.runs) {
        (Some(run), 1) => trace::summary(run),
        (_, runs) if report.unexpected == 0 => format!("{runs} runs, all {}", scenario.expect()),
        (_, runs) => format!("{} of {runs} runs not {}", report.unexpected, scenario.expect()),
    };
    format!("{verdict:<8}  {}  {what}", file.display())
}

/// What came of all files.
#[derive(Debug, Default)]
struct Tally {
    fine: u64,
    unexpected: u64,
    unusable: u64,
    runs: u64,
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
        if self.repeat.is_none() {
            self.repeat.clone_from(&report.repeat);
        }
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["scenarios", "as expected", "not", "unusable", "runs"]);
        let files = self.fine + self.unexpected + self.unusable;
        table.add_row([files, self.fine, self.unexpected, self.unusable, self.runs]);
        let table = table.to_string();
        let lines: Vec<_> = table.lines().map(str::trim_end).collect();
        format!("\n{}", lines.join("\n"))
    }

    const fn exit(&self) -> Exit {
        match (self.unusable, self.unexpected) {
            (0, 0) => Exit::Fine,
            (0, _) => Exit::Unexpected,
            _ => Exit::Unusable,
        }
    }
}
