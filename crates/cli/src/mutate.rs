//! `headcrash explore --mutate`.

use std::path::Path;

use headcrash_scenario::mutate::{Options, What, json, mutate as leave_out, text};
use headcrash_scenario::repeat_command;

use crate::args::{ExploreArgs, Format, Mutate};
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
    files.iter().map(|file| one(args.format, file, what, &options)).max().unwrap_or(Exit::Fine)
}

fn one(format: Format, file: &Path, what: What, options: &Options) -> Exit {
    let Some(scenario) = files::scenario(file) else { return Exit::Unusable };
    let mutations = leave_out(&scenario, what, options);
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
    if mutations.unnoticed().next().is_some() { Exit::Unexpected } else { Exit::Fine }
}
