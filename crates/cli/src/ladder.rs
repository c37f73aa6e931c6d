//! `headcrash explore --ladder`.

use std::io;
use std::path::{Path, PathBuf};

use headcrash_scenario::ladder::{Found, Ladder, Options, Rung, climb_while, json, text};
use headcrash_scenario::{Failure, command_line, replay_command};
use serde_json::json as value;

use crate::args::{ExploreArgs, Format};
use crate::explore::stop::Stop;
use crate::{Exit, files, output};

/// Breaks one promise of the disks after the other, for each file.
pub(crate) fn ladder(args: &ExploreArgs) -> Exit {
    let files = match files::scenario_files(&args.paths) {
        Ok(files) => files,
        Err(error) => {
            output::note(&format!("error: {error}"));
            return Exit::Unusable;
        }
    };
    let own = Options::default();
    let options = Options { runs: args.runs.unwrap_or(own.runs), shrink: args.shrink };
    let stop = match Stop::new() {
        Ok(stop) => stop,
        Err(error) => {
            output::note(&format!("error: ctrl-C: {error}"));
            return Exit::Unusable;
        }
    };
    let mut exit = Exit::Fine;
    for file in &files {
        if stop.is_asked() {
            // What was asked for was not done.
            output::note(&format!("stopped: {} was not tried", file.display()));
            exit = exit.max(Exit::Unusable);
            break;
        }
        exit = exit.max(one(args, file, &options, &stop));
    }
    exit
}

fn one(args: &ExploreArgs, file: &Path, options: &Options, stop: &Stop) -> Exit {
    let Some(scenario) = files::scenario(file) else { return Exit::Unusable };
    let ladder = climb_while(&scenario, options, &|| !stop.is_asked());
    let mut exit = match (ladder.stands(), ladder.is_stopped) {
        (false, _) => Exit::Unexpected,
        (true, true) => Exit::Unusable,
        (true, false) => Exit::Fine,
    };
    let mut written = None;
    if let (Some(folder), Some(rung)) = (&args.failures, ladder.first_broken())
        && let Some(found) = &rung.found
    {
        match save(folder, file, rung, found) {
            Ok(paths) => written = Some(paths),
            Err(error) => {
                output::note(&format!("error: {}: {error}", folder.display()));
                exit = Exit::Unusable;
            }
        }
    }
    let command = written.as_ref().map(|(_, failure)| replay_command(&show(failure)));
    match args.format {
        Format::Text => {
            output::line(&format!("{}: {}", file.display(), scenario.summary()));
            output::text(&text(&ladder));
            broken(args, file, &ladder, written.as_ref());
        }
        Format::Json => {
            let mut line = json(&ladder, &scenario);
            line["repeat"] = value!(command);
            output::line(&line.to_string());
        }
    }
    exit
}

/// Tells of the smallest failure at the first rung that breaks the code, and how to see it.
fn broken(args: &ExploreArgs, file: &Path, ladder: &Ladder, written: Option<&(PathBuf, PathBuf)>) {
    let Some(found) = ladder.first_broken().and_then(|rung| rung.found.as_deref()) else { return };
    let said = found.run.outcome.render(found.scenario.source(), output::colours());
    output::note(&format!("\n{}", said.trim_end()));
    let command = if let Some((scenario, failure)) = written {
        output::note(&format!("\nits scenario is {}", scenario.display()));
        replay_command(&show(failure))
    } else {
        output::note("\nits scenario and its failure are written with `--failures DIR`");
        let (file, runs) = (show(file), args.runs.map(|runs| runs.to_string()));
        let mut words = vec!["headcrash", "explore", &file, "--ladder", "--failures", "failures"];
        words.extend(runs.iter().flat_map(|runs| ["--runs", runs]));
        command_line(words)
    };
    output::note(&format!("see it with\n  {command}"));
}

/// A path as a command takes it.
fn show(path: &Path) -> String {
    let text = path.display().to_string();
    if text.starts_with('-') { format!("./{text}") } else { text }
}

/// Writes `TOPIC__NAME-RUNG.ron`, the scenario, and its failure beside it.
fn save(folder: &Path, file: &Path, rung: &Rung, found: &Found) -> io::Result<(PathBuf, PathBuf)> {
    std::fs::create_dir_all(folder)?;
    let name = file.with_extension("").display().to_string();
    let parts: Vec<_> =
        name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    let stem = format!("{}-{}", parts.join("__"), rung.id);
    let scenario = folder.join(format!("{stem}.ron"));
    let failure = folder.join(format!("{stem}.failure.ron"));
    let mut recorded = Failure::of(&found.scenario, &found.run, Some(found.seed));
    recorded.scenario = scenario.display().to_string();
    files::write_new(&scenario, found.scenario.source().text())?;
    files::write_new(&failure, &recorded.to_ron())?;
    Ok((scenario, failure))
}
