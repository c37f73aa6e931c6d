//! `headcrash shrink`.

use std::path::{Path, PathBuf};

use headcrash_scenario::shrink::{Shrunk, Size, shrink as make_small};
use headcrash_scenario::{Failure, Outcome, Scenario, counted, replay_command};

use crate::args::ShrinkArgs;
use crate::{Exit, crash, files, output, replay};

/// Makes a recorded failure smaller.
pub(crate) fn shrink(args: &ShrinkArgs) -> Exit {
    one(args).unwrap_or_else(|error| {
        replay::complain(&args.file, &error);
        Exit::Unusable
    })
}

fn one(args: &ShrinkArgs) -> Result<Exit, String> {
    let failure = replay::load(&args.file)?;
    let path = replay::find(&args.file, &failure.scenario)?;
    let Some(scenario) = files::loaded(&path, &args.image) else { return Ok(Exit::Unusable) };
    let replayed = failure.replay(&scenario).map_err(|error| error.to_string())?;
    if !replayed.is_same {
        let report = replayed.report(&scenario);
        return Err(format!("it does not fail again as it was recorded: {report}"));
    }
    if replayed.run.is_expected(&scenario) {
        return Err(format!("it is as it should be: {}, and so was expected", failure.outcome));
    }
    if let Outcome::Held | Outcome::NotMeasured(_) | Outcome::Endless(_) = replayed.run.outcome {
        return Err(format!("there is nothing to take away: {}", failure.outcome));
    }
    let shrunk = make_small(&scenario, &replayed.run, args.runs);
    let before = Size::of(&scenario, &replayed.run.schedule);
    output::line(&format!("{}: {}", args.file.display(), failure.outcome));
    output::line(&format!("before  {before}"));
    output::line(&format!("after   {}", shrunk.size()));
    let how = if shrunk.is_minimal {
        "nothing more can be taken away".to_owned()
    } else {
        format!("`--runs {}` ended it", args.runs)
    };
    output::line(&format!("{}; {how}", counted(shrunk.runs_used, "run")));
    let names = Names::of(&args.file, args.output.as_deref())?;
    let (scenario_file, failure_file) = names.files("min");
    let written = write(&shrunk, &scenario_file, &failure_file)?;
    output::line(&written);
    for (number, (scenario, run)) in (1..).zip(&shrunk.others) {
        let (scenario_file, failure_file) = names.files(&format!("other-{number}"));
        let found = Found { scenario, failure: Failure::of(scenario, run, None) };
        found.write(&scenario_file, &failure_file)?;
        let (label, file) = (run.outcome.label(), failure_file.display());
        output::line(&format!("on the way something else was wrong: {label}: {file}"));
    }
    let command = replay_command(&failure_file.display().to_string()) + &crash::images(&args.image);
    output::note(&format!("\nrepeat with\n  {command}"));
    Ok(Exit::Fine)
}

/// What files are called.
struct Names {
    folder: PathBuf,
    /// Without `.failure.ron`.
    name: String,
}

impl Names {
    fn of(failure: &Path, output: Option<&Path>) -> Result<Self, String> {
        let name = failure.file_name().ok_or("it has no name")?.to_string_lossy();
        let name = name.trim_end_matches(".ron").trim_end_matches(".failure").to_owned();
        let beside = failure.parent().unwrap_or_else(|| Path::new("")).to_owned();
        if let Some(folder) = output {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        Ok(Self { folder: output.map_or(beside, Path::to_owned), name })
    }

    /// The scenario's and the failure's.
    fn files(&self, what: &str) -> (PathBuf, PathBuf) {
        let file = |end| self.folder.join(format!("{}.{what}.{end}", self.name));
        (file("ron"), file("failure.ron"))
    }
}

/// A scenario and its failure, to be written.
struct Found<'s> {
    scenario: &'s Scenario,
    failure: Failure,
}

impl Found<'_> {
    fn write(mut self, scenario: &Path, failure: &Path) -> Result<(), String> {
        self.failure.scenario = scenario.display().to_string();
        write_new(scenario, self.scenario.source().text())?;
        write_new(failure, &self.failure.to_ron())
    }
}

fn write(shrunk: &Shrunk, scenario: &Path, failure: &Path) -> Result<String, String> {
    let (text, recorded) = shrunk.files(&scenario.display().to_string());
    write_new(scenario, &text)?;
    write_new(failure, &recorded.to_ron())?;
    let by_itself = if shrunk.fails_by_itself {
        "which fails by itself"
    } else {
        "which fails with the recorded choices, and with no seed that was tried"
    };
    Ok(format!("written to {}, {by_itself}, and {}", scenario.display(), failure.display()))
}

/// Writes a file that is not there, or that says the same.
fn write_new(path: &Path, text: &str) -> Result<(), String> {
    files::write_new(path, text).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!("{error}; `--output` names another folder"),
        _ => format!("{}: {error}", path.display()),
    })
}
