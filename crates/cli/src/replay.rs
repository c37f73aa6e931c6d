//! `headcrash replay`.

use std::path::{Path, PathBuf};

use headcrash_scenario::{FAILURE_MAX, Failure, FailureError, Scenario, replay_command, trace};

use crate::args::{Format, ReplayArgs};
use crate::{Exit, crash, determinism, files, output};

/// Repeats recorded failures.
pub(crate) fn replay(args: &ReplayArgs) -> Exit {
    let mut worst = Exit::Fine;
    for file in &args.files {
        let exit = one(args, file).unwrap_or_else(|error| {
            complain(file, &error);
            Exit::Unusable
        });
        worst = worst.max(exit);
    }
    worst
}

/// Tells what is wrong with a failure; an error that was told already is empty.
pub(crate) fn complain(file: &Path, error: &str) {
    if !error.is_empty() {
        output::note(&format!("error: {}: {error}", file.display()));
    }
}

/// A failure that fails again as it did is what was asked for, and an exit of 1: something did not
/// come out as expected. A failure that does not is not to be trusted: an exit of 2.
fn one(args: &ReplayArgs, file: &Path) -> Result<Exit, String> {
    let failure = load(file)?;
    let path = find(file, &failure.scenario)?;
    let Some(scenario) = files::loaded(&path, &args.image) else { return Ok(Exit::Unusable) };
    if args.lenient {
        return lenient(args, file, &failure, &scenario);
    }
    let replayed = failure.replay(&scenario).map_err(|error| {
        let edited = matches!(error, FailureError::Scenario { .. });
        let help = "\n  `--lenient` replays as much as still fits";
        format!("{error}{}", if edited { help } else { "" })
    });
    let replayed = replayed?;
    let json = trace::json_lines(&scenario, &replayed.run, failure.seed);
    match args.format {
        Format::Text => output::text(&trace::text(&scenario, &replayed.run)),
        Format::Json => output::text(&json),
    }
    output::note(&replayed.report(&scenario));
    if args.check_determinism
        && let Some(difference) = determinism::compare(&json, &["replay"], file, None, &args.image)
            .map_err(|error| format!("the other process: {error}"))?
    {
        output::note(&difference.to_string());
        return Ok(Exit::Unusable);
    }
    let said = replayed.run.outcome.render(scenario.source(), output::colours());
    if !said.is_empty() {
        output::note(&said);
    }
    if !replayed.is_same {
        output::note(&format!(
            "it does not come out as it was recorded: {} with hash {}, not {} with hash {:016x}",
            failure.outcome,
            failure.trace_hash,
            replayed.run.outcome.label(),
            replayed.run.hash
        ));
        return Ok(Exit::Unusable);
    }
    if replayed.run.is_expected(&scenario) {
        return Ok(Exit::Fine);
    }
    let command = replay_command(&file.display().to_string()) + &crash::images(&args.image);
    output::note(&format!("\nrepeat with\n  {command}"));
    Ok(Exit::Unexpected)
}

/// Follows each kind of question about each actor on its own: the scenario may have been edited.
/// The same outcome is what was asked for, and an exit of 1; what was expected is an exit of 0.
fn lenient(
    args: &ReplayArgs,
    file: &Path,
    failure: &Failure,
    scenario: &Scenario,
) -> Result<Exit, String> {
    let replayed =
        failure.replay_leniently(scenario, args.then).map_err(|error| error.to_string())?;
    let json = trace::json_lines(scenario, &replayed.run, args.then);
    match args.format {
        Format::Text => output::text(&trace::text(scenario, &replayed.run)),
        Format::Json => output::text(&json),
    }
    output::note(&replayed.report(scenario));
    let then = args.then.map(|seed| seed.to_string());
    let mut words = vec!["replay", "--lenient"];
    words.extend(then.iter().flat_map(|seed| ["--then", seed]));
    if args.check_determinism
        && let Some(difference) = determinism::compare(&json, &words, file, None, &args.image)
            .map_err(|error| format!("the other process: {error}"))?
    {
        output::note(&difference.to_string());
        return Ok(Exit::Unusable);
    }
    let said = replayed.run.outcome.render(scenario.source(), output::colours());
    if !said.is_empty() {
        output::note(&said);
    }
    if replayed.run.is_expected(scenario) {
        output::note(&format!("it comes out as expected: {}", replayed.run.outcome.label()));
        if replayed.matched == 0 && replayed.recorded > 0 {
            output::note("and nothing that was recorded matched: this says nothing of the failure");
            return Ok(Exit::Unusable);
        }
        return Ok(Exit::Fine);
    }
    if !replayed.is_same {
        let (got, was) = (replayed.run.outcome.label(), &failure.outcome);
        output::note(&format!("it fails in another way: {got}, and {was} was recorded"));
        return Ok(Exit::Unusable);
    }
    let mut command = replay_command(&file.display().to_string()) + " --lenient";
    command.extend(then.iter().map(|seed| format!(" --then {seed}")));
    command.push_str(&crash::images(&args.image));
    output::note(&format!("\nrepeat with\n  {command}"));
    Ok(Exit::Unexpected)
}

/// Reads a failure file. If it is none that is told, and the error is empty.
pub(crate) fn load(file: &Path) -> Result<Failure, String> {
    let bytes = files::read(file, FAILURE_MAX + 1).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FAILURE_MAX {
        return Err("a failure file is at most 64 MiB long".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("it is not text: byte {at} is no UTF-8")
    })?;
    let name = file.display().to_string();
    let failure = Failure::parse(&text).map_err(|error| {
        output::note(&error.render(&name, &text, output::colours()));
        String::new()
    })?;
    if let Some(warning) = failure.other_seeds() {
        output::note(&format!("warning: {name}: {warning}"));
    }
    Ok(failure)
}

/// The scenario a failure names: as it is named, or beside the failure's own file.
pub(crate) fn find(failure: &Path, scenario: &str) -> Result<PathBuf, String> {
    let named = PathBuf::from(scenario);
    let beside = failure.parent().and_then(|folder| Some(folder.join(named.file_name()?)));
    let candidates = [Some(named), beside].into_iter().flatten();
    let found = candidates.into_iter().find(|path| path.is_file());
    found.ok_or_else(|| format!("its scenario, {scenario}, is neither there nor beside it"))
}
