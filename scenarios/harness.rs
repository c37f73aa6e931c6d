//! Makes each scenario file a named test, and its trace a snapshot.
//!
//! `journal/torn_commit` is `scenarios/journal/torn_commit.ron`, and its trace is
//! `snapshots/journal__torn_commit.snap`. A file that ends in `.failure.ron` is a recorded failure:
//! it must fail again exactly as it did. A snapshot without a scenario fails a test of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use headcrash_scenario::{Failure, Keep, Scenario, repeat_command, run_seed, trace};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let files = files(&root().join("scenarios"));
    let mut trials: Vec<_> = files.into_iter().map(trial).collect();
    trials.push(Trial::test("snapshots/no_orphans", no_orphans));
    libtest_mimic::run(&arguments, trials).exit();
}

/// The workspace, found when the tests run: they may have been built elsewhere.
fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
}

/// Every `.ron` file below `folder`, sorted. Listing reads no file, so it is quick.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).expect("the scenarios' folders can be listed");
        for entry in entries {
            let path = entry.expect("the scenarios' folders can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "ron") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `journal/torn_commit`, whatever the separator is here.
fn name_of(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("scenarios")).expect("a scenario is among them");
    let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/").trim_end_matches(".ron").to_owned()
}

fn trial(file: PathBuf) -> Trial {
    let name = name_of(&file);
    if let Some(name) = name.strip_suffix(".failure") {
        return Trial::test(name.to_owned(), move || replays(&file));
    }
    Trial::test(name.clone(), move || holds(&name, &file))
}

fn load(name: &str, file: &Path) -> Result<Scenario, Failed> {
    let shown = format!("scenarios/{name}.ron");
    headcrash_scenario::parse(&shown, &fs::read(file)?)
        .map_err(|errors| Failed::from(errors.render(false)))
}

/// The scenario comes out as expected for each of its seeds, twice alike, and its trace is the
/// reviewed one.
fn holds(name: &str, file: &Path) -> Result<(), Failed> {
    let scenario = load(name, file)?;
    let mut counts = BTreeMap::<String, (u64, u64)>::new();
    let mut first = None;
    let mut unexpected = None;
    for seed in scenario.seeds().iter() {
        let keep = if first.is_none() { Keep::Trace } else { Keep::Hash };
        let run = run_seed(&scenario, seed, keep);
        if run_seed(&scenario, seed, Keep::Hash).hash != run.hash {
            let command = repeat_command(scenario.source().name(), seed);
            return Err(format!("two runs differ\n\nrepeat with\n  {command}").into());
        }
        counts.entry(run.outcome.label()).or_insert((0, seed)).0 += 1;
        if !run.is_expected(&scenario) && unexpected.is_none() {
            unexpected = Some((seed, run.outcome.clone()));
        }
        first.get_or_insert(run);
    }
    let first = first.expect("a scenario has a seed at least");
    // In the text, because a header that changes does not fail a test.
    let mut text = match scenario.summary() {
        "" => String::new(),
        summary => format!("{summary}\n\n"),
    };
    text.push_str(&trace::text(&scenario, &first));
    let said = first.outcome.render(scenario.source(), false);
    if !said.is_empty() {
        text.push_str(&format!("\n{said}\n"));
    }
    let runs: u64 = counts.values().map(|(count, _)| count).sum();
    if runs > 1 {
        text.push_str(&table(&counts));
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_input_file(file);
    settings.bind(|| insta::assert_snapshot!(name.replace('/', "__"), text));
    match unexpected {
        None => Ok(()),
        Some((seed, outcome)) => {
            let said = outcome.render(scenario.source(), false);
            let (got, wanted) = (outcome.label(), scenario.expect());
            let command = repeat_command(scenario.source().name(), seed);
            Err(format!("{got}, and {wanted} was expected\n{said}\n\nrepeat with\n  {command}")
                .into())
        }
    }
}

/// Outcome, how often, smallest seed.
fn table(counts: &BTreeMap<String, (u64, u64)>) -> String {
    let width = counts.keys().map(|label| label.chars().count()).max().unwrap_or(0).max(7);
    let mut text = format!("\n{:<width$}  runs  smallest seed\n", "outcome");
    for (label, (count, seed)) in counts {
        text.push_str(&format!("{label:<width$}  {count:>4}  {seed}\n"));
    }
    text
}

/// A recorded failure fails again, choice by choice.
fn replays(file: &Path) -> Result<(), Failed> {
    let failure = Failure::parse(&fs::read_to_string(file)?)?;
    let path = root().join(&failure.scenario);
    let scenario = headcrash_scenario::parse(&failure.scenario, &fs::read(path)?)
        .map_err(|errors| Failed::from(errors.render(false)))?;
    let replayed = failure.replay(&scenario)?;
    if replayed.is_same { Ok(()) } else { Err(replayed.report(&scenario).into()) }
}

/// A snapshot that belongs to no scenario is a trace nobody makes any more.
fn no_orphans() -> Result<(), Failed> {
    let scenarios: Vec<_> =
        files(&root().join("scenarios")).iter().map(|file| name_of(file)).collect();
    let mut orphans = Vec::new();
    for entry in fs::read_dir(root().join("snapshots"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().replace("__", "/");
        let is_snapshot = path.extension().is_some_and(|end| end == "snap");
        if is_snapshot && !scenarios.contains(&name) {
            orphans.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    orphans.sort();
    if orphans.is_empty() {
        return Ok(());
    }
    let list = orphans.join("\n  snapshots/");
    Err(format!("no scenario has this trace; remove it\n  snapshots/{list}").into())
}
