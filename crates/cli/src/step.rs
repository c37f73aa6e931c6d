//! `headcrash step`.

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use headcrash_scenario::walk::{Recorded, Reply, STEPS_MAX, Walk};
use headcrash_scenario::{Failure, replay_command};

use crate::args::StepArgs;
use crate::{Exit, files, output, replay};

/// Walks through a run, as lines from standard input say.
pub(crate) fn step(args: &StepArgs) -> Exit {
    let walked = if files::is_failure(&args.file) { failure(args) } else { scenario(args) };
    walked.unwrap_or_else(|error| {
        replay::complain(&args.file, &error);
        Exit::Unusable
    })
}

/// An error that was told already is empty.
fn scenario(args: &StepArgs) -> Result<Exit, String> {
    let scenario = files::loaded(&args.file, &args.image).ok_or_else(String::new)?;
    let seed = args.seed.or_else(|| scenario.seeds().iter().next()).unwrap_or_default();
    let walked = Walk::of_seed(&scenario, seed);
    let which = walked.which().map_or_else(String::new, |which| format!(", {which}"));
    output::line(&format!("{}: seed {seed}{which}", args.file.display()));
    Ok(walk(walked))
}

fn failure(args: &StepArgs) -> Result<Exit, String> {
    if args.seed.is_some() {
        return Err("a failure has its own choices, and --seed is of a scenario".to_owned());
    }
    let failure = replay::load(&args.file)?;
    let path = replay::find(&args.file, &failure.scenario)?;
    let scenario = files::loaded(&path, &args.image).ok_or_else(String::new)?;
    let recorded = Recorded::of(&failure, &scenario).map_err(|error| error.to_string())?;
    let walked = Walk::of_failure(&recorded);
    output::line(&format!("{}: of {}", args.file.display(), path.display()));
    let now = walked.failure();
    let edited = now.scenario_hash != failure.scenario_hash;
    let is_same = (&now.trace_hash, &now.outcome) == (&failure.trace_hash, &failure.outcome);
    let message = match (edited, is_same) {
        (false, true) => return Ok(walk(walked)),
        (true, true) => "the scenario was edited since; the run is what it was".to_owned(),
        (true, false) => format!(
            "the scenario was edited since: this run comes to {}, and {} was recorded",
            now.outcome, failure.outcome
        ),
        (false, false) => format!(
            "it does not come out as it was recorded: {}, not {}",
            now.outcome, failure.outcome
        ),
    };
    output::note(&format!("warning: {}: {message}", args.file.display()));
    // It can be looked at, and what is seen is not what was recorded.
    Ok(walk(walked).max(Exit::Unusable))
}

/// Reads lines until there are no more. Whoever sends them through a pipe learns from the exit code
/// whether all were understood.
fn walk(mut walk: Walk<'_>) -> Exit {
    let is_terminal = io::stdin().is_terminal();
    if walk.steps() >= STEPS_MAX {
        output::note(&format!("only the first {STEPS_MAX} steps can be walked"));
    }
    output::text(&walk.here());
    if is_terminal {
        output::line("`help` lists what there is to say");
    }
    let mut exit = Exit::Fine;
    let mut lines = io::stdin().lock().lines();
    loop {
        if is_terminal {
            output::prompt("> ");
        }
        let line = match lines.next() {
            None => return exit,
            Some(Ok(line)) => line,
            Some(Err(error)) => {
                output::note(&format!("error: standard input: {error}"));
                return Exit::Unusable;
            }
        };
        // In a script a line may say nothing; at a terminal an empty one goes on.
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() && !is_terminal {
            continue;
        }
        let done = match walk.execute(line) {
            Ok(Reply::Text(text)) => {
                output::text(&text);
                Ok(())
            }
            Ok(Reply::Save { file, failure }) => save(Path::new(&file), &failure),
            Ok(Reply::Quit) => return exit,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            output::note(&format!("error: {error}"));
            if !is_terminal {
                exit = Exit::Unusable;
            }
        }
    }
}

/// A file that ends in `.failure.ron` is known as a failure.
fn save(file: &Path, failure: &Failure) -> Result<(), String> {
    let fail = |error: io::Error| format!("{}: {error}", file.display());
    files::write_new(file, &failure.to_ron()).map_err(fail)?;
    let file = file.display().to_string();
    output::line(&format!("written; repeat with\n  {}", replay_command(&file)));
    Ok(())
}
