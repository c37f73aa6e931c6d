//! `headcrash step`.

use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use headcrash_scenario::walk::{Recorded, Reply, STEPS_MAX, Walk};
use headcrash_scenario::{FAILURE_MAX, Failure, replay_command};

use crate::args::StepArgs;
use crate::{Exit, files, output, replay};

/// Walks through a run, as lines from standard input say.
pub(crate) fn step(args: &StepArgs) -> Exit {
    let walked = if files::is_failure(&args.file) { failure(args) } else { scenario(args) };
    walked.unwrap_or_else(|error| {
        if !error.is_empty() {
            output::note(&format!("error: {}: {error}", args.file.display()));
        }
        Exit::Unusable
    })
}

/// An error that was told already is empty.
fn scenario(args: &StepArgs) -> Result<Exit, String> {
    let scenario = files::loaded(&args.file, &args.image).ok_or_else(String::new)?;
    let seed = args.seed.or_else(|| scenario.seeds().iter().next()).unwrap_or_default();
    output::line(&format!("{}: seed {seed}", args.file.display()));
    Ok(walk(Walk::of_seed(&scenario, seed)))
}

fn failure(args: &StepArgs) -> Result<Exit, String> {
    if args.seed.is_some() {
        return Err("a failure has its own choices, and --seed is of a scenario".to_owned());
    }
    let bytes = files::read(&args.file, FAILURE_MAX + 1).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FAILURE_MAX {
        return Err("a failure file is at most 64 MiB long".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    let failure = Failure::parse(&text).map_err(|error| error.to_string())?;
    let path = replay::find(&args.file, &failure.scenario)?;
    let scenario = files::loaded(&path, &args.image).ok_or_else(String::new)?;
    let recorded = Recorded::of(&failure, &scenario).map_err(|error| error.to_string())?;
    let walked = Walk::of_failure(&recorded);
    output::line(&format!("{}: of {}", args.file.display(), path.display()));
    if walked.failure().trace_hash != failure.trace_hash {
        output::note("it does not come out as it was recorded: the scenario was edited since");
    }
    Ok(walk(walked))
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
