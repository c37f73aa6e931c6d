//! `headcrash crash`, of a scenario.

use headcrash_scenario::{
    Keep, Run, Scenario, Search, command_line, explore, replay_command, run_seed, trace,
};

use crate::args::{CrashArgs, Format, Loaded};
use crate::{Exit, crash_log, files, output, run};

/// Explores the states that power cuts can leave.
pub(crate) fn crash(args: &CrashArgs) -> Exit {
    match crash_log::is_log(&args.file) {
        Ok(true) => crash_log::crash(args),
        Ok(false) => scenario(args),
        Err(error) => {
            output::note(&format!("error: {}: {error}", args.file.display()));
            Exit::Unusable
        }
    }
}

/// The options that are about the other kind of file.
fn misplaced(args: &CrashArgs) -> Option<&'static str> {
    let given = [
        (args.device.is_some(), "--device"),
        (args.sector.is_some(), "--sector"),
        (args.size.is_some(), "--size"),
        (args.prefixes, "--prefixes"),
        (args.check.is_some(), "--check"),
        (args.check_timeout.is_some(), "--check-timeout"),
    ];
    given.into_iter().find(|(is_given, _)| *is_given).map(|(_, name)| name)
}

fn scenario(args: &CrashArgs) -> Exit {
    if let Some(option) = misplaced(args) {
        output::note(&format!(
            "error: {option} is about logs of writes, and {} is a scenario, which says that of its \
             disks itself",
            args.file.display()
        ));
        return Exit::Unusable;
    }
    let Some(mut scenario) = files::loaded(&args.file, &args.image) else {
        return Exit::Unusable;
    };
    let seed = args.seed.or_else(|| scenario.seeds().iter().next()).unwrap_or_default();
    let is_added = scenario.cut_everywhere();
    if is_added {
        output::note(&format!(
            "{}: the power never goes there: here it goes at every moment, and there is no recovery \
             to look at what is left",
            args.file.display()
        ));
    }
    scenario.search_instead(search(args, scenario.search().unwrap_or(Search::USUAL)));
    if args.points {
        return points(args, &mut scenario, seed);
    }
    let run = run_seed(&scenario, seed, Keep::Trace);
    let Some(found) = &run.exploration else {
        output::note("error: nothing was explored");
        return Exit::Unusable;
    };
    match args.format {
        Format::Text => output::text(&trace::crash(&scenario, found)),
        Format::Json => output::line(&trace::crash_json(&scenario, found, seed)),
    }
    if run.is_expected(&scenario) {
        return Exit::Fine;
    }
    unexpected(args, &scenario, &run, seed, is_added)
}

/// What is searched: as the command says, and else as the scenario does.
fn search(args: &CrashArgs, own: Search) -> Search {
    let search = match (args.eager, args.depth, own) {
        (Some(k), _, _) => Search::Eager { k, runs: own.runs() },
        (None, Some(depth), Search::CrashStates { order, runs, .. }) => {
            Search::CrashStates { depth, runs, order }
        }
        (None, Some(depth), own) => match Search::USUAL.with_runs(own.runs()) {
            Search::CrashStates { runs, order, .. } => Search::CrashStates { depth, runs, order },
            other => other,
        },
        (None, None, own) => own,
    };
    args.runs.map_or(search, |runs| search.with_runs(runs))
}

fn points(args: &CrashArgs, scenario: &mut Scenario, seed: u64) -> Exit {
    scenario.search_instead(Search::USUAL.with_runs(0));
    let found = explore(scenario, seed);
    match args.format {
        Format::Text => output::text(&trace::crash_points(scenario, &found)),
        Format::Json => output::line(&trace::crash_json(scenario, &found, seed)),
    }
    Exit::Fine
}

fn unexpected(args: &CrashArgs, scenario: &Scenario, run: &Run, seed: u64, is_added: bool) -> Exit {
    let said = run.outcome.render(scenario.source(), output::colours());
    let name = scenario.source().name();
    let (got, wanted) = (run.outcome.label(), scenario.expect());
    output::note(&format!("{name}: seed {seed}: {got}, and {wanted} was expected"));
    if !said.is_empty() {
        output::note(&said);
    }
    let mut repeat = command(args, seed);
    let mut exit = Exit::Unexpected;
    match &args.failures {
        Some(folder) if !is_added => match run::save(folder, scenario, run, seed) {
            Ok(path) => {
                output::note(&format!("recorded in {}", path.display()));
                repeat = replay_command(&path.display().to_string());
                repeat.push_str(&images(&args.image));
            }
            Err(error) => {
                output::note(&format!("error: {}: {error}", folder.display()));
                exit = Exit::Unusable;
            }
        },
        Some(_) => output::note("not recorded: a failure is of a scenario with a power cut"),
        None => {}
    }
    output::note(&format!("\nrepeat with\n  {repeat}"));
    exit
}

/// The command that explores the same again.
fn command(args: &CrashArgs, seed: u64) -> String {
    let file = args.file.display().to_string();
    let file = if file.starts_with('-') { format!("./{file}") } else { file };
    let mut words = vec!["headcrash".to_owned(), "crash".to_owned(), file];
    words.extend(["--seed".to_owned(), seed.to_string()]);
    for (name, number) in [("--eager", args.eager), ("--depth", args.depth), ("--runs", args.runs)]
    {
        words.extend(number.into_iter().flat_map(|n| [name.to_owned(), n.to_string()]));
    }
    command_line(words.iter().map(String::as_str)) + &images(&args.image)
}

/// What disks began with, as further words of a command.
pub(crate) fn images(images: &[Loaded]) -> String {
    let mut words = String::new();
    for Loaded { disk, file } in images {
        let file = file.display();
        let word = disk.as_ref().map_or_else(|| file.to_string(), |disk| format!("{disk}={file}"));
        words.push_str(" --image ");
        words.push_str(&command_line([word.as_str()]));
    }
    words
}
