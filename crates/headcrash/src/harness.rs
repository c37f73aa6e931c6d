//! Scenario files as tests, one each, with their traces as snapshots.
//!
//! In the package of a subject, `tests/scenarios.rs` is
//!
//! ```no_run
//! # mod journal {
//! #     use headcrash::{Fallible, Model, Storage, Subject};
//! #     pub struct Journal;
//! #     #[derive(Clone, Default)]
//! #     pub struct Nothing;
//! #     impl Model for Nothing {
//! #         type Op = u8;
//! #         type Reply = ();
//! #         type View = ();
//! #         fn apply(&mut self, _: &u8) {}
//! #         fn view(&self) {}
//! #     }
//! #     impl Subject for Journal {
//! #         type Model = Nothing;
//! #         const NAME: &'static str = "journal";
//! #         fn open(_: &Storage) -> Fallible<Self> { Ok(Self) }
//! #         fn apply(&mut self, _: &u8) -> Fallible<()> { Ok(()) }
//! #         fn show(&mut self) -> Fallible<()> { Ok(()) }
//! #     }
//! # }
//! # use journal::Journal;
//! headcrash::scenario_tests!(Journal, "scenarios");
//! ```
//!
//! and `Cargo.toml` says of it
//!
//! ```toml
//! [[test]]
//! name = "scenarios"
//! harness = false
//! ```
//!
//! Then `scenarios/power/cut_in_commit.ron` is the test `power/cut_in_commit`, and its trace is
//! `snapshots/power__cut_in_commit.snap`. A file that ends in `.failure.ron` is a recorded failure
//! that must fail again exactly as it did.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use headcrash_scenario::{
    Code, Failure, Keep, Scenario, parse, parse_with, repeat_command, run_seed, trace,
};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::code::Ops;
use crate::subject::{Async, AsyncSubject, Blocking, Subject};

/// The `main` of a test target, each of whose tests is a scenario file of a subject.
///
/// `scenario_tests!(Journal, "scenarios")` for a [`Subject`](crate::Subject),
/// `scenario_tests!(async Journal, "scenarios")` for an [`AsyncSubject`](crate::AsyncSubject); the
/// folder is the package's, and snapshots lie in `snapshots` beside it. See [`harness`](crate::harness).
#[macro_export]
macro_rules! scenario_tests {
    (async $subject:ty, $folder:expr) => {
        fn main() -> ::std::process::ExitCode {
            $crate::harness::Files::of_async::<$subject>()
                .run(::std::env!("CARGO_MANIFEST_DIR"), $folder)
        }
    };
    ($subject:ty, $folder:expr) => {
        fn main() -> ::std::process::ExitCode {
            $crate::harness::Files::of::<$subject>().run(::std::env!("CARGO_MANIFEST_DIR"), $folder)
        }
    };
}

/// Scenario files, and the code that they may be about.
#[derive(Clone)]
pub struct Files {
    code: Option<Arc<dyn Code>>,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Files").field(&self.code.as_ref().map(|code| code.name())).finish()
    }
}

/// Where the files of a test target are.
#[derive(Clone, Debug)]
struct Folders {
    scenarios: PathBuf,
    snapshots: PathBuf,
    /// The scenarios' folder as messages call it.
    shown: String,
}

impl Files {
    /// Files whose clients do steps.
    #[must_use]
    pub const fn scripted() -> Self {
        Self { code: None }
    }

    /// Files about a subject.
    #[must_use]
    pub fn of<S: Subject>() -> Self {
        Self { code: Some(Arc::new(Ops::<Blocking<S>>::new())) }
    }

    /// Files about an async subject.
    #[must_use]
    pub fn of_async<S: AsyncSubject>() -> Self {
        Self { code: Some(Arc::new(Ops::<Async<S>>::new())) }
    }

    /// Runs the tests as the command line says: each file of `folder` in `package`.
    #[must_use]
    pub fn run(&self, package: &str, folder: &str) -> ExitCode {
        let arguments = Arguments::from_args();
        crate::panics::listen();
        headcrash_io::set_listener(crate::storage::reached);
        // Found when the tests run: they may have been built elsewhere.
        let root =
            std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| package.into(), PathBuf::from);
        let folders = Folders {
            scenarios: root.join(folder),
            snapshots: root.join(folder).with_file_name("snapshots"),
            shown: folder.to_owned(),
        };
        let trial = |file: PathBuf| {
            let (files, folders) = (self.clone(), folders.clone());
            let name = folders.name_of(&file);
            match name.strip_suffix(".failure") {
                Some(name) => Trial::test(name.to_owned(), move || files.replays(&folders, &file)),
                None => Trial::test(name.clone(), move || files.holds(&folders, &name, &file)),
            }
        };
        let mut trials: Vec<_> = ron_files(&folders.scenarios).into_iter().map(trial).collect();
        let orphans = folders.clone();
        trials.push(Trial::test("snapshots/no_orphans", move || orphans.no_orphans()));
        libtest_mimic::run(&arguments, trials).exit_code()
    }

    fn load(&self, shown: &str, file: &Path) -> Result<Scenario, Failed> {
        let text = fs::read(file)?;
        let scenario = match &self.code {
            Some(code) => parse_with(shown, &text, code),
            None => parse(shown, &text),
        };
        scenario.map_err(|errors| Failed::from(errors.render(false)))
    }

    /// The scenario comes out as expected for each of its seeds, twice alike, and its trace is the
    /// reviewed one.
    fn holds(&self, folders: &Folders, name: &str, file: &Path) -> Result<(), Failed> {
        let scenario = self.load(&format!("{}/{name}.ron", folders.shown), file)?;
        let mut counts = BTreeMap::<String, (u64, u64)>::new();
        let mut first = None;
        let mut unexpected = None;
        crate::watchdog::runs([format!("in {name}.ron"), String::new()]);
        for seed in scenario.seeds().iter() {
            crate::watchdog::seed(seed);
            let keep = if first.is_none() { Keep::Trace } else { Keep::Hash };
            let drawn = scenario.with_drawn(seed);
            let run = run_seed(&drawn, seed, keep);
            if run_seed(&drawn, seed, Keep::Hash).hash != run.hash {
                let command = self.command(&scenario, name, seed);
                return Err(format!("two runs differ\n\nrepeat with\n  {command}").into());
            }
            counts.entry(run.outcome.label()).or_insert((0, seed)).0 += 1;
            if !run.is_expected(&drawn) && unexpected.is_none() {
                unexpected = Some((seed, run.outcome.clone()));
            }
            first.get_or_insert((drawn, run));
        }
        let (drawn, first) = first.expect("a scenario has a seed at least");
        // In the text, because a header that changes does not fail a test.
        let mut text = match scenario.summary() {
            "" => String::new(),
            summary => format!("{summary}\n\n"),
        };
        text.push_str(&trace::text(&drawn, &first));
        let said = first.outcome.render(scenario.source(), false);
        if !said.is_empty() {
            text.push_str(&format!("\n{said}\n"));
        }
        let runs: u64 = counts.values().map(|(count, _)| count).sum();
        if runs > 1 {
            text.push_str(&table(&counts));
        }
        // Before the snapshot: a trace that should not be is not one to accept.
        if let Some((seed, outcome)) = unexpected {
            let said = outcome.render(scenario.source(), false);
            let (got, wanted) = (outcome.label(), scenario.expect());
            let drawn = scenario.with_drawn(seed);
            let trace = trace::text(&drawn, &run_seed(&drawn, seed, Keep::Trace));
            let command = self.command(&scenario, name, seed);
            return Err(format!(
                "{got}, and {wanted} was expected\n{said}\n\n{}\nrepeat with\n  {command}",
                crate::report::shortened(&trace)
            )
            .into());
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(&folders.snapshots);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_input_file(file);
        settings.bind(|| insta::assert_snapshot!(name.replace('/', "__"), text));
        Ok(())
    }

    /// What repeats a run. The command line knows no subject: for those it is the test.
    fn command(&self, scenario: &Scenario, name: &str, seed: u64) -> String {
        match &self.code {
            None => repeat_command(scenario.source().name(), seed),
            Some(_) => crate::report::test_command(name),
        }
    }

    /// A recorded failure fails again, choice by choice.
    fn replays(&self, folders: &Folders, file: &Path) -> Result<(), Failed> {
        let failure = Failure::parse(&fs::read_to_string(file)?)?;
        // As the command writes it, from the package on; or as a test does, beside the failure.
        let package = folders.scenarios.parent().unwrap_or_else(|| Path::new(""));
        let beside = file.with_file_name(&failure.scenario);
        let path = Some(beside).filter(|path| path.exists());
        let path = path.unwrap_or_else(|| package.join(&failure.scenario));
        let scenario = self.load(&failure.scenario, &path)?;
        let replayed = failure.replay(&scenario)?;
        if replayed.is_same { Ok(()) } else { Err(replayed.report(&scenario).into()) }
    }
}

impl Folders {
    /// `journal/torn_commit`, whatever the separator is here.
    fn name_of(&self, file: &Path) -> String {
        let inside = file.strip_prefix(&self.scenarios).expect("a scenario is among them");
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/").trim_end_matches(".ron").to_owned()
    }

    /// A snapshot that belongs to no scenario is a trace nobody makes any more.
    fn no_orphans(&self) -> Result<(), Failed> {
        let scenarios: Vec<_> =
            ron_files(&self.scenarios).iter().map(|file| self.name_of(file)).collect();
        let mut orphans = Vec::new();
        let Ok(entries) = fs::read_dir(&self.snapshots) else { return Ok(()) };
        for entry in entries {
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
}

/// Every `.ron` file below `folder`, sorted. Listing reads no file, so it is quick.
fn ron_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
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

/// Outcome, how often, smallest seed.
fn table(counts: &BTreeMap<String, (u64, u64)>) -> String {
    let width = counts.keys().map(|label| label.chars().count()).max().unwrap_or(0).max(7);
    let mut text = format!("\n{:<width$}  runs  smallest seed\n", "outcome");
    for (label, (count, seed)) in counts {
        text.push_str(&format!("{label:<width$}  {count:>4}  {seed}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_wrong_is_told_with_the_way_back_and_is_no_snapshot() {
        let package = tempfile::tempdir().expect("there is room for a folder");
        let folders = Folders {
            scenarios: package.path().join("scenarios"),
            snapshots: package.path().join("snapshots"),
            shown: "scenarios".to_owned(),
        };
        fs::create_dir(&folders.scenarios).expect("it is empty");
        let file = folders.scenarios.join("zeroes.ron");
        let text = "(steps: [read(at: 0, len: 512, holds: fill(1))])";
        fs::write(&file, text).expect("there is room for a file");
        let told = Files::scripted().holds(&folders, "zeroes", &file).expect_err("it holds zeroes");
        let told = told.message().expect("it says why");
        assert!(told.contains("and held was expected"), "{told}");
        assert!(told.contains("#1 read d0 0+512"), "the trace is there: {told}");
        assert!(told.contains("\nrepeat with\n  headcrash run scenarios/zeroes.ron"), "{told}");
        assert!(!folders.snapshots.exists(), "nobody is asked to accept its trace");
    }
}
