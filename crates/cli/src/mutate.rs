//! `headcrash explore --mutate`.

use std::path::Path;

use headcrash_scenario::mutate::{Options, What, json, mutate_while, text};
use headcrash_scenario::repeat_command;

use crate::args::{ExploreArgs, Format, Mutate};
use crate::explore::stop::Stop;
use crate::{Exit, files, output};

/// Leaves out one thing at a time, of each file.
pub(crate) fn mutate(args: &ExploreArgs) -> Exit {
    let files = match files::scenario_files(&args.paths) {
        Ok(files) => files,
        Err(error) => {
            output::note(&format!("error: {error}"));
            return Exit::Unusable;
        }
    };
    let what = match args.mutate {
        Some(Mutate::Rules) => What::Rules,
        Some(Mutate::Flushes) | None => What::Flushes,
    };
    let options = Options { runs: args.runs.unwrap_or_else(|| Options::default().runs) };
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
            output::note(&format!("stopped: nothing was left out of {}", file.display()));
            exit = exit.max(Exit::Unusable);
            break;
        }
        exit = exit.max(one(args.format, file, what, &options, &stop));
    }
    exit
}

fn one(format: Format, file: &Path, what: What, options: &Options, stop: &Stop) -> Exit {
    let Some(scenario) = files::scenario(file) else { return Exit::Unusable };
    let mutations = mutate_while(&scenario, what, options, &|| !stop.is_asked());
    let source = scenario.source();
    match format {
        Format::Text => {
            for diagnostic in mutations.unnoticed().filter_map(|one| one.diagnostic()) {
                output::note(&format!("{}\n", source.render(&diagnostic, output::colours())));
            }
            output::line(&format!("{}: {}", file.display(), scenario.summary()));
            output::text(&text(&mutations, &scenario));
        }
        Format::Json => output::line(&json(&mutations, &scenario).to_string()),
    }
    if let Some((seed, outcome)) = &mutations.broken {
        let said = outcome.render(source, output::colours());
        output::note(&format!("{said}\nrepeat with\n  {}", repeat_command(source.name(), *seed)));
        return Exit::Unusable;
    }
    match (mutations.unnoticed().next().is_some(), mutations.is_stopped) {
        (true, _) => Exit::Unexpected,
        (false, true) => Exit::Unusable,
        (false, false) => Exit::Fine,
    }
}
